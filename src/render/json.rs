//! One JSON document, `schema_version` 0.2: counterpart types, so that the report's own may change.
//!
//! Absent information is null; units stand in names; times are RFC 3339 in UTC.

mod discovered;
mod event;
mod whereabouts;

use std::collections::BTreeMap;
use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;

use super::{Findings, clean};
use discovered::{Discovered, discovered};

use crate::exit::{self, Exit};
use crate::report::{Action, Counts, Expectation, Finding, Note, Position, Report, Value, Waited};
use crate::snapshot::{NodeId, Source, Subject, Timestamp};

pub(super) use event::event;
pub(super) use whereabouts::{StagePlace, stage_place, whereabouts};

/// The version of every document.
pub(super) const SCHEMA_VERSION: &str = "0.2";
/// When it is worth asking again: nothing in a migration changes faster than a broker restarts.
const RETRY_AFTER_SECONDS: u32 = 15;

/// What every document begins with, around what it says.
#[derive(Serialize)]
pub(super) struct Envelope<'a, T: Serialize> {
    schema_version: &'static str,
    kind: &'static str,
    tool: Tool,
    command: &'a [String],
    /// None of an event: nothing ends by it.
    exit_code: Option<u8>,
    retryable: Option<bool>,
    #[serde(flatten)]
    body: &'a T,
}

impl<'a, T: Serialize> Envelope<'a, T> {
    /// The document as text, ending in a line feed.
    pub(super) fn of(kind: &'static str, command: &'a [String], exit: &Exit, body: &'a T) -> String {
        Self::line(kind, command, Some(exit), body)
    }

    fn line(kind: &'static str, command: &'a [String], exit: Option<&Exit>, body: &'a T) -> String {
        let (exit_code, retryable) = (exit.map(|exit| exit.code), exit.map(|exit| exit.retryable));
        let document = Self { schema_version: SCHEMA_VERSION, kind, tool: TOOL, command, exit_code, retryable, body };
        // These types have string keys and no failing serializer, so this cannot fail; if it ever did, an empty
        // document would be refused by every reader.
        let mut text = serde_json::to_string(&document).unwrap_or_default();
        text.push('\n');
        text
    }
}

#[derive(Serialize)]
struct Body {
    cluster: Cluster,
    expected: Expected,
    discovered: Vec<Discovered>,
    stage: Stage,
    /// Whether the cluster's health was judged, too or alone.
    health: bool,
    only: Option<String>,
    verdict: &'static str,
    retry_after_seconds: Option<u32>,
    summary: Summary,
    findings: Vec<JsonFinding>,
    errors: Vec<JsonNote>,
    warnings: Vec<JsonNote>,
    next_actions: Vec<NextAction>,
    observed_at: String,
    duration_ms: u64,
    wait: Option<Wait>,
}

/// How the wait ended whose last look a report is.
#[derive(Serialize)]
struct Wait {
    ended_by: &'static str,
    looks: u64,
    elapsed_ms: u64,
    stable_ms: u64,
}

#[derive(Serialize)]
struct ErrorBody {
    verdict: Option<&'static str>,
    error: Error,
}

#[derive(Serialize)]
struct Error {
    id: &'static str,
    message: String,
}

/// Which program a document is of.
#[derive(Serialize)]
pub(super) struct Tool {
    name: &'static str,
    version: &'static str,
}

/// A cluster of which no more is said than what it is called in the config file.
#[derive(Serialize)]
pub(super) struct Named<'a> {
    pub(super) name: Option<&'a str>,
}

#[derive(Serialize)]
struct Cluster {
    name: Option<String>,
    #[serde(rename = "cluster_id")]
    id: Option<String>,
    kafka_versions: Option<Vec<String>>,
}

#[derive(Serialize)]
struct Expected {
    brokers: Option<Ids>,
    controllers: Option<Ids>,
}

#[derive(Serialize)]
struct Ids {
    ids: Vec<NodeId>,
    source: &'static str,
}

#[derive(Serialize)]
struct Stage {
    id: &'static str,
    position: Option<&'static str>,
    next: Option<&'static str>,
    reversible: Option<bool>,
}

#[derive(Serialize)]
struct Summary {
    text: String,
    pass: usize,
    not_yet: usize,
    blocked: usize,
    unknown: usize,
    skipped: usize,
}

#[derive(Serialize)]
struct JsonFinding {
    id: &'static str,
    status: &'static str,
    subject: JsonSubject,
    expected: Option<JsonValue>,
    observed: Option<JsonValue>,
    source: Option<JsonSource>,
    observed_at: Option<String>,
    latency_ms: Option<f64>,
    message: String,
    causes: Vec<JsonCause>,
}

#[derive(Serialize)]
struct JsonCause {
    text: &'static str,
    likelihood: &'static str,
    by: Option<String>,
}

#[derive(Serialize)]
struct JsonSubject {
    kind: &'static str,
    id: Option<NodeId>,
    endpoint: Option<String>,
}

/// Each value as the JSON type that it is.
#[derive(Serialize)]
#[serde(untagged)]
enum JsonValue {
    Truth(bool),
    Number(u64),
    Word(&'static str),
}

/// A field of an API, a metric of a page, or what follows from several: told apart by their keys.
#[derive(Serialize)]
#[serde(untagged)]
enum JsonSource {
    Api { api: &'static str, version: i16, field: &'static str },
    Derived { derived: &'static str },
    Page { page: String, metric: String, labels: BTreeMap<String, String> },
}

#[derive(Serialize)]
pub(super) struct JsonNote {
    id: &'static str,
    subject: Option<String>,
    message: String,
}

#[derive(Serialize)]
struct NextAction {
    id: &'static str,
    subjects: Vec<String>,
    text: String,
    explain: &'static str,
}

/// The report as a document.
pub(super) fn report(report: &Report, which: Findings, command: &[String]) -> String {
    let exit = exit::of_report(report);
    let body = Body {
        cluster: cluster(report),
        expected: expected(report),
        discovered: discovered(report),
        stage: Stage {
            id: report.stage,
            position: report.position.map(position),
            next: report.next,
            reversible: report.reversible,
        },
        health: report.health,
        only: report.only.map(path),
        verdict: report.verdict.word(),
        retry_after_seconds: exit.retryable.then_some(RETRY_AFTER_SECONDS),
        summary: summary(&report.summary, report.counts),
        findings: report.findings.iter().filter(|finding| which.lists(finding)).map(finding).collect(),
        errors: report.errors.iter().map(note).collect(),
        warnings: report.warnings.iter().map(note).collect(),
        next_actions: report.actions.iter().map(next_action).collect(),
        observed_at: time(report.ended),
        duration_ms: report.ended.0.saturating_sub(report.began.0),
        wait: report.wait.map(|Waited { ended_by, looks, elapsed, stable }| Wait {
            ended_by: ended_by.word(),
            looks,
            elapsed_ms: whole_ms(elapsed),
            stable_ms: whole_ms(stable),
        }),
    };
    Envelope::of("report", command, exit, &body)
}

fn summary(text: &str, counts: Counts) -> Summary {
    let Counts { pass, not_yet, blocked, unknown, skipped } = counts;
    Summary { text: clean(text), pass, not_yet, blocked, unknown, skipped }
}

fn cluster(report: &Report) -> Cluster {
    Cluster {
        name: report.cluster_name.as_deref().map(clean),
        id: report.cluster_id.as_deref().map(clean),
        kafka_versions: (!report.kafka_versions.is_empty()).then(|| report.kafka_versions.clone()),
    }
}

fn expected(report: &Report) -> Expected {
    let whom = |expected: &Option<Expectation>| {
        expected.as_ref().map(|Expectation { ids, declared }| Ids {
            ids: ids.iter().copied().collect(),
            source: if *declared { "declared" } else { "discovered" },
        })
    };
    Expected { brokers: whom(&report.expected_brokers), controllers: whom(&report.expected_controllers) }
}

fn position(position: Position) -> &'static str {
    match position {
        Position::Past => "past",
        Position::Current => "current",
        Position::Future => "future",
    }
}

fn next_action(action: &Action) -> NextAction {
    NextAction {
        id: action.id,
        subjects: action.subjects.iter().copied().map(path).collect(),
        text: action.text.clone(),
        explain: action.explain,
    }
}

/// Why there is no report, as a document.
pub(super) fn error(exit: &'static Exit, message: &str, command: &[String]) -> String {
    let body = ErrorBody { verdict: None, error: Error { id: exit.name, message: clean(message) } };
    Envelope::of("error", command, exit, &body)
}

/// This program.
const TOOL: Tool = Tool { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") };

fn finding(finding: &Finding) -> JsonFinding {
    let evidence = finding.evidence.as_ref();
    let (kind, id) = match finding.subject {
        Subject::Broker(id) => ("broker", Some(id)),
        Subject::Controller(id) => ("controller", Some(id)),
        Subject::Quorum => ("quorum", None),
        Subject::Cluster => ("cluster", None),
    };
    JsonFinding {
        id: finding.id,
        status: finding.standing.word(),
        subject: JsonSubject {
            kind,
            id,
            endpoint: evidence
                .and_then(|evidence| evidence.endpoint.as_ref())
                .map(|endpoint| clean(&endpoint.to_string())),
        },
        expected: finding.expected.map(value),
        observed: finding.observed.map(value),
        source: evidence.map(|evidence| source(&evidence.source)),
        observed_at: evidence.map(|evidence| time(evidence.at)),
        latency_ms: evidence.map(|evidence| milliseconds(evidence.took_us)),
        message: clean(&finding.message),
        causes: finding
            .causes
            .iter()
            .map(|cause| JsonCause {
                text: cause.words,
                likelihood: cause.likelihood.word(),
                by: cause.by.as_deref().map(clean),
            })
            .collect(),
    }
}

fn value(value: Value) -> JsonValue {
    match value {
        Value::Truth(truth) => JsonValue::Truth(truth),
        Value::Number(number) | Value::Millis(number) => JsonValue::Number(number),
        Value::Word(word) => JsonValue::Word(word),
    }
}

fn source(source: &Source) -> JsonSource {
    match source {
        Source::Api { api, version, field } => JsonSource::Api { api, version: *version, field },
        Source::Derived(from) => JsonSource::Derived { derived: from },
        Source::Page { url, metric, labels } => JsonSource::Page {
            page: clean(url),
            metric: clean(metric),
            labels: labels.iter().map(|(name, value)| (clean(name), clean(value))).collect(),
        },
    }
}

pub(super) fn note(note: &Note) -> JsonNote {
    JsonNote { id: note.id, subject: note.subject.map(path), message: clean(&note.message) }
}

pub(super) fn path(subject: Subject) -> String {
    match subject {
        Subject::Broker(id) => format!("broker/{id}"),
        Subject::Controller(id) => format!("controller/{id}"),
        Subject::Quorum => "quorum".to_owned(),
        Subject::Cluster => "cluster".to_owned(),
    }
}

pub(super) fn time(timestamp: Timestamp) -> String {
    // RFC 3339 ends with the year 9999; only a hostile recording is beyond it.
    let milliseconds = timestamp.0.min(253_402_300_799_999);
    humantime::format_rfc3339_millis(UNIX_EPOCH + Duration::from_millis(milliseconds)).to_string()
}

fn whole_ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// To a tenth.
fn milliseconds(took_us: u64) -> f64 {
    (Duration::from_micros(took_us).as_secs_f64() * 10_000.0).round() / 10.0
}
