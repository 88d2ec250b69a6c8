//! `gridvault administrator code`: a new one-time code for an administrator whose key is lost, at the host, with the vault stopped.
//! Never for anybody else: whoever is no administrator gets a code from the security administrator.
//! It takes what opens the vault, and names two others whom the vault knows; the entry says for whom it was and who they were.

use super::failure::Failure;
use super::opening::Opening;
use super::restoring::two;
use super::vault::{self, Vault};
use super::{print, runtime};
use crate::access::{ActorId, RoleFamily};
use crate::config::Config;
use crate::identity::{ActorRecord, ActorState, EnrolmentCode};
use crate::trail::Announcement;
use serde_json::json;
use std::collections::HashSet;
use std::path::PathBuf;

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// A one-time code for an administrator whose key is lost; using it takes that key away.
    Code(Arguments),
}

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The vault's directory.
    #[arg(long, env = "GRIDVAULT_DIR")]
    dir: PathBuf,
    #[command(flatten)]
    opening: Opening,
    /// The administrator's log-in name.
    #[arg(long)]
    login: String,
    /// Who stands by it: the ids of two other actors of the vault.
    #[arg(long = "person", num_args = 1, required = true, allow_hyphen_values = true)]
    persons: Vec<String>,
}

pub(super) fn run(command: &Command, json: bool) -> Result<(), Failure> {
    let Command::Code(arguments) = command;
    let persons = two(&arguments.persons)?;
    let opening = &arguments.opening;
    let config = Config::load(&arguments.dir, &opening.overrides())
        .map_err(|error| Failure::failed("the configuration", &error))?;
    let held = vault::hold(&config)?;
    let keyring = opening.keyring(&config, &held)?;
    let (actor, code) = runtime()?.block_on(async {
        let vault = vault::open(&config, keyring).await?;
        let given = give(&vault, &arguments.login, persons).await;
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
    login: &str,
    persons: [ActorId; 2],
) -> Result<(ActorId, EnrolmentCode), Failure> {
    let rooms = &vault.rooms;
    let directory = rooms.identity.directory();
    let actor = directory.of_logins(&HashSet::from([login])).remove(login);
    let record = actor.and_then(|actor| directory.record(&actor));
    let record = record.filter(|record| administers(vault, record));
    let Some(record) = record else {
        return Err(Failure::Failed(format!("no administrator has the log-in name {login}")));
    };
    for person in persons {
        let works = directory.record(&person).is_some_and(|one| one.state == ActorState::Active);
        if !works || person == record.id {
            return Err(Failure::Failed(format!("{person} is nobody else who works here")));
        }
    }
    let fail = |error: &(dyn std::error::Error + 'static)| Failure::failed("the code", error);
    let code = EnrolmentCode::draw(&*rooms.random).map_err(|error| fail(&error))?;
    let change = directory.enrolment(record.id, &code, rooms.clock.now());
    let change = change.map_err(|error| fail(&error))?;
    let said = Announcement::CodeGiven {
        actor: *record.id.as_bytes(),
        persons: persons.map(|person| *person.as_bytes()),
    };
    rooms.trail.announce_change(said, change).await.map_err(|error| fail(&error))?;
    Ok((record.id, code))
}

/// Whether somebody works as an administrator.
fn administers(vault: &Vault, record: &ActorRecord) -> bool {
    let family =
        |role| vault.rooms.access.with_policy(|policy| policy.role(role).map(|role| role.family));
    let mut posts = record.assignments.iter();
    record.state == ActorState::Active
        && posts.any(|post| family(&post.role) == Some(RoleFamily::Administration))
}
