#!/usr/bin/env bash
# From nothing to a trained recommender: set-up, build, a dataset, its index, a tokenizer, training, evaluation
# beside two baselines, and recommendations for one user. See usage below.
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# shellcheck source=scripts/build.sh
source "$ROOT/scripts/build.sh"

usage() {
  cat <<EOF
usage: scripts/quickstart.sh [--dataset demo|ml-100k] [--raw PATH] [--out DIR]

  --dataset  demo: made up, a few minutes on two cores (default); ml-100k: MovieLens 100K
  --raw PATH ml-100k: ml-100k.zip, or the folder it unpacks to
  --out DIR  where everything goes (default: runs/quickstart-DATASET); a folder of an earlier quickstart is replaced
EOF
}

usage_error() {
  printf 'quickstart: %s\n\n' "$*" >&2
  usage >&2
  exit 2
}

DATASET=demo RAW='' OUT=''
while [[ $# -gt 0 ]]; do
  case "$1" in
    --help | -h)
      usage
      exit 0
      ;;
    --dataset | --raw | --out)
      [[ $# -ge 2 ]] || usage_error "$1: expected a value"
      case "$1" in
        --dataset) DATASET="$2" ;;
        --raw) RAW="$(realpath -m -- "$2")" ;;
        --out) OUT="$(realpath -m -- "$2")" ;;
      esac
      shift 2
      ;;
    *) usage_error "$1: expected --dataset, --raw or --out" ;;
  esac
done
cd "$ROOT"
PROMPTS=()
# Blanks between the items of a history, and a tokenizer of whole words: prompts a third as long.
HISTORY=(--history-separator ' ')
case "$DATASET" in
  demo)
    [[ -z "$RAW" ]] || usage_error "--raw: not with --dataset demo, which is made up"
    NAME=Demo
    # Groups of about 20 items that are taken together: what the demo dataset is made of.
    INDEX=(--indexing collaborative --collaborative-token-size 50 --collaborative-cluster 10)
    TRAIN=(--epochs 14 --batch-size 64 --lr 2e-3)
    ;;
  ml-100k)
    [[ -n "$RAW" ]] || usage_error "--dataset ml-100k: expected --raw PATH too"
    [[ -e "$RAW" ]] || usage_error "--raw: $RAW: no such file or folder"
    NAME=ML100K
    INDEX=(--indexing collaborative --collaborative-token-size 200 --collaborative-cluster 20)
    # One short template and the latest five items: so few tokens that eight epochs are affordable.
    PROMPTS=(--prompt-file scripts/prompts/short.txt)
    HISTORY+=(--max-history 5)
    TRAIN=(--epochs 8 --batch-size 64 --lr 1e-3 --valid-select hit@10)
    ;;
  *) usage_error "--dataset: expected demo or ml-100k, got '$DATASET'" ;;
esac

OUT="${OUT:-runs/quickstart-$DATASET}"
OUT="${OUT#"$ROOT/"}"
if [[ -e "$OUT" && ! -f "$OUT/.quickstart" && -n "$(ls -A "$OUT")" ]]; then
  usage_error "--out: $OUT: holds something that no quickstart made; choose another folder"
fi
if [[ -d "$OUT" ]]; then
  STRANGER="$(find "$OUT/" -mindepth 1 -maxdepth 1 ! -name .quickstart ! -name data ! -name tokenizer ! -name run | head -n 1)"
  [[ -z "$STRANGER" ]] || usage_error "--out: $OUT: holds something that no quickstart made, $STRANGER; choose another folder"
fi

scripts/setup.sh
build_release openp5
rm -rf "$OUT"
mkdir -p "$OUT"
touch "$OUT/.quickstart"

# Prints the command as one would type it, and runs it.
openp5() {
  printf '\n$ build/release/platform/app/openp5'
  printf ' %q' "$@"
  printf '\n'
  build/release/platform/app/openp5 "$@"
}

DATA=(--data-dir "$OUT/data" --datasets "$NAME")
ASKED=("${DATA[@]}" --tasks sequential "${PROMPTS[@]}")
INDEXED=("${ASKED[@]}" "${INDEX[@]}" "${HISTORY[@]}")
BEST="$OUT/run/checkpoints/best"
SECONDS=0

if [[ $DATASET == demo ]]; then
  openp5 dataset generate --out "$OUT/data/$NAME"
else
  openp5 dataset prepare "$DATASET" --raw "$RAW" --out "$OUT/data/$NAME"
fi
openp5 dataset inspect "${DATA[@]}" --top 3
openp5 index build "${DATA[@]}" "${INDEX[@]}"
openp5 tokenizer train "${INDEXED[@]}" --model-type bpe --out "$OUT/tokenizer"
openp5 train "${INDEXED[@]}" --backbone preset:t5-tiny --tokenizer "$OUT/tokenizer" --run-dir "$OUT/run" --sample-prompt --sample-num 1 --random-initialize "${TRAIN[@]}"
openp5 evaluate --checkpoint "$BEST" "${ASKED[@]}" --split test --baseline popularity,transitions
USER_ID="$(head -n 1 "$OUT/data/$NAME/user_sequence.txt" | cut -d ' ' -f 1)"
openp5 recommend --checkpoint "$BEST" "${ASKED[@]}" --user "$USER_ID" --k 10

printf '\n'
say "done in $((SECONDS / 60)) min $((SECONDS % 60)) s"
say "run folder: $OUT/run (report.html, metrics.jsonl, config.ini, checkpoints/best, checkpoints/last)"
