//! A batch: lines in, answers out, in order, while both still come and go.
//! Never the whole request or more than a bounded part of the answer in memory, and never a line of a client that is gone.
//! One bad line fails alone; what was accepted is done, whether or not anybody reads its answer. Each line is decided by what
//! its caller is when it comes; without a token that counts, nothing more is taken.

mod item;
mod lines;
mod outlet;
mod window;

pub(super) use item::{BatchItemBody, LineBody};

use super::admission::Counted;
use super::caller::Caller;
use super::damage::Noting;
use super::headers::case_bytes;
use super::problem::Problem;
use super::rooms::Rooms;
use super::titles::Language;
use crate::access::{ActorId, Ask, Code};
use crate::ambient::Micros;
use crate::identity::{Actor, IdentityError};
use crate::limits::{
    ACTOR_BATCHES_COUNT_MAX, BATCH_LINES_COUNT_MAX, BATCH_LOOK_TIME, BATCH_PAUSE,
    BATCH_PIECE_BYTES, BATCH_TIME_MAX, BATCH_TURN_COUNT, BATCHES_COUNT_MAX,
};
use crate::operations::{
    Asked, BatchKey, Case, Met, OfBatch, Once, OperationError, Saying, UnderWay, admit_batch,
    create_household, create_record,
};
use crate::purposes::Purpose;
use crate::seal::Said;
use crate::trail::Space;
use axum::body::Body;
use item::Request;
use lines::{Input, Lines};
use outlet::{Gone, Outlet, outlet};
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::task::{Context, Poll};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;
use window::{Window, Work};
use zeroize::Zeroizing;

/// Places for batches, in all and of each actor. Cheap to clone.
#[derive(Clone)]
pub struct Batches {
    all: Arc<Semaphore>,
    actors: Arc<Counted<ActorId>>,
}

impl Default for Batches {
    fn default() -> Batches {
        let all = Arc::new(Semaphore::new(BATCHES_COUNT_MAX));
        Batches { all, actors: Arc::default() }
    }
}

impl Batches {
    /// A place for a batch of an actor.
    fn enter(&self, actor: ActorId) -> Result<Place, Code> {
        let all = self.all.clone().try_acquire_owned().map_err(|_| Code::Overloaded)?;
        if !self.actors.enter(actor, ACTOR_BATCHES_COUNT_MAX) {
            return Err(Code::RateLimited);
        }
        Ok(Place { actor, actors: self.actors.clone(), _all: all })
    }
}

/// The place of a batch. Dropped, it makes room.
struct Place {
    actor: ActorId,
    actors: Arc<Counted<ActorId>>,
    _all: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.actors.leave(&self.actor);
    }
}

/// The key of a batch, taken while it is worked on.
struct Key {
    text: String,
    said: Said,
    /// Whether nothing was remembered under the key when the batch began: then no line of it is either.
    is_new: bool,
    /// The day for which the store knows that the key stands for this batch; no day of ours before it does.
    known: AtomicI32,
    _under_way: UnderWay,
}

/// A batch that is worked on.
struct Batch {
    rooms: Arc<Rooms>,
    caller: Caller,
    purpose: String,
    case: Option<Case>,
    language: Language,
    request_id: String,
    key: Option<Key>,
    _place: Place,
}

/// Begins a batch: gives the body of its answer, which is made while the lines come in.
pub(super) async fn begin(
    rooms: &Arc<Rooms>,
    caller: Caller,
    (purpose, case): (&Purpose, Option<Case>),
    key: Option<String>,
    language: Language,
    body: Body,
) -> Result<Body, Problem> {
    let mut lines = Lines::new(body);
    let under = (purpose, case);
    let (batch, first) = match prepare(rooms, caller, under, key, language, &mut lines).await {
        Ok(prepared) => prepared,
        Err(problem) => {
            tokio::spawn(lines.read_away());
            return Err(problem);
        }
    };
    let (outlet, answers) = outlet();
    // A task of its own: the answer may be read slowly or not at all, and what was accepted is done all the same.
    tokio::spawn(async move {
        batch.run(&mut lines, first, &outlet).await;
        outlet.end();
        drop(batch);
        lines.read_away().await;
    });
    Ok(Body::new(answers))
}

/// Takes a place and the key, and waits for the first line: without one it is no batch.
async fn prepare(
    rooms: &Arc<Rooms>,
    mut caller: Caller,
    (purpose, case): (&Purpose, Option<Case>),
    key: Option<String>,
    language: Language,
    lines: &mut Lines,
) -> Result<(Batch, Input), Problem> {
    let place = rooms.batches.enter(caller.actor.standing().actor).map_err(Problem::unrecorded)?;
    let mut key = match key {
        Some(text) => Some(hold(rooms, &caller, purpose, case, text).await?),
        None => None,
    };
    let before = admit_batch(
        &caller.asked(purpose),
        key.as_ref().map(|key| &key.said),
        &rooms.store,
        &rooms.access,
        &rooms.trail,
        &rooms.schemas,
        &rooms.territory.load(),
    )
    .await?;
    if let Some(key) = &mut key {
        key.is_new = before == BatchKey::New;
    }
    let first = lines.next().await;
    if matches!(first, Input::End | Input::Endless) {
        return Err(caller.turn_away(rooms, Code::SchemaInvalid).await);
    }
    caller.origin.in_batch = true;
    let batch = Batch {
        rooms: rooms.clone(),
        request_id: Uuid::from_bytes(caller.origin.request).to_string(),
        caller,
        purpose: purpose.id.as_str().to_owned(),
        case,
        language,
        key,
        _place: place,
    };
    Ok((batch, first))
}

async fn hold(
    rooms: &Rooms,
    caller: &Caller,
    purpose: &Purpose,
    case: Option<Case>,
    text: String,
) -> Result<Key, Problem> {
    let actor = caller.actor.standing().actor;
    let parts: [&[u8]; 3] = [b"batch", purpose.id.as_str().as_bytes(), case_bytes(case.as_ref())];
    let said = rooms.seal.said(actor, &text, &parts);
    let under_way = match rooms.repeats.begin(actor, &said) {
        Ok(under_way) => under_way,
        Err(code) => return Err(caller.turn_away(rooms, code).await),
    };
    Ok(Key { text, said, is_new: false, known: AtomicI32::new(i32::MIN), _under_way: under_way })
}

/// What a batch meets.
enum Event {
    Input(Input),
    Answer(Vec<u8>),
    /// Nothing comes, and it is time to look whether its caller is still one.
    Look,
    Over,
}

fn poll_event(
    context: &mut Context<'_>,
    window: &mut Window<'_>,
    lines: &mut Lines,
    open: bool,
) -> Poll<Event> {
    if let Poll::Ready(Some(answer)) = window.poll_front(context) {
        return Poll::Ready(Event::Answer(answer));
    }
    if open
        && window.has_room()
        && let Poll::Ready(input) = lines.poll_next(context)
    {
        return Poll::Ready(Event::Input(input));
    }
    if !open && window.is_empty() { Poll::Ready(Event::Over) } else { Poll::Pending }
}

/// Answers are gathered into pieces, and sent before anything is waited for.
struct Sink<'a> {
    outlet: &'a Outlet,
    piece: Vec<u8>,
    reader_gone: bool,
}

impl Sink<'_> {
    async fn take(&mut self, answer: &[u8]) {
        self.piece.extend_from_slice(answer);
        if self.piece.len() >= BATCH_PIECE_BYTES {
            self.flush().await;
        }
    }

    async fn flush(&mut self) {
        let piece = std::mem::take(&mut self.piece);
        if !piece.is_empty() && !self.reader_gone {
            self.reader_gone = self.outlet.send(piece).await == Err(Gone);
        }
    }
}

impl Batch {
    /// Works until the lines end or the batch may have no more of them, and what was begun is answered.
    async fn run(&self, lines: &mut Lines, first: Input, outlet: &Outlet) {
        let mut window = Window::default();
        let mut sink = Sink { outlet, piece: Vec::new(), reader_gone: false };
        let (mut first, mut number, mut open) = (Some(first), 0, true);
        let mut looks = tokio::time::interval(BATCH_LOOK_TIME);
        loop {
            // Whose reader is gone sends no more lines either.
            open &= !sink.reader_gone;
            let mut poll = |context: &mut Context<'_>| {
                let event = poll_event(context, &mut window, lines, open);
                match event.is_pending() && open && looks.poll_tick(context).is_ready() {
                    true => Poll::Ready(Event::Look),
                    false => event,
                }
            };
            let event = match first.take().map(Event::Input) {
                Some(event) => event,
                None => match poll_fn(|context| Poll::Ready(poll(context))).await {
                    Poll::Ready(event) => event,
                    Poll::Pending => {
                        sink.flush().await;
                        poll_fn(poll).await
                    }
                },
            };
            match event {
                Event::Over => break,
                Event::Answer(answer) => sink.take(&answer).await,
                Event::Look => {
                    if let Err(code) = self.actor_at(self.rooms.clock.now()) {
                        (open, number) = (false, number + 1);
                        let (bytes, work) = self.work(number, Input::End, Some(code));
                        window.begin(bytes, work).await;
                    }
                }
                Event::Input(Input::End) => open = false,
                Event::Input(input) => {
                    number += 1;
                    let end = self.end_at(number, &input).await;
                    open = end.is_none();
                    let (bytes, work) = self.work(number, input, end);
                    window.begin(bytes, work).await;
                    if number.is_multiple_of(BATCH_TURN_COUNT) {
                        tokio::task::yield_now().await;
                    }
                }
            }
        }
        sink.flush().await;
    }

    /// Why this line is not worked on, nor any behind it. Waits while too much waits for the disk.
    async fn end_at(&self, number: u32, input: &Input) -> Option<Code> {
        let trail = &self.rooms.trail;
        if number > BATCH_LINES_COUNT_MAX {
            return Some(Code::TooLarge);
        }
        if *input == Input::Endless {
            return Some(Code::SchemaInvalid);
        }
        if trail.is_locked_out(self.caller.actor.standing().actor) {
            return Some(Code::RateLimited);
        }
        if let Err(code) = self.actor_at(self.rooms.clock.now()) {
            return Some(code);
        }
        loop {
            if !trail.is_writable() {
                return Some(Code::TrailUnavailable);
            }
            if trail.space() != Space::Ample {
                return Some(Code::StorageFull);
            }
            let taken_micros = self.rooms.clock.now().0.saturating_sub(self.caller.now.0);
            let taken_micros = u128::try_from(taken_micros).unwrap_or(0);
            if taken_micros > BATCH_TIME_MAX.as_micros() {
                return Some(Code::Overloaded);
            }
            if !trail.is_late() {
                return None;
            }
            tokio::time::sleep(BATCH_PAUSE).await;
        }
    }

    /// The caller as it is now: whoever was let in when the batch began may have no token, state or post any more.
    fn actor_at(&self, now: Micros) -> Result<Actor, Code> {
        self.rooms.identity.again(&self.caller.actor, now).map_err(|error| match error {
            IdentityError::Invalid => Code::TokenInvalid,
            IdentityError::Expired => Code::TokenExpired,
        })
    }

    fn work(&self, number: u32, input: Input, end: Option<Code>) -> (usize, Work<'_>) {
        match (end, input) {
            (None, Input::Line(line)) => {
                (line.len(), Box::pin(async move { self.answer(number, line).await }))
            }
            (end, _) => {
                let code = end.unwrap_or(Code::TooLarge);
                (0, Box::pin(async move { self.turn_away(number, code).await }))
            }
        }
    }

    async fn answer(&self, number: u32, line: Zeroizing<Vec<u8>>) -> Vec<u8> {
        // A line of its own to every room: the batch's answer began long before this one is known.
        let noting = self.noting();
        let mut stored = self.store(number, line, &noting.met).await;
        let met = noting.recorded(stored.as_mut().err(), &self.caller.origin, &self.rooms);
        match met.await.and(stored) {
            Ok(item) => item,
            Err(problem) => self.refusal(number, problem),
        }
    }

    fn noting(&self) -> Noting {
        let noting = Noting::default();
        let _is_new = noting.who.set(self.caller.actor.standing().clone());
        let _is_new = noting.ask.set(Ask::Create);
        let _is_new = noting.purpose.set(self.purpose.clone());
        noting
    }

    async fn turn_away(&self, number: u32, code: Code) -> Vec<u8> {
        let problem = match code {
            Code::TooLarge | Code::SchemaInvalid | Code::TokenInvalid | Code::TokenExpired => {
                self.caller.turn_away(&self.rooms, code).await
            }
            // Nothing was decided about such a line; the lock-out has its entry.
            _ => Problem::unrecorded(code),
        };
        self.refusal(number, problem)
    }

    fn refusal(&self, number: u32, problem: Problem) -> Vec<u8> {
        BatchItemBody::refused(number, problem, &self.request_id, self.language)
    }

    async fn store(
        &self,
        number: u32,
        line: Zeroizing<Vec<u8>>,
        met: &Met,
    ) -> Result<Vec<u8>, Problem> {
        let rooms = &*self.rooms;
        // Its own time: a line at the end of a long batch is not of the moment when that began.
        let now = rooms.clock.now();
        let purpose = rooms.purposes.get(&self.purpose).filter(|purpose| purpose.active);
        let (request, purpose) = match (item::parse(&line), purpose) {
            (Ok(request), Some(purpose)) => (request, purpose),
            (Err(wrong), _) => return Err(self.caller.turn_away_for(rooms, wrong).await),
            (_, None) => return Err(self.caller.turn_away(rooms, Code::PurposeUnknown).await),
        };
        let once = self.once(number, &line, now).await?;
        drop(line);
        let actor = match self.actor_at(now) {
            Ok(actor) => actor,
            Err(code) => return Err(self.caller.turn_away(rooms, code).await),
        };
        let (actor, origin) = (&actor, &self.caller.origin);
        let (case, once) = (self.case, once.as_ref());
        let asked = Asked { actor, purpose, case, origin, now, once, met };
        let territory = rooms.territory.load();
        let log = rooms.trail.origin();
        let (item, saying) = match request {
            Request::Record(request) => {
                let created = create_record(
                    &asked,
                    request,
                    &rooms.store,
                    &rooms.seal,
                    &rooms.access,
                    &rooms.trail,
                    &rooms.schemas,
                    &territory,
                    &*rooms.random,
                );
                let created = created.await?;
                let saying = created.saying;
                (BatchItemBody::record(number, created, log), saying)
            }
            Request::Household(request) => {
                let created = create_household(
                    &asked,
                    *request,
                    &rooms.store,
                    &rooms.seal,
                    &rooms.access,
                    &rooms.trail,
                    &rooms.schemas,
                    &territory,
                    &*rooms.random,
                );
                let created = created.await?;
                let saying = created.saying;
                (BatchItemBody::household(number, created, log), saying)
            }
        };
        if let (Some(key), Saying::First) = (&self.key, saying) {
            key.known.store(now.utc_days(), Ordering::Relaxed);
        }
        Ok(item)
    }

    async fn once(
        &self,
        number: u32,
        line: &[u8],
        now: Micros,
    ) -> Result<Option<Once>, OperationError> {
        let Some(key) = &self.key else { return Ok(None) };
        let rooms = &*self.rooms;
        let actor = self.caller.actor.standing().actor;
        let parts: [&[u8]; 2] = [self.purpose.as_bytes(), line];
        let said = rooms.seal.said_in_batch(actor, &key.text, number, &parts);
        let of_batch =
            (key.known.load(Ordering::Relaxed) != now.utc_days()).then(|| key.said.clone());
        let batch = Some(OfBatch { said: of_batch, is_new: key.is_new });
        rooms.repeats.once(said, batch, now.utc_days(), &rooms.store).await.map(Some)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_taken_to_their_limits_and_the_next_one_when_a_place_is_free() {
        let batches = Batches::default();
        let actor = |number: usize| ActorId::from_bytes([u8::try_from(number).expect("few"); 16]);
        let enter = |number: usize| batches.enter(actor(number));
        let mut places: Vec<Place> =
            (0..ACTOR_BATCHES_COUNT_MAX).map(|_| enter(0).expect("a place")).collect();
        assert_eq!(enter(0).err(), Some(Code::RateLimited));
        for number in ACTOR_BATCHES_COUNT_MAX..BATCHES_COUNT_MAX {
            places.push(enter(number).expect("a place"));
        }
        assert_eq!(enter(99).err(), Some(Code::Overloaded));
        drop(places.remove(0));
        places.push(enter(0).expect("a place"));
        assert_eq!(enter(99).err(), Some(Code::Overloaded));
        drop(places);
        assert!(enter(99).is_ok());
    }
}
