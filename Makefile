# Everything a fresh machine needs: Python 3.11 or newer, make, and a package registry or its mirror.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(shell command -v uv 2>/dev/null || echo .uv-bootstrap/bin/uv)
export DO_NOT_TRACK = 1
export DBT_SEND_ANONYMOUS_USAGE_STATS = false
export DAGSTER_DISABLE_TELEMETRY = yes
export GX_ANALYTICS_ENABLED = false
# Mirrors inside closed networks are signed by the machine's own authorities.
export UV_SYSTEM_CERTS = true
export DG_CLI_CONFIG = orchestration/dg-cli.toml
# Where bytecode may not be kept, every import costs twice.
unexport PYTHONDONTWRITEBYTECODE
# The longest first, so that two workers end together.
ROOMS := tests/street/test_slices.py tests/street tests/dbt tests/docs tests/ingestion tests/sandbox tests/orchestration tests/labels \
	tests/publishing tests/privacy tests/quality tests/chaos tests/spark
HEAVY := scenario or browser or chaos or postgres

.PHONY: help setup spark superset peers demo dev test test-heavy test-spark test-bi bench check clean lock

help: ## List the targets.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: $(VENV)/.ready ## Make .venv with the locked packages.

# The lock is installed with hashes, the build backend included; the project itself is linked.
$(VENV)/.ready: requirements.lock pyproject.toml | $(UV)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) $(VENV)
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps --editable .
	@touch $@

spark: $(VENV)/.spark ## Add Apache Spark to .venv: 400 MB, for --target spark.

$(VENV)/.spark: requirements-spark.lock $(VENV)/.ready
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements-spark.lock
	@touch $@

superset: .venv-superset/.ready ## Make .venv-superset: Apache Superset, 0.7 GB, for a trial of deploy/superset.

.venv-superset/.ready: requirements-superset.lock | $(UV)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv-superset
	$(UV) pip install --quiet --python .venv-superset/bin/python --require-hashes -r requirements-superset.lock
	@touch $@

peers: $(addprefix .venv-peers/,ingestr/.ready singer-files/.ready singer-rest/.ready) ## Make .venv-peers: other tools, for benchmarks.peers.

.venv-peers/%/.ready: benchmarks/peers-%.lock | $(UV)
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv-peers/$*
	$(UV) pip install --quiet --python .venv-peers/$*/bin/python --require-hashes -r benchmarks/peers-$*.lock
	@touch $@

.uv-bootstrap/bin/uv:
	$(PYTHON) -m venv .uv-bootstrap
	.uv-bootstrap/bin/pip install --quiet --disable-pip-version-check uv

demo: setup ## Play a pretend region through the whole street.
	$(BIN)/otklik demo

dev: setup ## Open the Dagster UI on http://127.0.0.1:3000.
	$(BIN)/otklik dev

test: setup ## The fast tests.
	$(BIN)/pytest -n 2 --dist loadfile -m "not ($(HEAVY) or spark or bi)" $(ROOMS)

test-heavy: setup ## Whole scenarios and the UI in a browser; minutes.
	$(BIN)/pytest -n 2 --dist loadfile --durations 30 -m "$(HEAVY)" $(OPTIONS) $(ROOMS)

test-spark: setup spark ## A real cluster on loopback against DuckDB; half an hour, Java 17.
	$(BIN)/pytest -n 0 -m spark $(OPTIONS) tests/spark tests/quality

test-bi: setup superset ## The dashboard in a real Superset, in headless Chromium; minutes.
	$(BIN)/pytest -n 0 -m bi $(OPTIONS) tests/street/test_superset.py

bench: setup peers ## All benchmarks into benchmarks/RESULTS.md; half an hour on an idle machine.
	$(BIN)/python -m benchmarks $(OPTIONS)

check: setup ## Lint, types, SQL, dbt parse, definitions.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	# A model that sqlfluff cannot render is only a warning to it.
	$(BIN)/sqlfluff lint dbt_project --processes 2 --disable-progress-bar 2>&1 | tee /dev/stderr | \
	  (! grep -q "Unable to lint")
	cd dbt_project && ../$(BIN)/dbt --quiet parse --no-partial-parse --profiles-dir .
	$(BIN)/python -m orchestration.check

lock: $(UV) ## Resolve pyproject.toml into requirements.lock, with hashes and without addresses.
	$(UV) pip compile pyproject.toml --extra dev --generate-hashes --universal --python-version 3.11 \
	  --no-emit-index-url --no-header --quiet --upgrade -o requirements.lock
	$(UV) pip compile requirements-spark.in --constraint requirements.lock --generate-hashes --universal \
	  --python-version 3.11 --no-emit-index-url --no-header --quiet --upgrade -o requirements-spark.lock
	$(UV) pip compile requirements-superset.in --generate-hashes --universal --python-version 3.11 \
	  --no-emit-index-url --no-header --quiet --upgrade -o requirements-superset.lock
	for peer in ingestr singer-files singer-rest; do \
	  $(UV) pip compile benchmarks/peers-$$peer.in --generate-hashes --universal --python-version 3.11 \
	    --no-emit-index-url --no-header --quiet --upgrade -o benchmarks/peers-$$peer.lock || exit 1; \
	done

clean: ## Remove what was built, the demo's data included.
	rm -rf data dbt_project/target dbt_project/logs logs .pytest_cache .ruff_cache .mypy_cache .hypothesis
	rm -rf $(VENV) .venv-superset .venv-peers .uv-bootstrap
