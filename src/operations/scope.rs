//! What a mandate names, looked at: records, and of each person the record that is held of it as a person.
//! Never a section: facts alone, as any decision has them.
//! What is not there is an item like the others, and lies nowhere.

use super::OperationError;
use super::subject::OwnRecords;
use crate::access::{Item, Matter};
use crate::records::{
    Facts, Handle, MandateId, Owner, RecordId, RecordRef, RecordType, SubjectId, Target,
};
use crate::seal::Seal;
use crate::store::{Fetched, Reader, Sealed};
use crate::territory::CellId;

/// A mandate that is made or moved on, with everything that was looked at for it.
pub(super) struct Named {
    pub(super) id: MandateId,
    seen: Vec<(RecordId, u64, u64)>,
}

impl Named {
    /// A mandate over what was looked at.
    pub(super) fn over(id: MandateId, scope: &[Seen]) -> Named {
        Named { id, seen: scope.iter().flat_map(Seen::as_seen).collect() }
    }
}

impl Named {
    /// Together with further records that were looked at on the way.
    pub(super) fn and(mut self, seen: &[(RecordId, u64, u64)]) -> Named {
        self.seen.extend(seen);
        self
    }
}

impl Target for Named {
    fn records(&self) -> &[RecordRef] {
        &[]
    }

    fn seen(&self) -> Vec<(RecordId, u64, u64)> {
        self.seen.clone()
    }

    fn owns(&self, owner: Owner) -> bool {
        owner == Owner::Mandate(self.id)
    }
}

/// One thing that is named, as it is now.
pub(super) struct Seen {
    pub(super) subject: Option<SubjectId>,
    pub(super) record: RecordId,
    pub(super) found: Option<(Sealed, Facts)>,
}

impl Seen {
    pub(super) fn item(&self) -> Item<'_> {
        let matter = match &self.found {
            Some((sealed, facts)) => Matter::Present {
                record_type: sealed.row().header.record_type,
                cell: sealed.row().header.cell,
                facts,
                versions: None,
            },
            None => Matter::Missing,
        };
        Item { matter, fields: &[] }
    }

    pub(super) fn as_seen(&self) -> Vec<(RecordId, u64, u64)> {
        self.found.iter().flat_map(|(sealed, _)| sealed.seen()).collect()
    }
}

/// A record that is weighed and not opened: where it lies and what decisions may know of it, and nothing of its sections.
pub(super) struct Weighed {
    pub(super) record: RecordId,
    pub(super) record_type: RecordType,
    pub(super) cell: CellId,
    pub(super) version: u64,
    pub(super) facts: Facts,
}

impl Weighed {
    pub(super) fn of(sealed: &Sealed, facts: Facts) -> Weighed {
        let header = &sealed.row().header;
        let (record_type, cell) = (header.record_type, header.cell);
        Weighed { record: header.id, record_type, cell, version: header.version, facts }
    }

    /// As a decision asks that changes it.
    pub(super) fn item(&self) -> Item<'_> {
        let versions = Some((self.version, self.version + 1));
        let (record_type, cell, facts) = (self.record_type, self.cell, &self.facts);
        Item { matter: Matter::Present { record_type, cell, facts, versions }, fields: &[] }
    }
}

/// Looks at everything that is named, records first.
pub(super) async fn look(
    records: &[RecordId],
    subjects: &[SubjectId],
    store: &Reader,
    seal: &Seal,
) -> Result<Vec<Seen>, OperationError> {
    let mut scope = Vec::with_capacity(records.len() + subjects.len());
    for record in records {
        let found = match store.fetch(*record).await? {
            Fetched::Found(sealed) => {
                let facts = seal.facts(&sealed)?;
                Some((sealed, facts))
            }
            // What is not there costs what something of another grid costs.
            Fetched::Erased(..) | Fetched::Missing => {
                seal.rehearse()?;
                None
            }
        };
        scope.push(Seen { subject: None, record: *record, found });
    }
    for subject in subjects {
        scope.push(person(*subject, store, seal).await?);
    }
    Ok(scope)
}

/// What is held of somebody as a person.
pub(super) async fn person(
    subject: SubjectId,
    store: &Reader,
    seal: &Seal,
) -> Result<Seen, OperationError> {
    let mut records = OwnRecords::of(subject, store, seal);
    while let Some((sealed, facts)) = records.next_own().await? {
        let header = &sealed.row().header;
        if header.record_type == RecordType::Person {
            let record = header.id;
            return Ok(Seen { subject: Some(subject), record, found: Some((sealed, facts)) });
        }
    }
    let nobody = RecordId::from_bytes(*subject.as_bytes());
    store.fetch(nobody).await?;
    seal.rehearse()?;
    Ok(Seen { subject: Some(subject), record: nobody, found: None })
}

/// Ids and handles of what was looked at and is there: records, then people.
#[expect(clippy::type_complexity, reason = "the two lists of a kept mandate")]
pub(super) fn handles(scope: &[Seen]) -> (Vec<(RecordId, [u8; 16])>, Vec<(SubjectId, [u8; 16])>) {
    let (mut records, mut subjects) = (Vec::new(), Vec::new());
    for Seen { subject, record, found } in scope {
        let Some((_, facts)) = found else { continue };
        match subject {
            Some(subject) => {
                let handle = facts.subject_handle(subject.as_bytes());
                let handle = handle.unwrap_or(Handle::from_bytes([0; 16]));
                subjects.push((*subject, *handle.as_bytes()));
            }
            None => records.push((*record, *facts.record_handle.as_bytes())),
        }
    }
    (records, subjects)
}
