//! The files of a closed store with one byte changed, at many places: whoever opens it is refused, or finds what was written.
//! Never a value that nobody wrote, and never a start over fewer or older ones: what the engine cut by itself is noticed.
//! The places are the same in each run.

use super::disk::Chance;
use super::snapshots::rows;
use super::wait;
use super::world::{World, change_of, owned, permit};
use crate::store::{Applier, EngineKind, Key, Reader, StoreError, Stored, open};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const PLACES: usize = 96;

/// A vault that was closed, with what its store held.
fn closed(world: &World) -> BTreeMap<Key, Stored> {
    let run = world.begin();
    for version in 1..=4 {
        for number in 1..=40 {
            let permit = permit(owned(number));
            let change = change_of(number, version);
            wait(run.trail.commit(permit, change)).ok().expect("recorded").recorded();
        }
    }
    let last = run.announce_start().expect("recorded");
    wait(run.trail.covered(last.index())).expect("covered");
    run.stop();
    // Its last checkpoint comes with the entry of the stop; a start brings it into the store and moves the mark.
    let rows = rows(&world.start().expect("a start").stop());
    await_closed(world);
    rows
}

/// Until the threads of an engine have let go of its files.
fn await_closed(world: &World) {
    let lock = std::fs::File::open(world.path("store/lock")).expect("the store's lock");
    lock.lock().expect("free");
}

/// The files of the store with their contents.
fn files(world: &World) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut left = vec![world.path("store")];
    while let Some(directory) = left.pop() {
        for entry in std::fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            match path.is_dir() {
                true => left.push(path),
                false => found.push((path.clone(), std::fs::read(&path).expect("a file"))),
            }
        }
    }
    found.sort();
    found
}

/// Where a byte is not zero: zeros are mostly where nothing was written.
fn written_places(bytes: &[u8]) -> Vec<usize> {
    (0..bytes.len()).filter(|at| bytes[*at] != 0).collect()
}

fn put_back(files: &[(PathBuf, Vec<u8>)], store: &Path) {
    std::fs::remove_dir_all(store).expect("removed");
    for (path, bytes) in files {
        std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
        std::fs::write(path, bytes).expect("written");
    }
}

type Opened = (Reader, Applier);

fn opened(world: &World) -> Result<(Opened, BTreeMap<Key, Stored>), StoreError> {
    let (reader, applier) = open(&world.path("store"), EngineKind::Sled, 16 << 20)?;
    let found = wait(reader.scan(&Key::from_bytes(&[]), None, usize::MAX))?;
    Ok(((reader, applier), found.into_iter().collect()))
}

#[test]
fn a_byte_that_was_changed_in_a_closed_store_is_refused_or_changes_nothing() {
    let world = World::on_sled();
    let before = closed(&world);
    let whole = files(&world);
    let filled: Vec<(usize, Vec<usize>)> = whole
        .iter()
        .map(|(_, bytes)| written_places(bytes))
        .enumerate()
        .filter(|(_, places)| !places.is_empty())
        .collect();
    let (mut refused, mut cut, mut same) = (0, 0, 0);
    let mut chance = Chance(7);
    for number in 0..PLACES {
        // Each file in turn: the engine's own small ones count as much as the large one.
        let (file, places) = &filled[number % filled.len()];
        let pick = usize::try_from(chance.next() % places.len() as u64).expect("in range");
        let (path, at) = (&whole[*file].0, places[pick]);
        await_closed(&world);
        put_back(&whole, &world.path("store"));
        let mut changed = whole[*file].1.clone();
        changed[at] ^= 1 << (number % 8);
        std::fs::write(path, changed).expect("written");
        let told = format!("byte {at} of {}", path.display());
        match opened(&world) {
            Err(_) => refused += 1,
            Ok((_, found)) if found == before => same += 1,
            Ok((store, found)) => {
                cut += 1;
                let was_written = |(key, stored): (&Key, &Stored)| {
                    before.get(key).is_some_and(|newest| stored.version <= newest.version)
                };
                assert!(found.iter().all(was_written), "{told}: a value that nobody wrote");
                let start = world.start_over(store, world.clock.clone(), Vec::new());
                assert!(start.is_err(), "{told}: started over a store that was cut");
            }
        }
    }
    // The rest of the places are of what was written over since, or of room that the engine keeps.
    assert!(refused + cut > PLACES / 4, "{refused} refused, {cut} cut, {same} as it was");
}
