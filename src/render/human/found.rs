//! Whom nobody gave, and how far behind each broker is, as lines under `-v`.

use super::{IDS_MAX, line};
use crate::report::{Discovered, Report};
use crate::snapshot::Found;

/// A line for each way in which nodes were found, those first that did not answer.
pub(super) fn found(text: &mut String, report: &Report) {
    for answered in [false, true] {
        for is_controller in [true, false] {
            for from in [Found::Configuration, Found::Quorum, Found::Cluster, Found::Metadata, Found::Log] {
                let such =
                    |it: &&Discovered| (it.answered, it.is_controller, it.from) == (answered, is_controller, from);
                let nodes: Vec<String> = report.discovered.iter().filter(such).map(named).collect();
                let rest = nodes.len().saturating_sub(IDS_MAX);
                let Some(first) = nodes.first() else { continue };
                let shown = nodes.iter().take(IDS_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
                let kind = match (is_controller, first == &shown && rest == 0) {
                    (true, true) => "controller",
                    (true, false) => "controllers",
                    (false, true) => "broker",
                    (false, false) => "brokers",
                };
                let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
                let silent = if answered { "" } else { ", without an answer" };
                line(text, "  found    ", &format!("{kind} {shown}{more} by {}{silent}", by(from)));
            }
        }
    }
}

/// How many records of the metadata log each broker has yet to apply.
pub(super) fn behind(text: &mut String, report: &Report) {
    for (id, records) in &report.behind {
        let records =
            if *records == 1 { "1 metadata record".to_owned() } else { format!("{records} metadata records") };
        line(text, "  behind   ", &format!("{records}: broker {id}"));
    }
}

fn named(node: &Discovered) -> String {
    node.id.map_or_else(|| node.endpoint.to_string(), |id| id.to_string())
}

fn by(from: Found) -> &'static str {
    match from {
        Found::Metadata => "a broker's Metadata",
        Found::Configuration => "a node's configuration",
        Found::Quorum => "the quorum's list of voters",
        Found::Cluster => "a controller's DescribeCluster",
        Found::Log => "the metadata log",
    }
}
