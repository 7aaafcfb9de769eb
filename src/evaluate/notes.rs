//! What stands beside the findings: what could not be asked, and what looks odd.

use std::collections::BTreeSet;

use crate::report::{Note, Oddity, Took};
use crate::signals::{
    BROKER_RUNG, KINSHIP, LIVE_LEADER, MIGRATION_STATE, StateRung, View, cluster_ids, cluster_ids_differ,
    differing_gauges, kafka_versions, state_is_exact,
};
use crate::snapshot::{AskedAs, Missed, Node, PageOf, Subject, Why};
use crate::stages::{self, HEALTH, Stage, Subjects};

/// How many nodes a warning names of each kind.
const SUBJECTS_MAX: usize = 5;

/// Everything that was asked and not answered, once.
pub(super) fn errors(view: &View<'_>) -> Vec<Note> {
    let mut notes = Vec::new();
    // A right that is not given is no error where the metrics pages tell the same.
    let log_decides = !state_is_exact(view);
    for (subject, node) in view.nodes() {
        let asked_of_all =
            [node.api_versions.said.as_ref().err(), node.metadata.said.as_ref().err(), node.quorum.said.as_ref().err()];
        // What older versions do not list, and what others have told instead, is nothing that failed.
        let asked_of_some = [
            node.cluster.said.as_ref().err(),
            node.configs.said.as_ref().err(),
            node.log.said.as_ref().err().filter(|missed| missed.why != Why::Denied || log_decides),
            node.topics.said.as_ref().err(),
            node.min_isr.said.as_ref().err(),
            node.reassignments.said.as_ref().err(),
        ];
        let asked_of_some = asked_of_some.into_iter().flatten().filter(|missed| missed.why != Why::NotListed);
        let missed = asked_of_all.into_iter().flatten().chain(asked_of_some);
        for missed in missed.filter(|missed| missed.why != Why::NotAsked) {
            notes.push(note(subject, &node.endpoint.to_string(), missed));
        }
    }
    for page in &view.look.pages {
        if let Err(missed) = &page.page.said {
            notes.push(note(view.page_owner(page), &page.url, missed));
        }
    }
    notes
}

/// How long each node took for all that it was asked, and each page; the slowest first.
pub(super) fn took(view: &View<'_>) -> Vec<Took> {
    let of_node = |(subject, node): (Option<Subject>, &Node)| {
        let answers = [node.api_versions.took_us, node.metadata.took_us, node.quorum.took_us, node.cluster.took_us];
        let content = [node.log.took_us, node.topics.took_us, node.min_isr.took_us, node.reassignments.took_us];
        let us = answers.into_iter().chain(content).fold(node.configs.took_us, u64::saturating_add);
        let whom = subject.map_or_else(String::new, |subject| format!("{subject} at "));
        Took { who: format!("{whom}{}", node.endpoint), us }
    };
    let of_page = |page: &PageOf| Took { who: page.url.clone(), us: page.page.took_us };
    let mut took: Vec<Took> = view.nodes().map(of_node).chain(view.look.pages.iter().map(of_page)).collect();
    took.sort_by(|one, other| other.us.cmp(&one.us).then_with(|| one.who.cmp(&other.who)));
    took
}

fn note(subject: Option<Subject>, place: &str, missed: &Missed) -> Note {
    let whom = subject.map_or_else(String::new, |subject| format!("{subject} "));
    Note { id: missed.why.id(), subject, message: format!("{whom}at {place}: {}", missed.words) }
}

/// What does not decide and should be known.
pub(super) fn warnings(tables: &[&'static Stage], view: &View<'_>) -> Vec<Note> {
    let mut notes = Vec::new();
    // A bootstrap address may be a load balancer's: that only matters while somebody is missing.
    let missing = |subject| BROKER_RUNG.read(view, subject).is_err();
    if view.declared_brokers().is_none() || Subjects::ExpectedBrokers.in_view(view).into_iter().any(missing) {
        notes.extend(view.nameless().iter().filter_map(|(node, ids)| nameless(node, ids)));
    }
    for (id, words) in differing_gauges(view) {
        let message = format!("controller {id}'s {words}");
        notes.push(Note { id: Oddity::ControllerStateDiffers.id(), subject: Some(Subject::Controller(id)), message });
    }
    for id in view.known_brokers().iter().copied().filter(|id| view.is_combined(*id)) {
        let message = format!("broker {id} is also a controller; its flag is its controller's and is not judged");
        notes.push(Note { id: Oddity::CombinedNode.id(), subject: Some(Subject::Broker(id)), message });
    }
    let asks_brokers = tables.iter().flat_map(|table| table.rows).any(|row| row.of == Subjects::ExpectedBrokers);
    if !asks_brokers && view.known_brokers().is_empty() {
        let message = "judged without the brokers: give -b and --expect-brokers".to_owned();
        notes.push(Note { id: Oddity::BrokersNotAsked.id(), subject: None, message });
    }
    notes.extend(kinship(view));
    if tables.iter().any(|table| table.id == HEALTH.id) {
        notes.extend(mixed_versions(view));
        notes.extend(release_with_defects(view));
    }
    notes
}

/// Who runs which release of Kafka, where there are several: in a rolling upgrade no other step is begun.
fn mixed_versions(view: &View<'_>) -> Option<Note> {
    let versions = kafka_versions(view);
    let told = versions.iter().map(|(version, whom)| {
        let whom = whom.iter().take(SUBJECTS_MAX).map(ToString::to_string).collect::<Vec<_>>().join(", ");
        format!("{version} on {whom}")
    });
    let message = format!("several releases of Kafka: {}", told.collect::<Vec<_>>().join("; "));
    (versions.len() > 1).then_some(Note { id: Oddity::MixedVersions.id(), subject: None, message })
}

/// What is to be known of a minor release that some node is of before it migrates, or while it does; once the migration is
/// finalized it matters no more.
pub(super) fn release_with_defects(view: &View<'_>) -> Option<Note> {
    let over = MIGRATION_STATE.read(view, Subject::Quorum).is_ok_and(|state| state.value >= StateRung::PostMigration);
    let releases = view.nodes().filter_map(|(_, node)| node.api_versions.said.as_ref().ok()?.releases());
    let oldest = releases.filter_map(|(oldest, _)| oldest.minor_of_3()).min().filter(|_| !over)?;
    let message = format!("Kafka 3.{oldest}: {}", stages::of_release(oldest)?);
    Some(Note { id: Oddity::ReleaseWithDefects.id(), subject: None, message })
}

/// Who tells which cluster's id, where they differ; or that nothing ties the brokers to the controllers.
fn kinship(view: &View<'_>) -> Option<Note> {
    if cluster_ids_differ(view) {
        let whom = |subject: &Option<Subject>| subject.map_or("an address without id".to_owned(), |it| it.to_string());
        let mut told: Vec<String> = cluster_ids(view)
            .iter()
            .map(|(id, by)| format!("{id} by {}", by.iter().map(whom).collect::<Vec<_>>().join(", ")))
            .collect();
        told.extend(view.declared_cluster_id().map(|declared| format!("{declared} was declared")));
        let message = format!("several cluster ids: {}", told.join("; "));
        return Some(Note { id: Oddity::ClusterIdsDiffer.id(), subject: None, message });
    }
    // Without brokers there is nothing to tie, and without a leader the findings say more.
    let both = !view.known_brokers().is_empty() && LIVE_LEADER.read(view, Subject::Quorum).is_ok_and(|live| live.value);
    let missed = KINSHIP.read(view, Subject::Quorum).err().filter(|_| both)?.missed;
    let message = format!("that brokers and controllers are of one cluster was not seen: {}", missed.words);
    Some(Note { id: Oddity::ClusterNotProved.id(), subject: None, message })
}

/// An endpoint that answered and counts for no id. One that did not answer is among the errors.
fn nameless(node: &Node, ids: &BTreeSet<i32>) -> Option<Note> {
    if node.asked_as != AskedAs::Broker || node.api_versions.said.is_err() {
        return None;
    }
    let place = &node.endpoint;
    let (oddity, message) = if ids.is_empty() {
        let words = "answers, and no broker's Metadata lists this address: it counts for no id; give ID@HOST:PORT";
        (Oddity::AddressWithoutId, format!("{place} {words}"))
    } else {
        let ids = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
        (Oddity::AddressWithTwoIds, format!("{place} is given as the address of {ids}: it counts for neither"))
    };
    Some(Note { id: oddity.id(), subject: None, message })
}

/// The cluster's id, if all that told one told the same.
pub(super) fn cluster_id(view: &View<'_>) -> Option<String> {
    let mut told = cluster_ids(view).into_keys();
    told.next().filter(|_| told.next().is_none()).map(ToOwned::to_owned)
}
