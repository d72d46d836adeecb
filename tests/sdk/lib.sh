# Shared by the suites of the SDKs: a cache outside the tree, skipping, the simulator, the verdict.
# shellcheck shell=bash
set -euo pipefail
sdk=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$sdk/../.." && pwd)
: "${DSTACK_BUILD:=$top/build}"
: "${DSTACK:=$DSTACK_BUILD/bin/dstack}"

# What was downloaded and built is kept between runs; everything in it can be made again.
cache=${XDG_CACHE_HOME:-$HOME/.cache}/dstack-sdk-tests
mkdir -p "$cache"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

skip() { echo "SKIPPED: $*"; exit 77; }
die() { echo "FAILED: $*" >&2; exit 1; }

# want_tool NAME WHY: ctest counts 77 as skipped.
want_tool() { command -v "$1" >/dev/null || skip "$1 is not installed ($2)"; }

# fetch REGISTRY COMMAND...: a registry that cannot be reached skips the suite; one that answers with
# something else than what is pinned fails it.
fetch() {
  local registry=$1
  shift
  "$@" >"$work/fetch.log" 2>&1 && return
  tail -n 20 "$work/fetch.log" >&2
  if grep -qiE 'integrity|checksum|mismatch|do not match|lock ?file|not in sync' "$work/fetch.log"; then
    die "$registry does not hold what is pinned here"
  fi
  local reason
  reason=$(grep -iE -m 1 'connect|resolve|network|ENOTFOUND|EAI_AGAIN|timed? ?out' "$work/fetch.log" || tail -n 1 "$work/fetch.log")
  skip "$registry cannot be reached: $reason"
}

# simulate COMMAND...: with the guest's API served by dstack simulate, as on a laptop; over its sockets,
# or over TCP with DSTACK_SDK_OVER=tcp.
simulate() {
  local options=(--directory "$work/sockets")
  [ "${DSTACK_SDK_OVER:-sockets}" = sockets ] || options+=(--listen 127.0.0.1:0)
  "$DSTACK" simulate --help >/dev/null 2>&1 || die "$DSTACK has no 'simulate'; build it first"
  XDG_DATA_HOME=$work/data "$DSTACK" simulate "${options[@]}" -- "$@"
}

# conclude LANGUAGE RESULTS COUNT: RESULTS holds lines "pass|fail|skip NAME", one for each of the COUNT
# tests of the suite. What did not pass must be exactly what expected-failures names for the language.
conclude() {
  local language=$1 results=$2 count=$3 bad=0 name
  sort -u "$results" >"$work/sorted"
  sed -n "s/^$language \([^ ]*\): .*/\1/p" "$sdk/expected-failures" | sort >"$work/expected"
  sed -n 's/^\(fail\|skip\) //p' "$work/sorted" | sort >"$work/not-passed"
  while read -r name; do
    echo "unexpected: $name did not pass" && bad=1
  done < <(comm -13 "$work/expected" "$work/not-passed")
  while read -r name; do
    echo "unexpected: $name is in expected-failures, but passed or is gone" && bad=1
  done < <(comm -23 "$work/expected" "$work/not-passed")
  sed -n "s/^$language /as expected, not passed: /p" "$sdk/expected-failures"
  local passed failed skipped
  passed=$(grep -c '^pass ' "$work/sorted" || true)
  failed=$(grep -c '^fail ' "$work/sorted" || true)
  skipped=$(grep -c '^skip ' "$work/sorted" || true)
  [ "$skipped" -eq 0 ] || echo "$language: $skipped skipped"
  echo "$language${DSTACK_SDK_OVER:+ over $DSTACK_SDK_OVER}: $passed passed, $failed failed"
  [ $((passed + failed + skipped)) -eq "$count" ] || die "$language: not all of the $count tests ran"
  return "$bad"
}
