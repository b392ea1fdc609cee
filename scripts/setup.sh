#!/usr/bin/env bash
# Installs what openp5 is built with: the distribution's packages and LibTorch.
# Run it as often as you like: what is there is left alone. For Debian 12 and 13, Ubuntu 22.04 and 24.04.
set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
DEPS="$ROOT/.deps"
TORCH_VERSION=2.13.0          # the version openp5 is tested with
TORCH_OLDEST=2.6
PYTORCH_INDEX=https://download.pytorch.org/whl/cpu
LEFT_OUT=
PACKAGES=(
  g++ cmake ninja-build ccache python3 ca-certificates curl
  libabsl-dev libboost-program-options-dev librocksdb-dev libsentencepiece-dev
  nlohmann-json3-dev libspdlog-dev libeigen3-dev libssl-dev zlib1g-dev libarchive-dev libsimdjson-dev libjemalloc-dev libpcre2-dev libutf8proc-dev
  libgtest-dev libgmock-dev libbenchmark-dev
)

usage() {
  cat <<EOF
usage: scripts/setup.sh

Installs the packages openp5 needs with apt-get (as root, or through sudo) and puts LibTorch into
.deps/libtorch. Nothing outside the package manager and .deps/ is changed.

LibTorch is taken from, in this order: CMAKE_PREFIX_PATH, .deps/libtorch, the torch of the active
python3 (each only if it is $TORCH_OLDEST or newer), and else fetched by pip (torch $TORCH_VERSION for the CPU).
EOF
}

say() { printf 'setup: %s\n' "$*"; }
die() { printf 'setup: error: %s\n' "$*" >&2; exit 1; }

# ---- packages ---------------------------------------------------------------------------------

is_installed() {
  [[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]
}

# As root, or through sudo; without a terminal sudo must not wait for a password.
as_root() {
  if [[ $EUID -eq 0 ]]; then
    "$@"
  elif [[ -t 0 ]]; then
    sudo "$@"
  else
    sudo -n "$@"
  fi
}

apt() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@"
}

has_candidate() {
  local candidate
  candidate="$(LC_ALL=C apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: //p')"
  [[ -n "$candidate" && "$candidate" != "(none)" ]]
}

install_packages() {
  local missing=() package
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  if [[ ${#missing[@]} -eq 0 ]]; then
    say "packages: all $# are installed"
    return
  fi
  if [[ $EUID -ne 0 ]] && ! command -v sudo >/dev/null; then
    say "packages: neither root nor sudo here; ask for: apt-get install ${missing[*]}"
    LEFT_OUT=", except for the packages named above; CMake stops at the first it cannot find"
    return
  fi

  local updated=no
  for package in "${missing[@]}"; do
    if ! has_candidate "$package"; then
      say "packages: reading the package lists (apt-get update)"
      apt update || die "packages: apt-get update failed; see its lines above"
      updated=yes
      break
    fi
  done
  for package in "${missing[@]}"; do
    has_candidate "$package" ||
      die "packages: $package: not known to apt-get; on Ubuntu enable 'universe' (add-apt-repository universe)"
  done

  say "packages: installing ${missing[*]}"
  if ! apt install -y --no-install-recommends "${missing[@]}" >/dev/null; then
    [[ $updated == no ]] || die "packages: apt-get install failed; see its lines above"
    say "packages: failed; trying once more with fresh package lists (apt-get update)"
    apt update || die "packages: apt-get update failed; see its lines above"
    apt install -y --no-install-recommends "${missing[@]}" >/dev/null ||
      die "packages: apt-get install failed; see its lines above"
  fi
  say "packages: installed ${#missing[@]}"
}

# ---- LibTorch ---------------------------------------------------------------------------------

version_at_least() {
  [[ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" == "$2" ]]
}

# Prints MAJOR.MINOR.PATCH of the LibTorch in folder $1; fails if there is none.
libtorch_version() {
  local header
  for header in torch/headeronly/version.h torch/csrc/api/include/torch/version.h; do
    [[ -f "$1/include/$header" && -e "$1/lib/libtorch_cpu.so" ]] || continue
    sed -nE 's/^#define TORCH_VERSION_(MAJOR|MINOR|PATCH) ([0-9]+).*/\2/p' "$1/include/$header" | paste -sd .
    return
  done
  return 1
}

# Succeeds if $1 holds a LibTorch openp5 can be linked with: the same test as cmake/LibTorch.cmake.
# $2 says where it was found.
is_usable_libtorch() {
  local version
  version="$(libtorch_version "$1")" || return 1
  if ! version_at_least "$version" "$TORCH_OLDEST"; then
    say "LibTorch: $1 ($2): $version is older than $TORCH_OLDEST: not used"
    return 1
  fi
  if grep -qs '_GLIBCXX_USE_CXX11_ABI=0' "$1/share/cmake/Torch/TorchConfig.cmake"; then
    say "LibTorch: $1 ($2): built without the C++11 ABI: not used"
    return 1
  fi
  say "LibTorch: $version at $1 ($2)"
}

find_libtorch() {
  local prefix
  local -a prefixes
  IFS=':;' read -r -a prefixes <<<"${CMAKE_PREFIX_PATH:-}"
  for prefix in "${prefixes[@]}"; do
    [[ -n "$prefix" ]] || continue
    is_usable_libtorch "$prefix" CMAKE_PREFIX_PATH && return
    is_usable_libtorch "$prefix/../.." CMAKE_PREFIX_PATH && return
  done
  # Written last, before the folder gets its name: a folder without it was not unpacked by this script to the end.
  if [[ -f "$DEPS/libtorch/.complete" ]]; then
    is_usable_libtorch "$DEPS/libtorch" "fetched earlier" && return
  fi
  prefix="$(python3 -c 'import importlib.util as u
s = u.find_spec("torch")
print(s.submodule_search_locations[0] if s else "")' 2>/dev/null)" || prefix=
  [[ -n "$prefix" ]] && is_usable_libtorch "$prefix" "the torch of $(command -v python3)"
}

# Sets PIP to a pip that works: the active Python's, the distribution's, or one in a folder of ours.
find_pip() {
  PIP=(python3 -m pip)
  "${PIP[@]}" --version >/dev/null 2>&1 && return
  PIP=(/usr/bin/python3 -m pip)
  "${PIP[@]}" --version >/dev/null 2>&1 && return
  if python3 -m venv "$DEPS/pip" >/dev/null 2>&1; then
    PIP=("$DEPS/pip/bin/python" -m pip)
    return
  fi
  rm -rf "$DEPS/pip"
  PIP=(/usr/bin/python3 -m pip)
  install_packages python3-pip
}

# download_wheel DIR REQUIREMENT [pip options…]: fetches one wheel into DIR, for a Python that need not
# be the one installed: LibTorch itself has nothing to do with Python.
download_wheel() {
  local into="$1" requirement="$2"
  shift 2
  "${PIP[@]}" download --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
    --python-version 311 --dest "$into" "$@" "$requirement"
}

fetch_wheel() {
  local into="$1" log="$1/pip.log"
  say "LibTorch: fetching torch $TORCH_VERSION for the CPU (about 200 MB)"
  case "$(uname -m)" in
    x86_64)
      local options=(--platform manylinux_2_28_x86_64)
      download_wheel "$into" "torch==$TORCH_VERSION+cpu" "${options[@]}" >"$log" 2>&1 && return
      say "LibTorch: not in pip's own indexes; trying PyTorch's: $PYTORCH_INDEX"
      download_wheel "$into" "torch==$TORCH_VERSION+cpu" "${options[@]}" --index-url "$PYTORCH_INDEX" >>"$log" 2>&1 && return
      ;;
    aarch64)
      # The ordinary wheel is a CPU build there.
      download_wheel "$into" "torch==$TORCH_VERSION" --platform manylinux_2_28_aarch64 >"$log" 2>&1 && return
      ;;
    *)
      die "LibTorch: $(uname -m): expected x86_64 or aarch64; set CMAKE_PREFIX_PATH to a LibTorch $TORCH_OLDEST or newer"
      ;;
  esac
  tail -n 5 "$log" >&2
  die "LibTorch: torch $TORCH_VERSION could not be fetched by pip (its last lines are above); set CMAKE_PREFIX_PATH to a LibTorch $TORCH_OLDEST or newer"
}

# Unpacks the native part of the wheel in folder $1 (zip checks every file's sum) and gives the result its
# name last, so that a broken run leaves nothing that looks whole.
unpack_wheel() {
  local wheels=("$1"/torch-*.whl) unpacked="$1/unpacked"
  say "LibTorch: unpacking"
  python3 - "${wheels[0]}" "$unpacked" <<'EOF'
import sys
import zipfile

wheel, target = sys.argv[1:]
wanted = ("torch/lib/", "torch/include/", "torch/share/", "torch.libs/")
try:
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.startswith(wanted):
                archive.extract(name, target)
except (OSError, zipfile.BadZipFile) as error:
    sys.exit(f"setup: error: LibTorch: {wheel}: {error}")
EOF
  libtorch_version "$unpacked/torch" >"$unpacked/torch/.complete" ||
    die "LibTorch: ${wheels[0]##*/}: expected torch/include and torch/lib/libtorch_cpu.so in it"
  rm -rf "$DEPS/libtorch" "$DEPS/torch.libs"
  # Some wheels keep further libraries beside torch/, where libtorch_cpu.so looks for ../../torch.libs.
  if [[ -d "$unpacked/torch.libs" ]]; then
    mv "$unpacked/torch.libs" "$DEPS/torch.libs"
  fi
  mv "$unpacked/torch" "$DEPS/libtorch"
}

setup_libtorch() {
  find_libtorch && return
  mkdir -p "$DEPS"
  # Left behind by runs that were killed; a day, so that a run beside this one keeps its own.
  find "$DEPS" -maxdepth 1 -name 'fetch.*' -mmin +1440 -exec rm -rf {} +
  SCRATCH="$(mktemp -d "$DEPS/fetch.XXXXXX")"
  trap 'rm -rf "$SCRATCH"' EXIT
  find_pip
  fetch_wheel "$SCRATCH"
  unpack_wheel "$SCRATCH"
  is_usable_libtorch "$DEPS/libtorch" "fetched by pip" || die "LibTorch: $DEPS/libtorch: not usable; remove it and run this again"
}

# ---- main -------------------------------------------------------------------------------------

if [[ $# -gt 0 ]]; then
  usage
  [[ "$1" == --help || "$1" == -h ]] || exit 2
  exit 0
fi
if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
  install_packages "${PACKAGES[@]}"
else
  say "packages: no apt-get here; install by hand what these Debian packages hold: ${PACKAGES[*]}"
  LEFT_OUT=", except for the packages named above; CMake stops at the first it cannot find"
fi
setup_libtorch
say "done$LEFT_OUT"
