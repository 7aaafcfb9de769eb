//! `kraft-check wait … && NEXT` in a shell script, as `docs/recipes` has it: what does the next step wait for, and what
//! keeps it from being taken? Of a rehearsal, over sockets. And: are our own scripts what a shell takes them for?

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::programs::{on_path, project};
use crate::recorded::Recorded;

/// The built program.
const KRAFT_CHECK: &str = env!("CARGO_BIN_EXE_kraft-check");

/// A rehearsal that stays in one phase, in a folder of its own, until it is dropped.
struct Held {
    folder: PathBuf,
    rehearsal: Child,
}

impl Held {
    fn at(phase: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("kraft-check-shell-{phase}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let rehearsal = Command::new(KRAFT_CHECK)
            .args(["rehearse", "--brokers", "2", "--hold", phase])
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let began = Instant::now();
        while !folder.join("kraft-check.toml").exists() {
            assert!(began.elapsed() < Duration::from_mins(1), "{phase} is never held");
            sleep(Duration::from_millis(20));
        }
        Self { folder, rehearsal }
    }

    /// Runs this line of a script in the folder, where the settings are found.
    fn run(&self, line: &str) -> Output {
        let own = Path::new(KRAFT_CHECK).parent().expect("a folder").display();
        let path = format!("{own}:{}", std::env::var("PATH").unwrap_or_default());
        Command::new("sh").args(["-c", line]).env("PATH", path).current_dir(&self.folder).output().expect("sh starts")
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // The test is over either way.
        let _ = self.rehearsal.kill();
        let _ = self.rehearsal.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn the_next_step_is_taken_when_the_stage_is_complete_and_the_cluster_healthy() {
    let held = Held::at("broker-2-on-kraft");
    let ran = held.run("kraft-check wait brokers-migrated --health --interval 100ms -q && echo next");
    assert_eq!((ran.status.code(), String::from_utf8_lossy(&ran.stdout).as_ref()), (Some(0), "next\n"), "{ran:?}");
}

#[test]
fn the_next_step_is_not_taken_otherwise() {
    let held = Held::at("metadata-copied");
    for (arguments, code) in [
        ("brokers-migrated --health --timeout 2s", 124),
        ("brokers-migrated --no-progress 1s", 124),
        ("brokers-migratd", 64),
        ("finalized --interval soon", 64),
        ("finalized --config no-such-file.toml", 78),
    ] {
        let ran = held.run(&format!("kraft-check wait {arguments} --samples 2 --interval 100ms && echo next"));
        let said = String::from_utf8_lossy(&ran.stdout);
        assert_eq!(ran.status.code(), Some(code), "{arguments}: {said}");
        assert!(!said.contains("next\n"), "{arguments}: {said}");
    }
}

#[test]
fn shellcheck_has_nothing_to_say() {
    let mut command = Command::new(on_path("shellcheck"));
    command.args(
        ["tests/install.sh", "tests/run.sh", "tests/fuzz/run.sh", "tests/figures/run.sh", ".ci/run"].map(project),
    );
    let ran = Recorded::absent().run(command);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
}
