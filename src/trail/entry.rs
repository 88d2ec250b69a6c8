//! Turns the account of a decision into an entry of the log.
//! Never writes a value, a name or a client's word in clear: address, device and reason are sealed.
//! The members are those of audit/FORMAT.md.

use super::contexts::seal_context;
use super::rights::{event_of_erasure, event_of_restraint};
use super::upkeep::{KeyNews, Restoration, ScrubCounts};
use super::way_in::Ceremony;
use super::{ClockNews, TrailError, clock, upkeep, way_in};
use crate::access::{
    Account, ActorId, Code, ConsentAct, DelegationAct, Duty, EmergencyAct, Fact, MandateAct,
    PlacingAct, ReviewAct, RotationAct, SubjectAccessAct, Written,
};
use crate::ambient::{Clock, Micros};
use crate::limits::HOUSEHOLD_PEOPLE_COUNT_MAX;
use gridvault_audit::{Draft, Event, Outcome, Prepared, Scalar};
use gridvault_keys::Keyring;
use std::borrow::Cow;

/// Why an entry is an error that tells of something stored which is not what the vault wrote.
const INTEGRITY: &str = "integrity";

/// What the vault itself has to say, without a caller.
#[derive(Clone, Debug)]
pub enum Announcement {
    /// A new vault begins its log.
    Init,
    /// The process starts to serve.
    Start {
        /// SHA-256 of the running program, where it could be read.
        build: [u8; 32],
        /// SHA-256 of the checked configuration.
        configuration: [u8; 32],
        /// Random id of this run.
        boot: [u8; 16],
    },
    /// The root key came to a process that had started sealed.
    Unsealed {
        /// The id of its envelope.
        envelope: [u8; 16],
        /// What opened it: `passphrase`, `shares` or `pkcs11`.
        provider: &'static str,
        /// The numbers of the shares that gave it back; none where something else did.
        shares: Vec<u8>,
    },
    /// What was brought to a sealed process did not open it.
    UnsealFailed {
        /// What it was: `passphrase`, `pkcs11` for a PIN, or `shares` that did not open together.
        provider: &'static str,
        /// How often, since the process started.
        count: u64,
        /// The first time.
        first: Micros,
        /// The last time.
        last: Micros,
    },
    /// The key over the root key was split.
    Split {
        /// The id of the envelope.
        envelope: [u8; 16],
        /// How many shares open.
        needed: u8,
        /// How many there are.
        count: u8,
    },
    /// A key in a token was made that opens the root key.
    TokenBound {
        /// The id of the envelope.
        envelope: [u8; 16],
        /// The token's serial number.
        serial: String,
    },
    /// The token that opened the vault is gone, so the vault is sealed.
    TokenGone {
        /// The token's serial number.
        serial: String,
    },
    /// The process stops in order.
    Stop,
    /// An idle vault says that it lives.
    Heartbeat,
    /// The host's clock is in doubt, or is no longer.
    Clock(ClockNews),
    /// Refusals of unknown callers that were only counted.
    Refusals {
        /// How many.
        count: u64,
    },
    /// A policy is in force from this entry on.
    PolicyActivated {
        /// SHA-256 over all policy, purpose and schema files.
        digest: [u8; 32],
        /// Its version, counting from 1.
        version: u64,
    },
    /// One of the three administrators was enrolled when the vault was made.
    Enrolled {
        /// The actor.
        actor: [u8; 16],
        /// Its role.
        role: String,
    },
    /// At the host, an administrator whose key is lost was given a one-time code.
    CodeGiven {
        /// The administrator.
        actor: [u8; 16],
        /// The two administrators who stood by it.
        persons: [[u8; 16]; 2],
        /// Whether both signed for it.
        signed: bool,
    },
    /// An actor over its budget of refusals is locked out for the rest of the hour.
    LockedOut {
        /// The actor.
        actor: [u8; 16],
    },
    /// Entries go to a receiver from now on.
    Shipping {
        /// SHA-256 of its address.
        receiver: [u8; 32],
        /// The first index that it has not confirmed.
        from: u64,
    },
    /// The store was listed for an auditor.
    StoreListed {
        /// How many records it holds.
        records: u64,
        /// SHA-256 over the lines of the list.
        digest: [u8; 32],
    },
    /// Every stored record was held against the log.
    Scrubbed {
        /// Records were judged as the entries below this index left them.
        begun: u64,
        /// What was found.
        found: ScrubCounts,
        /// Handles of some of those that differ.
        records: Vec<[u8; 16]>,
    },
    /// A snapshot of the store was written and read back.
    Snapshot {
        /// It holds what the entries below this index made.
        index: u64,
        /// Rows in it.
        rows: u64,
        /// Length of the file.
        bytes: u64,
        /// SHA-256 that its last block ends with, which covers every byte before it.
        digest: [u8; 32],
    },
    /// The store was made again from a snapshot and the journal.
    Rebuilt {
        /// The snapshot holds what the entries below this index made; 0 where there was none.
        snapshot: u64,
        /// Rows that came from it.
        rows: u64,
        /// Entries of the journal when that was done.
        entries: u64,
    },
    /// The vault was restored from a backup: the first entry of another log.
    Restored(Box<Restoration>),
    /// Entries below an index are about to go, their retention being over.
    Pruned {
        /// Where the log began.
        from: u64,
        /// Where it will begin.
        minimum: u64,
        /// Everything that goes is from before this moment, in microseconds since 1970.
        before: u64,
        /// SHA-256 of the policy that was in force there, as the entry that goes said.
        policy: [u8; 32],
        /// Index of that entry, which kept ones still cite.
        policy_at: u64,
    },
    /// Subject buckets got a next key, under which everybody who stays is wrapped anew.
    KeysDrawn {
        /// How many buckets.
        buckets: u64,
    },
    /// Subject keys were wrapped anew under the next keys of their buckets.
    KeysRewrapped {
        /// How many.
        keys: u64,
    },
    /// The former keys of buckets are destroyed, and with them the subject keys of everybody who was erased from them.
    KeysDestroyed {
        /// How many of them this process destroyed.
        buckets: u64,
        /// The erasures that are complete with it.
        erasures: Vec<[u8; 16]>,
    },
    /// A rotation of keys, which two people wanted, begins or has come to its end.
    Rotated {
        /// Its id, under which two people wanted it.
        id: [u8; 16],
        /// What is rotated: a code.
        what: &'static str,
        /// `begin` or `end`.
        step: &'static str,
        /// How many keys get another in their place.
        keys: u64,
    },
    /// A key that there is one of, or those of contexts or of the index, are followed by others or destroyed.
    OfKeys(KeyNews),
    /// Another root key is in force, with an envelope of its own for each way to it, and no note says on whose word.
    RootReplaced,
    /// What a ceremony at the host did to the root key or to a way to it.
    Ceremony(Box<Ceremony>),
    /// The tree of grids was set.
    TerritorySet {
        /// SHA-256 of its data.
        digest: [u8; 32],
    },
}

/// The entry of a decision that said yes.
pub(super) fn allowed(
    account: &Account,
    digests: impl Iterator<Item = [u8; 32]>,
    keyring: &Keyring,
    clock: &dyn Clock,
) -> Result<Prepared, TrailError> {
    let event = event_of(account.written);
    let mut draft = Draft::new(event, Outcome::Success, account.origin.request);
    fill(&mut draft, account, keyring, clock)?;
    let mut digests = digests;
    draft.dig = digests.next();
    let mut names = FURTHER_DIGESTS.iter();
    for digest in digests {
        let name = names.next().ok_or(TrailError::TooLarge)?;
        draft.detail.insert(name, Scalar::Bytes32(digest));
    }
    prepared(&draft)
}

/// Everything of an entry but its place and times. Whoever asks writes it; the committer, of which there is one, fills
/// those in.
pub(super) fn prepared(draft: &Draft<'_>) -> Result<Prepared, TrailError> {
    draft.prepare().map_err(|_| TrailError::TooLarge)
}

/// Where the entry of a change of several records has the digests of the further ones, in the order of `rec`.
const FURTHER_DIGESTS: [&str; 41] = [
    "dig_1", "dig_2", "dig_3", "dig_4", "dig_5", "dig_6", "dig_7", "dig_8", "dig_9", "dig_10",
    "dig_11", "dig_12", "dig_13", "dig_14", "dig_15", "dig_16", "dig_17", "dig_18", "dig_19",
    "dig_20", "dig_21", "dig_22", "dig_23", "dig_24", "dig_25", "dig_26", "dig_27", "dig_28",
    "dig_29", "dig_30", "dig_31", "dig_32", "dig_33", "dig_34", "dig_35", "dig_36", "dig_37",
    "dig_38", "dig_39", "dig_40", "dig_41",
];

// A household is written with its dwelling, and each of its people with a link to it.
const _: () = assert!(FURTHER_DIGESTS.len() + 1 >= 2 + 2 * HOUSEHOLD_PEOPLE_COUNT_MAX);

/// The entry of a decision that said no.
pub(super) fn denied(
    account: &Account,
    why: &str,
    keyring: &Keyring,
    clock: &dyn Clock,
) -> Result<Prepared, TrailError> {
    let event = match account.written {
        Written::Stranger => Event::AuthFailed,
        _ => Event::AccessDenied,
    };
    let mut draft = Draft::new(event, Outcome::Denied, account.origin.request);
    fill(&mut draft, account, keyring, clock)?;
    draft.why = Some(why.into());
    prepared(&draft)
}

/// The entry of something that a request met and that is not what the vault wrote.
pub(super) fn damaged(
    account: &Account,
    keyring: &Keyring,
    clock: &dyn Clock,
) -> Result<Prepared, TrailError> {
    let mut draft = Draft::new(event_of(account.written), Outcome::Error, account.origin.request);
    fill(&mut draft, account, keyring, clock)?;
    draft.why = Some(INTEGRITY.into());
    prepared(&draft)
}

fn event_of(written: Written) -> Event {
    match written {
        Written::Read => Event::DataRead,
        Written::Create => Event::DataCreate,
        Written::Household => Event::DataHousehold,
        Written::Update | Written::FieldExpiry => Event::DataUpdate,
        Written::Delete => Event::DataDelete,
        Written::Match => Event::DataMatch,
        Written::Counter => Event::TaskCounterCheck,
        Written::Query => Event::DataQuery,
        Written::Occupants => Event::DataOccupants,
        Written::Changes => Event::DataChanges,
        Written::Schema => Event::DataSchemaRead,
        Written::Preview => Event::DataPreview,
        Written::Proof => Event::AuditReceiptProof,
        Written::LogIn => Event::AuthLogin,
        Written::Enrol => Event::AdminEnrol,
        Written::Duty(Duty::ActorAdd) => Event::AdminActorAdd,
        Written::Duty(Duty::ActorList) => Event::AdminRead,
        Written::Duty(Duty::TokenIssue) => Event::AdminTokenIssue,
        Written::Duty(Duty::AuditRead) => Event::AuditRead,
        Written::Duty(Duty::AuditProof) => Event::AuditProof,
        Written::Duty(Duty::AuditExport) => Event::AuditExport,
        Written::Duty(Duty::AuditIndex) => Event::AuditIndex,
        Written::Duty(Duty::AuditAnomalies) => Event::AuditAnomalies,
        Written::Duty(Duty::AuditReport) => Event::AuditReport,
        Written::Duty(Duty::AuditReview | Duty::AuditEscalated) => Event::ReviewRead,
        Written::Review(act) => event_of_review(act),
        Written::Duty(Duty::PolicyExplain) => Event::PolicyExplain,
        Written::Duty(Duty::PolicyMatrix) => Event::PolicyRead,
        Written::Duty(Duty::VaultSeal) => Event::SysSeal,
        Written::Duty(Duty::KeysRead) => Event::KeyRead,
        Written::Duty(Duty::KeysRotate | Duty::KeysAgree) => Event::KeyRotate,
        Written::Rotation(act) => event_of_rotation(act),
        Written::Consent(ConsentAct::Read) => Event::ConsentRead,
        Written::Consent(ConsentAct::Give) => Event::ConsentGive,
        Written::Consent(ConsentAct::Withdraw) => Event::ConsentWithdraw,
        Written::SubjectAccess(SubjectAccessAct::Report) => Event::SubjectReport,
        Written::SubjectAccess(SubjectAccessAct::Accesses) => Event::SubjectAccesses,
        Written::Erasure(act) => event_of_erasure(act),
        Written::Restraint(act) => event_of_restraint(act),
        Written::Expiry => Event::DataRetain,
        Written::Mandate(act) => event_of_mandate(act),
        Written::Protect => Event::SubjectProtect,
        Written::Emergency(EmergencyAct::Open) => Event::BreakGlassOpen,
        Written::Emergency(EmergencyAct::Ask) => Event::BreakGlassRequest,
        Written::Emergency(EmergencyAct::End) => Event::BreakGlassClose,
        Written::Emergency(EmergencyAct::Review) => Event::BreakGlassReview,
        Written::Emergency(EmergencyAct::List) => Event::BreakGlassRead,
        Written::Delegation(DelegationAct::Propose) => Event::DelegationPropose,
        Written::Delegation(DelegationAct::Accept) => Event::DelegationAccept,
        Written::Delegation(DelegationAct::End) => Event::DelegationEnd,
        Written::Delegation(DelegationAct::List) => Event::DelegationRead,
        Written::Placing(PlacingAct::Place) => Event::AssignmentAdd,
        Written::Placing(PlacingAct::Confirm | PlacingAct::Renew) => Event::AssignmentChange,
        Written::Placing(PlacingAct::Import) => Event::AssignmentImport,
        Written::Placing(PlacingAct::See) => Event::AssignmentRead,
        Written::Placing(PlacingAct::End) => Event::AssignmentEnd,
        Written::Placing(PlacingAct::Change) => Event::AdminActorChange,
        Written::Placing(PlacingAct::Stop) => Event::AdminActorSuspend,
        Written::Stranger | Written::Refused => Event::AccessDenied,
    }
}

fn event_of_mandate(act: MandateAct) -> Event {
    match act {
        MandateAct::Give => Event::TaskCreate,
        MandateAct::Accept => Event::TaskAccept,
        MandateAct::Return => Event::TaskReturn,
        MandateAct::Close => Event::TaskClose,
        MandateAct::List => Event::TaskRead,
        MandateAct::Ask | MandateAct::AskRaise => Event::ApprovalRequest,
        MandateAct::AskOfficial => Event::AdminOfficialRequest,
        MandateAct::Grant => Event::ApprovalGrant,
        MandateAct::Refuse => Event::ApprovalRefuse,
        MandateAct::ListAsked => Event::ApprovalRead,
    }
}

fn event_of_review(act: ReviewAct) -> Event {
    match act {
        ReviewAct::Read => Event::ReviewRead,
        ReviewAct::Open => Event::ReviewOpen,
        ReviewAct::Sample => Event::ReviewSample,
        ReviewAct::Note => Event::ReviewNote,
        ReviewAct::Escalate => Event::ReviewEscalate,
        ReviewAct::Close => Event::ReviewClose,
        ReviewAct::Rectify => Event::ReviewRectify,
        ReviewAct::Settle => Event::ReviewSettle,
    }
}

/// What is asked of a second person is an approval like any other; what the vault does by it is `key.rotate`.
fn event_of_rotation(act: RotationAct) -> Event {
    match act {
        RotationAct::Ask => Event::ApprovalRequest,
        RotationAct::Grant => Event::ApprovalGrant,
        RotationAct::Refuse => Event::ApprovalRefuse,
        RotationAct::Pause | RotationAct::Resume | RotationAct::Cancel => Event::SysJob,
    }
}

/// In place: a draft is large, and an entry is written for every answer.
fn fill<'a>(
    draft: &mut Draft<'a>,
    account: &'a Account,
    keyring: &Keyring,
    clock: &dyn Clock,
) -> Result<(), TrailError> {
    let text = |text: &'a Option<String>| text.as_deref().map(Cow::Borrowed);
    let outcome = draft.outcome;
    draft.who = account.actor.map(|actor| *actor.as_bytes());
    draft.via = account.via.map(|actor| *actor.as_bytes());
    draft.aal = account.strength;
    draft.sess = account.session;
    draft.role = account.role.as_ref().map(|role| role.as_str().into());
    draft.scope = text(&account.scope);
    draft.asg = account.assignment;
    draft.rec = account.records.iter().map(|handle| *handle.as_bytes()).collect();
    draft.sub = account.subjects.iter().map(|handle| *handle.as_bytes()).collect();
    let lists = matches!(account.written, Written::Query | Written::Occupants | Written::Changes);
    let count = account.records.len() as u64 + account.unnamed_records_count;
    draft.n = (count > 1 || (lists && outcome == Outcome::Success)).then_some(count);
    draft.grid = text(&account.grid);
    draft.typ = account.record_type.map(|record_type| record_type.as_str().into());
    draft.fld = account.fields.iter().map(|field| field.field.as_str().into()).collect();
    let shows = matches!(account.written, Written::Read | Written::Query | Written::Occupants);
    if shows && outcome == Outcome::Success {
        draft.view = account.fields.iter().map(|f| f.view.as_str().into()).collect();
    }
    draft.ver = account.versions;
    draft.pur = text(&account.purpose);
    draft.basis = text(&account.basis);
    draft.case = account.case;
    draft.task = account.task.map(|id| *id.as_bytes());
    draft.apr = account.approval.map(|id| *id.as_bytes());
    draft.pol = (account.policy_index > 0).then_some(account.policy_index);
    draft.rule = text(&account.rule);
    if let Some(about) = account.about {
        draft.detail.insert("actor", Scalar::Str(about.to_string()));
    }
    if let Some(manifest) = account.manifest {
        draft.detail.insert("manifest", Scalar::Bytes32(manifest));
    }
    for (name, fact) in &account.facts {
        let fact = match fact {
            Fact::Code(code) => Scalar::Str(code.clone()),
            Fact::Number(number) => Scalar::U64(*number),
            Fact::Bytes(bytes) => Scalar::Bytes32(*bytes),
        };
        draft.detail.insert(name, fact);
    }
    draft.ctx = seal_context(account, keyring, clock)?;
    Ok(())
}

/// The entry of an announcement.
pub(super) fn announced(announcement: &Announcement, request: [u8; 16]) -> Draft<'static> {
    let (event, detail) = told(announcement);
    let outcome = match announcement {
        Announcement::UnsealFailed { .. } => Outcome::Denied,
        Announcement::Scrubbed { found, .. } if found.faults() > 0 => Outcome::Error,
        _ => Outcome::Success,
    };
    let mut draft = Draft::new(event, outcome, request);
    if let Announcement::Scrubbed { records, .. } = announcement {
        draft.rec.clone_from(records);
    }
    draft.apr = match announcement {
        Announcement::Rotated { id, .. } => Some(*id),
        Announcement::OfKeys(news) => news.rotation(),
        _ => None,
    };
    draft.why = (outcome == Outcome::Denied).then(|| Code::Denied.as_str().into());
    draft.detail.extend(detail);
    if event == Event::AuditExport {
        draft.pur = Duty::AuditExport.purpose().map(Cow::Borrowed);
    }
    draft
}

/// The event of an announcement, and its further facts.
fn told(announcement: &Announcement) -> (Event, Vec<(&'static str, Scalar)>) {
    match announcement {
        Announcement::Init => (Event::SysInit, vec![]),
        Announcement::Start { build, configuration, boot } => {
            (Event::SysStart, upkeep::started(*build, *configuration, boot))
        }
        Announcement::Unsealed { envelope, provider, shares } => {
            (Event::SysUnseal, way_in::opened(envelope, provider, shares))
        }
        Announcement::UnsealFailed { provider, count, first, last } => {
            (Event::SysUnsealFailed, way_in::failed(provider, *count, *first, *last))
        }
        Announcement::Split { envelope, needed, count } => {
            (Event::KeySplit, way_in::split(envelope, *needed, *count))
        }
        Announcement::TokenBound { envelope, serial } => {
            (Event::KeyCreate, way_in::token(Some(envelope), serial))
        }
        Announcement::TokenGone { serial } => (Event::SysSeal, way_in::token(None, serial)),
        Announcement::Stop => (Event::SysStop, vec![]),
        Announcement::StoreListed { records, digest } => {
            (Event::SysScrub, upkeep::listed(*records, *digest))
        }
        Announcement::Scrubbed { begun, found, .. } => {
            (Event::SysScrub, upkeep::scrubbed(*begun, found))
        }
        Announcement::Snapshot { index, rows, bytes, digest } => {
            (Event::SysSnapshot, upkeep::snapshot(*index, *rows, *bytes, *digest))
        }
        Announcement::Rebuilt { snapshot, rows, entries } => {
            (Event::SysRecover, upkeep::rebuilt(*snapshot, *rows, *entries))
        }
        Announcement::Restored(restoration) => (Event::SysRestore, upkeep::restored(restoration)),
        Announcement::Heartbeat => (Event::SysHeartbeat, vec![]),
        Announcement::Clock(news) => (Event::SysClock, clock::facts(news)),
        Announcement::Refusals { count } => {
            (Event::SysSummary, upkeep::counted("refusals", *count))
        }
        Announcement::PolicyActivated { digest, version } => (
            Event::PolicyActivated,
            vec![("digest", Scalar::Bytes32(*digest)), ("version", Scalar::U64(*version))],
        ),
        Announcement::Enrolled { actor, role } => {
            (Event::AdminEnrol, vec![("actor", id(actor)), ("role", Scalar::Str(role.clone()))])
        }
        Announcement::CodeGiven { actor, persons, signed } => {
            (Event::AdminTokenIssue, upkeep::code_given(actor, persons, *signed))
        }
        Announcement::LockedOut { actor } => (Event::AccessLimited, vec![("actor", id(actor))]),
        Announcement::Shipping { receiver, from } => (
            Event::AuditExport,
            vec![("from", Scalar::U64(*from)), ("receiver", Scalar::Bytes32(*receiver))],
        ),
        Announcement::Pruned { from, minimum, before, policy, policy_at } => {
            (Event::SysPrune, upkeep::pruned((*from, *minimum), *before, (*policy, *policy_at)))
        }
        Announcement::KeysDrawn { buckets } => (Event::KeyRotate, upkeep::drawn(*buckets)),
        Announcement::KeysRewrapped { keys } => (Event::KeyRewrap, upkeep::counted("keys", *keys)),
        Announcement::KeysDestroyed { buckets, erasures } => {
            (Event::KeyDestroy, upkeep::destroyed(*buckets, erasures))
        }
        Announcement::Rotated { what, step, keys, .. } => {
            (Event::KeyRotate, upkeep::rotated(what, step, *keys))
        }
        Announcement::OfKeys(news) => upkeep::of_keys(news),
        Announcement::RootReplaced => (Event::KeyRotate, upkeep::rotated("root", "end", 1)),
        Announcement::Ceremony(ceremony) => way_in::ceremony(ceremony),
        Announcement::TerritorySet { digest } => (Event::AdminGridCreate, upkeep::digest(*digest)),
    }
}

/// An id as every entry has it.
pub(super) fn id(bytes: &[u8; 16]) -> Scalar {
    Scalar::Str(ActorId::from_bytes(*bytes).to_string())
}
