//! Keeps the decision attributes that lists opened last, so that a page over the same grid opens none of them again.
//! Never more than its capacity, and never serves attributes for other bytes than those they were opened from.
//! Whatever changes or removes a row lets go of its attributes before anybody is told.

use crate::records::{Facts, RecordId};
use crate::store::Sealed;
use rustc_hash::FxHashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Opened attributes by record, in two generations; the older one goes when the newer has half of what may be kept.
pub(super) struct KeptFacts {
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    recent: FxHashMap<RecordId, Kept>,
    older: FxHashMap<RecordId, Kept>,
    /// Rises with every row that is let go of, so that what was being opened meanwhile is not kept.
    let_go: u64,
}

/// Attributes with the bytes that they came from: header and sealed attributes.
struct Kept {
    header: Box<[u8]>,
    attributes: Box<[u8]>,
    facts: Arc<Facts>,
}

impl Kept {
    fn is_of(&self, sealed: &Sealed) -> bool {
        *self.header == *sealed.header_bytes() && *self.attributes == *sealed.row().attributes
    }
}

impl KeptFacts {
    /// Room for so many.
    pub(super) fn new(capacity: usize) -> KeptFacts {
        KeptFacts { capacity, state: Mutex::default() }
    }

    /// The attributes of a record: kept, or opened and then kept.
    ///
    /// # Errors
    /// Those of `open`; nothing is kept then.
    pub(super) fn get_or_open<E>(
        &self,
        sealed: &Sealed,
        open: impl FnOnce() -> Result<Facts, E>,
    ) -> Result<Arc<Facts>, E> {
        let id = sealed.row().header.id;
        let let_go = {
            let state = self.lock();
            let kept = state.recent.get(&id).or_else(|| state.older.get(&id));
            if let Some(kept) = kept.filter(|kept| kept.is_of(sealed)) {
                return Ok(kept.facts.clone());
            }
            state.let_go
        };
        let facts = Arc::new(open()?);
        let kept = Kept {
            header: sealed.header_bytes().into(),
            attributes: (*sealed.row().attributes).into(),
            facts: facts.clone(),
        };
        let mut state = self.lock();
        if state.let_go == let_go {
            if state.recent.len() >= self.capacity.div_ceil(2) {
                state.older = std::mem::take(&mut state.recent);
            }
            state.older.remove(&id);
            state.recent.insert(id, kept);
        }
        Ok(facts)
    }

    /// Lets go of a record's attributes.
    pub(super) fn let_go(&self, id: RecordId) {
        let mut state = self.lock();
        state.let_go += 1;
        state.recent.remove(&id);
        state.older.remove(&id);
    }

    /// How many are kept.
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        let state = self.lock();
        state.recent.len() + state.older.len()
    }

    /// A thread that panicked in here left maps that are whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
