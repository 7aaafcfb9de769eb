//! Recordings: whatever the text is, it is refused or judged, and what was read is written and read again as the same.

#![no_main]

mod judged;
mod memory;

use std::str::from_utf8;

use kraft_check::snapshot::recording;
use libfuzzer_sys::{Corpus, fuzz_target};

fuzz_target!(|bytes: &[u8]| -> Corpus {
    // A recording is read as a string, so other bytes do not come this far.
    let Ok(text) = from_utf8(bytes) else { return Corpus::Reject };
    if let Ok(snapshot) = recording::read(text) {
        let written = recording::write(&snapshot);
        let again = recording::read(&written).expect("what is written can be read");
        assert_eq!(recording::write(&again), written);
        judged::judge(&snapshot);
    }
    Corpus::Keep
});
