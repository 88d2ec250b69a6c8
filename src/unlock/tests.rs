//! Tests of a sealed vault: what opens it, what is forgotten, what is counted.

use super::*;
use crate::ambient::Micros;
use crate::limits::{UNSEAL_ATTEMPTS_COUNT_MAX, UNSEAL_ATTEMPTS_TIME};
use gridvault_keys::{ArgonCost, SharePlan};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const CHEAP: ArgonCost = ArgonCost { memory_kib: 8 * 1024, passes: 1, lanes: 1 };
const RIGHT: &str = "right passphrase";

/// A clock that the test moves.
#[derive(Default)]
struct Hand(AtomicU64);

impl Hand {
    fn pass(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).expect("a short time");
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now(&self) -> Micros {
        at(self.monotonic())
    }

    fn monotonic(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// The time of day at a time of the monotonic clock.
fn at(monotonic: u64) -> Micros {
    Micros(1_700_000_000_000_000 + i64::try_from(monotonic).expect("a short time"))
}

struct Vault {
    unlocking: Unlocking,
    unlocked: oneshot::Receiver<Unlocked>,
    clock: Arc<Hand>,
    shares: Vec<Share>,
    root_id: u64,
}

fn bytes(text: &str) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(text.as_bytes().to_vec())
}

fn vault(needed: u8, count: u8) -> Vault {
    let root = RootKey::generate().expect("randomness");
    let passphrase = Passphrase::new(bytes(RIGHT)).expect("long enough");
    let plan = SharePlan::new(needed, count).expect("inside the limits");
    let by_phrase = Envelope::seal_with_passphrase(&root, &passphrase, CHEAP).expect("sealing");
    let (by_shares, shares) = Envelope::seal_with_shares(&root, plan).expect("sealing");
    let clock = Arc::new(Hand::default());
    let (unlocking, unlocked) = Unlocking::of(vec![by_phrase, by_shares], clock.clone());
    Vault { unlocking, unlocked, clock, shares, root_id: root.id() }
}

impl Vault {
    fn bring(&self, brought: Brought) -> Result<Outcome, NotOpened> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(self.unlocking.bring(brought))
    }

    fn say(&self, passphrase: &str) -> Result<Outcome, NotOpened> {
        self.bring(Brought::Passphrase(bytes(passphrase)))
    }

    /// The share of a number.
    fn share(&self, number: usize) -> Result<Outcome, NotOpened> {
        let text = self.shares[number - 1].text().expect("a text");
        self.bring(Brought::Share(bytes(&text)))
    }

    fn held(&self) -> Vec<u8> {
        self.unlocking.standing().shares.expect("a set").numbers
    }

    fn opened(&mut self) -> Unlocked {
        self.unlocked.try_recv().expect("it was opened")
    }
}

#[test]
fn a_right_passphrase_opens_and_says_how() {
    let mut vault = vault(2, 3);
    assert_eq!(vault.say("wrong passphrase"), Err(NotOpened::Wrong));
    assert_eq!(vault.say(RIGHT), Ok(Outcome::Opening));
    let Unlocked { root, shares, failures, .. } = vault.opened();
    assert_eq!((root.id(), shares), (vault.root_id, vec![]));
    let passphrases = Some(Failed { count: 1, first: at(0), last: at(0) });
    assert_eq!(failures, Failures { passphrases, ..Failures::default() });
}

#[test]
fn shares_open_in_any_order_once_enough_are_there() {
    let mut vault = vault(3, 5);
    let standing = match vault.share(4).expect("a share") {
        Outcome::Sealed(standing) => standing,
        Outcome::Opening => panic!("one of three"),
    };
    let held = standing.shares.expect("a set");
    assert_eq!((held.needed, held.count, held.numbers), (3, 5, vec![4]));
    assert_eq!(held.set_id, vault.shares[0].set_id());
    vault.share(1).expect("a share");
    assert_eq!(vault.held(), [1, 4]);
    assert_eq!(vault.share(2), Ok(Outcome::Opening));
    let Unlocked { root, shares, failures, .. } = vault.opened();
    assert_eq!((root.id(), shares), (vault.root_id, vec![1, 2, 4]));
    assert_eq!(failures, Failures::default());
}

const DIGITS: &str = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A length that HKDF is asked for.
struct Four;

impl ring::hkdf::KeyType for Four {
    fn len(&self) -> usize {
        4
    }
}

/// The same share with another value and the checksum of that one: what somebody brings who wants the others to fail.
fn forged(text: &str) -> String {
    let digits: Vec<usize> = text.replace('-', "")["GVSHARE".len()..]
        .chars()
        .filter_map(|one| DIGITS.find(one))
        .collect();
    let bit = |at: usize| (digits[at / 5] >> (4 - at % 5)) & 1;
    let byte = |at: usize| (0..8).fold(0, |byte, of| (byte << 1) | bit(8 * at + of) as u8);
    let mut bytes: Vec<u8> = (0..55).map(byte).collect();
    bytes[19] ^= 1;
    let length = 19_u32.to_be_bytes();
    let info = [b"gridvault/share-check/v1".as_slice(), &length, &bytes[..19]];
    let salt = ring::hkdf::Salt::new(ring::hkdf::HKDF_SHA256, &[]);
    let mut check = [0; 4];
    let derived = salt.extract(&bytes[19..51]);
    derived.expand(&info, Four).and_then(|derived| derived.fill(&mut check)).expect("four bytes");
    bytes[51..].copy_from_slice(&check);
    let bit = |at: usize| usize::from(bytes[at / 8] >> (7 - at % 8)) & 1;
    let digit = |at: usize| (0..5).fold(0, |digit, of| (digit << 1) | bit(5 * at + of));
    let digits: String = (0..88).filter_map(|at| DIGITS.chars().nth(digit(at))).collect();
    format!("GVSHARE{digits}")
}

#[test]
fn shares_that_do_not_open_together_fail_like_a_wrong_passphrase_and_are_forgotten() {
    let mut vault = vault(2, 3);
    vault.share(1).expect("a share");
    let false_one = forged(&vault.shares[1].text().expect("a text"));
    let wrong = vault.bring(Brought::Share(bytes(&false_one)));
    assert_eq!(wrong, vault.say("wrong passphrase"));
    assert_eq!(wrong, Err(NotOpened::Wrong));
    assert!(vault.held().is_empty(), "the right one is forgotten too");
    // Whoever brought a false one first does not keep the right one out.
    vault.bring(Brought::Share(bytes(&false_one))).expect("it looks right");
    vault.share(2).expect("the right one in its place");
    assert_eq!(vault.held(), [2]);
    assert_eq!(vault.share(3), Ok(Outcome::Opening));
    let once = Some(Failed { count: 1, first: at(0), last: at(0) });
    assert_eq!(vault.opened().failures, Failures { passphrases: once, shares: once, pins: None });
}

#[test]
fn what_was_tried_in_vain_is_told_by_kind_with_its_first_and_last_time() {
    let mut vault = vault(2, 3);
    let second = Duration::from_secs(1);
    let false_one = forged(&vault.shares[1].text().expect("a text"));
    for _ in 0..3 {
        vault.clock.pass(second);
        assert_eq!(vault.say("wrong passphrase"), Err(NotOpened::Wrong));
    }
    for _ in 0..2 {
        vault.clock.pass(second);
        vault.share(1).expect("a share");
        let wrong = vault.bring(Brought::Share(bytes(&false_one)));
        assert_eq!(wrong, Err(NotOpened::Wrong));
    }
    // What is not tried is not told.
    assert_eq!(vault.say("too short"), Err(NotOpened::PassphraseLength));
    vault.clock.pass(second);
    assert_eq!(vault.say(RIGHT), Ok(Outcome::Opening));
    let failed = |count, first, last| {
        let at = |seconds: u64| at(seconds * 1_000_000);
        Some(Failed { count, first: at(first), last: at(last) })
    };
    let told = Failures { passphrases: failed(3, 1, 3), shares: failed(2, 4, 5), pins: None };
    assert_eq!(vault.opened().failures, told);
}

#[test]
fn one_share_twice_counts_once() {
    let vault = vault(2, 3);
    vault.share(2).expect("a share");
    vault.share(2).expect("the same");
    assert_eq!(vault.held(), [2]);
}

#[test]
fn what_was_brought_is_forgotten_after_its_time() {
    let vault = vault(3, 3);
    vault.share(1).expect("a share");
    vault.clock.pass(UNSEAL_SHARES_TIME_MAX - Duration::from_micros(1));
    vault.share(2).expect("a share");
    assert_eq!(vault.held(), [1, 2]);
    vault.clock.pass(Duration::from_micros(1));
    // Its time began with the first.
    assert!(vault.held().is_empty());
    vault.share(3).expect("a share");
    assert_eq!(vault.held(), [3]);
}

#[tokio::test(start_paused = true)]
async fn shares_are_forgotten_without_anybody_asking() {
    let vault = vault(3, 3);
    let text = vault.shares[0].text().expect("a text");
    vault.unlocking.bring(Brought::Share(bytes(&text))).await.expect("a share");
    vault.clock.pass(UNSEAL_SHARES_TIME_MAX);
    assert_eq!(vault.unlocking.lock().shares.len(), 1);
    let tending = vault.unlocking.tend();
    let _for_ever = tokio::time::timeout(UNSEAL_SHARES_LOOK_TIME * 2, tending).await;
    assert!(vault.unlocking.lock().shares.is_empty());
}

#[test]
fn a_typing_error_is_told_and_keeps_what_is_there() {
    let vault = vault(3, 3);
    vault.share(1).expect("a share");
    let text = vault.shares[1].text().expect("a text");
    let last = text.chars().last().expect("letters");
    let other = if last == '0' { '2' } else { '0' };
    let typed = format!("{}{other}", &text[..text.len() - 1]);
    let typo = vault.bring(Brought::Share(bytes(&typed)));
    assert_eq!(typo, Err(NotOpened::ShareChecksum));
    assert_eq!(vault.bring(Brought::Share(bytes(RIGHT))), Err(NotOpened::ShareShape));
    assert_eq!(vault.held(), [1]);
}

#[test]
fn a_share_of_another_vault_is_told_by_its_head_and_keeps_what_is_there() {
    let (vault, other) = (vault(2, 3), vault(2, 3));
    vault.share(1).expect("a share");
    let foreign = other.shares[1].text().expect("a text");
    let answer = vault.bring(Brought::Share(bytes(&foreign)));
    assert_eq!(answer, Err(NotOpened::ShareOfOtherRoot));
    assert_eq!(vault.held(), [1]);
}

#[test]
fn passphrases_are_bounded_in_time_and_typing_errors_are_none() {
    let mut vault = vault(2, 3);
    for _ in 0..UNSEAL_ATTEMPTS_COUNT_MAX {
        assert_eq!(vault.say("wrong passphrase"), Err(NotOpened::Wrong));
        assert_eq!(vault.say("too short"), Err(NotOpened::PassphraseLength));
        assert_eq!(vault.bring(Brought::Share(bytes("x"))), Err(NotOpened::ShareShape));
    }
    let seconds = u32::try_from(UNSEAL_ATTEMPTS_TIME.as_secs()).expect("minutes");
    assert_eq!(vault.say(RIGHT), Err(NotOpened::TooOften(seconds)));
    vault.clock.pass(UNSEAL_ATTEMPTS_TIME);
    assert_eq!(vault.say(RIGHT), Ok(Outcome::Opening));
    let failed = vault.opened().failures.passphrases.expect("some");
    assert_eq!(failed.count, UNSEAL_ATTEMPTS_COUNT_MAX as u64);
}

#[test]
fn whoever_uses_up_the_passphrases_does_not_keep_the_holders_of_shares_out() {
    let vault = vault(2, 3);
    while vault.say("wrong passphrase") == Err(NotOpened::Wrong) {}
    assert!(matches!(vault.say(RIGHT), Err(NotOpened::TooOften(_))));
    vault.share(1).expect("a share");
    assert_eq!(vault.share(3), Ok(Outcome::Opening));
}

#[test]
fn false_shares_keep_neither_right_ones_nor_a_passphrase_out() {
    let vault = vault(2, 3);
    let false_one = forged(&vault.shares[1].text().expect("a text"));
    for _ in 0..4 * UNSEAL_ATTEMPTS_COUNT_MAX {
        vault.share(1).expect("a share");
        let wrong = vault.bring(Brought::Share(bytes(&false_one)));
        assert_eq!(wrong, Err(NotOpened::Wrong));
    }
    assert_eq!(vault.say("wrong passphrase"), Err(NotOpened::Wrong));
    vault.share(1).expect("a share");
    assert_eq!(vault.share(3), Ok(Outcome::Opening));
}

#[tokio::test]
async fn shares_that_open_while_a_passphrase_is_tried_open_once() {
    for passphrase in [RIGHT, "wrong passphrase"] {
        let mut vault = vault(2, 3);
        let text = |number: usize| bytes(&vault.shares[number - 1].text().expect("a text"));
        let (first, third) = (text(1), text(3));
        // The passphrase is on its way before the shares come, and cannot end before them: there is one thread.
        let (tried, shares) = tokio::join!(biased; vault.unlocking.bring(Brought::Passphrase(bytes(passphrase))), async {
            assert!(vault.unlocking.lock().stretching);
            let waits = vault.unlocking.bring(Brought::Share(first)).await;
            assert!(matches!(waits, Ok(Outcome::Sealed(_))));
            vault.unlocking.bring(Brought::Share(third)).await
        });
        assert_eq!(shares, Ok(Outcome::Opening));
        // Right or wrong, it came too late to be judged.
        assert_eq!(tried, Err(NotOpened::Opening));
        let Unlocked { root, shares, failures, .. } = vault.opened();
        assert_eq!((root.id(), shares), (vault.root_id, vec![1, 3]));
        assert_eq!(failures, Failures::default());
    }
}

#[tokio::test]
async fn a_passphrase_that_opens_while_shares_wait_forgets_them() {
    let mut vault = vault(2, 3);
    let share = bytes(&vault.shares[0].text().expect("a text"));
    let (opened, waits) = tokio::join!(
        vault.unlocking.bring(Brought::Passphrase(bytes(RIGHT))),
        vault.unlocking.bring(Brought::Share(share))
    );
    assert_eq!(opened, Ok(Outcome::Opening));
    assert!(matches!(waits, Ok(Outcome::Sealed(_))));
    assert!(vault.unlocking.lock().shares.is_empty());
    assert!(vault.opened().shares.is_empty(), "it was not by shares");
}

#[test]
fn a_vault_is_opened_once() {
    let mut vault = vault(2, 3);
    assert_eq!(vault.say(RIGHT), Ok(Outcome::Opening));
    assert_eq!(vault.say(RIGHT), Err(NotOpened::Opening));
    assert_eq!(vault.share(1), Err(NotOpened::Opening));
    drop(vault.opened());
}

#[test]
fn one_passphrase_is_stretched_at_a_time() {
    let vault = vault(2, 3);
    vault.unlocking.lock().stretching = true;
    assert_eq!(vault.say(RIGHT), Err(NotOpened::Busy));
    vault.unlocking.lock().stretching = false;
    assert_eq!(vault.say(RIGHT), Ok(Outcome::Opening));
}

#[test]
fn what_does_not_open_a_vault_is_told() {
    let root = RootKey::generate().expect("randomness");
    let plan = SharePlan::new(2, 2).expect("inside the limits");
    let passphrase = Passphrase::new(bytes(RIGHT)).expect("long enough");
    let by_phrase = Envelope::seal_with_passphrase(&root, &passphrase, CHEAP).expect("sealing");
    let (by_shares, shares) = Envelope::seal_with_shares(&root, plan).expect("sealing");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let clock = Arc::new(Hand::default());
    let (phrase_alone, _kept) = Unlocking::of(vec![by_phrase], clock.clone());
    let share = bytes(&shares[0].text().expect("a text"));
    let answer = runtime.block_on(phrase_alone.bring(Brought::Share(share)));
    assert_eq!(answer, Err(NotOpened::NoShares));
    assert_eq!(phrase_alone.standing(), Standing { passphrase: true, ..Standing::default() });
    let (shares_alone, _kept) = Unlocking::of(vec![by_shares], clock);
    let answer = runtime.block_on(shares_alone.bring(Brought::Passphrase(bytes(RIGHT))));
    assert_eq!(answer, Err(NotOpened::NoPassphrase));
    let answer = runtime.block_on(shares_alone.bring(Brought::Pin(bytes("1234"))));
    assert_eq!(answer, Err(NotOpened::NoToken));
}
