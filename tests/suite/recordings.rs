//! The recordings of real clusters in `protocol-fixtures/`: where they are, and how they are read.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use bytes::Bytes;
use kraft_check::snapshot::{Endpoint, NodeId, Snapshot, recording};

/// Every recorded snapshot by name, such as `3.9.2/forward/05-all-in-migration-mode`, sorted.
pub(crate) fn snapshots() -> &'static [(String, Snapshot)] {
    static READ: OnceLock<Vec<(String, Snapshot)>> = OnceLock::new();
    let read = |(name, path): (String, PathBuf)| {
        let text = fs::read_to_string(&path).expect("a readable recording");
        (name, recording::read(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display())))
    };
    READ.get_or_init(|| files("json").into_iter().map(read).collect())
}

/// Every series of looks at an accident while it developed, by name, in their order.
pub(crate) fn accidents() -> &'static [(String, Vec<Snapshot>)] {
    static READ: OnceLock<Vec<(String, Vec<Snapshot>)>> = OnceLock::new();
    let read = |(name, path): (String, PathBuf)| {
        let text = fs::read_to_string(&path).expect("readable recordings");
        let look = |line| recording::read(line).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        (name, text.lines().map(look).collect())
    };
    READ.get_or_init(|| files("looks").into_iter().map(read).collect())
}

/// What would have been seen if nobody had given the controllers' pages.
pub(crate) fn without_pages(snapshot: &Snapshot) -> Snapshot {
    let mut less = snapshot.clone();
    for look in &mut less.looks {
        look.pages.clear();
    }
    less
}

/// What a node answered, by API and version, without the length prefix.
pub(crate) type Frames = HashMap<(String, i16), Bytes>;

/// The recorded frames of every node of a phase, by API and version, at the endpoints where the nodes were asked.
pub(crate) fn recorded_frames(phase: &str) -> BTreeMap<Endpoint, (NodeId, Frames)> {
    let (_, snapshot) = snapshots().iter().find(|(name, _)| name == phase).expect("a recorded phase");
    let look = snapshot.looks.last().expect("a look");
    let listed = look.broker_lists().flat_map(|list| &**list);
    let given = look.nodes.iter().filter_map(|node| Some((node.given?, node.endpoint.clone())));
    let places: BTreeMap<NodeId, Endpoint> = listed.cloned().chain(given).collect();
    let of_phase = files("frames").into_iter().filter_map(|(name, path)| {
        let id: NodeId = name.strip_prefix(phase)?.strip_prefix('/')?.parse().ok()?;
        Some((places[&id].clone(), (id, frames_of(&path).collect())))
    });
    of_phase.collect()
}

/// The frames of one file. Where one was recorded twice in a version, the later is what the tool asks for.
pub(crate) fn frames_of(path: &Path) -> impl Iterator<Item = ((String, i16), Bytes)> {
    let text = fs::read_to_string(path).expect("a readable file");
    let lines: Vec<String> = text.lines().map(ToOwned::to_owned).collect();
    lines.into_iter().map(|line| {
        let mut words = line.split(' ');
        let mut word = || words.next().expect("API, version, bytes");
        let (api, version, hex) = (word().to_owned(), word().parse().expect("a version"), word());
        let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex");
        ((api, version), (0..hex.len()).step_by(2).map(byte).collect())
    })
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
