//! What is told while a wait goes on: events on standard output or for a file, lines on standard error.

use std::time::Duration;

use crate::cli::OutputArgs;
use crate::output::Meanwhile;
use crate::render::{Document, Format, Style, render};
use crate::wait::{CameTo, Event, Listener, Next, What};

/// How long standard error is silent at most, as far as looks allow.
const SILENCE_MAX: Duration = Duration::from_mins(1);

/// Tells every event where it was asked for.
pub(super) struct Telling<'a> {
    meanwhile: &'a mut dyn Meanwhile,
    command: Vec<String>,
    /// Whether standard output takes events.
    on_stdout: bool,
    /// The events for files; none are kept where no file takes them.
    kept: Option<String>,
    on_stderr: OnStderr,
}

/// What standard error gets of a wait.
enum OnStderr {
    /// Nothing: it was asked to be quiet.
    Nothing,
    /// A line for whatever is new, and now and then one that nothing is; `said` is when there was one.
    Lines { said: Duration },
}

impl<'a> Telling<'a> {
    pub(super) fn new(meanwhile: &'a mut dyn Meanwhile, output: &OutputArgs, command: Vec<String>) -> Self {
        let takes_events = |to_file: bool| {
            output.output.iter().any(|output| output.format == Format::Jsonl && output.file.is_some() == to_file)
        };
        let on_stderr = if output.quiet { OnStderr::Nothing } else { OnStderr::Lines { said: Duration::ZERO } };
        Self {
            meanwhile,
            command,
            on_stdout: takes_events(false) && !output.quiet,
            kept: takes_events(true).then(String::new),
            on_stderr,
        }
    }

    /// The events for files.
    pub(super) fn kept(self) -> String {
        self.kept.unwrap_or_default()
    }
}

impl Listener for Telling<'_> {
    fn hear(&mut self, event: &Event) {
        let as_text = |format| render(&Document::Event(event), format, Style::default(), &self.command);
        if self.on_stdout || self.kept.is_some() {
            let line = as_text(Format::Jsonl);
            if self.on_stdout {
                self.meanwhile.say(&line);
            }
            self.kept.iter_mut().for_each(|kept| kept.push_str(&line));
        }
        if let OnStderr::Lines { said } = &mut self.on_stderr
            && is_worth_a_line(event, *said)
        {
            *said = event.elapsed;
            self.meanwhile.remark(&as_text(Format::Human));
        }
    }
}

/// What ended the wait is the document's to say.
fn is_worth_a_line(event: &Event, said: Duration) -> bool {
    let is_first = event.seen.as_ref().is_some_and(|seen| seen.looks == 1);
    match &event.what {
        What::Started(_) | What::Slow => true,
        What::Sample { changed, next: Next::Look(pause) } => {
            *changed || is_first || event.elapsed + *pause > said + SILENCE_MAX
        }
        What::Hook(_, came_to) => *came_to != CameTo::Code(0),
        What::Sample { next: Next::End(_), .. } | What::Progress(_) | What::Interrupted(_) | What::Deadline(_) => false,
    }
}
