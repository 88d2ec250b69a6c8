//! Nothing: what is here is in the tests, which hold the log crate against programs of others.
//! Never a part of the product, and no crate depends on it.
//! It lies outside of the workspace, so that what the others bring stays outside of its tree.
