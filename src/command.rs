//! What each command does: from a request to a report. Looks are taken here, and nowhere else is it decided how
//! many.

mod goal;
mod rehearsal;
mod waiting;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::cli::{Command, ConfigCommand, LookArgs};
use crate::config::{self, Notices, Observed, Refusal};
use crate::doctor::examine;
use crate::evaluate::{locate, needs_second_look};
use crate::exit::{self, Exit};
use crate::explain::{self, Tables, Topic};
use crate::interrupt::unless_interrupted;
use crate::observe::dial::{Network, Sockets};
use crate::observe::kept::Kept;
use crate::observe::{Plan, look};
use crate::report::{Diagnosis, Note, Rehearsed, Report, Whereabouts};
use crate::security::Access;
use crate::settings::Settings;
use crate::snapshot::{Depth, Expected, Snapshot, Subject, recording};
use crate::wait::Listener;

pub use goal::Goal;
pub use waiting::Waiter;

/// How long after the first look the second one is taken that confirms a guard.
const SECOND_LOOK_AFTER: Duration = Duration::from_secs(2);

/// The same where two looks are taken only to see what changes: long enough for every follower to fetch.
const SECOND_LOOK_OF_HEALTH_AFTER: Duration = Duration::from_secs(1);

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
    /// Where the cluster stands.
    Whereabouts(Whereabouts),
    /// Whether everybody can be asked.
    Diagnosis(Diagnosis),
    /// What is set, with the origin of each setting or without.
    Settings(Settings, bool),
    /// What every stage demands, and the guards.
    Tables(Tables),
    /// Everything that can be explained.
    Topics(Vec<Topic>),
    /// One explanation.
    Explanation(Box<Topic>),
    /// A simulated migration and what was said on the way.
    Rehearsed(Rehearsed),
    /// The JSON Schema of the documents.
    Schema,
}

impl Answer {
    /// How the process ends.
    #[must_use]
    pub fn exit(&self) -> &'static Exit {
        match self {
            Self::Report(report) => exit::of_report(report),
            Self::Whereabouts(whereabouts) => exit::of_whereabouts(whereabouts),
            Self::Diagnosis(diagnosis) => exit::of_diagnosis(diagnosis),
            Self::Settings(..)
            | Self::Tables(_)
            | Self::Topics(_)
            | Self::Explanation(_)
            | Self::Rehearsed(_)
            | Self::Schema => &exit::COMPLETE,
        }
    }
}

/// Runs a command. `listener` is told what happens while a wait goes on.
///
/// # Errors
/// [`Refusal`] for what cannot be run, with 70 when the operating system gives us no event loop.
pub fn run(command: &Command, settings: Settings, listener: &mut dyn Listener) -> Result<Answered, Refusal> {
    match command {
        Command::Stage(args) => {
            let stage = config::stage(&args.stage)?;
            let only = config::only(args.only.as_deref(), stage)?;
            judged(&Goal::stage(stage, args.health), only, &args.look, settings, listener)
        }
        Command::Health(look) => judged(&Goal::healthy(), None, look, settings, listener),
        Command::Wait(args) => waiting::run(args, settings, listener),
        Command::Status(look) => {
            let Looked { snapshot, recording, warnings, .. } = look_as_asked(look, Depth::Stage, &settings, listener)?;
            let mut whereabouts = locate(&snapshot);
            for report in &mut whereabouts.reports {
                report.cluster_name.clone_from(&settings.cluster);
                report.warnings.extend_from_slice(&warnings);
            }
            Ok(Answered { answer: Answer::Whereabouts(whereabouts), recording })
        }
        Command::Doctor(look) => diagnosed(look, settings, listener),
        Command::Config(ConfigCommand::Show(args)) => {
            remark(&config::refuse_broken(&args.look, &args.waiting, &settings)?, listener);
            Ok(Answered { answer: Answer::Settings(settings, args.origin), recording: None })
        }
        Command::Stages => Ok(Answered { answer: Answer::Tables(explain::tables()), recording: None }),
        Command::Explain { topic } => Ok(Answered { answer: explained(topic.as_deref())?, recording: None }),
        Command::Rehearse(args) => rehearsal::run(args),
        Command::Schema => Ok(Answered { answer: Answer::Schema, recording: None }),
    }
}

/// What one look says of it.
fn judged(
    goal: &Goal,
    only: Option<Subject>,
    look: &LookArgs,
    settings: Settings,
    listener: &mut dyn Listener,
) -> Result<Answered, Refusal> {
    let Looked { snapshot, recording, warnings, .. } = look_as_asked(look, goal.depth(), &settings, listener)?;
    let mut report = Report { cluster_name: settings.cluster, ..goal.judge(only, &snapshot) };
    report.warnings.extend(warnings);
    Ok(Answered { answer: Answer::Report(Box::new(report)), recording })
}

/// Whether everybody can be asked: the look that health takes, hop by hop.
fn diagnosed(look: &LookArgs, settings: Settings, listener: &mut dyn Listener) -> Result<Answered, Refusal> {
    let Looked { snapshot, recording, warnings, access } = look_as_asked(look, Depth::Content, &settings, listener)?;
    let Some(access) = access else {
        let words = "--from: a recording cannot be asked, so there is nothing to examine";
        return Err(config::usage(words.to_owned()));
    };
    let diagnosis = Diagnosis { cluster_name: settings.cluster, warnings, ..examine(&snapshot, &access) };
    Ok(Answered { answer: Answer::Diagnosis(diagnosis), recording })
}

/// The topic of this name, or all topics where none is named.
fn explained(name: Option<&str>) -> Result<Answer, Refusal> {
    let Some(name) = name else { return Ok(Answer::Topics(explain::topics())) };
    match explain::find(name) {
        Ok(topic) => Ok(Answer::Explanation(Box::new(topic))),
        Err(nearest) => {
            let nearest = nearest.join(", ");
            let message =
                format!("nothing is called '{name}'; nearest: {nearest}; kraft-check explain lists all names");
            Err(config::usage(message))
        }
    }
}

/// What was asked for, looked at.
struct Looked {
    snapshot: Snapshot,
    /// The recording that is to be kept.
    recording: Option<(PathBuf, String)>,
    /// What is odd about how it was asked for.
    warnings: Vec<Note>,
    /// How everybody was spoken to; of a recording that is not known.
    access: Option<Access>,
}

/// The looks that the arguments ask for, or a recording.
fn look_as_asked(
    args: &LookArgs,
    depth: Depth,
    settings: &Settings,
    listener: &mut dyn Listener,
) -> Result<Looked, Refusal> {
    let request = config::resolve(args, depth, settings)?;
    let (snapshot, warnings, access) = match request.subject {
        Observed::Recorded(snapshot) => (snapshot, Vec::new(), None),
        Observed::Live { plan, expected, timeout, access, notices } => {
            remark(&notices, listener);
            (observe(&plan, expected, timeout, access.clone())?, notices.warnings, Some(access))
        }
    };
    let recording = request.snapshot.map(|file| (file, recording::write(&snapshot)));
    Ok(Looked { snapshot, recording, warnings, access })
}

/// Says what there is to know of the configuration before anybody is asked.
fn remark(notices: &Notices, listener: &mut dyn Listener) {
    for (level, line) in &notices.remarks {
        listener.remark(*level, line);
    }
}

fn observe(plan: &Plan, expected: Expected, timeout: Duration, access: Access) -> Result<Snapshot, Refusal> {
    let network = Arc::new(Kept::nothing(Sockets::new(access)));
    with_runtime(take_looks(&network, plan, expected, Instant::now() + timeout))
}

/// Runs something that waits, until it is done or a signal comes.
fn with_runtime<T>(work: impl Future<Output = T>) -> Result<T, Refusal> {
    block_on(work)?.map_err(no_verdict)
}

/// The same; whoever asks has something to say although a signal came, which is the inner error.
fn block_on<T>(work: impl Future<Output = T>) -> Result<Result<T, &'static Exit>, Refusal> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(4).build();
    let runtime = runtime.map_err(|error| internal(format!("no event loop: {error}")))?;
    let done = runtime.block_on(unless_interrupted(work));
    // A name that is still being resolved must not hold the answer back: `--timeout` bounds the whole command.
    runtime.shutdown_background();
    Ok(done)
}

fn no_verdict(exit: &'static Exit) -> Refusal {
    Refusal { exit, message: format!("{} before there was a verdict", exit.name) }
}

/// One look, and a second one where a guard was met, or at content depth, if there is time for it.
async fn take_looks<N: Network>(
    network: &Arc<Kept<N>>,
    plan: &Plan,
    expected: Expected,
    deadline: Instant,
) -> Snapshot {
    let first = look(network, plan, deadline).await;
    let mut snapshot =
        Snapshot { depth: plan.depth, expected, metric_names: plan.metric_names.clone(), looks: vec![first] };
    let after = match plan.depth {
        _ if needs_second_look(&snapshot) => Some(SECOND_LOOK_AFTER),
        Depth::Content => Some(SECOND_LOOK_OF_HEALTH_AFTER),
        Depth::Stage => None,
    };
    if let Some(after) = after.filter(|after| Instant::now() + *after < deadline) {
        sleep(after).await;
        snapshot.looks.push(look(network, plan, deadline).await);
    }
    snapshot
}

fn internal(message: String) -> Refusal {
    Refusal { exit: &exit::INTERNAL, message }
}
