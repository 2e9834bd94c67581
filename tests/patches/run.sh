#!/usr/bin/env bash
# Undoes the mends of some faults one at a time, in a copy of the tree, and sees the property test of the leaver find each.
# `run.sh [CASES]`; a patch that is not found within so many cases fails the run.
set -euo pipefail
cd "$(dirname "$0")/../.."
cases="${1:-10000}"
copy="$PWD/target/patched"
for patch in tests/patches/*.patch; do
    name="$(basename "$patch" .patch)"
    rm -rf "$copy"
    mkdir -p "$copy"
    git ls-files -z | grep -zv '^tests/patches/' | xargs -0 cp --parents -t "$copy"
    git -C "$copy" init -q
    git -C "$copy" apply --whitespace=nowarn "$PWD/$patch"
    log="$PWD/target/patched-$name.log"
    if (cd "$copy" && PROPTEST_CASES="$cases" RUST_BACKTRACE=0 CARGO_TARGET_DIR="$PWD/../patched-target" \
        cargo test --release --locked -p entente-planner --lib -- no_receipt_is_complete) >"$log" 2>&1; then
        echo "$name: NOT FOUND within $cases cases" >&2
        exit 1
    fi
    grep -q 'minimal failing input' "$log" || { tail -20 "$log" >&2; exit 1; }
    echo "$name: found after $(grep -o 'successes: [0-9]*' "$log" | tail -1 | grep -o '[0-9]*') cases that did not show it"
done
