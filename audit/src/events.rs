//! The closed list of what an entry can be about: families and their actions.
//! Never grows by itself: an event unknown to this table is a finding of the verifier.
//! Each event has exactly one pair of family and action, and no two events share a pair.

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $family:literal, $action:literal;)+) => {
        /// What an entry is about: the members `ev` (family) and `act` (action).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Event {
            $($(#[$doc])* $name,)+
        }

        impl Event {
            /// Every event there is.
            pub const ALL: &[Event] = &[$(Event::$name,)+];

            /// The family, such as `data`: the member `ev`.
            #[must_use]
            pub const fn family(self) -> &'static str {
                match self { $(Event::$name => $family,)+ }
            }

            /// The action within the family, such as `read`: the member `act`.
            #[must_use]
            pub const fn action(self) -> &'static str {
                match self { $(Event::$name => $action,)+ }
            }
        }

        /// Family and action of every event, for whoever reads entries and does not write them.
        pub const EVENT_CODES: &[(&str, &str)] = &[$(($family, $action),)+];
    };
}

events! {
    /// `data.read`: one record read.
    DataRead = "data", "read";
    /// `data.create`: a record created.
    DataCreate = "data", "create";
    /// `data.update`: a record changed.
    DataUpdate = "data", "update";
    /// `data.delete`: a record deleted.
    DataDelete = "data", "delete";
    /// `data.erase`: records of a person removed at its erasure.
    DataErase = "data", "erase";
    /// `data.query`: records listed or searched.
    DataQuery = "data", "query";
    /// `data.match`: a value compared with what is held.
    DataMatch = "data", "match";
    /// `data.export`: records exported in bulk.
    DataExport = "data", "export";
    /// `data.import`: records created in a batch.
    DataImport = "data", "import";
    /// `data.household`: a household created with its people.
    DataHousehold = "data", "household";
    /// `data.occupants`: the occupants of a place read.
    DataOccupants = "data", "occupants";
    /// `data.statistics`: counts asked for.
    DataStatistics = "data", "statistics";
    /// `data.preview`: a caller asked what it may do.
    DataPreview = "data", "preview";
    /// `data.changes`: the change feed read.
    DataChanges = "data", "changes";
    /// `data.attach`: an attachment stored.
    DataAttach = "data", "attach";
    /// `data.move`: a record moved to another grid.
    DataMove = "data", "move";
    /// `data.retain`: a record destroyed at the end of its retention.
    DataRetain = "data", "retain";
    /// `data.schema_read`: a schema, code list or purpose list read.
    DataSchemaRead = "data", "schema_read";
    /// `access.denied`: a request refused.
    AccessDenied = "access", "denied";
    /// `access.limited`: a caller locked out after too many refusals.
    AccessLimited = "access", "limited";
    /// `policy.propose`: a policy proposed.
    PolicyPropose = "policy", "propose";
    /// `policy.approve`: a proposal approved.
    PolicyApprove = "policy", "approve";
    /// `policy.reject`: a proposal rejected.
    PolicyReject = "policy", "reject";
    /// `policy.activated`: a policy in force from this entry on.
    PolicyActivated = "policy", "activated";
    /// `policy.simulate`: a proposal run over past requests.
    PolicySimulate = "policy", "simulate";
    /// `policy.explain`: a decision explained.
    PolicyExplain = "policy", "explain";
    /// `policy.read`: policies or their versions read.
    PolicyRead = "policy", "read";
    /// `assignment.add`: an assignment granted.
    AssignmentAdd = "assignment", "add";
    /// `assignment.change`: an assignment changed.
    AssignmentChange = "assignment", "change";
    /// `assignment.end`: an assignment ended.
    AssignmentEnd = "assignment", "end";
    /// `assignment.import`: a roster imported.
    AssignmentImport = "assignment", "import";
    /// `assignment.read`: assignments read.
    AssignmentRead = "assignment", "read";
    /// `approval.request`: an approval asked for.
    ApprovalRequest = "approval", "request";
    /// `approval.grant`: an approval granted.
    ApprovalGrant = "approval", "grant";
    /// `approval.refuse`: an approval refused.
    ApprovalRefuse = "approval", "refuse";
    /// `approval.use`: an approval used up.
    ApprovalUse = "approval", "use";
    /// `approval.expire`: an approval expired.
    ApprovalExpire = "approval", "expire";
    /// `approval.read`: approvals read.
    ApprovalRead = "approval", "read";
    /// `key.create`: a key made.
    KeyCreate = "key", "create";
    /// `key.rotate`: a key replaced.
    KeyRotate = "key", "rotate";
    /// `key.destroy`: a key destroyed.
    KeyDestroy = "key", "destroy";
    /// `key.rewrap`: keys wrapped anew.
    KeyRewrap = "key", "rewrap";
    /// `key.split`: the root key split into shares.
    KeySplit = "key", "split";
    /// `key.passphrase`: the passphrase of the root key changed.
    KeyPassphrase = "key", "passphrase";
    /// `key.read`: the state of the keys read.
    KeyRead = "key", "read";
    /// `consent.give`: a consent given.
    ConsentGive = "consent", "give";
    /// `consent.withdraw`: a consent withdrawn.
    ConsentWithdraw = "consent", "withdraw";
    /// `consent.expire`: a consent expired.
    ConsentExpire = "consent", "expire";
    /// `consent.read`: consents read.
    ConsentRead = "consent", "read";
    /// `subject.report`: what is held about a person reported to that person.
    SubjectReport = "subject", "report";
    /// `subject.accesses`: who looked, reported to the person.
    SubjectAccesses = "subject", "accesses";
    /// `subject.copy`: a portable copy given.
    SubjectCopy = "subject", "copy";
    /// `subject.correct`: a correction made at the person's request.
    SubjectCorrect = "subject", "correct";
    /// `subject.restrict`: use restricted.
    SubjectRestrict = "subject", "restrict";
    /// `subject.protect`: an address protected from its neighbours, or no more.
    SubjectProtect = "subject", "protect";
    /// `subject.release`: a restriction or a legal hold lifted.
    SubjectRelease = "subject", "release";
    /// `subject.hold`: what is held of a person kept for a law.
    SubjectHold = "subject", "hold";
    /// `subject.due`: what is due to residents listed.
    SubjectDue = "subject", "due";
    /// `subject.object`: an objection recorded.
    SubjectObject = "subject", "object";
    /// `subject.erase`: a person's part taken out of records of others, at its erasure.
    SubjectErase = "subject", "erase";
    /// `subject.certificate`: the certificate of an erasure given out.
    SubjectCertificate = "subject", "certificate";
    /// `audit.read`: entries read.
    AuditRead = "audit", "read";
    /// `audit.export`: an evidence pack made.
    AuditExport = "audit", "export";
    /// `audit.proof`: a proof given to an officer.
    AuditProof = "audit", "proof";
    /// `audit.receipt_proof`: a proof given to the holder of a receipt.
    AuditReceiptProof = "audit", "receipt_proof";
    /// `audit.anomalies`: anomalies listed.
    AuditAnomalies = "audit", "anomalies";
    /// `audit.index`: the search index made again.
    AuditIndex = "audit", "index";
    /// `audit.report`: the report of a period made.
    AuditReport = "audit", "report";
    /// `admin.enrol`: the first administrator enrolled.
    AdminEnrol = "admin", "enrol";
    /// `admin.read`: directories and settings read.
    AdminRead = "admin", "read";
    /// `admin.actor_add`: an actor added.
    AdminActorAdd = "admin", "actor_add";
    /// `admin.actor_change`: an actor changed.
    AdminActorChange = "admin", "actor_change";
    /// `admin.actor_suspend`: an actor suspended or gone.
    AdminActorSuspend = "admin", "actor_suspend";
    /// `admin.token_issue`: a token issued.
    AdminTokenIssue = "admin", "token_issue";
    /// `admin.token_revoke`: a token revoked.
    AdminTokenRevoke = "admin", "token_revoke";
    /// `admin.grid_create`: a grid created.
    AdminGridCreate = "admin", "grid_create";
    /// `admin.grid_split`: a grid split.
    AdminGridSplit = "admin", "grid_split";
    /// `admin.grid_merge`: grids merged.
    AdminGridMerge = "admin", "grid_merge";
    /// `admin.grid_move`: a grid moved or renumbered.
    AdminGridMove = "admin", "grid_move";
    /// `admin.schema_change`: a schema changed.
    AdminSchemaChange = "admin", "schema_change";
    /// `admin.purpose_change`: a purpose changed.
    AdminPurposeChange = "admin", "purpose_change";
    /// `admin.notice_change`: a notice changed.
    AdminNoticeChange = "admin", "notice_change";
    /// `admin.agreement_change`: an agreement with another organ changed.
    AdminAgreementChange = "admin", "agreement_change";
    /// `admin.service_item_change`: a service item changed.
    AdminServiceItemChange = "admin", "service_item_change";
    /// `admin.linkage_change`: the linkage list changed.
    AdminLinkageChange = "admin", "linkage_change";
    /// `admin.responsibility_change`: a responsibility changed.
    AdminResponsibilityChange = "admin", "responsibility_change";
    /// `admin.official_request`: an official request recorded.
    AdminOfficialRequest = "admin", "official_request";
    /// `admin.assessment`: an impact assessment recorded.
    AdminAssessment = "admin", "assessment";
    /// `admin.incident`: an incident recorded.
    AdminIncident = "admin", "incident";
    /// `admin.configuration_change`: a setting changed.
    AdminConfigurationChange = "admin", "configuration_change";
    /// `admin.backup_create`: a backup made.
    AdminBackupCreate = "admin", "backup_create";
    /// `admin.backup_verify`: a backup checked.
    AdminBackupVerify = "admin", "backup_verify";
    /// `sys.init`: the vault made: entry 0 of a first log.
    SysInit = "sys", "init";
    /// `sys.start`: the service started; monotonic time begins again.
    SysStart = "sys", "start";
    /// `sys.stop`: the service stopped in order.
    SysStop = "sys", "stop";
    /// `sys.heartbeat`: a sign of life.
    SysHeartbeat = "sys", "heartbeat";
    /// `sys.summary`: refusals counted instead of listed.
    SysSummary = "sys", "summary";
    /// `sys.seal`: the vault sealed.
    SysSeal = "sys", "seal";
    /// `sys.unseal`: the vault unsealed.
    SysUnseal = "sys", "unseal";
    /// `sys.unseal_failed`: failed unseals, counted.
    SysUnsealFailed = "sys", "unseal_failed";
    /// `sys.restore`: a restored vault: entry 0 of a continued log.
    SysRestore = "sys", "restore";
    /// `sys.recover`: the journal replayed after a crash.
    SysRecover = "sys", "recover";
    /// `sys.clock`: a jump of the clock noticed.
    SysClock = "sys", "clock";
    /// `sys.prune`: entries past their retention removed.
    SysPrune = "sys", "prune";
    /// `sys.job`: long work begun or ended.
    SysJob = "sys", "job";
    /// `sys.snapshot`: a snapshot written and read back.
    SysSnapshot = "sys", "snapshot";
    /// `sys.scrub`: stored rows compared with the log.
    SysScrub = "sys", "scrub";
    /// `auth.login`: a log-in.
    AuthLogin = "auth", "login";
    /// `auth.logout`: a log-out.
    AuthLogout = "auth", "logout";
    /// `auth.failed`: a failed log-in or an invalid credential.
    AuthFailed = "auth", "failed";
    /// `auth.token`: a token exchanged or renewed.
    AuthToken = "auth", "token";
    /// `auth.second_factor`: a second factor set or reset.
    AuthSecondFactor = "auth", "second_factor";
    /// `auth.step_up`: a stronger authentication within a session.
    AuthStepUp = "auth", "step_up";
    /// `auth.password`: a password changed.
    AuthPassword = "auth", "password";
    /// `auth.lockout`: an account locked.
    AuthLockout = "auth", "lockout";
    /// `task.create`: a task given.
    TaskCreate = "task", "create";
    /// `task.counter_check`: somebody checked in their presence, which opens a task over them.
    TaskCounterCheck = "task", "counter_check";
    /// `task.accept`: a task accepted.
    TaskAccept = "task", "accept";
    /// `task.return`: a task returned.
    TaskReturn = "task", "return";
    /// `task.close`: a task closed.
    TaskClose = "task", "close";
    /// `task.expire`: a task ended by time or budget.
    TaskExpire = "task", "expire";
    /// `task.read`: tasks read.
    TaskRead = "task", "read";
    /// `delegation.propose`: a delegation proposed.
    DelegationPropose = "delegation", "propose";
    /// `delegation.accept`: a delegation accepted.
    DelegationAccept = "delegation", "accept";
    /// `delegation.end`: a delegation ended.
    DelegationEnd = "delegation", "end";
    /// `delegation.read`: delegations read.
    DelegationRead = "delegation", "read";
    /// `break_glass.open`: emergency access opened.
    BreakGlassOpen = "break_glass", "open";
    /// `break_glass.request`: a wider emergency access asked for.
    BreakGlassRequest = "break_glass", "request";
    /// `break_glass.read`: emergency accesses read.
    BreakGlassRead = "break_glass", "read";
    /// `break_glass.use`: emergency access used.
    BreakGlassUse = "break_glass", "use";
    /// `break_glass.close`: emergency access ended.
    BreakGlassClose = "break_glass", "close";
    /// `break_glass.review`: emergency access reviewed.
    BreakGlassReview = "break_glass", "review";
    /// `break_glass.escalate`: an overdue review escalated.
    BreakGlassEscalate = "break_glass", "escalate";
    /// `break_glass.lock`: further emergency access locked.
    BreakGlassLock = "break_glass", "lock";
    /// `review.open`: a review opened.
    ReviewOpen = "review", "open";
    /// `review.sample`: a review opened over entries that were drawn.
    ReviewSample = "review", "sample";
    /// `review.note`: a note added.
    ReviewNote = "review", "note";
    /// `review.escalate`: a review brought before somebody above.
    ReviewEscalate = "review", "escalate";
    /// `review.close`: a review closed by a second person.
    ReviewClose = "review", "close";
    /// `review.rectify`: something to be put right named, with its owner and its day.
    ReviewRectify = "review", "rectify";
    /// `review.settle`: a second person found it put right.
    ReviewSettle = "review", "settle";
    /// `review.read`: reviews read.
    ReviewRead = "review", "read";
    /// `event.discover`: an event reported.
    EventDiscover = "event", "discover";
    /// `event.accept`: an event accepted.
    EventAccept = "event", "accept";
    /// `event.dispatch`: an event dispatched.
    EventDispatch = "event", "dispatch";
    /// `event.handle`: an event handled.
    EventHandle = "event", "handle";
    /// `event.track`: an event followed up.
    EventTrack = "event", "track";
    /// `event.supervise`: an event supervised.
    EventSupervise = "event", "supervise";
    /// `event.feed_back`: an outcome fed back.
    EventFeedBack = "event", "feed_back";
    /// `event.evaluate`: an outcome evaluated.
    EventEvaluate = "event", "evaluate";
    /// `event.return`: an event returned.
    EventReturn = "event", "return";
    /// `event.reassign`: an event given to another organ.
    EventReassign = "event", "reassign";
    /// `event.extend`: a deadline extended.
    EventExtend = "event", "extend";
    /// `event.suspend`: a deadline suspended.
    EventSuspend = "event", "suspend";
    /// `event.resume`: a deadline running again.
    EventResume = "event", "resume";
    /// `event.cancel`: an event cancelled.
    EventCancel = "event", "cancel";
    /// `event.close`: an event closed.
    EventClose = "event", "close";
    /// `event.reopen`: an event opened again.
    EventReopen = "event", "reopen";
    /// `event.read`: events read.
    EventRead = "event", "read";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{EVENT_CODES, Event};

    #[test]
    fn no_two_events_share_a_code() {
        let codes: BTreeSet<_> = EVENT_CODES.iter().collect();
        assert_eq!(codes.len(), Event::ALL.len());
    }

    #[test]
    fn every_event_is_in_the_list_of_codes() {
        for event in Event::ALL {
            assert!(EVENT_CODES.contains(&(event.family(), event.action())));
        }
    }

    #[test]
    fn every_family_of_the_design_is_present() {
        let families: BTreeSet<_> = EVENT_CODES.iter().map(|(family, _)| *family).collect();
        let designed = [
            "access",
            "admin",
            "approval",
            "assignment",
            "audit",
            "auth",
            "break_glass",
            "consent",
            "data",
            "delegation",
            "event",
            "key",
            "policy",
            "review",
            "subject",
            "sys",
            "task",
        ];
        assert_eq!(families, designed.into_iter().collect());
    }
}
