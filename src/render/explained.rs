//! The tables and the explanations, as lines for people of 80 columns and as JSON documents.

use std::fmt::Write as _;

use serde::Serialize;

use super::human::wrapped;
use super::json::Envelope;
use crate::exit::COMPLETE;
use crate::explain::{Kind, Tables, Topic};

/// What `explain` says when it is asked for nothing: every topic and its line.
#[derive(Serialize)]
struct Listing<'a> {
    topics: Vec<Listed<'a>>,
}

#[derive(Serialize)]
struct Listed<'a> {
    id: &'static str,
    topic: Kind,
    brief: &'a str,
}

pub(super) fn tables_json(tables: &Tables, command: &[String]) -> String {
    Envelope::of("stages", command, &COMPLETE, tables)
}

pub(super) fn topic_json(topic: &Topic, command: &[String]) -> String {
    Envelope::of("explanation", command, &COMPLETE, topic)
}

pub(super) fn topics_json(topics: &[Topic], command: &[String]) -> String {
    let listed = topics.iter().map(|topic| Listed { id: topic.id, topic: topic.topic, brief: &topic.brief });
    let listing = Listing { topics: listed.collect() };
    Envelope::of("topics", command, &COMPLETE, &listing)
}

/// The stages, row by row, and the guards.
pub(super) fn tables(tables: &Tables) -> String {
    let mut text = String::new();
    for stage in tables.stages.iter().chain([&tables.health]) {
        wrapped(&mut text, "", &format!("{}: complete when {}", stage.id, stage.complete_when));
        let _ = writeln!(text, "\n  {:<22} {:<21} {:<9} what", "row", "of whom", "weight");
        for row in &stage.rows {
            let weight = if row.required { "required" } else { "witness" };
            let when = row.when.map_or(String::new(), |when| format!(", {when}"));
            let head = format!("  {:<22} {:<21} {weight:<9} ", row.id, row.of);
            wrapped(&mut text, &head, &format!("{}{when}", row.claim));
        }
        text.push('\n');
    }
    wrapped(&mut text, "", "guards, in every stage: blocked when two looks have seen all of it of the same subject");
    let _ = writeln!(text, "\n  {:<26} {:<21} met when", "guard", "of whom");
    for guard in &tables.guards {
        let head = format!("  {:<26} {:<21} ", guard.id, guard.of);
        wrapped(&mut text, &head, &guard.met_when.join(", and "));
    }
    text.push('\n');
    wrapped(
        &mut text,
        "",
        "required: unseen, it leaves the stage unknown. witness: it can only make a verdict worse. \
         kraft-check explain ID says why, how to look, and what to do.",
    );
    text
}

/// Everything that is said of one topic.
pub(super) fn topic(topic: &Topic) -> String {
    let mut text = String::new();
    wrapped(&mut text, "", &format!("{} ({}): {}", topic.id, topic.topic.words().0, topic.brief));
    if let Some(meaning) = &topic.meaning {
        wrapped(&mut text, "  meaning  ", meaning);
    }
    for look in &topic.look {
        wrapped(&mut text, "  look     ", look.tells);
        // As it is: whoever pastes it must get what stands there.
        for (place, command) in look.run.lines().enumerate() {
            let _ = writeln!(text, "    {} {command}", if place == 0 { '$' } else { ' ' });
        }
    }
    for variable in &topic.variables {
        wrapped(&mut text, "  with     ", &format!("${}: {}", variable.id, variable.brief));
    }
    for fix in &topic.fix {
        wrapped(&mut text, "  fix      ", fix);
    }
    if let Some(never) = topic.never {
        wrapped(&mut text, "  never    ", never);
    }
    for cause in &topic.causes {
        wrapped(&mut text, "  cause    ", &format!("{}; told by: {}", cause.text, cause.told_by));
    }
    if let Some(source) = topic.source {
        wrapped(&mut text, "  source   ", source);
    }
    for pointer in &topic.see {
        wrapped(&mut text, "  see      ", &format!("{}: {}", pointer.id, pointer.brief));
    }
    text
}

/// Every topic, in groups.
pub(super) fn topics(topics: &[Topic]) -> String {
    let mut text = String::new();
    for kind in Kind::ALL {
        let _ = writeln!(text, "{}:", kind.words().1);
        for topic in topics.iter().filter(|topic| topic.topic == kind) {
            wrapped(&mut text, &format!("  {:<26} ", topic.id), &topic.brief);
        }
        text.push('\n');
    }
    wrapped(&mut text, "", "kraft-check explain ID says what it means, how to look, and what to do.");
    text
}
