//! How much memory everything together may have that is allocated in Rust. What is only reserved counts as well, which
//! no limit of resident memory would see; libFuzzer's own memory does not, which grows with the corpus. One byte more
//! ends the process, and libFuzzer keeps the input.

use std::alloc::System;

use cap::Cap;

const LIMIT: usize = 64 * 1024 * 1024;

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, LIMIT);
