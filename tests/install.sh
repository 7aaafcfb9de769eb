#!/bin/sh
# Installs what the tests need and is missing: from Debian's packages and crates.io, by name.
#
#   sh tests/install.sh          everything that `sh tests/run.sh` uses
#   sh tests/install.sh kafka    only what runs a real Kafka: Java, Maven, util-linux
set -eu

missing=
need() { # program, Debian package
    command -v "$1" >/dev/null 2>&1 || missing="$missing $2"
}
need java default-jre-headless
need mvn maven
need setpriv util-linux
need script bsdutils
need cc build-essential

if [ -n "$missing" ]; then
    echo "installing:$missing"
    as_root=
    [ "$(id -u)" = 0 ] || as_root=sudo
    $as_root apt-get update -q
    # shellcheck disable=SC2086 # the packages are words
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -qy --no-install-recommends $missing
fi

[ "${1:-all}" = kafka ] && exit 0

for component in rustfmt clippy; do
    cargo "$(echo "$component" | sed 's/rust//')" --version >/dev/null 2>&1 || rustup component add "$component"
done
cargo deny --version >/dev/null 2>&1 || cargo install cargo-deny --locked --version '^0.20'
