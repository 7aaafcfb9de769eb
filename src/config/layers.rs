//! Flag > environment > config file > default: what is not typed is looked for in the next place, and read as if it
//! had been typed. Not here: what a config file is (`file`).

use std::env;
use std::ffi::OsString;

use super::{Refusal, contradiction, file, usage};
use crate::cli::{self, Cli, Flag, NotRun, OutputArgs, Takes};
use crate::settings::{Origin, Setting, Settings, Value};

/// The flag without which a command looks at no cluster.
const ADDRESS: &str = "bootstrap-server";
/// The flag that says in which form to answer.
const OUTPUT: &str = "output";

/// Reads the command line, and settles every flag that is not in it. The command line is returned as far as it could
/// be settled: where that was refused, it still says in which form to answer.
///
/// # Errors
/// [`NotRun`] when the command line leaves nothing to run.
pub fn settle(args: &[OsString]) -> Result<(Cli, Result<Settings, Refusal>), NotRun> {
    let (mut cli, flags) = cli::parse(args, &[])?;
    let settled = further(args, &mut cli, flags);
    Ok((cli, settled))
}

/// How an unreadable command line asks to be answered, or else the environment.
#[must_use]
pub fn unreadable(args: &[OsString]) -> OutputArgs {
    let typed = cli::unreadable(args);
    match env::var(variable(OUTPUT)) {
        Ok(format) if typed.output.is_empty() => {
            let output = cli::unreadable(&[OsString::new(), format!("--output={format}").into()]).output;
            OutputArgs { output, ..typed }
        }
        _ => typed,
    }
}

fn further(args: &[OsString], cli: &mut Cli, mut flags: Vec<Flag>) -> Result<Settings, Refusal> {
    let mut elsewhere = environment(&flags)?;
    settle_with(args, &elsewhere, cli, &mut flags, usage)?;
    let (config, cluster) = (cli.file.config.clone(), cli.file.cluster.clone());
    let looks = flags.iter().any(|flag| flag.name == ADDRESS && !is_excluded(flag, &flags));
    let chosen = file::read(config.as_deref(), cluster.as_deref(), looks)?;
    let open = |setting: &Setting| {
        let flag = flags.iter().find(|flag| flag.name == setting.key);
        flag.is_some_and(|flag| !flag.given && !is_excluded(flag, &flags))
    };
    let of_file: Vec<Setting> = chosen.settings.into_iter().filter(open).collect();
    if !of_file.is_empty() {
        elsewhere.extend(of_file);
        settle_with(args, &elsewhere, cli, &mut flags, contradiction)?;
    }
    let setting = |flag: Flag| {
        let given = elsewhere.iter().find(|setting| setting.key == flag.name);
        let typed = if flag.given { Origin::Flag } else { Origin::Default };
        Setting {
            // An empty list leaves nothing to type.
            value: flag.value.or_else(|| given?.value.clone()),
            origin: given.map_or(typed, |setting| setting.origin.clone()),
            key: flag.name,
        }
    };
    let all = flags.into_iter().map(setting).filter(|setting| file::is_key(&setting.key)).collect();
    Ok(Settings { cluster: chosen.cluster, file: chosen.file, all })
}

/// Reads the command line with what stands elsewhere in it, where anything does: a grammar costs more than a look at a
/// small cluster.
fn settle_with(
    args: &[OsString],
    elsewhere: &[Setting],
    cli: &mut Cli,
    flags: &mut Vec<Flag>,
    refuse: fn(String) -> Refusal,
) -> Result<(), Refusal> {
    let refused = |(NotRun::Asked(message) | NotRun::Usage(message)): NotRun| refuse(message);
    // The form of the answer first, so that what is wrong with the rest is said in it.
    let form: Vec<Setting> = elsewhere.iter().filter(|setting| setting.key == OUTPUT).cloned().collect();
    if !form.is_empty() {
        (*cli, _) = cli::parse(args, &form).map_err(refused)?;
    }
    if !elsewhere.is_empty() {
        (*cli, *flags) = cli::parse(args, elsewhere).map_err(refused)?;
    }
    Ok(())
}

/// What the environment gives of what was not typed. An empty variable gives nothing.
fn environment(typed: &[Flag]) -> Result<Vec<Setting>, Refusal> {
    let mut settings: Vec<Setting> = Vec::new();
    // Those first that exclude others: a recording is judged whatever addresses the environment has.
    let (first, then): (Vec<&Flag>, Vec<&Flag>) = typed.iter().partition(|flag| !flag.excludes.is_empty());
    for flag in first.into_iter().chain(then) {
        let name = variable(&flag.name);
        let Some(text) = env::var_os(&name).filter(|text| !text.is_empty()) else { continue };
        let by_others = typed.iter().any(|other| {
            other.excludes.contains(&flag.name) && settings.iter().any(|setting| setting.key == other.name)
        });
        if flag.given || by_others || is_excluded(flag, typed) {
            continue;
        }
        let text = text.into_string().map_err(|_| usage(format!("{name}: its value is not text in UTF-8")))?;
        let value = match (flag.takes, text.as_str()) {
            (Takes::Nothing, "true" | "1") => Value::Truth(true),
            (Takes::Nothing, "false" | "0") => Value::Truth(false),
            (Takes::Nothing, other) => return Err(usage(format!("{name}: '{other}' is neither true nor false"))),
            (Takes::One, _) => Value::Text(text),
            (Takes::Several, _) => Value::Texts(vec![text]),
        };
        settings.push(Setting { key: flag.name.clone(), value: Some(value), origin: Origin::Environment(name) });
    }
    Ok(settings)
}

/// Whether a flag that was given leaves no room for this one.
fn is_excluded(flag: &Flag, flags: &[Flag]) -> bool {
    let excludes = |one: &Flag, other: &Flag| one.excludes.contains(&other.name) || other.excludes.contains(&one.name);
    flags.iter().any(|other| other.given && excludes(other, flag))
}

/// The variable of a flag.
fn variable(flag: &str) -> String {
    format!("KRAFT_CHECK_{}", flag.to_uppercase().replace('-', "_"))
}
