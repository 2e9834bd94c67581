#!/bin/sh
# Runs Microsoft's official clients against the simulator: run.sh PATH-OF-THE-SIMULATOR-BINARY
#
# Keeps its Python environment in $ENTENTE_TOOLS/compat-venv, or beside this file in .venv. Call logs go to
# $ENTENTE_CALL_LOGS if that is set.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
if [ $# -ne 1 ] || [ ! -x "$1" ]; then
    echo "usage: $0 BINARY  (build it with: cargo build -p entente-simulator)" >&2
    exit 2
fi
binary=$(CDPATH='' cd -- "$(dirname -- "$1")" && pwd)/$(basename -- "$1")
venv=${ENTENTE_TOOLS:+$ENTENTE_TOOLS/compat-venv}
venv=${venv:-$here/.venv}

# The stamp is the requirements they were installed from: a changed pin installs anew.
if ! cmp -s "$here/requirements.txt" "$venv/requirements.stamp"; then
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/requirements.stamp"
fi
cd "$here"
ENTENTE_SIMULATOR=$binary PYTHONDONTWRITEBYTECODE=1 exec "$venv/bin/python" -m pytest
