# Everything from a bare checkout with python3 (3.11 or newer), venv and make. Nothing needs root.
#
#   make demo       set up, load the Python standard library into a server, look around in it
#   make test       set up and run the tests
#   make serve      run a server on headwater-data
#   make check      what CI checks before the tests: format, lint, types, import direction
#   make fix        mend what can be mended by itself
#   make bench      measure against a peer in the same run (up to 20 minutes); bench-large: a million documents
#   make test-long  the slow arms: long crash loops, full fuzzing

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
# Tests of one file share their servers, so a file stays on one process.
PYTEST_ARGS ?= -n auto --dist loadfile
DEMO_ARGS ?=
SERVE_ARGS ?=

.PHONY: install demo test test-long serve bench bench-large check fix clean
.DEFAULT_GOAL := install

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "error: $(PYTHON) is older than Python 3.11" >&2; echo "hint: make PYTHON=python3.12" >&2; exit 1; }
	@echo "Setting up $(VENV): a minute or two, once"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,parquet,s3,text]'
	@touch $@

demo: install
	@$(BIN)/headwater demo --data demo-data $(DEMO_ARGS)

serve: install
	@$(BIN)/headwater serve $(SERVE_ARGS)

test: install
	$(BIN)/python -m pytest -m "not long" $(PYTEST_ARGS)

test-long: install
	$(BIN)/python -m pytest -m long

bench: install
	$(BIN)/python -m benchmarks --write

bench-large: install
	$(BIN)/python -m benchmarks --large

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) demo-data build dist
