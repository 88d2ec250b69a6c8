//! What is left of the erased: every copy of a wrapped key in the raw disk, tried against every key of the ring of today.
//! Never through the crate of the keys, which chooses a key by its name: here each one is tried, whatever the copy says.
//! The same look finds what it must: the ring of before opens every copy, and today's opens everybody who stays.

use super::Arguments;
use super::life::Person;
use crate::fault::Fault;
use crate::keys::unwraps;
use crate::planted::scan::Scanner;
use crate::tally::Tally;
use gridvault::records::SubjectId;
use gridvault::store::{self, EngineKind, Fetched, Key, Reader};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// Cache of the engine, in bytes.
const CACHE_BYTES: u64 = 64 * 1024 * 1024;
/// Wrapped keys that are looked at.
const KEYS_COUNT: usize = 100_000;

/// Where the number of the bucket ends in a wrapped key, with the first byte of the epoch, which is zero.
const BUCKET_END: usize = 8;

/// Wrapped keys by subject.
pub type Copies = BTreeMap<String, Vec<u8>>;

pub fn with_store<T>(
    directory: &Path,
    look: impl AsyncFnOnce(&Reader) -> Result<T, store::StoreError>,
) -> Result<T, Fault> {
    let opened = store::open(&directory.join("store"), EngineKind::Sled, CACHE_BYTES);
    let (reader, _applier) = opened.map_err(|_| Fault::Malformed("the store"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| Fault::io("starting", directory, error))?;
    runtime.block_on(look(&reader)).map_err(|_| Fault::Malformed("a look into the store"))
}

/// The wrapped keys of these people, as the store of a stopped vault has them.
pub fn wrapped_keys(directory: &Path, people: &[Person]) -> Result<Copies, Fault> {
    let all = with_store(directory, async |reader: &Reader| {
        reader.scan(&Key::subject_key_prefix(), None, KEYS_COUNT).await
    })?;
    let all = all
        .into_iter()
        .filter_map(|(key, stored)| Some((key.subject_of_key()?.to_string(), stored.payload)));
    let all: Copies = all.collect();
    let copy = |person: &Person| {
        let copy = all.get(&person.subject).cloned().ok_or(Fault::Malformed("the store"))?;
        Ok((person.subject.clone(), copy))
    };
    people.iter().map(copy).collect()
}

fn opens(ring: &[[u8; 32]], subject: &str, wrapped: &[u8]) -> Result<usize, Fault> {
    let subject: SubjectId = subject.parse().map_err(|_| Fault::Malformed("a subject"))?;
    Ok(ring.iter().filter(|key| unwraps(key, subject.as_bytes(), wrapped)).count())
}

/// The look finds what it must: each copy is opened by one key of the ring of its time.
pub fn control(ring: &[[u8; 32]], people: &[Person], copies: &Copies, tally: &mut Tally) {
    // A few: the others are of the same form.
    let few = people.iter().step_by(people.len().div_ceil(20).max(1));
    let opened = few.map(|one| opens(ring, &one.subject, &copies[&one.subject]).unwrap_or(0));
    let opened: Vec<usize> = opened.collect();
    let said = format!("{} copies, {} keys", opened.len(), ring.len());
    let all = opened.iter().all(|count| *count == 1);
    tally.check(
        "each copy was opened by one key of the ring of before",
        if all { Ok(said) } else { Err(format!("{said}: {opened:?}")) },
    );
}

/// A tombstone for each of the erased, and nothing else of them.
pub fn tombstones(directory: &Path, gone: &[Person], tally: &mut Tally) -> Result<(), Fault> {
    let ids = gone.iter().map(|one| one.id.parse().map_err(|_| Fault::Malformed("an id")));
    let ids = ids.collect::<Result<Vec<_>, Fault>>()?;
    let count = with_store(directory, async |reader: &Reader| {
        let mut count = 0;
        for id in ids {
            count += usize::from(matches!(reader.fetch(id).await?, Fetched::Erased(..)));
        }
        Ok(count)
    })?;
    let said = format!("{count} tombstones");
    tally.holds("the store has a tombstone for each of the erased", count == gone.len(), said);
    Ok(())
}

/// Reads the raw disk: copies of wrapped keys, tried against every key of the ring, and values in clear.
pub fn raw(
    arguments: &Arguments,
    ring: &[[u8; 32]],
    gone: &[Person],
    copies: &Copies,
    tally: &mut Tally,
) -> Result<(), Fault> {
    let disk = std::fs::File::open(&arguments.disk)
        .map_err(|error| Fault::io("opening", &arguments.disk, error))?;
    rustix::fs::syncfs(&disk)
        .map_err(|error| Fault::io("syncing", &arguments.disk, error.into()))?;
    let wanted: Vec<(&str, &[u8])> =
        gone.iter().map(|one| (&*one.subject, &*copies[&one.subject])).collect();
    let scanner = Scanner::of_bytes(wanted.iter().map(|(_, copy)| *copy));
    let (hits, bytes) = scanner.find_in_file(&arguments.image)?;
    let found: BTreeMap<usize, usize> = hits.iter().fold(BTreeMap::new(), |mut found, hit| {
        *found.entry(hit.marker).or_default() += 1;
        found
    });
    let figures = format!("{} copies in {} MiB of the raw disk", hits.len(), bytes >> 20);
    tally.holds(
        "each of the erased has copies on the raw disk, so there is something to try",
        found.len() == gone.len(),
        figures,
    );
    let (opened, tried) = opened(arguments, ring, gone, copies)?;
    let tried = format!("{tried} different copies of their buckets against {} keys", ring.len());
    tally.check(
        "no key of the ring of today opens any of them",
        if opened.is_empty() { Ok(tried) } else { Err(opened.join(", ")) },
    );
    let markers: Vec<_> = gone.iter().flat_map(Person::markers).collect();
    let (hits, _) = Scanner::new(&markers).find_in_file(&arguments.image)?;
    let figures = format!("{} values in every encoding, {} found", markers.len(), hits.len());
    tally.holds("no value of the erased is on the raw disk in clear", hits.is_empty(), figures);
    Ok(())
}

/// Whoever of the erased has a copy on the raw disk that a key of the ring opens; and how many different copies were tried.
///
/// A copy that was wrapped anew later, because somebody else of the bucket was erased first, is known by nothing but its bucket:
/// so all of the bucket are tried, whoever they are of.
fn opened(
    arguments: &Arguments,
    ring: &[[u8; 32]],
    gone: &[Person],
    copies: &Copies,
) -> Result<(Vec<String>, usize), Fault> {
    let image = std::fs::File::open(&arguments.image)
        .map_err(|error| Fault::io("opening", &arguments.image, error))?;
    let begins = |one: &Person| &copies[&one.subject][..BUCKET_END];
    let scanner = Scanner::of_bytes(gone.iter().map(begins));
    let mut of_buckets: BTreeMap<usize, BTreeSet<Vec<u8>>> = BTreeMap::new();
    for hit in scanner.find_in_file(&arguments.image)?.0 {
        let mut copy = vec![0; copies[&gone[hit.marker].subject].len()];
        // What ends with the disk is no copy.
        if image.read_exact_at(&mut copy, hit.offset).is_ok() {
            of_buckets.entry(hit.marker).or_default().insert(copy);
        }
    }
    let (mut opened, mut tried) = (Vec::new(), 0);
    for (at, found) in of_buckets {
        let subject = &gone[at].subject;
        tried += found.len();
        for copy in found {
            if opens(ring, subject, &copy)? > 0 {
                opened.push(subject.clone());
            }
        }
    }
    Ok((opened, tried))
}

/// Today's ring opens everybody who stays, each by one key.
pub fn who_stays(
    ring: &[[u8; 32]],
    directory: &Path,
    staying: &[Person],
    tally: &mut Tally,
) -> Result<(), Fault> {
    let copies = wrapped_keys(directory, staying)?;
    control(ring, staying, &copies, tally);
    Ok(())
}
