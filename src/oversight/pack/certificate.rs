//! The certificate of an erasure, for the resident: the entries of its steps and of the destruction of the keys, with their proofs.
//! Never a value, and never anybody else: records and person are named by handles that led to nothing else, and are gone.
//! It leaves only when the keys are destroyed, and only behind an entry that names the digest of all that is in it.

use super::super::entries::TheLog;
use super::super::error::{OversightError, record, refuse, turn_away};
use super::archive::Archive;
use super::{Pack, add};
use crate::access::{Access, Code, ErasureAsked, Question};
use crate::limits::PROOF_WAIT_MAX;
use crate::records::MandateId;
use crate::seal::{ErasureRecord, ErasureState};
use crate::store::{ControlKind, Key, Reader, Stored};
use crate::trail::{ErasureLedger, Recorded, ToldErasure, Trail};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gridvault_audit::LogReader;
use gridvault_audit::certificate::{CERTIFICATE_FILE, CERTIFICATE_FORM};
use gridvault_audit::pack::{LIST_FILE, SEAL_ENTRY, SEAL_PROOF};
use std::sync::Arc;

/// Makes the certificate of an erasure.
///
/// # Errors
/// `not_found` for no erasure of the caller's area, `in_flight` while keys are still to be destroyed or the second place has not
/// taken it, `erased` once entries of it were pruned at the end of the log's retention; else as [`Access::decide_certificate`].
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn make_certificate(
    question: &Question<'_>,
    id: MandateId,
    ledger: Option<&Arc<ErasureLedger>>,
    store: &Reader,
    access: &Access,
    trail: &Trail,
    log: &LogReader,
    log_key: &str,
) -> Result<Pack, OversightError> {
    let (standing, origin) = (question.standing, question.origin);
    let kept = kept(id, store).await?;
    let asked = kept.as_ref().map(|(erasure, _)| ErasureAsked {
        id,
        subject: erasure.handle(),
        area: Some(&erasure.area),
        reason: &erasure.reason,
    });
    let permit = match access.decide_certificate(question, asked.as_ref(), TheLog) {
        Ok(permit) => permit,
        Err(denied) => return Err(refuse(trail, denied).await),
    };
    let Some((erasure, stored)) = kept else {
        return Err(turn_away(standing, Code::NotFound, origin, access, trail).await);
    };
    let told = erasure.told(id, stored.index, trail.origin());
    if erasure.state != ErasureState::Destroyed || !takes(ledger, told).await {
        return Err(turn_away(standing, Code::InFlight, origin, access, trail).await);
    }
    covered(stored.index, trail).await?;
    let first = erasure.entries.first().copied().unwrap_or(stored.index);
    // Indexes of a log before a restore name other entries in this one.
    let of_this_log = stored.index > 0 && are_of(id, &erasure.entries, log)?;
    if first < log.minimum()?.index || !of_this_log {
        return Err(turn_away(standing, Code::Erased, origin, access, trail).await);
    }
    let mut archive = gather(id, (&erasure, stored.index), question, trail, log, log_key)?;
    let sums = archive.sums();
    let mut digest = [0; 32];
    let sum = ring::digest::digest(&ring::digest::SHA256, sums.as_bytes());
    digest.copy_from_slice(sum.as_ref());
    let recorded = record(permit.sealing(digest), standing, origin, access, trail).await?;
    covered(recorded.index(), trail).await?;
    close(&mut archive, &sums, recorded, log)?;
    Ok(Pack { bytes: archive.finish(), recorded })
}

/// Whether the second place has it, where there is one; if it has not yet, it is asked now.
async fn takes(ledger: Option<&Arc<ErasureLedger>>, told: Option<ToldErasure>) -> bool {
    let Some((ledger, told)) = ledger.zip(told) else { return true };
    let taken = ledger.take(told).await;
    if let Err(error) = &taken {
        tracing::error!(%error, "the second place did not take an erasure: its certificate waits");
    }
    taken.is_ok()
}

/// Whether these entries are steps of this erasure, as each of them says.
fn are_of(id: MandateId, entries: &[u64], log: &LogReader) -> Result<bool, OversightError> {
    let named = format!("\"apr\":\"{}\"", BASE64_URL_SAFE_NO_PAD.encode(id.as_bytes()));
    for index in entries {
        let within = (log.minimum()?.index..log.size()?).contains(index);
        let said = |entry: Vec<u8>| entry.windows(named.len()).any(|part| part == named.as_bytes());
        if !within || !said(log.entry(*index)?) {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn kept(
    id: MandateId,
    store: &Reader,
) -> Result<Option<(ErasureRecord, Stored)>, OversightError> {
    let stored = store.get(&Key::control(ControlKind::Erasure, id.as_bytes())).await?;
    let Some(stored) = stored else { return Ok(None) };
    Ok(Some((ErasureRecord::decode(&stored.payload)?, stored)))
}

async fn covered(index: u64, trail: &Trail) -> Result<(), OversightError> {
    trail.covered_within(index, PROOF_WAIT_MAX).await.map_err(OversightError::Trail)
}

/// Everything but the list and the seal.
fn gather(
    id: MandateId,
    (erasure, destroyed): (&ErasureRecord, u64),
    question: &Question<'_>,
    trail: &Trail,
    log: &LogReader,
    log_key: &str,
) -> Result<Archive, OversightError> {
    let mut archive = Archive::default();
    for index in erasure.entries.iter().chain([&destroyed]) {
        add(&mut archive, *index, &log.entry(*index)?, log)?;
    }
    let statement = serde_json::json!({
        "destroyed": destroyed, "entries": erasure.entries, "erasure": id.to_string(),
        "form": CERTIFICATE_FORM, "made_at": question.now.rfc3339(), "origin": trail.origin(),
        "subject": erasure.subject,
    });
    archive.add(CERTIFICATE_FILE, format!("{statement:#}\n").as_bytes());
    archive.add("README.html", page(trail.origin(), erasure, destroyed).as_bytes());
    archive.add("key.txt", format!("{log_key}\n").as_bytes());
    Ok(archive)
}

fn close(
    archive: &mut Archive,
    sums: &str,
    recorded: Recorded,
    log: &LogReader,
) -> Result<(), OversightError> {
    archive.add_unlisted(LIST_FILE, sums.as_bytes());
    archive.add_unlisted(SEAL_ENTRY, &log.entry(recorded.index())?);
    archive.add_unlisted(SEAL_PROOF, log.proof_file(recorded.index())?.as_bytes());
    Ok(())
}

/// What it is, what it proves and what it does not, in two languages.
fn page(origin: &str, erasure: &ErasureRecord, destroyed: u64) -> String {
    let last = erasure.entries.last().copied().unwrap_or(destroyed);
    let subject = &erasure.subject;
    // Origins are checked by the configuration to be plain; everything else here is a number or a handle.
    format!(
        r#"<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8"><title>删除证明 Erasure certificate</title></head><body>
<h1>删除证明</h1>
<p>日志 {origin}。编号（审计代号）{subject} 所对应的个人：自第 {last} 条起，保险库不再持有其任何记录；自第 {destroyed} 条起，其密钥已销毁。</p>
<h2>能证明什么</h2>
<ul>
<li>保险库在其日志中先后记下了上述删除步骤与密钥销毁，次序如此，其后未被改动。</li>
<li>密钥一旦销毁，先前写入的日志卷、存储页、副本中以该密钥加密的内容不能再打开。</li>
</ul>
<h2>不能证明什么</h2>
<ul>
<li>不能证明保险库之外（纸面、其他系统、依法已提供的对象）没有留存。</li>
<li>不能证明密钥文件的旧副本不存在于他处：固态盘重映射、写时复制、快照、备份介质上的旧密钥文件须由运行单位另行清除。</li>
<li>检索索引的旧词项与决策属性（如满十四、十八周岁之日）的旧副本不在本次销毁的密钥之下：取得密钥环与旧磁盘页者仍可核对某一号码是否曾被登记，或读出上述日期。</li>
</ul>
<h1>Erasure certificate</h1>
<p>Log {origin}. Of the person whom the log knew as {subject} the vault holds no record from entry {last} on, and from entry {destroyed} on the keys are destroyed.</p>
<h2>What it proves</h2>
<ul>
<li>That the vault wrote these steps and the destruction of the keys into its log, in this order, and that nothing of it was changed since.</li>
<li>Once a key is destroyed, what was sealed under it opens no more, wherever older copies of it lie: journal, pages of the store, copies of the disk.</li>
</ul>
<h2>What it does not prove</h2>
<ul>
<li>That nothing is left outside of the vault: on paper, in other systems, or with whom it was lawfully given to.</li>
<li>That no older copy of the key file exists: what a solid-state disk remapped, a file system copied on write, a snapshot or a backup keeps is for the operator to take away.</li>
<li>Older copies of index terms and of decision attributes (such as the days of the 14th and 18th birthday) are not under the keys that were destroyed: whoever has both the ring and older pages can still test whether a certain number was held, and read those days.</li>
</ul>
<h2>核验 How to check</h2>
<pre>gridvault-audit certificate FILE --vkey KEY      offline; the key must come from elsewhere than this file
</pre>
</body></html>
"#
    )
}
