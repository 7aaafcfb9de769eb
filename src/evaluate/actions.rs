//! What to do next, and above all what not to do yet.
//!
//! The advice of a stage is only safe once the stages before it are complete: finalizing while a broker is on
//! ZooKeeper, or moving a broker to KRaft before the copy, would do harm. So a stage that comes too early gets
//! one piece of advice, which names the stage that is to be completed first.

use super::{Judged, of_row, verdict};
use crate::report::{Action, EARLIER_STAGE_FIRST, Standing, Verdict};
use crate::signals::View;
use crate::stages::{HEALTH, STAGES, Stage};

/// What to do about everything that was seen not to hold, the worst first. What is unknown asks for a look, not
/// for an action; its message says what is missing.
pub(super) fn actions(place: Option<usize>, health: bool, judged: &[Judged], view: &View<'_>) -> Vec<Action> {
    let failing = |standing| judged.iter().filter(move |judged| judged.finding.standing == standing);
    let guards = merged(failing(Standing::Blocked));
    if !guards.is_empty() {
        return guards;
    }
    // Before a step the cluster must be healthy, so nothing else is advised until it is; nor while that is not seen.
    let ails = |judged: &&Judged| HEALTH.rows.iter().any(|row| row.id == judged.finding.id);
    let ailing = merged(failing(Standing::NotYet).filter(|judged| health && ails(judged)));
    if !ailing.is_empty() {
        return ailing;
    }
    let rows = merged(failing(Standing::NotYet));
    if rows.is_empty() {
        return rows;
    }
    let mut before = health.then_some(&HEALTH).into_iter().chain(STAGES.iter().take(place.unwrap_or(0)));
    let judged =
        |earlier: &Stage| verdict(earlier.rows.iter().flat_map(|row| of_row(row, view)).map(|it| it.finding.standing));
    match before.find(|earlier| judged(earlier) != Verdict::Complete) {
        Some(earlier) => vec![Action {
            id: EARLIER_STAGE_FIRST,
            subjects: Vec::new(),
            text: format!("nothing for this stage yet: {} must be complete first", earlier.id),
            explain: earlier.id,
        }],
        None => rows,
    }
}

/// One action for all subjects that need the same.
fn merged<'a>(judged: impl Iterator<Item = &'a Judged>) -> Vec<Action> {
    let mut actions: Vec<Action> = Vec::new();
    for Judged { finding, reason, .. } in judged {
        match actions.iter_mut().find(|action| action.id == reason.action) {
            Some(action) if action.subjects.contains(&finding.subject) => {}
            Some(action) => action.subjects.push(finding.subject),
            None => actions.push(Action {
                id: reason.action,
                subjects: vec![finding.subject],
                text: reason.advice.to_owned(),
                explain: finding.id,
            }),
        }
    }
    actions
}
