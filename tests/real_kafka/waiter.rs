//! A wait of the built binary that runs beside a cluster: begun, listened to while it goes on, held, ended.
//! What it must come to is up to the test.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::jvm;
use crate::verdicts::V;

/// How long nothing may be heard of a wait that is listened to. A look takes half a minute at the most.
const PATIENCE: Duration = Duration::from_mins(1);

/// A running wait. Dropping the value kills it, so a panic does too.
pub(crate) struct Waiter {
    goal: String,
    child: Child,
    coming: Receiver<Said>,
    /// Reads until there is no more, and says when that was.
    listener: Option<JoinHandle<Instant>>,
    heard: Vec<Said>,
}

/// A document that a wait wrote, and when it came.
struct Said {
    at: Instant,
    document: Value,
}

/// One look of a wait, as its event tells it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    pub(crate) verdict: V,
    /// How many findings are unknown, whatever the verdict is.
    pub(crate) unknown: u64,
    /// For how long it had been complete.
    pub(crate) stable: Duration,
}

/// A wait that is over.
pub(crate) struct Over {
    pub(crate) goal: String,
    pub(crate) began: Instant,
    pub(crate) ended: Instant,
    pub(crate) exit: ExitStatus,
    pub(crate) looks: Vec<Look>,
    /// Everything but the report.
    pub(crate) events: Vec<Value>,
    pub(crate) report: Value,
}

impl Waiter {
    /// Begins to wait.
    pub(crate) fn begin(goal: &str, flags: &[String], more: &[&str]) -> Self {
        let mut tool = jvm::mortal(env!("CARGO_BIN_EXE_kraft-check"));
        tool.args(["wait", goal, "-o", "jsonl"]).args(flags).args(more).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = jvm::launch(tool).expect("the binary starts");
        let stdout = child.stdout.take().expect("its standard output");
        let (ear, coming) = mpsc::channel();
        let listener = Some(thread::spawn(move || listen(stdout, &ear)));
        Self { goal: goal.to_owned(), child, coming, listener, heard: Vec::new() }
    }

    /// The next look that it tells of.
    pub(crate) fn next_look(&mut self) -> Look {
        let known = looks(&self.heard).len();
        loop {
            if let Some(look) = looks(&self.heard).get(known) {
                return *look;
            }
            assert!(self.hear(), "{} is over: {:#}", self.goal, self.last());
        }
    }

    /// The first look that began after this moment, once it is over.
    pub(crate) fn look_begun_after(&mut self, moment: Instant) -> Look {
        loop {
            if let Some(look) = looks(&self.heard).into_iter().find(|look| look.began >= moment) {
                return look;
            }
            assert!(self.hear(), "{} is over: {:#}", self.goal, self.last());
        }
    }

    /// Holds the process, or lets it go on.
    pub(crate) fn hold(&self, held: bool) {
        jvm::signal(&self.child, if held { "STOP" } else { "CONT" });
    }

    /// Asks the process to stop.
    pub(crate) fn terminate(&self) {
        jvm::signal(&self.child, "TERM");
    }

    /// What became of it, once it is over. The last line is the report, and no other is.
    pub(crate) fn over(mut self) -> Over {
        while self.hear() {}
        let ended = self.listener.take().expect("one end").join().expect("every line is a document");
        let exit = self.child.wait().expect("a child can be waited for");
        let looks = looks(&self.heard);
        let began = self.heard.first().expect("a first line").at;
        let mut events: Vec<Value> = self.heard.drain(..).map(|said| said.document).collect();
        let report = events.pop().expect("a last line");
        assert_eq!(report["kind"], "report", "{}: {report:#}", self.goal);
        assert!(events.iter().all(|event| event["kind"] == "event"), "{}: {events:?}", self.goal);
        Over { goal: self.goal.clone(), began, ended, exit, looks, events, report }
    }

    /// Waits for another line; whether there was one.
    fn hear(&mut self) -> bool {
        match self.coming.recv_timeout(PATIENCE) {
            Ok(said) => self.heard.push(said),
            Err(RecvTimeoutError::Disconnected) => return false,
            Err(RecvTimeoutError::Timeout) => panic!("{} is silent after {:#}", self.goal, self.last()),
        }
        true
    }

    fn last(&self) -> Value {
        self.heard.last().map_or(Value::Null, |said| said.document.clone())
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        // Fails only for a process that has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Over {
    /// The events of this name.
    pub(crate) fn named(&self, name: &str) -> Vec<&Value> {
        self.events.iter().filter(|event| event["event"] == name).collect()
    }

    /// A number of the rules by which it waited.
    pub(crate) fn rule(&self, name: &str) -> u64 {
        self.events[0]["rules"][name].as_u64().unwrap_or_else(|| panic!("no {name}: {:#}", self.events[0]))
    }

    /// A line to keep: what its looks said, one after the other.
    pub(crate) fn story(&self) -> String {
        let same = self.looks.chunk_by(|one, other| one.verdict == other.verdict);
        let runs: Vec<_> = same.map(|run| format!("{} {}", run.len(), run[0].verdict.word())).collect();
        let longest = self.looks.iter().map(Look::took).max().unwrap_or_default();
        format!("{} looks of {:.2} s at most: {}", self.looks.len(), longest.as_secs_f64(), runs.join(", "))
    }
}

impl Look {
    pub(crate) fn took(&self) -> Duration {
        self.ended.saturating_duration_since(self.began)
    }
}

fn listen(stdout: ChildStdout, ear: &Sender<Said>) -> Instant {
    for line in BufReader::new(stdout).lines() {
        let line = line.expect("text");
        let document = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        // Nobody has to hear it.
        let _ = ear.send(Said { at: Instant::now(), document });
    }
    Instant::now()
}

/// The looks that were told of. Each begins when the pause is over that the event before it announced, unless the
/// process was held by then.
fn looks(heard: &[Said]) -> Vec<Look> {
    let millis = |document: &Value, key: &str| document[key].as_u64().map(Duration::from_millis);
    let mut looks = Vec::new();
    let mut began = heard.first().map(|said| said.at);
    for Said { at, document } in heard.iter().filter(|said| said.document["event"] == "sample") {
        looks.push(Look {
            began: began.expect("a look begins after the one before it"),
            ended: *at,
            verdict: V::of(document),
            unknown: document["summary"]["unknown"].as_u64().expect("a number"),
            stable: millis(document, "stable_ms").expect("a time"),
        });
        began = millis(document, "next_look_ms").map(|pause| *at + pause);
    }
    looks
}
