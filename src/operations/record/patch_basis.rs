//! On what a change of a record rests: what holds the record already, or a basis that comes with it.
//! Never what undoes a withdrawal: a consent is given anew at the residents' desk alone, and a duty collects anew.
//! Whoever only takes away needs no basis for it.

use crate::access::Code;
use crate::ambient::Random;
use crate::operations::basis::{Grounds, NO_BASIS, ground};
use crate::operations::error::{Misplaced, Unfit};
use crate::operations::{Asked, OperationError};
use crate::purposes::{BasisClaim, ConsentGiver};
use crate::records::{BasisFact, Facts};
use crate::store::{ControlKind, Key, Reader};
use serde_json::Value as Json;

/// A change of a record that is held, as far as its basis goes.
pub(super) struct Changed<'a> {
    pub(super) asked: &'a Asked<'a>,
    /// The record before it.
    pub(super) facts: &'a Facts,
    /// Whether it gives a value to a sensitive field.
    pub(super) sensitive: bool,
    /// Whether it is about a child under 14 afterwards.
    pub(super) under_14: bool,
    /// Whether it stays on a consent to another purpose that no guardian gave.
    pub(super) by_itself: bool,
    /// Whether the record is about a person, before or afterwards.
    pub(super) personal: bool,
    /// Whether it does nothing but take away.
    pub(super) removes: bool,
}

/// The basis that a change brings to its record; none where what it writes is held already.
pub(super) fn basis_of(
    changed: &Changed<'_>,
    claim: Option<&BasisClaim>,
    random: &dyn Random,
) -> Result<Option<Grounds>, Unfit> {
    let Changed { asked, facts, sensitive, under_14, personal, .. } = *changed;
    let Some(claim) = claim else {
        // What is already held may be corrected; anything else needs its own basis.
        return if changed.carried() || changed.clears() {
            Ok(None)
        } else if asked.purpose.corrects && personal && facts.rests_on_nothing() {
            Err(Code::ConsentWithdrawn.into())
        } else if personal {
            Err(NO_BASIS.into())
        } else {
            Ok(None)
        };
    };
    if personal && undoes_withdrawal(facts, asked.purpose.id.as_str()) {
        return Err(Code::ConsentWithdrawn.into());
    }
    // What the claim brings is looked at as a child's; so is what stays beside it.
    if changed.becomes_child() && changed.by_itself {
        let misplaced = Misplaced::new("basis.consent", "missing");
        return Err(Misplaced { code: Code::BasisMissing, ..misplaced }.into());
    }
    ground(asked, claim, under_14, sensitive, facts.record_handle, random).map(Some)
}

/// Whether a basis for that purpose would bring back what was taken back. Once nothing carries the record any more, none does: its
/// values were given for what ended, so a duty collects its own, in a record of its own, and does not take over what waits for its end.
/// And whoever took back what was given for a purpose is asked for it again where its identity is looked at, not by whoever wants to read.
fn undoes_withdrawal(facts: &Facts, purpose: &str) -> bool {
    let withdrawn = facts.basis_for(purpose).is_some_and(|held| facts.is_withdrawn(held));
    withdrawn || facts.rests_on_nothing()
}

/// Whether a record rests on a consent to a purpose beside this one that no guardian gave. Of whom nothing is kept it is the person's own.
pub(super) async fn rests_on_its_own(
    facts: &Facts,
    beside: &str,
    store: &Reader,
) -> Result<bool, OperationError> {
    let live = facts.bases.iter().filter(|held| !facts.is_withdrawn(held));
    for consent in live.filter(|held| held.purpose != beside).filter_map(|held| held.consent) {
        let kept = store.get(&Key::control(ControlKind::Consent, &consent)).await?;
        if !kept.is_some_and(|kept| is_guardians(&kept.payload)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether what is kept of a consent says that the guardian gave it.
fn is_guardians(kept: &[u8]) -> bool {
    let by = serde_json::from_slice(kept).ok().and_then(|kept: Json| {
        serde_json::from_value::<ConsentGiver>(kept.get("consent")?.get("by")?.clone()).ok()
    });
    by == Some(ConsentGiver::Guardian)
}

impl Changed<'_> {
    /// Whether it makes a child of somebody who was none.
    fn becomes_child(&self) -> bool {
        self.under_14 && !self.facts.is_under_14(self.asked.now.local_days())
    }

    /// Whether the record is held in a way that carries what is written now.
    fn carried(&self) -> bool {
        let becomes_child = self.becomes_child();
        if self.asked.purpose.corrects {
            // Its own consent is no child's to give: what rests on one is written anew with the guardian's.
            let mut live = self.facts.bases.iter().filter(|held| !self.facts.is_withdrawn(held));
            return live.clone().next().is_some()
                && !(becomes_child && live.any(|held| held.consent.is_some()));
        }
        self.held() && !becomes_child
    }

    /// Whether the record is held on this purpose in a way that carries what is collected now: what rests on plain
    /// consent does not carry a sensitive field (PIPL Art. 29).
    fn held(&self) -> bool {
        let purpose = self.asked.purpose;
        let held = self.facts.live_basis_for(purpose.id.as_str());
        held.and_then(|held: &BasisFact| purpose.legal_basis(&held.legal_basis))
            .is_some_and(|basis| !self.sensitive || basis.kind.carries_sensitive())
    }

    /// Whether it does nothing but take away, under a purpose for which the record was held once, or which puts right: what was
    /// collected on a consent may go after the consent did.
    fn clears(&self) -> bool {
        let purpose = self.asked.purpose;
        self.removes && (purpose.corrects || self.facts.basis_for(purpose.id.as_str()).is_some())
    }
}
