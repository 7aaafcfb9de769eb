//! Format → function. Renderers add no judgement: the verdict is the same in every format.

mod explained;
mod human;
mod json;
mod settings;

use clap::ValueEnum;

use crate::exit::Exit;
use crate::explain::{Tables, Topic};
use crate::report::{Finding, Report, Standing, Whereabouts};
use crate::settings::Settings;

/// The form of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Lines for people.
    Human,
    /// One JSON document.
    Json,
}

/// Which findings are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Findings {
    /// Those that do not hold or were not seen.
    Failing,
    /// Every one.
    All,
}

impl Findings {
    fn lists(self, finding: &Finding) -> bool {
        self == Self::All || !matches!(finding.standing, Standing::Pass | Standing::Skipped)
    }
}

/// What leaves the process, in one of the formats.
pub enum Document<'a> {
    /// A verdict.
    Report(&'a Report),
    /// Where the cluster stands.
    Whereabouts(&'a Whereabouts),
    /// What is set, with the origin of each setting or without.
    Settings(&'a Settings, bool),
    /// What every stage demands, and the guards.
    Tables(&'a Tables),
    /// Everything that can be explained.
    Topics(&'a [Topic]),
    /// One explanation.
    Explanation(&'a Topic),
    /// Why there is no answer: how the process ends, and one line.
    Error(&'static Exit, &'a str),
}

/// The document as text, ending in a line feed. `command` is what was asked, such as `["stage", "finalized"]`.
#[must_use]
pub fn render(document: &Document<'_>, format: Format, findings: Findings, command: &[String]) -> String {
    match (format, document) {
        (Format::Human, Document::Report(report)) => human::report(report, findings),
        (Format::Human, Document::Whereabouts(whereabouts)) => human::whereabouts(whereabouts, findings),
        (Format::Json, Document::Whereabouts(whereabouts)) => json::whereabouts(whereabouts, findings, command),
        (Format::Human, Document::Settings(settings, with_origin)) => settings::toml(settings, *with_origin),
        (Format::Human, Document::Error(_, message)) => format!("kraft-check: {}\n", clean(message)),
        (Format::Human, Document::Tables(tables)) => explained::tables(tables),
        (Format::Human, Document::Topics(topics)) => explained::topics(topics),
        (Format::Human, Document::Explanation(topic)) => explained::topic(topic),
        (Format::Json, Document::Tables(tables)) => explained::tables_json(tables, command),
        (Format::Json, Document::Topics(topics)) => explained::topics_json(topics, command),
        (Format::Json, Document::Explanation(topic)) => explained::topic_json(topic, command),
        (Format::Json, Document::Report(report)) => json::report(report, findings, command),
        (Format::Json, Document::Settings(settings, _)) => settings::json(settings, command),
        (Format::Json, Document::Error(exit, message)) => json::error(exit, message, command),
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

/// Characters that take no room or turn the direction of the line: a peer could make a report read otherwise.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}
