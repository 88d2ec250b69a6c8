//! Start-up: everything durable and not yet applied or integrated is done again, before the first request.
//! Never checks versions: steps are absolute, so they may run over newer state.
//! The mark says from where; it is a hint that saves time, and losing it costs only time.

use super::TrailFault;
use super::integrate::LogSigner;
use super::journal::{Media, Position, Replayed, replay};
use crate::store::{Applier, Decoder, Encoder};
use gridvault_audit::{Log, NoteSigner, Relief};
use gridvault_keys::ChainKey;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;

const MARK_MAGIC: &[u8; 8] = b"GVMARK01";

/// Brings store and log up to the end of the journal; gives what was found, and where the mark stood.
pub(super) fn recover(
    journal_directory: &Path,
    media: &dyn Media,
    chain: &ChainKey,
    applier: &mut Applier,
    log: &mut Log,
    signer: &LogSigner,
) -> Result<(Replayed, Position), TrailFault> {
    let mark = read_mark(journal_directory, chain)?;
    if log.size() < mark.index {
        // The journal would have to be read from before the mark, which only a restore may do.
        return Err(TrailFault::Corrupt {
            segment: mark.segment,
            offset: mark.offset,
            what: "the log is behind what was marked as integrated",
        });
    }
    let replayed = replay(journal_directory, chain, mark, |frame| {
        let steps = frame.entries.iter().zip(frame.first_index..);
        applier.apply(steps.flat_map(|((_, ops), index)| ops.iter().map(move |op| (index, op))))?;
        let entries: Vec<&[u8]> = frame.entries.iter().map(|(entry, _)| entry.as_slice()).collect();
        log.append(frame.first_index, &entries).map_err(TrailFault::Log)
    })?;
    applier.applied_through(replayed.end.index);
    if log.size() > replayed.end.index {
        return Err(TrailFault::Corrupt {
            segment: replayed.end.segment,
            offset: replayed.end.offset,
            what: "the log holds entries that the journal does not",
        });
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
    applier.flusher().flush()?;
    write_mark(journal_directory, chain, &replayed.end)?;
    let mark = replayed.end;
    Ok((replayed, mark))
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
        Log::open(log_directory, origin, &signer.public_key())
    };
    let mut log = log.map_err(TrailFault::Log)?;
    log.on_full(relief);
    Ok(log)
}

fn read_mark(directory: &Path, chain: &ChainKey) -> Result<Position, TrailFault> {
    let bytes = match std::fs::read(directory.join("mark")) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Position::START),
        Err(error) => return Err(TrailFault::Journal(error)),
    };
    // A mark that does not read is not believed; the whole journal is.
    Ok(decode_mark(&bytes, chain).unwrap_or(Position::START))
}

fn decode_mark(bytes: &[u8], chain: &ChainKey) -> Option<Position> {
    let mut from = Decoder::new(bytes);
    if from.array::<8>().ok()? != *MARK_MAGIC {
        return None;
    }
    let position = Position {
        segment: from.u64().ok()?,
        offset: from.u64().ok()?,
        index: from.u64().ok()?,
        previous: from.array().ok()?,
    };
    let tag = from.array().ok()?;
    from.end().ok()?;
    chain.verify(&[&bytes[..bytes.len() - 32]], &tag).then_some(position)
}

/// Written beside and renamed, so that a crash leaves the old mark or the new one.
pub(super) fn write_mark(
    directory: &Path,
    chain: &ChainKey,
    position: &Position,
) -> Result<(), TrailFault> {
    let mut out = Encoder::with_capacity(96);
    out.raw(MARK_MAGIC);
    out.u64(position.segment);
    out.u64(position.offset);
    out.u64(position.index);
    out.raw(&position.previous);
    let mut bytes = out.finish();
    let tag = chain.tag(&[&bytes]);
    bytes.extend_from_slice(&tag);
    let write = || -> std::io::Result<()> {
        let beside = directory.join("mark.new");
        let mut file = File::create(&beside)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        std::fs::rename(&beside, directory.join("mark"))?;
        File::open(directory)?.sync_all()
    };
    write().map_err(TrailFault::Journal)
}
