#!/bin/sh
# Creates a virtual environment with the locked dependencies and this package; quick when nothing has changed. See
# CONTRIBUTING.md for the same by hand.
# Usage: [PYTHON=command] sh scripts/setup.sh ENVIRONMENT LOCK [FURTHER_LOCK]
# The further lock has all packages of the first one and more; an environment that has them stays as it is without it.
set -eu
cd "$(dirname "$0")/.."
environment=$1 lock=$2 further=${3:-}
python=$environment/bin/python
# Written last, so that an interrupted setup starts over.
stamp=$environment/keycrm-pipeline.stamp

fail() {
    echo "$1" >&2
    exit 1
}

# The version of a Python that this project can use, and the Python behind it: an environment cannot recreate itself.
describe() {
    "$1" -c 'import sys
if not (3, 11) <= sys.version_info[:2] <= (3, 13): sys.exit(1)
print("%d.%d %s" % (sys.version_info[:2] + (sys._base_executable,)))' 2>/dev/null
}

if [ -n "${PYTHON:-}" ]; then
    found=$(describe "$PYTHON") ||
        fail "PYTHON=$PYTHON is not Python 3.11, 3.12 or 3.13: name one of these, or leave PYTHON out."
else
    # The environment's own Python comes first, so that a new Python on the machine does not cause a rebuild.
    for candidate in "$python" python3 python3.13 python3.12 python3.11 python; do
        found=$(describe "$candidate") && break
    done
    [ -n "$found" ] || {
        present=$(python3 --version 2>/dev/null) || true
        fail "Python 3.11, 3.12 or 3.13 is required, but this machine has ${present:-no Python 3}: install one (on Debian or Ubuntu: sudo apt install python3 python3-venv; on macOS: brew install python@3.13) and try again, or specify one: make PYTHON=/path/to/python3.13 ..."
    }
fi
version=${found%% *} base=${found#* }

# Everything that determines the environment. Its programs contain its directory, so a moved project needs a new one.
wanted="$PWD $version $(cat "$lock" pyproject.toml | cksum)"
wanted_further=${further:+$(cksum <"$further")}
is_made() { [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && describe "$python" >/dev/null; }
has_further() { [ -z "$further" ] || [ "$(cat "$stamp.further" 2>/dev/null)" = "$wanted_further" ]; }
if is_made && has_further; then
    exit
fi

echo "Setting up $environment with the locked dependencies and Python $version; this takes a minute or two."
pip() {
    "$python" -m pip --disable-pip-version-check --quiet install --no-compile "$@"
}
# uv takes a tenth of pip's time. It is not kept, and where it cannot be had or does not get through, pip does all and
# says what is wrong. Which index to use is only written in pip's configuration.
installer=$environment/installer
get_uv() {
    pip --only-binary :all: --require-hashes --target "$installer" --requirement requirements-uv.lock 2>/dev/null || return 0
    index=${PIP_INDEX_URL:-$("$python" -m pip config get global.index-url 2>/dev/null)} || true
    [ -z "$index" ] || export UV_DEFAULT_INDEX="$index"
}
install() {
    PYTHONPATH=$installer "$python" -m uv pip install --quiet --python "$python" "$@" 2>/dev/null || pip "$@" ||
        fail "The dependencies could not be installed: see the lines above. Check that the package index is reachable and the disk is not full, and try again."
}
if is_made; then
    rm -f "$stamp"
else
    "$base" -m venv --clear "$environment" ||
        fail "$base cannot create an environment: see the lines above (on Debian or Ubuntu: sudo apt install python$version-venv)."
fi
get_uv
install --require-hashes --requirement "${further:-$lock}"
# Without an isolated build, which would download packages that are not in the lock.
install --no-deps --no-build-isolation --editable .
rm -rf "$installer"
# This uses all processors. Libraries contain tests of their own and files for other versions of Python, which cannot be
# compiled and are not needed.
"$python" -m compileall -qq -j 0 -x '/tests?/' "$environment"/lib/python*/site-packages >/dev/null || true
[ -z "$further" ] || echo "$wanted_further" >"$stamp.further"
echo "$wanted" >"$stamp"
