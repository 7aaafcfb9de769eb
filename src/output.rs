//! The only writer of standard output: one document, whole.

use std::io::{self, Write};

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
