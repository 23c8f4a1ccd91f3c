# `make bench` and `make test` set up everything they need: Python 3.11, venv, git, make and a package index.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
NOJIT := $(wildcard tests/model tests/pages tests/sync tests/machine tests/test_rng.py \
	tests/sizing/test_histogram.py tests/sizing/test_intervals.py)

.PHONY: bench test test-live test-lab test-browser lab lint lock publish clean

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(STAMP)

bench: $(STAMP)
	$(BIN)/python -m benchmarks.main

test: $(STAMP) lint
	$(BIN)/python -m pytest -m "not live and not browser and not lab"
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -q $(NOJIT)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test-live: $(STAMP)
	$(BIN)/python -m pytest -m live -rs

test-lab: $(STAMP)
	$(BIN)/python -m pytest -m lab -rs

test-browser: $(STAMP)
	$(BIN)/python -m pytest -m browser -rs

# the site as plain files, below build/site
publish: $(STAMP)
	$(BIN)/python -m mmbench.site

# makes every record in results/lab again, for the newest package of its series; boots that finished are kept
lab: $(STAMP)
	$(BIN)/python -m mmbench lab run --set full -o results/lab $(basename $(notdir $(wildcard results/lab/*.json)))

lock:
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --upgrade setuptools wheel ".[bench,dev]"
	build/lock/bin/python -m pip freeze --all --exclude mmbench --exclude pip > requirements.lock

clean:
	rm -rf $(VENV) build .asv
