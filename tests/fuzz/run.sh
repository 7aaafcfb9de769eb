#!/bin/sh
# Fuzzes everything that reads what others wrote: frames, metrics pages, recordings, config files.
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
[ $# -gt 0 ] || set -- frames pages recordings config

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

mkdir "$work/seeds/frames" "$work/seeds/pages" "$work/seeds/recordings" "$work/seeds/config"
fixtures() { # an extension
    find protocol-fixtures -name "*.$1" -exec cat {} +
}
# Each distinct frame, without its correlation id; and answers that no real node gave us.
fixtures frames | seeds=$work/seeds/frames perl -ane '
    BEGIN { %key = (Metadata => 3, ApiVersions => 18, DescribeConfigs => 32, ListPartitionReassignments => 46,
        DescribeQuorum => 55, DescribeCluster => 60) }
    $frame = pack "CCH*", $key{$F[0]}, $F[1], substr $F[2], 8;
    next if $seen{$frame}++;
    open $seed, ">", "$ENV{seeds}/real-$." or die $!;
    print $seed $frame'
FUZZ_SEEDS=$work/seeds/frames "$built/frames" -runs=0 2>/dev/null
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
