//! Where the answer goes, and in which form: `-o FORMAT[=FILE]`, of readable and unreadable command lines alike.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use clap::ValueEnum;

use super::OutputArgs;
use crate::render::{Findings, Format};

/// One place for the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// In which form.
    pub format: Format,
    /// Into which file; `None` is standard output.
    pub file: Option<PathBuf>,
}

impl FromStr for Output {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (word, file) = text.split_once('=').map_or((text, None), |(word, file)| (word, Some(file)));
        let format = Format::from_str(word, false).map_err(|_| {
            let names = Format::value_variants().iter().filter_map(ValueEnum::to_possible_value);
            let names = names.map(|name| name.get_name().to_owned()).collect::<Vec<_>>().join(", ");
            format!("'{word}' is no format: give one of {names}")
        })?;
        if file == Some("") {
            return Err(format!("no file after '{word}='"));
        }
        Ok(Self { format, file: file.map(PathBuf::from) })
    }
}

/// The outputs of a line that could be read.
///
/// The parser keeps only the innermost level of a flag that stands before and after the command, so what was typed
/// is read once more; what it found beside the line (a default) counts where nothing was typed.
pub(super) fn readable(args: &[OsString], parsed: Vec<Output>) -> Result<Vec<Output>, String> {
    let typed: Vec<Output> = typed(args).filter_map(|text| text.parse().ok()).collect();
    let outputs = if typed.is_empty() { parsed } else { typed };
    let twice =
        outputs.iter().enumerate().find(|(at, output)| outputs.iter().take(*at).any(|it| it.file == output.file));
    match twice {
        None => Ok(outputs),
        Some((_, Output { file: None, .. })) => {
            Err("two formats for standard output: give all but one a file, as in -o json=FILE".to_owned())
        }
        Some((_, Output { file: Some(file), .. })) => Err(format!("two outputs into one file, {}", file.display())),
    }
}

/// How a line that the parser has nothing to say of asks to be answered: the first of each place counts.
#[must_use]
pub fn unreadable(args: &[OsString]) -> OutputArgs {
    let mut output: Vec<Output> = Vec::new();
    for one in typed(args).filter_map(|text| text.parse::<Output>().ok()) {
        if output.iter().all(|other| other.file != one.file) {
            output.push(one);
        }
    }
    let quiet =
        words(args).any(|word| word == "--quiet" || switches(word).is_some_and(|(before, _)| before.contains('q')));
    OutputArgs { output, findings: Findings::Failing, quiet, verbose: 0 }
}

/// The values of `-o`, in every way that the parser takes them: apart, joined, with =, and after other switches.
fn typed(args: &[OsString]) -> impl Iterator<Item = &str> {
    let mut words = words(args).peekable();
    std::iter::from_fn(move || {
        loop {
            let word = words.next()?;
            let joined = match (word, word.strip_prefix("--output="), switches(word)) {
                ("--output", ..) => Some(""),
                (_, Some(value), _) => Some(value),
                (_, _, Some((_, rest))) => rest.strip_prefix('o').map(|rest| rest.strip_prefix('=').unwrap_or(rest)),
                _ => None,
            };
            match joined {
                None => {}
                Some("") => {
                    if let Some(value) = words.next_if(|next| !next.starts_with('-')) {
                        return Some(value);
                    }
                }
                Some(value) => return Some(value),
            }
        }
    })
}

/// The words up to `--`, without the program's own name.
fn words(args: &[OsString]) -> impl Iterator<Item = &str> {
    args.iter().skip(1).map(|arg| arg.to_str().unwrap_or_default()).take_while(|word| *word != "--")
}

/// A cluster such as `-qvo=json`: the switches without a value at its beginning, and the rest.
fn switches(word: &str) -> Option<(&str, &str)> {
    let letters = word.strip_prefix('-').filter(|letters| !letters.starts_with('-'))?;
    let rest = letters.trim_start_matches(['q', 'v']);
    Some((letters.strip_suffix(rest).unwrap_or_default(), rest))
}
