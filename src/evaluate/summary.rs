//! The whole story in a sentence.

use super::Judged;
use crate::report::{Progress, Standing, Verdict};
use crate::snapshot::Subject;
use crate::stages::Row;

/// How many rows a summary names.
const ROWS_MAX: usize = 2;
/// How many ids a summary names before it counts the rest.
const IDS_MAX: usize = 8;

/// What decides the verdict, in the order of the tables; of what is complete, its first row.
pub(super) fn summary(rows: &[&Row], verdict: Verdict, judged: &[Judged]) -> String {
    let decides = decisive(verdict);
    let guards = judged.iter().filter(|judged| is_guard(rows, judged) && judged.finding.standing == decides);
    let rows = rows.iter().filter_map(|row| of_row(row, decides, judged));
    let parts: Vec<String> = match verdict {
        Verdict::Complete => rows.take(1).collect(),
        Verdict::Blocked => guards.take(ROWS_MAX).map(|judged| judged.finding.message.clone()).collect(),
        _ => rows.chain(guards.map(|judged| judged.finding.message.clone())).take(ROWS_MAX).collect(),
    };
    parts.join("; ")
}

/// The same of one node: what decides of it, or that nothing is in its way.
pub(super) fn of_node(node: Subject, verdict: Verdict, judged: &[Judged]) -> String {
    if verdict == Verdict::Complete {
        return format!("{node} is done");
    }
    let decides = decisive(verdict);
    let deciding = judged.iter().map(|judged| &judged.finding).filter(|finding| finding.standing == decides);
    deciding.take(ROWS_MAX).map(|finding| finding.message.clone()).collect::<Vec<_>>().join("; ")
}

/// How the findings stand that make this verdict.
fn decisive(verdict: Verdict) -> Standing {
    match verdict {
        Verdict::Complete => Standing::Pass,
        Verdict::NotYet => Standing::NotYet,
        Verdict::Unknown => Standing::Unknown,
        Verdict::Blocked => Standing::Blocked,
    }
}

/// How far the stage is, by the row that heads its summary.
pub(super) fn progress(rows: &[&Row], judged: &[Judged]) -> Option<Progress> {
    let row = rows.iter().find(|row| !row.of.is_whole())?;
    let nobody = |judged: &Judged| judged.finding.id == row.id && judged.finding.subject == Subject::Quorum;
    let progress = of_subjects(row, judged);
    (progress.of > 0 && !judged.iter().any(nobody)).then_some(progress)
}

fn of_subjects(row: &Row, judged: &[Judged]) -> Progress {
    let count = |counts: fn(Standing) -> bool| {
        judged.iter().filter(|judged| judged.finding.id == row.id && counts(judged.finding.standing)).count()
    };
    Progress { holding: count(|it| it == Standing::Pass), of: count(|it| it != Standing::Skipped) }
}

fn is_guard(rows: &[&Row], judged: &Judged) -> bool {
    rows.iter().all(|row| row.id != judged.finding.id)
}

/// One row in a sentence, if any of its findings stands as the verdict does.
fn of_row(row: &Row, decides: Standing, judged: &[Judged]) -> Option<String> {
    let findings = || judged.iter().map(|judged| &judged.finding).filter(|finding| finding.id == row.id);
    let first = findings().find(|finding| finding.standing == decides)?;
    if row.of.is_whole() || first.subject == Subject::Quorum {
        return Some(first.message.clone());
    }
    let Progress { holding, of } = of_subjects(row, judged);
    let head = format!("{holding} of {of} {} {}", row.of.noun(), row.claim);
    let others: Vec<String> = findings()
        .filter(|finding| finding.standing == decides && decides != Standing::Pass)
        .filter_map(|finding| match finding.subject {
            Subject::Broker(id) | Subject::Controller(id) => Some(id.to_string()),
            Subject::Quorum | Subject::Cluster => None,
        })
        .collect();
    let missing = match decides {
        Standing::Pass => return Some(head),
        Standing::Unknown => "not seen",
        _ => "not yet",
    };
    let named = others.iter().take(IDS_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    let rest = others.len().saturating_sub(IDS_MAX);
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    Some(format!("{head}; {missing}: {named}{more}"))
}
