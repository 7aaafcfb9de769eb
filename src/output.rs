//! The only writer: one document on standard output, complaints on standard error, a line at the bottom of a terminal,
//! and files that are there whole or not at all.

mod bottom;

use std::fs::{self, File};
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use bottom::Bottom;

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

/// What is written while a command still runs.
pub trait Meanwhile {
    /// A piece of standard output.
    fn say(&mut self, text: &str);
    /// A piece of standard error.
    fn remark(&mut self, text: &str);
    /// How long a line may be that is shown; `None` where there is no terminal to show it.
    fn room(&self) -> Option<usize>;
    /// Shows this line below everything else until something is said, or another one shown; an empty one leaves nothing.
    fn show(&mut self, line: &str);
}

/// Standard output and standard error.
#[derive(Debug, Default)]
pub struct Streams {
    failed: Option<io::Error>,
    bottom: Bottom,
}

impl Streams {
    /// Whether all of it could be written.
    ///
    /// # Errors
    /// The first error of the operating system.
    pub fn finish(self) -> io::Result<()> {
        self.failed.map_or(Ok(()), Err)
    }
}

impl Meanwhile for Streams {
    fn say(&mut self, text: &str) {
        if io::stdout().is_terminal() {
            complain(&self.bottom.turn_to(""));
        }
        if self.failed.is_none() {
            self.failed = write(text).err();
        }
    }

    fn remark(&mut self, text: &str) {
        complain(&(self.bottom.turn_to("") + text));
    }

    fn room(&self) -> Option<usize> {
        bottom::room()
    }

    fn show(&mut self, line: &str) {
        bottom::make_way_for_panics();
        complain(&self.bottom.turn_to(line));
    }
}

/// What would have been written, in memory.
#[derive(Debug, Default)]
pub struct Captured {
    /// Of standard output.
    pub stdout: String,
    /// Of standard error.
    pub stderr: String,
    /// How long a line may be that is shown, if standard error is taken for a terminal.
    pub room: Option<usize>,
    bottom: Bottom,
}

impl Captured {
    /// Standard error taken for a terminal of so much room.
    #[must_use]
    pub fn on_terminal(room: usize) -> Self {
        Self { room: Some(room), ..Self::default() }
    }
}

impl Meanwhile for Captured {
    fn say(&mut self, text: &str) {
        self.stdout.push_str(text);
    }

    fn remark(&mut self, text: &str) {
        self.show("");
        self.stderr.push_str(text);
    }

    fn room(&self) -> Option<usize> {
        self.room
    }

    fn show(&mut self, line: &str) {
        self.stderr.push_str(&self.bottom.turn_to(line));
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
    io::stdout().is_terminal() && unset("NO_COLOR") && !is_dumb()
}

/// Whether the terminal can do nothing but print.
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
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

/// A file that is there only for a while: ours from its first line on, and removed when this is dropped.
#[derive(Debug)]
pub struct TemporaryFile {
    path: &'static Path,
    heading: &'static str,
}

impl TemporaryFile {
    /// Claims the place of a file that begins with this heading.
    ///
    /// # Errors
    /// When a file is there that begins otherwise: it is somebody else's, and left alone.
    pub fn claim(path: &'static Path, heading: &'static str) -> io::Result<Self> {
        let claimed = Self { path, heading };
        match fs::symlink_metadata(path) {
            Ok(_) if !claimed.is_ours() => {
                let words = format!("there is a {} here that was not written by this program", path.display());
                Err(io::Error::new(io::ErrorKind::AlreadyExists, words))
            }
            _ => Ok(claimed),
        }
    }

    /// Writes it, the heading first.
    ///
    /// # Errors
    /// As of [`write_file`].
    pub fn write(&self, text: &str) -> io::Result<()> {
        write_file(self.path, &format!("{}{text}", self.heading))
    }

    fn is_ours(&self) -> bool {
        fs::read_to_string(self.path).is_ok_and(|text| text.starts_with(self.heading))
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        if self.is_ours() {
            // One that cannot be removed now is claimed again by whoever needs it next.
            let _ = fs::remove_file(self.path);
        }
    }
}
