#!/bin/sh
# Runs Microsoft's official clients against the simulator, and Google's gRPC for Python against the control plane:
# run.sh PATH-OF-THE-SIMULATOR-BINARY PATH-OF-THE-CONTROL-PLANE-BINARY
#
# Keeps its Python environment in $ENTENTE_TOOLS/compat-venv, or beside this file in .venv. Call logs go to
# $ENTENTE_CALL_LOGS if that is set.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
if [ $# -ne 2 ] || [ ! -x "$1" ] || [ ! -x "$2" ]; then
    echo "usage: $0 SIMULATOR CONTROL-PLANE" >&2
    echo "build them with: cargo build -p entente-simulator -p entente-control-plane" >&2
    exit 2
fi
whole() { echo "$(CDPATH='' cd -- "$(dirname -- "$1")" && pwd)/$(basename -- "$1")"; }
ENTENTE_SIMULATOR=$(whole "$1")
ENTENTE_CONTROL_PLANE=$(whole "$2")
export ENTENTE_SIMULATOR ENTENTE_CONTROL_PLANE
venv=${ENTENTE_TOOLS:+$ENTENTE_TOOLS/compat-venv}
venv=${venv:-$here/.venv}

# The stamp is the requirements they were installed from: a changed pin installs anew.
if ! cmp -s "$here/requirements.txt" "$venv/requirements.stamp"; then
    python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$venv/requirements.stamp"
fi
# The client for JavaScript too, where there is a node to run it; else its test says that it was not run.
modules=${ENTENTE_TOOLS:+$ENTENTE_TOOLS/compat-node}
modules=${modules:-$here/.venv/node}
if command -v npm >/dev/null 2>&1; then
    if ! cmp -s "$here/javascript/package.json" "$modules/package.json" || [ ! -d "$modules/node_modules" ]; then
        mkdir -p "$modules"
        cp "$here/javascript/package.json" "$modules/package.json"
        (cd "$modules" && npm install --silent --no-package-lock --no-audit --no-fund >&2)
    fi
    export ENTENTE_NODE_MODULES="$modules"
fi
cd "$here"
PYTHONDONTWRITEBYTECODE=1 exec "$venv/bin/python" -m pytest
