//! Reads fields of one record.
//! Never opens before the entry is durable, and never more than the permit shows.
//! A record that is not there takes the same way as one that the caller may not know of.

use crate::access::{Access, Ask, Code, Item, Matter, Question};
use crate::limits::STALE_ATTEMPTS_MAX;
use crate::operations::error::{after, refuse, turn_away};
use crate::operations::mandate::mandate_of;
use crate::operations::{Asked, Case, Echoes, OperationError};
use crate::records::{RecordId, SchemaSet};
use crate::seal::{Opened, Seal};
use crate::store::{Fetched, Reader};
use crate::territory::Territory;
use crate::trail::Trail;

/// Reads `fields` of the record.
///
/// # Errors
/// [`OperationError::Refused`] with `not_found` whenever the caller may not know of the record, whatever else
/// is wrong; with the first other reason where no field may be shown.
#[expect(clippy::too_many_arguments, reason = "the rooms that a read visits, in order")]
pub async fn read_record(
    asked: &Asked<'_>,
    id: RecordId,
    fields: &[String],
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    territory: &Territory,
    echoes: &Echoes,
) -> Result<Opened, OperationError> {
    for _ in 0..STALE_ATTEMPTS_MAX {
        let mandate = mandate_of(asked, store, seal).await?;
        let asks = |mandate| Question { mandate, ..asked.question(Ask::Read, schemas, territory) };
        let sealed = match store.fetch(id).await? {
            Fetched::Found(sealed) => sealed,
            absent => {
                let question = asks(mandate.as_ref());
                return Err(absence(absent, &question, fields, seal, access, trail).await);
            }
        };
        let facts = seal.facts(&sealed).map_err(|error| asked.met.unread(&sealed, error))?;
        let header = &sealed.row().header;
        let matter = Matter::Present {
            record_type: header.record_type,
            cell: header.cell,
            facts: &facts,
            versions: Some((header.version, header.version)),
        };
        let actor = asked.actor.standing().actor;
        let mandate = match asked.case {
            Some(Case::Echo) => {
                echoes.of(actor, id, header.version, facts.record_handle, asked.now)
            }
            _ => mandate,
        };
        let question = asks(mandate.as_ref());
        let permit = match access.decide(&question, &[Item { matter, fields }], Vec::new(), sealed)
        {
            Ok(permit) => permit,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        match trail.append(permit).await {
            Ok(receipt) => {
                // Nothing may be opened before the entry that says so is durable, so what then does not open needs another one.
                let recorded = receipt.recorded();
                let opened = seal.open(receipt);
                return opened.map_err(|error| asked.met.behind(recorded, error));
            }
            Err(refused) => {
                if let Some(end) = after(refused, asked, access, trail).await {
                    return Err(end);
                }
            }
        }
    }
    Err(turn_away(asked, access, trail, Code::Stale).await)
}

/// The end for a record that is gone or never was, decided and recorded like any other. A record that never was
/// costs the same look and the same opening as one that the caller may not know of.
pub(in crate::operations) async fn absence(
    absent: Fetched,
    question: &Question<'_>,
    fields: &[String],
    seal: &Seal,
    access: &Access,
    trail: &Trail,
) -> OperationError {
    let remains;
    let matter = match absent {
        Fetched::Erased(tombstone, ..) => {
            remains = match seal.remains_of(&tombstone) {
                Ok(remains) => remains,
                Err(error) => return error.into(),
            };
            Matter::Erased {
                record_type: tombstone.record_type,
                cell: tombstone.cell,
                line: remains.line.as_deref(),
                protected: remains.protected,
            }
        }
        Fetched::Missing | Fetched::Found(_) => {
            if let Err(error) = seal.rehearse() {
                return error.into();
            }
            Matter::Missing
        }
    };
    match access.decide(question, &[Item { matter, fields }], Vec::new(), ()) {
        Err(denied) => refuse(trail, denied).await,
        Ok(_) => OperationError::Internal("a decision about nothing said yes"),
    }
}
