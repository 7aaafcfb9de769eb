//! What happens in a wait, as JSON documents of the kind `event`, one a line.

use std::time::Duration;

use serde::Serialize;

use super::{Envelope, Summary, clean, path, summary, time, whole_ms};
use crate::snapshot::Subject;
use crate::wait::{CameTo, Event, Moved, Next, Rules, Seen, Trigger, What};

#[derive(Serialize)]
struct Body {
    event: &'static str,
    elapsed_ms: u64,
    looks: u64,
    verdict: Option<&'static str>,
    summary: Option<Summary>,
    stable_ms: u64,
    observed_at: Option<String>,
    /// How long to wait; null unless it started.
    rules: Option<JsonRules>,
    /// Null unless a look was taken.
    changed: Option<bool>,
    /// Null unless another look follows.
    next_look_ms: Option<u64>,
    /// Null unless this ends the wait.
    ended_by: Option<&'static str>,
    /// Null unless something moved.
    moved: Option<Vec<JsonMoved>>,
    /// Null unless a hook was run.
    hook: Option<Hook>,
}

#[derive(Serialize)]
struct JsonRules {
    timeout_ms: u64,
    interval_ms: u64,
    stable_for_ms: u64,
    samples: u16,
    blocked_samples: u16,
    no_progress_ms: Option<u64>,
    slow_after_ms: Option<u64>,
    slow_repeat_ms: Option<u64>,
}

#[derive(Serialize)]
struct JsonMoved {
    what: &'static str,
    subject: Option<String>,
    from: Option<i64>,
    to: Option<i64>,
}

#[derive(Serialize)]
struct Hook {
    name: &'static str,
    outcome: &'static str,
    exit_code: Option<i32>,
    message: Option<String>,
}

/// The event as a document.
pub(in crate::render) fn event(event: &Event, command: &[String]) -> String {
    let seen = event.seen.as_ref();
    let next = match event.what {
        What::Sample { next, .. } => Some(next),
        What::Interrupted(by) | What::Deadline(by) => Some(Next::End(by)),
        _ => None,
    };
    let body = Body {
        event: name(&event.what),
        elapsed_ms: whole_ms(event.elapsed),
        looks: seen.map_or(0, |seen| seen.looks),
        verdict: seen.map(|seen| seen.verdict.word()),
        summary: seen.map(|Seen { summary: text, counts, .. }| summary(text, *counts)),
        stable_ms: seen.map_or(0, |seen| whole_ms(seen.stable)),
        observed_at: seen.map(|seen| time(seen.at)),
        rules: if let What::Started(rules) = &event.what { Some(json_rules(rules)) } else { None },
        changed: if let What::Sample { changed, .. } = event.what { Some(changed) } else { None },
        next_look_ms: if let Some(Next::Look(pause)) = next { Some(whole_ms(pause)) } else { None },
        ended_by: if let Some(Next::End(by)) = next { Some(by.word()) } else { None },
        moved: if let What::Progress(moved) = &event.what {
            Some(moved.iter().map(json_moved).collect())
        } else {
            None
        },
        hook: if let What::Hook(trigger, came_to) = &event.what { Some(hook(*trigger, came_to)) } else { None },
    };
    Envelope::line("event", command, None, &body)
}

fn name(what: &What) -> &'static str {
    match what {
        What::Started(_) => "started",
        What::Sample { .. } => "sample",
        What::Progress(_) => "progress",
        What::Slow => "slow",
        What::Hook(..) => "hook",
        What::Interrupted(_) => "interrupted",
        What::Deadline(_) => "deadline",
    }
}

fn json_rules(rules: &Rules) -> JsonRules {
    let Rules { timeout, interval, stable_for, samples, blocked_samples, no_progress, slow_after, slow_repeat } =
        *rules;
    let some = |time: Option<Duration>| time.map(whole_ms);
    JsonRules {
        timeout_ms: whole_ms(timeout),
        interval_ms: whole_ms(interval),
        stable_for_ms: whole_ms(stable_for),
        samples,
        blocked_samples,
        no_progress_ms: some(no_progress),
        slow_after_ms: some(slow_after),
        slow_repeat_ms: some(slow_repeat),
    }
}

fn json_moved(moved: &Moved) -> JsonMoved {
    let records = |count: u64| i64::try_from(count).ok();
    match *moved {
        Moved::Situation => JsonMoved { what: "situation", subject: None, from: None, to: None },
        Moved::HighWatermark { from, to } => {
            JsonMoved { what: "high_watermark", subject: Some(path(Subject::Quorum)), from: Some(from), to: Some(to) }
        }
        Moved::Voter { id, from, to } => JsonMoved {
            what: "records_behind",
            subject: Some(path(Subject::Controller(id))),
            from: records(from),
            to: records(to),
        },
    }
}

fn hook(trigger: Trigger, came_to: &CameTo) -> Hook {
    let (outcome, exit_code, message) = match came_to {
        CameTo::Code(code) => ("ended", Some(*code), None),
        CameTo::Killed => ("killed", None, None),
        CameTo::TimedOut => ("timed_out", None, None),
        CameTo::NotStarted(why) => ("not_started", None, Some(clean(why))),
    };
    Hook { name: trigger.flag(), outcome, exit_code, message }
}
