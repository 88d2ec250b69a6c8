//! `gridvault administrator code`: a new one-time code for an administrator, or an officer of oversight, whose key is lost, at the
//! host, with the vault stopped. Never for anybody else: who works with records gets a code from the security administrator.
//! It takes what opens the vault and the word of two other administrators; the entry says for whom it was and who they were.

use super::ceremony::{Consent, OnWord};
use super::failure::Failure;
use super::opening::Opening;
use super::vault::{self, Vault};
use super::{print, runtime};
use crate::access::{ActorId, RoleFamily};
use crate::ceremony::{What, Word};
use crate::config::{Config, layout};
use crate::identity::{ActorRecord, ActorState, EnrolmentCode};
use crate::trail::Announcement;
use serde_json::json;
use std::collections::HashSet;
use std::path::PathBuf;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// A one-time code for an administrator or officer whose key is lost; using it takes that key away.
    Code(Arguments),
}

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The vault's directory.
    #[arg(long, env = "GRIDVAULT_DIR")]
    dir: PathBuf,
    #[command(flatten)]
    opening: Opening,
    /// The log-in name of the administrator or officer.
    #[arg(long)]
    login: String,
    #[command(flatten)]
    word: OnWord,
}

pub(super) fn run(command: &Command, json: bool) -> Result<(), Failure> {
    let Command::Code(arguments) = command;
    let consent = arguments.word.consent()?;
    let opening = &arguments.opening;
    let config = Config::load(&arguments.dir, &opening.overrides())
        .map_err(|error| Failure::failed("the configuration", &error))?;
    let held = vault::hold(&config)?;
    let keyring = opening.keyring(&config, &held)?;
    let (actor, code) = runtime()?.block_on(async {
        let vault = vault::open(&config, keyring).await?;
        let given = give(&vault, &config, &arguments.login, consent).await;
        let stopped = vault.rooms.trail.stop().await;
        let given = given?;
        stopped.map_err(|fault| Failure::from(&*fault))?;
        Ok::<_, Failure>(given)
    })?;
    print(&match json {
        true => json!({"actor": actor.to_string(), "code": code.show()}).to_string(),
        false => code.show().to_owned(),
    });
    Ok(())
}

async fn give(
    vault: &Vault,
    config: &Config,
    login: &str,
    consent: Consent,
) -> Result<(ActorId, EnrolmentCode), Failure> {
    let rooms = &vault.rooms;
    let directory = rooms.identity.directory();
    let actor = directory.of_logins(&HashSet::from([login])).remove(login);
    let record = actor.and_then(|actor| directory.record(&actor));
    let record = record.filter(|record| is_apart(vault, record));
    let Some(record) = record else {
        return Err(Failure::Failed(format!(
            "no administrator or officer has the log-in name {login}"
        )));
    };
    let (now, unlock) = (rooms.clock.now(), config.directory.join(layout::UNLOCK));
    consent.is_for(&config.origin, What::Code(record.id), &unlock, None, now)?;
    let (persons, word) = consent.judged_by(|id| directory.record(id), now)?;
    if persons.contains(&record.id) {
        return Err(Failure::Failed("nobody stands by a code of its own".into()));
    }
    let fail = |error: &(dyn std::error::Error + 'static)| Failure::failed("the code", error);
    let code = EnrolmentCode::draw(&*rooms.random).map_err(|error| fail(&error))?;
    let change = directory.enrolment(record.id, &code, now);
    let change = change.map_err(|error| fail(&error))?;
    let said = Announcement::CodeGiven {
        actor: *record.id.as_bytes(),
        persons: persons.map(|person| *person.as_bytes()),
        signed: matches!(word, Word::Signed(_)),
    };
    rooms.trail.announce_change(said, change).await.map_err(|error| fail(&error))?;
    Ok((record.id, code))
}

/// Whether somebody works as an administrator or watches over the vault.
fn is_apart(vault: &Vault, record: &ActorRecord) -> bool {
    let family =
        |role| vault.rooms.access.with_policy(|policy| policy.role(role).map(|role| role.family));
    let mut posts = record.assignments.iter();
    record.state == ActorState::Active
        && posts.any(|post| family(&post.role).is_some_and(|family| family != RoleFamily::Business))
}
