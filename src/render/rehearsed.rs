//! A simulated migration: a table for people, and a JSON document of the kind `rehearsal`.

use std::fmt::Write as _;

use serde::Serialize;

use super::json::{Envelope, StagePlace, stage_place};
use crate::exit::COMPLETE;
use crate::report::{JudgedPhase, Rehearsed, Verdict};

/// How wide a column of verdicts is.
const COLUMN: usize = 13;

#[derive(Serialize)]
struct Body<'a> {
    simulated: &'a str,
    phases: Vec<JsonPhase<'a>>,
}

#[derive(Serialize)]
struct JsonPhase<'a> {
    id: &'a str,
    title: &'a str,
    stages: Vec<StagePlace>,
}

/// One line a phase, one column a stage; stages have names of two words, which stand one above the other.
pub(super) fn table(rehearsed: &Rehearsed) -> String {
    let width = rehearsed.phases.iter().map(|phase| phase.title.chars().count()).max().unwrap_or(0);
    let mut text = format!("{}\n\n", rehearsed.what);
    let stages = rehearsed.phases.first().map_or(&[][..], |phase| &phase.whereabouts.reports);
    let names = || stages.iter().map(|report| report.stage);
    line(
        &mut text,
        width,
        "",
        names().map(|name| name.split_once('-').map_or(name.to_owned(), |(first, _)| format!("{first}-"))),
    );
    line(&mut text, width, "", names().map(|name| name.split_once('-').map_or("", |(_, rest)| rest).to_owned()));
    for phase in &rehearsed.phases {
        line(
            &mut text,
            width,
            &phase.title,
            phase.whereabouts.reports.iter().map(|report| word(report.verdict).to_owned()),
        );
    }
    text
}

fn line(text: &mut String, width: usize, title: &str, cells: impl Iterator<Item = String>) {
    let mut line = format!("{title:<width$}");
    for cell in cells {
        // Writing to a string cannot fail.
        let _ = write!(line, " {cell:<COLUMN$}");
    }
    text.push_str(line.trim_end());
    text.push('\n');
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Complete => "complete",
        Verdict::NotYet => "not yet",
        Verdict::Blocked => "blocked",
        Verdict::Unknown => "cannot tell",
    }
}

pub(super) fn json(rehearsed: &Rehearsed, command: &[String]) -> String {
    let body = Body { simulated: &rehearsed.what, phases: rehearsed.phases.iter().map(phase).collect() };
    Envelope::of("rehearsal", command, &COMPLETE, &body)
}

fn phase(JudgedPhase { id, title, whereabouts }: &JudgedPhase) -> JsonPhase<'_> {
    JsonPhase { id, title, stages: whereabouts.reports.iter().map(stage_place).collect() }
}
