//! Says in words what an entry records, in Chinese and in English, for whoever cannot read codes.
//! Never more than the entry: no name, no value; an actor, a record or a subject stays its id or handle.
//! A code without a word stays a code, so that nothing is left out.

use super::entry::LogEntry;
use super::event_words::event_words;
use crate::ambient::Micros;
use crate::purposes::PurposeSet;
use compact_str::CompactString;

/// Handles that the text names one by one.
const NAMED_COUNT_MAX: usize = 3;

/// An entry in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// In Chinese.
    pub zh: String,
    /// In English.
    pub en: String,
}

/// Both words of a code.
pub type Pair = (String, String);

/// Where words come from that others own.
pub struct Vocabulary<'a> {
    /// Titles of purposes.
    pub purposes: &'a PurposeSet,
    /// The name of a role.
    pub role: &'a (dyn Fn(&str) -> Option<Pair> + Sync),
    /// What a refused caller reads.
    pub reason: &'a (dyn Fn(&str) -> Option<Pair> + Sync),
}

/// The entry in words.
pub fn words(entry: &LogEntry, vocabulary: &Vocabulary<'_>) -> Words {
    Words { zh: chinese(entry, vocabulary), en: english(entry, vocabulary) }
}

fn english(entry: &LogEntry, vocabulary: &Vocabulary<'_>) -> String {
    let at = Micros(i64::try_from(entry.t).unwrap_or(i64::MAX)).rfc3339();
    let mut text = format!("{at}: ");
    let role = entry.role.as_ref().map(|role| word(vocabulary.role, role).1);
    match (&role, &entry.who) {
        (Some(role), Some(who)) => text.push_str(&format!("{role} {who} ")),
        (None, Some(who)) => text.push_str(&format!("actor {who} ")),
        (_, None) if entry.ev != "sys" => text.push_str("nobody known: "),
        (_, None) => {}
    }
    if let Some(via) = &entry.via {
        text.push_str(&format!("through system {via} "));
    }
    let event = event_words(&entry.ev, &entry.act);
    text.push_str(event.map_or(&*entry.event(), |(_, english)| english));
    let mut part = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            text.push_str(&format!("; {name} {value}"));
        }
    };
    part("about actor", entry.about().map(str::to_owned));
    part("type", entry.typ.as_ref().map(|typ| type_words(typ).1));
    part("grid", own(&entry.grid));
    part("records", named(&entry.rec, entry.n));
    part("subjects", named(&entry.sub, None));
    part("purpose", entry.pur.as_ref().map(|purpose| purpose_words(purpose, vocabulary).1));
    part("fields", fields(entry, false));
    part("case", own(&entry.case));
    part("task", own(&entry.task));
    part("approval", own(&entry.apr));
    part("rule", own(&entry.rule));
    part("outcome:", Some(outcome_words(&entry.out).1));
    part("because:", entry.why.as_ref().map(|why| word(vocabulary.reason, why).1));
    text
}

fn chinese(entry: &LogEntry, vocabulary: &Vocabulary<'_>) -> String {
    let local = Micros(i64::try_from(entry.t).unwrap_or(i64::MAX)).local_text();
    let mut text = format!("{local}（北京时间），");
    let role = entry.role.as_ref().map(|role| word(vocabulary.role, role).0);
    match (&role, &entry.who) {
        (Some(role), Some(who)) => text.push_str(&format!("{role}（{who}）")),
        (None, Some(who)) => text.push_str(&format!("账号 {who} ")),
        (_, None) if entry.ev != "sys" => text.push_str("身份不明者"),
        (_, None) => {}
    }
    if let Some(via) = &entry.via {
        text.push_str(&format!("经系统 {via} "));
    }
    let event = event_words(&entry.ev, &entry.act);
    text.push_str(event.map_or(&*entry.event(), |(chinese, _)| chinese));
    let mut part = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            text.push_str(&format!("；{name}：{value}"));
        }
    };
    part("涉及账号", entry.about().map(str::to_owned));
    part("类型", entry.typ.as_ref().map(|typ| type_words(typ).0));
    part("网格", own(&entry.grid));
    part("记录", named(&entry.rec, entry.n));
    part("个人信息主体", named(&entry.sub, None));
    part("处理目的", entry.pur.as_ref().map(|purpose| purpose_words(purpose, vocabulary).0));
    part("数据项", fields(entry, true));
    part("案件或事件", own(&entry.case));
    part("任务", own(&entry.task));
    part("审批", own(&entry.apr));
    part("依据规则", own(&entry.rule));
    part("结果", Some(outcome_words(&entry.out).0));
    part("原因", entry.why.as_ref().map(|why| word(vocabulary.reason, why).0));
    text
}

/// What is shown as the entry says it.
fn own(word: &Option<CompactString>) -> Option<String> {
    word.as_ref().map(CompactString::to_string)
}

fn word(of: &dyn Fn(&str) -> Option<Pair>, code: &str) -> Pair {
    of(code).unwrap_or_else(|| (code.to_owned(), code.to_owned()))
}

fn named(handles: &[CompactString], count: Option<u64>) -> Option<String> {
    let all = count.unwrap_or(handles.len() as u64);
    if all == 0 {
        return None;
    }
    let shown = handles.iter().take(NAMED_COUNT_MAX).map(CompactString::as_str).collect::<Vec<_>>();
    let more = all.saturating_sub(shown.len() as u64);
    let shown = shown.join(", ");
    Some(if more > 0 { format!("{shown} + {more}") } else { shown })
}

fn fields(entry: &LogEntry, chinese: bool) -> Option<String> {
    let view = |at: usize| {
        let view = entry.view.get(at)?;
        let (zh, en) = view_words(view);
        Some(if chinese { format!("（{zh}）") } else { format!(" ({en})") })
    };
    let shown = entry.fld.iter().enumerate();
    let shown: Vec<String> =
        shown.map(|(at, field)| format!("{field}{}", view(at).unwrap_or_default())).collect();
    let between = if chinese { "、" } else { ", " };
    (!shown.is_empty()).then(|| shown.join(between))
}

fn purpose_words(purpose: &str, vocabulary: &Vocabulary<'_>) -> Pair {
    let known = vocabulary.purposes.get(purpose);
    let titles = known.map(|known| (known.title_zh.clone(), known.title_en.clone()));
    titles.unwrap_or_else(|| (purpose.to_owned(), purpose.to_owned()))
}

fn type_words(code: &str) -> Pair {
    let words = match code {
        "person" => ("人员", "person"),
        "household" => ("户", "household"),
        "residence" => ("人房关系", "link of person and dwelling"),
        "place" => ("地址与房屋", "place"),
        "event" => ("事件", "event"),
        "object" => ("部件", "object"),
        "organisation" => ("组织", "organisation"),
        "task" => ("任务", "task"),
        "work_log" => ("工作日志", "work log"),
        "mediation_file" => ("调解卷宗", "mediation file"),
        "attachment" => ("附件", "attachment"),
        other => (other, other),
    };
    (words.0.to_owned(), words.1.to_owned())
}

fn view_words(code: &str) -> (&str, &str) {
    match code {
        "raw" => ("完整显示", "in clear"),
        "masked" => ("脱敏显示", "masked"),
        "match" => ("核对", "match"),
        "count" => ("仅统计", "count only"),
        "none" => ("不可见", "none"),
        other => (other, other),
    }
}

pub(super) fn outcome_words(code: &str) -> Pair {
    let words = match code {
        "success" => ("成功", "done"),
        "denied" => ("被拒绝", "refused"),
        "error" => ("失败", "failed"),
        "aborted" => ("中止", "given up"),
        other => (other, other),
    };
    (words.0.to_owned(), words.1.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{RecordType, SchemaSet, View};

    fn said(entry: &str) -> Words {
        let schemas = SchemaSet::built_in().expect("the shipped schemas");
        let purposes = PurposeSet::built_in(&schemas).expect("the shipped purposes");
        let role = |code: &str| {
            (code == "grid_worker").then(|| ("网格员".to_owned(), "grid worker".to_owned()))
        };
        let reason = |code: &str| {
            (code == "denied").then(|| ("当前岗位无此权限".to_owned(), "No such right.".to_owned()))
        };
        let vocabulary = Vocabulary { purposes: &purposes, role: &role, reason: &reason };
        words(&LogEntry::parse(entry.as_bytes()).expect("an entry"), &vocabulary)
    }

    #[test]
    fn a_read_is_told_with_everything_that_it_records() {
        let said = said(
            r#"{"act":"read","ev":"data","fld":["name","phone"],"grid":"8801020010010001","out":"success",
            "pur":"residence_registration","rec":["AA"],"role":"grid_worker","rule":"grid_worker/1","seq":7,
            "sub":["BB"],"t":1767323045000000,"typ":"person","view":["raw","masked"],"who":"CC"}"#,
        );
        assert_eq!(
            said.en,
            "2026-01-02T03:04:05.000000Z: grid worker CC read a record; type person; grid 8801020010010001; \
            records AA; subjects BB; purpose Residence registration and residence permit service; \
            fields name (in clear), phone (masked); \
            rule grid_worker/1; outcome: done"
        );
        assert_eq!(
            said.zh,
            "2026-01-02 11:04:05（北京时间），网格员（CC）查看记录；类型：人员；网格：8801020010010001；\
            记录：AA；个人信息主体：BB；处理目的：居住登记与居住证服务；数据项：name（完整显示）、phone（脱敏显示）；\
            依据规则：grid_worker/1；结果：成功"
        );
    }

    #[test]
    fn a_refusal_of_nobody_and_an_unknown_code_are_told_as_far_as_they_go() {
        let said = said(
            r#"{"act":"failed","ev":"auth","out":"denied","seq":1,"t":0,"why":"token_invalid",
            "rec":["A","B","C","D","E"],"n":9}"#,
        );
        assert_eq!(
            said.en,
            "1970-01-01T00:00:00.000000Z: nobody known: failed to authenticate; records A, B, C + 6; \
            outcome: refused; because: token_invalid"
        );
        assert!(
            said.zh.starts_with("1970-01-01 08:00:00（北京时间），身份不明者登录失败或凭证无效")
        );
    }

    #[test]
    fn every_type_and_view_has_words() {
        for record_type in RecordType::ALL {
            let (chinese, _) = type_words(record_type.as_str());
            assert_ne!(chinese, record_type.as_str());
        }
        for view in View::ALL {
            assert_ne!(view_words(view.as_str()).0, view.as_str());
        }
    }
}
