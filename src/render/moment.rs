//! How a wait stands between its events, as one line for the bottom of a terminal.
//!
//! Nothing but ASCII: the line is written over, so it must take as many columns as it has characters, whatever the
//! locale and the terminal's font; and a serial console in a data centre shows it as well.

use std::time::Duration;

use super::human::{span, word};
use crate::report::{Progress, Verdict};
use crate::snapshot::Subject;
use crate::wait::{Held, Moment, Rules, Seen};

/// How many characters of the bar tell how far it is.
const BAR: usize = 10;
const BETWEEN: &str = " | ";
const ELLIPSIS: &str = "...";

/// How far it is, since when and until when, and what holds it. Names stand last, and as many of them as there is room
/// for; whatever is too long even without any is cut.
#[must_use]
pub fn moment(now: Moment<'_>, room: usize) -> String {
    let Moment { rules, elapsed, seen } = now;
    let bar = seen.and_then(|seen| seen.progress).map(bar);
    let time = format!("{} of {}", seconds(elapsed), span(rules.timeout));
    let named = seen.and_then(|seen| seen.held.as_ref()).map_or(0, |held| held.nodes.len());
    let with = |names: usize| {
        let stands = seen.map_or_else(|| "the first look".to_owned(), |seen| stands(seen, &rules, names));
        bar.iter().cloned().chain([time.clone(), stands]).collect::<Vec<_>>().join(BETWEEN)
    };
    (0..=named).rev().map(with).find(|line| fits(line, room)).unwrap_or_else(|| cut(&with(0), room))
}

fn bar(Progress { holding, of }: Progress) -> String {
    // Full only when all of them are where they should be.
    let full = (holding * BAR).checked_div(of).unwrap_or(0);
    format!("[{}{}] {holding}/{of}", "#".repeat(full), "-".repeat(BAR.saturating_sub(full)))
}

/// The verdict and what holds it, with so many names; or how much of what has to be seen was seen.
fn stands(seen: &Seen, rules: &Rules, names: usize) -> String {
    if !seen.anybody_answered {
        return "nobody answers".to_owned();
    }
    let word = word(seen.verdict).to_lowercase();
    let looks = |of: u16| format!("{word} in {} of {of} looks", seen.in_a_row);
    match (seen.verdict, &seen.held) {
        (Verdict::Complete, _) if seen.stable < rules.stable_for => {
            format!("{word} for {} of {}", seconds(seen.stable), span(rules.stable_for))
        }
        (Verdict::Complete, _) => looks(rules.samples),
        (Verdict::Blocked, Some(held)) if rules.blocked_samples > 1 => {
            format!("{}: {}", looks(rules.blocked_samples), by(held, names))
        }
        (_, Some(held)) => format!("{word}: {}", by(held, names)),
        (_, None) => word,
    }
}

/// The nodes that hold it, so many of them by name; where it is nobody alone, what is not so.
fn by(held: &Held, names: usize) -> String {
    let noun = match held.nodes.first() {
        Some(Subject::Broker(_)) => "broker",
        Some(Subject::Controller(_)) => "controller",
        _ => return held.by.to_owned(),
    };
    let plural = if held.count == 1 { "" } else { "s" };
    if names == 0 {
        return format!("{} {noun}{plural}", held.count);
    }
    let ids = held.nodes.iter().take(names).filter_map(|node| match node {
        Subject::Broker(id) | Subject::Controller(id) => Some(id.to_string()),
        Subject::Quorum | Subject::Cluster => None,
    });
    let ids = ids.collect::<Vec<_>>().join(", ");
    let more = held.count.saturating_sub(names);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{noun}{plural} {ids}{more}")
}

/// What passes is told in whole seconds, so that the line changes once a second.
fn seconds(time: Duration) -> String {
    span(Duration::from_secs(time.as_secs()))
}

fn fits(line: &str, room: usize) -> bool {
    line.chars().count() <= room
}

fn cut(line: &str, room: usize) -> String {
    if fits(line, room) {
        return line.to_owned();
    }
    let begin = line.chars().take(room.saturating_sub(ELLIPSIS.len()));
    begin.chain(ELLIPSIS.chars()).take(room).collect()
}
