//! SIGINT and SIGTERM while a look is under way: one document, at once, and death by that signal.

use std::io::Read;
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::schema;

/// Interrupts a look at a node that says nothing, once it has been connected to.
fn interrupted(signal: &str, format: &[&str]) -> (Option<i32>, String) {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address").to_string();
    let child = Command::new(env!("CARGO_BIN_EXE_kraft-check"))
        .args(["stage", "finalized", "-b", &address])
        .args(format)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let connection = silent.accept().expect("a connection");
    let then = Instant::now();
    let sent = Command::new("kill").args([signal, &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
    let output = child.wait_with_output().expect("an end");
    assert!(then.elapsed() < Duration::from_secs(1), "{signal}: {:?}", then.elapsed());
    drop(connection);
    (output.status.signal(), String::from_utf8(output.stdout).expect("text"))
}

#[test]
fn an_interrupted_look_says_so_in_the_asked_format_and_dies_by_the_signal() {
    for (name, number, id) in [("-INT", 2, "interrupted"), ("-TERM", 15, "terminated")] {
        let (signal, text) = interrupted(name, &["-o", "json"]);
        assert_eq!(signal, Some(number));
        let document: Value = serde_json::from_str(&text).expect("one document");
        schema::holds(&document);
        assert_eq!(document["exit_code"], 128 + number);
        assert_eq!(document["error"]["id"], id);
        assert_eq!(document["command"], serde_json::json!(["stage", "finalized"]));
        let (signal, text) = interrupted(name, &[]);
        assert_eq!((signal, text), (Some(number), format!("kraft-check: {id} before there was a verdict\n")));
        let (signal, text) = interrupted(name, &["-o", "nagios"]);
        let line = format!("KRAFT UNKNOWN - {id}: {id} before there was a verdict\n");
        assert_eq!((signal, text), (Some(number), line));
    }
}

#[test]
fn a_report_that_nobody_reads_can_still_be_ended() {
    // More than a pipe holds, after a look in which signals were listened for.
    let mut child = Command::new(env!("CARGO_BIN_EXE_kraft-check"))
        .args(["stage", "brokers-migrated", "-b", "127.0.0.1:1", "--expect-brokers", "1-2000", "-o", "json"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut first = [0];
    child.stdout.as_mut().expect("a pipe").read_exact(&mut first).expect("a beginning");
    let sent = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
    assert_eq!(child.wait().expect("an end").signal(), Some(15));
}
