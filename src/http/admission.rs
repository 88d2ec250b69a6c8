//! Who is worked on now and who is told to come again.
//! Never queues: whoever has no place hears so at once, before token, body or decision cost anything.
//! While the vault is busy nobody has more places than a hand needs, so one caller's flood is not another's wait; and whose body comes
//! before it is known who sends it has places apart, so that no stranger's slowness is the wait of those who have a token.

use crate::access::{ActorId, source_of};
use crate::limits::{
    ACTOR_REQUESTS_COUNT_MAX, BUSY_ACTOR_REQUESTS_COUNT_MAX, BUSY_REQUESTS_PER_CORE_COUNT,
    REQUESTS_COUNT_MAX, SOURCE_CONNECTIONS_COUNT_MAX, STRANGER_REQUESTS_COUNT_MAX,
    STRANGER_SOURCE_REQUESTS_COUNT_MAX,
};
use rustc_hash::FxBuildHasher;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// From where a proxy on the vault's own host calls.
const PROXY_ADDRESSES: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// Places of requests, in all and of each actor.
pub(super) struct Admission {
    requests: AtomicUsize,
    /// Beyond so many requests the vault is busy.
    busy_count: usize,
    actors: Counted<ActorId, FxBuildHasher>,
    strangers: AtomicUsize,
    stranger_sources: Counted<IpAddr>,
}

/// A request that is worked on. Dropped, it makes room.
pub(super) enum Place {
    /// Among all requests.
    Common(Arc<Admission>),
    /// Among those of strangers, from this source where it counts by itself.
    Stranger(Arc<Admission>, Option<IpAddr>),
}

/// A request of an actor that is worked on. Dropped, it makes room.
pub(super) struct Seat {
    actor: ActorId,
    admission: Arc<Admission>,
}

impl Admission {
    /// For a host with so many cores.
    pub(super) fn new(cores: usize) -> Admission {
        let busy_count = cores.max(1) * BUSY_REQUESTS_PER_CORE_COUNT;
        Admission {
            requests: AtomicUsize::new(0),
            busy_count,
            actors: Counted::default(),
            strangers: AtomicUsize::new(0),
            stranger_sources: Counted::default(),
        }
    }

    /// A place among all requests, if there is one.
    pub(super) fn place(self: &Arc<Self>) -> Option<Place> {
        let before = self.requests.fetch_add(1, Ordering::Relaxed);
        // Made first, so that a refusal takes its own count back.
        let place = Place::Common(self.clone());
        (before < REQUESTS_COUNT_MAX).then_some(place)
    }

    /// A place among the requests whose body is read before it is known who sends it, if its source and all of them have one left.
    /// What comes from the address by which a host calls itself comes through its proxy, from whoever: it counts among all of them
    /// alone.
    pub(super) fn stranger(self: &Arc<Self>, source: IpAddr) -> Option<Place> {
        let of_proxy = PROXY_ADDRESSES.contains(&source.to_canonical());
        let source = (!of_proxy).then(|| source_of(source));
        let has_room =
            |source| self.stranger_sources.enter(source, STRANGER_SOURCE_REQUESTS_COUNT_MAX);
        if !source.is_none_or(has_room) {
            return None;
        }
        let before = self.strangers.fetch_add(1, Ordering::Relaxed);
        // Made first, so that a refusal takes its own counts back.
        let place = Place::Stranger(self.clone(), source);
        (before < STRANGER_REQUESTS_COUNT_MAX).then_some(place)
    }

    /// A place among an actor's requests, if it has one left.
    pub(super) fn seat(self: &Arc<Self>, actor: ActorId) -> Option<Seat> {
        let busy = self.requests.load(Ordering::Relaxed) > self.busy_count;
        let most = if busy { BUSY_ACTOR_REQUESTS_COUNT_MAX } else { ACTOR_REQUESTS_COUNT_MAX };
        self.actors.enter(actor, most).then(|| Seat { actor, admission: self.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        match self {
            Place::Common(admission) => {
                admission.requests.fetch_sub(1, Ordering::Relaxed);
            }
            Place::Stranger(admission, source) => {
                admission.strangers.fetch_sub(1, Ordering::Relaxed);
                if let Some(source) = source {
                    admission.stranger_sources.leave(source);
                }
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.admission.actors.leave(&self.actor);
    }
}

/// Connections of each source: an address, or a network of IPv6.
#[derive(Default)]
pub(super) struct Sources(Counted<IpAddr>);

/// A connection that is open. Dropped, it makes room.
pub(super) struct Connected {
    source: IpAddr,
    sources: Arc<Sources>,
}

impl Sources {
    /// A place among the connections of a source, if it has one left.
    pub(super) fn connect(self: &Arc<Self>, source: IpAddr) -> Option<Connected> {
        let source = source_of(source);
        let entered = self.0.enter(source, SOURCE_CONNECTIONS_COUNT_MAX);
        entered.then(|| Connected { source, sources: self.clone() })
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.sources.0.leave(&self.source);
    }
}

/// How many each one has. Whoever has none is not in it, so it is as long as there are places at most. Names that strangers choose
/// are hashed so that nobody can make many collide; for names that the vault drew itself another hash does.
pub(super) struct Counted<T, S = RandomState>(Mutex<HashMap<T, usize, S>>);

impl<T, S: Default> Default for Counted<T, S> {
    fn default() -> Counted<T, S> {
        Counted(Mutex::default())
    }
}

impl<T: Eq + Hash, S: BuildHasher> Counted<T, S> {
    pub(super) fn enter(&self, who: T, most: usize) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(who).or_insert(0);
        let free = *count < most;
        *count += usize::from(free);
        free
    }

    pub(super) fn leave(&self, who: &T) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(who) {
            *count -= 1;
            if *count == 0 {
                counts.remove(who);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actor(number: u8) -> ActorId {
        ActorId::from_bytes([number; 16])
    }

    fn places(admission: &Arc<Admission>, count: usize) -> Vec<Place> {
        (0..count).map(|_| admission.place().expect("a place")).collect()
    }

    #[test]
    fn requests_are_taken_to_their_limit_and_the_next_one_when_a_place_is_free() {
        let admission = Arc::new(Admission::new(2));
        let mut taken = places(&admission, REQUESTS_COUNT_MAX);
        assert!(admission.place().is_none());
        assert!(admission.place().is_none());
        taken.pop();
        assert!(admission.place().is_some());
        drop(taken);
        assert_eq!(admission.requests.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn strangers_of_one_source_and_of_all_have_their_own_places_and_no_others() {
        let admission = Arc::new(Admission::new(2));
        let from = |host: usize| {
            let [.., high, low] = host.to_be_bytes();
            admission.stranger(IpAddr::from([192, 0, high, low]))
        };
        let mut taken: Vec<Place> = Vec::new();
        for _ in 0..STRANGER_SOURCE_REQUESTS_COUNT_MAX {
            taken.push(from(0).expect("a place"));
        }
        assert!(from(0).is_none());
        while taken.len() < STRANGER_REQUESTS_COUNT_MAX {
            let host = taken.len() / STRANGER_SOURCE_REQUESTS_COUNT_MAX;
            taken.push(from(host).expect("a place"));
        }
        let next = STRANGER_REQUESTS_COUNT_MAX;
        assert!(from(next).is_none());
        assert!(from(next).is_none());
        assert!(admission.stranger(IpAddr::from([127, 0, 0, 1])).is_none());
        // Not one of them is missing to those who have a token.
        assert_eq!(places(&admission, REQUESTS_COUNT_MAX).len(), REQUESTS_COUNT_MAX);
        taken.pop();
        assert!(from(next).is_some());
        drop(taken);
        let through_a_proxy: Vec<Place> = (0..STRANGER_REQUESTS_COUNT_MAX)
            .map(|_| admission.stranger(IpAddr::from([127, 0, 0, 1])).expect("a place"))
            .collect();
        assert!(from(next).is_none());
        drop(through_a_proxy);
        assert_eq!(admission.strangers.load(Ordering::Relaxed), 0);
        assert!(admission.stranger_sources.0.lock().expect("not poisoned").is_empty());
    }

    #[test]
    fn one_actor_takes_its_own_places_and_no_others() {
        let admission = Arc::new(Admission::new(2));
        let mut seats: Vec<Seat> = Vec::new();
        for _ in 0..ACTOR_REQUESTS_COUNT_MAX {
            seats.push(admission.seat(actor(1)).expect("a seat"));
        }
        assert!(admission.seat(actor(1)).is_none());
        assert!(admission.seat(actor(2)).is_some());
        seats.pop();
        assert!(admission.seat(actor(1)).is_some());
    }

    #[test]
    fn a_busy_vault_gives_each_actor_a_few_places() {
        let admission = Arc::new(Admission::new(2));
        let seats = |number: u8, count: usize| -> Vec<Seat> {
            (0..count).map_while(|_| admission.seat(actor(number))).collect()
        };
        let mut taken = places(&admission, 2 * BUSY_REQUESTS_PER_CORE_COUNT);
        let many = BUSY_ACTOR_REQUESTS_COUNT_MAX + 1;
        assert_eq!(seats(1, many).len(), many);
        taken.extend(places(&admission, 1));
        assert_eq!(seats(1, many).len(), BUSY_ACTOR_REQUESTS_COUNT_MAX);
        // Whoever had more before keeps them and gets no more.
        drop(taken.pop());
        let held = seats(2, many);
        taken.extend(places(&admission, 1));
        assert!(admission.seat(actor(2)).is_none());
        assert!(admission.seat(actor(3)).is_some());
        drop(held);
        assert!(admission.seat(actor(2)).is_some());
    }

    #[test]
    fn who_has_no_place_is_not_remembered() {
        let admission = Arc::new(Admission::new(2));
        drop(admission.seat(actor(1)));
        assert!(admission.actors.0.lock().expect("not poisoned").is_empty());
    }

    #[test]
    fn one_source_has_its_own_connections_and_no_others() {
        let sources = Arc::new(Sources::default());
        let one: IpAddr = "192.0.2.1".parse().expect("an address");
        let same: IpAddr = "::ffff:192.0.2.1".parse().expect("an address");
        let other: IpAddr = "192.0.2.2".parse().expect("an address");
        let mut open: Vec<Connected> = Vec::new();
        for _ in 0..SOURCE_CONNECTIONS_COUNT_MAX {
            open.push(sources.connect(one).expect("a connection"));
        }
        assert!(sources.connect(one).is_none());
        assert!(sources.connect(same).is_none());
        assert!(sources.connect(other).is_some());
        open.pop();
        assert!(sources.connect(same).is_some());
    }

    #[test]
    fn a_network_of_ipv6_has_the_connections_of_one_source() {
        let sources = Arc::new(Sources::default());
        let of = |text: String| text.parse::<IpAddr>().expect("an address");
        let open: Vec<Connected> = (0..SOURCE_CONNECTIONS_COUNT_MAX)
            .map(|host| {
                sources.connect(of(format!("2001:db8:1:2::{host:x}"))).expect("a connection")
            })
            .collect();
        assert!(sources.connect(of("2001:db8:1:2:8000::1".to_owned())).is_none());
        assert!(sources.connect(of("2001:db8:1:3::1".to_owned())).is_some());
        drop(open);
        assert!(sources.0.0.lock().expect("not poisoned").is_empty());
    }
}
