//! The rules, one a file: what each looks at, when it finds something, and what it is called in both languages.
//! Never more than the log, the thresholds and what is told of the past; a rule has no store, no clock and no network.
//! Each finds the same in the same entries, and says it once for the time that it looks at.

pub(super) mod emergency;
pub(super) mod leaver;
pub(super) mod limits;
pub(super) mod night;
pub(super) mod outside;
pub(super) mod own;
pub(super) mod stopped;
pub(super) mod sweep;
pub(super) mod volume;

#[cfg(test)]
pub(super) mod fixture;

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RuleName {
    /// Many records against the own past and that of peers.
    Volume,
    /// Attempts outside of the territory.
    Outside,
    /// Many records in the night.
    Night,
    /// Households one after another.
    Sweep,
    /// The own record.
    Own,
    /// The last days before an account ends.
    Leaver,
    /// Near the reveal limits.
    Limits,
    /// Stopped by a limit.
    Stopped,
    /// Emergency access without a review in time, or found not to be justified.
    Emergency,
}

impl RuleName {
    /// All.
    pub const ALL: [RuleName; 9] = [
        RuleName::Volume,
        RuleName::Outside,
        RuleName::Night,
        RuleName::Sweep,
        RuleName::Own,
        RuleName::Leaver,
        RuleName::Limits,
        RuleName::Stopped,
        RuleName::Emergency,
    ];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            RuleName::Volume => "volume",
            RuleName::Outside => "outside_territory",
            RuleName::Night => "night_bulk",
            RuleName::Sweep => "household_sweep",
            RuleName::Own => "own_record",
            RuleName::Leaver => "leaver_days",
            RuleName::Limits => "near_limits",
            RuleName::Stopped => "stopped_by_limit",
            RuleName::Emergency => "emergency_review",
        }
    }

    /// The rule of a word.
    pub fn parse(word: &str) -> Option<RuleName> {
        RuleName::ALL.into_iter().find(|rule| rule.as_str() == word)
    }

    /// In Chinese and in English.
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            RuleName::Volume => volume::WORDS,
            RuleName::Outside => outside::WORDS,
            RuleName::Night => night::WORDS,
            RuleName::Sweep => sweep::WORDS,
            RuleName::Own => own::WORDS,
            RuleName::Leaver => leaver::WORDS,
            RuleName::Limits => limits::WORDS,
            RuleName::Stopped => stopped::WORDS,
            RuleName::Emergency => emergency::WORDS,
        }
    }
}
