#!/bin/sh
# Makes the virtual environment $1 when it is missing and installs the project ($2: . or .[dev]) into it.
# Says in one sentence what is missing when it cannot.
set -eu
venv=$1
what=$2

fail() {
    echo "$*" >&2
    exit 1
}

is_good() {
    "$1" -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for candidate in ${PYTHON:-} python3.11 python3.12 python3.13 python3 python; do
        # By its absolute path: a version manager's shim may exist and not work.
        if command -v "$candidate" >/dev/null 2>&1 && is_good "$candidate"; then
            command -v "$candidate"
            return 0
        fi
    done
    return 1
}

# Debian keeps venv and pip in a package of its own.
has_venv() {
    "$1" -c 'import ensurepip, venv' >/dev/null 2>&1
}

install_debian() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || return 1
    echo "Installo $* con apt-get" >&2
    apt-get update -qq >/dev/null 2>&1 || true
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

if ! [ -x "$venv/bin/python" ] || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    python=$(find_python) || {
        install_debian python3 python3-venv || true
        python=$(find_python) || fail "Serve Python 3.11 o successivo: installatelo (apt install python3 python3-venv)" \
            "oppure indicatelo con PYTHON=/percorso/python3."
    }
    if ! has_venv "$python"; then
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        install_debian "python$version-venv" || install_debian python3-venv || true
        has_venv "$python" || fail "A Python $version manca il modulo venv: eseguite" \
            "'sudo apt install python$version-venv' e ripetete il comando."
    fi
    echo "Preparo $venv con $("$python" --version)" >&2
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi

echo "Installo le dipendenze in $venv (la prima volta un minuto circa)" >&2
# A source distribution is built in its own surroundings: what old pips do instead they announce with a long warning.
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --use-pep517 --editable "$what" ||
    fail "L'installazione delle dipendenze non è riuscita: leggete le righe sopra (serve l'accesso a PyPI)."
