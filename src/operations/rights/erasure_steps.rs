//! What somebody's erasure goes through: the records in which the person is, and which of them are next.
//! Never a section: headers and decision attributes alone.
//! Looked at anew for each step, so a step that follows on a crash is the one that was next.

use super::consent::rehearse;
use crate::access::{ErasureAct, Item};
use crate::limits::ERASURE_RECORDS_COUNT_MAX;
use crate::operations::scope::Weighed;
use crate::operations::subject::{key_of, letting_go};
use crate::operations::{Asked, OperationError};
use crate::records::{Handle, MandateId, RecordId, SubjectId, Target as _};
use crate::seal::{Erasure, ErasureRecord, ErasureStep, KeyHold, Seal};
use crate::store::{Fetched, Reader, RecordsOf, Sealed, Stored, Version};

/// Records as a decision asks about them.
pub(super) fn items(weighed: &[Weighed]) -> Vec<Item<'_>> {
    weighed.iter().map(Weighed::item).collect()
}

/// Everything in which a person is, as it is now.
pub(super) struct Held {
    /// What was seen of the person's key before anything else.
    pub(in crate::operations) key: Option<KeyHold>,
    /// Its audit handle, where anything is held of it.
    pub(in crate::operations) handle: Option<Handle>,
    /// Records that are about it.
    pub(in crate::operations) own: Vec<Weighed>,
    /// Records in which it appears beside somebody else.
    pub(in crate::operations) others: Vec<Weighed>,
    /// What was looked at of its own, or of others' where it has none.
    pub(in crate::operations) seen: Vec<(RecordId, u64, u64)>,
    seen_beside: Vec<(RecordId, u64, u64)>,
}

/// A record among those that were weighed.
#[derive(Clone, Copy)]
pub(super) enum At {
    Own(usize),
    Other(usize),
}

impl Held {
    pub(super) async fn of(
        subject: SubjectId,
        store: &Reader,
        seal: &Seal,
    ) -> Result<Held, OperationError> {
        // The key is looked at first: a record that is stored or removed after the look moves its version.
        let key = key_of(subject, store).await?;
        let key = key.map(|(wrapped, expect)| KeyHold { subject, wrapped, expect, is_last: false });
        let (own, others, seen) = (Vec::new(), Vec::new(), Vec::new());
        let mut held = Held { key, handle: None, own, others, seen, seen_beside: Vec::new() };
        let mut records = RecordsOf::new(subject, store);
        while let Some(sealed) = records.next_record().await? {
            held.take(&sealed, subject, seal)?;
        }
        if held.own.is_empty() {
            rehearse(subject, store, seal).await?;
            held.seen = std::mem::take(&mut held.seen_beside);
        }
        Ok(held)
    }

    /// The records by which a desk has to do with the person: its own, or, where it has none any more, those in which it appears.
    pub(super) fn naming(&self) -> &[Weighed] {
        if self.own.is_empty() { &self.others } else { &self.own }
    }

    fn take(
        &mut self,
        sealed: &Sealed,
        subject: SubjectId,
        seal: &Seal,
    ) -> Result<(), OperationError> {
        let facts = seal.facts(sealed)?;
        self.handle = self.handle.or_else(|| facts.subject_handle(subject.as_bytes()));
        let is_own = sealed.row().header.subjects.first() == Some(&subject);
        let weighed = Weighed::of(sealed, facts);
        if is_own {
            self.seen.extend(sealed.seen());
            self.own.push(weighed);
        } else {
            self.seen_beside.extend(sealed.seen());
            self.others.push(weighed);
        }
        Ok(())
    }

    pub(super) fn weighed(&self, at: At) -> &Weighed {
        match at {
            At::Own(at) => &self.own[at],
            At::Other(at) => &self.others[at],
        }
    }

    pub(super) fn item(&self, at: At) -> Item<'_> {
        self.weighed(at).item()
    }

    /// The next step: parts in records of others first, as long as the key opens them; then own records, the one that was named
    /// last, so that as long as anything is held there is something that the desk has to do with. Nothing where somebody was
    /// faster than the look.
    pub(super) async fn step(
        &self,
        named: Option<RecordId>,
        store: &Reader,
    ) -> Result<Option<Step>, OperationError> {
        let blinds = !self.others.is_empty();
        let last = self.own.iter().position(|one| Some(one.record) == named);
        let own = (0..self.own.len()).filter(|at| Some(*at) != last).chain(last).map(At::Own);
        let mut changed: Vec<At> =
            if blinds { (0..self.others.len()).map(At::Other).collect() } else { own.collect() };
        let mut left = if blinds { self.own.len() } else { 0 };
        left += changed.split_off(changed.len().min(ERASURE_RECORDS_COUNT_MAX)).len();
        let mut sealed = Vec::with_capacity(changed.len());
        for at in &changed {
            let weighed = self.weighed(*at);
            match store.fetch(weighed.record).await? {
                Fetched::Found(found) if found.row().header.version == weighed.version => {
                    sealed.push(found);
                }
                _ => return Ok(None),
            }
        }
        let mut holds: Vec<KeyHold> = self.key.iter().map(|key| again(key, left == 0)).collect();
        if !blinds {
            let own = self.key.as_ref().map(|key| key.subject);
            holds.extend(letting_go(&sealed, own, store).await?);
        }
        Ok(Some(Step { changed, sealed, holds, left, blinds }))
    }
}

/// The person's own hold on its key, which goes with the last step.
pub(super) fn again(key: &KeyHold, is_last: bool) -> KeyHold {
    let KeyHold { subject, wrapped, expect, .. } = key;
    KeyHold { subject: *subject, wrapped: wrapped.clone(), expect: expect.clone(), is_last }
}

/// The records of one step.
pub(super) struct Step {
    pub(in crate::operations) changed: Vec<At>,
    sealed: Vec<Sealed>,
    holds: Vec<KeyHold>,
    /// How many records there are behind it.
    pub(in crate::operations) left: usize,
    blinds: bool,
}

impl Step {
    /// What happens to them.
    pub(super) fn act(&self) -> ErasureAct {
        if self.blinds { ErasureAct::Blind } else { ErasureAct::Remove }
    }

    /// What is decided over.
    pub(super) fn target(
        self,
        id: MandateId,
        record: ErasureRecord,
        before: Option<&Stored>,
        asked: &Asked<'_>,
    ) -> Erasure {
        let step = if self.blinds { ErasureStep::Blind } else { ErasureStep::Remove };
        let version = before.map_or(Version::ABSENT, |stored| stored.version);
        let records = (step, self.sealed);
        Erasure::new(*id.as_bytes(), records, self.holds, (record, version), asked.now)
    }
}
