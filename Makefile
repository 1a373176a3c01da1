# Two commands do everything on a fresh machine: `make quickstart` and `make test`.
#   make quickstart          install, label, train, calibrate, score, compare: the main job on the embedded base
#   make quickstart SMOKE=1  the same at the size of CI
#   make test                the whole test-suite (FAST=1 leaves out the slow ones, JOBS=n tests at a time)
#   make stress              the tests that kill and load for minutes
#   make check               ruff, format, mypy, import contracts
#   make nano                the embedded base anew, into NANO=folder: hours (docs/base.md); killed, it goes on
#   make gpu-check           on a GPU: the tests that need one, the harness's selftest, what this machine can do
#   make gpu-labels          on a GPU: thousands of labels (docs/gpu.md says what each of these takes and writes)
#   make gpu-head-to-head    on a GPU: KERNELBENCH=folder, its evaluator against ours
#   make gpu-h100            on a GPU: DATA=folder, reference times against KernelBench's published ones
#   make gpu-base            on a GPU: CARG=folder RECORDS=file, gtm-nano and a larger sibling from nothing
#   make gpu-adapter         on a GPU: the CUDA domain's adapter, LoRA and QLoRA
#   make gpu-study           on a GPU: KERNELBENCH=folder, the speed-up study
#   make gpu-dry             all of these on the CPU, over a few small cases

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

.PHONY: quickstart test stress check format install nano clean
.PHONY: gpu-check gpu-labels gpu-head-to-head gpu-h100 gpu-base gpu-adapter gpu-study gpu-dry

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@command -v g++ >/dev/null || { echo "error: g++ is missing; on Debian: apt-get install g++" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,track,cluster,gpu,study,train,mcp,teachers]'
	@touch $@

quickstart: $(STAMP)
	@$(BIN)/python -m adapt.quickstart $(if $(SMOKE),--smoke) --workspace $(WORKSPACE)

test: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m "not gpu and not stress$(if $(FAST), and not slow)" $(PYTEST_ARGS)

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

NANO ?= nano
NANO_MINUTES ?= 70
NANO_ON_MINUTES ?= 55
RECIPE = $(BIN)/python -c "from base_gtm.training import recipe; print(*recipe.$(1))"
NANO_TRAIN = nice -n 4 $(BIN)/base-gtm train --carg $(NANO)/carg --carg $(NANO)/wrong --records $(NANO)/kernels.jsonl \
  $(BF16) --threads 2 --save-minutes 5 --validate-steps 1000
BF16 = $(if $(shell grep -m 1 avx512_bf16 /proc/cpuinfo),--bf16)

nano: $(STAMP) $(NANO)/kernels.jsonl
	$(BIN)/base-gtm carg generate --out $(NANO)/carg --records 200000
	$(BIN)/base-gtm carg generate --out $(NANO)/wrong --records 25000 --single 0 --multi 0 --error 1 --faults value --seed 1
	$(NANO_TRAIN) --base new --out $(NANO)/first $$($(call RECIPE,NANO)) --minutes $(NANO_MINUTES)
	$(NANO_TRAIN) --base $(NANO)/first --out $(NANO)/gtm-nano $$($(call RECIPE,NANO_ON)) --minutes $(NANO_ON_MINUTES)

$(NANO)/kernels.jsonl: | $(STAMP)
	mkdir -p $(NANO)
	$(BIN)/python -m domains.pretrain --out $@

ITEM := $(BIN)/python -m kernelbench_harness.gpu
MINUTES ?= 8
DATA ?= $(or $(GTM_EXTERNAL_DATA),data)
GPU_ARGS ?= --minutes $(MINUTES)

gpu-check: $(STAMP)
	$(BIN)/python -m pytest -m gpu $(PYTEST_ARGS)
	$(ITEM).check $(GPU_ARGS)
	$(BIN)/adapt doctor

gpu-labels: $(STAMP)
	$(BIN)/python -m domains.cuda.boxes jobs jobs.jsonl
	$(ITEM).labels --jobs jobs.jsonl $(GPU_ARGS)

gpu-head-to-head: $(STAMP)
	@test -n "$(KERNELBENCH)" || { echo "error: give KERNELBENCH=folder, a checkout of KernelBench" >&2; exit 2; }
	$(ITEM).head_to_head --kernelbench $(KERNELBENCH) $(GPU_ARGS)

gpu-h100: $(STAMP)
	$(ITEM).h100_sanity --data $(DATA) $(GPU_ARGS)

gpu-base: $(STAMP)
	$(BIN)/python -m domains.base_on_gpu $(if $(CARG),--carg $(CARG)) $(if $(RECORDS),--records $(RECORDS)) $(GPU_ARGS)

gpu-adapter: $(STAMP)
	$(BIN)/python -m domains.cuda.on_gpu $(GPU_ARGS)

gpu-study: $(STAMP)
	$(BIN)/python -m domains.cuda.study_on_gpu $(if $(KERNELBENCH),--kernelbench $(KERNELBENCH)) $(GPU_ARGS)

gpu-dry: $(STAMP)
	$(ITEM).check --dry-run
	$(ITEM).labels --dry-run
	$(ITEM).head_to_head --dry-run
	$(if $(wildcard $(DATA)/kernelbench_problems.jsonl),$(ITEM).h100_sanity --dry-run --data $(DATA))

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
