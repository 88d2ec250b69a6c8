//! Keeps the memory of a process that holds keys to itself: no core file, nobody of the same user who attaches.
//! Never a substitute for a closed host: root reads what it likes.
//! Safe calls of the system alone; pages are not locked, so swap is a thing of the host (`gridvault doctor`).

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Turns core files and attaching off, for this process and for good. What the host does not allow is said to its operator.
pub(super) fn keep_memory_private() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!(%error, "core files cannot be turned off");
    }
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "attaching to this process cannot be turned off");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{dumpable_behavior, getrlimit};

    #[test]
    fn a_process_that_holds_keys_leaves_no_core_and_lets_nobody_attach() {
        keep_memory_private();
        let limit = getrlimit(Resource::Core);
        assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
        assert_eq!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable));
    }
}
