//! The places that an event names, for the vault's own use: a task over an event is one over its dwellings.
//! Never lets out anything but the ids of places, and of no other record than an event.
//! Closed because it is needed before there is a receipt: it takes a permit over the event, and its ids go to no caller.

use super::{Seal, SealError, section};
use crate::access::Permit;
use crate::records::{Reason, RecordId, RecordType, Value};
use crate::store::Sealed;

/// The field of an event that names the dwellings concerned.
const DWELLINGS: &str = "dwellings";

impl Seal {
    /// The dwellings that an event names, in its order, none twice. Nothing for another record.
    ///
    /// # Errors
    /// The key hierarchy's.
    pub fn dwellings(&self, permit: &Permit<Sealed>) -> Result<Vec<RecordId>, SealError> {
        let sealed = permit.target();
        let header = &sealed.row().header;
        if header.record_type != RecordType::Event {
            return Ok(Vec::new());
        }
        let schema = self.schema(header.record_type)?;
        let Some(field) = schema.field(DWELLINGS) else { return Ok(Vec::new()) };
        let held = sealed.row().sections.iter().find(|held| held.name.is(&field.section));
        let Some(held) = held else { return Ok(Vec::new()) };
        let Some(key) = self.key_of(sealed, held.subject)? else { return Ok(Vec::new()) };
        let fields = section::open(&key, header, held)?;
        let Some(Value::List(named)) = fields.get(DWELLINGS) else { return Ok(Vec::new()) };
        let mut places: Vec<RecordId> = Vec::with_capacity(named.len());
        for place in
            named.iter().filter_map(|text| text.expose_for(Reason::Validation).parse().ok())
        {
            if !places.contains(&place) {
                places.push(place);
            }
        }
        Ok(places)
    }
}
