//! What a sealed process knows: the envelopes of its vault, the shares that were brought, and how often somebody was wrong.
//! Never opens a store or a keyring and never keeps what opened it: the root key is handed on, once.
//! What is wrong is told no closer than a share's head and its checksum tell it.

mod attempts;
mod brought;
mod token;

pub use attempts::{Failed, Failures};
pub use brought::{Brought, Held, NotOpened, Outcome, Standing};
pub use gridvault_keys::limits::{
    PASSPHRASE_BYTES_MAX, PASSPHRASE_BYTES_MIN, PIN_BYTES_MAX, PIN_BYTES_MIN, SHARE_TEXT_BYTES_MAX,
};
pub use token::WatchedToken;

use crate::ambient::Clock;
use crate::limits::{UNSEAL_SHARES_LOOK_TIME, UNSEAL_SHARES_TIME_MAX};
use attempts::Attempts;
use gridvault_keys::{
    Envelope, KeyError, Passphrase, Pin, Pkcs11Module, Provider, RootKey, Share, UnlockFile,
};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

/// A vault's root key, and how it was opened.
pub struct Unlocked {
    /// The root key.
    pub root: RootKey,
    /// The envelope that it came from.
    pub envelope: [u8; 16],
    /// Numbers of the shares that opened it; none where something else did.
    pub shares: Vec<u8>,
    /// The token that opened it, which must stay.
    pub token: Option<WatchedToken>,
    /// What was tried in vain before.
    pub failures: Failures,
}

/// A sealed vault on its way to be opened.
pub struct Unlocking {
    envelopes: Vec<Envelope>,
    module_path: Option<PathBuf>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    shares: Vec<Share>,
    /// When the first of them came, in microseconds of the monotonic clock.
    since: u64,
    /// Of passphrases.
    attempts: Attempts,
    failures: Failures,
    /// Whether a passphrase is being stretched: one at a time, since each takes the memory of a small host.
    stretching: bool,
    pin: PinState,
    /// Gone once the vault is being opened.
    opens: Option<oneshot::Sender<Unlocked>>,
}

/// What opened a vault beside its envelope.
#[derive(Default)]
struct By {
    shares: Vec<u8>,
    token: Option<WatchedToken>,
}

/// What became of PINs here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PinState {
    /// One may be given to the token.
    Free,
    /// One is.
    Asking,
    /// It was wrong. Not every token says so by itself the next time.
    Spent,
}

impl Unlocking {
    /// A vault that was not opened yet, and where its root key comes out.
    ///
    /// # Errors
    /// Those of the unlock file.
    pub fn begin(
        unlock_file: &Path,
        module_path: Option<PathBuf>,
        clock: Arc<dyn Clock>,
    ) -> Result<(Unlocking, oneshot::Receiver<Unlocked>), KeyError> {
        let (unlocking, unlocked) = Unlocking::of(UnlockFile::load(unlock_file)?, clock);
        Ok((Unlocking { module_path, ..unlocking }, unlocked))
    }

    fn of(
        envelopes: Vec<Envelope>,
        clock: Arc<dyn Clock>,
    ) -> (Unlocking, oneshot::Receiver<Unlocked>) {
        let (opens, unlocked) = oneshot::channel();
        let state = State {
            shares: Vec::new(),
            since: 0,
            attempts: Attempts::default(),
            failures: Failures::default(),
            stretching: false,
            pin: PinState::Free,
            opens: Some(opens),
        };
        (Unlocking { envelopes, module_path: None, clock, state: Mutex::new(state) }, unlocked)
    }

    /// Takes what somebody brought: a passphrase, one share, or nothing but the question how it stands.
    ///
    /// # Errors
    /// [`NotOpened`].
    pub async fn bring(&self, brought: Brought) -> Result<Outcome, NotOpened> {
        match brought {
            Brought::Nothing => Ok(Outcome::Sealed(self.standing())),
            Brought::Share(text) => self.bring_share(&text),
            Brought::Passphrase(text) => self.bring_passphrase(text).await,
            Brought::Pin(text) => self.bring_pin(text).await,
        }
    }

    /// How it stands. It tells what the unlock file tells, and which shares are there.
    pub fn standing(&self) -> Standing {
        self.forget_old();
        self.standing_of(&self.lock())
    }

    /// Forgets shares whose time is over, for as long as the vault is sealed.
    pub async fn tend(&self) {
        loop {
            tokio::time::sleep(UNSEAL_SHARES_LOOK_TIME).await;
            self.forget_old();
        }
    }

    fn forget_old(&self) {
        let now = self.clock.monotonic();
        let mut state = self.lock();
        let age = now.saturating_sub(state.since);
        if !state.shares.is_empty() && u128::from(age) >= UNSEAL_SHARES_TIME_MAX.as_micros() {
            tracing::warn!(shares = state.shares.len(), "shares waited too long and are forgotten");
            state.shares.clear();
        }
    }

    fn bring_share(&self, text: &Zeroizing<Vec<u8>>) -> Result<Outcome, NotOpened> {
        let by_shares = |one: &&Envelope| matches!(one.provider(), Provider::Shares(_));
        let envelope = self.envelopes.iter().find(by_shares).ok_or(NotOpened::NoShares)?;
        let Provider::Shares(plan) = envelope.provider() else { return Err(NotOpened::NoShares) };
        let share = Share::parse(text).map_err(NotOpened::of_share)?;
        envelope.check_share(&share).map_err(NotOpened::of_share)?;
        self.forget_old();
        let now = self.clock.monotonic();
        let mut state = self.lock();
        if state.opens.is_none() {
            return Err(NotOpened::Opening);
        }
        if state.shares.is_empty() {
            state.since = now;
        }
        // Of two that say they are the same one, the last counts: whoever brought a false one must not keep the right one out.
        state.shares.retain(|held| held.number() != share.number());
        state.shares.push(share);
        if state.shares.len() < usize::from(plan.needed()) {
            return Ok(Outcome::Sealed(self.standing_of(&state)));
        }
        // Whatever comes of it, none of them is kept.
        let mut shares = std::mem::take(&mut state.shares);
        shares.sort_by_key(Share::number);
        let opened = envelope.open_with_shares(&shares);
        let numbers = shares.iter().map(Share::number).collect();
        self.finish(&mut state, envelope, opened, By { shares: numbers, ..By::default() })
    }

    async fn bring_passphrase(&self, text: Zeroizing<Vec<u8>>) -> Result<Outcome, NotOpened> {
        let by_passphrase = |one: &&Envelope| matches!(one.provider(), Provider::Passphrase(_));
        let envelope =
            self.envelopes.iter().find(by_passphrase).ok_or(NotOpened::NoPassphrase)?.clone();
        let passphrase = Passphrase::new(text).map_err(|_| NotOpened::PassphraseLength)?;
        let now = self.clock.monotonic();
        {
            let mut state = self.lock();
            if state.opens.is_none() {
                return Err(NotOpened::Opening);
            }
            if state.stretching {
                return Err(NotOpened::Busy);
            }
            state.attempts.enter(now).map_err(NotOpened::TooOften)?;
            state.stretching = true;
        }
        let of = envelope.clone();
        let stretched =
            tokio::task::spawn_blocking(move || of.open_with_passphrase(&passphrase)).await;
        let mut state = self.lock();
        state.stretching = false;
        let opened = stretched.map_err(|_| NotOpened::Failed)?;
        self.finish(&mut state, &envelope, opened, By::default())
    }

    /// Gives a PIN to the token, once. After a wrong one no other goes the same way: the token counts them.
    async fn bring_pin(&self, text: Zeroizing<Vec<u8>>) -> Result<Outcome, NotOpened> {
        let by_token = |one: &&Envelope| matches!(one.provider(), Provider::Pkcs11(_));
        let envelope = self.envelopes.iter().find(by_token).ok_or(NotOpened::NoToken)?.clone();
        let path = self.module_path.clone().ok_or(NotOpened::NoToken)?;
        let pin = Pin::new(&text).map_err(|_| NotOpened::PinShape)?;
        {
            let mut state = self.lock();
            if state.opens.is_none() {
                return Err(NotOpened::Opening);
            }
            match state.pin {
                PinState::Free => state.pin = PinState::Asking,
                PinState::Asking => return Err(NotOpened::Busy),
                PinState::Spent => return Err(NotOpened::PinSpent),
            }
        }
        // Loaded for each try: not every library sees a token that was put in later.
        let of = envelope.clone();
        let asked = tokio::task::spawn_blocking(move || {
            let module = Pkcs11Module::load(&path)?;
            of.open_with_pkcs11(&module, &pin).map(|root| (root, module))
        });
        let asked = asked.await;
        let mut state = self.lock();
        let (opened, module) = match asked {
            Ok(Ok((root, module))) => (Ok(root), Some(Arc::new(module))),
            Ok(Err(error)) => (Err(error), None),
            // Whoever does not know what became of it takes it for wrong.
            Err(_) => {
                state.pin = PinState::Spent;
                return Err(NotOpened::Failed);
            }
        };
        state.pin = match opened {
            Err(KeyError::WrongPin) => PinState::Spent,
            _ => PinState::Free,
        };
        let token = WatchedToken::of(&envelope, module);
        self.finish(&mut state, &envelope, opened, By { token, ..By::default() })
    }

    /// Hands the root key on, or counts a failure. Once the vault is being opened, what else was on its way is not judged.
    fn finish(
        &self,
        state: &mut State,
        envelope: &Envelope,
        opened: Result<RootKey, KeyError>,
        by: By,
    ) -> Result<Outcome, NotOpened> {
        if state.opens.is_none() {
            return Err(NotOpened::Opening);
        }
        let root = match opened {
            Ok(root) => root,
            Err(
                error @ (KeyError::WrongPassphrase | KeyError::WrongShares | KeyError::WrongPin),
            ) => {
                let failures = &mut state.failures;
                let failed = match error {
                    KeyError::WrongPassphrase => &mut failures.passphrases,
                    KeyError::WrongPin => &mut failures.pins,
                    _ => &mut failures.shares,
                };
                *failed = Some(Failed::again(*failed, self.clock.now()));
                tracing::warn!(%error, "somebody could not open the vault");
                return Err(NotOpened::Wrong);
            }
            Err(error) => {
                tracing::error!(%error, "the vault cannot be opened");
                return Err(NotOpened::of_token(&error).unwrap_or(NotOpened::Failed));
            }
        };
        let Some(opens) = state.opens.take() else { return Err(NotOpened::Opening) };
        state.shares.clear();
        let envelope = *envelope.id();
        let By { shares, token } = by;
        let unlocked = Unlocked { root, envelope, shares, token, failures: state.failures };
        // Nobody waits for it when the process is told to stop at this moment.
        let _stopping = opens.send(unlocked);
        Ok(Outcome::Opening)
    }

    fn standing_of(&self, state: &State) -> Standing {
        let mut standing = Standing::default();
        for envelope in &self.envelopes {
            match envelope.provider() {
                Provider::Passphrase(_) => standing.passphrase = true,
                Provider::Shares(plan) => {
                    let mut numbers: Vec<u8> = state.shares.iter().map(Share::number).collect();
                    numbers.sort_unstable();
                    let set_id = envelope.set_id();
                    let (needed, count) = (plan.needed(), plan.count());
                    standing.shares = Some(Held { set_id, needed, count, numbers });
                }
                Provider::Pkcs11(_) => standing.pin = self.module_path.is_some(),
                Provider::KeyFile => {}
            }
        }
        standing
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
