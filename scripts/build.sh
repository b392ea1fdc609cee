# Shared by test.sh and quickstart.sh, which source it from the repository's root.

say() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*"; }

# The jobs a build can run at once: a core each, and 2 GB each (a file with torch's headers takes up to 1.3 GB).
build_jobs() {
  local cores memory_kb jobs
  cores="$(nproc)"
  memory_kb="$(awk '/^MemAvailable:/ {print $2}' /proc/meminfo)"
  jobs=$((memory_kb / 2000000))
  ((jobs < cores)) || jobs=$cores
  ((jobs > 0)) || jobs=1
  echo "$jobs"
}

# build_release [targets…]: configures build/release and builds the targets, or everything.
build_release() {
  local jobs
  jobs="$(build_jobs)"
  # Lets ccache find in this checkout what it compiled in another.
  export CCACHE_BASEDIR="$PWD"
  say "cmake --preset release"
  cmake --preset release
  say "ninja -j $jobs ${*:-(everything)}"
  ninja -C build/release -j "$jobs" "$@"
}
