//! The known caller of a request: token to actor, or a recorded 401.
//! Never tells which part of a token was wrong, and never takes two tokens.
//! It comes before every other extractor, so that a stranger learns nothing else.

use super::admission::{Admission, Seat};
use super::damage::Noting;
use super::problem::Problem;
use super::rooms::Rooms;
use super::stray::{has_stray_key, has_stray_query, without_key};
use super::wrong::Wrong;
use crate::access::{Ask, Code, Denied, Duty, Origin, PlacingAct, Written};
use crate::ambient::Micros;
use crate::identity::{Actor, IdentityError};
use crate::trail::Unrecorded;
use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use std::str::FromStr;
use std::sync::Arc;

/// A caller whose token was checked, with its request.
pub(super) struct Caller {
    pub(super) actor: Actor,
    pub(super) origin: Origin,
    pub(super) now: Micros,
    /// What is to be said of it, should it meet something that the vault did not write.
    pub(super) noting: Arc<Noting>,
    /// Its place among the actor's requests, as long as it is worked on.
    _seat: Seat,
}

impl FromRequestParts<Arc<Rooms>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, rooms: &Arc<Rooms>) -> Result<Caller, Problem> {
        let origin = origin_of(parts);
        let now = rooms.clock.now();
        let mut tokens = parts.headers.get_all(AUTHORIZATION).iter();
        let found = match (tokens.next(), tokens.next()) {
            // Which letters a token may have is looked at with the token.
            (Some(header), None) => std::str::from_utf8(header.as_bytes())
                .ok()
                .and_then(bearer)
                .ok_or(IdentityError::Invalid)
                .and_then(|token| rooms.identity.authenticate(token, now)),
            _ => Err(IdentityError::Invalid),
        };
        let actor = match found {
            Ok(actor) => actor,
            Err(error) => {
                let code = match error {
                    IdentityError::Invalid => Code::TokenInvalid,
                    IdentityError::Expired => Code::TokenExpired,
                };
                return Err(refuse(rooms, rooms.access.refuse(None, code, &origin), code).await);
            }
        };
        if rooms.trail.is_locked_out(actor.standing().actor) {
            let next_hour = 3_600 - now.seconds().rem_euclid(3_600);
            let problem = Problem::unrecorded(Code::RateLimited);
            return Err(problem.with_retry_seconds(u32::try_from(next_hour).unwrap_or(3_600)));
        }
        // Nothing was decided, so there is nothing to record.
        let seat = parts.extensions.get::<Arc<Admission>>();
        let seat = seat.and_then(|admission| admission.seat(actor.standing().actor));
        let _seat = seat.ok_or(Problem::unrecorded(Code::RateLimited))?;
        let noting = parts.extensions.get::<Arc<Noting>>().cloned().unwrap_or_default();
        let _is_new = noting.who.set(actor.standing().clone());
        let caller = Caller { actor, origin, now, noting, _seat };
        if has_stray_query(&parts.method, &parts.uri) {
            return Err(caller.turn_away_for(rooms, Wrong::at("?", "unknown_member")).await);
        }
        if has_stray_key(&parts.method, &parts.uri, &parts.headers) {
            return Err(without_key(caller.turn_away(rooms, Code::SchemaInvalid).await));
        }
        Ok(caller)
    }
}

impl Caller {
    /// Ends here for a caller none of whose roles may use a call about records at all, whatever else is wrong with it.
    pub(super) async fn must_ask(&self, ask: Ask, rooms: &Rooms) -> Result<(), Problem> {
        let _first = self.noting.ask.set(ask);
        let standing = self.actor.standing();
        self.must(rooms.access.check_call(standing, ask, &self.origin, self.now), rooms).await
    }

    /// Ends here for a caller none of whose roles has the duty, whatever else is wrong with its request.
    pub(super) async fn must_have(&self, duty: Duty, rooms: &Rooms) -> Result<(), Problem> {
        let standing = self.actor.standing();
        match rooms.access.decide_duty(standing, duty, &self.origin, self.now, ()) {
            Ok(_decided_again) => Ok(()),
            Err(denied) => Err(refuse(rooms, denied, Code::Denied).await),
        }
    }

    /// The same for several duties, of which one is enough.
    pub(super) async fn must_have_one(
        &self,
        duties: &[Duty],
        rooms: &Rooms,
    ) -> Result<(), Problem> {
        let held = rooms.access.first_duty(self.actor.standing(), duties, self.now);
        // Without any, the refusal is of the first.
        match held.or(duties.first().copied()) {
            Some(duty) => self.must_have(duty, rooms).await,
            None => Err(self.turn_away(rooms, Code::Denied).await),
        }
    }

    /// Ends here for a caller for none of whose posts anybody stands in.
    pub(super) async fn must_delegate(&self, rooms: &Rooms) -> Result<(), Problem> {
        let standing = self.actor.standing();
        self.must(rooms.access.check_delegator(standing, &self.origin, self.now), rooms).await
    }

    /// Ends here for a caller none of whose posts places anybody, whatever else is wrong with its request.
    pub(super) async fn must_place(&self, act: PlacingAct, rooms: &Rooms) -> Result<(), Problem> {
        let standing = self.actor.standing();
        self.must(rooms.access.check_placer(standing, act, &self.origin, self.now), rooms).await
    }

    /// Ends here for a caller none of whose roles gives tasks, whatever else is wrong with its request.
    pub(super) async fn must_give_tasks(&self, rooms: &Rooms) -> Result<(), Problem> {
        let standing = self.actor.standing();
        self.must(rooms.access.check_giver(standing, &self.origin, self.now), rooms).await
    }

    /// Ends here for a caller none of whose roles has emergency access, whatever else is wrong with its request.
    pub(super) async fn must_break_glass(&self, rooms: &Rooms) -> Result<(), Problem> {
        let standing = self.actor.standing();
        self.must(rooms.access.check_breaker(standing, &self.origin, self.now), rooms).await
    }

    /// Ends here for a caller none of whose roles checks anybody at a counter.
    pub(super) async fn must_check(&self, rooms: &Rooms) -> Result<(), Problem> {
        let standing = self.actor.standing();
        self.must(rooms.access.check_counter(standing, &self.origin, self.now), rooms).await
    }

    /// Ends here for a caller none of whose roles asks for organs, whatever else is wrong with its request.
    pub(super) async fn must_ask_official(&self, rooms: &Rooms) -> Result<(), Problem> {
        let standing = self.actor.standing();
        self.must(rooms.access.check_official(standing, &self.origin, self.now), rooms).await
    }

    /// Ends here for a caller none of whose roles protects addresses, whatever else is wrong with its request.
    pub(super) async fn must_protect(&self, rooms: &Rooms) -> Result<(), Problem> {
        let standing = self.actor.standing();
        self.must(rooms.access.check_protector(standing, &self.origin, self.now), rooms).await
    }

    /// Ends here for a caller none of whose roles serves residents.
    pub(super) async fn must_serve(&self, written: Written, rooms: &Rooms) -> Result<(), Problem> {
        let standing = self.actor.standing();
        self.must(rooms.access.check_desk(standing, written, &self.origin, self.now), rooms).await
    }

    /// Ends here for whoever serves no residents and agrees to nothing that desks ask for.
    pub(super) async fn must_see_due(&self, rooms: &Rooms) -> Result<(), Problem> {
        let standing = self.actor.standing();
        self.must(rooms.access.check_due(standing, &self.origin, self.now), rooms).await
    }

    /// Ends here for a caller none of whose posts may ask for a raised limit.
    pub(super) async fn must_raise(&self, rooms: &Rooms) -> Result<(), Problem> {
        let standing = self.actor.standing();
        self.must(rooms.access.check_raiser(standing, &self.origin, self.now), rooms).await
    }

    /// Ends here for whoever was denied.
    async fn must(&self, checked: Result<(), Denied>, rooms: &Rooms) -> Result<(), Problem> {
        match checked {
            Ok(()) => Ok(()),
            Err(denied) => Err(refuse(rooms, denied, Code::Denied).await),
        }
    }

    /// What a path names. What has not the form of an id names nothing, and is like one that nobody has.
    pub(super) async fn named<T: FromStr>(&self, text: &str, rooms: &Rooms) -> Result<T, Problem> {
        match text.parse() {
            Ok(named) => Ok(named),
            Err(_) => Err(self.turn_away(rooms, Code::NotFound).await),
        }
    }

    /// Turns a known caller away and records it.
    pub(super) async fn turn_away(&self, rooms: &Rooms, code: Code) -> Problem {
        let denied = rooms.access.refuse(Some(self.actor.standing()), code, &self.origin);
        refuse(rooms, denied, code).await
    }

    /// The same for what is wrong at some place.
    pub(super) async fn turn_away_for(&self, rooms: &Rooms, wrong: Wrong) -> Problem {
        let problem = self.turn_away(rooms, wrong.code).await;
        problem.pointing_at(wrong.at)
    }

    /// What a request means, or its end at the place where it means nothing.
    pub(super) async fn understood<T>(
        &self,
        meant: Result<T, Wrong>,
        rooms: &Rooms,
    ) -> Result<T, Problem> {
        match meant {
            Ok(meant) => Ok(meant),
            Err(wrong) => Err(self.turn_away_for(rooms, wrong).await),
        }
    }
}

/// The token behind the scheme, whose case does not matter (RFC 9110 section 11.1).
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

/// The origin that the surrounding layer put there.
pub(super) fn origin_of(parts: &Parts) -> Origin {
    parts.extensions.get::<Origin>().cloned().unwrap_or_default()
}

/// Records a refusal and makes it a problem.
pub(super) async fn refuse(rooms: &Rooms, denied: Denied, code: Code) -> Problem {
    match rooms.trail.refuse(denied).await {
        Ok(recorded) => Problem::recorded(code, Some(recorded)),
        Err(Unrecorded::Counted) => Problem::recorded(code, None),
        Err(Unrecorded::Trail(error)) => error.into(),
    }
}
