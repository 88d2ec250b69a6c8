//! The log through its public face: what the writer makes, the verifier accepts; what anyone changes, it finds.
//! Never looks into the crate: files are changed as an attacker would change them.
//! Every piece of tampering is expected by class and by the first entry concerned.

mod certificates;
mod consistency;
mod content;
mod cosignatures;
mod digests;
mod fixtures;
mod flips;
mod held;
mod notes;
mod policies;
mod program;
mod pruning;
mod quorum;
mod recovery;
mod round_trip;
mod served;
mod server;
mod support;
mod tampering;
mod turned;
mod witness;
