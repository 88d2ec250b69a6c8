//! What the disk alone allows: a sync of a preallocated file, a loop that writes and syncs, and the least that serves tasks.
//! Never part of the product: these are the yardsticks that stand beside it in the same run.
//! The file lies where the vault's journal lies, zero-filled like a journal's segment.

use super::Fallible;
use super::vault::processor_seconds;
use ring::digest::{SHA256, digest};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Length of the file, in bytes.
const FILE_BYTES: u64 = 64 * 1024 * 1024;
/// Bytes of a write of one entry.
const ENTRY_BYTES: usize = 300;
/// Syncs that are timed.
const SYNCS: u64 = 400;

fn allocate(path: &Path) -> Fallible<File> {
    let file = File::create(path)?;
    let zeros = vec![0; 1 << 20];
    for offset in (0..FILE_BYTES).step_by(zeros.len()) {
        file.write_all_at(&zeros, offset)?;
    }
    file.sync_all()?;
    Ok(file)
}

/// Median of a write and its sync, in milliseconds.
///
/// # Errors
/// The system's.
pub fn sync_millis(directory: &Path) -> Fallible<f64> {
    let path = directory.join("yardstick");
    let file = allocate(&path)?;
    let bytes = [7; 1_024];
    let mut nanos = Vec::new();
    for number in 0..SYNCS {
        let started = Instant::now();
        file.write_all_at(&bytes, number * 1_024)?;
        file.sync_data()?;
        nanos.push(started.elapsed().as_nanos());
        // Reads come one by one, with a pause between: so do these.
        std::thread::sleep(Duration::from_micros(100));
    }
    std::fs::remove_file(path)?;
    nanos.sort_unstable();
    Ok(nanos[nanos.len() / 2] as f64 / 1e6)
}

/// How fast entries became durable in this process.
pub struct Pace {
    /// Entries each second.
    pub rate: f64,
    /// Processor time of one, all threads, in microseconds.
    pub processor: f64,
}

impl Pace {
    /// So many entries since then, when this process had used so many seconds of its processors.
    pub fn since(started: Instant, processor_seconds: f64, entries: u64) -> Pace {
        let entries = entries as f64;
        let used = own_processor_seconds() - processor_seconds;
        Pace { rate: entries / started.elapsed().as_secs_f64(), processor: used * 1e6 / entries }
    }
}

/// Processor time that this process has used.
pub fn own_processor_seconds() -> f64 {
    processor_seconds(std::process::id())
}

type Waiting = (Vec<u8>, oneshot::Sender<[u8; 32]>);

#[derive(Default)]
struct Line {
    waiting: Mutex<(Vec<Waiting>, bool)>,
    ready: Condvar,
}

impl Line {
    fn take(&self) -> Option<Vec<Waiting>> {
        let mut state = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        while state.0.is_empty() {
            if state.1 {
                return None;
            }
            state = self.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Some(std::mem::take(&mut state.0))
    }
}

/// Group commit and nothing else: entries of 300 bytes, their leaf hashes, one write and one sync for a group.
fn commit(line: &Line, file: &File) -> Fallible<()> {
    let mut offset = 0;
    while let Some(group) = line.take() {
        let mut frame = Vec::with_capacity(group.len() * ENTRY_BYTES);
        let mut leaves = Vec::with_capacity(group.len());
        for (entry, _) in &group {
            frame.extend_from_slice(entry);
            let mut leaf = [0; 32];
            leaf.copy_from_slice(digest(&SHA256, entry).as_ref());
            leaves.push(leaf);
        }
        if offset + frame.len() as u64 > FILE_BYTES {
            offset = 0;
        }
        file.write_all_at(&frame, offset)?;
        file.sync_data()?;
        offset += frame.len() as u64;
        for ((_, reply), leaf) in group.into_iter().zip(leaves) {
            let _gone = reply.send(leaf);
        }
    }
    Ok(())
}

/// Durable entries each second of that prototype: tasks, a line, a thread that commits, a wake for each. Its entries are
/// given: nobody writes, decides, seals or checks one.
///
/// # Errors
/// The system's.
pub async fn group_rate(directory: &Path, submitters: usize, time: Duration) -> Fallible<Pace> {
    let path = directory.join("yardstick");
    let file = allocate(&path)?;
    let line = Arc::new(Line::default());
    let committer = {
        let line = line.clone();
        std::thread::spawn(move || commit(&line, &file).is_ok())
    };
    let before = own_processor_seconds();
    let started = Instant::now();
    let tasks: Vec<_> = (0..submitters)
        .map(|_| {
            let line = line.clone();
            tokio::spawn(async move {
                let mut done = 0_u64;
                while started.elapsed() < time {
                    let (reply, answer) = oneshot::channel();
                    {
                        let mut state = line.waiting.lock().unwrap_or_else(PoisonError::into_inner);
                        state.0.push((vec![7; ENTRY_BYTES], reply));
                    }
                    line.ready.notify_one();
                    done += u64::from(answer.await.is_ok());
                }
                done
            })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        done += task.await?;
    }
    let pace = Pace::since(started, before, done);
    line.waiting.lock().unwrap_or_else(PoisonError::into_inner).1 = true;
    line.ready.notify_one();
    if !committer.join().unwrap_or(false) {
        return Err("the prototype failed".into());
    }
    std::fs::remove_file(path)?;
    Ok(pace)
}

/// Durable entries each second of one thread that hashes, writes and syncs groups of so many, for nobody: the ceiling.
///
/// # Errors
/// The system's.
pub fn loop_rate(directory: &Path, group: usize, time: Duration) -> Fallible<f64> {
    let path = directory.join("yardstick");
    let file = allocate(&path)?;
    let entry = [7; ENTRY_BYTES];
    let mut frame = Vec::with_capacity(group * ENTRY_BYTES);
    let (mut done, mut offset) = (0_u64, 0);
    let started = Instant::now();
    while started.elapsed() < time {
        frame.clear();
        for _ in 0..group {
            frame.extend_from_slice(&entry);
            std::hint::black_box(digest(&SHA256, &entry));
        }
        if offset + frame.len() as u64 > FILE_BYTES {
            offset = 0;
        }
        file.write_all_at(&frame, offset)?;
        file.sync_data()?;
        offset += frame.len() as u64;
        done += group as u64;
    }
    let seconds = started.elapsed().as_secs_f64();
    std::fs::remove_file(path)?;
    Ok(done as f64 / seconds)
}
