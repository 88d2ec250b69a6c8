//! A link handle: five minutes in which one actor may hang a record on a subject that it just matched.
//! Never tells whose subject it is, and works for nobody else.
//! It is a keyed tag over actor, subject and end; nothing is stored.

use super::Seal;
use crate::access::ActorId;
use crate::ambient::Micros;
use crate::limits::LINK_SECONDS;
use crate::records::SubjectId;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

/// A link handle as it goes over the wire: sealed subject, end and actor in base64url.
pub struct Link(String);

const LABEL: &[u8] = b"gridvault/link/v1";

impl Link {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Seal {
    /// Makes a link for an actor that just matched a subject.
    ///
    /// # Errors
    /// As sealing any attributes.
    pub fn link(
        &self,
        actor: ActorId,
        subject: SubjectId,
        now: Micros,
    ) -> Result<Link, super::SealError> {
        let ends = now.seconds() + LINK_SECONDS;
        let mut plain = subject.as_bytes().to_vec();
        plain.extend_from_slice(&ends.to_be_bytes());
        let sealed = self.keyring.seal_attributes(&associated(actor), &plain)?;
        Ok(Link(BASE64_URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// The subject behind a link, if it is this actor's and not over.
    pub fn follow(&self, actor: ActorId, link: &str, now: Micros) -> Option<SubjectId> {
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(link).ok()?;
        let plain = self.keyring.open_attributes(&associated(actor), &sealed).ok()?;
        let (subject, ends) = plain.split_first_chunk::<16>()?;
        let ends = i64::from_be_bytes(ends.try_into().ok()?);
        (now.seconds() < ends).then(|| SubjectId::from_bytes(*subject))
    }
}

fn associated(actor: ActorId) -> Vec<u8> {
    [LABEL, actor.as_bytes()].concat()
}
