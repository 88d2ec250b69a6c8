//! What the log says where a request met something stored that is not what the vault wrote.
//! Never a decision: nothing is given by it, and nobody is refused by it who was not refused already.
//! The account names the request, the record where its handle is authenticated, and which kind of thing it was.

use super::account::{Account, Fact, Origin, Written};
use super::decide::{Access, stand, written_of};
use super::question::Ask;
use super::standing::Standing;
use crate::records::Handle;

/// What was met on the way of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Kinds of what was met, each once, with commas between.
    pub parts: String,
    /// The records that it belongs to, where their attributes are authentic.
    pub records: Vec<Handle>,
    /// Further records, which are only counted.
    pub further_count: u64,
    /// The entry behind which it was met: what that gave leave to open was not given.
    pub after: Option<u64>,
    /// The entry that an unreadable row names as its own. Nobody vouches for it; it leads to where the record may be named.
    pub written_by: Option<u64>,
}

/// Something to be recorded that was met on the way of a request. Only this room makes it.
#[must_use = "what was met must be recorded"]
pub struct Damage {
    account: Box<Account>,
}

impl Damage {
    /// What the log will say.
    pub fn account(&self) -> &Account {
        &self.account
    }
}

impl Access {
    /// What is to be said of it: by whom, through which call and for which purpose it was met, as far as that is known.
    pub fn damaged(
        &self,
        standing: Option<&Standing>,
        ask: Option<Ask>,
        purpose: Option<&str>,
        origin: &Origin,
        found: Found,
    ) -> Damage {
        let mut account = Account::of(ask.map_or(Written::Refused, written_of), origin);
        if let Some(standing) = standing {
            account = stand(account, standing, self.active.load().index);
        }
        account.purpose = purpose.map(str::to_owned);
        account.records = found.records;
        account.unnamed_records_count = found.further_count;
        account.facts.push(("damaged", Fact::Code(found.parts)));
        let further = [("after", found.after), ("written_by", found.written_by)];
        let further = further.into_iter().filter_map(|(name, at)| Some((name, Fact::Number(at?))));
        account.facts.extend(further);
        Damage { account: Box::new(account) }
    }
}
