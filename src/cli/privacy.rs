//! Keeps the memory of a process that holds keys to itself: no core file, nobody of the same user who attaches, no page on a disk.
//! Never a substitute for a closed host: root reads what it likes.
//! Safe calls of the system alone. What the host does not allow is said to its operator, and `gridvault doctor` says it before.

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};
use rustix::thread::CapabilitySet;

/// Turns core files and attaching off, for this process and for good.
pub(super) fn keep_memory_private() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!(%error, "core files cannot be turned off");
    }
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "attaching to this process cannot be turned off");
    }
}

/// Keeps every page that this process touches in memory from now on: keys and opened values are never paged out.
pub(super) fn lock_pages() {
    if !may_lock_pages() {
        tracing::warn!(
            "pages are not locked in memory: the host limits how many may be (LimitMEMLOCK, ulimit -l); see that nothing pages to a disk in clear"
        );
        return;
    }
    // Not what is only mapped: the stacks of all threads, for one, would take memory that nobody uses.
    let touched = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    if let Err(error) = mlockall(touched) {
        tracing::warn!(%error, "pages cannot be locked in memory");
    }
}

/// Whether a process like this one may lock as many pages as it likes; its own limit goes up to what the host allows.
///
/// Below a limit nothing is locked: the first page beyond it could not be had, which would end the process.
pub(super) fn may_lock_pages() -> bool {
    let rights = rustix::thread::capabilities(None);
    if rights.is_ok_and(|rights| rights.effective.contains(CapabilitySet::IPC_LOCK)) {
        return true;
    }
    let maximum = getrlimit(Resource::Memlock).maximum;
    let raised = setrlimit(Resource::Memlock, Rlimit { current: maximum, maximum });
    maximum.is_none() && raised.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::dumpable_behavior;

    #[test]
    fn a_process_that_holds_keys_leaves_no_core_and_lets_nobody_attach() {
        keep_memory_private();
        let limit = getrlimit(Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
        assert_eq!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable));
    }
}
