//! A policy, a small territory, and questions that differ from an ordinary one in one thing.
//! Never a store or a clock: the day is given.
//! The ordinary question is a grid worker's, about an adult of its own grid, and is granted.

use crate::access::{
    Access, ActorId, Ask, Assignment, Code, Item, Mandate, Matter, Origin, Permit, Policy,
    PolicyError, PolicySources, Question, Readiness, RoleId, Standing, Window,
};
use crate::ambient::Micros;
use crate::purposes::{Purpose, PurposeSet};
use crate::records::{BasisFact, Facts, Handle, MandateId, RecordType, SchemaSet, View};
use crate::territory::TerritoryData;
use crate::territory::{Area, CellData, CellId, GridCode, GridData, MappingData, Territory};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

/// 2027-01-15T08:00:00Z.
pub(super) const NOW: Micros = Micros(1_800_000_000_000_000);
/// The same day, since 1970-01-01.
pub(super) const TODAY: i32 = 20_833;

pub(super) const OWN: &str = "8801020010010001";
pub(super) const NEXT: &str = "8801020010010002";
pub(super) const SCHOOL: &str = "8801020010011002";
pub(super) const FAR: &str = "8801020020010001";

/// Cells of the four grids. The school is an exclusive unit hosted by the own grid.
pub(super) const OWN_CELL: CellId = CellId::new(1);
pub(super) const NEXT_CELL: CellId = CellId::new(2);
pub(super) const SCHOOL_CELL: CellId = CellId::new(3);
pub(super) const FAR_CELL: CellId = CellId::new(4);

pub(super) static SCHEMAS: LazyLock<SchemaSet> =
    LazyLock::new(|| SchemaSet::built_in().expect("the shipped schemas load"));
pub(super) static PURPOSES: LazyLock<PurposeSet> =
    LazyLock::new(|| PurposeSet::built_in(&SCHEMAS).expect("the shipped purposes load"));
pub(super) static TERRITORY: LazyLock<Territory> = LazyLock::new(territory);
pub(super) static ACCESS: LazyLock<Access> =
    LazyLock::new(|| Access::new(Files::shipped().load().expect("the shipped policy loads"), 7, 3));

pub(super) fn policies() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("policies")
}

/// The texts of a policy, to be changed.
pub(super) struct Files {
    pub(super) model: String,
    pub(super) roles: String,
    pub(super) lines: BTreeMap<String, String>,
    pub(super) narrowing: String,
}

impl Files {
    pub(super) fn shipped() -> Files {
        let read = |name: &str| {
            std::fs::read_to_string(policies().join(name)).expect("a policy file that reads")
        };
        let files = std::fs::read_dir(policies().join("roles")).expect("a directory of roles");
        let lines = files.map(|file| {
            let path = file.expect("a file").path();
            let role = path.file_stem().expect("a name").to_string_lossy().into_owned();
            (role, std::fs::read_to_string(path).expect("a policy file that reads"))
        });
        Files {
            model: read("model.conf"),
            roles: read("roles.toml"),
            lines: lines.collect(),
            narrowing: read("narrowing.csv"),
        }
    }

    pub(super) fn load(&self) -> Result<Policy, PolicyError> {
        self.load_among(&PURPOSES, &SCHEMAS)
    }

    pub(super) fn load_with(&self, lines: Vec<(String, String)>) -> Result<Policy, PolicyError> {
        self.load_all(lines, &PURPOSES, &SCHEMAS)
    }

    /// Loads among other purposes and schemas.
    pub(super) fn load_among(
        &self,
        purposes: &PurposeSet,
        schemas: &SchemaSet,
    ) -> Result<Policy, PolicyError> {
        let lines = self.lines.iter().map(|(role, text)| (role.clone(), text.clone()));
        self.load_all(lines.collect(), purposes, schemas)
    }

    fn load_all(
        &self,
        lines: Vec<(String, String)>,
        purposes: &PurposeSet,
        schemas: &SchemaSet,
    ) -> Result<Policy, PolicyError> {
        let sources = PolicySources {
            model: &self.model,
            roles: &self.roles,
            lines,
            narrowing: &self.narrowing,
            purposes: PurposeSet::built_in_text(),
            anomalies: "",
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(Policy::load(&sources, purposes, schemas))
    }

    /// Puts a line behind those of a role.
    pub(super) fn add(&mut self, role: &str, line: &str) {
        let text = self.lines.get_mut(role).expect("a role of the policy");
        text.push_str(line);
        text.push('\n');
    }

    pub(super) fn access(&self) -> Access {
        Access::new(self.load().expect("a policy that loads"), 7, 3)
    }
}

fn territory() -> Territory {
    let code = |text: &str| text.parse::<GridCode>().expect("a grid code");
    let grids = [OWN, NEXT, SCHOOL, FAR].map(|text| GridData {
        code: code(text),
        name: "网格".to_owned(),
        host_grid: (text == SCHOOL).then(|| code(OWN)),
        valid_from: 0,
        valid_to: None,
        predecessors: Vec::new(),
        aliases: Vec::new(),
    });
    let cells = [(OWN_CELL, OWN), (NEXT_CELL, NEXT), (SCHOOL_CELL, SCHOOL), (FAR_CELL, FAR)];
    let cells = cells.map(|(cell, grid)| CellData {
        cell,
        mapping: vec![MappingData { grid: code(grid), from: 0, to: None }],
    });
    let data = TerritoryData { areas: Vec::new(), grids: grids.into(), cells: cells.into() };
    Territory::from_data(data).expect("a whole territory")
}

pub(super) fn purpose(id: &str) -> &'static Purpose {
    PURPOSES.get(id).expect("a shipped purpose")
}

/// A signed term, and training that ends long after everything that is tested here.
pub(super) const READY: Readiness =
    Readiness { secrecy_signed: Some(Micros(0)), trained_until: Some(Micros(i64::MAX)) };

/// An assignment that counts all the time.
pub(super) fn placed(role: &str, area: &str) -> Assignment {
    let area: Option<Area> =
        if area.is_empty() { None } else { Some(area.parse().expect("an area")) };
    Assignment {
        id: [1; 16],
        role: RoleId::new(role),
        area,
        line: None,
        lead: false,
        confirmed: true,
        windows: None,
        ready: READY,
        from: Micros(0),
        until: None,
    }
}

/// One of a pair, in a window of that area that began a moment ago.
pub(super) fn standing_in(area: &str, until: Micros) -> Assignment {
    let from = Micros(NOW.0 - 1_000);
    let window = Window { id: MandateId::from_bytes([0x3b; 16]), from, until };
    let a_year = Micros(NOW.0 + 300 * 86_400_000_000);
    Assignment {
        windows: Some(vec![window].into()),
        from,
        until: Some(a_year),
        ..placed("grid_stand_in", area)
    }
}

pub(super) fn standing(assignments: Vec<Assignment>) -> Standing {
    Standing {
        actor: ActorId::from_bytes([0xa1; 16]),
        version: 4,
        assignments: assignments.into(),
        via: None,
        session: [9; 16],
        strength: 1,
    }
}

/// An adult, held on these purposes.
pub(super) fn held_on(purposes: &[&str]) -> Facts {
    let bases = purposes.iter().map(|purpose| BasisFact {
        purpose: (*purpose).to_owned(),
        legal_basis: "some_basis".to_owned(),
        notice: "some_notice".to_owned(),
        consent: None,
    });
    Facts {
        turns_14: Some(TODAY - 10_000),
        turns_18: Some(TODAY - 9_000),
        bases: bases.collect(),
        record_handle: Handle::from_bytes([5; 16]),
        subject_handles: vec![([6; 16], Handle::from_bytes([7; 16]))],
        ..Facts::of_nobody()
    }
}

/// A question that can be changed before it is put.
pub(super) struct Put<'a> {
    pub(super) access: &'a Access,
    pub(super) standing: Standing,
    pub(super) purpose: Purpose,
    pub(super) ask: Ask,
    pub(super) record_type: RecordType,
    pub(super) cell: CellId,
    pub(super) facts: Facts,
    pub(super) fields: Vec<String>,
    pub(super) now: Micros,
    pub(super) mandate: Option<Mandate>,
}

impl std::fmt::Debug for Put<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let facts = &self.facts;
        formatter
            .debug_struct("Put")
            .field("assignments", &self.standing.assignments)
            .field("purpose", &self.purpose.id)
            .field("ask", &(self.ask, self.record_type, self.cell, &self.fields))
            .field("held", &(&facts.bases, facts.subject_handles.len(), &facts.line))
            .field("days", &(facts.turns_14, facts.retain_until))
            .field("marks", &(facts.restricted, facts.legal_hold))
            .finish()
    }
}

/// What became of a question.
pub(super) type Answer = Result<Permit<()>, Code>;

impl Put<'static> {
    /// A worker reads the name of an adult of its own grid.
    pub(super) fn ordinary() -> Put<'static> {
        Put::by("grid_worker", OWN)
    }

    pub(super) fn by(role: &str, area: &str) -> Put<'static> {
        Put {
            access: &ACCESS,
            standing: standing(vec![placed(role, area)]),
            purpose: purpose("residence_registration").clone(),
            ask: Ask::Read,
            record_type: RecordType::Person,
            cell: OWN_CELL,
            facts: held_on(&["residence_registration"]),
            fields: vec!["name".to_owned()],
            now: NOW,
            mandate: None,
        }
    }
}

impl<'a> Put<'a> {
    pub(super) fn under(mut self, purpose: &str) -> Put<'a> {
        self.purpose = self::purpose(purpose).clone();
        self
    }

    pub(super) fn ask(mut self, ask: Ask) -> Put<'a> {
        self.ask = ask;
        self
    }

    pub(super) fn of(mut self, facts: Facts) -> Put<'a> {
        self.facts = facts;
        self
    }

    pub(super) fn fields(mut self, fields: &[&str]) -> Put<'a> {
        self.fields = fields.iter().map(|field| (*field).to_owned()).collect();
        self
    }

    pub(super) fn record_type(mut self, record_type: RecordType) -> Put<'a> {
        self.record_type = record_type;
        self
    }

    pub(super) fn at(mut self, cell: CellId) -> Put<'a> {
        self.cell = cell;
        self
    }

    pub(super) fn from(mut self, assignments: Vec<Assignment>) -> Put<'a> {
        self.standing = standing(assignments);
        self
    }

    pub(super) fn with<'b>(self, access: &'b Access) -> Put<'b> {
        Put { access, ..self }
    }

    pub(super) fn question<R>(&self, use_it: impl FnOnce(&Question<'_>) -> R) -> R {
        let origin = Origin::default();
        use_it(&Question {
            standing: &self.standing,
            origin: &origin,
            now: self.now,
            territory: &TERRITORY,
            schemas: &SCHEMAS,
            purpose: &self.purpose,
            mandate: self.mandate.as_ref(),
            ask: self.ask,
        })
    }

    pub(super) fn inside(mut self, mandate: Mandate) -> Put<'a> {
        self.mandate = Some(mandate);
        self
    }

    pub(super) fn matter(&self) -> Matter<'_> {
        Matter::Present {
            record_type: self.record_type,
            cell: self.cell,
            facts: &self.facts,
            versions: None,
        }
    }

    pub(super) fn about(&self, matter: Matter<'_>) -> Answer {
        let items = [Item { matter, fields: &self.fields }];
        self.question(|question| self.access.decide(question, &items, Vec::new(), ()))
            .map_err(|denied| denied.why())
    }

    pub(super) fn answer(&self) -> Answer {
        self.about(self.matter())
    }

    /// The code of the refusal.
    pub(super) fn refused(&self) -> Option<Code> {
        self.answer().err()
    }

    /// The views that are given, by field.
    pub(super) fn given(&self) -> Vec<(String, View)> {
        let permit = self.answer().expect("a permit");
        permit.views().given.iter().map(|given| (given.field.clone(), given.view)).collect()
    }
}

/// Shares what never changes between questions about two assignments.
pub(super) fn numbered(assignments: Vec<Assignment>) -> Arc<[Assignment]> {
    (1u8..)
        .zip(assignments)
        .map(|(number, assignment)| Assignment { id: [number; 16], ..assignment })
        .collect()
}
