//! The log while another key follows the one that signs it: starts, backups, snapshots and witnesses go on.
//! Never a stage at which the log verifies with neither key that auditors may hold.
//! The ring is in a file of its own and opened anew, as the next process has it.

use super::backup::{bulk, log_key_of, verify_bulk};
use super::snapshots::{begun, change_a_little, fill_a_segment, keeper};
use super::wait;
use super::world::{ORIGIN, Run, World};
use crate::limits::WITNESS_AGE_MIN;
use crate::trail::{
    Announcement, BackupError, BulkAt, FileMedia, Restoring, Settings, SnapshotStep, Witnesses,
    restore,
};
use gridvault_audit::LogReader;
use gridvault_audit::verify::{VerifierKey, open_note};
use gridvault_audit::witness::CosignerKey;
use gridvault_keys::{Keyring, SingleKey};
use std::collections::BTreeMap;
use std::sync::Arc;

const LOG: SingleKey = SingleKey::LogSigning;

/// Records something and waits until a checkpoint covers it.
fn published(run: &Run) {
    let recorded = wait(run.trail.announce_keeping(Announcement::Heartbeat)).expect("recorded");
    wait(run.trail.covered(recorded.index())).expect("covered");
}

fn is_shown_under(world: &World, vkey: &str) -> bool {
    let log = LogReader::open(&world.path("log"), ORIGIN).expect("a log");
    let note = log.checkpoint_text().expect("read").expect("a checkpoint");
    let key = VerifierKey::parse(vkey).expect("a key");
    open_note(note.as_bytes(), &key).is_ok()
}

#[test]
fn the_log_verifies_with_a_key_of_before_and_behind_at_every_stage_and_every_process_starts() {
    let world = World::with_own_keys();
    let run = world.begin();
    published(&run);
    let (former, none) = run.trail.log_keys();
    assert_eq!(none, None);
    assert!(!run.trail.holds_under_next_log_key().expect("read"));

    // The ring has both, and the process ends before a checkpoint has.
    world.keyring.draw_next(LOG).expect("drawn");
    let (_, next) = run.trail.log_keys();
    let next = next.expect("drawn");
    assert!(!run.trail.holds_under_next_log_key().expect("read"), "the checkpoint is of before");
    world.abandon(run);
    let world = world.with_ring_opened_anew();
    let run = world.start().expect("a checkpoint by the former alone");
    published(&run);
    assert_eq!((run.trail.log_key(), run.trail.log_keys().1), (former.clone(), Some(next.clone())));
    assert!(run.trail.holds_under_next_log_key().expect("read"));
    assert!(is_shown_under(&world, &former) && is_shown_under(&world, &next));
    run.stop();
    world.story();
    let world = world.with_ring_opened_anew();
    let run = world.start().expect("a checkpoint by both");

    // The former goes, and the process ends before another checkpoint is shown.
    world.keyring.destroy_former(LOG, 2).expect("destroyed");
    assert_eq!(run.trail.log_keys(), (next.clone(), None));
    world.abandon(run);
    let world = world.with_ring_opened_anew();
    let run = world.start().expect("a checkpoint by a key that is gone, and by the next one");
    published(&run);
    assert!(!is_shown_under(&world, &former) && is_shown_under(&world, &next));
    run.stop();
    world.story();
    let world = world.with_ring_opened_anew();
    world.start().expect("a checkpoint by the next one").stop();
}

#[test]
fn store_that_kept_a_checkpoint_of_the_former_key_alone_starts_and_one_that_was_put_back_does_not()
{
    let world = World::with_own_keys();
    let run = world.begin();
    published(&run);
    run.stop();
    // Nothing was kept in the store since, however long the overlap was.
    world.keyring.draw_next(LOG).expect("drawn");
    let run = world.start().expect("a trail");
    published(&run);
    let shown = std::fs::read(world.path("log/checkpoint")).expect("a checkpoint");
    world.abandon(run);
    world.keyring.destroy_former(LOG, 2).expect("destroyed");
    let world = world.with_ring_opened_anew();
    std::fs::write(world.path("log/checkpoint"), shown).expect("written");
    world.start().expect("whatever the store kept").stop();
}

#[test]
fn bulk_part_of_before_during_and_behind_verifies_and_restores_with_the_ring_of_behind() {
    let world = World::with_own_keys();
    let run = begun(&world);
    let mut keeper = keeper(&world, &run, 2);
    let mut rounds = Vec::new();
    for round in 1..=3_u8 {
        match round {
            2 => world.keyring.draw_next(LOG).expect("drawn"),
            3 => world.keyring.destroy_former(LOG, 2).expect("destroyed"),
            _ => {}
        }
        change_a_little(&run, 10 * round);
        fill_a_segment(&world, &run, round.into());
        // Each is merged with the one before, whichever key that names.
        assert!(matches!(wait(keeper.step(&run.trail)), Ok(SnapshotStep::Made(_))), "{round}");
        published(&run);
        let part = bulk(&world).expect("a bulk part");
        let kept = world.path(&format!("bulk-{round}"));
        std::fs::rename(part, &kept).expect("moved");
        let (key, next) = run.trail.log_keys();
        rounds.push((kept, [Some(key), next]));
    }
    run.stop();
    let world = world.with_ring_opened_anew();
    for (round, (part, keys)) in rounds.iter().enumerate() {
        for key in keys.iter().flatten() {
            let judged = verify_bulk(part, key).expect("whole");
            assert!(judged.is_told && judged.snapshot > 0, "{round}");
            restored(&world, part, key, &world.keyring, round).expect("restored");
        }
    }
    // Keys of another vault restore none of them.
    let other = World::with_own_keys();
    for (part, keys) in &rounds {
        let key = keys[0].as_ref().expect("one");
        assert!(restored(&world, part, key, &other.keyring, 9).is_err());
        assert!(verify_bulk(part, &log_key_of(&other.keyring)).is_err());
    }
}

fn restored(
    world: &World,
    bulk: &std::path::Path,
    log_key: &str,
    keyring: &Arc<Keyring>,
    round: usize,
) -> Result<(), BackupError> {
    let new = world.path(&format!("new-{round}"));
    let _none_yet = std::fs::remove_dir_all(&new);
    std::fs::create_dir(&new).expect("made");
    let settings = Settings {
        journal_directory: new.join("journal"),
        log_directory: new.join("log"),
        origin: "vault.example/restored".into(),
        ..world.settings()
    };
    restore(&Restoring {
        bulk: BulkAt::beside(bulk),
        log_key,
        keyring,
        anew: &BTreeMap::new(),
        settings: &settings,
        snapshots: &new.join("snapshots"),
        log_before: &new.join("log-before"),
        media: Arc::new(FileMedia),
    })
    .map(drop)
}

#[test]
fn the_former_key_stays_until_the_policy_of_witnesses_names_the_next_one() {
    let world = World::with_own_keys();
    world.keyring.draw_next(LOG).expect("drawn");
    let key = CosignerKey::from_seed("witness.example/w1", &[1; 32]).expect("a key");
    let witness = format!("witness w1 {} http://127.0.0.1:9\nquorum w1\n", key.verifier_key());
    let asked = |lines: &str, own: &str| {
        let policy = format!("{lines}{witness}");
        let witnesses =
            Witnesses::new(policy.as_bytes(), own, world.path("log"), None, WITNESS_AGE_MIN);
        let run = world.start().expect("a trail");
        run.trail.ask(witnesses.expect("witnesses")).expect("asked");
        published(&run);
        let holds = run.trail.holds_under_next_log_key().expect("read");
        run.stop();
        holds
    };
    world.begin().stop();
    let (former, next) = {
        let run = world.start().expect("a trail");
        let keys = run.trail.log_keys();
        run.stop();
        (keys.0, keys.1.expect("drawn"))
    };
    assert!(!asked(&format!("log {former}\n"), &former));
    assert!(asked(&format!("log {former}\nlog {next}\n"), &former));
    assert!(asked(&format!("log {next}\n"), &next));
}
