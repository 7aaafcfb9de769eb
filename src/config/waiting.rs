//! How to wait: times, numbers of looks, and hooks, whose words are taken apart as a shell would.

use std::time::Duration;

use super::{Live, Notices, Refusal, addressed, contradiction, duration, live, read, usage};
use crate::cli::{LookArgs, WaitingArgs};
use crate::observe::Plan;
use crate::security::Access;
use crate::settings::Settings;
use crate::snapshot::{Depth, Expected};
use crate::wait::{Rules, Trigger};

/// A wait, with everything resolved.
#[derive(Debug)]
pub struct Waiting {
    /// Whom to ask.
    pub plan: Plan,
    /// Whom to expect.
    pub expected: Expected,
    /// How everybody is spoken to.
    pub access: Access,
    /// How long a look may take.
    pub look_timeout: Duration,
    /// What there is to know of the configuration.
    pub notices: Notices,
    /// How to wait.
    pub rules: Rules,
    /// What to run, and when: program and arguments.
    pub hooks: Vec<(Trigger, Vec<String>)>,
}

/// Resolves what to look at, and how to wait.
///
/// # Errors
/// [`Refusal`] as of [`resolve`](super::resolve), for a recording, and for a wait that could not end complete.
pub fn waiting(look: &LookArgs, depth: Depth, args: &WaitingArgs, settings: &Settings) -> Result<Waiting, Refusal> {
    if look.from.is_some() {
        return Err(usage("--from: a recording does not change, so there is nothing to wait for".to_owned()));
    }
    let live = addressed(live(look, depth, settings)?)?;
    let Live { plan, expected, timeout, look_timeout: given, access, notices } = live;
    let rules = rules(args, settings, timeout)?;
    let least = rules.stable_for.max(rules.interval * u32::from(rules.samples.saturating_sub(1)));
    if least >= timeout {
        let name = settings.origin("timeout").name("timeout");
        let (timeout, least) = (humantime::format_duration(timeout), humantime::format_duration(least));
        return Err(contradiction(format!(
            "{name}: {timeout} are over before it can have been complete for --stable-for, or in --samples looks, one \
             every --interval: that takes {least}"
        )));
    }
    let look_timeout = read(settings, "look-timeout", |name| duration(name, &args.look_timeout))?;
    let given = given.filter(|given| given.holds("look-timeout", settings));
    let look_timeout = given.map_or(look_timeout, |given| given.value);
    Ok(Waiting { plan, expected, access, look_timeout, notices, rules, hooks: hooks(args, settings)? })
}

/// Refuses what [`waiting`] would refuse of these arguments by themselves.
///
/// # Errors
/// [`Refusal`] as of [`waiting`].
pub(super) fn refuse_broken(args: &WaitingArgs, settings: &Settings) -> Result<(), Refusal> {
    rules(args, settings, Duration::MAX)?;
    read(settings, "look-timeout", |name| duration(name, &args.look_timeout))?;
    hooks(args, settings).map(|_| ())
}

fn rules(args: &WaitingArgs, settings: &Settings, timeout: Duration) -> Result<Rules, Refusal> {
    let span = |key, text: &str| read(settings, key, |name| duration(name, text));
    let maybe = |key, text: &Option<String>| text.as_deref().map(|text| span(key, text)).transpose();
    let is_zero = ["0", "0s"].contains(&args.stable_for.as_str());
    Ok(Rules {
        timeout,
        interval: span("interval", &args.interval)?,
        stable_for: if is_zero { Duration::ZERO } else { span("stable-for", &args.stable_for)? },
        samples: args.samples,
        blocked_samples: args.blocked_samples,
        no_progress: maybe("no-progress", &args.no_progress)?,
        slow_after: maybe("slow-after", &args.slow_after)?,
        slow_repeat: maybe("slow-repeat", &args.slow_repeat)?,
    })
}

fn hooks(args: &WaitingArgs, settings: &Settings) -> Result<Vec<(Trigger, Vec<String>)>, Refusal> {
    let given = [
        (Trigger::Slow, &args.on_slow),
        (Trigger::Change, &args.on_change),
        (Trigger::Blocked, &args.on_blocked),
        (Trigger::Complete, &args.on_complete),
    ];
    let given = given.into_iter().filter_map(|(trigger, text)| Some((trigger, text.as_deref()?)));
    given.map(|(trigger, text)| Ok((trigger, read(settings, trigger.flag(), |name| words(name, text))?))).collect()
}

/// The words of a command. It may hold a secret, so it is not repeated.
fn words(flag: &str, text: &str) -> Result<Vec<String>, Refusal> {
    let words = shlex::split(text);
    let words = words.ok_or_else(|| usage(format!("{flag}: a quotation mark or a backslash has no second half")))?;
    match words.first() {
        Some(program) if !program.is_empty() => Ok(words),
        _ => Err(usage(format!("{flag}: no command is named"))),
    }
}
