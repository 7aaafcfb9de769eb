//! What must hold of every recording, whatever the tables say: forgetting never completes, order means nothing,
//! all formats agree, and no recording, however damaged, breaks the judgement.

use kraft_check::evaluate::evaluate;
use kraft_check::exit::of_report;
use kraft_check::render::{Document, Findings, Format, Style, render};
use kraft_check::report::{Report, Standing, Verdict};
use kraft_check::snapshot::{Answer, AskedAs, Missed, Snapshot, Why, recording};
use kraft_check::stages::{GUARDS, STAGES};
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;

use crate::recordings::snapshots;
use crate::schema;

const EVERYTHING: Style = Style { findings: Findings::All, times: true, coloured: false };

fn forget<T>(answer: &mut Answer<T>) {
    answer.said = Err(Missed::new(Why::TimedOut, "no answer in time"));
}

/// Every answer of every look in turn: the closure says whether it is forgotten.
fn forget_where(snapshot: &mut Snapshot, mut forgotten: impl FnMut() -> bool) {
    for look in &mut snapshot.looks {
        for node in &mut look.nodes {
            if forgotten() {
                forget(&mut node.api_versions);
            }
            if forgotten() {
                forget(&mut node.metadata);
            }
            if forgotten() {
                forget(&mut node.quorum);
            }
            if forgotten() {
                forget(&mut node.cluster);
            }
            if forgotten() {
                forget(&mut node.configs);
            }
            if forgotten() {
                forget(&mut node.log);
            }
            if forgotten() {
                forget(&mut node.topics);
            }
        }
        for page in &mut look.pages {
            if forgotten() {
                forget(&mut page.page);
            }
        }
    }
}

/// Whether the rows alone, guards apart, make the stage complete.
fn rows_hold(report: &Report) -> bool {
    holds(report, |id| GUARDS.iter().all(|guard| guard.id != id))
}

/// The same of the required rows: a witness that is forgotten says nothing any more, and nothing else does.
fn required_rows_hold(report: &Report) -> bool {
    let rows = || STAGES.iter().filter(|stage| stage.id == report.stage).flat_map(|stage| stage.rows);
    holds(report, |id| rows().any(|row| row.id == id && row.required))
}

fn holds(report: &Report, counts: impl Fn(&str) -> bool) -> bool {
    let fails = |standing| matches!(standing, Standing::NotYet | Standing::Unknown);
    !report.findings.iter().any(|finding| counts(finding.id) && fails(finding.standing))
}

/// Each case takes one part of the recordings: there are many, and as many cases.
const PARTS: usize = 8;

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn forgetting_answers_never_completes_a_stage(
        seed in prop::collection::vec(any::<bool>(), 64),
        part in 0..PARTS,
    ) {
        for (name, snapshot) in snapshots().iter().skip(part).step_by(PARTS) {
            let mut less = snapshot.clone();
            let mut bits = seed.iter().cycle();
            forget_where(&mut less, || *bits.next().expect("never ends"));
            for stage in STAGES {
                let before = evaluate(stage, snapshot);
                let after = evaluate(stage, &less);
                // Two leaders are a guard's business: that nobody is taken for the leader then is the same fact, and one
                // of them alone is a leader.
                let met = |standing| matches!(standing, Standing::Blocked | Standing::Unknown);
                let two_leaders = before.findings.iter().any(|it| it.id == "two-leaders" && met(it.standing));
                let held = required_rows_hold(&before) || two_leaders;
                prop_assert!(held || after.verdict != Verdict::Complete, "{} of {}", stage.id, name);
            }
        }
    }

    #[test]
    fn the_order_of_nodes_means_nothing(from in any::<Index>(), turn in any::<Index>(), part in 0..PARTS) {
        for (name, snapshot) in snapshots().iter().skip(part).step_by(PARTS) {
            let mut turned = snapshot.clone();
            for look in &mut turned.looks {
                let count = look.nodes.len();
                look.nodes.rotate_left(turn.index(count));
                look.nodes.swap(from.index(count), 0);
                look.pages.reverse();
            }
            for stage in STAGES {
                let said = |snapshot: &Snapshot| {
                    let report = evaluate(stage, snapshot);
                    let findings = report.findings.iter().map(|it| (it.id, it.subject, it.standing)).collect::<Vec<_>>();
                    (report.verdict, report.position, findings)
                };
                prop_assert_eq!(said(snapshot), said(&turned), "{} of {}", stage.id, name);
            }
        }
    }

    #[test]
    fn a_damaged_recording_is_refused_or_judged(damage in prop::collection::vec((any::<Index>(), 0_usize..DAMAGES), 1..8)) {
        for (name, snapshot) in snapshots().iter().step_by(PARTS) {
            let mut document: Value = serde_json::from_str(&recording::write(snapshot)).expect("JSON");
            for (place, kind) in &damage {
                let count = leaves(&mut document, usize::MAX, *kind);
                leaves(&mut document, place.index(count), *kind);
            }
            if let Ok(damaged) = recording::read(&document.to_string()) {
                judge_and_render(&damaged, name);
            }
        }
    }
}

/// How many ways of damage `leaves` knows.
const DAMAGES: usize = 6;

/// Damages the leaf of this number, and returns how many leaves there are up to it, or in all.
fn leaves(value: &mut Value, number: usize, kind: usize) -> usize {
    let children: Vec<&mut Value> = match value {
        Value::Array(values) => values.iter_mut().collect(),
        Value::Object(values) => values.values_mut().collect(),
        _ => Vec::new(),
    };
    if !children.is_empty() {
        let mut count = 0;
        for child in children {
            if count > number {
                break;
            }
            count += leaves(child, number - count, kind);
        }
        return count;
    }
    if number == 0 {
        *value = match kind {
            0 => Value::Null,
            1 => Value::from(i32::MAX),
            2 => Value::from(i64::MIN),
            3 => Value::from(u64::MAX),
            4 => Value::from("\u{1b}[2J|\n\u{202e}"),
            _ => Value::Array(Vec::new()),
        };
    }
    1
}

/// The verdict of every stage in every format, which must agree.
fn judge_and_render(snapshot: &Snapshot, name: &str) {
    for stage in STAGES {
        let report = evaluate(stage, snapshot);
        let write = |format| render(&Document::Report(&report), format, EVERYTHING, &[]);
        let json: Value = serde_json::from_str(&write(Format::Json)).expect("one document");
        let exit = of_report(&report);
        schema::holds(&json);
        assert_eq!(json["exit_code"], exit.code, "{name}");
        assert_eq!(json["verdict"], report.verdict.word(), "{name}");
        let human = write(Format::Human);
        let word = human.split(':').next().expect("a word").to_lowercase().replace(' ', "_");
        let same = if word == "cannot_tell" { "unknown" } else { word.as_str() };
        assert_eq!(same, report.verdict.word(), "{name}");
        assert!(!human.contains('\u{1b}') && !human.contains('\u{202e}'), "{name}: {human}");
        assert_eq!(exit.retryable, matches!(exit.code, 1 | 3));
    }
}

#[test]
fn advice_never_runs_ahead_of_the_stages_before() {
    for (name, snapshot) in snapshots() {
        let reports: Vec<Report> = STAGES.iter().map(|stage| evaluate(stage, snapshot)).collect();
        for (number, report) in reports.iter().enumerate() {
            let too_early = reports.iter().take(number).any(|earlier| !rows_hold(earlier));
            let advised: Vec<&str> = report.actions.iter().map(|action| action.id).collect();
            if too_early && report.verdict == Verdict::NotYet {
                assert_eq!(advised, ["earlier-stage-first"], "{} of {name}", report.stage);
            }
            assert_eq!(advised.is_empty(), report.verdict < Verdict::NotYet, "{} of {name}", report.stage);
        }
    }
}

#[test]
fn all_formats_agree_on_every_recording() {
    for (name, snapshot) in snapshots() {
        judge_and_render(snapshot, name);
    }
}

#[test]
fn a_recording_read_back_is_judged_alike() {
    for (name, snapshot) in snapshots() {
        let again = recording::read(&recording::write(snapshot)).expect("a recording");
        for stage in STAGES {
            let write = |snapshot: &Snapshot| {
                let report = evaluate(stage, snapshot);
                render(&Document::Report(&report), Format::Json, EVERYTHING, &[])
            };
            assert_eq!(write(snapshot), write(&again), "{} of {name}", stage.id);
        }
    }
}

#[test]
fn a_required_row_without_any_of_its_sources_is_never_complete() {
    let complete = |stage, snapshot: &Snapshot| evaluate(stage, snapshot).verdict == Verdict::Complete;
    let mut seen = [0; 4];
    for (name, snapshot) in snapshots() {
        for (number, stage) in STAGES.iter().enumerate().filter(|(_, stage)| complete(stage, snapshot)) {
            seen[number] += 1;
            for (what, without) in without_one_source(snapshot) {
                // quorum-provisioned rests on no broker. The state before the end also follows without any witness.
                let rests_on_it = match what {
                    // Kafka 4 has no such state, and its pages no such gauge.
                    "pages and log" => number == 3 && !name.starts_with("4.") && !name.contains("to-4"),
                    "quorum answers" | "controllers" => true,
                    _ => number > 0,
                };
                assert!(!rests_on_it || !complete(stage, &without), "{} of {name} without {what}", stage.id);
            }
        }
    }
    assert!(seen.iter().all(|count| *count > 0), "each stage is complete somewhere: {seen:?}");
}

/// The snapshot without all pages and the log, which witness the same, without all quorum answers, and without all answers of each role.
fn without_one_source(snapshot: &Snapshot) -> Vec<(&'static str, Snapshot)> {
    let without = |what, forget_of: &dyn Fn(&mut Snapshot)| {
        let mut less = snapshot.clone();
        forget_of(&mut less);
        (what, less)
    };
    let of_role = |role: AskedAs| {
        move |snapshot: &mut Snapshot| {
            let nodes = snapshot.looks.iter_mut().flat_map(|look| &mut look.nodes);
            for node in nodes.filter(|node| node.asked_as == role) {
                forget(&mut node.api_versions);
                forget(&mut node.metadata);
                forget(&mut node.quorum);
                forget(&mut node.cluster);
                forget(&mut node.configs);
            }
        }
    };
    vec![
        without("pages and log", &|snapshot| {
            snapshot.looks.iter_mut().flat_map(|look| &mut look.pages).for_each(|page| forget(&mut page.page));
            snapshot.looks.iter_mut().flat_map(|look| &mut look.nodes).for_each(|node| forget(&mut node.log));
        }),
        without("quorum answers", &|snapshot| {
            snapshot.looks.iter_mut().flat_map(|look| &mut look.nodes).for_each(|node| forget(&mut node.quorum));
        }),
        without("brokers", &of_role(AskedAs::Broker)),
        without("controllers", &of_role(AskedAs::Controller)),
    ]
}
