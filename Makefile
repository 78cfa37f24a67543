# run, test, check, build: everything they need, they install. `make help` says what each does.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.SHELLFLAGS := -eu -o pipefail -c

# The first Python that answers and is 3.11 or newer.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
SEED ?= 1 2 3
MESSAGES ?= 10000
CONNECTIONS ?= 200

.PHONY: help run test check build bench chaos lock clean format

help: ## What can be done here
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.local web/dist/index.html ## Everything on http://127.0.0.1:8000, no keys (ARGS="--port 8001 --verbose")
	@$(BIN)/cj run $(ARGS)

test: $(VENV)/.dev web/dist/index.html ## Everything, with real servers and a real browser, with coverage
	@.ci/test $(ARGS)

check: $(VENV)/.dev $(if $(shell command -v npm),web/node_modules/.done) ## Format, lint, types, imports, unit tests, the page's lint
	@.ci/check

build: $(VENV)/.dev $(VENV)-sam/.done ## sam build for both architectures, validate, invoke what was built
	@.ci/build

bench: $(VENV)/.dev ## The benchmarks: limit, peers, ours, ratio
	@for b in benchmarks/*.py; do $(BIN)/python "$$b"; done

chaos: $(VENV)/.dev ## Everything breaks under load, and a checker looks (SEED="1 2 3" MESSAGES=10000 CONNECTIONS=200)
	@CJ_SEEDS="$(SEED)" $(BIN)/pytest -q -k hammered tests/integration
	@$(BIN)/python -m tests.chaos --seeds "$(SEED)" --messages $(MESSAGES) --connections $(CONNECTIONS)

format: $(VENV)/.dev ## Format the Python
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

lock: $(VENV)/.dev ## Resolve every lock again from pyproject.toml
	@.ci/lock

clean: ## Remove what was built and installed (keeps .cj/, the local data; `cj reset` deletes that)
	rm -rf $(VENV) $(VENV)-sam .aws-sam .aws-sam-here web/node_modules web/dist

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "CJ needs Python 3.11 or newer; none answered. Install one or set PYTHON=/path/to/python3."; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.local: requirements/local.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing what one machine needs (requirements/local.txt)"
	@$(BIN)/pip install -qq --disable-pip-version-check --require-hashes --no-deps -r requirements/local.txt
	@$(BIN)/pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.local
	@echo "Installing the tools (requirements/dev.txt)"
	@$(BIN)/pip install -qq --disable-pip-version-check --require-hashes --no-deps -r requirements/dev.txt
	@touch $@

$(VENV)-sam/.done: requirements/sam.txt
	@test -n "$(PYTHON)" || { echo "CJ needs Python 3.11 or newer; set PYTHON=/path/to/python3."; exit 1; }
	@echo "Installing the SAM CLI into $(VENV)-sam (requirements/sam.txt)"
	@$(PYTHON) -m venv $(VENV)-sam
	@$(VENV)-sam/bin/pip install -qq --disable-pip-version-check --require-hashes --no-deps -r requirements/sam.txt
	@touch $@

web/node_modules/.done: web/package.json web/package-lock.json
	@command -v npm >/dev/null || { echo "The page needs Node.js 20 or newer with npm; none was found."; exit 1; }
	@echo "Installing the page's packages (web/package-lock.json)"
	@cd web && npm ci --silent --no-fund --no-audit
	@touch $@

web/dist/index.html: web/node_modules/.done $(wildcard web/*.html web/*.ts web/src/*.ts web/src/*.tsx web/src/*.css web/src/*/*.ts web/src/*/*.tsx web/public/*)
	@echo "Building the page"
	@cd web && npm run --silent build
	@touch $@
