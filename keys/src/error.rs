//! Says what went wrong with keys and sealed bytes. Never carries key bytes, plain text or personal data.
//! Each variant is one thing that happened, so that a caller can tell damage from a wrong key.

use std::io;

use thiserror::Error;

/// What this crate can refuse or fail at.
#[derive(Debug, Error)]
pub enum KeyError {
    /// A text is not that of a key to log in with.
    #[error("this is no key to log in with")]
    LogInKey,
    /// The system's source of randomness failed.
    #[error("system randomness is unavailable")]
    Randomness,

    /// The suite's number is known, but this build cannot use it.
    #[error("suite {code} is reserved and not built in")]
    UnsupportedSuite {
        /// The number found.
        code: u8,
    },
    /// No suite has this number.
    #[error("suite {code} is unknown")]
    UnknownSuite {
        /// The number found.
        code: u8,
    },
    /// The sealed object is of another format than this build writes.
    #[error("sealed object has unknown format {format}")]
    SealedFormat {
        /// The number found.
        format: u8,
    },
    /// The sealed object ends before its tag.
    #[error("sealed object is too short")]
    SealedTooShort,
    /// The sealed object is longer than any that this crate writes.
    #[error("sealed object is too long")]
    SealedTooLong,
    /// The object was sealed under a key of another kind.
    #[error("sealed object is of another key kind")]
    WrongKeyKind,
    /// The object was sealed under another key, perhaps one since retired.
    #[error("sealed object names another key")]
    WrongKeyId,
    /// The derived key is not the one that sealed the object: wrong place, or altered salt or commitment.
    #[error("key commitment does not match")]
    Commitment,
    /// The tag does not match: sealed bytes or associated data were altered.
    #[error("sealed object does not authenticate")]
    Unauthentic,
    /// The opened content has another length or shape than its kind has.
    #[error("opened content has the wrong shape")]
    ContentShape,
    /// The plain text is longer than [`crate::limits::PLAIN_BYTES_MAX`].
    #[error("plain text is too long to seal")]
    PlainTooLong,
    /// The associated data is longer than [`crate::limits::ASSOCIATED_BYTES_MAX`].
    #[error("associated data is too long")]
    AssociatedTooLong,
    /// A record type or section name is longer than [`crate::limits::NAME_BYTES_MAX`].
    #[error("record type or section name is too long")]
    NameTooLong,

    /// The passphrase has fewer or more bytes than allowed.
    #[error("passphrase must have 12 to 1024 bytes")]
    PassphraseLength,
    /// The Argon2id memory is out of bounds.
    #[error("argon2id memory of {memory_kib} KiB is out of bounds")]
    ArgonMemory {
        /// The value found.
        memory_kib: u32,
    },
    /// The number of Argon2id passes is out of bounds.
    #[error("{passes} argon2id passes are out of bounds")]
    ArgonPasses {
        /// The value found.
        passes: u32,
    },
    /// The number of Argon2id lanes is out of bounds.
    #[error("{lanes} argon2id lanes are out of bounds")]
    ArgonLanes {
        /// The value found.
        lanes: u32,
    },
    /// The host does not give the memory that Argon2id asks for.
    #[error("memory for argon2id is unavailable")]
    ArgonMemoryUnavailable,
    /// The passphrase does not open the envelope (or its parameters were altered: the two look alike).
    #[error("passphrase does not open this envelope")]
    WrongPassphrase,
    /// The key file is not the one that sealed the envelope.
    #[error("key file does not open this envelope")]
    WrongKeyFile,
    /// The key file is not one labelled line of 64 hexadecimal digits.
    #[error("key file is malformed")]
    KeyFileShape,
    /// Others than its owner may read the key file.
    #[error("key file is readable by others than its owner")]
    KeyFileExposed,

    /// No set of shares is so large, or is opened by so many.
    #[error("2 to 7 of at most 7 shares open, and never more than there are")]
    SharePlan,
    /// The text is no share: its label, length or a letter is wrong.
    #[error("text is not a share")]
    ShareShape,
    /// The share was typed or copied wrongly, or altered.
    #[error("share has a typing error")]
    ShareChecksum,
    /// The share is of a newer format.
    #[error("share has unknown format {format}")]
    ShareFormat {
        /// The number found.
        format: u8,
    },
    /// The share belongs to the root key of another vault, or to an earlier one of this.
    #[error("share belongs to another root key")]
    ShareOfOtherRoot,
    /// The share belongs to another set than the envelope.
    #[error("share belongs to another set")]
    ShareOfOtherSet,
    /// Two shares have one number.
    #[error("one share was given twice")]
    ShareTwice,
    /// Fewer shares than the envelope asks for. Nothing was tried.
    #[error("{held} shares of {needed} that are needed")]
    SharesMissing {
        /// How many were given.
        held: usize,
        /// How many open.
        needed: usize,
    },
    /// The shares do not open the envelope (or its parameters were altered: the two look alike).
    #[error("shares do not open this envelope")]
    WrongShares,

    /// No token has such a PIN.
    #[error("PIN is not text of 4 to 255 bytes")]
    PinShape,
    /// A library of tokens is named by its whole path.
    #[error("path of the token's library is not absolute")]
    TokenModulePath,
    /// The library cannot be loaded or started.
    #[error("token's library cannot be used: {cause}")]
    TokenModule {
        /// What the system or the library says.
        cause: String,
    },
    /// The token is not there.
    #[error("token is not there")]
    TokenAbsent,
    /// Two tokens have that name.
    #[error("two tokens have that name")]
    TokenTwice,
    /// The PIN is wrong. The token counts those.
    #[error("PIN is wrong")]
    WrongPin,
    /// A wrong PIN came before, so no other is given to the token until its own tool was logged in with the right one.
    #[error("a wrong PIN came before: log in once with the token's own tool")]
    TokenPinSpent,
    /// The token locked itself after too many wrong PINs.
    #[error("token is locked")]
    TokenLocked,
    /// The key of the envelope is not in the token.
    #[error("token does not hold this envelope's key")]
    TokenKeyAbsent,
    /// The token does not say of its key that nobody can take it out.
    #[error("token's key could be taken out")]
    TokenKeyLoose,
    /// The token failed, or what it is to open was altered.
    #[error("token failed: {cause}")]
    TokenFailed {
        /// What the token says.
        cause: String,
    },
    /// What the token opened does not open the envelope.
    #[error("token does not open this envelope")]
    WrongToken,

    /// The file is not an unlock file, or was cut or altered.
    #[error("unlock file is malformed")]
    UnlockFileShape,
    /// The unlock file or an envelope in it is of a newer format.
    #[error("unlock file has unknown format {format}")]
    UnlockFileFormat {
        /// The number found.
        format: u8,
    },
    /// An unlock file holds at least one envelope and at most [`crate::limits::ENVELOPES_MAX`].
    #[error("unlock file must hold 1 to 16 envelopes")]
    EnvelopeCount,
    /// The envelopes hold different root keys.
    #[error("envelopes belong to different root keys")]
    EnvelopesDisagree,
    /// No provider has this number.
    #[error("unlock provider {code} is unknown")]
    UnknownProvider {
        /// The number found.
        code: u8,
    },
    /// The envelope was sealed by another provider than the one asked to open it.
    #[error("envelope belongs to another unlock provider")]
    WrongProvider,

    /// Neither slot of the keyring is whole.
    #[error("both keyring slots are damaged")]
    KeyringDamaged,
    /// Another process has the keys: one that serves, waits sealed, or replaces them.
    #[error("another process of this vault runs and has its keys; the vault is as it was")]
    KeyringInUse,
    /// The keyring was sealed under another root key.
    #[error("keyring belongs to another root key")]
    KeyringForeignRoot,
    /// The keyring is of a newer format.
    #[error("keyring has unknown format {format}")]
    KeyringFormat {
        /// The number found.
        format: u8,
    },
    /// Two slots of one generation hold different keys, which no write of this crate leaves behind.
    #[error("keyring slots of one generation disagree")]
    KeyringSlotsDisagree,

    /// More buckets than [`crate::limits::BUCKETS_REKEYED_MAX`] would be re-keyed at once, or more other keys than
    /// [`crate::limits::SINGLES_REKEYED_MAX`].
    #[error("too many keys are replaced at once")]
    TooManyBuckets,
    /// The context key of a month has a next one already, and there is no place for a third.
    #[error("the context key of this month was replaced already")]
    ContextTurned,
    /// A bucket's key was replaced as often as its number can count.
    #[error("a bucket has no epoch left")]
    EpochsUsedUp,
    /// The keyring was made without a file, or an earlier write of it failed: it is written again only by the next process.
    #[error("keyring cannot be written by this process any more")]
    KeyringUnwritable,

    /// The bucket number of an index term is out of range.
    #[error("index term has a bucket out of range")]
    TermBucket,
    /// The month or its year is outside the calendar that this crate accepts.
    #[error("calendar month is out of range")]
    MonthOutOfRange,
    /// The keyring has no context key for the month.
    #[error("keyring holds no context key for this month")]
    MonthNotHeld,
    /// The cache's capacity is zero or above [`crate::limits::CACHE_KEYS_MAX`].
    #[error("cache capacity is out of bounds")]
    CacheCapacity,
    /// The signature is not one by this key over this message.
    #[error("signature does not verify")]
    Signature,

    /// The file exists; nothing here overwrites a file of keys.
    #[error("file of keys exists already")]
    FileExists,
    /// What was read back after a write and sync is not what was written.
    #[error("file of keys reads back differently from what was written")]
    ReadBack,
    /// A key sealed as often as its salts allow. What it sealed opens; another key is due.
    #[error("key has sealed as often as one may: rotate it")]
    KeyUsedUp,
    /// No further use of a key is durable yet.
    #[error("uses of a key cannot be counted")]
    UsesUncounted,
    /// A file could not be read, written or synced.
    #[error("input or output failed while {doing}")]
    Io {
        /// The step that failed.
        doing: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl KeyError {
    /// Names the step beside what the system said.
    pub(crate) fn io(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }
}
