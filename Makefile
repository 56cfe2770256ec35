# `make` lists what there is. Nothing needs to be activated or installed before.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := help
.PHONY: help local local-down test unit parts check lint vet format lock engine pebble packages browser bench clean

# The first Python that is new enough; looked for once, and only by a target that needs it.
PYTHON = $(eval PYTHON := $(or $(shell for name in python3.13 python3.12 python3.11 python3; do \
	$$name -c 'import sys; sys.version_info < (3, 11) and sys.exit(1); print(sys.executable)' 2>/dev/null && break; \
	done),$(error luodi needs Python 3.11 or newer, and none of python3.13, python3.12, python3.11, python3 is. \
	Install one (Debian 12, Ubuntu 24.04: apt-get install python3), then run the same command again)))$(PYTHON)
VENV := .venv/bin
# Each file of tests is one worker's, in its order; the files that take longest come first (tests/conftest.py).
PYTEST := $(VENV)/python -m pytest -q -p tests.progress -o console_output_style=classic \
	--numprocesses=auto --dist=loadfile --no-loadscope-reorder --durations=15
PROVIDE = $(if $(wildcard .venv/.ready),$(VENV)/python,$(PYTHON)) engine/provide.py

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

local: .venv/.ready engine ## Land the site on a rehearsal cloud on this machine, and say how to open it
	@$(VENV)/python -m localcloud land

local-down: ## Remove the rehearsal cloud and all that is on it
	@if [ -x $(VENV)/python ]; then $(VENV)/python -m localcloud reset --yes; fi

test: .venv/.ready parts engine ## Run every test (about 15 minutes)
	@$(PYTEST) tests --ignore=tests/unit --ignore=tests/parts

unit: .venv/.ready ## Run the tests that take seconds
	@$(PYTEST) tests/unit

parts: unit browser pebble ## Run those too that a real Pebble and a real nginx take part in, but no engine
	@pebble=$$($(PROVIDE) --pebble); PATH="$${pebble%/*}:$$PATH" $(PYTEST) tests/parts

check: lint vet ## Check format, lint and types

lint: .venv/.ready
	@$(VENV)/ruff format --check .
	@$(VENV)/ruff check .
	@$(VENV)/mypy

vet: engine
	@$(PROVIDE) --vet

format: .venv/.ready ## Put the sources into format
	@$(VENV)/ruff format .
	@$(VENV)/ruff check --fix .

lock: ## Lock the dependencies of pyproject.toml (UPGRADE=--upgrade for newer versions)
	@uv=$$($(PROVIDE) --uv); \
	export UV_NO_CONFIG=1; unset UV_DEFAULT_INDEX UV_INDEX_URL UV_INDEX UV_EXTRA_INDEX_URL UV_FIND_LINKS; \
	lock() { "$$uv" pip compile --universal --python-version 3.11 --generate-hashes --quiet --no-header \
		--no-emit-index-url --no-emit-find-links $(UPGRADE) "$$@"; }; \
	grep -o '^uv==[0-9.]*' engine/uv.txt >engine/uv.in; lock --no-annotate engine/uv.in -o engine/uv.txt; rm engine/uv.in; \
	lock pyproject.toml -o requirements.txt; \
	lock pyproject.toml --group dev --constraint requirements.txt -o requirements-dev.txt

engine: pebble ## Find, download or build the Pulumi engine
	@$(PROVIDE)

bench: bench-landing bench-certificates bench-serving ## Measure all three beside other programs, on an idle machine

bench-%: .venv/.ready engine
	@$(VENV)/python -m bench.$*

clean: ## Remove what was made in this folder (the cache of the engine stays)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis dist tests/artefacts
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

packages:
	@$(PROVIDE) --packages

browser: packages
	@$(PROVIDE) --packages --browser

# First, since it is there in seconds: with `make --jobs` the unit tests run while the rest of the engine is built.
pebble:
	@$(PROVIDE) --pebble >/dev/null

.venv/.ready: requirements-dev.txt engine/uv.txt | packages
	@$(PYTHON) engine/provide.py --virtualenv .venv
	@touch $@
