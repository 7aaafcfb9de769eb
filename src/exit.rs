//! Every way the process can end, in one table: an API, never changed in meaning.
//!
//! The codes above 63 follow BSD's `sysexits.h` where it has one. A process ended by a signal ends by that signal
//! (128+n in a shell). `--help` ends with this table, and the report's `exit_code` and `retryable` come from it.

use std::fmt::Write as _;

use crate::report::{Diagnosis, EndedBy, Place, Report, Verdict, Waited, Whereabouts};
use crate::snapshot::Why;

/// One way to end.
#[derive(Debug, PartialEq, Eq)]
pub struct Exit {
    /// The process's exit code.
    pub code: u8,
    /// Its name.
    pub name: &'static str,
    /// Whether asking again can help.
    pub retryable: bool,
    /// When it is used.
    pub when: &'static str,
}

/// The stage is complete.
pub static COMPLETE: Exit = exit(0, "complete", false, "every required finding was observed to hold");
/// The stage is not complete yet.
pub static NOT_YET: Exit = exit(1, "not yet", true, "observed not to hold; waiting or the next step can change it");
/// Stop and look.
pub static BLOCKED: Exit = exit(2, "blocked", false, "waiting cannot help, or going on is unsafe");
/// Nobody can tell.
pub static CANNOT_TELL: Exit = exit(3, "cannot tell", true, "something that decides the answer was not seen");
/// The command line is wrong.
pub static USAGE: Exit = exit(64, "usage", false, "bad flag or value, unknown stage, no address");
/// A defect of this program.
pub static INTERNAL: Exit = exit(70, "internal", false, "a defect of kraft-check: please report it");
/// Standard output could not be written.
pub static OUTPUT: Exit = exit(74, "output", false, "the report could not be written");
/// A right is missing.
pub static REFUSED: Exit = exit(77, "refused", false, "credentials rejected, or no right for a request that decides");
/// The configuration contradicts itself.
pub static CONFIG: Exit = exit(78, "config", false, "configuration invalid or contradictory");
/// A wait has come to its end before the stage was complete.
pub static DEADLINE: Exit = exit(124, "deadline", true, "only wait: the time was over, or nothing moved any more");

/// SIGINT came before there was a verdict, or ended a wait.
pub static INTERRUPTED: Exit = exit(130, "interrupted", false, "SIGINT; the process ends by it");
/// SIGTERM came before there was a verdict, or ended a wait.
pub static TERMINATED: Exit = exit(143, "terminated", false, "SIGTERM; the process ends by it");

/// The table, in the order of the codes.
pub static EXITS: [&Exit; 10] =
    [&COMPLETE, &NOT_YET, &BLOCKED, &CANNOT_TELL, &USAGE, &INTERNAL, &OUTPUT, &REFUSED, &CONFIG, &DEADLINE];

impl Exit {
    /// As the code of a monitoring plugin: whatever reached no verdict is unknown.
    #[must_use]
    pub fn folded(&self) -> u8 {
        self.code.min(CANNOT_TELL.code)
    }

    /// The signal that the process ends by.
    #[must_use]
    pub fn signal(&self) -> Option<i32> {
        self.code.checked_sub(128).map(i32::from)
    }
}

const fn exit(code: u8, name: &'static str, retryable: bool, when: &'static str) -> Exit {
    Exit { code, name, retryable, when }
}

/// How a report ends the process. A missing right replaces "cannot tell" only, never what was seen. Of a wait, what
/// ended it counts.
#[must_use]
pub fn of_report(report: &Report) -> &'static Exit {
    if let Some(Waited { ended_by, .. }) = report.wait {
        return of_wait(ended_by);
    }
    match report.verdict {
        Verdict::Complete => &COMPLETE,
        Verdict::NotYet => &NOT_YET,
        Verdict::Blocked => &BLOCKED,
        Verdict::Unknown if report.refused => &REFUSED,
        Verdict::Unknown => &CANNOT_TELL,
    }
}

/// How a wait ends the process that ended for this reason.
#[must_use]
pub fn of_wait(ended_by: EndedBy) -> &'static Exit {
    match ended_by {
        EndedBy::Complete => &COMPLETE,
        EndedBy::Blocked => &BLOCKED,
        EndedBy::Deadline | EndedBy::NoProgress => &DEADLINE,
        EndedBy::Refused => &REFUSED,
        EndedBy::Interrupted => &INTERRUPTED,
        EndedBy::Terminated => &TERMINATED,
    }
}

/// How what is said of the place ends the process: what the single stages come to does not matter, a met guard does.
#[must_use]
pub fn of_whereabouts(whereabouts: &Whereabouts) -> &'static Exit {
    match whereabouts.place {
        _ if whereabouts.is_blocked() => &BLOCKED,
        Place::Unknown if whereabouts.current().is_some_and(|report| report.refused) => &REFUSED,
        Place::Unknown => &CANNOT_TELL,
        _ => &COMPLETE,
    }
}

/// How a diagnosis ends the process: as what failed would end a command that rests on it.
#[must_use]
pub fn of_diagnosis(diagnosis: &Diagnosis) -> &'static Exit {
    match diagnosis.failed().map(|hop| hop.why.is_some_and(Why::is_refusal)).max() {
        Some(true) => &REFUSED,
        Some(false) => &CANNOT_TELL,
        None if diagnosis.nodes.is_empty() => &CANNOT_TELL,
        None => &COMPLETE,
    }
}

/// How the codes are to be read.
pub const RULE: &str = "0 it is so; 1, 3 and 124 try again; anything else stop and look";

/// The table as text, for `--help`.
#[must_use]
pub fn table() -> String {
    let mut text = format!("Exit codes ({RULE}):\n");
    for Exit { code, name, when, .. } in EXITS {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  {code:>3}  {name:<12} {when}");
    }
    text
}
