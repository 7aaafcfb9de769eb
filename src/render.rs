//! Format → function. Renderers add no judgement: the verdict is the same in every format.

mod diagnosis;
mod explained;
mod human;
mod json;
mod moment;
mod nagios;
mod rehearsed;
mod settings;

use clap::ValueEnum;

use crate::exit::{self, Exit};
use crate::explain::{Tables, Topic};
use crate::report::{Diagnosis, Finding, Rehearsed, Report, Standing, Whereabouts};
use crate::settings::Settings;
use crate::wait::Event;

pub use moment::moment;

/// The form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Lines for people.
    Human,
    /// One JSON document.
    Json,
    /// Of a wait, a JSON document a line: every event as it happens, and the report.
    Jsonl,
    /// The text of a monitoring plugin, with performance data.
    Nagios,
}

/// Which findings are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Findings {
    /// Those that do not hold or were not seen.
    #[default]
    Failing,
    /// Every one.
    All,
}

impl Findings {
    fn lists(self, finding: &Finding) -> bool {
        self == Self::All || !matches!(finding.standing, Standing::Pass | Standing::Skipped)
    }
}

/// How much is said, and how it looks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    /// Which findings are listed.
    pub findings: Findings,
    /// Whether people are told how long each node took, how far behind it is, and how it was found.
    pub times: bool,
    /// Whether the verdict's word has its colour.
    pub coloured: bool,
}

/// What leaves the process, in one of the formats.
pub enum Document<'a> {
    /// A verdict.
    Report(&'a Report),
    /// Something that happened in a wait.
    Event(&'a Event),
    /// Where the cluster stands.
    Whereabouts(&'a Whereabouts),
    /// Whether everybody can be asked.
    Diagnosis(&'a Diagnosis),
    /// What is set, with the origin of each setting or without.
    Settings(&'a Settings, bool),
    /// What every stage demands, and the guards.
    Tables(&'a Tables),
    /// Everything that can be explained.
    Topics(&'a [Topic]),
    /// One explanation.
    Explanation(&'a Topic),
    /// A simulated migration, judged on the way.
    Rehearsed(&'a Rehearsed),
    /// Why there is no answer: how the process ends, and one line.
    Error(&'static Exit, &'a str),
    /// The JSON Schema of these documents, which is the same in every format.
    Schema,
}

/// Why a monitoring plugin has nothing to say of a document without a verdict.
pub const JUDGES_NOTHING: &str = "this command judges nothing: -o nagios is for stage, wait, status and health";

/// Why there are no events.
pub const ONE_DOCUMENT: &str = "nothing happens in this command but one document: -o jsonl is for wait";

/// The JSON Schema of everything that `-o json` writes.
pub const SCHEMA: &str = include_str!("../docs/schema.json");

/// The document as text, ending in a line feed. `command` is what was asked, such as `["stage", "finalized"]`.
#[must_use]
pub fn render(document: &Document<'_>, format: Format, style: Style, command: &[String]) -> String {
    match (format, document) {
        (Format::Human | Format::Json, Document::Schema) => SCHEMA.to_owned(),
        (Format::Human, Document::Report(report)) => human::report(report, style),
        (Format::Human, Document::Event(event)) => human::event(event),
        (Format::Human, Document::Whereabouts(whereabouts)) => human::whereabouts(whereabouts, style),
        (Format::Human, Document::Diagnosis(diagnosis)) => diagnosis::lines(diagnosis, style),
        (Format::Human, Document::Settings(settings, with_origin)) => settings::toml(settings, *with_origin),
        (Format::Human, Document::Tables(tables)) => explained::tables(tables),
        (Format::Human, Document::Topics(topics)) => explained::topics(topics),
        (Format::Human, Document::Explanation(topic)) => explained::topic(topic),
        (Format::Human, Document::Rehearsed(rehearsed)) => rehearsed::table(rehearsed),
        (Format::Human, Document::Error(_, message)) => format!("kraft-check: {}\n", clean(message)),
        (Format::Json, Document::Report(report)) => json::report(report, style.findings, command),
        (Format::Json, Document::Event(event)) => json::event(event, command),
        (Format::Json, Document::Whereabouts(whereabouts)) => json::whereabouts(whereabouts, style.findings, command),
        (Format::Json, Document::Diagnosis(diagnosis)) => diagnosis::json(diagnosis, command),
        (Format::Json, Document::Settings(settings, _)) => settings::json(settings, command),
        (Format::Json, Document::Tables(tables)) => explained::tables_json(tables, command),
        (Format::Json, Document::Topics(topics)) => explained::topics_json(topics, command),
        (Format::Json, Document::Explanation(topic)) => explained::topic_json(topic, command),
        (Format::Json, Document::Rehearsed(rehearsed)) => rehearsed::json(rehearsed, command),
        (Format::Json, Document::Error(exit, message)) => json::error(exit, message, command),
        (Format::Nagios, Document::Report(report)) => nagios::report(report),
        (Format::Nagios, Document::Whereabouts(whereabouts)) => nagios::whereabouts(whereabouts),
        (Format::Nagios, Document::Error(exit, message)) => nagios::error(exit.name, message),
        // Each document is one line in both.
        (Format::Jsonl, document) => render(document, Format::Json, style, command),
        // Nothing was judged, so there is no state to say.
        (Format::Nagios, _) => nagios::error(exit::USAGE.name, JUDGES_NOTHING),
    }
}

/// How much of a text that came from a peer is repeated, in characters.
const TEXT_MAX: usize = 256;

/// A text as data: control characters escaped, bounded.
fn clean(text: &str) -> String {
    let mut clean = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == TEXT_MAX {
            clean.push('…');
            break;
        }
        if c.is_control() || is_invisible(c) {
            clean.extend(c.escape_unicode());
        } else {
            clean.push(c);
        }
    }
    clean
}

/// A line for standard error about what is not in the document, whole: it comes from files of the operator's own.
#[must_use]
pub fn remark(line: &str) -> String {
    let shown =
        |c: char| if c.is_control() || is_invisible(c) { c.escape_unicode().to_string() } else { c.to_string() };
    format!("kraft-check: {}\n", line.chars().map(shown).collect::<String>())
}

/// Characters that take no room or turn the direction of the line: a peer could make a report read otherwise.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
