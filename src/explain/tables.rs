//! The tables as texts: what each stage, and health, demands of whom, and when each guard is met.
//!
//! Not here: their reasons (`explain`).

use serde::Serialize;

use crate::stages::{GUARDS, HEALTH, STAGES, Stage};

/// All tables.
#[derive(Debug, Serialize)]
pub struct Tables {
    /// The stages, in the order of a migration.
    pub stages: Vec<StageTable>,
    /// What is demanded of the cluster before every step.
    pub health: StageTable,
    /// The guards, which hold in every stage.
    pub guards: Vec<GuardLine>,
}

/// One stage.
#[derive(Debug, Serialize)]
pub struct StageTable {
    /// Its id.
    pub id: &'static str,
    /// Its title.
    pub title: &'static str,
    /// When it is complete, in a sentence.
    pub complete_when: &'static str,
    /// What it demands.
    pub rows: Vec<RowLine>,
}

/// One demand of a stage.
#[derive(Debug, Serialize)]
pub struct RowLine {
    /// Its id.
    pub id: &'static str,
    /// Of whom.
    pub of: &'static str,
    /// What they do when it holds.
    pub claim: &'static str,
    /// What must be so, exactly.
    pub demand: String,
    /// Whether the stage cannot be complete while it is unseen; otherwise it is a witness.
    pub required: bool,
    /// When it is demanded at all, if not always.
    pub when: Option<&'static str>,
    /// What to do when it does not hold.
    pub action: &'static str,
}

/// One guard.
#[derive(Debug, Serialize)]
pub struct GuardLine {
    /// Its id.
    pub id: &'static str,
    /// Of whom.
    pub of: &'static str,
    /// What must be seen together.
    pub met_when: Vec<String>,
    /// What to do when it is met.
    pub action: &'static str,
}

/// The tables, in the order in which they are judged.
#[must_use]
pub fn tables() -> Tables {
    let table = |stage: &Stage| {
        let rows = stage.rows.iter().map(|row| RowLine {
            id: row.id,
            of: row.of.words(),
            claim: row.claim,
            demand: row.demand.to_string(),
            required: row.required,
            when: row.when.map(|when| when.words),
            action: row.reason.action,
        });
        StageTable { id: stage.id, title: stage.title, complete_when: stage.complete_when, rows: rows.collect() }
    };
    let guards = GUARDS.iter().map(|guard| GuardLine {
        id: guard.id,
        of: guard.of.words(),
        met_when: guard.when.iter().map(ToString::to_string).collect(),
        action: guard.reason.action,
    });
    Tables { stages: STAGES.iter().map(table).collect(), health: table(&HEALTH), guards: guards.collect() }
}
