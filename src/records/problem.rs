//! What can be wrong with a value that a caller sends.
//! Never repeats the value; it names the field and one stable reason.
//! The reasons are part of the API: forms show a text for each.

use super::is_slug;
use std::fmt;

/// Why a value was refused. The words are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProblemReason {
    /// The schema has no such field.
    UnknownField,
    /// A required field is not there.
    Missing,
    /// Nothing but space.
    Empty,
    /// Not the JSON type of the field.
    WrongType,
    /// Longer than the field allows, in characters.
    TooLong,
    /// More items than a list may have.
    TooMany,
    /// The same item twice in a list.
    Repeated,
    /// A number outside the field's range.
    OutOfRange,
    /// A control or invisible character.
    ControlCharacter,
    /// A character that changes the direction of text.
    BidirectionalCharacter,
    /// A private-use or unassigned character.
    UnassignedCharacter,
    /// A character that this kind of number does not have.
    WrongCharacter,
    /// Not as long as this kind of number is.
    WrongLength,
    /// The check digit does not fit the other digits.
    WrongCheckDigit,
    /// A day that no calendar has.
    ImpossibleDate,
    /// A day after today.
    FutureDate,
    /// A day before the field's first year.
    TooEarly,
    /// A day by which the record would be over already, or within a week: it is removed instead.
    AlreadyOver,
    /// Not in the field's code list.
    UnknownCode,
    /// The 15-digit card number that is out of use.
    FifteenDigitNumber,
    /// A service or extension number, not a telephone of a person.
    ShortNumber,
    /// A landline without its area code.
    AreaCodeMissing,
    /// Not a mainland mobile or landline number.
    WrongNumber,
    /// Not a time in RFC 3339.
    WrongTime,
    /// Not an id.
    WrongReference,
    /// Free text about no person holds an identity, bank card or telephone number.
    PersonalNumber,
    /// Not a cursor of this caller for this question, or one that is over.
    WrongCursor,
    /// This kind of field cannot be matched.
    NotMatchable,
}

impl ProblemReason {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            ProblemReason::UnknownField => "unknown_field",
            ProblemReason::Missing => "missing",
            ProblemReason::Empty => "empty",
            ProblemReason::WrongType => "wrong_type",
            ProblemReason::TooLong => "too_long",
            ProblemReason::TooMany => "too_many",
            ProblemReason::Repeated => "repeated",
            ProblemReason::OutOfRange => "out_of_range",
            ProblemReason::ControlCharacter => "control_character",
            ProblemReason::BidirectionalCharacter => "bidirectional_character",
            ProblemReason::UnassignedCharacter => "unassigned_character",
            ProblemReason::WrongCharacter => "wrong_character",
            ProblemReason::WrongLength => "wrong_length",
            ProblemReason::WrongCheckDigit => "wrong_check_digit",
            ProblemReason::ImpossibleDate => "impossible_date",
            ProblemReason::FutureDate => "future_date",
            ProblemReason::TooEarly => "too_early",
            ProblemReason::AlreadyOver => "already_over",
            ProblemReason::UnknownCode => "unknown_code",
            ProblemReason::FifteenDigitNumber => "fifteen_digit_number",
            ProblemReason::ShortNumber => "short_number",
            ProblemReason::AreaCodeMissing => "area_code_missing",
            ProblemReason::WrongNumber => "wrong_number",
            ProblemReason::WrongTime => "wrong_time",
            ProblemReason::WrongReference => "wrong_reference",
            ProblemReason::PersonalNumber => "personal_number",
            ProblemReason::WrongCursor => "wrong_cursor",
            ProblemReason::NotMatchable => "not_matchable",
        }
    }
}

impl fmt::Display for ProblemReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A refused value: its field and the reason, never the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("field `{field}`: {reason}")]
pub struct FieldProblem {
    /// The field. A name that a caller made up is kept only when it has the shape of a field name.
    pub field: String,
    /// Why.
    pub reason: ProblemReason,
}

impl FieldProblem {
    /// A problem of a field. A name that the schema does not have, or that cannot be a field's, may itself be a value,
    /// so it becomes `?`.
    pub fn new(field: &str, reason: ProblemReason) -> FieldProblem {
        let known = reason != ProblemReason::UnknownField && is_slug(field);
        let field = if known { field } else { "?" };
        FieldProblem { field: field.to_owned(), reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_made_up_field_name_that_is_a_value_is_not_repeated() {
        let problem = FieldProblem::new("880102195203121043", ProblemReason::UnknownField);
        assert_eq!(problem.to_string(), "field `?`: unknown_field");
    }
}
