//! `gridvault keys request` and `keys agree`: what two administrators sign before the ways to a root key are changed at the host.
//! Never a key of the vault: who asks reads its configuration and its envelopes, who agrees its own key and the request alone.
//! Who agrees is shown the text before it signs, and says to which act.

use super::ceremony::read_signed;
use super::failure::Failure;
use super::log_in_key::Known;
use super::parts::parts_at;
use super::print;
use super::second_place::LedgerArguments;
use crate::ambient::{Clock as _, HostClock};
use crate::ceremony::{Request, Signed, What, digest_of};
use crate::config::{Config, Overrides, layout};
use crate::limits::{CEREMONY_REQUEST_BYTES_MAX, CEREMONY_WAIT_SECONDS};
use crate::trail::BulkAt;
use serde_json::json;
use std::fs::OpenOptions;
use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(super) struct RequestArguments {
    /// What is to be done: rotate-root, add-passphrase, add-shares-3/5, add-token, remove-passphrase, remove-shares, remove-token,
    /// administrator-code-ID for the administrator with that id, or restore.
    what: What,
    /// The vault's directory.
    #[arg(long, env = "GRIDVAULT_DIR")]
    dir: Option<PathBuf>,
    /// For a restore: the key part.
    #[arg(long, requires = "origin")]
    keys: Option<PathBuf>,
    /// For a restore: the bulk part.
    #[arg(long, requires = "keys")]
    bulk: Option<PathBuf>,
    /// For a restore: the parts before an incremental bulk part, where they do not lie beside it.
    #[arg(long, requires = "bulk")]
    bulk_before: Vec<PathBuf>,
    /// For a restore: the verifier key of the log before, from outside. Its log is verified, and held against the ledger.
    #[arg(long, requires = "bulk")]
    log_key: Option<String>,
    #[command(flatten)]
    ledger: LedgerArguments,
    /// For a restore: the origin of the new log.
    #[arg(long, requires = "keys")]
    origin: Option<String>,
    /// The file of the request; never over one that is there.
    #[arg(long)]
    out: PathBuf,
}

#[derive(clap::Args)]
pub(super) struct AgreeArguments {
    /// The file of the request. The signature is written at its end.
    request: PathBuf,
    /// What one agrees to, as the request has it (rotate-root); a request for anything else is refused. Without it the terminal
    /// asks for it.
    what: Option<What>,
    /// The file of one's own key, which `gridvault enrol --key` wrote.
    #[arg(long, env = "GRIDVAULT_KEY_FILE")]
    key: PathBuf,
}

pub(super) fn request(arguments: &RequestArguments, json: bool) -> Result<(), Failure> {
    let RequestArguments { what, dir, keys, bulk, bulk_before, log_key, ledger, origin, .. } =
        arguments;
    let bulk = bulk.as_ref().zip(log_key.as_ref());
    let (vault, ways, parts) = match (what, dir, keys.as_ref().zip(bulk), origin) {
        (What::Restore, _, Some((keys, (bulk, log_key))), Some(origin)) => {
            let bulk = BulkAt { directory: bulk, before: bulk_before };
            (origin.clone(), digest_of(keys)?, Some(parts_at(&bulk, log_key, ledger)?))
        }
        (What::Restore, ..) => {
            return Err(Failure::Usage(
                "name the two parts and the two logs: --bulk, --log-key, --keys, --origin; and with \
                 --erasure-ledger the ledger, if it comes along"
                    .into(),
            ));
        }
        (_, Some(dir), None, None)
            if keys.is_none() && arguments.bulk.is_none() && !ledger.is_named() =>
        {
            let config = Config::load(dir, &Overrides::default())
                .map_err(|error| Failure::failed("the configuration", &error))?;
            (config.origin.clone(), digest_of(&config.directory.join(layout::UNLOCK))?, None)
        }
        _ => return Err(Failure::Usage("name the vault's directory alone: --dir".into())),
    };
    let request = Request {
        vault,
        what: *what,
        ways,
        parts,
        until: HostClock::new().now().seconds().saturating_add(CEREMONY_WAIT_SECONDS),
    };
    let text = request.text()?;
    let written = OpenOptions::new().write(true).create_new(true).open(&arguments.out);
    written
        .and_then(|file| write(file, &text))
        .map_err(|error| Failure::failed("the file of the request", &error))?;
    print(&if json { json!({"request": text}).to_string() } else { text.trim_end().to_owned() });
    Ok(())
}

pub(super) fn agree(arguments: &AgreeArguments, json: bool) -> Result<(), Failure> {
    let AgreeArguments { request, what, key } = arguments;
    let Signed { request: asked, signatures } = read_signed(request)?;
    let known = Known::read(key)?;
    let actor = known.actor()?;
    if signatures.len() > 1 || signatures.iter().any(|(signed, _)| *signed == actor) {
        return Err(Failure::Failed("two sign a request, and each once".into()));
    }
    let text = asked.text()?;
    show(&text)?;
    confirm(&asked, *what)?;
    let signature = known.sign(text.as_bytes());
    let whole = Signed { request: asked, signatures: vec![(actor, signature)] }.to_text()?;
    append(request, whole.strip_prefix(&text).unwrap_or_default())
        .map_err(|error| Failure::failed("the file of the request", &error))?;
    print(&match json {
        true => json!({"actor": actor.to_string(), "request": text}).to_string(),
        false => format!("agreed to by {actor}"),
    });
    Ok(())
}

/// Shows what is about to be signed, beside whatever a machine reads of the command. Where it cannot be shown, nothing is signed.
fn show(text: &str) -> Result<(), Failure> {
    // A request has no other characters: any could make a terminal show something else.
    if !text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n')) {
        return Err(Failure::Failed("the request has characters that none has".into()));
    }
    std::io::stderr()
        .write_all(text.as_bytes())
        .map_err(|error| Failure::failed("the request cannot be shown", &error))
}

/// Takes the word of whoever signs: the act, said with the command or typed at the terminal.
fn confirm(asked: &Request, said: Option<What>) -> Result<(), Failure> {
    let said = match said {
        Some(said) => said.to_string(),
        None if std::io::stdin().is_terminal() => {
            let fail = |error: std::io::Error| Failure::failed("the terminal", &error);
            write!(std::io::stderr(), "To sign this, type what it is for: ").map_err(fail)?;
            let mut line = String::new();
            let most = u64::try_from(CEREMONY_REQUEST_BYTES_MAX).unwrap_or(u64::MAX);
            std::io::stdin().lock().take(most).read_line(&mut line).map_err(fail)?;
            line.trim().to_owned()
        }
        None => {
            let how = "say to what you agree, as in \"keys agree request rotate-root\"";
            return Err(Failure::Usage(how.into()));
        }
    };
    match said == asked.what.to_string() {
        true => Ok(()),
        false => {
            Err(Failure::Failed("the request is for something else: nothing was signed".into()))
        }
    }
}

fn append(path: &Path, line: &str) -> std::io::Result<()> {
    write(OpenOptions::new().append(true).open(path)?, line)
}

fn write(mut file: std::fs::File, text: &str) -> std::io::Result<()> {
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
