# Fairlead: set up, run, test, measure, package. `make` alone lists the targets.
#
# Everything lives in .venv (Python) and tests/e2e/node/node_modules (the SDKs for Node), installed from
# hash-locked requirements by pip and npm; a stamp file makes a second run free.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# The first Python that is new enough. Name another with `make setup PYTHON=...`.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PIP := $(BIN)/pip --disable-pip-version-check install
CORE := .venv/core.stamp
DEV := .venv/dev.stamp
NODE := tests/e2e/node/node_modules/.package-lock.json
CODE := proxy tests bench
LOCKS := requirements/core.txt requirements/all.txt requirements/build.txt requirements/dev.txt tests/e2e/node/package-lock.json
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
# Options of one run: `make test PYTEST="-n 0 -k failover"`, `make bench BENCH=--quick`, `make soak SOAK="--seconds 600"`.
PYTEST ?= -n auto
WAITING ?= -n 4
BENCH ?=
SOAK ?=
PROFILE ?=
PURE := $(shell printf 'proxy/%s/*,' providers translate credentials routing pricing wire apischema core)
SERVE ?=

.PHONY: help
help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(CORE)  ## Set up .venv; .venv/bin/fairlead works after it

.PHONY: run
run: $(CORE)  ## Set up and start the gateway on 127.0.0.1:8080
	@exec $(BIN)/fairlead serve $(SERVE)

.PHONY: test
test: $(DEV) $(NODE) below  ## Set up and run every test: the unit tests, then those on real sockets, which mostly wait
	$(BIN)/pytest tests --ignore=tests/unit $(WAITING)

.PHONY: check
check: lint  ## Format, lint, types, imports, spelling, locks, then every test
	@$(MAKE) test

.PHONY: below
below: $(DEV)  ## The unit tests: they cover every branch of the folders without input and output
	$(BIN)/pytest tests/unit $(PYTEST) -q --cov --cov-report=
	$(BIN)/coverage report --fail-under=100 --include='$(PURE)'

.PHONY: lint
lint: $(DEV)  ## The checks of `make check` without the tests
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/typos
	@if grep -nE '(https?|file)://' $(LOCKS); then \
		echo "A lock file names an address: recompile it with 'make lock'." >&2; exit 1; fi

.PHONY: coverage
coverage: $(DEV) $(NODE)  ## Every test, with the branch coverage that is asked for: 100 % below the line, 90 % in all
	$(BIN)/pytest $(PYTEST) --cov --cov-report=
	$(BIN)/coverage report --fail-under=90
	$(BIN)/coverage report --fail-under=100 --include='$(PURE)'

.PHONY: format
format: $(DEV)  ## Rewrite the code in the one format and fix what ruff can
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

.PHONY: golden
golden: $(DEV)  ## Rewrite what tests/golden/<dialect>/<case>/ expects (its files: tests/unit/translate/test_goldens.py); read the difference
	GOLDEN=rewrite $(BIN)/pytest tests/unit/translate/test_goldens.py -n 0 -q

.PHONY: bench
bench: $(DEV)  ## Measure beside nginx, check the bars, write the table into bench/README.md (5 minutes)
	$(BIN)/python -m bench.run $(BENCH)

.PHONY: profile
profile: $(DEV)  ## Run the bench's load on a profiled gateway and print where the time goes
	$(BIN)/python -m bench.profile $(PROFILE)

.PHONY: soak
soak: $(DEV)  ## Load with cancels for 10,000 seconds; memory, files and tasks must stay level
	$(BIN)/python -m bench.soak $(SOAK)

.PHONY: image
image:  ## Build the container image
	@command -v docker >/dev/null || { echo "make image needs docker (or an alias of it) on PATH." >&2; exit 1; }
	docker build --tag fairlead:$(VERSION) .

.PHONY: chart
chart: $(DEV)  ## Lint, render and validate the Helm chart, then package it into dist/
	$(BIN)/pytest tests/integration/deploy -n 0
	@mkdir -p dist
	@$(BIN)/python -c 'import helm_python; print(helm_python.package("helm/fairlead", destination="dist"))'

.PHONY: reference
reference: $(CORE)  ## Write config/reference.toml and docs/configuration.md from the settings schema
	$(BIN)/python -m proxy.settings.reference config/reference.toml docs/configuration.md

.PHONY: prices
prices: $(DEV)  ## Write proxy/pricing/catalog.json from the installed genai-prices
	$(BIN)/python -m proxy.pricing.generate proxy/pricing/catalog.json

.PHONY: docs
docs: reference  ## Write every generated page

.PHONY: lock
lock:  ## Recompile requirements/ with uv, keeping what still fits (UPGRADE=1: the newest of everything)
	@uv=$$(command -v $(BIN)/uv || command -v uv) || { \
		echo "make lock needs uv: '$(BIN)/pip install uv', or any uv on PATH." >&2; exit 1; }; \
	compile="$$uv pip compile --universal --generate-hashes --no-emit-index-url --no-header --no-annotate -q \
		$(if $(UPGRADE),--upgrade)"; \
	$$compile pyproject.toml --all-extras --group dev --group servers --group deploy -o requirements/dev.txt && \
	$$compile pyproject.toml -c requirements/dev.txt -o requirements/core.txt && \
	$$compile pyproject.toml --all-extras -c requirements/dev.txt -o requirements/all.txt && \
	$(PYTHON) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"])' \
		| tr ' ' '\n' | $$compile --python-version 3.11 -c requirements/dev.txt -o requirements/build.txt -

.PHONY: clean
clean:  ## Remove what these targets made
	rm -rf .venv dist build tests/e2e/node/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*

$(BIN)/python:
	@test -n "$(PYTHON)" && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo \
		"Fairlead needs Python 3.11 or later; '$(or $(PYTHON),python3)' is not. Name one: make setup PYTHON=python3.12" \
		>&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo \
		"Python's venv module is missing. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "== new Python environment in .venv"
	@$(PYTHON) -m venv .venv

# The build backend is locked too (requirements/build.txt) and build isolation is off: isolation would fetch it again,
# without hashes.
$(CORE): requirements/core.txt requirements/build.txt pyproject.toml | $(BIN)/python
	@echo "== installing what Fairlead needs to run (about 80 MB)"
	@$(PIP) --require-hashes -r requirements/core.txt -r requirements/build.txt
	@$(PIP) --no-deps --no-build-isolation --quiet -e .
	@touch $@

$(DEV): requirements/dev.txt $(CORE)
	@echo "== installing the tools for tests and checks (about 700 MB)"
	@$(PIP) --require-hashes -r requirements/dev.txt
	@touch $@

# Node comes from the dev requirements, so that every machine tests the SDK on the same one.
$(NODE): tests/e2e/node/package-lock.json tests/e2e/node/package.json $(DEV)
	@echo "== installing the SDKs for Node"
	@cd tests/e2e/node && "$(CURDIR)/$(BIN)/npm" ci --ignore-scripts --no-audit --no-fund
	@"$(BIN)/node" tests/e2e/node/sdk-version.mjs
	@touch $@
