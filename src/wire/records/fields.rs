//! The fields of a record, in the order in which they stand, every length and count proved against what is left.

use super::super::guard::Malformed;
use super::super::reader::Reader;
use super::{BrokerRegistrationChange, Record, RecordEndpoint, RegisterBroker, RegisterController};

/// The longest text that is read, in bytes.
const TEXT_MAX: usize = 1024;
/// The most endpoints that are read, and features, and voters.
const LIST_MAX: u32 = 64;
/// The most log directories.
const LOG_DIRS_MAX: u32 = 1024;

/// What is left of a record's value.
pub(super) struct Fields<'a> {
    whole: usize,
    reader: Reader<'a>,
}

impl<'a> Fields<'a> {
    /// All of it.
    pub(super) fn of(value: &'a [u8]) -> Self {
        Self { whole: value.len(), reader: Reader::flexible(value) }
    }

    /// A record of the controllers.
    pub(super) fn data(&mut self) -> Result<Record, Malformed> {
        let frame = self.varint()?;
        if frame != 1 {
            return Err(self.wrong(format!("a record of frame version {frame}")));
        }
        let (key, version) = (self.varint()?, self.varint()?);
        let record = match key {
            0 => return self.register_broker(version).map(Record::RegisterBroker),
            1 => {
                self.known("UnregisterBrokerRecord", version, 0)?;
                Record::UnregisterBroker { id: self.int()?, epoch: self.long()? }
            }
            7 => {
                self.known("FenceBrokerRecord", version, 0)?;
                Record::FenceBroker { id: self.int()?, epoch: self.long()? }
            }
            8 => {
                self.known("UnfenceBrokerRecord", version, 0)?;
                Record::UnfenceBroker { id: self.int()?, epoch: self.long()? }
            }
            12 => {
                self.known("FeatureLevelRecord", version, 0)?;
                Record::FeatureLevel { name: self.text()?, level: self.short()? }
            }
            17 => return self.registration_change(version).map(Record::BrokerRegistrationChange),
            20 => return Ok(Record::NoOp),
            21 => {
                self.known("ZkMigrationStateRecord", version, 0)?;
                Record::ZkMigrationState(self.byte()?)
            }
            23 => return Ok(Record::BeginTransaction),
            24 => return Ok(Record::EndTransaction),
            25 => return Ok(Record::AbortTransaction),
            27 => return self.register_controller(version).map(Record::RegisterController),
            other => return Ok(Record::Other(other)),
        };
        self.tags([])?;
        self.end(record)
    }

    /// A control record of this type.
    pub(super) fn control(&mut self, kind: i16) -> Result<Record, Malformed> {
        let record = match kind {
            2 => {
                self.control_version("LeaderChangeMessage", 1)?;
                // The voters follow, in another form in each version.
                return Ok(Record::LeaderChange { leader: self.int()? });
            }
            3 => {
                self.control_version("SnapshotHeaderRecord", 0)?;
                Record::SnapshotHeader { last_contained: self.long()? }
            }
            4 => return Ok(Record::SnapshotFooter),
            5 => {
                self.control_version("KRaftVersionRecord", 0)?;
                Record::KraftVersion(self.short()?)
            }
            6 => {
                self.control_version("VotersRecord", 0)?;
                Record::Voters(self.list("voters", LIST_MAX, Self::voter)?)
            }
            other => return Ok(Record::Other(u32::from(other.cast_unsigned()))),
        };
        self.tags([])?;
        self.end(record)
    }

    fn register_broker(&mut self, version: u32) -> Result<RegisterBroker, Malformed> {
        self.known("RegisterBrokerRecord", version, 4)?;
        let id = self.int()?;
        let is_migrating_zk_broker = version >= 2 && self.bool()?;
        let (incarnation, epoch) = (self.uuid()?, self.long()?);
        let endpoints = self.list("endpoints", LIST_MAX, Self::endpoint)?;
        let features = self.list("features", LIST_MAX, Self::feature)?;
        let (rack, fenced) = (self.nullable_text()?, self.bool()?);
        let in_controlled_shutdown = version >= 1 && self.bool()?;
        let [log_dirs] = self.tags([0])?;
        let log_dirs = if version >= 3 { uuids(log_dirs)? } else { Vec::new() };
        self.end(RegisterBroker {
            id,
            epoch,
            incarnation,
            is_migrating_zk_broker,
            endpoints,
            features,
            rack,
            fenced,
            in_controlled_shutdown,
            log_dirs,
        })
    }

    fn registration_change(&mut self, version: u32) -> Result<BrokerRegistrationChange, Malformed> {
        self.known("BrokerRegistrationChangeRecord", version, 3)?;
        let (id, epoch) = (self.int()?, self.long()?);
        let [fenced, in_controlled_shutdown, log_dirs] = self.tags([0, 1, 2])?;
        let change = |tag: &[u8], what| match tag {
            [] | [0] => Ok(None),
            [1] => Ok(Some(true)),
            [0xff] => Ok(Some(false)),
            _ => Err(self.wrong(format!("{what} is neither changed nor left"))),
        };
        let fenced = change(fenced, "Fenced")?;
        let shutdown = if version >= 1 { in_controlled_shutdown } else { &[] };
        let in_controlled_shutdown = change(shutdown, "InControlledShutdown")?;
        let log_dirs = if version >= 2 { uuids(log_dirs)? } else { Vec::new() };
        self.end(BrokerRegistrationChange { id, epoch, fenced, in_controlled_shutdown, log_dirs })
    }

    fn register_controller(&mut self, version: u32) -> Result<RegisterController, Malformed> {
        self.known("RegisterControllerRecord", version, 0)?;
        let (id, incarnation, zk_migration_ready) = (self.int()?, self.uuid()?, self.bool()?);
        let endpoints = self.list("endpoints", LIST_MAX, Self::endpoint)?;
        let features = self.list("features", LIST_MAX, Self::feature)?;
        self.tags([])?;
        self.end(RegisterController { id, incarnation, zk_migration_ready, endpoints, features })
    }

    fn endpoint(&mut self) -> Result<RecordEndpoint, Malformed> {
        let (name, host) = (self.text()?, self.text()?);
        let (port, security_protocol) = (self.short()?.cast_unsigned(), self.short()?);
        self.tags([])?;
        Ok(RecordEndpoint { name, host, port, security_protocol })
    }

    fn feature(&mut self) -> Result<(String, i16, i16), Malformed> {
        let feature = (self.text()?, self.short()?, self.short()?);
        self.tags([])?;
        Ok(feature)
    }

    /// Its id. Where it listens and what it supports is passed over.
    fn voter(&mut self) -> Result<i32, Malformed> {
        let id = self.int()?;
        self.uuid()?; // VoterDirectoryId
        let endpoint = |fields: &mut Self| {
            fields.text()?; // Name
            fields.text()?; // Host
            fields.short()?; // Port
            fields.tags([]).map(|[]| ())
        };
        self.list("endpoints", LIST_MAX, endpoint)?;
        // KRaftVersionFeature
        self.short()?;
        self.short()?;
        self.tags([])?;
        self.tags([])?;
        Ok(id)
    }

    /// Refuses a version that is not known: where its fields stand would be a guess.
    fn known(&self, name: &str, version: u32, newest: u32) -> Result<(), Malformed> {
        if version <= newest {
            return Ok(());
        }
        Err(self.wrong(format!("this kraft-check does not know version {version} of {name}")))
    }

    /// The same of a control record, which begins with its version.
    fn control_version(&mut self, name: &str, newest: u32) -> Result<(), Malformed> {
        let version = self.short()?;
        self.known(name, u32::from(version.cast_unsigned()), newest)
    }

    /// An array of at most so many.
    fn list<T>(
        &mut self,
        what: &str,
        most: u32,
        read: impl Fn(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        let Some(count) = self.varint()?.checked_sub(1) else {
            return Err(self.wrong(format!("null where {what} must be")));
        };
        if count > most {
            return Err(self.wrong(format!("{count} {what}, at most {most} are read")));
        }
        (0..count).map(|_| read(self)).collect()
    }

    fn text(&mut self) -> Result<String, Malformed> {
        self.nullable_text()?.ok_or_else(|| self.wrong("null where a text must be".to_owned()))
    }

    fn nullable_text(&mut self) -> Result<Option<String>, Malformed> {
        let Some(length) = self.varint()?.checked_sub(1) else { return Ok(None) };
        if length as usize > TEXT_MAX {
            return Err(self.wrong(format!("a text of {length} bytes, at most {TEXT_MAX} are read")));
        }
        let text = self.reader.take(length as usize).ok_or_else(|| self.ends())?;
        let text = std::str::from_utf8(text).map_err(|error| self.wrong(error.to_string()))?;
        Ok(Some(text.to_owned()))
    }

    fn uuid(&mut self) -> Result<[u8; 16], Malformed> {
        let uuid = self.reader.take(16).and_then(|bytes| bytes.try_into().ok());
        uuid.ok_or_else(|| self.ends())
    }

    fn bool(&mut self) -> Result<bool, Malformed> {
        self.byte().map(|byte| byte != 0)
    }

    fn byte(&mut self) -> Result<i8, Malformed> {
        match self.reader.take(1) {
            Some(&[byte]) => Ok(byte.cast_signed()),
            _ => Err(self.ends()),
        }
    }

    fn short(&mut self) -> Result<i16, Malformed> {
        self.reader.short().ok_or_else(|| self.ends())
    }

    fn int(&mut self) -> Result<i32, Malformed> {
        self.reader.number().ok_or_else(|| self.ends())
    }

    fn long(&mut self) -> Result<i64, Malformed> {
        self.reader.long().ok_or_else(|| self.ends())
    }

    fn varint(&mut self) -> Result<u32, Malformed> {
        self.reader.varint().ok_or_else(|| self.ends())
    }

    fn tags<const N: usize>(&mut self, wanted: [u32; N]) -> Result<[&'a [u8]; N], Malformed> {
        self.reader.tagged(wanted).ok_or_else(|| self.ends())
    }

    /// What was read, if nothing is left.
    fn end<T>(&self, read: T) -> Result<T, Malformed> {
        match self.reader.left() {
            0 => Ok(read),
            left => Err(self.wrong(format!("{left} bytes after the record's end"))),
        }
    }

    fn ends(&self) -> Malformed {
        self.wrong("the record ends".to_owned())
    }

    pub(super) fn wrong(&self, what: String) -> Malformed {
        Malformed { at: self.whole - self.reader.left(), what }
    }
}

/// The ids in a tagged field, which is empty where it is not there.
fn uuids(tag: &[u8]) -> Result<Vec<[u8; 16]>, Malformed> {
    if tag.is_empty() {
        return Ok(Vec::new());
    }
    let mut fields = Fields::of(tag);
    let dirs = fields.list("log directories", LOG_DIRS_MAX, Fields::uuid)?;
    fields.end(dirs)
}
