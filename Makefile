# The one face of every tool. `make` alone lists the targets.

PYTHON ?= python3
ITEMS = item52_subprocess item53_gil item54_lock item55_queue item56_life \
	item57_threads item58_queue_refactor item59_pool item60_coroutines
ANSWERED = $(patsubst %/questions.py,%,$(wildcard $(ITEMS:=/questions.py)))
TARGETS = item52 item53 item54 item55 item56 item57 item58 item59 item60
# What belongs there, whatever else stands beside it.
FILES = main.py questions.py chapter.py peer.py item[0-9][0-9].py
SCRIPTS = $(wildcard $(foreach item,$(ITEMS),$(FILES:%=$(item)/%)))
OURS = $(SCRIPTS) tests benchmarks docs requirements/environment.py

# What a user has set for Python is not meant for these.
unexport $(filter PYTHON%,$(.VARIABLES))
ASK = $(PYTHON) -c "import sys; print(sys.version_info >= (3, 11))"
PY = $(if $(filter True,$(shell $(ASK) 2>&1 || :)),$(PYTHON),$(error \
	needs CPython 3.11 or newer, and $(PYTHON) is none: set PYTHON=python3.13, say))
# Runs a command in the environment of a group of packages.
IN = $(PY) "$(CURDIR)/requirements/environment.py"
MYPY = $(IN) check mypy --config-file "$(CURDIR)/pyproject.toml" \
	--cache-dir "$(CURDIR)/.mypy_cache" --python-version $$version

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
		sed -n '1{s/"""/=== /;s/"""//;p;}' $$item/main.py; echo; \
		$(PY) $$item/main.py || exit; \
	done

.PHONY: questions
questions:  ## answer what readers ask next
	@for item in $(ANSWERED); do \
		sed -n '1{s/"""/=== /;s/"""//;p;}' $$item/questions.py; echo; \
		$(PY) $$item/questions.py || exit; \
	done

.PHONY: $(TARGETS)
item52:  ## run one item; likewise item53 ... item60
$(TARGETS):
	@$(PY) $(filter $@_%,$(ITEMS))/main.py

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
test:  ## prove it (PYTHON=python3.13 chooses another Python)
	@$(IN) test python -m pytest

.PHONY: test-all
test-all:  ## the tests on every CPython from 3.11 up that is found
	@tests/each-python $(MAKE) --no-print-directory test

.PHONY: soak
soak:  ## the tests again and again (RUNS=100)
	@for run in $$(seq $(or $(RUNS),100)); do \
		echo "run $$run"; $(IN) test python -m pytest || exit; \
	done

.PHONY: interrupt
interrupt:  ## end each script by signals at twenty moments
	@MOMENTS=20 $(IN) test python -m pytest -k however

.PHONY: bench
bench:  ## time the ways to do one job (QUICK=1: 45 cells)
	@$(IN) bench python -m benchmarks.bench $(JSON) \
		$(if $(QUICK),--quick)

.PHONY: pictures
pictures:  ## draw the pictures (JSON=benchmarks/mine.json: yours)
	@$(IN) bench python -m benchmarks.pictures $(JSON)

.PHONY: executors
executors:  ## one call on threads, processes and a Dask cluster
	@$(IN) bench python -m benchmarks.bench --executors $(JSON) \
		$(if $(QUICK),--quick)

.PHONY: test-bench
test-bench:  ## the tests of the benchmarks
	@$(IN) bench python -m pytest --confcutdir=tests/bench tests/bench

.PHONY: explore
explore:  ## every schedule of a few threads (Python 3.12 or newer)
	@$(IN) explore python -m pytest -rs tests/explore

.PHONY: mutants
mutants:  ## break scripts on purpose (ONLY=item54)
	@$(IN) mutants python -m tests.mutants.run $(ONLY)

.PHONY: site
site:  ## build the web pages in site/
	@$(IN) docs python -m sphinx -q -W -E -d .sphinx_cache docs site
	@echo "made site/index.html"

.PHONY: translations
translations:  ## renew what is there to be said in Korean
	@$(IN) docs python -m sphinx -q -W -E -b gettext -d .sphinx_cache/gettext \
		docs .sphinx_cache/pot
	@$(IN) docs pybabel -q update -i .sphinx_cache/pot/sphinx.pot -d docs/locale \
		-D sphinx -l ko -N -w 79 --ignore-obsolete --ignore-pot-creation-date
	@$(IN) docs python -m tests.site.missing

.PHONY: test-site
test-site: site  ## the tests of the web pages, in a Chromium
	@$(IN) docs python -m pytest --confcutdir=tests/site tests/site

.PHONY: lock
lock:  ## pin the packages anew (UPGRADE=1: the newest ones)
	@for group in test check bench docs explore mutants lock; do \
		echo "requirements/$$group.txt"; \
		$(IN) lock uv pip compile --quiet --universal \
			--python-version 3.11 --generate-hashes --no-annotate \
			--custom-compile-command "make lock" \
			$(if $(UPGRADE),--upgrade) --group $$group \
			--output-file requirements/$$group.txt || exit; \
	done

.PHONY: golden
golden:  ## rewrite the golden transcripts, show what changed
	@$(IN) test python -m pytest tests/test_golden.py --snapshot-update
	@if git rev-parse 2>/dev/null; then \
		git diff --patch -- tests/__snapshots__; \
	else echo "No git here: nothing to compare with."; fi

.PHONY: lint
lint:  ## check format, style and types
	@$(IN) check ruff format --check $(OURS)
	@$(IN) check ruff check $(OURS)
	@rm -rf .lint_cache; mkdir -p $(ITEMS:%=.lint_cache/%)
	@for file in $(SCRIPTS); do cp -p $$file .lint_cache/$$file; done
	@tests=$$($(IN) test python -c "import sys; print(sys.executable)") && \
	for version in 3.11 3.14; do \
		for item in $(ITEMS); do \
			echo "mypy $$item, as on $$version"; \
			(cd .lint_cache/$$item && $(MYPY) .) || exit; \
		done; \
		$(MYPY) --python-executable "$$tests" $(filter-out $(SCRIPTS),$(OURS)) \
			|| exit; \
	done

.PHONY: check
check: lint test  ## format, style, types, and the tests

.PHONY: clean
clean:  ## remove what the other targets made
	rm -rf .envs .*_cache site docs/item*.md docs/locale/*/*/*.mo
	find $(ITEMS) tests benchmarks docs requirements -name __pycache__ -prune -exec rm -rf {} +
