# `make` alone lists what there is. Every target sets itself up: .venv is made on first use, and again when the
# dependencies have changed.

READY := .venv/.ready
PYTHON := .venv/bin/python
ARGS ?=

# with it, every start of Python would compile everything anew
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test changes combinations faults stock bench bench-quick lint format pages lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv with the project and all it is developed with

$(READY): pyproject.toml $(wildcard uv.lock) .ci/setup
	@.ci/setup

demo: $(READY) ## the Order walk-through: a new model, its migration, every command
	@$(PYTHON) scripts/migrate/example.py
	@printf '\n%s\n' \
	  'To start the admin:' \
	  '  $(PYTHON) oppman.py migrate upgrade' \
	  '  $(PYTHON) oppman.py superuser' \
	  '  $(PYTHON) oppman.py runserver' \
	  'and open http://127.0.0.1:8000/admin'

test: $(READY) ## the tests; some of them: make test ARGS="-k revisions"
	@.venv/bin/pytest -n auto $(ARGS)

changes: $(READY) ## every change of models that create finds, on three servers, up and down; in ten minutes
	@OPPMAN_TEST_CHANGES=all OPPMAN_TEST_REQUIRE=postgresql,mysql .venv/bin/pytest -n auto tests/changes tests/school $(ARGS)

stock: $(READY) ## what stock Alembic makes of the same changes: docs/autogenerate.json, and its page
	@$(PYTHON) tests/stock_alembic.py --write
	@$(PYTHON) tests/autogenerate_page.py --write

combinations: $(READY) ## several changes at once by 300 seeds, ours and stock: docs/autogenerate.json, and its page
	@$(PYTHON) tests/combination_scores.py 300 --write
	@$(PYTHON) tests/autogenerate_page.py --write

faults: $(READY) ## every fault at every statement, on three servers, in an hour or two; a part: make faults PART=1/10
	@OPPMAN_TEST_FAULTS=$(or $(PART),all) OPPMAN_TEST_REQUIRE=postgresql,mysql .venv/bin/pytest -n auto tests/faults $(ARGS)
	@$(PYTHON) tests/reliability_page.py --write

bench: $(READY) ## times beside others, in three quarters of an hour; docs/performance.md is written from them
	@$(PYTHON) -m bench

bench-quick: $(READY) ## the commonest of them, in less than two minutes
	@$(PYTHON) -m bench --quick

lint: $(READY) ## format and style (ruff), types (mypy --strict on src)
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy

format: $(READY) ## bring every file into the project's format
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

pages: $(READY) ## bring what the pages show to what the commands say
	@$(PYTHON) tests/pages.py --write
	@$(PYTHON) tests/json_page.py --write
	@$(PYTHON) tests/reliability_page.py --write
	@$(PYTHON) tests/autogenerate_page.py --write

lock: ## write uv.lock anew from pyproject.toml (needs uv)
	uv lock --no-config --default-index https://pypi.org/simple

clean: ## remove what can be made again: .venv, caches, builds
	rm -rf .venv .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
