#!/bin/sh
# Everything that must be green: form, lints, documents, dependencies, and every test, real Kafka included.
set -eu
cd "$(dirname "$0")/.."

step() {
    printf '\n== %s\n' "$*"
    "$@"
}

# What is emitted by tests, panics included, is searched for the secrets that they use: all of them have this word.
searched() {
    printf '\n== %s\n' "$*"
    log=$(mktemp)
    { "$@" 2>&1 || echo failed >"$log.failed"; } | tee "$log"
    if grep -qi hushhush "$log"; then
        echo "a secret was printed: see the lines above that have 'hushhush' in them"
        exit 1
    fi
    if [ -e "$log.failed" ]; then
        # Why a test failed stands among thousands of lines: the first panic of each is said once more, where one looks first.
        awk '/panicked at/ { left = seen[$2]++ ? 0 : 12 } left-- > 0' "$log"
        rm "$log" "$log.failed"
        exit 1
    fi
    rm "$log"
}

step cargo fmt --check
step cargo clippy --locked --all-targets -- -D warnings
# The fuzz targets are made of the same versions of everything as the program.
cp Cargo.lock tests/fuzz/Cargo.lock
step cargo fmt --check --manifest-path tests/fuzz/Cargo.toml
step cargo clippy --manifest-path tests/fuzz/Cargo.toml --target-dir "${CARGO_TARGET_DIR:-target}" -- -D warnings
RUSTDOCFLAGS='-D warnings' step cargo doc --locked --no-deps
step cargo deny check licenses bans sources
searched cargo test --locked --lib --bins --test suite -- --show-output
searched cargo test --locked --test consumers -- --show-output
step sh tests/fuzz/run.sh
# That they still build and measure; what they measure is no test.
step cargo fmt --check --manifest-path tests/figures/Cargo.toml
step cargo clippy --locked --manifest-path tests/figures/Cargo.toml --target-dir target --all-targets -- -D warnings
step sh tests/figures/run.sh smoke
# One cluster after the other: seven JVMs are enough for two cores.
searched cargo test --locked --test real_kafka -- --nocapture --test-threads=1
