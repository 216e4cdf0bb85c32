# Everything a person or a machine runs here. Needs make and Python 3.11 to 3.13 with venv; nothing else, except where
# a target says so. `make` alone lists the targets.

# Port of the page: make run PORT=3001
PORT ?= 3000
PYTHON_OF_VENV := .venv/bin/python
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup run demo test lint schema docs lock bench clean

help: ## list these targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## create .venv with the locked dependencies and this package (PYTHON=... chooses another Python)
	@PYTHON="$(PYTHON)" sh scripts/setup.sh .venv requirements.lock

run: setup ## start the page, the daemon and the demo shop at http://127.0.0.1:3000 (PORT=... chooses another port)
	@exec $(PYTHON_OF_VENV) scripts/start.py --port "$(PORT)"

demo: setup ## load the demo shop's last 30 days and print the exchange summary
	@exec $(PYTHON_OF_VENV) scripts/demo.py

test: setup ## run every test (the ones in a browser need chromium and chromedriver)
	@exec $(PYTHON_OF_VENV) -m pytest -n 6 --dist loadfile --no-loadscope-reorder

lint: setup ## check style, format, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

schema: setup ## write keycrm_pipeline/profile/profile.schema.json again, after a setting was added or reworded
	@exec $(PYTHON_OF_VENV) scripts/write_profile_schema.py

docs: setup ## write docs/tables.md again, after a table was changed
	@exec $(PYTHON_OF_VENV) -m keycrm_pipeline.schemas.reference docs/tables.md

lock: setup ## choose the dependencies' versions again, within the bounds of pyproject.toml
	@exec $(PYTHON_OF_VENV) scripts/lock.py

bench: ## measure speed against the limits and against dlt, in an environment of its own (.venv-bench)
	@PYTHON="$(PYTHON)" sh scripts/setup.sh .venv-bench requirements-bench.lock
	@exec .venv-bench/bin/python -m keycrm_pipeline_tests.benchmarks

clean: ## remove the environments and caches; data and Dagster's history stay
	@rm -rf .venv .venv-bench *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find keycrm_pipeline keycrm_pipeline_tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
