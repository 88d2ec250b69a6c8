//! Measures the log: writes entries of the usual length, publishes every ten thousand, verifies all, prints rates.
//! Never holds itself out as a test: nothing is asserted but that the log verifies.
//! Run with `cargo run --release -p gridvault-audit --example throughput -- 500000`.

use std::io::{self, Write as _};
use std::time::{Duration, Instant};

use gridvault_audit::verify::{VerifierKey, verify_directory};
use gridvault_audit::{Draft, Event, Log, LogReader, NoteSigner, Outcome, verifier_key};
use ring::signature::{Ed25519KeyPair, KeyPair as _};

const ORIGIN: &str = "measured.example/log";

/// Entries measured when the command line names no number.
const ENTRIES: u64 = 200_000;

/// Entries between two checkpoints.
const BATCH: u64 = 10_000;

struct Key(Ed25519KeyPair);

impl NoteSigner for Key {
    fn key_name(&self) -> &str {
        ORIGIN
    }

    fn public_key(&self) -> [u8; 32] {
        self.0.public_key().as_ref().try_into().expect("a key of 32 bytes")
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).as_ref().try_into().expect("a signature of 64 bytes")
    }
}

fn read_of_one_record() -> Draft<'static> {
    let mut draft = Draft::new(Event::DataRead, Outcome::Success, [1; 16]);
    draft.who = Some([2; 16]);
    draft.via = Some([3; 16]);
    draft.aal = Some(2);
    draft.sess = Some([4; 16]);
    draft.role = Some("grid_worker".into());
    draft.scope = Some("110101001001".into());
    draft.rec = vec![[5; 16]];
    draft.sub = vec![[7; 16]];
    draft.grid = Some("110101001001001".into());
    draft.asg = Some([8; 16]);
    draft.typ = Some("person".into());
    draft.fld = vec!["name".into(), "phone".into()];
    draft.view = vec!["raw".into(), "masked".into()];
    draft.pur = Some("visit".into());
    draft.basis = Some("public_duty".into());
    draft.rule = Some("r7".into());
    draft.ctx = Some(vec![13; 64]);
    draft
}

/// Most memory that this process ever had, as the kernel counts; 0 where it does not say.
fn peak_memory_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count = std::env::args().nth(1).map_or(Ok(ENTRIES), |text| text.parse())?;
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("log");
    let key = Key(Ed25519KeyPair::from_seed_unchecked(&[1; 32]).expect("a seed of 32 bytes"));
    let mut log = Log::create(&path, ORIGIN)?;
    let (mut encoding, mut writing) = (Duration::ZERO, Duration::ZERO);
    let mut bytes = 0;
    for from in (0..count).step_by(usize::try_from(BATCH)?) {
        let draft = read_of_one_record();
        let begun = Instant::now();
        let entries: Result<Vec<_>, _> =
            (from..count.min(from + BATCH)).map(|n| draft.encode(n, n, n)).collect();
        let entries = entries?;
        encoding += begun.elapsed();
        bytes += entries.iter().map(Vec::len).sum::<usize>();
        let begun = Instant::now();
        log.append(from, &entries)?;
        log.publish(&key)?;
        writing += begun.elapsed();
    }
    let vkey = VerifierKey::parse(&verifier_key(ORIGIN, &key.public_key()))?;
    drop(log);
    let begun = Instant::now();
    verify_directory(&path, &vkey, None)?;
    let verifying = begun.elapsed();
    let memory = peak_memory_kib();
    let begun = Instant::now();
    let log = Log::open(&path, ORIGIN, &key.public_key())?;
    let opening = begun.elapsed();
    drop(log);
    let reader = LogReader::open(&path, ORIGIN)?;
    let begun = Instant::now();
    let proof = reader.inclusion_proof(count / 3)?;
    let proving = begun.elapsed();
    let consistency = reader.consistency_proof(count / 3, count)?.len();
    let rate = |time: Duration| (count as f64 / time.as_secs_f64()).round();
    let mean = bytes as u64 / count.max(1);
    writeln!(io::stdout(), "{count} entries of {mean} bytes; entries per second on one core:")?;
    writeln!(
        io::stdout(),
        "encode {}, write and publish {}, verify {}",
        rate(encoding),
        rate(writing),
        rate(verifying)
    )?;
    let megabytes = bytes as f64 / 1e6 / verifying.as_secs_f64();
    writeln!(
        io::stdout(),
        "verified {megabytes:.0} MB of entries a second; peak memory {memory} KiB; opened in {opening:?}; proof of inclusion {} \
         hashes, {} bytes as a file, made in {proving:?}; of consistency {consistency} hashes",
        proof.path.len(),
        proof.to_text().len()
    )?;
    Ok(())
}
