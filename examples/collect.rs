//! A collecting system: a grid worker's handset that builds its form from the vault and stores a household.
//! Never keeps a resident's value once the vault has it, and never sends a write that could be done twice.
//! Run it over a demo: `cargo run --example collect -- --demo DIRECTORY/demo.json`

#[path = "client/mod.rs"]
mod client;

use client::demo::{Demo, Shown, must, refused, say, show};
use client::{Client, Failure};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::{Value, json};
use std::process::ExitCode;

/// What the worker is doing: every field of the form comes from this purpose.
const PURPOSE: &str = "residence_registration";
const ADDRESS: &str = "澜川市望澜区桂花桥街道工农社区机床厂家属院7号楼2单元402室";

fn main() -> ExitCode {
    show(collect)
}

fn collect(demo: &Demo) -> Shown {
    let worker = demo.client_of("grid_worker")?.for_purpose(PURPOSE);
    let form = Form::of("person", &worker)?;
    say(&format!("the form has {} items:", form.items.len()));
    for item in &form.items {
        say(&format!("  {} ({}), {} choices", item.title, item.field, item.choices.len()));
    }
    must(form.item("sex").is_some_and(|item| item.choices.contains(&"2".to_owned())), "the codes")?;

    // The handset makes both names with the form, and keeps them with it until the vault has answered. The key makes one
    // request safe to say again for a day; the capture id makes one household the same for ever, days offline included.
    let (capture, key) = (new_id()?, new_id()?);
    let mut household = household(demo.text("/samples/grid"), &capture);

    // A slip of the pen: the vault names the item and what is wrong, and nothing was stored.
    household["people"][0]["fields"]["phone"] = json!("1290000");
    let outcome = worker.store("/v1/households", &household).once(&key).json();
    let Err(Failure::Refused(problem)) = &outcome else {
        return Err("a telephone of seven digits was taken".into());
    };
    say(&format!("refused, and shown beside the items: {:?}", problem.fields));
    must(problem.fields.iter().any(|(field, _)| field == "people.mother.phone"), "the item")?;

    // Is the mother known here? The answer is yes or no, and never whose record it is.
    let number = &household["people"][0]["fields"]["id_number"];
    let look_up = json!({"type": "person", "field": "id_number", "value": number});
    must(worker.ask("/v1/records/match", &look_up).json()?["held"] == false, "nobody has it yet")?;

    household["people"][0]["fields"]["phone"] = json!("12900007402");
    let stored = worker.store("/v1/households", &household).once(&key).json()?;
    say(&format!("stored {} people, entry {} of the log", 2, stored["receipt"]["index"]));

    let known = worker.ask("/v1/records/match", &look_up).json()?;
    must(known["held"] == true && known["link"].is_string(), "now she is known")?;

    // The answer got lost: the same request again is answered, not done.
    let again = worker.store("/v1/households", &household).once(&key).json()?;
    must(again["id"] == stored["id"], "said twice, done once")?;
    // Days later the handset is not sure and sends the capture with a new key.
    let later = worker.store("/v1/households", &household).once(&new_id()?).json()?;
    must(later["id"] == stored["id"], "captured once, stored once")?;
    // A key belongs to one request.
    let mut other = household.clone();
    other["fields"]["kind"] = json!("collective");
    refused(worker.store("/v1/households", &other).once(&key).json(), "idempotency_mismatch")?;

    let person = stored["people"][0]["id"].as_str().unwrap_or_default();
    let read = worker.get(&format!("/v1/records/{person}?fields=name,phone,id_number")).json()?;
    must(read["fields"]["name"] == household["people"][0]["fields"]["name"], "what was stored")?;
    // A number is stored to be matched, not to be looked at: it is withheld, which is not the same as empty.
    must(read["withheld_because"]["id_number"] == "denied", "the number is not shown")?;
    say("read back by name; withheld: id_number");
    // The fields of a child under 14 are sensitive, whatever they are: they open inside a task alone.
    let child = stored["people"][1]["id"].as_str().unwrap_or_default();
    let read = worker.get(&format!("/v1/records/{child}?fields=name")).json();
    refused(read, "case_required")?;

    correct(&worker, person)?;
    Ok(())
}

/// A correction of what somebody else may be correcting too: read, change under that version, and on a conflict read again.
fn correct(worker: &Client, person: &str) -> Shown {
    let path = format!("/v1/records/{person}");
    let change = json!({"fields": {"phone": "12900007403"}});
    refused(worker.change(&path, 7, &change).json(), "version_conflict")?;
    let seen = worker.get(&format!("{path}?fields=phone")).json()?;
    let version = seen["version"].as_u64().unwrap_or_default();
    let changed = worker.change(&path, version, &change).once(&new_id()?).json()?;
    must(changed["version"].as_u64() == Some(version + 1), "one change, one version")?;
    let read = worker.get(&format!("{path}?fields=phone")).json()?;
    must(read["fields"]["phone"] == "12900007403", "the change")?;
    say("changed under the version that was seen");
    Ok(())
}

/// A form: the fields that the purpose lists, with titles and choices, as the vault describes them today.
struct Form {
    items: Vec<Item>,
}

struct Item {
    field: String,
    title: String,
    choices: Vec<String>,
}

impl Form {
    fn of(record_type: &str, client: &Client) -> Result<Form, Failure> {
        let schema = client.get(&format!("/v1/schemas/{record_type}")).json()?;
        let lists = client.get("/v1/code-lists").json()?;
        let purposes = client.get("/v1/purposes").json()?;
        let named = |list: &Value, id: &str, name: &str| {
            let mut all = list.as_array().into_iter().flatten();
            all.find(|one| one[id] == name).cloned().unwrap_or_default()
        };
        let purpose = named(&purposes["purposes"], "id", PURPOSE);
        let fields = purpose["fields"][record_type].as_array().into_iter().flatten();
        let item = |field: &Value| {
            let name = field.as_str().unwrap_or_default();
            let described = named(&schema["schema"]["fields"], "name", name);
            let list = described["codes"].as_str().unwrap_or_default();
            let codes = named(&lists["code_lists"], "name", list);
            let choices = codes["codes"].as_array().into_iter().flatten();
            Item {
                field: name.to_owned(),
                title: described["title_zh"].as_str().unwrap_or(name).to_owned(),
                // A retired code stays readable in old records and is offered in no form.
                choices: choices
                    .filter(|code| code["retired"] == false)
                    .filter_map(|code| code["code"].as_str().map(str::to_owned))
                    .collect(),
            }
        };
        Ok(Form { items: fields.map(item).collect() })
    }

    fn item(&self, field: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.field == field)
    }
}

/// A mother and her child, with the dwelling that they moved into. Everyone here is invented.
fn household(grid: &str, capture: &str) -> Value {
    json!({
        "grid": grid,
        "capture_id": capture,
        "basis": {
            "purpose": PURPOSE,
            "legal_basis": "residence_permit_duty",
            "notice": "residence_registration_notice_1",
        },
        "fields": {"kind": "family"},
        "dwelling": {"fields": {"address": ADDRESS, "kind": "dwelling"}},
        "people": [
            {
                "ref": "mother",
                "fields": {
                    "name": "沈望舒", "sex": "2", "birth_date": "1990-01-01",
                    "id_number": "880101199001010021", "household_relation": "02",
                },
                "residence": {"occupancy_kind": "rented", "move_in_date": "2026-09-01"},
            },
            {
                "ref": "child",
                "fields": {
                    "name": "林小满", "sex": "1", "birth_date": "2019-05-21",
                    "household_relation": "20",
                },
                "guardians": ["mother"],
            },
        ],
    })
}

/// A random id (RFC 9562 version 4).
fn new_id() -> Result<String, Box<dyn std::error::Error>> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).map_err(|_| "the host gave no random bytes")?;
    Ok(uuid::Builder::from_random_bytes(bytes).into_uuid().to_string())
}
