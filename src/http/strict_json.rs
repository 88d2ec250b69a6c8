//! JSON as this vault takes it: one value, no key twice, no deeper than needed.
//! Never lets two parsers disagree about a body: what is ambiguous is refused.
//! What does not parse is told apart by a word of the vault's own alone; the parser's reason stays inside.

use crate::limits::BODY_DEPTH_MAX;
use serde::de::value::MapAccessDeserializer;
use serde::de::{
    Deserialize, DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess,
    Visitor,
};
use serde_json::{Map, Number, Value};
use std::fmt;
use std::marker::PhantomData;

/// Up to here a whole number with one decimal place is read without loss; no field and no limit is larger.
const WHOLE_MAX: f64 = 100_000_000_000_000.0;

/// A body that is not acceptable JSON.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotStrictJson;

/// What is said inside of a key that came twice.
const TWICE: &str = "a key came twice";
/// What is said inside of a body that is nested too deep.
const TOO_DEEP: &str = "too deep";

/// Parses a whole body.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, NotStrictJson> {
    parse_or_reason(bytes).map_err(|_| NotStrictJson)
}

/// The same, with the stable word for why it is none.
pub(super) fn parse_or_reason(bytes: &[u8]) -> Result<Value, &'static str> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let parsed = Strict { depth: 0 }.deserialize(&mut deserializer);
    match parsed.and_then(|value| deserializer.end().map(|()| value)) {
        Ok(value) => Ok(value),
        Err(error) => Err(match error.to_string() {
            text if text.starts_with(TWICE) => "repeated_member",
            text if text.starts_with(TOO_DEEP) => "too_deep",
            _ => "not_json",
        }),
    }
}

/// A member that holds an object of any names: strict like a whole body, wherever it is read from.
pub(super) struct StrictObject(pub(super) Map<String, Value>);

impl<'de> Deserialize<'de> for StrictObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<StrictObject, D::Error> {
        // It stands inside an object.
        match (Strict { depth: 1 }).deserialize(deserializer)? {
            Value::Object(members) => Ok(StrictObject(members)),
            _ => Err(D::Error::custom("not an object")),
        }
    }
}

/// An object by its names. What is derived would take an array too, its items for the members in order; this does not,
/// wherever it is read from.
pub(super) struct Members<T>(pub(super) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Members<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Members<T>, D::Error> {
        deserializer.deserialize_map(ByNames(PhantomData)).map(Members)
    }
}

struct ByNames<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ByNames<T> {
    type Value = T;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(members))
    }
}

/// Makes a request of a parsed body.
pub(super) fn request<T: DeserializeOwned>(body: Value) -> Result<T, NotStrictJson> {
    Members::deserialize(body).map(|members| members.0).map_err(|_| NotStrictJson)
}

#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Strict {
    fn deeper<E: Error>(self) -> Result<Strict, E> {
        if self.depth >= BODY_DEPTH_MAX {
            return Err(E::custom(TOO_DEEP));
        }
        Ok(Strict { depth: self.depth + 1 })
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        // JSON has one kind of number: what some clients write as `3.0` is the whole number three.
        if value.fract() == 0.0 && value.abs() <= WHOLE_MAX {
            return Ok(Value::Number((value as i64).into()));
        }
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not finite"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut map = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(TWICE));
            }
            let value = members.next_value_seed(inner)?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ordinary_bodies_parse_as_usual() {
        let body = r#"{"a": [1, -2, 1.5, null, true], "b": {"c": "𠮷"}}"#;
        assert_eq!(
            parse(body.as_bytes()),
            Ok(json!({"a": [1, -2, 1.5, null, true], "b": {"c": "𠮷"}}))
        );
    }

    #[test]
    fn whole_number_is_one_however_it_is_written() {
        assert_eq!(parse(b"[3.0, 3e2, -0.0, 1.5]"), Ok(json!([3, 300, 0, 1.5])));
        assert_eq!(parse(b"100000000000000.0"), Ok(json!(100_000_000_000_000_i64)));
        assert_eq!(parse(b"100000000000001.0"), Ok(json!(100_000_000_000_001.0)));
    }

    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        inner: Option<Members<Inner>>,
        #[serde(default)]
        many: Vec<Members<Inner>>,
    }

    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        number: i64,
    }

    #[test]
    fn object_is_made_of_named_members_alone() {
        let body = json!({"inner": {"number": 1}, "many": [{"number": 2}]});
        let made: Outer = request(body).expect("an object of objects");
        assert_eq!(made.inner.map(|inner| inner.0.number), Some(1));
        assert_eq!(made.many.iter().map(|inner| inner.0.number).sum::<i64>(), 2);
        assert!(request::<Outer>(json!({"inner": null})).is_ok());
        for body in [
            json!([{"number": 1}]),
            json!([null, []]),
            json!({"inner": [1]}),
            json!({"inner": null, "many": [[2]]}),
            json!({"inner": null, "other": 1}),
            json!("inner"),
            json!(null),
        ] {
            assert!(request::<Outer>(body.clone()).is_err(), "{body}");
        }
    }

    #[test]
    fn a_key_that_comes_twice_is_refused_at_any_depth() {
        assert_eq!(parse(br#"{"a": 1, "a": 2}"#), Err(NotStrictJson));
        assert_eq!(parse(br#"{"x": [{"a": 1, "\u0061": 2}]}"#), Err(NotStrictJson));
    }

    #[test]
    fn depth_is_taken_at_the_limit_and_refused_beyond_it() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(BODY_DEPTH_MAX).as_bytes()).is_ok());
        assert_eq!(parse(nested(BODY_DEPTH_MAX + 1).as_bytes()), Err(NotStrictJson));
        assert_eq!(parse(nested(100_000).as_bytes()), Err(NotStrictJson));
    }

    #[test]
    fn what_is_not_one_json_value_in_utf_8_is_refused() {
        for body in [
            &b""[..],
            b"{} {}",
            b"{\"a\": \"\\ud800\"}",
            b"\"\xff\"",
            b"{a: 1}",
            b"[1,]",
            b"NaN",
            b"1e999",
        ] {
            assert_eq!(parse(body), Err(NotStrictJson), "{body:?}");
        }
    }
}
