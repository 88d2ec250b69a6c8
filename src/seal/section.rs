//! One section: the fields of one class and one subject, sealed alone.
//! Never holds two subjects or two classes; the schema's loading sees to that.
//! The place of a section (record, type, subject, name, versions) is authenticated with it.

use super::{Part, SealError};
use crate::records::PlainFields;
use crate::store::{Header, SealedSection};
use gridvault_keys::{SectionPlace, SubjectKey};
use zeroize::Zeroizing;

fn place<'a>(header: &Header, section: &'a SealedSection) -> SectionPlace<'a> {
    SectionPlace {
        record: *header.id.as_bytes(),
        record_type: header.record_type.as_str(),
        subject: *section.subject.as_bytes(),
        section: &section.name,
        section_version: section.version,
        schema_version: header.schema,
    }
}

/// An opened section that is none.
pub(super) fn malformed() -> SealError {
    SealError::Malformed { what: "section" }.of(Part::Section)
}

/// Opens a section in its place, as its bytes.
pub(super) fn open_bytes(
    key: &SubjectKey,
    header: &Header,
    section: &SealedSection,
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let opened = key.open_section(&place(header, section), &section.bytes);
    opened.map_err(|error| SealError::from(error).of(Part::Section))
}

/// Opens a section in its place.
pub(super) fn open(
    key: &SubjectKey,
    header: &Header,
    section: &SealedSection,
) -> Result<PlainFields, SealError> {
    let plain = open_bytes(key, header, section)?;
    PlainFields::decode(&plain).map_err(|_| malformed())
}

/// Seals fields into a section's place; fills its bytes.
pub(super) fn seal(
    key: &SubjectKey,
    header: &Header,
    section: &mut SealedSection,
    fields: &PlainFields,
) -> Result<(), SealError> {
    seal_encoded(key, header, section, &fields.encode())
}

/// The same for fields that are encoded already.
pub(super) fn seal_encoded(
    key: &SubjectKey,
    header: &Header,
    section: &mut SealedSection,
    encoded: &[u8],
) -> Result<(), SealError> {
    section.bytes = key.seal_section(&place(header, section), encoded)?.into();
    Ok(())
}
