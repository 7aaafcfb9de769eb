//! The list of `ApiVersions`, read off its frame: the one answer that every node gives, with sixty structures in it. The
//! codec's own reading makes a tree of unknown tags for each of them, which costs half of an exchange; here they are
//! numbers. The guard has proved the frame before, so nothing can be missing; if anything were, the answer is refused.

use bytes::Bytes;
use kafka_protocol::messages::ApiVersionsRequest;

use super::guard::{Malformed, prove};
use super::{Ask, Refusal, body_start};

/// The tag of `ZkMigrationReady` (KIP-866).
const ZK_MIGRATION_READY: u32 = 3;

/// What an answer to `ApiVersions` without an error tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Every API: key, lowest and highest version.
    pub apis: Vec<(i16, i16, i16)>,
    /// `ZkMigrationReady`; false where the answer has no place for it (before version 3).
    pub zk_migration_ready: bool,
}

/// The list, from the bytes after the length prefix.
///
/// # Errors
/// [`Refusal`] when the correlation id is another, or the frame is not exactly one message of this version.
pub fn listed(frame: &Bytes, version: i16, correlation_id: i32) -> Result<Listed, Refusal> {
    let at = body_start::<ApiVersionsRequest>(frame, version, correlation_id)?;
    prove(&ApiVersionsRequest::SHAPE.0, version, frame, at).map_err(Refusal::Malformed)?;
    let mut reader = Reader { left: frame.get(at..).unwrap_or_default(), flexible: version >= 3 };
    reader.list(version).ok_or_else(|| {
        let what = "guard and reader disagree on the message's end".to_owned();
        Refusal::Malformed(Malformed { at: frame.len() - reader.left.len(), what })
    })
}

struct Reader<'a> {
    left: &'a [u8],
    flexible: bool,
}

impl<'a> Reader<'a> {
    fn list(&mut self, version: i16) -> Option<Listed> {
        self.take(2)?; // ErrorCode
        let count = if self.flexible { self.varint()?.checked_sub(1)? } else { self.number()? };
        let mut apis = Vec::with_capacity(count as usize);
        for _ in 0..count {
            let &[k0, k1, l0, l1, h0, h1] = self.take(6)? else { return None };
            apis.push((i16::from_be_bytes([k0, k1]), i16::from_be_bytes([l0, l1]), i16::from_be_bytes([h0, h1])));
            self.tag(u32::MAX)?;
        }
        if version >= 1 {
            self.take(4)?; // ThrottleTimeMs
        }
        let flag = self.tag(ZK_MIGRATION_READY)?;
        let zk_migration_ready = flag.first().is_some_and(|flag| *flag != 0);
        self.left.is_empty().then_some(Listed { apis, zk_migration_ready })
    }

    /// Walks a section of tagged fields and returns the bytes of the one that is wanted, none where it is not there.
    fn tag(&mut self, wanted: u32) -> Option<&'a [u8]> {
        let mut found: &[u8] = &[];
        let count = if self.flexible { self.varint()? } else { 0 };
        for _ in 0..count {
            let (tag, size) = (self.varint()?, self.varint()?);
            let field = self.take(size as usize)?;
            if tag == wanted {
                found = field;
            }
        }
        Some(found)
    }

    fn number(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    fn varint(&mut self) -> Option<u32> {
        let mut value = 0;
        for shift in [0, 7, 14, 21, 28] {
            let &[byte] = self.take(1)? else { return None };
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, left) = self.left.split_at_checked(count)?;
        self.left = left;
        Some(taken)
    }
}
