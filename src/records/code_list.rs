//! Code lists: the closed sets of codes that a field may hold, with a title in both languages.
//! Never grows at run time, and never holds a label that must not be kept about a person.
//! A code keeps its meaning for ever; a code out of use stays in the list, marked.

use super::SchemaError;
use super::forbidden;
use super::schema_file::{self, FileLimits};
use super::text::is_slug;
use crate::limits::{CODE_CHARACTERS_MAX, CODE_LIST_CODES_MAX};
use serde::Deserialize;
use serde_json::json;

/// One code.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// What is stored.
    pub code: String,
    /// The Chinese title.
    pub title_zh: String,
    /// The English title.
    pub title_en: String,
    /// Still resolvable, no longer accepted for new values.
    #[serde(default)]
    pub retired: bool,
}

/// A named list of codes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeList {
    name: String,
    title_zh: String,
    title_en: String,
    standard: Option<String>,
    #[serde(rename = "code")]
    codes: Vec<Code>,
}

impl CodeList {
    /// Reads and checks one file.
    pub(super) fn load(file: &str, toml: &str) -> Result<CodeList, SchemaError> {
        let list: CodeList = schema_file::read(file, toml)?;
        let limits = FileLimits { file };
        limits.slug(&list.name)?;
        limits.title(&list.title_zh)?;
        limits.title(&list.title_en)?;
        limits.count("codes", list.codes.len(), CODE_LIST_CODES_MAX)?;
        for (place, code) in list.codes.iter().enumerate() {
            let fits = is_slug(&code.code) || code.code.bytes().all(|byte| byte.is_ascii_digit());
            if !fits || code.code.is_empty() || code.code.len() > CODE_CHARACTERS_MAX {
                return Err(limits.unknown_word("code", &code.code));
            }
            limits.title(&code.title_zh)?;
            limits.title(&code.title_en)?;
            if list.codes[..place].iter().any(|earlier| earlier.code == code.code) {
                return Err(limits.repeated(&code.code));
            }
            for words in [&code.code, &code.title_zh, &code.title_en] {
                if let Some(label) = forbidden::never_kept(words) {
                    return Err(limits.forbidden(&code.code, label));
                }
            }
        }
        Ok(list)
    }

    /// The list's name, as fields refer to it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The standard that the codes come from, if any.
    pub fn standard(&self) -> Option<&str> {
        self.standard.as_deref()
    }

    /// All codes, in the order of the file.
    pub fn codes(&self) -> &[Code] {
        &self.codes
    }

    /// The code with this text, also a retired one.
    pub fn get(&self, code: &str) -> Option<&Code> {
        self.codes.iter().find(|known| known.code == code)
    }

    /// Whether a new value may be this code.
    pub fn accepts(&self, code: &str) -> bool {
        self.get(code).is_some_and(|known| !known.retired)
    }

    /// The list as forms read it.
    pub fn to_public_json(&self) -> serde_json::Value {
        let codes: Vec<_> = self.codes.iter().map(Code::to_public_json).collect();
        json!({
            "name": self.name, "title_zh": self.title_zh, "title_en": self.title_en,
            "standard": self.standard, "codes": codes,
        })
    }
}

impl Code {
    fn to_public_json(&self) -> serde_json::Value {
        json!({
            "code": self.code, "title_zh": self.title_zh, "title_en": self.title_en,
            "retired": self.retired,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::TITLE_CHARACTERS_MAX;

    fn list(code: &str, title_zh: &str) -> Result<CodeList, SchemaError> {
        CodeList::load(
            "sample.toml",
            &format!(
                "name = \"sample\"\ntitle_zh = \"样本\"\ntitle_en = \"Sample\"\n\
                 [[code]]\ncode = \"1\"\ntitle_zh = \"一\"\ntitle_en = \"One\"\nretired = true\n\
                 [[code]]\ncode = \"{code}\"\ntitle_zh = \"{title_zh}\"\ntitle_en = \"Two\"\n"
            ),
        )
    }

    #[test]
    fn a_retired_code_is_known_but_not_accepted() {
        let list = list("2", "二").expect("a good list");
        assert!(list.accepts("2") && !list.accepts("1") && !list.accepts("3"));
        assert_eq!(list.get("1").map(|code| code.title_en.as_str()), Some("One"));
        assert_eq!(list.to_public_json()["codes"][0]["retired"], true);
    }

    #[test]
    fn a_repeated_code_is_refused() {
        assert!(matches!(list("1", "二"), Err(SchemaError::Repeated { .. })));
    }

    #[test]
    fn a_code_that_labels_a_person_is_refused() {
        assert!(matches!(list("2", "严重精神障碍"), Err(SchemaError::Forbidden { .. })));
        assert!(matches!(list("drug_use", "二"), Err(SchemaError::Forbidden { .. })));
    }

    #[test]
    fn a_list_is_taken_at_its_limits_and_refused_beyond_them() {
        let of = |count: usize| {
            let codes: String = (0..count)
                .map(|code| {
                    format!("[[code]]\ncode = \"{code}\"\ntitle_zh = \"一\"\ntitle_en = \"One\"\n")
                })
                .collect();
            let head = "name = \"sample\"\ntitle_zh = \"样本\"\ntitle_en = \"Sample\"\n";
            CodeList::load("sample.toml", &format!("{head}{codes}"))
        };
        assert!(of(CODE_LIST_CODES_MAX).is_ok());
        assert!(of(CODE_LIST_CODES_MAX + 1).is_err());
        assert!(list(&"7".repeat(CODE_CHARACTERS_MAX), "二").is_ok());
        assert!(list(&"7".repeat(CODE_CHARACTERS_MAX + 1), "二").is_err());
        assert!(list("2", &"二".repeat(TITLE_CHARACTERS_MAX)).is_ok());
        assert!(list("2", &"二".repeat(TITLE_CHARACTERS_MAX + 1)).is_err());
    }
}
