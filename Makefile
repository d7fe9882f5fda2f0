# What there is to run; each target is a few words of tools/. `make help` lists them.
# PORT is the local AWS's: make run PORT=4570.
PORT ?= 4566

PYTHON := .venv/bin/python

# uv leaves compiling to the first import, which keeps what it compiled unless told not to.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run stop build unit test fuzz stateful chaos chaos-short celery-suite celery-suite-doubled celery-suite-killed celery-suite-stock bench bench-beat bench-celery bench-large lint format environments

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 24

run: environments ## deploy to a local AWS; news to 1,045 friends, and the hottest books
	@$(PYTHON) -m tools.demo --port $(PORT)

stop: ## end the local AWS of `make run`
	@test ! -x $(PYTHON) || $(PYTHON) -m tools.local.stop --port $(PORT)

build: environments ## sam build
	@$(PYTHON) -m tools.local.stack build

unit: environments ## the tests of what computes, in about a minute, without a network
	@$(PYTHON) -m pytest -q -n auto tests/unit tests/rules

test: environments ## style, types, template, and every test, with their coverage
	@$(PYTHON) -m tools.check

fuzz: environments ## 10,000 requests of any kind to the API: none is a server error
	@FUZZ_REQUESTS=10000 $(PYTHON) -m pytest -q tests/integration/api/test_any_request.py

stateful: environments ## the worker's life at random, 5,000 times over, and 3 times 2,000 canvases
	@STATEFUL_EXAMPLES=5000 CANVAS_EXAMPLES=2000 $(PYTHON) -m pytest -q \
		tests/unit/taskqueue/test_worker_stateful.py tests/unit/celery/canvases

chaos: environments ## kill, double and throttle, then count everything; writes docs/chaos.md
	@$(PYTHON) -m tests.chaos

chaos-short: environments ## a small campaign of the same, in three minutes
	@$(PYTHON) -m tests.chaos --short

celery-suite: environments ## Celery's own suite on the deployed stack; writes docs/celery-suite.md
	@$(PYTHON) -m tests.celery_suite

celery-suite-doubled: environments ## the same with every message sent twice
	@$(PYTHON) -m tests.celery_suite --worker doubled

celery-suite-killed: environments ## the same with workers killed every few seconds
	@$(PYTHON) -m tests.celery_suite --worker killed

celery-suite-stock: environments ## the same with stock workers: Redis; SQS and DynamoDB
	@$(PYTHON) -m tests.celery_suite --worker redis --worker sqs

bench: environments ## measure, and write docs/benchmarks.md
	@$(PYTHON) -m tests.benchmarks

bench-beat: environments ## watch beat for 45 minutes, and write docs/benchmarks-beat.md
	@$(PYTHON) -m tests.benchmarks --beat

bench-celery: environments ## a Celery app's tasks beside stock workers; writes docs/benchmarks-celery.md
	@$(PYTHON) -m tests.benchmarks --celery

bench-large: environments ## fan out to 20 million friends, and write docs/benchmarks-large.md
	@$(PYTHON) -m tests.benchmarks --large

lint: environments ## style, types and template only
	@$(PYTHON) -m tools.check --lint

format: environments ## let ruff put the code in its form
	@.venv/bin/ruff check --fix --quiet .
	@.venv/bin/ruff format --quiet .

environments:
	@sh tools/environments.sh
