//! What every operation does with every kind of key in every state: what it protects, what it opens or verifies, and what destroys it.
//! Never a state that the table of `state` does not lead to, and never more than the state allows.
//! A key of each epoch left something behind while it was active; that is tried again at each stage.

use super::tests::Bench;
use super::*;
use crate::sealed::{KeyKind, key_id};
use crate::sign::Signer;
use crate::state::KeyChange::{Activated, Destroyed, Superseded};
use crate::state::{KeyChange, KeyState};
use crate::verify::verify_signature;

const MESSAGE: &[u8] = b"message";
/// SHA-256 of sixteen zero bytes begins with 0x374.
const SUBJECT: [u8; 16] = [0; 16];
const ACTOR: [u8; 16] = [1; 16];

fn march() -> Month {
    Month::from_year_month(2026, 3).expect("in range")
}

/// Something that a key did while it was active: a wrapped key, or a signature.
struct Left {
    epoch: u32,
    bytes: Vec<u8>,
}

/// A kind of key, and every operation on it.
struct Kind {
    name: &'static str,
    state: fn(&Keyring, u32) -> Option<KeyState>,
    /// Draws the next one.
    draw: fn(&Keyring) -> Result<(), KeyError>,
    /// Destroys the one before the next one of this epoch.
    destroy: fn(&Keyring, u32) -> Result<(), KeyError>,
    /// Wraps, seals or signs: what every key left that protects now.
    protect: fn(&Keyring) -> Vec<Left>,
    /// Unwraps, opens or verifies.
    opens: fn(&Keyring, &Left) -> bool,
    /// Whether the former one goes on to protect beside the next one.
    both_protect: bool,
}

fn signed(signer: &Signer, epoch: u32) -> Left {
    Left { epoch, bytes: signer.sign(MESSAGE).to_vec() }
}

fn verifies(keys: &[[u8; 32]], left: &Left) -> bool {
    keys.iter().any(|key| verify_signature(key, MESSAGE, &left.bytes).is_ok())
}

fn newest_epoch(keyring: &Keyring, key: SingleKey) -> u32 {
    let KeyEpochs { present, next } = keyring.epochs_of(key);
    next.unwrap_or(present)
}

const BUCKET: Kind = Kind {
    name: "subject bucket",
    state: |ring, epoch| ring.bucket_key_state(WrappedUnder { bucket: 0x374, epoch }),
    draw: |ring| ring.draw_next_bucket_keys(&[0x374]),
    destroy: |ring, epoch| ring.destroy_old_bucket_keys(&[WrappedUnder { bucket: 0x374, epoch }]),
    protect: |ring| {
        let (_, bytes) = ring.wrap_new_subject_key(&SUBJECT).expect("wrapped");
        let epoch = WrappedUnder::of(&bytes).expect("a wrapped key").epoch;
        vec![Left { epoch, bytes }]
    },
    opens: |ring, left| {
        let opens = ring.unwrap_subject_key(&SUBJECT, &left.bytes).is_ok();
        assert_eq!(ring.rewrapped(&SUBJECT, &left.bytes).is_ok(), opens);
        opens
    },
    both_protect: false,
};

const TOKENS: Kind = Kind {
    name: "tokens",
    state: |ring, epoch| ring.single_key_state(SingleKey::TokenSigning, epoch),
    draw: |ring| ring.draw_next(SingleKey::TokenSigning),
    destroy: |ring, epoch| ring.destroy_former(SingleKey::TokenSigning, epoch),
    protect: |ring| vec![signed(&ring.token_signer(), newest_epoch(ring, SingleKey::TokenSigning))],
    opens: |ring, left| {
        let keys = [Some(ring.token_signer().public_key()), ring.former_token_key()];
        verifies(&keys.into_iter().flatten().collect::<Vec<_>>(), left)
    },
    both_protect: false,
};

const LOG: Kind = Kind {
    name: "log",
    state: |ring, epoch| ring.single_key_state(SingleKey::LogSigning, epoch),
    draw: |ring| ring.draw_next(SingleKey::LogSigning),
    destroy: |ring, epoch| ring.destroy_former(SingleKey::LogSigning, epoch),
    protect: |ring| {
        let KeyEpochs { present, .. } = ring.epochs_of(SingleKey::LogSigning);
        let (signer, next) = ring.log_signers();
        let next = next.map(|next| signed(&next, present + 1));
        std::iter::once(signed(&signer, present)).chain(next).collect()
    },
    opens: |ring, left| {
        let (signer, next) = ring.log_signers();
        let keys = [Some(signer.public_key()), next.map(|next| next.public_key())];
        verifies(&keys.into_iter().flatten().collect::<Vec<_>>(), left)
    },
    both_protect: true,
};

const HEADER: Kind = Kind {
    name: "header",
    state: |ring, epoch| ring.single_key_state(SingleKey::Header, epoch),
    draw: |ring| ring.draw_next(SingleKey::Header),
    destroy: |ring, epoch| ring.destroy_former(SingleKey::Header, epoch),
    protect: |ring| {
        let bytes = ring.seal_attributes(MESSAGE, MESSAGE).expect("sealed");
        let epoch = u32::try_from(key_id(KeyKind::Header, &bytes).expect("sealed so"));
        vec![Left { epoch: epoch.expect("an epoch"), bytes }]
    },
    opens: |ring, left| {
        let opens = ring.open_attributes(MESSAGE, &left.bytes).is_ok();
        let state = ring.header_key_state(&left.bytes).expect("sealed so");
        assert_eq!(state.is_some_and(KeyState::opens), opens);
        opens
    },
    both_protect: false,
};

#[test]
fn every_operation_on_every_kind_of_key_does_what_its_state_allows() {
    for kind in [BUCKET, TOKENS, LOG, HEADER] {
        let bench = Bench::new();
        let ring = &bench.keyring;
        let mut left = (kind.protect)(ring);
        let mut expected = vec![led(None, &[Activated])];
        holds(&kind, ring, &left, &expected);
        // An active key is not destroyed, whichever epoch is named.
        for epoch in 0..=2 {
            (kind.destroy)(ring, epoch).expect("nothing to do");
        }
        holds(&kind, ring, &left, &expected);

        (kind.draw)(ring).expect("drawn");
        // Drawn once: whoever asks again gets that.
        (kind.draw)(ring).expect("as it is");
        left.extend((kind.protect)(ring).into_iter().filter(|left| left.epoch == 2));
        let former = if kind.both_protect { expected[0] } else { led(expected[0], &[Superseded]) };
        expected = vec![former, led(None, &[Activated])];
        holds(&kind, ring, &left, &expected);
        for epoch in [0, 1, 3] {
            (kind.destroy)(ring, epoch).expect("none of that epoch");
        }
        holds(&kind, ring, &left, &expected);

        (kind.destroy)(ring, 2).expect("destroyed");
        let last: &[KeyChange] =
            if kind.both_protect { &[Superseded, Destroyed] } else { &[Destroyed] };
        expected = vec![led(expected[0], last), expected[1]];
        holds(&kind, ring, &left, &expected);
        for keyring in bench.both_ways() {
            holds(&kind, &keyring, &left, &expected);
        }
    }
}

/// The state that changes lead to from one, or from a key that was drawn just now.
fn led(from: Option<KeyState>, changes: &[KeyChange]) -> Option<KeyState> {
    let from = from.unwrap_or(KeyState::PreActivation);
    changes.iter().try_fold(from, |state, change| state.after(*change))
}

/// Each key is in its state, and does what that allows.
fn holds(kind: &Kind, ring: &Keyring, left: &[Left], expected: &[Option<KeyState>]) {
    let name = kind.name;
    let states: Vec<Option<KeyState>> = (1..=2).map(|epoch| (kind.state)(ring, epoch)).collect();
    assert_eq!(states[..expected.len()], *expected, "{name}");
    assert_eq!((kind.state)(ring, u32::try_from(expected.len()).expect("few") + 1), None);
    assert_eq!((kind.state)(ring, 0), None, "{name}: epochs count from one");
    let protecting: Vec<u32> = (kind.protect)(ring).iter().map(|left| left.epoch).collect();
    for (epoch, state) in (1..).zip(expected.iter().flatten()) {
        assert_eq!(protecting.contains(&epoch), state.protects(), "{name} {epoch} {state:?}");
        let of_it = left.iter().filter(|left| left.epoch == epoch);
        let opened: Vec<bool> = of_it.map(|left| (kind.opens)(ring, left)).collect();
        assert!(!opened.is_empty(), "{name} {epoch}");
        assert!(opened.iter().all(|opened| *opened == state.opens()), "{name} {epoch} {state:?}");
    }
}

#[test]
fn every_operation_on_the_key_of_a_month_does_what_its_state_allows() {
    let bench = Bench::new();
    let ring = &bench.keyring;
    let seal = || ring.seal_context(march(), &ACTOR, MESSAGE, b"reason").expect("sealed");
    let epoch_of = |sealed: &[u8]| {
        let id = key_id(KeyKind::Context, sealed).expect("a context");
        u32::try_from(id & u64::from(u32::MAX)).expect("half of 64 bits fits 32")
    };
    let opens =
        |keyring: &Keyring, sealed: &[u8]| keyring.open_context(&ACTOR, MESSAGE, sealed).is_ok();
    let states = |keyring: &Keyring| [1, 2].map(|epoch| keyring.context_key_state(march(), epoch));
    let first = seal();
    let active = led(None, &[Activated]);
    assert_eq!((states(ring), epoch_of(&first)), ([active, None], 1));
    // Nothing is destroyed of a month that is not before the one that is named.
    ring.destroy_months_before(march()).expect("nothing to do");
    assert_eq!(states(ring), [active, None]);

    ring.turn_contexts(march()).expect("turned");
    let again = ring.turn_contexts(march());
    assert!(matches!(again, Err(KeyError::ContextTurned)), "once in a month");
    let second = seal();
    let deactivated = led(active, &[Superseded]);
    assert_eq!((states(ring), epoch_of(&second)), ([deactivated, active], 2));
    assert!(opens(ring, &first) && opens(ring, &second));

    let april = Month::from_year_month(2026, 4).expect("in range");
    ring.destroy_months_before(april).expect("destroyed");
    let gone = led(deactivated, &[Destroyed]);
    for keyring in bench.both_ways().iter().chain([ring]) {
        assert_eq!(states(keyring), [gone; 2]);
        assert!(!opens(keyring, &first) && !opens(keyring, &second));
        let sealed = keyring.seal_context(march(), &ACTOR, MESSAGE, b"reason");
        assert!(matches!(sealed, Err(KeyError::MonthNotHeld)));
        let never = Month::from_year_month(2026, 2).expect("in range");
        assert_eq!(keyring.context_key_state(never, 1), None);
    }
}

#[test]
fn a_root_key_seals_the_ring_until_another_follows_and_opens_nothing_of_it_then() {
    let bench = Bench::new();
    let path = bench.directory.path().join("keyring");
    let (ring, _) = Keyring::open(&path, &bench.root).expect("active");
    ring.draw_next(SingleKey::TokenSigning).expect("it seals");
    let root = RootKey::generate().expect("randomness");
    assert!(matches!(Keyring::open(&path, &root), Err(KeyError::KeyringForeignRoot)));
    ring.under_another_root(&root, || Ok(())).expect("turned");
    ring.destroy_former(SingleKey::TokenSigning, 2).expect("the next one seals");
    assert!(matches!(Keyring::open(&path, &bench.root), Err(KeyError::KeyringForeignRoot)));
    assert_eq!(Keyring::open(&path, &root).expect("active").1, KeyringHealth::Whole);
}
