#!/bin/sh
# Finds a Python that this project can use and hands over to setup.py. In sh, because on a bare machine the Python that
# answers first may be too old to read a script written for a newer one.
# Usage: [PYTHON=command] sh scripts/setup.sh ENVIRONMENT LOCK
set -eu
cd "$(dirname "$0")/.."

is_usable() {
    "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1
}

if [ -n "${PYTHON:-}" ]; then
    if ! is_usable "$PYTHON"; then
        echo "PYTHON=$PYTHON is no Python 3.11, 3.12 or 3.13: name one, or leave PYTHON out." >&2
        exit 1
    fi
    exec "$PYTHON" scripts/setup.py "$@"
fi
# The environment's own Python comes first, so that a second Python on the machine does not rebuild what is ready.
for candidate in "$1/bin/python" python3 python3.13 python3.12 python3.11 python; do
    if is_usable "$candidate"; then
        exec "$candidate" scripts/setup.py "$@"
    fi
done
found=$(python3 --version 2>/dev/null) || true
found=${found:-no Python 3}
echo "Python 3.11, 3.12 or 3.13 is needed, and this machine has $found: install one (on Debian or Ubuntu: sudo apt install python3 python3-venv; on macOS: brew install python@3.13) and try again, or name it: make PYTHON=/path/to/python3.13 ..." >&2
exit 1
