# `make demo` and `make test` are the two commands to know; `make help` lists the rest.
# A machine needs Python 3.11 or newer, git and make. Everything else goes into .venv.
# Written for GNU make 3.81 (macOS) and newer.

ifndef PYTHON
PYTHON := $(shell for name in python3.13 python3.12 python3.11 python3; do \
  $$name -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
endif
# The lowest versions we promise have wheels for the lowest Python we promise.
LOWEST_PYTHON := $(shell python3.11 -c 'import ensurepip' 2>/dev/null && echo python3.11 || echo $(PYTHON))

VENV := .venv
LOWEST := .venv-lowest
IN := $(VENV)/bin/
MANIFESTS := pyproject.toml constraints.txt

# Without compiled bytecode each of Airflow's many processes compiles everything again.
unexport PYTHONDONTWRITEBYTECODE PYTHONHOME PYTHONPATH VIRTUAL_ENV

.PHONY: help demo test check services services-stop nightly benchmark-quality test-lowest test-compose constraints format clean

help:  ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/demo.stamp  ## run the line on real flights (ONESHOT=1: end by itself; TARGET=docker: in containers; MONTHS=12: the whole year)
	@ONESHOT="$(ONESHOT)" TARGET="$(TARGET)" MONTHS="$(MONTHS)" TABLE="$(TABLE)" $(IN)python scripts/demo.py

test: $(VENV)/dev.stamp  ## run every test that can run here (ARGS="-k name" narrows); says what is missing
	@$(IN)python -m pytest $(ARGS)

check: $(VENV)/dev.stamp  ## lint, format, types, layers, dependencies, example DAGs
	$(IN)ruff check .
	$(IN)ruff format --check .
	$(IN)mypy
	$(IN)lint-imports
	$(IN)deptry .
	$(IN)airflow-dataops check dags

format: $(VENV)/dev.stamp  ## rewrite the sources as `make check` wants them
	$(IN)ruff check --fix .
	$(IN)ruff format .

services:  ## (root, Debian) install and start PostgreSQL and a Docker engine for the tests
	@bash scripts/services.sh start

services-stop:  ## stop what `make services` started
	@bash scripts/services.sh stop

nightly: $(VENV)/dev.stamp  ## run the benchmarks and 20 000 comparisons with Great Expectations; fails when a target is missed
	@failed=; for file in benchmarks/[a-z]*.py; do \
	  echo "== $$file"; $(IN)python "$$file" || failed="$$failed $$file"; \
	done; \
	DATAOPS_DIFFERENTIAL_CASES=20000 $(IN)python -m pytest -q --timeout 1800 tests/differential || failed="$$failed differential"; \
	test -z "$$failed" || { echo "missed their targets:$$failed"; exit 1; }

# What a gate costs is measured alone on a machine; the tables of README.md and its plot are renewed also when a target is missed.
RESULTS = $(or $(DATAOPS_BENCHMARKS),.cache/benchmarks)/results
benchmark-quality: $(VENV)/dev.stamp  ## measure gates against their peers (about 20 minutes, alone) and renew README.md
	@failed=; \
	$(IN)python benchmarks/quality.py --json $(RESULTS)/quality.json || failed="$$failed quality"; \
	$(IN)python benchmarks/quality_growth.py --plot --json $(RESULTS)/quality_growth.json || failed="$$failed quality_growth"; \
	$(IN)python benchmarks/quality_postgres.py --json $(RESULTS)/quality_postgres.json || failed="$$failed quality_postgres"; \
	$(IN)python scripts/paste_benchmarks.py $(RESULTS); \
	test -z "$$failed" || { echo "missed their targets:$$failed"; exit 1; }

test-lowest: $(LOWEST)/stamp  ## run the tests with Airflow 3.2 and the lowest versions that pyproject.toml promises
	@DATAOPS_LOWEST=1 $(LOWEST)/bin/python -m pytest -p no:cacheprovider -o filterwarnings=default $(ARGS)

test-compose: $(VENV)/dev.stamp  ## start docker-compose.yaml on locally built images and run the line in it
	@$(IN)python scripts/test_compose.py

constraints: $(IN)uv  ## renew constraints.txt, the set of versions that is tested
	$(IN)python scripts/renew_constraints.py

clean:  ## remove environments, caches and the demo's state
	rm -rf $(VENV) $(LOWEST) .demo build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# -- environments --------------------------------------------------------------------------------------------

define check_python
@test -n "$(1)" && "$(1)" -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
  echo "error: $(if $(1),$(1) is not Python 3.11 or newer with venv,no Python 3.11 or newer with venv was found)." >&2; \
  echo "hint: install one (Debian: apt-get install python3 python3-venv; macOS: brew install python) or name it: make PYTHON=/path/to/python3" >&2; \
  exit 1; }
endef

$(VENV)/bin/uv:
	$(call check_python,$(PYTHON))
	@echo "Making the environment in $(VENV) with $(PYTHON); this takes a few minutes once."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(VENV)/bin/python -m pip install --quiet uv

$(VENV)/dev.stamp: $(MANIFESTS) | $(VENV)/bin/uv
	@$(IN)uv pip install --quiet --compile-bytecode --python $(IN)python -c constraints.txt -e '.[dev]'
	@touch $(VENV)/demo.stamp $@

$(VENV)/demo.stamp: $(MANIFESTS) | $(VENV)/bin/uv
	@$(IN)uv pip install --quiet --compile-bytecode --python $(IN)python -c constraints.txt -e '.[demo]'
	@touch $@

$(LOWEST)/stamp: pyproject.toml
	$(call check_python,$(LOWEST_PYTHON))
	@echo "Making the environment of lowest versions in $(LOWEST) with $(LOWEST_PYTHON)."
	@$(LOWEST_PYTHON) -m venv --clear $(LOWEST)
	@$(LOWEST)/bin/python -m pip install --quiet uv
	@$(LOWEST)/bin/uv pip install --quiet --compile-bytecode --python $(LOWEST)/bin/python \
	  --resolution lowest-direct 'apache-airflow==3.2.*' -e '.[test]'
	@touch $@
