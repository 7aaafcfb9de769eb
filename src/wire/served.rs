//! The other half of the wire: requests as a simulated node reads them, and its answers.
//!
//! A request comes from a stranger too, so its body is decoded only behind the guard, and only where the answer depends
//! on it. Not here: what a node answers (`rehearse`).

use bytes::Bytes;
use kafka_protocol::messages::{
    DescribeClusterRequest, DescribeConfigsRequest, FetchRequest, FetchSnapshotRequest, MetadataRequest,
    ResponseHeader, SaslAuthenticateRequest, SaslHandshakeRequest,
};
use kafka_protocol::protocol::{Encodable, HeaderVersion};

use super::guard::{Shape, prove, prove_unknown_tags};
use super::{Ask, Refusal, framed, shapes, too_short};

/// The largest request that is read, in bytes, without its length prefix.
pub const REQUEST_LIMIT: usize = 64 * 1024;

/// A request whose body a simulated node reads.
pub trait Serve: Ask {
    /// The shape of the request.
    #[doc(hidden)]
    const REQUEST: &'static RequestShape;
}

/// The shape of a request, opaque outside this module.
#[derive(Debug)]
pub struct RequestShape(Shape);

impl Serve for DescribeClusterRequest {
    const REQUEST: &'static RequestShape = &RequestShape(shapes::DESCRIBE_CLUSTER_REQUEST);
}

impl Serve for DescribeConfigsRequest {
    const REQUEST: &'static RequestShape = &RequestShape(shapes::DESCRIBE_CONFIGS_REQUEST);
}

impl Serve for FetchRequest {
    const REQUEST: &'static RequestShape = &RequestShape(shapes::FETCH_REQUEST);
}

impl Serve for FetchSnapshotRequest {
    const REQUEST: &'static RequestShape = &RequestShape(shapes::FETCH_SNAPSHOT_REQUEST);
}

impl Serve for MetadataRequest {
    const REQUEST: &'static RequestShape = &RequestShape(shapes::METADATA_REQUEST);
}

impl Serve for SaslHandshakeRequest {
    const REQUEST: &'static RequestShape = &RequestShape(shapes::SASL_HANDSHAKE_REQUEST);
}

impl Serve for SaslAuthenticateRequest {
    const REQUEST: &'static RequestShape = &RequestShape(shapes::SASL_AUTHENTICATE_REQUEST);
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The API's key.
    pub key: i16,
    /// The version in which it is asked.
    pub version: i16,
    /// What the answer must repeat.
    pub correlation_id: i32,
    frame: Bytes,
}

impl Asked {
    /// Reads what every request begins with, from the bytes after the length prefix.
    ///
    /// # Errors
    /// [`Refusal`] when the frame is shorter than that.
    pub fn read(frame: Bytes) -> Result<Self, Refusal> {
        let Some(&[k0, k1, v0, v1, c0, c1, c2, c3]) = frame.get(..8) else { return Err(too_short(frame.len())) };
        Ok(Self {
            key: i16::from_be_bytes([k0, k1]),
            version: i16::from_be_bytes([v0, v1]),
            correlation_id: i32::from_be_bytes([c0, c1, c2, c3]),
            frame,
        })
    }

    /// The request itself.
    ///
    /// # Errors
    /// [`Refusal`] when the frame is not exactly one such request.
    pub fn request<S: Serve>(&self) -> Result<S, Refusal> {
        // The client's id has a length of two bytes in every version, -1 for none.
        let Some(&[high, low]) = self.frame.get(8..10) else { return Err(too_short(self.frame.len())) };
        let mut at = 10 + usize::try_from(i16::from_be_bytes([high, low])).unwrap_or(0);
        if at > self.frame.len() {
            return Err(too_short(self.frame.len()));
        }
        if S::header_version(self.version) >= 2 {
            at = prove_unknown_tags(&self.frame, at).map_err(Refusal::Malformed)?;
        }
        prove(&S::REQUEST.0, self.version, &self.frame, at).map_err(Refusal::Malformed)?;
        let mut body = self.frame.slice(at..);
        S::decode(&mut body, self.version).map_err(|error| Refusal::Codec(error.to_string()))
    }

    /// An answer as it goes on the wire, length prefix included.
    ///
    /// # Errors
    /// [`Refusal::Codec`] when it cannot be written in the version that was asked.
    pub fn answer<A: Ask>(&self, response: &A::Response) -> Result<Bytes, Refusal> {
        self.answer_in::<A>(self.version, response)
    }

    /// An answer in another version than was asked: only that to a version that the node does not know.
    ///
    /// # Errors
    /// [`Refusal::Codec`] when it cannot be written in that version.
    pub fn answer_in<A: Ask>(&self, version: i16, response: &A::Response) -> Result<Bytes, Refusal> {
        let header = ResponseHeader::default().with_correlation_id(self.correlation_id);
        framed(|frame| {
            header.encode(frame, A::Response::header_version(version))?;
            response.encode(frame, version)
        })
        .map_err(Refusal::Codec)
    }
}
