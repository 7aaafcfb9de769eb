#!/bin/sh
# Installs what the tests need and is missing: from Debian's packages, PyPI and crates.io, by name.
#
#   sh tests/install.sh          everything that `sh tests/run.sh` uses
#   sh tests/install.sh kafka    only what runs a real Kafka: Java, Maven, OpenSSL, util-linux
#   sh tests/install.sh figures  that, and what `sh tests/figures/run.sh` measures with: valgrind, musl
set -eu
cd "$(dirname "$0")/.."

as_root=
[ "$(id -u)" = 0 ] || as_root=sudo

missing=
need() { # Debian package, a command that succeeds where it is installed
    package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}
# The compiler as well: tests/consumers runs a file of Java's source.
need default-jdk-headless command -v javac
need maven command -v mvn
need openssl command -v openssl
need util-linux command -v setpriv
need bsdutils command -v script
need build-essential command -v cc
if [ "${1:-all}" = figures ]; then
    need valgrind command -v valgrind
    need musl-tools command -v musl-gcc
fi
if [ "${1:-all}" = all ]; then
    need g++ command -v c++
    need shellcheck command -v shellcheck
    need python3-venv python3 -c 'import ensurepip, venv'
    need libmonitoring-plugin-perl perl -e 'use Monitoring::Plugin::Performance'
fi

if [ -n "$missing" ]; then
    echo "installing:$missing"
    $as_root apt-get update -q
    # shellcheck disable=SC2086 # the packages are words
    DEBIAN_FRONTEND=noninteractive $as_root apt-get install -qy --no-install-recommends $missing
fi

[ "${1:-all}" = figures ] && rustup target add "$(uname -m)-unknown-linux-musl"
[ "${1:-all}" = all ] || exit 0

# The same folder as in tests/consumers/programs.rs.
cache=${KRAFT_CHECK_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/kraft-check}/consumers
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)

pins=tests/consumers/requirements.txt
if ! cmp -s "$pins" "$cache/python/requirements.txt"; then
    echo "installing: ansible-core"
    rm -rf "$cache/python"
    python3 -m venv "$cache/python"
    "$cache/python/bin/pip" install --quiet --disable-pip-version-check -r "$pins"
    cp "$pins" "$cache/python/"
fi

# Unpacked, not installed: the daemon needs nothing but the C library, while its package would bring a mail server
# and start both at every boot.
if [ ! -x "$cache/nagios4/usr/sbin/nagios4" ]; then
    echo "unpacking: nagios4-core"
    partial=$(mktemp -d)
    (
        cd "$partial"
        # A fresh machine has no package lists yet.
        apt-get download -q nagios4-core || { $as_root apt-get update -q && apt-get download -q nagios4-core; }
        rm -rf "$cache/nagios4"
        dpkg-deb --extract nagios4-core_*.deb "$cache/nagios4"
    )
    rm -r "$partial"
fi

for component in rustfmt clippy; do
    cargo "$(echo "$component" | sed 's/rust//')" --version >/dev/null 2>&1 || rustup component add "$component"
done
cargo deny --version >/dev/null 2>&1 || cargo install cargo-deny --locked --version '^0.20'
