# Everything here works on a machine with Python >= 3.11 and make: the targets make .venv as they need it.

VENV := .venv
PYTHON := $(VENV)/bin/python
READY := $(VENV)/.ready
LOCK := requirements.lock
WORKERS ?= auto
UV := $(PYTHON) -m uv
PYTEST := $(PYTHON) -m pytest -n $(WORKERS) --maxprocesses=4

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: $(READY) ## Start the embedded lab with the dashboard on top: no server needed
	@$(VENV)/bin/dfly-tui demo

.PHONY: test
test: $(READY) ## Run all tests; those without redis-server or a Docker engine are skipped, and say so
	rm -f .coverage .coverage.*
	$(PYTEST) -rs --cov --cov-report= tests
	$(PYTHON) -m coverage report --skip-covered --fail-under=90
	$(PYTHON) -m coverage report --include='dfly_tui/operations/*' --fail-under=100

.PHONY: check
check: $(READY) ## Format, lint, types, import rules, spelling
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	$(VENV)/bin/lint-imports
	$(PYTHON) -m codespell_lib

.PHONY: format
format: $(READY) ## Format the code and mend what can be mended mechanically
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

.PHONY: bench
bench: $(READY) ## Measure start-up, CPU, terminal traffic and memory; one line of JSON each
	@failed=0; for file in tests/bench/bench_*.py; do \
		$(PYTHON) -m tests.bench.$$(basename "$$file" .py) || failed=1; \
	done; exit $$failed

.PHONY: pictures
pictures: $(READY) ## Draw docs/pictures and README's key table anew from the program itself
	$(PYTHON) docs/generate.py

.PHONY: snapshots
snapshots: $(READY) ## Accept how the screens look now as how they must look
	$(PYTEST) --snapshot-update tests/screens tests/widgets

.PHONY: wheel
wheel: $(READY) ## Build the wheel into dist/
	rm -rf dist
	$(PYTHON) -m pip wheel -qq --no-deps --no-build-isolation --wheel-dir dist .

.PHONY: build-check
build-check: wheel ## Install the wheel into an environment of its own and start it from an awkward folder
	./.ci/build-check $(PYTHON) $(LOCK) dist/dfly_tui-*.whl

.PHONY: lock
lock: $(READY) ## Choose exact versions anew, after a change of pyproject.toml
	$(PYTHON) -m pip install --quiet uv
	$(UV) pip compile pyproject.toml --extra dev --universal --no-header --quiet --upgrade --output-file $(LOCK)

.PHONY: clean
clean: ## Remove the environment and everything built or cached
	rm -rf $(VENV) dist .coverage .coverage.* .mypy_cache .ruff_cache .import_linter_cache .pytest_cache .hypothesis
	rm -f snapshot_report.html
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml $(LOCK)
	@./.ci/make-venv $(VENV) $(LOCK)
	@touch $@
