# `make` alone lists the targets. Each one first brings .venv in step with requirements.lock.
.DEFAULT_GOAL := help
SHELL := /bin/bash
BIN := .venv/bin

# Compiled modules make every start of Airflow about twice as fast.
unexport PYTHONDONTWRITEBYTECODE

export PYTHON

FAST := $(addprefix tests/,core simulators store systems test_mapping_files.py)

.PHONY: help install demo up check test browser simulate soak bench lint format lock sbom

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: ## install everything into .venv
	@scripts/install.sh

demo: install ## the whole story on a real Airflow, between simulators of both systems
	@$(BIN)/python -m samklang.demo

up: install ## Airflow with its UI for the connections you set; DEMO=1: against the simulators
	@$(BIN)/python -m samklang.demo up $(if $(filter-out 0,$(DEMO)),--demo)

check: lint ## what to run before each commit: lint and the fast tests, within two minutes
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 $(FAST) $(ARGS)

test: install ## the whole test suite; ARGS="-k name" passes options to pytest
	@$(BIN)/python -m pytest -n auto --maxprocesses 4 $(ARGS)

browser: install ## only the tests of the console in Chromium, on a real Airflow; screenshots go to .artifacts
	@SAMKLANG_BROWSER=1 $(BIN)/python -m pytest $(or $(ARGS),tests/browser)

simulate: install ## whole syncs from seeds, with faults, before an oracle: SEEDS=n FIRST_SEED=m; exit 1 if a promise breaks
	@$(BIN)/python -m simulation --past --seeds $(or $(SEEDS),500) --first-seed $(or $(FIRST_SEED),0)

bench: install ## the benchmarks, with a table against peers
	@$(BIN)/python -m benchmarks

soak: install ## real processes killed and cut off, round after round; ROUNDS=n SEED=m
	@$(BIN)/python -m soak $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SEED),--seed $(SEED))

lint: install ## formatting, lint, types, layering, licences, known vulnerabilities, base image
	@echo "• formatting" && $(BIN)/ruff format --check --quiet .
	@echo "• lint" && $(BIN)/ruff check --quiet .
	@echo "• types" && $(BIN)/mypy
	@echo "• layering" && $(BIN)/lint-imports --no-logo
	@echo "• licences" && $(BIN)/pip-licenses >/dev/null
	@echo "• known vulnerabilities" && scripts/audit.sh
	@echo "• base image" && scripts/image.sh --check

sbom: install ## the bill of materials of what is locked, as CycloneDX: sbom.cdx.json
	@# a lock does not say what the project itself asks for: it warns of that
	@PYTHONWARNINGS=ignore::UserWarning $(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible \
		--output-file sbom.cdx.json requirements.lock

format: install ## format the code and apply the safe fixes of the linter
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format .

lock: install ## renew requirements.lock after a change in pyproject.toml; ARGS=--upgrade takes the newest versions
	@$(BIN)/uv pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 \
		--generate-hashes --no-header --no-annotate --quiet --output-file requirements.lock $(ARGS)
