//! Metadata with all topics, read off its frame: of a hundred thousand partitions only those are kept that are not as
//! they should be, so that memory follows what is wrong and not the size of the cluster. The guard has proved the frame
//! before.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::messages::MetadataRequest;

use super::brokers::brokers;
use super::reader::{Reader, read_off};
use super::{NO_ERROR, Refusal};

/// The largest answer with topics that is read, in bytes, without its length prefix: some 290,000 partitions of three
/// replicas; and little enough that no answer takes 64 MB once it is read, as no more is kept of it than this:
pub const TOPICS_LIMIT: usize = 12 * 1024 * 1024;
/// How many partitions that are not whole are kept of an answer; of the others it is only known how many they are. One
/// takes more than ten times its bytes in memory.
pub const NOT_WHOLE_MAX: usize = 10_000;
/// How long a topic's name can be (`Topic.java`), in bytes: a longer one is cut, for it stands in every partition's text.
pub const TOPIC_NAME_MAX: usize = 249;
/// More replicas than any partition has: each is looked for among those in sync. One with more is never whole.
pub const REPLICAS_MAX: usize = 1_000;

/// How many ids of brokers with replicas are kept; no cluster has as many.
const ASSIGNED_MAX: usize = 10_000;
/// How many topics are kept for each of them, for an example.
const EXAMPLES: usize = 3;
/// How many names of topics are kept for all of them: a liar's names are long, and each another one.
const NAMES_MAX: usize = 10_000;

/// All topics that a broker shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Topics {
    /// The error code of the whole answer (version 13).
    pub error_code: i16,
    /// How many topics there are.
    pub topics: u32,
    /// How many partitions they have.
    pub partitions: u32,
    /// The partitions that are not whole: the first of them, and how many more there are.
    pub not_whole: Vec<Partition>,
    /// How many more are not whole.
    pub more_not_whole: u32,
    /// Every broker that has a replica of anything, with the first three topics of which it has; of more than ten thousand,
    /// some.
    pub assigned: BTreeMap<i32, Vec<Arc<str>>>,
    /// How many names stand there.
    names: usize,
}

impl Topics {
    /// Notes who has replicas of a partition of this topic.
    fn assign(&mut self, replicas: &[i32], mut named: impl FnMut() -> Arc<str>) {
        for id in replicas {
            let is_full = self.assigned.len() >= ASSIGNED_MAX;
            let topics = match self.assigned.entry(*id) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(_) if is_full => continue,
                Entry::Vacant(new) => new.insert(Vec::new()),
            };
            if topics.len() >= EXAMPLES || self.names >= NAMES_MAX {
                continue;
            }
            let name = named();
            // A topic's partitions come one after the other.
            if topics.last().is_none_or(|last| !Arc::ptr_eq(last, &name)) {
                topics.push(name);
                self.names += 1;
            }
        }
    }

    /// Keeps one that is not whole, or counts it.
    fn keep(&mut self, partition: impl FnOnce() -> Partition) {
        if self.not_whole.len() < NOT_WHOLE_MAX {
            self.not_whole.push(partition());
        } else {
            self.more_not_whole = self.more_not_whole.saturating_add(1);
        }
    }
}

/// A partition as the answer has it; one of a topic with an error of its own has the index −1 and nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Its topic's name.
    pub topic: Arc<str>,
    /// Its index.
    pub index: i32,
    /// Its error code.
    pub error_code: i16,
    /// Its leader, −1 for none.
    pub leader: i32,
    /// Its replicas.
    pub replicas: Vec<i32>,
    /// Those that are in sync.
    pub isr: Vec<i32>,
    /// Those that are offline (version 5 and newer).
    pub offline: Vec<i32>,
}

impl Partition {
    /// Whether it has a leader in sync and every replica is in sync and online.
    fn is_whole(&self) -> bool {
        self.error_code == NO_ERROR
            && self.isr.contains(&self.leader)
            && self.offline.is_empty()
            && self.isr.len() == self.replicas.len()
            && self.replicas.len() <= REPLICAS_MAX
            && self.replicas.iter().all(|id| self.isr.contains(id))
    }
}

/// The topics, from the bytes after the length prefix.
///
/// # Errors
/// [`Refusal`] when the correlation id is another, or the frame is not exactly one message of this version.
pub fn topics(frame: &Bytes, version: i16, correlation_id: i32) -> Result<Topics, Refusal> {
    read_off::<MetadataRequest, _>(frame, version, correlation_id, all)
}

fn all(reader: &mut Reader<'_>, version: i16) -> Option<Topics> {
    brokers(reader)?;
    reader.text()?; // ClusterId
    reader.take(4)?; // ControllerId
    rest(reader, version)
}

/// What comes behind the controller's id.
pub(super) fn rest(reader: &mut Reader<'_>, version: i16) -> Option<Topics> {
    let mut said = Topics { topics: reader.count()?, ..Topics::default() };
    for _ in 0..said.topics {
        topic(reader, version, &mut said)?;
    }
    if (8..=10).contains(&version) {
        reader.take(4)?; // ClusterAuthorizedOperations
    }
    if version >= 13 {
        said.error_code = reader.short()?;
    }
    reader.tags()?;
    Some(said)
}

fn topic(reader: &mut Reader<'_>, version: i16, said: &mut Topics) -> Option<()> {
    let error_code = reader.short()?;
    let name = reader.text()?;
    let name = name.get(..TOPIC_NAME_MAX).unwrap_or(name);
    if version >= 10 {
        reader.take(16)?; // TopicId
    }
    reader.take(1)?; // IsInternal
    // Only a topic with something to tell needs its name.
    let mut shared: Option<Arc<str>> = None;
    let mut named = || Arc::clone(shared.get_or_insert_with(|| String::from_utf8_lossy(name).into()));
    if error_code != NO_ERROR {
        let (replicas, isr, offline) = (Vec::new(), Vec::new(), Vec::new());
        said.keep(|| Partition { topic: named(), index: -1, error_code, leader: -1, replicas, isr, offline });
    }
    for _ in 0..reader.count()? {
        let partition = partition(reader, version)?;
        said.partitions += 1;
        said.assign(&partition.replicas, &mut named);
        if !partition.is_whole() {
            said.keep(|| Partition { topic: named(), ..partition });
        }
    }
    if version >= 8 {
        reader.take(4)?; // TopicAuthorizedOperations
    }
    reader.tags()
}

/// A partition, its topic not named yet.
fn partition(reader: &mut Reader<'_>, version: i16) -> Option<Partition> {
    let (error_code, index, leader) = (reader.short()?, reader.number()?, reader.number()?);
    if version >= 7 {
        reader.take(4)?; // LeaderEpoch
    }
    let (replicas, isr) = (reader.numbers()?, reader.numbers()?);
    let offline = if version >= 5 { reader.numbers()? } else { Vec::new() };
    reader.tags()?;
    Some(Partition { topic: Arc::default(), index, error_code, leader, replicas, isr, offline })
}
