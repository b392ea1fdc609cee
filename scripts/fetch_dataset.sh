#!/usr/bin/env bash
# Fetches a public dataset's raw files from its official home, after showing its terms. See usage below.
set -euo pipefail

NAMES="ml-100k ml-1m lastfm beauty clothing cds movies electronics yelp taobao"
GROUPLENS=https://files.grouplens.org/datasets
AMAZON=https://snap.stanford.edu/data/amazon/productGraph/categoryFiles

usage() {
  cat <<END
usage: scripts/fetch_dataset.sh NAME [--out DIR] [--accept-licence] [--url URL]

  NAME              one of: $NAMES
  --out DIR         where the files go (default: raw/NAME); a download that was cut off is gone on with
  --accept-licence  take the terms as read instead of asking
  --url URL         folder to fetch from instead of the official one (also: environment OPENP5_FETCH_URL)

The files stay packed where they come packed: 'openp5 dataset prepare NAME --raw DIR --out …' reads them so. Exit
codes: 0 everything is there; 1 a download or a checksum failed, or the terms were not accepted; 2 wrong usage; 3 the dataset can only
be had by hand (it wants a login): what to do is printed.
END
}

say() { printf 'fetch_dataset: %s\n' "$*"; }
die() { printf 'fetch_dataset: error: %s\n' "$*" >&2; exit 1; }
usage_error() {
  printf 'fetch_dataset: %s\n\n' "$*" >&2
  usage >&2
  exit 2
}

# ---- the datasets -------------------------------------------------------------------------------

# Sets HOME_PAGE, TERMS, BASE (folder of the files) and FILES: `name sha256 on-mismatch`, where sha256 may be '-'
# (none known) or 'md5' (the host publishes name.md5), and on-mismatch is 'refuse' or 'warn'.
describe() {
  case "$1" in
    ml-100k | ml-1m)
      HOME_PAGE="https://grouplens.org/datasets/movielens/${1#ml-}/"
      TERMS="Free for research. No redistribution without permission; no commercial use without permission; no
claim of endorsement by the University of Minnesota or GroupLens. Publications cite: F. M. Harper and
J. A. Konstan, The MovieLens Datasets: History and Context, ACM TiiS 5(4):19, 2015."
      BASE="$GROUPLENS/movielens"
      FILES=("$1.zip md5 refuse")
      ;;
    lastfm)
      HOME_PAGE="https://grouplens.org/datasets/hetrec-2011/"
      TERMS="Non-commercial use. Publications cite Last.fm and: I. Cantador, P. Brusilovsky and T. Kuflik, 2nd Workshop
on Information Heterogeneity and Fusion in Recommender Systems (HetRec 2011), RecSys 2011."
      BASE="$GROUPLENS/hetrec2011"
      FILES=("hetrec2011-lastfm-2k.zip 6738f48195667ff03caaab4d32ca9a3133d8cc026b7c3cdaf6ce1010e913c59c refuse")
      ;;
    beauty) amazon Beauty "reviews_Beauty_5.json.gz -" ;;
    clothing) amazon Clothing_Shoes_and_Jewelry "ratings_Clothing_Shoes_and_Jewelry.csv 7bf571cb99abaebf380d2a231986e6df7b622ebd49b308e2506f1c0aab54b29a" ;;
    cds) amazon CDs_and_Vinyl "ratings_CDs_and_Vinyl.csv 74b503152bc8f92f389a1f841ec00361f903772e5ebb2b664ce678c023dbbceb" ;;
    movies) amazon Movies_and_TV "ratings_Movies_and_TV.csv 05fd3bbb387bca99f16b7a64a26abb736429da416e3cc0cc7423483e9ec4c265" ;;
    electronics) amazon Electronics "ratings_Electronics.csv a8e5b66b7f5371d1659ff88ae4acec91604125d6850f4f7e1c418120f2f9c16c" ;;
    *) usage_error "$1: expected one of $NAMES" ;;
  esac
}

# amazon CATEGORY "FILE SHA256": the interactions and the items. The host publishes no checksums, those of
# the ratings are other people's: a difference is a warning.
amazon() {
  HOME_PAGE="https://jmcauley.ucsd.edu/data/amazon/index_2014.html"
  TERMS="No licence text is given: use it for research and do not pass it on. Publications cite: R. He and J. McAuley,
Ups and Downs, WWW 2016; J. McAuley, C. Targett, Q. Shi and A. van den Hengel, Image-based Recommendations on
Styles and Substitutes, SIGIR 2015."
  BASE="$AMAZON"
  FILES=("$2 warn" "meta_$1.json.gz - warn")
}

# Datasets that want a login: what to do by hand.
explain_by_hand() {
  case "$1" in
    yelp)
      cat <<END
Yelp cannot be fetched by a program: its owner wants your name, your e-mail address and your consent first.
  1. Open https://business.yelp.com/data/resources/open-dataset/ and read the agreement (academic and
     non-commercial use; the data may not be passed on).
  2. Download the JSON archive (Yelp-JSON.zip). OpenP5 used the release of 2022 with 6,990,280 reviews; the counts
     of other releases differ.
  3. openp5 dataset prepare yelp --raw Yelp-JSON.zip --out DATA/yelp
END
      ;;
    taobao)
      cat <<END
Taobao cannot be fetched by a program: its owner wants a login and your consent first.
  1. Open https://tianchi.aliyun.com/dataset/649 (User Behavior Data from Taobao for Recommendation), log in and
     read the terms. Publications cite: H. Zhu et al., Learning Tree-based Deep Model for Recommender Systems,
     KDD 2018.
  2. Download UserBehavior.csv.zip (about 906 MB).
  3. openp5 dataset prepare taobao --raw UserBehavior.csv.zip --out DATA/taobao
END
      ;;
    *) return 1 ;;
  esac
}

# ---- fetching -----------------------------------------------------------------------------------

ask_for_consent() {
  printf '%s\nHome: %s\n\n%s\n\n' "$NAME" "$HOME_PAGE" "$TERMS"
  if [[ $ACCEPTED == yes ]]; then
    say "terms accepted with --accept-licence"
    return
  fi
  [[ -t 0 ]] || die "nobody to ask here; read the terms above and pass --accept-licence"
  local answer
  read -r -p "Do you accept these terms? [y/N] " answer
  [[ "$answer" == [yY] || "$answer" == [yY][eE][sS] ]] || die "not accepted: nothing was fetched"
}

# download URL FILE: through FILE.part, which a later run goes on with.
download() {
  local url="$1" file="$2" code=0
  curl --fail --location --silent --show-error --retry 3 --connect-timeout 30 --continue-at - \
    --output "$file.part" "$url" || code=$?
  # 33: the server cannot go on in the middle; 22 with a part that is whole already: nothing is left to send.
  if [[ $code -eq 33 || ($code -eq 22 && -s "$file.part") ]]; then
    say "${file##*/}: cannot be gone on with; from the beginning"
    rm -f "$file.part"
    code=0
    curl --fail --location --silent --show-error --retry 3 --connect-timeout 30 --output "$file.part" "$url" || code=$?
  fi
  [[ $code -eq 0 ]] || die "$url: download failed (curl says $code); run this again to go on with it"
}

digest() { "$1" "$2" | cut -d ' ' -f 1; }

# The hexadecimal digits of `MD5 (name) = hex`, or of `hex  name`.
read_md5() {
  sed -nE 's/^MD5 \(.*\) = ([0-9a-f]{32})[[:space:]]*$/\1/p; s/^([0-9a-f]{32})([[:space:]].*)?$/\1/p' "$1" | head -n 1
}

# verify FILE NAME SHA256 ON_MISMATCH: compares FILE, which will be called NAME.
verify() {
  local file="$1" name="$2" expected="$3" on_mismatch="$4" tool=sha256sum got
  case "$expected" in
    -)
      say "$name: no checksum is published; its SHA-256 is $(digest sha256sum "$file")"
      return
      ;;
    md5)
      tool=md5sum
      rm -f "$OUT/$name.md5.part"
      download "$BASE/$name.md5" "$OUT/$name.md5"
      expected="$(read_md5 "$OUT/$name.md5.part")"
      rm -f "$OUT/$name.md5.part"
      [[ -n "$expected" ]] || die "$BASE/$name.md5: expected 'MD5 ($name) = …', got something else"
      ;;
  esac
  got="$(digest "$tool" "$file")"
  if [[ "$got" == "$expected" ]]; then
    say "$name: ${tool%sum} checksum is right"
  elif [[ $on_mismatch == warn ]]; then
    say "warning: $name: ${tool%sum}: expected $expected, got $got; the number is not from the host itself, so the file is kept"
  else
    rm -f "$file"
    die "$name: ${tool%sum}: expected $expected, got $got; the download is removed, run this again"
  fi
}

fetch() {
  local name="$1" sha256="$2" on_mismatch="$3"
  if [[ -f "$OUT/$name" ]]; then
    say "$name: is there already"
    return
  fi
  say "$name: fetching $BASE/$name"
  download "$BASE/$name" "$OUT/$name"
  verify "$OUT/$name.part" "$name" "$sha256" "$on_mismatch"
  mv "$OUT/$name.part" "$OUT/$name"
}

# ---- main ---------------------------------------------------------------------------------------

NAME='' OUT='' ACCEPTED=no URL="${OPENP5_FETCH_URL:-}"
while [[ $# -gt 0 ]]; do
  case "$1" in
    --help | -h)
      usage
      exit 0
      ;;
    --accept-licence)
      ACCEPTED=yes
      shift
      ;;
    --out | --url)
      [[ $# -ge 2 && -n "$2" ]] || usage_error "$1: expected a value"
      if [[ $1 == --out ]]; then OUT="$2"; else URL="$2"; fi
      shift 2
      ;;
    -*) usage_error "$1: unknown option" ;;
    *)
      [[ -z "$NAME" ]] || usage_error "$1: expected one NAME, got two"
      NAME="$1"
      shift
      ;;
  esac
done
[[ -n "$NAME" ]] || usage_error "expected a NAME"
if explain_by_hand "$NAME"; then
  exit 3
fi
describe "$NAME"
[[ -z "$URL" ]] || BASE="${URL%/}"
command -v curl >/dev/null || die "curl: not found; run scripts/setup.sh, or apt-get install curl"
ask_for_consent
OUT="${OUT:-raw/$NAME}"
mkdir -p "$OUT"
for entry in "${FILES[@]}"; do
  read -r name sha256 on_mismatch <<<"$entry"
  fetch "$name" "$sha256" "$on_mismatch"
done
say "done; next: openp5 dataset prepare $NAME --raw $OUT --out DATA/$NAME"
