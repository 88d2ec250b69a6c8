//! Opening a sealed vault, and sealing one that is open.
//! Never a letter of what was brought in an answer or a log, and never closer what was wrong than the keys tell.
//! The one call without a token stands here: while a vault is sealed nobody can be known.

use super::super::answer::Answer;
use super::super::body::{self, Media};
use super::super::caller::Caller;
use super::super::forms;
use super::super::problem::Problem;
use super::super::rooms::Rooms;
use crate::access::{Code, Duty};
use crate::limits::UNSEAL_BODY_BYTES_MAX;
use crate::operations::seal_vault;
use crate::unlock::{Brought, NotOpened, Outcome, Standing, Unlocking};
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use zeroize::Zeroizing;

/// Where a sealed vault is opened.
pub(in crate::http) const PATH: &str = "/v1/admin/unseal";

/// What opens a sealed vault: a passphrase, one share, or a token's PIN; or none, to be told how it stands.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct UnsealBody {
    /// The passphrase of the root key.
    #[schema(schema_with = forms::maybe_passphrase)]
    passphrase: Option<String>,
    /// One share of the root key, as it was printed.
    #[schema(schema_with = forms::maybe_share)]
    share: Option<String>,
    /// The PIN of the token that opens it. A wrong one is never followed by another.
    #[schema(schema_with = forms::maybe_pin)]
    pin: Option<String>,
}

/// How it stands.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct UnsealedBody {
    /// `sealed`; `opening`, from when on `/readyz` says when it is open; or `open`.
    #[schema(schema_with = forms::seal_state)]
    state: &'static str,
    /// Whether a passphrase opens it.
    #[serde(skip_serializing_if = "Option::is_none")]
    passphrase: Option<bool>,
    /// The shares that open it.
    #[serde(skip_serializing_if = "Option::is_none")]
    shares: Option<SharesBody>,
    /// Whether the PIN of a token opens it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pin: Option<bool>,
}

/// Shares that wait for others.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct SharesBody {
    /// The name of the set: 16 hexadecimal digits.
    set: String,
    /// How many open.
    needed: u8,
    /// How many there are.
    count: u8,
    /// The numbers of those that were brought.
    brought: Vec<u8>,
}

/// Which vault is to be sealed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct SealBody {
    /// Origin of its log, so that nobody seals another one by mistake.
    #[schema(schema_with = forms::origin)]
    vault: String,
}

/// That it is being sealed.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct SealedBody {
    /// `sealing`: what is under way is answered, then the process begins anew, sealed.
    state: &'static str,
}

/// Reads what is brought to a sealed vault.
pub(in crate::http) async fn read(headers: &HeaderMap, body: Body) -> Result<Brought, Problem> {
    let read = body::take_small(headers, body, Media::Json, UNSEAL_BODY_BYTES_MAX).await;
    let UnsealBody { passphrase, share, pin } = read.map_err(Problem::unrecorded)?;
    let secret = |text: String| Zeroizing::new(text.into_bytes());
    match (passphrase.map(secret), share.map(secret), pin.map(secret)) {
        (None, None, None) => Ok(Brought::Nothing),
        (Some(text), None, None) => Ok(Brought::Passphrase(text)),
        (None, Some(text), None) => Ok(Brought::Share(text)),
        (None, None, Some(text)) => Ok(Brought::Pin(text)),
        _ => Err(Problem::unrecorded(Code::SchemaInvalid)),
    }
}

/// Brings it.
pub(in crate::http) async fn bring(
    unlocking: &Unlocking,
    brought: Brought,
) -> Result<Json<UnsealedBody>, Problem> {
    match unlocking.bring(brought).await {
        Ok(outcome) => Ok(Json(UnsealedBody::of(outcome))),
        Err(why) => Err(problem_of(&why)),
    }
}

/// A vault that is open has nothing to take; what was brought is not even read.
pub(in crate::http) async fn already_open() -> Json<UnsealedBody> {
    Json(UnsealedBody { state: "open", passphrase: None, shares: None, pin: None })
}

/// Seals the vault: the entry first, then the process ends its work and begins anew without keys.
pub(in crate::http) async fn seal(
    State(rooms): State<Arc<Rooms>>,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Answer<SealedBody>, Problem> {
    caller.must_have(Duty::VaultSeal, &rooms).await?;
    let asked: SealBody = body::read(&caller, &headers, body, Media::Json, &rooms).await?;
    let recorded = seal_vault(
        &caller.actor,
        &asked.vault,
        &caller.origin,
        caller.now,
        &rooms.access,
        &rooms.trail,
    )
    .await?;
    rooms.seal_asked.notify_one();
    Ok(Answer::new(SealedBody { state: "sealing" }, recorded, rooms.trail.origin()))
}

impl UnsealedBody {
    fn of(outcome: Outcome) -> UnsealedBody {
        let Outcome::Sealed(Standing { passphrase, shares, pin }) = outcome else {
            return UnsealedBody { state: "opening", passphrase: None, shares: None, pin: None };
        };
        let shares = shares.map(|held| SharesBody {
            set: format!("{:016x}", held.set_id),
            needed: held.needed,
            count: held.count,
            brought: held.numbers,
        });
        UnsealedBody { state: "sealed", passphrase: Some(passphrase), shares, pin: Some(pin) }
    }
}

/// A wrong passphrase, a wrong PIN and shares that do not open together are the same refusal.
fn problem_of(why: &NotOpened) -> Problem {
    let wrong = |field: &str, reason| Problem {
        pointers: vec![(field.to_owned(), Some(reason))],
        ..Problem::unrecorded(Code::SchemaInvalid)
    };
    match why {
        NotOpened::NoPassphrase => wrong("passphrase", "opens_nothing_here"),
        NotOpened::PassphraseLength => wrong("passphrase", "length"),
        NotOpened::NoShares => wrong("share", "opens_nothing_here"),
        NotOpened::ShareShape => wrong("share", "form"),
        NotOpened::ShareChecksum => wrong("share", "checksum"),
        NotOpened::ShareOfOtherRoot => wrong("share", "other_vault"),
        NotOpened::ShareOfOtherSet => wrong("share", "other_set"),
        NotOpened::NoToken => wrong("pin", "opens_nothing_here"),
        NotOpened::PinShape => wrong("pin", "length"),
        NotOpened::TokenAbsent => wrong("pin", "token_absent"),
        NotOpened::PinSpent => wrong("pin", "wrong_before"),
        NotOpened::TokenLocked => wrong("pin", "token_locked"),
        NotOpened::Wrong => Problem::unrecorded(Code::Denied),
        NotOpened::TooOften(seconds) => {
            Problem::unrecorded(Code::RateLimited).with_retry_seconds(*seconds)
        }
        NotOpened::Busy => Problem::unrecorded(Code::Overloaded),
        NotOpened::Opening => Problem::unrecorded(Code::Sealed),
        NotOpened::Failed => Problem::unrecorded(Code::Internal),
    }
}
