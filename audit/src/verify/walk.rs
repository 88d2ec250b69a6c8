//! Reads a whole log once, from the first bundle to the last, and compares everything with the signed root.
//! Never trusts a tile: the tree is grown from the entries, and tiles are held against it.
//! Memory is one bundle, one unfinished tile for each level and the first finding of each kind.

use std::ops::Range;
use std::path::Path;

use super::entry::Rules;
use super::expect::{Claims, Expectations, Milestone};
use super::finding::{Class, Finding, VerifyError};
use super::key::VerifierKey;
use super::note::{Cosigned, Head};
use super::policy::Policy;
use super::pruning::Pruning;
use super::shelf::{Found, Series, Shelf, Source};
use super::tree::{Frontier, Hash, hash};
use crate::constants::{
    BUNDLE_BYTES_MAX, HASH_BYTES, LEAF_PREFIX, TILE_BYTES, TILE_HEIGHT, TILE_WIDTH,
};

/// What a disk writes whole or not at all, in bytes; a larger unit of it is several of these.
const SECTOR_BYTES: usize = 512;

/// What a log that was accepted is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The checkpoint that covers it.
    pub head: Head,
    /// The newest checkpoint that the policy's quorum cosigned; `None` where the policy asks for no witness. What lies
    /// between the two is signed by the log alone.
    pub witnessed: Option<Cosigned>,
    /// The first index whose entry was read. Those below it were pruned, which an entry of the log says; their hashes are
    /// there and lead to the signed root.
    pub minimum: u64,
    /// Whether files lie beyond the checkpoint. A vault that runs, or was killed, leaves such; so does someone who puts
    /// an older checkpoint back. An earlier checkpoint from elsewhere tells which.
    pub beyond: bool,
}

/// Goes along while a log is verified.
pub trait Visitor {
    /// An entry, in order. It is not verified yet: only a pass that ends well vouches for what was seen.
    fn entry(&mut self, index: u64, entry: &[u8]);

    /// The entries below this index were pruned and are not seen. Comes first.
    fn begins_at(&mut self, _minimum: u64) {}

    /// So many of so many entries were read.
    fn progress(&mut self, _done: u64, _size: u64) {}
}

/// Nobody goes along.
impl Visitor for () {
    fn entry(&mut self, _index: u64, _entry: &[u8]) {}
}

/// Verifies the log in `directory` under `key`: signature, entries, tiles, root, and the content of every entry.
///
/// `earlier` is what a checkpoint stated that was seen before; the log must be its continuation.
///
/// # Errors
/// [`VerifyError::Tampered`] with the first finding; other variants where the log could not be judged.
pub fn verify_directory(
    directory: &Path,
    key: &VerifierKey,
    earlier: Option<&Head>,
) -> Result<Summary, VerifyError> {
    let expected =
        Expectations { earlier: earlier.into_iter().cloned().collect(), ..Expectations::default() };
    verify_log(Shelf::open(directory)?, &Policy::of_log(key.clone()), &expected, &mut ())
}

/// Verifies a log under a policy: the log's signature, the quorum's cosignatures, entries, tiles, root, the content of
/// every entry, and that it continues whatever was seen of it elsewhere.
///
/// # Errors
/// As [`verify_directory`].
pub fn verify_log<S: Source>(
    source: S,
    policy: &Policy,
    expected: &Expectations,
    visitor: &mut dyn Visitor,
) -> Result<Summary, VerifyError> {
    let mut source = source;
    // Before the checkpoint: an entry that says where the log began then is covered by it.
    let pruning = Pruning::read(&mut source)?;
    let Claims { head, witnessed, milestones } = Claims::read(&mut source, policy, expected)?;
    pruning.is_within(head.size)?;
    let mut walk = Walk {
        shelf: source,
        pruning,
        visitor,
        milestones,
        frontier: Frontier::default(),
        rules: Rules::new(),
        levels: Vec::new(),
        bundle: Vec::new(),
        stored: Vec::new(),
        suspicion: None,
        content: None,
        broken: None,
        beyond: false,
    };
    walk.pass_milestones();
    walk.rules.begin_at(walk.pruning.minimum);
    walk.visitor.begins_at(walk.pruning.minimum);
    for number in 0..head.size.div_ceil(TILE_WIDTH as u64) {
        match number < walk.pruning.minimum / TILE_WIDTH as u64 {
            true => walk.pruned(number)?,
            false => walk.bundle(number, width_at(head.size, number))?,
        }
        walk.visitor.progress(walk.frontier.size(), head.size);
    }
    walk.finish(&head)?;
    Ok(Summary { head, witnessed, minimum: walk.pruning.minimum, beyond: walk.beyond })
}

/// Items of tile `number` in a series of `size` items.
fn width_at(size: u64, number: u64) -> usize {
    usize::try_from(size - number * TILE_WIDTH as u64)
        .map_or(TILE_WIDTH, |left| left.min(TILE_WIDTH))
}

struct Walk<'a, S> {
    shelf: S,
    pruning: Pruning,
    visitor: &'a mut dyn Visitor,
    /// Those that the tree has not passed yet.
    milestones: Vec<Milestone>,
    frontier: Frontier,
    rules: Rules,
    /// Level by level: number of the unfinished tile and its hashes so far.
    levels: Vec<(u64, Vec<Hash>)>,
    /// The bundle at hand.
    bundle: Vec<u8>,
    /// The tile or partial file that is held against what was computed.
    stored: Vec<u8>,
    /// The first file that disagrees with the tree grown from the entries.
    suspicion: Option<Finding>,
    /// The first entry whose content breaks a rule.
    content: Option<Finding>,
    /// The first milestone that the tree passed with another root.
    broken: Option<Finding>,
    beyond: bool,
}

/// A bundle cut into entries, up to the first fault.
struct Cut {
    entries: Vec<Range<usize>>,
    fault: Option<(Class, &'static str)>,
}

impl<S: Source> Walk<'_, S> {
    /// Takes in one bundle of `width` entries.
    fn bundle(&mut self, number: u64, width: usize) -> Result<(), VerifyError> {
        let base = number * TILE_WIDTH as u64;
        let mut bytes = std::mem::take(&mut self.bundle);
        let (found, exact) =
            self.read(Series::Bundles, number, width, BUNDLE_BYTES_MAX, &mut bytes)?;
        match found {
            Found::File => {}
            Found::Missing => {
                if Pruning::read(&mut self.shelf)?.minimum > base {
                    return Err(VerifyError::Moved);
                }
                return Err(self.stop(Finding::at(Class::Truncated, base, "bundle is missing")));
            }
            Found::Foreign => {
                return Err(self.stop(Finding::at(
                    Class::NotAPlainFile,
                    base,
                    "bundle is not a plain file",
                )));
            }
        }
        let cut = cut(&bytes, width, exact);
        for range in &cut.entries {
            self.look_at(&bytes[range.clone()]);
            // The byte before an entry is the second of its length, which is known: nothing is copied for the hash.
            let length = std::mem::replace(&mut bytes[range.start - 1], LEAF_PREFIX);
            let leaf = hash(&bytes[range.start - 1..range.end]);
            bytes[range.start - 1] = length;
            self.grow(leaf)?;
        }
        if let Some((class, detail)) = cut.fault {
            let index = base + cut.entries.len() as u64;
            self.compare_begun_tile(number, width)?;
            return Err(self.stop(Finding::at(class, index, detail)));
        }
        self.check_partials(Series::Bundles, number, width, &bytes, &cut.entries)?;
        self.bundle = bytes;
        Ok(())
    }

    /// Takes in the hashes of a full bundle that was pruned.
    fn pruned(&mut self, number: u64) -> Result<(), VerifyError> {
        let mut tile = std::mem::take(&mut self.bundle);
        let found = self.shelf.read(&Series::Tiles(0).full(number), TILE_BYTES, &mut tile)?;
        let (leaves, rest) = tile.as_chunks::<HASH_BYTES>();
        if found != Found::File || leaves.len() != TILE_WIDTH || !rest.is_empty() {
            let base = number * TILE_WIDTH as u64;
            let detail = "tile of pruned entries is missing or has another length";
            return Err(self.stop(Finding::at(Class::Truncated, base, detail)));
        }
        for leaf in leaves {
            self.grow(*leaf)?;
        }
        self.bundle = tile;
        Ok(())
    }

    /// Grows the tree by a leaf.
    fn grow(&mut self, leaf: Hash) -> Result<(), VerifyError> {
        let completed = self.frontier.push(leaf);
        self.add(0, leaf)?;
        for (level, hash) in completed {
            self.add(level, hash)?;
        }
        self.pass_milestones();
        Ok(())
    }

    /// Checks the content of the next entry.
    fn look_at(&mut self, entry: &[u8]) {
        let index = self.frontier.size();
        if self.content.is_none() {
            self.content = self.rules.check(index, entry).err();
        }
        self.pruning.entry(index, entry);
        self.visitor.entry(index, entry);
    }

    /// Judges every milestone at the tree's size. There are few: they are taken out as they are passed.
    fn pass_milestones(&mut self) {
        let size = self.frontier.size();
        while self.milestones.first().is_some_and(|milestone| milestone.size == size) {
            let judged =
                self.milestones.remove(0).judge(&self.frontier.root(), self.rules.last_micros());
            self.broken = self.broken.take().or(judged.err());
        }
    }

    /// Adds a hash to the unfinished tile of `level`; a tile that is full by it is compared with the stored one.
    fn add(&mut self, level: u32, hash: Hash) -> Result<(), VerifyError> {
        if self.levels.len() == level as usize {
            self.levels.push((0, Vec::with_capacity(TILE_WIDTH)));
        }
        let (number, hashes) = &mut self.levels[level as usize];
        hashes.push(hash);
        if hashes.len() < TILE_WIDTH {
            return Ok(());
        }
        let number = *number;
        let full = std::mem::take(hashes);
        self.compare_tile(level, number, &full)?;
        let mut hashes = full;
        hashes.clear();
        self.levels[level as usize] = (number + 1, hashes);
        Ok(())
    }

    /// Holds the stored tile against the hashes computed for it, which are all that it must have.
    fn compare_tile(
        &mut self,
        level: u32,
        number: u64,
        computed: &[Hash],
    ) -> Result<(), VerifyError> {
        let series = Series::Tiles(level);
        let mut stored = std::mem::take(&mut self.stored);
        let (found, exact) = self.read(series, number, computed.len(), TILE_BYTES, &mut stored)?;
        let base = number * TILE_WIDTH as u64;
        let suspicion = match found {
            Found::Missing => Some((Class::Truncated, 0, "tile is missing")),
            Found::Foreign => Some((Class::NotAPlainFile, 0, "tile is not a plain file")),
            Found::File => tile_fault(&stored, computed, exact),
        };
        if let Some((class, slot, detail)) = suspicion {
            self.suspect(class, level, base + slot as u64, detail);
        }
        self.stored = stored;
        let ranges: Vec<_> =
            (0..computed.len()).map(|slot| slot * HASH_BYTES..(slot + 1) * HASH_BYTES).collect();
        self.check_partials(series, number, computed.len(), computed.as_flattened(), &ranges)
    }

    /// Compares the entries of a bundle that broke off with the tile of their hashes, to find the first that differs.
    fn compare_begun_tile(&mut self, number: u64, width: usize) -> Result<(), VerifyError> {
        let Some((begun, hashes)) = self.levels.first_mut() else {
            return Ok(());
        };
        if *begun != number {
            return Ok(());
        }
        let hashes = std::mem::take(hashes);
        let mut stored = std::mem::take(&mut self.stored);
        self.read(Series::Tiles(0), number, width, TILE_BYTES, &mut stored)?;
        let slots = stored.as_chunks::<HASH_BYTES>().0.iter().zip(&hashes);
        if let Some(slot) = slots.clone().position(|(stored, computed)| stored != computed) {
            let index = number * TILE_WIDTH as u64 + slot as u64;
            self.suspect(Class::EntryChanged, 0, index, "entry does not have the hash in its tile");
        }
        self.stored = stored;
        Ok(())
    }

    /// Reads number `number` of a series: the full form, or the partial form of `width` items, or where that is gone the
    /// full form that has replaced it. Says whether the file must hold exactly `width` items.
    fn read(
        &mut self,
        series: Series,
        number: u64,
        width: usize,
        bytes_max: usize,
        buffer: &mut Vec<u8>,
    ) -> Result<(Found, bool), VerifyError> {
        let full = series.full(number);
        if width == TILE_WIDTH {
            return Ok((self.shelf.read(&full, bytes_max, buffer)?, true));
        }
        match self.shelf.read(&series.partial(number, width), bytes_max, buffer)? {
            Found::Missing => Ok((self.shelf.read(&full, bytes_max, buffer)?, false)),
            found => Ok((found, true)),
        }
    }

    /// Holds every other form of a tile or bundle against `bytes`, whose first `width` items lie at `items`.
    fn check_partials(
        &mut self,
        series: Series,
        number: u64,
        width: usize,
        bytes: &[u8],
        items: &[Range<usize>],
    ) -> Result<(), VerifyError> {
        let base = number * TILE_WIDTH as u64;
        let level = if let Series::Tiles(level) = series { level } else { 0 };
        let Some(mut widths) = self.shelf.widths(&series.partials(number))? else {
            self.suspect(
                Class::NotAPlainFile,
                level,
                base,
                "directory of partial files is not one",
            );
            return Ok(());
        };
        // Files with other numbers for names are no partial ones, and read by nobody.
        widths.retain(|width| (1..TILE_WIDTH).contains(width));
        if width < TILE_WIDTH {
            widths.push(TILE_WIDTH);
        }
        let mut other = std::mem::take(&mut self.stored);
        for other_width in widths {
            let path = match other_width {
                TILE_WIDTH => series.full(number),
                _ => series.partial(number, other_width),
            };
            match self.shelf.read(&path, BUNDLE_BYTES_MAX, &mut other)? {
                Found::Missing => continue,
                Found::Foreign => {
                    self.suspect(
                        Class::NotAPlainFile,
                        level,
                        base,
                        "partial file is not a plain file",
                    );
                    continue;
                }
                Found::File => {}
            }
            self.beyond |= other_width > width;
            let shared = &items[..other_width.min(width)];
            let end = shared.last().map_or(0, |range| range.end);
            if other_width > width && is_unwritten(&other, &bytes[..end]) {
                continue;
            }
            let differs = shared
                .iter()
                .position(|range| other.get(range.clone()) != Some(&bytes[range.clone()]));
            let slot = match differs {
                Some(slot) => slot,
                None if other.get(..end) != Some(&bytes[..end]) => 0,
                None if other_width <= width && other.len() != end => shared.len() - 1,
                None => continue,
            };
            self.suspect(
                Class::PartialDisagrees,
                level,
                base + slot as u64,
                "partial file disagrees with the log",
            );
        }
        self.stored = other;
        Ok(())
    }

    /// Notes that item `item` of `level` is not as the entries make it, unless something earlier was noted.
    ///
    /// A changed entry changes every hash above it, so what was noted within the item's entries explains it.
    fn suspect(&mut self, class: Class, level: u32, item: u64, detail: &'static str) {
        let index = item << (TILE_HEIGHT * level);
        let last = index + ((1 << (TILE_HEIGHT * level)) - 1);
        if self.suspicion.as_ref().and_then(|noted| noted.index).is_none_or(|noted| last < noted) {
            self.suspicion =
                Some(Finding { class, index: Some(index), level: Some(level), detail });
        }
    }

    /// The finding to report where the pass cannot go on: an earlier suspicion goes before `finding`.
    fn stop(&mut self, finding: Finding) -> VerifyError {
        match self.suspicion.take() {
            Some(earlier) if earlier.index < finding.index => {
                VerifyError::Tampered(weigh(earlier, false))
            }
            _ => VerifyError::Tampered(finding),
        }
    }

    /// Compares the right edge and the root, and weighs everything that was noted.
    fn finish(&mut self, head: &Head) -> Result<(), VerifyError> {
        for (level, (number, hashes)) in (0..).zip(std::mem::take(&mut self.levels)) {
            if !hashes.is_empty() {
                self.compare_tile(level, number, &hashes)?;
            }
        }
        let next = head.size.div_ceil(TILE_WIDTH as u64);
        self.beyond |= self.shelf.has(&Series::Bundles.full(next))?
            || self.shelf.has(&Series::Bundles.partials(next))?;
        let signed = self.frontier.root() == head.root;
        match self.suspicion.take() {
            Some(finding) => {
                // Of what was pruned there are hashes alone.
                let pruned = finding.index.is_some_and(|index| index < self.pruning.minimum);
                return Err(weigh(finding, signed || pruned).into());
            }
            None if !signed => {
                return Err(Finding::new(
                    Class::RootMismatch,
                    "entries and tiles do not have the signed root",
                )
                .into());
            }
            None => {}
        }
        if let Some(finding) = self.broken.take() {
            return Err(finding.into());
        }
        if let Some(finding) = self.content.take() {
            return Err(finding.into());
        }
        self.pruning.judge(self.rules.cited()).map_err(VerifyError::from)
    }
}

/// Says whether tile or entry changed where the two differ: the entry, unless the signature is for the entries.
fn weigh(finding: Finding, signed: bool) -> Finding {
    if finding.class == Class::TileChanged && !signed {
        return Finding {
            class: Class::EntryChanged,
            detail: "entry is not the one in the signed tree",
            ..finding
        };
    }
    finding
}

/// What is wrong with a stored tile: class, slot and sentence.
fn tile_fault(
    stored: &[u8],
    computed: &[Hash],
    exact: bool,
) -> Option<(Class, usize, &'static str)> {
    let (slots, rest) = stored.as_chunks::<HASH_BYTES>();
    if let Some(slot) = slots.iter().zip(computed).position(|(stored, computed)| stored != computed)
    {
        return Some((Class::TileChanged, slot, "hash in a tile is not the one of the entries"));
    }
    if slots.len() < computed.len() {
        return Some((Class::Truncated, slots.len(), "tile is too short"));
    }
    let fits = if exact {
        slots.len() == computed.len() && rest.is_empty()
    } else {
        stored.len() == TILE_BYTES
    };
    if fits {
        None
    } else {
        Some((Class::TileChanged, 0, "tile has another length than its width"))
    }
}

/// Cuts a bundle into its first `width` entries, which are all it has if `exact`.
fn cut(bytes: &[u8], width: usize, exact: bool) -> Cut {
    let mut entries = Vec::with_capacity(width);
    let mut at = 0;
    let fault = loop {
        if entries.len() == width {
            let trailing = exact && at != bytes.len();
            break trailing
                .then_some((Class::BundleMalformed, "bundle has bytes after its last entry"));
        }
        let Some(length) = bytes[at..].first_chunk::<2>() else {
            let clean = at == bytes.len();
            let class = if clean { Class::Truncated } else { Class::BundleMalformed };
            break Some((class, "bundle ends before its last entry"));
        };
        let from = at + 2;
        let to = from + usize::from(u16::from_be_bytes(*length));
        if to == from || to > bytes.len() {
            break Some((
                Class::BundleMalformed,
                "length of an entry is zero or leads past the bundle",
            ));
        }
        entries.push(from..to);
        at = to;
    };
    Cut { entries, fault }
}

/// Whether a form that no checkpoint covers yet is what a power failure leaves of it: it was not synced either, so it may end anywhere, and of
/// what is there each sector was written or reads as zeros.
fn is_unwritten(found: &[u8], whole: &[u8]) -> bool {
    let mut sectors = found.chunks(SECTOR_BYTES).zip(whole.chunks(SECTOR_BYTES));
    sectors.all(|(found, whole)| {
        let shared = found.len().min(whole.len());
        found[..shared] == whole[..shared] || found[..shared].iter().all(|byte| *byte == 0)
    })
}
