//! The closed vocabularies of a record: types, classes, views and the law's kinds of personal data.
//! Never accepts a word that is not listed, and never changes a number once it is stored.
//! Every word here is the one in the API, in the policies and in the log.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Longest word kept in an [`UnknownWord`], in characters.
const UNKNOWN_WORD_CHARACTERS_MAX: usize = 64;

/// A word that its vocabulary does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown {vocabulary} `{word}`")]
pub struct UnknownWord {
    /// Which vocabulary was asked, in plain words.
    pub vocabulary: &'static str,
    /// The word, when it has the shape of one. Anything else may be a resident's value and is not kept.
    pub word: String,
}

impl UnknownWord {
    /// An error about a word that may come from outside.
    pub fn new(vocabulary: &'static str, word: &str) -> UnknownWord {
        let harmless = word.len() <= UNKNOWN_WORD_CHARACTERS_MAX
            && word.starts_with(|first: char| first.is_ascii_alphabetic())
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let word = if harmless { word.to_owned() } else { "?".to_owned() };
        UnknownWord { vocabulary, word }
    }
}

/// Defines a closed vocabulary: an enum, its list, and its words in both directions.
macro_rules! vocabulary {
    ($(#[$meta:meta])* $name:ident is $what:literal {
        $($(#[$note:meta])* $variant:ident = $number:literal => $word:literal),+ $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$note])* $variant = $number),+ }

        impl $name {
            /// Every word, in order.
            pub const ALL: [$name; [$($number),+].len()] = [$($name::$variant),+];

            /// The word as it stands in the API and in data files.
            pub const fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word),+ }
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                match word {
                    $($word => Ok($name::$variant),)+
                    other => Err(UnknownWord::new($what, other)),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = String::deserialize(deserializer)?;
                word.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

vocabulary! {
    /// The families of records (people, places, matters, objects, organisations) and the vault's working papers.
    /// The numbers are stored in row headers: never change or re-use one.
    RecordType is "record type" {
        /// 人员: a person who lives or works in the grid.
        Person = 1 => "person",
        /// 户: people who live together.
        Household = 2 => "household",
        /// 人房关系: the link of a person and a dwelling.
        Residence = 3 => "residence",
        /// 地址与房屋: a standard address and what stands there.
        Place = 4 => "place",
        /// 事件: a matter for handling.
        Event = 5 => "event",
        /// 部件: an object or facility.
        Object = 6 => "object",
        /// 组织: an organisation.
        Organisation = 7 => "organisation",
        /// 任务: what opens fields for a time.
        Task = 8 => "task",
        /// 工作日志: a worker's log.
        WorkLog = 9 => "work_log",
        /// 调解卷宗: the file of a mediation.
        MediationFile = 10 => "mediation_file",
        /// 附件: a photo or scan.
        Attachment = 11 => "attachment",
    }
}

vocabulary! {
    /// The class of a field, from public to sensitive. Ordered: a higher class needs more protection.
    Class is "class" {
        /// Public.
        C0 = 0 => "C0",
        /// Internal, about no person.
        C1 = 1 => "C1",
        /// General personal information.
        C2 = 2 => "C2",
        /// Sensitive personal information (PIPL Art. 28).
        C3 = 3 => "C3",
    }
}

vocabulary! {
    /// How much of a value is shown. Ordered: a higher view shows more.
    View is "view" {
        /// Nothing.
        None = 0 => "none",
        /// Only as part of a count.
        Count = 1 => "count",
        /// Only whether a given value is the one held.
        Match = 2 => "match",
        /// With the identifying part covered.
        Masked = 3 => "masked",
        /// In clear.
        Raw = 4 => "raw",
    }
}

vocabulary! {
    /// The kinds by which the criminal law counts unlawfully obtained items
    /// (two-courts interpretation of 2017 on Criminal Law 253-1, Art. 5); reveal limits follow them.
    LegalKind is "legal kind" {
        /// 行踪轨迹: movements.
        Track = 1 => "track",
        /// 通信内容: the content of communication.
        CommunicationContent = 2 => "communication_content",
        /// 征信信息: credit.
        Credit = 3 => "credit",
        /// 财产信息: property.
        Property = 4 => "property",
        /// 住宿信息: lodging.
        Lodging = 5 => "lodging",
        /// 通信记录: records of communication.
        CommunicationRecord = 6 => "communication_record",
        /// 健康生理信息: health.
        Health = 7 => "health",
        /// 交易信息: transactions.
        Transaction = 8 => "transaction",
        /// Everything else about a person.
        Other = 9 => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back_as_itself() {
        for record_type in RecordType::ALL {
            assert_eq!(record_type.as_str().parse::<RecordType>(), Ok(record_type));
        }
        for class in Class::ALL {
            assert_eq!(class.as_str().parse::<Class>(), Ok(class));
        }
        for view in View::ALL {
            assert_eq!(view.as_str().parse::<View>(), Ok(view));
        }
        for kind in LegalKind::ALL {
            assert_eq!(kind.as_str().parse::<LegalKind>(), Ok(kind));
        }
    }

    #[test]
    fn stored_numbers_of_record_types_never_change() {
        let numbers: Vec<u8> = RecordType::ALL.iter().map(|kind| *kind as u8).collect();
        assert_eq!(numbers, (1..=11).collect::<Vec<u8>>());
        assert_eq!(RecordType::MediationFile as u8, 10);
    }

    #[test]
    fn views_are_ordered_by_how_much_they_show() {
        assert!(View::None < View::Count && View::Count < View::Match);
        assert!(View::Match < View::Masked && View::Masked < View::Raw);
    }

    #[test]
    fn an_unknown_word_that_may_be_a_value_is_not_repeated() {
        let refused = "880102195203121043".parse::<RecordType>().expect_err("no such type");
        assert_eq!(refused.to_string(), "unknown record type `?`");
        let refused = "Person".parse::<RecordType>().expect_err("no such type");
        assert_eq!(refused.to_string(), "unknown record type `Person`");
    }
}
