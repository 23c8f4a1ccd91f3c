# `make bench` and `make test` set up everything they need: Python 3.11 to 3.14 with venv, git, make and a package index.
# The newest Python on PATH is taken; PYTHON=/path/to/python3 names another one.
PYTHON ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
NOJIT := tests/model tests/pages tests/sync tests/machine tests/test_rng.py \
	tests/sizing/test_histogram.py tests/sizing/test_intervals.py
RINGS := not live and not browser and not lab and not install and not docs and not slow and not fuzz
WARM := warm-engine warm-checker
CORES := $(shell nproc 2>/dev/null || echo 2)

.PHONY: verdicts bench test test-jit test-nojit $(WARM) test-live test-lab test-browser test-docs test-slow test-fuzz test-pythons test-install lab lab-designs lab-schedules lint lock publish clean

$(BIN)/pip:
	python=$$(sh tools/find-python.sh "$(PYTHON)") && "$$python" -m venv $(VENV)

$(STAMP): requirements.lock pyproject.toml | $(BIN)/pip
	$(PIP) install --no-deps -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation -e .
	$(PIP) check
	touch $(STAMP)

bench: $(STAMP)
	$(BIN)/python -m benchmarks.main

# What needs no compiled code runs while the code cache is filled; then all tests share that cache.
test: $(STAMP)
	$(MAKE) --no-print-directory -j $(CORES) --output-sync=target $(WARM) test-nojit lint
	$(MAKE) --no-print-directory test-jit

test-jit: $(STAMP)
	$(BIN)/python -m pytest -q -n $(CORES) --dist worksteal --durations 20 -m "$(RINGS)"

test-nojit: $(STAMP)
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -q $(NOJIT)

warm-engine: $(STAMP)
	@$(BIN)/python -m mmbench size --heavy 1GiB --rarity 1/10 --n 1000 --strategy v6.18 >/dev/null && echo engine compiled

# after the engine, whose apply it finds compiled
warm-checker: $(STAMP) warm-engine
	@$(BIN)/python -m mmbench check v6.18 >/dev/null && echo checker compiled

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# what `compare` says of a design's safety: the checker's verdicts in every scope, shipped with the package
verdicts: $(STAMP)
	$(BIN)/python -m mmbench check $$($(BIN)/python -c 'from mmbench.checker.page import specs; print(*specs())') \
		--record mmbench/checker/verdicts.json >/dev/null; test $$? -le 1

test-slow: $(STAMP)
	$(BIN)/python -m pytest -m slow -rP

# damaged files of every format, for two minutes at most
test-fuzz: $(STAMP)
	$(BIN)/python -m pytest -m fuzz -rP

test-live: $(STAMP)
	$(BIN)/python -m pytest -m live -rs

test-lab: $(STAMP)
	$(BIN)/python -m pytest -m lab -rs

test-docs: $(STAMP)
	$(BIN)/python -m pytest -m docs -rs

test-browser: $(STAMP)
	$(BIN)/python -m pytest -m browser -rs

# the site as plain files, below build/site
publish: $(STAMP)
	$(BIN)/python -m mmbench.site

# makes every record in results/lab again, for the newest package of its series; boots that finished are kept
lab: $(STAMP)
	$(BIN)/python -m mmbench lab run --set full -o results/lab $(basename $(notdir $(wildcard results/lab/*.json)))

# the same of every design and choice that can run inside those kernels whose headers the archive keeps
lab-designs: $(STAMP)
	$(BIN)/python -m mmbench lab run --set full --strategy all -o results/lab/designs -- \
		$(basename $(notdir $(wildcard results/lab/designs/*.json)))

# every schedule that the checker prints, forced in each kernel that can run its design
lab-schedules: $(STAMP)
	rm -rf build/schedules && mkdir -p build/schedules
	$(BIN)/python -m mmbench check $$($(BIN)/python -c 'from mmbench.checker.page import specs; print(*specs())') \
		--save build/schedules > build/schedules/all.txt; test $$? -le 1
	$(BIN)/python -m mmbench lab run --schedule build/schedules/*.json -o results/lab/schedules -- \
		$(basename $(notdir $(wildcard results/lab/designs/*.json)))

# One lock for all: what the oldest Python takes, the newer ones take as well; `pip check` says so wherever it is installed.
lock:
	rm -rf build/lock && python3.11 -m venv build/lock
	build/lock/bin/python -m pip install --quiet --upgrade setuptools wheel ".[bench,dev]"
	build/lock/bin/python -m pip freeze --all --exclude mmbench --exclude pip > requirements.lock

# the core tests under every other Python that is here, and the same numbers from each
test-pythons: $(STAMP)
	sh tools/test-pythons.sh $(BIN)/python

# the wheel in an empty environment outside the checkout, every verb
test-install: $(STAMP)
	$(BIN)/python -m pytest -m install -rs

clean:
	rm -rf $(VENV) build .asv
