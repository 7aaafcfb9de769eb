//! What happens in a wait, as short lines for people.

use std::time::Duration;

use super::word;
use crate::render::clean;
use crate::report::{EndedBy, Waited};
use crate::wait::{CameTo, Event, Moved, What};

/// The event as one line: when, what, and how it stands.
pub(in crate::render) fn event(event: &Event) -> String {
    let stands = event
        .seen
        .as_ref()
        .map_or_else(String::new, |seen| format!("{}: {}", word(seen.verdict).to_lowercase(), seen.summary));
    let what = match &event.what {
        What::Started(rules) => {
            format!("waiting for {} at most, a look every {}", span(rules.timeout), span(rules.interval))
        }
        What::Sample { .. } => stands,
        What::Progress(moved) => format!("moved: {}", moved.iter().map(moving).collect::<Vec<_>>().join(", ")),
        What::Slow => format!("slow: still {stands}"),
        What::Hook(trigger, came_to) => format!("--{}: {}", trigger.flag(), hook(came_to)),
        What::Interrupted(by) | What::Deadline(by) => reason(*by).to_owned(),
    };
    format!("{} {}\n", span(event.elapsed), clean(&what))
}

fn moving(moved: &Moved) -> String {
    match moved {
        Moved::Situation => "the findings".to_owned(),
        Moved::HighWatermark { from, to } => format!("the high watermark from {from} to {to}"),
        Moved::Voter { id, from, to } => format!("controller {id} from {from} to {to} records behind"),
    }
}

fn hook(came_to: &CameTo) -> String {
    match came_to {
        CameTo::Code(code) => format!("exit code {code}"),
        CameTo::Killed => "ended by a signal".to_owned(),
        CameTo::TimedOut => "not done in time, and killed".to_owned(),
        CameTo::NotStarted(why) => format!("not started: {why}"),
    }
}

/// How a wait ended.
pub(super) fn waited(Waited { ended_by, looks, elapsed, stable }: Waited) -> String {
    let looks = if looks == 1 { "1 look".to_owned() } else { format!("{looks} looks") };
    let why = match ended_by {
        EndedBy::Complete => format!("complete for {}", span(stable)),
        _ => reason(ended_by).to_owned(),
    };
    format!("{}, {looks}: {why}", span(elapsed))
}

/// Why a wait ended.
pub(in crate::render) fn reason(ended_by: EndedBy) -> &'static str {
    match ended_by {
        EndedBy::Complete => "complete for long enough",
        EndedBy::Blocked => "waiting cannot help",
        EndedBy::Deadline => "the deadline has passed",
        EndedBy::NoProgress => "nothing moved any more",
        EndedBy::Refused => "a right is missing, which waiting does not give",
        EndedBy::Interrupted => "ended by SIGINT",
        EndedBy::Terminated => "ended by SIGTERM",
    }
}

/// A time in whole seconds; what is shorter than ten of them is finer.
pub(in crate::render) fn span(time: Duration) -> String {
    let ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let unit = match ms {
        0..1_000 => 1,
        1_000..10_000 => 100,
        _ => 1_000,
    };
    humantime::format_duration(Duration::from_millis(ms / unit * unit)).to_string()
}
