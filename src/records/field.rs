//! One field of a schema: its kind, class, section, mask and rules.
//! Never changes after loading; what is inconsistent is refused there.
//! A field has one class and one section, so a permit that opens a section opens nothing of another class.

use super::{Class, CodeList, LegalKind, RecordType, Retention};
use serde_json::{Value as Json, json};
use std::sync::Arc;

/// What values a field holds, and how they are checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// One line of text.
    Text {
        /// Longest value, in characters.
        max_characters: usize,
    },
    /// Text of several lines, watched for numbers of persons.
    FreeText {
        /// Longest value, in characters.
        max_characters: usize,
    },
    /// A civil date, `YYYY-MM-DD`.
    Date {
        /// Whether days after today are refused.
        not_future: bool,
        /// First year accepted.
        first_year: i16,
    },
    /// A time, RFC 3339, kept in UTC.
    Time,
    /// A code of a list.
    CodeList(Arc<CodeList>),
    /// A citizen number (GB 11643-1999).
    IdNumber,
    /// A unified social credit code (GB 32100-2015).
    CreditCode,
    /// A mainland telephone number.
    Phone,
    /// A fixed number of digits, such as the last four of a bank card.
    Digits {
        /// How many.
        characters: usize,
    },
    /// A 12-digit division code (GB/T 2260 and GB/T 10114).
    DivisionCode,
    /// A 16-digit grid code.
    GridCode,
    /// Another subject, by id.
    SubjectReference,
    /// Another record, by id.
    RecordReference(RecordType),
    /// A whole number.
    Integer {
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
    },
}

impl FieldKind {
    /// The word of the kind in data files.
    pub const fn as_str(&self) -> &'static str {
        match self {
            FieldKind::Text { .. } => "text",
            FieldKind::FreeText { .. } => "free_text",
            FieldKind::Date { .. } => "date",
            FieldKind::Time => "time",
            FieldKind::CodeList(_) => "code",
            FieldKind::IdNumber => "id_number",
            FieldKind::CreditCode => "credit_code",
            FieldKind::Phone => "phone",
            FieldKind::Digits { .. } => "digits",
            FieldKind::DivisionCode => "division_code",
            FieldKind::GridCode => "grid_code",
            FieldKind::SubjectReference => "subject_reference",
            FieldKind::RecordReference(_) => "record_reference",
            FieldKind::Integer { .. } => "integer",
        }
    }

    /// Whether an exact match on it is worth an index term: kinds with few values would tell too much. The ids of
    /// records are random, so a term of one is no guess; callers still never ask by one ([`Field::is_matched_by_value`]).
    pub const fn is_matchable(&self) -> bool {
        matches!(
            self,
            FieldKind::Text { .. }
                | FieldKind::IdNumber
                | FieldKind::CreditCode
                | FieldKind::Phone
                | FieldKind::RecordReference(_)
        )
    }

    /// Whether a value names another record or subject.
    pub const fn is_reference(&self) -> bool {
        matches!(self, FieldKind::SubjectReference | FieldKind::RecordReference(_))
    }
}

/// How a value is covered where only a masked view is allowed (one mask for all paths).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MaskRule {
    /// As it is: for what is about no person.
    Shown,
    /// Nothing of it.
    Hidden,
    /// The surname, or the first character.
    Name,
    /// First and last character.
    IdNumber,
    /// Three and four digits of a mobile, area code and two of a landline.
    Phone,
    /// Down to the community.
    Address,
    /// The last four digits.
    BankCard,
    /// Five years.
    DateBand,
    /// The year.
    Year,
    /// First character and domain.
    Email,
    /// Province character and last two.
    Plate,
    /// A sole trader's middle; others as they are.
    CreditCode,
    /// Numbers of persons replaced.
    FreeText,
}

impl MaskRule {
    /// Every rule.
    pub const ALL: [MaskRule; 13] = [
        MaskRule::Shown,
        MaskRule::Hidden,
        MaskRule::Name,
        MaskRule::IdNumber,
        MaskRule::Phone,
        MaskRule::Address,
        MaskRule::BankCard,
        MaskRule::DateBand,
        MaskRule::Year,
        MaskRule::Email,
        MaskRule::Plate,
        MaskRule::CreditCode,
        MaskRule::FreeText,
    ];

    /// The word of the rule in data files.
    pub const fn as_str(self) -> &'static str {
        match self {
            MaskRule::Shown => "shown",
            MaskRule::Hidden => "hidden",
            MaskRule::Name => "name",
            MaskRule::IdNumber => "id_number",
            MaskRule::Phone => "phone",
            MaskRule::Address => "address",
            MaskRule::BankCard => "bank_card",
            MaskRule::DateBand => "date_band",
            MaskRule::Year => "year",
            MaskRule::Email => "email",
            MaskRule::Plate => "plate",
            MaskRule::CreditCode => "credit_code",
            MaskRule::FreeText => "free_text",
        }
    }

    /// Whether the rule can be applied to values of the kind.
    pub const fn fits(self, kind: &FieldKind) -> bool {
        match self {
            MaskRule::Shown | MaskRule::Hidden => true,
            MaskRule::Name | MaskRule::Address | MaskRule::Email | MaskRule::Plate => {
                matches!(kind, FieldKind::Text { .. })
            }
            MaskRule::BankCard => matches!(kind, FieldKind::Text { .. } | FieldKind::Digits { .. }),
            MaskRule::IdNumber => matches!(kind, FieldKind::IdNumber),
            MaskRule::Phone => matches!(kind, FieldKind::Phone),
            MaskRule::DateBand => matches!(kind, FieldKind::Date { .. }),
            MaskRule::Year => matches!(kind, FieldKind::Date { .. } | FieldKind::Time),
            MaskRule::CreditCode => matches!(kind, FieldKind::CreditCode),
            MaskRule::FreeText => matches!(kind, FieldKind::FreeText { .. }),
        }
    }
}

/// One field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in bodies and policies.
    pub name: String,
    /// The Chinese title.
    pub title_zh: String,
    /// The English title.
    pub title_en: String,
    /// What it holds.
    pub kind: FieldKind,
    /// Its class; the fields of a child under 14 are [`Class::C3`] whatever stands here ([`super::Facts::effective_class`]).
    pub class: Class,
    /// The section that it is sealed in.
    pub section: String,
    /// The group of fields whose values are matched against each other, if any.
    pub match_group: Option<String>,
    /// The date from which on its value is matched no more, by the name of its field, if there is one.
    pub match_until: Option<String>,
    /// How it is covered.
    pub mask: MaskRule,
    /// The law's kind, for reveal limits; every field about a person has one.
    pub legal_kind: Option<LegalKind>,
    /// How long it is kept.
    pub retention: Retention,
    /// Whether its day is the moment that the schema's own retention counts from.
    pub moment: bool,
    /// Whether a new record must have it.
    pub required: bool,
    /// Whether it holds a list.
    pub many: bool,
    /// The statute that allows a field which is not collected otherwise.
    pub statute: Option<String>,
}

impl Field {
    /// Whether it is about a person.
    pub fn is_personal(&self) -> bool {
        self.class >= Class::C2
    }

    /// Whether a caller may ask for records that hold an exact value in it. What a reference names is found by the
    /// vault alone: a caller that could ask by one would walk from person to person.
    pub fn is_matched_by_value(&self) -> bool {
        self.match_group.is_some() && !self.kind.is_reference()
    }

    /// The field as forms read it.
    pub fn to_public_json(&self) -> Json {
        let mut json = json!({
            "name": self.name, "title_zh": self.title_zh, "title_en": self.title_en,
            "kind": self.kind.as_str(), "class": self.class, "section": self.section,
            "matchable": self.is_matched_by_value(), "required": self.required, "many": self.many,
            "retention": self.retention,
        });
        match &self.kind {
            FieldKind::Text { max_characters } | FieldKind::FreeText { max_characters } => {
                json["max_characters"] = Json::from(*max_characters);
            }
            FieldKind::Digits { characters } => json["characters"] = Json::from(*characters),
            FieldKind::Date { not_future, first_year } => {
                json["not_future"] = Json::from(*not_future);
                json["first_year"] = Json::from(*first_year);
            }
            FieldKind::CodeList(list) => json["codes"] = Json::from(list.name()),
            FieldKind::RecordReference(record_type) => {
                json["record_type"] = Json::from(record_type.as_str())
            }
            FieldKind::Integer { min, max } => {
                json["min"] = Json::from(*min);
                json["max"] = Json::from(*max);
            }
            _ => {}
        }
        json
    }
}
