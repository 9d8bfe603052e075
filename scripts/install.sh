#!/usr/bin/env bash
# Brings .venv in step with requirements.lock: the project (editable), its extras and the developer tools.
# Needs Python 3.11 to 3.13 (PYTHON=/path/to/python picks one) or uv on PATH. A second run is done in no time.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly WANTED='>=3.11,<3.14'
readonly STAMP=.venv/.installed

say() { printf '• %s\n' "$*"; }

fits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' >/dev/null 2>&1; }

find_python() {
  local candidate
  for candidate in "${PYTHON:-python3}" ${PYTHON:+--} python3.13 python3.12 python3.11; do
    [ "$candidate" = -- ] && break # a Python that was asked for has no substitute
    if fits "$candidate"; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

# What .venv was made from. Its own configuration is part of it: other tools may make .venv anew with another Python.
fingerprint() { cat requirements.lock pyproject.toml scripts/install.sh .venv/pyvenv.cfg 2>/dev/null | cksum; }

if [ -e "$STAMP" ] && [ "$(cat "$STAMP")" = "$(fingerprint)" ] && [ -x .venv/bin/python ]; then
  exit 0
fi

if ! fits .venv/bin/python; then
  if python=$(find_python); then
    say "making .venv with $("$python" --version)"
    if command -v uv >/dev/null; then
      uv venv --quiet --clear --python "$python" .venv
    elif ! "$python" -m venv --clear .venv; then
      echo "$python cannot make a virtual environment. Install its venv module (Debian: apt-get install python3-venv) or uv." >&2
      exit 1
    fi
  elif [ -z "${PYTHON:-}" ] && command -v uv >/dev/null; then
    say "making .venv with a Python that uv finds"
    uv venv --quiet --clear --python "$WANTED" .venv
  else
    echo "Samklang needs Python $WANTED; ${PYTHON:-python3} is none. Install one, or name it: make install PYTHON=/path/to/python3.12" >&2
    exit 1
  fi
fi

# A home that cannot be written to holds no cache.
cache=${UV_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/uv}
if ! mkdir -p "$cache" 2>/dev/null || ! [ -w "$cache" ]; then
  export UV_NO_CACHE=1 PIP_NO_CACHE_DIR=1
fi

# A company's own authority stands in the system's list of certificates, not in uv's.
if [ -s /etc/ssl/certs/ca-certificates.crt ]; then
  export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-1}"
fi

uv=$(command -v uv || true)
if [ -z "$uv" ]; then
  uv=.venv/bin/uv
  if ! [ -x "$uv" ]; then
    say "fetching uv"
    # its version and hashes are the lock's
    awk '/^[^ ]/ { inside = /^uv==/ } inside' requirements.lock >.venv/uv.lock
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.lock
  fi
fi

say "installing the locked packages into .venv"
export UV_COMPILE_BYTECODE=1
"$uv" pip sync --quiet --python .venv/bin/python --require-hashes requirements.lock
# the build backend comes from the lock too
"$uv" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
fingerprint >"$STAMP"
say "ready"
