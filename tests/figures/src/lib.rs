//! What the measured programs share: the recorded exchange, and the files by which they are told where the nodes are.

use std::fs;
use std::io::{self, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::thread;

/// How many nodes are asked at the same time: the program's own default.
pub const CONCURRENCY: usize = 64;

/// `ApiVersions` in version 3, as kraft-check asks it: the whole frame, its length first.
pub const REQUEST: &[u8] =
    b"\x00\x00\x00\x29\x00\x12\x00\x03\x00\x00\x00\x01\x00\x0bkraft-check\x00\x0ckraft-check\x060.1.0\x00";

/// `Metadata` in version 12, without topics, as kraft-check asks every broker next.
pub const NEXT_REQUEST: &[u8] =
    b"\x00\x00\x00\x1a\x00\x03\x00\x0c\x00\x00\x00\x02\x00\x0bkraft-check\x00\x01\x00\x00\x00";

/// The answer to [`REQUEST`] that a real broker of 3.9.2 gave, without its length.
///
/// # Panics
/// If the recording is not there.
#[must_use]
pub fn recorded_answer(recording: &str) -> Vec<u8> {
    recorded(recording, "ApiVersions 3 ")
}

/// The answer whose line begins so, without its length.
///
/// # Panics
/// If the recording is not there, or has no such line.
#[must_use]
pub fn recorded(recording: &str, line: &str) -> Vec<u8> {
    let text = fs::read_to_string(recording).expect("the recording of a node");
    let hex = text.lines().find_map(|recorded| recorded.strip_prefix(line)).expect("a recorded answer");
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

/// The nodes' addresses, from a file of ports.
///
/// # Panics
/// If it is no such file.
#[must_use]
pub fn addresses(file: &str) -> Vec<SocketAddr> {
    let text = fs::read_to_string(file).expect("the file of ports");
    let address = |port: &str| (Ipv4Addr::LOCALHOST, port.parse().expect("a port")).into();
    text.lines().map(address).collect()
}

/// Ends this process when its standard input does, which is when whoever started it has ended.
pub fn end_with_standard_input() {
    thread::spawn(|| {
        // A read that fails is an end as well.
        let _ = io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
}
