//! Reads the metadata log of the leading controller, as a plain client: from its snapshot, if it has one, to its high
//! watermark.
//!
//! Such a reader leaves no trace: it has no replica id, so the leader neither counts it among the observers nor lets it move
//! the high watermark (`LeaderState.java`; kept so by `wire`, and tried on real clusters). Only the leader answers, and only
//! in its very epoch; an error names the newer one, and the log goes on there where it was left. Memory is bounded by one
//! batch and by what the records tell of (`replay`), time by the look's, and load by a number of bytes. Not here: what the
//! records mean.

mod replay;

use std::time::Duration;

use kafka_protocol::messages::{FetchRequest, FetchSnapshotRequest};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::answers::error_code;
use super::dial::Network;
use super::kafka::{Conversation, common_version, not_listed, not_taken};
use super::kept::Kept;
use super::second_round::{Answered, named};
use super::{Limits, Moment, login};
use crate::snapshot::{ApiVersions, AskedAs, MetadataLog, Missed, Node, NodeId, Why};
use crate::wire::{self, Ask as _, FetchedPartition, Leader, SnapshotId};
use replay::{Replay, malformed};

/// How much of a log is read in one look, in bytes: many times that of a cluster with 200,000 partitions.
const BYTES_MAX: u64 = 256 * 1024 * 1024;
/// How much of a snapshot is asked for at once, in bytes: the leader keeps to it, unlike to that of a log.
const PART: i32 = 1024 * 1024;
/// How often there may be another leader, or another epoch, while its log is read.
const MOVES_MAX: usize = 5;
/// How often reading may begin anew: snapshots are replaced, and what was read may turn out not to have been committed.
const BEGINNINGS_MAX: usize = 3;
/// For how long a node that has denied its log is not asked again over the same connection: each denial is an error in its
/// log, and the right may come with the copy.
const DENIED_FOR: Duration = Duration::from_mins(1);

/// How far the log was read that is at the other end of a connection. It is kept with the connection, so that the next look
/// goes on from here: the same process answers, and it says so if what was read has come to nothing.
#[derive(Debug, Default)]
pub(super) struct Reading {
    replay: Replay,
    /// How many bytes were read in this look.
    bytes: u64,
    /// How often it was begun anew in this look.
    beginnings: usize,
    /// Since when the node denies it.
    denied: Option<(Instant, Missed)>,
}

/// What came of reading on.
enum Turn {
    /// It was read up to the high watermark.
    Whole,
    /// There is another leader, or the same one in another epoch.
    Moved(Leader),
}

/// Asks the controller that leads, if any says so. Where another one leads by the end, they say anew who does.
pub(super) async fn ask_leader<N: Network>(network: &Kept<N>, all: &mut [Answered<N::Stream>], limits: Limits) {
    let Some((first, claimed)) = leading(all) else { return };
    let began = Moment::now();
    let (mut place, mut leader) = (first, claimed);
    let mut reading = all.get_mut(place).and_then(|it| it.talk.as_mut()?.log.take()).unwrap_or_default();
    (reading.bytes, reading.beginnings) = (0, 0);
    let mut said = Err(Missed::new(Why::ErrorCode, "the leader changed again and again while its log was read"));
    for _ in 0..=MOVES_MAX {
        let Some(answered) = all.get_mut(place) else { break };
        match read_on(network, answered, &mut reading, leader, limits).await {
            Ok(Turn::Whole) => {
                said = Ok(Box::new(reading.told(leader)));
                break;
            }
            Ok(Turn::Moved(newer)) => {
                let Some(its_place) = place_of(all, newer.id) else {
                    said = Err(Missed::new(Why::ErrorCode, unknown_leader(newer)));
                    break;
                };
                (place, leader) = (its_place, newer);
            }
            Err(missed) => {
                // Half of a batch may have been taken.
                *reading = Reading::default();
                reading.denied = (missed.why == Why::Denied).then(|| (Instant::now(), missed.clone()));
                said = Err(missed);
                break;
            }
        }
    }
    if let Some(Answered { node, talk }) = all.get_mut(place) {
        let version = node.api_versions.said.as_ref().ok().and_then(common_version::<FetchRequest>).unwrap_or_default();
        node.log = began.answer(version, said);
        if let Some(talk) = talk {
            talk.log = Some(reading);
        }
    }
    if leader != claimed {
        say_anew(all.get_mut(first)).await;
        if place != first {
            say_anew(all.get_mut(place)).await;
        }
    }
}

/// The place of the controller that says it leads in the newest epoch, and which one it says it is.
fn leading<S>(all: &[Answered<S>]) -> Option<(usize, Leader)> {
    let controllers = all.iter().enumerate().filter(|(_, it)| it.node.asked_as == AskedAs::Controller);
    let claims = controllers.filter_map(|(place, it)| {
        let said = it.node.leadership()?;
        Some((place, Leader { id: said.leader, epoch: said.epoch }))
    });
    claims.max_by_key(|(_, leader)| leader.epoch)
}

/// The controller of this id, by hand or by what any node tells.
fn place_of<S>(all: &[Answered<S>], id: NodeId) -> Option<usize> {
    let is_told = |node: &Node| {
        let mut told = all.iter().flat_map(|answered| named(&answered.node));
        told.any(|(told, endpoint)| told == id && endpoint == node.endpoint)
    };
    all.iter().position(|Answered { node, .. }| {
        node.asked_as == AskedAs::Controller && node.given.map_or_else(|| is_told(node), |given| given == id)
    })
}

fn unknown_leader(leader: Leader) -> String {
    match leader.id {
        0.. => format!("controller {} leads now, and nobody told where it is", leader.id),
        _ => "nobody leads the quorum now".to_owned(),
    }
}

/// Asks anew who leads.
async fn say_anew<S: AsyncReadExt + AsyncWriteExt + Unpin>(answered: Option<&mut Answered<S>>) {
    if let Some(Answered { node, talk: Some(talk) }) = answered
        && let Ok(listed) = &node.api_versions.said
        && !talk.is_broken()
    {
        node.quorum = talk.quorum(listed).await;
    }
}

/// Reads on at this node, over the connection that there is or over a new one.
async fn read_on<N: Network>(
    network: &Kept<N>,
    Answered { node, talk }: &mut Answered<N::Stream>,
    reading: &mut Reading,
    leader: Leader,
    limits: Limits,
) -> Result<Turn, Missed> {
    let listed = node.api_versions.said.as_ref().map_err(Clone::clone)?;
    if let Some(talk) = talk.as_mut().filter(|talk| !talk.is_broken()) {
        return talk.read_log(listed, reading, leader).await;
    }
    let mut dialled = login::dial_in(network, node.asked_as, &node.endpoint, limits, listed).await?;
    let turn = dialled.read_log(listed, reading, leader).await;
    *talk = Some(dialled);
    turn
}

impl Reading {
    fn told(&self, leader: Leader) -> MetadataLog {
        MetadataLog { leader: leader.id, epoch: leader.epoch, bytes: self.bytes, ..self.replay.told() }
    }

    /// Forgets all that was read.
    fn begin_anew(&mut self) -> Result<(), Missed> {
        self.beginnings += 1;
        self.replay = Replay::default();
        if self.beginnings > BEGINNINGS_MAX {
            return Err(Missed::new(Why::ErrorCode, "its snapshot was replaced again and again while it was read"));
        }
        Ok(())
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Missed> {
        self.bytes += bytes as u64;
        if self.bytes <= BYTES_MAX {
            return Ok(());
        }
        Err(Missed::new(Why::TooLarge, format!("the metadata log has more than {BYTES_MAX} bytes, which are not read")))
    }
}

impl<S: AsyncReadExt + AsyncWriteExt + Unpin> Conversation<S> {
    /// Reads on until the high watermark is reached, or another leader or epoch is named.
    async fn read_log(&mut self, listed: &ApiVersions, reading: &mut Reading, leader: Leader) -> Result<Turn, Missed> {
        if let Some((since, missed)) = &reading.denied
            && since.elapsed() < DENIED_FOR
        {
            return Err(missed.clone());
        }
        loop {
            let said = self.fetch(listed, &reading.replay, leader).await?;
            match said.error_code {
                wire::NO_ERROR => {}
                wire::FENCED_LEADER_EPOCH | wire::UNKNOWN_LEADER_EPOCH | wire::NOT_LEADER_OR_FOLLOWER => {
                    let named = said.leader.filter(|named| *named != leader);
                    let named = named.ok_or_else(|| Missed::new(Why::ErrorCode, "it does not lead any more"))?;
                    return Ok(Turn::Moved(named));
                }
                code => return Err(error_code::<FetchRequest>(code)),
            }
            if said.high_watermark < 0 {
                return Err(Missed::new(Why::NotLoaded, "the leader does not know its high watermark yet"));
            }
            if said.diverging.is_some() || said.snapshot.is_some() {
                reading.begin_anew()?;
                if let Some(snapshot) = said.snapshot {
                    self.read_snapshot(listed, reading, snapshot, leader).await?;
                }
                continue;
            }
            reading.spend(said.records.len())?;
            let before = reading.replay.next();
            reading.replay.feed_log(&said.records, said.high_watermark)?;
            let (next, end) = (reading.replay.next(), said.high_watermark);
            if next >= end {
                return Ok(Turn::Whole);
            }
            if next == before {
                return Err(malformed(format!("no record at offset {next}, and the high watermark is {end}")));
            }
        }
    }

    async fn fetch(
        &mut self,
        listed: &ApiVersions,
        replay: &Replay,
        leader: Leader,
    ) -> Result<FetchedPartition, Missed> {
        let version = common_version::<FetchRequest>(listed).ok_or_else(not_listed::<FetchRequest>)?;
        let request = wire::fetch_request(replay.next(), replay.last_epoch(), leader.epoch);
        let frame = self.exchange(&request, version, FetchRequest::LIMIT).await?;
        let said = wire::fetched(&frame, version, self.correlation_id).map_err(|refusal| not_taken(&refusal))?;
        match (said.error_code, said.partition) {
            (wire::NO_ERROR, Some(partition)) => Ok(partition),
            (wire::NO_ERROR, None) => Err(malformed("the answer has no partition")),
            (code, _) => Err(error_code::<FetchRequest>(code)),
        }
    }

    /// Reads a whole snapshot, part by part. It may be gone in the middle of it, for a newer one.
    async fn read_snapshot(
        &mut self,
        listed: &ApiVersions,
        reading: &mut Reading,
        snapshot: SnapshotId,
        leader: Leader,
    ) -> Result<(), Missed> {
        let version = common_version::<FetchSnapshotRequest>(listed).ok_or_else(not_listed::<FetchSnapshotRequest>)?;
        let mut position = 0;
        // What has not made a whole batch yet: less than one of them, and a part.
        let mut pending: Vec<u8> = Vec::new();
        loop {
            let request = wire::fetch_snapshot_request(snapshot, leader.epoch, position, PART);
            let frame = self.exchange(&request, version, FetchSnapshotRequest::LIMIT).await?;
            let said =
                wire::fetched_snapshot(&frame, version, self.correlation_id).map_err(|refusal| not_taken(&refusal))?;
            let part = match (said.error_code, said.partition) {
                (wire::NO_ERROR, Some(part)) if part.error_code == wire::NO_ERROR => part,
                (wire::CLUSTER_AUTHORIZATION_FAILED, _) => {
                    return Err(error_code::<FetchSnapshotRequest>(wire::CLUSTER_AUTHORIZATION_FAILED));
                }
                // Every error of it comes as −1, and without a reason (seen on 3.4 to 4.4): the leader is asked anew for what
                // there is.
                _ => {
                    reading.replay = Replay::default();
                    return Ok(());
                }
            };
            if part.snapshot != snapshot || part.position != position {
                return Err(malformed("the answer is of another part of the snapshot than was asked for"));
            }
            reading.spend(part.bytes.len())?;
            position += i64::try_from(part.bytes.len()).unwrap_or(i64::MAX);
            pending.extend_from_slice(&part.bytes);
            let taken = reading.replay.feed_snapshot(&pending)?;
            pending.drain(..taken);
            if position >= part.size {
                return if pending.is_empty() {
                    reading.replay.end_snapshot(snapshot)
                } else {
                    Err(malformed("the snapshot ends inside a batch"))
                };
            }
            if part.bytes.is_empty() {
                return Err(malformed(format!("no bytes at {position} of a snapshot of {}", part.size)));
            }
        }
    }
}
