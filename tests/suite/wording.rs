//! What is said beside the verdict: the summary, what could not be asked, what looks odd, what to do next. Of every
//! recording and stage, held to a text file that people review.
//!
//! `KRAFT_CHECK_UPDATE=1 cargo test --test suite wording` writes the file anew.

use std::fmt::Write as _;

use kraft_check::evaluate::{evaluate, locate};
use kraft_check::exit::of_whereabouts;
use kraft_check::report::{Note, Place, Report};
use kraft_check::stages::STAGES;

use kraft_check::snapshot::{Node, Snapshot};

use crate::answers::{ON_KRAFT, broker, broker_at, leader, look, page, snapshot, standby};
use crate::recordings::snapshots;
use crate::reviewed::hold;

#[test]
fn every_recording_is_told_as_reviewed() {
    hold("verdict-words.txt", &words());
}

fn words() -> String {
    let mut text = String::new();
    for (name, snapshot) in snapshots() {
        let _ = writeln!(text, "{name}: {}", place(snapshot));
        for stage in STAGES {
            let report = evaluate(stage, snapshot);
            let Report { counts, next, .. } = &report;
            let figures = [counts.pass, counts.not_yet, counts.blocked, counts.unknown, counts.skipped];
            let _ = writeln!(text, "  {}, then {}: {}", stage.id, next.unwrap_or("nothing"), report.summary);
            let _ = writeln!(text, "    pass, not yet, blocked, unknown, skipped: {figures:?}");
            for action in &report.actions {
                let whom: Vec<String> = action.subjects.iter().map(ToString::to_string).collect();
                let _ = writeln!(text, "    next: {} {}", action.id, whom.join(", "));
            }
        }
        // What was missed and what looks odd does not depend on the stage, but for brokers nobody asked.
        let report = evaluate(&STAGES[0], snapshot);
        for note in report.errors.iter().chain(&report.warnings) {
            let whom = note.subject.map_or_else(|| "somewhere".to_owned(), |subject| subject.to_string());
            let _ = writeln!(text, "  {} of {whom}", note.id);
        }
    }
    text
}

/// Where `status` sees the cluster, and how it ends.
fn place(snapshot: &Snapshot) -> String {
    let whereabouts = locate(snapshot);
    let place = match whereabouts.place {
        Place::In(number) => format!("in {}", STAGES[number].id),
        Place::Beyond => "beyond every stage".to_owned(),
        Place::NotBegun => "not begun".to_owned(),
        Place::Unknown => "cannot tell where".to_owned(),
    };
    format!("{place}, {}", of_whereabouts(&whereabouts).name)
}

fn warnings(brokers: &[i32], change: impl FnOnce(&mut kraft_check::snapshot::Look)) -> Vec<&'static str> {
    let leader = leader(3001, &[(3002, Some(400))]);
    // The broker asks the leader, and is told the same.
    let broker = Node { quorum: leader.quorum.clone(), ..broker(1, ON_KRAFT, false) };
    let nodes = [leader, standby(3002), broker];
    let mut look = look(nodes, [page(3001, 1.0), page(3002, 1.0)]);
    change(&mut look);
    let report = evaluate(&STAGES[0], &snapshot(brokers, &[3001, 3002], [look]));
    report.warnings.iter().map(|note: &Note| note.id).collect()
}

#[test]
fn each_oddity_is_warned_of_and_nothing_else() {
    assert_eq!(warnings(&[1], |_| ()), Vec::<&str>::new());
    assert_eq!(warnings(&[1], |look| look.pages[1] = page(3002, 2.0)), ["controller-state-differs"]);
    assert_eq!(warnings(&[1], |look| look.nodes.push(broker(3002, ON_KRAFT, true))), ["combined-node"]);
    assert_eq!(warnings(&[], |look| look.nodes.truncate(2)), ["brokers-not-asked"]);
    // An address that counts for nobody matters only while somebody is missing.
    assert_eq!(warnings(&[1], |look| look.nodes.push(broker_at(9, &[]))), Vec::<&str>::new());
    assert_eq!(warnings(&[1, 2], |look| look.nodes.push(broker_at(9, &[]))), ["address-without-id"]);
    let twice = |look: &mut kraft_check::snapshot::Look| look.nodes.push(broker_at(9, &[(2, 9), (3, 9)]));
    assert_eq!(warnings(&[1, 2], twice), ["address-with-two-ids"]);
    let clusters = |look: &mut kraft_check::snapshot::Look| {
        for (port, id) in [(1, "one"), (2, "two")] {
            let mut other = broker_at(port, &[(i32::from(port), port)]);
            other.metadata.said.as_mut().expect("it answers").cluster_id = Some(id.to_owned());
            look.nodes.push(other);
        }
        look.nodes.remove(2);
    };
    assert_eq!(warnings(&[1, 2], clusters), ["cluster-ids-differ"]);
}
