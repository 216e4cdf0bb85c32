#!/bin/sh
# Finds a Python that this project can use and runs setup.py with it. In sh, because the default Python of a bare machine
# may be too old to parse setup.py.
# Usage: [PYTHON=command] sh scripts/setup.sh ENVIRONMENT LOCK
set -eu
cd "$(dirname "$0")/.."

is_usable() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

if [ -n "${PYTHON:-}" ]; then
    if ! is_usable "$PYTHON"; then
        echo "PYTHON=$PYTHON is not Python 3.11, 3.12 or 3.13: name one of these, or leave PYTHON out." >&2
        exit 1
    fi
    exec "$PYTHON" scripts/setup.py "$@"
fi
# The environment's own Python comes first, so that a new Python on the machine does not cause a rebuild.
for candidate in "$1/bin/python" python3 python3.13 python3.12 python3.11 python; do
    if is_usable "$candidate"; then
        exec "$candidate" scripts/setup.py "$@"
    fi
done
found=$(python3 --version 2>/dev/null) || true
found=${found:-no Python 3}
echo "Python 3.11, 3.12 or 3.13 is required, but this machine has $found: install one (on Debian or Ubuntu: sudo apt install python3 python3-venv; on macOS: brew install python@3.13) and try again, or specify one: make PYTHON=/path/to/python3.13 ..." >&2
exit 1
