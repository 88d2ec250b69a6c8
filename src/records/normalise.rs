//! The form of a value that exact matching compares.
//! Never invents likeness: only width, case, space and the point in names are folded, nothing is guessed.
//! Equal values give equal bytes, whichever path they came by.

use super::text::fold;
use super::{Field, FieldKind, FieldProblem, ProblemReason, Reason, Value};
use zeroize::Zeroizing;

/// The bytes that an index term is made of. Characters are not composed (no NFC): keyboards here give composed ones.
///
/// # Errors
/// [`ProblemReason::NotMatchable`] when the field's kind has too few values to be matched, or the value is a list;
/// [`ProblemReason::WrongType`] when it is a number.
pub fn normalise(field: &Field, value: &Value) -> Result<Zeroizing<Vec<u8>>, FieldProblem> {
    let problem = |reason| FieldProblem::new(&field.name, reason);
    if !field.kind.is_matchable() {
        return Err(problem(ProblemReason::NotMatchable));
    }
    let text = match value {
        Value::Text(text) => text.expose_for(Reason::Matching),
        Value::List(_) => return Err(problem(ProblemReason::NotMatchable)),
        Value::Integer(_) => return Err(problem(ProblemReason::WrongType)),
    };
    let normalised = match field.kind {
        FieldKind::Phone => {
            let digits = text.bytes().filter(u8::is_ascii_digit).collect::<Vec<u8>>();
            Zeroizing::new(digits)
        }
        _ => Zeroizing::new(fold(text).as_bytes().to_vec()),
    };
    if normalised.is_empty() { Err(problem(ProblemReason::Empty)) } else { Ok(normalised) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{RecordType, SchemaSet};
    use jiff::civil::{Date, date};
    use serde_json::json;

    const TODAY: Date = date(2026, 1, 1);

    fn term(name: &str, text: &str) -> Result<Vec<u8>, ProblemReason> {
        let set = SchemaSet::built_in().expect("the shipped schemas load");
        let person = set.get(RecordType::Person).expect("a person schema");
        let field = person.field(name).expect("a known field");
        let value = Value::parse(field, json!(text), TODAY).map_err(|problem| problem.reason)?;
        normalise(field, &value).map(|bytes| bytes.to_vec()).map_err(|problem| problem.reason)
    }

    #[test]
    fn two_writings_of_one_number_have_one_term() {
        assert_eq!(term("id_number", "11010519491231002x"), Ok(b"11010519491231002X".to_vec()));
        assert_eq!(
            term("id_number", "１１０１０５１９４９１２３１００２ｘ"),
            Ok(b"11010519491231002X".to_vec())
        );
        assert_eq!(term("phone", "+86 129 0000 1234"), Ok(b"12900001234".to_vec()));
        assert_eq!(term("phone", "(0530) 5551234"), term("phone", "0530-5551234"));
    }

    #[test]
    fn fields_of_few_values_cannot_be_matched() {
        assert_eq!(term("sex", "1"), Err(ProblemReason::NotMatchable));
        assert_eq!(term("birth_date", "1980-01-01"), Err(ProblemReason::NotMatchable));
    }
}
