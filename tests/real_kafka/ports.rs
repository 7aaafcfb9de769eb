//! Ports for one cluster. Whether something listens on them is the business of the one who takes them.

use std::net::{Ipv4Addr, TcpListener};
use std::process;

// Below the range from which Linux takes the ports of outgoing connections (32768 and up), so that no
// connection sits on a port while its node is being restarted.
const FIRST: u16 = 20_000;
const BLOCK: u16 = 32;
const BLOCKS: u16 = 375;

/// A block of free ports that belongs to one cluster as long as this value lives.
///
/// The first port of the block stays bound. That makes the kernel the arbiter between clusters in several
/// test processes, and it takes the claim back by itself when a process dies.
pub(crate) struct Ports {
    claim: TcpListener,
    taken: u16,
}

impl Ports {
    pub(crate) fn claim() -> Self {
        // Processes that start together begin their search at different blocks.
        let first = u16::try_from(process::id() % u32::from(BLOCKS)).expect("below 375");
        (first..BLOCKS)
            .chain(0..first)
            .find_map(|block| Self::claim_block(FIRST + block * BLOCK))
            .expect("a block of 32 free ports between 20000 and 32000")
    }

    fn claim_block(first: u16) -> Option<Self> {
        let claim = bind(first)?;
        let rest_is_free = (1..BLOCK).all(|offset| bind(first + offset).is_some());
        rest_is_free.then_some(Self { claim, taken: 0 })
    }

    pub(crate) fn take(&mut self) -> u16 {
        self.taken += 1;
        assert!(self.taken < BLOCK, "a cluster has at most {BLOCK} ports");
        let first = self.claim.local_addr().expect("a bound socket").port();
        first + self.taken
    }
}

fn bind(port: u16) -> Option<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok()
}
