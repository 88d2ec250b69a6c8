//! Who stands before a decision: an actor with its assignments, as the directory has them now.
//! Never a log-in name, and never rights by themselves: those come from the policy.
//! Every assignment has one role, one area and its own time.

use super::readiness::Readiness;
use super::role::RoleId;
use crate::ambient::Micros;
use crate::records::MandateId;
use crate::territory::Area;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A random id of a person or a system that acts. Written as 22 characters of base64url.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ActorId([u8; 16]);

impl ActorId {
    /// From its bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> ActorId {
        ActorId(bytes)
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for ActorId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&BASE64_URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl fmt::Debug for ActorId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ActorId({self})")
    }
}

/// Text that is not an actor id.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an actor id")]
pub struct NotAnActorId;

impl FromStr for ActorId {
    type Err = NotAnActorId;

    fn from_str(text: &str) -> Result<ActorId, NotAnActorId> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| NotAnActorId)?;
        Ok(ActorId(bytes.try_into().map_err(|_| NotAnActorId)?))
    }
}

impl Serialize for ActorId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ActorId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<ActorId, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A time in which a stand-in stands in, agreed between the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The delegation that opened it.
    pub id: MandateId,
    /// First moment.
    pub from: Micros,
    /// First moment no more.
    pub until: Micros,
}

/// A role in an area for a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// Random id that entries name.
    pub id: [u8; 16],
    /// The role.
    pub role: RoleId,
    /// Where; nothing for a role of the platform.
    pub area: Option<Area>,
    /// The line of business that it is bound to, if it is.
    pub line: Option<String>,
    /// Whether whoever holds it leads: the second person for those below.
    pub lead: bool,
    /// Whether everybody agreed who has to; until then it carries nothing.
    pub confirmed: bool,
    /// The windows in which alone it counts, for one of a pair; nothing for a post that counts all its time.
    pub windows: Option<Arc<[Window]>>,
    /// What its holder brought along.
    pub ready: Readiness,
    /// First moment at which it counts.
    pub from: Micros,
    /// First moment at which it counts no more.
    pub until: Option<Micros>,
}

impl Assignment {
    /// Whether it counts at this moment.
    pub fn counts_at(&self, now: Micros) -> bool {
        let open = self.windows.is_none() || self.window_at(now).is_some();
        self.confirmed && open && self.from <= now && self.until.is_none_or(|until| now < until)
    }

    /// The window that is open.
    pub fn window_at(&self, now: Micros) -> Option<&Window> {
        self.windows
            .iter()
            .flat_map(|windows| windows.iter())
            .find(|window| window.from <= now && now < window.until)
    }
}

/// An actor as a decision sees it.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Who.
    pub actor: ActorId,
    /// Version of the actor in the directory; a permit is stale once it moved on.
    pub version: u64,
    /// What it was assigned to.
    pub assignments: Arc<[Assignment]>,
    /// The system through which it acts (RFC 8693 `act`), if one.
    pub via: Option<ActorId>,
    /// The first bytes of the token id, so that one log-in can be followed in the log.
    pub session: [u8; 16],
    /// Strength of the log-in (NIST SP 800-63B level).
    pub strength: u8,
}
