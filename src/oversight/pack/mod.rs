//! Evidence packs: entries of a period or case with everything that a stranger needs to check them offline.
//! Never leaves before an entry names the digest of all that is in it; that entry and its proof seal the pack.
//! The log's own signature stands for it, so no further key signs packs. `gridvault_audit::pack` judges them.

mod archive;
mod certificate;
mod page;

pub use certificate::make_certificate;

use super::entries::TheLog;
use super::entry::LogEntry;
use super::error::{OversightError, record, refuse, turn_away};
use super::index::Index;
use super::question::Question;
use super::search::{look_up, translate};
use crate::access::{Access, Code, Duty, Origin};
use crate::ambient::Micros;
use crate::identity::Actor;
use crate::limits::{EXPORT_PAGE_COUNT_MAX, PACK_ENTRIES_COUNT_MAX, PROOF_WAIT_MAX};
use crate::seal::Seal;
use crate::store::Reader;
use crate::trail::{Recorded, Trail};
use archive::Archive;
use gridvault_audit::LogReader;
use gridvault_audit::pack::{ENTRIES_FOLDER, LIST_FILE, PROOFS_FOLDER, SEAL_ENTRY, SEAL_PROOF};
use page::Told;
use std::collections::BTreeSet;

/// A pack.
pub struct Pack {
    /// The archive.
    pub bytes: Vec<u8>,
    /// The entry that seals it.
    pub recorded: Recorded,
}

/// Makes a pack of the entries that have everything that is asked for.
///
/// # Errors
/// `denied` without the duty, `not_found` as in a search, `too_large` for more than [`PACK_ENTRIES_COUNT_MAX`] entries:
/// ask for a shorter time.
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn make_pack(
    actor: &Actor,
    mut question: Question,
    origin: &Origin,
    now: Micros,
    access: &Access,
    trail: &Trail,
    log: &LogReader,
    log_key: &str,
    index: &Index,
    store: &Reader,
    seal: &Seal,
) -> Result<Pack, OversightError> {
    let standing = actor.standing();
    let permit = match access.decide_duty(standing, Duty::AuditExport, origin, now, TheLog) {
        Ok(permit) => permit,
        Err(denied) => return Err(refuse(trail, denied).await),
    };
    let Some((records, subjects)) = translate(&mut question, store, seal).await? else {
        return Err(turn_away(standing, Code::NotFound, origin, access, trail).await);
    };
    let permit = permit.concerning(records, subjects);
    let permit = match question.actor {
        Some(actor) => permit.about(actor),
        None => permit,
    };
    let made = Made { name: trail.origin().to_owned(), key: log_key.to_owned(), at: now };
    let _place = index.place().await;
    let (reader, searched) = (log.clone(), index.clone());
    let packed = tokio::task::spawn_blocking(move || gather(question, &made, &reader, &searched));
    let Some(mut archive) = packed.await.map_err(|_| OversightError::Broken)?? else {
        return Err(turn_away(standing, Code::TooLarge, origin, access, trail).await);
    };
    let sums = archive.sums();
    let mut digest = [0; 32];
    let sum = ring::digest::digest(&ring::digest::SHA256, sums.as_bytes());
    digest.copy_from_slice(sum.as_ref());
    let recorded = record(permit.sealing(digest), standing, origin, access, trail).await?;
    let covered = trail.covered_within(recorded.index(), PROOF_WAIT_MAX).await;
    covered.map_err(OversightError::Trail)?;
    archive.add_unlisted(LIST_FILE, sums.as_bytes());
    archive.add_unlisted(SEAL_ENTRY, &log.entry(recorded.index())?);
    archive.add_unlisted(SEAL_PROOF, log.proof_file(recorded.index())?.as_bytes());
    Ok(Pack { bytes: archive.finish(), recorded })
}

/// What a pack says of itself.
struct Made {
    name: String,
    key: String,
    at: Micros,
}

/// Everything but the list and the seal; nothing where there are too many entries.
fn gather(
    mut question: Question,
    made: &Made,
    log: &LogReader,
    index: &Index,
) -> Result<Option<Archive>, OversightError> {
    (question.newest_first, question.limit) = (false, EXPORT_PAGE_COUNT_MAX);
    let asked = question.told();
    let mut archive = Archive::default();
    let mut policies = BTreeSet::new();
    let (mut begin, mut entries) = (None, BTreeSet::new());
    let (indexed, minimum, size) = loop {
        let page = look_up(&question, begin, log, index)?;
        if entries.len() + page.entries.len() > PACK_ENTRIES_COUNT_MAX {
            return Ok(None);
        }
        for bytes in &page.entries {
            let entry = LogEntry::parse(bytes).ok_or(OversightError::Malformed)?;
            policies.extend(entry.pol);
            entries.insert(entry.seq);
            add(&mut archive, entry.seq, bytes, log)?;
        }
        match page.next {
            Some(next) => begin = Some(next),
            None => break (page.indexed, page.minimum, page.size),
        }
    };
    // A policy of a time that is over is named by the entry of the pruning, and no longer there.
    let (gone, cited): (Vec<u64>, Vec<u64>) =
        policies.difference(&entries).copied().partition(|policy| *policy < minimum);
    for policy in &cited {
        add(&mut archive, *policy, &log.entry(*policy)?, log)?;
    }
    let made_at = made.at.rfc3339();
    let told = Told {
        origin: &made.name,
        made_at: &made_at,
        entries: entries.len(),
        policies: cited.len(),
        indexed,
        minimum,
        size,
    };
    archive.add("README.html", page::page(&told).as_bytes());
    let about = serde_json::json!({
        "asked": asked, "entries": entries.len(), "form": "gridvault-pack/1", "indexed": indexed,
        "made_at": made_at, "minimum": minimum, "origin": made.name, "policies": cited,
        "policies_pruned": gone, "size": size,
    });
    archive.add("pack.json", format!("{about:#}\n").as_bytes());
    archive.add("key.txt", format!("{}\n", made.key).as_bytes());
    if let Some(checkpoint) = log.checkpoint_text()? {
        archive.add("checkpoint", checkpoint.as_bytes());
    }
    Ok(Some(archive))
}

/// An entry, and its proof behind it.
fn add(
    archive: &mut Archive,
    index: u64,
    bytes: &[u8],
    log: &LogReader,
) -> Result<(), OversightError> {
    archive.add(&format!("{ENTRIES_FOLDER}{index:020}.json"), bytes);
    let proof = log.proof_file(index)?;
    archive.add(&format!("{PROOFS_FOLDER}{index:020}.tlog-proof"), proof.as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oversight::QUESTION_WORDS;
    use crate::oversight::world::{ORIGIN, START, World};

    fn between(from: u64, to: u64) -> Question {
        let moment = |index: u64| {
            let micros = i64::try_from(START + index * 1_000).expect("a time");
            Some(Micros(micros).rfc3339())
        };
        let mut members = [const { None }; QUESTION_WORDS.len()];
        for (word, index) in [("since", from), ("until", to)] {
            let place = QUESTION_WORDS.iter().position(|known| *known == word).expect("a word");
            members[place] = moment(index);
        }
        Question::parse(members).expect("a question")
    }

    #[test]
    fn a_pack_has_so_many_entries_and_one_more_is_too_many() {
        let world = World::with(PACK_ENTRIES_COUNT_MAX as u64 + 100);
        let index = world.index();
        let made = Made { name: ORIGIN.to_owned(), key: "key".to_owned(), at: Micros(0) };
        let count = PACK_ENTRIES_COUNT_MAX as u64;
        let archive = gather(between(50, 50 + count), &made, &world.reader(), &index);
        let archive = archive.expect("a pack").expect("not too many");
        let listed = archive.sums().lines().filter(|line| line.contains("  entries/")).count();
        assert_eq!(listed, PACK_ENTRIES_COUNT_MAX);
        let more = gather(between(50, 51 + count), &made, &world.reader(), &index);
        assert!(more.expect("an answer").is_none());
    }
}
