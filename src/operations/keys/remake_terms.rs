//! Makes index terms anew whose keys are destroyed, from the values that records hold: once, behind the restore of a bulk part that is older than
//! its index keys, and before anybody is served.
//! Never a value out of `seal`, and never a row written anew. What opens for nobody is found by nothing any more; of what cannot be read
//! for another reason no term goes, so that a later start makes it anew.
//! The names that calling systems gave their records stand nowhere but in terms: those under destroyed keys are lost.

use super::move_terms::readable;
use crate::ambient::Micros;
use crate::limits::{RETERM_LOOKS_COUNT, RETERM_TERMS_COUNT_MAX};
use crate::operations::OperationError;
use crate::records::RecordId;
use crate::seal::{Seal, Sought, SoughtOf};
use crate::store::{Change, Expect, Fetched, Key, Op, Reader, Sealed, Version, term_value};
use crate::trail::{Announcement, KeyNews, Trail};
use std::collections::BTreeMap;

/// What was made anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RemadeTerms {
    /// Terms that find their records again.
    pub terms: u64,
    /// Terms that nothing could be made of: names of calling systems, and what opens for nobody.
    pub lost: u64,
    /// Terms that are left as they are, because they, or something of their records, cannot be read now. Nothing is found by them.
    pub left: u64,
}

/// Makes all of them anew. A crash in here leaves the rest to the next start, which begins with this again.
///
/// # Errors
/// Whatever keeps it from being done.
pub async fn remake_terms(
    now: Micros,
    store: &Reader,
    seal: &Seal,
    trail: &Trail,
) -> Result<RemadeTerms, OperationError> {
    let (prefix, mut after) = (Key::terms_prefix(), None);
    let mut done = RemadeTerms::default();
    loop {
        let page = store.scan(&prefix, after.as_ref(), RETERM_LOOKS_COUNT).await?;
        let Some((last, _)) = page.last() else { return Ok(done) };
        after = Some(last.clone());
        let mut dead: BTreeMap<RecordId, u64> = BTreeMap::new();
        for (key, stored) in &page {
            let Some((term, record)) = key.term_parts() else { continue };
            match readable(seal.is_dead_term(&term, stored))? {
                Some(true) => *dead.entry(record).or_default() += 1,
                Some(false) => {}
                None => done.left += 1,
            }
        }
        let mut anew = Anew::default();
        for (record, terms) in dead {
            let is_whole = match readable(store.fetch(record).await)? {
                Some(Fetched::Found(sealed)) => anew.add(&sealed, now, store, seal).await?,
                Some(_) => true,
                None => false,
            };
            done.left += if is_whole { 0 } else { terms };
            if anew.change.ops.len() >= RETERM_TERMS_COUNT_MAX {
                std::mem::take(&mut anew).write(&mut done, trail).await?;
            }
        }
        anew.write(&mut done, trail).await?;
    }
}

/// What is to be written.
#[derive(Default)]
struct Anew {
    change: Change,
    terms: u64,
    lost: u64,
}

impl Anew {
    /// Adds the steps for one record: a term for whatever it is to be found by, and none of those that are dead stays. False where something
    /// of it cannot be read: then all of them stay, beside what was made anew of the rest.
    async fn add(
        &mut self,
        sealed: &Sealed,
        now: Micros,
        store: &Reader,
        seal: &Seal,
    ) -> Result<bool, OperationError> {
        let header = &sealed.row().header;
        let kept = seal.moved_terms(header.id, store);
        let Some((version, mut moved)) = readable(kept)? else { return Ok(false) };
        let (mut living, mut dead) = (Vec::new(), Vec::new());
        for named in &header.terms {
            for term in moved.now(named) {
                let stored = readable(store.get(&Key::term(&term, header.id)).await)?.flatten();
                let is_dead = stored.map(|stored| readable(seal.is_dead_term(&term, &stored)));
                match is_dead.transpose()?.flatten() {
                    Some(true) => dead.push((*named, term)),
                    Some(false) => living.push(term),
                    None => {}
                }
            }
        }
        // Something planted, which no row names.
        let Some((beside, _)) = dead.first().copied() else { return Ok(true) };
        let SoughtOf { values, is_whole } = seal.sought_of(sealed, now.local_days())?;
        let is_found = |value: &Sought| seal.forms(value).iter().any(|form| living.contains(form));
        let mut places = if is_whole { dead } else { Vec::new() }.into_iter();
        let steps = self.change.ops.len();
        for value in values.iter().filter(|value| !is_found(value)) {
            let (next, epoch) = seal.newest_term(value);
            if let Some((_, term)) = places.next() {
                moved.moved(term, next);
                self.change.ops.push(Op::Delete(Key::term(&term, header.id)));
            } else if !moved.also(beside, next) {
                self.lost += 1;
                continue;
            }
            self.terms += 1;
            let key = Key::term(&next, header.id);
            self.change.ops.push(Op::Put(key, Version(1), term_value(epoch)));
        }
        for (_, term) in places {
            self.lost += 1;
            self.change.ops.push(Op::Delete(Key::term(&term, header.id)));
        }
        if self.change.ops.len() > steps {
            let key = Key::moved_terms(header.id);
            self.change.ops.push(Op::Put(
                key.clone(),
                version.next(),
                seal.tagged(header.id, &moved),
            ));
            self.change.expects.push(Expect { key, version, stamp: 0 });
        }
        Ok(is_whole)
    }

    async fn write(self, done: &mut RemadeTerms, trail: &Trail) -> Result<(), OperationError> {
        let Anew { change, terms, lost } = self;
        done.lost += lost;
        if change.ops.is_empty() {
            return Ok(());
        }
        let told = Announcement::OfKeys(KeyNews::TermsMoved { terms });
        let recorded = trail.announce_keys(told, change).await?;
        recorded.ok_or(OperationError::Internal("a record moved on before anybody was served"))?;
        done.terms += terms;
        Ok(())
    }
}
