# `make` lists the targets. What a target runs is written below it.

GO          ?= go
SEEDS       ?= 50
SEED        ?=
FROM        ?= 1
MUTANT      ?=
TESTFLAGS   ?=
RACE_PACKAGES = ./timestamp/... ./mvcc/... ./shard/... ./txn/... ./rpc/... ./cmd/shale/virtual ./cmd/shale/shell/...
TOOL        = $(GO) tool -modfile=tools/go.mod
VERSION    := $(shell git describe --tags --always --dirty 2>/dev/null || echo unversioned)

export CGO_ENABLED ?= 0

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/shale
	$(GO) build -trimpath -ldflags '-X main.version=$(VERSION)' -o bin/shale ./cmd/shale

.PHONY: demo
demo: build ## Start a three-node cluster with data and open its shell
	bin/shale demo

.PHONY: test
test: ## Run all tests
	$(GO) test $(TESTFLAGS) ./...

.PHONY: race
race: ## Run the core packages under the race detector (needs gcc)
	CGO_ENABLED=1 $(GO) test -race $(TESTFLAGS) $(RACE_PACKAGES)

.PHONY: vet
vet: ## Run go vet
	$(GO) vet ./...

.PHONY: lint
lint: vet ## Run gofmt, go vet and staticcheck
	@bad=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$bad" ]; then echo "gofmt would change: $$bad"; exit 1; fi
	$(TOOL) staticcheck ./...

.PHONY: tidy
tidy: ## Check the rules of the house (imports, sizes, comments, clocks)
	$(GO) run ./cmd/tidy

.PHONY: generate
generate: ## Generate the code from the .proto files
	$(GO) generate ./proto/...

.PHONY: check-generated
check-generated: generate ## Fail where the generated code is stale
	git diff --exit-code --stat -- proto

.PHONY: sim
sim: ## Run the simulator: SEEDS=n from FROM=m on, or one with its whole trace: SEED=n
	@mkdir -p bin
	$(GO) test -c -o bin/sim.test ./bench/sim
ifeq ($(SEED),)
	bin/sim.test -test.run '^TestSeeds$$' -test.timeout 0 -seeds=$(SEEDS) -from=$(FROM)
else
	bin/sim.test -test.run '^TestSeeds$$' -seed=$(SEED) -trace=-
endif

.PHONY: mutants
mutants: ## Plant a bug at a time and have the simulator find it: MUTANT=words picks some
	$(GO) run ./bench/sim/mutants -run '$(MUTANT)'

.PHONY: chaos
chaos: build ## Bank transfers on three processes while leaders are killed
	bench/chaos.sh

.PHONY: bench-look
bench-look: build ## What SQL over the cluster costs, beside kv get and the sqlite3 program
	bench/look.sh

.PHONY: man
man: build ## Write the manual pages into bin/man
	bin/shale man bin/man

.PHONY: bench
bench: build ## Run YCSB A-F and the bank on a three-process cluster
	bench/local.sh

.PHONY: bench-peers
bench-peers: build ## The same work on shale and on etcd, interleaved
	bench/peers/run.sh

.PHONY: test-peers
test-peers: ## Test the comparison with etcd (its module is downloaded)
	$(GO) -C bench/peers test $(TESTFLAGS) ./...

.PHONY: clean
clean: ## Remove what was built
	rm -rf bin bench/peers/bin
