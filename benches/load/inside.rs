//! The product's own rooms put together by the bench, with a disk of its choice: the price of waiting for the journal.
//! Never a switch of the product: only a program that is built on the library can have such a disk.
//! Everything but the sync is as in `gridvault serve`.

use super::disk::{Pace, own_processor_seconds};
use super::prepared::ORIGIN;
use super::shared::{self, Fallible, Ground, fresh_keyring};
use super::vault::SERVING;
use gridvault::access::{Access, ActorId, Origin, Permit, Standing, Written};
use gridvault::ambient::Random;
use gridvault::http::{Rooms, Serving, Stop, serve};
use gridvault::limits::SEGMENT_BYTES;
use gridvault::records::{Owner, RecordRef, Target};
use gridvault::store::EngineKind;
use gridvault::trail::{FileMedia, Media, Room, Segment};
use gridvault_keys::{Keyring, Passphrase, UnlockFile};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Files whose writes nobody waits for.
struct Unsynced(FileMedia);

struct UnsyncedSegment(Box<dyn Segment>);

impl Media for Unsynced {
    fn allocate(&self, path: &Path, length: u64) -> io::Result<Box<dyn Segment>> {
        Ok(Box::new(UnsyncedSegment(self.0.allocate(path, length)?)))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn Segment>> {
        Ok(Box::new(UnsyncedSegment(self.0.open(path)?)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn room(&self, directory: &Path) -> io::Result<Room> {
        self.0.room(directory)
    }

    fn hold(&self, path: &Path, bytes: u64) -> io::Result<()> {
        self.0.hold(path, bytes)
    }
}

impl Segment for UnsyncedSegment {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_at(offset, bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn is_still(&self, path: &Path) -> io::Result<bool> {
        self.0.is_still(path)
    }
}

/// Serves the vault in a directory until it is killed, with or without the waits for the disk.
///
/// # Errors
/// Whatever keeps the vault from opening.
pub async fn run(directory: &Path, passphrase: &Path, synced: bool) -> Fallible<()> {
    let media: Arc<dyn Media> =
        if synced { Arc::new(FileMedia) } else { Arc::new(Unsynced(FileMedia)) };
    let envelopes = UnlockFile::load(&directory.join("unlock"))?;
    let passphrase = Passphrase::new(std::fs::read(passphrase)?.into())?;
    let root = envelopes.first().ok_or("no envelope")?.open_with_passphrase(&passphrase)?;
    let (keyring, _) = Keyring::open(&directory.join("keyring"), &root)?;
    let ground = Ground {
        directory,
        origin: ORIGIN,
        keyring: Arc::new(keyring),
        engine: EngineKind::Sled,
        media,
        segment_bytes: SEGMENT_BYTES,
    };
    let rooms = shared::open(ground).await?;
    let serving = Serving::bind(([127, 0, 0, 1], 0).into()).await?;
    println!("{SERVING}{}", serving.address()?);
    serve(serving, Arc::new(rooms), std::future::pending::<Stop>()).await;
    Ok(())
}

/// About no record: what is measured is the trail alone.
struct Nothing;

impl Target for Nothing {
    fn records(&self) -> &[RecordRef] {
        &[]
    }

    fn owns(&self, _: Owner) -> bool {
        false
    }
}

/// Durable entries each second of a trail of its own, without HTTP and without records.
///
/// # Errors
/// Whatever keeps the trail from starting.
pub async fn trail_rate(directory: &Path, submitters: usize, time: Duration) -> Fallible<Pace> {
    let place = directory.join("trail");
    if place.exists() {
        std::fs::remove_dir_all(&place)?;
    }
    std::fs::create_dir_all(&place)?;
    let ground = Ground {
        directory: &place,
        origin: ORIGIN,
        keyring: fresh_keyring(&place)?,
        engine: EngineKind::Memory,
        media: Arc::new(FileMedia),
        segment_bytes: SEGMENT_BYTES,
    };
    let Rooms { trail, access, random, .. } = shared::open(ground).await?;
    let before = own_processor_seconds();
    let started = Instant::now();
    let tasks: Vec<_> = (0..submitters)
        .map(|number| {
            let (trail, access, random) = (trail.clone(), access.clone(), random.clone());
            tokio::spawn(async move {
                let mut done = 0_u64;
                while started.elapsed() < time {
                    let permit = permit(&access, &*random, number)?;
                    if trail.append(permit).await.is_err() {
                        return Err("the trail refused an entry");
                    }
                    done += 1;
                }
                Ok(done)
            })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        done += task.await??;
    }
    let pace = Pace::since(started, before, done);
    trail.stop().await.map_err(|fault| fault.to_string())?;
    std::fs::remove_dir_all(&place)?;
    Ok(pace)
}

fn permit(
    access: &Access,
    random: &dyn Random,
    number: usize,
) -> Result<Permit<Nothing>, &'static str> {
    let mut actor = [0; 16];
    actor[8..].copy_from_slice(&(number as u64).to_be_bytes());
    let standing = Standing {
        actor: ActorId::from_bytes(actor),
        version: 0,
        assignments: Arc::new([]),
        via: None,
        session: [3; 16],
        strength: 1,
    };
    let request = random.bytes16().map_err(|_| "no randomness")?;
    let origin = Origin { request, address: Some("127.0.0.1".into()), ..Origin::default() };
    Ok(access.permit_known(&standing, Written::Schema, &origin, Nothing))
}

/// Directory and passphrase of the vault that [`run`] serves, as arguments of the program.
pub fn arguments(directory: &Path, passphrase: &Path, synced: bool) -> Vec<String> {
    let part = if synced { "inside" } else { "unsynced" };
    let word = |path: &Path| PathBuf::from(path).to_string_lossy().into_owned();
    vec![
        "--part".into(),
        part.into(),
        "--dir".into(),
        word(directory),
        "--passphrase".into(),
        word(passphrase),
    ]
}
