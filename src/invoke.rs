//! argv → everything that leaves the process. Nothing is written here, so that whole runs can be tried in process.

mod telling;

use std::ffi::OsString;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use crate::cli::{Cli, Command, NotRun, Output, OutputArgs};
use crate::command::{self, Answer, Answered};
use crate::config::{self, Refusal};
use crate::exit::{self, Exit};
use crate::output::Meanwhile;
use crate::render::{Document, Format, JUDGES_NOTHING, ONE_DOCUMENT, Style, render};
use crate::settings::Settings;
use crate::wait::Listener;
use telling::Telling;

/// What is to leave the process.
#[derive(Debug)]
pub struct Outcome {
    /// How it ends.
    pub exit: &'static Exit,
    /// The form of standard output, which decides about the code.
    pub format: Format,
    /// For standard output: one document; empty only if it was asked to be quiet.
    pub stdout: String,
    /// For standard error: empty, or the one line of an error that standard output was not to say.
    pub stderr: String,
    /// Files to be written whole, reports and recordings alike.
    pub files: Vec<(PathBuf, String)>,
}

impl Outcome {
    /// The process's code if it ends like this: plugin formats fold it.
    #[must_use]
    pub fn code(&self, exit: &Exit) -> u8 {
        if self.format == Format::Nagios { exit.folded() } else { exit.code }
    }
}

/// Runs a command line. `coloured` is whether standard output takes colour; `meanwhile` takes what is said while a wait
/// goes on.
#[must_use]
pub fn invoke(args: &[OsString], coloured: bool, meanwhile: &mut dyn Meanwhile) -> Outcome {
    invoke_with(args, coloured, meanwhile, command::run)
}

/// The same with commands run by something else.
#[must_use]
pub fn invoke_with(
    args: &[OsString],
    coloured: bool,
    meanwhile: &mut dyn Meanwhile,
    run: impl FnOnce(&Command, Settings, &mut dyn Listener) -> Result<Answered, Refusal>,
) -> Outcome {
    let refuse = |exit, message| outcome(&Err(Refusal { exit, message }), &config::unreadable(args), &[], coloured, "");
    let attempt = || match config::settle(args) {
        Ok((Cli { command, output, .. }, settings)) => {
            let mut telling = Telling::new(meanwhile, &output, command.words());
            let settings = settings.and_then(|settings| refuse_events(&command, &output).map(|()| settings));
            let result = settings.and_then(|settings| run(&command, settings, &mut telling));
            let result = result.and_then(|answered| refuse_as_plugin(answered, &output));
            outcome(&result, &output, &command.words(), coloured, &telling.kept())
        }
        Err(NotRun::Asked(stdout)) => {
            Outcome { exit: &exit::COMPLETE, format: Format::Human, stdout, stderr: String::new(), files: Vec::new() }
        }
        Err(NotRun::Usage(message)) => refuse(&exit::USAGE, message),
    };
    catch_unwind(AssertUnwindSafe(attempt)).unwrap_or_else(|_| {
        let words = "a defect of kraft-check, no verdict was reached: please report this";
        refuse(&exit::INTERNAL, words.to_owned())
    })
}

/// Events are of a wait, so a command in which nothing happens cannot be asked for them.
fn refuse_events(command: &Command, output: &OutputArgs) -> Result<(), Refusal> {
    let asked = output.output.iter().any(|output| output.format == Format::Jsonl);
    if !asked || matches!(command, Command::Wait(_)) {
        return Ok(());
    }
    Err(config::usage(ONE_DOCUMENT.to_owned()))
}

/// A plugin says a state, so a command that judges nothing cannot be asked as one.
fn refuse_as_plugin(answered: Answered, output: &OutputArgs) -> Result<Answered, Refusal> {
    let judges = matches!(answered.answer, Answer::Report(_) | Answer::Whereabouts(_));
    if judges || output.output.iter().all(|output| output.format != Format::Nagios) {
        return Ok(answered);
    }
    Err(config::usage(JUDGES_NOTHING.to_owned()))
}

/// The result in every form that was asked for. `events` are those that stand before it where they are asked for.
fn outcome(
    result: &Result<Answered, Refusal>,
    output: &OutputArgs,
    command: &[String],
    coloured: bool,
    events: &str,
) -> Outcome {
    let (exit, document, recording) = match result {
        Ok(Answered { answer, recording }) => {
            let document = match answer {
                Answer::Report(report) => Document::Report(report),
                Answer::Whereabouts(whereabouts) => Document::Whereabouts(whereabouts),
                Answer::Diagnosis(diagnosis) => Document::Diagnosis(diagnosis),
                Answer::Settings(settings, with_origin) => Document::Settings(settings, *with_origin),
                Answer::Tables(tables) => Document::Tables(tables),
                Answer::Topics(topics) => Document::Topics(topics),
                Answer::Explanation(topic) => Document::Explanation(topic),
                Answer::Rehearsed(rehearsed) => Document::Rehearsed(rehearsed),
                Answer::Schema => Document::Schema,
            };
            (answer.exit(), document, recording.clone())
        }
        Err(Refusal { exit, message }) => (*exit, Document::Error(exit, message), None),
    };
    let plain = Style { findings: output.findings(), times: output.verbose > 0, coloured: false };
    let mut files: Vec<(PathBuf, String)> = recording.into_iter().collect();
    let mut format = Format::Human;
    for Output { format: asked, file } in &output.output {
        match file {
            Some(file) => {
                let before = if *asked == Format::Jsonl { events } else { "" };
                files.push((file.clone(), format!("{before}{}", render(&document, *asked, plain, command))));
            }
            None => format = *asked,
        }
    }
    let (stdout, stderr) = match (output.quiet, &document) {
        (false, _) => (render(&document, format, Style { coloured, ..plain }, command), String::new()),
        (true, Document::Error(..)) => (String::new(), render(&document, Format::Human, plain, command)),
        (true, _) => (String::new(), String::new()),
    };
    Outcome { exit, format, stdout, stderr, files }
}
