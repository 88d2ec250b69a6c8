//! The one table of routes: from it come the router, the OpenAPI document and the tests that let no route escape.
//! Never a route beside it.
//! Every route is guarded but those that the table marks open.

use super::admission::Admission;
use super::batch::{BatchItemBody, LineBody};
use super::examples;
use super::forms;
use super::handlers::{
    admin, anomalies, approvals, audit, batch, break_glass, consents, counter, delegations,
    describe, due, erasure, health, households, keys, lists, log, log_in, matching, official,
    packs, placing, posts, preview, protection, raise_limit, records, rectifications, report,
    restraints, reviews, roster, subject_access, tasks, unsealing, ways,
};
use super::openapi::{Body, Doc, Query};
use super::queries::{
    ACCESSES, ANOMALIES, DUE, EXPIRING, EXPORTED, ITEMS, REVIEWS, SEARCHED, VACANT,
};
use super::rooms::Rooms;
use super::surround::{Door, unknown_method, unknown_path};
use axum::Router;
use axum::http::Method;
use axum::routing::{MethodRouter, delete, get, patch, post};
use std::sync::Arc;

/// Who may call a route at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// Everyone; it tells nothing and leaves no entry.
    Open,
    /// Whoever has a one-time code, or a key to log in by; every use leaves an entry.
    Code,
    /// Whoever has a token; every use leaves an entry.
    Token,
    /// Whoever brings what opens a sealed vault. An open one only says that it is open; what was brought before is recorded
    /// when it opens.
    Keys,
}

/// One route.
pub struct Route {
    /// Its method.
    pub method: Method,
    /// Its path, with `{names}` for its parameters.
    pub path: &'static str,
    /// Who may call it.
    pub guard: Guard,
    /// Whether a request names its purpose.
    pub purpose: bool,
    pub(super) doc: Doc,
    handler: fn() -> MethodRouter<Arc<Rooms>>,
}

/// The name of the last part of a path that has as many parts as its number needs.
const MANY_PARTS: &str = "{tile}";

impl Route {
    /// Whether a path is one of this route. Byte by byte, because a request with a query is held against every route of its method.
    pub fn fits(&self, path: &str) -> bool {
        let (mut own, mut given) = (self.path, path);
        loop {
            let pairs = own.bytes().zip(given.bytes());
            let same = pairs.take_while(|(own, given)| own == given && *own != b'{').count();
            (own, given) = match (own.get(same..), given.get(same..)) {
                (Some(own), Some(given)) => (own, given),
                _ => return false,
            };
            if !own.starts_with('{') {
                return own.is_empty() && given.is_empty();
            }
            if own.starts_with(MANY_PARTS) {
                return true;
            }
            own = own.find('}').map_or("", |end| &own[end + 1..]);
            given = given.find('/').map_or("", |end| &given[end..]);
        }
    }
}

macro_rules! route {
    ($method:ident $verb:ident $path:literal $guard:ident $purpose:literal $doc:expr => $handler:path) => {
        Route {
            method: Method::$method,
            path: $path,
            guard: Guard::$guard,
            purpose: $purpose,
            doc: $doc,
            handler: || $verb($handler),
        }
    };
}

/// Every route that there is.
pub static ROUTES: &[Route] = &[
    route!(GET get "/healthz" Open false
        Doc::new("health", "Whether the process is alive").answer(200, Body::of::<health::StatusBody>)
        => health::healthz),
    route!(GET get "/readyz" Open false
        Doc::new("ready", "Whether the vault is unsealed and can record")
            .answer(200, Body::of::<health::ReadyBody>)
        => health::readyz),
    route!(GET get "/openapi.json" Open false
        Doc::new("openapi", "This document").answer(200, Body::any)
        => health::document),
    route!(GET get "/log/checkpoint" Open false
        Doc::new("log_checkpoint", "The log's signed checkpoint, the cosigned one where there are witnesses")
            .answer(200, Body::text)
        => log::checkpoint),
    route!(GET get "/log/minimum" Open false
        Doc::new("log_minimum", "The first index that was not pruned, and the entry that says so, a line each")
            .answer(200, Body::text)
        => log::minimum),
    route!(GET get "/log/tile/{level}/{tile}" Open false
        Doc::new("log_tile", "Hashes of the log's tree, full or partial (c2sp.org/tlog-tiles)")
            .answer(200, Body::bytes)
        => log::tile),
    route!(GET get "/log/tile/entries/{tile}" Token false
        Doc::new("log_entries", "A bundle of the log's entries, full or partial, for auditors (c2sp.org/tlog-tiles)")
            .answer(200, Body::bytes)
        => log::bundle),
    route!(POST post "/v1/enrol" Code false
        Doc::new("enrol", "Turn a one-time code into a token, once")
            .takes(Body::of::<log_in::EnrolBody>).example(examples::code).answer(201, Body::of::<admin::IssuedBody>)
        => log_in::redeem),
    route!(POST post "/v1/log-in" Code false
        Doc::new("log_in", "Log in by a key of one's own: a signed proof becomes a token")
            .takes(Body::of::<log_in::LogInBody>).example(examples::proof).answer(201, Body::of::<admin::IssuedBody>)
        => log_in::enter),
    route!(POST post "/v1/records" Token true
        Doc::new("create_record", "Store a record").repeatable().captured().written_within_task()
            .takes(Body::of::<records::CreateBody>).example(examples::person).answer(201, Body::of::<records::CreatedBody>).versioned()
        => records::create),
    route!(GET get "/v1/records/{id}" Token true
        Doc::new("read_record", "Read named fields of a record")
            .queries(&[Query::needed("fields", "Field names, separated by commas", forms::field_names)]).within_case()
            .answer(200, Body::of::<records::ReadBody>).versioned()
        => records::read),
    route!(PATCH patch "/v1/records/{id}" Token true
        Doc::new("patch_record", "Change fields of a record (merge patch)").conditional().repeatable().written_within_task()
            .takes(Body::of::<records::PatchBody>).example(examples::patch).answer(200, Body::of::<records::PatchedBody>).versioned()
        => records::patch),
    route!(DELETE delete "/v1/records/{id}" Token true
        Doc::new("delete_record", "Remove a record").conditional().repeatable()
            .takes(Body::of::<records::DeleteBody>).example(examples::removal).answer(200, Body::of::<records::DeletedBody>)
        => records::delete),
    route!(POST post "/v1/records/match" Token true
        Doc::new("match_record", "Whether an exact value is held")
            .takes(Body::of::<matching::MatchBody>).example(examples::look_up).answer(200, Body::of::<matching::MatchedBody>)
        => matching::matches),
    route!(POST post "/v1/records/batch" Token true
        Doc::new("create_batch", "Store up to 10,000 records and households, each line by itself")
            .text("The answer has a line for each line, in order, or fewer: then its last line says why the vault takes no more \
                   (status 429, 503, 507, 401 or 413). What stands before it is settled; from that line on the rest is sent as a \
                   batch of its own under another `Idempotency-Key`.")
            .repeatable().written_within_task().takes(Body::lines::<LineBody>).example(examples::person).answer(200, Body::lines::<BatchItemBody>)
        => batch::create),
    route!(POST post "/v1/records/query" Token true
        Doc::new("query_records", "List records of one type, page by page: ids and masked fields").listed_within_task()
            .takes(Body::of::<lists::QueryBody>).example(examples::list).answer(200, Body::of::<lists::QueriedBody>)
        => lists::records),
    route!(POST post "/v1/places/{id}/occupants" Token true
        Doc::new("occupants", "Who lives at a place, masked as in a list").listed_within_task()
            .takes(Body::of::<lists::OccupantsBody>).example(examples::occupants).answer(200, Body::of::<lists::PeopleBody>)
        => lists::people),
    route!(GET get "/v1/changes" Token true
        Doc::new("changes", "Ids and versions of the records held for the purpose that changed")
            .queries(&[
                Query::new("since", "The cursor of the page before; from the beginning without one", forms::cursor),
                Query::new("limit", "At most 256", forms::page_limit),
            ])
            .answer(200, Body::of::<lists::ChangesBody>)
        => lists::feed),
    route!(POST post "/v1/households" Token true
        Doc::new("create_household", "Store a household in one all-or-nothing write").repeatable().captured().written_within_task()
            .takes(Body::of::<households::HouseholdBody>).example(examples::household)
            .answer(201, Body::of::<households::HouseholdCreatedBody>)
        => households::create),
    route!(POST post "/v1/tasks" Token true
        Doc::new("give_task", "Give somebody a task: named fields, of whom its scope leads to, until a moment")
            .text(
                "The scope is said in one of three ways. `records` and `subjects`: each record, and of each person what is held of \
                 it as a person and where it lives. `places`: whoever lives there when the task is given. `event`: the dwellings \
                 that the event names and whoever lives there, as far as the posts of giver and holder both reach. By a place or \
                 an event nobody is led to whose address is protected, whose record is restricted or over, or who moves in \
                 later. What the giver may not know of is like what is not there.",
            )
            .takes(Body::of::<tasks::TaskBody>).example(examples::task).answer(201, Body::of::<tasks::TaskGivenBody>)
        => tasks::give),
    route!(GET get "/v1/tasks" Token false
        Doc::new("list_tasks", "The caller's tasks that are not done, and those that it gave")
            .answer(200, Body::of::<tasks::TasksBody>)
        => tasks::list),
    route!(GET get "/v1/tasks/day" Token true
        Doc::new("day", "The caller's open tasks for a purpose, each with where it leads: addresses in clear, names masked")
            .answer(200, Body::of::<tasks::DayBody>)
        => tasks::of_the_day),
    route!(POST post "/v1/tasks/{id}/accept" Token false
        Doc::new("accept_task", "Take a task: from now on it opens what it names")
            .answer(200, Body::of::<tasks::TaskStepBody>)
        => tasks::accept),
    route!(POST post "/v1/tasks/{id}/return" Token false
        Doc::new("return_task", "Give a task back").answer(200, Body::of::<tasks::TaskStepBody>)
        => tasks::give_back),
    route!(POST post "/v1/tasks/{id}/close" Token false
        Doc::new("close_task", "Close a task: it opens nothing more")
            .answer(200, Body::of::<tasks::TaskStepBody>)
        => tasks::close),
    route!(POST post "/v1/counter-checks" Token true
        Doc::new("counter_check", "Whether one person is held under the number that the one who is present shows: a case for half an hour")
            .takes(Body::of::<counter::CounterBody>).example(examples::shown_number)
            .answer(200, Body::of::<counter::CheckedBody>)
        => counter::check),
    route!(GET get "/v1/subjects/{id}/report" Token true
        Doc::new("report_subject", "What is held of the resident who is present, why and until when (PIPL 45)")
            .text(
                "Inside the check at the counter over that person (`/v1/counter-checks`), which the header `Case` names: `case_required` \
                 without one. No value: fields are read one by one at /v1/records/{id}, inside the same case.",
            )
            .within_case().answer(200, Body::of::<subject_access::SubjectReportBody>)
        => subject_access::report),
    route!(GET get "/v1/subjects/{id}/accesses" Token true
        Doc::new("list_accesses", "Who looked at what is held of the resident who is present: when, as what, for which purpose, at which fields (PIPL 44)")
            .text(
                "Inside the check at the counter over that person, as for the report. What was done with its data and consents, wherever it \
                 was, and what the desk told it; who did it is a role and an account. What roles of organs did (PIPL 18, 35), what was \
                 done for a quiet purpose, a legal hold and a protection are not told.",
            )
            .queries(ACCESSES).within_case().answer(200, Body::of::<subject_access::AccessesBody>)
        => subject_access::accesses),
    route!(GET get "/v1/subjects/{id}/consents" Token true
        Doc::new("list_consents", "The consents of the resident who is present at the desk")
            .answer(200, Body::of::<consents::ConsentsBody>)
        => consents::list),
    route!(POST post "/v1/subjects/{id}/consents" Token true
        Doc::new("give_consent", "Write down a consent over records that are held: they may be read for one purpose more")
            .text(
                "For the resident who is present, or the guardian. The purpose in the header is that of rights; the one in the body \
                 is what the consent is for. An end that a withdrawal took \
                 forward moves back, never beyond the one that the record had; no field is held that was not. A consent after another \
                 notice, or on another basis of the purpose, takes the place of the one before it; a record that is held for the \
                 purpose on a duty needs none (`version_conflict`).",
            )
            .takes(Body::of::<consents::ConsentGivenBody>).example(examples::consent)
            .answer(201, Body::of::<consents::RecordedConsentBody>)
        => consents::give),
    route!(POST post "/v1/subjects/{id}/consents/{consent}/withdraw" Token true
        Doc::new("withdraw_consent", "Take back a consent, with every other one of that person to the same purpose")
            .takes(Body::of::<consents::WithdrawBody>).example(examples::withdrawal)
            .answer(200, Body::of::<consents::WithdrawnBody>)
        => consents::withdraw),
    route!(POST post "/v1/subjects/{id}/erase" Token true
        Doc::new("ask_erasure", "Ask the protection officer for the erasure of the resident who is present")
            .text(
                "The officer decides at /v1/approvals. What a law holds refuses with `legal_hold`, what is restricted with `restricted`: \
                 then nothing of the person is erased.",
            )
            .takes(Body::of::<erasure::EraseBody>).example(examples::erasure)
            .answer(201, Body::of::<approvals::ApprovalAskedBody>)
        => erasure::ask),
    route!(POST post "/v1/erasures/{id}/carry-out" Token true
        Doc::new("carry_out_erasure", "Erase somebody, once the protection officer agreed")
            .text("Whoever gets no answer says it again: it goes on where it stopped.")
            .answer(200, Body::of::<erasure::ErasedBody>)
        => erasure::carry_out),
    route!(GET get "/v1/erasures/{id}/certificate" Token true
        Doc::new("erasure_certificate", "The certificate of an erasure, as an archive that verifies offline")
            .answer(200, Body::archive)
        => erasure::certificate),
    route!(POST post "/v1/subjects/{id}/restrict" Token true
        Doc::new("ask_restriction", "Ask the protection officer to restrict what is held of somebody: stored and protected, and nothing else (PIPL 47)")
            .text(
                "The officer decides at /v1/approvals. In force, everything about the person refuses with `restricted`: reads, writes, \
                 lists, matches, removal and erasure; no record of its own ends. What is stored about it later is restricted too.",
            )
            .takes(Body::of::<restraints::RestrictBody>).example(examples::restriction)
            .answer(201, Body::of::<approvals::ApprovalAskedBody>)
        => restraints::restrict),
    route!(POST post "/v1/subjects/{id}/hold" Token true
        Doc::new("ask_hold", "Ask the protection officer to keep what is held of somebody for a case: read as before, and not removed")
            .text("In force, no record that names the person ends or is removed, and its erasure refuses with `legal_hold`.")
            .takes(Body::of::<restraints::HoldBody>).example(examples::hold)
            .answer(201, Body::of::<approvals::ApprovalAskedBody>)
        => restraints::hold),
    route!(POST post "/v1/restraints/{id}/release" Token true
        Doc::new("ask_release", "Ask the protection officer to end a restriction or a legal hold")
            .takes(Body::of::<restraints::ReleaseBody>).example(examples::release)
            .answer(201, Body::of::<approvals::ApprovalAskedBody>)
        => restraints::release),
    route!(POST post "/v1/restraints/{id}/carry-out" Token true
        Doc::new("carry_out_restraint", "Restrict, keep or release what is held of somebody, once the protection officer agreed")
            .text("Whoever gets no answer says it again: it goes on where it stopped.")
            .answer(200, Body::of::<restraints::RestrainedBody>)
        => restraints::carry_out),
    route!(GET get "/v1/due" Token false
        Doc::new("list_due", "What is due to residents: requests that nobody answered or finished, restraints in force, records that a withdrawal ends")
            .text("For the desk, in its areas, and for whoever agrees to what desks ask. Codes, ids of requests and records, and days.")
            .queries(DUE).answer(200, Body::of::<due::DuesBody>)
        => due::list),
    route!(POST post "/v1/approvals" Token true
        Doc::new("ask_approval", "Ask a second person for one look at one record")
            .takes(Body::of::<approvals::ApprovalBody>).example(examples::approval)
            .answer(201, Body::of::<approvals::ApprovalAskedBody>)
        => approvals::ask),
    route!(GET get "/v1/approvals" Token false
        Doc::new("list_approvals", "What waits for the caller's word, and what it asked for itself")
            .text(
                "All of it that is not over, at once: there is no query and no page. A request of an organ is in its own list, \
                 /v1/admin/official-requests.",
            )
            .answer(200, Body::of::<approvals::ApprovalsBody>)
        => approvals::list),
    route!(POST post "/v1/approvals/{id}/decide" Token false
        Doc::new("decide_approval", "Say yes or no, as the second person")
            .takes(Body::of::<approvals::DecisionBody>).example(examples::decision)
            .answer(200, Body::of::<approvals::ApprovalAskedBody>)
        => approvals::decide),
    route!(POST post "/v1/approvals/limit" Token false
        Doc::new("ask_raised_limit", "Ask a second person for more people in clear of one kind, for an hour at most")
            .takes(Body::of::<raise_limit::RaiseBody>).example(examples::raise)
            .answer(201, Body::of::<approvals::ApprovalAskedBody>)
        => raise_limit::ask),
    route!(POST post "/v1/admin/official-requests" Token true
        Doc::new("ask_official", "Bring a request of an organ before the protection officer (Data Security Law 35)")
            .takes(Body::of::<official::OfficialRequestBody>).example(examples::official)
            .answer(201, Body::of::<approvals::ApprovalAskedBody>)
        => official::ask),
    route!(GET get "/v1/admin/official-requests" Token false
        Doc::new("list_official", "Requests of organs that wait for the caller's word, and those that it brought")
            .text("All of it that is not over, at once: there is no query and no page.")
            .answer(200, Body::of::<approvals::ApprovalsBody>)
        => official::list),
    route!(POST post "/v1/admin/official-requests/{id}/decide" Token false
        Doc::new("decide_official", "Say yes or no to a request of an organ")
            .takes(Body::of::<approvals::DecisionBody>).example(examples::decision)
            .answer(200, Body::of::<approvals::ApprovalAskedBody>)
        => official::decide),
    route!(POST post "/v1/subjects/{id}/protect" Token true
        Doc::new("protect_address", "Hide somebody from its neighbours, or no more: its records as a person and of its residence, and named households")
            .takes(Body::of::<protection::ProtectBody>).example(examples::protection)
            .answer(200, Body::of::<protection::ProtectedBody>)
        => protection::protect),
    route!(POST post "/v1/break-glass" Token true
        Doc::new("break_glass", "Open an emergency access over what an urgent event names, or ask a second person for a wider one")
            .takes(Body::of::<break_glass::BreakGlassBody>).example(examples::emergency)
            .answer(201, Body::of::<break_glass::BrokenGlassBody>)
        => break_glass::open),
    route!(GET get "/v1/break-glass" Token false
        Doc::new("list_break_glass", "Emergency accesses that were not reviewed yet: the caller's, and those that it is told of")
            .answer(200, Body::of::<break_glass::ListedGlassesBody>)
        => break_glass::list),
    route!(POST post "/v1/break-glass/{id}/end" Token false
        Doc::new("end_break_glass", "End an emergency access before its time")
            .answer(200, Body::of::<break_glass::GlassIdBody>)
        => break_glass::end),
    route!(POST post "/v1/break-glass/{id}/review" Token false
        Doc::new("review_break_glass", "Say what was found of an emergency access, as somebody who had no part in it")
            .takes(Body::of::<break_glass::GlassReviewBody>).example(examples::emergency_finding)
            .answer(200, Body::of::<break_glass::GlassIdBody>)
        => break_glass::review),
    route!(POST post "/v1/delegations" Token false
        Doc::new("propose_delegation", "Ask the other of an approved pair to stand in for a time")
            .takes(Body::of::<delegations::DelegationBody>).example(examples::delegation)
            .answer(201, Body::of::<delegations::DelegationIdBody>)
        => delegations::propose),
    route!(GET get "/v1/delegations" Token false
        Doc::new("list_delegations", "The caller's delegations that are not over")
            .answer(200, Body::of::<delegations::DelegationsBody>)
        => delegations::list),
    route!(POST post "/v1/delegations/{id}/accept" Token false
        Doc::new("accept_delegation", "Accept to stand in")
            .answer(200, Body::of::<delegations::DelegationIdBody>)
        => delegations::accept),
    route!(POST post "/v1/delegations/{id}/end" Token false
        Doc::new("end_delegation", "Decline to stand in, or end it now")
            .answer(200, Body::of::<delegations::DelegationIdBody>)
        => delegations::end),
    route!(GET get "/v1/actor" Token false
        Doc::new("own_actor", "The caller and its posts, and what closes people's data to one, if something does")
            .answer(200, Body::of::<posts::OwnBody>)
        => posts::own),
    route!(POST post "/v1/access/preview" Token false
        Doc::new("preview_access", "What the caller's own posts give it in a grid, for which purposes, and whom it has to ask")
            .text(
                "Decided over the attributes of nobody in particular: no record is looked at, nothing of other callers is said, and \
                 nothing is permitted by it. A record may be closed all the same: its line, a protection, a restriction, its end or a \
                 missing consent are its own. Where none of the caller's posts lies there is nothing, whether the grid exists or not.",
            )
            .takes(Body::of::<preview::PreviewBody>).example(examples::preview)
            .answer(200, Body::of::<preview::PreviewedBody>)
        => preview::preview),
    route!(GET get "/v1/schemas/{type}" Token false
        Doc::new("schema", "The form of a record type").answer(200, Body::of::<describe::SchemaBody>)
        => describe::schema),
    route!(GET get "/v1/code-lists" Token false
        Doc::new("code_lists", "All code lists").answer(200, Body::of::<describe::CodeListsBody>)
        => describe::code_lists),
    route!(GET get "/v1/purposes" Token false
        Doc::new("purposes", "All active purposes").answer(200, Body::of::<describe::PurposesBody>)
        => describe::purposes),
    route!(GET get "/v1/receipts/{index}/proof" Token false
        Doc::new("receipt_proof", "The proof of a receipt, as a tlog-proof file")
            .queries(&[Query::needed("leaf", "The leaf hash of the receipt, base64url", forms::leaf)]).answer(200, Body::text)
        => audit::proof),
    route!(GET get "/v1/audit/entries" Token false
        Doc::new("audit_entries", "Entries of the log: a stretch of it, or those that have everything that is asked for")
            .queries(SEARCHED).answer(200, Body::of::<audit::EntriesBody>)
        => audit::entries),
    route!(GET get "/v1/audit/entries/{index}" Token false
        Doc::new("audit_entry", "An entry in words, with its proof").answer(200, Body::of::<audit::EntryBody>)
        => audit::entry),
    route!(GET get "/v1/audit/entries/{index}/proof" Token false
        Doc::new("audit_proof", "The proof of an entry, as a tlog-proof file").answer(200, Body::text)
        => audit::entry_proof),
    route!(GET get "/v1/audit/export" Token false
        Doc::new("export_audit", "Entries in a form that other systems read, page by page")
            .queries(EXPORTED).answer(200, Body::of::<audit::ExportBody>)
        => audit::export),
    route!(POST post "/v1/audit/evidence-packs" Token false
        Doc::new("make_pack", "Entries of a period or case with their proofs, as an archive that verifies offline")
            .takes(Body::of::<packs::PackBody>).example(examples::pack).answer(200, Body::archive)
        => packs::make),
    route!(POST post "/v1/audit/index/rebuild" Token false
        Doc::new("rebuild_index", "Have the search index made again from the log")
            .answer(200, Body::of::<audit::IndexBody>)
        => audit::rebuild),
    route!(GET get "/v1/audit/anomalies" Token false
        Doc::new("anomalies", "What staff accounts did that is out of the ordinary, by time, with the entries that show it")
            .queries(ANOMALIES).answer(200, Body::of::<anomalies::AnomaliesBody>)
        => anomalies::list),
    route!(GET get "/v1/audit/reviews" Token false
        Doc::new("reviews", "Reviews, by time").queries(REVIEWS).answer(200, Body::of::<reviews::ReviewsBody>)
        => reviews::list),
    route!(POST post "/v1/audit/reviews" Token false
        Doc::new("open_review", "Open a review over entries or an anomaly")
            .takes(Body::of::<reviews::OpenBody>).example(examples::review).answer(201, Body::of::<reviews::ReviewBody>)
        => reviews::open),
    route!(GET get "/v1/audit/reviews/{review}" Token false
        Doc::new("review", "A review with everything that was written in it").answer(200, Body::of::<reviews::ToldBody>)
        => reviews::read),
    route!(GET get "/v1/audit/reviews/{review}/entries" Token false
        Doc::new("review_entries", "The entries that a review gathers, in words").answer(200, Body::of::<reviews::GatheredBody>)
        => reviews::entries),
    route!(POST post "/v1/audit/reviews/{review}/notes" Token false
        Doc::new("note_review", "Write in a review")
            .takes(Body::of::<reviews::NoteBody>).example(examples::note).answer(201, Body::of::<reviews::ReviewBody>)
        => reviews::note),
    route!(POST post "/v1/audit/reviews/{review}/escalate" Token false
        Doc::new("escalate_review", "Bring a review before a role above")
            .takes(Body::of::<reviews::EscalateBody>).example(examples::escalation).answer(200, Body::of::<reviews::ReviewBody>)
        => reviews::escalate),
    route!(POST post "/v1/audit/reviews/{review}/close" Token false
        Doc::new("close_review", "Close a review, by somebody who had no part in it")
            .takes(Body::of::<reviews::CloseBody>).example(examples::closing).answer(200, Body::of::<reviews::ReviewBody>)
        => reviews::close),
    route!(POST post "/v1/audit/reviews/{review}/draw" Token false
        Doc::new("draw_review", "Draw the entries of a review's sample again")
            .answer(200, Body::of::<reviews::DrawnAgainBody>)
        => reviews::draw_once_more),
    route!(POST post "/v1/audit/reviews/{review}/rectifications" Token false
        Doc::new("rectify", "Name something that is to be put right, with its owner and its day")
            .takes(Body::of::<rectifications::RectifyBody>).example(examples::rectification)
            .answer(201, Body::of::<rectifications::RectificationBody>)
        => rectifications::name),
    route!(GET get "/v1/audit/rectifications" Token false
        Doc::new("rectifications", "What is or was to be put right, by time")
            .queries(ITEMS).answer(200, Body::of::<rectifications::ItemsBody>)
        => rectifications::list),
    route!(POST post "/v1/audit/rectifications/{item}/settle" Token false
        Doc::new("settle", "Find something put right, by another than who named it")
            .takes(Body::of::<rectifications::SettleBody>).example(examples::settlement)
            .answer(200, Body::of::<rectifications::RectificationBody>)
        => rectifications::done),
    route!(GET get "/v1/audit/report" Token false
        Doc::new("audit_report", "The report of a period: counts, refusals, anomalies, reviews, and the state of the log")
            .queries(&[
                Query::needed("since", "Not before this moment (UTC)", forms::moment),
                Query::needed("until", "Before this moment (UTC)", forms::moment),
            ])
            .answer(200, Body::or_page::<report::ReportBody>)
        => report::make),
    route!(POST post "/v1/admin/unseal" Keys false
        Doc::new("unseal", "Bring what opens a sealed vault: a passphrase, one share, or a token's PIN; an open one says that it is open")
            .takes(Body::of::<unsealing::UnsealBody>).example(examples::nothing_brought)
            .answer(200, Body::of::<unsealing::UnsealedBody>)
        => unsealing::already_open),
    route!(POST post "/v1/admin/seal" Token false
        Doc::new("seal", "Seal the vault: its process ends its work and begins anew without keys")
            .takes(Body::of::<unsealing::SealBody>).example(examples::vault)
            .answer(200, Body::of::<unsealing::SealedBody>)
        => unsealing::seal),
    route!(GET get "/v1/admin/keys/status" Token false
        Doc::new("keys_status", "How often keys were replaced, and how a rotation goes")
            .answer(200, Body::of::<keys::KeysStatusBody>)
        => keys::status),
    route!(POST post "/v1/admin/keys/rotate" Token false
        Doc::new("rotate_keys", "Ask for a rotation of keys; it begins once a second administrator agrees")
            .takes(Body::of::<keys::RotateBody>).example(examples::rotation)
            .answer(201, Body::of::<keys::RotationAnswer>)
        => keys::ask),
    route!(POST post "/v1/admin/keys/jobs/{id}/decide" Token false
        Doc::new("decide_rotation", "Say yes or no to a rotation that another administrator asks for; once it is held, have the former key destroyed")
            .takes(Body::of::<approvals::DecisionBody>).example(examples::decision)
            .answer(200, Body::of::<keys::RotationAnswer>)
        => keys::decide),
    route!(POST post "/v1/admin/keys/jobs/{id}/pause" Token false
        Doc::new("pause_rotation", "Let a rotation stand still")
            .answer(200, Body::of::<keys::RotationAnswer>)
        => keys::pause),
    route!(POST post "/v1/admin/keys/jobs/{id}/resume" Token false
        Doc::new("resume_rotation", "Let a rotation go on")
            .answer(200, Body::of::<keys::RotationAnswer>)
        => keys::resume),
    route!(POST post "/v1/admin/keys/jobs/{id}/cancel" Token false
        Doc::new("cancel_rotation", "Take a rotation back: the keys that were drawn come to their end, and no others are drawn")
            .answer(200, Body::of::<keys::RotationAnswer>)
        => keys::cancel),
    route!(POST post "/v1/admin/keys/ways" Token false
        Doc::new("change_ways", "Put other ways to the root key in force, and another root key with them where one is handed over; two administrators signed it")
            .takes(Body::of::<ways::WaysBody>).example(examples::ways)
            .answer(200, Body::of::<ways::WaysAnswer>)
        => ways::change),
    route!(POST post "/v1/admin/actors" Token false
        Doc::new("add_actor", "Enrol an actor")
            .takes(Body::of::<admin::ActorBody>).example(examples::actor).answer(201, Body::of::<admin::ActorAddedBody>)
        => admin::add),
    route!(GET get "/v1/admin/actors" Token false
        Doc::new("list_actors", "The directory of actors").answer(200, Body::of::<admin::ActorsBody>)
        => admin::list),
    route!(POST post "/v1/admin/actors/{id}/assignments" Token false
        Doc::new("place_actor", "Give somebody a further post")
            .takes(Body::of::<admin::AssignmentBody>).example(examples::post).answer(201, Body::of::<placing::PlacedBody>)
        => placing::place),
    route!(POST post "/v1/admin/actors/{id}/assignments/confirm" Token false
        Doc::new("confirm_post", "Confirm a post that waits for a second word: its community's or an administrator's")
            .takes(Body::of::<placing::PostBody>).example(examples::post_id).answer(200, Body::of::<placing::PlacedBody>)
        => placing::confirm),
    route!(POST post "/v1/admin/actors/{id}/assignments/renew" Token false
        Doc::new("renew_post", "Write down that the holder of a post signed the secrecy term or was trained again")
            .takes(Body::of::<placing::RenewalBody>).example(examples::renewal).answer(200, Body::of::<placing::RenewedBody>)
        => placing::renew),
    route!(POST post "/v1/admin/actors/{id}/assignments/end" Token false
        Doc::new("end_post", "End a post now")
            .takes(Body::of::<placing::PostBody>).example(examples::post_id).answer(200, Body::of::<placing::PlacedBody>)
        => placing::end),
    route!(POST post "/v1/admin/actors/{id}/state" Token false
        Doc::new("change_state", "Suspend an actor, let it work again, or end everything that it has")
            .takes(Body::of::<placing::StateBody>).example(examples::state).answer(200, Body::of::<placing::StateChangedBody>)
        => placing::change),
    route!(POST post "/v1/admin/assignments/import" Token false
        Doc::new("import_roster", "Go through a roster of posts line by line, or say what it would change")
            .takes(Body::of::<roster::RosterBody>).example(examples::roster).answer(200, Body::of::<roster::ImportedBody>)
        => roster::import),
    route!(GET get "/v1/admin/assignments/expiring" Token false
        Doc::new("expiring_assignments", "Posts, pairs, training and terms of the caller's area that end soon, are over or missing")
            .queries(EXPIRING).answer(200, Body::of::<posts::EndingBody>)
        => posts::expiring),
    route!(GET get "/v1/admin/grids/vacant" Token false
        Doc::new("vacant_grids", "Grids of the caller's area without an active worker")
            .queries(VACANT).answer(200, Body::of::<posts::VacantBody>)
        => posts::vacant),
    route!(POST post "/v1/admin/actors/{id}/tokens" Token false
        Doc::new("issue_token", "Issue a token for an actor")
            .takes(Body::of::<admin::TokenBody>).example(examples::token).answer(201, Body::of::<admin::IssuedBody>)
        => admin::token),
    route!(POST post "/v1/admin/actors/{id}/codes" Token false
        Doc::new("new_code", "A one-time code for an actor whose key is lost; using it takes the key away")
            .answer(201, Body::of::<log_in::CodeBody>)
        => log_in::code),
    route!(POST post "/v1/admin/policies/explain" Token false
        Doc::new("explain_policy", "Why a decision would be taken")
            .takes(Body::of::<admin::ExplainBody>).example(examples::question).answer(200, Body::of::<admin::ExplainedBody>)
        => admin::explain),
    route!(GET get "/v1/admin/policies/matrix" Token false
        Doc::new("policy_matrix", "Every right that a role has").answer(200, Body::of::<admin::MatrixBody>)
        => admin::matrix),
];

/// The door over the table.
pub(super) fn door(rooms: Arc<Rooms>) -> Door {
    let mut router = Router::new();
    for route in ROUTES {
        router = router.route(&route.path.replace(MANY_PARTS, "{*tile}"), (route.handler)());
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let admission = Arc::new(Admission::new(cores));
    let router = router
        .method_not_allowed_fallback(unknown_method)
        .fallback(unknown_path)
        .with_state(rooms.clone());
    // What surrounds a request is no layer of the router, which would box it once more for every request.
    Door { router, rooms, admission }
}
