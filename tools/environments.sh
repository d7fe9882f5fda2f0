#!/bin/sh
# Make the environments what uv.lock says; at first with uv itself, which PyPI has as a wheel.
# Starts from any Python since 3.11; uv then finds CPython 3.13, or downloads it where it can.
set -eu
cd "$(dirname "$0")/.."

UV_VERSION=0.13.9
uv=.local/bin/uv

# pyenv's own shims, on PATH, may refuse to start the version that is wanted.
for folder in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[1-9]*/bin; do
  PATH=$PATH:$folder
done

fail() {
  echo "error: $1" >&2
  exit 1
}

find_python() {
  # On Debian, ensurepip is a package of its own (python3-venv).
  needs='import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))'
  for name in python3.13 python3.14 python3.12 python3.11 python3; do
    for python in $(which -a "$name" 2>/dev/null); do
      if "$python" -c "$needs" 2>/dev/null; then
        echo "$python"
        return
      fi
    done
  done
  return 1
}

install_uv() {
  python=$(find_python) ||
    fail "no Python 3.11 or newer that can make a venv was found (Debian: apt install python3-venv)"
  echo "uv: installing"
  folder=$(mktemp -d)
  mkdir -p .local/bin
  "$python" -m venv "$folder" &&
    "$folder/bin/pip" install --quiet --no-input "uv==$UV_VERSION" >&2 &&
    cp "$folder/bin/uv" "$uv.$$" && mv -f "$uv.$$" "$uv" ||
    fail "uv $UV_VERSION could not be installed from PyPI"
  rm -rf "$folder"
}

sync() {
  export UV_PROJECT_ENVIRONMENT="$1"
  shift
  "$uv" sync --quiet --locked --check "$@" 2>/dev/null && return
  echo "$UV_PROJECT_ENVIRONMENT: installing"
  "$uv" sync --quiet --locked "$@" || fail "$UV_PROJECT_ENVIRONMENT could not be installed"
}

have_python() {
  "$uv" python find --quiet >/dev/null 2>&1 ||
    "$uv" python install --quiet --no-bin 2>/dev/null ||
    fail "CPython 3.13 was neither found nor could uv download it: install it (pyenv install 3.13)"
}

test "$("$uv" --version 2>/dev/null | cut -d ' ' -f 2)" = "$UV_VERSION" || install_uv
have_python
sync .venv
sync .venv-sam --only-group sam
sync .venv-ministack --only-group ministack
sync .venv-celery --only-group celery
