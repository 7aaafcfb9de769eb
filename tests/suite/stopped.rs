//! What is left of a wait that a signal ends, whenever it comes? One document, at once, and death by that signal; also
//! as the first process of a container, and with a hook that hangs.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::rehearsed::Held;
use crate::schema;

const RUNS: usize = 100;
/// How many wait at the same time.
const ABREAST: usize = 4;

/// A wait that has begun.
struct Begun {
    process: Child,
    stderr: BufReader<std::process::ChildStderr>,
}

impl Begun {
    fn with(held: &Held, flags: &[&str], runner: &[&str]) -> Self {
        let words = ["wait", "brokers-migrated", "--interval", "50ms", "-o", "json"];
        let line: Vec<&str> = runner.iter().copied().chain([env!("CARGO_BIN_EXE_kraft-check")]).collect();
        let mut process = Command::new(line[0])
            .args(&line[1..])
            .args(words)
            .args(flags)
            .current_dir(held.host.path("work"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let stderr = BufReader::new(process.stderr.take().expect("its standard error"));
        Self { process, stderr }
    }

    /// The first line: from then on signals are listened for.
    fn has_begun(&mut self) -> bool {
        let mut line = String::new();
        self.stderr.read_line(&mut line).expect("a line");
        line.contains("waiting for 15m at most")
    }

    /// Sends this signal to this process, and returns how it ended, its document, and how long that took.
    fn stop(mut self, signal: &str, id: u32) -> (std::process::ExitStatus, Value, Duration) {
        let then = Instant::now();
        let sent = Command::new("kill").args([signal, &id.to_string()]).status().expect("kill runs");
        assert!(sent.success());
        let mut text = String::new();
        self.process.stdout.take().expect("its output").read_to_string(&mut text).expect("text");
        let status = self.process.wait().expect("an end");
        let took = then.elapsed();
        let document: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        schema::holds(&document);
        (status, document, took)
    }
}

#[test]
fn whenever_a_signal_comes_there_is_one_document_and_death_by_it_at_once() {
    let held = Held::at("metadata-copied", "--brokers 3");
    let run = |number: usize| {
        let mut begun = Begun::with(&held, &[], &[]);
        assert!(begun.has_begun());
        sleep(Duration::from_micros(fastrand::u64(0..if number.is_multiple_of(2) { 5_000 } else { 300_000 })));
        let (signal, code) = if number.is_multiple_of(3) { ("-INT", 130) } else { ("-TERM", 143) };
        let id = begun.process.id();
        let (status, document, took) = begun.stop(signal, id);
        assert_eq!(status.signal(), Some(code - 128));
        assert_eq!((&document["exit_code"], &document["retryable"]), (&code.into(), &false.into()));
        let has_looked = document["kind"] == "report";
        if has_looked {
            assert_eq!(
                (&document["verdict"], &document["wait"]["ended_by"]),
                (&"not_yet".into(), &"interrupted".into())
            );
        } else {
            assert_eq!(document["kind"], "error");
        }
        (took, has_looked)
    };
    let mut ended: Vec<(Duration, bool)> = std::thread::scope(|scope| {
        let some = |first: usize| (first..RUNS).step_by(ABREAST).map(run).collect::<Vec<_>>();
        let all: Vec<_> = (0..ABREAST).map(|first| scope.spawn(move || some(first))).collect();
        all.into_iter().flat_map(|some| some.join().expect("every run ends well")).collect()
    });
    ended.sort();
    let (at, before) = (|percent: usize| ended[(RUNS - 1) * percent / 100].0, ended.iter().filter(|it| !it.1).count());
    println!(
        "{RUNS} runs, {before} before the first look was over: min {:?}, median {:?}, p99 {:?}, max {:?}",
        at(0),
        at(50),
        at(99),
        at(100)
    );
    assert_eq!(ended.len(), RUNS);
    assert!(at(100) < Duration::from_secs(1), "{:?}", at(100));
}

#[test]
fn a_hook_that_hangs_is_ended_with_all_that_it_started() {
    let held = Held::at("metadata-copied", "--brokers 3");
    let file = held.host.path("child");
    let hook = format!("sh -c 'sleep 1000 & echo $! > {}; wait'", file.display());
    let mut begun = Begun::with(&held, &["--slow-after", "1ms", "--on-slow", &hook], &[]);
    assert!(begun.has_begun());
    let child = loop {
        match fs::read_to_string(&file) {
            Ok(text) if text.ends_with('\n') => break text.trim().to_owned(),
            _ => sleep(Duration::from_millis(5)),
        }
    };
    let lives = || fs::read_to_string(format!("/proc/{child}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    assert!(lives());
    let id = begun.process.id();
    let (status, document, took) = begun.stop("-TERM", id);
    assert_eq!((status.signal(), &document["exit_code"]), (Some(15), &143.into()));
    assert!(took < Duration::from_secs(1), "{took:?}");
    let ended = Instant::now();
    while lives() {
        assert!(ended.elapsed() < Duration::from_secs(1), "what the hook started is still there");
        sleep(Duration::from_millis(5));
    }
}

#[test]
fn the_first_process_of_a_container_ends_as_any_other() {
    // The kernel spares it the deadly action of signals, so it has to end by itself.
    let runner = ["unshare", "--map-root-user", "--pid", "--fork", "--mount-proc"];
    let possible = Command::new(runner[0]).args(&runner[1..]).arg("true").output().is_ok_and(|it| it.status.success());
    if !possible {
        println!("not tried: no namespaces of our own are allowed here");
        return;
    }
    let held = Held::at("metadata-copied", "--brokers 3");
    for (signal, code) in [("-TERM", 143), ("-INT", 130)] {
        let mut begun = Begun::with(&held, &[], &runner);
        assert!(begun.has_begun());
        let children = format!("/proc/{0}/task/{0}/children", begun.process.id());
        let id = fs::read_to_string(children).expect("its children").trim().parse().expect("one child");
        let (status, document, took) = begun.stop(signal, id);
        assert_eq!((status.code(), &document["exit_code"]), (Some(code), &code.into()));
        assert!(took < Duration::from_secs(1), "{took:?}");
    }
}
