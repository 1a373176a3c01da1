# Two commands do everything on a fresh machine: `make quickstart` and `make test`.
#   make quickstart          install, label, train, calibrate, score, compare: the main job on the embedded base
#   make quickstart SMOKE=1  the same at the size of CI
#   make test                the whole test-suite (FAST=1 leaves out the slow ones, JOBS=n tests at a time)
#   make stress              the tests that kill and load for minutes
#   make check               ruff, format, mypy, import contracts
#   make gpu-check           the tests that need a CUDA device

SHELL := /bin/bash
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WORKSPACE ?= .
JOBS ?= 2
export HF_HUB_DISABLE_TELEMETRY := 1
export TOKENIZERS_PARALLELISM := false

.PHONY: quickstart test stress check format gpu-check install clean

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@command -v g++ >/dev/null || { echo "error: g++ is missing; on Debian: apt-get install g++" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,track,cluster,triton]'
	@touch $@

quickstart: $(STAMP)
	@$(BIN)/python -m adapt.quickstart $(if $(SMOKE),--smoke) --workspace $(WORKSPACE)

test: $(STAMP)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m "not gpu and not stress$(if $(FAST), and not slow)" $(PYTEST_ARGS)

stress: $(STAMP)
	$(BIN)/python -m pytest -m stress $(PYTEST_ARGS)

check: $(STAMP)
	$(BIN)/ruff check --no-cache .
	$(BIN)/ruff format --check --no-cache .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

gpu-check: $(STAMP)
	$(BIN)/python -m pytest -m gpu $(PYTEST_ARGS) || { [ $$? -eq 5 ] && echo "no test is marked gpu yet"; }
	$(BIN)/adapt doctor

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
