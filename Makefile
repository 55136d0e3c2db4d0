# Two targets are all that a newcomer needs: `make demo` and `make test`. ARGS="…" is passed on.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
PAGE := captioner/overlay/index.html
PAGE_SOURCES := $(shell find web-overlay -type f -not -path '*/node_modules/*' 2>/dev/null)
ARGS ?=

.PHONY: demo test check overlay browser lock wheel bench clean

demo: .venv/run.done $(PAGE)
	@exec $(BIN)/captioner demo $(ARGS)

test: check browser
	$(BIN)/pytest $(ARGS)

check: .venv/dev.done $(PAGE) web-overlay/node_modules/.done
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	npm --prefix web-overlay run --silent check

overlay: $(PAGE)

browser: .venv/dev.done
	@$(BIN)/python tests/find_browser.py

# All tables, one after the other (about 20 minutes with the recording that the model carries).
bench: .venv/dev.done browser $(PAGE)
	@for table in engine madeup chain speakers chain_speakers memory; do \
		echo; echo "== $$table"; $(BIN)/python -m benchmarks.$$table $(ARGS) || exit 1; done

wheel: .venv/dev.done $(PAGE)
	$(BIN)/hatchling build -t wheel

.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 …" if sys.version_info < (3, 11) else 0)'
	@echo "Making .venv"
	@$(PYTHON) -m venv .venv && touch $@

.venv/run.done: .venv/made locks/run.txt pyproject.toml
	@echo "Installing what the demo needs (about 1 minute)"
	@$(PIP) --require-hashes -r locks/run.txt
	@$(PIP) --require-hashes --no-deps -r locks/build.txt
	@$(PIP) --no-build-isolation --no-deps --editable .
	@touch $@

.venv/dev.done: .venv/run.done locks/dev.txt
	@echo "Installing what the tests need"
	@$(PIP) --require-hashes -r locks/dev.txt
	@touch $@

web-overlay/node_modules/.done: web-overlay/package-lock.json
	@command -v npm >/dev/null || { echo "Node 20 or newer is needed to build the page: https://nodejs.org"; exit 1; }
	@echo "Installing what the page is built with"
	@npm --prefix web-overlay ci --loglevel=error --no-fund --no-audit
	@touch $@

$(PAGE): web-overlay/node_modules/.done $(PAGE_SOURCES)
	@echo "Building the page"
	@npm --prefix web-overlay run --silent build
	@touch $@

# Made anew by hand when a dependency changes; needs uv.
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate
lock:
	$(LOCK) pyproject.toml -o locks/run.txt
	$(LOCK) pyproject.toml --extra dev --extra eval -c locks/run.txt -o locks/dev.txt
	$(LOCK) pyproject.toml --extra kyutai -o locks/kyutai.txt
	printf 'hatchling\neditables\n' | $(LOCK) - -c locks/dev.txt -o locks/build.txt

clean:
	rm -rf .venv web-overlay/node_modules captioner/overlay dist
