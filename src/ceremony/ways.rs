//! The ways to a root key: which kinds there are, and what an act over them may leave.
//! Never the last way away, never two ways of one kind, and never a way away without another root key: who had it, and a copy,
//! would keep the vault.
//! What is in an envelope nobody can see here; whoever made it opened it before.

use super::error::CeremonyError;
use super::what::{Way, WayKind, What};
use gridvault_keys::{ArgonCost, Envelope, Provider};

/// The kind of a way; nothing for the key file of a demonstration.
pub fn kind_of(envelope: &Envelope) -> Option<WayKind> {
    match envelope.provider() {
        Provider::Passphrase(_) => Some(WayKind::Passphrase),
        Provider::Shares(_) => Some(WayKind::Shares),
        Provider::Pkcs11(_) => Some(WayKind::Token),
        Provider::KeyFile => None,
    }
}

/// The kinds that there are: each once, and none that only a demonstration has.
///
/// # Errors
/// [`CeremonyError::Refused`] for other ways than these.
pub fn kinds_of(envelopes: &[Envelope]) -> Result<Vec<WayKind>, CeremonyError> {
    let mut kinds = Vec::new();
    for envelope in envelopes {
        let unsupported = |what| refused(&format!("not of a vault that is opened by {what}"));
        let kind = kind_of(envelope).ok_or_else(|| unsupported("a key file in clear"))?;
        if kinds.contains(&kind) {
            return Err(unsupported("two ways of one kind"));
        }
        kinds.push(kind);
    }
    Ok(kinds)
}

/// Whether `what` leads from the ways `before` to those `after`, all of which are to the root key named `root`.
///
/// # Errors
/// [`CeremonyError::Refused`] with what is wrong.
pub fn check(
    what: What,
    before: &[Envelope],
    after: &[Envelope],
    root: u64,
) -> Result<(), CeremonyError> {
    let (kinds, left) = (kinds_of(before)?, kinds_of(after)?);
    if after.is_empty() {
        return Err(refused("it is the last way to the root key: add another first"));
    }
    if after.iter().any(|envelope| envelope.root_key_id() != root) {
        return Err(refused("a new way is to another root key"));
    }
    check_made(before, after)?;
    let turns = before.iter().any(|envelope| envelope.root_key_id() != root);
    match what {
        What::Add(way) if !turns => check_added(way, before, after),
        What::RotateRoot | What::Remove(_) if turns => {
            let stays = |kind: &&WayKind| what != What::Remove(**kind);
            if let What::Remove(gone) = what
                && !kinds.contains(&gone)
            {
                return Err(refused("the vault has no such way"));
            }
            if !kinds.iter().filter(stays).eq(&left) || !have_plans_of(before, after) {
                return Err(refused("each way that stays is made anew, and no other"));
            }
            Ok(())
        }
        _ => Err(refused("this act leads to no such ways")),
    }
}

/// Whether those that are new have names of their own, and passphrases that cost as much to guess as any.
fn check_made(before: &[Envelope], after: &[Envelope]) -> Result<(), CeremonyError> {
    let ids = |envelopes: &[Envelope]| envelopes.iter().map(|it| *it.id()).collect::<Vec<_>>();
    let known = ids(before);
    let made: Vec<&Envelope> = after.iter().filter(|it| !before.contains(it)).collect();
    for (at, envelope) in made.iter().enumerate() {
        let id = envelope.id();
        if known.contains(id) || made.iter().skip(at + 1).any(|other| other.id() == id) {
            return Err(refused("a new way has the name of another"));
        }
        if let Provider::Passphrase(ArgonCost { memory_kib, passes, .. }) = envelope.provider()
            && (memory_kib < ArgonCost::ROOT.memory_kib || passes < ArgonCost::ROOT.passes)
        {
            return Err(refused("a passphrase is too cheap to guess"));
        }
    }
    Ok(())
}

/// One more way behind the same ones as before.
fn check_added(way: Way, before: &[Envelope], after: &[Envelope]) -> Result<(), CeremonyError> {
    let Some((last, others)) = after.split_last() else {
        return Err(refused("nothing was added"));
    };
    let fits = match (way, last.provider()) {
        (Way::Passphrase, Provider::Passphrase(_)) | (Way::Token, Provider::Pkcs11(_)) => true,
        (Way::Shares(plan), Provider::Shares(made)) => plan == made,
        _ => false,
    };
    if others != before || !fits {
        return Err(refused("one way is added, and it is the one that was asked for"));
    }
    Ok(())
}

/// Whether sets of shares have the plans of those that they follow: so many that open, of so many.
fn have_plans_of(before: &[Envelope], after: &[Envelope]) -> bool {
    let plan = |envelopes: &[Envelope]| {
        envelopes.iter().find_map(|envelope| match envelope.provider() {
            Provider::Shares(plan) => Some(plan),
            _ => None,
        })
    };
    plan(after).is_none_or(|made| plan(before) == Some(made))
}

fn refused(why: &str) -> CeremonyError {
    CeremonyError::Refused(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use gridvault_keys::{Passphrase, RootKey, SharePlan};
    use zeroize::Zeroizing;

    fn phrase(root: &RootKey) -> Envelope {
        phrase_at(root, ArgonCost::ROOT)
    }

    fn phrase_at(root: &RootKey, cost: ArgonCost) -> Envelope {
        let text = Zeroizing::new(b"a passphrase of some length".to_vec());
        let passphrase = Passphrase::new(text).expect("long enough");
        Envelope::seal_with_passphrase(root, &passphrase, cost).expect("sealed")
    }

    fn plan(needed: u8, count: u8) -> SharePlan {
        SharePlan::new(needed, count).expect("inside the limits")
    }

    fn shares(root: &RootKey, plan: SharePlan) -> Envelope {
        Envelope::seal_with_shares(root, plan).expect("sealed").0
    }

    #[test]
    fn an_act_over_ways_leads_to_its_own_ways_and_to_no_others() {
        let root = || RootKey::generate().expect("randomness");
        let (old, new) = (root(), root());
        let (two, three) = (plan(2, 3), plan(3, 5));
        let both = [phrase(&old), shares(&old, two)];
        let anew = [phrase(&new), shares(&new, two)];
        let rotate = What::RotateRoot;
        let remove = What::Remove;
        let add = |plan| What::Add(Way::Shares(plan));
        let good = |what, before: &[Envelope], after: &[Envelope], root: &RootKey| {
            check(what, before, after, root.id()).is_ok()
        };
        assert!(good(rotate, &both, &anew, &new));
        assert!(good(remove(WayKind::Shares), &both, &anew[..1], &new));
        assert!(good(remove(WayKind::Passphrase), &both, &anew[1..], &new));
        assert!(good(add(two), &both[..1], &both, &old));

        assert!(!good(rotate, &both, &both, &old), "the same root key");
        assert!(!good(rotate, &both, &anew, &root()), "another one than was handed over");
        assert!(!good(rotate, &both, &anew[..1], &new), "a way less");
        assert!(!good(rotate, &both[..1], &anew, &new), "a way more");
        assert!(
            !good(rotate, &both, &[anew[0].clone(), shares(&new, three)], &new),
            "another plan"
        );
        assert!(!good(rotate, &both[..1], &[shares(&new, two)], &new), "another kind");
        assert!(!good(rotate, &both, &[anew[0].clone(), phrase(&new)], &new), "two of one kind");
        for cheap in [
            ArgonCost { memory_kib: ArgonCost::ROOT.memory_kib - 1, ..ArgonCost::ROOT },
            ArgonCost { passes: ArgonCost::ROOT.passes - 1, ..ArgonCost::ROOT },
        ] {
            let cheap = phrase_at(&new, cheap);
            assert!(!good(rotate, &both[..1], &[cheap], &new), "cheap to guess");
        }
        assert!(!good(remove(WayKind::Shares), &both, &anew, &new), "nothing went");
        assert!(!good(remove(WayKind::Shares), &both, &both[..1], &old), "under the same root key");
        assert!(!good(remove(WayKind::Shares), &both[..1], &anew[..1], &new), "there was none");
        assert!(!good(remove(WayKind::Passphrase), &both[..1], &[], &new), "the last one");
        assert!(!good(add(three), &both[..1], &both, &old), "another plan");
        assert!(!good(What::Add(Way::Passphrase), &both[..1], &both, &old), "another way");
        assert!(!good(add(two), &both[..1], &[phrase(&old), both[1].clone()], &old), "one changed");
        assert!(!good(add(two), &both[..1], &anew, &new), "with another root key");
        for what in [What::Restore, What::Code(crate::access::ActorId::from_bytes([1; 16]))] {
            assert!(!good(what, &both, &anew, &new) && !good(what, &both[..1], &both, &old));
        }
    }
}
