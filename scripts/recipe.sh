#!/usr/bin/env bash
# One recipe of scripts/recipes, whole: item index, tokenizer, training, evaluation beside the baselines.
set -euo pipefail
ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"

usage() {
  cat <<EOF
usage: scripts/recipe.sh NAME --data DIR --out DIR [options of openp5 train]

  NAME          one of: $(cd "$ROOT/scripts/recipes" && ls -- *.ini | sed 's/\.ini$//' | tr '\n' ' ')
  --data DIR    folder that holds the recipe's dataset, such as DIR/Beauty/user_sequence.txt
  --out DIR     for index, tokenizer and run folder; a recipe that was stopped goes on there

The program is \$OPENP5, else build/release/platform/app/openp5.
EOF
}

fail() { echo "error: $*" >&2; exit 2; }

[[ $# -gt 0 && "$1" != --help && "$1" != -h ]] || { usage; exit $(( $# > 0 ? 0 : 2 )); }
NAME="$1"; shift
CONFIG="$ROOT/scripts/recipes/$NAME.ini"
[[ -f "$CONFIG" ]] || fail "recipe: no '$NAME'; scripts/recipe.sh --help lists them"
DATA="" OUT="" MORE=()
while [[ $# -gt 0 ]]; do
  case "$1" in
    --data) DATA="${2:?--data: a folder is missing}"; shift 2 ;;
    --out) OUT="${2:?--out: a folder is missing}"; shift 2 ;;
    *) MORE+=("$1"); shift ;;
  esac
done
[[ -n "$DATA" && -n "$OUT" ]] || fail "recipe: --data and --out are needed"
OPENP5="${OPENP5:-$ROOT/build/release/platform/app/openp5}"
[[ -x "$OPENP5" ]] || fail "recipe: no program at $OPENP5; scripts/quickstart.sh builds it"

# What the recipe says of `option`.
setting() { sed -n "s/^$1 *= *//p" "$CONFIG"; }

DATASET="$(setting datasets)"
[[ -f "$DATA/$DATASET/user_sequence.txt" ]] || fail "recipe: expected $DATA/$DATASET/user_sequence.txt"
D=(--data-dir "$DATA" --datasets "$DATASET")
mkdir -p "$OUT"
if [[ "$(setting model)" != sasrec ]]; then
  INDEX=(--index-db "$OUT/index.rocksdb")
  for option in indexing collaborative-token-size collaborative-cluster; do
    [[ -z "$(setting $option)" ]] || INDEX+=("--$option" "$(setting $option)")
  done
  PROMPTS=(--prompt-file "$ROOT/$(setting prompt-file)" --history-separator ' ')
  read -r -a PIECES <<< "$(sed -n 's/^# tokenizer: //p' "$CONFIG")"
  "$OPENP5" index build "${D[@]}" "${INDEX[@]}"
  [[ -f "$OUT/tokenizer/spiece.model" ]] ||
    "$OPENP5" tokenizer train "${D[@]}" "${INDEX[@]}" "${PROMPTS[@]}" "${PIECES[@]}" --out "$OUT/tokenizer"
  MORE=("${INDEX[@]}" "${PROMPTS[@]}" --tokenizer "$OUT/tokenizer" "${MORE[@]}")
  D+=("${PROMPTS[@]:0:2}")
fi
"$OPENP5" train --config "$CONFIG" --data-dir "$DATA" --run-dir "$OUT/run" --resume "${MORE[@]}"
for filtered in "" --filtered; do
  "$OPENP5" evaluate --checkpoint "$OUT/run/checkpoints/best" "${D[@]}" --baseline popularity,item-knn,transitions $filtered
done
