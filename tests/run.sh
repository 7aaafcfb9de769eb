#!/bin/sh
# Everything that must be green: form, lints, documents, dependencies, and every test, real Kafka included.
set -eu
cd "$(dirname "$0")/.."

step() {
    printf '\n== %s\n' "$*"
    "$@"
}

step cargo fmt --check
step cargo clippy --locked --all-targets -- -D warnings
# The fuzz targets are made of the same versions of everything as the program.
cp Cargo.lock tests/fuzz/Cargo.lock
step cargo fmt --check --manifest-path tests/fuzz/Cargo.toml
step cargo clippy --manifest-path tests/fuzz/Cargo.toml --target-dir "${CARGO_TARGET_DIR:-target}" -- -D warnings
RUSTDOCFLAGS='-D warnings' step cargo doc --locked --no-deps
step cargo deny check licenses bans sources
step cargo test --locked --lib --bins --test suite
step cargo test --locked --test consumers
step sh tests/fuzz/run.sh
# That they still build and measure; what they measure is no test.
step cargo fmt --check --manifest-path tests/figures/Cargo.toml
step cargo clippy --locked --manifest-path tests/figures/Cargo.toml --target-dir target --all-targets -- -D warnings
step sh tests/figures/run.sh smoke
# One cluster after the other: seven JVMs are enough for two cores.
step cargo test --locked --test real_kafka -- --nocapture --test-threads=1
