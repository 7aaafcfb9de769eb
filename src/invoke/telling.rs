//! What is told while a wait goes on: events on standard output or for a file, lines on standard error, and on a
//! terminal one that is drawn over and over.

use std::time::Duration;

use crate::cli::OutputArgs;
use crate::output::Meanwhile;
use crate::render::{Document, Format, Style, moment, remark, render};
use crate::wait::{CameTo, Event, Listener, Moment, Next, What};

/// How long standard error is silent at most, as far as looks allow.
const SILENCE_MAX: Duration = Duration::from_mins(1);

/// How long a drawn line stands at least.
const REDRAW_AFTER: Duration = Duration::from_millis(250);

/// Tells every event where it was asked for.
pub(super) struct Telling<'a> {
    meanwhile: &'a mut dyn Meanwhile,
    command: Vec<String>,
    /// How many times more is to be said than by itself.
    verbose: u8,
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
    /// A line for whatever is new, and below them one that is drawn over and over; `drawn` is when it last was.
    Terminal { drawn: Option<Duration> },
}

impl<'a> Telling<'a> {
    pub(super) fn new(meanwhile: &'a mut dyn Meanwhile, output: &OutputArgs, command: Vec<String>) -> Self {
        let takes_events = |to_file: bool| {
            output.output.iter().any(|output| output.format == Format::Jsonl && output.file.is_some() == to_file)
        };
        let on_stderr = match meanwhile.room() {
            _ if output.quiet => OnStderr::Nothing,
            Some(_) => OnStderr::Terminal { drawn: None },
            None => OnStderr::Lines { said: Duration::ZERO },
        };
        Self {
            meanwhile,
            command,
            verbose: output.verbose,
            on_stdout: takes_events(false) && !output.quiet,
            kept: takes_events(true).then(String::new),
            on_stderr,
        }
    }

    /// The events for files.
    pub(super) fn kept(&mut self) -> String {
        self.kept.take().unwrap_or_default()
    }

    /// Whether the event is worth a line on standard error.
    fn is_worth_a_line(&self, event: &Event) -> bool {
        match self.on_stderr {
            OnStderr::Nothing => false,
            OnStderr::Lines { said } => is_new(event) || is_due(event, said),
            OnStderr::Terminal { .. } => is_new(event),
        }
    }
}

impl Drop for Telling<'_> {
    /// The wait is over, however it ended, and what is written next is not to begin behind our line.
    fn drop(&mut self) {
        if matches!(self.on_stderr, OnStderr::Terminal { .. }) {
            self.meanwhile.show("");
        }
    }
}

impl Listener for Telling<'_> {
    fn remark(&mut self, level: u8, line: &str) {
        if level <= self.verbose {
            self.meanwhile.remark(&remark(line));
        }
    }

    fn hear(&mut self, event: &Event) {
        let as_text = |format| render(&Document::Event(event), format, Style::default(), &self.command);
        if self.on_stdout || self.kept.is_some() {
            let line = as_text(Format::Jsonl);
            if self.on_stdout {
                self.meanwhile.say(&line);
            }
            self.kept.iter_mut().for_each(|kept| kept.push_str(&line));
        }
        if self.is_worth_a_line(event) {
            self.meanwhile.remark(&as_text(Format::Human));
            if let OnStderr::Lines { said } = &mut self.on_stderr {
                *said = event.elapsed;
            }
        }
    }

    fn tick(&mut self, now: Moment<'_>) {
        if let OnStderr::Terminal { drawn } = &mut self.on_stderr
            && drawn.is_none_or(|drawn| now.elapsed >= drawn + REDRAW_AFTER)
            && let Some(room) = self.meanwhile.room()
        {
            *drawn = Some(now.elapsed);
            self.meanwhile.show(&moment(now, room));
        }
    }
}

/// Whether it was not so before. What ended the wait is the document's to say.
fn is_new(event: &Event) -> bool {
    let is_first = event.seen.as_ref().is_some_and(|seen| seen.looks == 1);
    match &event.what {
        What::Started(_) | What::Slow => true,
        What::Sample { changed, next: Next::Look(_) } => *changed || is_first,
        What::Hook(_, came_to) => *came_to != CameTo::Code(0),
        What::Sample { next: Next::End(_), .. } | What::Progress(_) | What::Interrupted(_) | What::Deadline(_) => false,
    }
}

/// Whether there was silence for so long that it is said again how it stands.
fn is_due(event: &Event, said: Duration) -> bool {
    matches!(event.what, What::Sample { next: Next::Look(pause), .. } if event.elapsed + pause > said + SILENCE_MAX)
}
