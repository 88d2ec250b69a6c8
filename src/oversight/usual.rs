//! Reads the usual entry, fast: members in their order, without escapes, each of the form that its kind has.
//! Never says what is wrong: whatever it does not take is read by the JSON library, with the same members.
//! What follows the log reads each entry of a busy day twice, and most of that time went into JSON that could have any form.

use super::entry::LogEntry;
use compact_str::CompactString;

/// Digits that are below 2 to the 64 whatever they are.
const DIGITS_MAX: usize = 19;

/// Reads a usual entry; nothing for any other.
pub(super) fn read(text: &str) -> Option<LogEntry> {
    // Where nothing is escaped, a string ends at its next quote.
    if text.as_bytes().contains(&b'\\') {
        return None;
    }
    let mut rest = Rest { text, at: 0 };
    rest.skip(b'{')?;
    let mut entry = LogEntry::default();
    let (mut before, mut required) = ("", 0);
    loop {
        let name = rest.string()?;
        // Ascending names are different ones.
        if name <= before {
            return None;
        }
        before = name;
        rest.skip(b':')?;
        required += usize::from(matches!(name, "seq" | "t" | "ev" | "act" | "out"));
        entry.take(name, &mut rest)?;
        match rest.next()? {
            b',' => {}
            b'}' => break,
            _ => return None,
        }
    }
    (rest.at == text.len() && required == 5).then_some(entry)
}

impl LogEntry {
    /// Takes in the member's value.
    fn take(&mut self, name: &str, rest: &mut Rest<'_>) -> Option<()> {
        match name {
            "seq" => self.seq = rest.number()?,
            "t" => self.t = rest.number()?,
            "ev" => self.ev = rest.text()?,
            "act" => self.act = rest.text()?,
            "out" => self.out = rest.text()?,
            "why" => self.why = Some(rest.text()?),
            "who" => self.who = Some(rest.text()?),
            "via" => self.via = Some(rest.text()?),
            "role" => self.role = Some(rest.text()?),
            "scope" => self.scope = Some(rest.text()?),
            "rec" => self.rec = rest.texts()?,
            "sub" => self.sub = rest.texts()?,
            "n" => self.n = Some(rest.number()?),
            "grid" => self.grid = Some(rest.text()?),
            "asg" => self.asg = Some(rest.text()?),
            "apr" => self.apr = Some(rest.text()?),
            "task" => self.task = Some(rest.text()?),
            "typ" => self.typ = Some(rest.text()?),
            "fld" => self.fld = rest.texts()?,
            "view" => self.view = rest.texts()?,
            "pur" => self.pur = Some(rest.text()?),
            "case" => self.case = Some(rest.text()?),
            "pol" => self.pol = Some(rest.number()?),
            "rule" => self.rule = Some(rest.text()?),
            "req" => self.req = Some(rest.text()?),
            "x" => self.x = serde_json::from_str(rest.last()?).ok()?,
            _ => rest.pass()?,
        }
        Some(())
    }
}

/// What is left of an entry.
struct Rest<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Rest<'a> {
    fn next(&mut self) -> Option<u8> {
        let byte = *self.text.as_bytes().get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn skip(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    /// What stands between two quotes.
    fn string(&mut self) -> Option<&'a str> {
        self.skip(b'"')?;
        let from = self.at;
        while self.next()? != b'"' {}
        // Quotes are whole characters of UTF-8, so nothing is cut in two; control characters are no JSON.
        let string = self.text.get(from..self.at - 1)?;
        string.bytes().all(|byte| byte >= 0x20).then_some(string)
    }

    fn text(&mut self) -> Option<CompactString> {
        self.string().map(CompactString::from)
    }

    fn number(&mut self) -> Option<u64> {
        let (mut number, from) = (0_u64, self.at);
        while let Some(byte @ b'0'..=b'9') = self.text.as_bytes().get(self.at) {
            number = number.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
            self.at += 1;
        }
        let digits = &self.text.as_bytes()[from..self.at];
        let is_usual = digits == b"0" || digits.first().is_some_and(|first| *first != b'0');
        (is_usual && digits.len() <= DIGITS_MAX).then_some(number)
    }

    fn texts(&mut self) -> Option<Vec<CompactString>> {
        let mut texts = Vec::with_capacity(1);
        self.each_item(|rest| rest.text().map(|text| texts.push(text)))?;
        Some(texts)
    }

    /// The items of a list of at least one.
    fn each_item(&mut self, mut item: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.skip(b'[')?;
        loop {
            item(self)?;
            match self.next()? {
                b',' => {}
                b']' => return Some(()),
                _ => return None,
            }
        }
    }

    /// Passes over the value of a member that no tool asks for.
    fn pass(&mut self) -> Option<()> {
        match self.text.as_bytes().get(self.at)? {
            b'"' => self.string().map(drop),
            b'[' => self.each_item(|rest| rest.number().map(drop)),
            _ => self.number().map(drop),
        }
    }

    /// The value of the last member.
    fn last(&mut self) -> Option<&'a str> {
        let value = self.text.get(self.at..self.text.len().checked_sub(1)?)?;
        self.at = self.text.len() - 1;
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An entry as the log has it, and one with everything that an entry may have.
    const ENTRIES: [&str; 3] = [
        concat!(
            r#"{"aal":2,"act":"read","asg":"AAAAAAAAAAAAAAAAAAAAAA","basis":"statutory_duty","ctx":"q83v","ev":"data","#,
            r#""fld":["name","phone"],"grid":"1101050010010001","mono":17,"out":"success","pol":1,"pur":"visit","#,
            r#""rec":["AQEBAQEBAQEBAQEBAQEBAQ"],"req":"AgICAgICAgICAgICAgICAg","role":"grid_worker","#,
            r#""rule":"grid_worker/3","scope":"1101050010010001","seq":41,"sub":["AwMDAwMDAwMDAwMDAwMDAw"],"#,
            r#""t":1767283200000000,"typ":"person","v":1,"view":["masked","raw"],"who":"BAQEBAQEBAQEBAQEBAQEBA"}"#
        ),
        concat!(
            r#"{"act":"grant","apr":"AAAAAAAAAAAAAAAAAAAAAA","case":"AAAAAAAAAAAAAAAAAAAAAA","dig":"abc","ev":"approval","#,
            r#""mono":1,"n":12,"out":"denied","req":"AgICAgICAgICAgICAgICAg","seq":0,"sess":"AAAAAAAAAAAAAAAAAAAAAA","#,
            r#""t":0,"task":"AAAAAAAAAAAAAAAAAAAAAA","v":1,"ver":[1,2],"via":"AAAAAAAAAAAAAAAAAAAAAA","why":"policy","#,
            r#""x":{"actor":"BAQEBAQEBAQEBAQEBAQEBA","count":7,"name":"李"}}"#
        ),
        r#"{"act":"stop","ev":"sys","mono":3,"out":"success","req":"AgICAgICAgICAgICAgICAg","seq":9,"t":5,"v":1}"#,
    ];

    fn by_library(text: &str) -> Option<LogEntry> {
        serde_json::from_str(text).ok()
    }

    #[test]
    fn usual_entries_are_taken_with_the_members_that_the_library_finds() {
        for entry in ENTRIES {
            let taken = read(entry);
            assert!(taken.is_some(), "{entry}");
            assert_eq!(taken, by_library(entry));
        }
    }

    #[test]
    fn what_is_not_usual_is_left_to_the_library() {
        let [_, _, short] = ENTRIES;
        for (from, to) in [
            ("\"stop\"", "\"st\\u006fp\""),
            ("\"act\":\"stop\",", ""),
            ("\"seq\":9", "\"seq\":18446744073709551615"),
            ("\"seq\":9", "\"seq\":09"),
            ("\"seq\":9", "\"seq\":-9"),
            ("\"seq\":9", "\"seq\":null"),
            ("\"ev\"", "\"act\":\"again\",\"ev\""),
            ("{", "{ "),
            ("}", "} "),
            ("\"out\":\"success\"", "\"out\":{\"a\":1}"),
            ("\"v\":1", "\"v\":1,\"x\":{\"a\":1}}"),
            ("stop", "st\u{1}op"),
        ] {
            let other = short.replacen(from, to, 1);
            assert_ne!(other, short);
            assert_eq!(read(&other), None, "{other}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]

        #[test]
        fn whatever_is_taken_the_library_takes_alike(
            which in 0..ENTRIES.len(),
            harms in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..4),
        ) {
            let mut bytes = ENTRIES[which].as_bytes().to_vec();
            for (at, byte, kind) in harms {
                let byte = if byte < 128 { b"\"\\{}[],:0a9-\n "[usize::from(byte) % 14] } else { byte };
                let at = at.index(bytes.len());
                match kind {
                    0 => bytes[at] = byte,
                    1 => bytes.insert(at, byte),
                    _ => drop(bytes.remove(at)),
                }
            }
            if let Ok(text) = std::str::from_utf8(&bytes)
                && let Some(taken) = read(text)
            {
                prop_assert_eq!(Some(taken), by_library(text), "{}", text);
            }
        }
    }
}
