//! Makes index terms anew whose keys are destroyed, from the values that records hold: once, behind the restore of a bulk part that is older than
//! its index keys, and before anybody is served.
//! Never a value out of `seal`, and never a row written anew. What opens for nobody is found by nothing any more.
//! The names that calling systems gave their records stand nowhere but in terms: those under destroyed keys are lost.

use super::OperationError;
use crate::ambient::Micros;
use crate::limits::{RETERM_LOOKS_COUNT, RETERM_TERMS_COUNT_MAX};
use crate::records::RecordId;
use crate::seal::{Seal, SealError};
use crate::store::{Change, Expect, Fetched, Key, Op, Reader, Sealed, Version, term_value};
use crate::trail::{Announcement, KeyNews, Trail};
use std::collections::BTreeSet;

/// What was made anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RemadeTerms {
    /// Terms that find their records again.
    pub terms: u64,
    /// Terms that nothing could be made of: names of calling systems, and what opens for nobody.
    pub lost: u64,
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
        let mut dead: BTreeSet<RecordId> = BTreeSet::new();
        for (key, stored) in &page {
            if let Some((term, record)) = key.term_parts()
                && seal.is_dead_term(&term, stored)?
            {
                dead.insert(record);
            }
        }
        let mut anew = Anew::default();
        for record in dead {
            if let Fetched::Found(sealed) = store.fetch(record).await? {
                anew.add(&sealed, now, store, seal).await?;
            }
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
    /// Adds the steps for one record: all of its dead terms at once.
    async fn add(
        &mut self,
        sealed: &Sealed,
        now: Micros,
        store: &Reader,
        seal: &Seal,
    ) -> Result<(), OperationError> {
        let header = &sealed.row().header;
        let (version, mut moved) = sealed.moved_terms()?;
        let (mut living, mut dead) = (Vec::new(), Vec::new());
        for named in &header.terms {
            let term = moved.now(named);
            match store.get(&Key::term(&term, header.id)).await? {
                Some(stored) if seal.is_dead_term(&term, &stored)? => dead.push(term),
                Some(_) => living.push(term),
                None => {}
            }
        }
        let mut sought = match seal.sought_of(sealed, now.days()) {
            Err(SealError::Store(error)) => return Err(error.into()),
            // One record that cannot be read must not keep all others: the scrub says of it what is wrong.
            found => found.unwrap_or_default(),
        };
        sought.retain(|one| !seal.forms(one).iter().any(|form| living.contains(form)));
        let mut anew = sought.iter().map(|one| seal.newest_term(one));
        for term in dead {
            if let Some((next, epoch)) = anew.next() {
                moved.moved(term, next);
                let key = Key::term(&next, header.id);
                self.change.ops.push(Op::Put(key, Version(1), term_value(epoch)));
                self.terms += 1;
            } else {
                self.lost += 1;
            }
            self.change.ops.push(Op::Delete(Key::term(&term, header.id)));
        }
        let key = Key::moved_terms(header.id);
        self.change.ops.push(Op::Put(key.clone(), version.next(), moved.encode()));
        self.change.expects.push(Expect { key, version, stamp: 0 });
        Ok(())
    }

    async fn write(self, done: &mut RemadeTerms, trail: &Trail) -> Result<(), OperationError> {
        let Anew { change, terms, lost } = self;
        if change.ops.is_empty() {
            return Ok(());
        }
        let told = Announcement::OfKeys(KeyNews::TermsMoved { terms });
        let recorded = trail.announce_keys(told, change).await?;
        recorded.ok_or(OperationError::Internal("a record moved on before anybody was served"))?;
        (done.terms, done.lost) = (done.terms + terms, done.lost + lost);
        Ok(())
    }
}
