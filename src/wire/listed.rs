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

/// The tag of `ZkMigrationReady` (KIP-866).
const ZK_MIGRATION_READY: u32 = 3;

/// Every API that a node lists: key, lowest and highest version.
pub type Apis = Arc<[(i16, i16, i16)]>;

/// What an answer to `ApiVersions` without an error tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Every API, shared with the answers that list the same.
    pub apis: Apis,
    /// `ZkMigrationReady`; false where the answer has no place for it (before version 3).
    pub zk_migration_ready: bool,
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
    let flag = reader.tag(ZK_MIGRATION_READY)?;
    let zk_migration_ready = flag.first().is_some_and(|flag| *flag != 0);
    Some(Listed { apis, zk_migration_ready })
}
