//! Objects and arrays of JSON, written straight into an answer, member by member.
//! Never for a text that somebody sent or stored: what could need an escape goes through serde.
//! For what is said most often, of each record of a page above all; any other body is serde's as a whole.

use serde::Serialize;

/// What an answer says: one object, to which the receipt is added. A body of serde is taken as it is; one that were no object
/// would be no answer.
pub trait Written {
    /// Writes the object, from its `{` to its `}`.
    ///
    /// # Errors
    /// Those of serde, for what is no JSON.
    fn write(&self, into: &mut Vec<u8>) -> serde_json::Result<()>;
}

impl<T: Serialize> Written for T {
    fn write(&self, into: &mut Vec<u8>) -> serde_json::Result<()> {
        serde_json::to_writer(into, self)
    }
}

/// Writes any value of serde.
pub(super) fn value_of_serde(
    into: &mut Vec<u8>,
    value: &(impl Serialize + ?Sized),
) -> serde_json::Result<()> {
    serde_json::to_writer(into, value)
}

/// An object that is being written.
pub(super) struct Object<'a> {
    into: &'a mut Vec<u8>,
}

impl<'a> Object<'a> {
    /// Begins one.
    pub(super) fn new(into: &'a mut Vec<u8>) -> Object<'a> {
        into.push(b'{');
        Object { into }
    }

    /// Goes on with one that was written without its end, which is taken off; nothing where that is no object.
    pub(super) fn reopened(into: &'a mut Vec<u8>) -> Option<Object<'a>> {
        into.pop_if(|last| *last == b'}')?;
        Some(Object { into })
    }

    /// The place of a member's value. The name is one of ours: it has nothing to escape.
    pub(super) fn member(&mut self, name: &'static str) -> &mut Vec<u8> {
        if self.into.last() != Some(&b'{') {
            self.into.push(b',');
        }
        self.into.push(b'"');
        self.into.extend_from_slice(name.as_bytes());
        self.into.extend_from_slice(b"\":");
        self.into
    }

    /// A member with a value of serde.
    pub(super) fn value(
        &mut self,
        name: &'static str,
        value: &(impl Serialize + ?Sized),
    ) -> serde_json::Result<()> {
        value_of_serde(self.member(name), value)
    }

    /// A member with a text that has nothing to escape.
    pub(super) fn plain(&mut self, name: &'static str, text: &str) {
        let into = self.member(name);
        into.push(b'"');
        into.extend_from_slice(text.as_bytes());
        into.push(b'"');
    }

    /// The same for one that may be missing.
    pub(super) fn plain_or_null(&mut self, name: &'static str, text: Option<&str>) {
        match text {
            Some(text) => self.plain(name, text),
            None => self.member(name).extend_from_slice(b"null"),
        }
    }

    /// Ends it.
    pub(super) fn end(self) {
        self.into.push(b'}');
    }
}

/// Writes an array, each item as it says.
pub(super) fn array<T>(
    into: &mut Vec<u8>,
    items: impl Iterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T) -> serde_json::Result<()>,
) -> serde_json::Result<()> {
    into.push(b'[');
    for (place, item) in items.enumerate() {
        if place > 0 {
            into.push(b',');
        }
        write(into, item)?;
    }
    into.push(b']');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_written_is_what_serde_reads() {
        let mut into = Vec::new();
        let mut object = Object::new(&mut into);
        object.value("text", "\"\\\n王").expect("a text");
        object.plain("plain", "01a2");
        object.plain_or_null("there", Some("8801"));
        object.plain_or_null("missing", None);
        array(object.member("none"), [0_u8; 0].into_iter(), |_, _| Ok(())).expect("nothing");
        let items = [1_u8, 2].into_iter();
        array(object.member("some"), items, |into, item| value_of_serde(into, &item))
            .expect("numbers");
        object.end();
        let mut again = Object::reopened(&mut into).expect("an object");
        again.value("more", &true).expect("a word");
        again.end();
        let read: serde_json::Value = serde_json::from_slice(&into).expect("JSON");
        let expected = json!({
            "text": "\"\\\n王", "plain": "01a2", "there": "8801", "missing": null, "none": [], "some": [1, 2], "more": true,
        });
        assert_eq!(read, expected);
    }

    #[test]
    fn an_object_without_members_is_gone_on_with_and_nothing_else_is() {
        let mut empty = b"{}".to_vec();
        let mut object = Object::reopened(&mut empty).expect("an object");
        object.value("only", &1).expect("a number");
        object.end();
        assert_eq!(empty, br#"{"only":1}"#);
        let mut other = b"[]".to_vec();
        assert!(Object::reopened(&mut other).is_none());
        assert_eq!(other, b"[]");
    }
}
