//! `docs/recipes/wait.sh`: what does the loop wait for, and what ends it?

use std::process::Command;

use crate::programs::{on_path, project};
use crate::recorded::{BLOCKED, COMPLETE, NOT_YET, Ran, Recorded, UNKNOWN};

fn wait(recorded: &Recorded, stage: &str, interval: &str) -> Ran {
    let mut command = Command::new("timeout");
    command.args(["20", "sh"]).arg(project("docs/recipes/wait.sh")).arg(stage);
    recorded.run({
        command.env("KRAFT_CHECK_INTERVAL", interval);
        command
    })
}

#[test]
fn it_waits_for_what_can_change_and_ends_with_complete() {
    let ran = wait(&Recorded::looks(&[NOT_YET, UNKNOWN, NOT_YET, COMPLETE]), "brokers-migrated", "0.1");
    assert_eq!((ran.code, ran.looks), (0, 4), "{ran:?}");
    let words: Vec<&str> =
        ran.stdout.lines().filter_map(|line| line.split_once(": brokers-migrated")).map(|w| w.0).collect();
    assert_eq!(words, ["NOT YET", "CANNOT TELL", "NOT YET", "COMPLETE"]);
}

#[test]
fn a_blocked_migration_ends_it_at_once() {
    let ran = wait(&Recorded::looks(&[BLOCKED]), "brokers-migrated", "0.1");
    assert_eq!((ran.code, ran.looks), (2, 1), "{ran:?}");
    let later = wait(&Recorded::looks(&[NOT_YET, BLOCKED, COMPLETE]), "brokers-migrated", "0.1");
    assert_eq!((later.code, later.looks), (2, 2), "{later:?}");
}

#[test]
fn mistakes_end_it_at_once() {
    let stage = wait(&Recorded::looks(&[COMPLETE]), "brokers-migratd", "0.1");
    assert_eq!((stage.code, stage.looks), (64, 1), "{stage:?}");
    let recording = wait(&Recorded::looks(&["no-such-recording"]), "brokers-migrated", "0.1");
    assert_eq!((recording.code, recording.looks), (78, 1), "{recording:?}");
    let program = wait(&Recorded::absent(), "brokers-migrated", "0.1");
    assert_eq!((program.code, program.looks), (127, 0), "{program:?}");
    let interval = wait(&Recorded::looks(&[NOT_YET]), "brokers-migrated", "soon");
    assert_eq!((interval.code, interval.looks), (64, 1), "a loop that does not sleep is an attack: {interval:?}");
}

#[test]
fn the_caller_bounds_it() {
    let recorded = Recorded::looks(&[NOT_YET]);
    let mut command = Command::new("timeout");
    command.args(["1", "sh"]).arg(project("docs/recipes/wait.sh")).arg("brokers-migrated");
    assert_eq!(recorded.run(command).code, 124);
}

#[test]
fn shellcheck_has_nothing_to_say() {
    let mut command = Command::new(on_path("shellcheck"));
    command.args(
        ["docs/recipes/wait.sh", "tests/install.sh", "tests/run.sh", "tests/fuzz/run.sh", ".ci/run"].map(project),
    );
    let ran = Recorded::absent().run(command);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
}
