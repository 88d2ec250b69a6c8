//! Why a file of purposes does not load.
//! Never about a resident: the file holds none.
//! Each error names the file's purpose and the word.

use crate::records::UnknownWord;

/// Why purposes do not load.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PurposeError {
    /// Not the TOML that is expected: broken, a key that is unknown or missing, or a wrong type.
    #[error("{file} line {line}: {detail}")]
    Syntax {
        /// The file.
        file: &'static str,
        /// The line, from 1; 0 when the parser does not say.
        line: usize,
        /// What the parser says, with the word.
        detail: String,
    },
    /// A word that its vocabulary does not have.
    #[error("{file}: purpose `{purpose}`: {word}")]
    UnknownWord {
        /// The file.
        file: &'static str,
        /// The purpose.
        purpose: String,
        /// The word and its vocabulary.
        word: UnknownWord,
    },
    /// The name of an aim, not of a task.
    #[error(
        "{file}: purpose `{purpose}` is refused: `{title}` names no legal task, no organ and no fields"
    )]
    RefusedTitle {
        /// The file.
        file: &'static str,
        /// The purpose.
        purpose: String,
        /// The title that is refused.
        title: &'static str,
    },
    /// A field that the schema of the type does not have.
    #[error("{file}: purpose `{purpose}`: no schema has `{record_type}.{field}`")]
    UnknownField {
        /// The file.
        file: &'static str,
        /// The purpose.
        purpose: String,
        /// The type of record.
        record_type: String,
        /// The field.
        field: String,
    },
    /// Sensitive fields without an assessment (PIPL Art. 55).
    #[error("{file}: purpose `{purpose}` lists sensitive `{field}` and names no impact assessment")]
    AssessmentMissing {
        /// The file.
        file: &'static str,
        /// The purpose.
        purpose: String,
        /// The first such field.
        field: String,
    },
    /// A duty or an emergency without the law and the organ that it rests on (PIPL Art. 13 and 34).
    #[error("{file}: purpose `{purpose}`: basis `{basis}` needs a statute and an organ")]
    StatuteMissing {
        /// The file.
        file: &'static str,
        /// The purpose.
        purpose: String,
        /// The basis.
        basis: String,
    },
    /// Something that is needed is not there, or stands twice.
    #[error("{file}: purpose `{purpose}`: {rule}")]
    Inconsistent {
        /// The file.
        file: &'static str,
        /// The purpose.
        purpose: String,
        /// The rule that is broken.
        rule: &'static str,
    },
}
