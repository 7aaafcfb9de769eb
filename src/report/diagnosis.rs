//! Whether every node can be asked, and where not: hop by hop.

use super::Note;
use crate::snapshot::{Subject, Timestamp, Why};

/// What `doctor` found.
#[derive(Debug, Clone)]
pub struct Diagnosis {
    /// What the cluster is called in the config file, if one was chosen there.
    pub cluster_name: Option<String>,
    /// Every node that was asked, brokers first.
    pub nodes: Vec<Examined>,
    /// What does not decide and should be known.
    pub warnings: Vec<Note>,
    /// When the first question went out.
    pub began: Timestamp,
    /// When the last answer was in.
    pub ended: Timestamp,
}

/// One node, and every hop on the way to its answers.
#[derive(Debug, Clone)]
pub struct Examined {
    /// Who it is, as far as that is known.
    pub subject: Option<Subject>,
    /// Where it was asked: an endpoint, or a page's URL.
    pub place: String,
    /// The hops, in the order in which they are taken.
    pub hops: Vec<Hop>,
}

/// One hop on the way to a node's answers.
#[derive(Debug, Clone)]
pub struct Hop {
    /// Its name: `dns`, `tcp`, `tls`, `sasl`, `api-versions`, `metrics`, or a right.
    pub name: String,
    /// What came of it.
    pub outcome: Outcome,
    /// What was seen, or why nothing was.
    pub words: String,
    /// Why it failed.
    pub why: Option<Why>,
    /// The command that grants what is missing.
    pub grant: Option<String>,
}

/// What came of a hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was taken.
    Passed,
    /// It was not.
    Failed,
    /// It was not tried: an earlier one failed, or there was nothing to try it on.
    NotTried,
    /// It was not taken, and nothing rests on it.
    NotNeeded,
}

impl Outcome {
    /// The word in a report.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::NotTried => "not_tried",
            Self::NotNeeded => "not_needed",
        }
    }
}

impl Examined {
    /// Whether any hop failed.
    #[must_use]
    pub fn fails(&self) -> bool {
        self.hops.iter().any(|hop| hop.outcome == Outcome::Failed)
    }
}

impl Diagnosis {
    /// Every hop of every node.
    pub fn hops(&self) -> impl Iterator<Item = &Hop> {
        self.nodes.iter().flat_map(|node| &node.hops)
    }

    /// Every hop that failed.
    pub fn failed(&self) -> impl Iterator<Item = &Hop> {
        self.hops().filter(|hop| hop.outcome == Outcome::Failed)
    }

    /// The commands that grant what is missing, once each.
    #[must_use]
    pub fn grants(&self) -> Vec<&str> {
        let mut grants: Vec<&str> = Vec::new();
        for grant in self.failed().filter_map(|hop| hop.grant.as_deref()) {
            if !grants.contains(&grant) {
                grants.push(grant);
            }
        }
        grants
    }
}
