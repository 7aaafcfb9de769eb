//! Lines for people: the first is the whole story, then what does not hold, then what to do. 80 columns.

mod event;
mod found;
mod whereabouts;

pub(super) use event::{event, reason, span};
pub(super) use whereabouts::whereabouts;

use super::{Findings, Style, clean};
use crate::report::{Action, Finding, Note, Report, Standing, Took, Verdict};
use crate::snapshot::Subject;

const WIDTH: usize = 80;
const GREEN: &str = "\u{1b}[32m";
const YELLOW: &str = "\u{1b}[33m";
const RED: &str = "\u{1b}[31m";
const MAGENTA: &str = "\u{1b}[35m";
const NO_COLOUR: &str = "\u{1b}[0m";
/// How many findings, errors and warnings are listed before they are counted: all of it is to fit one screen.
const LINES_MAX: usize = 8;
/// How many nodes one piece of advice names before it counts the rest.
const IDS_MAX: usize = 8;

/// The report as lines.
pub(super) fn report(report: &Report, style: Style) -> String {
    let mut text = String::new();
    let head = word(report.verdict);
    line(&mut text, "", &format!("{head}: {}: {}", report.stage, report.summary));
    if style.coloured {
        text = text.replacen(head, &format!("{}{head}{NO_COLOUR}", colour(report.verdict)), 1);
    }
    if let Some(wait) = report.wait {
        line(&mut text, "  waited   ", &event::waited(wait));
    }
    body(&mut text, report, style, &report.actions);
    text
}

/// The verdict's word for people.
pub(super) fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Complete => "COMPLETE",
        Verdict::NotYet => "NOT YET",
        Verdict::Blocked => "BLOCKED",
        Verdict::Unknown => "CANNOT TELL",
    }
}

fn colour(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Complete => GREEN,
        Verdict::NotYet => YELLOW,
        Verdict::Blocked => RED,
        Verdict::Unknown => MAGENTA,
    }
}

/// What follows the first line: what does not hold, what was not answered, what to do.
fn body(text: &mut String, report: &Report, style: Style, actions: &[Action]) {
    findings(text, report, style.findings);
    notes(text, "error", &report.errors);
    notes(text, "warning", &report.warnings);
    for action in actions {
        line(text, "  next     ", &next(action));
    }
    if style.times {
        found::found(text, report);
        found::behind(text, report);
    }
    for took in report.took.iter().filter(|_| style.times) {
        let Took { who, us } = took;
        line(text, "  took     ", &format!("{}.{} ms: {who}", us / 1000, us % 1000 / 100));
    }
}

fn findings(text: &mut String, report: &Report, which: Findings) {
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
}

fn notes(text: &mut String, word: &str, notes: &[Note]) {
    for note in notes.iter().take(LINES_MAX) {
        line(text, &format!("  {word:<8} "), &note.message);
    }
    if notes.len() > LINES_MAX {
        line(text, "  ", &format!("… and {} more {word}s; -o json lists them", notes.len() - LINES_MAX));
    }
}

fn next(action: &Action) -> String {
    let ids: Vec<String> = action
        .subjects
        .iter()
        .filter(|it| !matches!(it, Subject::Quorum | Subject::Cluster))
        .map(ToString::to_string)
        .collect();
    let rest = ids.len().saturating_sub(IDS_MAX);
    let named = ids.into_iter().take(IDS_MAX).collect::<Vec<_>>().join(", ");
    match (named.is_empty(), rest) {
        (true, _) => action.text.clone(),
        (false, 0) => format!("{named}: {}", action.text),
        (false, rest) => format!("{named} and {rest} more: {}", action.text),
    }
}

/// One entry that may hold what a peer said.
pub(super) fn line(text: &mut String, prefix: &str, entry: &str) {
    wrapped(text, prefix, &clean(entry));
}

/// One entry as it is, however long: whoever pastes it must get what stands there.
pub(super) fn literal(text: &mut String, prefix: &str, entry: &str) {
    text.extend([prefix, &clean(entry), "\n"]);
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
