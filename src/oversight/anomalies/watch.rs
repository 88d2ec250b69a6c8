//! Walks through the log, entry by entry, and asks every rule.
//! Never looks ahead and never at anything but the entry, the thresholds and what it remembers of the days before.
//! The same entries give the same anomalies; what is remembered is bounded, whoever acts and however much.

use super::act::{Act, local, span};
use super::anomaly::{Anomaly, Finding};
use super::memory::Memory;
use super::past::{DAYS_KEPT, OwnPast, PastDay, Post};
use super::rules::{emergency, leaver, limits, night, outside, own, stopped, sweep, volume};
use super::thresholds::Thresholds;
use crate::access::ActorId;
use crate::limits::{ANOMALY_ACTORS_COUNT_MAX, ANOMALY_HASHES_COUNT_MAX};
use crate::oversight::entry::LogEntry;
use crate::records::SchemaSet;
use compact_str::CompactString;
use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Whether a subject's handle, as entries write it, is the actor's own. The directory knows; nobody else is told.
pub type IsOwn = Box<dyn Fn(&ActorId, &str) -> bool + Send>;

/// The last moment behind one and up to another at which a post of an actor ended by the day that it was given to. No entry says it, so
/// the directory does.
pub type Lapsed = Box<dyn Fn(&ActorId, u64, u64) -> Option<u64> + Send>;

/// Raised with every change of what a rule finds or of what is remembered: what an older program kept is then found anew.
pub(super) const RULES_VERSION: u32 = 2;

/// What is remembered of an account.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Account {
    /// The role that it acted under last, and its area.
    role: Option<CompactString>,
    scope: Option<CompactString>,
    past: OwnPast,
    /// The day of its last entry.
    last: i32,
    /// Nothing, once the day is over.
    #[serde(skip)]
    today: Today,
    night: night::State,
    sweep: sweep::State,
}

#[derive(Default)]
struct Today {
    volume: volume::State,
    outside: outside::State,
    own: own::State,
    limits: limits::State,
    stopped: stopped::State,
    /// Whether an entry ended the account or a post of it.
    left: bool,
}

/// The walk.
pub(super) struct Watch {
    thresholds: Thresholds,
    fields: limits::KindsOfFields,
    is_own: IsOwn,
    lapsed: Lapsed,
    memory: Memory,
    /// Fingerprints that may still be remembered today.
    room: usize,
}

impl Watch {
    pub(super) fn new(
        thresholds: Thresholds,
        schemas: &Arc<SchemaSet>,
        is_own: IsOwn,
        lapsed: Lapsed,
    ) -> Watch {
        Watch {
            thresholds,
            fields: limits::KindsOfFields::of(schemas),
            is_own,
            lapsed,
            memory: Memory::new(),
            room: ANOMALY_HASHES_COUNT_MAX,
        }
    }

    /// What it remembers. Whole where a day has just begun; the rest of a day is not kept.
    pub(super) fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Goes on with what was remembered.
    pub(super) fn recall(&mut self, memory: Memory) {
        self.memory = memory;
        self.room = ANOMALY_HASHES_COUNT_MAX;
    }

    /// SHA-256 of all that decides what is found in an entry, but for whose own record something is.
    pub(super) fn rules_digest(&self) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        context.update(b"gridvault/anomalies/rules");
        context.update(&RULES_VERSION.to_be_bytes());
        context.update(self.thresholds.digest());
        context.update(&self.fields.digest());
        let mut digest = [0; 32];
        digest.copy_from_slice(context.finish().as_ref());
        digest
    }

    /// Entries of accounts that were not followed, because too many are already.
    pub(super) fn unfollowed_count(&self) -> u64 {
        self.memory.unfollowed
    }

    /// Ends the day at hand if the next entry belongs to a later one, and says what is found at its end.
    pub(super) fn turn(&mut self, next: &LogEntry) -> Option<Vec<Anomaly>> {
        let (day, _) = local(next.t);
        if day <= self.memory.day {
            return None;
        }
        let found = self.look_back_from_lapses(day);
        self.close_day();
        self.memory.day = day;
        Some(found)
    }

    /// Takes in the next entry of the log.
    pub(super) fn observe(&mut self, entry: &LogEntry) -> Vec<Anomaly> {
        let mut found = self.turn(entry).unwrap_or_default();
        let emergencies = emergency::observe(&mut self.memory.emergencies, entry).into_iter();
        found.extend(emergencies.map(|it| it.finding.of(it.actor, it.role, it.scope, entry.t)));
        if leaver::ends(entry) {
            found.extend(self.look_back(entry));
            self.note_end(entry);
        }
        let works = matches!(&*entry.ev, "data" | "access") || entry.act == "counter_check";
        if works && let Some(act) = Act::of(entry, |entry| self.fields.in_clear(entry)) {
            self.follow(&act, &mut found);
        }
        found
    }

    /// The day at hand is over for everybody at once, so that what peers are compared with is the same for all.
    fn close_day(&mut self) {
        let Memory { accounts, peers, day, .. } = &mut self.memory;
        for account in accounts.values_mut() {
            let today = std::mem::take(&mut account.today);
            let Some(past) = past_day(*day, &today) else { continue };
            if let Some(role) = &account.role {
                let digits = account.scope.as_ref().map_or(0, CompactString::len);
                peers.add(&(role.to_string(), digits), past.day, past.records);
            }
            account.past.add(past);
        }
        // Nothing is compared with what lies further back, so whoever was away for so long begins anew.
        let kept = day.saturating_sub(DAYS_KEPT as i32);
        accounts.retain(|_, account| account.last >= kept);
        self.room = ANOMALY_HASHES_COUNT_MAX;
    }

    fn follow(&mut self, act: &Act<'_>, found: &mut Vec<Anomaly>) {
        let Watch { thresholds, fields, is_own, memory, room, .. } = self;
        let Memory { accounts, peers, unfollowed, .. } = memory;
        if !accounts.contains_key(&act.actor) && accounts.len() >= ANOMALY_ACTORS_COUNT_MAX {
            *unfollowed += 1;
            return;
        }
        let account = accounts.entry(act.actor).or_default();
        if let Some(role) = &act.entry.role
            && (account.role.as_ref(), account.scope.as_ref())
                != (Some(role), act.entry.scope.as_ref())
        {
            (account.role, account.scope) = (Some(role.clone()), act.entry.scope.clone());
        }
        account.last = act.day;
        let Account { role, scope, past, today, night, sweep, .. } = account;
        let worked = role.as_deref().unwrap_or_default();
        let days_min = thresholds.volume.own_days_min;
        let own_past = &*past;
        let compared = || volume::Past {
            own: own_past.median(i32::MIN, act.day, days_min),
            peers: {
                let post: Post = (worked.to_owned(), scope.as_ref().map_or(0, CompactString::len));
                peers.spread(&post, act.day, thresholds.volume.peers_days_min)
            },
        };
        let month = |kind: usize| {
            let days = own_past.days(act.day).filter(|past| past.day > act.day - 30);
            days.map(|past| u32::from(past.kinds[kind])).sum::<u32>()
        };
        let mine = |handle: &str| is_own(&act.actor, handle);
        let mut findings: Vec<Finding> = Vec::new();
        let volume = &mut today.volume;
        findings.extend(volume::observe(volume, act, &thresholds.volume, room, compared));
        findings.extend(outside::observe(&mut today.outside, act, &thresholds.outside));
        findings.extend(night::observe(night, act, &thresholds.night));
        findings.extend(sweep::observe(sweep, act, &thresholds.sweep));
        findings.extend(own::observe(&mut today.own, act, &thresholds.own, mine));
        findings.extend(stopped::observe(&mut today.stopped, act, &thresholds.stopped));
        let limits = &mut today.limits;
        findings.extend(limits::observe(
            limits,
            act,
            fields,
            &thresholds.limits,
            worked,
            room,
            month,
        ));
        let anomaly =
            |finding: Finding| finding.of(act.actor, role.clone(), scope.clone(), act.entry.t);
        found.extend(findings.into_iter().map(anomaly));
    }

    fn look_back(&self, entry: &LogEntry) -> Option<Anomaly> {
        let actor: ActorId = entry.about()?.parse().ok()?;
        let account = self.memory.accounts.get(&actor)?;
        self.leaves(actor, account, entry.t, Some(entry.seq))
    }

    fn note_end(&mut self, entry: &LogEntry) {
        let about = entry.about().and_then(|about| about.parse().ok());
        let account = about.and_then(|actor: ActorId| self.memory.accounts.get_mut(&actor));
        if let Some(account) = account {
            account.today.left = true;
        }
    }

    /// The posts that ended by themselves since the day at hand began, up to the moment at which the next one begins. Whom an entry
    /// ended on that day was looked at then: such a post has its end in the directory too.
    fn look_back_from_lapses(&self, next: i32) -> Vec<Anomaly> {
        let (after, through) = (span(self.memory.day).0, span(next).0);
        let accounts = self.memory.accounts.iter().filter(|(_, account)| !account.today.left);
        let mut found: Vec<Anomaly> = accounts
            .filter_map(|(actor, account)| {
                let at = (self.lapsed)(actor, after, through)?;
                self.leaves(*actor, account, at, None)
            })
            .collect();
        // The same every time, in whatever order accounts are remembered.
        found.sort_by_key(|anomaly| (anomaly.at, *anomaly.actor.as_bytes()));
        found
    }

    fn leaves(
        &self,
        actor: ActorId,
        account: &Account,
        at: u64,
        entry: Option<u64>,
    ) -> Option<Anomaly> {
        let today = past_day(self.memory.day, &account.today);
        let finding = leaver::observe(at, entry, &account.past, today, &self.thresholds.leaver)?;
        Some(finding.of(actor, account.role.clone(), account.scope.clone(), at))
    }
}

fn past_day(day: i32, today: &Today) -> Option<PastDay> {
    let (first, last) = today.volume.ends()?;
    Some(PastDay {
        day,
        records: today.volume.count(),
        kinds: today.limits.counts(),
        entries: (first, last),
    })
}
