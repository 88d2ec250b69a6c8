//! Ways to the root key that change while the vault serves: what an act left to be told is told before the next one begins, and where
//! nobody knows which ways are in force nothing of either is touched any more.
//! Never a passphrase: shares are made at once, and what is in them is asked of nobody.
//! The keyring and the ways lie in a directory of their own, as in a vault's.

use super::gate::StillClock;
use super::setting::actor_record;
use super::world::{NOW, World, wait};
use crate::access::ActorId;
use crate::ambient::HostRandom;
use crate::ceremony::{
    Agreed, Handed, NotAgreed, OpenWays, Place, Request, Signed, Tellers, Told, What, Word,
    digest_of, put_in_force,
};
use crate::identity::{ActorRecord, NewActor};
use crate::store::Reader;
use gridvault_keys::{
    Envelope, KeyError, Keyring, LogInKey, Month, RootKey, SharePlan, UnlockFile,
};
use std::path::PathBuf;
use std::sync::Arc;

/// The two who agree, by their posts.
const ADMINISTRATORS: [(u8, &str); 2] = [(21, "system_admin"), (22, "security_admin")];

/// A vault of one set of shares, and the two who agree to what is done to it.
struct Open {
    world: World,
    ways: OpenWays,
    place: Place,
    keyring: Arc<Keyring>,
    root: RootKey,
    people: Vec<(ActorRecord, LogInKey)>,
    _directory: tempfile::TempDir,
}

fn shares(root: &RootKey) -> Envelope {
    let plan = SharePlan::new(2, 3).expect("inside the limits");
    Envelope::seal_with_shares(root, plan).expect("sealed").0
}

fn drawn() -> RootKey {
    RootKey::generate().expect("randomness")
}

impl Open {
    fn new() -> Open {
        let directory = tempfile::tempdir().expect("a directory");
        let (root, path) = (drawn(), directory.path().join("keyring"));
        let month = Month::from_year_month(2026, 1).expect("a month");
        let keyring = Arc::new(Keyring::create(&path, &root, month).expect("a keyring"));
        let unlock = directory.path().join("unlock");
        UnlockFile::create(&unlock, &[shares(&root)]).expect("a new file");
        let world = World::under(keyring.clone());
        let people = ADMINISTRATORS.map(|(id, role)| {
            let key = LogInKey::draw().expect("randomness");
            let record = actor_record(ActorId::from_bytes([id; 16]), role, None);
            let record = ActorRecord { log_in_key: Some(key.public_key()), ..record };
            let addition =
                world.identity.directory().addition(&NewActor { record: record.clone() });
            world.announce(addition.expect("an actor"));
            (record, key)
        });
        let vault = world.trail.origin().to_owned();
        let place = Place { directory: directory.path().to_owned(), vault };
        let ways = OpenWays::new(place.clone(), keyring.clone());
        let people = people.into_iter().collect();
        Open { world, ways, place, keyring, root, people, _directory: directory }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.place.directory.join(name)
    }

    fn tellers(&self) -> Tellers<'_> {
        let World { trail, reader, identity, .. } = &self.world;
        Tellers { trail, reader, actors: identity.directory(), clock: &StillClock }
    }

    fn signed(&self) -> Box<Signed> {
        let ways = digest_of(&self.file("unlock")).expect("a file");
        let (vault, what) = (self.place.vault.clone(), What::RotateRoot);
        let until = NOW.seconds() + 3_600;
        let request = Request { vault, what, ways, parts: None, until };
        let text = request.text().expect("a time");
        let sign = |(record, key): &(ActorRecord, LogInKey)| (record.id, key.sign(text.as_bytes()));
        let signatures = self.people.iter().map(sign).collect();
        Box::new(Signed { request, signatures })
    }

    /// Another root key, handed over by whoever has this one.
    fn handed(&self, root: &RootKey, next: &RootKey) -> Handed {
        let envelopes = vec![shares(next)];
        Handed::over(&self.place, self.signed(), (root, Some(next)), envelopes).expect("sealed")
    }

    fn judge(&self, handed: Handed) -> Result<crate::ceremony::Judged, NotAgreed> {
        wait(self.ways.judge(handed, self.tellers(), &HostRandom::new()))
    }

    fn told(&self, reader: &Reader, ceremony: [u8; 16]) -> usize {
        wait(Told::read(reader)).expect("readable").of(&ceremony)
    }
}

#[test]
fn what_an_act_left_to_be_told_is_told_before_the_next_one_begins() {
    let open = Open::new();
    let (first, second) = (drawn(), drawn());
    // In force, and nobody told of it: the log took nothing at that moment.
    let persons = [open.people[0].0.id, open.people[1].0.id];
    let (id, word) = ([9; 16], Word::Signed(open.signed()));
    let agreed = Agreed { id, what: What::RotateRoot, persons, word };
    put_in_force(&open.place, &open.keyring, agreed, Some(&first), &[shares(&first)])
        .expect("in force");
    assert_eq!(open.told(&open.world.reader, id), 0);
    assert!(UnlockFile::has_former(&open.file("unlock")));

    let judged = open.judge(open.handed(&first, &second)).expect("it is agreed to");
    assert_eq!(open.told(&open.world.reader, id), 2, "the root key, and the set of shares");
    assert!(!open.file("unlock.old").exists() && !open.file("ceremony").exists());
    wait(open.ways.put_in_force(judged, open.tellers())).expect("in force");
    assert_eq!(open.keyring.root_id(), Some(second.id()));
    assert!(!open.file("unlock.old").exists() && !open.file("ceremony").exists());
    assert_eq!(open.told(&open.world.reader, id), 2, "and once");
    // Whoever had the first one only has the second not.
    let again = open.judge(open.handed(&first, &second));
    assert_eq!(again.map(|_| ()), Err(NotAgreed::Unproven));
}

#[test]
fn where_nobody_knows_which_ways_are_in_force_nothing_of_either_is_touched() {
    let open = Open::new();
    let next = drawn();
    let unlock = open.file("unlock");
    let before = std::fs::read(&unlock).expect("a file");
    UnlockFile::prepare(&unlock, &[shares(&next)]).expect("prepared");
    std::fs::write(open.file("ceremony"), "a note").expect("written");
    let turned = open.keyring.under_another_root(&next, || {
        UnlockFile::put_in_force(&unlock)?;
        Err(KeyError::ReadBack)
    });
    assert!(turned.is_err());
    for root in [&open.root, &next] {
        let judged = open.judge(open.handed(root, &drawn()));
        assert_eq!(judged.map(|_| ()), Err(NotAgreed::Failed));
    }
    assert_eq!(std::fs::read(open.file("unlock.old")).expect("a file"), before);
    assert!(open.file("ceremony").exists());
}
