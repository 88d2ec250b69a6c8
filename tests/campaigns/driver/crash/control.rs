//! Shows before the first round that the judge can fail: each betrayal of a vault that is well must be found.
//! Never touches the vault; only what the judge is told is false.
//! A judge that lets one of them pass ends the campaign.

use super::judge::Judge;
use super::list::{Attempt, Tried};
use crate::dice::Dice;
use crate::fault::Fault;
use crate::page::Page;
use serde_json::{Value, json};

/// What is told falsely, and how.
type Betrayal = (&'static str, fn(&mut Vec<Tried>));

const BETRAYALS: [Betrayal; 6] = [
    ("a value that was never sent", |tried| {
        if let Attempt::Create { body } = &mut tried[0].attempt {
            body["fields"]["handling_note"] = json!("从未写入");
        }
    }),
    ("a write that was lost", |tried| {
        tell(tried, |body| body["id"] = json!("0190a1b2-c3d4-7e5f-8a6b-9c0d1e2f3a4b"));
    }),
    ("a receipt with another leaf", |tried| {
        tell(tried, |body| body["receipt"]["leaf"] = json!("A".repeat(43)));
    }),
    ("a receipt for another entry", |tried| {
        tell(tried, |body| body["receipt"]["index"] = json!(0));
    }),
    ("an entry that nobody asked for", |tried| {
        tried.remove(0);
    }),
    ("a change that has no entry", |tried| {
        let id = tried[0].answer.as_ref().and_then(|answer| answer.body["id"].as_str());
        let id = id.unwrap_or_default().to_owned();
        let fields = json!({"handling_note": "从未写入"}).as_object().cloned().unwrap_or_default();
        let attempt = Attempt::Patch { id, version: 1, fields };
        let mut answer = tried[1].answer.clone();
        if let Some(answer) = &mut answer {
            answer.status = 200;
        }
        tried.push(Tried { thread: 0, attempt, said: None, answer });
    }),
];

/// Stores a few events for each betrayal and has them judged on false terms.
pub fn check(
    page: &Page,
    dice: &mut Dice,
    events: fn(&Page, &mut Dice) -> Result<Vec<Tried>, Fault>,
) -> Result<(), Fault> {
    for (what, betray) in BETRAYALS {
        let mut judge = Judge::begin(page)?;
        let mut tried = events(page, dice)?;
        betray(&mut tried);
        if judge.judge(page, tried, dice, true)?.failures.is_empty() {
            return Err(Fault::Blind(what));
        }
    }
    Ok(())
}

fn tell(tried: &mut [Tried], change: fn(&mut Value)) {
    if let Some(answer) = &mut tried[0].answer {
        change(&mut answer.body);
    }
}
