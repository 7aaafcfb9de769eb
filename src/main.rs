//! argv → command → report → bytes and exit code.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use kraft_check::cli::{Cli, Command, NotRun};
use kraft_check::command::Answered;
use kraft_check::config::Refusal;
use kraft_check::exit::{self, Exit};
use kraft_check::render::{Document, Findings, render};
use kraft_check::{cli, command, config, output};

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    let (exit, document, recording) = std::panic::catch_unwind(|| run(&args)).unwrap_or_else(|_| {
        let words = "a defect of kraft-check, no verdict was reached: please report this";
        let error = Document::Error(&exit::INTERNAL, words);
        (&exit::INTERNAL, render(&error, cli::format_of_unreadable(&args), Findings::Failing, &[]), None)
    });
    let kept = recording.map_or(Ok(()), |(file, text)| output::write_file(&file, &text));
    match kept.and(output::write(&document)) {
        Ok(()) => ExitCode::from(exit.code),
        Err(error) => {
            eprintln!("kraft-check: the output could not be written: {error}");
            ExitCode::from(exit::OUTPUT.code)
        }
    }
}

/// How the process ends, the one document that it leaves on standard output, and the recording to be kept.
fn run(args: &[OsString]) -> (&'static Exit, String, Option<(PathBuf, String)>) {
    let (format, findings, typed, result) = match cli::parse(args) {
        Ok(Cli { command: Command::Stage(args) }) => {
            let typed = vec!["stage".to_owned(), args.stage.clone()];
            let result = config::resolve(&args).and_then(command::stage);
            (args.output, args.findings, typed, result)
        }
        Err(NotRun::Asked(text)) => return (&exit::COMPLETE, text, None),
        Err(NotRun::Usage(message)) => {
            let refusal = Refusal { exit: &exit::USAGE, message };
            (cli::format_of_unreadable(args), Findings::Failing, Vec::new(), Err(refusal))
        }
    };
    match result {
        Ok(Answered { report, recording }) => {
            let document = render(&Document::Report(&report), format, findings, &typed);
            (exit::of_report(&report), document, recording)
        }
        Err(Refusal { exit, message }) => {
            (exit, render(&Document::Error(exit, &message), format, findings, &typed), None)
        }
    }
}
