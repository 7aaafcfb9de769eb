//! The real binary under its own name, first on PATH, looking at recordings of real clusters: the first look at the
//! first, the second at the second, and so on, and from then on at the last. What comes of it is not judged here.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs};

use crate::programs::project;

/// Two of three brokers in migration mode: `brokers-migrated` is not complete.
pub(crate) const NOT_YET: &str = "3.9.2/forward/09-one-broker-on-kraft";
/// A KRaft broker that is down: whether `brokers-migrated` is complete cannot be told.
pub(crate) const UNKNOWN: &str = "3.9.2/forward/11-a-kraft-broker-stopped";
/// `brokers-migrated` is complete.
pub(crate) const COMPLETE: &str = "3.9.2/forward/10-all-brokers-on-kraft";
/// A broker lost its flag in the window: every stage is blocked.
pub(crate) const BLOCKED: &str = "3.9.2/lost-flags/04-a-broker-without-its-flag";

/// Each look adds a line to `looks`, and its number chooses the recording.
const KRAFT_CHECK: &str = r#"#!/bin/sh
here=$(dirname "$0")
echo "$*" >> "$here/looks"
number=$(wc -l < "$here/looks")
exec "$here/binary" "$@" --from "$(head -n "$number" "$here/recordings" | tail -n 1)"
"#;

/// A folder with `kraft-check` in it; gone with the value.
pub(crate) struct Recorded(PathBuf);

impl Recorded {
    /// A cluster that is found like this, one look after the other.
    pub(crate) fn looks(recordings: &[&str]) -> Self {
        let recorded = Self::absent();
        let paths: Vec<String> = recordings.iter().map(|name| recording(name).display().to_string()).collect();
        fs::write(recorded.file("recordings"), paths.join("\n") + "\n").expect("a written file");
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_kraft-check"), recorded.file("binary")).expect("a link");
        let program = recorded.file("kraft-check");
        fs::write(&program, KRAFT_CHECK).expect("a written file");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("an executable");
        recorded
    }

    /// No kraft-check at all.
    pub(crate) fn absent() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = env::temp_dir().join(format!("kraft-check-consumers-{}-{number}", std::process::id()));
        // Whatever is there was left by a process that had our id and was killed.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        Self(folder)
    }

    /// A path in the folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Runs a consumer that finds this kraft-check.
    pub(crate) fn run(&self, mut consumer: Command) -> Ran {
        let rest = env::var_os("PATH").expect("PATH is set");
        let path = env::join_paths([self.0.clone()].into_iter().chain(env::split_paths(&rest))).expect("a PATH");
        Ran::of(&consumer.env("PATH", path).output().expect("the consumer starts"), &self.file("looks"))
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The file of a recording.
pub(crate) fn recording(name: &str) -> PathBuf {
    project(&format!("protocol-fixtures/{name}.json"))
}

/// What a consumer did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    /// How often kraft-check was run.
    pub(crate) looks: usize,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    fn of(output: &Output, looks: &Path) -> Self {
        Self {
            code: output.status.code().expect("the consumer ends by itself"),
            // There is no such file where nobody looked.
            looks: fs::read_to_string(looks).unwrap_or_default().lines().count(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}
