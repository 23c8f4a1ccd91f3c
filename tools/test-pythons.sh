#!/bin/sh
# Runs the core tests under every supported Python that is here beside the one given, and holds its numbers against that one's.
set -eu
cd "$(dirname "$0")/.."
own=$1
core="tests/model tests/pages tests/sync tests/machine tests/engine tests/cost tests/strategies tests/test_rng.py
    tests/test_codecache.py tests/checker/test_verdicts.py tests/sizing/test_histogram.py tests/sizing/test_queue.py"
version='import sys; print("%d.%d" % sys.version_info[:2])'

# What two designs do to a contended victim, and how the checker judges one of them: all of it deterministic.
numbers() {
    "$1" -m mmbench compare --size 1GiB --scenario contended --strategy v5.17 v6.18 --seed 7 --format json
    "$1" -m mmbench check v6.18 --format json | grep -v seconds
}

mkdir -p build/pythons
numbers "$own" > build/pythons/own.json
tested=
for name in python3.14 python3.13 python3.12 python3.11; do
    if [ "$name" = "python$("$own" -c "$version")" ]; then
        continue
    elif ! found=$(sh tools/find-python.sh "$name" 2>/dev/null); then
        echo "$name: skipped, it is not here; put one on PATH to have it tested"
        continue
    fi
    place=build/pythons/${name#python}
    [ -x "$place/bin/pip" ] || "$found" -m venv "$place"
    "$place/bin/python" -m pip --quiet --disable-pip-version-check install --no-deps -r requirements.lock
    "$place/bin/python" -m pip --quiet --disable-pip-version-check install --no-deps --no-build-isolation -e .
    "$place/bin/python" -m pip --quiet check
    "$place/bin/python" -m pytest -q -p no:cacheprovider $core
    numbers "$place/bin/python" | cmp - build/pythons/own.json
    tested="$tested $name"
done
echo "core tests pass and numbers are equal under:${tested:- no other Python, for none is here}"
