//! Where the cluster stands, as lines: the place, a line for each stage, and what holds the cluster there.

use super::{NO_COLOUR, Style, body, colour, line, word};
use crate::report::{Place, Position, Whereabouts};

/// The place, the stages, what does not hold in the stage that the cluster is in, and what to do next.
pub(in crate::render) fn whereabouts(whereabouts: &Whereabouts, style: Style) -> String {
    let mut text = String::new();
    let Some(current) = whereabouts.current() else { return text };
    let head = match whereabouts.place {
        _ if whereabouts.is_blocked() => "BLOCKED".to_owned(),
        Place::In(_) => format!("IN {}: {}", current.stage, word(current.verdict).to_lowercase()),
        Place::Beyond => "BEYOND EVERY STAGE".to_owned(),
        Place::NotBegun => "NOT BEGUN".to_owned(),
        Place::Unknown => "CANNOT TELL WHERE".to_owned(),
    };
    line(&mut text, "", &format!("{head}: {}", current.summary));
    if style.coloured {
        text = text.replacen(&head, &format!("{}{head}{NO_COLOUR}", colour(current.verdict)), 1);
    }
    let mut waits = whereabouts.waiting_for();
    for report in &whereabouts.reports {
        let position = match report.position {
            Some(Position::Past) => "past",
            Some(Position::Current) => "current",
            Some(Position::Future) => "to come",
            None => "cannot tell where",
        };
        let verdict = word(report.verdict).to_lowercase();
        line(&mut text, "  ", &format!("{}: {verdict}, {position}", report.stage));
        // Under the stage that ends with the copy.
        if let Some((cause, clause)) =
            waits.take_if(|(cause, _)| report.findings.iter().any(|it| it.causes.contains(cause)))
        {
            let by = cause.by.as_ref().map_or_else(String::new, |by| format!(": {by}"));
            line(&mut text, "    waits for  ", &format!("{}{by} [{}]", cause.words, clause.id));
            line(&mut text, "               ", clause.advice);
        }
    }
    body(&mut text, current, style, whereabouts.actions());
    text
}
