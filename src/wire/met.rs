//! The long lists with which answers begin, as they came, and what was read of them.
//!
//! Nodes of one cluster mostly give one and the same list, of APIs or of brokers, and a thousand brokers list a thousand
//! each. A list that came before, byte for byte and in the same version, is proved and read already: what guard and reader
//! make of bytes depends on nothing else. Nothing is answered from here: every node is asked, and its bytes are compared.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many of a shape's fields are compared: a number, and the list.
pub(super) const FIELDS: usize = 2;

/// How many different lists are remembered: brokers in either mode and controllers, of two releases, are six. Each can hold
/// as many bytes as an answer may have.
const MOST: usize = 8;

/// The lists that were met last, each with what was made of it.
pub struct Met<L>(Mutex<Vec<Known<L>>>);

struct Known<L> {
    version: i16,
    bytes: Box<[u8]>,
    list: L,
}

impl<L: Clone> Met<L> {
    /// What was made of the list with which this answer begins, and how many bytes it has, if it was met.
    pub(super) fn find(&self, version: i16, body: &[u8]) -> Option<(usize, L)> {
        let met = self.met();
        let known = met.iter().find(|known| known.version == version && begins_with(body, &known.bytes))?;
        Some((known.bytes.len(), known.list.clone()))
    }

    /// Remembers a list that was proved and read, and forgets the one that was met first if there are too many.
    pub(super) fn keep(&self, version: i16, bytes: &[u8], list: &L) {
        let mut met = self.met();
        if met.len() >= MOST {
            met.remove(0);
        }
        met.push(Known { version, bytes: bytes.into(), list: list.clone() });
    }

    fn met(&self) -> MutexGuard<'_, Vec<Known<L>>> {
        // Whoever panicked with it has left whole lists.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether these bytes begin with those. In portions that are compared at once: musl's `memcmp` takes one byte after the other.
fn begins_with(bytes: &[u8], with: &[u8]) -> bool {
    let Some(bytes) = bytes.get(..with.len()) else { return false };
    let ((portions, rest), (with, with_rest)) = (bytes.as_chunks::<32>(), with.as_chunks::<32>());
    rest == with_rest && portions.iter().zip(with).all(|(portion, with)| portion == with)
}

impl<L> Default for Met<L> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<L> fmt::Debug for Met<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Met").finish_non_exhaustive()
    }
}
