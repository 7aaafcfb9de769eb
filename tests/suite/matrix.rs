//! The verdict matrix: what every stage says of every recording of a real cluster, and where it places itself, held to
//! a text file that people review.
//!
//! `KRAFT_CHECK_UPDATE=1 cargo test --test suite matrix` writes the file anew; its diff is the change of judgement.

use std::fmt::Write as _;

use kraft_check::evaluate::evaluate;
use kraft_check::report::Position;
use kraft_check::snapshot::Snapshot;
use kraft_check::stages::STAGES;

use crate::recordings::snapshots;
use crate::reviewed::hold;

/// The null rows stand first and last: if either ever says complete, a table is wrong.
const NOTHING_BEGUN: &str = "forward/01-pure-zookeeper";
const NOBODY_ANSWERS: &str = "forward/14-nobody-answers";

#[test]
fn every_recording_is_judged_as_reviewed() {
    hold("verdict-matrix.txt", &matrix());
}

#[test]
fn the_null_rows_are_there_and_never_complete() {
    let matrix = matrix();
    let rows: Vec<&str> = matrix.lines().filter(|line| !line.starts_with('#')).collect();
    for (row, name) in [(rows.first(), NOTHING_BEGUN), (rows.last(), NOBODY_ANSWERS)] {
        let row = row.expect("a row");
        assert!(row.contains(name), "{row} is not {name}");
        assert!(!row.contains("complete"), "{row}");
    }
}

fn matrix() -> String {
    let mut snapshots: Vec<&(String, Snapshot)> = snapshots().iter().collect();
    let rank = |name: &str| i8::from(name.ends_with(NOBODY_ANSWERS)) - i8::from(name.ends_with(NOTHING_BEGUN));
    snapshots.sort_by_key(|(name, _)| rank(name));
    let mut text = "# Which transient is recorded where, and which cannot be: protocol-fixtures/README.md\n".to_owned();
    let _ = write!(text, "# {:<58}", "recording");
    for stage in STAGES {
        let _ = write!(text, " {:<20}", stage.id);
    }
    for (name, snapshot) in snapshots {
        let _ = write!(text, "\n{name:<60}");
        for stage in STAGES {
            let report = evaluate(stage, snapshot);
            let position = match report.position {
                Some(Position::Past) => "past",
                Some(Position::Current) => "current",
                Some(Position::Future) => "future",
                None => "?",
            };
            let _ = write!(text, " {:<20}", format!("{}, {position}", report.verdict.word()));
        }
    }
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n") + "\n"
}
