//! What a program costs, as the kernel counts it for a process that has ended: wall time, CPU time, peak memory.
//!
//! The memory of this program is counted for what it starts, until that has become another program: it stays small.

use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use wait4::Wait4;

/// What one run cost.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spent {
    pub(crate) wall_ms: f64,
    pub(crate) cpu_ms: f64,
    pub(crate) peak_mb: f64,
}

/// The medians of several runs, and the quartiles of their wall times.
#[derive(Debug, Clone)]
pub(crate) struct Summary {
    pub(crate) wall_ms: f64,
    pub(crate) wall_quartiles: (f64, f64),
    pub(crate) cpu_ms: f64,
    pub(crate) peak_mb: f64,
}

impl Summary {
    pub(crate) fn of(runs: &[Spent]) -> Self {
        let walls = sorted(runs.iter().map(|run| run.wall_ms));
        Self {
            wall_ms: median(runs.iter().map(|run| run.wall_ms)),
            wall_quartiles: (walls[walls.len() / 4], walls[walls.len() * 3 / 4]),
            cpu_ms: median(runs.iter().map(|run| run.cpu_ms)),
            peak_mb: median(runs.iter().map(|run| run.peak_mb)),
        }
    }
}

/// The median of one run's share of another's of the same round: what is noise to both falls out.
pub(crate) fn ratio(ours: &[Spent], floor: &[Spent], of: fn(&Spent) -> f64) -> f64 {
    median(ours.iter().zip(floor).map(|(ours, floor)| of(ours) / of(floor)))
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let values = sorted(values);
    values[values.len() / 2]
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// A program with nothing of this one's environment but the path.
pub(crate) fn program(path: &Path, folder: &Path) -> Command {
    let mut command = Command::new(path);
    command.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default()).env("HOME", folder).current_dir(folder);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Runs it to its end, which must have this exit code.
pub(crate) fn run(mut command: Command, code: i32) -> Spent {
    let began = Instant::now();
    let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let ended = child.wait4().expect("a child can be waited for");
    let wall = began.elapsed();
    assert_eq!(ended.status.code(), Some(code), "{command:?}");
    let ms = 1e3;
    Spent {
        wall_ms: wall.as_secs_f64() * ms,
        cpu_ms: (ended.rusage.utime + ended.rusage.stime).as_secs_f64() * ms,
        #[expect(clippy::cast_precision_loss, reason = "no process has that many bytes")]
        peak_mb: ended.rusage.maxrss as f64 / 1e6,
    }
}

/// Another process that serves until this value is dropped.
pub(crate) struct Server(Child);

impl Server {
    /// Starts it and waits until it is ready.
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let said = BufReader::new(child.stdout.take().expect("its standard output")).lines().next();
        assert!(said.is_some_and(|line| line.is_ok_and(|line| line == "ready")), "{command:?} is not ready");
        Self(child)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends when its standard input does.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
