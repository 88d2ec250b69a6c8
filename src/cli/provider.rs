//! `gridvault keys provider list|add|remove` and `keys rotate-root`: the ways to the root key of a vault that does not run, or, with
//! `--running`, of one that is open.
//! What a way is made of stays with whoever brings it: a passphrase, the new shares, a PIN.
//! What opens each way that stays is asked for first; who could not open the vault any more is told before anything is changed.

use super::ceremony::{AtHost, Opened};
use super::failure::Failure;
use super::opening::Token;
use super::shares::{self, Split};
use super::{passphrase, print};
use crate::access::ActorId;
use crate::ceremony::{Way, WayKind, What, kind_of, kinds_of, share_plan};
use crate::config::layout;
use clap::builder::PossibleValue;
use gridvault_keys::{ArgonCost, Envelope, Provider, RootKey, SharePlan, UnlockFile};
use serde_json::json;
use std::path::{Path, PathBuf};

#[derive(clap::Subcommand)]
pub(super) enum Command {
    /// Which ways there are to the root key.
    List {
        /// The vault's directory.
        #[arg(long, env = "GRIDVAULT_DIR")]
        dir: PathBuf,
    },
    /// Make one more way to the root key.
    #[command(
        after_help = "Example: gridvault keys provider add shares --plan 3/5 --shares-dir shares --passphrase-file passphrase --agreed request"
    )]
    Add(AddArguments),
    /// Take a way away, with another root key: each way that stays is made anew.
    #[command(
        after_help = "Example: gridvault keys provider remove passphrase --by-shares --shares-dir shares --agreed request"
    )]
    Remove(RemoveArguments),
}

#[derive(clap::Args)]
pub(super) struct AddArguments {
    /// Which way.
    way: WayKind,
    /// The file that holds the new passphrase: 12 bytes or more.
    #[arg(long)]
    new_passphrase_file: Option<PathBuf>,
    /// How many shares open the vault, of how many: 3/5.
    #[arg(long, value_parser = share_plan, requires = "shares_dir")]
    plan: Option<SharePlan>,
    /// Where the files of the shares go.
    #[arg(long)]
    shares_dir: Option<PathBuf>,
    /// The label of the token. A key is made in it.
    #[arg(long, requires = "pin_file")]
    token_label: Option<String>,
    #[command(flatten)]
    at: AtHost,
}

#[derive(clap::Args)]
pub(super) struct RemoveArguments {
    /// Which way.
    way: WayKind,
    #[command(flatten)]
    anew: Anew,
    #[command(flatten)]
    at: AtHost,
}

/// What makes the ways that stay anew.
#[derive(clap::Args)]
pub(super) struct Anew {
    /// The file that holds the passphrase that opens the vault from then on; the same one where nothing is said.
    #[arg(long)]
    new_passphrase_file: Option<PathBuf>,
    /// Where the files of a new set of shares go, for a vault that shares open.
    #[arg(long)]
    shares_dir: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(super) struct RotateArguments {
    #[command(flatten)]
    anew: Anew,
    #[command(flatten)]
    at: AtHost,
}

impl clap::ValueEnum for WayKind {
    fn value_variants<'a>() -> &'a [WayKind] {
        &[WayKind::Passphrase, WayKind::Shares, WayKind::Token]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let help = match self {
            WayKind::Passphrase => "A passphrase",
            WayKind::Shares => "A set of shares",
            WayKind::Token => "A PKCS#11 token",
        };
        Some(PossibleValue::new(self.as_str()).help(help))
    }
}

pub(super) fn run(command: &Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::List { dir } => list(dir, json),
        Command::Add(arguments) => add(arguments, json),
        Command::Remove(RemoveArguments { way, anew, at }) => {
            turn(at, anew, What::Remove(*way), json)
        }
    }
}

/// Another root key, each way made anew.
pub(super) fn rotate_root(
    RotateArguments { anew, at }: &RotateArguments,
    json: bool,
) -> Result<(), Failure> {
    turn(at, anew, What::RotateRoot, json)
}

fn list(dir: &Path, json: bool) -> Result<(), Failure> {
    let envelopes = UnlockFile::load(&dir.join(layout::UNLOCK))
        .map_err(|error| Failure::storage("the unlock file cannot be read", &error))?;
    let ways: Vec<serde_json::Value> = envelopes.iter().map(shown).collect();
    if json {
        print(&json!({ "ways": ways }).to_string());
        return Ok(());
    }
    for way in ways {
        let word = |name: &str| way[name].as_str().unwrap_or_default().to_owned();
        let more = match way["way"].as_str() {
            Some("shares") => format!(" {} of {}", way["needed"], way["count"]),
            Some("token") => format!(" {}", word("serial")),
            _ => String::new(),
        };
        print(&format!("{} {}{more}", word("envelope"), word("way")));
    }
    Ok(())
}

fn shown(envelope: &Envelope) -> serde_json::Value {
    let id = ActorId::from_bytes(*envelope.id()).to_string();
    match envelope.provider() {
        Provider::Passphrase(_) => json!({"envelope": id, "way": "passphrase"}),
        Provider::Shares(plan) => {
            let (needed, count) = (plan.needed(), plan.count());
            json!({"envelope": id, "way": "shares", "needed": needed, "count": count})
        }
        Provider::Pkcs11(key) => {
            json!({"envelope": id, "way": "token", "serial": key.serial_text()})
        }
        Provider::KeyFile => json!({"envelope": id, "way": "key_file"}),
    }
}

fn add(arguments: &AddArguments, json: bool) -> Result<(), Failure> {
    let AddArguments { way, new_passphrase_file, plan, shares_dir, token_label, at } = arguments;
    let misused = || {
        let text = "a passphrase takes --new-passphrase-file, shares take --plan and --shares-dir, \
                    a token takes --token-label and --pin-file, and none what is another's";
        Failure::Usage(text.into())
    };
    let named = (new_passphrase_file, plan, shares_dir, token_label);
    let added = match (way, named) {
        (WayKind::Passphrase, (Some(_), None, None, None)) => Way::Passphrase,
        (WayKind::Shares, (None, Some(plan), Some(_), None)) => Way::Shares(*plan),
        (WayKind::Token, (None, None, None, Some(_))) => Way::Token,
        _ => return Err(misused()),
    };
    let passphrase = new_passphrase_file.as_deref().map(passphrase::read_new).transpose()?;
    let check = |envelopes: &[Envelope]| match kinds_of(envelopes)?.contains(way) {
        true => Err(Failure::Failed(format!(
            "the vault has such a way already ({}): rotate its root key to replace it",
            way.as_str()
        ))),
        false => Ok(()),
    };
    let opened = Opened::open(at, What::Add(added), check)?;
    let root = &opened.root;
    let envelope = match added {
        Way::Passphrase => by_passphrase(root, &passphrase.ok_or_else(misused)?)?,
        Way::Shares(plan) => {
            let to = shares_dir.as_deref().ok_or_else(misused)?;
            by_shares(root, plan, to, opened.directory())?
        }
        Way::Token => {
            let (Some(token), Some(label)) = (&opened.token, token_label) else {
                return Err(misused());
            };
            let Token { module, pin } = token;
            let sealed = Envelope::seal_with_pkcs11(root, module, label, pin);
            opened_by(root, sealed.map_err(|error| fail(&error))?, token)?
        }
    };
    let mut envelopes = opened.envelopes.clone();
    envelopes.push(envelope);
    let count = opened.put_in_force(None, envelopes)?;
    print(&match json {
        true => json!({"envelopes": count}).to_string(),
        false => format!("the vault has {} to its root key", counted(count)),
    });
    Ok(())
}

fn turn(at: &AtHost, anew: &Anew, what: What, json: bool) -> Result<(), Failure> {
    let stays = |kind: &WayKind| what != What::Remove(*kind);
    let opened = Opened::open(at, what, |envelopes| {
        let kinds = kinds_of(envelopes)?;
        if let What::Remove(gone) = what
            && !kinds.contains(&gone)
        {
            return Err(Failure::Failed("the vault has no such way".into()));
        }
        anew.suffices(at, &kinds.into_iter().filter(stays).collect::<Vec<_>>())
    })?;
    let root = RootKey::generate().map_err(|error| Failure::failed("the root key", &error))?;
    let mut envelopes = Vec::new();
    for former in &opened.envelopes {
        if kind_of(former).as_ref().is_some_and(stays) {
            envelopes.push(anew.made(former, &root, at, &opened)?);
        }
    }
    let count = opened.put_in_force(Some(root), envelopes)?;
    print(&match json {
        true => json!({"envelopes": count}).to_string(),
        false => format!("the vault has another root key, and {} to it", counted(count)),
    });
    Ok(())
}

impl Anew {
    /// Whether what was named makes each of these ways anew, and nothing else.
    fn suffices(&self, at: &AtHost, kinds: &[WayKind]) -> Result<(), Failure> {
        let usage = |text: &str| Err(Failure::Usage(text.into()));
        if kinds.is_empty() {
            return Err(Failure::Failed(
                "it is the last way to the root key: add another first".into(),
            ));
        }
        let has = |kind| kinds.contains(&kind);
        if has(WayKind::Passphrase)
            && self.new_passphrase_file.is_none()
            && at.opening.passphrase_file.is_none()
        {
            return usage("name --new-passphrase-file, or --passphrase-file for the one there is");
        }
        if !has(WayKind::Passphrase) && self.new_passphrase_file.is_some() {
            return usage("--new-passphrase-file is for a vault that a passphrase opens");
        }
        if has(WayKind::Shares) != self.shares_dir.is_some() {
            return usage(
                "name --shares-dir for a vault that shares open, and for no other: the holders get \
                 new ones",
            );
        }
        if has(WayKind::Token) && at.opening.pin_file.is_none() {
            return usage("name --pin-file: a token opens the vault, and makes its way anew");
        }
        Ok(())
    }

    /// One way to another root key in the place of a former one.
    fn made(
        &self,
        former: &Envelope,
        root: &RootKey,
        at: &AtHost,
        opened: &Opened<'_>,
    ) -> Result<Envelope, Failure> {
        match former.provider() {
            Provider::Passphrase(_) => {
                match (&self.new_passphrase_file, &at.opening.passphrase_file) {
                    (Some(file), _) => by_passphrase(root, &passphrase::read_new(file)?),
                    (None, Some(file)) => {
                        let passphrase = passphrase::read(file)?;
                        // Where something else opened the vault, nothing has said yet that this is its passphrase.
                        former.open_with_passphrase(&passphrase).map_err(|error| fail(&error))?;
                        by_passphrase(root, &passphrase)
                    }
                    (None, None) => Err(Failure::Usage("name the passphrase".into())),
                }
            }
            Provider::Shares(plan) => match &self.shares_dir {
                Some(to) => by_shares(root, plan, to, opened.directory()),
                None => Err(Failure::Usage("name --shares-dir".into())),
            },
            Provider::Pkcs11(key) => {
                let none = || Failure::Usage("name --pin-file".into());
                let token = opened.token.as_ref().ok_or_else(none)?;
                let sealed =
                    Envelope::seal_again_with_pkcs11(root, &token.module, &key, &token.pin);
                opened_by(root, sealed.map_err(|error| fail(&error))?, token)
            }
            Provider::KeyFile => Err(Failure::Failed("not of a demonstration".into())),
        }
    }
}

fn by_passphrase(
    root: &RootKey,
    passphrase: &gridvault_keys::Passphrase,
) -> Result<Envelope, Failure> {
    let sealed = Envelope::seal_with_passphrase(root, passphrase, ArgonCost::ROOT);
    let envelope = sealed.map_err(|error| fail(&error))?;
    let opened = envelope.open_with_passphrase(passphrase).map_err(|error| fail(&error))?;
    is_of(root, &opened, envelope)
}

/// The shares are in the hands of their holders before anything of the vault is changed: nobody could open it without them.
fn by_shares(
    root: &RootKey,
    plan: SharePlan,
    to: &Path,
    vault: &Path,
) -> Result<Envelope, Failure> {
    let split: Split = shares::split(root, plan)?;
    let opened = split.opened()?;
    split.write(to, vault)?;
    is_of(root, &opened, split.envelope)
}

fn opened_by(root: &RootKey, envelope: Envelope, token: &Token) -> Result<Envelope, Failure> {
    let opened = envelope.open_with_pkcs11(&token.module, &token.pin);
    is_of(root, &opened.map_err(|error| fail(&error))?, envelope)
}

/// An envelope that was opened before anything relies on it.
fn is_of(root: &RootKey, opened: &RootKey, envelope: Envelope) -> Result<Envelope, Failure> {
    match opened.id() == root.id() {
        true => Ok(envelope),
        false => {
            Err(Failure::Failed("a new way opens another root key; nothing was changed".into()))
        }
    }
}

fn counted(ways: usize) -> String {
    if ways == 1 { "one way".to_owned() } else { format!("{ways} ways") }
}

fn fail(error: &gridvault_keys::KeyError) -> Failure {
    Failure::failed("a way to the root key cannot be made; nothing was changed", error)
}
