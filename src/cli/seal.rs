//! `gridvault seal`: has a running vault forget its keys.
//! Never by a mistake of address: the vault is named by the origin of its log.
//! The process goes on, sealed, at the same address.

use super::client::Connection;
use super::failure::Failure;
use super::print;
use serde_json::json;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Origin of the vault's log, as it was made with.
    #[arg(long)]
    vault: String,
    #[command(flatten)]
    connection: Connection,
}

pub(super) fn run(arguments: &Arguments, json: bool) -> Result<(), Failure> {
    let answer = arguments.connection.post("/v1/admin/seal", &json!({"vault": arguments.vault}))?;
    let sealing = "the vault ends its work and begins anew, sealed";
    print(&if json { answer.to_string() } else { sealing.to_owned() });
    Ok(())
}
