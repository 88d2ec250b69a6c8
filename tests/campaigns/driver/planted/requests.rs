//! Everything that a caller may do with a marked value, rightly and wrongly.
//! Never looks at an answer beyond its status; all but the authorised readings in clear are kept for the scan.
//! Refusals are spread over the callers, so that none is locked out.

use super::markers::{Kind, Marker, Source};
use crate::client::{Ask, Client, Reply};
use crate::fault::Fault;
use crate::page::Page;
use serde_json::{Map, Value, json};

const REGISTRATION: &str = "residence_registration";
const SAFETY: &str = "safety_inspection";
/// Markers of each kind that every wrong request is made with.
const WRONG_COUNT: usize = 5;
/// A body beyond the limit, in bytes.
const OVERSIZE_BYTES: usize = 300 * 1024;

/// Answers whole, each with what was asked in front.
pub type Answers = Vec<(String, Vec<u8>)>;

/// A record that was stored.
pub struct Stored {
    id: String,
    grid: String,
    purpose: &'static str,
    fields: Map<String, Value>,
    version: u64,
}

/// A caller of the vault that keeps what it is told.
pub struct Requests<'a> {
    page: &'a Page,
    client: Client,
    /// What came back: all of it but readings in clear.
    pub answers: Answers,
    /// Readings in clear that showed what was stored.
    pub readings: u64,
    /// Matches that found what was stored.
    pub matches: u64,
    turn: usize,
}

impl<'a> Requests<'a> {
    /// A caller.
    pub fn new(page: &'a Page) -> Requests<'a> {
        let client = Client::new(&page.url);
        Requests { page, client, answers: Vec::new(), readings: 0, matches: 0, turn: 0 }
    }

    /// Stores every record of the source, in the grids in turn.
    pub fn store(&mut self, source: &Source) -> Result<Vec<Stored>, Fault> {
        let grids = self.page.grids();
        let persons = source.persons.iter().map(|fields| ("person", REGISTRATION, fields));
        let events = source.events.iter().map(|fields| ("event", SAFETY, fields));
        let mut stored = Vec::new();
        for (number, (kind, purpose, fields)) in persons.chain(events).enumerate() {
            let grid = grids[number % grids.len()].clone();
            let role = ["grid_worker", "grid_head"][number % 2];
            let token = self.page.token(role, Some(&grid))?;
            let body = body_of(kind, purpose, &grid, fields);
            let ask = Ask::new("POST", "/v1/records", token).purpose(purpose).json(&body);
            let reply = self.keep("store", &ask)?;
            let id = reply.json()["id"].as_str().map(str::to_owned);
            let Some(id) = id.filter(|_| reply.status == 201) else {
                let answer = String::from_utf8_lossy(&reply.body).into_owned();
                return Err(Fault::Refused(format!("storing a {kind}: {answer}")));
            };
            stored.push(Stored { id, grid, purpose, fields: fields.clone(), version: 1 });
        }
        Ok(stored)
    }

    /// Reads each in clear by its worker, masked by the street, and in vain by all others.
    pub fn read(&mut self, stored: &[Stored]) -> Result<(), Fault> {
        for one in stored {
            let names: Vec<&str> =
                one.fields.keys().map(String::as_str).filter(|name| *name != "id_number").collect();
            let path = format!("/v1/records/{}?fields={}", one.id, names.join(","));
            let worker = self.page.token("grid_worker", Some(&one.grid))?;
            let ask = Ask::new("GET", &path, worker).purpose(one.purpose);
            let reply = self.client.send(&ask.header("user-agent", header_of(one)))?;
            let shown = reply.json();
            let is_whole = names.iter().all(|name| shown["fields"][*name] == one.fields[*name]);
            self.readings += u64::from(reply.status == 200 && is_whole);
            let neighbour = self.page.grids().into_iter().find(|grid| *grid != one.grid);
            let others = [
                ("street_operator", None),
                ("grid_head", neighbour.as_deref()),
                ("compliance_auditor", None),
                ("city_platform", None),
            ];
            for (role, grid) in others {
                let token = self.page.token(role, grid)?;
                // Only what is no public fact of the matter: the street may see those in clear.
                let path = format!("/v1/records/{}?fields={}", one.id, personal(&names).join(","));
                self.keep(role, &Ask::new("GET", &path, token).purpose(one.purpose))?;
            }
        }
        Ok(())
    }

    /// Asks for the numbers and telephones, of these and of nobody.
    pub fn matches(&mut self, stored: &[Stored]) -> Result<(), Fault> {
        for one in stored.iter().filter(|one| one.purpose == REGISTRATION) {
            for (name, role) in [("id_number", "grid_worker"), ("phone", "grid_head")] {
                let Some(value) = one.fields.get(name) else { continue };
                let body = json!({"type": "person", "field": name, "value": value});
                for grid in [Some(one.grid.as_str()), None] {
                    let token = self.page.token(role, grid)?;
                    let ask = Ask::new("POST", "/v1/records/match", token).purpose(REGISTRATION);
                    let reply = self.keep("match", &ask.json(&body))?;
                    self.matches += u64::from(reply.json()["held"] == true);
                }
            }
        }
        Ok(())
    }

    /// Writes every value again, and a few under a version that is not there.
    pub fn patch(&mut self, stored: &mut [Stored]) -> Result<(), Fault> {
        for one in stored {
            let token = self.page.token("grid_worker", Some(&one.grid))?;
            let mut fields = one.fields.clone();
            fields.remove("birth_date");
            let body = json!({"fields": fields});
            for version in [one.version + 9, one.version] {
                let path = format!("/v1/records/{}", one.id);
                let ask = Ask::new("PATCH", path, token).purpose(one.purpose);
                let reply = self.keep("patch", &ask.version(version).json(&body))?;
                if reply.status == 200 {
                    one.version = version + 1;
                }
            }
        }
        Ok(())
    }

    /// Removes some, with a marked reason.
    pub fn delete(&mut self, stored: &[Stored]) -> Result<u64, Fault> {
        let mut removed = 0;
        for one in stored {
            let token = self.page.token("grid_head", Some(&one.grid))?;
            let path = format!("/v1/records/{}", one.id);
            let text = Value::Object(one.fields.clone()).to_string();
            for reason in [text.repeat(9), text.chars().take(190).collect()] {
                let ask = Ask::new("DELETE", &path, token).purpose(one.purpose);
                let ask = ask.version(one.version).json(&json!({"reason": reason}));
                removed += u64::from(self.keep("delete", &ask)?.status == 200);
            }
        }
        Ok(removed)
    }

    /// Every wrong request, with some markers of each kind.
    pub fn wrong(&mut self, markers: &[Marker]) -> Result<(), Fault> {
        let kinds = [
            Kind::Name,
            Kind::LatinName,
            Kind::IdNumber,
            Kind::Phone,
            Kind::Address,
            Kind::FreeText,
        ];
        for kind in kinds {
            for marker in markers.iter().filter(|one| one.kind == kind).take(WRONG_COUNT) {
                self.wrong_bodies(&marker.text)?;
                self.wrong_heads(&marker.text)?;
                self.wrong_calls(&marker.text)?;
            }
        }
        Ok(())
    }

    fn wrong_bodies(&mut self, text: &str) -> Result<(), Fault> {
        let (grid, token) = self.next_worker()?;
        let fields = json!({"name": "无人"}).as_object().cloned().unwrap_or_default();
        let good = body_of("person", REGISTRATION, &grid, &fields);
        let with = |change: &dyn Fn(&mut Value)| {
            let mut body = good.clone();
            change(&mut body);
            body.to_string().into_bytes()
        };
        let bodies: Vec<(&str, Vec<u8>)> = vec![
            ("unknown field", with(&|body| body["fields"][text] = json!("x"))),
            ("value of an unknown field", with(&|body| body["fields"]["nickname"] = json!(text))),
            ("unknown member", with(&|body| body[text] = json!(text))),
            ("text for a number", with(&|body| body["fields"]["sex"] = json!(text))),
            ("date", with(&|body| body["fields"]["birth_date"] = json!(text))),
            ("telephone", with(&|body| body["fields"]["phone"] = json!(format!("{text}x")))),
            (
                "citizen number",
                with(&|body| body["fields"]["id_number"] = json!(format!("{text}0"))),
            ),
            ("list", with(&|body| body["fields"]["name"] = json!([text]))),
            ("too long", with(&|body| body["fields"]["name"] = json!(text.repeat(70)))),
            ("type", with(&|body| body["type"] = json!(text))),
            ("grid", with(&|body| body["grid"] = json!(text))),
            ("subject", with(&|body| body["subject"] = json!(text))),
            ("notice", with(&|body| body["basis"]["notice"] = json!(text))),
            ("basis", with(&|body| body["basis"]["legal_basis"] = json!(text))),
            ("purpose of the body", with(&|body| body["basis"]["purpose"] = json!(text))),
            ("end", with(&|body| body["retain_until"] = json!(text))),
            ("malformed", format!("{{\"name\": \"{text}\", ").into_bytes()),
            ("no JSON", text.as_bytes().to_vec()),
            ("twice", format!("{{\"{text}\": 1, \"{text}\": 2}}").into_bytes()),
            ("deep", format!("{}\"{text}\"{}", "[".repeat(40), "]".repeat(40)).into_bytes()),
            ("oversize", text.repeat(OVERSIZE_BYTES / text.len()).into_bytes()),
        ];
        for (what, body) in bodies {
            let ask = Ask::new("POST", "/v1/records", &token).purpose(REGISTRATION).bytes(body);
            self.keep_if_answered(what, &ask)?;
        }
        let household = json!({
            "grid": grid, "basis": good["basis"], "fields": {"kind": "family"},
            "people": [{"ref": "p1", "fields": {"name": text, "sex": text}, "guardians": [text]}],
        });
        let ask = Ask::new("POST", "/v1/households", &token).purpose(REGISTRATION);
        self.keep("household", &ask.json(&household))?;
        let wrong_match = json!({"type": "person", "field": text, "value": text});
        let ask = Ask::new("POST", "/v1/records/match", &token).purpose(REGISTRATION);
        self.keep("match of an unknown field", &ask.json(&wrong_match))?;
        Ok(())
    }

    fn wrong_heads(&mut self, text: &str) -> Result<(), Fault> {
        let (_, token) = self.next_worker()?;
        let sample = format!("/v1/records/{}", self.page.sample.record);
        let read = || Ask::new("GET", format!("{sample}?fields=name"), &token);
        let patch = json!({"fields": {"name": text}});
        // The client library takes ASCII alone in this header.
        let bearer = format!("Bearer {}", escape(text));
        let asks = [
            ("purpose", read().header("purpose", text)),
            ("case", read().purpose(REGISTRATION).header("case", text)),
            ("language", read().purpose(REGISTRATION).header("accept-language", text)),
            ("agent", read().purpose(REGISTRATION).header("user-agent", text)),
            ("unknown header", read().header("x-resident", text)),
            ("token", Ask::open("GET", sample.clone()).header("authorization", bearer)),
            ("version", Ask::new("PATCH", &sample, &token).header("if-match", text).json(&patch)),
            ("no version", Ask::new("PATCH", &sample, &token).purpose(REGISTRATION).json(&patch)),
            (
                "media type",
                Ask::new("PATCH", &sample, &token).header("content-encoding", text).json(&patch),
            ),
        ];
        for (what, ask) in asks {
            self.keep(what, &ask)?;
        }
        Ok(())
    }

    fn wrong_calls(&mut self, text: &str) -> Result<(), Fault> {
        let (_, token) = self.next_worker()?;
        let escaped = escape(text);
        let sample = format!("/v1/records/{}", self.page.sample.record);
        let auditor = self.page.token("compliance_auditor", None)?.to_owned();
        let security = self.page.token("security_admin", None)?.to_owned();
        // A log-in name of capitals and space is none, so that nobody is enrolled.
        let actor = json!({"login": format!("{text} A"), "kind": "person"});
        let why = json!({
            "actor": text, "purpose": text, "type": text, "grid": text, "action": text, "fields": [text],
        });
        let asks = [
            ("id", Ask::new("GET", format!("/v1/records/{escaped}?fields=name"), &token)),
            ("path", Ask::new("GET", format!("/v1/{escaped}"), &token)),
            ("method", Ask::new("PUT", format!("/v1/records/{escaped}"), &token)),
            ("stranger's path", Ask::open("GET", format!("/{escaped}"))),
            ("field asked for", Ask::new("GET", format!("{sample}?fields={escaped}"), &token)),
            (
                "member of the query",
                Ask::new("GET", format!("{sample}?{escaped}={escaped}"), &token),
            ),
            ("schema", Ask::new("GET", format!("/v1/schemas/{escaped}"), &token)),
            (
                "proof",
                Ask::new("GET", format!("/v1/receipts/{escaped}/proof?leaf={escaped}"), &token),
            ),
            ("entries", Ask::new("GET", format!("/v1/audit/entries?from={escaped}"), &auditor)),
            ("code", Ask::open("POST", "/v1/enrol").json(&json!({"code": text}))),
            ("actor", Ask::new("POST", "/v1/admin/actors", &security).json(&actor)),
            ("explain", Ask::new("POST", "/v1/admin/policies/explain", &security).json(&why)),
        ];
        for (what, ask) in asks {
            self.keep(what, &ask.purpose(REGISTRATION))?;
        }
        Ok(())
    }

    fn next_worker(&mut self) -> Result<(String, String), Fault> {
        self.turn += 1;
        let grids = self.page.grids();
        let grid = grids[self.turn % grids.len()].clone();
        let role = ["grid_worker", "grid_head"][self.turn / grids.len() % 2];
        let token = self.page.token(role, Some(&grid))?.to_owned();
        Ok((grid, token))
    }

    fn keep(&mut self, what: &str, ask: &Ask) -> Result<Reply, Fault> {
        let reply = self.client.send(ask)?;
        let label = format!("{what} ({})", reply.status);
        self.answers.push((label, [reply.head.as_bytes(), b"\n\n", &reply.body].concat()));
        Ok(reply)
    }

    /// A server may close the connection over a body that it will not take.
    fn keep_if_answered(&mut self, what: &str, ask: &Ask) -> Result<(), Fault> {
        match self.keep(what, ask) {
            Ok(_) | Err(Fault::NoAnswer(_)) => Ok(()),
            Err(fault) => Err(fault),
        }
    }
}

fn body_of(kind: &str, purpose: &str, grid: &str, fields: &Map<String, Value>) -> Value {
    let (legal_basis, notice) = match purpose {
        SAFETY => ("fire_safety_duty", "safety_inspection_notice_1"),
        _ => ("residence_permit_duty", "residence_registration_notice_1"),
    };
    let basis = json!({"purpose": purpose, "legal_basis": legal_basis, "notice": notice});
    json!({"type": kind, "grid": grid, "fields": fields, "basis": basis})
}

fn personal<'a>(names: &[&'a str]) -> Vec<&'a str> {
    let public = ["handling_note", "kind", "matter", "severity", "state"];
    names.iter().copied().filter(|name| !public.contains(name)).collect()
}

/// A marked description of the client's device; only ASCII is taken for one.
fn header_of(stored: &Stored) -> String {
    let values = stored.fields.values().filter_map(Value::as_str).filter(|value| value.is_ascii());
    values.collect::<Vec<_>>().join(" ")
}

/// A text as a path and a query may hold it (RFC 3986 section 2.1).
fn escape(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
