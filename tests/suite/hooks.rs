//! What are hooks told, what comes of them, and what of those that fail, hang or are not there? Small programs, run by
//! the binary beside a rehearsal, and by themselves.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kraft_check::hook::{Hooks, LIMIT};
use kraft_check::wait::{CameTo, Trigger};
use serde_json::Value;
use tokio::time::Instant;

use crate::host::Host;
use crate::rehearsed::Held;
use crate::schema;

/// Waits in the folder of a rehearsal. Every flag is a word, so that hooks may have spaces.
pub(crate) fn waiting(held: &Held, stage: &str, flags: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_kraft-check"))
        .current_dir(held.host.path("work"))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .args(["wait", stage, "--interval", "200ms"])
        .args(flags)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts")
}

/// Exit code, the lines of standard output as documents, and standard error.
fn over(child: Child) -> (i32, Vec<Value>, String) {
    let output = child.wait_with_output().expect("an end");
    let stdout = String::from_utf8(output.stdout).expect("text");
    let lines = stdout.lines().map(|line| serde_json::from_str(line).expect("one JSON document a line"));
    let lines = lines.inspect(schema::holds).collect();
    (output.status.code().expect("a code"), lines, String::from_utf8(output.stderr).expect("text"))
}

fn named<'a>(events: &'a [Value], name: &str) -> Vec<&'a Value> {
    events.iter().filter(|event| event["event"] == name).collect()
}

fn told(file: &Path) -> Value {
    let document = serde_json::from_slice(&fs::read(file).expect("it was told")).expect("JSON");
    schema::holds(&document);
    document
}

#[test]
fn a_hook_reads_its_event_and_writes_into_no_document() {
    let held = Held::at("metadata-copied", "--brokers 2");
    let file = held.host.path("complete.json");
    let hook = format!("sh -c 'cat > \"$1\"; echo told; exit 3' hook '{}'", file.display());
    let (code, lines, stderr) = over(waiting(&held, "brokers-in-migration", &["--on-complete", &hook, "-o", "jsonl"]));
    assert_eq!(code, 0, "whatever a hook comes to: {stderr}");
    assert!(stderr.contains("told\n") && stderr.contains(" --on-complete: exit code 3\n"), "{stderr}");
    let told = told(&file);
    assert_eq!(named(&lines, "sample").last(), Some(&&told), "the event as it stands in the stream");
    assert_eq!((&told["ended_by"], &told["verdict"]), (&"complete".into(), &"complete".into()));
    let hook = &named(&lines, "hook")[0]["hook"];
    assert_eq!(
        (&hook["name"], &hook["outcome"], &hook["exit_code"]),
        (&"on-complete".into(), &"ended".into(), &3.into())
    );
    assert_eq!(lines.last().expect("a report")["kind"], "report");
}

#[test]
fn change_and_slow_have_hooks_of_their_own() {
    let mut held = Held::at("broker-1-on-kraft", "--brokers 2");
    let (change, slow) = (held.host.path("change.json"), held.host.path("slow.json"));
    let [on_change, on_slow] = [&change, &slow].map(|file| format!("tee '{}'", file.display()));
    let flags = ["--on-change", &on_change, "--on-slow", &on_slow, "--slow-after", "300ms", "-o", "jsonl"];
    let child = waiting(&held, "brokers-migrated", &flags);
    while !slow.exists() {
        std::thread::sleep(Duration::from_millis(20));
    }
    held.go_on_to("broker-2-on-kraft");
    let (code, lines, _) = over(child);
    assert_eq!(code, 0);
    assert_eq!((&told(&slow)["event"], &told(&slow)["verdict"]), (&"slow".into(), &"not_yet".into()));
    let change = told(&change);
    assert_eq!((&change["event"], &change["changed"]), (&"sample".into(), &true.into()));
    assert_eq!(change["verdict"], "complete");
    assert_eq!(named(&lines, "slow").len(), 1, "said once");
}

#[test]
fn blocked_has_a_hook_too() {
    let held = Held::at("metadata-copied", "--brokers 2 --fault 2=flag-off");
    let file = held.host.path("blocked.json");
    let hook = format!("tee '{}'", file.display());
    let (code, ..) = over(waiting(&held, "brokers-migrated", &["--on-blocked", &hook, "-o", "json"]));
    assert_eq!((code, &told(&file)["ended_by"]), (2, &"blocked".into()));
}

#[test]
fn a_program_that_is_not_there_is_said_and_changes_nothing() {
    let held = Held::at("metadata-copied", "--brokers 2");
    let flags = ["--on-complete", "no-such-program at all", "-o", "jsonl"];
    let (code, lines, stderr) = over(waiting(&held, "brokers-in-migration", &flags));
    let hook = &named(&lines, "hook")[0]["hook"];
    assert_eq!((code, &hook["outcome"]), (0, &"not_started".into()));
    assert!(hook["message"].as_str().is_some_and(|why| why.contains("No such file")), "{hook}");
    assert!(stderr.contains(" --on-complete: not started: No such file"), "{stderr}");
}

/// What a hook comes to that is called once, and how long it took by the clock of the runtime.
fn came_to(words: &[&str], paused: bool) -> (Option<(Trigger, CameTo)>, Duration) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(paused).build();
    runtime.expect("an event loop").block_on(async {
        let mut hooks = Hooks::new(&[(Trigger::Slow, words.iter().map(ToString::to_string).collect())]);
        let began = Instant::now();
        hooks.call(|trigger| trigger == Trigger::Slow, "{}\n");
        hooks.close();
        let came_to = hooks.next().await;
        assert_eq!(hooks.next().await, None, "called once, run once");
        (came_to, began.elapsed())
    })
}

#[test]
fn a_hook_that_takes_too_long_is_ended() {
    // The clock stands still while anything is to be done, and jumps to the limit while the program sleeps.
    let (came_to, took) = came_to(&["sleep", "1000"], true);
    assert_eq!(came_to, Some((Trigger::Slow, CameTo::TimedOut)));
    assert!(took >= LIMIT && took < LIMIT + Duration::from_secs(1), "{took:?}");
}

#[test]
fn a_hook_ends_as_it_ends() {
    let of = |words: &[&str]| came_to(words, false).0.map(|(_, came_to)| came_to);
    assert_eq!(of(&["true"]), Some(CameTo::Code(0)), "it need not read");
    assert_eq!(of(&["sh", "-c", "exit 77"]), Some(CameTo::Code(77)));
    assert_eq!(of(&["sh", "-c", "kill -9 $$"]), Some(CameTo::Killed));
    assert!(matches!(of(&["/etc/passwd"]), Some(CameTo::NotStarted(_))));
}

#[test]
fn a_busy_hook_is_told_the_newest_event_alone() {
    let host = Host::new();
    let file = host.path("told");
    let script = format!("cat >> '{}'; sleep 0.3", file.display());
    let words = ["sh", "-c", &script].map(ToOwned::to_owned).to_vec();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("an event loop");
    runtime.block_on(async {
        let mut hooks = Hooks::new(&[(Trigger::Change, words)]);
        for number in 1..=5 {
            hooks.call(|trigger| trigger == Trigger::Change, &format!("{number}\n"));
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
        hooks.close();
        while hooks.next().await.is_some() {}
    });
    assert_eq!(fs::read_to_string(file).expect("it was told"), "1\n5\n");
}
