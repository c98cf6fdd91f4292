# The one face of every tool. `make` alone lists the targets.

PYTHON ?= python3
ITEMS := $(sort $(wildcard item*_*))
ANSWERED := $(patsubst %/,%,$(dir $(sort $(wildcard item*_*/questions.py))))
TARGETS := $(foreach item,$(ITEMS),$(firstword $(subst _, ,$(item))))

# An environment for each interpreter and task: .venv/cpython-313-test, say.
TAG := $(shell $(PYTHON) -c "import sys; \
	print(sys.implementation.cache_tag + getattr(sys, 'abiflags', ''))")
BIN := $(if $(filter Windows_NT,$(OS)),Scripts,bin)
TEST := .venv/$(TAG)-test
CHECK := .venv/$(TAG)-check
EXPLORE := .venv/$(TAG)-explore
BENCH := .venv/$(TAG)-bench

.PHONY: help
help:  ## list the targets (default)
	@sed -n 's/^\([a-z0-9 -]*\):.*## \(.*\)/  make \1#\2/p' $(MAKEFILE_LIST) \
		| awk -F '#' '{ printf "%-18s %s\n", $$1, $$2 }'

.PHONY: run
run:  ## run the whole chapter
	@for item in $(ITEMS); do \
		sed -n '1s/"""/=== /p' $$item/main.py; echo; \
		$(PYTHON) $$item/main.py || exit; \
	done

.PHONY: questions
questions:  ## answer what readers ask next
	@for item in $(ANSWERED); do \
		sed -n '1s/"""/=== /p' $$item/questions.py; echo; \
		$(PYTHON) $$item/questions.py || exit; \
	done

.PHONY: $(TARGETS)
item52:  ## run one item; likewise item53 ... item60
$(TARGETS):
	@$(PYTHON) $(wildcard $@_*)/main.py
	@for script in $(wildcard $@_*/questions.py); do \
		echo "What readers ask next: $(PYTHON) $$script"; \
	done

.PHONY: test
test: $(TEST)/ready  ## prove it (PYTHON=python3.13 chooses another Python)
	$(TEST)/$(BIN)/python -m pytest --numprocesses=auto --dist=loadfile

.PHONY: test-all
test-all:  ## the tests on every CPython from 3.11 up that is found
	@tests/each-python $(MAKE) --no-print-directory test

.PHONY: soak
soak: $(TEST)/ready  ## the tests RUNS=200 times, every second time loaded
	$(TEST)/$(BIN)/python tests/soak.py $(or $(RUNS),200)

.PHONY: interrupt
interrupt: $(TEST)/ready  ## Ctrl-C at twenty moments of each item
	$(TEST)/$(BIN)/python -m pytest -k ctrl_c --moments 20

.PHONY: explore
explore: $(EXPLORE)/ready  ## try thread interleavings one by one (frontrun)
	$(EXPLORE)/$(BIN)/python -m pytest --confcutdir=tests/explore \
		--frontrun-patch-locks tests/explore

.PHONY: mutants
mutants: $(TEST)/ready  ## break the scripts on purpose (ONLY=item54_lock)
	$(TEST)/$(BIN)/python tests/mutants.py $(ONLY)

.PHONY: bench
bench: $(BENCH)/ready  ## time five ways to do one job (QUICK=1: 45 cells)
	@$(BENCH)/$(BIN)/python -m benchmarks.bench $(JSON) \
		$(if $(QUICK),--quick) $(if $(PEERS),--peers)

.PHONY: pictures
pictures: $(BENCH)/ready  ## draw the pictures (JSON=benchmarks/mine.json: yours)
	@$(BENCH)/$(BIN)/python -m benchmarks.pictures $(JSON)

.PHONY: executors
executors: $(BENCH)/ready  ## one call on threads, processes and a Dask cluster
	@$(BENCH)/$(BIN)/python -m benchmarks.executors

.PHONY: test-bench
test-bench: $(BENCH)/ready  ## the tests of what needs the benchmarks' packages
	$(BENCH)/$(BIN)/python -m pytest --confcutdir=tests/bench tests/bench

.PHONY: golden
golden: $(TEST)/ready  ## rewrite the golden transcripts, show what changed
	$(TEST)/$(BIN)/python -m pytest -k test_transcript \
		--snapshot-update
	git diff --patch -- tests/__snapshots__

.PHONY: lint
lint: $(CHECK)/ready $(TEST)/ready  ## check format, style and types
	$(CHECK)/$(BIN)/ruff format --check .
	$(CHECK)/$(BIN)/ruff check .
	$(CHECK)/$(BIN)/mypy --python-executable $(TEST)/$(BIN)/python .

.PHONY: check
check: lint test  ## everything: format, style, types, tests

.PHONY: clean
clean:  ## remove what the other targets made
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(TEST)/ready: tests/requirements.txt
$(CHECK)/ready: tests/requirements-check.txt
$(EXPLORE)/ready: tests/explore/requirements.txt
$(BENCH)/ready: benchmarks/requirements.txt
%/ready:
	$(PYTHON) -m venv --clear $*
	$*/$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--require-hashes -r $<
	@touch $@
