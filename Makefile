# Everything a person or a machine does with the tree has a target here.
# `make` alone lists them; CONTRIBUTING.md says when to use which.

SHELL := /bin/bash
.DEFAULT_GOAL := help

BIN := .bin
# Directories whose tests start goroutines on purpose; they run under the race detector,
# which makes the demo and the long histories of the pipeline forty times slower: of those
# two packages the tests that really run things at once.
CONCURRENT := ./lib/objstore/... ./lib/audience/... ./lib/webhook/... ./lib/lake/... ./lib/portal/... ./functions/internal/... ./infra/leadlake/wiring/...
AT_ONCE := 'Audit|DuringAnErasure|TheSameNight|WhoLeavesAfter|TwoHandOvers|PagesForget|Killed|Serve|Owner|Control|Bucket|Check'
# Many values through one goroutine: minutes under the race detector, and nothing for it to find.
IN_TURN := 'AnyOneWrite|AFileHoldsWhatEncodeWrites|RecordsAreWhatArrows|RecordsOfATable|BrokenFiles|Hostile|NoFailureRepeats|Bomb|WrongTypes|LeadIsFound|JSONTestSuite|SamplesBecome|ContactsReadBack|GuidesName|ManifestsFollow'
# Time for each fuzz target; a nightly run sets FUZZTIME=5m.
FUZZTIME ?= 5s
# Shops of the night, made once and kept, by their numbers of orders: NIGHT_ORDERS="1000000 10000000".
NIGHT ?= $(or $(TMPDIR),/tmp)/leadlake-night
NIGHT_ORDERS ?= 1000000
# Only what a Lambda binary needs: no RPC mode, no symbol tables, no paths of the machine.
LAMBDA_BUILD := -tags lambda.norpc -trimpath -buildvcs=false -ldflags="-s -w"
FUNCTIONS := Ingest Queue Compact Analytics Export Portal Erase

.PHONY: help test lint bench bench-night bench-ingest kills race fuzz fmt demo oracle arm64 arm64-same wiring clean

help: ## list the targets
	@awk -F':.*## ' '/^[a-z%-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

test: ## everything a change must pass; installs what a test needs and is missing
	@.ci/prepare
	go test ./...

race: ## the concurrent packages under the race detector, in random order
	@.ci/prepare
	go test -race -shuffle=on -skip=$(IN_TURN) $(CONCURRENT)
	go test -race -shuffle=on -run=$(AT_ONCE) ./lib/pipeline ./infra/leadlake

lint: ## golangci-lint in its pinned version
	@infra/tools/install.sh golangci-lint >/dev/null
	$(BIN)/golangci-lint run ./...

fmt: ## format the tree
	@infra/tools/install.sh gofumpt goimports >/dev/null
	$(BIN)/goimports -local github.com/leadlake/leadlake -w $$(git ls-files --cached --others --exclude-standard '*.go')
	$(BIN)/gofumpt -w $$(git ls-files --cached --others --exclude-standard '*.go')

bench: ## benchmarks, five runs each, as benchstat reads them, and the night against its peers
	go test -run='^$$' -bench=. -benchmem -count=5 ./...
	@$(MAKE) --no-print-directory bench-night

bench-night: ## the night against DuckDB and Polars on NIGHT_ORDERS (1000000) orders (needs Node.js)
	@mkdir -p "$(NIGHT)"
	go build -o "$(NIGHT)/bench" ./infra/bench
	@for orders in $(NIGHT_ORDERS); do \
		test -d "$(NIGHT)/$$orders" || { "$(NIGHT)/bench" night -make -fold -orders $$orders -data "$(NIGHT)/$$orders.new" && mv "$(NIGHT)/$$orders.new" "$(NIGHT)/$$orders"; } || exit 1; \
	done
	"$(NIGHT)/bench" night -data $$(echo $(NIGHT_ORDERS:%=$(NIGHT)/%) | tr ' ' ,)

bench-ingest: ## deliveries a second, latency, memory, cold start and cost of the real programs
	go run ./infra/bench ingest
	go run ./infra/bench ingest -max
	go run ./infra/bench compact
	go run ./infra/bench cold
	go run ./infra/bench cost

kills: ## 100 000 deliveries with repeats and poison, killed three times while compacting
	go test ./infra/leadlake -count=1 -v -timeout=30m -run='^TestAShopSurvivesKills$$' -args -kills.deliveries=100000

fuzz: ## every fuzz target for FUZZTIME (5s)
	@FUZZTIME=$(FUZZTIME) .ci/fuzz

demo: ## the synthetic shop from webhook to audience file
	go run ./infra/leadlake demo

oracle: ## every table of the night against its definitions in SQL (needs Node.js)
	@infra/oracle/run.sh

arm64-same: ## the night and a report as arm64 programs, byte for byte as on amd64 (installs qemu-user)
	@infra/tools/arm64-same.sh

wiring: infra/leadlake/wiring/template.yaml ## copy template.yaml to where Go can embed it

infra/leadlake/wiring/template.yaml: template.yaml
	cp template.yaml $@

arm64: $(addprefix build-,$(addsuffix Function,$(FUNCTIONS))) ## all seven Lambda binaries into dist/

# `sam build` calls this rule with ARTIFACTS_DIR set: build-IngestFunction compiles ./functions/ingest.
build-%:
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 go build $(LAMBDA_BUILD) \
		-o $(or $(ARTIFACTS_DIR),dist/$*)/bootstrap ./functions/$(shell echo $* | sed 's/Function$$//' | tr A-Z a-z)

clean: ## remove what was built
	rm -rf dist .aws-sam
