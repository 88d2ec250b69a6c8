//! What is handed to the process of an open vault to have other ways to its root key put in force: the request that two signed, the
//! ways, and, sealed under the root key in force, the one that is to follow it.
//! Whoever hands it over could open the vault without the process: what it took (a passphrase, shares, a token's PIN) stays with it, and
//! so do the new shares. Whoever could not hands over nothing that opens.
//! Two signed for an act over these ways; what they led to is bound to the key that was handed over, so neither is exchanged.

use super::error::CeremonyError;
use super::in_force::{Place, digest};
use super::request::Signed;
use super::what::What;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gridvault_keys::{Envelope, KeyError, Keyring, RootKey, SEALED_OVERHEAD_BYTES, UnlockFile};

/// What is sealed of a root key, or of none, has as many bytes as this at least.
pub const HANDED_ROOT_BYTES_MIN: usize = SEALED_OVERHEAD_BYTES;
/// And as this at most.
pub const HANDED_ROOT_BYTES_MAX: usize = SEALED_OVERHEAD_BYTES + 32;

const FIRST_LINE: &str = "gridvault ways handed over 1\n";

/// What was handed over, as it came.
pub struct Handed {
    /// What two administrators signed.
    pub signed: Box<Signed>,
    /// The ways that are to be in force, each opened before by whoever made it.
    pub envelopes: Vec<Envelope>,
    /// That whoever hands it over has the root key in force, and which one follows it, if one does.
    pub root: Vec<u8>,
}

impl Handed {
    /// Hands over, from whoever has the root key in force.
    ///
    /// # Errors
    /// [`CeremonyError::Storage`] where nothing can be sealed.
    pub fn over(
        place: &Place,
        signed: Box<Signed>,
        (root, turned): (&RootKey, Option<&RootKey>),
        envelopes: Vec<Envelope>,
    ) -> Result<Handed, CeremonyError> {
        let context = context(place, signed.request.what, signed.request.ways, &envelopes)?;
        let sealed = root.hand_over(turned, &context);
        let root = sealed
            .map_err(|error| CeremonyError::storage("the root key cannot be handed over", error))?;
        Ok(Handed { signed, envelopes, root })
    }

    /// The three texts in which it travels: the request, the ways, and what is sealed.
    ///
    /// # Errors
    /// [`CeremonyError::Refused`].
    pub fn texts(&self) -> Result<[String; 3], CeremonyError> {
        let ways = UnlockFile::to_bytes(&self.envelopes).map_err(no_ways)?;
        let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        Ok([self.signed.to_text()?, encode(&ways), encode(&self.root)])
    }

    /// The same from its texts.
    ///
    /// # Errors
    /// The name of the first text that is none.
    pub fn parse(request: &str, ways: &str, root: &str) -> Result<Handed, &'static str> {
        let decode = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).ok();
        let signed = Box::new(Signed::parse(request).map_err(|_| "request")?);
        let envelopes = decode(ways).and_then(|bytes| UnlockFile::from_bytes(&bytes).ok());
        let root = decode(root).filter(|root| root.len() >= HANDED_ROOT_BYTES_MIN);
        Ok(Handed { signed, envelopes: envelopes.ok_or("ways")?, root: root.ok_or("root")? })
    }

    /// The root key that is to follow, if one is; nothing at all from whoever does not have the one in force.
    ///
    /// # Errors
    /// [`CeremonyError::Refused`] for what another root key sealed, or for other ways; [`CeremonyError::Storage`].
    pub fn taken(
        &self,
        place: &Place,
        keyring: &Keyring,
    ) -> Result<Option<RootKey>, CeremonyError> {
        let Handed { signed, envelopes, root } = self;
        let context = context(place, signed.request.what, signed.request.ways, envelopes)?;
        keyring.take_over(root, &context).map_err(|error| match error {
            KeyError::KeyUsedUp | KeyError::UsesUncounted | KeyError::KeyringUnwritable => {
                CeremonyError::storage("the root key cannot be taken over", error)
            }
            _ => CeremonyError::Refused("it was not sealed by who can open the vault".into()),
        })
    }
}

/// Which vault, which act, from which ways to which.
fn context(
    place: &Place,
    what: What,
    before: [u8; 32],
    after: &[Envelope],
) -> Result<Vec<u8>, CeremonyError> {
    let after = UnlockFile::to_bytes(after).map_err(no_ways)?;
    let text = format!("{FIRST_LINE}vault {}\nwhat {what}\n", place.vault);
    Ok([text.as_bytes(), &before, &digest(&after)].concat())
}

fn no_ways(error: KeyError) -> CeremonyError {
    CeremonyError::Refused(format!("these are no ways: {error}"))
}

#[cfg(test)]
mod tests {
    use super::super::request::Request;
    use super::super::what::WayKind;
    use super::*;
    use gridvault_keys::{Month, SharePlan};

    fn shares(root: &RootKey) -> Envelope {
        let plan = SharePlan::new(2, 3).expect("inside the limits");
        Envelope::seal_with_shares(root, plan).expect("sealed").0
    }

    fn signed(what: What, ways: [u8; 32]) -> Box<Signed> {
        let vault = "ceremony.example/log".to_owned();
        let request = Request { vault, what, ways, parts: None, until: 1_800_000_000 };
        Box::new(Signed { request, signatures: Vec::new() })
    }

    #[test]
    fn what_was_handed_over_goes_with_its_act_and_its_ways_and_with_no_others() {
        let room = tempfile::tempdir().expect("a temporary directory");
        let root = || RootKey::generate().expect("randomness");
        let (former, next) = (root(), root());
        let month = Month::from_year_month(2026, 3).expect("in range");
        let keyring = Keyring::create(&room.path().join("keyring"), &former, month);
        let keyring = keyring.expect("a new file");
        let vault = "ceremony.example/log".to_owned();
        let place = Place { directory: room.path().to_owned(), vault };
        let over = |envelope: Envelope| {
            let signed = signed(What::RotateRoot, [7; 32]);
            Handed::over(&place, signed, (&former, Some(&next)), vec![envelope]).expect("sealed")
        };
        let handed = over(shares(&next));
        let taken = handed.taken(&place, &keyring).expect("it is whole").expect("another follows");
        assert_eq!(taken.id(), next.id());
        let [request, ways, sealed] = handed.texts().expect("texts");
        let again = Handed::parse(&request, &ways, &sealed).expect("own texts");
        assert!(again.taken(&place, &keyring).is_ok());

        let refused = |handed: Handed, place: &Place| {
            let taken = handed.taken(place, &keyring).map(drop);
            matches!(taken, Err(CeremonyError::Refused(_)))
        };
        // To the same root key, but by shares that nobody was given.
        let root = handed.root.clone();
        let of = |signed, envelopes| Handed { signed, envelopes, root: root.clone() };
        let own = handed.envelopes.clone();
        let same = || signed(What::RotateRoot, [7; 32]);
        assert!(refused(of(same(), vec![shares(&next)]), &place));
        let removed = signed(What::Remove(WayKind::Token), [7; 32]);
        assert!(refused(of(removed, own.clone()), &place), "another act");
        assert!(refused(of(signed(What::RotateRoot, [8; 32]), own.clone()), &place), "other ways");
        let elsewhere = Place { vault: "another.example/log".to_owned(), ..place.clone() };
        assert!(refused(of(same(), own), &elsewhere), "another vault");
    }
}
