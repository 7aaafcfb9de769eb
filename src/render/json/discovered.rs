//! Whom nobody gave, in every document with a verdict.

use serde::Serialize;

use super::clean;
use crate::report::Report;
use crate::snapshot::{Found, NodeId};

/// A node that was discovered.
#[derive(Serialize)]
pub(super) struct Discovered {
    kind: &'static str,
    id: Option<NodeId>,
    endpoint: String,
    from: &'static str,
    answered: bool,
}

pub(super) fn discovered(report: &Report) -> Vec<Discovered> {
    let of = |it: &crate::report::Discovered| Discovered {
        kind: if it.is_controller { "controller" } else { "broker" },
        id: it.id,
        endpoint: clean(&it.endpoint.to_string()),
        from: match it.from {
            Found::Metadata => "metadata",
            Found::Configuration => "configuration",
            Found::Quorum => "quorum",
            Found::Cluster => "cluster",
            Found::Log => "log",
        },
        answered: it.answered,
    };
    report.discovered.iter().map(of).collect()
}
