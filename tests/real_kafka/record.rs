//! Recordings of what the clusters answered: snapshots, frames and pages, for `protocol-fixtures/`.
//!
//! Every judged phase is recorded and replayed; the recordings are kept only where `KRAFT_CHECK_RECORD` is set, by
//! the command that `protocol-fixtures/README.md` names. What they mean is not known here.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use crate::KAFKA;
use crate::ask;
use crate::cluster::Cluster;

/// A snapshot in the temporary folder, gone with this value.
pub(crate) struct Snapshot(PathBuf);

impl Snapshot {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self(std::env::temp_dir().join(format!("kraft-check-{}-{number}.json", std::process::id())))
    }

    /// The flag that makes the tool write it.
    pub(crate) fn flag(&self) -> String {
        format!("--snapshot={}", self.0.display())
    }

    /// What the tool says of this recording, as it left the process.
    pub(crate) fn replay(&self, stage: &str) -> String {
        let mut tool = Command::new(env!("CARGO_BIN_EXE_kraft-check"));
        let output =
            tool.args(["stage", stage, "-o", "json", "--from"]).arg(&self.0).output().expect("the binary starts");
        String::from_utf8(output.stdout).expect("text")
    }

    /// Keeps it among the fixtures, if this run records.
    pub(crate) fn keep(&self, series: &str, name: &str) {
        if let Some(folder) = folder(series) {
            fs::copy(&self.0, folder.join(format!("{}.json", file_name(name)))).expect("a copy of the snapshot");
        }
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Keeps every running node's frames and the controllers' pages of this phase, if this run records.
pub(crate) fn keep_frames(series: &str, name: &str, cluster: &Cluster) {
    let Some(folder) = folder(&format!("{series}/{}", file_name(name))) else { return };
    for id in cluster.broker_ids().chain(cluster.controller_ids()) {
        let frames: Vec<String> = ask::frames(cluster.endpoint(id), id)
            .into_iter()
            .map(|(api, version, frame)| format!("{api} {version} {}\n", hex(&frame)))
            .collect();
        if !frames.is_empty() {
            fs::write(folder.join(format!("{id}.frames")), frames.concat()).expect("a written file");
        }
    }
    for id in cluster.controller_ids() {
        if let Some(page) = cluster.page_text(id) {
            fs::write(folder.join(format!("{id}.page")), page).expect("a written file");
        }
    }
}

fn folder(inside: &str) -> Option<PathBuf> {
    std::env::var_os("KRAFT_CHECK_RECORD")?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("protocol-fixtures").join(KAFKA).join(inside);
    fs::create_dir_all(&folder).expect("a folder for the recordings");
    Some(folder)
}

/// Lower-case words with hyphens.
fn file_name(name: &str) -> String {
    let words = name.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), " ");
    words.split_whitespace().collect::<Vec<_>>().join("-")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What tells two looks apart: what fails, and who was missed for what. Times and offsets do not.
pub(crate) fn situation(documents: &[Value; 4]) -> BTreeSet<String> {
    let listed = |key: &'static str| {
        documents.iter().flat_map(move |document| document[key].as_array().expect("a list").clone())
    };
    // Numbers in a message are times and counts, which no two looks share.
    let words = |it: &Value| it["message"].to_string().replace(|c: char| c.is_ascii_digit(), "");
    let failing = listed("findings").map(move |it| format!("{} {} {}", it["id"], it["subject"]["id"], words(&it)));
    failing.chain(listed("errors").map(|it| format!("{} {}", it["id"], it["subject"]))).collect()
}
