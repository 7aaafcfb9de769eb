//! argv → what is to leave the process → bytes and exit code, or death by the signal that ended the look.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::ffi::OsString;
use std::process::ExitCode;

use kraft_check::invoke::invoke;
use kraft_check::{exit, interrupt, output};

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    let mut streams = output::Streams::default();
    let outcome = invoke(&args, output::takes_colour(), &mut streams);
    output::complain(&outcome.stderr);
    let kept = outcome.files.iter().map(|(file, text)| output::write_file(file, text)).fold(Ok(()), Result::and);
    let exit = match streams.finish().and(output::write(&outcome.stdout)).and(kept) {
        Ok(()) => outcome.exit,
        Err(error) => {
            output::complain(&format!("kraft-check: the output could not be written: {error}\n"));
            &exit::OUTPUT
        }
    };
    if let Some(signal) = exit.signal() {
        if !interrupt::is_init() {
            // It does not return; if it ever did, the code says the same.
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
        return ExitCode::from(exit.code);
    }
    ExitCode::from(outcome.code(exit))
}
