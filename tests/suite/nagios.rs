//! Plugin output: a parser of its own after the Monitoring Plugins Guidelines, every recording, and wide clusters.

use std::collections::BTreeMap;

use kraft_check::cli::Output;
use kraft_check::evaluate::evaluate;
use kraft_check::exit::of_report;
use kraft_check::render::{Document, Format, Style, render};
use kraft_check::report::{Report, Standing, Verdict};
use kraft_check::snapshot::{Answer, Missed, Node, NodeId, Snapshot, Why};
use kraft_check::stages::STAGES;

use crate::answers::{ON_KRAFT, ON_ZOOKEEPER, broker, leader, look, page, said, silent, snapshot, standby};
use crate::recordings::snapshots;
use crate::schema;

/// What a label of the performance data carries.
#[derive(Debug, PartialEq)]
pub(crate) struct Datum {
    value: f64,
    unit: String,
    warn: Option<(f64, f64)>,
    max: Option<f64>,
}

/// Plugin output as its receivers read it: state, and the performance data of line one.
pub(crate) fn parse(text: &str) -> (String, BTreeMap<String, Datum>) {
    let (first, rest) = text.split_once('\n').expect("a line feed");
    assert!(first.chars().count() <= 250 && text.len() <= 4096, "{} and {}", first.len(), text.len());
    assert!(!rest.contains('|') && text.ends_with('\n'), "{text}");
    assert!(text.chars().all(|c| c == '\n' || !c.is_control()), "{text:?}");
    let (story, perfdata) = first.split_once('|').map_or((first, ""), |(story, data)| (story, data.trim_start()));
    assert!(!perfdata.contains('|'), "{first}");
    let state = story.split_once(" - ").map_or(story, |(state, _)| state);
    let items = perfdata.split(' ').filter(|item| !item.is_empty());
    let mut data = BTreeMap::new();
    for item in items {
        let (label, datum) = item.split_once('=').expect("a label");
        assert!(label.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'), "{label}");
        assert!(data.insert(label.to_owned(), parse_datum(datum)).is_none(), "{label} twice");
    }
    (state.to_owned(), data)
}

fn parse_datum(text: &str) -> Datum {
    let mut fields = text.split(';');
    let value = fields.next().expect("a value");
    let end = value.find(|c: char| !matches!(c, '0'..='9' | '.' | '-')).unwrap_or(value.len());
    let number = |text: &str| (!text.is_empty()).then(|| text.parse::<f64>().expect("a number"));
    let warn = fields.next().filter(|range| !range.is_empty()).map(|range| {
        let (low, high) = range.split_once(':').unwrap_or(("0", range));
        (
            if low == "~" { f64::NEG_INFINITY } else { number(low).expect("a start") },
            number(high).unwrap_or(f64::INFINITY),
        )
    });
    assert_eq!(fields.next().unwrap_or(""), "", "no critical ranges: {text}");
    let (min, max) = (fields.next().unwrap_or(""), fields.next().unwrap_or(""));
    assert!(min == "0" && fields.next().is_none(), "{text}");
    let unit = value[end..].to_owned();
    assert!(matches!(unit.as_str(), "" | "s"), "{text}");
    Datum { value: number(&value[..end]).expect("a value"), unit, warn, max: number(max) }
}

fn say(report: &Report, format: Format) -> String {
    render(&Document::Report(report), format, Style::default(), &[])
}

/// As a report's reader counts, whatever the line says.
fn agrees(report: &Report, name: &str) {
    let text = say(report, Format::Nagios);
    let (state, data) = parse(&text);
    let word = report.verdict.word().to_uppercase().replace('_', " ");
    assert_eq!(state, format!("KRAFT {word}"), "{name}");
    let label = report.stage.replace('-', "_");
    if let Some(datum) = data.get(&label) {
        let low = datum.warn.expect("a range").0;
        assert_eq!(Some(low), datum.max, "{name}: {text}");
        assert!(report.verdict != Verdict::Complete || datum.value >= low, "{name}: {text}");
    }
    assert_eq!(data["duration"].unit, "s");
    let failing = |standing| matches!(standing, Standing::Blocked | Standing::NotYet | Standing::Unknown);
    let failing = report.findings.iter().filter(|finding| failing(finding.standing)).count();
    let listed = text.lines().skip(1).filter(|line| !line.starts_with("[...]")).count();
    let counted = text
        .lines()
        .last()
        .and_then(|line| line.strip_prefix("[...] and "))
        .map_or(0, |rest| rest.trim_end_matches(" more").parse::<usize>().expect("a count"));
    assert_eq!(listed + counted, failing, "{name}: {text}");
    assert!(of_report(report).folded() <= 3);
}

#[test]
fn every_recording_is_said_as_a_plugin_says_it() {
    for (name, snapshot) in snapshots() {
        for stage in STAGES {
            agrees(&evaluate(stage, snapshot), name);
        }
    }
}

#[test]
fn the_counts_are_those_of_the_cluster() {
    let brokers = [broker(1, ON_KRAFT, false), broker(2, ON_ZOOKEEPER, true), broker(3, ON_ZOOKEEPER, true)];
    let mut nodes = brokers.to_vec();
    nodes[2].api_versions = silent();
    nodes.extend([leader(11, &[(12, Some(0)), (13, Some(0))]), standby(12), standby(13)]);
    let behind = crate::answers::leadership(&mut nodes[3]);
    behind.voters[1].log_end_offset = 2;
    let seen = snapshot(&[1, 2, 3], &[11, 12, 13], [look(nodes, [page(11, 1.0)])]);
    let (_, data) = parse(&say(&evaluate(&STAGES[2], &seen), Format::Nagios));
    let value = |label: &str| data.get(label).map(|datum: &Datum| (datum.value, datum.max));
    assert_eq!(value("brokers_migrated"), Some((1.0, Some(3.0))));
    assert_eq!(value("brokers_unknown"), Some((1.0, Some(3.0))));
    assert_eq!(value("voters_lag_max"), Some((7.0, None)));
    let nobody = snapshot(&[], &[], []);
    let (_, data) = parse(&say(&evaluate(&STAGES[2], &nobody), Format::Nagios));
    assert_eq!(data.keys().collect::<Vec<_>>(), ["duration"], "what nobody knows has no label");
}

fn unasked<T>() -> Answer<T> {
    said(Err(Missed::new(Why::NotAsked, "not asked")))
}

/// Sixty brokers that all fail, three controllers, and how many KiB of JSON that may be: 32, and 64 where each broker
/// fails a row and a guard.
fn wide() -> Vec<(&'static str, usize, Snapshot)> {
    let ids: Vec<NodeId> = (101..=160).collect();
    let cluster = |make: &dyn Fn(NodeId) -> Node| {
        // What is asked of controllers only.
        let of_brokers = |node| Node { quorum: unasked(), cluster: unasked(), configs: unasked(), ..node };
        let mut nodes: Vec<Node> = ids.iter().map(|id| of_brokers(make(*id))).collect();
        nodes.extend([leader(11, &[(12, Some(0)), (13, Some(0))]), standby(12), standby(13)]);
        snapshot(&ids, &[11, 12, 13], [look(nodes, [page(11, 1.0)])])
    };
    let quiet = |id| {
        let mut node = broker(id, ON_KRAFT, false);
        (node.api_versions, node.metadata) = (silent(), unasked());
        node
    };
    let flagged = |id| broker(id, ON_KRAFT, true);
    vec![
        ("on ZooKeeper", 64, cluster(&|id| broker(id, ON_ZOOKEEPER, false))),
        ("in migration mode", 32, cluster(&|id| broker(id, ON_ZOOKEEPER, true))),
        ("with the flag left", 32, cluster(&flagged)),
        ("silent", 32, cluster(&quiet)),
    ]
}

#[test]
fn sixty_failing_brokers_fit_every_format() {
    for (name, kib, snapshot) in wide() {
        for stage in STAGES {
            let report = evaluate(stage, &snapshot);
            agrees(&report, name);
            let json = say(&report, Format::Json);
            assert!(json.len() <= kib * 1024, "{} {name}: {} bytes of JSON", stage.id, json.len());
            schema::holds(&serde_json::from_str(&json).expect("JSON"));
            let human = say(&report, Format::Human);
            assert!(human.lines().count() <= 48, "{} {name}: {human}", stage.id);
            for line in human.lines() {
                assert!(line.chars().count() <= 80, "{line}");
            }
        }
    }
    let (_, _, silent) = &wide()[3];
    let human = say(&evaluate(&STAGES[2], silent), Format::Human).replace("\n  ", " ");
    assert!(human.contains("101, 102, 103, 104, 105, 106, 107, 108 and 52 more"), "{human}");
}

#[test]
fn an_error_is_one_line_without_performance_data() {
    let error = Document::Error(&kraft_check::exit::USAGE, "no such thing: 'a|b\nc' \u{1b}[2J");
    let text = render(&error, Format::Nagios, Style::default(), &[]);
    assert_eq!(text, "KRAFT UNKNOWN - usage: no such thing: 'a b\\u{a}c' \\u{1b}[2J\n");
    let long = "x|y\n".repeat(400);
    let error = Document::Error(&kraft_check::exit::CONFIG, &long);
    let (state, data) = parse(&render(&error, Format::Nagios, Style::default(), &[]));
    assert_eq!((state.as_str(), data.len()), ("KRAFT UNKNOWN", 0));
}

#[test]
fn an_output_is_a_format_or_a_format_and_a_file() {
    let output = |text: &str| text.parse::<Output>();
    assert_eq!(output("nagios"), Ok(Output { format: Format::Nagios, file: None }));
    assert_eq!(output("json=a=b"), Ok(Output { format: Format::Json, file: Some("a=b".into()) }));
    for wrong in ["", "=", "JSON", "json=", "yaml", "yaml=x", "json "] {
        assert!(output(wrong).is_err(), "{wrong}");
    }
}
