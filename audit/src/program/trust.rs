//! The flags that say whom to trust: one key, or a policy file.
//! Never looks for either in the log's directory.
//! Without one of them it is wrong usage.

use std::path::PathBuf;

use clap::Args;
use gridvault_audit::verify::{Policy, VerifierKey};

use super::files::read;
use super::report::Answer;

#[derive(Args)]
#[group(id = "trust", required = true, multiple = false)]
pub(super) struct Trust {
    /// Verifier key of the log, obtained from somewhere else than the log; no witness is asked for
    #[arg(long, value_name = "VKEY", value_parser = VerifierKey::parse)]
    vkey: Option<VerifierKey>,
    /// Policy file: logs, witnesses, quorum (c2sp.org/tlog-policy), obtained from somewhere else than the log
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

impl Trust {
    /// The policy, or why it cannot be used.
    pub(super) fn policy(&self) -> Result<Policy, Answer> {
        match (&self.vkey, &self.policy) {
            (Some(key), _) => Ok(Policy::of_log(key.clone())),
            (None, Some(path)) => {
                let file = read(path)
                    .map_err(|error| Answer::usage(format!("policy cannot be read: {error}")))?;
                let policy =
                    Policy::parse(&file).map_err(|error| Answer::usage(error.to_string()))?;
                if policy.logs().is_empty() {
                    return Err(Answer::usage("policy names no log".into()));
                }
                Ok(policy)
            }
            (None, None) => unreachable!("the group of arguments is required"),
        }
    }
}

/// The flags of whoever opens connections.
#[cfg(feature = "fetch")]
#[derive(Args)]
pub(super) struct Network {
    /// File with the token that the log's server asks auditors for
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// File with the certificates (PEM) of the authorities to trust for `https` addresses
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Ask every witness that has a URL in the policy for its own view, which the log must continue
    #[arg(long)]
    ask_witnesses: bool,
}

#[cfg(feature = "fetch")]
mod network {
    use gridvault_audit::fetch::Client;
    use gridvault_audit::verify::{Cosigned, Expectations, VerifyError, open_view};
    use zeroize::Zeroizing;

    use super::*;

    impl Network {
        /// A client that holds the token and the authorities.
        pub(in super::super) fn client(&self) -> Result<Client, Answer> {
            let usage = |what: &str, error: std::io::Error| {
                Answer::usage(format!("{what} cannot be read: {error}"))
            };
            let token = match &self.token_file {
                Some(path) => {
                    let token = std::fs::read_to_string(path).map(Zeroizing::new);
                    let token = token.map_err(|error| usage("token file", error))?;
                    Some(Zeroizing::new(token.trim().to_owned()))
                }
                None => None,
            };
            let authorities = self.ca_file.as_ref().map(|path| read(path)).transpose();
            let authorities = authorities.map_err(|error| usage("CA file", error))?;
            Client::new(token, authorities.as_deref(), None)
                .map_err(|error| usage("CA file", error))
        }

        /// Asks the witnesses, if that was asked for; gives the names of those that answered. Fewer than a quorum is an
        /// error, because whoever shows a log of its own to an auditor would keep the others silent.
        pub(in super::super) fn ask_witnesses(
            &self,
            client: &Client,
            policy: &Policy,
            expected: &mut Expectations,
        ) -> Result<Vec<String>, VerifyError> {
            let (mut names, mut answered) = (Vec::new(), Vec::new());
            if !self.ask_witnesses {
                return Ok(names);
            }
            // A log whose key another one follows stands there twice.
            let origins: std::collections::BTreeSet<&str> =
                policy.logs().iter().map(|log| log.key.name()).collect();
            for witness in policy.witnesses() {
                let Some(url) = &witness.url else { continue };
                for origin in &origins {
                    // One that cannot be reached, or has seen nothing, is missing from the quorum below.
                    let Ok(Some(note)) = client.view(url, origin) else { continue };
                    let view = open_view(&note, policy, expected.now_seconds)
                        .map_err(VerifyError::ViewRefused)?;
                    let Cosigned { head, cosignatures } = view;
                    let own = cosignatures
                        .into_iter()
                        .find(|given| policy.witness(given.witness).name == witness.name);
                    // Whatever its clock says: the log must continue what it has seen.
                    expected.views.push(head);
                    if let Some(own) = own {
                        answered.push(own);
                        names.push(witness.name.clone());
                    }
                }
            }
            match policy.is_met_by(&answered) {
                true => Ok(names),
                false => Err(VerifyError::ViewsMissing),
            }
        }
    }
}
