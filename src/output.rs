//! The only writer: one document on standard output, complaints on standard error, and files that are there whole or not at all.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Write};
use std::path::Path;

/// Writes the document. A reader that has closed the pipe has seen what it wanted: that is not an error.
///
/// # Errors
/// Those of the operating system, such as a full disk.
pub fn write(document: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(document.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Writes to standard error. There is nowhere left to say that this failed.
pub fn complain(line: &str) {
    let _ = io::stderr().write_all(line.as_bytes());
}

/// Whether standard output is a terminal that takes colour, and nobody asked for none.
#[must_use]
pub fn takes_colour() -> bool {
    let unset = |name| std::env::var_os(name).is_none_or(|value| value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    io::stdout().is_terminal() && unset("NO_COLOR") && !dumb
}

/// Writes a file whole: beside its place first, then renamed. What was there before stays until then.
///
/// # Errors
/// Those of the operating system; nothing half-written is left in the file's place.
pub fn write_file(file: &Path, text: &str) -> io::Result<()> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(format!(".{}.part", std::process::id()));
    let beside = Path::new(&beside);
    let written = File::create(beside).and_then(|mut part| {
        part.write_all(text.as_bytes())?;
        part.sync_all()
    });
    written.and_then(|()| fs::rename(beside, file)).map_err(|error| {
        // Whatever is left beside is of no use; that it cannot be removed is no news after the error itself.
        let _ = fs::remove_file(beside);
        io::Error::new(error.kind(), format!("{}: {error}", file.display()))
    })
}
