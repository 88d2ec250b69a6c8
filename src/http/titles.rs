//! What a refused caller reads: short, no blame, and what to do next.
//! Never names a rule, a grid or a person.
//! Each code has a text of its own in both languages.

use crate::access::Code;
use axum::http::StatusCode;

/// A language that titles come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Language {
    Chinese,
    English,
}

impl Language {
    /// The first language of an `Accept-Language` header that there are titles in; English otherwise.
    /// Weights are honoured by order alone, as clients write them.
    pub(super) fn accepted(header: &str) -> Language {
        for range in header.split(',') {
            let tag = range.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            if tag == "zh" || tag.starts_with("zh-") {
                return Language::Chinese;
            }
            if tag == "en" || tag.starts_with("en-") {
                return Language::English;
            }
        }
        Language::English
    }
}

/// The title of a refusal. A code that speaks of marked items speaks otherwise where none is marked, and a version that is
/// not said is another thing than one that is outdated.
pub(super) fn title_of(
    code: Code,
    status: StatusCode,
    marked: bool,
    language: Language,
) -> &'static str {
    let (chinese, english) = match code {
        Code::VersionConflict if status == StatusCode::PRECONDITION_REQUIRED => UNVERSIONED,
        Code::VersionConflict if marked => TAKEN,
        Code::SchemaInvalid if !marked => UNMARKED,
        _ => titles(code),
    };
    match language {
        Language::Chinese => chinese,
        Language::English => english,
    }
}

/// What is said of a request that is wrong at no item that could be marked.
const UNMARKED: (&str, &str) = ("请求本身有误", "The request itself is wrong.");

/// What is said where something that is marked is somebody else's already.
const TAKEN: (&str, &str) = ("标出的名称已被占用", "What is marked is taken already.");

/// What is said of a change that does not say which version it is of.
const UNVERSIONED: (&str, &str) =
    ("请注明所修改的版本（If-Match）", "Say which version is changed (If-Match).");

/// In Chinese and in English.
pub(super) fn titles(code: Code) -> (&'static str, &'static str) {
    match code {
        Code::TokenInvalid => ("登录凭证无效，请重新登录", "The token is not valid. Log in again."),
        Code::TokenExpired => ("登录已过期，请重新登录", "The log-in has expired. Log in again."),
        Code::Denied => ("当前岗位无此权限", "This role has no such right."),
        Code::PurposeMissing => ("请先选择办理事项", "Choose the matter first."),
        Code::PurposeUnknown => ("该处理目的不存在或已停用", "There is no such purpose in use."),
        Code::PurposeNotForField => {
            ("办理此事项不需要该项信息", "This matter does not need this information.")
        }
        Code::BasisMissing => {
            ("缺少采集依据，请补充告知或同意记录", "A notice or consent is missing. Add it.")
        }
        Code::ConsentWithdrawn => {
            ("居民已撤回同意，不能继续使用", "The resident withdrew the consent.")
        }
        Code::ApprovalRequired => {
            ("需审批后查看，可在此提交申请", "A second person must agree. Ask for it here.")
        }
        Code::CaseRequired => ("请从任务或事件中进入", "Come from a task or an event."),
        Code::ReviewOverdue => {
            ("应急访问逾期未复核，暂停再次启动", "An emergency access was not reviewed in time.")
        }
        Code::OutOfTerritory => ("不在您的网格范围内", "This is not within your grid."),
        Code::RevealLimit => (
            "今日查看次数已达上限，可申请临时增加",
            "Today's number is used up. You can ask for more.",
        ),
        Code::NotFound => ("未找到记录，或您无权知悉", "Nothing that you may know of was found."),
        Code::SchemaInvalid => {
            ("填写有误，请检查标出的项目", "Something is not right. Look at the marked items.")
        }
        Code::FieldUnknown => ("没有该数据项", "There is no such field."),
        Code::VersionConflict => {
            ("记录已被他人更新，请刷新后再改", "Somebody changed the record. Reload it first.")
        }
        Code::IdempotencyMismatch => {
            ("重复提交的内容不一致", "The same key came with another content.")
        }
        Code::InFlight => ("正在处理，请勿重复提交", "It is being worked on."),
        Code::TooLarge => ("内容超出大小限制", "The content is too large."),
        Code::RateLimited => ("操作过于频繁，请稍后再试", "Too many calls. Try again later."),
        Code::Sealed => ("保险库已封存，暂停服务", "The vault is sealed."),
        Code::TrailUnavailable => (
            "审计日志无法写入，已停止服务以保证留痕",
            "The audit log cannot be written, so nothing is served.",
        ),
        Code::ClockInDoubt => (
            "系统时间异常，已停止服务，请联系管理员",
            "The time is in doubt, so nothing is served. Tell the administrator.",
        ),
        Code::Restricted => ("该记录已限制处理", "This record is restricted."),
        Code::LegalHold => {
            ("该信息依法须保存，不能删除", "A law keeps this information, so it is not erased.")
        }
        Code::Erased => ("该信息已删除，不可恢复", "This information is gone for good."),
        Code::StorageFull => {
            ("存储空间不足，请联系管理员", "The storage is full. Tell the administrator.")
        }
        Code::KeyUsedUp => (
            "密钥使用次数已达上限，请联系管理员轮换密钥",
            "A key is used up. Tell the administrator to rotate it.",
        ),
        Code::Overloaded => ("系统繁忙，请稍后再试", "The system is busy. Try again later."),
        Code::Stale => ("授权刚有变动，请重试", "Rights have just changed. Try again."),
        Code::MethodNotAllowed => ("不支持的请求方式", "This method is not supported."),
        Code::MediaTypeUnsupported => ("不支持的内容类型", "This content type is not supported."),
        Code::Internal => ("系统内部错误", "Something went wrong inside."),
    }
}

#[cfg(test)]
mod tests {
    use super::super::reply::status_of;
    use super::*;

    #[test]
    fn the_first_known_language_is_taken() {
        assert_eq!(Language::accepted("zh-CN,zh;q=0.9"), Language::Chinese);
        assert_eq!(Language::accepted("fr, en-GB;q=0.5, zh"), Language::English);
        assert_eq!(Language::accepted(""), Language::English);
    }

    #[test]
    fn every_code_has_a_title_of_its_own_in_both_languages() {
        for language in [Language::Chinese, Language::English] {
            let title = |code, marked| title_of(code, status_of(code), marked, language);
            let titles: std::collections::BTreeSet<&str> =
                Code::ALL.iter().map(|code| title(*code, *code == Code::SchemaInvalid)).collect();
            assert_eq!(titles.len(), Code::ALL.len());
            assert!(!titles.contains(title(Code::SchemaInvalid, false)));
            assert!(!titles.contains(title(Code::VersionConflict, true)));
            let required = StatusCode::PRECONDITION_REQUIRED;
            assert!(!titles.contains(title_of(Code::VersionConflict, required, true, language)));
            assert!(titles.contains(title(Code::BasisMissing, false)));
        }
    }
}
