//! How the harness waits: with a deadline, with an eye on the processes, and with a reason when it gives up.

use std::thread;
use std::time::{Duration, Instant};

use super::Cluster;
use crate::jvm::Jvm;

const PATIENCE: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(50);

impl Cluster {
    /// Waits as long as any step of a migration may take and fails the test after that.
    pub(super) fn wait_for<T>(&mut self, goal: &str, attempt: impl Fn(&Self) -> Result<T, String>) -> T {
        self.attempt(PATIENCE, goal, attempt).unwrap_or_else(|missing| {
            let nodes = self.nodes.values();
            let ends = nodes.map(|node| format!("{}:\n{}", node.name(), node.last_words(5)));
            let ends: Vec<_> = ends.collect();
            panic!("no {goal} in {PATIENCE:?}: {missing}\n{}", ends.join("\n\n"));
        })
    }

    /// Tries until an attempt succeeds or the time is over; a failed attempt says what it misses.
    /// A node that died meanwhile fails the test at once.
    pub(super) fn attempt<T>(
        &mut self,
        limit: Duration,
        goal: &str,
        attempt: impl Fn(&Self) -> Result<T, String>,
    ) -> Result<T, String> {
        let deadline = Instant::now() + limit;
        loop {
            let outcome = attempt(self);
            if outcome.is_ok() {
                return outcome;
            }
            self.all_alive(goal);
            if Instant::now() > deadline {
                return outcome;
            }
            thread::sleep(POLL);
        }
    }

    fn all_alive(&mut self, goal: &str) {
        for node in self.nodes.values_mut() {
            if let Some(exit) = node.jvm.as_mut().and_then(Jvm::ended) {
                let (name, words) = (node.name(), node.last_words(25));
                panic!("{name} died ({exit}) while waiting for {goal}; its last words:\n{words}");
            }
        }
    }
}
