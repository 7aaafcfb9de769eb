//! Where the consumers are that `tests/install.sh` installs. What is missing fails the test. Nothing is started here.

use std::path::{Path, PathBuf};
use std::{env, fs};

const INSTALL: &str = "install it with: sh tests/install.sh";

/// A program of Ansible, of the version that is pinned.
pub(crate) fn ansible(program: &str) -> PathBuf {
    let python = cache_folder().join("python");
    let pinned = fs::read_to_string(project("tests/consumers/requirements.txt")).expect("the pinned versions");
    let installed = fs::read_to_string(python.join("requirements.txt")).unwrap_or_default();
    assert!(installed == pinned, "the pinned ansible-core is missing and the tests of the recipes need it; {INSTALL}");
    python.join("bin").join(program)
}

/// The daemon of Nagios Core.
pub(crate) fn nagios() -> PathBuf {
    let daemon = cache_folder().join("nagios4/usr/sbin/nagios4");
    assert!(daemon.is_file(), "`nagios4` is missing and the tests of the recipes need it; {INSTALL}");
    daemon
}

/// A program on PATH.
pub(crate) fn on_path(program: &str) -> &str {
    let found =
        env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(program).is_file()));
    assert!(found, "`{program}` is missing and the tests of the recipes need it; {INSTALL}");
    program
}

/// A file of the project.
pub(crate) fn project(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(file)
}

/// The same folder as in `tests/install.sh`.
fn cache_folder() -> PathBuf {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let user = || {
        let home = || set("HOME").expect("HOME or KRAFT_CHECK_TEST_CACHE is set").join(".cache");
        set("XDG_CACHE_HOME").unwrap_or_else(home).join("kraft-check")
    };
    project("").join(set("KRAFT_CHECK_TEST_CACHE").unwrap_or_else(user)).join("consumers")
}
