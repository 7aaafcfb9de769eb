//! One demand, one subject: what was read, compared with what was wanted.

use std::fmt;

use crate::report::Value;
use crate::signals::{BrokerRung, Kinship, Millis, NamedController, Seat, Seen, Signal, StateRung, Test, View};
use crate::snapshot::{Evidence, Source, Subject, Why};
use crate::stages::Demand;

/// What a demand came to.
pub(super) struct Judgement {
    /// Whether it holds; `None` if nothing was seen.
    pub(super) holds: Option<bool>,
    pub(super) expected: Value,
    /// What was expected, in words.
    pub(super) wanted: String,
    pub(super) observed: Option<Value>,
    /// What was observed, in words, or why nothing was.
    pub(super) said: String,
    pub(super) evidence: Option<Evidence>,
    pub(super) why: Option<Why>,
}

/// Reads and compares.
pub(super) fn judge(demand: &Demand, view: &View<'_>, subject: Subject) -> Judgement {
    match demand {
        Demand::Truth((signal, test)) => compare(signal, test, view, subject),
        Demand::Broker((signal, test)) => compare(signal, test, view, subject),
        Demand::State((signal, test)) => compare(signal, test, view, subject),
        Demand::Seat((signal, test)) => compare(signal, test, view, subject),
        Demand::Kinship((signal, test)) => compare(signal, test, view, subject),
        Demand::Controller((signal, test)) => compare(signal, test, view, subject),
        Demand::Count((signal, test)) => compare(signal, test, view, subject),
        Demand::Lag((signal, test)) => compare(signal, test, view, subject),
    }
}

/// A value that can be said.
trait Said: Copy + PartialOrd + fmt::Display + 'static {
    /// As data: names in snake case.
    fn value(self) -> Value;
}

fn compare<T: Said>(signal: &Signal<T>, test: &Test<T>, view: &View<'_>, subject: Subject) -> Judgement {
    let (Test::Is(wanted) | Test::Reached(wanted) | Test::AtLeast(wanted) | Test::AtMost(wanted)) = *test;
    let judgement = |holds, observed, said, evidence, why| Judgement {
        holds,
        expected: wanted.value(),
        wanted: test.to_string(),
        observed,
        said,
        evidence,
        why,
    };
    match signal.read(view, subject) {
        Ok(seen) => {
            let holds = holds(*test, &seen);
            let observed = (seen.up_to.is_none() || holds.is_some()).then(|| seen.value.value());
            let untold = || seen.up_to.as_ref().map_or(Why::NotAsked, |(_, untold)| untold.why);
            let why = holds.is_none().then(untold);
            judgement(holds, observed, said(signal, &seen, holds), seen.evidence, why)
        }
        Err(unseen) => {
            let said = format!("{} not seen: {}", signal.label, unseen.missed.words);
            judgement(None, None, said, unseen.evidence, Some(unseen.missed.why))
        }
    }
}

/// Whether the test holds for all that the fact can be, or for none of it.
fn holds<T: Copy + PartialOrd>(test: Test<T>, seen: &Seen<T>) -> Option<bool> {
    let (least, most) = (seen.value, seen.most());
    let decided = |all: bool, none: bool| if all || none { Some(all) } else { None };
    match test {
        Test::Is(value) => decided(least == value && most == value, value < least || value > most),
        Test::AtLeast(value) => decided(least >= value, most < value),
        Test::AtMost(value) => decided(most <= value, least > value),
        Test::Reached(value) => Some(least == value),
    }
}

/// What was counted, or what it rests on, by name: the first few.
fn named<T: Said>(seen: &Seen<T>) -> String {
    if seen.named.is_empty() {
        return String::new();
    }
    let rest = match seen.value.value() {
        Value::Number(all) => all.saturating_sub(u64::try_from(seen.named.len()).unwrap_or(u64::MAX)),
        Value::Truth(_) | Value::Word(_) | Value::Millis(_) => 0,
    };
    let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!(" ({}{more})", seen.named.join(", "))
}

/// What was seen, in words.
fn said<T: Said>(signal: &Signal<T>, seen: &Seen<T>, holds: Option<bool>) -> String {
    let value = match &seen.up_to {
        None => seen.value.to_string(),
        Some((most, _)) => format!("something from {} to {}", seen.value, most),
    };
    let from = match seen.evidence.as_ref().map(|evidence| &evidence.source) {
        Some(Source::Derived(from)) => format!(", as follows from {from}"),
        _ => String::new(),
    };
    let more = match &seen.up_to {
        Some((_, untold)) if holds.is_none() => format!("; {}", untold.words),
        _ => String::new(),
    };
    format!("{} is {value}{}{from}{more}", signal.label, named(seen))
}

impl Said for bool {
    fn value(self) -> Value {
        Value::Truth(self)
    }
}

impl Said for u64 {
    fn value(self) -> Value {
        Value::Number(self)
    }
}

impl Said for Millis {
    fn value(self) -> Value {
        Value::Millis(self.0)
    }
}

impl Said for BrokerRung {
    fn value(self) -> Value {
        Value::Word(match self {
            Self::Zookeeper => "zookeeper",
            Self::Migration => "migration",
            Self::Kraft => "kraft",
        })
    }
}

impl Said for StateRung {
    fn value(self) -> Value {
        Value::Word(match self {
            Self::None => "none",
            Self::PreMigration => "pre_migration",
            Self::Migration => "migration",
            Self::PostMigration => "post_migration",
            Self::BornInKraft => "born_in_kraft",
            Self::Kafka4 => "kafka_4",
        })
    }
}

impl Said for NamedController {
    fn value(self) -> Value {
        Value::Word(match self {
            Self::Nobody => "nobody",
            Self::OneBroker => "one_broker",
            Self::AnyBroker => "any_broker",
        })
    }
}

impl Said for Kinship {
    fn value(self) -> Value {
        Value::Word(match self {
            Self::Other => "other",
            Self::Unsettled => "unsettled",
            Self::Same => "same",
        })
    }
}

impl Said for Seat {
    fn value(self) -> Value {
        Value::Word(match self {
            Self::Absent => "absent",
            Self::Observer => "observer",
            Self::Voter => "voter",
        })
    }
}
