//! Connections that outlive a look, so that the next one need not dial again.
//!
//! Nothing that was said over them is kept but for the login: every look asks everything anew. The long lists of the
//! answers that came last are, to tell from the bytes of the next ones that they list the same. A connection only ever leads to the process
//! that accepted it, so a node that was restarted has closed it, and is met as new. Not here: what is said over a
//! connection, and what is done when a kept one fails (`kafka`).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::answers::BrokersSaid;
use super::dial::Network;
use super::kafka::Conversation;
use super::kafka::room::Rooms;
use super::second_round::Answered;
use crate::snapshot::{AskedAs, Endpoint};
use crate::wire::{Apis, Met};

/// How many connections are kept. With the 80 that are in use or have just been it stays below the 256 files that the
/// strictest of usual systems let a process open.
const MOST: usize = 128;

/// How long a connection is kept unused. Nodes wait for ten minutes, but there are firewalls that forget one after four,
/// and say so to nobody.
const UNUSED_MAX: Duration = Duration::from_mins(1);

/// A network, and what is kept of the connections to it.
pub struct Kept<N: Network> {
    pub(super) network: N,
    /// The lists of APIs that were met.
    pub(super) apis: Met<Apis>,
    /// The lists of brokers that were met.
    pub(super) brokers: Met<BrokersSaid>,
    /// What long answers were read into.
    pub(super) rooms: Arc<Rooms>,
    most: usize,
    unused: Mutex<Unused<N::Stream>>,
}

/// By endpoint, and since when. An endpoint that is asked as a broker and as a controller has two.
type Unused<S> = BTreeMap<(AskedAs, Endpoint), (Instant, Conversation<S>)>;

impl<N: Network> Kept<N> {
    /// Keeps connections: for looks at short intervals.
    pub fn new(network: N) -> Self {
        Self {
            network,
            apis: Met::default(),
            brokers: Met::default(),
            rooms: Arc::default(),
            most: MOST,
            unused: Mutex::default(),
        }
    }

    /// Keeps nothing: for one look.
    pub fn nothing(network: N) -> Self {
        Self { most: 0, ..Self::new(network) }
    }

    /// Takes leave of an answered node, and keeps the connection if it is still good and there is room.
    pub(super) fn keep(&self, answered: &mut Answered<N::Stream>) {
        let Some(talk) = answered.talk.take().filter(|talk| !talk.is_broken() && !talk.is_over()) else { return };
        let mut unused = self.unused();
        if unused.len() < self.most {
            let key = (answered.node.asked_as, answered.node.endpoint.clone());
            unused.insert(key, (Instant::now(), talk));
        }
    }

    /// The connection that was kept, if there is one.
    pub(super) fn take(&self, asked_as: AskedAs, endpoint: &Endpoint) -> Option<Conversation<N::Stream>> {
        let mut unused = self.unused();
        // One look keeps nothing, and copies no endpoint to find that out.
        if unused.is_empty() {
            return None;
        }
        let (_, talk) = unused.remove(&(asked_as, endpoint.clone()))?;
        (!talk.is_over()).then_some(talk)
    }

    /// Lets go of whatever the peer has closed, or has spoken over without being asked, or nobody used for too long, or
    /// would need a new login.
    pub(super) fn weed(&self) {
        let is_good = |since: Instant, talk: &mut Conversation<_>| {
            since.elapsed() <= UNUSED_MAX && !talk.is_over() && talk.is_quiet()
        };
        self.unused().retain(|_, (since, talk)| is_good(*since, talk));
    }

    fn unused(&self) -> MutexGuard<'_, Unused<N::Stream>> {
        // Whoever panicked with it has taken or left a whole connection.
        self.unused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
