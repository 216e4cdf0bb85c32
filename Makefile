# Everything that people and CI run here. Needs make and Python 3.11 to 3.13 with venv, and nothing else except where a
# target says so. `make` alone lists the targets.

# Port of Dagster's page; the exchange page has the next one: make run PORT=4000
PORT ?= 3000
# What `make test-fast` runs: neither the commands, nor Dagster, nor a browser.
FAST_TESTS := $(addprefix keycrm_pipeline_tests/,accounting crm schemas warehouse profile test_period.py)
# Locks for all systems and Python versions from 3.11 on, with hashes and without the address of a package index:
# everybody installs from the index that their pip uses.
LOCKING = --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-strip-extras --quiet \
	$(if $(UPGRADE),--upgrade)
COMPILE = uv pip compile pyproject.toml $(LOCKING)
PYTHON_OF_VENV := .venv/bin/python
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help setup setup-product run demo test test-fast test-distributed soak lint schema messages docs lock bench bench-lake clean

help: ## list these targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## create .venv with the locked dependencies, those of the tests, and this package (PYTHON=... chooses another Python)
	@PYTHON="$(PYTHON)" sh scripts/setup.sh .venv requirements.lock requirements-dev.lock

setup-product: ## create .venv with what the product itself needs; make run and make demo begin with it
	@PYTHON="$(PYTHON)" sh scripts/setup.sh .venv requirements.lock

run: setup-product ## start the exchange page at http://127.0.0.1:3001, Dagster at 3000 and the daemon (PORT=... chooses another)
	@exec $(BIN)/keycrm-pipeline up --port "$(PORT)"

demo: setup-product ## load the demo shop's last 30 days and print the exchange summary
	@exec $(BIN)/keycrm-pipeline demo

# Hundreds of processes import the package, and each worker all tests: compiled once, also where the environment forbids it.
test test-fast: export PYTHONDONTWRITEBYTECODE :=

# Six at a time also on two processors, since many tests mostly wait. A worker gets whole files, because the fixtures
# of a file are made once for all of its tests; the order of the files is that of conftest.py.
test: setup ## run every test, about 20 minutes on two cores (needs chromium, chromedriver and LibreOffice Calc)
	@exec $(PYTHON_OF_VENV) -m pytest -n 6 --dist loadfile --no-loadscope-reorder

test-fast: setup ## run the tests of rules, client, profile, schemas and warehouse, about a minute
	@exec $(PYTHON_OF_VENV) -m pytest -n auto --dist worksteal $(FAST_TESTS)

test-distributed: ## run the tests of the lake, in a separate environment (.venv-distributed; needs PostgreSQL, which it starts itself)
	@PYTHON="$(PYTHON)" sh scripts/setup.sh .venv-distributed requirements-distributed-tests.lock
	@exec .venv-distributed/bin/python -m pytest keycrm_pipeline_tests/lake

soak: setup ## live through a year in simulated time, compare the books with a fresh load and print what grew (about 20 minutes)
	@exec $(PYTHON_OF_VENV) -m keycrm_pipeline_tests.soak

lint: setup ## check style, format, types and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

schema: setup ## rewrite keycrm_pipeline/profile/profile.schema.json after a setting was added or reworded
	@exec $(PYTHON_OF_VENV) scripts/write_profile_schema.py

messages: setup ## bring the catalogue of messages up to date, list what is not translated, and compile it
	@exec $(PYTHON_OF_VENV) scripts/messages.py

docs: setup ## rewrite docs/tables.md after a table was changed
	@exec $(PYTHON_OF_VENV) -m keycrm_pipeline.schemas.reference docs/tables.md

lock: ## write the dependencies of pyproject.toml to the locks (needs uv; UPGRADE=yes also updates versions)
	@uv pip compile --group installer $(LOCKING) --output-file requirements-uv.lock
	@$(COMPILE) --group setup --output-file requirements.lock
	@$(COMPILE) --group setup --group dev --constraints requirements.lock --output-file requirements-dev.lock
	@$(COMPILE) --group setup --group dev --group bench --constraints requirements-dev.lock --output-file requirements-bench.lock
	@$(COMPILE) --extra distributed --output-file requirements-distributed.lock
	@$(COMPILE) --extra distributed --group setup --group dev --group lake --constraints requirements-distributed.lock --output-file requirements-distributed-tests.lock

bench: ## measure speed against the limits and against dlt, in a separate environment (.venv-bench)
	@PYTHON="$(PYTHON)" sh scripts/setup.sh .venv-bench requirements-bench.lock
	@exec .venv-bench/bin/python -m keycrm_pipeline_tests.benchmarks

bench-lake: ## measure a lake beside a file (needs PostgreSQL, which it starts itself), in .venv-distributed
	@PYTHON="$(PYTHON)" sh scripts/setup.sh .venv-distributed requirements-distributed-tests.lock
	@exec .venv-distributed/bin/python -m keycrm_pipeline_tests.benchmarks.lake

clean: ## remove the environments and caches; data and Dagster's history stay
	@rm -rf .venv .venv-bench .venv-distributed build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find keycrm_pipeline keycrm_pipeline_tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
