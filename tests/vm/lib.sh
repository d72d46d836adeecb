# Shared by the VM tests: an isolated state directory, a shared image store, and plain checks.
# shellcheck shell=bash
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
: "${DSTACK_BUILD:=$top/build}"
: "${DSTACK:=$DSTACK_BUILD/bin/dstack}"

work=$(mktemp -d)
export XDG_STATE_HOME=$work/state XDG_CONFIG_HOME=$work/config
# The image built by the os_build test is used by all the others.
export XDG_DATA_HOME=$DSTACK_BUILD/tests/data
mkdir -p "$XDG_STATE_HOME" "$XDG_CONFIG_HOME" "$XDG_DATA_HOME"

cleanup() {
  local status=$?
  if [ "$status" -ne 0 ]; then
    for log in "$XDG_STATE_HOME"/dstack/vms/*/{state.json,supervisor.log,console.log,qemu.log}; do
      [ -s "$log" ] && { echo "--- $log"; tail -n 40 "$log"; }
    done
  fi
  for vm in $("$DSTACK" ps -a -q 2>/dev/null); do "$DSTACK" rm --yes --force "$vm" >/dev/null 2>&1 || true; done
  # shellcheck disable=SC2046
  kill $(jobs -p) 2>/dev/null || true
  rm -rf "$work"
  exit "$status"
}
trap cleanup EXIT

say() { echo "[$(printf %4d $SECONDS)s] $*"; }
die() { say "FAILED: $*"; exit 1; }

# field FILE PATH: a value of a JSON document, the path in dots and numbers.
field() {
  python3 - "$1" "$2" <<'PY'
import json, sys
value = json.load(open(sys.argv[1]))
for key in sys.argv[2].split("."):
    value = value[int(key)] if isinstance(value, list) else value[key]
print(value if isinstance(value, str) else json.dumps(value))
PY
}

# want_fail STATUS TEXT COMMAND...: the command ends with that status and says that text on stderr.
want_fail() {
  local want=$1 text=$2 got=0
  shift 2
  "$@" >"$work/out" 2>"$work/err" || got=$?
  [ "$got" -eq "$want" ] || { cat "$work/err"; die "'$*' ended with $got (want $want)"; }
  grep -qF -- "$text" "$work/err" || { cat "$work/err"; die "'$*' did not say '$text'"; }
  say "refused as it should ($got): $(grep -F -- "$text" "$work/err" | head -n 1)"
}

# no_leftovers: no process of ours lives, and nothing half-written lies about.
no_leftovers() {
  local left
  left=$(pgrep -fa "$XDG_STATE_HOME" | grep -v "^$$ " | grep -E 'qemu-system|dstack-vm' || true)
  [ -z "$left" ] || die "processes left: $left"
  left=$(find "$XDG_STATE_HOME" -name '.new-*' -o -name '*.tmp' 2>/dev/null || true)
  [ -z "$left" ] || die "half-written: $left"
}

# await SECONDS COMMAND...: until the command succeeds.
await() {
  local until=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$until" ] || die "still not true: $*"
    sleep 0.2
  done
}

hello_image() {
  mkdir -p "$work/hello/bin"
  cp "$(command -v busybox)" "$work/hello/bin/busybox"
  cp -r "$top/examples/hello/www" "$work/hello/www"
  "$top/examples/make-image" "$work/hello.oci" hello:1 "$work/hello" -- /bin/busybox httpd -f -p 8080 -h /www
}
