//! Room for long answers, which the next ones take over.
//!
//! N brokers list N brokers each. An allocator gives room of a hundred kilobytes back to the operating system, as musl's
//! does, and gets the next one page by page: of a verdict over thousands of brokers these page faults were a large part.
//! Not here: answers that fit into what is made room for at first, of which an allocator keeps enough (`exchange`).

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::MetadataRequest;

use super::exchange::FIRST_PORTION;
use crate::wire::Ask;

/// For how many answers room is kept: 16 MB in all.
const MOST: usize = 16;

/// The largest that is kept, in bytes. What is longer, of topics or of the metadata log, few nodes are asked for.
const LARGEST: usize = MetadataRequest::LIMIT;

/// What answers were read into before.
#[derive(Default)]
pub(in crate::observe) struct Rooms(Mutex<Vec<BytesMut>>);

impl Rooms {
    /// Room without anything in it: that which was used last, or none yet.
    pub(super) fn take(&self) -> BytesMut {
        self.rooms().pop().unwrap_or_default()
    }

    /// Takes the room of a long answer that was read, unless something of it is still in use. A short one's, kept beside it,
    /// would be what the next long answer gets.
    pub(super) fn give_back(&self, frame: Bytes) {
        if frame.len() <= FIRST_PORTION {
            return;
        }
        let Ok(mut room) = frame.try_into_mut() else { return };
        let mut rooms = self.rooms();
        if rooms.len() < MOST && room.capacity() <= LARGEST {
            room.clear();
            rooms.push(room);
        }
    }

    fn rooms(&self) -> MutexGuard<'_, Vec<BytesMut>> {
        // Whoever panicked with it has taken or left a whole one.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
