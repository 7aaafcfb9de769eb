//! argv → command → report → bytes and exit code.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use kraft_check::cli::{Cli, NotRun};
use kraft_check::command::{Answer, Answered};
use kraft_check::config::Refusal;
use kraft_check::exit::{self, Exit};
use kraft_check::render::{Document, Findings, render};
use kraft_check::{command, config, output};

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    let (exit, document, recording) = std::panic::catch_unwind(|| run(&args)).unwrap_or_else(|_| {
        let words = "a defect of kraft-check, no verdict was reached: please report this";
        let error = Document::Error(&exit::INTERNAL, words);
        (&exit::INTERNAL, render(&error, config::format_of_unreadable(&args), Findings::Failing, &[]), None)
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
    let (format, findings, typed, result) = match config::settle(args) {
        Ok((Cli { command, output, .. }, settings)) => {
            let result = settings.and_then(|settings| command::run(&command, settings));
            (output.output, output.findings, command.words(), result)
        }
        Err(NotRun::Asked(text)) => return (&exit::COMPLETE, text, None),
        Err(NotRun::Usage(message)) => {
            let refusal = Refusal { exit: &exit::USAGE, message };
            (config::format_of_unreadable(args), Findings::Failing, Vec::new(), Err(refusal))
        }
    };
    let (exit, recording) = match &result {
        Ok(answered) => (answered.answer.exit(), answered.recording.clone()),
        Err(refusal) => (refusal.exit, None),
    };
    let document = match &result {
        Ok(Answered { answer, .. }) => match answer {
            Answer::Report(report) => Document::Report(report),
            Answer::Whereabouts(whereabouts) => Document::Whereabouts(whereabouts),
            Answer::Settings(settings, with_origin) => Document::Settings(settings, *with_origin),
            Answer::Tables(tables) => Document::Tables(tables),
            Answer::Topics(topics) => Document::Topics(topics),
            Answer::Explanation(topic) => Document::Explanation(topic),
        },
        Err(Refusal { exit, message }) => Document::Error(exit, message),
    };
    (exit, render(&document, format, findings, &typed), recording)
}
