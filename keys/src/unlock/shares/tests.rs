//! Tests of shares: which of them open, what fewer tell, and what a typing error does.

use proptest::prelude::*;

use super::*;
use crate::root::RootKey;
use crate::unlock::{Envelope, decode_unlock_file};

fn set(needed: u8, count: u8) -> (RootKey, Envelope, Vec<Share>) {
    let root = RootKey::generate().expect("randomness");
    let plan = SharePlan::new(needed, count).expect("inside the limits");
    let (envelope, shares) = Envelope::seal_with_shares(&root, plan).expect("sealing");
    (root, envelope, shares)
}

/// The same share once more: what a holder brings is read from its text.
fn again(share: &Share) -> Share {
    Share::parse(share.text().expect("a text").as_bytes()).expect("own text")
}

/// The shares of a set that `subset` names by its bits.
fn chosen(shares: &[Share], subset: u32) -> Vec<Share> {
    let named = shares.iter().enumerate().filter(|(at, _)| subset & (1 << at) != 0);
    named.map(|(_, share)| again(share)).collect()
}

/// A share of the same head with another value.
fn forged(share: &Share) -> Share {
    let value = Secret::random().expect("randomness");
    Share { value, ..again(share) }
}

fn plans() -> impl Iterator<Item = (u8, u8)> {
    (SHARES_NEEDED_COUNT_MIN..=SHARES_COUNT_MAX)
        .flat_map(|count| (SHARES_NEEDED_COUNT_MIN..=count).map(move |needed| (needed, count)))
}

#[test]
fn every_subset_that_is_large_enough_opens_and_every_smaller_one_is_not_tried() {
    let mut opened = 0;
    let mut refused = 0;
    for (needed, count) in plans() {
        let (root, envelope, shares) = set(needed, count);
        for subset in 0..1_u32 << count {
            let brought = chosen(&shares, subset);
            let held = brought.len();
            match envelope.open_with_shares(&brought) {
                Ok(key) => {
                    assert_eq!(key.expose(), root.expose());
                    assert!(held >= usize::from(needed), "{held} of {needed}/{count}");
                    opened += 1;
                }
                Err(KeyError::SharesMissing { held: told, needed: asked }) => {
                    assert_eq!((told, asked), (held, usize::from(needed)));
                    assert!(held < asked);
                    refused += 1;
                }
                Err(other) => panic!("{needed}/{count}, subset {subset:b}: {other}"),
            }
        }
    }
    assert_eq!((opened, refused), (522, 762), "all subsets of all plans");
}

#[test]
fn a_smaller_subset_filled_up_with_what_was_made_up_fails_like_any_wrong_one() {
    for (needed, count) in plans() {
        let (_, envelope, shares) = set(needed, count);
        for subset in 0..1_u32 << count {
            let right = subset.count_ones() as usize;
            if right + 1 != usize::from(needed) {
                continue;
            }
            let mut brought = chosen(&shares, subset);
            let other = (0..shares.len()).find(|at| subset & (1 << at) == 0).expect("one is left");
            brought.push(forged(&shares[other]));
            assert!(matches!(envelope.open_with_shares(&brought), Err(KeyError::WrongShares)));
        }
    }
}

#[test]
fn fewer_shares_than_open_fit_every_key_there_is() {
    for (needed, count) in [(2, 2), (2, 5), (3, 5), (5, 7), (7, 7)] {
        let (_, _, shares) = set(needed, count);
        let plan = SharePlan::new(needed, count).expect("inside the limits");
        let mut keys = std::collections::BTreeSet::new();
        for byte in 0..=u8::MAX {
            let mut brought = chosen(&shares, (1 << needed) - 1);
            let last = brought.last_mut().expect("two or more");
            let mut value = *last.value.expose();
            value[0] = byte;
            last.value = Secret::copy_of(&value);
            keys.insert(join(&brought, plan).expect("enough").expose()[0]);
        }
        assert_eq!(keys.len(), 256, "{needed}/{count}: each last share leads to another key");
    }
}

#[test]
fn one_wrong_share_among_more_than_enough_opens_nothing() {
    let (_, envelope, shares) = set(2, 4);
    let mut brought = chosen(&shares, 0b0111);
    brought[1] = forged(&brought[1]);
    assert!(matches!(envelope.open_with_shares(&brought), Err(KeyError::WrongShares)));
}

#[test]
fn one_share_twice_is_told_and_counts_once() {
    let (_, envelope, shares) = set(2, 3);
    let brought = [again(&shares[1]), again(&shares[1])];
    assert!(matches!(envelope.open_with_shares(&brought), Err(KeyError::ShareTwice)));
}

#[test]
fn shares_of_another_set_or_root_are_told_by_their_heads() {
    let (root, envelope, shares) = set(2, 3);
    let (_, other_envelope, _) = set(2, 3);
    let plan = SharePlan::new(2, 3).expect("inside the limits");
    let (second_envelope, second) = Envelope::seal_with_shares(&root, plan).expect("sealing");
    assert!(matches!(other_envelope.check_share(&shares[0]), Err(KeyError::ShareOfOtherRoot)));
    assert!(matches!(envelope.check_share(&second[0]), Err(KeyError::ShareOfOtherSet)));
    let mixed = [again(&shares[0]), again(&second[1])];
    assert!(matches!(envelope.open_with_shares(&mixed), Err(KeyError::ShareOfOtherSet)));
    second_envelope.check_share(&second[0]).expect("its own");
    // A head that promises to open with fewer, or a number that the set does not have.
    let other = Share { needed: 3, ..again(&shares[0]) };
    assert!(matches!(envelope.check_share(&other), Err(KeyError::ShareOfOtherSet)));
    let fourth = Share { number: 4, ..again(&shares[0]) };
    assert!(matches!(envelope.check_share(&fourth), Err(KeyError::ShareOfOtherSet)));
}

#[test]
fn an_envelope_of_shares_is_opened_by_shares_alone_and_opens_no_other() {
    let (root, envelope, shares) = set(2, 3);
    let phrase = crate::Passphrase::new(Zeroizing::new(b"right passphrase".to_vec()));
    let phrase = phrase.expect("long enough");
    assert!(matches!(envelope.open_with_passphrase(&phrase), Err(KeyError::WrongProvider)));
    let cost = crate::ArgonCost { memory_kib: 8 * 1024, passes: 1, lanes: 1 };
    let by_phrase = Envelope::seal_with_passphrase(&root, &phrase, cost).expect("sealing");
    let brought = chosen(&shares, 0b11);
    assert!(matches!(by_phrase.open_with_shares(&brought), Err(KeyError::WrongProvider)));
    assert!(matches!(by_phrase.check_share(&shares[0]), Err(KeyError::WrongProvider)));
    // Both hold the same root key and lie in one file.
    assert_eq!(by_phrase.root_key_id(), envelope.root_key_id());
}

#[test]
fn an_altered_envelope_of_shares_opens_nothing() {
    let (_, envelope, shares) = set(2, 3);
    let bytes = envelope.encode();
    let brought = chosen(&shares, 0b011);
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut altered = bytes.clone();
            altered[at] ^= 1 << bit;
            let Ok(decoded) = Envelope::decode(&altered) else { continue };
            assert!(decoded.open_with_shares(&brought).is_err(), "bit {bit} of byte {at}");
        }
    }
    // How many there are stands in no share, and is bound all the same.
    let mut altered = bytes.clone();
    altered[27] = 7;
    let decoded = Envelope::decode(&altered).expect("a plan");
    assert!(matches!(decoded.open_with_shares(&brought), Err(KeyError::WrongShares)));
}

#[test]
fn plans_are_bounded_on_both_sides() {
    for (needed, count) in [(2, 2), (2, 7), (7, 7), (3, 5)] {
        let plan = SharePlan::new(needed, count).expect("inside the limits");
        assert_eq!((plan.needed(), plan.count()), (needed, count));
    }
    for (needed, count) in [(0, 0), (0, 3), (1, 1), (1, 3), (3, 2), (2, 8), (8, 8), (255, 255)] {
        assert!(matches!(SharePlan::new(needed, count), Err(KeyError::SharePlan)));
    }
}

#[test]
fn a_share_is_read_as_people_write() {
    let (_, _, shares) = set(3, 5);
    let text = shares[0].text().expect("a text");
    assert_eq!(text.len(), LABEL.len() + DIGITS_COUNT + DIGITS_COUNT / GROUP_DIGITS_COUNT);
    let plain = text.replace('-', "");
    let look_alikes = text[LABEL.len()..].replace('0', "o").replace('1', "l");
    for written in [
        text.to_lowercase(),
        plain.clone(),
        plain.chars().flat_map(|letter| [letter, ' ']).collect(),
        format!(" {}\r\n", &*text),
        format!("gvshare{look_alikes}"),
        format!("GVSHARE{}", look_alikes.replace('l', "I")),
    ] {
        let read = Share::parse(written.as_bytes()).expect(&written);
        assert_eq!(read.value.expose(), shares[0].value.expose());
        assert_eq!((read.number, read.needed), (1, 3));
        assert_eq!((read.set_id, read.root_key_id), (shares[0].set_id, shares[0].root_key_id));
    }
}

#[test]
fn every_mistyped_letter_and_every_swapped_pair_is_told_by_the_checksum() {
    let (_, _, shares) = set(2, 3);
    let text = shares[2].text().expect("a text").replace('-', "").into_bytes();
    for at in LABEL.len()..text.len() {
        for digit in DIGITS {
            let mut typed = text.clone();
            typed[at] = *digit;
            if typed != text {
                assert!(matches!(Share::parse(&typed), Err(KeyError::ShareChecksum)), "at {at}");
            }
        }
        let mut typed = text.clone();
        typed.swap(at, (at + 1).min(text.len() - 1));
        if typed != text {
            assert!(matches!(Share::parse(&typed), Err(KeyError::ShareChecksum)), "swap at {at}");
        }
    }
}

#[test]
fn what_is_no_share_is_refused() {
    let (_, _, shares) = set(2, 3);
    let text = shares[0].text().expect("a text");
    let shape = |written: &[u8]| matches!(Share::parse(written), Err(KeyError::ShareShape));
    for end in 0..text.len() {
        assert!(shape(&text.as_bytes()[..end]), "cut at {end}");
    }
    assert!(shape(format!("{}0", &*text).as_bytes()));
    assert!(shape(&text.as_bytes()[LABEL.len()..]));
    assert!(shape(text.replacen('-', "_", 1).as_bytes()));
    assert!(shape(text.replacen('-', "U", 1).as_bytes()));
    assert!(shape("GVSHARE-ü".as_bytes()));
    let longest = format!("{}{}", &*text, " ".repeat(SHARE_TEXT_BYTES_MAX - text.len()));
    assert!(Share::parse(longest.as_bytes()).is_ok());
    assert!(shape(format!("{longest} ").as_bytes()));
    let numberless = Share { number: 0, ..again(&shares[0]) };
    assert!(shape(numberless.text().expect("a text").as_bytes()));
}

#[test]
fn a_share_of_a_newer_format_is_told() {
    let (_, _, shares) = set(2, 3);
    let mut head = shares[0].head();
    head[0] = 2;
    let mut bytes = head.to_vec();
    bytes.extend_from_slice(shares[0].value.expose());
    bytes.extend_from_slice(&checksum(&head, &shares[0].value).expect("derivation"));
    let digits = (0..DIGITS_COUNT).map(|at| char::from(DIGITS[usize::from(digit_at(&bytes, at))]));
    let text: String = "GVSHARE".chars().chain(digits).collect();
    assert!(matches!(Share::parse(text.as_bytes()), Err(KeyError::ShareFormat { format: 2 })));
}

#[test]
fn shares_of_format_one_that_a_second_implementation_made_open() {
    let bytes = include_bytes!("../../../tests/fixtures/unlock_shares_v1.bin");
    let envelopes = decode_unlock_file(bytes).expect("an unlock file");
    let lines = include_str!("../../../tests/fixtures/shares_v1.txt").lines();
    let shares: Vec<Share> =
        lines.map(|line| Share::parse(line.as_bytes()).expect("a share")).collect();
    assert_eq!(shares.len(), 5);
    let counting: [u8; KEY_BYTES] = std::array::from_fn(|at| u8::try_from(at).expect("below 32"));
    for subset in (0..32_u32).filter(|subset| subset.count_ones() == 3) {
        let root = envelopes[0].open_with_shares(&chosen(&shares, subset)).expect("three of five");
        assert_eq!(root.expose(), &counting);
    }
    for (line, share) in include_str!("../../../tests/fixtures/shares_v1.txt").lines().zip(&shares)
    {
        assert_eq!(share.text().expect("a text").as_str(), line);
    }
}

#[test]
fn randomness_that_fails_is_remembered() {
    let mut chance = SystemChance::default();
    let drawn = chance.array::<8>();
    assert!(!chance.has_failed());
    assert_ne!(drawn, chance.array::<8>());
}

proptest! {
    #[test]
    fn arbitrary_text_is_no_share(text: Vec<u8>, digits in "[0-9A-HJKMNP-TV-Z]{88}") {
        prop_assert!(Share::parse(&text).is_err());
        let labelled = format!("GVSHARE{digits}");
        prop_assert!(Share::parse(labelled.as_bytes()).is_err());
    }
}
