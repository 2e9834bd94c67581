#!/usr/bin/env bash
# Undoes fixes one at a time in a copy of the tree, and checks that the property tests of the leaver and of the customer's
# file find each fault. `run.sh [CASES]`; a fault that is not found within so many cases fails the run.
set -euo pipefail
cd "$(dirname "$0")/../.."
cases="${1:-10000}"
copy="$PWD/target/patched"
failed=0
for patch in tests/patches/*.patch; do
    name="$(basename "$patch" .patch)"
    log="$PWD/target/patched-$name.log"
    # Which property the fault is against.
    case "$name" in
        p*) property=nothing_is_beyond_the_file ;;
        *) property=no_receipt_is_complete ;;
    esac
    rm -rf "$copy"
    mkdir -p "$copy"
    git ls-files -z | grep -zv '^tests/patches/' | xargs -0 cp --parents -t "$copy"
    git -C "$copy" init -q
    git -C "$copy" apply --whitespace=nowarn "$PWD/$patch"
    if (cd "$copy" && PROPTEST_CASES="$cases" RUST_BACKTRACE=0 CARGO_TARGET_DIR="$PWD/../patched-target" \
        cargo test --release --locked -p entente-planner --lib -- "$property") >"$log" 2>&1; then
        echo "$name: NOT FOUND within $cases cases" >&2
        failed=1
    elif ! grep -q 'minimal failing input' "$log"; then
        # It does not build, or fails otherwise.
        tail -20 "$log" >&2
        failed=1
    else
        echo "$name: found within $cases cases"
    fi
done
exit "$failed"
