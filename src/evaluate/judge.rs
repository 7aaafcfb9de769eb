//! One demand, one subject: what was read, compared with what was wanted.

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
trait Said: Copy + PartialOrd + 'static {
    /// As data: names in snake case.
    fn value(self) -> Value;
    /// In a sentence, in Kafka's spelling.
    fn words(self) -> String;
}

fn compare<T: Said>(signal: &Signal<T>, test: &Test<T>, view: &View<'_>, subject: Subject) -> Judgement {
    let (wanted, words) = match *test {
        Test::Is(value) | Test::Reached(value) => (value, value.words()),
        Test::AtLeast(value) => (value, format!("{} or beyond", value.words())),
        Test::AtMost(value) => (value, format!("at most {}", value.words())),
    };
    let judgement = |holds, observed, said, evidence, why| Judgement {
        holds,
        expected: wanted.value(),
        wanted: words,
        observed,
        said,
        evidence,
        why,
    };
    match signal.read(view, subject) {
        Ok(seen) => {
            let holds = holds(*test, &seen);
            let observed = (seen.up_to.is_none() || holds.is_some()).then(|| seen.value.value());
            judgement(
                holds,
                observed,
                said(signal, &seen, holds),
                seen.evidence,
                holds.is_none().then_some(Why::NotAsked),
            )
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

/// What was seen, in words.
fn said<T: Said>(signal: &Signal<T>, seen: &Seen<T>, holds: Option<bool>) -> String {
    let value = match seen.up_to {
        None => seen.value.words(),
        Some((most, _)) => format!("something from {} to {}", seen.value.words(), most.words()),
    };
    let from = match seen.evidence.as_ref().map(|evidence| &evidence.source) {
        Some(Source::Derived(from)) => format!(", as follows from {from}"),
        _ => String::new(),
    };
    let more = match seen.up_to {
        Some((_, why)) if holds.is_none() => format!("; {why}"),
        _ => String::new(),
    };
    format!("{} is {value}{from}{more}", signal.label)
}

impl Said for bool {
    fn value(self) -> Value {
        Value::Truth(self)
    }

    fn words(self) -> String {
        self.to_string()
    }
}

impl Said for u64 {
    fn value(self) -> Value {
        Value::Number(self)
    }

    fn words(self) -> String {
        self.to_string()
    }
}

impl Said for Millis {
    fn value(self) -> Value {
        Value::Number(self.0)
    }

    fn words(self) -> String {
        format!("{} ms", self.0)
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

    fn words(self) -> String {
        match self {
            Self::Zookeeper => "ZooKeeper",
            Self::Migration => "migration mode",
            Self::Kraft => "KRaft",
        }
        .to_owned()
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

    fn words(self) -> String {
        match self {
            Self::None => "NONE",
            Self::PreMigration => "PRE_MIGRATION",
            Self::Migration => "MIGRATION",
            Self::PostMigration => "POST_MIGRATION",
            Self::BornInKraft => "NONE (born in KRaft)",
            Self::Kafka4 => "none, on Kafka 4",
        }
        .to_owned()
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

    fn words(self) -> String {
        match self {
            Self::Nobody => "nobody",
            Self::OneBroker => "one and the same broker",
            Self::AnyBroker => "any broker",
        }
        .to_owned()
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

    fn words(self) -> String {
        match self {
            Self::Other => "not one and the same",
            Self::Unsettled => "unsettled: they tell of different epochs, as during an election",
            Self::Same => "the same",
        }
        .to_owned()
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

    fn words(self) -> String {
        match self {
            Self::Absent => "absent",
            Self::Observer => "observer",
            Self::Voter => "voter",
        }
        .to_owned()
    }
}
