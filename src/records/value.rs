//! The values of a record while they are open: text, whole numbers and lists of text.
//! Never prints or copies what it holds except into an answer.
//! A value was checked against its field when it was parsed, and dates, codes and numbers are in canonical form.

use super::{Reason, Sensitive};
use serde_json::Value as Json;

/// The value of one field.
#[derive(Debug)]
pub enum Value {
    /// Every kind but the whole number.
    Text(Sensitive<String>),
    /// A whole number.
    Integer(Sensitive<i64>),
    /// A field that holds several texts.
    List(Vec<Sensitive<String>>),
}

impl Value {
    /// The value in clear, for an answer whose permit says `raw`. The copy is the answer's; it is not wiped.
    pub fn to_json(&self) -> Json {
        match self {
            Value::Text(text) => Json::from(text.expose_for(Reason::Answer).as_str()),
            Value::Integer(number) => Json::from(*number.expose_for(Reason::Answer)),
            Value::List(items) => {
                items.iter().map(|item| item.expose_for(Reason::Answer).as_str()).collect()
            }
        }
    }

    /// A copy in custody of its own, for a section that is sealed anew or a write that is tried again.
    pub fn duplicate(&self) -> Value {
        let copy =
            |text: &Sensitive<String>| Sensitive::new(text.expose_for(Reason::Sealing).clone());
        match self {
            Value::Text(text) => Value::Text(copy(text)),
            Value::Integer(number) => {
                Value::Integer(Sensitive::new(*number.expose_for(Reason::Sealing)))
            }
            Value::List(items) => Value::List(items.iter().map(copy).collect()),
        }
    }

    /// The text, when it is one.
    pub fn as_text(&self) -> Option<&Sensitive<String>> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_go_into_answers_as_their_json_types() {
        let list = vec![Sensitive::new("a".to_owned()), Sensitive::new("b".to_owned())];
        assert_eq!(Value::Text(Sensitive::new("张三".to_owned())).to_json(), json!("张三"));
        assert_eq!(Value::Integer(Sensitive::new(-4)).to_json(), json!(-4));
        assert_eq!(Value::List(list).to_json(), json!(["a", "b"]));
    }

    #[test]
    fn debug_shows_no_value() {
        let value = Value::Text(Sensitive::new("12900001234".to_owned()));
        assert_eq!(format!("{value:?}"), "Text(Sensitive)");
    }
}
