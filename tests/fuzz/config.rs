//! Config files, read as the program reads them: whatever the text is, it sets something or is refused, and what is
//! shown of the settings sets the same when it is read again.

#![no_main]

mod memory;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::process;
use std::sync::LazyLock;

use kraft_check::exit::{COMPLETE, CONFIG, USAGE};
use kraft_check::invoke::{Outcome, invoke};
use kraft_check::output::Captured;
use kraft_check::render::{Format, JUDGES_NOTHING, ONE_DOCUMENT};
use libfuzzer_sys::fuzz_target;

/// A folder that no other process has.
static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = env::temp_dir().join(format!("kraft-check-fuzz-{}", process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    folder
});

/// What `config show` says of a file with these bytes.
fn show(name: &str, bytes: &[u8]) -> Outcome {
    let file = FOLDER.join(name);
    fs::write(&file, bytes).expect("a written file");
    let mut args: Vec<OsString> = ["kraft-check", "config", "show", "--config"].map(OsString::from).into();
    args.push(file.into());
    invoke(&args, false, &mut Captured::default())
}

fuzz_target!(|bytes: &[u8]| {
    // No TOML begins like this.
    let name = if bytes.starts_with(b"{") { "config.json" } else { "config.toml" };
    let shown = show(name, bytes);
    // A file can ask for a plugin's text or for events, which these settings do not have.
    let said = format!("{shown:?}");
    let judges_nothing =
        shown.exit.code == USAGE.code && [JUDGES_NOTHING, ONE_DOCUMENT].iter().any(|it| said.contains(it));
    assert!([COMPLETE.code, CONFIG.code].contains(&shown.exit.code) || judges_nothing, "{shown:?}");
    if shown.exit.code == COMPLETE.code && shown.format == Format::Human {
        let again = show("shown.toml", shown.stdout.as_bytes());
        // The first line says which file it was.
        assert!(shown.stdout.lines().skip(1).eq(again.stdout.lines().skip(1)), "{shown:?}, then {again:?}");
    }
});
