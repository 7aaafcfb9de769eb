//! The flags of a wait.

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::LookArgs;
use crate::stages::STAGES;

/// What is waited for beside stages.
pub const HEALTHY: &str = "healthy";

/// The arguments of `wait`.
#[derive(Debug, Args)]
pub struct WaitArgs {
    /// The stage to wait for; or healthy, for a cluster in which nothing is in flight and nobody is missing
    #[arg(value_name = "STAGE|healthy", value_parser = PossibleValuesParser::new(goals()))]
    pub goal: String,
    /// Wait for the cluster's health as well, in the same looks
    #[arg(long)]
    pub health: bool,
    /// How to wait.
    #[command(flatten)]
    pub waiting: WaitingArgs,
    /// What to look at.
    #[command(flatten)]
    pub look: LookArgs,
}

fn goals() -> impl Iterator<Item = &'static str> {
    STAGES.iter().map(|stage| stage.id).chain([HEALTHY])
}

/// How to wait.
#[derive(Debug, Args)]
pub struct WaitingArgs {
    /// How long one look of a wait may take
    #[arg(long, value_name = "DURATION", default_value = "30s")]
    pub look_timeout: String,
    /// How long a wait pauses between two looks, a fifth more or less by chance; up to 30s while nobody answers
    #[arg(long, value_name = "DURATION", default_value = "5s")]
    pub interval: String,
    /// For how long it must have been complete
    #[arg(long, value_name = "DURATION", default_value = "0s")]
    pub stable_for: String,
    /// In how many looks in a row it must be complete
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    pub samples: u16,
    /// In how many looks in a row it must be blocked before the wait gives up
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub blocked_samples: u16,
    /// End a wait in which for so long there is no new verdict or finding, and no offset moves
    #[arg(long, value_name = "DURATION")]
    pub no_progress: Option<String>,
    /// Say after this time that a wait is slow, and go on
    #[arg(long, value_name = "DURATION")]
    pub slow_after: Option<String>,
    /// Say it again every so often; without it, once
    #[arg(long, value_name = "DURATION")]
    pub slow_repeat: Option<String>,
    /// Run this when a wait is slow: words as for a shell, but none runs them; the event as JSON on its standard input,
    /// 10 seconds at most. What it comes to is said, and changes nothing
    #[arg(long, value_name = "COMMAND")]
    pub on_slow: Option<String>,
    /// The same when the verdict or a failing finding is another than in the look before
    #[arg(long, value_name = "COMMAND")]
    pub on_change: Option<String>,
    /// The same when a wait ends blocked
    #[arg(long, value_name = "COMMAND")]
    pub on_blocked: Option<String>,
    /// The same when a wait ends complete
    #[arg(long, value_name = "COMMAND")]
    pub on_complete: Option<String>,
}
