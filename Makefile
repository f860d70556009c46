# Everything one does here begins with one of these; `make help` tells them.
# Works with GNU make 3.81, which is what macOS brings.

SHELL := /bin/bash
BIN := .venv/bin
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for each in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$each -c '$(NEW_ENOUGH)' 2>/dev/null && { echo $$each; break; }; done)
# Tests wait for servers more than they compute: two to a core. One by one: `make test TESTERS=0`.
# In another order, which shows what one test leaves to the next: `make test SHUFFLE=7`.
TESTERS ?= 4
PIP := $(BIN)/python -m pip install --disable-pip-version-check --no-input

.PHONY: help run test coverage check lint types contracts generated openapi bench score chaos mutants clean lock install

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

run: install ## everything: PostgreSQL, Temporal, worker, API and sandbox, until Ctrl-C
	@exec $(BIN)/voicetodo up

install: .venv/installed ## the virtual environment, with what requirements.lock names

.venv/installed: requirements.lock pyproject.toml
	@if [ -z "$(PYTHON)" ]; then \
		echo "Voice Todo needs Python 3.11 or newer: install one, or name it with \`make PYTHON=/path/to/python3\`." >&2; exit 1; fi
	@$(PYTHON) -c '' 2>/dev/null || { \
		echo "$(PYTHON) does not start: name a Python 3.11 or newer with \`make PYTHON=/path/to/python3\`." >&2; exit 1; }
	@$(PYTHON) -c '$(NEW_ENOUGH)' || { \
		echo "$(PYTHON) is older than Python 3.11: name a newer one with \`make PYTHON=/path/to/python3\`." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments: install its venv package (Debian, Ubuntu: apt install python3-venv)." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing $$(grep -c '==' requirements.lock) packages into .venv; the first time takes a minute or two ..."
	@set -o pipefail; $(PIP) --progress-bar off --require-hashes -r requirements.lock 2>.venv/install.log | \
		awk '/^(Collecting|Requirement already)/ {if (++n % 20 == 0) {print "  " n " fetched"; fflush()}} /^Installing/ {print "  unpacking"; fflush()}' || { \
		cat .venv/install.log >&2; \
		echo "Not installed: pip says why above. If a package has no wheel for this platform, see Troubleshooting in README.md." >&2; exit 1; }
	@$(PIP) --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# Some hundred processes are started: what they import is compiled once, whatever the shell says.
test coverage: export PYTHONDONTWRITEBYTECODE :=

# What the tests' servers write is thrown away: in memory where there are 4 GiB for it (1 is used).
ROOMY = $$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 && $$4 > 4 * 1024 * 1024 {print "/dev/shm"}')
PYTEST = TMPDIR=$${TMPDIR:-$(ROOMY)} $(BIN)/pytest -n $(TESTERS) --dist worksteal

test: install ## the whole suite; each of TESTERS=4 processes has its own PostgreSQL and Temporal
	@$(PYTEST)

coverage: install ## the same suite, and which lines none of it runs
	@$(PYTEST) --cov --cov-report=term

check: lint types contracts generated openapi test ## all that must hold before a commit

lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: install
	$(BIN)/mypy

contracts: install
	@$(BIN)/lint-imports

generated: install
	$(BIN)/voicetodo admin openapi --check
	$(BIN)/voicetodo admin privacy --check

openapi: .venv/spectral/installed ## openapi.json by the rules of OpenAPI and of OWASP
	@cp $(SPECTRAL)/.spectral.yaml openapi.json .venv/spectral/
	@cd .venv/spectral && PATH="$$PWD/bin:$$PATH" node node_modules/@stoplight/spectral-cli/dist/index.js lint openapi.json --fail-severity warn

# Node from a wheel, Spectral from npm: out of the way of what we are made of. Nothing is run while
# they are installed, and each file is what the two lock files say it is.
SPECTRAL := tests/conventions/spectral
.venv/spectral/installed: $(SPECTRAL)/requirements.lock $(SPECTRAL)/package-lock.json .venv/installed
	@test -x .venv/spectral/bin/python || $(BIN)/python -m venv .venv/spectral
	@echo "Installing Spectral and a Node to run it into .venv/spectral ..."
	@.venv/spectral/bin/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r $(SPECTRAL)/requirements.lock
	@cp $(SPECTRAL)/package.json $(SPECTRAL)/package-lock.json .venv/spectral/
	@cd .venv/spectral && PATH="$$PWD/bin:$$PATH" npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >install.log 2>&1 || { cat install.log >&2; exit 1; }
	@touch $@

bench: install .venv/peers/installed ## measure each part, beside a floor or others that do the same; writes bench/RESULTS.md
	@$(BIN)/python -m bench

score: install ## how much of what people say is understood, per language
	@$(BIN)/python -m bench.score $(SCORE)

# What we are measured beside, out of the way of what we are made of. The bench says what is missing.
.venv/peers/installed: requirements-bench.lock .venv/installed
	@test -x .venv/peers/bin/python || $(BIN)/python -m venv .venv/peers
	@echo "Installing the peers of the bench into .venv/peers ..."
	-@.venv/peers/bin/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r requirements-bench.lock && touch $@

chaos: install ## kill parts under load and count what is left; writes bench/RESULTS.md
	@failed=0; \
	$(BIN)/pytest -m long -o faulthandler_timeout=3600 || failed=1; \
	$(BIN)/pytest --hypothesis-profile=searching tests/core/rules || failed=1; \
	$(BIN)/python -m bench.chaos || failed=1; \
	exit $$failed

mutants: .venv/mutants/installed ## change the rules at random: which changes no test notices; FILES="core/rules/..." SECONDS=600
	@$(BIN)/python -m bench.mutants

# mutmut, and behind it what the tests need from .venv: locked to agree, so nothing is there twice at two versions.
.venv/mutants/installed: requirements-mutants.lock .venv/installed
	@test -x .venv/mutants/bin/python || $(BIN)/python -m venv .venv/mutants
	@echo "Installing mutmut into .venv/mutants ..."
	@.venv/mutants/bin/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r requirements-mutants.lock
	@$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' >"$$(.venv/mutants/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/behind.pth"
	@touch $@

lock: ## resolve pyproject.toml anew into the lock files (needs uv)
	uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --python-version 3.11 --group dev pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --python-version 3.11 --group bench -o requirements-bench.lock
	uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --python-version 3.11 --group mutants -c requirements.lock -o requirements-mutants.lock
	uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --python-version 3.11 --group spectral -o $(SPECTRAL)/requirements.lock

clean: ## remove what was made here, but not the data in .voicetodo
	rm -rf .venv build *.egg-info .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
