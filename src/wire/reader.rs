//! Numbers and texts read off a frame that the guard has proved, without the codec's trees.
//!
//! For the answers that are long on real clusters: the list of APIs, that of brokers, that of all topics, and the metadata
//! log. What each field is is known to those that read (`listed`, `brokers`, `topics`, `fetched`); `None` would be a defect,
//! and is refused by them. Records of the metadata log, which no guard knows, are read by it as well (`records`): there `None` is a record that ends.

use bytes::Bytes;

use super::guard::{Malformed, prove, prove_behind};
use super::met::{FIELDS, Met};
use super::{Ask, Refusal, body_start};

/// Reads an answer off the bytes after its length prefix, all of them, once the guard has proved their shape.
///
/// # Errors
/// [`Refusal`] when the correlation id is another, or the frame is not exactly one message of this version.
pub(super) fn read_off<A: Ask, T>(
    frame: &Bytes,
    version: i16,
    correlation_id: i32,
    read: impl FnOnce(&mut Reader<'_>, i16) -> Option<T>,
) -> Result<T, Refusal> {
    let shape = &A::SHAPE.0;
    let at = body_start::<A>(frame, version, correlation_id)?;
    prove(shape, version, frame, at).map_err(Refusal::Malformed)?;
    let mut reader = Reader::new::<A>(frame, at, version);
    let answer = read(&mut reader, version).filter(|_| reader.left.is_empty());
    answer.ok_or_else(|| reader.disagrees(frame))
}

/// The same of an answer that begins with a long list, which is taken from an answer that began with the same bytes, if
/// there was one: then only what comes behind it is proved and read.
///
/// # Errors
/// [`Refusal`] when the correlation id is another, or the frame is not exactly one message of this version.
pub(super) fn read_off_behind<'a, A: Ask, L: Clone, T>(
    met: &Met<L>,
    frame: &'a Bytes,
    version: i16,
    correlation_id: i32,
    list: impl FnOnce(&mut Reader<'a>) -> Option<L>,
    rest: impl FnOnce(&mut Reader<'a>, L) -> Option<T>,
) -> Result<T, Refusal> {
    let shape = &A::SHAPE.0;
    let at = body_start::<A>(frame, version, correlation_id)?;
    let known = met.find(version, frame.get(at..).unwrap_or_default());
    let mut reader = Reader::new::<A>(frame, at, version);
    let list = if let Some((length, list)) = known {
        prove_behind(FIELDS, shape, version, frame, at + length).map_err(Refusal::Malformed)?;
        reader.take(length).map(|_| list)
    } else {
        prove(shape, version, frame, at).map_err(Refusal::Malformed)?;
        let list = list(&mut reader);
        let bytes = frame.get(at..frame.len() - reader.left.len()).unwrap_or_default();
        list.inspect(|list| met.keep(version, bytes, list))
    };
    let answer = list.and_then(|list| rest(&mut reader, list)).filter(|_| reader.left.is_empty());
    answer.ok_or_else(|| reader.disagrees(frame))
}

/// What is left of a frame's body.
pub(super) struct Reader<'a> {
    left: &'a [u8],
    /// Whether the version has compact lengths and tagged fields (KIP-482).
    flexible: bool,
}

impl<'a> Reader<'a> {
    /// A reader of bytes that nothing has proved, with compact lengths and tagged fields.
    pub(super) fn flexible(bytes: &'a [u8]) -> Self {
        Self { left: bytes, flexible: true }
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> usize {
        self.left.len()
    }

    /// Reads from this byte of a frame on.
    fn new<A: Ask>(frame: &'a Bytes, at: usize, version: i16) -> Self {
        Self { left: frame.get(at..).unwrap_or_default(), flexible: version >= A::SHAPE.0.flexible_since }
    }

    fn disagrees(&self, frame: &Bytes) -> Refusal {
        let what = "guard and reader disagree on the message's end".to_owned();
        Refusal::Malformed(Malformed { at: frame.len() - self.left.len(), what })
    }

    /// Walks a section of tagged fields and returns the bytes of the one that is wanted, none where it is not there.
    pub(super) fn tag(&mut self, wanted: u32) -> Option<&'a [u8]> {
        self.tagged([wanted]).map(|[found]| found)
    }

    /// The same of several.
    pub(super) fn tagged<const N: usize>(&mut self, wanted: [u32; N]) -> Option<[&'a [u8]; N]> {
        let mut found: [&[u8]; N] = [&[]; N];
        let count = if self.flexible { self.varint()? } else { 0 };
        for _ in 0..count {
            let (tag, size) = (self.varint()?, self.varint()?);
            let field = self.take(size as usize)?;
            if let Some((_, found)) = wanted.iter().zip(&mut found).find(|(wanted, _)| **wanted == tag) {
                *found = field;
            }
        }
        Some(found)
    }

    /// A reader of a tagged field of this frame.
    pub(super) fn within<'b>(&self, field: &'b [u8]) -> Reader<'b> {
        Reader { left: field, flexible: self.flexible }
    }

    /// Walks a section of tagged fields.
    pub(super) fn tags(&mut self) -> Option<()> {
        self.tagged([]).map(|[]| ())
    }

    /// The count of an array.
    pub(super) fn count(&mut self) -> Option<u32> {
        if self.flexible {
            self.varint()?.checked_sub(1)
        } else {
            self.take(4)?.try_into().ok().map(u32::from_be_bytes)
        }
    }

    /// The count of an array, 0 where it is null.
    pub(super) fn nullable_count(&mut self) -> Option<u32> {
        if self.flexible {
            Some(self.varint()?.saturating_sub(1))
        } else {
            Some(u32::try_from(self.number()?).unwrap_or(0))
        }
    }

    /// Bytes after their length, none where they are null.
    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.nullable_count()?;
        self.take(length as usize)
    }

    /// A string, empty where it is null.
    pub(super) fn text(&mut self) -> Option<&'a [u8]> {
        self.nullable_text().map(Option::unwrap_or_default)
    }

    /// A string, or null.
    #[expect(clippy::option_option, reason = "the outer one is a defect, the inner one was said")]
    pub(super) fn nullable_text(&mut self) -> Option<Option<&'a [u8]>> {
        let length = if self.flexible { self.varint()?.checked_sub(1) } else { u32::try_from(self.short()?).ok() };
        length.map_or(Some(None), |length| self.take(length as usize).map(Some))
    }

    /// A number of two bytes.
    pub(super) fn short(&mut self) -> Option<i16> {
        self.take(2)?.try_into().ok().map(i16::from_be_bytes)
    }

    /// A number of four bytes.
    pub(super) fn number(&mut self) -> Option<i32> {
        self.take(4)?.try_into().ok().map(i32::from_be_bytes)
    }

    /// A number of eight bytes.
    pub(super) fn long(&mut self) -> Option<i64> {
        self.take(8)?.try_into().ok().map(i64::from_be_bytes)
    }

    /// An array of numbers of four bytes.
    pub(super) fn numbers(&mut self) -> Option<Vec<i32>> {
        let count = self.count()?;
        let (numbers, _) = self.take((count as usize).checked_mul(4)?)?.as_chunks();
        Some(numbers.iter().map(|bytes| i32::from_be_bytes(*bytes)).collect())
    }

    /// A number of at most 32 bits, in as many bytes as it needs.
    pub(super) fn varint(&mut self) -> Option<u32> {
        let mut value = 0;
        for shift in [0, 7, 14, 21, 28] {
            let &[byte] = self.take(1)? else { return None };
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return u32::try_from(value).ok();
            }
        }
        None
    }

    pub(super) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, left) = self.left.split_at_checked(count)?;
        self.left = left;
        Some(taken)
    }
}
