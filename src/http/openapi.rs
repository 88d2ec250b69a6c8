//! The OpenAPI 3.1 document, made from the table of routes and the types of the bodies.
//! Never written by hand, so that it cannot say other than the code.
//! What holds for every route (token, purpose, refusals) is said once, here.

use super::answer::ReceiptBody;
use super::forms;
use super::routes::{Guard, ROUTES, Route};
use super::surround::{PointerBody, ProblemBody};
use axum::http::Method;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, Schema};
use utoipa::openapi::{ComponentsBuilder, RefOr};

type Schemas = Vec<(String, RefOr<Schema>)>;
/// Names the schemas of a body and gives its content object.
type Content = fn(&mut Schemas) -> Value;

/// The media type of several lines of JSON.
const LINES: &str = "application/x-ndjson";

/// What a route says of itself.
#[derive(Clone, Copy)]
pub(super) struct Doc {
    operation: &'static str,
    summary: &'static str,
    text: Option<&'static str>,
    body: Option<Content>,
    answer: Option<(u16, Content)>,
    queries: &'static [Query],
    conditional: bool,
    cased: Option<Cased>,
    repeatable: bool,
    captured: bool,
    versioned: bool,
    example: Option<fn() -> Value>,
}

/// What a route does under a case.
#[derive(Clone, Copy)]
enum Cased {
    /// A look at one record.
    Look,
    /// A list.
    List,
    /// A write.
    Write,
}

impl Cased {
    /// The form of the header `Case`, and what it means here.
    fn told(self) -> (Object, &'static str) {
        match self {
            Cased::Look => (
                forms::case(),
                "The id of what the request acts under, which its caller holds: a task that was taken, or the case of a check \
                 at the counter; a look that a second person agreed to, which serves once; an emergency access; a request of \
                 an organ that was agreed to; or a raised limit, which opens no field and counts against the higher bound. \
                 `echo` shows what the caller itself wrote in the last half hour. What is not the caller's, not open or over \
                 other records or fields opens nothing",
            ),
            Cased::List => (
                forms::case_of_work(),
                "The id of the task that the request acts under, which its caller has taken: what it names of its own people is \
                 in clear, the others are masked, and a page has 100 records at most. Any other id is like no case",
            ),
            Cased::Write => (
                forms::case_of_work(),
                "The id of the task that the request acts under, which its caller has taken: it allows what the role may write \
                 inside a task alone, and a new record costs its budget one. Any other id is like no case",
            ),
        }
    }
}

/// A parameter of a query string.
#[derive(Clone, Copy)]
pub(super) struct Query {
    name: &'static str,
    text: &'static str,
    required: bool,
    form: fn() -> Value,
}

impl Query {
    /// One that may be left out.
    pub(super) const fn new(name: &'static str, text: &'static str, form: fn() -> Value) -> Query {
        Query { name, text, required: false, form }
    }

    /// One that must be there.
    pub(super) const fn needed(
        name: &'static str,
        text: &'static str,
        form: fn() -> Value,
    ) -> Query {
        Query { name, text, required: true, form }
    }
}

impl Doc {
    /// Whether a request has anything in its query string.
    pub(super) fn takes_query(&self) -> bool {
        !self.queries.is_empty()
    }

    /// Whether a request may name a key by which it is remembered.
    pub(super) fn is_repeatable(&self) -> bool {
        self.repeatable
    }

    pub(super) const fn new(operation: &'static str, summary: &'static str) -> Doc {
        Doc {
            operation,
            summary,
            text: None,
            body: None,
            answer: None,
            queries: &[],
            conditional: false,
            cased: None,
            repeatable: false,
            captured: false,
            versioned: false,
            example: None,
        }
    }

    /// What one line does not say.
    pub(super) const fn text(mut self, text: &'static str) -> Doc {
        self.text = Some(text);
        self
    }

    pub(super) const fn takes(mut self, body: Content) -> Doc {
        self.body = Some(body);
        self
    }

    pub(super) const fn answer(mut self, status: u16, body: Content) -> Doc {
        self.answer = Some((status, body));
        self
    }

    /// Members of the query string, in order.
    pub(super) const fn queries(mut self, queries: &'static [Query]) -> Doc {
        self.queries = queries;
        self
    }

    /// With a body that is right in the sample city.
    pub(super) const fn example(mut self, example: fn() -> Value) -> Doc {
        self.example = Some(example);
        self
    }

    /// Answers carry the version as entity tag.
    pub(super) const fn versioned(mut self) -> Doc {
        self.versioned = true;
        self
    }

    pub(super) const fn repeatable(mut self) -> Doc {
        self.repeatable = true;
        self
    }

    /// What was captured before is answered with 200.
    pub(super) const fn captured(mut self) -> Doc {
        self.captured = true;
        self
    }

    /// A look that may name what it acts under.
    pub(super) const fn within_case(mut self) -> Doc {
        self.cased = Some(Cased::Look);
        self
    }

    /// A list that may name the task that it acts under.
    pub(super) const fn listed_within_task(mut self) -> Doc {
        self.cased = Some(Cased::List);
        self
    }

    /// A write that may name the task that it acts under.
    pub(super) const fn written_within_task(mut self) -> Doc {
        self.cased = Some(Cased::Write);
        self
    }

    pub(super) const fn conditional(mut self) -> Doc {
        self.conditional = true;
        self
    }
}

/// Kinds of bodies: the content object of a request or an answer.
pub(super) struct Body;

impl Body {
    pub(super) fn of<T: ToSchema>(schemas: &mut Schemas) -> Value {
        schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(schemas);
        json!({"application/json": {"schema": {"$ref": reference(&T::name())}}})
    }

    /// Lines, each of which is one JSON value of this form.
    pub(super) fn lines<T: ToSchema>(schemas: &mut Schemas) -> Value {
        let mut content = Body::of::<T>(schemas);
        json!({LINES: content["application/json"].take()})
    }

    pub(super) fn any(_schemas: &mut Schemas) -> Value {
        json!({"application/json": {"schema": {"type": "object"}}})
    }

    pub(super) fn archive(_schemas: &mut Schemas) -> Value {
        json!({"application/x-tar": {"schema": {"type": "string", "format": "binary"}}})
    }

    pub(super) fn bytes(_schemas: &mut Schemas) -> Value {
        json!({"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}})
    }

    /// JSON, or a page for people.
    pub(super) fn or_page<T: ToSchema>(schemas: &mut Schemas) -> Value {
        let mut content = Body::of::<T>(schemas);
        content["text/html"] = json!({"schema": {"type": "string"}});
        content
    }

    pub(super) fn text(_schemas: &mut Schemas) -> Value {
        json!({"text/plain": {"schema": {"type": "string"}}})
    }
}

fn reference(name: &str) -> String {
    format!("#/components/schemas/{name}")
}

/// The document as text.
pub(super) fn document() -> String {
    let mut schemas: Schemas = Vec::new();
    let mut paths = serde_json::Map::new();
    for route in ROUTES {
        let operation = operation(route, &mut schemas);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method.as_str().to_ascii_lowercase()] = operation;
    }
    Body::of::<ProblemBody>(&mut schemas);
    Body::of::<PointerBody>(&mut schemas);
    Body::of::<ReceiptBody>(&mut schemas);
    let components = ComponentsBuilder::new().schemas_from_iter(schemas).build();
    let mut components = serde_json::to_value(components).unwrap_or_default();
    components["securitySchemes"] =
        json!({"token": {"type": "http", "scheme": "bearer", "bearerFormat": "at+jwt"}});
    let document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Gridvault",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "A protected store for personal data that is collected in grids. Every answer \
                with data names the log entry that let it out.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": components,
    });
    serde_json::to_string_pretty(&document).unwrap_or_default()
}

fn operation(route: &Route, schemas: &mut Schemas) -> Value {
    let doc = &route.doc;
    let mut operation = json!({
        "operationId": doc.operation,
        "summary": doc.summary,
        "parameters": parameters(route),
        "responses": responses(route, schemas),
    });
    if let Some(text) = doc.text {
        operation["description"] = json!(text);
    }
    if let Some(body) = doc.body {
        let mut content = body(schemas);
        if let (Some(example), Some(form)) =
            (doc.example, content.as_object_mut().and_then(|forms| forms.values_mut().next()))
        {
            form["example"] = example();
        }
        if route.method == Method::PATCH {
            content["application/merge-patch+json"] = content["application/json"].clone();
        }
        operation["requestBody"] = json!({"required": true, "content": content});
    }
    if route.guard == Guard::Token {
        operation["security"] = json!([{"token": []}]);
    }
    operation
}

fn parameters(route: &Route) -> Vec<Value> {
    let names = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let mut parameters: Vec<Value> = names
        .map(|name| {
            let form = forms::of_path(route.path, name);
            json!({"name": name, "in": "path", "required": true, "schema": form})
        })
        .collect();
    for query in route.doc.queries {
        let mut parameter = json!({
            "name": query.name, "in": "query", "required": query.required,
            "description": query.text, "schema": (query.form)(),
        });
        if parameter["schema"]["type"] == "array" {
            // One member with commas, as `field_names` reads it.
            parameter["example"] = json!(["name", "phone"]);
            parameter["style"] = json!("form");
            parameter["explode"] = json!(false);
        }
        parameters.push(parameter);
    }
    if route.purpose {
        parameters.push(json!({
            "name": "Purpose", "in": "header", "required": true, "schema": forms::purpose(),
            "description": "The purpose of the request; see /v1/purposes",
            "example": "residence_registration",
        }));
    }
    if let Some(cased) = route.doc.cased {
        let (schema, description) = cased.told();
        parameters.push(json!({
            "name": "Case", "in": "header", "required": false, "schema": schema, "description": description,
        }));
    }
    if route.doc.conditional {
        parameters.push(json!({
            "name": "If-Match", "in": "header", "required": true, "schema": forms::version_tag(),
            "description": "The version that the caller saw, as a strong entity tag",
            "example": "\"1\"",
        }));
    }
    if route.doc.repeatable {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "schema": forms::idempotency_key(),
            "description": "A key of the caller's choice, remembered for 24 hours: the same request under it is done \
                once, and its answer comes again with `Idempotent-Replayed: true`",
        }));
    }
    parameters
}

/// The headers of an answer that is no refusal. Of several lines each has its own receipt.
fn headers_of(route: &Route, lines: bool) -> Value {
    let mut headers = json!({"Request-Id": {
        "required": true, "schema": forms::request_id(),
        "description": "The request's id, for whoever asks the operator about it",
    }});
    if matches!(route.guard, Guard::Token | Guard::Code) && !lines {
        headers["Audit-Receipt"] = json!({
            "required": true, "schema": forms::receipt_place(),
            "description": "Origin of the log and index of the entry that let the answer out",
        });
    }
    if route.doc.versioned {
        headers["ETag"] = json!({
            "required": true, "schema": forms::version_tag(),
            "description": "The record's version, for the If-Match of the next change",
        });
    }
    headers
}

fn responses(route: &Route, schemas: &mut Schemas) -> Value {
    let refusal = json!({
        "description": "Refused, with a stable code",
        "content": {"application/problem+json": {"schema": {"$ref": reference("ProblemBody")}}},
    });
    let mut responses = serde_json::Map::new();
    if let Some((status, body)) = route.doc.answer {
        let mut content = body(schemas);
        let lines = content.get(LINES).is_some();
        let data = matches!(route.guard, Guard::Token | Guard::Code);
        if let (true, Some(json)) = (data, content.get_mut("application/json")) {
            // Every answer with data carries its receipt beside its own members.
            let own = json["schema"].take();
            let receipt = json!({
                "type": "object", "required": ["receipt"],
                "properties": {"receipt": {"$ref": reference("ReceiptBody")}},
            });
            json["schema"] = json!({"allOf": [own, receipt]});
        }
        let answer = json!({
            "description": route.doc.summary, "headers": headers_of(route, lines),
            "content": content,
        });
        if route.doc.captured {
            let mut known = answer.clone();
            known["description"] = json!("Stored before, under the same `capture_id`");
            responses.insert("200".to_owned(), known);
        }
        responses.insert(status.to_string(), answer);
    }
    let statuses: &[&str] = match (route.guard, route.doc.body.is_some()) {
        (Guard::Open, _) if route.path.contains('{') => &["404", "503"],
        (Guard::Open, _) => &["503"],
        (Guard::Keys, _) => &["400", "403", "413", "415", "429", "500", "503"],
        (Guard::Code, _) => &["400", "401", "413", "415", "429", "500", "503"],
        (Guard::Token, false) => &["400", "401", "403", "404", "410", "429", "500", "503"],
        (Guard::Token, true) => &[
            "400", "401", "403", "404", "410", "412", "413", "415", "428", "429", "500", "503",
            "507",
        ],
    };
    let statuses =
        statuses.iter().chain(if route.doc.repeatable { &["409", "422"][..] } else { &[] });
    for status in statuses {
        responses.insert((*status).to_owned(), refusal.clone());
    }
    Value::Object(responses)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn no_two_forms_have_one_name() {
        let mut schemas: Schemas = Vec::new();
        for route in ROUTES {
            operation(route, &mut schemas);
        }
        let mut named: BTreeMap<String, Value> = BTreeMap::new();
        for (name, schema) in schemas {
            let form = serde_json::to_value(schema).expect("a schema is JSON");
            let first = named.entry(name.clone()).or_insert_with(|| form.clone());
            assert_eq!(*first, form, "{name} is the name of two forms");
        }
        assert!(named.len() > 20, "the forms were found");
    }
}
