//! The guard in front of the codec: what the codec writes passes; what is broken is refused before anything is
//! reserved; and whatever passes, the codec reads to the same last byte.

use bytes::{BufMut, BytesMut};
use kafka_protocol::messages::ApiVersionsRequest;
use kraft_check::wire::{Malformed, Refusal, decode, frame_length};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::apis::{Api, CORRELATION_ID, answers, assert_guard_and_codec_agree, requests};

fn everything() -> impl Iterator<Item = Api> {
    answers().into_iter().chain(requests())
}

proptest! {
    #[test]
    fn what_the_codec_writes_passes(n in vec(any::<u8>(), 0..40)) {
        for api in everything() {
            prop_assert_eq!(api.read(&api.make(&n)), Ok(()), "API {} version {}", api.key, api.version);
        }
    }

    #[test]
    fn an_answer_that_ends_early_or_late_is_refused(n in vec(any::<u8>(), 0..12), extra in 1_usize..9) {
        for api in everything() {
            let (whole, version) = (api.make(&n), api.version);
            for end in 0..whole.len() {
                prop_assert!(api.read(&whole.slice(..end)).is_err(), "version {version} cut at {end}");
            }
            let mut longer = BytesMut::from(&whole[..]);
            longer.put_bytes(0, extra);
            prop_assert!(api.read(&longer.freeze()).is_err(), "version {version} with {extra} more bytes");
        }
    }

    #[test]
    fn changed_bytes_never_break_us(n in vec(any::<u8>(), 0..12), changes in vec((any::<usize>(), any::<u8>()), 1..6)) {
        for api in everything() {
            let mut bytes = BytesMut::from(&api.make(&n)[..]);
            for (at, byte) in &changes {
                let at = 4 + at % (bytes.len() - 4);
                bytes[at] = *byte;
            }
            assert_guard_and_codec_agree(&api.read(&bytes.freeze()));
        }
    }

    #[test]
    fn noise_never_breaks_us(noise in vec(any::<u8>(), 0..200)) {
        for api in everything() {
            let mut bytes = BytesMut::new();
            bytes.put_i32(CORRELATION_ID);
            bytes.extend_from_slice(&noise);
            assert_guard_and_codec_agree(&api.read(&bytes.freeze()));
        }
    }
}

#[test]
fn counts_that_would_abort_the_process_are_refused() {
    const COUNTS: [&[u8]; 3] =
        [&[0x7f, 0xff, 0xff, 0xff], &[0xff, 0xff, 0xff, 0xff, 0x0f], &[0xff, 0xff, 0xff, 0xff, 0x07]];
    for api in answers() {
        let mut refused_for_its_count = 0;
        let places = || [0, 1].into_iter().flat_map(|fill| (0..24).map(move |before| (fill, before)));
        for (count, (fill, before)) in COUNTS.iter().flat_map(|count| places().map(move |place| (count, place))) {
            // The count stands in every place of a short frame in turn, so also where an array begins. What is before
            // it is filled with the lengths of null and of an empty string.
            let mut bytes = BytesMut::new();
            bytes.put_i32(CORRELATION_ID);
            bytes.put_bytes(fill, before);
            bytes.extend_from_slice(count);
            let result = api.read(&bytes.freeze());
            assert_guard_and_codec_agree(&result);
            let announced = |malformed: &Malformed| {
                ["elements announced", "opaque field of"].iter().any(|what| malformed.what.contains(what))
            };
            refused_for_its_count += usize::from(matches!(&result, Err(Refusal::Malformed(it)) if announced(it)));
        }
        assert!(refused_for_its_count > 0, "API {} version {}", api.key, api.version);
    }
}

#[test]
fn tags_twice_out_of_order_or_with_a_lying_size_are_refused() {
    let tagged = |tags: &[u8]| {
        let mut bytes = BytesMut::new();
        bytes.put_i32(CORRELATION_ID);
        // No error, no APIs, no throttling; then the tags.
        bytes.extend_from_slice(&[0, 0, 1, 0, 0, 0, 0]);
        bytes.extend_from_slice(tags);
        decode::<ApiVersionsRequest>(&bytes.freeze(), 3, CORRELATION_ID)
    };
    assert!(tagged(&[1, 3, 1, 1]).is_ok_and(|said| said.zk_migration_ready));
    assert!(tagged(&[1, 9, 2, 0, 0]).is_ok(), "an unknown tag is for later versions");
    for (what, tags) in [
        ("twice", &[2, 3, 1, 0, 3, 1, 1][..]),
        ("out of order", &[2, 9, 1, 0, 3, 1, 1]),
        ("a flag of two bytes", &[1, 3, 2, 1, 1]),
        ("a flag of no byte", &[1, 3, 0]),
        ("an over-long varint", &[0x81, 0x00, 3, 1, 1]),
        ("a size beyond the end", &[1, 9, 0x7f]),
    ] {
        assert!(matches!(tagged(tags), Err(Refusal::Malformed(_))), "{what}");
    }
}

#[test]
fn another_protocols_first_bytes_are_named() {
    assert_eq!(frame_length(*b"HTTP", 1 << 20), Err(Refusal::Http));
    assert_eq!(frame_length([0x15, 3, 3, 0], 1 << 20), Err(Refusal::Tls));
    assert_eq!(frame_length([0, 0, 1, 0], 256), Ok(256));
    assert_eq!(frame_length([0, 0, 1, 1], 256), Err(Refusal::Length { announced: 257, limit: 256 }));
    assert_eq!(frame_length([0xff; 4], 256), Err(Refusal::Length { announced: -1, limit: 256 }));
}

#[test]
fn an_answer_to_another_request_is_refused() {
    let answer = answers().remove(0).make(&[1]);
    let refusal = decode::<ApiVersionsRequest>(&answer, 0, CORRELATION_ID + 1).expect_err("another id");
    assert_eq!(refusal, Refusal::CorrelationId { expected: CORRELATION_ID + 1, found: CORRELATION_ID });
}
