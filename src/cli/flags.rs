//! The flags of a command, as other places than the command line may give them: their names, what they take, and what
//! came of them. Read off the grammar, so that a new flag is known everywhere. Not here: what those places are.

use std::ffi::{OsStr, OsString};

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command};

use crate::settings::{Setting, Value};

/// One flag of the command that was typed.
#[derive(Debug)]
pub struct Flag {
    /// Its long name, without hyphens.
    pub name: String,
    /// What it takes.
    pub takes: Takes,
    /// The flags that it cannot stand beside, by its own account.
    pub excludes: Vec<String>,
    /// Whether somebody gave it.
    pub given: bool,
    /// Its value, the default one where nobody gave any.
    pub value: Option<Value>,
}

/// What a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Nothing: it is there or not.
    Nothing,
    /// One value.
    One,
    /// Any number of values.
    Several,
}

/// Every flag of every command and what it takes, once each.
pub(super) fn every(command: &Command) -> Vec<(String, Takes)> {
    let own = of_one(command).filter_map(|arg| Some((arg.get_long()?.to_owned(), takes(arg))));
    let mut flags: Vec<(String, Takes)> = own.collect();
    for inner in command.get_subcommands() {
        for flag in every(inner) {
            if !flags.contains(&flag) {
                flags.push(flag);
            }
        }
    }
    flags
}

/// The flags of the command that was typed: the innermost.
pub(super) fn of_typed(command: &Command, matches: &ArgMatches) -> Vec<Flag> {
    if let Some((name, matches)) = matches.subcommand()
        && let Some(command) = command.find_subcommand(name)
    {
        return of_typed(command, matches);
    }
    let flag = |arg: &Arg| {
        let id = arg.get_id().as_str();
        let raw = matches.get_raw(id);
        let texts = raw.map(|texts| texts.map(|text| text.to_string_lossy().into_owned()).collect::<Vec<String>>());
        let takes = takes(arg);
        let excludes = command.get_arg_conflicts_with(arg).into_iter().filter_map(Arg::get_long);
        Some(Flag {
            name: arg.get_long()?.to_owned(),
            takes,
            excludes: excludes.map(ToOwned::to_owned).collect(),
            given: matches.value_source(id) == Some(ValueSource::CommandLine),
            value: match takes {
                Takes::Nothing if matches!(arg.get_action(), ArgAction::Count) => {
                    Some(Value::Truth(matches.get_count(id) > 0))
                }
                Takes::Nothing => Some(Value::Truth(matches.get_flag(id))),
                Takes::One => texts.and_then(|texts| texts.into_iter().next()).map(Value::Text),
                Takes::Several => texts.map(Value::Texts),
            },
        })
    };
    of_one(command).filter_map(flag).collect()
}

/// The command line with these settings in it, as if they had been typed.
pub(super) fn with(args: &[OsString], settings: &[Setting]) -> Vec<OsString> {
    // Behind `--` nothing is a flag.
    let end = args.iter().position(|arg| arg == OsStr::new("--")).unwrap_or(args.len());
    let (before, behind) = args.split_at(end);
    let mut all = before.to_vec();
    for Setting { key, value, .. } in settings {
        let texts = match value {
            Some(Value::Truth(true)) => {
                all.push(format!("--{key}").into());
                continue;
            }
            Some(Value::Text(text)) => std::slice::from_ref(text),
            Some(Value::Texts(texts)) => texts,
            Some(Value::Truth(false)) | None => continue,
        };
        all.extend(texts.iter().map(|text| OsString::from(format!("--{key}={text}"))));
    }
    all.extend_from_slice(behind);
    all
}

/// The command's own flags; help and the version are none that can be set.
fn of_one(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| {
        let action = arg.get_action();
        matches!(action, ArgAction::Set | ArgAction::Append | ArgAction::SetTrue | ArgAction::Count)
    })
}

fn takes(arg: &Arg) -> Takes {
    match arg.get_action() {
        ArgAction::Append => Takes::Several,
        ArgAction::SetTrue | ArgAction::Count => Takes::Nothing,
        _ => Takes::One,
    }
}
