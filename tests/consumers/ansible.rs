//! `docs/recipes/ansible.yml`: when does Ansible run the task after the gate? And a tempting recipe that does too early.

use std::process::Command;

use crate::programs::{ansible, project};
use crate::recorded::{BLOCKED, COMPLETE, NOT_YET, Ran, Recorded, UNKNOWN};

const SAFE: &str = "docs/recipes/ansible.yml";
const UNSAFE: &str = "tests/consumers/unsafe.yml";

/// Runs a playbook with two retries that come at once.
fn play(playbook: &str, recorded: &Recorded, more: &[&str]) -> Ran {
    let mut command = Command::new(ansible("ansible-playbook"));
    command.arg(project(playbook)).args(["-e", r#"{"kraft_cluster": "", "kraft_retries": 2, "kraft_delay": 0}"#]);
    command.args(more).env_clear().env("HOME", recorded.file("home"));
    command.env("ANSIBLE_LOCALHOST_WARNING", "false").env("LC_ALL", "C.UTF-8").env("ANSIBLE_NOCOLOR", "true");
    recorded.run(command)
}

/// Whether the task after the gate ran. The play says so when it fails, too, and both must agree.
fn opened(ran: &Ran) -> bool {
    let opened = ran.stdout.contains("TASK [Next step]");
    assert!(ran.stdout.contains("TASK [Gate]") && ran.stdout.contains("changed=0"), "{ran:?}");
    assert_eq!(opened, ran.code == 0, "{ran:?}");
    opened
}

fn gate(looks: &[&str], more: &[&str]) -> (bool, usize) {
    let ran = play(SAFE, &Recorded::looks(looks), more);
    (opened(&ran), ran.looks)
}

#[test]
fn the_gate_opens_on_complete() {
    assert_eq!(gate(&[COMPLETE], &[]), (true, 1));
    assert_eq!(gate(&[NOT_YET, UNKNOWN, COMPLETE], &[]), (true, 3));
}

#[test]
fn it_stays_shut_when_the_retries_are_used_up() {
    // Two retries are three looks.
    assert_eq!(gate(&[NOT_YET], &[]), (false, 3));
    assert_eq!(gate(&[NOT_YET, NOT_YET, UNKNOWN], &[]), (false, 3));
}

#[test]
fn a_blocked_migration_shuts_it_at_once() {
    assert_eq!(gate(&[BLOCKED], &[]), (false, 1));
    assert_eq!(gate(&[UNKNOWN, BLOCKED, COMPLETE], &[]), (false, 2));
}

#[test]
fn mistakes_shut_it_at_once() {
    assert_eq!(gate(&[COMPLETE], &["-e", "kraft_stage=brokers-migratd"]), (false, 1));
    let ran = play(SAFE, &Recorded::absent(), &[]);
    assert_eq!((opened(&ran), ran.looks), (false, 0));
    assert!(ran.stdout.contains(r#""rc": 2"#), "a missing program looks like `blocked`, without a document: {ran:?}");
    assert!(ran.stdout.contains(r#""stdout": "", "#), "{ran:?}");
}

#[test]
fn a_rehearsal_looks_as_well() {
    assert_eq!(gate(&[COMPLETE], &["--check"]), (true, 1));
    assert_eq!(gate(&[UNKNOWN, BLOCKED], &["--check"]), (false, 2));
}

#[test]
fn the_tempting_recipe_opens_it_when_the_retries_are_used_up() {
    let ran = play(UNSAFE, &Recorded::looks(&[NOT_YET]), &[]);
    assert_eq!((ran.code, ran.looks), (0, 3), "{ran:?}");
    assert!(ran.stdout.contains("TASK [Next step]"), "{ran:?}");
}
