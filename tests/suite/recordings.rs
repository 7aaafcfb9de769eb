//! The recordings of real clusters in `protocol-fixtures/`: where they are, and how they are read.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use kraft_check::snapshot::{Snapshot, recording};

/// Every recorded snapshot by name, such as `3.9.2/forward/05-all-in-migration-mode`, sorted.
pub(crate) fn snapshots() -> &'static [(String, Snapshot)] {
    static READ: OnceLock<Vec<(String, Snapshot)>> = OnceLock::new();
    let read = |(name, path): (String, PathBuf)| {
        let text = fs::read_to_string(&path).expect("a readable recording");
        (name, recording::read(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display())))
    };
    READ.get_or_init(|| files("json").into_iter().map(read).collect())
}

/// Every recorded file with this extension, by name without it, sorted.
pub(crate) fn files(extension: &str) -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("protocol-fixtures");
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("protocol-fixtures") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                let name = path.with_extension("");
                let name = name.strip_prefix(&root).expect("below the root").to_str().expect("text").to_owned();
                files.push((name, path));
            }
        }
    }
    assert!(!files.is_empty(), "no {extension} in protocol-fixtures");
    files.sort();
    files
}
