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

use crate::ask;
use crate::cluster::Cluster;
use crate::decoded::{self, Kinds};
use crate::distribution::Distribution;
use crate::looking::Look;
use crate::{secrets, tools};

/// How many looks of an accident are kept.
const LOOKS_KEPT: usize = 20;

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

    /// What the tool says of this recording.
    pub(crate) fn replay(&self, stage: &str) -> Value {
        self.replay_as(&["stage", stage])
    }

    /// The same of the cluster's health.
    pub(crate) fn replay_health(&self) -> Value {
        self.replay_as(&["health"])
    }

    fn replay_as(&self, command: &[&str]) -> Value {
        let mut tool = Command::new(env!("CARGO_BIN_EXE_kraft-check"));
        let output =
            tool.args(command).args(["-o", "json", "--from"]).arg(&self.0).output().expect("the binary starts");
        serde_json::from_slice(&output.stdout).expect("one document")
    }

    /// How many looks were taken for it.
    pub(crate) fn looks(&self) -> usize {
        self.json()["snapshot"]["looks"].as_array().expect("looks").len()
    }

    /// The metadata log that was read in the last look, or why it was not.
    pub(crate) fn log(&self) -> Result<Value, String> {
        let json = self.json();
        let look = json["snapshot"]["looks"].as_array().and_then(|looks| looks.last()).expect("a look");
        let answers: Vec<&Value> =
            look["nodes"].as_array().expect("nodes").iter().map(|node| &node["log"]["outcome"]).collect();
        let read = answers.iter().find_map(|said| said.get("said"));
        read.cloned().ok_or_else(|| format!("{answers:?}"))
    }

    /// What it says of the place.
    pub(crate) fn replay_status(&self) -> Value {
        self.replay_as(&["status"])
    }

    /// What it would have been if nobody had given the controllers' pages.
    pub(crate) fn without_pages(&self) -> Self {
        self.less(|look| look["pages"] = Value::Array(Vec::new()))
    }

    /// What it would have been if nobody might read the log.
    pub(crate) fn without_log(&self) -> Self {
        self.less(|look| {
            for node in look["nodes"].as_array_mut().expect("nodes") {
                node.as_object_mut().expect("a node").remove("log");
            }
        })
    }

    fn less(&self, forget: impl Fn(&mut Value)) -> Self {
        let mut json = self.json();
        json["snapshot"]["looks"].as_array_mut().expect("looks").iter_mut().for_each(forget);
        let less = Self::new();
        fs::write(&less.0, json.to_string()).expect("a written file");
        less
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.text()).expect("JSON")
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.0).expect("the recording")
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Where the recordings of a walk are kept, if this run records.
#[derive(Clone, Copy)]
pub(crate) struct Recordings {
    pub(crate) version: &'static str,
    pub(crate) series: &'static str,
}

impl Recordings {
    /// Keeps one snapshot among the fixtures.
    pub(crate) fn keep(self, snapshot: &Snapshot, name: &str) {
        secrets::search("the recording", snapshot.text().as_bytes());
        if let Some(folder) = self.folder("") {
            fs::copy(&snapshot.0, folder.join(format!("{}.json", file_name(name)))).expect("a copy of the snapshot");
        }
    }

    /// Keeps twenty of these looks, spread over all of them, one a line.
    pub(crate) fn keep_looks(self, name: &str, looks: &[Look]) {
        if let Some(folder) = self.folder("") {
            let spread = (0..LOOKS_KEPT).map(|number| looks[number * looks.len() / LOOKS_KEPT].snapshot.text());
            let file = folder.join(format!("{}.looks", file_name(name)));
            fs::write(file, spread.collect::<String>()).expect("a written file");
        }
    }

    /// Keeps every running node's frames and the controllers' pages of this phase.
    pub(crate) fn keep_frames(self, name: &str, cluster: &Cluster) {
        let Some(folder) = self.folder(&file_name(name)) else { return };
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

    /// Holds our reading of the leader's log to what Kafka's own decoder says of the same bytes, and keeps both.
    pub(crate) fn hold_log(self, cluster: &mut Cluster, kafka: &Distribution) {
        let leader = cluster.leader();
        let (segment, snapshot) = cluster.metadata_log(leader);
        let mut met = Kinds::new();
        for file in [Some(segment), snapshot].into_iter().flatten() {
            // Copied first: the leader goes on to write.
            let copy = cluster.folder().join(file.file_name().expect("a name"));
            fs::copy(&file, &copy).expect("a copy of the log");
            let said = tools::dump(kafka, &copy);
            let bytes = fs::read(&copy).expect("the copy");
            met.extend(decoded::agrees(&file.display().to_string(), &bytes, &said));
            if let Some(folder) = self.folder("metadata-log") {
                let kept = folder.join(file.file_name().expect("a name"));
                fs::copy(&copy, &kept).expect("a copy of the log");
                fs::write(kept.with_added_extension("dump"), said).expect("a written file");
            }
        }
        println!("  the log decodes as Kafka decodes it: {met:?}");
    }

    fn folder(self, inside: &str) -> Option<PathBuf> {
        std::env::var_os("KRAFT_CHECK_RECORD")?;
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("protocol-fixtures");
        let folder = fixtures.join(self.version).join(self.series).join(inside);
        fs::create_dir_all(&folder).expect("a folder for the recordings");
        Some(folder)
    }
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
