//! Does forgetting ever make a cluster healthy, or ill? Content snapshots of simulated clusters in every phase and with
//! every fault that health is about, with any answers, pages, or the first look forgotten.

use std::sync::OnceLock;

use kraft_check::evaluate::{evaluate, evaluate_tables};
use kraft_check::rehearse::{Affliction, Shared, Version, phases};
use kraft_check::render::{Document, Findings, Format, Style, render};
use kraft_check::report::{Report, Standing, Verdict};
use kraft_check::snapshot::{Answer, Missed, Snapshot, Subject, Why, recording};
use kraft_check::stages::{GUARDS, HEALTH, Row, STAGES};
use proptest::prelude::*;

use crate::healthy::{CASES, FIVE, PHASES, QUORUM, seen};
use crate::schema;
use crate::simulated::cluster;

/// Each case takes one part of the snapshots.
const PARTS: usize = 16;

/// Every content snapshot, by what it is of.
fn snapshots() -> &'static [(String, Snapshot)] {
    static SEEN: OnceLock<Vec<(String, Snapshot)>> = OnceLock::new();
    SEEN.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("an event loop").block_on(async {
            let mut all = Vec::new();
            for (fault, befalls, ago_ms, _) in CASES {
                for (phase, begin) in PHASES {
                    let mut cluster = begin();
                    for node in befalls.of(&cluster) {
                        cluster.faults.add(Affliction { node, fault });
                    }
                    cluster.advance(ago_ms);
                    let name = format!("{} of {befalls:?} {phase}", fault.name());
                    all.push((name, seen(&Shared::new(cluster), &FIVE, &QUORUM).await));
                }
            }
            let walked = Shared::new(cluster(Version::V3_7, 3, 3, 1));
            for phase in phases(&[1, 2, 3], &QUORUM) {
                walked.with(|cluster| phase.enter(cluster));
                all.push((phase.id, seen(&walked, &[1, 2, 3], &QUORUM).await));
            }
            all
        })
    })
}

fn judged(snapshot: &Snapshot) -> Report {
    evaluate_tables(&[&HEALTH], None, snapshot)
}

/// What was answered is forgotten; what was not asked stays so.
fn forget<T>(answer: &mut Answer<T>) {
    if answer.said.is_ok() {
        answer.said = Err(Missed::new(Why::TimedOut, "no answer in time"));
    }
}

/// Every answer of every look in turn, and the first look: the closure says whether it is forgotten.
fn forget_where(snapshot: &mut Snapshot, mut forgotten: impl FnMut() -> bool) {
    if forgotten() && forgotten() && snapshot.looks.len() > 1 {
        snapshot.looks.remove(0);
    }
    for look in &mut snapshot.looks {
        for node in &mut look.nodes {
            let answers: [&mut dyn FnMut(); 9] = [
                &mut || forget(&mut node.api_versions),
                &mut || forget(&mut node.metadata),
                &mut || forget(&mut node.quorum),
                &mut || forget(&mut node.cluster),
                &mut || forget(&mut node.configs),
                &mut || forget(&mut node.log),
                &mut || forget(&mut node.topics),
                &mut || forget(&mut node.min_isr),
                &mut || forget(&mut node.reassignments),
            ];
            answers.into_iter().filter(|_| forgotten()).for_each(|forget| forget());
        }
        look.pages.iter_mut().filter(|_| forgotten()).for_each(|page| forget(&mut page.page));
    }
}

/// Whether any required row does not hold. A witness that is forgotten says nothing any more, and nothing else does; and
/// whether all topics are shown is asked only as long as a page counts them.
fn is_ill(report: &Report) -> bool {
    let fails = |standing| matches!(standing, Standing::NotYet | Standing::Unknown);
    let rests_on_pages = |row: &Row| !row.required || row.id == "all-topics-shown";
    let required = |id: &str| HEALTH.rows.iter().any(|row| row.id == id && !rests_on_pages(row));
    report.findings.iter().any(|finding| required(finding.id) && fails(finding.standing))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn forgetting_makes_nobody_healthy_and_nobody_ill(
        seed in prop::collection::vec(0_u8..100, 97),
        often in prop::sample::select(vec![2_u8, 10, 50, 90]),
        part in 0..PARTS,
    ) {
        for (name, snapshot) in snapshots().iter().skip(part).step_by(PARTS) {
            let before = judged(snapshot);
            let mut less = snapshot.clone();
            let mut chance = seed.iter().cycle();
            forget_where(&mut less, || *chance.next().expect("never ends") < often);
            let after = judged(&less);
            prop_assert!(!is_ill(&before) || after.verdict != Verdict::Complete, "{}", name);
            if before.verdict == Verdict::Complete {
                // Without the leader's own answer, the others' look like an election.
                let told = |finding: &&kraft_check::report::Finding| finding.standing < Standing::Unknown;
                let told: Vec<&str> = after.findings.iter().filter(told).map(|finding| finding.id).collect();
                prop_assert!(told.iter().all(|id| *id == "quorum-has-leader"), "{}: {:?}", name, told);
            }
        }
    }
}

/// How often each verdict comes: none of what is tried here is empty.
#[test]
fn there_are_healthy_clusters_among_them_and_ill_ones_and_dark_ones() {
    let of = |verdict| snapshots().iter().filter(|(_, snapshot)| judged(snapshot).verdict == verdict).count();
    let counts = [Verdict::Complete, Verdict::NotYet, Verdict::Unknown].map(of);
    assert!(counts.iter().all(|count| *count > 10), "{counts:?}");
}

#[test]
fn what_is_read_back_is_judged_alike_and_every_format_agrees() {
    for (name, snapshot) in snapshots() {
        let again = recording::read(&recording::write(snapshot)).expect("a recording");
        let style = Style { findings: Findings::All, times: true, coloured: false };
        let write = |snapshot, format| render(&Document::Report(&judged(snapshot)), format, style, &[]);
        assert_eq!(write(snapshot, Format::Json), write(&again, Format::Json), "{name}");
        let json = serde_json::from_str(&write(snapshot, Format::Json)).expect("one document");
        schema::holds(&json);
        assert_eq!(json["verdict"], judged(snapshot).verdict.word(), "{name}");
        assert!(write(snapshot, Format::Nagios).len() <= 4096, "{name}");
    }
}

/// The findings of these tables, and the verdict.
fn both(number: usize, only: Option<Subject>, snapshot: &Snapshot) -> Report {
    evaluate_tables(&[&STAGES[number], &HEALTH], only, snapshot)
}

#[test]
fn a_stage_with_health_is_as_bad_as_the_worse_of_both() {
    for (name, snapshot) in snapshots() {
        let health = judged(snapshot);
        for (number, stage) in STAGES.iter().enumerate() {
            let alone = evaluate(stage, snapshot);
            let together = both(number, None, snapshot);
            assert_eq!(together.verdict, alone.verdict.max(health.verdict), "{} of {name}", stage.id);
            assert_eq!((together.stage, together.health), (stage.id, true));
            assert_eq!(together.refused, together.verdict == Verdict::Unknown && (alone.refused || health.refused));
        }
    }
}

#[test]
fn nothing_is_advised_for_a_stage_while_the_cluster_is_not_seen_to_be_healthy() {
    let is_of_health = |action: &kraft_check::report::Action| {
        let rows = HEALTH.rows.iter().any(|row| row.reason.action == action.id && row.reason.advice == action.text);
        rows || GUARDS.iter().any(|guard| guard.reason.action == action.id)
            || (action.id == "earlier-stage-first" && action.explain == HEALTH.id)
    };
    let mut withheld = 0;
    for (name, snapshot) in snapshots() {
        for (number, stage) in STAGES.iter().enumerate() {
            let (health, together) = (judged(snapshot), both(number, None, snapshot));
            assert_eq!(together.actions.is_empty(), together.verdict < Verdict::NotYet, "{} of {name}", stage.id);
            if health.verdict == Verdict::Complete {
                assert_eq!(together.actions.len(), evaluate(stage, snapshot).actions.len(), "{} of {name}", stage.id);
                continue;
            }
            for action in &together.actions {
                assert!(is_of_health(action), "{} is advised for {} of {name}", action.id, stage.id);
                withheld += usize::from(action.explain == HEALTH.id);
            }
        }
    }
    assert!(withheld > 0, "somewhere health is not seen and the stage not complete");
}

#[test]
fn one_node_is_done_only_beside_a_healthy_cluster() {
    let migrated = 2;
    let mut held_back = 0;
    for (name, snapshot) in snapshots() {
        let (health, node) = (judged(snapshot), Subject::Broker(2));
        let alone = evaluate_tables(&[&STAGES[migrated]], Some(node), snapshot);
        let together = both(migrated, Some(node), snapshot);
        assert_eq!(together.verdict, alone.verdict.max(health.verdict), "{name}");
        assert_eq!(together.only, Some(node));
        held_back += usize::from(alone.verdict == Verdict::Complete && health.verdict == Verdict::NotYet);
    }
    assert!(held_back > 0, "a broker that is done, and a cluster that is not ready for the next");
}
