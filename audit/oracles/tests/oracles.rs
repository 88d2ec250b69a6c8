//! The log's proofs and notes against two implementations that nobody here wrote: `sigstore-merkle` and `signed_note`.
//! Never only that good ones are taken: damaged ones must be judged alike.
//! A third, `ct-merkle`, is asked in the crate's own tests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gridvault_audit::verify::{VerifierKey, consistency_holds, open_note, verify_proof};
use gridvault_audit::{Draft, Event, Log, LogReader, NoteSigner, Outcome, leaf_hash, verifier_key};
use proptest::prelude::*;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use signed_note::{Note, StandardSigner, StandardVerifier, VerifierList};
use sigstore_merkle::{hash_leaf, verify_consistency_proof, verify_inclusion_proof};
use sigstore_types::Sha256Hash;
use std::sync::LazyLock;

const ORIGIN: &str = "vault.example/oracles";
const SEED: [u8; 32] = [3; 32];
/// Three levels of tiles would take 65,536; two and an edge show every shape of a proof.
const SIZE: u64 = 1_100;

struct Signer(Ed25519KeyPair);

impl NoteSigner for Signer {
    fn key_name(&self) -> &str {
        ORIGIN
    }

    fn public_key(&self) -> [u8; 32] {
        self.0.public_key().as_ref().try_into().expect("32 bytes")
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).as_ref().try_into().expect("64 bytes")
    }
}

fn signer() -> Signer {
    Signer(Ed25519KeyPair::from_seed_unchecked(&SEED).expect("a seed"))
}

fn vkey() -> String {
    verifier_key(ORIGIN, &signer().public_key())
}

fn entry(index: u64) -> Vec<u8> {
    let mut request = [7; 16];
    request[..8].copy_from_slice(&index.to_be_bytes());
    let draft = Draft::new(Event::SysHeartbeat, Outcome::Success, request);
    draft.encode(index, 1_790_000_000_000_000 + index, index).expect("an entry")
}

/// A log that was published at every size up to [`SIZE`] that ends a group of its making.
fn reader() -> &'static LogReader {
    static MADE: LazyLock<(tempfile::TempDir, LogReader)> = LazyLock::new(|| {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("log");
        let mut log = Log::create(&path, ORIGIN).expect("a new log");
        let entries: Vec<Vec<u8>> = (0..SIZE).map(entry).collect();
        log.append(0, &entries).expect("appended");
        log.publish(&signer()).expect("published");
        let reader = LogReader::open(&path, ORIGIN).expect("a log");
        (directory, reader)
    });
    &MADE.1
}

fn theirs(hash: &[u8; 32]) -> Sha256Hash {
    Sha256Hash::new(*hash)
}

fn all_theirs(hashes: &[[u8; 32]]) -> Vec<Sha256Hash> {
    hashes.iter().map(theirs).collect()
}

/// Damage to a list of hashes: none, a flipped bit, one hash fewer, one more.
fn damaged(hashes: &[[u8; 32]], how: u8, place: usize) -> Vec<[u8; 32]> {
    let mut hashes = hashes.to_vec();
    match how {
        1 if !hashes.is_empty() => {
            let at = place % hashes.len();
            hashes[at][place % 32] ^= 1;
        }
        2 => drop(hashes.pop()),
        3 => hashes.push([9; 32]),
        _ => {}
    }
    hashes
}

fn verifiers() -> VerifierList {
    let verifier = StandardVerifier::new(&vkey()).expect("a key that they read");
    VerifierList::new(vec![Box::new(verifier)])
}

fn they_accept(note: &[u8]) -> bool {
    Note::from_bytes(note)
        .and_then(|note| note.verify(&verifiers()).map(|(known, _)| !known.is_empty()))
        .unwrap_or(false)
}

fn we_accept(note: &[u8]) -> bool {
    open_note(note, &VerifierKey::parse(&vkey()).expect("a key")).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn inclusion_proof_is_judged_as_sigstore_judges_it(index in 0..SIZE, how in 0u8..4, place in 0usize..1_000) {
        let proof = reader().inclusion_proof(index).expect("a proof");
        prop_assert_eq!(theirs(&leaf_hash(&entry(index))), hash_leaf(&entry(index)));
        let root = reader().root(proof.size).expect("a root");
        let path = damaged(&proof.path, how, place);
        let their_verdict = verify_inclusion_proof(
            &theirs(&proof.leaf), index, proof.size, &all_theirs(&path), &theirs(&root),
        ).is_ok();
        let ours = gridvault_audit::InclusionProof { path, ..proof.clone() };
        let key = VerifierKey::parse(&vkey()).expect("a key");
        let our_verdict = verify_proof(ours.to_text().as_bytes(), &key, &proof.leaf).is_ok();
        prop_assert_eq!(our_verdict, their_verdict);
        prop_assert_eq!(our_verdict, how == 0 || (how == 1 && proof.path.is_empty()));
    }

    #[test]
    fn consistency_proof_is_judged_as_sigstore_judges_it(one in 1..=SIZE, other in 1..=SIZE, how in 0u8..4, place in 0usize..1_000) {
        let (old, new) = (one.min(other), one.max(other));
        let proof = reader().consistency_proof(old, new).expect("a proof");
        let (old_root, new_root) =
            (reader().root(old).expect("a root"), reader().root(new).expect("a root"));
        let proof = damaged(&proof, how, place);
        let their_verdict = verify_consistency_proof(
            old, new, &all_theirs(&proof), &theirs(&old_root), &theirs(&new_root),
        ).is_ok();
        let our_verdict = consistency_holds(old, new, &old_root, &new_root, &proof);
        prop_assert_eq!(our_verdict, their_verdict, "{} {} {}", old, new, how);
    }

    #[test]
    fn whatever_note_is_accepted_here_is_accepted_by_signed_note(at in 0usize..400, bit in 0u8..8) {
        let note = reader().checkpoint_text().expect("read").expect("published").into_bytes();
        prop_assert!(we_accept(&note) && they_accept(&note));
        let mut changed = note.clone();
        let at = at % changed.len();
        changed[at] ^= 1 << bit;
        prop_assert!(!we_accept(&changed) || they_accept(&changed));
        prop_assert!(!we_accept(&changed[..at]) || they_accept(&changed[..at]));
    }

    #[test]
    fn note_that_signed_note_signs_is_accepted_here(size in 0u64..(1 << 62), root in any::<[u8; 32]>()) {
        let text = format!("{ORIGIN}\n{size}\n{}\n", STANDARD.encode(root));
        let vkey = vkey();
        let id = vkey.split('+').nth(1).expect("an id");
        let secret = STANDARD.encode([&[1u8][..], &SEED].concat());
        let signer = StandardSigner::new(&format!("PRIVATE+KEY+{ORIGIN}+{id}+{secret}"));
        let mut note = Note::new(text.as_bytes(), &[]).expect("a note");
        note.add_sigs(&[&signer.expect("a key that they read")]).expect("signed");
        let head = open_note(&note.to_bytes(), &VerifierKey::parse(&vkey).expect("a key"));
        let head = head.expect("accepted");
        prop_assert_eq!((head.size, head.root), (size, root));
    }
}
