//! The documents: is what the README says of commands and exit codes so?

use std::fs;

use kraft_check::evaluate::evaluate;
use kraft_check::exit::EXITS;
use kraft_check::render::{Document, Format, Style, render};
use kraft_check::snapshot::recording;
use kraft_check::stages::STAGES;

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
fn the_first_command_runs_a_test_that_exists() {
    let command = &commands()[0];
    let test = "smallest_migration";
    assert!(command.contains("sh tests/install.sh kafka") && command.contains(test), "{command}");
    assert!(read("tests/real_kafka/forward.rs").contains(&format!("#[test]\nfn {test}()")));
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

#[test]
fn every_stage_is_explained() {
    let readme = read("README.md");
    for stage in STAGES {
        assert!(readme.contains(&format!("| `{}` | ", stage.id)), "{}", stage.id);
    }
}
