//! What can go wrong with the index. None of it is a fault of the log.
//! Never carries what an entry says.
//! A damaged index is thrown away and made again.

/// Why the index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// A file cannot be read or written.
    #[error("a file of the search index cannot be read or written")]
    Io(#[from] std::io::Error),
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Log(#[from] gridvault_audit::LogError),
    /// A file is not what it should be.
    #[error("a file of the search index is damaged")]
    Damaged,
}
