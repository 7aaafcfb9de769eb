//! (tables, snapshot) → report. Pure: no I/O, no clock, no failure.
//!
//! Three truth values are folded once, in `verdict`: blocked > not yet > unknown > complete. Nothing unseen ever
//! counts for "complete". Not here: what is demanded (`stages`) and how a fact is read (`signals`).

mod actions;
mod discovered;
mod guards;
mod judge;
mod notes;
mod position;
mod summary;

use std::collections::BTreeSet;

use crate::report::{
    Cause, Clause, Counts, Expectation, Finding, Likelihood, Place, Position, Report, Standing, Verdict, Whereabouts,
};
use crate::signals::{POST_SEEN, View, kafka_versions};
use crate::snapshot::{Look, NodeId, Snapshot, Subject, Timestamp, Why};
use crate::stages::{self, Condition, GUARDS, HEALTH, Reason, Row, STAGES, Stage, Told};
use judge::judge;

/// What this stage's rows and all guards say of the snapshot. Its last look is judged; an earlier one only
/// confirms guards, and shows what changes.
#[must_use]
pub fn evaluate(stage: &'static Stage, snapshot: &Snapshot) -> Report {
    evaluate_tables(&[stage], None, snapshot)
}

/// What the rows of these tables and all guards say: of a stage, of health, or of a stage and then health. Of one node
/// alone, the stage's rows about it, and every guard: whether a roll may go on to the next node. Health is the whole
/// cluster's all the same.
#[must_use]
pub fn evaluate_tables(tables: &[&'static Stage], only: Option<Subject>, snapshot: &Snapshot) -> Report {
    judge_tables(tables, &Looks::of(snapshot), only)
}

/// Where the cluster stands, by every stage's place: in the last one that is begun.
#[must_use]
pub fn locate(snapshot: &Snapshot) -> Whereabouts {
    let looks = Looks::of(snapshot);
    let mut reports: Vec<Report> = STAGES.iter().map(|stage| judge_tables(&[stage], &looks, None)).collect();
    for report in &mut reports {
        report.warnings.extend(notes::release_with_defects(&looks.last));
    }
    let all = |position| reports.iter().all(|report| report.position == Some(position));
    let place = match reports.iter().rposition(|report| report.position == Some(Position::Current)) {
        Some(number) => Place::In(number),
        None if all(Position::Past) => Place::Beyond,
        None if all(Position::Future) => Place::NotBegun,
        None => Place::Unknown,
    };
    Whereabouts { reports, place }
}

/// A snapshot's looks, read by id: the last one is judged, the one before it confirms guards.
struct Looks<'a> {
    began: Timestamp,
    last: View<'a>,
}

impl<'a> Looks<'a> {
    fn of(snapshot: &'a Snapshot) -> Self {
        static NOTHING: Look = Look { began: Timestamp(0), ended: Timestamp(0), nodes: Vec::new(), pages: Vec::new() };
        let (last, earlier) = snapshot.looks.split_last().unwrap_or((&NOTHING, &[]));
        let first = earlier.last().map(|look| View::new(snapshot, look));
        Self { began: snapshot.looks.first().unwrap_or(last).began, last: View::new(snapshot, last).after(first) }
    }
}

fn judge_tables(tables: &[&'static Stage], looks: &Looks<'_>, only: Option<Subject>) -> Report {
    let Looks { began, last: view } = looks;
    let stage = tables.first().copied().unwrap_or(&HEALTH);
    let rows = stages::rows_of(tables.iter().copied());
    let health = tables.iter().any(|table| table.id == HEALTH.id);
    let mut judged: Vec<Judged> = match only {
        None => of_all(&rows, view),
        Some(node) => {
            let is_whole = |row: &&'static Row| health && HEALTH.rows.iter().any(|other| other.id == row.id);
            let (whole, own): (Vec<_>, Vec<_>) = rows.iter().copied().partition(is_whole);
            whole.into_iter().flat_map(|row| of_row(row, view)).chain(of_node(&own, view, node)).collect()
        }
    };
    judged.extend(GUARDS.iter().flat_map(|guard| guards::findings(guard, view)));
    judged.sort_by_key(|judged| judged.finding.standing);
    let verdict = verdict(judged.iter().map(|judged| judged.finding.standing));
    let post_seen = |view: &View<'_>| POST_SEEN.read(view, Subject::Quorum).is_ok_and(|post| post.value);
    let place = STAGES.iter().position(|other| other.id == stage.id);
    Report {
        stage: stage.id,
        title: stage.title,
        health,
        next: place.and_then(|place| STAGES.get(place + 1)).map(|next| next.id),
        position: position::position(stage, view),
        reversible: (post_seen(view) || view.earlier().is_some_and(post_seen)).then_some(false),
        verdict,
        refused: verdict == Verdict::Unknown && judged.iter().any(|judged| judged.why.is_some_and(Why::is_refusal)),
        summary: match only {
            None => summary::summary(&rows, verdict, &judged),
            Some(node) => summary::of_node(node, verdict, &judged),
        },
        only,
        counts: counts(&judged),
        progress: summary::progress(&rows, &judged),
        voters_lag_max: view.voters_lag_max(),
        high_watermark: view.high_watermark(),
        lagging: view.lagging(),
        anybody_answered: view.anybody_answered(),
        took: notes::took(view),
        discovered: discovered::discovered(view),
        behind: view.brokers_behind(),
        actions: actions::actions(place, health, &judged, view),
        errors: notes::errors(view),
        warnings: notes::warnings(tables, view),
        findings: judged.into_iter().map(|judged| judged.finding).collect(),
        expected_brokers: expectation(view.expected_brokers().cloned(), view.declared_brokers()),
        expected_controllers: expectation(view.expected_controllers(), view.declared_controllers()),
        cluster_name: None,
        cluster_id: notes::cluster_id(view),
        kafka_versions: kafka_versions(view).into_keys().collect(),
        began: *began,
        ended: view.look.ended,
        wait: None,
    }
}

fn expectation(expected: Option<BTreeSet<NodeId>>, declared: Option<&BTreeSet<NodeId>>) -> Option<Expectation> {
    expected.map(|ids| Expectation { ids, declared: declared.is_some() })
}

/// Whether a guard was met in the only look there is, so that a second one has to confirm it.
#[must_use]
pub fn needs_second_look(snapshot: &Snapshot) -> bool {
    let [only] = snapshot.looks.as_slice() else { return false };
    let view = View::new(snapshot, only);
    GUARDS.iter().any(|guard| guards::is_met_by_any(guard, &view))
}

/// A finding, and what only the fold has to know of it.
struct Judged {
    finding: Finding,
    reason: &'static Reason,
    why: Option<Why>,
}

/// Every row of every subject, with room for the guards: a thousand brokers have thousands of both, and no more is made than
/// they take.
fn of_all(rows: &[&'static Row], view: &View<'_>) -> Vec<Judged> {
    let subjects = rows.iter().map(|row| row.of).chain(GUARDS.iter().map(|guard| guard.of));
    let mut judged = Vec::with_capacity(subjects.map(|of| of.in_view(view).len().max(1)).sum());
    for row in rows {
        judged.extend(of_row(row, view));
    }
    judged
}

fn of_row(row: &'static Row, view: &View<'_>) -> Vec<Judged> {
    let subjects = row.of.in_view(view);
    if subjects.is_empty() {
        let excused = |when: Condition| when.excuses_nobody && (when.holds)(view, Subject::Quorum) == Some(false);
        let demanded = !row.when.is_some_and(excused);
        return vec![nobody(row, demanded)];
    }
    subjects.into_iter().map(|subject| of_subject(row, view, subject)).collect()
}

/// The rows that are about this node; one that nobody expects or lists has none.
fn of_node(all: &[&'static Row], view: &View<'_>, node: Subject) -> Vec<Judged> {
    let rows = || all.iter().copied().filter(|row| row.of.may_be(node));
    let known = rows().filter(|row| row.of.in_view(view).contains(&node));
    let judged: Vec<Judged> = known.map(|row| of_subject(row, view, node)).collect();
    if !judged.is_empty() {
        return judged;
    }
    rows().next().or(all.first().copied()).map(|row| unknown_node(row, node)).into_iter().collect()
}

fn of_subject(row: &'static Row, view: &View<'_>, subject: Subject) -> Judged {
    let judgement = judge(&row.demand, view, subject);
    let demanded = row.when.map_or(Some(true), |when| (when.holds)(view, subject));
    let (standing, message) = match (demanded, judgement.holds) {
        (Some(false), _) => {
            (Standing::Skipped, format!("{subject}: not demanded, {}", row.when.map_or("", |when| when.words)))
        }
        (_, Some(true)) => (Standing::Pass, format!("{subject}: {}", judgement.said)),
        (Some(true), Some(false)) => {
            (Standing::NotYet, format!("{subject}: {}, expected {}", judgement.said, judgement.wanted))
        }
        (None, Some(false)) => {
            let when = row.when.map_or("", |when| when.words);
            (
                Standing::Unknown,
                format!("{subject}: {}; {} is demanded {when}, which cannot be told", judgement.said, judgement.wanted),
            )
        }
        (_, None) if row.required => (Standing::Unknown, format!("{subject}: {}", judgement.said)),
        (_, None) => (Standing::Skipped, format!("{subject}: {}", judgement.said)),
    };
    Judged {
        finding: Finding {
            id: row.id,
            standing,
            subject,
            expected: Some(judgement.expected),
            observed: judgement.observed,
            evidence: judgement.evidence.map(Box::new),
            message,
            causes: if standing == Standing::NotYet { causes(row.causes, view, subject) } else { Vec::new() },
        },
        reason: &row.reason,
        why: judgement.why.filter(|_| standing == Standing::Unknown),
    }
}

/// What a finding can be owed to. What was shown needs no list of what else it could have been.
fn causes(table: &'static [stages::Cause], view: &View<'_>, subject: Subject) -> Vec<Cause> {
    let told = |cause: &stages::Cause| {
        let (likelihood, by, subjects) = match (cause.tell)(view, subject) {
            Told::Shown(by, whom) => (Likelihood::Shown, Some(by), whom),
            Told::Possible => (Likelihood::Possible, None, Vec::new()),
            Told::Excluded(by) => (Likelihood::Excluded, Some(by.to_owned()), Vec::new()),
        };
        let clause = cause.clause.map(|stages::Clause { id, advice }| Clause { id, advice });
        Cause { words: cause.words, likelihood, by, subjects, clause }
    };
    let mut causes: Vec<Cause> = table.iter().map(told).collect();
    if causes.iter().any(|cause| cause.likelihood == Likelihood::Shown) {
        causes.retain(|cause| cause.likelihood == Likelihood::Shown);
    }
    causes
}

/// No subjects, no verdict.
fn nobody(row: &'static Row, demanded: bool) -> Judged {
    let standing = if row.required && demanded { Standing::Unknown } else { Standing::Skipped };
    unjudged(row, standing, Subject::Quorum, row.of.nobody().to_owned())
}

/// A node of which nothing can be said, because nobody knows of it.
fn unknown_node(row: &'static Row, node: Subject) -> Judged {
    unjudged(row, Standing::Unknown, node, format!("{node} is not known: nobody declared it, and nobody lists it"))
}

fn unjudged(row: &'static Row, standing: Standing, subject: Subject, message: String) -> Judged {
    let finding = Finding {
        id: row.id,
        standing,
        subject,
        expected: None,
        observed: None,
        evidence: None,
        message,
        causes: Vec::new(),
    };
    Judged { finding, reason: &row.reason, why: Some(Why::NoExpectation) }
}

/// The worst of the findings decides, those apart that do not matter; where nothing is left, nothing is known.
fn verdict(standings: impl Iterator<Item = Standing>) -> Verdict {
    match standings.filter(|standing| *standing != Standing::Skipped).min() {
        Some(Standing::Blocked) => Verdict::Blocked,
        Some(Standing::NotYet) => Verdict::NotYet,
        Some(Standing::Pass) => Verdict::Complete,
        Some(Standing::Unknown | Standing::Skipped) | None => Verdict::Unknown,
    }
}

fn counts(judged: &[Judged]) -> Counts {
    let count = |standing| judged.iter().filter(|judged| judged.finding.standing == standing).count();
    Counts {
        pass: count(Standing::Pass),
        not_yet: count(Standing::NotYet),
        blocked: count(Standing::Blocked),
        unknown: count(Standing::Unknown),
        skipped: count(Standing::Skipped),
    }
}
