//! A street's coordination platform: sees who lives where in masked form, keeps up by the feed, and checks receipts.
//! Never copies the register: it holds ids and versions, and asks again when it has something to do.
//! Run it over a demo: `cargo run --example coordinate -- --demo DIRECTORY/demo.json`

#[path = "client/mod.rs"]
mod client;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use client::Client;
use client::demo::{Demo, Shown, must, refused, say, show};
use gridvault_audit::verify::{VerifierKey, verify_proof};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::error::Error;
use std::process::ExitCode;

const PURPOSE: &str = "residence_registration";
/// Records of a page; the vault refuses more than 256.
const PAGE: u32 = 100;
/// Pages that are turned at most: whoever follows a cursor bounds it.
const PAGES_COUNT_MAX: usize = 1_000;

fn main() -> ExitCode {
    show(coordinate)
}

fn coordinate(demo: &Demo) -> Shown {
    let street = demo.client_of("street_operator")?.for_purpose(PURPOSE);
    let (count, receipt) = list(&street)?;
    say(&format!("{count} people of the street, each name masked by the vault"));

    follow(demo, &street)?;
    prove(demo, &street, &receipt)
}

/// Turns the pages of a list, and gives the number of records and the receipt of the last page.
fn list(street: &Client) -> Result<(usize, Value), Box<dyn Error>> {
    let mut question = json!({"type": "person", "fields": ["name", "phone"], "limit": PAGE});
    let mut count = 0;
    for _ in 0..PAGES_COUNT_MAX {
        let page = street.ask("/v1/records/query", &question).json()?;
        let items = page["items"].as_array().into_iter().flatten();
        for item in items {
            count += 1;
            // `null` is not masked: nothing is held there.
            let masked = |field: &str| {
                let named = item["masked"].as_array().into_iter().flatten().any(|one| one == field);
                named || item["fields"][field].is_null()
            };
            must(masked("name") && masked("phone"), "what lists show of people is masked")?;
        }
        match page["cursor"].as_str() {
            Some(cursor) => question["cursor"] = json!(cursor),
            None => {
                must(count > 0, "the list has somebody")?;
                return Ok((count, page["receipt"].clone()));
            }
        }
    }
    Err("the list has no end".into())
}

/// Follows the feed: what changes comes by id and version, and whoever needs a value asks for it by name.
fn follow(demo: &Demo, street: &Client) -> Shown {
    let mut known = BTreeMap::new();
    let mut cursor = catch_up(street, None, &mut known)?;
    say(&format!("the feed told of {} records", known.len()));
    let record = demo.text("/samples/record_id");
    let before = known.get(record).copied();
    must(before.is_some(), "the sample person is in the feed")?;

    // Meanwhile the worker of the grid corrects something. The platform may not, and is told so.
    let path = format!("/v1/records/{record}");
    let change = json!({"fields": {"verified_at": "2026-11-02"}});
    let version = before.unwrap_or_default();
    refused(street.change(&path, version, &change).json(), "denied")?;
    let worker = demo.client_of("grid_worker")?.for_purpose(PURPOSE);
    let changed = worker.change(&path, version, &change).json()?;

    // The cursor is kept with what it led to, so that nothing is missed and nothing comes twice after a restart.
    cursor = catch_up(street, Some(&cursor), &mut known)?;
    must(known.get(record).copied() == changed["version"].as_u64(), "the feed told of the change")?;
    let mut nothing_new = BTreeMap::new();
    catch_up(street, Some(&cursor), &mut nothing_new)?;
    must(nothing_new.is_empty(), "nothing comes twice")?;
    let seen = street.get(&format!("{path}?fields=name,verified_at")).json()?;
    say(&format!("it changed; asked for by name it is {}", seen["fields"]));
    Ok(())
}

/// Reads the feed to its end, and gives the cursor to go on from.
fn catch_up(
    street: &Client,
    since: Option<&str>,
    known: &mut BTreeMap<String, u64>,
) -> Result<String, Box<dyn Error>> {
    let mut since = since.map(str::to_owned);
    for _ in 0..PAGES_COUNT_MAX {
        let from = since.map(|cursor| format!("&since={cursor}")).unwrap_or_default();
        let page = street.get(&format!("/v1/changes?limit={PAGE}{from}")).json()?;
        for change in page["changes"].as_array().into_iter().flatten() {
            let id = change["id"].as_str().unwrap_or_default().to_owned();
            match (change["removed"].as_bool(), change["version"].as_u64()) {
                (Some(true), _) => known.remove(&id),
                (_, Some(version)) => known.insert(id, version),
                (_, None) => return Err("a change without its version".into()),
            };
        }
        let cursor = page["cursor"].as_str().ok_or("a page without a cursor")?.to_owned();
        if page["more"] != true {
            return Ok(cursor);
        }
        since = Some(cursor);
    }
    Err("the feed has no end".into())
}

/// The receipt of an answer leads to its entry: the proof is checked here, with a key that does not come from the vault.
fn prove(demo: &Demo, street: &Client, receipt: &Value) -> Shown {
    let (index, leaf) = (&receipt["index"], receipt["leaf"].as_str().unwrap_or_default());
    // The vault answers once a checkpoint covers the entry, within a second or two.
    let proof = street.get(&format!("/v1/receipts/{index}/proof?leaf={leaf}")).text()?;
    // A real platform has the key from the operator's publication, never from the vault that it checks.
    let key = VerifierKey::parse(demo.text("/log/vkey")).map_err(|error| format!("{error:?}"))?;
    let leaf: [u8; 32] = BASE64_URL_SAFE_NO_PAD.decode(leaf)?.try_into().map_err(|_| "a leaf")?;
    let summary = verify_proof(proof.as_bytes(), &key, &leaf).map_err(|f| format!("{f:?}"))?;
    must(index.as_u64() == Some(summary.index), "the proof is about this entry")?;
    let mut another = leaf;
    another[0] ^= 1;
    must(verify_proof(proof.as_bytes(), &key, &another).is_err(), "and about no other leaf")?;
    say(&format!(
        "entry {index} is in the log; a promise that the log's key holder cannot take back"
    ));
    Ok(())
}
