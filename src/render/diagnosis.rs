//! What `doctor` found: a line a node and hop for people, and a JSON document of the kind `doctor`.

use serde::Serialize;

use super::human::{line, literal};
use super::json::{Envelope, JsonNote, Named, note, path, time};
use super::{Findings, Style, clean};
use crate::report::{Diagnosis, Examined, Hop, Outcome};
use crate::snapshot::Why;
use crate::{exit, explain};

/// How many commands are printed that grant something.
const GRANTS_MAX: usize = 20;

#[derive(Serialize)]
struct Body<'a> {
    cluster: Named<'a>,
    summary: Summary,
    nodes: Vec<JsonNode>,
    /// The commands that grant what is missing.
    grants: Vec<String>,
    warnings: Vec<JsonNote>,
    observed_at: String,
    duration_ms: u64,
}

#[derive(Serialize)]
struct Summary {
    text: String,
    passed: usize,
    failed: usize,
    not_tried: usize,
    not_needed: usize,
}

#[derive(Serialize)]
struct JsonNode {
    subject: Option<String>,
    place: String,
    hops: Vec<JsonHop>,
}

#[derive(Serialize)]
struct JsonHop {
    hop: String,
    outcome: &'static str,
    message: String,
    id: Option<&'static str>,
    fix: Option<&'static str>,
    grant: Option<String>,
}

/// The lines: the story, every node with the hops that failed, and what grants what is missing. With all findings, the
/// hops that were taken as well.
pub(super) fn lines(diagnosis: &Diagnosis, style: Style) -> String {
    let mut text = String::new();
    line(&mut text, "", &summary(diagnosis));
    for node in &diagnosis.nodes {
        let taken = node.hops.iter().filter(|hop| hop.outcome == Outcome::Passed).map(|hop| hop.name.as_str());
        let taken = taken.collect::<Vec<_>>().join(", ");
        let head = if node.fails() { "FAILED" } else { "ok" };
        let passed =
            if style.findings == Findings::All || taken.is_empty() { String::new() } else { format!(": {taken}") };
        line(&mut text, "  ", &format!("{head} {}{passed}", who(node)));
        let is_listed = |hop: &&Hop| style.findings == Findings::All || hop.outcome == Outcome::Failed;
        for hop in node.hops.iter().filter(is_listed) {
            let id = hop.why.map_or_else(String::new, |why| format!(" [{}]", why.id()));
            line(&mut text, "    ", &format!("{} {}: {}{id}", mark(hop.outcome), hop.name, hop.words));
        }
    }
    for fix in fixes(diagnosis) {
        line(&mut text, "  next     ", &fix);
    }
    for grant in diagnosis.grants().into_iter().take(GRANTS_MAX) {
        literal(&mut text, "  grant    ", grant);
    }
    for warning in &diagnosis.warnings {
        line(&mut text, "  warning  ", &format!("{} [{}]", warning.message, warning.id));
    }
    text
}

pub(super) fn json(diagnosis: &Diagnosis, command: &[String]) -> String {
    let count = |outcome| diagnosis.hops().filter(|hop| hop.outcome == outcome).count();
    let body = Body {
        cluster: Named { name: diagnosis.cluster_name.as_deref() },
        summary: Summary {
            text: summary(diagnosis),
            passed: count(Outcome::Passed),
            failed: count(Outcome::Failed),
            not_tried: count(Outcome::NotTried),
            not_needed: count(Outcome::NotNeeded),
        },
        nodes: diagnosis.nodes.iter().map(node).collect(),
        grants: diagnosis.grants().into_iter().map(clean).collect(),
        warnings: diagnosis.warnings.iter().map(note).collect(),
        observed_at: time(diagnosis.ended),
        duration_ms: diagnosis.ended.0.saturating_sub(diagnosis.began.0),
    };
    Envelope::of("doctor", command, exit::of_diagnosis(diagnosis), &body)
}

/// The whole story in a sentence.
fn summary(diagnosis: &Diagnosis) -> String {
    let all = diagnosis.nodes.len();
    match diagnosis.nodes.iter().filter(|node| node.fails()).count() {
        0 if all == 0 => "NOBODY: nobody was asked".to_owned(),
        0 => format!("OK: everything that is needed can be asked of all {all} nodes and pages"),
        failed => format!("FAILED: something cannot be asked of {failed} of {all} nodes and pages"),
    }
}

fn who(node: &Examined) -> String {
    let place = clean(&node.place);
    node.subject.map_or_else(|| place.clone(), |subject| format!("{subject} at {place}"))
}

fn mark(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "FAILED",
        Outcome::NotTried => "not tried",
        Outcome::NotNeeded => "not needed",
    }
}

/// What to do, once each.
fn fixes(diagnosis: &Diagnosis) -> Vec<String> {
    let mut fixes: Vec<String> = Vec::new();
    for why in diagnosis.failed().filter_map(|hop| hop.why) {
        let fix = format!("{}: {}", why.id(), explain::fix(why));
        if !fixes.contains(&fix) {
            fixes.push(fix);
        }
    }
    fixes
}

fn node(node: &Examined) -> JsonNode {
    let hop = |hop: &Hop| JsonHop {
        hop: hop.name.clone(),
        outcome: hop.outcome.word(),
        message: clean(&hop.words),
        id: hop.why.map(Why::id),
        fix: hop.why.map(explain::fix),
        grant: hop.grant.as_deref().map(clean),
    };
    JsonNode { subject: node.subject.map(path), place: clean(&node.place), hops: node.hops.iter().map(hop).collect() }
}
