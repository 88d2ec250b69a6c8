//! The marked values: two hundred that exist nowhere else, in the bodies that bring them into a vault.
//! Never a real person's: names, numbers and addresses are invented, as everywhere in the campaigns.
//! Each is at least eleven bytes long, so that chance does not make one.

use crate::people;
use serde_json::{Map, Value, json};

/// Region of the citizen numbers.
const REGION: &str = "880102";
/// Characters that number a name or a text: one for each hexadecimal digit.
const DIGITS: [char; 16] = [
    '甪', '冘', '呣', '圐', '囸', '夯', '嫑', '孬', '彧', '忈', '枛', '烎', '玊', '畾', '祘', '竒',
];
/// Syllables that number a name in Latin letters.
const SYLLABLES: [&str; 16] = [
    "bai", "cuo", "dian", "fou", "gua", "huai", "jiong", "kuo", "lve", "miu", "nuan", "pian",
    "qiong", "rua", "shuai", "tuan",
];

/// How many records there are of each kind, and how many of their values are marked.
const PERSONS_COUNT: usize = 40;
const PHONES_COUNT: usize = 20;
const ADDRESSES_COUNT: usize = 30;
const EVENTS_COUNT: usize = 30;
const LATIN_COUNT: usize = 20;
/// How many markers there are.
pub const MARKERS_COUNT: usize = 200;

/// What kind of value is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A name in Chinese characters.
    Name,
    /// A name in Latin letters, every other one without capitals and space.
    LatinName,
    /// A citizen number.
    IdNumber,
    /// A telephone; all of it is the marker.
    Phone,
    /// An address.
    Address,
    /// A free text.
    FreeText,
}

/// A marked value.
#[derive(Clone, Debug)]
pub struct Marker {
    /// What it is.
    pub kind: Kind,
    /// The value, all of it.
    pub text: String,
}

/// The markers and the records that hold them.
pub struct Source {
    /// All markers.
    pub markers: Vec<Marker>,
    /// The values of the persons.
    pub persons: Vec<Map<String, Value>>,
    /// The values of the events.
    pub events: Vec<Map<String, Value>>,
}

impl Source {
    /// Makes all of them; a run with another number has other values.
    pub fn new(run: u32) -> Source {
        let mut source = Source { markers: Vec::new(), persons: Vec::new(), events: Vec::new() };
        for number in 0..PERSONS_COUNT {
            let person = source.person(run, number);
            source.persons.push(person);
        }
        for number in 0..EVENTS_COUNT {
            let event = source.event(run, number);
            source.events.push(event);
        }
        source
    }

    /// One line for each record, as a client would keep them.
    pub fn lines(&self) -> Vec<String> {
        let all = self.persons.iter().chain(&self.events);
        all.map(|fields| Value::Object(fields.clone()).to_string()).collect()
    }

    fn mark(&mut self, kind: Kind, text: String) -> Value {
        self.markers.push(Marker { kind, text: text.clone() });
        json!(text)
    }

    fn person(&mut self, run: u32, number: usize) -> Map<String, Value> {
        let mut fields = Map::new();
        let name = format!("欧阳{}", characters(run, number));
        fields.insert("name".into(), self.mark(Kind::Name, name));
        let counter = run % 10_000 * 200 + u32::try_from(number).expect("a small number");
        let (id_number, birth_date) = people::citizen(REGION, counter);
        fields.insert("id_number".into(), self.mark(Kind::IdNumber, id_number));
        fields.insert("birth_date".into(), json!(birth_date));
        if number < PHONES_COUNT {
            fields.insert("phone".into(), self.mark(Kind::Phone, phone(run, number)));
        }
        if number < ADDRESSES_COUNT {
            let address = format!("澜川市望澜区{}巷{}号", characters(run, number), number + 1);
            fields.insert("current_address".into(), self.mark(Kind::Address, address));
        }
        fields
    }

    fn event(&mut self, run: u32, number: usize) -> Map<String, Value> {
        let fields = json!({
            "kind": "neighbour_dispute", "matter": "楼道堆放杂物", "severity": "ordinary", "state": "handle",
        });
        let mut fields = fields.as_object().cloned().unwrap_or_default();
        let note =
            format!("住户{}称其邻居夜间噪声，已劝说", characters(run, number + PERSONS_COUNT));
        fields.insert("handling_note".into(), self.mark(Kind::FreeText, note));
        if number < LATIN_COUNT {
            let name = latin(run, number);
            fields.insert("responsible_name".into(), self.mark(Kind::LatinName, name));
            let phone = phone(run, number + PHONES_COUNT);
            fields.insert("responsible_phone".into(), self.mark(Kind::Phone, phone));
        }
        fields
    }
}

/// A number in rare characters: two for its place, four for the run.
fn characters(run: u32, number: usize) -> String {
    let place = [DIGITS[number / 16 % 16], DIGITS[number % 16]];
    let run = (0..4).map(|shift| DIGITS[(run >> (4 * shift) & 15) as usize]);
    place.into_iter().chain(run).collect()
}

fn latin(run: u32, number: usize) -> String {
    let place = format!("{}{}", SYLLABLES[number / 16 % 16], SYLLABLES[number % 16]);
    let run = SYLLABLES[(run & 15) as usize];
    if number.is_multiple_of(2) {
        format!("ouyang{place}{run}")
    } else {
        format!("Ouyang {place}{run}")
    }
}

fn phone(run: u32, number: usize) -> String {
    let digits = (u64::from(run) * 1_000 + number as u64).wrapping_mul(618_033_989) % 1_000_000_000;
    format!("12{digits:09}")
}
