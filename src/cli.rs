//! What was typed, as types. No I/O, and no meaning: texts are read in `config`.

mod flags;
mod outputs;
mod waiting;

use std::ffi::OsString;
use std::iter::once;
use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, Args, CommandFactory, FromArgMatches, Parser, Subcommand};
pub use flags::{Flag, Takes};

use crate::exit;
use crate::rehearse::{Affliction, Version};
use crate::render::Findings;
use crate::settings::Setting;
use crate::stages::STAGES;
pub use outputs::{Output, unreadable};
pub use waiting::{HEALTHY, WaitArgs, WaitingArgs};

/// How long a wait may take, unless `--timeout` says otherwise.
const WAIT_TIMEOUT: &str = "15m";

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "kraft-check", version, about, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How to say what came of it.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Where else to find what is not typed.
    #[command(flatten)]
    pub file: FileArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum Command {
    /// One look, one verdict: is this stage of the migration complete?
    Stage(Box<StageArgs>),
    /// Look again and again until this stage of the migration is complete, or the cluster healthy, it is blocked, or the
    /// time is over
    Wait(Box<WaitArgs>),
    /// Which stage is the cluster in, what holds it there, and what comes next?
    Status(Box<LookArgs>),
    /// Is the cluster boring: nothing in flight, nobody missing or unexpected, the quorum formed and caught up?
    Health(Box<LookArgs>),
    /// Can everybody be asked? Every node and page, hop by hop: name, connection, TLS, login, each right, metrics
    Doctor(Box<LookArgs>),
    /// What every stage demands of whom, and the guards that hold in all of them
    Stages,
    /// What an id means, how to look by hand, how to fix it, and where that comes from
    Explain {
        /// The id of a stage, a finding, an action, an error or a warning; an exit code; or exit-codes. Without it, all
        /// that can be explained
        #[arg(value_name = "STAGE|FINDING|exit-codes")]
        topic: Option<String>,
    },
    /// What is set, and who set it
    #[command(subcommand)]
    Config(ConfigCommand),
    /// A simulated cluster to try all this on: a whole migration, judged on the way; or one phase of it, to be asked
    /// from another terminal
    Rehearse(Box<RehearseArgs>),
    /// The JSON Schema of every document of -o json
    Schema,
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum ConfigCommand {
    /// The settings of flags, environment and config file in one, as a config file; secrets are hidden
    Show(Box<ShowArgs>),
}

/// The arguments of `config show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Say of each setting where it comes from
    #[arg(long)]
    pub origin: bool,
    /// What to look at.
    #[command(flatten)]
    pub look: LookArgs,
    /// How to wait.
    #[command(flatten)]
    pub waiting: WaitingArgs,
}

/// The arguments of `rehearse`.
#[derive(Debug, Args)]
pub struct RehearseArgs {
    /// Stay in this phase and write a kraft-check.toml here, so that `kraft-check status` asks the simulated cluster; a
    /// line on standard input goes on to the next phase. `first` is the first one; any other word lists them
    #[arg(long, value_name = "PHASE")]
    pub hold: Option<String>,
    /// The Kafka release of every node
    #[arg(long, value_name = "VERSION", default_value = "3.9", value_parser = str::parse::<Version>)]
    pub kafka: Version,
    /// How many brokers; their ids begin with 1
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    pub brokers: u16,
    /// How many controllers; their ids begin with 3001, or with 30001 beside more than 3,000 brokers
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=9))]
    pub controllers: u16,
    /// What is wrong with a node, such as 2=silent or 3001=slow:3s; may be repeated. Any other word lists the faults
    #[arg(long = "fault", value_name = "NODE=FAULT", value_parser = str::parse::<Affliction>)]
    pub faults: Vec<Affliction>,
}

impl Command {
    /// The words of the command, without its flags, as a document repeats them.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        match self {
            Self::Stage(args) => vec!["stage".to_owned(), args.stage.clone()],
            Self::Wait(args) => vec!["wait".to_owned(), args.goal.clone()],
            Self::Status(_) => vec!["status".to_owned()],
            Self::Health(_) => vec!["health".to_owned()],
            Self::Doctor(_) => vec!["doctor".to_owned()],
            Self::Config(ConfigCommand::Show(_)) => vec!["config".to_owned(), "show".to_owned()],
            Self::Stages => vec!["stages".to_owned()],
            Self::Explain { topic } => once("explain".to_owned()).chain(topic.clone()).collect(),
            Self::Rehearse(_) => vec!["rehearse".to_owned()],
            Self::Schema => vec!["schema".to_owned()],
        }
    }
}

/// The arguments of `stage`.
#[derive(Debug, Args)]
pub struct StageArgs {
    /// The stage to judge
    #[arg(value_name = "STAGE", value_parser = PossibleValuesParser::new(STAGES.iter().map(|stage| stage.id)))]
    pub stage: String,
    /// Judge one node alone, and every guard: may a rolling restart go on to the next?
    #[arg(long, value_name = "broker/ID|controller/ID")]
    pub only: Option<String>,
    /// Judge the cluster's health as well, in the same look
    #[arg(long)]
    pub health: bool,
    /// What to look at.
    #[command(flatten)]
    pub look: LookArgs,
}

/// Whom to ask and whom to expect, of every command that looks at a cluster.
#[derive(Debug, Args)]
pub struct LookArgs {
    /// Brokers; any one is enough, the others are learned from it. With ID@ where the address that a broker
    /// advertises cannot be reached from here
    #[arg(short = 'b', long = "bootstrap-server", value_name = "[ID@]HOST:PORT", value_delimiter = ',')]
    pub bootstrap_servers: Vec<String>,
    /// Controllers, in the form of controller.quorum.voters. Without ID@, which one it is must be told by the quorum
    #[arg(short = 'C', long = "bootstrap-controller", value_name = "[ID@]HOST:PORT", value_delimiter = ',')]
    pub bootstrap_controllers: Vec<String>,
    /// The controllers' metrics pages: a template with {host}, {id} and {port} of -C, such as
    /// `http://{host}:7071/metrics`, or ID=URL[,ID=URL]; may be repeated
    #[arg(long, value_name = "TEMPLATE")]
    pub metrics: Vec<String>,
    /// The brokers' metrics pages: a template with {host}, {id} and {port} of each broker, such as
    /// `http://{host}:7071/metrics`. Only health asks for them; single pages can be named with --metrics ID=URL
    #[arg(long, value_name = "TEMPLATE")]
    pub broker_metrics: Option<String>,
    /// Under which name the pages of an exporter of its own kind show a gauge, such as
    /// `zk-migration-state=migration_phase{what="state"}`; any other word lists the gauges; may be repeated
    #[arg(long = "metric", value_name = "GAUGE=NAME{LABEL=VALUE}")]
    pub metric_names: Vec<String>,
    /// The ids of all brokers of the cluster, such as 1-50,60; without it, those that any broker lists
    #[arg(long, value_name = "IDS")]
    pub expect_brokers: Option<String>,
    /// The ids of all controllers; without it, the ids of -C, or the voters
    #[arg(long, value_name = "IDS")]
    pub expect_controllers: Option<String>,
    /// The id of the cluster; nodes of any other are refused
    #[arg(long, value_name = "ID")]
    pub expect_cluster_id: Option<String>,
    /// How the listeners are spoken to: Kafka's own file of client properties, such as client.properties, with
    /// security.protocol, ssl.*, sasl.*; the addresses and times in it serve where no others are given
    #[arg(long, value_name = "FILE")]
    pub command_config: Option<PathBuf>,
    /// The same for the controllers' listeners, where they are spoken to otherwise than the brokers'
    #[arg(long, value_name = "FILE")]
    pub controller_command_config: Option<PathBuf>,
    /// A client property, over those of both files; may be repeated. None with a secret in it: anybody on this host can
    /// read command lines
    #[arg(short = 'X', long = "property", value_name = "KEY=VALUE")]
    pub properties: Vec<String>,
    /// How the metrics pages are spoken to, a file of the same form: ssl.* for https, basic.auth.user.info=USER:PASSWORD
    /// or bearer.auth.token
    #[arg(long, value_name = "FILE")]
    pub metrics_config: Option<PathBuf>,
    /// Keep what was observed in this file, to be judged again with --from
    #[arg(long, value_name = "FILE")]
    pub snapshot: Option<PathBuf>,
    /// Judge this recording of --snapshot and ask nobody; whom to expect stands in it
    #[arg(long, value_name = "FILE", conflicts_with_all = [
        "bootstrap_servers", "bootstrap_controllers", "metrics", "broker_metrics", "metric_names", "expect_brokers",
        "expect_controllers", "expect_cluster_id", "snapshot", "command_config", "controller_command_config",
        "properties", "metrics_config",
    ])]
    pub from: Option<PathBuf>,
    /// How long all of it may take
    #[arg(short = 't', long, value_name = "DURATION", default_value = "30s")]
    pub timeout: String,
    /// How long connecting may take, and each request
    #[arg(long, value_name = "DURATION", default_value = "5s")]
    pub request_timeout: String,
    /// How long a metrics page may take
    #[arg(long, value_name = "DURATION", default_value = "10s")]
    pub page_timeout: String,
    /// How many nodes and pages are asked at the same time
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub concurrency: u16,
}

/// How to say what came of it, of every command.
#[derive(Debug, Args)]
pub struct OutputArgs {
    /// The form of the answer on standard output, human, json or nagios, of a wait also jsonl: every event as it
    /// happens; or into a file, written whole or not at all; may be repeated. Without one for standard output it is
    /// human
    #[arg(short, long, global = true, value_name = "FORMAT[=FILE]", value_parser = str::parse::<Output>)]
    pub output: Vec<Output>,
    /// Which findings to list; all are counted
    #[arg(long, global = true, value_name = "WHICH", value_enum, default_value_t = Findings::Failing)]
    pub findings: Findings,
    /// Say nothing on standard output: the exit code tells. Errors are one line on standard error
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// List all findings, and how long each node took; twice, say also which client properties were ignored
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
}

impl OutputArgs {
    /// Which findings to list.
    #[must_use]
    pub fn findings(&self) -> Findings {
        if self.verbose > 0 { Findings::All } else { self.findings }
    }
}

/// Where to find what is not typed, of every command.
#[derive(Debug, Args)]
pub struct FileArgs {
    /// The config file, TOML or .json, instead of the first of ./kraft-check.toml,
    /// `$XDG_CONFIG_HOME/kraft-check/config.toml` and /etc/kraft-check/config.toml. Every --long-flag is a key
    /// `long-flag` of it, and a variable `KRAFT_CHECK_LONG_FLAG`
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Which of the config file's clusters
    #[arg(long, global = true, value_name = "NAME")]
    pub cluster: Option<String>,
}

/// Why there is nothing to do.
#[derive(Debug)]
pub enum NotRun {
    /// Help or the version was asked for: this text.
    Asked(String),
    /// The command line is wrong: one line that says how.
    Usage(String),
}

/// Reads a command line, with settings from elsewhere in it: what is asked, and the flags of its command.
///
/// # Errors
/// [`NotRun`] when there is nothing to run.
pub fn parse(args: &[OsString], elsewhere: &[Setting]) -> Result<(Cli, Vec<Flag>), NotRun> {
    let not_run = |error: clap::Error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => NotRun::Asked(error.to_string()),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            NotRun::Usage("no command was given; see kraft-check --help".to_owned())
        }
        _ => NotRun::Usage(one_line(&named_as_given(&error, elsewhere))),
    };
    let mut command = grammar();
    let matches = command.try_get_matches_from_mut(flags::with(args, elsewhere)).map_err(not_run)?;
    let flags = flags::of_typed(&command, &matches);
    let mut cli = Cli::from_arg_matches(&matches).map_err(not_run)?;
    cli.output.output = outputs::readable(args, cli.output.output).map_err(NotRun::Usage)?;
    Ok((cli, flags))
}

/// Every flag of every command, and what it takes.
#[must_use]
pub fn every_flag() -> Vec<(String, Takes)> {
    let mut whole = grammar();
    whole.build();
    flags::every(&whole)
}

fn grammar() -> clap::Command {
    let table = exit::table();
    let command = Cli::command().after_help(table.clone());
    let command = command.mut_subcommands(|command| command.after_help(table.clone()));
    let command = command.mut_subcommand("stage", |stage| stage.defer(with_args::<StageArgs>));
    let command = command.mut_subcommand("rehearse", |rehearse| rehearse.defer(with_args::<RehearseArgs>));
    let command = ["status", "health", "doctor"]
        .into_iter()
        .fold(command, |command, name| command.mut_subcommand(name, |look| look.defer(with_args::<LookArgs>)));
    let command = command
        .mut_subcommand("config", |config| config.mut_subcommand("show", |show| show.defer(with_args::<ShowArgs>)));
    command.mut_subcommand("wait", |wait| {
        wait.defer(|wait| {
            // A recording is refused in a sentence of its own.
            let wait = with_args::<WaitArgs>(wait).mut_arg("from", |from| from.hide(true));
            wait.mut_arg("timeout", |timeout| timeout.default_value(WAIT_TIMEOUT))
        })
    })
}

/// Adds the flags of a command, which nobody needs of those that are not typed: they are half of what a start takes. `defer` on
/// the commands does so too, but takes what the flags' type is about for what the command is about.
fn with_args<A: Args>(command: clap::Command) -> clap::Command {
    let about = command.get_about().cloned().unwrap_or_default();
    A::augment_args(command).about(about)
}

/// clap's message, with what it calls a flag replaced by what it is called where it was given.
fn named_as_given(error: &clap::Error, elsewhere: &[Setting]) -> String {
    let message = error.to_string();
    let Some(ContextValue::String(shown)) = error.get(ContextKind::InvalidArg) else { return message };
    let long = shown.trim_start_matches("--").split([' ', '=']).next().unwrap_or_default();
    match elsewhere.iter().find(|setting| setting.key == long) {
        Some(setting) => message.replace(&format!("'{shown}'"), &setting.origin.name(long)),
        None => message,
    }
}

/// clap's message without its usage block, on one line.
fn one_line(message: &str) -> String {
    let lines =
        message.lines().map(str::trim).take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"));
    let text = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
    format!("{}; see kraft-check --help", text.trim_start_matches("error: "))
}
