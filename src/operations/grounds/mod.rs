//! What somebody may open for: tasks, requests that others agree to, emergencies, and what explains it.
//! Never gives to whoever asked what another has to agree to.
//! Each ground has an end, and a look of others at what became of it.

mod approval;
mod break_glass;
mod counter_check;
mod day;
mod give_task;
mod official_request;
mod policy;
mod preview;
mod raise_limit;
mod review_glass;
mod task;
mod urgent_scope;

pub use approval::{
    ApprovalRequest, ListedApproval, ListedApprovals, Waiting, ask_approval, decide_approval,
    list_approvals,
};
pub use break_glass::{BreakGlassRequest, BrokenGlass, Urgency, break_glass};
pub use counter_check::{Checked, CounterRequest, CounterTask, counter_check};
pub use day::{Day, DayTask, day};
pub use give_task::{TaskGiven, TaskRequest, TaskScope, give_task};
pub use official_request::{OfficialRequest, ask_official};
pub use policy::{ExplainRequest, Explained, explain_policy, policy_matrix};
pub use preview::{Age, PreviewRequest, PreviewedPurpose, Previewing, preview_access};
pub use raise_limit::{RaiseRequest, ask_raise};
pub use review_glass::{Finding, ListedGlass, end_glass, list_glass, review_glass};
pub use task::{ListedTask, ListedTasks, TaskStep, list_tasks, step_task};
