# The one face of every tool. `make` alone lists the targets.

PYTHON ?= python3
ITEMS = item52_subprocess item53_gil item54_lock item55_queue item56_life \
	item57_threads item58_queue_refactor item59_pool item60_coroutines
ANSWERED = item52_subprocess item53_gil item54_lock item55_queue \
	item57_threads item59_pool item60_coroutines
TARGETS = item52 item53 item54 item55 item56 item57 item58 item59 item60

# What a user has set for Python and its tools is not meant for these.
unexport PYTHONPATH PYTHONHOME PYTHONSAFEPATH PYTHONSTARTUP PYTHONINSPECT \
	PYTHONOPTIMIZE PYTHONWARNINGS PYTHONDEVMODE PYTHONUSERBASE \
	PIP_TARGET PIP_PREFIX PIP_USER PIP_REQUIREMENT PIP_CONSTRAINT \
	PIP_NO_DEPS PIP_DRY_RUN PIP_REQUIRE_VIRTUALENV \
	PYTEST_ADDOPTS PYTEST_PLUGINS PYTEST_DISABLE_PLUGIN_AUTOLOAD

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
	@for copy in item*/item[0-9][0-9].py; do \
		cp $$(basename $$copy .py)_*/main.py $$copy; \
	done

.PHONY: test
test: $(TEST)/ready  ## prove it (PYTHON=python3.13 chooses another Python)
	$(TEST)/$(BIN)/python -m pytest --numprocesses=4 --dist=loadgroup

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
	$(TEST)/$(BIN)/python -m pytest -k however --moments 20

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
			--cache-dir ../.mypy_cache/$$item .) || exit; \
	done
	$(CHECK)/$(BIN)/mypy --python-executable $(TEST)/$(BIN)/python tests benchmarks

.PHONY: check
check: lint test  ## everything: format, style, types, tests

.PHONY: clean
clean:  ## remove what the other targets made
	rm -rf .venv .*_cache site
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(TEST)/ready: tests/requirements.txt
$(CHECK)/ready: tests/requirements-check.txt
%/ready:
	$(PYTHON) -m venv --clear $*
	$*/$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--require-hashes -r $<
	@touch $@
