# Two commands on a fresh machine that has python3 (3.11 or newer) and make: `make run` and `make test`.
.DEFAULT_GOAL := help
.PHONY: help setup run test check fix soak bench trial bundle sbom
.SUFFIXES:

PYTHON ?= python3
PORT ?= 8000
DATA ?= demo-data
BUNDLE ?= dist
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
# Modules instead of the scripts in .venv/bin: those break when the checkout is moved.
VENV := .venv/bin/python
RUN := .venv/.for-running
TESTS := .venv/.for-tests
PIP := $(VENV) -m pip --disable-pip-version-check install --quiet
# A person's own settings of a real installation have no business in a demonstration.
DEMO := DUIKOU_MODE=demo DUIKOU_DATABASE_URL= DUIKOU_DATA='$(DATA)' DUIKOU_PORT='$(PORT)'

help: ## show this list
	@echo "Duikou (对口). The targets:"
	@sed -n 's/^\([a-z]*\):.*## /  make \1|/p' Makefile | while IFS='|' read -r target text; do printf '%-14s%s\n' "$$target" "$$text"; done

setup: $(RUN) ## create the environment .venv that the product runs in

run: $(RUN) ## serve the demonstration; PORT=8000 and DATA=demo-data may be given
	@$(DEMO) $(VENV) -m app.cli migrate
	@$(DEMO) $(VENV) -m app.cli demo --if-empty
	@exec env $(DEMO) $(VENV) -m app.cli serve

test: $(TESTS) ## install what tests need and run all of them, on SQLite and PostgreSQL
	@$(VENV) -m tests.prepare
	@$(VENV) -m pytest -n $(JOBS)

check: $(TESTS) ## format, lint, types, import contracts, catalogues, known advisories; ADVISORIES= names exports of OSV
	@$(VENV) -m ruff format --check .
	@$(VENV) -m ruff check .
	@$(VENV) -m mypy
	@.venv/bin/lint-imports --no-cache --no-logo
	@$(VENV) -m pytest tests/house/test_catalogues.py
	@$(VENV) -m security.check $(ADVISORIES)

sbom: $(TESTS) ## write the bill of materials to build/sbom.json
	@$(VENV) -m security.bill

fix: $(TESTS) ## put the format right, and what lint can put right by itself
	@$(VENV) -m ruff format .
	@$(VENV) -m ruff check --fix .

soak: $(TESTS) ## long random runs, for a night
	@$(VENV) -m tests.prepare
	@$(VENV) -m pytest -m soak --timeout 7200 -rP

bench: $(TESTS) ## measure the product over the bare limit; QUICK=1, ENGINE=sqlite and ROWS=list,task may be given
	@$(VENV) -m tests.prepare
	@$(VENV) -m bench $(if $(QUICK),--quick) --engine '$(or $(ENGINE),both)' --rows '$(ROWS)'

trial: $(TESTS) ## build the image and run the compose services; as root on Debian, with podman
	@$(VENV) -m tests.deployment.trial

bundle: $(RUN) ## an offline bundle in dist/: wheels, sources, compose file, checksums; images where podman is
	@deployment/bundle.sh '$(BUNDLE)'

$(VENV):
	@command -v $(PYTHON) >/dev/null || { echo "Duikou needs Python 3.11 or newer, and there is no $(PYTHON) here."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Duikou needs Python 3.11 or newer; this is $$($(PYTHON) --version). Another one can be given: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "Python's venv module is missing here; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }

# The marks are older than a lock that was changed, and only then is anything installed again.
$(RUN): requirements.lock pyproject.toml | $(VENV)
	@echo "Installing what the product needs; this takes a minute or two the first time."
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(TESTS): requirements-dev.lock $(RUN)
	@echo "Installing what the tests need."
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@
