//! A segment: the times and terms of a run of entries, in one file that never changes.
//! Never trusted with the truth: it can be deleted, and it names the log that it was made from by the leaf of its last entry.
//! Layout, numbers big-endian: header, times, lists, dictionary, fences of the dictionary, ranges of the times.

use super::error::IndexError;
use super::postings::{List, decode, encode};
use crate::files::sync_directory;
use ring::digest::{Context, SHA256};
use std::fs::File;
use std::io::{BufReader, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const MAGIC: &[u8; 8] = b"gvindex1";
/// Magic, first index, entries, terms, four places in the file, leaf of the last entry, digest.
const HEADER_BYTES: u64 = 8 + 8 + 4 + 4 + 4 * 8 + 32 + 32;
/// Bytes of a term in the dictionary: term, place of its list, count.
const TERM_BYTES: usize = 8 + 4 + 4;
/// Terms between two fences: what one look reads of the dictionary.
const FENCE: usize = 256;
/// Entries between two ranges of the times.
const RANGE: u32 = 512;
/// Buffer of one file that is merged, in bytes.
const MERGE_BUFFER_BYTES: usize = 64 * 1024;

/// What the first bytes of a file say.
struct Header {
    first: u64,
    count: u32,
    terms: u32,
    /// Where lists, dictionary and tail begin, and where the file ends.
    lists: u64,
    dictionary: u64,
    tail: u64,
    end: u64,
    leaf: [u8; 32],
}

impl Header {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEADER_BYTES as usize);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&self.first.to_be_bytes());
        out.extend_from_slice(&self.count.to_be_bytes());
        out.extend_from_slice(&self.terms.to_be_bytes());
        for place in [self.lists, self.dictionary, self.tail, self.end] {
            out.extend_from_slice(&place.to_be_bytes());
        }
        out.extend_from_slice(&self.leaf);
        out
    }

    fn parse(bytes: &[u8]) -> Option<Header> {
        let rest = bytes.strip_prefix(MAGIC)?;
        let long = |at: usize| Some(u64::from_be_bytes(*rest.get(at..)?.first_chunk()?));
        let short = |at: usize| Some(u32::from_be_bytes(*rest.get(at..)?.first_chunk()?));
        let header = Header {
            first: long(0)?,
            count: short(8)?,
            terms: short(12)?,
            lists: long(16)?,
            dictionary: long(24)?,
            tail: long(32)?,
            end: long(40)?,
            leaf: *rest.get(48..)?.first_chunk()?,
        };
        let (count, terms) = (u64::from(header.count), u64::from(header.terms));
        let fences = terms.div_ceil(FENCE as u64) * 8;
        let ranges = u64::from(header.count.div_ceil(RANGE)) * 16;
        let fits = count > 0
            && header.lists == HEADER_BYTES + count * 8
            && header.dictionary >= header.lists
            && header.tail == header.dictionary + terms * TERM_BYTES as u64
            && header.end == header.tail + fences + ranges;
        fits.then_some(header)
    }
}

/// Writes one segment, list by list in the order of their terms.
pub(super) struct Writer {
    out: BufWriter<File>,
    sum: Context,
    unfinished: PathBuf,
    path: PathBuf,
    first: u64,
    times: Vec<u64>,
    at: u64,
    dictionary: Vec<u8>,
    fences: Vec<u8>,
    terms: u32,
    room: Vec<u8>,
    finished: bool,
}

/// What was not finished takes no room on a disk that may be full.
impl Drop for Writer {
    fn drop(&mut self) {
        if !self.finished {
            let _the_next_start_does_it = std::fs::remove_file(&self.unfinished);
        }
    }
}

/// The file of a segment.
pub(super) fn path_of(directory: &Path, first: u64, count: u32) -> PathBuf {
    directory.join(format!("{first:020}-{count}.segment"))
}

impl Writer {
    /// Begins a segment. It has its name only once it is whole.
    pub(super) fn create(
        directory: &Path,
        first: u64,
        times: Vec<u64>,
    ) -> Result<Writer, IndexError> {
        let count = u32::try_from(times.len()).map_err(|_| IndexError::Damaged)?;
        let path = path_of(directory, first, count);
        let unfinished = path.with_extension("unfinished");
        let mut out = BufWriter::new(File::create(&unfinished)?);
        out.write_all(&[0; HEADER_BYTES as usize])?;
        let mut writer = Writer {
            out,
            sum: Context::new(&SHA256),
            unfinished,
            path,
            first,
            times,
            at: HEADER_BYTES,
            dictionary: Vec::new(),
            fences: Vec::new(),
            terms: 0,
            room: Vec::new(),
            finished: false,
        };
        let times: Vec<u8> = writer.times.iter().flat_map(|time| time.to_be_bytes()).collect();
        writer.put(&times)?;
        Ok(writer)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), IndexError> {
        self.sum.update(bytes);
        self.at += bytes.len() as u64;
        self.out.write_all(bytes)?;
        Ok(())
    }

    fn lists(&self) -> u64 {
        HEADER_BYTES + self.times.len() as u64 * 8
    }

    /// Adds the list of a term; terms come in ascending order.
    pub(super) fn list(&mut self, term: u64, values: &[u32]) -> Result<(), IndexError> {
        let at = u32::try_from(self.at - self.lists()).map_err(|_| IndexError::Damaged)?;
        if (self.terms as usize).is_multiple_of(FENCE) {
            self.fences.extend_from_slice(&term.to_be_bytes());
        }
        self.dictionary.extend_from_slice(&term.to_be_bytes());
        self.dictionary.extend_from_slice(&at.to_be_bytes());
        self.dictionary.extend_from_slice(&(values.len() as u32).to_be_bytes());
        self.terms += 1;
        let mut room = std::mem::take(&mut self.room);
        room.clear();
        encode(values, &mut room);
        let put = self.put(&room);
        self.room = room;
        put
    }

    /// Gives the segment its name. With `durable` it is on the disk before, because what it was made of goes away.
    pub(super) fn finish(mut self, leaf: [u8; 32], durable: bool) -> Result<Segment, IndexError> {
        let dictionary_at = self.at;
        let dictionary = std::mem::take(&mut self.dictionary);
        self.put(&dictionary)?;
        let tail = self.at;
        let mut rest = std::mem::take(&mut self.fences);
        for times in self.times.chunks(RANGE as usize) {
            let (least, most) = (times.iter().min(), times.iter().max());
            for time in [least, most].into_iter().flatten() {
                rest.extend_from_slice(&time.to_be_bytes());
            }
        }
        self.put(&rest)?;
        let header = Header {
            first: self.first,
            count: self.times.len() as u32,
            terms: self.terms,
            lists: self.lists(),
            dictionary: dictionary_at,
            tail,
            end: self.at,
            leaf,
        };
        let mut head = header.encode();
        let body = std::mem::replace(&mut self.sum, Context::new(&SHA256));
        head.extend_from_slice(&digest(&head, body));
        self.out.seek(SeekFrom::Start(0))?;
        self.out.write_all(&head)?;
        self.out.flush()?;
        if durable {
            self.out.get_ref().sync_data()?;
        }
        std::fs::rename(&self.unfinished, &self.path)?;
        self.finished = true;
        if durable && let Some(directory) = self.path.parent() {
            sync_directory(directory)?;
        }
        Segment::open(&self.path)
    }
}

/// Over the header but its own place, and over everything behind it.
fn digest(head: &[u8], body: Context) -> [u8; 32] {
    let mut sum = Context::new(&SHA256);
    sum.update(head);
    sum.update(body.finish().as_ref());
    let mut bytes = [0; 32];
    bytes.copy_from_slice(sum.finish().as_ref());
    bytes
}

/// A finished segment.
pub(super) struct Segment {
    file: Arc<File>,
    path: PathBuf,
    header: Header,
    sum: [u8; 32],
    /// First term of each run of the dictionary.
    fences: Vec<u64>,
    /// Least and greatest time of each run of entries.
    ranges: Vec<(u64, u64)>,
}

impl Segment {
    /// Opens a file and looks whether its parts fit together.
    pub(super) fn open(path: &Path) -> Result<Segment, IndexError> {
        let file = File::open(path)?;
        let mut head = [0; HEADER_BYTES as usize];
        file.read_exact_at(&mut head, 0)?;
        let header = Header::parse(&head).ok_or(IndexError::Damaged)?;
        if file.metadata()?.len() != header.end {
            return Err(IndexError::Damaged);
        }
        let mut tail = vec![0; (header.end - header.tail) as usize];
        file.read_exact_at(&mut tail, header.tail)?;
        let words: Vec<u64> = tail
            .chunks_exact(8)
            .map(|word| word.iter().fold(0, |all, byte| (all << 8) | u64::from(*byte)))
            .collect();
        let (fences, ranges) = words.split_at((header.terms as usize).div_ceil(FENCE));
        let ranges = ranges.chunks_exact(2).map(|range| (range[0], range[1])).collect();
        let mut sum = [0; 32];
        sum.copy_from_slice(&head[HEADER_BYTES as usize - 32..]);
        let (fences, path) = (fences.to_vec(), path.to_path_buf());
        Ok(Segment { file: Arc::new(file), path, header, sum, fences, ranges })
    }

    /// Reads the file whole and compares it with its digest.
    pub(super) fn check(&self) -> Result<(), IndexError> {
        let mut body = Context::new(&SHA256);
        let mut bytes = vec![0; MERGE_BUFFER_BYTES];
        let mut at = HEADER_BYTES;
        while at < self.header.end {
            let length = (self.header.end - at).min(bytes.len() as u64) as usize;
            self.file.read_exact_at(&mut bytes[..length], at)?;
            body.update(&bytes[..length]);
            at += length as u64;
        }
        let same = digest(&self.header.encode(), body) == self.sum;
        if same { Ok(()) } else { Err(IndexError::Damaged) }
    }

    pub(super) fn first(&self) -> u64 {
        self.header.first
    }

    pub(super) fn count(&self) -> u32 {
        self.header.count
    }

    /// The index after the last entry.
    pub(super) fn end(&self) -> u64 {
        self.header.first + u64::from(self.header.count)
    }

    pub(super) fn terms(&self) -> u32 {
        self.header.terms
    }

    pub(super) fn bytes(&self) -> u64 {
        self.header.end
    }

    pub(super) fn leaf(&self) -> &[u8; 32] {
        &self.header.leaf
    }

    pub(super) fn remove(&self) -> std::io::Result<()> {
        std::fs::remove_file(&self.path)
    }

    /// The list of a term; nothing where no entry of the segment has it.
    pub(super) fn list(&self, term: u64) -> Result<Option<List>, IndexError> {
        let run = self.fences.partition_point(|fence| *fence <= term);
        let Some(run) = run.checked_sub(1) else { return Ok(None) };
        let from = run * FENCE;
        let count = (self.header.terms as usize - from).min(FENCE);
        let mut bytes = [0; FENCE * TERM_BYTES];
        let bytes = &mut bytes[..count * TERM_BYTES];
        self.file.read_exact_at(bytes, self.header.dictionary + (from * TERM_BYTES) as u64)?;
        let places: Vec<Place> = bytes.chunks_exact(TERM_BYTES).map(Place::parse).collect();
        // Without this a damaged page would look like one that has not the term.
        if places[0].term != self.fences[run] {
            return Err(IndexError::Damaged);
        }
        let Ok(found) = places.binary_search_by_key(&term, |place| place.term) else {
            return Ok(None);
        };
        let Place { at, count, .. } = places[found];
        let at = self.header.lists + u64::from(at);
        List::open(&self.file, at, self.header.dictionary, count as usize).map(Some)
    }

    /// Least and greatest time of the run that an entry lies in, and the place after that run and before it.
    pub(super) fn range(&self, offset: u32) -> ((u64, u64), u32, u32) {
        let run = offset / RANGE;
        let after = (run + 1).saturating_mul(RANGE).min(self.header.count);
        (self.ranges[run as usize], after, run * RANGE)
    }

    /// Least and greatest time of all entries.
    pub(super) fn span(&self) -> (u64, u64) {
        let least = self.ranges.iter().map(|range| range.0).min();
        let most = self.ranges.iter().map(|range| range.1).max();
        (least.unwrap_or(u64::MAX), most.unwrap_or(0))
    }

    /// The time of an entry.
    pub(super) fn time(&self, offset: u32) -> Result<u64, IndexError> {
        let mut bytes = [0; 8];
        self.file.read_exact_at(&mut bytes, HEADER_BYTES + u64::from(offset) * 8)?;
        Ok(u64::from_be_bytes(bytes))
    }

    fn times(&self) -> Result<Vec<u64>, IndexError> {
        let mut bytes = vec![0; self.header.count as usize * 8];
        self.file.read_exact_at(&mut bytes, HEADER_BYTES)?;
        let word = |word: &[u8]| word.iter().fold(0, |all, byte| (all << 8) | u64::from(*byte));
        Ok(bytes.chunks_exact(8).map(word).collect())
    }
}

/// A term's place in the dictionary.
struct Place {
    term: u64,
    at: u32,
    count: u32,
}

impl Place {
    fn parse(bytes: &[u8]) -> Place {
        let number =
            |part: &[u8]| part.iter().fold(0u64, |all, byte| (all << 8) | u64::from(*byte));
        Place {
            term: number(&bytes[..8]),
            at: number(&bytes[8..12]) as u32,
            count: number(&bytes[12..]) as u32,
        }
    }
}

/// One segment on its way into another: its dictionary and its lists, each read once from front to back.
struct Source {
    shift: u32,
    left: u32,
    dictionary: BufReader<Part>,
    lists: BufReader<Part>,
    term: Option<(u64, u32)>,
}

/// A part of a file, read in order beside other readers of it.
struct Part {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl std::io::Read for Part {
    fn read(&mut self, bytes: &mut [u8]) -> std::io::Result<usize> {
        let length = (self.end - self.at).min(bytes.len() as u64) as usize;
        let read = self.file.read_at(&mut bytes[..length], self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Source {
    fn open(segment: &Segment, first: u64) -> Result<Source, IndexError> {
        let part = |at, end| {
            let part = Part { file: segment.file.clone(), at, end };
            BufReader::with_capacity(MERGE_BUFFER_BYTES, part)
        };
        let Header { lists, dictionary, tail, terms, .. } = segment.header;
        let mut source = Source {
            shift: u32::try_from(segment.first() - first).map_err(|_| IndexError::Damaged)?,
            left: terms,
            dictionary: part(dictionary, tail),
            lists: part(lists, dictionary),
            term: None,
        };
        source.advance()?;
        Ok(source)
    }

    fn advance(&mut self) -> Result<(), IndexError> {
        self.term = None;
        if let Some(left) = self.left.checked_sub(1) {
            self.left = left;
            let mut bytes = [0; TERM_BYTES];
            self.dictionary.read_exact(&mut bytes)?;
            let Place { term, count, .. } = Place::parse(&bytes);
            self.term = Some((term, count));
        }
        Ok(())
    }
}

/// Makes one segment of several that follow each other. Holds one list and one dictionary in memory.
pub(super) fn merge(directory: &Path, parts: &[Arc<Segment>]) -> Result<Segment, IndexError> {
    let (Some(front), Some(back)) = (parts.first(), parts.last()) else {
        return Err(IndexError::Damaged);
    };
    let mut times = Vec::new();
    for part in parts {
        times.append(&mut part.times()?);
    }
    let mut writer = Writer::create(directory, front.first(), times)?;
    let mut sources = Vec::with_capacity(parts.len());
    for part in parts {
        sources.push(Source::open(part, front.first())?);
    }
    let (mut values, mut found, mut room) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(term) = sources.iter().filter_map(|source| Some(source.term?.0)).min() {
        values.clear();
        for source in &mut sources {
            let Some((_, count)) = source.term.filter(|(own, _)| *own == term) else { continue };
            found.clear();
            decode(count as usize, &mut source.lists, &mut found, &mut room)?;
            values.extend(found.iter().map(|value| value + source.shift));
            source.advance()?;
        }
        writer.list(term, &values)?;
    }
    writer.finish(*back.leaf(), true)
}
