//! What is said while a wait goes on, and where? Events on standard output or into a file, lines on standard error, and
//! the end of it in one document.

use std::ffi::OsString;
use std::fs;
use std::process::Command;
use std::time::Duration;

use kraft_check::command::{Answer, Answered};
use kraft_check::evaluate::evaluate;
use kraft_check::invoke::{Outcome, invoke_with};
use kraft_check::output::Captured;
use kraft_check::report::{Counts, EndedBy, Report, Verdict, Waited};
use kraft_check::snapshot::Timestamp;
use kraft_check::stages::STAGES;
use kraft_check::wait::{CameTo, Event, Next, Seen, Trigger, What};
use serde_json::Value;

use crate::answers::snapshot;
use crate::hooks::waiting;
use crate::pauses::RULES;
use crate::rehearsed::Held;
use crate::schema;

pub(crate) fn event(seconds: u64, looks: u64, what: What) -> Event {
    let seen = Seen {
        looks,
        in_a_row: 0,
        stable: Duration::ZERO,
        anybody_answered: true,
        verdict: Verdict::NotYet,
        summary: "1 of 3 brokers run KRaft".to_owned(),
        counts: Counts::default(),
        progress: None,
        held: None,
        at: Timestamp(1_700_000_000_000),
    };
    Event { elapsed: Duration::from_secs(seconds), what, seen: (looks > 0).then_some(seen) }
}

pub(crate) fn sample(seconds: u64, looks: u64, changed: bool) -> Event {
    event(seconds, looks, What::Sample { changed, next: Next::Look(Duration::from_secs(5)) })
}

/// A run of `wait` in which just this happens.
fn told(flags: &str, events: &[Event]) -> (Outcome, Captured) {
    let line = format!("kraft-check wait brokers-migrated -b h:1 {flags}");
    let args: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
    let mut kept = Captured::default();
    let outcome = invoke_with(&args, false, &mut kept, |_, _, listener| {
        for event in events {
            listener.hear(event);
        }
        let wait = Waited { ended_by: EndedBy::Deadline, looks: 1, elapsed: RULES.timeout, stable: Duration::ZERO };
        let report = Report { wait: Some(wait), ..evaluate(&STAGES[2], &snapshot(&[1], &[3001], [])) };
        Ok(Answered { answer: Answer::Report(Box::new(report)), recording: None })
    });
    (outcome, kept)
}

#[test]
fn standard_error_has_a_line_for_what_is_new_and_one_a_minute() {
    let begin = [event(0, 0, What::Started(RULES)), sample(1, 1, false)];
    let still = (2..40).map(|look| sample(look * 5 - 4, look, false));
    let change = [sample(201, 41, true), event(202, 41, What::Slow)];
    let hook = |came_to| event(203, 41, What::Hook(Trigger::Slow, came_to));
    let hooks = [hook(CameTo::Code(0)), hook(CameTo::Code(1)), hook(CameTo::TimedOut), hook(CameTo::Killed)];
    let events: Vec<Event> = begin.into_iter().chain(still).chain(change).chain(hooks).collect();
    let (outcome, kept) = told("", &events);
    let lines: Vec<&str> = kept.stderr.lines().collect();
    let not_yet = "not yet: 1 of 3 brokers run KRaft";
    assert_eq!(
        lines,
        [
            "0s waiting for 15m at most, a look every 5s".to_owned(),
            format!("1s {not_yet}"),
            format!("1m 1s {not_yet}"),
            format!("2m 1s {not_yet}"),
            format!("3m 1s {not_yet}"),
            format!("3m 21s {not_yet}"),
            format!("3m 22s slow: still {not_yet}"),
            "3m 23s --on-slow: exit code 1".to_owned(),
            "3m 23s --on-slow: not done in time, and killed".to_owned(),
            "3m 23s --on-slow: ended by a signal".to_owned(),
        ]
    );
    assert_eq!(kept.stdout, "", "standard output has the report alone");
    assert!(outcome.stdout.starts_with("CANNOT TELL: ") && outcome.stderr.is_empty(), "{outcome:?}");
    let (outcome, kept) = told("-q -o jsonl", &events);
    assert_eq!((kept.stdout + &kept.stderr, outcome.stdout, outcome.exit.code), (String::new(), String::new(), 124));
}

#[test]
fn events_stand_before_the_report_wherever_they_are_asked_for() {
    let events = [event(0, 0, What::Started(RULES)), sample(1, 1, false), event(2, 1, What::Slow)];
    let (streamed, kept) = told("-o jsonl", &events);
    let on_stdout = kept.stdout + &streamed.stdout;
    let (filed, kept) = told("-o jsonl=events -o json=report", &events);
    assert_eq!(kept.stdout, "");
    let in_files: Vec<(&str, &str)> =
        filed.files.iter().map(|(file, text)| (file.to_str().expect("a name"), text.as_str())).collect();
    let report = on_stdout.lines().last().expect("a report");
    assert_eq!(in_files, [("events", on_stdout.as_str()), ("report", format!("{report}\n").as_str())]);
    let kinds = on_stdout.lines().map(|line| {
        let document: Value = serde_json::from_str(line).expect("one JSON document a line");
        schema::holds(&document);
        document.get("event").unwrap_or(&document["kind"]).as_str().expect("a word").to_owned()
    });
    assert_eq!(kinds.collect::<Vec<_>>(), ["started", "sample", "slow", "report"]);
}

#[test]
fn the_last_look_is_kept_and_judged_alike() {
    let held = Held::at("metadata-copied", "--brokers 2");
    let flags = ["-t", "1s", "--snapshot", "last.json", "-o", "jsonl=events.jsonl", "-o", "json"];
    let output = waiting(&held, "brokers-migrated", &flags).wait_with_output().expect("an end");
    assert_eq!(output.status.code(), Some(124));
    let waited: Value = serde_json::from_slice(&output.stdout).expect("one document");
    let again = held.ask("stage brokers-migrated --from last.json");
    assert_eq!((&again["summary"], &again["wait"]), (&waited["summary"], &Value::Null));
    assert_eq!(again["observed_at"], waited["observed_at"]);
    let events = fs::read_to_string(held.host.path("work/events.jsonl")).expect("a file");
    let last: Value = serde_json::from_str(events.lines().last().expect("a line")).expect("JSON");
    assert_eq!(last, waited);
}

#[test]
fn a_reader_that_goes_away_changes_nothing_and_a_full_disk_is_74() {
    let held = Held::at("metadata-copied", "--brokers 2");
    let code = |redirect: &str| {
        let tool = env!("CARGO_BIN_EXE_kraft-check");
        let line = format!("{tool} wait brokers-in-migration --interval 200ms -o jsonl {redirect}");
        let mut bash = Command::new("bash");
        bash.current_dir(held.host.path("work")).args(["-c", &line]).output().expect("bash runs").status.code()
    };
    assert_eq!(code("| head -n 1; exit ${PIPESTATUS[0]}"), Some(0));
    assert_eq!(code("> /dev/full"), Some(74));
}
