//! The verdict matrix: what every stage, and health, says of every recording of a real cluster, with the controllers' pages and
//! without them, and where it places itself, held to a text file that people review.
//!
//! `KRAFT_CHECK_UPDATE=1 cargo test --test suite matrix` writes the file anew; its diff is the change of judgement.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::OnceLock;

use kraft_check::evaluate::evaluate;
use kraft_check::report::{Finding, Position, Report, Standing, Verdict};
use kraft_check::snapshot::{Depth, Snapshot};
use kraft_check::stages::{GUARDS, HEALTH, STAGES};

use crate::recordings::{accidents, snapshots, without_pages};
use crate::reviewed::hold;

/// The null rows stand first and last: if either ever says complete, a table is wrong.
const NOTHING_BEGUN: &str = "3.9.2/forward/01-pure-zookeeper";
const NOBODY_ANSWERS: &str = "3.9.2/forward/14-nobody-answers";

#[test]
fn every_recording_is_judged_as_reviewed() {
    hold("verdict-matrix.txt", matrix());
}

#[test]
fn the_null_rows_are_there_and_never_complete() {
    let matrix = matrix();
    let rows: Vec<&str> = matrix.lines().filter(|line| !line.starts_with('#')).collect();
    let whole = rows.split(|row| row.is_empty()).next().expect("the first part");
    for (row, name) in [(whole.first(), NOTHING_BEGUN), (whole.last(), NOBODY_ANSWERS)] {
        let row = row.expect("a row");
        assert!(row.contains(name), "{row} is not {name}");
        assert!(!row.contains("complete"), "{row}");
    }
}

#[test]
fn every_guard_is_met_in_a_recording_of_a_real_cluster() {
    let mut met: BTreeSet<&str> = BTreeSet::new();
    for (_, snapshot) in snapshots() {
        let report = evaluate(&STAGES[0], snapshot);
        let blocked = report.findings.iter().filter(|finding| finding.standing == Standing::Blocked);
        met.extend(blocked.map(|finding| finding.id));
    }
    assert_eq!(met, GUARDS.iter().map(|guard| guard.id).collect());
}

#[test]
fn no_look_at_an_accident_is_blocked_by_itself_and_each_was_taken_twenty_times() {
    for (name, looks) in accidents() {
        assert_eq!(looks.len(), 20, "{name}");
        for (number, look) in looks.iter().enumerate() {
            let mut once = look.clone();
            once.looks.truncate(1);
            for stage in STAGES {
                assert_ne!(evaluate(stage, &once).verdict, Verdict::Blocked, "{} of {name}, look {number}", stage.id);
            }
        }
    }
}

#[test]
fn forgetting_the_pages_takes_certainty_and_adds_none() {
    for (name, snapshot) in snapshots() {
        let blind = without_pages(snapshot);
        for stage in STAGES {
            let (seeing, blind) = (evaluate(stage, snapshot), evaluate(stage, &blind));
            let contradicts = blind.verdict == Verdict::Complete && seeing.verdict != Verdict::Complete;
            // A page is also the only witness of what was left registered, and of an accident.
            let witnessed = seeing.findings.iter().any(|finding| {
                let told_by_a_page = ["no-registration-left", "no-broker-left-out"].contains(&finding.id);
                told_by_a_page && finding.standing == Standing::NotYet
            });
            assert!(!contradicts || witnessed || seeing.verdict == Verdict::Blocked, "{} of {name}", stage.id);
        }
    }
}

/// The text, made once: two tests read it.
fn matrix() -> &'static str {
    static MADE: OnceLock<String> = OnceLock::new();
    MADE.get_or_init(make)
}

fn make() -> String {
    let mut snapshots: Vec<&(String, Snapshot)> = snapshots().iter().collect();
    let rank = |name: &str| i8::from(name == NOBODY_ANSWERS) - i8::from(name == NOTHING_BEGUN);
    snapshots.sort_by_key(|(name, _)| rank(name));
    let mut text = head("recording");
    for (name, snapshot) in &snapshots {
        row(&mut text, name, |stage| cell(&evaluate(&STAGES[stage], snapshot)));
    }
    text += "\n\n# Health, of the recordings that go so deep, and what ails the cluster";
    for (name, snapshot) in snapshots.iter().filter(|(_, snapshot)| snapshot.depth == Depth::Content) {
        let report = evaluate(&HEALTH, snapshot);
        let ails = |finding: &&Finding| matches!(finding.standing, Standing::NotYet | Standing::Unknown);
        let ailments: BTreeSet<&str> = report.findings.iter().filter(ails).map(|finding| finding.id).collect();
        let ailments = ailments.into_iter().collect::<Vec<_>>().join(" ");
        let _ = write!(text, "\n{name:<70} {:<20} {ailments}", report.verdict.word());
    }
    text += "\n\n# Twenty looks at each accident while it developed: every verdict that was met\n";
    text += &head("accident");
    for (name, looks) in accidents() {
        row(&mut text, name, |stage| {
            let verdicts: BTreeSet<Verdict> = looks.iter().map(|look| evaluate(&STAGES[stage], look).verdict).collect();
            verdicts.iter().map(|verdict| verdict.word()).collect::<Vec<_>>().join(" ")
        });
    }
    text += "\n\n# The same recordings without the controllers' pages, where that makes a difference\n";
    text += &head("recording");
    for (name, snapshot) in &snapshots {
        let blind = without_pages(snapshot);
        let reports = |snapshot| STAGES.iter().map(|stage| evaluate(stage, snapshot)).map(|it| cell(&it)).collect();
        let (seeing, blind): (Vec<String>, Vec<String>) = (reports(snapshot), reports(&blind));
        if seeing != blind {
            row(&mut text, name, |stage| blind[stage].clone());
        }
    }
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}

fn head(of: &str) -> String {
    let mut head = format!("# {of:<68}");
    for stage in STAGES {
        let _ = write!(head, " {:<20}", stage.id);
    }
    head
}

fn row(text: &mut String, name: &str, cell: impl Fn(usize) -> String) {
    let _ = write!(text, "\n{name:<70}");
    for stage in 0..STAGES.len() {
        let _ = write!(text, " {:<20}", cell(stage));
    }
}

fn cell(report: &Report) -> String {
    let position = match report.position {
        Some(Position::Past) => "past",
        Some(Position::Current) => "current",
        Some(Position::Future) => "future",
        None => "?",
    };
    format!("{}, {position}", report.verdict.word())
}
