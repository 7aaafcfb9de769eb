//! Whom nobody gave: nodes that others told of, and by whom. Not here: how they were found (`observe`).

use crate::report::Discovered;
use crate::signals::View;
use crate::snapshot::{AskedAs, Node, Subject};

/// How many of them a report names.
const DISCOVERED_MAX: usize = 256;

/// The nodes that were discovered: first those that did not answer, then controllers before brokers, by id.
pub(super) fn discovered(view: &View<'_>) -> Vec<Discovered> {
    let of_node = |(subject, node): (Option<Subject>, &Node)| {
        let id = match subject {
            Some(Subject::Broker(id) | Subject::Controller(id)) => Some(id),
            _ => None,
        };
        Some(Discovered {
            is_controller: node.asked_as == AskedAs::Controller,
            id,
            endpoint: node.endpoint.clone(),
            from: node.found?,
            answered: node.api_versions.said.is_ok(),
        })
    };
    let mut all: Vec<Discovered> = view.nodes().filter_map(of_node).collect();
    all.sort_by(|one, other| {
        let rank = |it: &Discovered| (it.answered, !it.is_controller, it.id);
        rank(one).cmp(&rank(other)).then_with(|| one.endpoint.cmp(&other.endpoint))
    });
    all.truncate(DISCOVERED_MAX);
    all
}
