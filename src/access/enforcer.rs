//! casbin as one role is asked: over all of the role's lines, and over those of the asked action alone.
//! Never answers by itself; an error of casbin is a no.
//! The lines of other actions are left out only under the one model for which they provably match nothing.

use super::grants::Action;
use super::policy::PolicyError;
use casbin::{CoreApi, DefaultModel, Enforcer, MemoryAdapter, MgmtApi};

/// A line of a role's file: level, topic, class, group, action, effect.
pub(super) type Line = [String; 6];

/// A question to casbin: level, topic, class, group, action.
pub(super) type Words<'a> = [&'a str; 5];

/// The model under which a line of another action decides nothing: its matcher wants equal actions whatever else it
/// wants, cannot fail, and its effect looks at lines that match alone. casbin goes over each line that it has, so a
/// question over the lines of its own action costs a fifth. `policies/model.conf` is this model, with remarks.
const APART: [&str; 8] = [
    "[request_definition]",
    "r = level, topic, class, group, action",
    "[policy_definition]",
    "p = level, topic, class, group, action, eft",
    "[policy_effect]",
    "e = some(where (p.eft == allow)) && !some(where (p.eft == deny))",
    "[matchers]",
    "m = r.level == p.level && r.action == p.action && (p.topic == \"any\" || r.topic == p.topic) && \
     (p.class == \"any\" || r.class == p.class) && (p.group == \"any\" || r.group == p.group)",
];

/// casbin with the lines of one role.
pub(super) struct RoleEnforcer {
    lines: Vec<Line>,
    whole: Enforcer,
    /// Each action's lines alone, nothing for an action without lines; nothing at all under another model.
    apart: Option<[Option<Enforcer>; Action::ALL.len()]>,
}

impl RoleEnforcer {
    /// With the lines of a role, in their order.
    pub(super) async fn new(model: &str, lines: Vec<Line>) -> Result<RoleEnforcer, PolicyError> {
        let whole = enforcer(model, &lines).await?;
        let mut apart = None;
        if is_apart(model) {
            let mut each = [const { None }; Action::ALL.len()];
            for action in Action::ALL {
                let own = |line: &&Line| line[4] == action.as_str();
                let own: Vec<Line> = lines.iter().filter(own).cloned().collect();
                if !own.is_empty() {
                    each[action as usize] = Some(enforcer(model, &own).await?);
                }
            }
            apart = Some(each);
        }
        Ok(RoleEnforcer { lines, whole, apart })
    }

    /// The lines.
    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Whether casbin allows it, asked over the lines that can say anything about the action.
    pub(super) fn allows(&self, [level, topic, class, group]: [&str; 4], action: Action) -> bool {
        let asked = match &self.apart {
            Some(each) => each[action as usize].as_ref(),
            None => Some(&self.whole),
        };
        let question = [level, topic, class, group, action.as_str()];
        asked.is_some_and(|enforcer| ask(enforcer, question).unwrap_or(false))
    }

    /// The same asked over all lines, for a question of any words.
    ///
    /// # Errors
    /// casbin's.
    pub(super) fn enforce_whole(&self, question: Words<'_>) -> Result<bool, PolicyError> {
        ask(&self.whole, question).map_err(refuse)
    }
}

fn ask(enforcer: &Enforcer, question: Words<'_>) -> casbin::Result<bool> {
    let [level, topic, class, group, action] = question;
    enforcer.enforce((level, topic, class, group, action))
}

/// Whether a model is [`APART`], whatever it remarks.
fn is_apart(model: &str) -> bool {
    let said =
        model.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    said.eq(APART)
}

fn refuse(error: casbin::Error) -> PolicyError {
    PolicyError::Casbin(error.to_string())
}

async fn enforcer(model: &str, lines: &[Line]) -> Result<Enforcer, PolicyError> {
    let model = DefaultModel::from_str(model).await.map_err(refuse)?;
    let mut enforcer = Enforcer::new(model, MemoryAdapter::default()).await.map_err(refuse)?;
    let rules: Vec<Vec<String>> = lines.iter().map(|line| line.to_vec()).collect();
    if !rules.is_empty() {
        enforcer.add_policies(rules).await.map_err(refuse)?;
    }
    Ok(enforcer)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../policies/model.conf");

    #[test]
    fn the_shipped_model_is_the_one_under_which_actions_are_asked_apart() {
        assert!(is_apart(SHIPPED));
    }

    #[tokio::test]
    async fn under_any_other_model_all_lines_are_asked() {
        let line = ["grid", "any", "any", "any", "write", "allow"].map(str::to_owned);
        let point = ["grid", "person", "C2", "contact"];
        let others = [
            // Whoever may write may remove: a line of one action decides about another.
            ("r.action == p.action", "(r.action == p.action || r.action == \"delete\")", true),
            // What is not denied is allowed: a question that no line matches is a yes.
            ("some(where (p.eft == allow)) && ", "", true),
            ("r.action == p.action", "r.action == p.action && (r.topic == r.topic)", false),
        ];
        for (old, new, removes) in others {
            let model = SHIPPED.replace(old, new);
            assert!(SHIPPED.contains(old) && !is_apart(&model), "{new}");
            let role = RoleEnforcer::new(&model, vec![line.clone()]).await.expect("it loads");
            assert_eq!(role.allows(point, Action::Delete), removes, "{new}");
            assert!(role.allows(point, Action::Write), "{new}");
        }
        let role = RoleEnforcer::new(SHIPPED, vec![line]).await.expect("it loads");
        assert!(!role.allows(point, Action::Delete) && role.allows(point, Action::Write));
    }
}
