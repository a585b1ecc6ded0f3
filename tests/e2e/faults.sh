#!/usr/bin/env bash
# Faults in the daemon and the command, put in from within: see tests/faults/main.c. Killed at a system
# call; EIO, ENOSPC, EMFILE, ENOMEM and the like at each where they are possible, once and lasting;
# reads and writes that do half; a disk that takes nothing more; each allocation failing, once and for
# ever. In a member that starts, writes, imports, syncs and stops; in one that receives; while a region
# is founded and joined, on either side; and in the command. Nothing that was confirmed is lost, the
# store opens, log and status say what is wrong, and it goes on when the fault has gone.
#
# FAULTS=n tells about n stories (400), FAULTS=all every one: some 16,000, a quarter of an hour.
# Arguments are passed on, as in: tests/e2e/faults.sh --story "member kill write start 3 -".
# shellcheck source=tests/lib/e2e.sh
. "$(dirname "$0")/../lib/e2e.sh"

if [ ! -x "$build/faults/faults" ]; then
    echo "ok - $me: faults # skip written for x86-64"
    exit 0
fi
export MEENT_BUILD=$build MEENT_FAULT_LIBRARY=$build/faults/preload.so
[ "${FAULTS:-}" = all ] || set -- --sample "${FAULTS:-400}" "$@"
"$build/faults/faults" --jobs 4 "$@"
