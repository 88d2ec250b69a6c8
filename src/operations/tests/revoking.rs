//! No read after its revocation, in the order of the log: reads and revocations meet in one group, in every order.
//! Never a sleep and never luck: the order in which calls are handed over is the order of the log.
//! `GRIDVAULT_INTERLEAVINGS=100000 cargo test --release --lib operations::tests::revoking` for as many as one has time for.

use super::setting::{PURPOSES, SCHEMAS};
use super::world::*;
use crate::access::Origin;
use crate::ambient::Micros;
use crate::identity::{Actor, ActorState};
use crate::operations::{
    Case, OperationError, Placing, TaskRequest, TaskScope, TaskStep, WithdrawRequest, change_state,
    end_post, give_task, step_task, withdraw_consent,
};
use crate::purposes::ConsentGiver;
use crate::records::{MandateId, RecordId, SubjectId};
use crate::seal::TaskKind;
use serde_json::{Value as Json, json};

const PURPOSE: &str = "record_correction";
const CONTACT: &str = "household_contact";
/// Reads that meet one revocation.
const READS_COUNT: usize = 4;
/// Rounds of one world: fewer refusals than lock an actor out.
const ROUNDS_COUNT: usize = 100;
/// Interleavings unless the environment says more.
const USUAL_COUNT: usize = 2_000;

/// What ends the right to read.
#[derive(Clone, Copy, Debug)]
enum Revocation {
    TaskClosed,
    PostEnded,
    Suspended,
    Withdrawn,
}

/// What one round is about.
struct Round {
    how: Revocation,
    /// A record whose number is for a task.
    id: RecordId,
    task: MandateId,
    /// A record that rests on a consent, and whose it is.
    contact: RecordId,
    subject: SubjectId,
}

/// The same numbers from the same seed (Knuth, MMIX).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

impl World {
    fn task(&self, head: &Actor, id: RecordId) -> MandateId {
        let request = TaskRequest {
            kind: TaskKind::Verification,
            holder: WORKER,
            scope: TaskScope::Named { records: vec![id], subjects: Vec::new() },
            fields: vec!["id_number".to_owned()],
            until: Micros(NOW.0 + 60_000_000),
            budget: None,
            asks_approval: false,
        };
        let asked = self.asked(head, PURPOSE);
        let given = give_task(
            &asked,
            request,
            &self.reader,
            &self.seal,
            &self.access,
            &self.trail,
            &SCHEMAS,
            &self.territory,
            &self.identity,
            &*self.random,
        );
        let task = wait(given).expect("a task").id;
        let worker = self.actor(WORKER);
        wait(self.step(&worker, task, TaskStep::Accept)).expect("taken");
        task
    }

    async fn step(
        &self,
        actor: &Actor,
        task: MandateId,
        step: TaskStep,
    ) -> Result<(), OperationError> {
        let (store, seal, access, trail) = (&self.reader, &self.seal, &self.access, &self.trail);
        let done = step_task(actor, task, step, &self.origin, NOW, store, seal, access, trail);
        done.await.map(drop)
    }

    /// What the worker is to see: the number inside the task, or what was given for contact.
    async fn look(&self, actor: &Actor, at: &Round) -> Result<Json, OperationError> {
        match at.how {
            Revocation::Withdrawn => self.read_async(actor, CONTACT, at.contact, &["name"]).await,
            _ => {
                let case = Some(Case::Mandate(at.task));
                self.read_within(actor, PURPOSE, case, at.id, &["id_number"]).await
            }
        }
    }

    /// Takes back what was given for contact.
    async fn withdraw(&self, desk: &Actor, at: &Round) -> Result<(), OperationError> {
        let consent = self.facts(at.contact).bases[0].consent.expect("it rests on a consent");
        let request = WithdrawRequest {
            subject: at.subject,
            consent,
            by: ConsentGiver::Self_,
            proof: "passport",
        };
        let asked = self.asked(desk, "rights_request");
        let done = withdraw_consent(
            &asked,
            request,
            &self.reader,
            &self.seal,
            &self.access,
            &self.trail,
            &SCHEMAS,
            &PURPOSES,
            &self.territory,
            &*self.random,
        );
        done.await.map(drop)
    }

    fn placing<'a>(&'a self, actor: &'a Actor, origin: &'a Origin) -> Placing<'a> {
        Placing {
            actor,
            origin,
            now: NOW,
            directory: self.identity.directory(),
            store: &self.reader,
            seal: &self.seal,
            access: &self.access,
            trail: &self.trail,
            words: &self.first_words,
        }
    }

    async fn revoke(&self, at: &Round, by: &Actor) -> Result<(), OperationError> {
        match at.how {
            Revocation::TaskClosed => self.step(by, at.task, TaskStep::Close).await,
            Revocation::Withdrawn => self.withdraw(by, at).await,
            Revocation::Suspended => {
                let placing = self.placing(by, &self.origin);
                change_state(&placing, WORKER, ActorState::Suspended).await.map(drop)
            }
            Revocation::PostEnded => {
                let post = self.identity.directory().record(&WORKER).expect("a worker");
                let post = post.assignments.first().expect("a post").id;
                end_post(&self.placing(by, &self.origin), WORKER, post).await.map(drop)
            }
        }
    }

    /// The worker works again, as before.
    fn restore(&self) {
        self.change_actor(WORKER, |record| {
            record.state = ActorState::Active;
            record.tokens_from = 0;
            for post in &mut record.assignments {
                post.until = None;
            }
        });
    }
}

/// One revocation among reads; gives how many reads came before it and how many of all showed something.
fn round(world: &World, id: RecordId, numbers: &mut Numbers) -> (usize, usize) {
    let (head, worker, security) = (world.actor(HEAD), world.actor(WORKER), world.actor(SECURITY));
    let desk = world.actor(DESK);
    let how = [
        Revocation::TaskClosed,
        Revocation::PostEnded,
        Revocation::Suspended,
        Revocation::Withdrawn,
    ];
    let how = how[numbers.below(how.len())];
    let given = world.create(WORKER, contact(ConsentGiver::Self_), json!({"name": "王伟"}));
    let given = given.expect("created");
    let subject = given.subject.expect("a person");
    let about = Round { how, id, task: world.task(&head, id), contact: given.id, subject };
    let by = match how {
        Revocation::TaskClosed => &head,
        Revocation::Withdrawn => &desk,
        Revocation::PostEnded | Revocation::Suspended => &security,
    };
    let at = numbers.below(READS_COUNT + 1);
    let mut calls: Vec<Later<'_, Result<Json, OperationError>>> = Vec::new();
    for _ in 0..READS_COUNT {
        calls.push(Box::pin(world.look(&worker, &about)));
    }
    calls.insert(at, Box::pin(async { world.revoke(&about, by).await.map(|()| json!("revoked")) }));
    let answers = world.in_one_group(calls);
    for (place, answer) in answers.iter().enumerate() {
        match answer {
            Ok(value) if place == at => assert_eq!(*value, json!("revoked")),
            Ok(value) => {
                assert!(place < at, "{how:?}: a read at {place} follows its revocation at {at}");
                let shown = match how {
                    Revocation::Withdrawn => json!({"name": "王伟"}),
                    _ => json!({"id_number": "880102198001010015"}),
                };
                assert_eq!(*value, shown, "{how:?}");
            }
            Err(OperationError::Refused { .. }) => assert!(place > at, "{how:?}: {place} of {at}"),
            Err(other) => panic!("{other:?}"),
        }
    }
    let shown = answers.iter().filter(|answer| answer.is_ok()).count() - 1;
    if matches!(how, Revocation::PostEnded | Revocation::Suspended) {
        world.restore();
    }
    (at, shown)
}

#[test]
fn no_read_follows_its_revocation_in_the_order_of_the_log() {
    let wanted = std::env::var("GRIDVAULT_INTERLEAVINGS").ok();
    let wanted = wanted.map_or(USUAL_COUNT, |count| count.parse().expect("a number"));
    let mut numbers = Numbers(20_270_115);
    let (mut done, mut before, mut seen) = (0, 0, 0);
    while done < wanted {
        let world = World::new();
        let fields =
            json!({"name": "王伟", "birth_date": "1980-01-01", "id_number": "880102198001010015"});
        let created = world.create(WORKER, registration(), fields).expect("created");
        for _ in 0..ROUNDS_COUNT {
            let (at, shown) = round(&world, created.id, &mut numbers);
            before += at;
            seen += shown;
        }
        done += ROUNDS_COUNT * READS_COUNT;
    }
    assert_eq!(before, seen, "whatever came before its revocation was shown");
    assert!(seen > 0 && seen < done, "both orders came");
}
