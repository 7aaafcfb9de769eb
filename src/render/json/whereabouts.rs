//! Where the cluster stands, as a JSON document of the kind `status`.

use serde::Serialize;

use super::{
    Cluster, Discovered, Envelope, Expected, Findings, JsonFinding, JsonNote, NextAction, RETRY_AFTER_SECONDS, clean,
    cluster, discovered, expected, finding, next_action, note, path, position, time,
};
use crate::exit;
use crate::report::{Place, Report, Whereabouts};

#[derive(Serialize)]
struct Body {
    cluster: Option<Cluster>,
    expected: Option<Expected>,
    discovered: Vec<Discovered>,
    /// `not_begun`, `in_stage`, `beyond`; null where it cannot be told.
    place: Option<&'static str>,
    /// The stage that the cluster is in.
    stage: Option<&'static str>,
    blocked: bool,
    retry_after_seconds: Option<u32>,
    summary: Option<String>,
    stages: Vec<StagePlace>,
    /// What the copy of the metadata waits for.
    waiting_for: Option<WaitingFor>,
    findings: Vec<JsonFinding>,
    errors: Vec<JsonNote>,
    warnings: Vec<JsonNote>,
    next_actions: Vec<NextAction>,
    observed_at: Option<String>,
    duration_ms: Option<u64>,
}

/// The first clause of the migration driver's decision that is not met.
#[derive(Serialize)]
struct WaitingFor {
    id: &'static str,
    subjects: Vec<String>,
    message: String,
    advice: &'static str,
}

/// One stage and what is said of it.
#[derive(Serialize)]
pub(in crate::render) struct StagePlace {
    id: &'static str,
    title: &'static str,
    position: Option<&'static str>,
    verdict: &'static str,
    summary: String,
}

/// The place as a document. Findings are those of the stage that the cluster is in.
pub(in crate::render) fn whereabouts(whereabouts: &Whereabouts, which: Findings, command: &[String]) -> String {
    let exit = exit::of_whereabouts(whereabouts);
    let current = whereabouts.current();
    let of_current = |notes: fn(&Report) -> &[crate::report::Note]| {
        current.into_iter().flat_map(notes).map(note).collect::<Vec<_>>()
    };
    let (place, stage) = match whereabouts.place {
        Place::NotBegun => (Some("not_begun"), None),
        Place::In(_) => (Some("in_stage"), current.map(|report| report.stage)),
        Place::Beyond => (Some("beyond"), None),
        Place::Unknown => (None, None),
    };
    let findings = current.into_iter().flat_map(|report| &report.findings);
    let body = Body {
        cluster: current.map(cluster),
        expected: current.map(expected),
        discovered: current.map(discovered).unwrap_or_default(),
        place,
        stage,
        blocked: whereabouts.is_blocked(),
        retry_after_seconds: exit.retryable.then_some(RETRY_AFTER_SECONDS),
        summary: current.map(|report| clean(&report.summary)),
        stages: whereabouts.reports.iter().map(stage_place).collect(),
        waiting_for: whereabouts.waiting_for().map(|(cause, clause)| WaitingFor {
            id: clause.id,
            subjects: cause.subjects.iter().copied().map(path).collect(),
            message: clean(&cause.by.as_ref().map_or_else(String::new, |by| format!("{}: {by}", cause.words))),
            advice: clause.advice,
        }),
        findings: findings.filter(|finding| which.lists(finding)).map(finding).collect(),
        errors: of_current(|report| &report.errors),
        warnings: of_current(|report| &report.warnings),
        next_actions: whereabouts.actions().iter().map(next_action).collect(),
        observed_at: current.map(|report| time(report.ended)),
        duration_ms: current.map(|report| report.ended.0.saturating_sub(report.began.0)),
    };
    Envelope::of("status", command, exit, &body)
}

/// One stage and what is said of it.
pub(in crate::render) fn stage_place(report: &Report) -> StagePlace {
    StagePlace {
        id: report.stage,
        title: report.title,
        position: report.position.map(position),
        verdict: report.verdict.word(),
        summary: clean(&report.summary),
    }
}
