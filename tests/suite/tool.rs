//! The built binary, run once; where nothing is configured, unless a test configures it.

use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use crate::{schema, secrets};

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs the binary with these arguments, apart by spaces.
pub(crate) fn run(args: &str) -> Ran {
    run_args(&args.split_whitespace().collect::<Vec<_>>())
}

/// Runs the binary with these arguments.
pub(crate) fn run_args(args: &[&str]) -> Ran {
    run_in(nowhere(), &[], args)
}

/// Runs the binary in this folder, with these variables and no others.
pub(crate) fn run_in(folder: &Path, variables: &[(&str, &str)], args: &[&str]) -> Ran {
    let mut tool = Command::new(env!("CARGO_BIN_EXE_kraft-check"));
    tool.current_dir(folder).env_clear().envs(variables.iter().copied()).args(args);
    ran(tool)
}

/// Runs the binary with so much room for its data: what is reserved counts, whether it is used or not.
pub(crate) fn run_within(kilobytes: u32, args: &[&str]) -> Ran {
    let mut tool = Command::new("sh");
    let limited = format!("ulimit -d {kilobytes} && exec \"$0\" \"$@\"");
    tool.current_dir(nowhere()).env_clear().args(["-c", &limited, env!("CARGO_BIN_EXE_kraft-check")]).args(args);
    ran(tool)
}

fn ran(mut tool: Command) -> Ran {
    let output = tool.output().expect("the binary starts");
    secrets::search("standard output", &output.stdout);
    secrets::search("standard error", &output.stderr);
    Ran {
        // A signal instead of a code is what an abort would look like.
        code: output.status.code().expect("the binary ends by itself"),
        stdout: String::from_utf8(output.stdout).expect("text on stdout"),
        stderr: String::from_utf8(output.stderr).expect("text on stderr"),
    }
}

/// An empty folder, in which no config file is found.
fn nowhere() -> &'static Path {
    static NOWHERE: OnceLock<std::path::PathBuf> = OnceLock::new();
    NOWHERE.get_or_init(|| {
        let folder = std::env::temp_dir().join(format!("kraft-check-nowhere-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        folder
    })
}

impl Ran {
    /// Standard output as exactly one JSON document that agrees with the exit code.
    pub(crate) fn json(&self) -> Value {
        let document: Value = serde_json::from_str(&self.stdout).expect("one JSON document on stdout");
        assert_eq!(document["exit_code"], self.code, "the document and the process agree");
        assert_eq!(document["retryable"], [1, 3, 124].contains(&self.code), "retryable is exactly 1, 3, 124");
        assert_eq!(self.stderr, "", "nothing on stderr");
        schema::holds(&document);
        document
    }
}
