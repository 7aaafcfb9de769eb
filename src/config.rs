//! What was typed, or set elsewhere, checked: a plan of whom to ask, and whom to expect.
//!
//! Every text is read here, and what contradicts itself is refused here, before anything is asked. Not here:
//! what the flags are called (`cli`).

mod address;
mod client;
mod file;
mod layers;
mod metric;
mod pages;
pub mod properties;
mod waiting;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::{LookArgs, WaitingArgs};
use crate::exit::{self, Exit};
use crate::observe::{Address, Plan};
use crate::security::Access;
use crate::settings::{Origin, Settings};
use crate::snapshot::{Depth, Expected, NodeId, Snapshot, Subject, recording};
use crate::stages::{STAGES, Stage};
use client::{Client, Given};

pub use client::Notices;
pub use layers::{settle, unreadable};
pub use waiting::{Waiting, waiting};

/// More ids than any cluster has; a range like 1-2000000000 is a slip.
const IDS_MAX: usize = 10_000;

/// Nobody to ask.
const NO_ADDRESS: &str = "no address: give brokers with -b HOST:PORT and controllers with -C ID@HOST:PORT, or both in a \
                          file with --config FILE";

/// The largest recording that is read, in bytes. Two looks at a thousand brokers, each of which lists a thousand, have
/// half of it.
const RECORDING_LIMIT: u64 = 256 * 1024 * 1024;

/// Why a command cannot be run: one line, and how the process ends.
#[derive(Debug)]
pub struct Refusal {
    /// How the process ends.
    pub exit: &'static Exit,
    /// What was wrong, where, and what to do.
    pub message: String,
}

/// What to look at, with everything resolved.
#[derive(Debug)]
pub struct Request {
    /// What to judge by.
    pub subject: Observed,
    /// Where to keep what was observed.
    pub snapshot: Option<PathBuf>,
}

/// What is judged.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one of it in a process")]
pub enum Observed {
    /// Looks that are still to be taken.
    Live {
        /// Whom to ask.
        plan: Plan,
        /// Whom to expect.
        expected: Expected,
        /// How long all of it may take.
        timeout: Duration,
        /// How everybody is spoken to.
        access: Access,
        /// What there is to know of the configuration.
        notices: Notices,
    },
    /// A recording.
    Recorded(Snapshot),
}

/// The same before it is known whether anybody can be asked, and whose times count.
struct Live {
    plan: Plan,
    expected: Expected,
    timeout: Duration,
    /// What client properties give for one look.
    look_timeout: Option<Given<Duration>>,
    access: Access,
    notices: Notices,
}

/// The stage of this name.
///
/// # Errors
/// [`Refusal`] with 64 for a stage that there is not.
pub fn stage(name: &str) -> Result<&'static Stage, Refusal> {
    let stage = STAGES.iter().find(|stage| stage.id == name);
    stage.ok_or_else(|| usage(format!("unknown stage '{name}'")))
}

/// The one node that is asked about: `broker/7` or `controller/3001`, of which the stage must demand something.
///
/// # Errors
/// [`Refusal`] with 64 for what is no node, and for one that the stage does not ask about.
pub fn only(text: Option<&str>, stage: &Stage) -> Result<Option<Subject>, Refusal> {
    let Some(text) = text else { return Ok(None) };
    let node = match text.split_once('/').map(|(kind, id)| (kind, node_id(id))) {
        Some(("broker", Some(id))) => Subject::Broker(id),
        Some(("controller", Some(id))) => Subject::Controller(id),
        _ => return Err(usage(format!("--only: '{text}' is not a node: give broker/7 or controller/3001"))),
    };
    if stage.rows.iter().any(|row| row.of.may_be(node)) {
        return Ok(Some(node));
    }
    let kind = text.split('/').next().unwrap_or_default();
    Err(usage(format!("--only: {} demands nothing of a {kind}, so nothing can be said of {node}", stage.id)))
}

/// Resolves what to look at. `settings` says who gave which of the arguments.
///
/// # Errors
/// [`Refusal`] with 64 for what cannot be read, with 78 for what contradicts itself or the config file, and for a
/// recording that is none.
pub fn resolve(args: &LookArgs, depth: Depth, settings: &Settings) -> Result<Request, Refusal> {
    let snapshot = args.snapshot.clone();
    if let Some(file) = &args.from {
        return Ok(Request { subject: Observed::Recorded(recording(file, depth)?), snapshot });
    }
    let Live { plan, expected, timeout, look_timeout, access, notices } = addressed(live(args, depth, settings)?)?;
    let given = look_timeout.filter(|given| given.holds("timeout", settings));
    let timeout = given.map_or(timeout, |given| given.value);
    Ok(Request { subject: Observed::Live { plan, expected, timeout, access, notices }, snapshot })
}

/// Refuses what [`resolve`] and [`waiting()`] would refuse, but for the lack of any address; otherwise, what there is to
/// know of the configuration.
///
/// # Errors
/// [`Refusal`] as of [`resolve`].
pub fn refuse_broken(args: &LookArgs, waiting: &WaitingArgs, settings: &Settings) -> Result<Notices, Refusal> {
    waiting::refuse_broken(waiting, settings)?;
    if args.from.is_some() { Ok(Notices::default()) } else { Ok(live(args, Depth::Content, settings)?.notices) }
}

fn live(args: &LookArgs, depth: Depth, settings: &Settings) -> Result<Live, Refusal> {
    let Client { access, notices, brokers, controllers, request_timeout, look_timeout } =
        client::read_all(args, settings)?;
    let brokers = addresses("bootstrap-server", &args.bootstrap_servers, brokers, settings)?;
    let controllers = addresses("bootstrap-controller", &args.bootstrap_controllers, controllers, settings)?;
    // One address without an id, and the ids of the others are not all there are.
    let given: Option<BTreeSet<NodeId>> = controllers.iter().map(|controller| controller.id).collect();
    let expected = Expected {
        brokers: read(settings, "expect-brokers", |name| ids(name, args.expect_brokers.as_deref()))?,
        controllers: read(settings, "expect-controllers", |name| ids(name, args.expect_controllers.as_deref()))?
            .or(given.filter(|given| !given.is_empty())),
        cluster_id: read(settings, "expect-cluster-id", |name| {
            args.expect_cluster_id.as_deref().map(|text| cluster_id(name, text)).transpose()
        })?,
    };
    let (pages, controller_pages) = read(settings, "metrics", |name| {
        pages::pages(name, &args.metrics, &controllers, expected.controllers.as_ref(), depth)
    })?;
    let plan = Plan {
        pages,
        controller_pages,
        broker_pages: read(settings, "broker-metrics", |name| {
            pages::broker_pages(name, args.broker_metrics.as_deref())
        })?,
        depth,
        metric_names: read(settings, "metric", |name| {
            args.metric_names.iter().map(|text| metric::name(name, text)).collect::<Result<_, _>>()
        })?,
        prove_cluster_id: expected.cluster_id.is_some(),
        brokers,
        controllers,
        request_timeout: match request_timeout.filter(|given| given.holds("request-timeout", settings)) {
            Some(given) => given.value,
            None => read(settings, "request-timeout", |name| duration(name, &args.request_timeout))?,
        },
        page_timeout: read(settings, "page-timeout", |name| duration(name, &args.page_timeout))?,
        concurrency: usize::from(args.concurrency),
    };
    let timeout = read(settings, "timeout", |name| duration(name, &args.timeout))?;
    Ok(Live { plan, expected, timeout, look_timeout, access, notices })
}

/// Refuses to ask nobody.
fn addressed(live: Live) -> Result<Live, Refusal> {
    let is_nobody = live.plan.brokers.is_empty() && live.plan.controllers.is_empty();
    if is_nobody { Err(usage(NO_ADDRESS.to_owned())) } else { Ok(live) }
}

/// The addresses of a flag, or those of the property that serves where there is none.
fn addresses(
    flag: &str,
    texts: &[String],
    property: Option<Given<Vec<String>>>,
    settings: &Settings,
) -> Result<Vec<Address>, Refusal> {
    match property.filter(|given| given.holds(flag, settings)) {
        Some(given) => client::as_given(&given, address::addresses),
        None => read(settings, flag, |name| address::addresses(name, texts)),
    }
}

/// Reads one setting, under the name that it has where it was given. In a config file nothing is a slip of the hand.
fn read<T>(settings: &Settings, key: &str, reader: impl FnOnce(&str) -> Result<T, Refusal>) -> Result<T, Refusal> {
    let origin = settings.origin(key);
    reader(&origin.name(key)).map_err(|refusal| match origin {
        Origin::File(_) => contradiction(refusal.message),
        _ => refusal,
    })
}

/// Reads a recording, at most [`RECORDING_LIMIT`] bytes of it, that goes at least so deep.
fn recording(file: &Path, depth: Depth) -> Result<Snapshot, Refusal> {
    let refusal = |why: &str| contradiction(format!("--from {}: {why}", file.display()));
    let open = File::open(file).map_err(|error| refusal(&error.to_string()))?;
    let mut text = String::new();
    open.take(RECORDING_LIMIT + 1).read_to_string(&mut text).map_err(|error| refusal(&error.to_string()))?;
    if text.len() as u64 > RECORDING_LIMIT {
        return Err(refusal(&format!("more than {RECORDING_LIMIT} bytes, which no recording has")));
    }
    let snapshot = recording::read(&text).map_err(|why| refusal(&why))?;
    if depth == Depth::Content && snapshot.depth == Depth::Stage {
        return Err(refusal(
            "recorded at the depth of a stage, and health needs more: record it with health or --health",
        ));
    }
    Ok(snapshot)
}

/// A cluster's id. Kafka makes 22 letters of URL-safe base64 and accepts what others made.
fn cluster_id(flag: &str, text: &str) -> Result<String, Refusal> {
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_graphic()) {
        return Ok(text.to_owned());
    }
    let shown = "give it as in meta.properties, such as MkU3OEVBNTcwNTJENDM2Qg";
    Err(usage(format!("{flag}: '{text}' is not the id of a cluster: {shown}")))
}

/// `1-50,60`.
fn ids(flag: &str, text: Option<&str>) -> Result<Option<BTreeSet<NodeId>>, Refusal> {
    let Some(text) = text else { return Ok(None) };
    let mut ids = BTreeSet::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let range = node_id(first).zip(node_id(last)).filter(|(first, last)| first <= last);
        let Some((first, last)) = range else {
            return Err(usage(format!("{flag}: '{part}' is not an id or a range: give e.g. 1-50,60")));
        };
        if ids.len() + usize::try_from(last - first).unwrap_or(usize::MAX) >= IDS_MAX {
            return Err(usage(format!("{flag}: '{part}' makes it more than {IDS_MAX} ids")));
        }
        ids.extend(first..=last);
    }
    Ok(Some(ids))
}

/// A node id as Kafka writes it: digits only, at most 2³¹−1.
fn node_id(text: &str) -> Option<NodeId> {
    let text = text.trim();
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// `500ms`, `90s`, `15m`; a bare number is seconds. Above 0 and at most a day.
fn duration(flag: &str, text: &str) -> Result<Duration, Refusal> {
    let bare = text.parse::<u32>().ok().map(|seconds| Duration::from_secs(u64::from(seconds)));
    let duration = bare.or_else(|| humantime::parse_duration(text).ok());
    duration.filter(|duration| !duration.is_zero() && *duration <= Duration::from_hours(24)).ok_or_else(|| {
        usage(format!("{flag}: '{text}' is not a duration between 1ms and 24h: give e.g. 500ms, 90s or 15m"))
    })
}

/// The refusal of a command line that is wrong, with 64.
#[must_use]
pub fn usage(message: String) -> Refusal {
    Refusal { exit: &exit::USAGE, message }
}

fn contradiction(message: String) -> Refusal {
    Refusal { exit: &exit::CONFIG, message }
}
