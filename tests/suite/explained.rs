//! Explanations: is every id that can stand in a report explained, and do the documents say what the tables say?
//!
//! `KRAFT_CHECK_UPDATE=1 cargo test --test suite explained` writes the documents anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use kraft_check::doctor::{RIGHTS, Right};
use kraft_check::evaluate::evaluate;
use kraft_check::exit::{self, EXITS};
use kraft_check::explain::{Kind, Topic, find, tables, topics};
use kraft_check::render::{Document, Format, Style, render};
use kraft_check::report::{EARLIER_STAGE_FIRST, Oddity};
use kraft_check::snapshot::{Depth, Why};
use kraft_check::stages::{GUARDS, STAGES};

use crate::recordings::{accidents, snapshots};
use crate::reviewed::hold;
use crate::tool::run;

/// Every id that can stand in a report, from where it is defined.
fn defined() -> BTreeSet<&'static str> {
    let rows = || STAGES.iter().flat_map(|stage| stage.rows);
    let mut ids: BTreeSet<&str> = STAGES.iter().map(|stage| stage.id).collect();
    ids.extend(rows().flat_map(|row| [row.id, row.reason.action]));
    ids.extend(GUARDS.iter().flat_map(|guard| [guard.id, guard.reason.action]));
    ids.extend(rows().flat_map(|row| row.causes).filter_map(|cause| Some(cause.clause?.id)));
    ids.extend(Why::ALL.map(Why::id));
    ids.extend(Oddity::ALL.map(Oddity::id));
    ids.extend(EXITS.map(|exit| exit.name));
    ids.insert(EARLIER_STAGE_FIRST);
    ids
}

#[test]
fn every_id_that_can_be_reported_is_explained_once() {
    let mut kinds: BTreeMap<&str, Kind> = BTreeMap::new();
    for topic in topics() {
        assert!(kinds.insert(topic.id, topic.topic).is_none(), "{} is explained twice", topic.id);
        assert!(!topic.brief.is_empty(), "{}", topic.id);
    }
    for id in defined() {
        assert!(kinds.contains_key(id), "{id} is not explained");
        assert_eq!(find(id).expect("a topic").id, id);
    }
}

#[test]
fn every_id_in_the_reports_of_every_recording_is_explained() {
    let defined = defined();
    let looks = accidents().iter().flat_map(|(_, looks)| looks);
    for snapshot in snapshots().iter().map(|(_, snapshot)| snapshot).chain(looks) {
        for stage in STAGES {
            let report = evaluate(stage, snapshot);
            let findings = report.findings.iter().map(|finding| finding.id);
            let notes = report.errors.iter().chain(&report.warnings).map(|note| note.id);
            let actions = report.actions.iter().flat_map(|action| [action.id, action.explain]);
            for id in findings.chain(notes).chain(actions) {
                assert!(defined.contains(id), "{id} is not defined where the explanations come from");
            }
        }
    }
}

/// What the compiler does not hold: that the lists of kinds are whole. Each kind has one arm that gives its id.
#[test]
fn the_lists_of_errors_and_warnings_are_whole() {
    for (file, count) in [("src/snapshot/missed.rs", Why::ALL.len()), ("src/report/oddity.rs", Oddity::ALL.len())] {
        let text = std::fs::read_to_string(format!("{}/{file}", env!("CARGO_MANIFEST_DIR"))).expect("a source");
        let names = text.split("pub fn id(self)").nth(1).and_then(|rest| rest.split("\n    }\n").next());
        assert_eq!(names.expect("the names").matches("=> \"").count(), count, "{file}");
    }
}

#[test]
fn no_two_ids_are_explained_in_the_same_words() {
    let mut met = BTreeMap::new();
    for topic in topics() {
        if let Some(other) = met.insert(topic.brief.clone(), topic.id) {
            panic!("{other} and {}: {}", topic.id, topic.brief);
        }
    }
}

#[test]
fn what_can_fail_says_how_to_look_and_what_to_do() {
    for topic in topics() {
        let id = topic.id;
        if matches!(topic.topic, Kind::Row | Kind::Guard) {
            assert!(!topic.look.is_empty() && topic.meaning.is_some() && topic.source.is_some(), "{id}");
        }
        assert!(
            !topic.fix.is_empty() || matches!(topic.topic, Kind::Stage | Kind::Health) || id == "exit-codes",
            "{id}"
        );
        for command in topic.look.iter().map(|look| look.run) {
            let named = command.match_indices('$').map(|(at, _)| {
                let name = &command[at + 1..];
                name.split(|c: char| !c.is_ascii_uppercase()).next().expect("a name")
            });
            for name in named {
                assert!(topic.variables.iter().any(|variable| variable.id == name), "{id}: ${name}");
            }
        }
    }
}

#[test]
fn names_are_found_however_they_are_written() {
    let names = [
        ("not_yet", "not yet"),
        ("not-yet", "not yet"),
        ("Not yet", "not yet"),
        ("1", "not yet"),
        ("77", "refused"),
        ("unknown", "cannot tell"),
        ("FINALIZED", "finalized"),
        (" exit-codes ", "exit-codes"),
    ];
    for (word, id) in names {
        assert_eq!(find(word).map(|topic| topic.id).ok(), Some(id), "{word}");
    }
    let nearest = |word| find(word).expect_err("no topic");
    assert_eq!(nearest("brokers-migrate")[0], "brokers-migrated");
    assert_eq!(nearest("finalised")[0], "finalized");
    assert_eq!(nearest("").len(), 3);
    assert_eq!(nearest(&"x".repeat(10_000)).len(), 3);
}

#[test]
fn people_get_lines_of_eighty_columns() {
    let (tables, topics) = (tables(), topics());
    let explained = topics.iter().map(Document::Explanation);
    for document in [Document::Tables(&tables), Document::Topics(&topics)].into_iter().chain(explained) {
        let text = render(&document, Format::Human, Style::default(), &[]);
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "{line}");
            assert_eq!(line, line.trim_end());
        }
    }
}

#[test]
fn documents_for_programs_have_the_same_head() {
    let expected = [
        ("stages", "stages", &["stages", "guards"][..]),
        ("explain", "topics", &["topics"]),
        (
            "explain metadata-copied",
            "explanation",
            &["id", "topic", "brief", "meaning", "look", "variables", "fix", "never", "causes", "source", "see"],
        ),
        ("explain exit-codes", "explanation", &["id", "never", "source", "see"]),
    ];
    for (args, kind, keys) in expected {
        let document = run(&format!("{args} -o json")).json();
        assert_eq!((&document["kind"], &document["exit_code"]), (&kind.into(), &0.into()), "{args}");
        assert_eq!(document["command"], serde_json::json!(args.split(' ').collect::<Vec<_>>()), "{args}");
        for key in ["schema_version", "tool", "retryable"].iter().chain(keys) {
            assert!(document.get(key).is_some(), "{args}: {key}");
        }
    }
    let document = run("explain metadata-copied -o json").json();
    assert_eq!(document["topic"], "row");
    assert_eq!(document["causes"].as_array().map(Vec::len), Some(13));
    assert!(document["look"][0]["run"].as_str().is_some_and(|run| run.starts_with("curl -s $PAGE")));
}

#[test]
fn the_documents_are_what_the_tables_say() {
    hold("../docs/stages.md", &stages_document());
    hold("../docs/findings.md", &findings_document());
    hold("../docs/exit-codes.md", &exit_codes_document());
    hold("../docs/permissions.md", &permissions_document());
}

const GENERATED: &str =
    "Written by `KRAFT_CHECK_UPDATE=1 cargo test --test suite explained` from the tables in `src`;\n";

fn stages_document() -> String {
    let tables = tables();
    let mut text = format!("# Stages, and health\n\n{GENERATED}`kraft-check stages` prints the same.\n\n");
    text.push_str("Required: unseen, it leaves the stage unknown. Witness: it can only make a verdict worse.\n");
    for stage in tables.stages.iter().chain([&tables.health]) {
        let _ = writeln!(text, "\n## {}: {}\n\nComplete when {}.\n", stage.id, stage.title, stage.complete_when);
        text.push_str("| row | of whom | what | exactly | weight | when |\n|---|---|---|---|---|---|\n");
        for row in &stage.rows {
            let weight = if row.required { "required" } else { "witness" };
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {weight} | {} |",
                link(row.id),
                row.of,
                row.claim,
                row.demand,
                row.when.unwrap_or("always")
            );
        }
    }
    text.push_str("\n## Guards, in every stage\n\nBlocked when two looks have seen all of it of the same subject.\n\n");
    text.push_str("| guard | of whom | met when |\n|---|---|---|\n");
    for guard in &tables.guards {
        let _ = writeln!(text, "| {} | {} | {} |", link(guard.id), guard.of, guard.met_when.join(", and "));
    }
    text
}

fn permissions_document() -> String {
    let mut text = format!("# The least rights\n\n{GENERATED}`kraft-check doctor` tries them.\n\n");
    text.push_str(
        "Asking needs a login where listeners have one, and of rights only these. `ApiVersions`, and brokers and \
         controller in\n`Metadata`, need none. Metrics pages know nothing of Kafka's rights.\n",
    );
    let commands = [
        (Depth::Stage, "`stage`, `status`, `wait STAGE`"),
        (Depth::Content, "beside those, `health`, `doctor`, `wait healthy` and `--health`"),
    ];
    for (depth, commands) in commands {
        let _ = writeln!(text, "\n## {commands}\n");
        text.push_str("| operation | on | when | for | it shows | without it |\n|---|---|---|---|---|---|\n");
        for right in RIGHTS.iter().filter(|right| right.depth == depth) {
            let Right { operation, apis, when, shows, without, .. } = right;
            let (on, apis) = (right.resource.words(), apis.join(", "));
            let _ = writeln!(text, "| {operation} | {on} | {when} | {apis} | {shows} | {without} |");
        }
    }
    text.push_str(
        "\nAs an admin; the last three only where the table says that they are needed (ClusterAction and Alter are rights to \
         more than\nlooking):\n\n```sh\n",
    );
    for right in &RIGHTS {
        let (operation, flag) = (right.operation, right.resource.flag());
        let _ = writeln!(
            text,
            "kafka-acls.sh --bootstrap-server $BROKER --command-config admin.properties --add \\\n  \
             --allow-principal User:probe --operation {operation} {flag}"
        );
    }
    text.push_str(
        "```\n\nBefore the copy the controllers have no ACLs at all: until `ZkMigrationState` is MIGRATION they answer only \
         their\n`super.users`. Log in to them as one of these for quorum-provisioned and brokers-in-migration \
         (`--controller-command-config`),\nor those two stages cannot be told before the copy; from the copy on the \
         brokers' ACLs are theirs.\n",
    );
    text
}

fn link(id: &str) -> String {
    format!("[`{id}`](findings.md#{id})")
}

fn findings_document() -> String {
    let mut text = format!(
        "# Findings\n\n{GENERATED}`kraft-check explain ID` prints the same. Tools and options are those\nof Kafka 3.9.\n\n"
    );
    let topics = topics();
    let variables = topics.iter().flat_map(|topic| &topic.variables);
    let variables: BTreeMap<&str, &str> = variables.map(|variable| (variable.id, variable.brief.as_str())).collect();
    for (name, brief) in variables {
        let _ = writeln!(text, "- `${name}`: {brief}");
    }
    for kind in [Kind::Row, Kind::Guard, Kind::Clause, Kind::Action, Kind::Error, Kind::Warning] {
        let words = kind.words().1;
        let _ = writeln!(text, "\n## {}{}", words[..1].to_uppercase(), &words[1..]);
        for topic in topics.iter().filter(|topic| topic.topic == kind) {
            explanation(&mut text, topic);
        }
    }
    text
}

fn explanation(text: &mut String, topic: &Topic) {
    let _ = writeln!(text, "\n### {}\n\n{}.", topic.id, topic.brief);
    if let Some(meaning) = &topic.meaning {
        let _ = writeln!(text, "\nMeans: {meaning}.");
    }
    for look in &topic.look {
        let _ = writeln!(text, "\nLook: {}.\n\n```console\n$ {}\n```", look.tells, look.run);
    }
    text.push('\n');
    for fix in &topic.fix {
        let _ = writeln!(text, "- Fix: {fix}.");
    }
    if let Some(never) = topic.never {
        let _ = writeln!(text, "- Never: {never}.");
    }
    for cause in &topic.causes {
        let _ = writeln!(text, "- Cause: {}; told by: {}.", cause.text, cause.told_by);
    }
    if let Some(source) = topic.source {
        let _ = writeln!(text, "- Source: {source}.");
    }
    for pointer in &topic.see {
        let _ = writeln!(text, "- See `{}`: {}.", pointer.id, pointer.brief);
    }
}

fn exit_codes_document() -> String {
    let mut text = format!("# Exit codes\n\n{GENERATED}`kraft-check explain exit-codes` prints the same.\n\n");
    let _ = writeln!(text, "{}.\n\n| code | name | try again | when |\n|---:|---|---|---|", exit::RULE);
    for exit in EXITS {
        let again = if exit.retryable { "yes" } else { "no" };
        let _ = writeln!(text, "| {} | {} | {again} | {} |", exit.code, exit.name, exit.when);
    }
    text
}
