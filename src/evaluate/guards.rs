//! Guards: met by one subject in two looks, or not said.

use std::collections::BTreeSet;

use super::judge::judge;
use super::{Judged, causes};
use crate::report::{Finding, Standing};
use crate::signals::View;
use crate::snapshot::{Evidence, Subject, Why};
use crate::stages::Guard;

enum Met {
    Yes(Option<Evidence>),
    No,
    /// Something that decides was not seen: the guard skips it.
    Unseen,
}

/// What the guard says of each of its subjects, by the last look and by the one before it, if there was one.
pub(super) fn findings(guard: &'static Guard, last: &View<'_>) -> Vec<Judged> {
    let first = last.earlier();
    let mut subjects: BTreeSet<Subject> = guard.of.in_view(last).into_iter().collect();
    subjects.extend(first.into_iter().flat_map(|view| guard.of.in_view(view)));
    let of = |subject| of_subject(guard, first, last, subject);
    subjects.into_iter().map(of).collect()
}

/// Whether any subject meets the guard in this look.
pub(super) fn is_met_by_any(guard: &Guard, view: &View<'_>) -> bool {
    guard.of.in_view(view).into_iter().any(|subject| matches!(met(guard, view, subject), Met::Yes(_)))
}

fn of_subject(guard: &'static Guard, first: Option<&View<'_>>, last: &View<'_>, subject: Subject) -> Judged {
    let danger = guard.danger;
    let once = |why: &str| format!("{subject} {danger}; seen once, not confirmed: {why}");
    let (standing, evidence, message) = match (first.map(|view| met(guard, view, subject)), met(guard, last, subject)) {
        (Some(Met::Yes(_)), Met::Yes(evidence)) => (Standing::Blocked, evidence, format!("{subject} {danger}")),
        (None, Met::Yes(evidence)) => (Standing::Unknown, evidence, once("there was no second look")),
        (Some(_), Met::Yes(evidence)) => (Standing::Unknown, evidence, once("the first look did not show it")),
        (Some(Met::Yes(evidence)), Met::Unseen) => {
            (Standing::Unknown, evidence, once("the second look could not see it"))
        }
        (_, Met::No) => (Standing::Pass, None, format!("{subject}: not the case")),
        (_, Met::Unseen) => (Standing::Skipped, None, format!("{subject}: not seen, so the guard says nothing")),
    };
    let met = matches!(standing, Standing::Blocked | Standing::Unknown);
    let causes = if met { causes(guard.causes, last, subject) } else { Vec::new() };
    Judged {
        finding: Finding {
            id: guard.id,
            standing,
            subject,
            expected: None,
            observed: None,
            evidence: evidence.map(Box::new),
            message,
            causes,
        },
        reason: &guard.reason,
        why: (standing == Standing::Unknown).then_some(Why::NotConfirmed),
    }
}

fn met(guard: &Guard, view: &View<'_>, subject: Subject) -> Met {
    let mut evidence = None;
    let mut unseen = false;
    for demand in guard.when {
        let judgement = judge(demand, view, subject);
        match judgement.holds {
            // One that is seen not to hold decides, whatever else is unseen.
            Some(false) => return Met::No,
            Some(true) => evidence = evidence.or(judgement.evidence),
            None => unseen = true,
        }
    }
    if unseen { Met::Unseen } else { Met::Yes(evidence) }
}
