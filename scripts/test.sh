#!/usr/bin/env bash
# Set-up, build and every test. Arguments go to ctest, e.g. scripts/test.sh -L unit, or -R token_trie.
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
cd "$ROOT"
# shellcheck source=scripts/build.sh
source scripts/build.sh

scripts/setup.sh
build_release

# The tests run beside each other, one core each. A test that is about threads sets its own number.
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive GOMP_SPINCOUNT=0
say "ctest -j $(nproc)"
ctest --test-dir build/release --output-on-failure --no-tests=error -j "$(nproc)" "$@"
