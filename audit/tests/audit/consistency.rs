//! Consistency proofs: what the writer makes, the verifier and another implementation accept, and only for their trees.

use ct_merkle::ConsistencyProof;
use ct_merkle::InclusionProof as ForeignInclusion;
use ct_merkle::mem_backed_tree::MemoryBackedTree;
use gridvault_audit::verify::{Hash, consistency_holds};
use gridvault_audit::{LogReader, leaf_hash};
use proptest::prelude::*;
use sha2::Sha256;

use crate::support::{ORIGIN, Vault, entries, entry};

/// The other implementation's tree over the first `size` entries.
fn foreign(size: u64) -> MemoryBackedTree<Sha256, Vec<u8>> {
    let mut tree = MemoryBackedTree::new();
    entries(0..size).into_iter().for_each(|entry| tree.push(entry));
    tree
}

fn root(tree: &MemoryBackedTree<Sha256, Vec<u8>>) -> Hash {
    tree.root().as_bytes()[..].try_into().expect("32 bytes")
}

fn hash(text: &str) -> Hash {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .expect("base64")
        .try_into()
        .expect("32 bytes")
}

/// Made with the Python package aics-tlog 0.2.1 over the eight known leaves: old size, proof, old root.
const KNOWN: [(u64, &[&str], &str); 5] = [
    (
        1,
        &[
            "lqKW0iTyhcZ77pPDD4owkVfw2qNdxbh+QQt4YwoJz8c=",
            "Xwg/ChozygdqlSeYMlgNs+DvRYS9/x9UyKNg9Q3jAx4=",
            "a0eq8p7jwq+a+Im8H7klTavTEXfxYjLdaqsDXKOb9uQ=",
        ],
        "bjQLnP+zepicpUTmu3gKLHiQHT+zNzh2hRGjBhevoB0=",
    ),
    (
        3,
        &[
            "ApjRIpBtz8EIkstTpzmS/FufST6kybrbJ7eRtBJ6f+c=",
            "B1Bqhf2d0vEg62lPhgEeW7RmLlxBWmKRcDPUqWJEh+c=",
            "+sVCA+fMaWzw38tCySodnbr3CtnmIfS9jZhmLwDjwSU=",
            "a0eq8p7jwq+a+Im8H7klTavTEXfxYjLdaqsDXKOb9uQ=",
        ],
        "rra8/idLcKFPsGel5VeCZNsPqbUa9eC6FZFY8yngbnc=",
    ),
    (
        4,
        &["a0eq8p7jwq+a+Im8H7klTavTEXfxYjLdaqsDXKOb9uQ="],
        "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=",
    ),
    (
        6,
        &[
            "DrxdNDf74tsVi58Sah0RjjCBgQMdCpSfje3t68VY72o=",
            "yoVOoSjtBQtBs1/8G4e46yveRh6eO1WW7Oa51ZdaCuA=",
            "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=",
        ],
        "duZ9rbzfHhDht03cYIq9L5jfsW+851J3tSMqEn8gh+8=",
    ),
    (
        7,
        &[
            "sIaT7C5yFZcTBkHoIR5+7cy0wmQTlj7ubB4u0W/7Gl8=",
            "Rvb/rdPQagn/PFhg0nVci5gZ2330QlF4jH2OMYDejrE=",
            "DrxdNDf74tsVi58Sah0RjjCBgQMdCpSfje3t68VY72o=",
            "037kGJdt2VdTwcc4Yrk5j6Kiz5tP8P3+izDNlSCWFLc=",
        ],
        "3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw=",
    ),
];

#[test]
fn proofs_of_another_implementation_hold_for_the_known_leaves() {
    let new_root = hash("XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=");
    for (old_size, proof, old_root) in KNOWN {
        let proof: Vec<Hash> = proof.iter().map(|text| hash(text)).collect();
        assert!(consistency_holds(old_size, 8, &hash(old_root), &new_root, &proof), "{old_size}");
        assert!(!consistency_holds(old_size, 8, &new_root, &hash(old_root), &proof), "{old_size}");
        assert!(!consistency_holds(old_size, 8, &hash(old_root), &new_root, &proof[1..]));
        let longer = [&proof[..], &proof[..1]].concat();
        assert!(!consistency_holds(old_size, 8, &hash(old_root), &new_root, &longer));
    }
}

#[test]
fn equal_and_empty_trees_need_an_empty_proof() {
    let (one, other) = (leaf_hash(b"one"), leaf_hash(b"other"));
    let empty = root(&MemoryBackedTree::new());
    assert!(consistency_holds(5, 5, &one, &one, &[]));
    assert!(!consistency_holds(5, 5, &one, &other, &[]));
    assert!(!consistency_holds(5, 5, &one, &one, &[one]));
    assert!(!consistency_holds(6, 5, &one, &one, &[]));
    assert!(consistency_holds(0, 5, &empty, &one, &[]));
    assert!(!consistency_holds(0, 5, &one, &one, &[]));
    assert!(!consistency_holds(0, 5, &empty, &one, &[one]));
    assert!(!consistency_holds(3, 5, &one, &other, &[]));
}

#[test]
fn every_pair_of_small_sizes_is_proven_and_no_other_tree_is() {
    let vault = Vault::with(40);
    let reader = LogReader::open(&vault.path, ORIGIN).expect("a reader");
    let roots: Vec<Hash> = (0..=40).map(|size| root(&foreign(size))).collect();
    for new in 1..=40u64 {
        for old in 1..=new {
            let proof = reader.consistency_proof(old, new).expect("covered");
            let (old_root, new_root) = (&roots[old as usize], &roots[new as usize]);
            assert!(consistency_holds(old, new, old_root, new_root, &proof), "{old}, {new}");
            let other = &roots[(old - 1) as usize];
            assert!(!consistency_holds(old, new, other, new_root, &proof), "{old}, {new}");
            for at in 0..proof.len() {
                let mut changed = proof.clone();
                changed[at][0] ^= 1;
                assert!(!consistency_holds(old, new, old_root, new_root, &changed));
            }
        }
    }
    assert!(reader.consistency_proof(3, 41).is_err());
    assert!(reader.consistency_proof(4, 3).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn another_implementation_makes_the_same_proofs(size in 1u64..1200, part in 0.0f64..1.0) {
        let vault = Vault::with(size);
        let reader = LogReader::open(&vault.path, ORIGIN).expect("a reader");
        let tree = foreign(size);
        let old = ((size as f64 * part) as u64).max(1);
        let ours = reader.consistency_proof(old, size).expect("covered");
        let theirs = tree.prove_consistency((size - old) as usize);
        prop_assert_eq!(ours.as_flattened(), theirs.as_bytes());
        prop_assert!(consistency_holds(old, size, &root(&foreign(old)), &root(&tree), &ours));
        let given = ConsistencyProof::<Sha256>::try_from_bytes(ours.concat()).expect("hashes");
        prop_assert!(tree.root().verify_consistency(&foreign(old).root(), &given).is_ok());

        let index = old - 1;
        let ours = reader.inclusion_proof(index).expect("covered");
        let theirs = tree.prove_inclusion(index as usize);
        prop_assert_eq!(ours.path.as_flattened(), theirs.as_bytes());
        let given = ForeignInclusion::<Sha256>::try_from_bytes(ours.path.concat()).expect("hashes");
        prop_assert!(tree.root().verify_inclusion(&entry(index), index, &given).is_ok());
        prop_assert_eq!(vault.verify().expect("accepted").head.root, root(&tree));
    }
}
