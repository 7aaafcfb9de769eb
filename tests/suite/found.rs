//! Is it said whom nobody gave, who told of them, and who of them could not be reached?

use kraft_check::evaluate::evaluate;
use kraft_check::render::{Document, Findings, Format, Style, render};
use kraft_check::report::Report;
use kraft_check::snapshot::{Found, Node};
use kraft_check::stages::STAGES;
use serde_json::{Value, json};

use crate::answers::{ON_KRAFT, broker, leader, lists, look, page, silent, snapshot, standby};
use crate::schema;

fn found(node: Node, from: Found) -> Node {
    Node { found: Some(from), ..node }
}

fn report() -> Report {
    let listed = [(1, 1), (2, 2)];
    let mut nodes = vec![
        Node { metadata: lists(&listed), ..broker(1, ON_KRAFT, false) },
        found(Node { given: None, metadata: lists(&listed), ..broker(2, ON_KRAFT, false) }, Found::Metadata),
        found(leader(3001, &[(3002, Some(400))]), Found::Configuration),
        found(standby(3002), Found::Configuration),
        found(standby(3003), Found::Log),
    ];
    nodes[4].api_versions = silent();
    nodes[0].api_versions.said.as_mut().expect("it answers").features.epoch = Some(7);
    evaluate(&STAGES[2], &snapshot(&[], &[], [look(nodes, [page(3001, 1.0)])]))
}

#[test]
fn the_document_has_whoever_was_discovered_those_first_that_did_not_answer() {
    let text = render(&Document::Report(&report()), Format::Json, Style::default(), &[]);
    let document: Value = serde_json::from_str(&text).expect("one document");
    schema::holds(&document);
    let node = |kind: &str, id: i32, from: &str, answered: bool| json!({ "kind": kind, "id": id, "endpoint": format!("node.example:{id}"), "from": from, "answered": answered });
    let expected = [
        node("controller", 3003, "log", false),
        node("controller", 3001, "configuration", true),
        node("controller", 3002, "configuration", true),
        node("broker", 2, "metadata", true),
    ];
    assert_eq!(document["discovered"], json!(expected));
}

#[test]
fn people_are_told_so_and_how_far_brokers_are_only_if_they_ask_for_more() {
    let style = Style { findings: Findings::Failing, times: true, coloured: false };
    let text = render(&Document::Report(&report()), Format::Human, style, &[]);
    let lines: Vec<&str> =
        text.lines().filter(|line| line.starts_with("  found") || line.starts_with("  behind")).collect();
    let expected = [
        "  found    controller 3003 by the metadata log, without an answer",
        "  found    controllers 3001, 3002 by a node's configuration",
        "  found    broker 2 by a broker's Metadata",
        "  behind   1 metadata record: broker 1",
    ];
    assert_eq!(lines, expected, "{text}");
    let brief = render(&Document::Report(&report()), Format::Human, Style::default(), &[]);
    assert!(!brief.contains("  found") && !brief.contains("  behind"), "{brief}");
}

#[test]
fn of_a_thousand_only_some_are_named() {
    let mut nodes = vec![leader(3001, &[])];
    nodes.extend((1..=1_000).map(|id| found(broker(id, ON_KRAFT, false), Found::Metadata)));
    let report = evaluate(&STAGES[2], &snapshot(&[], &[], [look(nodes, [])]));
    assert_eq!(report.discovered.len(), 256);
    let style = Style { times: true, ..Style::default() };
    let text = render(&Document::Report(&report), Format::Human, style, &[]);
    assert!(text.contains("  found    brokers 1, 2, 3, 4, 5, 6, 7, 8 and 248 more by a broker's Metadata"), "{text}");
}
