# What there is to run; each target is a few words of tools/. `make help` lists them.
# PORT is the local AWS's: make run PORT=4570.
PORT ?= 4566

# The first Python that runs: a pyenv shim may be there and yet refuse.
BOOT := $(shell for python in python3.13 python3 /usr/bin/python3; do \
	$$python -c '' 2>/dev/null && echo $$python && break; done)
PYTHON := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help run stop build test bench bench-beat lint format environments

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

run: environments ## deploy to a local AWS; news to 1,045 friends, the hottest books by beat
	@$(PYTHON) -m tools.run --port $(PORT)

stop: ## end the local AWS of `make run`
	@$(BOOT) -m tools.stop --port $(PORT)

build: environments ## sam build
	@$(PYTHON) -m tools.stack build

test: environments ## style, types, template, and every test
	@$(PYTHON) -m tools.check

bench: environments ## measure, and write docs/benchmarks.md
	@$(PYTHON) -m tests.benchmarks

bench-beat: environments ## watch beat for 45 minutes, and write docs/benchmarks-beat.md
	@$(PYTHON) -m tests.benchmarks --beat

lint: environments ## style, types and template only
	@$(PYTHON) -m tools.check --lint

format: environments ## let ruff put the code in its form
	@.venv/bin/ruff check --fix --quiet .
	@.venv/bin/ruff format --quiet .

environments:
	@test -n "$(BOOT)" || { echo "error: no Python was found; install CPython 3.13" >&2; exit 1; }
	@$(BOOT) -m tools.bootstrap
