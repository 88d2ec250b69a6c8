//! What the terms of the erased are worth: whoever has the ring of today and knows their values makes none that is on the raw disk.
//! Never through the crate of the keys: HMAC of ring and AES alone, and every key of the ring is tried, whatever bucket a term names.
//! The same look finds what it must: with the ring of before each term is made of one value by one key.

use super::Arguments;
use super::life::Person;
use super::proof::with_store;
use crate::fault::Fault;
use crate::planted::scan::Scanner;
use crate::tally::Tally;
use aes::Aes256;
use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use gridvault::records::RecordId;
use gridvault::store::{Key, Reader};
use ring::hmac;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

/// Terms that are looked at.
const TERMS_COUNT: usize = 100_000;
/// Where the base key of the index lies in a ring: behind the buckets of subjects and of terms, and 60 months.
const INDEX_BASE_AT: usize = 2 * 4_096 + 60;

/// The permuted half of a term, which a key of the ring makes.
type Block = [u8; 16];

/// Terms of people, as a store has them.
pub struct Terms(Vec<Vec<Block>>);

impl Terms {
    /// Those of these people, in their order, as the store of a stopped vault has them.
    pub fn of(directory: &Path, people: &[Person]) -> Result<Terms, Fault> {
        let all = with_store(directory, async |reader: &Reader| {
            reader.scan(&Key::terms_prefix(), None, TERMS_COUNT).await
        })?;
        let mut by_record: HashMap<RecordId, Vec<Block>> = HashMap::new();
        for (term, record) in all.iter().filter_map(|(key, _)| key.term_parts()) {
            let block = *term.last_chunk().ok_or(Fault::Malformed("a term"))?;
            by_record.entry(record).or_default().push(block);
        }
        let of = |person: &Person| {
            let id: RecordId = person.id.parse().map_err(|_| Fault::Malformed("an id"))?;
            by_record.remove(&id).ok_or(Fault::Malformed("the terms of somebody"))
        };
        people.iter().map(of).collect::<Result<_, Fault>>().map(Terms)
    }

    /// The look finds what it must: whoever has the ring of before makes each term.
    pub fn control(&self, ring: &[[u8; 32]], people: &[Person], tally: &mut Tally) {
        // A few: the others are of the same form.
        let step = people.len().div_ceil(20).max(1);
        let (mut terms, mut other) = (0, Vec::new());
        for (person, own) in people.iter().zip(&self.0).step_by(step) {
            let made = makes(ring, person);
            terms += own.len();
            other.extend(own.iter().filter(|term| made.get(*term) != Some(&1)).map(|_| &person.id));
        }
        let said = format!("{terms} terms, {} keys", ring.len());
        tally.check(
            "each term was made of a value by one key of the ring of before",
            if other.is_empty() && terms > 0 {
                Ok(said)
            } else {
                Err(format!("{said}: {other:?}"))
            },
        );
    }

    /// Reads the raw disk for the terms of the erased, who come first, and tries to make those that are there.
    pub fn raw(
        &self,
        arguments: &Arguments,
        ring: &[[u8; 32]],
        gone: &[Person],
        tally: &mut Tally,
    ) -> Result<(), Fault> {
        let own = &self.0[..gone.len()];
        let scanner = Scanner::of_bytes(own.iter().flatten().map(|term| &term[..]));
        let (hits, _) = scanner.find_in_file(&arguments.image)?;
        let found: BTreeSet<usize> = hits.iter().map(|hit| hit.marker).collect();
        let count = own.iter().map(Vec::len).sum::<usize>();
        let said = format!("{} copies of {} of {count} terms", hits.len(), found.len());
        tally.holds(
            "terms of the erased are on the raw disk, so there is something to try",
            found.len() == count,
            said,
        );
        let mut made = Vec::new();
        for (person, terms) in gone.iter().zip(own) {
            let of_today = makes(ring, person);
            made.extend(
                terms.iter().filter(|term| of_today.contains_key(*term)).map(|_| &person.id),
            );
        }
        let said = format!("{count} terms against {} keys", ring.len());
        tally.check(
            "no key of the ring of today makes any of them of the values that they stood for",
            if made.is_empty() { Ok(said) } else { Err(format!("{said}: {made:?}")) },
        );
        Ok(())
    }
}

/// What every key of a ring makes of somebody's values, and how many keys make it.
fn makes(ring: &[[u8; 32]], person: &Person) -> BTreeMap<Block, usize> {
    let base = hmac::Key::new(hmac::HMAC_SHA256, &ring[INDEX_BASE_AT]);
    let mut made = BTreeMap::new();
    for (group, value) in person.matched() {
        let length = u32::try_from(group.len()).unwrap_or(u32::MAX).to_be_bytes();
        let bytes = [&length[..], group.as_bytes(), value.as_bytes()].concat();
        let blind = hmac::sign(&base, &bytes);
        for key in ring {
            let mut block = Block::default();
            block.copy_from_slice(&blind.as_ref()[16..]);
            Aes256::new(key.into()).encrypt_block((&mut block).into());
            *made.entry(block).or_default() += 1;
        }
    }
    made
}
