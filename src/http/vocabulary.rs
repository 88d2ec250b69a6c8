//! What entries are told in: titles of purposes, names of roles, and what a refused caller reads, in both languages.
//! Never a name that the policy in force does not have.
//! It is made here alone, so that an entry, a review and a report have the same words.

use super::rooms::Rooms;
use super::titles::titles;
use crate::access::Code;
use crate::oversight::{Pair, Vocabulary};

/// The names of roles, as the policy in force has them.
pub(super) fn role_names(rooms: &Rooms) -> impl Fn(&str) -> Option<Pair> + Sync {
    move |id| {
        rooms.access.with_policy(|policy| {
            let role = policy.roles().iter().find(|role| role.id.as_str() == id)?;
            Some((role.zh.clone(), role.en.clone()))
        })
    }
}

/// The vault's vocabulary with these names of roles.
pub(super) fn vocabulary<'a>(
    rooms: &'a Rooms,
    role: &'a (dyn Fn(&str) -> Option<Pair> + Sync),
) -> Vocabulary<'a> {
    Vocabulary { purposes: &rooms.purposes, role, reason: &reason }
}

/// What was refused by no rule: a request met something that the vault did not write.
const INTEGRITY: (&str, &str, &str) =
    ("integrity", "存储的数据与写入时不一致", "What is stored is not what the vault wrote.");

fn reason(word: &str) -> Option<Pair> {
    let (integrity, chinese, english) = INTEGRITY;
    if word == integrity {
        return Some((chinese.to_owned(), english.to_owned()));
    }
    let code = Code::ALL.iter().find(|code| code.as_str() == word)?;
    let (chinese, english) = titles(*code);
    Some((chinese.to_owned(), english.to_owned()))
}
