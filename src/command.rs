//! What each command does: from a request to a report. Looks are taken here, and nowhere else is it decided how
//! many.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::cli::{Command, LookArgs};
use crate::config::{self, Observed, Refusal};
use crate::evaluate::{evaluate, needs_second_look};
use crate::exit::{self, Exit};
use crate::interrupt::unless_interrupted;
use crate::observe::dial::Sockets;
use crate::observe::{Plan, look};
use crate::report::Report;
use crate::snapshot::{Depth, Expected, Snapshot, recording};

/// How long after the first look the second one is taken that confirms a guard.
const SECOND_LOOK_AFTER: Duration = Duration::from_secs(2);

/// What a command comes to.
pub struct Answered {
    /// What is to be said.
    pub answer: Answer,
    /// What was observed, as a recording, where it is to be kept.
    pub recording: Option<(PathBuf, String)>,
}

/// What is to be said.
pub enum Answer {
    /// The verdict on a stage.
    Report(Box<Report>),
    /// The JSON Schema of the documents.
    Schema,
}

impl Answer {
    /// How the process ends.
    #[must_use]
    pub fn exit(&self) -> &'static Exit {
        match self {
            Self::Report(report) => exit::of_report(report),
            Self::Schema => &exit::COMPLETE,
        }
    }
}

/// Runs a command.
///
/// # Errors
/// [`Refusal`] for what cannot be run, with 70 when the operating system gives us no event loop.
pub fn run(command: &Command) -> Result<Answered, Refusal> {
    match command {
        Command::Stage(args) => {
            let stage = config::stage(args)?;
            let (snapshot, recording) = look_as_asked(&args.look)?;
            Ok(Answered { answer: Answer::Report(Box::new(evaluate(stage, &snapshot))), recording })
        }
        Command::Schema => Ok(Answered { answer: Answer::Schema, recording: None }),
    }
}

/// The looks that the arguments ask for, one, and a second one where a guard was met and there is time for it; or a
/// recording. And the recording to be kept.
fn look_as_asked(args: &LookArgs) -> Result<(Snapshot, Option<(PathBuf, String)>), Refusal> {
    let request = config::resolve(args)?;
    let snapshot = match request.subject {
        Observed::Recorded(snapshot) => snapshot,
        Observed::Live { plan, expected, timeout } => observe(&plan, expected, timeout)?,
    };
    let recording = request.snapshot.map(|file| (file, recording::write(&snapshot)));
    Ok((snapshot, recording))
}

fn observe(plan: &Plan, expected: Expected, timeout: Duration) -> Result<Snapshot, Refusal> {
    let internal = |message: String| Refusal { exit: &exit::INTERNAL, message };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(4).build();
    let runtime = runtime.map_err(|error| internal(format!("no event loop: {error}")))?;
    let network = Sockets::new(None).map_err(|error| internal(format!("no HTTP client: {error}")))?;
    let snapshot = runtime.block_on(unless_interrupted(async {
        let (network, deadline) = (Arc::new(network), Instant::now() + timeout);
        let first = look(Arc::clone(&network), plan, deadline).await;
        let mut snapshot =
            Snapshot { depth: Depth::Stage, expected, metric_names: plan.metric_names.clone(), looks: vec![first] };
        if needs_second_look(&snapshot) && Instant::now() + SECOND_LOOK_AFTER < deadline {
            sleep(SECOND_LOOK_AFTER).await;
            snapshot.looks.push(look(network, plan, deadline).await);
        }
        snapshot
    }));
    // A name that is still being resolved must not hold the answer back: `--timeout` bounds the whole command.
    runtime.shutdown_background();
    snapshot.map_err(|exit| Refusal { exit, message: format!("{} before there was a verdict", exit.name) })
}
