//! The form of every refusal: problem details with a stable code, a status of its own and a text to read.
//! Never tells of the server's inside, and never in another form, whatever was refused.
//! The Chinese texts are those that the product promises.

use super::actor::Actor;
use super::bodies::{
    CONTACT, REGISTRATION, adult, adult_fields, child, contact, fresh_phone, record,
};
use super::client::{Call, Reply};
use super::harness::{Demo, shared};
use gridvault::limits::{ACTOR_REFUSALS_HOUR_MAX, BODY_BYTES_MAX};
use serde_json::json;

/// Code, status, whether it may be tried again, the article that refuses, and the Chinese title.
type Promise = (&'static str, u16, bool, Option<&'static str>, &'static str);

const PROMISES: &[Promise] = &[
    ("token_invalid", 401, false, None, "登录凭证无效，请重新登录"),
    ("denied", 403, false, None, "当前岗位无此权限"),
    ("purpose_missing", 400, false, Some("PIPL 6"), "请先选择办理事项"),
    ("purpose_unknown", 400, false, Some("PIPL 6"), "该处理目的不存在或已停用"),
    ("purpose_not_for_field", 400, false, Some("PIPL 6"), "办理此事项不需要该项信息"),
    ("basis_missing", 400, false, Some("PIPL 13"), "缺少采集依据，请补充告知或同意记录"),
    ("approval_required", 403, true, Some("PIPL 28"), "需审批后查看，可在此提交申请"),
    ("case_required", 403, true, None, "请从任务或事件中进入"),
    ("out_of_territory", 403, false, None, "不在您的网格范围内"),
    ("not_found", 404, false, None, "未找到记录，或您无权知悉"),
    ("schema_invalid", 400, false, None, "填写有误，请检查标出的项目"),
    ("field_unknown", 400, false, None, "没有该数据项"),
    ("idempotency_mismatch", 422, false, None, "重复提交的内容不一致"),
    ("version_conflict", 412, false, None, "记录已被他人更新，请刷新后再改"),
    ("too_large", 413, false, None, "内容超出大小限制"),
    ("erased", 410, false, Some("PIPL 47"), "该信息已删除，不可恢复"),
    ("method_not_allowed", 405, false, None, "不支持的请求方式"),
    ("media_type_unsupported", 415, false, None, "不支持的内容类型"),
];

/// A record that was stored and removed again.
fn removed(demo: &Demo, worker: &Actor) -> String {
    let id = worker.create(&adult(worker.grid())).expect(201).text_of("id").to_owned();
    demo.head(4).delete(&id, 1, REGISTRATION).expect(200);
    id
}

/// A request that is refused with that code.
fn refused_with(demo: &Demo, code: &str) -> Call {
    let worker = demo.worker(4);
    let create = |purpose: &str, body: &serde_json::Value| {
        worker.call("POST", "/v1/records").purpose(purpose).json(body)
    };
    let own = || worker.create(&adult(worker.grid())).expect(201).text_of("id").to_owned();
    let read = |id: &str, fields: &str, purpose: &str| {
        worker.call("GET", &format!("/v1/records/{id}?fields={fields}")).purpose(purpose)
    };
    match code {
        "token_invalid" => demo.call("GET", "/v1/purposes"),
        "denied" => worker.call("GET", "/v1/admin/actors"),
        "purpose_missing" => worker.call("POST", "/v1/records").json(&json!({})),
        "purpose_unknown" => worker.call("POST", "/v1/records").purpose("control").json(&json!({})),
        "purpose_not_for_field" => read(&own(), "school", REGISTRATION),
        "basis_missing" => read(&own(), "name", CONTACT),
        "approval_required" => {
            let body = json!({
                "login": super::requests::fresh_login(), "kind": "person",
                "assignments": [{"role": "system_admin"}],
            });
            demo.role("security_admin").call("POST", "/v1/admin/actors").json(&body)
        }
        "case_required" => {
            let id = worker.create(&child(worker.grid())).expect(201);
            read(id.text_of("id"), "name", REGISTRATION)
        }
        "out_of_territory" => create(REGISTRATION, &adult(demo.worker(1).grid())),
        "not_found" => read(demo.sample_record(), "name", REGISTRATION),
        "schema_invalid" => create(REGISTRATION, &json!({})),
        "field_unknown" => {
            let mut fields = adult_fields();
            fields["faith"] = json!("x");
            create(REGISTRATION, &record("person", worker.grid(), REGISTRATION, fields))
        }
        "idempotency_mismatch" => {
            let key = super::requests::fresh_login();
            let keyed = || worker.call("POST", "/v1/records").header("idempotency-key", &key);
            let first = keyed().purpose(REGISTRATION).json(&adult(worker.grid()));
            first.send().expect(201);
            keyed().purpose(REGISTRATION).json(&adult(worker.grid()))
        }
        "version_conflict" => {
            let call = worker.call("PATCH", &format!("/v1/records/{}", own()));
            call.purpose(REGISTRATION).version(7).json(&json!({"fields": {"sex": "1"}}))
        }
        "too_large" => {
            let body = vec![b' '; BODY_BYTES_MAX + 1];
            let call = worker.call("POST", "/v1/records").purpose(REGISTRATION);
            call.bytes("application/json", &body)
        }
        "erased" => read(&removed(demo, &worker), "name", REGISTRATION),
        "method_not_allowed" => worker.call("PUT", "/v1/records"),
        "media_type_unsupported" => {
            worker.call("POST", "/v1/records").purpose(REGISTRATION).bytes("text/plain", b"x")
        }
        other => panic!("no request is known for {other}"),
    }
}

fn assert_form(reply: &Reply, (code, status, retryable, law, _): &Promise) {
    assert_eq!((reply.status, reply.code()), (*status, *code), "{}", reply.text);
    assert_eq!(reply.header("content-type"), "application/problem+json");
    assert_eq!(reply.body["type"], format!("urn:gridvault:problem:{code}"));
    assert_eq!(reply.body["status"], *status);
    assert_eq!(reply.body["retryable"], *retryable, "{code}");
    assert_eq!(reply.body["law"].as_str(), *law, "{code}");
    assert_eq!(reply.body["request_id"], reply.header("request-id"));
    assert!(reply.body["audit_index"].is_u64(), "{code} has its entry");
    let known = [
        "audit_index",
        "code",
        "law",
        "pointers",
        "request_id",
        "retryable",
        "status",
        "title",
        "type",
    ];
    let members = reply.body.as_object().expect("an object");
    assert!(members.keys().all(|member| known.contains(&member.as_str())), "{}", reply.text);
}

#[test]
fn every_refusal_has_one_form_and_the_promised_chinese_text() {
    let demo = shared();
    for promise in PROMISES {
        let (code, .., chinese) = promise;
        let reply = refused_with(demo, code).header("accept-language", "zh-CN,zh;q=0.9").send();
        assert_form(&reply, promise);
        assert_eq!(reply.text_of("title"), *chinese);
    }
}

#[test]
fn every_refusal_is_told_in_english_to_who_asks_for_nothing_else() {
    let demo = shared();
    for promise in PROMISES {
        for language in [None, Some("fr-FR, en;q=0.5")] {
            let call = refused_with(demo, promise.0);
            let call = match language {
                Some(language) => call.header("accept-language", language),
                None => call,
            };
            let reply = call.send();
            assert_form(&reply, promise);
            let title = reply.text_of("title");
            assert!(title.is_ascii() && title.ends_with('.'), "{title}");
        }
    }
}

#[test]
fn missing_version_is_a_conflict_of_its_own_status() {
    let demo = shared();
    let worker = demo.worker(4);
    let call = worker.call("PATCH", &format!("/v1/records/{}", demo.sample_record()));
    let reply = call.purpose(REGISTRATION).json(&json!({"fields": {}})).send();
    let reply = reply.refused(428, "version_conflict");
    assert_eq!((&reply.body["status"], &reply.body["retryable"]), (&json!(428), &json!(false)));
    assert_eq!(reply.text_of("title"), "Say which version is changed (If-Match).");
}

#[test]
fn limits_say_that_they_pass() {
    let demo = shared();
    // Somebody whose day nobody else has begun.
    let head = super::enrolment::newcomer(demo, "grid_head", demo.head(2).grid());
    for _ in 0..80 {
        head.matches("phone", &fresh_phone(), REGISTRATION).expect(200);
    }
    let last = head.matches("phone", &fresh_phone(), REGISTRATION);
    let promise = ("reveal_limit", 429, true, None, "今日查看次数已达上限，可申请临时增加");
    assert_form(&last, &promise);
    let call = head.call("POST", "/v1/records/match").purpose(REGISTRATION);
    let body = json!({"type": "person", "field": "phone", "value": fresh_phone()});
    let reply = call.header("accept-language", "zh").json(&body).send();
    assert_eq!(reply.text_of("title"), promise.4);
}

#[test]
fn actor_over_its_budget_of_refusals_is_locked_out_and_that_is_recorded() {
    let demo = shared();
    let newcomer = super::enrolment::newcomer(demo, "grid_worker", "8801020010010005");
    let path = format!("/v1/records/{}?fields=name", super::bodies::unknown_id());
    let ask = || newcomer.call("GET", &path).purpose(REGISTRATION).header("accept-language", "zh");
    let mut last = None;
    for _ in 0..=ACTOR_REFUSALS_HOUR_MAX {
        let reply = ask().send();
        if reply.status == 429 {
            break;
        }
        last = Some(reply.refused(404, "not_found"));
    }
    let reply = ask().send().refused(429, "rate_limited");
    assert_eq!(reply.text_of("title"), "操作过于频繁，请稍后再试");
    assert!(reply.body["audit_index"].is_null(), "it is only counted");
    newcomer.create(&contact(newcomer.grid(), &fresh_phone())).refused(429, "rate_limited");
    // The last refusal that was recorded is followed by the entry that says so.
    let index = last.expect("some were recorded").index();
    let later = demo.worker(5).get("/v1/purposes").expect(200);
    let entries = demo.entries_between(index, later.index());
    let locked = entries.iter().any(|entry| {
        entry["ev"] == "access" && entry["act"] == "limited" && entry["x"]["actor"] == newcomer.id
    });
    assert!(locked, "the lock-out has an entry");
}
