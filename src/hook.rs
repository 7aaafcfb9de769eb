//! The operator's own commands: run without a shell, told of an event as JSON on standard input, ended by us when they
//! take too long.
//!
//! They run beside the looks: a slow hook delays none, so that it never makes a gap in what was seen. Of each hook one
//! run at a time; what happens meanwhile it is told afterwards, the newest event alone. Not here: when one is run
//! (`wait`).

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};
use tokio::time::timeout;

use crate::wait::{CameTo, Trigger};

/// How long a hook may run.
pub const LIMIT: Duration = Duration::from_secs(10);

/// Every hook of a wait. Those that still run when the event loop ends are ended with it.
#[derive(Debug)]
pub struct Hooks {
    calls: Vec<(Trigger, watch::Sender<String>)>,
    results: mpsc::Receiver<(Trigger, CameTo)>,
}

impl Hooks {
    /// Hooks that wait for their triggers. Each is a program and its arguments.
    #[must_use]
    pub fn new(commands: &[(Trigger, Vec<String>)]) -> Self {
        let (results, of_all) = mpsc::channel(1);
        let calls = commands.iter().map(|(trigger, words)| {
            let (call, calls) = watch::channel(String::new());
            tokio::spawn(serve(*trigger, words.clone(), calls, results.clone()));
            (*trigger, call)
        });
        Self { calls: calls.collect(), results: of_all }
    }

    /// Runs the hooks with this trigger, and gives them this document.
    pub fn call(&self, is_met: impl Fn(Trigger) -> bool, event: &str) {
        for (_, call) in self.calls.iter().filter(|(trigger, _)| is_met(*trigger)) {
            call.send_replace(event.to_owned());
        }
    }

    /// What the next hook came to that ends; `None` once there will be no other.
    pub async fn next(&mut self) -> Option<(Trigger, CameTo)> {
        self.results.recv().await
    }

    /// No hook is called any more; those that were are still run.
    pub fn close(&mut self) {
        self.calls.clear();
    }
}

async fn serve(
    trigger: Trigger,
    words: Vec<String>,
    mut calls: watch::Receiver<String>,
    results: mpsc::Sender<(Trigger, CameTo)>,
) {
    while calls.changed().await.is_ok() {
        let event = calls.borrow_and_update().clone();
        if results.send((trigger, run(&words, &event).await)).await.is_err() {
            return;
        }
    }
}

async fn run(words: &[String], event: &str) -> CameTo {
    let mut group = match start(words) {
        Ok(group) => group,
        Err(error) => return CameTo::NotStarted(error.to_string()),
    };
    match timeout(LIMIT, group.finish(event)).await {
        Ok(Ok(end)) => end.code().map_or(CameTo::Killed, CameTo::Code),
        Ok(Err(_)) => CameTo::Killed,
        Err(_) => CameTo::TimedOut,
    }
}

/// Starts the program as the head of a process group. Standard output is for our document alone, so what the program
/// writes there goes to standard error.
fn start(words: &[String]) -> io::Result<Group> {
    let (program, arguments) = words.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(io::stderr()).process_group(0).kill_on_drop(true);
    Ok(Group { head: command.spawn()? })
}

/// A program and what it started: all of it is ended when this is dropped before the program has ended by itself.
struct Group {
    head: Child,
}

impl Group {
    async fn finish(&mut self, event: &str) -> io::Result<ExitStatus> {
        if let Some(mut stdin) = self.head.stdin.take() {
            // Nobody has to read it.
            let _ = stdin.write_all(event.as_bytes()).await;
        }
        self.head.wait().await
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // It has an id as long as nobody has waited for its end, so the group is still its own.
        let head = self.head.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let Some(head) = head {
            // One that has just ended by itself is no loss.
            let _ = kill_process_group(head, Signal::KILL);
        }
    }
}
