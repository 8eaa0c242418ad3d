# Everything a developer or a build machine does. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
CLUSTER ?= dev
VENV := .venv
BIN := $(VENV)/bin
RUN := PYTHONPATH=operator:. $(BIN)/python
CLUSTERS := $(PYTHON) tests/e2e/cluster
IMAGES := $(PYTHON) images/build
WORKERS ?= auto
SOURCES := operator tools tests images examples

# On the cluster `test`. API tests declare what no operator may bring up; fault runs start operators of their own.
ON_TEST = export MEMOAPP_KUBECONFIG="$$($(CLUSTERS) kubeconfig test)" PATH="$$($(CLUSTERS) tools):$$PATH"
OPERATOR = kubectl --kubeconfig $$MEMOAPP_KUBECONFIG -n memoapp-system
WITHOUT_OPERATOR = echo "==> without an operator"; \
  $(OPERATOR) scale deployment/memoapp-operator --replicas 0 >/dev/null; \
  $(OPERATOR) wait pod -l app.kubernetes.io/name=memoapp-operator --for delete --timeout 60s >/dev/null || true
WITH_OPERATOR = echo "==> with the operator"; \
  $(OPERATOR) scale deployment/memoapp-operator --replicas 2 >/dev/null; \
  $(OPERATOR) rollout status deployment/memoapp-operator --timeout 120s >/dev/null

.PHONY: help
help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: venv ## Cluster, images, operator, a MemoApp, a gradual release and one that its gates send back
	@$(RUN) -m tools.demo

.PHONY: demo-down
demo-down: ## Remove everything that the demo made
	@$(CLUSTERS) down demo

.PHONY: test
test: verify test-fast test-cluster ## Everything that must hold: verify, unit, sim, wiring, API and end-to-end tests

.PHONY: test-fast
test-fast: venv ## Tests that need no cluster
	@$(BIN)/pytest tests/unit tests/sim tests/wiring -n $(WORKERS) -q

.PHONY: test-cluster
test-cluster: venv ## Tests of the chart, and against the kind cluster `test`, which is made where it is not there
	@$(RUN) tools/testbed
	@$(ON_TEST) MEMOAPP_REQUIRE_TOOLS=1; \
	  $(WITHOUT_OPERATOR); \
	  $(BIN)/pytest tests/unit/chart tests/api -n 4 -q; \
	  $(BIN)/pytest tests/faults -m "not long" -n 2 -q; \
	  $(WITH_OPERATOR); \
	  $(BIN)/pytest tests/e2e -m "not long and not loaded" -n 4 --dist loadgroup -q; \
	  echo "==> under load, one after another"; \
	  $(BIN)/pytest tests/e2e -m "not long and loaded" -q

.PHONY: test-long
test-long: venv faketime ## Tests that take long: rest of ten minutes, repeated faults, every kill and every wrong answer
	@$(RUN) tools/testbed
	@$(ON_TEST); \
	  $(BIN)/pytest tests/e2e -m long -q --timeout 3600; \
	  $(WITHOUT_OPERATOR); \
	  $(BIN)/pytest tests/faults -q; \
	  $(WITH_OPERATOR)

.PHONY: faketime
faketime: # for the tests with clocks that jump; without it they are skipped
	@command -v faketime >/dev/null || apt-get install -qy --no-install-recommends faketime >/dev/null \
	  || echo "the package faketime is missing: tests with clocks that jump are skipped" >&2

.PHONY: verify
verify: venv ## Format, lint, types, layers, generated files
	@$(BIN)/ruff format --check $(SOURCES)
	@$(BIN)/ruff check $(SOURCES)
	@$(BIN)/mypy
	@PYTHONPATH=operator $(BIN)/lint-imports --no-logo 2>&1 | tail -n 8; test $${PIPESTATUS[0]} -eq 0
	@$(RUN) tools/crdgen.py --check

.PHONY: crds
crds: venv ## Generate the CRDs and their reference from the models
	@$(RUN) tools/crdgen.py

.PHONY: format
format: venv ## Format the code
	@$(BIN)/ruff format $(SOURCES)
	@$(BIN)/ruff check --fix $(SOURCES)

.PHONY: mutants
mutants: venv ## Break each promise in the code once and see its test turn red
	@$(RUN) tools/mutants.py

.PHONY: bench
bench: venv ## What it costs: figures with PASS or FAIL
	@$(RUN) tools/testbed
	@MEMOAPP_KUBECONFIG="$$($(CLUSTERS) kubeconfig test)" PATH="$$($(CLUSTERS) tools):$$PATH" $(RUN) tools/bench

.PHONY: bench-backups
bench-backups: venv ## A backup of 1 GB beside a bare pg_dump: time and memory (needs a PostgreSQL on this machine)
	@$(RUN) -m tools.bench.backups

.PHONY: bench-restores
bench-restores: venv ## A drill of 1 GB beside a bare pg_restore, and how long a swap keeps connections out (needs a PostgreSQL here)
	@$(RUN) -m tools.bench.restores

.PHONY: bench-gates
bench-gates: venv ## The gates of database and resources: questions, PostgreSQL's time, time of a decision
	@$(RUN) -m tools.bench.gates

.PHONY: bench-windows
bench-windows: venv ## Maintenance windows: decisions a second
	@$(RUN) -m tools.bench.windows

.PHONY: bench-many
bench-many: venv ## What 500 suspended MemoApps cost: memory of each, writes at a restart
	@$(RUN) tools/testbed
	@MEMOAPP_KUBECONFIG="$$($(CLUSTERS) kubeconfig test)" PATH="$$($(CLUSTERS) tools):$$PATH" $(RUN) tools/bench --many 500

.PHONY: images
images: ## Build the images of operator and sample (and stand-ins where no registry answers)
	@$(IMAGES) build

.PHONY: cluster
cluster: ## Start the kind cluster CLUSTER (dev, test or demo)
	@$(CLUSTERS) up $(CLUSTER)

.PHONY: cluster-down
cluster-down: ## Remove the kind cluster CLUSTER
	@$(CLUSTERS) down $(CLUSTER)

.PHONY: kubeconfig
kubeconfig: ## Print the kubeconfig of CLUSTER: export KUBECONFIG=$(make -s kubeconfig)
	@$(CLUSTERS) kubeconfig $(CLUSTER)

.PHONY: lock
lock: ## Resolve and hash the dependencies anew (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  pyproject.toml -o requirements.lock
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --group pyproject.toml:dev pyproject.toml -c requirements.lock -o requirements-dev.lock

.PHONY: venv
venv: $(VENV)/.installed ## Python environment with the pinned dependencies

$(VENV)/.installed: requirements-dev.lock
	@echo "Python environment in $(VENV): about 30 s"
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	  || { echo "Python 3.11, 3.12 or 3.13 is needed (PYTHON=python3.12 make ...)" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || apt-get install -y --no-install-recommends python3-venv >/dev/null \
	  || { echo "the package python3-venv is needed" >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
