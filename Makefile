# Everything a newcomer types. Needs make and Python >= 3.11, nothing else.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help demo setup test test-long check soak bench format reference lock clean

help:  ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' $(MAKEFILE_LIST)

demo: .venv/.run  ## the relay against a built-in Slack and Kommunicate, no accounts
	$(BIN)/python -m relay demo

setup: .venv/.relay  ## .venv with the `relay` command

JOBS ?= 3
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder
test test-long: export PYTHONDONTWRITEBYTECODE :=  # what one of its processes has compiled, the others take over
test: .venv/.dev  ## all tests, including PostgreSQL, with a sample of long case lists: JOBS= in parallel
	$(PYTEST) -m "not long"

test-long: .venv/.dev  ## the cases that `make test` leaves out
	$(PYTEST) -m long

KILLS ?= 100
SECONDS ?= 1800
SEED ?= 1
DATABASE ?= both
soak: .venv/.dev  ## kill -9 and other faults at random moments under load: KILLS=, SECONDS=, SEED=, DATABASE=
	$(BIN)/python -m bench.soak --kills $(KILLS) --seconds $(SECONDS) --seed $(SEED) --database $(DATABASE)

ROUNDS ?= 5
QUICK ?=
bench: .venv/.bench  ## measure the speed and compare it with alternatives: DATABASE=, ROUNDS=, QUICK=1; writes docs/bench/
	$(BIN)/python -m bench.speed --database $(DATABASE) --rounds $(ROUNDS) $(if $(QUICK),--quick,--write docs/bench)

check: .venv/.dev  ## format, lint, types, deployment files, licences, bill of materials, known vulnerabilities
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/ci.yml
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec compose.yaml
	$(BIN)/python .ci/packages.py

format: .venv/.dev  ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

reference: .venv/.dev  ## regenerate docs/reference.md from the code
	$(BIN)/python -m tests.reference

lock: .venv/.dev  ## regenerate requirements*.txt from pyproject.toml
	$(BIN)/pip-compile $(LOCK) --output-file requirements.txt pyproject.toml
	$(BIN)/pip-compile $(LOCK) --extra otel --constraint requirements.txt --output-file requirements-otel.txt pyproject.toml
	$(BIN)/pip-compile $(LOCK) --only-build-deps --build-deps-for editable --output-file requirements-build.txt pyproject.toml
	$(BIN)/pip-compile $(LOCK) --extra dev --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml
	$(BIN)/pip-compile $(LOCK) --extra bench --constraint requirements-dev.txt --output-file requirements-bench.txt pyproject.toml

LOCK := --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --no-header --no-emit-index-url --no-emit-find-links --no-emit-trusted-host

clean:  ## remove .venv
	rm -rf .venv

# What running needs, exactly as a host installs it.
.venv/.run: requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(PIP) install --require-hashes -r requirements.txt
	touch $@

.venv/.relay: .venv/.run requirements-build.txt pyproject.toml
	$(PIP) install --require-hashes -r requirements-build.txt
	$(PIP) install --no-deps --no-build-isolation -e .
	touch $@

.venv/.dev: .venv/.relay requirements-dev.txt
	$(PIP) install --require-hashes -r requirements-dev.txt
	touch $@

.venv/.bench: .venv/.dev requirements-bench.txt
	$(PIP) install --require-hashes -r requirements-bench.txt
	touch $@
