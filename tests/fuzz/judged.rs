//! What is said of a snapshot: every stage, every format. Whatever was observed, each is one well-formed text.

use kraft_check::evaluate::{evaluate_tables, locate, needs_second_look};
use kraft_check::render::{Document, Findings, Format, Style, render};
use kraft_check::snapshot::{Snapshot, Subject};
use kraft_check::stages::STAGES;
use serde::de::IgnoredAny;

const EVERYTHING: Style = Style { findings: Findings::All, times: true, coloured: false };
/// What old receivers of a plugin's text read of it, in bytes.
const NAGIOS_MAX: usize = 4096;
/// The brokers and controllers of most recordings.
const NODES: [Subject; 2] = [Subject::Broker(1), Subject::Controller(3001)];

/// Judges the snapshot in every stage, as a whole and of one node, and says it in every format.
pub(crate) fn judge(snapshot: &Snapshot) {
    let whereabouts = locate(snapshot);
    say(&Document::Whereabouts(&whereabouts));
    for report in &whereabouts.reports {
        say(&Document::Report(report));
    }
    for (stage, node) in STAGES.iter().zip(NODES.iter().cycle()) {
        say(&Document::Report(&evaluate_tables(&[stage], Some(*node), snapshot)));
    }
    // Only whether it comes back is asked.
    let _ = needs_second_look(snapshot);
}

fn say(document: &Document<'_>) {
    let text = |format| render(document, format, EVERYTHING, &[]);
    let json = text(Format::Json);
    assert!(serde_json::from_str::<IgnoredAny>(&json).is_ok(), "{json}");
    let nagios = text(Format::Nagios);
    assert!(nagios.len() <= NAGIOS_MAX, "{} bytes: {nagios}", nagios.len());
    for text in [text(Format::Human), json, nagios] {
        let controls = |c: char| c.is_control() && c != '\n';
        assert!(text.ends_with('\n') && !text.contains(controls), "{text:?}");
    }
}
