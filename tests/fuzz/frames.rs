//! Frames: an API's key and a version of it, one byte each, then a peer's answer without its correlation id; or, with the
//! key's highest bit set, a request to a simulated node. Whatever the bytes are, nothing panics or runs away with memory,
//! and what the guard lets pass the codec reads to the same last byte, as do our own readers of the long answers.

#![no_main]

#[path = "../suite/apis.rs"]
mod apis;
#[path = "../suite/fetches.rs"]
mod fetches;
mod memory;

use std::path::PathBuf;
use std::sync::LazyLock;
use std::{env, fs};

use apis::{Api, CORRELATION_ID, answers, assert_guard_and_codec_agree, requests};
use bytes::{BufMut, BytesMut};
use libfuzzer_sys::{Corpus, fuzz_target};

/// What marks the key of a request.
const REQUEST: u8 = 0x80;

/// Every message by what its frame begins with here.
static MESSAGES: LazyLock<Vec<([u8; 2], Api)>> = LazyLock::new(|| {
    let byte = |number: i16| u8::try_from(number).expect("a small number");
    let answers = answers().into_iter().map(|api| ([byte(api.key), byte(api.version)], api));
    let requests = requests().into_iter().map(|api| ([byte(api.key) | REQUEST, byte(api.version)], api));
    answers.chain(requests).collect()
});

fuzz_target!(init: write_seeds(), |bytes: &[u8]| -> Corpus {
    let Some((head, body)) = bytes.split_first_chunk() else { return Corpus::Reject };
    let Some((_, api)) = MESSAGES.iter().find(|(known, _)| known == head) else { return Corpus::Reject };
    let mut frame = BytesMut::new();
    frame.put_i32(CORRELATION_ID);
    frame.extend_from_slice(body);
    assert_guard_and_codec_agree(&api.read(&frame.freeze()));
    Corpus::Keep
});

/// Writes messages of every API in every version into the folder that `FUZZ_SEEDS` names: no real node is asked in all
/// versions.
fn write_seeds() {
    let Some(folder) = env::var_os("FUZZ_SEEDS").map(PathBuf::from) else { return };
    for (head, api) in MESSAGES.iter() {
        for numbers in [&[][..], &[1], &[1, 2, 3, 4]] {
            let seed = [&head[..], &api.make(numbers)[4..]].concat();
            fs::write(folder.join(format!("made-{}-{}-{}", head[0], head[1], numbers.len())), seed).expect("a seed");
        }
    }
}
