//! Cursors: where a list goes on, sealed for one actor and one question.
//! Never a right: every page is decided anew, and a cursor only says where it begins.
//! An edited, foreign or expired cursor is none; which of these it was is not said.

use super::{Seal, SealError};
use crate::access::ActorId;
use crate::ambient::Micros;
use crate::limits::CURSOR_BYTES_MAX;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

const LABEL: &[u8] = b"gridvault/cursor/v1";

/// A cursor as it goes over the wire.
pub struct Cursor(String);

impl Cursor {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a cursor is bound to: whose it is, and the digest of everything that was asked but where to begin and how much.
#[derive(Clone, Copy)]
pub struct CursorOwner {
    /// The actor.
    pub actor: ActorId,
    /// SHA-256 of the call, the purpose and the question.
    pub question: [u8; 32],
}

impl Seal {
    /// Seals a position, until a moment or for good.
    ///
    /// # Errors
    /// As sealing any attributes.
    pub fn cursor(
        &self,
        owner: &CursorOwner,
        position: &[u8],
        ends: Option<Micros>,
    ) -> Result<Cursor, SealError> {
        let ends = ends.map_or(i64::MAX, |ends| ends.0);
        let plain = [&ends.to_be_bytes(), position].concat();
        let sealed = self.keyring.seal_attributes(&associated(owner), &plain)?;
        Ok(Cursor(BASE64_URL_SAFE_NO_PAD.encode(sealed)))
    }

    /// The position in a cursor, if it is this actor's for this question and not over.
    pub fn position(&self, owner: &CursorOwner, cursor: &str, now: Micros) -> Option<Vec<u8>> {
        if cursor.len() > CURSOR_BYTES_MAX {
            return None;
        }
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let plain = self.keyring.open_attributes(&associated(owner), &sealed).ok()?;
        let (ends, position) = plain.split_first_chunk()?;
        (now.0 < i64::from_be_bytes(*ends)).then(|| position.to_vec())
    }
}

fn associated(owner: &CursorOwner) -> Vec<u8> {
    [LABEL, owner.actor.as_bytes(), &owner.question].concat()
}
