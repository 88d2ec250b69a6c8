//! The outcome of a decision, as values that only this room can make.
//! Never copied: a permit owns its target, so it cannot be used for another record, nor twice.
//! A permit says under which versions it was given; the trail refuses it once they have moved on.

use super::account::{Account, Fact, ReviewAct, Written};
use super::code::Code;
use super::ledger::Charge;
use super::question::Duty;
use super::standing::ActorId;
use crate::records::{Handle, MandateId, View};
use crate::territory::Area;

/// A field and the view that was given of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldView {
    /// The field.
    pub field: String,
    /// How much of it.
    pub view: View,
}

/// What a read may show, field by field, in the caller's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Views {
    /// Fields with a view.
    pub given: Vec<FieldView>,
    /// Fields without, and why.
    pub withheld: Vec<(String, Code)>,
}

/// What a list may show of each of its records. Most records are shown alike, so the views are kept once for each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EachViews {
    /// The views that there are.
    pub kinds: Vec<Views>,
    /// Which of them each record has.
    pub of: Vec<u8>,
}

/// The versions that a decision was taken under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authority {
    /// Version of policy, purposes and schemas.
    pub policy: u64,
    /// The actor and its version in the directory; nothing before there is an identity.
    pub actor: Option<(ActorId, u64)>,
    /// Whoever else it is about, whose rights it rests on too, with its version.
    pub other: Option<(ActorId, u64)>,
    /// The mandate that opened something, and its version; nothing where none did.
    pub mandate: Option<(MandateId, u64)>,
    /// Whether that mandate is used up by it.
    pub spends: bool,
}

/// A decision that said yes. The fields are private to the room.
///
/// A permit cannot be made outside of `access`:
/// ```compile_fail,E0451
/// use gridvault::access::{Authority, Permit};
/// fn forge(account: gridvault::access::Account) -> Permit<()> {
///     Permit { target: (), account: Box::new(account), area: None, views: Default::default(),
///         authority: Authority { policy: 1, actor: None, other: None, mandate: None, spends: false }, charges: Vec::new(),
///         each: Default::default() }
/// }
/// ```
#[must_use = "a permit that is not recorded permits nothing"]
pub struct Permit<T> {
    pub(super) target: T,
    pub(super) views: Views,
    pub(super) account: Box<Account>,
    pub(super) area: Option<Area>,
    pub(super) authority: Authority,
    pub(super) charges: Vec<Charge>,
    pub(super) each: EachViews,
}

impl<T> Permit<T> {
    /// What it is about.
    pub fn target(&self) -> &T {
        &self.target
    }

    /// Names the actor that an act of administration is about.
    pub fn about(mut self, actor: ActorId) -> Permit<T> {
        self.account.about = Some(actor);
        self
    }

    /// Names the records and subjects that oversight is about, so that whoever asked for them is seen too.
    pub fn concerning(mut self, records: Vec<Handle>, subjects: Vec<Handle>) -> Permit<T> {
        self.account.records.extend(records);
        self.account.subjects.extend(subjects);
        self
    }

    /// Names the digest of everything that is about to leave.
    pub fn sealing(mut self, manifest: [u8; 32]) -> Permit<T> {
        self.account.manifest = Some(manifest);
        self
    }

    /// Says what is done with which review. A permit of another duty stays what it is.
    pub fn reviewing(mut self, act: ReviewAct, review: Option<[u8; 16]>) -> Permit<T> {
        if matches!(self.account.written, Written::Duty(Duty::AuditReview | Duty::AuditEscalated)) {
            self.account.written = Written::Review(act);
            self.account.case = review;
        }
        self
    }

    /// Names a further fact: a code, a number or a digest.
    pub fn stating(mut self, name: &'static str, fact: Fact) -> Permit<T> {
        self.account.facts.push((name, fact));
        self
    }

    /// The view of each field.
    pub fn views(&self) -> &Views {
        &self.views
    }

    /// The views of each record of a list, in the order of the target's records.
    pub fn each(&self) -> &EachViews {
        &self.each
    }

    /// What the log will say.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// The area of the assignment that carried the decision.
    pub fn area(&self) -> Option<&Area> {
        self.area.as_ref()
    }

    /// The versions that it was given under.
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// What is counted when it is sequenced.
    pub fn charges(&self) -> &[Charge] {
        &self.charges
    }

    /// The target, with the permit given up.
    pub fn into_target(self) -> T {
        self.target
    }

    /// The target and what the permit said of it, with the permit given up.
    pub fn into_parts(self) -> (T, Views, Account) {
        (self.target, self.views, *self.account)
    }

    /// The target of a list, what the permit shows of each of its records, and what it said of it, with the permit given up.
    pub fn into_listed(self) -> (T, EachViews, Account) {
        (self.target, self.each, *self.account)
    }
}

/// A decision that said no. It is recorded like a yes, and opens nothing.
#[must_use = "a refusal must be recorded"]
pub struct Denied {
    pub(super) why: Code,
    pub(super) fields: Vec<String>,
    pub(super) account: Box<Account>,
}

impl Denied {
    /// Why.
    pub fn why(&self) -> Code {
        self.why
    }

    /// Names the review that it was about, which the vault gave its id.
    pub fn of_review(mut self, review: [u8; 16]) -> Denied {
        self.account.case = Some(review);
        self
    }

    /// The fields that it was about, where it was about some.
    pub fn fields(&self) -> &[String] {
        &self.fields
    }

    /// What the log will say.
    pub fn account(&self) -> &Account {
        &self.account
    }
}
