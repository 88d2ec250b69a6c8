//! Protects somebody's address from its neighbours, or lifts the protection.
//! Never a value and no section: the mark stands among the attributes that decisions are made from.
//! The person's own records and those of its residence have it before the answer, with the households that the caller names, and
//! whatever of the kind is stored meanwhile.

use super::consent::is_known;
use crate::access::{Access, Ask, Code, Fact, Item, Matter};
use crate::limits::{PROTECTED_HOUSEHOLDS_COUNT_MAX, PROTECTED_RECORDS_COUNT_MAX};
use crate::operations::error::{after, refuse, turn_away};
use crate::operations::scope::{Weighed, look};
use crate::operations::steps::Steps;
use crate::operations::subject::{OwnRecords, key_of};
use crate::operations::{Asked, OperationError};
use crate::records::{Facts, RecordId, RecordType, SchemaSet, SubjectId};
use crate::seal::{KeyHold, Patch, Protection, Seal};
use crate::store::{Reader, Sealed};
use crate::territory::Territory;
use crate::trail::{Recorded, Trail};

/// Whose address is protected, or no more.
pub struct ProtectRequest {
    /// The person.
    pub subject: SubjectId,
    /// Whether it is protected from now on.
    pub protected: bool,
    /// Households that name it: nothing leads there from a person but whoever knows them.
    pub households: Vec<RecordId>,
}

/// What was done.
pub struct Protected {
    /// How many records that the caller may know of have the mark as it was asked for now.
    pub records_count: usize,
    /// The entry; of several steps that of the last one.
    pub recorded: Recorded,
}

/// Sets or lifts the mark.
///
/// One step marks what one entry has the digests of, and of more records each further step is decided and recorded like the first.
/// What no step has reached yet is as it was until then; a record that is stored between two steps inherits the mark as long as
/// any other has it, and makes the next step look again. An answer says that all is done. Whoever gets none says it again: what
/// is marked stays so, and the rest follows.
///
/// # Errors
/// `schema_invalid` for too many households; `stale` where it takes more steps than one call has, to be said again; else as
/// [`Access::decide_protection`].
#[expect(clippy::too_many_arguments, reason = "the rooms that it visits, in order")]
pub async fn protect_address(
    asked: &Asked<'_>,
    request: &ProtectRequest,
    store: &Reader,
    seal: &Seal,
    access: &Access,
    trail: &Trail,
    schemas: &SchemaSet,
    territory: &Territory,
) -> Result<Protected, OperationError> {
    if request.households.len() > PROTECTED_HOUSEHOLDS_COUNT_MAX {
        return Err(turn_away(asked, access, trail, Code::SchemaInvalid).await);
    }
    let question = asked.question(Ask::Update, schemas, territory);
    let mut steps = Steps::default();
    while steps.go_on() {
        let Held { key, weighed, missing_count, due, left } =
            look_over(request, store, seal).await?;
        // The entries name all; of what lies in another street the caller hears nothing, not even that it is there.
        let known = |weighed: &&Weighed| is_known(weighed, asked, access, territory);
        let records_count = weighed.iter().filter(known).count();
        let mut items: Vec<Item<'_>> = weighed.iter().map(Weighed::item).collect();
        items.extend((0..missing_count).map(|_| Item { matter: Matter::Missing, fields: &[] }));
        let (places, sealed): (Vec<usize>, Vec<Sealed>) = due.into_iter().unzip();
        let changed: Vec<Item<'_>> = places.iter().map(|place| weighed[*place].item()).collect();
        let target = Protection::new(sealed, key, || patch(request.protected, asked));
        let decided =
            access.decide_protection(&question, request.protected, &items, &changed, target);
        let permit = match decided {
            Ok(permit) if left > 0 => permit.stating("left", Fact::Number(left as u64)),
            Ok(permit) => permit,
            Err(denied) => return Err(refuse(trail, denied).await),
        };
        let change = seal.protect(&permit)?;
        match trail.commit(permit, change).await {
            Ok(receipt) if left == 0 => {
                return Ok(Protected { records_count, recorded: receipt.recorded() });
            }
            // A crash here leaves some records marked: whoever asks again has the others marked too.
            Ok(_) => steps.went_on(),
            Err(refused) => {
                if let Some(end) = after(refused, asked, access, trail).await {
                    return Err(end);
                }
                steps.went_stale();
            }
        }
    }
    Err(turn_away(asked, access, trail, Code::Stale).await)
}

/// Everything that the mark is about, as it is now.
struct Held {
    /// What was seen of the person's key before anything else.
    key: Option<KeyHold>,
    /// What is held of the person, and the households.
    weighed: Vec<Weighed>,
    /// Named households that are not there, or none.
    missing_count: usize,
    /// The records of one step, by their places: those that are to have the mark and have it not, or the other way round.
    due: Vec<(usize, Sealed)>,
    /// How many more there are of them.
    left: usize,
}

impl Held {
    fn take(&mut self, sealed: Sealed, facts: Facts, protected: bool) {
        let is_due = facts.protected_address != protected;
        self.weighed.push(Weighed::of(&sealed, facts));
        if is_due && self.due.len() < PROTECTED_RECORDS_COUNT_MAX {
            self.due.push((self.weighed.len() - 1, sealed));
        } else if is_due {
            self.left += 1;
        }
    }
}

/// Looks at the records that are about somebody, its own as a person and its links to dwellings, and at the households.
async fn look_over(
    request: &ProtectRequest,
    store: &Reader,
    seal: &Seal,
) -> Result<Held, OperationError> {
    // The key is looked at first: a record that is stored or removed after the look moves its version.
    let key = key_of(request.subject, store).await?.map(|(wrapped, expect)| KeyHold {
        subject: request.subject,
        wrapped,
        expect,
        is_last: false,
    });
    let (weighed, due) = (Vec::new(), Vec::new());
    let mut held = Held { key, weighed, missing_count: 0, due, left: 0 };
    let mut first = None;
    let mut records = OwnRecords::of(request.subject, store, seal);
    while let Some((sealed, facts)) = records.next_own().await? {
        let record_type = sealed.row().header.record_type;
        if matches!(record_type, RecordType::Person | RecordType::Residence) {
            first = first.or(Some(sealed.row().header.id));
            held.take(sealed, facts, request.protected);
        }
    }
    let Some(first) = first else {
        // Of whom nothing is held is like somebody of another street.
        seal.rehearse()?;
        return Ok(held);
    };
    for seen in look(&request.households, &[], store, seal).await? {
        // What is no household is like nothing.
        match seen.found.filter(|(sealed, _)| is_household(sealed)) {
            Some((sealed, facts)) => held.take(sealed, facts, request.protected),
            None => held.missing_count += 1,
        }
    }
    if held.due.is_empty() {
        // All is as it was asked for. The entry names whom it is about all the same, by a record that is written as it is.
        let again = look(&[first], &[], store, seal).await?;
        let again = again.into_iter().filter_map(|seen| seen.found);
        held.due.extend(again.map(|(sealed, _)| (0, sealed)));
    }
    Ok(held)
}

fn is_household(sealed: &Sealed) -> bool {
    sealed.row().header.record_type == RecordType::Household
}

fn patch(protected: bool, asked: &Asked<'_>) -> Patch {
    Patch { protected: Some(protected), ..Patch::blank(asked.now) }
}
