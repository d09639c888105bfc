# Everything a developer or operator types. Needs make and Python 3.11 or newer, nothing else:
# the environment in .venv is built from the locked requirements and rebuilt when they change.

PYTHON ?= python3
JOBS ?= auto
VENV := .venv
BIN := $(VENV)/bin
LOCK := services/gosellr/requirements.txt
DEV_LOCK := requirements-dev.txt
UV_COMPILE := $(BIN)/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-header

digest = $(shell { sha256sum || shasum -a 256; } < $(1) 2>/dev/null | cut -c1-16)
RUNTIME := $(VENV)/.runtime-$(call digest,$(LOCK))
DEV := $(VENV)/.dev-$(call digest,$(DEV_LOCK))

export PYTHONPATH := services
export PIP_DISABLE_PIP_VERSION_CHECK := 1
GOSELLR := $(BIN)/python -m gosellr
OLIST ?= ../shared/data/olist
RETAIL ?= ../shared/data/retail

.DEFAULT_GOAL := help
.PHONY: help run test check format format-check lint types contracts tidy test-browser audit \
	story doctor bench bench-quick bench-imports bench-replay bench-retail profile \
	cases lock replay clean

help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' \
		$(MAKEFILE_LIST)

run: $(RUNTIME) ## Run the market on http://localhost:4004 until Ctrl C
	@$(BIN)/python services/gosellr/main.py run

test: $(DEV) ## Run all tests but those in a browser, in parallel, on a database of their own
	$(BIN)/pytest -n $(JOBS) -m "not browser"

check: format-check lint types contracts tidy test ## Everything a change must pass

format: $(DEV) ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

format-check: $(DEV)
	$(BIN)/ruff format --check .

lint: $(DEV) ## Look for mistakes and bad habits
	$(BIN)/ruff check .

types: $(DEV) ## Check the types, strictly
	$(BIN)/mypy

contracts: $(DEV) ## Check who imports whom
	$(BIN)/lint-imports

tidy: $(DEV) ## Check sizes, names and other rules of the house
	$(BIN)/pytest -q tests/house

test-browser: $(DEV) ## Drive the pages in Chromium, which is installed when root may
	@chromium=$$(command -v chromium || command -v chromium-browser || command -v google-chrome) \
	|| { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
		&& apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium \
		&& chromium=$$(command -v chromium); } \
	|| { echo "Chromium is missing. Install it: sudo apt-get install chromium" >&2; exit 1; }; \
	CHROMIUM="$$chromium" $(BIN)/pytest -m browser tests

audit: $(RUNTIME) ## Prove that the market's books are right, also while it runs
	@$(GOSELLR) audit

story: $(RUNTIME) ## Follow every cent of a few orders, the demo's or (APART=1) those of a market made for it; KEEP=<folder> keeps that
	@$(GOSELLR) story $(if $(KEEP),--keep "$(KEEP)") $(if $(APART),--apart)

doctor: $(RUNTIME) ## Say what is wrong with this installation and how to mend it
	@$(GOSELLR) doctor

bench: $(DEV) ## Measure the market and its floor into bench/report; SCALE=1000000 adds larger ones
	$(BIN)/python -m bench.speed $(if $(SCALE),--scale $(SCALE)) $(BENCH_OPTIONS)

bench-quick: $(DEV) ## Run every measured operation for a moment: shows what is broken, not how fast
	$(BIN)/python -m bench.speed --quick --report bench/report/quick

bench-imports: $(DEV) ## Measure the import of 100,000 products: rows per second
	$(BIN)/python -m bench.imports --rows 300000 --bar 1800 --new-only

bench-replay: $(RUNTIME) ## Measure the replay in orders per second, where OLIST=<folder> has data
	@if test -d "$(OLIST)/dev_2016_2017"; then \
		$(BIN)/python -m bench.replay --data "$(OLIST)/dev_2016_2017" --catalog "$(OLIST)/catalog" \
			$(REPLAY_OPTIONS); \
	else echo "Skipped: there is no data in $(OLIST). Name a folder: make bench-replay OLIST=<folder>"; fi

bench-retail: $(RUNTIME) ## Play a month of invoices and credit notes, where RETAIL=<folder> has data
	@if test -d "$(RETAIL)"; then \
		$(BIN)/python -m bench.retail --data "$(RETAIL)" $(RETAIL_OPTIONS); \
	else echo "Skipped: there is no data in $(RETAIL). Name a folder: make bench-retail RETAIL=<folder>"; fi

profile: $(DEV) ## Show where a checkout's milliseconds go: Python, driver, database, by statement
	@$(BIN)/python -m bench.speed.profile $(PROFILE_OPTIONS)

cases: $(DEV) ## Print the numbers of the catalogue's cases that no test answers yet
	@$(BIN)/python -m tests.house.cases

replay: $(RUNTIME) ## Play an order stream through an empty market: DATA=<folder> CATALOG=<folder>
	@test -n "$(DATA)" -a -n "$(CATALOG)" \
		|| { echo "Say what to play: make replay DATA=<folder> CATALOG=<folder>" >&2; exit 2; }
	@$(BIN)/python -m bench.replay --data "$(DATA)" --catalog "$(CATALOG)" $(REPLAY_OPTIONS)

lock: $(DEV) ## Raise the locked requirements to what pyproject.toml allows
	$(UV_COMPILE) --upgrade -o $(LOCK)
	$(UV_COMPILE) --upgrade --group dev -o $(DEV_LOCK)

clean: ## Remove the environment and all caches; data stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Python 3.11 or newer is needed, and $(PYTHON) is $$($(PYTHON) --version 2>&1)." >&2; \
		echo "Name another: make PYTHON=/path/to/python3.11 <target>" >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) || { rm -rf $(VENV); \
		echo "Python lacks venv. Install it: sudo apt-get install python3-venv" >&2; exit 1; }

# The marks bear the digest of their lock: a changed lock has no mark yet. The developers' lock
# holds everything of the market's own.
$(RUNTIME): | $(BIN)/python
	@echo "Installing what the market needs ..."
	@$(BIN)/python -m pip install --quiet --require-hashes -r $(LOCK)
	@rm -f $(VENV)/.runtime-* && touch $@

$(DEV): | $(BIN)/python
	@echo "Installing what developers need ..."
	@$(BIN)/python -m pip install --quiet --require-hashes -r $(DEV_LOCK)
	@rm -f $(VENV)/.dev-* $(VENV)/.runtime-* && touch $@ $(RUNTIME)
