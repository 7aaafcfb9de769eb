//! A monitoring plugin's text: state, story and performance data on line one, then a line a failing finding.
//!
//! The grammar is the Monitoring Plugins Guidelines'. Old receivers read 4 KiB, and show the beginning of line one.

use super::clean;
use super::human::reason;
use crate::report::{EndedBy, Finding, Place, Progress, Report, Standing, Verdict, Whereabouts};
use crate::snapshot::{NodeId, Subject};

/// How long line one may be, in characters.
const FIRST_LINE_MAX: usize = 250;
/// How long all of it may be, in bytes.
const TEXT_MAX: usize = 4096;
/// Room for the line that counts what is not listed.
const REST_MAX: usize = 32;

/// The report as plugin output.
pub(super) fn report(report: &Report) -> String {
    let head = match report.verdict {
        Verdict::Complete => "COMPLETE",
        Verdict::NotYet => "NOT YET",
        Verdict::Blocked => "BLOCKED",
        Verdict::Unknown => "UNKNOWN",
    };
    let (head, ended) = match report.wait.map(|wait| wait.ended_by) {
        None | Some(EndedBy::Complete | EndedBy::Blocked) => (head, String::new()),
        // Such an end is no verdict to a plugin, whatever was seen last.
        Some(by) => ("UNKNOWN", format!("{}, {}: ", reason(by), report.verdict.word().replace('_', " "))),
    };
    text(&format!("KRAFT {head} - {}: {ended}{}", report.stage, report.summary), report)
}

/// The place as plugin output: fine wherever it is known, whether the stage is complete or not.
pub(super) fn whereabouts(whereabouts: &Whereabouts) -> String {
    let Some(current) = whereabouts.current() else { return error("unknown", "nothing was judged") };
    let (head, place) = match whereabouts.place {
        _ if whereabouts.is_blocked() => ("BLOCKED", current.stage.to_owned()),
        Place::In(_) => ("OK", format!("in {}", current.stage)),
        Place::Beyond => ("OK", "beyond every stage".to_owned()),
        Place::NotBegun => ("OK", "not begun".to_owned()),
        Place::Unknown => ("UNKNOWN", "cannot tell where".to_owned()),
    };
    text(&format!("KRAFT {head} - {place}: {}", current.summary), current)
}

/// Line one with this story, and a line a failing finding as far as there is room.
fn text(story: &str, report: &Report) -> String {
    let mut text = first_line(story, &perfdata(report));
    let mut failing = report.findings.iter().filter_map(line).peekable();
    while let Some(line) = failing.next_if(|line| text.len() + line.len() + REST_MAX <= TEXT_MAX) {
        text.push_str(&line);
    }
    match failing.count() {
        0 => text,
        rest => format!("{text}[...] and {rest} more\n"),
    }
}

/// Why there is no report.
pub(super) fn error(name: &str, message: &str) -> String {
    first_line(&format!("KRAFT UNKNOWN - {name}: {message}"), "")
}

/// The story, cut to what the performance data leave of the line.
fn first_line(story: &str, perfdata: &str) -> String {
    let perfdata = if perfdata.is_empty() { String::new() } else { format!(" | {perfdata}") };
    let room = FIRST_LINE_MAX - perfdata.len().min(FIRST_LINE_MAX);
    // Nagios Core shows a semicolon of line one as a colon.
    let story = plain(story).replace(';', ",");
    let story = match story.char_indices().nth(room) {
        None => story,
        Some(_) => story.chars().take(room.saturating_sub(3)).chain("...".chars()).collect(),
    };
    format!("{story}{perfdata}\n")
}

/// Every label with its value; what is not known has none.
fn perfdata(report: &Report) -> String {
    let mut data = Vec::new();
    if let Some(Progress { holding, of }) = report.progress {
        data.push(format!("{}={holding};{of}:;;0;{of}", report.stage.replace('-', "_")));
    }
    if let Some(expected) = &report.expected_brokers {
        let unknown = |id: &&NodeId| {
            let of = |finding: &Finding| finding.subject == Subject::Broker(**id);
            report.findings.iter().any(|finding| finding.standing == Standing::Unknown && of(finding))
        };
        let count = expected.ids.iter().filter(unknown).count();
        data.push(format!("brokers_unknown={count};0;;0;{}", expected.ids.len()));
    }
    if let Some(lag) = report.voters_lag_max {
        data.push(format!("voters_lag_max={lag};;;0"));
    }
    let took = report.ended.0.saturating_sub(report.began.0);
    data.push(format!("duration={}.{:03}s;;;0", took / 1000, took % 1000));
    data.join(" ")
}

/// One failing finding; its message repeats the subject, the line does not.
fn line(finding: &Finding) -> Option<String> {
    let word = match finding.standing {
        Standing::Blocked => "BLOCKED",
        Standing::NotYet => "NOT YET",
        Standing::Unknown => "UNKNOWN",
        Standing::Skipped | Standing::Pass => return None,
    };
    let subject = finding.subject.to_string();
    let message = finding.message.strip_prefix(&subject).unwrap_or(&finding.message).trim_start_matches(':');
    Some(format!("[{word}] {subject} {}: {}\n", finding.id, plain(message.trim_start())))
}

/// Without what would begin performance data anywhere in a plugin's text, and without what ends a line.
fn plain(text: &str) -> String {
    clean(text).replace('|', " ")
}
