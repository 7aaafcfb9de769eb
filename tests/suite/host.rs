//! A host of a test's own: a working folder, a home, files in them, and nothing in the environment.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use crate::tool::{Ran, run_in};

/// Folders that no other test has.
pub(crate) struct Host {
    root: PathBuf,
}

impl Host {
    /// A host without any file.
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("kraft-check-host-{}-{count}", std::process::id()));
        for folder in ["work", "home", "xdg"] {
            fs::create_dir_all(root.join(folder)).expect("a folder");
        }
        Self { root }
    }

    /// A host on which this is `./kraft-check.toml`.
    pub(crate) fn with(config: &str) -> Self {
        let host = Self::new();
        host.write("work/kraft-check.toml", config);
        host
    }

    /// A path on this host.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a written file");
    }

    /// Runs the binary in the working folder, with a home and these variables.
    pub(crate) fn run(&self, variables: &[(&str, &str)], args: &str) -> Ran {
        let home = self.path("home").display().to_string();
        let variables: Vec<(&str, &str)> = [("HOME", home.as_str())].iter().chain(variables).copied().collect();
        run_in(Path::new(&self.path("work")), &variables, &args.split_whitespace().collect::<Vec<_>>())
    }

    /// What `config show` says, as a document.
    pub(crate) fn show(&self, variables: &[(&str, &str)], args: &str) -> Value {
        let ran = self.run(variables, &format!("config show {args} -o json"));
        let document = ran.json();
        assert_eq!((ran.code, &document["kind"]), (0, &"config".into()), "{document}");
        document
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // What is left of it is in the folder for temporary files.
        let _ = fs::remove_dir_all(&self.root);
    }
}

/// The value and the origin of one setting of a shown document.
pub(crate) fn setting(document: &Value, key: &str) -> (Value, String) {
    let settings = document["settings"].as_array().expect("settings");
    let setting = settings.iter().find(|setting| setting["key"] == key).unwrap_or_else(|| panic!("no {key}"));
    (setting["value"].clone(), setting["origin"].as_str().expect("an origin").to_owned())
}
