//! What else is held of somebody takes the days on which it turns 14 and 18 from the record in which its birth is written.
//! Never lets out a date or a number that it looks at, and never brings a day nearer behind one that another record tells of.
//! All of it moves on in the same change as that record, and the person's key with it: of a record that is stored meanwhile and the
//! date one comes first, and the other is decided again.

use super::{Birthdays, KeyHold, Patch, Seal, SealError, section};
use crate::ambient::Micros;
use crate::records::{
    BIRTH_DATE, ID_NUMBER, Owner, RecordId, RecordType, Target as _, protected_days,
};
use crate::store::{Change, Sealed};

/// Records of one person that follow another one of it.
pub struct Followers {
    /// The records. The entry names them behind the one that they follow.
    pub records: Vec<Sealed>,
    /// The days that are written, in days since 1970-01-01.
    pub days: (i32, i32),
    /// Whether they are nearer than those before, which a second person agreed to; else each keeps its own where they are later.
    pub nearer: bool,
    /// What was seen of the person's key before the records were looked for; nothing where the change holds it already.
    pub key: Option<KeyHold>,
}

impl Followers {
    pub(super) fn seen(&self) -> Vec<(RecordId, u64, u64)> {
        self.records.iter().flat_map(|one| one.seen()).collect()
    }

    pub(super) fn owns(&self, owner: Owner) -> bool {
        let key = self.key.as_ref().map(|key| Owner::Subject(key.subject));
        let is_one = |one: &Sealed| owner == Owner::Record(one.row().header.id);
        key == Some(owner) || self.records.iter().any(is_one)
    }
}

impl Seal {
    /// Lets them follow, in the change of the record that has these days now.
    pub(super) fn carry(
        &self,
        followers: &Followers,
        now_held: Option<(i32, i32)>,
        at: Micros,
        change: &mut Change,
    ) -> Result<(), SealError> {
        let mut days = Some(followers.days).max(now_held);
        if followers.nearer {
            for sealed in &followers.records {
                days = days.max(self.told(sealed)?);
            }
        }
        for sealed in &followers.records {
            let own = if followers.nearer { None } else { self.known(sealed)? };
            let Some((turns_14, turns_18)) = days.max(own) else { continue };
            let birthdays = Birthdays::Carried(turns_14, turns_18);
            let patch = Patch { birthdays, ..Patch::blank(at) };
            change.append(self.merged_into(sealed, &patch, &[])?);
        }
        match &followers.key {
            Some(key) => key.renew(&self.keyring, change),
            None => Ok(()),
        }
    }

    /// The days that the record's own date and number tell. Of what opens no more what is known of it holds.
    fn told(&self, sealed: &Sealed) -> Result<Option<(i32, i32)>, SealError> {
        let row = sealed.row();
        // A link to a dwelling has neither.
        if row.header.record_type != RecordType::Person {
            return Ok(None);
        }
        let schema = self.schema(row.header.record_type)?;
        let Some(subject) = row.header.subjects.first() else { return Ok(None) };
        let Some(key) = self.key_of(sealed, *subject)? else { return self.known(sealed) };
        let tells = |name: &str| name == BIRTH_DATE || name == ID_NUMBER;
        let mut told = None;
        for section in &row.sections {
            let is_one = schema.fields_of(&section.name).any(|field| tells(&field.name));
            if section.subject == *subject && is_one {
                told = told.max(protected_days(&section::open(&key, &row.header, section)?));
            }
        }
        Ok(told)
    }

    fn known(&self, sealed: &Sealed) -> Result<Option<(i32, i32)>, SealError> {
        let facts = self.facts(sealed)?;
        Ok(facts.turns_14.zip(facts.turns_18))
    }
}
