//! Record batches, as they stand in the metadata log and in its snapshots: magic 2, not compressed. Every length, count and
//! offset is proved before it is used, and nothing is copied.
//!
//! Source: `DefaultRecordBatch.java` and `DefaultRecord.java`, and what `RecordsIterator.java` demands of the metadata log
//! beside that: no compression, offsets without a gap, no headers. Not here: what a record means (`records`).

use super::guard::Malformed;

/// The largest batch that is read, in bytes: twice what Kafka's controllers write at once (`KafkaRaftClient.MAX_BATCH_SIZE_BYTES`).
pub const BATCH_LIMIT: usize = 16 * 1024 * 1024;
/// How many bytes stand before `partitionLeaderEpoch`: the base offset and the length of what follows.
const LOG_OVERHEAD: usize = 12;
/// How many bytes stand before the records.
const OVERHEAD: usize = 61;
/// Where the bytes begin that the CRC is of: `attributes`.
const CRC_FROM: usize = 21;
/// The fewest bytes of a record: its length, attributes, two deltas, key, value and headers.
const RECORD_LEAST: usize = 7;

/// The size of the batch that begins here, whether all of it is here or not; `None` while too little is here to know.
///
/// # Errors
/// [`Malformed`] when no batch is so short or so long.
pub fn batch_size(bytes: &[u8]) -> Result<Option<usize>, Malformed> {
    let Some(&[a, b, c, d]) = bytes.get(8..LOG_OVERHEAD) else { return Ok(None) };
    let length = i32::from_be_bytes([a, b, c, d]);
    let size = usize::try_from(length).ok().and_then(|length| length.checked_add(LOG_OVERHEAD));
    match size.filter(|size| (OVERHEAD + RECORD_LEAST..=BATCH_LIMIT).contains(size)) {
        Some(size) => Ok(Some(size)),
        None => Err(Malformed { at: 8, what: format!("a batch of {length} bytes") }),
    }
}

/// A record batch whose CRC is right and whose numbers fit together. The CRC is of everything but the base offset and the
/// leader epoch: that the offsets go on from batch to batch is for whoever reads the log to see.
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a> {
    /// The offset of its first record.
    pub base_offset: i64,
    /// The epoch of the leader that wrote it; in a snapshot, the snapshot's.
    pub leader_epoch: i32,
    /// The offset of its last record.
    pub last_offset: i64,
    /// What its records' timestamps are counted from, in milliseconds since the epoch by the leader's clock.
    pub base_timestamp: i64,
    /// The newest of its records' timestamps.
    pub max_timestamp: i64,
    /// Whether it holds the quorum's own records: elections, a snapshot's first and last.
    pub is_control: bool,
    /// How many records it has, at least 1.
    pub count: u32,
    /// Whether every record's timestamp is the newest one, whatever it says itself (`LogAppendTime`).
    is_append_time: bool,
    records: &'a [u8],
}

impl<'a> Batch<'a> {
    /// The batch that these bytes are, all of them: as many as [`batch_size`] says.
    ///
    /// # Errors
    /// [`Malformed`] when they are not one whole batch of magic 2, uncompressed and with the right CRC.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let wrong = |at: usize, what: String| Malformed { at, what };
        if batch_size(bytes)? != Some(bytes.len()) {
            return Err(wrong(8, format!("a batch that does not have {} bytes", bytes.len())));
        }
        let Some((header, records)) = bytes.split_first_chunk::<OVERHEAD>() else {
            return Err(wrong(bytes.len(), "a batch ends in its header".to_owned()));
        };
        let header = Header(header);
        let [magic] = header.at::<16, 1>();
        if magic != 2 {
            return Err(wrong(16, format!("a batch of magic {magic}")));
        }
        let crc = u32::from_be_bytes(header.at::<17, 4>());
        if crc32c::crc32c(bytes.get(CRC_FROM..).unwrap_or_default()) != crc {
            return Err(wrong(17, "a batch whose CRC is wrong".to_owned()));
        }
        let attributes = i16::from_be_bytes(header.at::<21, 2>());
        if attributes & 0x07 != 0 {
            return Err(wrong(21, format!("a batch of compression {}", attributes & 0x07)));
        }
        let base_offset = i64::from_be_bytes(header.at::<0, 8>());
        let delta = i32::from_be_bytes(header.at::<23, 4>());
        let count = i32::from_be_bytes(header.at::<57, 4>());
        let fits = |count: &u32| *count > 0 && *count as usize <= records.len() / RECORD_LEAST;
        let Some(count) = u32::try_from(count).ok().filter(fits) else {
            return Err(wrong(57, format!("{count} records announced, {} bytes left", records.len())));
        };
        if i64::from(delta) != i64::from(count) - 1 {
            return Err(wrong(23, format!("{count} records whose last offset is {delta} after the first")));
        }
        let last_offset = base_offset.checked_add(i64::from(delta)).filter(|_| base_offset >= 0);
        let Some(last_offset) = last_offset else {
            return Err(wrong(0, format!("a batch at offset {base_offset}")));
        };
        Ok(Self {
            base_offset,
            leader_epoch: i32::from_be_bytes(header.at::<12, 4>()),
            last_offset,
            base_timestamp: i64::from_be_bytes(header.at::<27, 8>()),
            max_timestamp: i64::from_be_bytes(header.at::<35, 8>()),
            is_control: attributes & 0x20 != 0,
            count,
            is_append_time: attributes & 0x08 != 0,
            records,
        })
    }

    /// Its records, in order; whatever is wrong with one, or stands behind the last, is an error and the end.
    pub fn records(&self) -> impl Iterator<Item = Result<RawRecord<'a>, Malformed>> + use<'a> {
        let mut batch = *self;
        let mut cursor = Cursor { whole: self.records.len(), left: self.records };
        let mut next = 0;
        std::iter::from_fn(move || {
            let record = if next < batch.count {
                batch.record(&mut cursor, next)
            } else if next == batch.count && !cursor.left.is_empty() {
                Err(cursor.wrong(format!("{} bytes after the last record", cursor.left.len())))
            } else {
                return None;
            };
            next += 1;
            if record.is_err() {
                // Nothing after it can be told.
                (next, batch.count) = (1, 0);
            }
            Some(record.map_err(|malformed| Malformed { at: OVERHEAD + malformed.at, ..malformed }))
        })
    }

    fn record(&self, cursor: &mut Cursor<'a>, number: u32) -> Result<RawRecord<'a>, Malformed> {
        let length = cursor.varint()?;
        let end = cursor.left.len().checked_sub(cursor.size(length, "a record")?);
        cursor.take(1, "a record's attributes")?;
        let timestamp_delta = cursor.varlong()?;
        let offset_delta = cursor.varint()?;
        if i64::from(offset_delta) != i64::from(number) {
            return Err(cursor.wrong(format!("record {number} is at offset {offset_delta} after the first")));
        }
        let (key, value) = (cursor.bytes("a key")?, cursor.bytes("a value")?);
        let headers = cursor.varint()?;
        if headers != 0 {
            return Err(cursor.wrong(format!("a record with {headers} headers")));
        }
        if end != Some(cursor.left.len()) {
            return Err(cursor.wrong(format!("a record that does not have {length} bytes")));
        }
        let timestamp = if self.is_append_time {
            Some(self.max_timestamp)
        } else {
            self.base_timestamp.checked_add(timestamp_delta)
        };
        let Some(timestamp) = timestamp else {
            return Err(cursor.wrong(format!("a timestamp {timestamp_delta} after the first")));
        };
        // It is no more than the last offset, which was proved to be a number.
        Ok(RawRecord { offset: self.base_offset.saturating_add(i64::from(number)), timestamp, key, value })
    }
}

/// A record as it stands in its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawRecord<'a> {
    /// Its offset.
    pub offset: i64,
    /// When it was written, in milliseconds since the epoch by the leader's clock.
    pub timestamp: i64,
    /// Its key: the kind of a control record, none of others.
    pub key: Option<&'a [u8]>,
    /// Its value.
    pub value: Option<&'a [u8]>,
}

/// A batch's header.
struct Header<'a>(&'a [u8; OVERHEAD]);

impl Header<'_> {
    /// So many bytes from this one on, both constants within the header.
    fn at<const FROM: usize, const SIZE: usize>(&self) -> [u8; SIZE] {
        const { assert!(FROM + SIZE <= OVERHEAD) };
        self.0.get(FROM..FROM + SIZE).and_then(|bytes| bytes.try_into().ok()).unwrap_or([0; SIZE])
    }
}

/// What is left of a batch's records: numbers of variable length, zigzag.
struct Cursor<'a> {
    whole: usize,
    left: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn varint(&mut self) -> Result<i32, Malformed> {
        let value = self.varlong()?;
        i32::try_from(value).map_err(|_| self.wrong(format!("{value} where a number of 32 bits must be")))
    }

    fn varlong(&mut self) -> Result<i64, Malformed> {
        let mut value = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let Some((&byte, left)) = self.left.split_first() else {
                return Err(self.wrong("the batch ends inside a number".to_owned()));
            };
            self.left = left;
            // Of the tenth byte only one bit is left.
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok((value >> 1).cast_signed() ^ -(value & 1).cast_signed());
            }
        }
        Err(self.wrong("a number above 64 bits".to_owned()))
    }

    /// A length, then that many bytes; −1 for none.
    fn bytes(&mut self, what: &str) -> Result<Option<&'a [u8]>, Malformed> {
        match self.varint()? {
            -1 => Ok(None),
            length => {
                let size = self.size(length, what)?;
                self.take(size, what).map(Some)
            }
        }
    }

    /// A length that fits.
    fn size(&self, length: i32, what: &str) -> Result<usize, Malformed> {
        let size = usize::try_from(length).ok().filter(|size| *size <= self.left.len());
        size.ok_or_else(|| self.wrong(format!("{what} of {length} bytes, {} left", self.left.len())))
    }

    fn take(&mut self, size: usize, what: &str) -> Result<&'a [u8], Malformed> {
        let Some((taken, left)) = self.left.split_at_checked(size) else {
            return Err(self.wrong(format!("{what} of {size} bytes, {} left", self.left.len())));
        };
        self.left = left;
        Ok(taken)
    }

    fn wrong(&self, what: String) -> Malformed {
        Malformed { at: self.whole - self.left.len(), what }
    }
}
