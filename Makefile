# stagegate. `make` alone lists the targets.
SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VERSION       := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS       := -s -w -X github.com/stagegate/stagegate/internal/cli.buildVersion=$(VERSION)
GOLANGCI_LINT := v2.15.0
GORELEASER    := v2.15.1
GOTESTSUM     := v1.13.0
SYFT          := v1.57.1
# govet, staticcheck and their like read the source of all dependencies. For the control
# plane these are all of Kubernetes, which takes ten minutes; so it gets the linters that
# need types alone.
FAST_LINTERS  := copyloopvar,depguard,errcheck,errorlint,forbidigo,gochecknoinits,gocritic,ineffassign,misspell,nolintlint,revive,unconvert,usestdlibvars
MODULES       := $(patsubst %/go.mod,%,$(wildcard ./go.mod cmd/*/go.mod))
PROVIDER      ?= embedded
BENCHTIME     ?= 1s

# Nearly all of a first build is compiling Kubernetes. All targets share these flags, so that
# nothing is compiled twice: the binaries are stripped, so the compiler need not write DWARF
# (a tenth of its time), and without cgo no C compiler is asked for.
export CGO_ENABLED := 0
export GOFLAGS     := $(strip $(GOFLAGS) -gcflags=all=-dwarf=false)
# More compilers than cores, since each one waits now and then.
BUILD         := go build -v -p $(shell echo $$((2 * $$(getconf _NPROCESSORS_ONLN))))

# Compiling takes minutes with an empty cache, and go build says nothing meanwhile:
# go build -v names each package, and this counts them.
define counted
{ n=0; while IFS= read -r line; do \
    case $$line in *[\ :]*|\#*) echo "$$line";; \
    *) n=$$((n + 1)); if [ -t 2 ]; then printf '\r  %d packages compiled, %ds ' $$n $$SECONDS; \
       elif [ $$((n % 100)) = 0 ]; then echo "  $$n packages compiled, $${SECONDS}s"; fi;; esac; \
  done; echo "  done after $${SECONDS}s ($$n packages compiled)"; } >&2
endef

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: demo
demo: bin/stagegate bin/stagegate-controlplane $(if $(filter kind,$(PROVIDER)),bin/stagegate-probe) ## Replay the incident on two local clusters (PROVIDER=kind: on kind clusters)
	@bin/stagegate demo --provider $(PROVIDER)

.PHONY: build
build: bin/stagegate bin/stagegate-probe bin/stagegate-controlplane ## Build the binaries into bin/ (the first time takes minutes)

# Go decides what is out of date, so these always run.
.PHONY: bin/stagegate bin/stagegate-probe bin/stagegate-controlplane
bin/stagegate:
	@echo "building $@ $(VERSION)" >&2
	@[ -e bin/stagegate-controlplane ] || go -C cmd/stagegate-controlplane list -deps . >/dev/null 2>&1 & # its modules come in while this compiles
	@$(BUILD) -ldflags '$(LDFLAGS)' -o $@ ./cmd/stagegate 2>&1 | $(counted)

bin/stagegate-probe: # it runs in pods
	@echo "building $@ $(VERSION)" >&2
	@GOOS=linux $(BUILD) -ldflags '$(LDFLAGS)' -o $@ ./cmd/stagegate-probe 2>&1 | $(counted)

bin/stagegate-controlplane:
	@echo "building $@: a Kubernetes control plane, more than 1,000 packages" >&2
	@cd cmd/stagegate-controlplane && $(BUILD) -ldflags "$$(<ldflags)" -o $(CURDIR)/$@ . 2>&1 | $(counted)

# The control plane is built first: the tests start it, and their time limits should not
# have to cover compiling it.
test e2e demo: export STAGEGATE_CONTROLPLANE ?= $(CURDIR)/bin/stagegate-controlplane

.PHONY: test
test: bin/stagegate-controlplane ## Run all tests that need no cluster of yours (they start their own)
	@command -v terraform >/dev/null || echo "make test: there is no terraform on PATH: the tests that run a real one are skipped" >&2
	@for m in $(MODULES); do echo "go -C $$m test ./..." >&2; go -C "$$m" test -timeout 20m ./...; done

# What the end-to-end tests need besides an engine: variables that name directories.
define E2E_NEEDS
STAGEGATE_TEST_CALICO Calico's manifests (crds.yaml, calico.yaml, default-deny.yaml)
STAGEGATE_TEST_CHARTS the Helm charts of podinfo and Traefik (podinfo-*.tgz, traefik-*.tgz)
endef
export E2E_NEEDS

# The end-to-end tests skip nothing silently: without what they need they fail. go test would
# say nothing until a package has ended, ten minutes later; gotestsum names each test as it ends.
.PHONY: e2e
e2e: e2e-needs build bin/gotestsum-$(GOTESTSUM) ## Run the end-to-end tests on kind clusters (needs Docker, Podman or nerdctl)
	@echo "each package makes clusters of its own, $(LANES) packages at a time; this takes about 20 minutes" >&2
	bin/gotestsum-$(GOTESTSUM) --format testname -- -tags e2e -timeout 60m -count 1 -p $(LANES) -skip $(MEASURED) $(E2E_PACKAGES)

MEASURES_HEAD := | measure | took | the cluster alone | aim | load |\n|---|---:|---:|---:|---:|\n

# The longest first. Two at a time keep two cores busy.
E2E_PACKAGES := ./internal/e2e/commands ./internal/e2e/terraform ./internal/e2e/probes ./internal/cluster/kind ./internal/cluster/terraform
LANES        ?= 2
# What only measures; bench-kind does so on an idle machine.
MEASURED     := TestGate/a_run_of_20

.PHONY: e2e-needs
e2e-needs:
	@docker info >/dev/null 2>&1 || podman info >/dev/null 2>&1 || nerdctl info >/dev/null 2>&1 || { \
	  echo "make e2e: no container engine answers: start Docker, Podman or nerdctl, and see that you may use it" >&2; exit 1; }
	@missing=; while read -r variable what; do [ -d "$${!variable-}" ] || { missing=1; \
	  echo "make e2e: set $$variable to a directory with $$what" >&2; }; done <<<"$$E2E_NEEDS"; [ -z "$$missing" ]

.PHONY: bench-kind
bench-kind: e2e-needs build ## Measure live probes and a whole run on kind clusters, as a table
	@rm -f bin/measures.md
	STAGEGATE_MEASURES=$(CURDIR)/bin/measures.md go test -tags e2e -timeout 60m -count 1 -p 1 -run 'TestGate/a_run_of_20|TestOneNode/(many|Calico)' ./internal/e2e/commands ./internal/e2e/probes
	@printf '$(MEASURES_HEAD)'; cat bin/measures.md

.PHONY: bench
bench: ## Run all benchmarks and print their results as a table (BENCHTIME=1s)
	@pkgs=$$(git grep -l --untracked '^func Benchmark' -- 'internal/*_test.go' | xargs -n1 dirname | sort -u | sed 's|^|./|'); \
	[ -n "$$pkgs" ] || { echo "make bench: there are no benchmarks" >&2; exit 1; }; \
	go test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) -timeout 60m $$pkgs | tee /dev/stderr | awk ' \
	  BEGIN { print "| benchmark | time | memory | allocations | others |\n|---|---:|---:|---:|---|" } \
	  /^Benchmark/ { t = m = a = o = ""; for (i = 3; i < NF; i += 2) { u = $$(i+1); \
	      if (u == "ns/op") t = $$i; else if (u == "B/op") m = $$i; else if (u == "allocs/op") a = $$i; else o = o (o == "" ? "" : ", ") $$i " " u } \
	    printf "| %s | %.3f ms | %.2f MiB | %s | %s |\n", $$1, t / 1e6, m / 1048576, a, o } \
	  /^FAIL|^--- FAIL/ { failed = 1 } END { exit failed }'

.PHONY: lint
lint: bin/golangci-lint-$(GOLANGCI_LINT) ## Check style, formatting and module files
	@echo "linting ." >&2; $< run
	@for m in $(filter-out .,$(MODULES)); do echo "linting $$m" >&2; (cd "$$m" && \
	  $(CURDIR)/$< fmt --diff --config $(CURDIR)/.golangci.yaml && \
	  $(CURDIR)/$< run --config $(CURDIR)/.golangci.yaml --enable-only $(FAST_LINTERS)); done
	@for m in $(MODULES); do echo "go -C $$m mod tidy -diff" >&2; go -C "$$m" mod tidy -diff; done

.PHONY: format
format: bin/golangci-lint-$(GOLANGCI_LINT) ## Format all Go files as make lint wants them
	@for m in $(MODULES); do (cd "$$m" && $(CURDIR)/$< fmt --config $(CURDIR)/.golangci.yaml); done

# A tool is built from its module, once for each version.
bin/golangci-lint-$(GOLANGCI_LINT): tool = github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT)
bin/goreleaser-$(GORELEASER):       tool = github.com/goreleaser/goreleaser/v2@$(GORELEASER)
bin/gotestsum-$(GOTESTSUM):         tool = gotest.tools/gotestsum@$(GOTESTSUM)
bin/syft-$(SYFT):                   tool = github.com/anchore/syft/cmd/syft@$(SYFT)
bin/golangci-lint-$(GOLANGCI_LINT) bin/goreleaser-$(GORELEASER) bin/gotestsum-$(GOTESTSUM) bin/syft-$(SYFT):
	@echo "building $(tool) (once)" >&2
	@mkdir -p $@.d; GOFLAGS= GOBIN=$(CURDIR)/$@.d go install -v $(tool) 2>&1 | $(counted)
	@mv $@.d/* $@; rmdir $@.d

SKIP ?= none
.PHONY: snapshot
snapshot: bin/goreleaser-$(GORELEASER) bin/syft-$(SYFT) ## Build a release without publishing it (SKIP=docker where there is no buildx)
	@mkdir -p bin/release-tools; ln -sf $(CURDIR)/bin/syft-$(SYFT) bin/release-tools/syft
	@$< check
	PATH=$(CURDIR)/bin/release-tools:$$PATH $< release --snapshot --clean $(if $(filter-out none,$(SKIP)),--skip=$(SKIP))

.PHONY: docs
docs: ## Write the command reference, docs/reference, from the commands
	go test ./internal/cli/reference -run TestReferenceIsUpToDate -count 1 -update
