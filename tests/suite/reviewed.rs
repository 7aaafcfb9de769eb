//! Text files that people review: what is found must be what stands there, line by line.

use std::fs;
use std::path::Path;

/// Holds the text to the file of this name, as seen from `tests/`; under `KRAFT_CHECK_UPDATE` writes it anew first.
pub(crate) fn hold(name: &str, found: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    if std::env::var_os("KRAFT_CHECK_UPDATE").is_some() {
        fs::write(&file, found).expect("a written file");
    }
    let reviewed = fs::read_to_string(&file).unwrap_or_default();
    for (line, (found, reviewed)) in found.lines().zip(reviewed.lines()).enumerate() {
        assert_eq!(found, reviewed, "line {} of {name}: found on the left, reviewed on the right", line + 1);
    }
    assert_eq!(found.lines().count(), reviewed.lines().count(), "lines of {name}");
}
