//! What a record is: ids, classes, schemas, values, validators and masks.
//! Never reads a clock, a file or randomness, and never decides who may see what.
//! A value is checked once, when it is parsed; from then on its type says that it is right.

mod birthdays;
mod code_list;
pub mod detector;
mod external_ref;
mod facts;
mod field;
mod field_file;
mod forbidden;
mod ids;
mod mask;
mod normalise;
pub mod numbers;
mod parse;
mod plain_fields;
mod problem;
mod restraint;
mod retention;
mod schema;
mod schema_file;
mod sensitive;
mod text;
mod value;
mod words;

pub use birthdays::{
    BIRTH_DATE, Birthdays, GUARDIAN_FIELDS, ID_NUMBER, days_by_number, days_since_epoch,
    protected_days, turns_14_18,
};
pub use code_list::{Code, CodeList};
pub use external_ref::{ExternalRef, ExternalRefError};
pub use facts::{BasisFact, Facts, FactsError};
pub use field::{Field, FieldKind, MaskRule};
pub use ids::{
    CaptureId, Handle, ID_CHARACTERS, IdError, MandateId, Owner, RecordId, RecordRef, SubjectId,
    Target,
};
pub use mask::{Displayed, MASKS_VERSION, covered, mask};
pub use normalise::normalise;
pub use parse::ParsedPatch;
pub use plain_fields::{PlainFields, PlainFieldsError};
pub use problem::{FieldProblem, ProblemReason};
pub use restraint::{Restraint, RestraintKind};
pub use retention::{EndRule, Retention, RetentionStart};
pub use schema::{Schema, SchemaError, SchemaSet, Section, SubjectSlot};
pub use sensitive::{Reason, Sensitive};
pub use text::{check_characters, is_free_text, is_slug};
pub use value::Value;
pub use words::{Class, LegalKind, RecordType, UnknownWord, View};

#[cfg(test)]
mod tests;
