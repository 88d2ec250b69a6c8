//! Whose address is protected from its neighbours (domestic violence, witnesses), and who says so.
//! Never by a role of the neighbours, and never visible to one: what is hidden from a role is to it like nothing.
//! Which roles see such a person and which set the mark is data of `roles.toml`.

use super::account::{Fact, Origin, Written};
use super::bearer::{Bearer, No, acts_under, bearers, reaches};
use super::code::Code;
use super::decide::{Access, account_of, authority, carry, plain};
use super::field::field_grants;
use super::permit::{Denied, Permit};
use super::policy::Policy;
use super::question::{Item, Matter, Question};
use super::standing::Standing;
use super::weigh::name_record;
use crate::ambient::Micros;
use crate::records::{Facts, RecordType};

/// Whether a record is hidden from a post: its subject is protected, and the role is one that does not see whoever is.
pub(super) fn hides(policy: &Policy, bearer: Bearer<'_>, facts: &Facts) -> bool {
    hides_whoever(policy, bearer, facts.protected_address)
}

/// The same where it is known only whether the subject is protected, or was when the record was removed.
pub(super) fn hides_whoever(policy: &Policy, bearer: Bearer<'_>, protected: bool) -> bool {
    protected && !policy.roles()[bearer.role].sees_protected
}

/// Whether a post may know of a matter that is there or was: it covers where it lies, has to do with its type, and it is not hidden
/// from it.
pub(super) fn may_know(
    policy: &Policy,
    question: &Question<'_>,
    bearer: Bearer<'_>,
    matter: &Matter<'_>,
) -> bool {
    reaches(policy, question, bearer, matter)
        && !hides_whoever(policy, bearer, matter.is_protected())
}

/// The same of a matter that is there.
pub(super) fn may_know_present(
    policy: &Policy,
    question: &Question<'_>,
    bearer: Bearer<'_>,
    matter: &Matter<'_>,
) -> bool {
    matches!(matter, Matter::Present { .. }) && may_know(policy, question, bearer, matter)
}

/// Whether an emergency access of the caller may be open over a record that is named: a dwelling that an urgent event names is known of
/// whoever lives there.
pub(super) fn is_reached_at_once(question: &Question<'_>, matter: &Matter<'_>) -> bool {
    let Matter::Present { record_type, facts, .. } = matter else { return false };
    question.mandate.is_some_and(|mandate| mandate.reaches(question, *record_type, facts))
}

/// The field by which a purpose shows that it has to do with where somebody lives.
const ADDRESS: &str = "current_address";

impl Access {
    /// Whether any post of the caller sets the mark. Asked before anything of the request is looked at; the decision asks
    /// again.
    ///
    /// # Errors
    /// [`Denied`] when none does. It must be recorded too.
    pub fn check_protector(
        &self,
        standing: &Standing,
        origin: &Origin,
        now: Micros,
    ) -> Result<(), Denied> {
        let active = self.active.load();
        let may = protectors(&active.policy, standing, now).next().is_some();
        self.admit(may, standing, Written::Protect, origin)
    }

    /// Decides whether the caller may set or lift the mark of everything that is held of somebody. The items have no fields;
    /// those that this step changes are named once more, and the entry names them alone.
    ///
    /// # Errors
    /// [`Denied`]: `denied` for a role that does not set it, or under a purpose that has nothing to do with where somebody
    /// lives; `not_found` for what one post does not cover and know of.
    pub fn decide_protection<T>(
        &self,
        question: &Question<'_>,
        protected: bool,
        items: &[Item<'_>],
        changed: &[Item<'_>],
        target: T,
    ) -> Result<Permit<T>, Denied> {
        let active = self.active.load();
        let mut account = account_of(&active, question);
        account.written = Written::Protect;
        let word = if protected { "set" } else { "lifted" };
        account.facts.push(("protection", Fact::Code(word.to_owned())));
        match weigh_protection(&active.policy, question, items) {
            Ok(bearer) => {
                for item in changed {
                    if let Matter::Present { record_type, cell, facts, versions } = &item.matter {
                        name_record(&mut account, question, *record_type, *cell, facts, *versions);
                    }
                }
                carry(&mut account, bearer.assignment, question.now);
                account.rule = Some(format!("{}/protect", bearer.assignment.role.as_str()));
                Ok(plain(target, account, authority(&active, Some(question.standing))))
            }
            Err(no) => Err(Denied { why: no.why, fields: no.fields, account: Box::new(account) }),
        }
    }
}

/// The posts of somebody that set the mark.
fn protectors<'a>(
    policy: &'a Policy,
    standing: &'a Standing,
    now: Micros,
) -> impl Iterator<Item = Bearer<'a>> {
    bearers(policy, standing, now)
        .filter(|bearer| policy.roles()[bearer.role].protects_addresses)
        .filter(|bearer| bearer.assignment.area.is_some())
}

fn weigh_protection<'a>(
    policy: &'a Policy,
    question: &'a Question<'_>,
    items: &[Item<'_>],
) -> Result<Bearer<'a>, No> {
    if !question.purpose.active {
        return Err(No::plain(Code::PurposeUnknown));
    }
    let able: Vec<Bearer<'_>> = protectors(policy, question.standing, question.now)
        .filter(|bearer| acts_under(bearer.assignment, question.purpose))
        .collect();
    if able.is_empty() || !question.purpose.lists(RecordType::Person, ADDRESS) {
        return Err(No::plain(Code::Denied));
    }
    let reached = |bearer: Bearer<'_>, item: &Item<'_>| {
        let is_there = matches!(&item.matter, Matter::Present { .. });
        is_there && reaches(policy, question, bearer, &item.matter)
    };
    // Whoever fled has links in more than one street: a desk that has to do with one of a person's own records marks all.
    let is_household = |item: &&Item<'_>| {
        matches!(&item.matter, Matter::Present { record_type, .. } if *record_type == RecordType::Household)
            || matches!(&item.matter, Matter::Missing | Matter::Erased { .. })
    };
    let (named, own): (Vec<&Item<'_>>, Vec<&Item<'_>>) = items.iter().partition(is_household);
    let reaching: Vec<Bearer<'_>> = able
        .into_iter()
        .filter(|bearer| {
            own.iter().any(|item| reached(*bearer, item))
                && named.iter().all(|item| reached(*bearer, item))
        })
        .collect();
    if reaching.is_empty() || items.is_empty() {
        return Err(No::plain(Code::NotFound));
    }
    let nobody = Facts::of_nobody();
    let concerned = |bearer: &Bearer<'_>| {
        field_grants(policy, question, *bearer, RecordType::Person, &nobody, ADDRESS).knows()
    };
    reaching.into_iter().find(concerned).ok_or(No::plain(Code::Denied))
}
