//! Metadata for its list of brokers, read off its frame: N brokers send N² places. The guard has proved the frame before;
//! brokers of one cluster give the same list, so it is proved and read once (`met`).

use bytes::Bytes;
use kafka_protocol::messages::MetadataRequest;

use super::met::Met;
use super::reader::{Reader, read_off_behind};
use super::{Refusal, topics};

/// What an answer to `Metadata` tells beside topics. Its texts are what came, which need not be UTF-8.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata<'a, L> {
    /// What was made of the list of brokers.
    pub brokers: L,
    /// The cluster's id.
    pub cluster_id: Option<&'a [u8]>,
    /// Whom it names as the controller, −1 for nobody.
    pub controller_id: i32,
    /// The error code of the whole answer (version 13).
    pub error_code: i16,
}

/// A broker on the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'a> {
    /// Its id.
    pub id: i32,
    /// Its host, as it came.
    pub host: &'a [u8],
    /// Its port, as it came.
    pub port: i32,
}

/// The answer, from the bytes after the length prefix; `make` makes of a list what is shared with the answers that give
/// the same.
///
/// # Errors
/// [`Refusal`] when the correlation id is another, or the frame is not exactly one message of this version.
pub fn metadata<'a, L: Clone>(
    frame: &'a Bytes,
    version: i16,
    correlation_id: i32,
    met: &Met<L>,
    make: fn(&[Place<'_>]) -> L,
) -> Result<Metadata<'a, L>, Refusal> {
    let list = |reader: &mut Reader<'a>| brokers(reader).map(|places| make(&places));
    let rest = |reader: &mut Reader<'a>, brokers| {
        let (cluster_id, controller_id) = (reader.nullable_text()?, reader.number()?);
        let error_code = topics::rest(reader, version)?.error_code;
        Some(Metadata { brokers, cluster_id, controller_id, error_code })
    };
    read_off_behind::<MetadataRequest, _, _>(met, frame, version, correlation_id, list, rest)
}

/// What Metadata begins with, in the versions that we speak.
pub(super) fn brokers<'a>(reader: &mut Reader<'a>) -> Option<Vec<Place<'a>>> {
    reader.take(4)?; // ThrottleTimeMs
    let count = reader.count()?;
    let mut places = Vec::with_capacity(count as usize);
    for _ in 0..count {
        places.push(Place { id: reader.number()?, host: reader.text()?, port: reader.number()? });
        reader.text()?; // Rack
        reader.tags()?;
    }
    Some(places)
}
