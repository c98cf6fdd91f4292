# The one face of every tool. `make` alone lists the targets.

PYTHON ?= python3
ITEMS = item52_subprocess item53_gil item54_lock item55_queue item56_life \
	item57_threads item58_queue_refactor item59_pool item60_coroutines
ANSWERED = $(patsubst %/questions.py,%,$(wildcard $(ITEMS:=/questions.py)))
TARGETS = item52 item53 item54 item55 item56 item57 item58 item59 item60

# What a user has set for Python, pip and pytest is not meant for these, but
# for where pip finds its packages.
REACH = PIP_CERT PIP_CLIENT_CERT PIP_CONFIG_FILE PIP_INDEX_URL \
	PIP_EXTRA_INDEX_URL PIP_FIND_LINKS PIP_NO_INDEX PIP_PROXY \
	PIP_TRUSTED_HOST PIP_CACHE_DIR PIP_RETRIES PIP_TIMEOUT
unexport $(filter-out $(REACH),$(filter PYTHON% PIP_% PYTEST_%,$(.VARIABLES)))

# An environment for each interpreter and task: .venv/cpython-313-test, say.
TAG := $(shell $(PYTHON) -c "import sys; \
	print(sys.implementation.cache_tag + getattr(sys, 'abiflags', ''))")
BIN := $(if $(filter Windows_NT,$(OS)),Scripts,bin)
TEST := .venv/$(TAG)-test
CHECK := .venv/$(TAG)-check
BENCH := .venv/$(TAG)-bench
DOCS := .venv/$(TAG)-docs
EXPLORE := .venv/$(TAG)-explore
MUTANTS := .venv/$(TAG)-mutants
LOCK := .venv/$(TAG)-lock
PIP := .venv/$(TAG)-pip

.PHONY: help
help:  ## list the targets (default)
	@sed -n 's/^\([a-z0-9 -]*\):.*## \(.*\)/  make \1#\2/p' Makefile \
		| awk -F '#' '{ printf "%-18s %s\n", $$1, $$2 }'

# Another make runs this first, and says what is wrong.
.BEGIN:
	@echo "This Makefile needs GNU make; it may be called gmake." >&2; exit 1

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
	@$(PYTHON) $(filter $@_%,$(ITEMS))/main.py

.PHONY: copies
copies:  ## renew what items take over from earlier ones
	@for item in $(filter-out item52%,$(ITEMS)); do \
		cp item52_subprocess/chapter.py $$item; \
	done
	@for item in $(filter item57% item58% item59% item60%,$(ITEMS)); do \
		cp item56_life/peer.py $$item; \
	done
	@for copy in item*/item[0-9][0-9].py; do \
		cp $$(basename $$copy .py)_*/main.py $$copy; \
	done

.PHONY: test
test: $(TEST)/ready  ## prove it (PYTHON=python3.13 chooses another Python)
	$(TEST)/$(BIN)/python -m pytest

.PHONY: test-all
test-all:  ## the tests on every CPython from 3.11 up that is found
	@tests/each-python $(MAKE) --no-print-directory test

.PHONY: soak
soak: $(TEST)/ready  ## the tests again and again (RUNS=100)
	@for run in $$(seq $(or $(RUNS),100)); do \
		echo "run $$run"; $(MAKE) --no-print-directory test || exit; \
	done

.PHONY: interrupt
interrupt: $(TEST)/ready  ## end each script by signals at twenty moments
	MOMENTS=20 $(TEST)/$(BIN)/python -m pytest -k however

.PHONY: bench
bench: $(BENCH)/ready  ## time five ways to do one job (QUICK=1: 45 cells)
	@$(BENCH)/$(BIN)/python -m benchmarks.bench $(JSON) \
		$(if $(QUICK),--quick)

.PHONY: pictures
pictures: $(BENCH)/ready  ## draw the pictures (JSON=benchmarks/mine.json: yours)
	@$(BENCH)/$(BIN)/python -m benchmarks.pictures $(JSON)

.PHONY: executors
executors: $(BENCH)/ready  ## one call on threads, processes and a Dask cluster
	@$(BENCH)/$(BIN)/python -m benchmarks.executors

.PHONY: test-bench
test-bench: $(BENCH)/ready  ## the tests of the benchmarks
	$(BENCH)/$(BIN)/python -m pytest --confcutdir=tests/bench tests/bench

.PHONY: explore
explore: $(EXPLORE)/ready  ## every schedule of a few threads (Python 3.12 or newer)
	$(EXPLORE)/$(BIN)/python -m pytest -rs tests/explore || [ $$? = 5 ]

.PHONY: mutants
mutants: $(MUTANTS)/ready  ## break scripts on purpose (ONLY=item54_lock)
	@copy=$$(mktemp -d) && trap 'rm -rf "$$copy"' EXIT && \
	cp -R Makefile pyproject.toml README.md item* tests "$$copy" && \
	mutants="$$PWD/$(MUTANTS)/$(BIN)/python" && cd "$$copy" && \
	"$$mutants" -m tests.mutants.run $(or $(ONLY),$(ITEMS))

.PHONY: site
site: $(DOCS)/ready  ## build the web pages in site/
	$(DOCS)/$(BIN)/python -m sphinx -q -W -E -d .sphinx_cache docs site

.PHONY: test-site
test-site: site  ## the tests of the web pages, in a Chromium
	$(DOCS)/$(BIN)/python -m pytest --confcutdir=tests/site tests/site

.PHONY: lock
lock: $(LOCK)/ready  ## pin the packages anew (UPGRADE=1: the newest ones)
	@for group in test check bench docs explore mutants lock; do \
		$(LOCK)/$(BIN)/uv pip compile --quiet --universal \
			--python-version 3.11 --generate-hashes --no-annotate \
			--custom-compile-command "make lock" \
			$(if $(UPGRADE),--upgrade) --group $$group \
			--output-file requirements/$$group.txt || exit; \
	done

.PHONY: golden
golden: $(TEST)/ready  ## rewrite the golden transcripts, show what changed
	$(TEST)/$(BIN)/python -m pytest tests/test_golden.py --snapshot-update
	git diff --patch -- tests/__snapshots__

.PHONY: lint
lint: $(CHECK)/ready $(TEST)/ready  ## check format, style and types
	$(CHECK)/$(BIN)/ruff format --check .
	$(CHECK)/$(BIN)/ruff check .
	@for item in $(ITEMS); do \
		echo "mypy $$item"; (cd $$item && ../$(CHECK)/$(BIN)/mypy \
			--config-file ../pyproject.toml \
			--cache-dir ../.mypy_cache .) || exit; \
	done
	$(CHECK)/$(BIN)/mypy --python-executable $(TEST)/$(BIN)/python tests benchmarks docs

.PHONY: check
check: lint test  ## format, style, types, and the tests

.PHONY: clean
clean:  ## remove what the other targets made
	rm -rf .venv .*_cache site docs/item*.md
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One has pip, for all of them: to install pip takes as long as the rest.
$(PIP)/ready:
	$(PYTHON) -m venv --clear $(@D)
	@touch $@

.venv/$(TAG)-%/ready: requirements/%.txt | $(PIP)/ready
	$(PYTHON) -m venv --clear --without-pip $(@D)
	$(PIP)/$(BIN)/python -m pip --python $(@D) install --quiet \
		--disable-pip-version-check --no-compile --require-hashes -r $<
	@touch $@
