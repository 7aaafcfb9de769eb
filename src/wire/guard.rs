//! The bounded guard: proves, before anything is decoded, that a response has the shape of its message and
//! that every length and count it announces fits the bytes that are there.
//!
//! It exists because a generated decoder reserves memory for a count before it looks at what follows: six
//! bytes that announce 2³¹−1 elements would abort the whole process. The guard allocates nothing. It is
//! stricter than Kafka's own decoders where a real broker never differs: duplicate or unordered tags, tags
//! with a lying size, over-long varints and trailing bytes are refused.
//!
//! The shapes themselves are in `shapes.rs`; what the fields mean is not known here.

use std::fmt;

/// What is wrong with a frame, a record batch or a record, and at which byte of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// Offset from its first byte; of a frame, from the first byte after the length prefix.
    pub at: usize,
    /// What was found there, in words.
    pub what: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.what, self.at)
    }
}

/// The versions in which a field is on the wire, both ends included.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    pub(super) since: i16,
    pub(super) until: i16,
    pub(super) part: Part,
}

/// How a field is laid out.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    /// This many bytes, whatever they hold.
    Fixed(usize),
    /// A string that is always there.
    Text,
    /// A string or null.
    NullableText,
    /// A length, then that many bytes.
    Bytes,
    /// A length, or null, then that many bytes.
    NullableBytes,
    /// A structure of these fields.
    Struct(&'static [Field]),
    /// A count, then that many structures of these fields.
    Array(&'static [Field]),
    /// A count, then that many structures of these fields, of which these tagged fields are known.
    TaggedArray(&'static [Field], &'static [Tag]),
    /// A count, or null, then that many structures of these fields.
    NullableArray(&'static [Field]),
    /// A count, or null, then that many strings.
    NullableTexts,
    /// A count, then that many numbers of four bytes.
    NodeIds,
}

/// A tagged field that is known: its number, the first version that has it, and how it is laid out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tag {
    pub(super) number: u32,
    pub(super) since: i16,
    pub(super) part: Part,
}

/// A message: its fields, the first version that is flexible (KIP-482: compact lengths and tagged fields),
/// and the tagged fields that are known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) fields: &'static [Field],
    pub(super) flexible_since: i16,
    pub(super) tags: &'static [Tag],
}

/// Walks `body` as `shape` in `version`, from `at` to the very last byte.
///
/// # Errors
/// [`Malformed`], with the first byte that does not fit.
pub(super) fn prove(shape: &Shape, version: i16, body: &[u8], at: usize) -> Result<(), Malformed> {
    prove_behind(0, shape, version, body, at)
}

/// The same of what comes behind this many of the shape's fields, which end at `at`.
///
/// # Errors
/// [`Malformed`], with the first byte that does not fit.
pub(super) fn prove_behind(
    fields: usize,
    shape: &Shape,
    version: i16,
    body: &[u8],
    at: usize,
) -> Result<(), Malformed> {
    let mut walk = Walk { body, at, version, flexible: version >= shape.flexible_since };
    walk.fields(shape.fields.get(fields..).unwrap_or_default())?;
    if walk.flexible {
        walk.tags(shape.tags)?;
    }
    if walk.left() > 0 {
        return Err(walk.wrong(format!("{} bytes after the message's end", walk.left())));
    }
    Ok(())
}

/// Walks one section of tagged fields, none of which is known, and returns where it ends.
///
/// # Errors
/// [`Malformed`], with the first byte that does not fit.
pub(super) fn prove_unknown_tags(body: &[u8], at: usize) -> Result<usize, Malformed> {
    let mut walk = Walk { body, at, version: 0, flexible: true };
    walk.tags(&[])?;
    Ok(walk.at)
}

struct Walk<'a> {
    body: &'a [u8],
    at: usize,
    version: i16,
    flexible: bool,
}

impl Walk<'_> {
    fn fields(&mut self, fields: &[Field]) -> Result<(), Malformed> {
        let version = self.version;
        let on_the_wire = fields.iter().filter(|field| (field.since..=field.until).contains(&version));
        on_the_wire.into_iter().try_for_each(|field| self.part(field.part))
    }

    fn part(&mut self, part: Part) -> Result<(), Malformed> {
        match part {
            Part::Fixed(size) => self.skip(size, "a field"),
            Part::Text | Part::NullableText => match self.length(2)? {
                Some(length) => self.skip(length, "a string"),
                None if matches!(part, Part::NullableText) => Ok(()),
                None => Err(self.wrong("null where a string must be".to_owned())),
            },
            Part::Bytes | Part::NullableBytes => match self.length(4)? {
                Some(length) => self.skip(length, "an opaque field"),
                None if matches!(part, Part::NullableBytes) => Ok(()),
                None => Err(self.wrong("null where bytes must be".to_owned())),
            },
            Part::Struct(fields) => self.array(fields, &[], 1),
            Part::Array(element) => {
                let count = self.count(1)?;
                self.array(element, &[], count)
            }
            Part::TaggedArray(element, tags) => {
                let count = self.count(1)?;
                self.array(element, tags, count)
            }
            Part::NullableArray(element) => match self.length(4)? {
                Some(count) => self.array(element, &[], count),
                None => Ok(()),
            },
            Part::NullableTexts => match self.length(4)? {
                // Every string is at least one byte long, so the loop is bounded by the bytes that are there.
                Some(count) => (0..count).try_for_each(|_| self.part(Part::Text)),
                None => Ok(()),
            },
            Part::NodeIds => {
                let count = self.count(4)?;
                self.skip(count * 4, "node ids")
            }
        }
    }

    fn array(&mut self, element: &[Field], tags: &[Tag], count: usize) -> Result<(), Malformed> {
        // Every structure is at least one byte long, so the loop is bounded by the bytes that are there, and proves them.
        let fixed_size = self.fixed_size(element);
        for _ in 0..count {
            match fixed_size {
                Some(size) if size <= self.left() => self.at += size,
                _ => self.fields(element)?,
            }
            if self.flexible {
                self.tags(tags)?;
            }
        }
        Ok(())
    }

    /// How many bytes these fields take, if that is so whatever they hold: the entries of the longest arrays are numbers.
    fn fixed_size(&self, fields: &[Field]) -> Option<usize> {
        let on_the_wire = fields.iter().filter(|field| (field.since..=field.until).contains(&self.version));
        let size = |field: &Field| match field.part {
            Part::Fixed(size) => Some(size),
            _ => None,
        };
        on_the_wire.map(size).sum()
    }

    /// The count of an array whose elements take at least `least` bytes each.
    fn count(&mut self, least: usize) -> Result<usize, Malformed> {
        let Some(count) = self.length(4)? else {
            return Err(self.wrong("null where an array must be".to_owned()));
        };
        if count > self.left() / least {
            return Err(self.wrong(format!("{count} elements announced, {} bytes left", self.left())));
        }
        Ok(count)
    }

    fn tags(&mut self, known: &[Tag]) -> Result<(), Malformed> {
        // Nearly always there are none.
        if self.body.get(self.at) == Some(&0) {
            self.at += 1;
            return Ok(());
        }
        let count = self.varint()?;
        let mut last = None;
        for _ in 0..count {
            let tag = self.varint()?;
            if last.is_some_and(|last| tag <= last) {
                return Err(self.wrong(format!("tag {tag} twice or out of order")));
            }
            last = Some(tag);
            let size = self.varint()? as usize;
            let start = self.at;
            self.skip(size, "a tagged field")?;
            if let Some(known) = known.iter().find(|known| known.number == tag) {
                if self.version < known.since {
                    return Err(self.wrong(format!("tag {tag}, which version {} does not have", self.version)));
                }
                let end = self.at;
                self.at = start;
                self.part(known.part)?;
                if self.at != end {
                    return Err(self.wrong(format!("tag {tag} announces {size} bytes and has {}", self.at - start)));
                }
            }
        }
        Ok(())
    }

    /// A length or count: compact (one more than the value, 0 for null) in a flexible version, otherwise a
    /// signed integer of `width` bytes, −1 for null.
    fn length(&mut self, width: usize) -> Result<Option<usize>, Malformed> {
        if self.flexible {
            return Ok((self.varint()? as usize).checked_sub(1));
        }
        let start = self.at;
        self.skip(width, "a length")?;
        let value = self.body.iter().take(self.at).skip(start).fold(0_u32, |value, byte| value << 8 | u32::from(*byte));
        let null = if width == 2 { 0xffff } else { 0xffff_ffff };
        let sign = if width == 2 { 0x8000 } else { 0x8000_0000 };
        match value {
            value if value == null => Ok(None),
            value if value & sign != 0 => Err(self.wrong("a negative length".to_owned())),
            value => Ok(Some(value as usize)),
        }
    }

    fn varint(&mut self) -> Result<u32, Malformed> {
        let mut value = 0_u64;
        for shift in [0, 7, 14, 21, 28] {
            let Some(&byte) = self.body.get(self.at) else {
                return Err(self.wrong("the frame ends inside a varint".to_owned()));
            };
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                if byte == 0 && shift > 0 {
                    return Err(self.wrong("an over-long varint".to_owned()));
                }
                return u32::try_from(value).map_err(|_| self.wrong("a varint above 32 bits".to_owned()));
            }
        }
        Err(self.wrong("a varint of more than five bytes".to_owned()))
    }

    fn skip(&mut self, size: usize, what: &str) -> Result<(), Malformed> {
        if size > self.left() {
            return Err(self.wrong(format!("{what} of {size} bytes, {} left", self.left())));
        }
        self.at += size;
        Ok(())
    }

    fn left(&self) -> usize {
        self.body.len() - self.at
    }

    fn wrong(&self, what: String) -> Malformed {
        Malformed { at: self.at, what }
    }
}
