//! Start-up: everything durable and not yet applied or integrated is done again, before the first request.
//! Never checks versions: steps are absolute, so they may run over newer state.
//! The mark says from where; it is a hint that saves time, and losing it costs only time.

use super::TrailFault;
use super::integrate::LogSigner;
use super::journal::{FileMedia, Media, Position, Replayed, replay, segments};
use crate::store::{Applier, Decoder, Encoder, Key, StoreError, Stored, SystemKey, Version};
use gridvault_audit::verify::{Class, VerifierKey, open_note};
use gridvault_audit::{
    Checkpoint, Log, LogReader, NoteSigner, Relief, kept_checkpoint, verifier_key,
};
use gridvault_keys::ChainKey;
use std::path::Path;

const MARK_MAGIC: &[u8; 8] = b"GVMARK02";
/// The form before, which did not say what the store knew of the log.
const MARK_MAGIC_BEFORE: &[u8; 8] = b"GVMARK01";

/// What is known to be flushed: everything up to a place in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// The place.
    pub(super) position: Position,
    /// Entries that the checkpoint in the store covered by then: an older store covers fewer.
    pub(super) kept: Version,
}

impl Mark {
    const START: Mark = Mark { position: Position::START, kept: Version::ABSENT };
}

/// Holds log and store, before either is written to, against what was kept of them: the last checkpoint in the store, which
/// was published and so durable before, and the store's own state at the mark.
pub(super) fn hold_together(
    journal_directory: &Path,
    log_directory: &Path,
    chain: &ChainKey,
    applier: &Applier,
    signer: &LogSigner,
) -> Result<(), TrailFault> {
    let stored = applier.get(&Key::system(SystemKey::Checkpoint))?;
    let store = stored.as_ref().map_or(0, |stored| stored.version.0);
    let mark = read_mark(journal_directory, chain)?;
    begins_where_it_should(journal_directory, &mark)?;
    let Version(flushed) = mark.kept;
    if store < flushed {
        return Err(TrailFault::StoreBehind { store, flushed });
    }
    let Some(stored) = stored else { return Ok(()) };
    let corrupt = || TrailFault::Store(StoreError::Corrupt { what: "checkpoint of the log" });
    let head = kept_head(&stored.payload, signer).ok_or_else(corrupt)?;
    hold_log(log_directory, &head, signer)
}

/// Holds the log against the checkpoint that a store which was left open still has. Rows may be missing there; this one was published, so
/// the log has what it covers.
pub(super) fn hold_in_doubt(
    log_directory: &Path,
    stored: &Stored,
    signer: &LogSigner,
) -> Result<(), TrailFault> {
    match kept_head(&stored.payload, signer) {
        Some(head) => hold_log(log_directory, &head, signer),
        None => Ok(()),
    }
}

fn hold_log(log_directory: &Path, head: &Checkpoint, signer: &LogSigner) -> Result<(), TrailFault> {
    let log = LogReader::new(log_directory, signer.key_name()).map_err(TrailFault::Log)?;
    let (who, size) = ("the store".to_owned(), log.size().map_err(TrailFault::Log)?);
    if head.size > size {
        return Err(TrailFault::Behind { who, size, seen: head.size });
    }
    match log.root(head.size).map_err(TrailFault::Log)? == head.root {
        true => Ok(()),
        false => Err(TrailFault::Forked { who, size: head.size }),
    }
}

/// What a kept checkpoint states. One that a former key alone signed counts too, though nothing is left to verify it with: whoever can
/// put another one there can put an older one of this log there as well.
fn kept_head(note: &[u8], signer: &LogSigner) -> Option<Checkpoint> {
    let note = std::str::from_utf8(note).ok()?;
    let checkpoint = kept_checkpoint(note).filter(|kept| kept.origin == signer.key_name())?;
    let opens = |public: &[u8; 32]| {
        let key = VerifierKey::parse(&verifier_key(signer.key_name(), public)).ok()?;
        open_note(note.as_bytes(), &key).map_err(|finding| finding.class).err()
    };
    let faults: Vec<Option<Class>> = signer.public_keys().iter().map(opens).collect();
    let is_known = faults.contains(&None);
    if !is_known && faults.iter().any(|fault| *fault != Some(Class::KeyUnknown)) {
        return None;
    }
    if !is_known {
        tracing::warn!("the checkpoint in the store is by a former key of the log");
    }
    Some(checkpoint)
}

/// Segments go once a snapshot holds what was in them, and by then a mark says that the store does. Without the mark nobody
/// knows that it does: a store that lost everything would be taken for one that is only young.
fn begins_where_it_should(journal_directory: &Path, mark: &Mark) -> Result<(), TrailFault> {
    let first = segments(journal_directory).map_err(TrailFault::Journal)?.first().copied();
    match first {
        Some(segment) if segment > 0 && mark.position == Position::START => {
            Err(TrailFault::Beginning { segment })
        }
        _ => Ok(()),
    }
}

/// Brings store and log up to the end of the journal; gives what was found, and where the mark stood.
pub(super) fn recover(
    journal_directory: &Path,
    media: &dyn Media,
    chain: &ChainKey,
    applier: &mut Applier,
    log: &mut Log,
    signer: &LogSigner,
) -> Result<(Replayed, Position), TrailFault> {
    let Mark { position: mark, .. } = read_mark(journal_directory, chain)?;
    if log.size() < mark.index {
        // The journal would have to be read from before the mark, which only a restore may do.
        let who = "the mark of the journal".to_owned();
        return Err(TrailFault::Behind { who, size: log.size(), seen: mark.index });
    }
    let replayed = replay(journal_directory, chain, mark, |frame| {
        let steps = frame.entries.iter().zip(frame.first_index..);
        applier.apply(steps.flat_map(|((_, ops), index)| ops.iter().map(move |op| (index, op))))?;
        let entries: Vec<&[u8]> = frame.entries.iter().map(|(entry, _)| entry.as_slice()).collect();
        log.append(frame.first_index, &entries).map_err(TrailFault::Log)
    })?;
    applier.applied_through(replayed.end.index);
    if log.size() > replayed.end.index {
        return Err(TrailFault::JournalBehind { journal: replayed.end.index, log: log.size() });
    }
    // Before a checkpoint says that the last frame is there. Not before the log was asked: what looks torn may
    // be the damaged last frame of an acknowledged group, and its bytes are all that is left of it.
    replayed.settle(journal_directory, media)?;
    if replayed.frames > 0 {
        let checkpoint = log.publish(signer).map_err(TrailFault::Log)?;
        tracing::info!(
            frames = replayed.frames,
            torn_bytes = replayed.torn_bytes,
            size = checkpoint.size,
            "journal replayed"
        );
    }
    Ok((replayed, mark))
}

/// Moves the mark behind what was done again. Without it a process that dies young would have ever more to do at the
/// next start.
pub(super) fn move_mark(
    journal_directory: &Path,
    chain: &ChainKey,
    applier: &Applier,
    (replayed, mark): (Replayed, Position),
) -> Result<(Replayed, Position), TrailFault> {
    if replayed.frames == 0 {
        return Ok((replayed, mark));
    }
    let position = replayed.end;
    let kept = applier.version(&Key::system(SystemKey::Checkpoint))?;
    applier.flusher().flush()?;
    write_mark(journal_directory, chain, &Mark { position, kept })?;
    Ok((replayed, position))
}

/// Opens the log of this vault, or begins it where the journal is empty. It asks `relief` for room on a full disk.
pub(super) fn open_log(
    log_directory: &Path,
    signer: &LogSigner,
    begins: bool,
    relief: Relief,
) -> Result<Log, TrailFault> {
    let origin = signer.key_name();
    let log = if begins && !log_directory.exists() {
        Log::create(log_directory, origin)
    } else {
        Log::open_under(log_directory, origin, &signer.public_keys())
    };
    let mut log = log.map_err(TrailFault::Log)?;
    log.on_full(relief);
    Ok(log)
}

pub(super) fn read_mark(directory: &Path, chain: &ChainKey) -> Result<Mark, TrailFault> {
    let bytes = match std::fs::read(directory.join("mark")) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Mark::START),
        Err(error) => return Err(TrailFault::Journal(error)),
    };
    // A mark that does not read is not believed; the whole journal is.
    Ok(decode_mark(&bytes, chain).unwrap_or(Mark::START))
}

fn decode_mark(bytes: &[u8], chain: &ChainKey) -> Option<Mark> {
    let mut from = Decoder::new(bytes);
    let magic = from.array::<8>().ok()?;
    if magic != *MARK_MAGIC && magic != *MARK_MAGIC_BEFORE {
        return None;
    }
    let position = Position {
        segment: from.u64().ok()?,
        offset: from.u64().ok()?,
        index: from.u64().ok()?,
        previous: from.array().ok()?,
    };
    let kept = if magic == *MARK_MAGIC { Version(from.u64().ok()?) } else { Version::ABSENT };
    let tag = from.array().ok()?;
    from.end().ok()?;
    chain.verify(&[&bytes[..bytes.len() - 32]], &tag).then_some(Mark { position, kept })
}

/// Written beside and renamed, so that a crash leaves the old mark or the new one. Durable when this returns.
pub(super) fn write_mark(
    directory: &Path,
    chain: &ChainKey,
    mark: &Mark,
) -> Result<(), TrailFault> {
    write_mark_through(&FileMedia, directory, chain, mark)
}

/// The same through a door that tests break.
pub(super) fn write_mark_through(
    media: &dyn Media,
    directory: &Path,
    chain: &ChainKey,
    Mark { position, kept }: &Mark,
) -> Result<(), TrailFault> {
    let mut out = Encoder::with_capacity(104);
    out.raw(MARK_MAGIC);
    out.u64(position.segment);
    out.u64(position.offset);
    out.u64(position.index);
    out.raw(&position.previous);
    out.u64(kept.0);
    let mut bytes = out.finish();
    let tag = chain.tag(&[&bytes]);
    bytes.extend_from_slice(&tag);
    let write = || -> std::io::Result<()> {
        let beside = directory.join("mark.new");
        let mut file = media.create(&beside)?;
        file.write_at(0, &bytes)?;
        file.sync()?;
        media.rename(&beside, &directory.join("mark"))
    };
    write().map_err(TrailFault::Journal)
}
