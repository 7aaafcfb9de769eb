//! Who leads the quorum, and how the leader sees the others.
//!
//! Timestamps are compared only with each other, all by the leader's clock (KIP-836); ours is never used.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use super::{FETCH_MAX, Millis, Seen, Sight, View, evidence, seen, unseen};
use crate::snapshot::{AskedAs, Evidence, Leadership, Missed, Node, NodeId, Replica, Why};

/// What the leader counts a controller as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seat {
    /// Neither.
    Absent,
    /// It fetches the log and has no vote.
    Observer,
    /// It votes.
    Voter,
}

impl fmt::Display for Seat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Absent => "absent",
            Self::Observer => "observer",
            Self::Voter => "voter",
        })
    }
}

/// A live leader.
pub(super) struct Leader<'a> {
    pub(super) node: &'a Node,
    pub(super) said: &'a Leadership,
    /// The leader's own time: it reports the present for itself.
    now: i64,
}

/// Why there is no live leader to read from.
pub(super) enum NoLeader {
    /// A majority answers and none of it leads: an election is under way.
    Election,
    /// It cannot be told.
    Unseen(Missed),
}

/// Finds the live leader among the controllers' answers.
pub(super) fn leader<'a>(view: &View<'a>) -> Result<Leader<'a>, NoLeader> {
    let mut newest = newest_claims(view).into_iter();
    let (Some((id, node, said)), other) = (newest.next(), newest.next()) else {
        return Err(nobody_leads(view));
    };
    if let Some((second, ..)) = other {
        let words = format!("{id} and {second} both lead in epoch {}", said.epoch);
        return Err(unknown(Why::Ambiguous, words));
    }
    if said.leader != id {
        // A leader names itself, so this address belongs to another controller than was given for it.
        let words = format!("{} was given as controller {id} and is controller {}", node.endpoint, said.leader);
        return Err(unknown(Why::WrongTarget, words));
    }
    if said.high_watermark < 0 {
        return Err(unknown(Why::NotLoaded, "the leader does not know its high watermark yet"));
    }
    let own = said.voters.iter().find(|voter| voter.id == id);
    let Some(now) = own.and_then(|own| own.last_caught_up.max(own.last_fetch)) else {
        let words = "the leader does not tell its own time (DescribeQuorum before version 1, or it does not vote)";
        return Err(unknown(Why::NotListed, words));
    };
    let leader = Leader { node, said, now };
    let live = said.voters.iter().filter(|voter| leader.fetched_recently(voter)).count();
    if live * 2 > said.voters.len() { Ok(leader) } else { Err(nobody_leads(view)) }
}

/// Whether two controllers lead in the newest epoch that any tells.
pub(super) fn two_leaders(view: &View<'_>) -> Sight<bool> {
    let claims = newest_claims(view);
    let Some((_, node, _)) = claims.first() else {
        return unseen(Missed::new(Why::NotAsked, "no controller says that it leads"), None);
    };
    seen(claims.len() > 1, Some(quorum_evidence(node, "LeaderId")))
}

/// Whether every controller that was asked counts for an id.
pub(super) fn controllers_named(view: &View<'_>) -> Sight<bool> {
    let Some((node, ids)) = view.nameless().iter().find(|(node, _)| node.asked_as == AskedAs::Controller) else {
        return seen(true, None);
    };
    let place = &node.endpoint;
    let words = match (ids.is_empty(), &node.api_versions.said) {
        (true, Ok(_)) => format!("nobody tells which controller {place} is: give it as -C ID@{place}"),
        (true, Err(missed)) => {
            format!("nobody tells which controller {place} is, and it does not answer: {}", missed.words)
        }
        (false, _) => {
            let ids = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
            format!("{place} is claimed for {ids}, and counts for neither")
        }
    };
    unseen(Missed::new(Why::NoAddress, words), None)
}

/// The controllers that say they lead, in the newest epoch that any of them names.
fn newest_claims<'a>(view: &View<'a>) -> Vec<(NodeId, &'a Node, &'a Leadership)> {
    let mut claims: Vec<(NodeId, &Node, &Leadership)> =
        view.controllers().filter_map(|(id, node)| Some((id, node, node.leadership()?))).collect();
    let epoch = claims.iter().map(|(_, _, said)| said.epoch).max();
    claims.retain(|(_, _, said)| Some(said.epoch) == epoch);
    claims
}

/// No live leader: an election if a majority of the controllers answers, otherwise the first reason for which
/// one did not.
fn nobody_leads(view: &View<'_>) -> NoLeader {
    let declared = view.declared_controllers().cloned().unwrap_or_default();
    let given: BTreeSet<NodeId> = view.controllers().map(|(id, _)| id).collect();
    let asked = || view.look.nodes.iter().filter(|node| node.asked_as == AskedAs::Controller);
    let all = declared.union(&given).count().max(asked().count());
    if all == 0 {
        return unknown(Why::NoAddress, "no controller's address is known: give -C ID@HOST:PORT");
    }
    let answered = asked().filter(|node| node.quorum.said.is_ok()).count();
    if answered * 2 > all {
        return NoLeader::Election;
    }
    let refused = view.controllers().find_map(|(id, node)| match &node.quorum.said {
        Err(missed) if missed.why == Why::Denied => Some(NoLeader::Unseen(denial(view, Some(id), missed))),
        Err(missed) if missed.why.is_refusal() => Some(NoLeader::Unseen(missed.clone())),
        _ => None,
    });
    refused.unwrap_or_else(|| {
        let words = format!("{answered} of {all} controllers say who leads, a majority is needed");
        unknown(Why::Unreachable, words)
    })
}

/// What a controller's denial comes to. Controllers have no ACLs before the copy, so it says little then about the rights
/// that matter. `id`: whose own page may tell of the copy.
pub(super) fn denial(view: &View<'_>, id: Option<NodeId>, missed: &Missed) -> Missed {
    if super::state::is_copied(view, id) {
        return missed.clone();
    }
    let words = format!("{}; before the copy only super.users may ask a controller", missed.words);
    Missed::new(Why::ErrorCode, words)
}

fn unknown(why: Why, words: impl Into<Cow<'static, str>>) -> NoLeader {
    NoLeader::Unseen(Missed::new(why, words))
}

impl Leader<'_> {
    pub(super) fn id(&self) -> NodeId {
        self.said.leader
    }

    pub(super) fn seat(&self, id: NodeId) -> Seen<Seat> {
        let sits = |replicas: &[Replica]| replicas.iter().any(|replica| replica.id == id);
        let (seat, field) = if sits(&self.said.voters) {
            (Seat::Voter, "CurrentVoters")
        } else if sits(&self.said.observers) {
            (Seat::Observer, "Observers")
        } else {
            (Seat::Absent, "CurrentVoters")
        };
        Seen { value: seat, up_to: None, evidence: Some(self.evidence(field)), named: Vec::new() }
    }

    /// How far a voter is behind in time, by its last fetch and by when it was last caught up.
    pub(super) fn lag(&self, id: NodeId) -> Sight<Millis> {
        if id == self.id() {
            return seen(Millis(0), Some(self.evidence("LeaderId")));
        }
        let voter = self.said.voters.iter().find(|voter| voter.id == id);
        let evidence = Some(self.evidence("LastCaughtUpTimestamp"));
        let Some((fetched, caught_up)) = voter.and_then(|voter| voter.last_fetch.zip(voter.last_caught_up)) else {
            let words = "it has not been caught up with this leader";
            return unseen(Missed::new(Why::NotLoaded, words), evidence);
        };
        seen(Millis(self.ago(fetched).0.max(self.ago(caught_up).0)), evidence)
    }

    /// How many records the last of the voters is behind the leader's own log.
    pub(super) fn lag_max(&self) -> Option<u64> {
        self.behind().map(|(_, behind)| behind).max()
    }

    /// The voters that are not caught up, and how many records each is behind.
    pub(super) fn lagging(&self) -> Vec<(NodeId, u64)> {
        self.behind().filter(|(id, _)| !self.lag(*id).is_ok_and(|lag| lag.value <= FETCH_MAX)).collect()
    }

    /// How many records each voter is behind the leader's own log.
    fn behind(&self) -> impl Iterator<Item = (NodeId, u64)> {
        let own = self.said.voters.iter().find(|voter| voter.id == self.id()).map_or(0, |own| own.log_end_offset);
        let behind = move |voter: &Replica| u64::try_from(own.saturating_sub(voter.log_end_offset)).unwrap_or(0);
        self.said.voters.iter().map(move |voter| (voter.id, behind(voter)))
    }

    /// The voters that are caught up, the leader apart.
    pub(super) fn caught_up_followers(&self) -> impl Iterator<Item = NodeId> {
        let ids = self.said.voters.iter().map(|voter| voter.id).filter(|id| *id != self.id());
        ids.filter(|id| self.lag(*id).is_ok_and(|lag| lag.value <= FETCH_MAX))
    }

    fn fetched_recently(&self, voter: &Replica) -> bool {
        voter.id == self.id() || voter.last_fetch.is_some_and(|fetched| self.ago(fetched) <= FETCH_MAX)
    }

    fn ago(&self, then: i64) -> Millis {
        Millis(u64::try_from(self.now.saturating_sub(then)).unwrap_or(0))
    }

    pub(super) fn evidence(&self, field: &'static str) -> Evidence {
        quorum_evidence(self.node, field)
    }
}

fn quorum_evidence(node: &Node, field: &'static str) -> Evidence {
    evidence(node, &node.quorum, "DescribeQuorum", field)
}
