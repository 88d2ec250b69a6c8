//! What each event is called: Chinese as the console shows it, English as a sentence goes on after its subject.
//! Never decides anything; a table for people.
//! Every event of the log has exactly one line.

/// Family, action, Chinese, English.
pub(super) const EVENT_WORDS: &[(&str, &str, &str, &str)] = &[
    ("data", "read", "查看记录", "read a record"),
    ("data", "create", "录入记录", "stored a record"),
    ("data", "update", "修改记录", "changed a record"),
    ("data", "delete", "删除记录", "removed a record"),
    ("data", "erase", "依请求删除本人记录", "removed a person's records at its erasure"),
    ("data", "query", "查询列表", "listed records"),
    ("data", "match", "核对信息", "matched a value"),
    ("data", "export", "批量导出", "exported records"),
    ("data", "import", "批量录入", "imported records"),
    ("data", "household", "录入家庭户", "stored a household"),
    ("data", "occupants", "查看住户", "listed the people of a place"),
    ("data", "statistics", "统计", "asked for counts"),
    ("data", "preview", "预览权限", "asked what may be done"),
    ("data", "changes", "查看变更", "read the change feed"),
    ("data", "attach", "上传附件", "stored an attachment"),
    ("data", "move", "迁移记录", "moved a record"),
    ("data", "retain", "到期销毁", "destroyed a record at the end of its retention"),
    ("data", "schema_read", "查看数据项目录", "read a form"),
    ("access", "denied", "访问被拒绝", "was refused"),
    ("access", "limited", "因多次被拒而锁定", "was locked out after too many refusals"),
    ("policy", "propose", "提出策略变更", "proposed a policy"),
    ("policy", "approve", "批准策略变更", "approved a policy"),
    ("policy", "reject", "驳回策略变更", "rejected a policy"),
    ("policy", "activated", "策略生效", "a policy came into force"),
    ("policy", "simulate", "策略试算", "simulated a policy"),
    ("policy", "explain", "查询授权说明", "asked why a decision would be taken"),
    ("policy", "read", "查看策略", "read the policy"),
    ("assignment", "add", "岗位授权", "granted an assignment"),
    ("assignment", "change", "变更岗位授权", "changed an assignment"),
    ("assignment", "end", "终止岗位授权", "ended an assignment"),
    ("assignment", "import", "导入岗位名册", "imported a roster"),
    ("assignment", "read", "查看岗位授权", "read assignments"),
    ("approval", "request", "申请审批", "asked for an approval"),
    ("approval", "grant", "批准查看", "granted an approval"),
    ("approval", "refuse", "不予批准", "refused an approval"),
    ("approval", "use", "使用审批", "used an approval"),
    ("approval", "expire", "审批到期", "an approval expired"),
    ("approval", "read", "查看审批", "read approvals"),
    ("key", "create", "生成密钥", "made a key"),
    ("key", "rotate", "轮换密钥", "replaced a key"),
    ("key", "destroy", "销毁密钥", "destroyed a key"),
    ("key", "rewrap", "重新封装密钥", "wrapped keys anew"),
    ("key", "split", "拆分根密钥", "split the root key"),
    ("key", "passphrase", "更换根密钥口令", "changed the passphrase"),
    ("key", "read", "查看密钥状态", "read the state of the keys"),
    ("consent", "give", "登记同意", "recorded a consent"),
    ("consent", "withdraw", "撤回同意", "recorded that a consent was withdrawn"),
    ("consent", "expire", "同意到期", "a consent expired"),
    ("consent", "read", "查看同意记录", "read consents"),
    ("subject", "report", "出具个人信息报告", "reported to a resident what is held"),
    ("subject", "accesses", "出具访问记录", "reported to a resident who looked"),
    ("subject", "copy", "提供个人信息副本", "gave a resident a copy"),
    ("subject", "correct", "更正个人信息", "corrected at a resident's request"),
    ("subject", "restrict", "限制处理", "restricted use"),
    ("subject", "protect", "设置或解除住址保护", "set or lifted the protection of an address"),
    ("subject", "release", "解除限制或依法保留", "lifted a restriction or a legal hold"),
    ("subject", "hold", "依法保留个人信息", "kept what is held for a law"),
    ("subject", "due", "查看待办事项", "listed what is due to residents"),
    ("subject", "object", "登记异议", "recorded an objection"),
    (
        "subject",
        "erase",
        "从他人记录中删除本人部分",
        "took a person's part out of records of others",
    ),
    ("subject", "certificate", "出具删除证明", "gave out the certificate of an erasure"),
    ("audit", "read", "查阅审计日志", "read the audit log"),
    ("audit", "export", "导出审计条目", "exported audit entries"),
    ("audit", "proof", "获取存在证明", "had the proof of an entry"),
    ("audit", "receipt_proof", "以回执获取存在证明", "had the proof of a receipt"),
    ("audit", "anomalies", "查看异常访问提示", "listed anomalies"),
    ("audit", "index", "重建审计检索索引", "had the search index made again"),
    ("audit", "report", "生成监督报告", "had the report of a period made"),
    ("admin", "enrol", "启用账号", "enrolled"),
    ("admin", "read", "查看目录或设置", "read a directory or settings"),
    ("admin", "actor_add", "新增账号", "added an account"),
    ("admin", "actor_change", "变更账号", "changed an account"),
    ("admin", "actor_suspend", "停用账号", "suspended an account"),
    ("admin", "token_issue", "签发令牌", "issued a token"),
    ("admin", "token_revoke", "吊销令牌", "revoked a token"),
    ("admin", "grid_create", "设置网格区划", "set the tree of grids"),
    ("admin", "grid_split", "网格拆分", "split a grid"),
    ("admin", "grid_merge", "网格合并", "merged grids"),
    ("admin", "grid_move", "网格调整", "moved a grid"),
    ("admin", "schema_change", "变更数据项目录", "changed a schema"),
    ("admin", "purpose_change", "变更处理目的", "changed a purpose"),
    ("admin", "notice_change", "变更告知书", "changed a notice"),
    ("admin", "agreement_change", "变更协议", "changed an agreement"),
    ("admin", "service_item_change", "变更服务事项", "changed a service item"),
    ("admin", "linkage_change", "变更联动处置清单", "changed the linkage list"),
    ("admin", "responsibility_change", "变更责任台账", "changed a responsibility"),
    ("admin", "official_request", "登记依法调取请求", "recorded an official request"),
    ("admin", "assessment", "登记影响评估", "recorded an impact assessment"),
    ("admin", "incident", "登记安全事件", "recorded an incident"),
    ("admin", "configuration_change", "变更设置", "changed a setting"),
    ("admin", "backup_create", "创建备份", "made a backup"),
    ("admin", "backup_verify", "校验备份", "checked a backup"),
    ("sys", "init", "建立保险库", "the vault was made"),
    ("sys", "start", "服务启动", "the service started"),
    ("sys", "stop", "服务停止", "the service stopped"),
    ("sys", "heartbeat", "运行正常", "the service is alive"),
    ("sys", "summary", "合并登记的拒绝", "refusals were counted"),
    ("sys", "seal", "封存", "the vault was sealed"),
    ("sys", "unseal", "启封", "the vault was unsealed"),
    ("sys", "unseal_failed", "启封失败", "unsealing failed"),
    ("sys", "restore", "由备份恢复", "the vault was restored"),
    ("sys", "recover", "故障后恢复", "the journal was replayed"),
    ("sys", "clock", "时钟跳变", "the clock jumped"),
    ("sys", "prune", "清理到期条目", "entries past their retention were removed"),
    ("sys", "job", "后台任务", "long work began or ended"),
    ("sys", "snapshot", "生成快照", "a snapshot was written"),
    ("sys", "scrub", "核对存储与日志", "stored rows were compared with the log"),
    ("auth", "login", "登录", "logged in"),
    ("auth", "logout", "退出登录", "logged out"),
    ("auth", "failed", "登录失败或凭证无效", "failed to authenticate"),
    ("auth", "token", "换取令牌", "exchanged a token"),
    ("auth", "second_factor", "设置第二因子", "set a second factor"),
    ("auth", "step_up", "加强验证", "authenticated more strongly"),
    ("auth", "password", "修改密码", "changed a password"),
    ("auth", "lockout", "账号锁定", "an account was locked"),
    ("task", "create", "下达任务", "gave a task"),
    ("task", "counter_check", "当面核验", "checked somebody at the counter"),
    ("task", "accept", "接受任务", "accepted a task"),
    ("task", "return", "退回任务", "returned a task"),
    ("task", "close", "办结任务", "closed a task"),
    ("task", "expire", "任务到期", "a task ended"),
    ("task", "read", "查看任务", "read tasks"),
    ("delegation", "propose", "提出代班授权", "proposed a delegation"),
    ("delegation", "accept", "接受代班授权", "accepted a delegation"),
    ("delegation", "end", "终止代班授权", "ended a delegation"),
    ("delegation", "read", "查看代班授权", "read delegations"),
    ("break_glass", "open", "启动应急访问", "opened emergency access"),
    ("break_glass", "request", "申请扩大应急访问", "asked for a wider emergency access"),
    ("break_glass", "read", "查看应急访问", "read emergency accesses"),
    ("break_glass", "use", "使用应急访问", "used emergency access"),
    ("break_glass", "close", "结束应急访问", "ended emergency access"),
    ("break_glass", "review", "复核应急访问", "reviewed emergency access"),
    ("break_glass", "escalate", "应急访问复核逾期上报", "escalated an overdue review"),
    ("break_glass", "lock", "暂停应急访问", "locked further emergency access"),
    ("review", "open", "提起审计复核", "opened a review"),
    ("review", "note", "登记复核意见", "noted in a review"),
    ("review", "sample", "抽样提起审计复核", "opened a review over a sample"),
    ("review", "escalate", "上报审计复核", "escalated a review"),
    ("review", "close", "办结审计复核", "closed a review"),
    ("review", "rectify", "登记整改事项", "named something to be put right"),
    ("review", "settle", "确认整改完成", "found something put right"),
    ("review", "read", "查看审计复核", "read reviews"),
    ("event", "discover", "发现事件", "reported an event"),
    ("event", "accept", "受理事件", "accepted an event"),
    ("event", "dispatch", "分流事件", "dispatched an event"),
    ("event", "handle", "处置事件", "handled an event"),
    ("event", "track", "跟踪事件", "followed an event up"),
    ("event", "supervise", "督办事件", "supervised an event"),
    ("event", "feed_back", "反馈结果", "fed the outcome back"),
    ("event", "evaluate", "评价结果", "evaluated the outcome"),
    ("event", "return", "退回事件", "returned an event"),
    ("event", "reassign", "改派事件", "reassigned an event"),
    ("event", "extend", "延长期限", "extended a deadline"),
    ("event", "suspend", "中止计时", "suspended a deadline"),
    ("event", "resume", "恢复计时", "resumed a deadline"),
    ("event", "cancel", "撤销事件", "cancelled an event"),
    ("event", "close", "办结事件", "closed an event"),
    ("event", "reopen", "重新办理", "reopened an event"),
    ("event", "read", "查看事件", "read events"),
];

/// Every family, and every event as family and action with a dot between, in order.
pub fn event_names() -> Vec<String> {
    let families = EVENT_WORDS.iter().map(|line| line.0.to_owned());
    let events = EVENT_WORDS.iter().map(|line| format!("{}.{}", line.0, line.1));
    let names: std::collections::BTreeSet<String> = families.chain(events).collect();
    names.into_iter().collect()
}

/// The words of an event.
pub(super) fn event_words(family: &str, action: &str) -> Option<(&'static str, &'static str)> {
    let line = EVENT_WORDS.iter().find(|line| (line.0, line.1) == (family, action))?;
    Some((line.2, line.3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gridvault_audit::Event;
    use std::collections::BTreeSet;

    #[test]
    fn every_event_has_words_of_its_own_and_nothing_else_has() {
        for event in Event::ALL {
            let words = event_words(event.family(), event.action());
            assert!(words.is_some(), "{}.{}", event.family(), event.action());
        }
        assert_eq!(EVENT_WORDS.len(), Event::ALL.len());
        for take in
            [|line: &(_, _, &'static str, _)| line.2, |line: &(_, _, _, &'static str)| line.3]
        {
            let words: BTreeSet<&str> = EVENT_WORDS.iter().map(take).collect();
            assert_eq!(words.len(), EVENT_WORDS.len(), "no two events are called the same");
        }
    }
}
