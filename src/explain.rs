//! What everything means that can stand in a report: stages, rows, guards, actions, errors, warnings, exit codes.
//!
//! Put together from the constants that are judged by; only errors and warnings, which have no table, are worded here
//! (`explain/notes.rs`). Not here: how an explanation is laid out (`render`).

mod notes;
mod refusals;
mod tables;

use serde::Serialize;

use crate::exit::{self, EXITS, Exit};
use crate::report::{EARLIER_STAGE_FIRST, Oddity};
use crate::snapshot::Why;
use crate::stages::{self, Cause, GUARDS, Guard, HEALTH, Look, Reason, Row, STAGES, Stage, rows_of};

pub use tables::{GuardLine, RowLine, StageTable, Tables, tables};

/// The topic that has all exit codes.
const EXIT_CODES: &str = "exit-codes";
/// How many names a word that is none is answered with.
const CANDIDATES: usize = 3;

/// What stands for addresses and the like in a command.
const VARIABLES: [(&str, &str); 7] = [
    ("BROKER", "HOST:PORT of a broker; add --command-config FILE (kafka-cluster.sh: --config FILE) for a login"),
    (
        "CONTROLLER",
        "HOST:PORT of a controller; add --command-config FILE (kafka-cluster.sh: --config FILE) for a login",
    ),
    ("ZOOKEEPER", "HOST:PORT of a ZooKeeper server"),
    ("ID", "the node's id"),
    ("PAGE", "the URL of the controller's metrics page"),
    ("LOG", "the log file of the process, such as server.log"),
    ("DATA", "the node's data: log.dirs, of a controller metadata.log.dir if it is set"),
];

/// What kind of thing an id names, in the order in which they are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A stage of the migration.
    Stage,
    /// What is demanded before every step.
    Health,
    /// Something that a stage or health demands.
    Row,
    /// A condition under which waiting cannot help.
    Guard,
    /// Something that the copy of the metadata can wait for.
    Clause,
    /// Something to do.
    Action,
    /// Why something could not be asked or read.
    Error,
    /// What looks odd and does not decide.
    Warning,
    /// A way in which the process ends.
    ExitCode,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Stage,
        Self::Health,
        Self::Row,
        Self::Guard,
        Self::Clause,
        Self::Action,
        Self::Error,
        Self::Warning,
        Self::ExitCode,
    ];

    /// One of them, and several, in words.
    #[must_use]
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Stage => ("stage", "stages"),
            Self::Health => ("health", "health"),
            Self::Row => ("row", "rows"),
            Self::Guard => ("guard", "guards"),
            Self::Clause => ("clause", "clauses of the migration driver's decision"),
            Self::Action => ("action", "actions"),
            Self::Error => ("error", "errors"),
            Self::Warning => ("warning", "warnings"),
            Self::ExitCode => ("exit code", "exit codes"),
        }
    }
}

/// One thing that can be explained.
#[derive(Debug, Serialize)]
pub struct Topic {
    /// Its id, as it stands in a report.
    pub id: &'static str,
    /// What it names.
    pub topic: Kind,
    /// What it is, in a line.
    pub brief: String,
    /// What it means, where the line does not say all of it.
    pub meaning: Option<String>,
    /// How to see it by hand.
    pub look: Vec<&'static Look>,
    /// What the variables in these commands stand for.
    pub variables: Vec<Pointer>,
    /// What to do about it.
    pub fix: Vec<String>,
    /// What must not be done about it.
    pub never: Option<&'static str>,
    /// What it can be owed to, where that is more than one thing.
    pub causes: Vec<Owed>,
    /// Where the fact comes from.
    pub source: Option<&'static str>,
    /// What else to have explained.
    pub see: Vec<Pointer>,
}

/// One of several things that a finding can be owed to.
#[derive(Debug, Serialize)]
pub struct Owed {
    /// The thing, in words.
    pub text: &'static str,
    /// What tells it from the others.
    pub told_by: &'static str,
}

/// An id, and what it is, in a line.
#[derive(Debug, Serialize)]
pub struct Pointer {
    /// The id.
    pub id: &'static str,
    /// What it is.
    pub brief: String,
}

/// What to do about something that was not seen for this reason.
#[must_use]
pub fn fix(why: Why) -> &'static str {
    notes::fix(why)
}

/// Every topic, by kind.
#[must_use]
pub fn topics() -> Vec<Topic> {
    let mut topics: Vec<Topic> = stages::all().map(of_table).collect();
    topics.extend(rows_of(stages::all()).into_iter().map(of_row));
    topics.extend(GUARDS.iter().map(of_guard));
    topics.extend(
        rows_of(stages::all()).into_iter().flat_map(|row| row.causes.iter().filter_map(|cause| of_clause(row, cause))),
    );
    topics.extend(actions());
    topics.extend(Why::ALL.into_iter().map(notes::of_why));
    topics.extend(Oddity::ALL.into_iter().map(notes::of_oddity));
    topics.push(exit_codes());
    topics.extend(EXITS.into_iter().map(of_exit));
    for topic in &mut topics {
        let is_named = |name| topic.look.iter().any(|look| look.run.contains(&format!("${name}")));
        let named = VARIABLES.into_iter().filter(|(name, _)| is_named(*name));
        topic.variables = named.map(|(id, brief)| Pointer { id, brief: brief.to_owned() }).collect();
    }
    topics
}

/// The topic of this name: an id, an exit code's name or number, a verdict's word. Spaces and underscores are as good
/// as hyphens.
///
/// # Errors
/// The nearest names, nearest first, where there is none of this name.
pub fn find(word: &str) -> Result<Topic, Vec<&'static str>> {
    let word = plain(word);
    let wanted = if word == "unknown" { plain(exit::CANNOT_TELL.name) } else { word };
    let code = EXITS.into_iter().find(|exit| exit.code.to_string() == wanted);
    let wanted = code.map_or(wanted, |exit| plain(exit.name));
    let mut topics = topics();
    if let Some(place) = topics.iter().position(|topic| plain(topic.id) == wanted) {
        return Ok(topics.swap_remove(place));
    }
    let mut ids: Vec<&'static str> = topics.iter().map(|topic| topic.id).collect();
    ids.sort_by_key(|id| (!id.contains(&wanted), distance(id, &wanted)));
    ids.truncate(CANDIDATES);
    Err(ids)
}

fn plain(word: &str) -> String {
    word.trim().to_lowercase().replace([' ', '_'], "-")
}

/// How many characters have to be put in, left out or changed to make one word of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, a) in one.chars().enumerate() {
        let mut next = vec![line + 1];
        for (b, above) in other.iter().zip(row.windows(2)) {
            if let ([diagonal, above], Some(left)) = (above, next.last()) {
                next.push((diagonal + usize::from(a != *b)).min(above + 1).min(left + 1));
            }
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

fn of_table(table: &'static Stage) -> Topic {
    let kind = if table.id == HEALTH.id { Kind::Health } else { Kind::Stage };
    Topic {
        meaning: Some(format!("complete when {}", table.complete_when)),
        source: Some("KIP-866; Kafka's documentation of operations, \"ZooKeeper to KRaft Migration\""),
        see: table.rows.iter().map(|row| Pointer { id: row.id, brief: row_brief(row) }).collect(),
        ..bare(table.id, kind, table.title.to_owned())
    }
}

fn of_row(row: &'static Row) -> Topic {
    let weight = if row.required {
        "unseen, it leaves the stage unknown"
    } else {
        "it can only make a verdict worse: unseen, it is skipped"
    };
    let when = row.when.map_or(String::new(), |when| format!(", {}", when.words));
    let tables = stages::all().filter(|table| table.rows.iter().any(|other| other.id == row.id));
    Topic {
        meaning: Some(format!("{}; demanded: {}{when}; {weight}", row.reason.because, row.demand)),
        see: tables.map(|table| Pointer { id: table.id, brief: table.title.to_owned() }).collect(),
        ..of_reason(&row.reason, row.causes, bare(row.id, Kind::Row, row_brief(row)))
    }
}

fn row_brief(row: &Row) -> String {
    format!("{} {}", row.of.words(), row.claim)
}

fn of_guard(guard: &'static Guard) -> Topic {
    let when: Vec<String> = guard.when.iter().map(ToString::to_string).collect();
    let brief = format!("{} {}", guard.of.one(), guard.danger);
    Topic {
        meaning: Some(format!(
            "{}; blocked in every stage when two looks have seen of the same subject: {}",
            guard.reason.because,
            when.join(", and ")
        )),
        ..of_reason(&guard.reason, guard.causes, bare(guard.id, Kind::Guard, brief))
    }
}

/// One thing that the copy can wait for.
fn of_clause(row: &'static Row, cause: &'static Cause) -> Option<Topic> {
    let stages::Clause { id, advice } = cause.clause?;
    let defects = stages::of_driver().filter(|_| id == stages::DRIVER_STANDS);
    Some(Topic {
        meaning: Some(format!("the copy waits for this to end; told by: {}", cause.told_by)),
        look: row.reason.look.to_vec(),
        fix: std::iter::once(advice.to_owned()).chain(defects).collect(),
        never: row.reason.never,
        source: Some("KRaftMigrationDriver.java and QuorumFeatures.java, 3.4 to 3.9"),
        see: vec![Pointer { id: row.id, brief: row_brief(row) }],
        ..bare(id, Kind::Clause, cause.words.to_owned())
    })
}

fn of_reason(reason: &'static Reason, causes: &'static [Cause], topic: Topic) -> Topic {
    Topic {
        look: reason.look.to_vec(),
        fix: vec![reason.advice.to_owned()],
        never: reason.never,
        causes: causes.iter().map(|cause| Owed { text: cause.words, told_by: cause.told_by }).collect(),
        source: Some(reason.source),
        ..topic
    }
}

/// What is to be done, once each, with every row and guard that asks for it.
fn actions() -> Vec<Topic> {
    let mut actions: Vec<Topic> = Vec::new();
    let rows = rows_of(stages::all()).into_iter().map(|row| (row.id, row_brief(row), &row.reason));
    let guards = GUARDS.iter().map(|guard| (guard.id, format!("{} {}", guard.of.one(), guard.danger), &guard.reason));
    for (id, brief, reason) in rows.chain(guards) {
        let see = Pointer { id, brief };
        match actions.iter_mut().find(|action| action.id == reason.action) {
            Some(action) => {
                let fix = reason.advice.to_owned();
                if !action.fix.contains(&fix) {
                    action.fix.push(fix);
                }
                action.see.push(see);
            }
            None => actions.push(Topic {
                meaning: Some("asked for by the findings below, whose own explanations say more".to_owned()),
                fix: vec![reason.advice.to_owned()],
                see: vec![see],
                ..bare(reason.action, Kind::Action, reason.advice.to_owned())
            }),
        }
    }
    actions.push(Topic {
        meaning: Some(
            "what to do for a stage would do harm before the stages in front of it are complete, or while the cluster is \
             not seen to be healthy"
                .to_owned(),
        ),
        fix: vec!["ask for the stage that is named, or for health, and do what its report says".to_owned()],
        see: STAGES.iter().chain([&HEALTH]).map(|stage| Pointer { id: stage.id, brief: stage.title.to_owned() }).collect(),
        ..bare(EARLIER_STAGE_FIRST, Kind::Action, "complete an earlier stage before doing anything for this".to_owned())
    });
    actions
}

fn exit_codes() -> Topic {
    let pointer = |exit: &Exit| Pointer { id: exit.name, brief: format!("{}: {}", exit.code, exit.when) };
    Topic {
        meaning: Some(exit::RULE.to_owned()),
        see: EXITS.into_iter().map(pointer).collect(),
        ..bare(EXIT_CODES, Kind::ExitCode, "every way in which the process ends".to_owned())
    }
}

fn of_exit(exit: &'static Exit) -> Topic {
    let (meaning, fix) = match exit.code {
        0 => (
            "the stage is reached or passed. It is no permission for the next step: status names what comes next",
            "go on",
        ),
        1 => (
            "a node or the quorum was seen not to be where the stage asks for it",
            "try again after a while; the findings name who holds it, and next what to do",
        ),
        2 => (
            "a guard was met by the same subject in two looks",
            "stop every automation, and explain the id of the finding",
        ),
        3 => (
            "nothing that was seen denies the stage, and something that it needs was not seen: a node is silent, a page \
             or a leader is missing. Silence is never taken for complete",
            "try again after a while; if it lasts, look at the unknown findings and the errors of the report",
        ),
        64 => ("nothing was asked", "the message says what was wrong and how it is meant"),
        70 => ("no verdict was reached", "report it, with --snapshot of the cluster if there is one"),
        74 => ("the verdict stands in what was written, if anything was", "make room, or choose another file"),
        77 => (
            "it replaces cannot tell where a node denied a question that decides, although rights can be given by then",
            "give the right that the finding names",
        ),
        124 => (
            "--timeout was over before the stage was complete for long enough, or for --no-progress nothing moved: no \
             verdict or finding that was new, no offset. The verdict of the report is what the last look saw",
            "look at the findings, and wait again; if nothing moves, the explanations of the findings name the causes",
        ),
        _ => (
            "flags, environment, config file or a recording are invalid, or contradict each other",
            "the message says where, and what is wrong",
        ),
    };
    Topic {
        meaning: Some(meaning.to_owned()),
        fix: vec![fix.to_owned()],
        ..bare(exit.name, Kind::ExitCode, format!("{}: {}", exit.code, exit.when))
    }
}

/// A topic of which nothing more is said.
fn bare(id: &'static str, topic: Kind, brief: String) -> Topic {
    Topic {
        id,
        topic,
        brief,
        meaning: None,
        look: Vec::new(),
        variables: Vec::new(),
        fix: Vec::new(),
        never: None,
        causes: Vec::new(),
        source: None,
        see: Vec::new(),
    }
}
