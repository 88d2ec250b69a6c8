//! Opens every row of the stopped vault with its key, and compares what no caller may see with the source.
//! Never through the vault's own reading: the key hierarchy and the stored rows alone.
//! The rows are exactly those of the answers, so a line that was stored twice shows.

use super::readback::{field_of, schemas, told};
use super::records::{Records, Stored};
use crate::desk::Desk;
use crate::fault::Fault;
use crate::tally::Tally;
use crate::town::PASSPHRASE;
use gridvault::records::{PlainFields, SchemaSet, mask};
use gridvault::store::{self, EngineKind, Fetched, Key, Reader, Sealed};
use gridvault_keys::{Keyring, Passphrase, SectionPlace, UnlockFile};
use jiff::civil::Date;
use std::collections::BTreeSet;
use std::path::Path;

/// Cache of the engine, in bytes.
const CACHE_BYTES: u64 = 256 * 1024 * 1024;
/// Rows that are looked at in one scan.
const SCAN_COUNT: usize = 4_096;
/// The kind of key that a row lies under.
const ROW: u8 = 0x01;
/// How the section of masked forms is called, before the version of the masks.
const MASKED: &str = "masked-";

/// Checks all rows.
pub fn check(
    desk: &Desk,
    directory: &Path,
    records: &Records,
    today: Date,
    tally: &mut Tally,
) -> Result<(), Fault> {
    let opened = |what: &'static str| move |_| Fault::Malformed(what);
    let keyring = keyring(directory)?;
    let (reader, _applier) = store::open(&directory.join("store"), EngineKind::Sled, CACHE_BYTES)
        .map_err(|_| Fault::Malformed("the store"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .map_err(|error| Fault::io("starting", &desk.program, error))?;
    let there = runtime.block_on(rows(&reader)).map_err(opened("a scan of the rows"))?;
    let expected = records.ids();
    let there: BTreeSet<&str> = there.iter().map(String::as_str).collect();
    let (more, less) = (there.difference(&expected).count(), expected.difference(&there).count());
    let said = format!("{} rows, {more} that nobody was told of, {less} missing", there.len());
    let same = more == 0 && less == 0 && expected.len() == records.all().len();
    tally.holds("each line is stored once", same, said);

    let schemas = schemas()?;
    let (mut failures, mut values) = (Vec::new(), 0);
    for stored in records.all() {
        match runtime.block_on(open(stored, &reader, &keyring, &schemas)) {
            Ok(fields) => {
                values += fields.len();
                if let Err(wrong) = compare(stored, &fields, &schemas, today) {
                    failures.push(format!("{} {}: {wrong}", stored.record_type, stored.id));
                }
            }
            Err(wrong) => failures.push(format!("{} {}: {wrong}", stored.record_type, stored.id)),
        }
    }
    let said = format!("{values} values of {} records", records.all().len());
    tally.check("opened with the key, each value is that of the source", told(said, failures));
    Ok(())
}

/// Unlocks the keyring as the vault does at its start.
fn keyring(directory: &Path) -> Result<Keyring, Fault> {
    let passphrase = Passphrase::new(PASSPHRASE.as_bytes().to_vec().into());
    let passphrase = passphrase.map_err(|_| Fault::Malformed("the passphrase"))?;
    let envelopes = UnlockFile::load(&directory.join("unlock"));
    let envelopes = envelopes.map_err(|_| Fault::Malformed("the unlock file"))?;
    let root = envelopes.first().map(|envelope| envelope.open_with_passphrase(&passphrase));
    let root = root.and_then(Result::ok).ok_or(Fault::Malformed("the unlock file"))?;
    let keyring = Keyring::open(&directory.join("keyring"), &root);
    keyring.map(|(keyring, _)| keyring).map_err(|_| Fault::Malformed("the keyring"))
}

/// The ids of all rows.
async fn rows(reader: &Reader) -> Result<Vec<String>, store::StoreError> {
    let prefix = Key::from_bytes(&[ROW]);
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let part = reader.scan(&prefix, after.as_ref(), SCAN_COUNT).await?;
        let Some((last, _)) = part.last() else { return Ok(ids) };
        after = Some(last.clone());
        ids.extend(part.iter().filter_map(|(key, _)| key.record()).map(|id| id.to_string()));
    }
}

async fn open(
    stored: &Stored,
    reader: &Reader,
    keyring: &Keyring,
    schemas: &SchemaSet,
) -> Result<PlainFields, String> {
    let id = stored.id.parse().map_err(|_| "its id is none".to_owned())?;
    let Ok(Fetched::Found(sealed)) = reader.fetch(id).await else {
        return Err("it is not there".to_owned());
    };
    if sealed.row().header.record_type != stored.record_type {
        return Err("it is of another type".to_owned());
    }
    open_all(&sealed, keyring, schemas)
}

/// Opens every section, and holds the masked forms that are kept for lists against the values.
fn open_all(
    sealed: &Sealed,
    keyring: &Keyring,
    schemas: &SchemaSet,
) -> Result<PlainFields, String> {
    let row = sealed.row();
    let (mut all, mut masked) = (PlainFields::new(), PlainFields::new());
    for section in &row.sections {
        let wrapped = sealed.wrapped_key(section.subject).map_err(|error| error.to_string())?;
        let wrapped = wrapped.ok_or("a key is missing")?;
        let key = keyring.unwrap_subject_key(section.subject.as_bytes(), &wrapped);
        let place = SectionPlace {
            record: *row.header.id.as_bytes(),
            record_type: row.header.record_type.as_str(),
            subject: *section.subject.as_bytes(),
            section: &section.name,
            section_version: section.version,
            schema_version: row.header.schema,
        };
        let plain = key.and_then(|key| key.open_section(&place, &section.bytes));
        let plain = plain.map_err(|error| format!("section {}: {error}", section.name))?;
        let fields = PlainFields::decode(&plain).map_err(|error| error.to_string())?;
        if section.name.starts_with(MASKED) {
            masked = fields;
            continue;
        }
        for (name, value) in fields {
            all.insert(name, value);
        }
    }
    let schema = schemas.get(row.header.record_type).ok_or("its type has no schema")?;
    for (name, form) in masked.iter() {
        let kept = schema.field(name).zip(all.get(name)).map(|(field, value)| mask(field, value));
        if kept != Some(form.to_json()) {
            return Err(format!("what lists show of {name} is not its mask"));
        }
    }
    Ok(all)
}

/// Every field of source and vault, and no other.
fn compare(
    stored: &Stored,
    fields: &PlainFields,
    schemas: &SchemaSet,
    today: Date,
) -> Result<(), String> {
    let mut wrong = BTreeSet::new();
    let mut expected = BTreeSet::new();
    for (name, value) in stored.fields() {
        expected.insert(name.as_str());
        let value = stored.value(name, value, field_of(stored, name, schemas)?, today)?;
        if fields.get(name).map(|held| held.to_json()) != Some(value) {
            wrong.insert(name.as_str());
        }
    }
    wrong.extend(fields.iter().map(|(name, _)| name).filter(|name| !expected.contains(name)));
    if wrong.is_empty() {
        return Ok(());
    }
    Err(wrong.into_iter().collect::<Vec<_>>().join(", "))
}
