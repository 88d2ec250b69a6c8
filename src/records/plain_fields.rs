//! The open fields of a section, and the exact bytes that are sealed.
//! Never leaves a copy behind: buffers have their final size from the start and are wiped.
//! The same fields always give the same bytes, and other bytes are refused; texts that nobody asked for are passed over unread.

use super::{Reason, Sensitive, Value, is_slug};
use crate::limits::{RECORD_FIELDS_MAX, SECTION_BYTES_MAX};
use serde::Serialize;
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

/// The borrowed form that is written.
#[derive(Serialize)]
enum PlainValue<'a> {
    Text(&'a str),
    Integer(i64),
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
        let mut fields = BTreeMap::new();
        PlainFields::walk(bytes, |name, from| {
            let name = std::str::from_utf8(name).ok().filter(|name| is_slug(name));
            let name = name.ok_or(PlainFieldsError::Malformed)?;
            fields.insert(name.to_owned(), from.value()?);
            Ok(())
        })?;
        Ok(PlainFields(fields))
    }

    /// Reads from opened bytes the values of the fields that have a place in `into`, and makes no value of any other. A name is
    /// given as its bytes: nobody needs it as text.
    ///
    /// # Errors
    /// As [`PlainFields::decode`], but for the shape of names and for texts that have no place: those are passed over unread.
    pub fn pick(
        bytes: &[u8],
        place: impl Fn(&[u8]) -> Option<usize>,
        into: &mut [Option<Value>],
    ) -> Result<(), PlainFieldsError> {
        PlainFields::walk(bytes, |name, from| {
            match place(name).and_then(|place| into.get_mut(place)) {
                Some(slot) => *slot = Some(from.value()?),
                None => from.skip()?,
            }
            Ok(())
        })
    }

    /// Goes over the fields in their order; whoever is shown a name takes its value off.
    fn walk<'a>(
        bytes: &'a [u8],
        mut take: impl FnMut(&'a [u8], &mut Canonical<'a>) -> Result<(), PlainFieldsError>,
    ) -> Result<(), PlainFieldsError> {
        if bytes.len() > SECTION_BYTES_MAX {
            return Err(PlainFieldsError::TooLarge);
        }
        let (format, body) = bytes.split_first().ok_or(PlainFieldsError::Malformed)?;
        if *format != FORMAT {
            return Err(PlainFieldsError::UnknownFormat);
        }
        let mut from = Canonical(body);
        let count = from.length()?;
        if count > RECORD_FIELDS_MAX {
            return Err(PlainFieldsError::TooLarge);
        }
        let mut before: &[u8] = &[];
        for _ in 0..count {
            let name = from.run()?;
            // Names are not empty, so the first is above nothing; a repeated one is not above itself.
            if name <= before {
                return Err(PlainFieldsError::Malformed);
            }
            take(name, &mut from)?;
            before = name;
        }
        if from.0.is_empty() { Ok(()) } else { Err(PlainFieldsError::Malformed) }
    }
}

/// Takes the one encoding of each thing from the front of a section (postcard 1.0), and no other: nothing has to be
/// written again to see that it was the right one.
struct Canonical<'a>(&'a [u8]);

impl<'a> Canonical<'a> {
    fn byte(&mut self) -> Result<u8, PlainFieldsError> {
        let (first, rest) = self.0.split_first().ok_or(PlainFieldsError::Malformed)?;
        self.0 = rest;
        Ok(*first)
    }

    /// Seven bits in each byte, the lowest first, in as few bytes as hold the number.
    fn number(&mut self) -> Result<u64, PlainFieldsError> {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if (bits << shift) >> shift != bits {
                return Err(PlainFieldsError::Malformed);
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                let padded = byte == 0 && shift > 0;
                return if padded { Err(PlainFieldsError::Malformed) } else { Ok(number) };
            }
        }
        Err(PlainFieldsError::Malformed)
    }

    fn length(&mut self) -> Result<usize, PlainFieldsError> {
        usize::try_from(self.number()?).map_err(|_| PlainFieldsError::Malformed)
    }

    /// Bytes behind their number.
    fn run(&mut self) -> Result<&'a [u8], PlainFieldsError> {
        let length = self.length()?;
        let (run, rest) = self.0.split_at_checked(length).ok_or(PlainFieldsError::Malformed)?;
        self.0 = rest;
        Ok(run)
    }

    fn text(&mut self) -> Result<&'a str, PlainFieldsError> {
        std::str::from_utf8(self.run()?).map_err(|_| PlainFieldsError::Malformed)
    }

    fn custody(&mut self) -> Result<Sensitive<String>, PlainFieldsError> {
        Ok(Sensitive::new(self.text()?.to_owned()))
    }

    /// Passes over a value without making one.
    fn skip(&mut self) -> Result<(), PlainFieldsError> {
        match self.number()? {
            0 => self.run().map(drop),
            1 => self.number().map(drop),
            2 => {
                let count = self.length()?;
                (0..count).try_for_each(|_| self.run().map(drop))
            }
            _ => Err(PlainFieldsError::Malformed),
        }
    }

    fn value(&mut self) -> Result<Value, PlainFieldsError> {
        match self.number()? {
            0 => Ok(Value::Text(self.custody()?)),
            1 => {
                let zigzag = self.number()?;
                let number = (zigzag >> 1) as i64 ^ -((zigzag & 1) as i64);
                Ok(Value::Integer(Sensitive::new(number)))
            }
            2 => {
                let count = self.length()?;
                // Never room for more items than bytes are left: the count is not yet to be believed.
                let mut items = Vec::with_capacity(count.min(self.0.len()));
                for _ in 0..count {
                    items.push(self.custody()?);
                }
                Ok(Value::List(items))
            }
            _ => Err(PlainFieldsError::Malformed),
        }
    }
}

impl FromIterator<(String, Value)> for PlainFields {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(fields: I) -> PlainFields {
        PlainFields(fields.into_iter().collect())
    }
}

impl Extend<(String, Value)> for PlainFields {
    fn extend<I: IntoIterator<Item = (String, Value)>>(&mut self, fields: I) {
        self.0.extend(fields);
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value as Json;

    #[derive(Serialize, serde::Deserialize)]
    enum PlainRead<'a> {
        Text(&'a str),
        Integer(i64),
        #[serde(borrow)]
        List(Vec<&'a str>),
    }

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
        let place = |name: &[u8]| names.iter().position(|other| other.as_bytes() == name);
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
        // A text is looked at by whoever it is made for.
        let no_text = b"\x01\x01\x01a\x00\x01\xff".as_slice();
        assert_eq!(picked(no_text, &["a"]).err(), Some(PlainFieldsError::Malformed));
        assert_eq!(picked(no_text, &["b"]), Ok(vec![None]));
        assert!(PlainFields::decode(no_text).is_err());
        assert!(PlainFields::decode(b"\x01\x01\x01\xff\x00\x00").is_err());
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

        /// postcard reads more than it writes; what it reads and writes back to the same bytes is what is taken.
        #[test]
        fn what_is_taken_is_what_postcard_reads_and_writes_back(
            names in proptest::collection::vec("[a-c_]{0,2}", 0..4), body in proptest::collection::vec(0u8..6, 0..12),
        ) {
            let mut bytes = vec![FORMAT, u8::try_from(names.len()).expect("few")];
            for name in &names {
                bytes.push(u8::try_from(name.len()).expect("short"));
                bytes.extend_from_slice(name.as_bytes());
                bytes.extend_from_slice(&body);
            }
            let read = postcard::take_from_bytes::<BTreeMap<&str, PlainRead<'_>>>(&bytes[1..]);
            let expected = read.is_ok_and(|(plain, rest)| {
                let names = plain.keys().all(|name| is_slug(name));
                rest.is_empty() && names && postcard::to_stdvec(&plain).is_ok_and(|again| again == bytes[1..])
            });
            prop_assert_eq!(PlainFields::decode(&bytes).is_ok(), expected);
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
