//! What only two looks tell: whether the quorum stands still, and whether something grows.
//!
//! The quorum's times are by the leader's clock, in both looks.

use super::quorum::Leader;
use super::{Sight, Signal, Unseen, View, brokers, gauge, not_of, seen, unseen};
use crate::snapshot::{Gauge, Missed, NodeId, Subject, Why};

/// The same controller leads in the same epoch in both looks. Of the quorum.
pub const LEADER_UNCHANGED: Signal<bool> =
    Signal { label: "same leader and epoch in two looks", read: |view, _| leader_unchanged(view) };

/// The voter fetched from the leader between the two looks, by the leader's clock. Of a controller that votes.
pub const VOTER_FETCHES: Signal<bool> = Signal {
    label: "fetched between two looks",
    read: |view, subject| match subject {
        Subject::Controller(id) => voter_fetches(view, id),
        _ => not_of(subject),
    },
};

/// `ZkWriteBehindLag` of the live leader is greater in the second look than in the first, and no moment's. Of the quorum.
pub const ZK_WRITE_BEHIND_GROWS: Signal<bool> =
    Signal { label: "ZkWriteBehindLag grows", read: |view, _| write_behind_grows(view) };

/// How many records of the metadata log a KRaft broker has not applied in the second look that were committed in the first, a
/// second or more ago. Of a broker.
pub const METADATA_BEHIND: Signal<u64> = Signal {
    label: "number of metadata records behind the quorum of a second ago",
    read: |view, subject| match subject {
        Subject::Broker(id) => metadata_behind(view, id),
        _ => not_of(subject),
    },
};

/// How far the dual write to ZooKeeper may be behind without being looked at twice, in records: an idle quorum writes two
/// a second, and each is written a moment later.
const A_MOMENTS_LAG: u64 = 10;

/// Whether the same controller leads in the same epoch in both looks.
fn leader_unchanged(view: &View<'_>) -> Sight<bool> {
    let now = view.live_leader()?;
    let then = earlier(view)?.live_leader()?;
    let changed = !same(then, now);
    let seen = seen(!changed, Some(now.evidence("LeaderEpoch")));
    let words = |leader: &Leader<'_>| format!("controller {} in epoch {}", leader.id(), leader.said.epoch);
    let named = changed.then(|| [words(then), words(now)]);
    seen.map(|seen| seen.naming(named.into_iter().flatten()))
}

/// Whether this voter fetched between the two looks. A follower asks again at least every half second.
fn voter_fetches(view: &View<'_>, id: NodeId) -> Sight<bool> {
    let now = view.live_leader()?;
    let then = earlier(view)?.live_leader()?;
    if !same(then, now) {
        let words = "another leader led in the first look";
        return unseen(Missed::new(Why::NotConfirmed, words), None);
    }
    let fetched = |leader: &Leader<'_>| leader.said.voters.iter().find(|voter| voter.id == id)?.last_fetch;
    let evidence = Some(now.evidence("LastFetchTimestamp"));
    seen(id == now.id() || fetched(now) > fetched(then), evidence)
}

/// Whether the dual write to ZooKeeper falls behind.
fn write_behind_grows(view: &View<'_>) -> Sight<bool> {
    let now = gauge::of_leader(view, Gauge::ZkWriteBehindLag)?;
    let then = gauge::of_leader(earlier(view)?, Gauge::ZkWriteBehindLag)?;
    let grows = then.value > A_MOMENTS_LAG && now.value > then.value;
    let named = grows.then(|| format!("from {} to {}", then.value, now.value));
    seen(grows, now.evidence).map(|seen| seen.naming(named))
}

/// How many records that were committed in the first look this broker has not applied in the second. The high watermark only
/// grows, whoever leads.
fn metadata_behind(view: &View<'_>, id: NodeId) -> Sight<u64> {
    let applied = brokers::applied(view, id)?;
    let then = earlier(view)?.live_leader()?;
    seen(brokers::behind(then.said.high_watermark, applied.value), applied.evidence)
}

fn same(then: &Leader<'_>, now: &Leader<'_>) -> bool {
    then.id() == now.id() && then.said.epoch == now.said.epoch
}

fn earlier<'v, 'a>(view: &'v View<'a>) -> Result<&'v View<'a>, Box<Unseen>> {
    let words = "there was no second look";
    let missed = Missed::new(Why::NotConfirmed, words);
    view.earlier().ok_or_else(|| Box::new(Unseen { missed, evidence: None }))
}
