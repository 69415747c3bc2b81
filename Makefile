# Everything here sets itself up: a fresh machine needs Python 3.11 or newer, and make.

PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11 python,$(if $(shell $(name) -c 'import sys; print(sys.version_info >= (3, 11) or "")' 2>/dev/null),$(name))))
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CONSTRAINTS := .ci/constraints.txt
# Empty it to fail on machines that cannot install the validator.
SARIF_OPTIONS ?= --optional

.DEFAULT_GOAL := help
.PHONY: help demo test check bench format lint types contracts coverage drift wheel sarif lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

$(READY): pyproject.toml $(CONSTRAINTS)
	@test -n "$(PYTHON)" || { echo "gatepolicy needs Python 3.11 or newer; none was found on PATH" >&2; exit 2; }
	@echo "setting up $(VENV) (once) ..." >&2
	@rm -f $@
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --require-hashes --no-deps --only-binary :all: -r $(CONSTRAINTS)
	@$(BIN)/python -m pip install -qq --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q gatepolicy
	@touch $@

demo: $(READY) ## Scan a staged fleet on a local simulator, and write reports to open
	@$(BIN)/gatepolicy demo

test: $(READY) ## Run the tests
	@$(BIN)/python -m pytest -q -n auto

check: format lint types contracts coverage drift wheel sarif ## Everything that a change must pass

format: $(READY) # formatting, without changing anything
	$(BIN)/ruff format --check .

lint: $(READY) # style and common mistakes
	$(BIN)/ruff check .

types: $(READY) # types, strictly
	$(BIN)/mypy

contracts: $(READY) # the order of imports
	$(BIN)/lint-imports

coverage: $(READY) # the tests, with every branch of the pure core covered
	$(BIN)/python -m pytest -q -n auto --cov=gatepolicy --cov-branch --cov-report=
	$(BIN)/python .ci/coverage_gate.py

drift: $(READY) # the README says what the program says
	$(BIN)/python .ci/readme.py --check

wheel: $(READY) # the wheel works outside of this checkout
	.ci/wheel-smoke $(BIN)/python

sarif: $(READY) # SARIF, for a validator that is not ours (needs npm)
	.ci/sarif-gate $(SARIF_OPTIONS) tests/reports/golden/report-github.sarif tests/reports/golden/report-full.sarif

bench: $(READY) ## Measure speed, memory and start-up
	@$(BIN)/python tests/bench/run.py

lock: ## Pin every dependency anew, with hashes
	@$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras --generate-hashes \
		--no-header --no-annotate --no-emit-index-url --no-emit-find-links --upgrade \
		--output-file $(CONSTRAINTS) pyproject.toml .ci/build-requirements.in

clean: ## Remove what the other targets made
	rm -rf $(VENV) demo-report dist build .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis
