//! Which of a caller's assignments could carry a decision, and which one does.
//! Never adds up: each assignment is weighed alone, and one of them decides.
//! An assignment counts in its time, in its area and in its line, and only with what its role asks of one and of its holder.

use super::account::Account;
use super::code::Code;
use super::decide::carry;
use super::grants::{Action, Grants, Level};
use super::mandate::Mandate;
use super::permit::Views;
use super::policy::Policy;
use super::question::{Ask, Matter, Question};
use super::readiness::Lack;
use super::standing::{Assignment, Standing};
use crate::ambient::Micros;
use crate::purposes::{Purpose, PurposeGroup};
use crate::records::{Class, RecordType, View};
use crate::territory::{CellId, Territory};

/// Why one item is refused, and for which fields.
pub(super) struct No {
    pub(super) why: Code,
    pub(super) fields: Vec<String>,
}

impl No {
    pub(super) fn plain(why: Code) -> No {
        No { why, fields: Vec::new() }
    }
}

/// An assignment that could carry the decision, with its role's place in the policy.
#[derive(Clone, Copy)]
pub(super) struct Bearer<'a> {
    pub(super) assignment: &'a Assignment,
    pub(super) role: usize,
    pub(super) level: Level,
    /// What its holder has not, and has to have for anything about a person.
    pub(super) lack: Option<Lack>,
}

impl Bearer<'_> {
    /// Whether nothing of a class is open, because of what its holder has not.
    pub(super) fn is_closed(
        self,
        policy: &Policy,
        class: Class,
        mandate: Option<&Mandate>,
    ) -> bool {
        self.lack.is_some_and(|lack| lack.closes(class, &policy.roles()[self.role], mandate))
    }
}

pub(super) fn bearers<'a>(
    policy: &'a Policy,
    standing: &'a Standing,
    now: Micros,
) -> impl Iterator<Item = Bearer<'a>> {
    standing.assignments.iter().filter(move |assignment| assignment.counts_at(now)).filter_map(
        move |assignment| {
            let role = policy.index(&assignment.role)?;
            let known = &policy.roles()[role];
            let level = known.level;
            // An area of another level than the role's would widen what the policy granted for that level.
            let fits = assignment.area.as_ref().is_none_or(|area| Level::of(area) == level);
            let lack = known.needs.lack(assignment.ready, now);
            (fits && known.accepts(assignment)).then_some(Bearer { assignment, role, level, lack })
        },
    )
}

pub(super) fn covers(
    assignment: &Assignment,
    territory: &Territory,
    cell: CellId,
    now: Micros,
    line: Option<&str>,
) -> bool {
    let Some(area) = &assignment.area else { return false };
    // A record of no line is everybody's in the area; one of a line is that line's, and of those bound to none.
    let apart = assignment.line.as_deref().zip(line).is_some_and(|(own, held)| own != held);
    !apart && territory.covers(area, cell, now.0)
}

/// Any grant over any type, for any class and purpose group.
fn any_grant(policy: &Policy, bearer: Bearer<'_>, enough: impl Fn(Grants) -> bool) -> bool {
    RecordType::ALL.iter().any(|topic| {
        let open = Class::ALL.iter().filter(|class| !bearer.is_closed(policy, **class, None));
        open.into_iter().any(|class| {
            PurposeGroup::ALL.iter().any(|group| {
                enough(policy.grants(bearer.role, bearer.level, *topic, *class, *group))
            })
        })
    })
}

pub(super) fn knows(policy: &Policy, bearer: Bearer<'_>, record_type: RecordType) -> bool {
    policy.knows(bearer.role, record_type, bearer.assignment.line.as_deref())
}

/// Whether a post covers where a matter lies and has to do with its type, whoever it is about.
pub(super) fn reaches(
    policy: &Policy,
    question: &Question<'_>,
    bearer: Bearer<'_>,
    matter: &Matter<'_>,
) -> bool {
    let (record_type, cell, line) = matter.lies();
    covers(bearer.assignment, question.territory, cell, question.now, line)
        && knows(policy, bearer, record_type)
}

/// Whether the assignment may act under the purpose at all: one that is bound to a line has its line's purposes alone.
pub(super) fn acts_under(assignment: &Assignment, purpose: &Purpose) -> bool {
    assignment.line.as_deref().is_none_or(|line| purpose.is_of_line(line))
}

pub(super) fn may_use_call(policy: &Policy, bearer: Bearer<'_>, ask: Ask) -> bool {
    any_grant(policy, bearer, |grants| match ask {
        Ask::Read | Ask::List | Ask::Occupants => grants.reads(),
        Ask::Create | Ask::Update => grants.writes(),
        Ask::Delete => grants.has(Action::Delete),
        Ask::Match | Ask::Changes => grants.knows(),
    })
}

pub(super) type Outcome = Result<Views, No>;

/// Tries each assignment and takes the one that gives most; rights of several never add up. The account then says what
/// that one assignment gave, or why the first one gave nothing.
pub(super) fn choose<'a>(
    covering: Vec<Bearer<'a>>,
    account: &mut Account,
    now: Micros,
    mut attempt: impl FnMut(Bearer<'a>, &mut Account) -> Outcome,
) -> Result<(Views, Bearer<'a>), No> {
    // Nearly everybody has one assignment where the record lies: nothing is weighed against anything then.
    if let [bearer] = covering[..] {
        carry(account, bearer.assignment, now);
        return attempt(bearer, account).map(|views| (views, bearer));
    }
    let mut best: Option<(Views, Bearer<'a>, Account)> = None;
    let mut refused: Option<(No, Account)> = None;
    for bearer in covering {
        let mut carried = account.clone();
        carry(&mut carried, bearer.assignment, now);
        match attempt(bearer, &mut carried) {
            Ok(views) => {
                if best.as_ref().is_none_or(|(other, ..)| weight(&views) > weight(other)) {
                    best = Some((views, bearer, carried));
                }
            }
            Err(no) => {
                refused.get_or_insert((no, carried));
            }
        }
    }
    if let Some((views, bearer, carried)) = best {
        *account = carried;
        return Ok((views, bearer));
    }
    let (no, carried) = refused.expect("at least one assignment covers, so one was tried");
    *account = carried;
    Err(no)
}

/// More fields first, then more in clear.
pub(super) fn weight(views: &Views) -> (usize, usize) {
    let raw = views.given.iter().filter(|field| field.view == View::Raw).count();
    (views.given.len(), raw)
}
