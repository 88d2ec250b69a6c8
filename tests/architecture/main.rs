//! The house's own rules, held by tests: who may import whom, how long things are, what must not compile.
//! Never looks at behaviour; that belongs to the rooms' own tests and to the product's.
//! Every rule is also fed a snippet that breaks it, so that a rule which cannot fail is noticed.

mod compile_fail;
mod imports;
mod manifests;
mod mentions;
mod rooms;
mod sizes;
mod source;
