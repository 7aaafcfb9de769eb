//! What is judged, once or again and again: a stage, the cluster's health, or both in the same looks. How deep has to be
//! looked follows from it.

use crate::evaluate::evaluate_tables;
use crate::report::Report;
use crate::snapshot::{Depth, Snapshot, Subject};
use crate::stages::{HEALTH, Stage};

/// The tables to judge by, the one that heads the report first.
#[derive(Debug, Clone)]
pub struct Goal(Vec<&'static Stage>);

impl Goal {
    /// That this stage is complete; with `health`, that the cluster is healthy as well.
    #[must_use]
    pub fn stage(stage: &'static Stage, health: bool) -> Self {
        Self([stage].into_iter().chain(health.then_some(&HEALTH)).collect())
    }

    /// That the cluster is healthy.
    #[must_use]
    pub fn healthy() -> Self {
        Self(vec![&HEALTH])
    }

    /// How deep it is looked for it.
    pub(super) fn depth(&self) -> Depth {
        if self.0.iter().any(|table| table.id == HEALTH.id) { Depth::Content } else { Depth::Stage }
    }

    /// What is said of it by what was seen; of one node alone, where that was asked.
    pub(super) fn judge(&self, only: Option<Subject>, snapshot: &Snapshot) -> Report {
        evaluate_tables(&self.0, only, snapshot)
    }
}
