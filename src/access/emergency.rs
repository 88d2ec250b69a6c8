//! Who may open an emergency access, over what it reaches; who sees that it was opened, and who reviews it.
//! Never beyond the holder's own area, role and purpose: it meets the condition of a task, and no other.
//! Whoever opened it, or agreed to it, never reviews it.

use super::account::{EmergencyAct, Fact, Origin, Written};
use super::approval::{WaitsAt, place_of};
use super::bearer::{Bearer, No, acts_under, bearers, reaches};
use super::code::Code;
use super::decide::{Access, account_of, authority, carry, plain};
use super::field::{check_state, field_grants};
use super::grants::Action;
use super::ledger::{Bound, Charge, Hour, Ledger};
use super::mandate::{Mandate, MandateKind, Scope};
use super::permit::{Denied, FieldView, Permit};
use super::policy::Policy;
use super::question::{Item, Matter, Question};
use super::role::RoleId;
use super::standing::{ActorId, Standing};
use super::urgent::{Tier, TierTerms, Urgent};
use super::weigh::name_record;
use crate::ambient::Micros;
use crate::records::{Facts, Handle, MandateId, RecordType, View};

/// What somebody wants to open.
pub struct EmergencyTerms {
    /// Its id.
    pub id: MandateId,
    /// How far it reaches.
    pub tier: Tier,
}

/// An emergency access as it will be kept.
pub struct EmergencyGiven {
    /// Which of the items it reaches, by their places.
    pub reached: Vec<usize>,
    /// The fields that it opens to the holder's role.
    pub fields: Vec<String>,
    /// The holder's role.
    pub role: RoleId,
    /// Where those look who agree to it.
    pub waits_at: WaitsAt,
    /// Where those look who are told, and who review it.
    pub places: Vec<WaitsAt>,
}

/// What somebody has to do with an emergency access of somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watches {
    /// Sees that it was opened.
    Told,
    /// Reviews it too.
    Reviews,
}

/// The fields of an event that say whether it is urgent, and what it concerns.
pub const EVENT_FIELDS: [&str; 5] = ["severity", "state", "closed_at", "place", "dwellings"];

impl Access {
    /// Whether any post of the caller has emergency access. Asked before anything of the request is looked at; the decision
    /// asks again.
    ///
    /// # Errors
    /// [`Denied`] when none has. It must be recorded too.
    pub fn check_breaker(
        &self,
        standing: &Standing,
        origin: &Origin,
        now: Micros,
    ) -> Result<(), Denied> {
        let (alone, wide) = (Tier::Alone, Tier::Wide);
        self.check_emergency(standing, alone, origin, now)
            .or_else(|_| self.check_emergency(standing, wide, origin, now))
            .map(|_terms| ())
    }

    /// The terms of a tier.
    ///
    /// # Errors
    /// [`Denied`] `denied` for a caller none of whose posts has the tier. It must be recorded too.
    pub fn check_emergency(
        &self,
        standing: &Standing,
        tier: Tier,
        origin: &Origin,
        now: Micros,
    ) -> Result<(TierTerms, u32), Denied> {
        let active = self.active.load();
        let has = holders(&active.policy, standing, tier, now).next().is_some();
        if let (true, Some(urgent)) = (has, active.policy.urgent()) {
            return Ok((urgent.tier(tier).clone(), urgent.review_hours));
        }
        Err(self.denied(standing, Written::Emergency(EmergencyAct::Open), origin))
    }

    /// What the vault itself looks at an event under, before it opens anything of anybody: the event's own fields, which are
    /// about no person, and nothing else.
    pub fn over_event(&self, question: &Question<'_>, id: MandateId, event: Handle) -> Mandate {
        Mandate {
            id,
            version: None,
            kind: MandateKind::Emergency,
            holder: question.standing.actor,
            purpose: question.purpose.id.as_str().to_owned(),
            scope: Scope { records: vec![event], subjects: Vec::new() },
            fields: EVENT_FIELDS.map(str::to_owned).to_vec(),
            from: question.now,
            until: Micros(question.now.0.saturating_add(1)),
            agreed: false,
            budget: 1,
            at_counter: false,
            single_use: false,
            role: String::new(),
        }
    }

    /// Decides whether an emergency access may be opened, or asked for, over what an event names. The items have no fields;
    /// what the caller may not know of, and what is restricted, is left out of it without a word.
    ///
    /// # Errors
    /// [`Denied`]: `denied` for a purpose of no emergency, or where the role sees none of the fields; `not_found` where the
    /// caller's post reaches none of the dwellings.
    pub fn decide_emergency<T>(
        &self,
        question: &Question<'_>,
        terms: &EmergencyTerms,
        items: &[Item<'_>],
        target: T,
    ) -> Result<(Permit<T>, EmergencyGiven), Denied> {
        let active = self.active.load();
        let mut account = account_of(&active, question);
        let act = match terms.tier {
            Tier::Alone => EmergencyAct::Open,
            Tier::Wide => EmergencyAct::Ask,
        };
        account.written = Written::Emergency(act);
        account.approval = Some(terms.id);
        account.facts.push(("tier", Fact::Code(terms.tier.as_str().to_owned())));
        let given = weigh_emergency(&active.policy, question, terms.tier, items);
        match given {
            Ok((given, bearer, uses)) => {
                for place in &given.reached {
                    let Matter::Present { record_type, cell, facts, versions } =
                        &items[*place].matter
                    else {
                        continue;
                    };
                    name_record(&mut account, question, *record_type, *cell, facts, *versions);
                }
                carry(&mut account, bearer.assignment, question.now);
                account.approval = Some(terms.id);
                account.rule =
                    Some(format!("{}/emergency.{}", given.role.as_str(), terms.tier.as_str()));
                let named = |field: &String| FieldView { field: field.clone(), view: View::None };
                account.fields = given.fields.iter().map(named).collect();
                let permit = Permit {
                    charges: vec![charge(question, terms.id, uses)],
                    ..plain(target, account, authority(&active, Some(question.standing)))
                };
                Ok((permit, given))
            }
            Err(no) => Err(Denied { why: no.why, fields: no.fields, account: Box::new(account) }),
        }
    }

    /// What somebody has to do with an emergency access of somebody else, which is listed in those places and was opened
    /// under that role.
    pub fn watches(
        &self,
        standing: &Standing,
        role: &str,
        places: &[[u8; 16]],
        now: Micros,
    ) -> Option<Watches> {
        let active = self.active.load();
        let policy = &active.policy;
        let urgent = policy.urgent()?;
        let by = policy.role(role).and_then(|role| role.approved_by.as_ref());
        let mut found = None;
        for bearer in bearers(policy, standing, now).filter(|bearer| bearer.lack.is_none()) {
            let own = &bearer.assignment.role;
            let here = WaitsAt::of(bearer).is_some_and(|place| places.contains(place.as_bytes()));
            let agrees =
                by.is_some_and(|by| by.role == *own && (!by.lead || bearer.assignment.lead));
            if here && (agrees || urgent.escalates_to(own)) {
                return Some(Watches::Reviews);
            }
            if here && urgent.tells(own) {
                found = Some(Watches::Told);
            }
        }
        found
    }

    /// Where somebody looks for emergency accesses of others.
    pub fn watched_places(&self, standing: &Standing, now: Micros) -> Vec<WaitsAt> {
        let active = self.active.load();
        let mut places: Vec<WaitsAt> = Vec::new();
        for place in bearers(&active.policy, standing, now).filter_map(WaitsAt::of) {
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places
    }

    /// Decides about a step of an emergency access that is there: its end, by its holder or whoever reviews it; its review,
    /// by somebody else.
    ///
    /// # Errors
    /// [`Denied`] `not_found` for whoever has nothing to do with it; `denied` for a review by its holder, by whoever agreed to
    /// it, or by somebody who is only told.
    #[expect(clippy::too_many_arguments, reason = "who, what, and what is known of it")]
    pub fn decide_emergency_step<T>(
        &self,
        standing: &Standing,
        act: EmergencyAct,
        id: MandateId,
        holder: ActorId,
        parties: &[ActorId],
        watches: Option<Watches>,
        origin: &Origin,
        target: T,
    ) -> Result<Permit<T>, Denied> {
        let mut permit = self.permit_known(standing, Written::Emergency(act), origin, target);
        permit.account.approval = Some(id);
        let own = parties.contains(&standing.actor);
        let may = match act {
            EmergencyAct::End => holder == standing.actor || watches == Some(Watches::Reviews),
            _ => watches == Some(Watches::Reviews) && !own,
        };
        if may {
            permit.account.about = (!own).then_some(holder);
            return Ok(permit);
        }
        let why = if own || watches.is_some() { Code::Denied } else { Code::NotFound };
        Err(Denied { why, fields: Vec::new(), account: permit.account })
    }
}

/// The posts of somebody that have a tier.
fn holders<'a>(
    policy: &'a Policy,
    standing: &'a Standing,
    tier: Tier,
    now: Micros,
) -> impl Iterator<Item = Bearer<'a>> {
    bearers(policy, standing, now)
        .filter(move |bearer| policy.roles()[bearer.role].emergency.contains(&tier))
        .filter(|bearer| bearer.assignment.area.is_some())
}

fn weigh_emergency<'a>(
    policy: &'a Policy,
    question: &'a Question<'_>,
    tier: Tier,
    items: &[Item<'_>],
) -> Result<(EmergencyGiven, Bearer<'a>, [u32; 2]), No> {
    let Some(urgent) = policy.urgent() else { return Err(No::plain(Code::Denied)) };
    if !question.purpose.active || !urgent.is_for(question.purpose.id.as_str()) {
        return Err(No::plain(Code::Denied));
    }
    let terms = urgent.tier(tier);
    let mut refused = No::plain(Code::Denied);
    for bearer in holders(policy, question.standing, tier, question.now) {
        if !acts_under(bearer.assignment, question.purpose) {
            continue;
        }
        let role = &policy.roles()[bearer.role];
        if bearer.lack.is_some_and(|lack| !lack.spares_emergencies(role)) {
            continue;
        }
        // What is still missing of the training closes nothing here, so the fields are asked for without it.
        let bearer = Bearer { lack: None, ..bearer };
        let reached: Vec<usize> = (0..items.len())
            .filter(|place| finds_open(policy, question, bearer, &items[*place]))
            .collect();
        let is_dwelling = |place: &usize| match &items[*place].matter {
            Matter::Present { record_type, .. } => *record_type == RecordType::Place,
            _ => false,
        };
        if !reached.iter().any(is_dwelling) {
            refused = No::plain(Code::NotFound);
            continue;
        }
        let opened = |field: &&String| opens(policy, question, bearer, tier, field);
        let fields: Vec<String> = terms.fields.iter().filter(opened).cloned().collect();
        let role = &bearer.assignment.role;
        let waits_at = place_of(policy, role, bearer.assignment.area.as_ref());
        let (false, Some(waits_at)) = (fields.is_empty(), waits_at) else { continue };
        let places = places_of(policy, urgent, bearer, waits_at);
        let given = EmergencyGiven { reached, fields, role: role.clone(), waits_at, places };
        return Ok((given, bearer, terms.uses));
    }
    Err(refused)
}

/// Whether a post reaches an item, whoever it is about, and finds it open.
fn finds_open(
    policy: &Policy,
    question: &Question<'_>,
    bearer: Bearer<'_>,
    item: &Item<'_>,
) -> bool {
    let Matter::Present { facts, .. } = &item.matter else { return false };
    reaches(policy, question, bearer, &item.matter) && check_state(question, facts).is_ok()
}

/// Whether the tier shows a field of a person, a dwelling or the link between them in clear. Asked of nobody in particular,
/// so that an empty dwelling is opened like any other.
fn opens(
    policy: &Policy,
    question: &Question<'_>,
    bearer: Bearer<'_>,
    tier: Tier,
    field: &str,
) -> bool {
    let nobody = Facts::of_nobody();
    [RecordType::Person, RecordType::Place, RecordType::Residence].into_iter().any(|topic| {
        let grants = field_grants(policy, question, bearer, topic, &nobody, field);
        let alone = grants.has(Action::ReadRaw) || grants.has(Action::ReadRawInTask);
        question.purpose.lists(topic, field)
            && (alone || (tier == Tier::Wide && grants.has(Action::ReadRawApproved)))
    })
}

/// Where those look who are told of it, who review it, and who see all.
fn places_of(
    policy: &Policy,
    urgent: &Urgent,
    bearer: Bearer<'_>,
    waits_at: WaitsAt,
) -> Vec<WaitsAt> {
    let mut places = vec![waits_at];
    let area = bearer.assignment.area.as_ref();
    for word in urgent.watchers() {
        let level = policy.role(word).map(|role| role.level);
        let place = level.and_then(|level| WaitsAt::above(area, level));
        if let Some(place) = place
            && !places.contains(&place)
        {
            places.push(place);
        }
    }
    places
}

/// Counts how often somebody opens it, each one once.
fn charge(question: &Question<'_>, id: MandateId, uses: [u32; 2]) -> Charge {
    let [day, month] = uses;
    Charge {
        ledger: Ledger::Emergencies(question.standing.actor),
        tag: *id.as_bytes(),
        hour: Hour::of(question.now),
        bound: Bound::Windows { day, month },
    }
}
