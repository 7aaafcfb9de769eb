#!/bin/sh
# Fuzzes everything that reads what others wrote: frames, the metadata log, metrics pages, recordings, config files, truststores and keystores.
#
#   sh tests/fuzz/run.sh                 each target for 30 seconds
#   sh tests/fuzz/run.sh 3600 frames     one target for an hour; more may be named
#
# libFuzzer, guided by coverage, on stable Rust: rustc instruments, a C++ compiler makes the driver. What was found is
# kept below the target folder, and so is the corpus, which the next run goes on from.
set -eu
cd "$(dirname "$0")/../.."

seconds=${1:-30}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- frames log pages recordings config stores

work=${CARGO_TARGET_DIR:-target}/fuzz
rm -rf "$work/seeds" "$work/tmp"
mkdir -p "$work/seeds" "$work/corpus" "$work/found" "$work/tmp"
work=$(cd "$work" && pwd)
host=$(rustc -vV | sed -n 's/^host: //p')
built=$work/build/$host/release

# With --target the flags are not those of build scripts, which have no driver to link.
sancov='-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=3 -Cllvm-args=-sanitizer-coverage-pc-table'
sancov="$sancov -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Ccodegen-units=1"
# What is fuzzed is what ships: every crate of both in the same version.
cp Cargo.lock tests/fuzz/Cargo.lock
RUSTFLAGS=$sancov cargo build --release --manifest-path tests/fuzz/Cargo.toml --target "$host" \
    --target-dir "$work/build"

mkdir "$work/seeds/frames" "$work/seeds/log" "$work/seeds/pages" "$work/seeds/recordings" "$work/seeds/config" "$work/seeds/stores"
fixtures() { # an extension
    find protocol-fixtures -name "*.$1" -exec cat {} +
}
# Each distinct frame, without its correlation id; and answers that no real node gave us.
fixtures frames | seeds=$work/seeds/frames perl -ane '
    BEGIN { %key = (Metadata => 3, ApiVersions => 18, DescribeConfigs => 32, ListPartitionReassignments => 46,
        DescribeQuorum => 55, DescribeCluster => 60, Fetch => 1, FetchSnapshot => 59) }
    $frame = pack "CCH*", $key{$F[0]}, $F[1], substr $F[2], 8;
    next if $seen{$frame}++;
    open $seed, ">", "$ENV{seeds}/real-$." or die $!;
    print $seed $frame'
FUZZ_SEEDS=$work/seeds/frames "$built/frames" -runs=0 2>/dev/null
FUZZ_SEEDS=$work/seeds/log "$built/log" -runs=0 2>/dev/null
# Whole pages, and each distinct series alone.
fixtures page | seeds=$work/seeds/pages perl -ne '
    next if $seen{s/ [^ ]*$//r}++;
    open $seed, ">", "$ENV{seeds}/line-$." or die $!;
    print $seed $_'
copy() { # an extension, a target
    find protocol-fixtures -name "*.$1" | while read -r file; do
        cp "$file" "$work/seeds/$2/$(echo "$file" | tr / _)"
    done
}
copy page pages
cp tests/fuzz/agent-*.json "$work/seeds/pages/"
copy json recordings
cp tests/fuzz/every-key.* "$work/seeds/config/"
# shellcheck disable=SC2016 # the backticks are Markdown's
sed -n '/^```toml$/,/^```$/ { /^```/d; p; }' README.md >"$work/seeds/config/readme.toml"

# Each kind of store, with a key and its certificate; few rounds, so that many can be tried.
(
    cd "$work/seeds/stores"
    password=hushhush
    opened="-passout pass:$password"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=probe -keyout key.pem -out cert.pem \
        2>/dev/null
    cat cert.pem key.pem >whole.pem
    # shellcheck disable=SC2086 # the options are words
    {
        openssl pkcs8 -topk8 -iter 1 -in key.pem $opened | cat cert.pem - >encrypted.pem
        openssl pkcs12 -export -iter 1 -in whole.pem -out modern.p12 $opened
        openssl pkcs12 -export -iter 1 -in whole.pem -out legacy.p12 -legacy $opened
        openssl pkcs12 -export -nomac -in whole.pem -out plain.p12 -keypbe NONE -certpbe NONE $opened
    }
    for kind in JKS JCEKS; do
        keytool -genkeypair -alias probe -keyalg EC -groupname secp256r1 -dname CN=probe -storetype "$kind" \
            -keystore "probe.$kind" -storepass "$password" >/dev/null 2>&1
    done
)

for target; do
    printf '\n== %s for %s seconds\n' "$target" "$seconds"
    mkdir -p "$work/corpus/$target"
    log=$work/$target.log
    # 64 MB are the limit of the code that is tested (tests/fuzz/memory.rs); the corpus is the driver's own.
    TMPDIR=$work/tmp RUST_BACKTRACE=0 "$built/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=512 \
        -dict=tests/fuzz/words.dict -artifact_prefix="$work/found/$target-" -print_final_stats=1 \
        "$work/corpus/$target" "$work/seeds/$target" >"$log" 2>&1 || failed=$?
    if [ "${failed:-0}" -ne 0 ]; then
        grep -av '^#\|NEW_FUNC\|^INFO\|^WARNING' "$log" | tail -n 40
        found=$(sed -n 's/.*Test unit written to //p' "$log")
        echo "$target failed with $failed; all of it is in $log"
        [ -z "$found" ] || printf 'found: %s\nagain: %s %s\n' "$found" "$built/$target" "$found"
        exit 1
    fi
    grep -a 'INITED\|DONE\|peak_rss' "$log"
done
