//! The line at the bottom of a terminal, written over and over. Not here: what it says, and how often.

use std::io::{self, IsTerminal};
use std::panic;
use std::sync::Once;

use rustix::termios::tcgetwinsize;

use super::{complain, is_dumb};

/// Back to the beginning of the line.
const RETURN: &str = "\r";
/// From the cursor to the end of the line.
const ERASE: &str = "\u{1b}[K";
/// What a terminal is taken for that does not know its size.
const COLUMNS: u16 = 80;

/// What stands there by now.
#[derive(Debug, Default)]
pub(super) struct Bottom {
    line: String,
}

impl Bottom {
    /// What brings this line there in place of the last one: nothing if it is the same.
    pub(super) fn turn_to(&mut self, line: &str) -> String {
        if line == self.line {
            return String::new();
        }
        line.clone_into(&mut self.line);
        // What is there is written over before the rest is erased, so that nothing flickers.
        format!("{RETURN}{line}{ERASE}")
    }
}

/// How long a line may be on standard error, if that is a terminal that can erase one. The last column stays free: some
/// terminals begin a new line as soon as it is written, and that one could not be taken back.
pub(super) fn room() -> Option<usize> {
    let stderr = io::stderr();
    let columns = || tcgetwinsize(&stderr).map_or(0, |size| size.ws_col);
    (stderr.is_terminal() && !is_dumb()).then(|| match columns() {
        0 => usize::from(COLUMNS - 1),
        columns => usize::from(columns - 1),
    })
}

/// The words of a panic are to begin a line of their own, not at the end of this one.
pub(super) fn make_way_for_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = panic::take_hook();
        panic::set_hook(Box::new(move |panicked| {
            if room().is_some() {
                complain(&format!("{RETURN}{ERASE}"));
            }
            tell(panicked);
        }));
    });
}
