//! Where the cluster stands in relation to a stage, from the ladders and never from a verdict.

use crate::report::Position;
use crate::signals::{ANSWERS_AS_CONTROLLER, BROKER_RUNG, BrokerRung, MIGRATION_STATE, StateRung, View};
use crate::snapshot::Subject;
use crate::stages::{STAGES, Stage, Subjects};

/// Past: some subject stands beyond what this stage asks for, none below. Current: it is begun and the next is
/// not. Future: nobody has begun it. Otherwise it cannot be told.
pub(super) fn position(stage: &Stage, view: &View<'_>) -> Option<Position> {
    let place = STAGES.iter().position(|other| other.id == stage.id)?;
    let ladder = Ladder::read(view);
    let (beyond, below) = ladder.around(*ASKED.get(place)?);
    if beyond && !below {
        return Some(Position::Past);
    }
    let next_begun = if place + 1 < STAGES.len() { ladder.begun(place + 1) } else { Some(false) };
    match (ladder.begun(place), next_begun) {
        (Some(true), Some(false)) => Some(Position::Current),
        (Some(false), _) => Some(Position::Future),
        _ => None,
    }
}

/// What each stage asks of a broker and of the state, in the order of `STAGES`.
const ASKED: [(BrokerRung, StateRung); 4] = [
    (BrokerRung::Zookeeper, StateRung::PreMigration),
    (BrokerRung::Migration, StateRung::Migration),
    (BrokerRung::Kraft, StateRung::Migration),
    (BrokerRung::Kraft, StateRung::PostMigration),
];

struct Ladder {
    /// The expected brokers' rungs, the least and the most that each can be; `None` where one was not seen.
    brokers: Vec<Option<(BrokerRung, BrokerRung)>>,
    state: Option<(StateRung, StateRung)>,
    /// Whether each known controller was seen to answer as one.
    controllers: Vec<Option<bool>>,
}

impl Ladder {
    fn read(view: &View<'_>) -> Self {
        let rung = |subject| BROKER_RUNG.read(view, subject).ok().map(|seen| (seen.value, seen.most()));
        let answers = |subject| ANSWERS_AS_CONTROLLER.read(view, subject).ok().map(|seen| seen.value);
        Self {
            brokers: Subjects::ExpectedBrokers.in_view(view).into_iter().map(rung).collect(),
            state: MIGRATION_STATE.read(view, Subject::Quorum).ok().map(|seen| (seen.value, seen.most())),
            controllers: Subjects::Controllers.in_view(view).into_iter().map(answers).collect(),
        }
    }

    /// Whether some subject that was seen stands beyond these rungs, and whether some stands below.
    fn around(&self, (broker, state): (BrokerRung, StateRung)) -> (bool, bool) {
        let seen = || self.brokers.iter().flatten();
        let beyond = seen().any(|(least, _)| *least > broker) || self.state.is_some_and(|(least, _)| least > state);
        let below = seen().any(|(_, most)| *most < broker) || self.state.is_some_and(|(_, most)| most < state);
        (beyond, below)
    }

    /// Whether somebody has begun the stage at this place; `None` if whoever was seen has not, and somebody was
    /// not seen.
    fn begun(&self, place: usize) -> Option<bool> {
        let brokers = |asked: BrokerRung| {
            any(self.brokers.iter().map(|rung| rung.and_then(|(least, most)| reached(least, most, asked))))
        };
        match place {
            0 => any(self.controllers.iter().copied()),
            1 => brokers(BrokerRung::Migration),
            2 => brokers(BrokerRung::Kraft),
            _ => self.state.and_then(|(least, most)| reached(least, most, StateRung::PostMigration)),
        }
    }
}

fn reached<T: Copy + PartialOrd>(least: T, most: T, asked: T) -> Option<bool> {
    if least >= asked { Some(true) } else { (most < asked).then_some(false) }
}

/// Some: one true decides; without one, all must have been seen.
fn any(answers: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let answers: Vec<Option<bool>> = answers.collect();
    if answers.contains(&Some(true)) {
        Some(true)
    } else if answers.is_empty() || answers.contains(&None) {
        None
    } else {
        Some(false)
    }
}
