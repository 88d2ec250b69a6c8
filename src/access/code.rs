//! The reasons for which a caller is told no.
//! Never names a rule, a grid or another caller: a refused caller learns the code alone.
//! The words are stable, and clients know them; their status is chosen in `http::reply`.

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal;)+) => {
        /// Why something was refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)+
        }

        impl Code {
            /// Every code, once.
            pub const ALL: &[Code] = &[$(Code::$name,)+];

            /// The stable word on the wire and in the log.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$name => $word,)+ }
            }
        }
    };
}

codes! {
    /// No token, or one that this vault does not take.
    TokenInvalid = "token_invalid";
    /// The token was good once.
    TokenExpired = "token_expired";
    /// The caller's role may not use this call or this field at all.
    Denied = "denied";
    /// The request names no purpose.
    PurposeMissing = "purpose_missing";
    /// There is no such purpose, or it is not active.
    PurposeUnknown = "purpose_unknown";
    /// The purpose does not list the field.
    PurposeNotForField = "purpose_not_for_field";
    /// Notice or consent is missing, or the record is not held on a basis that covers the purpose.
    BasisMissing = "basis_missing";
    /// The resident withdrew.
    ConsentWithdrawn = "consent_withdrawn";
    /// A second person must agree first.
    ApprovalRequired = "approval_required";
    /// Only from inside a task or an event.
    CaseRequired = "case_required";
    /// An emergency access of the caller was not reviewed in time.
    ReviewOverdue = "review_overdue";
    /// A grid that the caller named is not among its own.
    OutOfTerritory = "out_of_territory";
    /// The caller looked at too many today.
    RevealLimit = "reveal_limit";
    /// There is nothing, or nothing that the caller may know of.
    NotFound = "not_found";
    /// The body is not what the call or the schema wants.
    SchemaInvalid = "schema_invalid";
    /// The record type has no such field.
    FieldUnknown = "field_unknown";
    /// The record has another version than the caller thinks.
    VersionConflict = "version_conflict";
    /// The same key came with another body.
    IdempotencyMismatch = "idempotency_mismatch";
    /// The same key is being worked on.
    InFlight = "in_flight";
    /// Something is larger than it may be.
    TooLarge = "too_large";
    /// Too many calls.
    RateLimited = "rate_limited";
    /// The vault is sealed.
    Sealed = "sealed";
    /// The audit log cannot be written.
    TrailUnavailable = "trail_unavailable";
    /// What time it is is in doubt.
    ClockInDoubt = "clock_in_doubt";
    /// The record is kept and protected, and nothing else.
    Restricted = "restricted";
    /// A law keeps it, although somebody asks for its end.
    LegalHold = "legal_hold";
    /// The record is gone for good.
    Erased = "erased";
    /// The disk is full.
    StorageFull = "storage_full";
    /// A key sealed as often as one may, and another one is due.
    KeyUsedUp = "key_used_up";
    /// Too much is being worked on.
    Overloaded = "overloaded";
    /// Rights or record changed while the request was decided.
    Stale = "stale";
    /// The path does not have this method.
    MethodNotAllowed = "method_not_allowed";
    /// The body is of another type.
    MediaTypeUnsupported = "media_type_unsupported";
    /// A defect.
    Internal = "internal";
}

impl Code {
    /// Whether it speaks of the form of what was sent alone: not of a record, nor of what the caller may do.
    pub fn is_of_form(self) -> bool {
        matches!(
            self,
            Code::SchemaInvalid
                | Code::FieldUnknown
                | Code::BasisMissing
                | Code::PurposeNotForField
                | Code::TooLarge
                | Code::IdempotencyMismatch
        )
    }
}
