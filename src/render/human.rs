//! Lines for people: the first is the whole story, then what does not hold, then what to do. 80 columns.

mod whereabouts;

pub(super) use whereabouts::whereabouts;

use super::{Findings, clean};
use crate::report::{Action, Finding, Report, Standing, Verdict};
use crate::snapshot::Subject;

const WIDTH: usize = 80;
/// How many findings are listed before they are counted: a terminal is no place for a thousand.
const LINES_MAX: usize = 30;
/// How many nodes one piece of advice names before it counts the rest.
const IDS_MAX: usize = 8;

/// The report as lines.
pub(super) fn report(report: &Report, which: Findings) -> String {
    let mut text = String::new();
    let head = word(report.verdict);
    line(&mut text, "", &format!("{head}: {}: {}", report.stage, report.summary));
    body(&mut text, report, which, &report.actions);
    text
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Complete => "COMPLETE",
        Verdict::NotYet => "NOT YET",
        Verdict::Blocked => "BLOCKED",
        Verdict::Unknown => "CANNOT TELL",
    }
}

/// What follows the first line: what does not hold, what was not answered, what to do.
fn body(text: &mut String, report: &Report, which: Findings, actions: &[Action]) {
    let findings: Vec<&Finding> = report.findings.iter().filter(|finding| which.lists(finding)).collect();
    let shown = if which == Findings::All { findings.len() } else { findings.len().min(LINES_MAX) };
    for finding in findings.iter().take(shown) {
        let word = match finding.standing {
            Standing::Blocked => "blocked",
            Standing::NotYet => "not yet",
            Standing::Unknown => "unknown",
            Standing::Skipped => "skipped",
            Standing::Pass => "ok",
        };
        line(text, &format!("  {word:<8} "), &format!("{} [{}]", finding.message, finding.id));
        for cause in &finding.causes {
            let by = cause.by.as_ref().map_or_else(String::new, |by| format!(" ({by})"));
            line(text, "           ", &format!("{}: {}{by}", cause.likelihood.word(), cause.words));
        }
    }
    if findings.len() > shown {
        line(text, "  ", &format!("… and {} more; --findings all lists them", findings.len() - shown));
    }
    for note in report.errors.iter().take(LINES_MAX) {
        line(text, "  error    ", &note.message);
    }
    if report.errors.len() > LINES_MAX {
        line(text, "  ", &format!("… and {} more errors; -o json lists them", report.errors.len() - LINES_MAX));
    }
    for note in report.warnings.iter().take(LINES_MAX) {
        line(text, "  warning  ", &note.message);
    }
    for action in actions {
        line(text, "  next     ", &next(action));
    }
}

fn next(action: &Action) -> String {
    let ids: Vec<String> =
        action.subjects.iter().filter(|subject| **subject != Subject::Quorum).map(ToString::to_string).collect();
    let rest = ids.len().saturating_sub(IDS_MAX);
    let named = ids.into_iter().take(IDS_MAX).collect::<Vec<_>>().join(", ");
    match (named.is_empty(), rest) {
        (true, _) => action.text.clone(),
        (false, 0) => format!("{named}: {}", action.text),
        (false, rest) => format!("{named} and {rest} more: {}", action.text),
    }
}

/// One entry that may hold what a peer said.
fn line(text: &mut String, prefix: &str, entry: &str) {
    wrapped(text, prefix, &clean(entry));
}

/// One entry, wrapped with its continuation under its beginning. A word longer than the line stands alone.
pub(super) fn wrapped(text: &mut String, prefix: &str, entry: &str) {
    let indent = if prefix.is_empty() { 2 } else { prefix.chars().count() };
    text.push_str(prefix);
    let mut column = prefix.chars().count();
    for word in entry.split_whitespace() {
        let width = word.chars().count();
        if column > indent && column + 1 + width > WIDTH {
            text.push('\n');
            text.push_str(&" ".repeat(indent));
            column = indent;
        } else if column > prefix.chars().count() {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += width;
    }
    text.push('\n');
}
