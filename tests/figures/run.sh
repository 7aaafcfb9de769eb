#!/bin/sh
# Measures what docs/performance.md has tables of, and writes the tables anew. A quarter of an hour.
#
#   sh tests/figures/run.sh              everything; the prose outside the tables is left alone
#   sh tests/figures/run.sh 10,100       the same with other numbers of nodes
#   sh tests/figures/run.sh smoke        builds the programs for the tests' own profile, asks 10 nodes once, writes nothing
set -eu
cd "$(dirname "$0")/../.."

sizes=${1:-10,100,1000,10000}
target=$(pwd)/target
[ -z "${CARGO_TARGET_DIR:-}" ] || target=$CARGO_TARGET_DIR
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

build() { # folder, then what cargo build is told
    folder=$1
    shift
    CARGO_TARGET_DIR=$folder cargo build --quiet --locked "$@"
}

if [ "$sizes" = smoke ]; then
    build "$target"
    build "$target" --manifest-path tests/figures/Cargo.toml
    program=$target/debug/kraft-check
    "$target/debug/kraft-check-figures" "$program" "$program" "$program" "$scratch" smoke
    exit
fi

for tool in valgrind callgrind_annotate java mvn musl-gcc; do
    command -v "$tool" >/dev/null || {
        echo "$tool is missing; install it with: sh tests/install.sh figures" >&2
        exit 1
    }
done
musl=$(uname -m)-unknown-linux-musl
rustup target list --installed | grep -qx "$musl" || {
    echo "Rust's $musl is missing; install it with: sh tests/install.sh figures" >&2
    exit 1
}
# Every simulated node listens on a port of its own, and every conversation is one more.
# shellcheck disable=SC3045 # dash has -n and -H, as has every sh of Debian
ulimit -n 12000 2>/dev/null || {
    echo "12,000 open files are needed to serve 10,000 nodes and $(ulimit -Hn) are allowed: raise ulimit -Hn," \
        "or leave 10,000 out: sh tests/figures/run.sh 10,100,1000" >&2
    exit 1
}

echo "building, for several minutes" >&2
build "$target" --release
build "$target" --release --target "$musl"
build "$target" --release --manifest-path tests/figures/Cargo.toml
# The same code with the names of its functions: a table says in which of them the time goes.
CARGO_PROFILE_RELEASE_STRIP=false build "$target/named" --release
build "$target" --test real_kafka

"$target/release/kraft-check-figures" "$target/release/kraft-check" "$target/$musl/release/kraft-check" \
    "$target/named/release/kraft-check" "$scratch" "$sizes"
