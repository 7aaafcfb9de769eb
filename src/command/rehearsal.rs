//! `rehearse`: a simulated migration, judged over sockets as every cluster is; or one phase of it, held for others to
//! ask.
//!
//! Not here: the simulated cluster (`rehearse`).

use std::ffi::OsString;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::Instant;

use super::{Answer, Answered, internal, take_looks, with_runtime};
use crate::cli::{self, Command, RehearseArgs};
use crate::config::{self, Observed, Refusal, Request};
use crate::evaluate::locate;
use crate::exit;
use crate::observe::Plan;
use crate::observe::dial::Sockets;
use crate::observe::kept::Kept;
use crate::output::{self, TemporaryFile};
use crate::rehearse::{Affliction, Afflicts, Phase, Rehearsal, node_ids, phases};
use crate::report::{JudgedPhase, Rehearsed};
use crate::security::Access;
use crate::settings::Settings;
use crate::snapshot::{Depth, Expected, NodeId};

/// Where the settings are written for the other terminal.
const CONFIG_FILE: &str = "kraft-check.toml";
/// What that file begins with; a file that begins otherwise is somebody's own.
const HEADING: &str = "# Written by kraft-check rehearse";
/// `--hold` of whatever comes first.
const FIRST: &str = "first";

/// Walks through every phase, or holds phases until it is told to go on.
pub(super) fn run(args: &RehearseArgs) -> Result<Answered, Refusal> {
    let (brokers, controllers) = node_ids(args.brokers, args.controllers);
    for affliction in &args.faults {
        refuse_misplaced(*affliction, &brokers, &controllers)?;
    }
    let phases = phases(&brokers, &controllers);
    let held_from = args.hold.as_deref().map(|name| place(&phases, name)).transpose()?;
    let walked = with_runtime(walk(args, &phases, held_from))?;
    Ok(Answered { answer: Answer::Rehearsed(walked?), recording: None })
}

/// The number of the phase of this name.
fn place(phases: &[Phase], name: &str) -> Result<usize, Refusal> {
    let number = phases.iter().position(|phase| phase.id == name).or((name == FIRST).then_some(0));
    number.ok_or_else(|| {
        let all = phases.iter().map(|phase| phase.id.as_str()).collect::<Vec<_>>().join(", ");
        config::usage(format!("--hold: no phase is called '{name}'; there are {FIRST}, {all}"))
    })
}

fn refuse_misplaced(
    Affliction { node, fault }: Affliction,
    brokers: &[NodeId],
    controllers: &[NodeId],
) -> Result<(), Refusal> {
    let is_broker = brokers.contains(&node);
    let is_controller = controllers.contains(&node);
    let (fits, wanted) = match fault.afflicts() {
        Afflicts::Any => (is_broker || is_controller, "one of its nodes"),
        Afflicts::Brokers => (is_broker, "one of its brokers"),
        Afflicts::Controllers => (is_controller, "one of its controllers"),
        Afflicts::Strangers => (!is_broker && !is_controller, "an id that none of its nodes has"),
    };
    if fits {
        return Ok(());
    }
    let ids = |ids: &[NodeId]| match (ids.first(), ids.last()) {
        (Some(first), Some(last)) => format!("{first}-{last}"),
        _ => String::new(),
    };
    let name = fault.name();
    let (brokers, controllers) = (ids(brokers), ids(controllers));
    Err(config::usage(format!(
        "--fault: {name} is for {wanted}, and {node} is not: brokers {brokers}, controllers {controllers}"
    )))
}

async fn walk(args: &RehearseArgs, phases: &[Phase], held_from: Option<usize>) -> Result<Rehearsed, Refusal> {
    let no_port = |error: std::io::Error| {
        internal(format!(
            "no port on 127.0.0.1 for every simulated node: {error} (ulimit -n shows how many may be open)"
        ))
    };
    let mut rehearsal =
        Rehearsal::start(args.kafka, args.brokers, args.controllers, &args.faults).await.map_err(no_port)?;
    let settings = settings(&rehearsal);
    let (plan, expected, timeout) = plan(&settings)?;
    let unwritten = |error: std::io::Error| Refusal {
        exit: &exit::OUTPUT,
        message: format!("the settings for other terminals: {error}; run it in another folder"),
    };
    let mut held = match held_from {
        Some(_) => Some((TemporaryFile::claim(Path::new(CONFIG_FILE), HEADING).map_err(unwritten)?, lines())),
        None => None,
    };
    let what = format!("Kafka {}, {} brokers, {} controllers, simulated", args.kafka, args.brokers, args.controllers);
    let network = Arc::new(Kept::new(Sockets::new(Access::default())));
    let mut judged = Vec::new();
    for (number, phase) in phases.iter().enumerate() {
        rehearsal.act(|cluster| phase.enter(cluster)).await.map_err(no_port)?;
        if held_from.is_some_and(|from| number < from) {
            continue;
        }
        let snapshot = take_looks(&network, &plan, expected.clone(), Instant::now() + timeout).await;
        let whereabouts = locate(&snapshot);
        judged.push(JudgedPhase { id: phase.id.clone(), title: phase.title.clone(), whereabouts });
        if let Some((file, next_line)) = &mut held {
            file.write(&config_file(&settings, &what)).map_err(unwritten)?;
            output::complain(&format!(
                "holding {}: kraft-check in this folder asks the simulated cluster; a line goes on\n",
                phase.id
            ));
            if next_line.recv().await.is_none() {
                // Nobody is left to move it on, so it is held until a signal ends it.
                std::future::pending::<()>().await;
            }
        }
    }
    Ok(Rehearsed { what, phases: judged })
}

/// What has to be set to ask the rehearsal: keys of a config file, which are long flags.
fn settings(rehearsal: &Rehearsal) -> Vec<(&'static str, Vec<String>)> {
    let brokers = rehearsal.brokers();
    let controllers = rehearsal.controllers();
    let ids = match (brokers.first(), brokers.last()) {
        (Some((first, _)), Some((last, _))) => format!("{first}-{last}"),
        _ => String::new(),
    };
    let page = |(id, _, page): &(NodeId, SocketAddr, SocketAddr)| format!("{id}=http://{page}/metrics");
    vec![
        // One is enough, unless it is the one with a fault.
        ("bootstrap-server", brokers.iter().take(2).map(|(_, address)| address.to_string()).collect()),
        ("bootstrap-controller", controllers.iter().map(|(id, address, _)| format!("{id}@{address}")).collect()),
        ("metrics", controllers.iter().map(page).collect()),
        ("broker-metrics", vec![rehearsal.broker_pages()]),
        ("expect-brokers", vec![ids]),
        // Nothing is far away here.
        ("request-timeout", vec!["1s".to_owned()]),
        ("page-timeout", vec!["2s".to_owned()]),
    ]
}

/// The same, as if it had been typed.
fn plan(settings: &[(&'static str, Vec<String>)]) -> Result<(Plan, Expected, Duration), Refusal> {
    let flags = settings.iter().flat_map(|(key, values)| values.iter().map(move |value| format!("--{key}={value}")));
    let args: Vec<OsString> =
        ["kraft-check", "status"].map(OsString::from).into_iter().chain(flags.map(Into::into)).collect();
    let defect = || internal("the settings of a rehearsal are no settings".to_owned());
    let (cli, _) = cli::parse(&args, &[]).map_err(|_| defect())?;
    let Command::Status(look) = cli.command else { return Err(defect()) };
    match config::resolve(&look, Depth::Stage, &Settings::default())? {
        Request { subject: Observed::Live { plan, expected, timeout, .. }, .. } => Ok((plan, expected, timeout)),
        Request { .. } => Err(defect()),
    }
}

/// The same, as a config file.
fn config_file(settings: &[(&'static str, Vec<String>)], what: &str) -> String {
    let mut text = format!(", which removes it at its end: {what}.\n");
    for (key, values) in settings {
        let quoted = values.iter().map(|value| format!("\"{value}\"")).collect::<Vec<_>>();
        // Writing to a string cannot fail.
        let _ = match quoted.as_slice() {
            [one] => writeln!(text, "{key} = {one}"),
            several => writeln!(text, "{key} = [{}]", several.join(", ")),
        };
    }
    text
}

/// The lines of standard input, read by a thread of its own, for such a read cannot be given up.
fn lines() -> UnboundedReceiver<()> {
    let (sender, receiver) = unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines() {
            if line.is_err() || sender.send(()).is_err() {
                return;
            }
        }
    });
    receiver
}
