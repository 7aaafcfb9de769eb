//! One demand, one subject: what was read, compared with what was wanted.

use crate::report::Value;
use crate::signals::{BrokerRung, Millis, Seat, Signal, StateRung, Test, View};
use crate::snapshot::{Evidence, Subject, Why};
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
        Test::Is(value) => (value, value.words()),
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
            let holds = match *test {
                Test::Is(value) => seen.value == value,
                Test::AtLeast(value) => seen.value >= value,
                Test::AtMost(value) => seen.value <= value,
            };
            let said = format!("{} is {}", signal.label, seen.value.words());
            judgement(Some(holds), Some(seen.value.value()), said, seen.evidence, None)
        }
        Err(unseen) => {
            let said = format!("{} not seen: {}", signal.label, unseen.missed.words);
            judgement(None, None, said, unseen.evidence, Some(unseen.missed.why))
        }
    }
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
        })
    }

    fn words(self) -> String {
        match self {
            Self::None => "NONE",
            Self::PreMigration => "PRE_MIGRATION",
            Self::Migration => "MIGRATION",
            Self::PostMigration => "POST_MIGRATION",
            Self::BornInKraft => "NONE (born in KRaft)",
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
