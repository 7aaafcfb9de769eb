//! One request, and the frame that comes back: bounded in time, in length and in memory.
//!
//! Not here: which requests there are, and what an answer holds.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Conversation, common_version, not_listed};
use crate::observe::Moment;
use crate::observe::refusal::{is_of_tls, refused};
use crate::snapshot::{Answer, ApiVersions, Missed, Why};
use crate::wire::{self, Ask};

/// How much is made room for before anything comes, in bytes: most answers fit, and are read at once with their length.
pub(super) const FIRST_PORTION: usize = 1024;
/// How much of a longer answer is made room for before it comes: what lists a thousand brokers is read in two portions.
const NEXT_PORTION: usize = 32 * 1024;

impl<S: AsyncReadExt + AsyncWriteExt + Unpin> Conversation<S> {
    /// Asks in the highest version that both sides know, for an answer of at most `limit` bytes.
    pub(super) async fn ask_in_frames<A: Ask, T>(
        &mut self,
        request: &A,
        listed: &ApiVersions,
        limit: usize,
        read: impl FnOnce(&mut Self, &Bytes, i16) -> Result<T, Missed>,
    ) -> Answer<T> {
        let began = Moment::now();
        let Some(version) = common_version::<A>(listed) else {
            return began.answer(0, Err(not_listed::<A>()));
        };
        let said = self.exchange(request, version, limit).await.and_then(|frame| {
            let said = read(self, &frame, version);
            self.rooms.give_back(frame);
            said
        });
        began.answer(version, said)
    }

    /// Sends one request and reads the frame that comes back, of at most `limit` bytes, both within the request's time.
    pub(in crate::observe) async fn exchange<A: Ask>(
        &mut self,
        request: &A,
        version: i16,
        limit: usize,
    ) -> Result<Bytes, Missed> {
        self.correlation_id += 1;
        let client_id = self.client_id.as_deref().unwrap_or(wire::CLIENT_ID);
        let out =
            wire::encode(request, version, self.correlation_id, client_id).map_err(|refusal| not_taken(&refusal))?;
        let deadline = self.limits.request_deadline();
        let exchange = async {
            if let Err(error) = self.send(&out).await {
                return Err(self.last_words().await.unwrap_or_else(|| refused(&error)));
            }
            self.read_up_to(4, FIRST_PORTION).await?;
            let Some(&prefix) = self.unread.first_chunk() else {
                return Err(refused(&io::ErrorKind::UnexpectedEof.into()));
            };
            let length = wire::frame_length(prefix, limit).map_err(|refusal| not_taken(&refusal))?;
            self.unread.advance(prefix.len());
            if length > FIRST_PORTION {
                let mut room = self.rooms.take();
                room.extend_from_slice(&self.unread);
                self.unread = room;
            }
            let came = self.read_up_to(length, NEXT_PORTION).await?;
            if came < length {
                let words = format!("the connection was closed after {came} of {length} bytes of the answer");
                return Err(Missed::new(Why::Closed, words));
            }
            let frame = self.unread.split_to(length).freeze();
            if self.unread.is_empty() {
                // A connection that is kept holds no room.
                self.unread = BytesMut::new();
            }
            Ok(frame)
        };
        let frame = tokio::time::timeout_at(deadline, exchange)
            .await
            .unwrap_or_else(|_| Err(Missed::new(Why::TimedOut, format!("no answer to {} in time", A::NAME))));
        self.broken = frame.is_err();
        frame
    }

    /// Reads until this many bytes are there, or no more come, and returns how many there are. Beyond a first portion
    /// memory follows what was sent, not what was announced.
    async fn read_up_to(&mut self, length: usize, portion: usize) -> Result<usize, Missed> {
        while let Some(missing @ 1..) = length.checked_sub(self.unread.len()) {
            self.unread.reserve(portion.max(self.unread.len()).min(missing.max(FIRST_PORTION)));
            if self.stream.read_buf(&mut self.unread).await.map_err(|error| refused(&error))? == 0 {
                break;
            }
        }
        Ok(self.unread.len())
    }

    async fn send(&mut self, out: &[u8]) -> io::Result<()> {
        self.stream.write_all(out).await?;
        self.stream.flush().await
    }

    /// What a peer said by TLS before it closed the connection: in TLS 1.3 it may not like our certificate, and say so
    /// when for us the handshake is long over.
    async fn last_words(&mut self) -> Option<Missed> {
        let said = self.stream.read(&mut [0]).await;
        said.err().filter(is_of_tls).map(|error| refused(&error))
    }

    pub(in crate::observe) fn decode<A: Ask>(&mut self, frame: &Bytes, version: i16) -> Result<A::Response, Missed> {
        let said = wire::decode::<A>(frame, version, self.correlation_id);
        self.taken(said)
    }

    /// What was read, or why it was not; and whether what comes next still belongs to a question.
    pub(super) fn taken<T>(&mut self, said: Result<T, wire::Refusal>) -> Result<T, Missed> {
        self.broken = matches!(said, Err(wire::Refusal::CorrelationId { .. }));
        said.map_err(|refusal| not_taken(&refusal))
    }
}

pub(in crate::observe) fn not_taken(refusal: &wire::Refusal) -> Missed {
    let why = match refusal {
        wire::Refusal::Http => Why::WrongTarget,
        wire::Refusal::Tls => Why::TlsExpected,
        wire::Refusal::Length { .. } => Why::TooLarge,
        _ => Why::Malformed,
    };
    Missed::new(why, refusal.to_string())
}
