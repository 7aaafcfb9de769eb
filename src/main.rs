//! argv → command → report → bytes and exit code.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use kraft_check::cli::{Command, NotRun};
use kraft_check::config::{Refusal, Request};
use kraft_check::evaluate::{evaluate, needs_second_look};
use kraft_check::exit::{self, Exit};
use kraft_check::observe::dial::Sockets;
use kraft_check::observe::look;
use kraft_check::render::{Document, Findings, render};
use kraft_check::report::Report;
use kraft_check::snapshot::Snapshot;
use kraft_check::{cli, config, output};
use tokio::time::{Instant, sleep};

/// How long after the first look the second one is taken that confirms a guard.
const SECOND_LOOK_AFTER: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    let (exit, document) = std::panic::catch_unwind(|| run(&args)).unwrap_or_else(|_| {
        let error =
            Document::Error(&exit::INTERNAL, "a defect of kraft-check, no verdict was reached: please report this");
        (&exit::INTERNAL, render(&error, cli::format_of_unreadable(&args), Findings::Failing, &[]))
    });
    match output::write(&document) {
        Ok(()) => ExitCode::from(exit.code),
        Err(error) => {
            eprintln!("kraft-check: standard output: {error}");
            ExitCode::from(exit::OUTPUT.code)
        }
    }
}

fn run(args: &[OsString]) -> (&'static Exit, String) {
    let (format, findings, command, result) = match cli::parse(args) {
        Ok(cli::Cli { command: Command::Stage(args) }) => {
            let command = vec!["stage".to_owned(), args.stage.clone()];
            (args.output, args.findings, command, config::resolve(&args).and_then(|request| judge(&request)))
        }
        Err(NotRun::Asked(text)) => return (&exit::COMPLETE, text),
        Err(NotRun::Usage(message)) => {
            let refusal = Refusal { exit: &exit::USAGE, message };
            (cli::format_of_unreadable(args), Findings::Failing, Vec::new(), Err(refusal))
        }
    };
    let (exit, document) = match &result {
        Ok(report) => (exit::of_report(report), Document::Report(report)),
        Err(refusal) => (refusal.exit, Document::Error(refusal.exit, &refusal.message)),
    };
    (exit, render(&document, format, findings, &command))
}

/// One look; a second one where a guard was met and there is time for it.
fn judge(request: &Request) -> Result<Report, Refusal> {
    let internal = |message: String| Refusal { exit: &exit::INTERNAL, message };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(4).build();
    let runtime = runtime.map_err(|error| internal(format!("no runtime: {error}")))?;
    let network = Sockets::new(None).map_err(|error| internal(format!("no HTTP client: {error}")))?;
    runtime.block_on(async {
        let (network, deadline) = (Arc::new(network), Instant::now() + request.timeout);
        let first = look(Arc::clone(&network), &request.plan, deadline).await;
        let mut snapshot = Snapshot { expected: request.expected.clone(), looks: vec![first] };
        if needs_second_look(&snapshot) && Instant::now() + SECOND_LOOK_AFTER < deadline {
            sleep(SECOND_LOOK_AFTER).await;
            snapshot.looks.push(look(network, &request.plan, deadline).await);
        }
        Ok(evaluate(request.stage, &snapshot))
    })
}
