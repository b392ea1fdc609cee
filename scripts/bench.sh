#!/usr/bin/env bash
# Speed of training and evaluation on ML100K with a t5-small-shaped model, beside Hugging Face's and the machine's own
# rate of matrix products; before it, training of small models over the number of threads. Builds what it needs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

usage() {
  cat <<EOF
usage: scripts/bench.sh --data DIR --tokenizer DIR [--peer SCRIPT --peer-python PYTHON] [options of tests/bench/bench.py]

  --data DIR          folder with ML100K/user_sequence.txt (and, for the peer, OpenP5's index files beside it)
  --tokenizer DIR     folder with T5's spiece.model
  --peer SCRIPT       Hugging Face's side, see tests/bench/README.md; left out, only ours is measured
  --peer-python PY    a Python with torch and transformers

More options: --beams 10 20 50, --users 40, --rounds 2, --threads N, --precision bfloat16, --out FILE.
EOF
}

[[ $# -gt 0 && "$1" != --help && "$1" != -h ]] || { usage; exit $(( $# > 0 ? 0 : 2 )); }
cmake --preset release -DOPENP5_BUILD_BENCHMARKS=ON > /dev/null
cmake --build --preset release --target openp5 openp5_parts_bench
grep -m1 "model name" /proc/cpuinfo || true
python3 tests/bench/scaling.py --openp5 build/release/platform/app/openp5
exec python3 tests/bench/bench.py --openp5 build/release/platform/app/openp5 \
  --parts build/release/tests/bench/openp5_parts_bench "$@"
