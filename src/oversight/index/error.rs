//! What can go wrong with the index. None of it is a fault of the log.
//! Never carries what an entry says.
//! A damaged index is thrown away and made again.

/// Why the index cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// A file cannot be read or written.
    #[error("a file of the search index cannot be read or written")]
    Io(#[source] std::io::Error),
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Log(#[from] gridvault_audit::LogError),
    /// A file is not what it should be.
    #[error("a file of the search index is damaged")]
    Damaged,
}

/// A file that ends too soon is damaged, whatever else the system says is the system's.
impl From<std::io::Error> for IndexError {
    fn from(error: std::io::Error) -> IndexError {
        match error.kind() {
            std::io::ErrorKind::UnexpectedEof => IndexError::Damaged,
            _ => IndexError::Io(error),
        }
    }
}
