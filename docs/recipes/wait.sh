#!/bin/sh
# Waits until a stage of the migration is complete, and ends with kraft-check's own exit code.
#
#   sh wait.sh brokers-migrated -b b1.example:9092 --expect-brokers 1-3 -C 3001@c1.example:9093 && finalize
#
# What can change by itself (1 not yet, 3 cannot tell) is asked again every KRAFT_CHECK_INTERVAL seconds; everything
# else ends it at once. How long it may take at most is for the caller to say: `timeout 30m sh wait.sh …` ends with
# 124. Not `until kraft-check …; do sleep 15; done`: that never ends when the migration is blocked, or a flag mistyped.

while :; do
    rc=0
    kraft-check stage "$@" || rc=$?
    case $rc in
        1 | 3) sleep "${KRAFT_CHECK_INTERVAL:-15}" || exit 64 ;;
        *) exit "$rc" ;;
    esac
done
