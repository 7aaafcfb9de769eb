//! The document: prose that people write, and tables between markers that are written anew.

use std::fs;
use std::path::Path;
use std::process::Command;

#[derive(Default)]
pub(crate) struct Tables(Vec<(&'static str, String)>);

impl Tables {
    pub(crate) fn add(&mut self, name: &'static str, table: String) {
        println!("{table}");
        self.0.push((name, table));
    }

    /// Replaces what stands between `<!-- NAME -->` and `<!-- /NAME -->`.
    pub(crate) fn write(mut self, document: &Path) {
        self.add("machine", machine());
        let mut text = fs::read_to_string(document).expect("the document");
        for (name, table) in &self.0 {
            let (begin, end) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
            let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("no {begin}"));
            let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("no {end}"));
            text = format!("{before}{begin}\n{table}\n{end}{after}");
        }
        fs::write(document, text).expect("the document can be written");
    }
}

/// When, and on what kind of machine.
fn machine() -> String {
    let said = |program: &str, word: &str| {
        let output = Command::new(program).arg(word).output().expect("a program of every machine");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let debian = fs::read_to_string("/etc/debian_version").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, Into::into);
    format!(
        "Measured on {}: {cores} cores, {}, Debian {}, Linux {}, {}.\n",
        said("date", "+%F"),
        said("uname", "-m"),
        debian.trim(),
        said("uname", "-r").split(['-', '+']).next().unwrap_or_default(),
        said("rustc", "--version").split(" (").next().unwrap_or_default(),
    )
}
