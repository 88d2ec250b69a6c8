//! The open fields of a section, and the exact bytes that are sealed.
//! Never leaves a copy behind: buffers have their final size from the start and are wiped.
//! The same fields always give the same bytes, and other bytes are refused.

use super::{Reason, Sensitive, Value, is_slug};
use crate::limits::{RECORD_FIELDS_MAX, SECTION_BYTES_MAX};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Version of the byte format, in front of it.
const FORMAT: u8 = 1;

/// Fields and their values, by name.
///
/// The byte form is one format byte (1), then postcard (specification 1.0) of the count and, in ascending order of
/// names, each name and a value: variant 0 text, 1 whole number (zigzag varint), 2 list of texts.
#[derive(Debug, Default)]
pub struct PlainFields(BTreeMap<String, Value>);

/// Why bytes are no set of fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlainFieldsError {
    /// More fields or bytes than a section may hold.
    #[error("section holds more than it may")]
    TooLarge,
    /// Sealed under a format that this version does not know.
    #[error("section has an unknown format")]
    UnknownFormat,
    /// Not the one encoding of any set.
    #[error("section is malformed")]
    Malformed,
}

/// The borrowed form that is written and read.
#[derive(Serialize, Deserialize)]
enum PlainValue<'a> {
    Text(&'a str),
    Integer(i64),
    #[serde(borrow)]
    List(Vec<&'a str>),
}

impl PlainFields {
    /// No fields.
    pub fn new() -> PlainFields {
        PlainFields::default()
    }

    /// Puts a field, in place of an earlier value.
    pub fn insert(&mut self, name: String, value: Value) {
        self.0.insert(name, value);
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Takes a field out.
    pub fn remove(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }

    /// All fields, in ascending order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// How many fields.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes to seal. Every schema is so bounded that a section's fields fit into `SECTION_BYTES_MAX`.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        PlainFields::encode_these(self.iter())
    }

    /// The bytes to seal for a set of exactly these fields, without a copy of their values.
    pub fn encode_these<'a>(
        fields: impl Iterator<Item = (&'a str, &'a Value)>,
    ) -> Zeroizing<Vec<u8>> {
        let plain: BTreeMap<&str, PlainValue<'_>> =
            fields.map(|(name, value)| (name, borrowed(value))).collect();
        let size = postcard::experimental::serialized_size(&plain)
            .expect("text and whole numbers always have a size");
        // Sized once: a buffer that grows would leave its earlier, shorter copies in memory.
        let mut bytes = Zeroizing::new(vec![0; size + 1]);
        bytes[0] = FORMAT;
        postcard::to_slice(&plain, &mut bytes[1..]).expect("the buffer has the size just counted");
        bytes
    }

    /// Reads opened bytes back.
    ///
    /// # Errors
    /// When the bytes are not exactly what [`PlainFields::encode`] gives for some set.
    pub fn decode(bytes: &[u8]) -> Result<PlainFields, PlainFieldsError> {
        if bytes.len() > SECTION_BYTES_MAX {
            return Err(PlainFieldsError::TooLarge);
        }
        let (format, body) = bytes.split_first().ok_or(PlainFieldsError::Malformed)?;
        if *format != FORMAT {
            return Err(PlainFieldsError::UnknownFormat);
        }
        let (plain, rest): (BTreeMap<&str, PlainValue<'_>>, _) =
            postcard::take_from_bytes(body).map_err(|_| PlainFieldsError::Malformed)?;
        if plain.len() > RECORD_FIELDS_MAX {
            return Err(PlainFieldsError::TooLarge);
        }
        // A repeated name, names out of order and padded numbers all read the same but encode otherwise.
        let size = postcard::experimental::serialized_size(&plain).ok();
        let mut again = Zeroizing::new(vec![0; body.len()]);
        let written = postcard::to_slice(&plain, &mut again).map(|slice| &*slice == body);
        let names = plain.keys().all(|name| is_slug(name));
        if !rest.is_empty() || size != Some(body.len()) || written != Ok(true) || !names {
            return Err(PlainFieldsError::Malformed);
        }
        let fields = plain.into_iter().map(|(name, value)| (name.to_owned(), owned(value)));
        Ok(PlainFields(fields.collect()))
    }
}

impl PlainFields {
    /// Reads from opened bytes the values of the fields that have a place in `into`, and makes no value of any other.
    /// For bytes that were authenticated as ones of [`PlainFields::encode`]: each field is read once.
    ///
    /// # Errors
    /// As [`PlainFields::decode`], for what can be seen in one pass.
    pub fn pick(
        bytes: &[u8],
        place: impl Fn(&str) -> Option<usize>,
        into: &mut [Option<Value>],
    ) -> Result<(), PlainFieldsError> {
        let (format, body) = bytes.split_first().ok_or(PlainFieldsError::Malformed)?;
        if *format != FORMAT {
            return Err(PlainFieldsError::UnknownFormat);
        }
        let malformed = |_| PlainFieldsError::Malformed;
        let (count, mut rest): (usize, _) = postcard::take_from_bytes(body).map_err(malformed)?;
        if count > RECORD_FIELDS_MAX || bytes.len() > SECTION_BYTES_MAX {
            return Err(PlainFieldsError::TooLarge);
        }
        let mut before = "";
        for _ in 0..count {
            let ((name, value), after): ((&str, PlainValue<'_>), _) =
                postcard::take_from_bytes(rest).map_err(malformed)?;
            if name <= before {
                return Err(PlainFieldsError::Malformed);
            }
            if let Some(slot) = place(name).and_then(|place| into.get_mut(place)) {
                *slot = Some(owned(value));
            }
            (before, rest) = (name, after);
        }
        if rest.is_empty() { Ok(()) } else { Err(PlainFieldsError::Malformed) }
    }
}

impl FromIterator<(String, Value)> for PlainFields {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(fields: I) -> PlainFields {
        PlainFields(fields.into_iter().collect())
    }
}

impl IntoIterator for PlainFields {
    type Item = (String, Value);
    type IntoIter = std::collections::btree_map::IntoIter<String, Value>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

fn borrowed(value: &Value) -> PlainValue<'_> {
    match value {
        Value::Text(text) => PlainValue::Text(text.expose_for(Reason::Sealing)),
        Value::Integer(number) => PlainValue::Integer(*number.expose_for(Reason::Sealing)),
        Value::List(items) => PlainValue::List(
            items.iter().map(|item| item.expose_for(Reason::Sealing).as_str()).collect(),
        ),
    }
}

fn owned(value: PlainValue<'_>) -> Value {
    match value {
        PlainValue::Text(text) => Value::Text(Sensitive::new(text.to_owned())),
        PlainValue::Integer(number) => Value::Integer(Sensitive::new(number)),
        PlainValue::List(items) => {
            Value::List(items.into_iter().map(|item| Sensitive::new(item.to_owned())).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value as Json;

    fn text(text: &str) -> Value {
        Value::Text(Sensitive::new(text.to_owned()))
    }

    fn json(fields: &PlainFields) -> BTreeMap<String, serde_json::Value> {
        fields.iter().map(|(name, value)| (name.to_owned(), value.to_json())).collect()
    }

    fn sample() -> PlainFields {
        let items = vec![Sensitive::new("x".to_owned()), Sensitive::new("y".to_owned())];
        [
            ("name".to_owned(), text("张")),
            ("age".to_owned(), Value::Integer(Sensitive::new(-2))),
            ("tags".to_owned(), Value::List(items)),
        ]
        .into_iter()
        .collect()
    }

    #[test]
    fn the_byte_form_never_changes() {
        let bytes = sample().encode();
        let fixed =
            b"\x01\x03\x03age\x01\x03\x04name\x00\x03\xe5\xbc\xa0\x04tags\x02\x02\x01x\x01y";
        assert_eq!(bytes.as_slice(), fixed);
        assert_eq!(PlainFields::decode(fixed).map(|fields| json(&fields)), Ok(json(&sample())));
    }

    #[test]
    fn bytes_that_are_not_the_one_encoding_are_refused() {
        let good = sample().encode();
        let swapped = b"\x01\x02\x01b\x00\x00\x01a\x00\x00".as_slice();
        let repeated = b"\x01\x02\x01a\x00\x00\x01a\x00\x00".as_slice();
        let padded = b"\x01\x81\x00\x01a\x00\x00".as_slice();
        let trailing = [good.as_slice(), b"\0"].concat();
        let value_as_name = b"\x01\x01\x0212\x00\x00".as_slice();
        for bytes in [
            b"".as_slice(),
            b"\x01",
            &good[..good.len() - 1],
            swapped,
            repeated,
            padded,
            &trailing,
            value_as_name,
        ] {
            assert_eq!(
                PlainFields::decode(bytes).err(),
                Some(PlainFieldsError::Malformed),
                "{bytes:?}"
            );
        }
        assert_eq!(PlainFields::decode(b"\x02\x00").err(), Some(PlainFieldsError::UnknownFormat));
    }

    /// The fields of that list that some bytes hold, picked one pass long.
    fn picked(bytes: &[u8], names: &[&str]) -> Result<Vec<Option<Json>>, PlainFieldsError> {
        let mut values: Vec<Option<Value>> = names.iter().map(|_| None).collect();
        let place = |name: &str| names.iter().position(|other| *other == name);
        PlainFields::pick(bytes, place, &mut values)?;
        Ok(values.into_iter().map(|value| value.map(|value| value.to_json())).collect())
    }

    #[test]
    fn picked_fields_are_those_asked_for_in_their_places() {
        let bytes = sample().encode();
        let picked = |names| picked(&bytes, names).expect("our own bytes");
        assert_eq!(
            picked(&["tags", "x", "age"]),
            [Some(Json::from(vec!["x", "y"])), None, Some((-2).into())]
        );
        assert_eq!(picked(&[]), []);
    }

    #[test]
    fn bytes_that_cannot_be_ours_are_not_picked_from() {
        let good = sample().encode();
        let swapped = b"\x01\x02\x01b\x00\x00\x01a\x00\x00".as_slice();
        let repeated = b"\x01\x02\x01a\x00\x00\x01a\x00\x00".as_slice();
        let trailing = [good.as_slice(), b"\0"].concat();
        for bytes in
            [b"".as_slice(), b"\x01", &good[..good.len() - 1], swapped, repeated, &trailing]
        {
            assert_eq!(picked(bytes, &["a"]).err(), Some(PlainFieldsError::Malformed), "{bytes:?}");
        }
        assert_eq!(picked(b"\x02\x00", &[]).err(), Some(PlainFieldsError::UnknownFormat));
        let many = (0..=RECORD_FIELDS_MAX).map(|n| (format!("f{n}"), text("x")));
        let many = many.collect::<PlainFields>().encode();
        assert_eq!(picked(&many, &[]).err(), Some(PlainFieldsError::TooLarge));
    }

    #[test]
    fn a_section_has_a_largest_size_and_a_largest_count() {
        // Format byte, count, name with its length, variant, three bytes of length.
        let overhead = 1 + 1 + 2 + 1 + 3;
        let of_size = |size: usize| {
            PlainFields::from_iter([("a".to_owned(), text(&"x".repeat(size)))]).encode()
        };
        let full = of_size(SECTION_BYTES_MAX - overhead);
        assert_eq!(full.len(), SECTION_BYTES_MAX);
        assert!(PlainFields::decode(&full).is_ok());
        let more = of_size(SECTION_BYTES_MAX - overhead + 1);
        assert_eq!(PlainFields::decode(&more).err(), Some(PlainFieldsError::TooLarge));
        let of_count = |count: usize| {
            (0..count).map(|n| (format!("f{n}"), text("x"))).collect::<PlainFields>().encode()
        };
        assert!(PlainFields::decode(&of_count(RECORD_FIELDS_MAX)).is_ok());
        let more = of_count(RECORD_FIELDS_MAX + 1);
        assert_eq!(PlainFields::decode(&more).err(), Some(PlainFieldsError::TooLarge));
    }

    proptest! {
        #[test]
        fn any_set_comes_back_the_same(
            texts in proptest::collection::btree_map("[a-z][a-z0-9_]{0,9}", any::<String>(), 0..6), number in any::<i64>(),
            items in proptest::collection::vec(any::<String>(), 0..4),
        ) {
            let mut fields: PlainFields = texts.iter().map(|(name, value)| (name.clone(), text(value))).collect();
            fields.insert("number".to_owned(), Value::Integer(Sensitive::new(number)));
            fields.insert("items".to_owned(), Value::List(items.into_iter().map(Sensitive::new).collect()));
            let bytes = fields.encode();
            let back = PlainFields::decode(&bytes).expect("our own bytes");
            prop_assert_eq!(json(&back), json(&fields));
        }

        #[test]
        fn what_is_picked_is_what_is_decoded(texts in proptest::collection::btree_map("[a-z]{1,3}", any::<String>(), 0..8)) {
            let fields: PlainFields = texts.iter().map(|(name, value)| (name.clone(), text(value))).collect();
            let names: Vec<&str> = texts.keys().map(String::as_str).rev().collect();
            let expected: Vec<Option<Json>> = names.iter().map(|name| Some(Json::from(texts[*name].as_str()))).collect();
            prop_assert_eq!(picked(&fields.encode(), &names).expect("our own bytes"), expected);
        }

        #[test]
        fn no_picked_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = picked(&bytes, &["a", "b"]);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(fields) = PlainFields::decode(&bytes) {
                let again = fields.encode();
                prop_assert_eq!(again.as_slice(), bytes.as_slice());
            }
        }
    }
}
