//! A report as a page that stands alone: it can be kept, printed and sent, and looks the same offline.
//! Never a script, a link or a picture; every word that is not the page's own is escaped.
//! In the language of whoever asked.

use super::super::event_words::event_words;
use super::super::words::{Pair, Vocabulary};
use super::{Counts, Report, Reported};
use crate::oversight::anomalies::RuleName;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use std::fmt::Write as _;

const STYLE: &str = "body{font:16px/1.5 sans-serif;max-width:50em;margin:2em auto;padding:0 1em;color:#1b1b1b}\
table{border-collapse:collapse;width:100%;margin:.5em 0 1.5em}\
th,td{text-align:left;padding:.25em .5em;border-bottom:1px solid #ccc;vertical-align:top}\
td.n{text-align:right;font-variant-numeric:tabular-nums}\
code{font-size:.85em;overflow-wrap:anywhere}";

/// The page of a report that was recorded under this index.
pub fn page(reported: &Reported, chinese: bool, vocabulary: &Vocabulary<'_>) -> String {
    let report = &reported.report;
    let page = Page { chinese, vocabulary };
    let title = page.say("访问监督报告", "Oversight report");
    let language = page.say("zh-CN", "en");
    let mut text = format!(
        "<!doctype html>\n<html lang=\"{language}\"><head><meta charset=\"utf-8\">\
         <title>{title}</title><style>{STYLE}</style></head><body>\n<h1>{title}</h1>\n"
    );
    page.head(&mut text, reported);
    page.entries(&mut text, report);
    page.anomalies(&mut text, report);
    page.reviews(&mut text, report);
    page.integrity(&mut text, report);
    text.push_str("</body></html>\n");
    text
}

struct Page<'a> {
    chinese: bool,
    vocabulary: &'a Vocabulary<'a>,
}

/// What has a meaning in HTML is written so that it has none.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

impl Page<'_> {
    fn say<'w>(&self, zh: &'w str, en: &'w str) -> &'w str {
        if self.chinese { zh } else { en }
    }

    fn pair(&self, code: &str, pair: Option<Pair>) -> String {
        match pair {
            Some((zh, en)) => {
                if self.chinese {
                    zh
                } else {
                    en
                }
            }
            None => code.to_owned(),
        }
    }

    fn heading(&self, text: &mut String, zh: &str, en: &str) {
        let _a_string_takes_all = writeln!(text, "<h2>{}</h2>", escaped(self.say(zh, en)));
    }

    /// Rows of a name, a code and a number.
    fn table(
        &self,
        text: &mut String,
        heading: (&str, &str),
        counts: &Counts,
        name: impl Fn(&str) -> String,
    ) {
        let heading = escaped(self.say(heading.0, heading.1));
        let _a_string_takes_all = write!(text, "<table><tr><th>{heading}<th><th></tr>");
        for (code, count) in counts {
            self.row(text, &name(code), code, &count.to_string());
        }
        if counts.is_empty() {
            self.row(text, self.say("无", "none"), "", "0");
        }
        text.push_str("</table>\n");
    }

    fn row(&self, text: &mut String, name: &str, code: &str, value: &str) {
        let (name, code, value) = (escaped(name), escaped(code), escaped(value));
        let _a_string_takes_all =
            write!(text, "<tr><td>{name}<td><code>{code}</code><td class=\"n\">{value}</tr>");
    }

    fn head(&self, text: &mut String, reported: &Reported) {
        let report = &reported.report;
        text.push_str("<table>");
        let rows = [
            (
                self.say("期间（UTC）", "Period (UTC)"),
                format!("{} – {}", report.since, report.until),
            ),
            (self.say("生成时间", "Made at"), report.made_at.clone()),
            (
                self.say("存证回执", "Receipt"),
                format!("{}#{}", report.integrity.origin, reported.recorded.index()),
            ),
            (
                self.say("报告摘要（SHA-256，对 JSON 形式）", "Digest (SHA-256 of the JSON form)"),
                BASE64_URL_SAFE_NO_PAD.encode(reported.digest),
            ),
        ];
        for (name, value) in rows {
            self.row(text, name, "", &value);
        }
        text.push_str("</table>\n<p>");
        text.push_str(self.say(
            "仅涉及工作人员账号，用于安全与问责，不得用于工作考核。",
            "About staff accounts alone, for security and accountability, never for an assessment of work.",
        ));
        text.push_str("</p>\n");
    }

    fn entries(&self, text: &mut String, report: &Report) {
        self.heading(text, "审计条目", "Entries");
        let entries = &report.entries;
        let total = Counts::from([("total".to_owned(), entries.total)]);
        let all = self.say("全部", "all");
        self.table(text, ("合计", "Total"), &total, |_| all.to_owned());
        let event = |code: &str| {
            let words = code.split_once('.').and_then(|(family, act)| event_words(family, act));
            self.pair(code, words.map(|(zh, en)| (zh.to_owned(), en.to_owned())))
        };
        self.table(text, ("按事件", "By event"), &entries.by_event, event);
        let outcome = |code: &str| {
            let pair = super::super::words::outcome_words(code);
            self.pair(code, Some(pair))
        };
        self.table(text, ("按结果", "By outcome"), &entries.by_outcome, outcome);
        let role = |code: &str| self.pair(code, (self.vocabulary.role)(code));
        self.table(text, ("按岗位", "By role"), &entries.by_role, role);
        let purpose = |code: &str| {
            let known = self.vocabulary.purposes.get(code);
            self.pair(code, known.map(|one| (one.title_zh.clone(), one.title_en.clone())))
        };
        self.table(text, ("按处理目的", "By purpose"), &entries.by_purpose, purpose);
        self.heading(text, "拒绝", "Refusals");
        let reason = |code: &str| self.pair(code, (self.vocabulary.reason)(code));
        self.table(text, ("按原因", "By reason"), &report.denials, reason);
    }

    fn anomalies(&self, text: &mut String, report: &Report) {
        self.heading(text, "异常访问提示", "Anomalies");
        let columns = [
            self.say("规则", "Rule"),
            self.say("未处理", "new"),
            self.say("复核中", "in review"),
            self.say("已办结", "closed"),
        ];
        text.push_str("<table><tr>");
        for column in columns {
            let _a_string_takes_all = write!(text, "<th>{}", escaped(column));
        }
        text.push_str("</tr>");
        for (rule, states) in &report.anomalies {
            let words = RuleName::parse(rule).map(RuleName::words);
            let words = words.map(|(zh, en)| (zh.to_owned(), en.to_owned()));
            let _a_string_takes_all = write!(text, "<tr><td>{}", escaped(&self.pair(rule, words)));
            for state in ["new", "in_review", "closed"] {
                let count = states.get(state).copied().unwrap_or(0);
                let _a_string_takes_all = write!(text, "<td class=\"n\">{count}");
            }
            text.push_str("</tr>");
        }
        text.push_str("</table>\n");
    }

    fn reviews(&self, text: &mut String, report: &Report) {
        let code = |counts: &std::collections::BTreeMap<&'static str, u64>| -> Counts {
            counts.iter().map(|(word, count)| ((*word).to_owned(), *count)).collect()
        };
        let word = |code: &str| self.pair(code, state_words(code));
        self.heading(text, "审计复核", "Reviews");
        let reviews = &report.reviews;
        let opened = Counts::from([("opened".to_owned(), reviews.opened)]);
        self.table(text, ("期间提起", "Opened in the period"), &opened, word);
        self.table(text, ("期间办结", "Closed in the period"), &code(&reviews.closed), word);
        self.table(text, ("尚未办结", "Waiting"), &code(&reviews.waiting), word);
        self.heading(text, "整改事项", "To be put right");
        let items = &report.rectifications;
        let moved = Counts::from([
            ("named".to_owned(), items.named),
            ("settled".to_owned(), items.settled),
        ]);
        self.table(text, ("期间登记与完成", "Named and done in the period"), &moved, word);
        self.table(text, ("目前", "Now"), &code(&items.now), word);
        if !items.overdue.is_empty() {
            text.push_str("<table><tr>");
            let columns = [
                self.say("逾期事项", "Overdue"),
                self.say("复核", "Review"),
                self.say("责任方", "Owner"),
                self.say("期限", "Due"),
            ];
            for column in columns {
                let _a_string_takes_all = write!(text, "<th>{}", escaped(column));
            }
            text.push_str("</tr>");
            for item in &items.overdue {
                text.push_str("<tr>");
                for value in [&item.item, &item.review, &item.owner, &item.due] {
                    let _a_string_takes_all = write!(text, "<td><code>{}</code>", escaped(value));
                }
                text.push_str("</tr>");
            }
            text.push_str("</table>\n");
        }
    }

    fn integrity(&self, text: &mut String, report: &Report) {
        self.heading(text, "日志完整性", "Integrity of the log");
        let integrity = &report.integrity;
        let age = match integrity.unwitnessed_seconds {
            Some(seconds) => seconds.to_string(),
            None => self
                .say("全部已见证，或未配置见证方", "all are, or no witness is configured")
                .to_owned(),
        };
        let yes = self.say(
            if integrity.witnessed { "是" } else { "否" },
            if integrity.witnessed { "yes" } else { "no" },
        );
        let number = |number: u64| number.to_string();
        text.push_str("<table>");
        let rows = [
            (self.say("日志", "Log"), integrity.origin.clone()),
            (self.say("已发布条目", "Published entries"), number(integrity.size)),
            (self.say("根哈希", "Root hash"), integrity.root.clone()),
            (self.say("见证是否及时", "Witnessed in time"), yes.to_owned()),
            (self.say("最久未见证（秒）", "Oldest unwitnessed (seconds)"), age),
            (self.say("已统计至", "Counted up to"), number(integrity.indexed)),
            (self.say("无法读取的条目", "Unreadable entries"), number(integrity.unreadable)),
            (
                self.say("异常检查至", "Looked at for anomalies up to"),
                number(integrity.anomalies_through),
            ),
        ];
        for (name, value) in rows {
            self.row(text, name, "", &value);
        }
        text.push_str("</table>\n");
    }
}

/// Words of states and outcomes.
fn state_words(code: &str) -> Option<Pair> {
    let (zh, en) = match code {
        "opened" => ("提起", "opened"),
        "open" => ("待办", "open"),
        "noted" => ("已登记意见", "noted"),
        "escalated" => ("已上报", "escalated"),
        "explained" => ("属正常工作", "explained"),
        "finding" => ("需整改", "to be put right"),
        "unresolved" => ("未能查清", "unresolved"),
        "named" => ("登记", "named"),
        "settled" => ("完成", "done"),
        "overdue" => ("逾期", "overdue"),
        "done" => ("已完成", "done"),
        _ => return None,
    };
    Some((zh.to_owned(), en.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_is_escaped_has_a_meaning_left() {
        let text = escaped("<script>alert(\"x\" & 'y')</script>");
        assert_eq!(text, "&lt;script&gt;alert(&quot;x&quot; &amp; &#39;y&#39;)&lt;/script&gt;");
    }
}
