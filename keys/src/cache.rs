//! Keeps the subject keys that were unwrapped last, so that a hot subject costs neither a look nor an unwrapping. Never
//! outgrows its capacity and never serves a key for other wrapped bytes than those it came from, where they are shown.
//! An evicted key is wiped with its last holder.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::FxHashMap;

use crate::error::KeyError;
use crate::keyring::Keyring;
use crate::limits::CACHE_KEYS_MAX;
use crate::subject::SubjectKey;

/// Subject keys by subject, shared between threads. Which key goes when it is full is decided by second chance: the first
/// one found that nobody asked for since the hand last passed it.
pub struct SubjectKeyCache {
    capacity_keys: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: Vec<Held>,
    at: FxHashMap<[u8; 16], usize>,
    hand: usize,
    /// Rises with every eviction on demand, so that a key that was being unwrapped meanwhile is not put back.
    evictions: u64,
}

struct Held {
    subject: [u8; 16],
    wrapped: Box<[u8]>,
    key: Arc<SubjectKey>,
    asked: bool,
}

impl SubjectKeyCache {
    /// An empty cache for at most `capacity_keys` keys.
    ///
    /// # Errors
    /// [`KeyError::CacheCapacity`] for zero or more than [`CACHE_KEYS_MAX`].
    pub fn new(capacity_keys: usize) -> Result<Self, KeyError> {
        if !(1..=CACHE_KEYS_MAX).contains(&capacity_keys) {
            return Err(KeyError::CacheCapacity);
        }
        Ok(Self { capacity_keys, state: Mutex::default() })
    }

    /// The key of `subject` from these very wrapped bytes: held, or unwrapped and then held.
    ///
    /// # Errors
    /// As [`Keyring::unwrap_subject_key`]; nothing is held then.
    pub fn get_or_unwrap(
        &self,
        keyring: &Keyring,
        subject: &[u8; 16],
        wrapped: &[u8],
    ) -> Result<Arc<SubjectKey>, KeyError> {
        let evictions = {
            let mut state = self.lock();
            if let Some(key) = state.find(subject, Some(wrapped)) {
                return Ok(key);
            }
            state.evictions
        };
        self.unwrap_and_hold(keyring, subject, wrapped, evictions)
    }

    /// The key of `subject`: held, or unwrapped from what `look` finds and then held. Nothing where `look` finds nothing.
    /// A key that is held is not looked for, so whoever changes or removes wrapped bytes calls [`SubjectKeyCache::evict`]
    /// before anybody is told of it.
    ///
    /// # Errors
    /// Those of `look`, and as [`Keyring::unwrap_subject_key`]; nothing is held then.
    pub fn get_or_look<E: From<KeyError>>(
        &self,
        keyring: &Keyring,
        subject: &[u8; 16],
        look: impl FnOnce() -> Result<Option<Vec<u8>>, E>,
    ) -> Result<Option<Arc<SubjectKey>>, E> {
        // Taken before the look: what was found and is evicted meanwhile is used once and not held.
        let evictions = {
            let mut state = self.lock();
            if let Some(key) = state.find(subject, None) {
                return Ok(Some(key));
            }
            state.evictions
        };
        let Some(wrapped) = look()? else { return Ok(None) };
        Ok(Some(self.unwrap_and_hold(keyring, subject, &wrapped, evictions)?))
    }

    /// Other threads go on while this one unwraps; two may unwrap the same key, and the later one is kept.
    fn unwrap_and_hold(
        &self,
        keyring: &Keyring,
        subject: &[u8; 16],
        wrapped: &[u8],
        evictions: u64,
    ) -> Result<Arc<SubjectKey>, KeyError> {
        let key = Arc::new(keyring.unwrap_subject_key(subject, wrapped)?);
        let mut state = self.lock();
        if state.evictions == evictions {
            let held = Held {
                subject: *subject,
                wrapped: wrapped.into(),
                key: Arc::clone(&key),
                asked: false,
            };
            state.hold(held, self.capacity_keys);
        }
        Ok(key)
    }

    /// Lets go of a subject's key, for when it is erased or its bucket re-keyed.
    pub fn evict(&self, subject: &[u8; 16]) {
        let mut state = self.lock();
        state.evictions += 1;
        if let Some(slot) = state.at.get(subject).copied() {
            state.remove(slot);
        }
    }

    /// Lets go of all keys, for when the vault is sealed.
    pub fn clear(&self) {
        let mut state = self.lock();
        let evictions = state.evictions + 1;
        *state = State { evictions, ..State::default() };
    }

    /// How many keys are held.
    #[must_use]
    pub fn held_keys(&self) -> usize {
        self.lock().held.len()
    }

    /// A thread that panicked in here left a map that is still whole: each change of it is finished before the next begins.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The key that is held, if it came from these very bytes where some are given.
    fn find(&mut self, subject: &[u8; 16], wrapped: Option<&[u8]>) -> Option<Arc<SubjectKey>> {
        let slot = *self.at.get(subject)?;
        let held = &mut self.held[slot];
        if wrapped.is_some_and(|wrapped| *held.wrapped != *wrapped) {
            return None;
        }
        held.asked = true;
        Some(Arc::clone(&held.key))
    }

    fn hold(&mut self, held: Held, capacity_keys: usize) {
        if let Some(slot) = self.at.get(&held.subject).copied() {
            self.held[slot] = held;
            return;
        }
        if self.held.len() >= capacity_keys {
            let slot = self.next_to_go();
            self.remove(slot);
        }
        self.at.insert(held.subject, self.held.len());
        self.held.push(held);
    }

    /// Passes the hand over the keys; a key asked for since the last pass gets a second chance. Ends within two rounds.
    fn next_to_go(&mut self) -> usize {
        loop {
            let slot = self.hand % self.held.len();
            self.hand = slot + 1;
            if !std::mem::take(&mut self.held[slot].asked) {
                return slot;
            }
        }
    }

    /// Removes a slot; the last key moves into its place.
    fn remove(&mut self, slot: usize) {
        let gone = self.held.swap_remove(slot);
        self.at.remove(&gone.subject);
        if let Some(moved) = self.held.get(slot) {
            self.at.insert(moved.subject, slot);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyring::test_keyring;

    fn subject(number: u8) -> [u8; 16] {
        [number; 16]
    }

    fn wrapped(keyring: &Keyring, number: u8) -> Vec<u8> {
        let wrapping = keyring.wrap_new_subject_key(&subject(number));
        wrapping.expect("wrapping").1
    }

    #[test]
    fn a_held_key_is_not_unwrapped_again() {
        let keyring = test_keyring();
        let cache = SubjectKeyCache::new(2).expect("in bounds");
        let bytes = wrapped(&keyring, 1);
        let first = cache.get_or_unwrap(&keyring, &subject(1), &bytes);
        let again = cache.get_or_unwrap(&keyring, &subject(1), &bytes);
        assert!(Arc::ptr_eq(&first.expect("own key"), &again.expect("own key")));
    }

    #[test]
    fn a_rewrapped_key_is_never_served_from_an_old_entry() {
        let keyring = test_keyring();
        let cache = SubjectKeyCache::new(2).expect("in bounds");
        let (old, new) = (wrapped(&keyring, 1), wrapped(&keyring, 1));
        let one = cache.get_or_unwrap(&keyring, &subject(1), &old);
        let other = cache.get_or_unwrap(&keyring, &subject(1), &new);
        assert_ne!(one.expect("own key").id(), other.expect("own key").id());
        assert_eq!(cache.held_keys(), 1);

        let mut altered = new.clone();
        *altered.last_mut().expect("not empty") ^= 1;
        assert!(cache.get_or_unwrap(&keyring, &subject(1), &altered).is_err());
    }

    fn looked(
        cache: &SubjectKeyCache,
        keyring: &Keyring,
        found: Option<&[u8]>,
    ) -> Result<Option<Arc<SubjectKey>>, KeyError> {
        cache.get_or_look(keyring, &subject(1), || Ok(found.map(<[u8]>::to_vec)))
    }

    #[test]
    fn a_held_key_is_not_looked_for() {
        let keyring = test_keyring();
        let cache = SubjectKeyCache::new(2).expect("in bounds");
        let bytes = wrapped(&keyring, 1);
        let first = looked(&cache, &keyring, Some(&bytes)).expect("own key").expect("found");
        let again = cache.get_or_look(&keyring, &subject(1), || Err(KeyError::CacheCapacity));
        assert!(Arc::ptr_eq(&first, &again.expect("held").expect("held")));
        let shown = cache.get_or_unwrap(&keyring, &subject(1), &bytes).expect("own key");
        assert!(Arc::ptr_eq(&first, &shown));
    }

    #[test]
    fn after_an_eviction_the_look_alone_says_whether_there_is_a_key() {
        let keyring = test_keyring();
        let cache = SubjectKeyCache::new(2).expect("in bounds");
        let (old, new) = (wrapped(&keyring, 1), wrapped(&keyring, 1));
        let first = looked(&cache, &keyring, Some(&old)).expect("own key").expect("found").id();
        cache.evict(&subject(1));
        assert!(looked(&cache, &keyring, None).expect("a look").is_none());
        assert_eq!(cache.held_keys(), 0);
        let second = looked(&cache, &keyring, Some(&new)).expect("own key").expect("found").id();
        assert_ne!(first, second);
        cache.evict(&subject(1));
        assert!(looked(&cache, &keyring, Some(&new[1..])).is_err());
        assert_eq!(cache.held_keys(), 0);
    }

    #[test]
    fn what_is_evicted_between_look_and_use_is_not_held() {
        let keyring = test_keyring();
        let cache = SubjectKeyCache::new(2).expect("in bounds");
        let bytes = wrapped(&keyring, 1);
        let key = cache.get_or_look(&keyring, &subject(1), || {
            // The subject is erased just after its wrapped key was found.
            cache.evict(&subject(1));
            Ok::<_, KeyError>(Some(bytes))
        });
        assert!(key.expect("own key").is_some());
        assert_eq!(cache.held_keys(), 0);
    }

    #[test]
    fn the_cache_never_outgrows_its_capacity() {
        let keyring = test_keyring();
        let cache = SubjectKeyCache::new(8).expect("in bounds");
        for number in 0..100 {
            let bytes = wrapped(&keyring, number);
            let key = cache.get_or_unwrap(&keyring, &subject(number), &bytes);
            assert!(key.is_ok());
            assert!(cache.held_keys() <= 8);
            let state = cache.lock();
            assert_eq!(state.at.len(), state.held.len());
            for (slot, held) in state.held.iter().enumerate() {
                assert_eq!(state.at.get(&held.subject), Some(&slot));
            }
        }
        assert_eq!(cache.held_keys(), 8);
    }

    #[test]
    fn a_key_asked_for_again_outlives_one_that_was_not() {
        let keyring = test_keyring();
        let cache = SubjectKeyCache::new(2).expect("in bounds");
        let bytes: Vec<_> = (0..3).map(|number| wrapped(&keyring, number)).collect();
        let get = |number: u8| {
            let wrapped = &bytes[usize::from(number)];
            let key = cache.get_or_unwrap(&keyring, &subject(number), wrapped);
            key.expect("own key")
        };
        let asked = get(0);
        get(1);
        get(0);
        get(2);
        assert!(Arc::ptr_eq(&asked, &get(0)));
        assert!(!cache.lock().at.contains_key(&subject(1)));
    }

    #[test]
    fn evicted_and_cleared_keys_are_gone() {
        let keyring = test_keyring();
        let cache = SubjectKeyCache::new(8).expect("in bounds");
        let mut keys = Vec::new();
        for number in 0..4 {
            let bytes = wrapped(&keyring, number);
            let key = cache.get_or_unwrap(&keyring, &subject(number), &bytes);
            keys.push(Arc::downgrade(&key.expect("own key")));
        }
        cache.evict(&subject(1));
        cache.evict(&subject(99));
        assert_eq!(cache.held_keys(), 3);
        let alive: Vec<bool> = keys.iter().map(|key| key.upgrade().is_some()).collect();
        assert_eq!(alive, [true, false, true, true]);
        cache.clear();
        assert_eq!(cache.held_keys(), 0);
        assert!(keys.iter().all(|key| key.upgrade().is_none()));
    }

    #[test]
    fn a_failed_unwrapping_holds_nothing() {
        let keyring = test_keyring();
        let cache = SubjectKeyCache::new(8).expect("in bounds");
        let bytes = wrapped(&keyring, 1);
        assert!(cache.get_or_unwrap(&keyring, &subject(2), &bytes).is_err());
        assert_eq!(cache.held_keys(), 0);
    }

    #[test]
    fn the_capacity_is_bounded() {
        for capacity in [0, CACHE_KEYS_MAX + 1] {
            assert!(matches!(SubjectKeyCache::new(capacity), Err(KeyError::CacheCapacity)));
        }
        assert!(SubjectKeyCache::new(1).is_ok());
        assert!(SubjectKeyCache::new(CACHE_KEYS_MAX).is_ok());
    }

    #[test]
    fn threads_share_a_cache() {
        let keyring = test_keyring();
        let cache = SubjectKeyCache::new(4).expect("in bounds");
        let bytes: Vec<_> = (0..8).map(|number| wrapped(&keyring, number)).collect();
        std::thread::scope(|scope| {
            for shift in 0..4 {
                let (cache, keyring, bytes) = (&cache, &keyring, &bytes);
                scope.spawn(move || {
                    for round in 0..200_u8 {
                        let number = round.wrapping_add(shift) % 8;
                        let wrapped = &bytes[usize::from(number)];
                        let key = cache.get_or_unwrap(keyring, &subject(number), wrapped);
                        assert!(key.is_ok());
                        if round % 50 == 0 {
                            cache.evict(&subject(number));
                        }
                    }
                });
            }
        });
        assert!(cache.held_keys() <= 4);
    }
}
