//! Reads the file of purposes and checks it whole.
//! Never loads a purpose that names no task, organ and fields, whatever its title promises.
//! Every field it lists exists, every organ is known, every sensitive field stands under an assessment.

use super::PurposeError;
use super::purpose::{BasisKind, LegalBasis, Notice, Purpose, PurposeGroup, PurposeId, PurposeSet};
use crate::limits::{
    PURPOSE_BASES_MAX, PURPOSE_LINES_MAX, PURPOSE_TEXT_CHARACTERS_MAX, PURPOSES_BYTES_MAX,
    PURPOSES_MAX,
};
use crate::records::{Class, RecordType, Retention, SchemaSet, UnknownWord, is_slug};
use jiff::civil::Date;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// What errors call the file.
const FILE: &str = "purposes.toml";
/// The code list that names organs.
const ORGANS: &str = "organ";
/// The code list that names lines of business.
const LINES: &str = "line";

/// Titles that are aims, not tasks: none names a legal task, an organ and fields.
const REFUSED_TITLES: [&str; 16] = [
    "网格化管理",
    "社会治理",
    "维稳",
    "全覆盖采集",
    "综合研判",
    "重点人员管控",
    "备用",
    "grid management",
    "social governance",
    "stability maintenance",
    "maintain stability",
    "full coverage",
    "comprehensive analysis",
    "key person",
    "for later use",
    "reserve use",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    #[serde(rename = "purpose")]
    purposes: Vec<PurposeText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PurposeText {
    id: String,
    title_zh: String,
    title_en: String,
    group: String,
    organ: String,
    lines: Vec<String>,
    active: bool,
    needs_case: bool,
    #[serde(default)]
    corrects: bool,
    #[serde(default)]
    quiet: bool,
    impact_assessment: Option<String>,
    retention: Retention,
    fields: BTreeMap<String, Vec<String>>,
    #[serde(rename = "legal_basis")]
    legal_bases: Vec<BasisText>,
    #[serde(rename = "notice")]
    notices: Vec<NoticeText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BasisText {
    id: String,
    kind: String,
    statute: Option<String>,
    organ: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoticeText {
    id: String,
    version: u32,
    title_zh: String,
    valid_from: String,
    valid_to: Option<String>,
}

/// Errors about one purpose.
#[derive(Clone, Copy)]
struct About<'a> {
    purpose: &'a str,
    schemas: &'a SchemaSet,
}

impl About<'_> {
    fn unknown(self, word: UnknownWord) -> PurposeError {
        PurposeError::UnknownWord { file: FILE, purpose: self.purpose.to_owned(), word }
    }

    fn word(self, vocabulary: &'static str, word: &str) -> PurposeError {
        self.unknown(UnknownWord { vocabulary, word: word.to_owned() })
    }

    fn inconsistent(self, rule: &'static str) -> PurposeError {
        PurposeError::Inconsistent { file: FILE, purpose: self.purpose.to_owned(), rule }
    }

    fn text(self, text: &str) -> Result<(), PurposeError> {
        let fits = !text.trim().is_empty()
            && text.chars().count() <= PURPOSE_TEXT_CHARACTERS_MAX
            && !text.chars().any(char::is_control);
        if fits { Ok(()) } else { Err(self.inconsistent("a title or text is empty or too long")) }
    }

    fn organ(self, organ: &str) -> Result<(), PurposeError> {
        let known = self.schemas.code_list(ORGANS).is_some_and(|organs| organs.accepts(organ));
        if known { Ok(()) } else { Err(self.word("organ", organ)) }
    }
}

pub(super) fn load(toml: &str, schemas: &SchemaSet) -> Result<PurposeSet, PurposeError> {
    let whole = About { purpose: "*", schemas };
    if toml.len() > PURPOSES_BYTES_MAX {
        return Err(whole.inconsistent("the file is too long"));
    }
    let text: FileText = toml::from_str(toml).map_err(|error| syntax(toml, &error))?;
    if text.purposes.len() > PURPOSES_MAX {
        return Err(whole.inconsistent("there are too many purposes"));
    }
    let mut set = PurposeSet { purposes: BTreeMap::new() };
    let mut notices = BTreeSet::new();
    for text in text.purposes {
        let purpose = purpose(text, schemas)?;
        let id = purpose.id.as_str().to_owned();
        let about = About { purpose: &id, schemas };
        // A consent names the text that was read, so one name is one text in the whole vault.
        if !purpose.notices.iter().all(|notice| notices.insert(notice.id.clone())) {
            return Err(about.inconsistent("a notice has the name of another"));
        }
        if set.purposes.contains_key(&id) {
            return Err(about.inconsistent("stands twice"));
        }
        set.purposes.insert(id, purpose);
    }
    Ok(set)
}

fn syntax(toml: &str, error: &toml::de::Error) -> PurposeError {
    let before = error.span().and_then(|span| toml.get(..span.start));
    PurposeError::Syntax {
        file: FILE,
        line: before.map_or(0, |text| text.matches('\n').count() + 1),
        detail: error.message().trim().replace('\n', ", "),
    }
}

fn purpose(text: PurposeText, schemas: &SchemaSet) -> Result<Purpose, PurposeError> {
    let about = About { purpose: &text.id, schemas };
    let id: PurposeId = text.id.parse().map_err(|word| about.unknown(word))?;
    refuse_title(about, [&text.id, &text.title_zh, &text.title_en])?;
    about.text(&text.title_zh)?;
    about.text(&text.title_en)?;
    about.organ(&text.organ)?;
    let lines = lines(about, &text.lines)?;
    if !text.retention.is_bounded() {
        return Err(about.inconsistent("its retention has no end"));
    }
    let group: PurposeGroup = text.group.parse().map_err(|word| about.unknown(word))?;
    let (fields, sensitive) = fields(about, &text.fields)?;
    // Oversight looks at entries of the log, not at records.
    if fields.is_empty() && group != PurposeGroup::Oversight {
        return Err(about.inconsistent("it lists no fields"));
    }
    if let Some(assessment) = &text.impact_assessment {
        about.text(assessment)?;
    }
    if let (Some(field), None) = (&sensitive, &text.impact_assessment) {
        let (purpose, field) = (text.id.clone(), field.clone());
        return Err(PurposeError::AssessmentMissing { file: FILE, purpose, field });
    }
    let legal_bases = legal_bases(about, text.legal_bases)?;
    if sensitive.is_some() && !legal_bases.iter().any(|basis| basis.kind.carries_sensitive()) {
        return Err(about.inconsistent("no basis carries its sensitive fields"));
    }
    // Nobody consents to a correction or applies for one: what is put right stays held on what it was given for.
    if text.corrects && legal_bases.iter().any(|basis| basis.kind != BasisKind::Duty) {
        return Err(about.inconsistent("it corrects, and rests on something else than a duty"));
    }
    let notices = notices(about, text.notices)?;
    Ok(Purpose {
        id,
        title_zh: text.title_zh,
        title_en: text.title_en,
        group,
        organ: text.organ,
        lines,
        fields,
        legal_bases,
        notices,
        impact_assessment: text.impact_assessment,
        retention: text.retention,
        active: text.active,
        needs_case: text.needs_case,
        corrects: text.corrects,
        quiet: text.quiet,
    })
}

fn refuse_title(about: About<'_>, titles: [&String; 3]) -> Result<(), PurposeError> {
    let plain = |title: &String| {
        let letters = title.to_lowercase().replace(['_', '-'], " ");
        letters.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let plain = titles.map(plain);
    let refused = |title: &&&str| plain.iter().any(|own| own.contains(**title));
    match REFUSED_TITLES.iter().find(refused) {
        Some(title) => {
            Err(PurposeError::RefusedTitle { file: FILE, purpose: about.purpose.to_owned(), title })
        }
        None => Ok(()),
    }
}

/// The lines of business, each of them known and said once.
fn lines(about: About<'_>, words: &[String]) -> Result<BTreeSet<String>, PurposeError> {
    let known = about.schemas.code_list(LINES);
    let unknown = |word: &&String| !known.is_some_and(|lines| lines.accepts(word));
    if let Some(word) = words.iter().find(unknown) {
        return Err(about.word("line of business", word));
    }
    let lines: BTreeSet<String> = words.iter().cloned().collect();
    if lines.is_empty() || lines.len() != words.len() || lines.len() > PURPOSE_LINES_MAX {
        return Err(about.inconsistent("it needs a line of business, each once and not too many"));
    }
    Ok(lines)
}

type Fields = BTreeMap<RecordType, BTreeSet<String>>;

/// The listed fields, and the first sensitive one among them.
fn fields(
    about: About<'_>,
    text: &BTreeMap<String, Vec<String>>,
) -> Result<(Fields, Option<String>), PurposeError> {
    let mut listed = Fields::new();
    let mut sensitive = None;
    for (word, names) in text {
        let record_type: RecordType = word.parse().map_err(|word| about.unknown(word))?;
        let schema = about.schemas.get(record_type);
        for name in names {
            let Some(field) = schema.and_then(|schema| schema.field(name)) else {
                let (purpose, field) = (about.purpose.to_owned(), name.clone());
                return Err(PurposeError::UnknownField {
                    file: FILE,
                    purpose,
                    record_type: word.clone(),
                    field,
                });
            };
            if field.class >= Class::C3 && sensitive.is_none() {
                sensitive = Some(format!("{word}.{name}"));
            }
            if !listed.entry(record_type).or_default().insert(name.clone()) {
                return Err(about.inconsistent("lists a field twice"));
            }
        }
    }
    Ok((listed, sensitive))
}

fn legal_bases(about: About<'_>, texts: Vec<BasisText>) -> Result<Vec<LegalBasis>, PurposeError> {
    if texts.is_empty() || texts.len() > PURPOSE_BASES_MAX {
        return Err(about.inconsistent("it needs a legal basis, and not too many"));
    }
    let mut bases: Vec<LegalBasis> = Vec::with_capacity(texts.len());
    for text in texts {
        let kind: BasisKind = text.kind.parse().map_err(|word| about.unknown(word))?;
        let fresh = is_slug(&text.id) && bases.iter().all(|basis| basis.id != text.id);
        if !fresh {
            return Err(about.inconsistent("a basis has no name of its own"));
        }
        if let Some(statute) = &text.statute {
            about.text(statute)?;
        }
        if let Some(organ) = &text.organ {
            about.organ(organ)?;
        }
        let lawful = matches!(kind, BasisKind::Duty | BasisKind::Emergency);
        if lawful && (text.statute.is_none() || text.organ.is_none()) {
            let (purpose, basis) = (about.purpose.to_owned(), text.id);
            return Err(PurposeError::StatuteMissing { file: FILE, purpose, basis });
        }
        bases.push(LegalBasis { id: text.id, kind, statute: text.statute, organ: text.organ });
    }
    Ok(bases)
}

fn notices(about: About<'_>, texts: Vec<NoticeText>) -> Result<Vec<Notice>, PurposeError> {
    if texts.is_empty() || texts.len() > PURPOSE_BASES_MAX {
        return Err(about.inconsistent("it needs a notice, and not too many"));
    }
    let day = |text: &String| text.parse::<Date>().map_err(|_| about.word("date", text));
    let mut notices: Vec<Notice> = Vec::with_capacity(texts.len());
    for text in texts {
        about.text(&text.title_zh)?;
        let (valid_from, valid_to) =
            (day(&text.valid_from)?, text.valid_to.as_ref().map(day).transpose()?);
        let fresh = is_slug(&text.id) && notices.iter().all(|notice| notice.version < text.version);
        if !fresh || text.version == 0 || valid_to.is_some_and(|end| end <= valid_from) {
            return Err(about.inconsistent(
                "a notice needs a name, a higher version than the one before and a period",
            ));
        }
        notices.push(Notice {
            id: text.id,
            version: text.version,
            title_zh: text.title_zh,
            valid_from,
            valid_to,
        });
    }
    Ok(notices)
}

#[cfg(test)]
mod tests;
