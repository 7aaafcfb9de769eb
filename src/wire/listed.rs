//! The list of `ApiVersions`, read off its frame: the one answer that every node gives, with sixty structures in it. The
//! codec's own reading makes a tree of unknown tags for each of them, which costs half of an exchange; here they are
//! numbers. The guard has proved the frame before, so nothing can be missing; if anything were, the answer is refused.
//! Nodes of one release give the same list, so it is proved and read once (`met`).

use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::messages::ApiVersionsRequest;

use super::Refusal;
use super::met::Met;
use super::reader::{Reader, read_off_behind};

/// The tags of `SupportedFeatures`, `FinalizedFeaturesEpoch`, `FinalizedFeatures` (KIP-584) and `ZkMigrationReady` (KIP-866).
const TAGS: [u32; 4] = [0, 1, 2, 3];
/// The feature that a metadata quorum has, and the only one that is kept (KIP-778).
const METADATA_VERSION: &[u8] = b"metadata.version";

/// Every API that a node lists: key, lowest and highest version.
pub type Apis = Arc<[(i16, i16, i16)]>;

/// What an answer to `ApiVersions` without an error tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Every API, shared with the answers that list the same.
    pub apis: Apis,
    /// `ZkMigrationReady`; false where the answer has no place for it (before version 3).
    pub zk_migration_ready: bool,
    /// The lowest and the highest level of `metadata.version` that the node supports.
    pub supported: Option<(i16, i16)>,
    /// Its finalized level (`MaxVersionLevel`).
    pub finalized: Option<i16>,
    /// `FinalizedFeaturesEpoch`; none for −1, not known.
    pub finalized_epoch: Option<i64>,
}

/// The list, from the bytes after the length prefix.
///
/// # Errors
/// [`Refusal`] when the correlation id is another, or the frame is not exactly one message of this version.
pub fn listed(frame: &Bytes, version: i16, correlation_id: i32, met: &Met<Apis>) -> Result<Listed, Refusal> {
    let rest = |reader: &mut Reader<'_>, apis| rest(reader, version, apis);
    read_off_behind::<ApiVersionsRequest, _, _>(met, frame, version, correlation_id, list, rest)
}

fn list(reader: &mut Reader<'_>) -> Option<Apis> {
    reader.take(2)?; // ErrorCode
    let count = reader.count()?;
    let mut apis = Vec::with_capacity(count as usize);
    for _ in 0..count {
        apis.push((reader.short()?, reader.short()?, reader.short()?));
        reader.tags()?;
    }
    Some(apis.into())
}

fn rest(reader: &mut Reader<'_>, version: i16, apis: Apis) -> Option<Listed> {
    if version >= 1 {
        reader.take(4)?; // ThrottleTimeMs
    }
    let [supported, epoch, finalized, flag] = reader.tagged(TAGS)?;
    Some(Listed {
        apis,
        zk_migration_ready: flag.first().is_some_and(|flag| *flag != 0),
        supported: metadata_version(&mut reader.within(supported)),
        // Of the finalized levels the tag has the highest first.
        finalized: metadata_version(&mut reader.within(finalized)).map(|(highest, _)| highest),
        finalized_epoch: epoch.try_into().ok().map(i64::from_be_bytes).filter(|epoch| *epoch >= 0),
    })
}

/// The two levels that a list of features has for `metadata.version`, if it is there.
fn metadata_version(features: &mut Reader<'_>) -> Option<(i16, i16)> {
    let mut found = None;
    for _ in 0..features.count()? {
        let (name, levels) = (features.text()?, (features.short()?, features.short()?));
        features.tags()?;
        if name == METADATA_VERSION {
            found = Some(levels);
        }
    }
    found
}
