# Everything a developer types. `make setup` runs by itself when something needs it.

PYTHON ?= python3
WORKERS ?= 2
PORT ?= 8000

BIN := .venv/bin
STAMP := .venv/.ready

.PHONY: help setup demo test test-unit test-matrix test-docker test-slow chaos test-histories check format docs readme bench-backfill bench-backfill-large bench-upgrade bench-forms bench-undo constraints clean

help:
	@echo "make demo         run the main job on a private PostgreSQL and show what happens"
	@echo "make service      the catalog service with all it needs, until Ctrl-C (PORT=8001 for another port)"
	@echo "make test         all tests that need nothing installed"
	@echo "make test-unit    the tests that need no server"
	@echo "make test-matrix  the server tests on PostgreSQL 14 to 18 (fetched once into a cache)"
	@echo "make test-docker  the tests that need a container engine"
	@echo "make test-slow    the tests that take most of a minute each"
	@echo "make chaos        kill a backfill three hundred times, and one by Celery; takes half an hour"
	@echo "make test-histories  published histories, by Alembic and by migrator (installs each package)"
	@echo "make check        lint, format, types, import contracts, reference pages"
	@echo "make format       let ruff rewrite what it can"
	@echo "make docs         write the reference pages anew from the code"
	@echo "make readme       run the README's commands and renew the outputs it shows"
	@echo "make bench-backfill  measure the backfill against one large UPDATE"
	@echo "make bench-backfill-large  the same on twenty million rows: speed, memory, start and resume"
	@echo "make bench-upgrade   measure upgrades against Alembic's"
	@echo "make bench-gate    migrator check beside squawk and alembic-guard"
	@echo "make bench-forms     measure every online form under load, beside Alembic"
	@echo "make bench-undo      measure what undoing a contract of a million rows costs the application"
	@echo "make bench-catalog   measure the catalog service: its lists, and a load while its schema changes"
	@echo "make constraints  write the installed versions to constraints.txt"
	@echo "make clean        remove the environment and all caches, not the data in .migrator"

demo: $(STAMP)
	$(BIN)/migrator demo

test: $(STAMP)
	$(BIN)/python -m pytest -n $(WORKERS)

test-unit: $(STAMP)
	$(BIN)/python -m pytest tests/unit -n $(WORKERS)

test-matrix: $(STAMP)
	$(BIN)/python -m pytest -m matrix

test-docker: $(STAMP)
	$(BIN)/python -m pytest -m docker

test-slow: $(STAMP)
	$(BIN)/python -m pytest -m slow
chaos: $(STAMP)
	MIGRATOR_TEST_KILLS=300 $(BIN)/python -m pytest tests/chaos/test_counter.py tests/chaos/test_celery_counter.py -m chaos -s

test-histories: $(STAMP)
	$(BIN)/python -m tests.histories $(HISTORIES)

check: $(STAMP)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m docs.generate --check
	$(BIN)/migrator check

format: $(STAMP)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(STAMP)
	$(BIN)/python -m docs.generate
	$(BIN)/python -m migrator.check.pages docs/rules

readme: $(STAMP)
	$(BIN)/python -m docs.capture

bench-backfill: $(STAMP)
	$(BIN)/python -m benchmarks.backfill

bench-backfill-large: $(STAMP)
	$(BIN)/python -m benchmarks.backfill_large

bench-upgrade: $(STAMP)
	$(BIN)/python -m benchmarks.upgrade $(HISTORIES)

bench-gate: $(STAMP)
	$(BIN)/python -m benchmarks.gate

bench-forms: $(STAMP)
	$(BIN)/python -m benchmarks.online_forms

bench-undo: $(STAMP)
	$(BIN)/python -m benchmarks.undo_contract

service: $(STAMP)
	$(BIN)/python -m tools.service --port $(PORT)

bench-catalog: $(STAMP)
	$(BIN)/python -m uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[dev,bench]'
	$(BIN)/python -m benchmarks.catalog_lists
	$(BIN)/python -m benchmarks.catalog_load

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "migrator needs Python 3.11 or newer: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "this Python cannot make environments; on Debian: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt uv || \
	  echo "uv is not to be had; pip takes a little longer"
	$(BIN)/python -m uv pip install --quiet --python $(BIN)/python -c constraints.txt -e '.[dev]' || \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@# Not everybody lets Python write its caches; without them each start compiles half a million lines anew.
	@$(BIN)/python -m compileall -q -j 0 .venv/lib migrator >/dev/null 2>&1 || true
	@touch $(STAMP)

constraints: $(STAMP)
	$(BIN)/python -m pip list --format=freeze --exclude-editable --exclude pip --exclude setuptools > constraints.txt

clean:
	rm -rf .venv .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
