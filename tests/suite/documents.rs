//! The documents: is what the README says of commands and exit codes so?

use std::fs;

use kraft_check::evaluate::evaluate;
use kraft_check::exit::EXITS;
use kraft_check::render::{Document, Format, Style, render};
use kraft_check::snapshot::recording;
use kraft_check::stages::STAGES;

use crate::host::Host;
use crate::tool::run;

fn read(name: &str) -> String {
    fs::read_to_string(format!("{}/{name}", env!("CARGO_MANIFEST_DIR")))
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The ```` ```sh ```` blocks of the README: commands for a fresh machine.
fn commands() -> Vec<String> {
    let readme = read("README.md");
    let blocks = readme.split("```sh\n").skip(1);
    blocks.map(|rest| rest.split("```").next().expect("a block").trim().to_owned()).collect()
}

#[test]
fn the_first_command_prints_the_readmes_table() {
    let command = &commands()[0];
    let typed = command.strip_prefix("cargo run -- ").expect("nothing but Rust is needed");
    let ran = run(typed);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert!(read("README.md").contains(&format!("```text\n{}```", ran.stdout)), "{}", ran.stdout);
}

#[test]
fn the_second_command_is_what_ci_runs() {
    assert_eq!(commands().len(), 2);
    assert!(read(".ci/run").contains(&commands()[1]));
}

#[test]
fn the_table_of_exit_codes_is_the_programs() {
    let readme = read("README.md");
    let rows = readme
        .lines()
        .filter_map(|line| line.strip_prefix("| "))
        .filter(|row| row.starts_with(|c: char| c.is_ascii_digit()));
    let rows: Vec<(String, String)> = rows
        .map(|row| {
            let mut cells = row.split(" | ").map(ToOwned::to_owned);
            (cells.next().expect("a code"), cells.next().expect("a name"))
        })
        .collect();
    let table: Vec<(String, String)> = EXITS.iter().map(|exit| (exit.code.to_string(), exit.name.to_owned())).collect();
    assert_eq!(rows, table);
}

#[test]
fn the_example_is_what_the_program_says_of_a_real_cluster() {
    let snapshot = recording::read(&read("protocol-fixtures/3.9.2/forward/09-one-broker-on-kraft.json"));
    let report = evaluate(&STAGES[2], &snapshot.expect("a recording"));
    let said = render(&Document::Report(&report), Format::Human, Style::default(), &[]);
    assert!(read("README.md").contains(&said), "{said}");
}

/// The ```` ```console ```` blocks of the README: what is typed after `$ `, and what comes of it.
fn sessions() -> Vec<(String, String)> {
    let readme = read("README.md");
    let blocks = readme.split("```console\n").skip(1).map(|rest| rest.split("```").next().expect("a block").to_owned());
    let mut typed = Vec::new();
    for block in blocks {
        for entry in block.split("$ ").skip(1) {
            let (command, output) = entry.split_once('\n').expect("a line");
            typed.push((command.to_owned(), output.to_owned()));
        }
    }
    typed
}

#[test]
fn what_the_readme_asks_of_recordings_is_answered_so() {
    let sessions = sessions();
    let asked = sessions.iter().zip(sessions.iter().skip(1)).filter(|((command, _), _)| command.contains("--from"));
    let mut count = 0;
    for ((command, output), (next, code)) in asked {
        let typed = command.strip_prefix("kraft-check ").expect("our command");
        let ran = run(&typed.replace("protocol-fixtures", concat!(env!("CARGO_MANIFEST_DIR"), "/protocol-fixtures")));
        assert_eq!(&ran.stdout, output, "{command}");
        assert_eq!((next.as_str(), code.trim()), ("echo $?", ran.code.to_string().as_str()), "{command}");
        count += 1;
    }
    assert_eq!(count, 5, "where is it, may I go on, may I not, is it boring, can it be told");
}

#[test]
fn the_config_file_sets_what_the_example_types() {
    let readme = read("README.md");
    let between = |from: &str, to: &str| {
        readme.split(from).nth(1).and_then(|rest| rest.split(to).next()).expect("a block").to_owned()
    };
    let typed = between("$ kraft-check stage brokers-migrated \\\n", "\nNOT YET").replace(['\\', '\''], " ");
    let values = |shown: serde_json::Value| {
        let settings = shown["settings"].as_array().expect("settings").clone();
        settings.into_iter().map(|one| (one["key"].clone(), one["value"].clone())).collect::<Vec<_>>()
    };
    let host = Host::with(&between("```toml\n", "```"));
    let configured = host.show(&[], "");
    assert_eq!(configured["cluster"]["name"], "production");
    assert_eq!(values(configured), values(Host::new().show(&[], &typed)));
    assert_eq!(host.show(&[], "--cluster staging")["cluster"]["name"], "staging");
    assert_eq!(host.show(&[("KRAFT_CHECK_OUTPUT", "json")], "")["file"], "kraft-check.toml");
}

#[test]
fn the_stages_are_complete_when_the_program_says_so() {
    let readme = read("README.md");
    for stage in STAGES {
        assert!(readme.contains(&format!("| `{}` | {} |", stage.id, stage.complete_when)), "{}", stage.id);
    }
}

#[test]
fn the_explanation_is_the_programs() {
    for name in ["voter-without-flag", "3"] {
        let said = run(&format!("explain {name}")).stdout;
        assert!(read("README.md").contains(&format!("$ kraft-check explain {name}\n{said}```")), "{said}");
    }
}

#[test]
fn what_is_measured_through_the_library_is_built_as_the_program_is() {
    let profile = |manifest: &str| {
        let manifest: toml::Table = read(manifest).parse().expect("a manifest");
        manifest["profile"]["release"].clone()
    };
    assert_eq!(profile("tests/figures/Cargo.toml"), profile("Cargo.toml"));
}
