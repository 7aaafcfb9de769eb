//! The structure, held to `docs/architecture.md`: arrows, purity, sizes, words.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Rooms that must stay free of the world.
const PURE: [&str; 9] =
    ["stages", "signals", "snapshot", "evaluate", "explain", "report", "render", "settings", "wait"];
/// What a pure room may not name.
const WORLD: [&str; 8] = ["tokio", "std::net", "std::fs", "std::env", "std::process", "reqwest", "::now(", "println!"];
/// Words that name nothing.
const EMPTY_WORDS: [&str; 10] =
    ["status", "check", "info", "data", "util", "utils", "common", "manager", "handler", "helper"];
const FILE_LINES_MAX: usize = 400;
const FUNCTION_LINES_MAX: usize = 70;

#[test]
fn arrows_are_as_drawn() {
    let drawn = drawn_arrows();
    let real = real_arrows();
    assert_eq!(drawn.keys().collect::<Vec<_>>(), real.keys().collect::<Vec<_>>(), "the rooms");
    for (room, arrows) in &real {
        assert_eq!(arrows, &drawn[room], "arrows of {room}: found on the left, drawn on the right");
    }
}

#[test]
fn pure_rooms_do_not_name_the_world() {
    for (path, text) in sources("src") {
        if !PURE.contains(&room(&path).as_str()) {
            continue;
        }
        for word in WORLD {
            assert!(!text.contains(word), "{} names {word}", path.display());
        }
    }
}

#[test]
fn files_and_functions_fit_a_readers_head() {
    for (path, text) in sources("src").into_iter().chain(sources("tests")) {
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines.len() <= FILE_LINES_MAX, "{} has {} lines", path.display(), lines.len());
        for (start, line) in lines.iter().enumerate().filter(|(_, line)| is_function(line)) {
            let indent = line.len() - line.trim_start().len();
            let end = format!("{}}}", " ".repeat(indent));
            let length = lines[start..].iter().position(|line| *line == end).unwrap_or(0);
            assert!(length < FUNCTION_LINES_MAX, "{}:{} is {length} lines long", path.display(), start + 1);
        }
    }
}

#[test]
fn no_type_or_module_has_an_empty_name() {
    for (path, text) in sources("src").into_iter().chain(sources("tests")) {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).expect("a file name");
        assert!(!EMPTY_WORDS.contains(&stem), "{}", path.display());
        for line in text.lines().map(str::trim_start) {
            let line = line.trim_start_matches("pub ").trim_start_matches("pub(super) ");
            let keyword =
                ["struct ", "enum ", "trait ", "mod ", "type "].iter().find_map(|word| line.strip_prefix(word));
            let Some(name) = keyword.and_then(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next())
            else {
                continue;
            };
            for word in words(name) {
                assert!(!EMPTY_WORDS.contains(&word.as_str()), "{} in {}", name, path.display());
            }
        }
    }
}

#[test]
fn every_file_says_what_it_is() {
    for (path, text) in sources("src").into_iter().chain(sources("tests")) {
        assert!(text.starts_with("//! "), "{} has no header", path.display());
    }
}

/// The ```` ```arrows ```` block of the architecture document.
fn drawn_arrows() -> BTreeMap<String, BTreeSet<String>> {
    let document = fs::read_to_string(root().join("docs/architecture.md")).expect("docs/architecture.md");
    let block =
        document.split("```arrows\n").nth(1).and_then(|rest| rest.split("```").next()).expect("an arrows block");
    let arrow = |line: &str| {
        let (room, uses) = line.split_once('→').expect("an arrow");
        let uses = uses.split(',').map(str::trim).filter(|word| !word.is_empty()).map(ToOwned::to_owned).collect();
        (room.trim().to_owned(), uses)
    };
    block.lines().map(arrow).collect()
}

/// What each room of `src` names of the others.
fn real_arrows() -> BTreeMap<String, BTreeSet<String>> {
    let files = sources("src");
    let rooms: BTreeSet<String> = files.iter().map(|(path, _)| room(path)).filter(|room| room != "lib").collect();
    let mut arrows: BTreeMap<String, BTreeSet<String>> =
        rooms.iter().map(|room| (room.clone(), BTreeSet::new())).collect();
    for (path, text) in &files {
        let Some(arrows) = arrows.get_mut(&room(path)) else { continue };
        for (at, _) in text.match_indices("crate::").chain(text.match_indices("kraft_check::")) {
            let rest = text[at..].split_once("::").expect("a path").1;
            // `use kraft_check::{cli, config}` names several.
            let names = match rest.strip_prefix('{') {
                Some(list) => list.split('}').next().expect("a list"),
                None => rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().expect("a name"),
            };
            let uses = names.split(',').map(str::trim).filter(|name| rooms.contains(*name) && *name != room(path));
            arrows.extend(uses.map(ToOwned::to_owned));
        }
    }
    arrows
}

/// `src/observe/dial.rs` and `src/observe.rs` are the room `observe`.
fn room(path: &Path) -> String {
    let inside = path.strip_prefix(root().join("src")).expect("a source file");
    let first = inside.components().next().expect("a component").as_os_str().to_str().expect("text");
    first.trim_end_matches(".rs").to_owned()
}

fn is_function(line: &str) -> bool {
    let line = line.trim_start().trim_start_matches("pub").trim_start_matches("(super)").trim_start();
    ["fn ", "async fn ", "const fn ", "pub fn "].iter().any(|word| line.starts_with(word)) && !line.ends_with('}')
}

/// `camelCase` and `snake_case` names, in words.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for c in name.chars() {
        if c == '_' || c.is_uppercase() {
            words.push(String::new());
        }
        if c != '_' {
            words.last_mut().expect("never empty").extend(c.to_lowercase());
        }
    }
    words
}

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a readable folder") {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a readable file");
                found.push((path, text));
            }
        }
    }
    assert!(!found.is_empty(), "no source below {folder}");
    found
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
