# `make dev` serves everything on http://localhost:8787, `make test` tests everything,
# `make release` writes the files that serve everything on a bare machine.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:

PORT ?= 8787
DATA ?= data
export WRANGLER_SEND_METRICS := false
export CLOUDFLARE_CF_FETCH_ENABLED := false

GOROOT := $(shell go env GOROOT)
GUEST := GOOS=js GOARCH=wasm
# In most packages of the guest no function is inlined: that makes the module smaller.
GUEST_FLAGS := $(shell cat worker/goflags) -ldflags="-s -w"
BIN := $(CURDIR)/e2e/node_modules/.bin
NODE := PATH="$(BIN):$$PATH"
DEPS := e2e/node_modules/.package-lock.json
HERMES := e2e/react-native/hermes
# What the example for phones is made of, with React Native and Metro.
PHONE := examples/react-native/node_modules/.package-lock.json
EDITORS := examples/tiptap/node_modules/.package-lock.json
MADE := build build/testguest.wasm build/tidemark release-here build/migrated build/field-notes $(DEPS) $(PHONE) $(EDITORS)
HERE := build/release/tidemark-$(shell go env GOHOSTOS)-$(shell go env GOHOSTARCH)
TEST_ENV := $(NODE) TIDEMARK_SERVER=$(CURDIR)/build/tidemark TIDEMARK_RELEASE=$(CURDIR)/$(HERE) TIDEMARK_MIGRATED=$(CURDIR)/build/migrated
FUZZTIME ?= 1m
YJSDIFF_SECONDS ?= 600
SEEDS ?= 100000
STRANGER_SEEDS ?= 200
KILL_ROUNDS ?= 20
SIEGE_SECONDS ?= 120
HISTORIES_ROUNDS ?= 10
PHONE_SEEDS ?= 20
SOAK ?= 10m

# git describe needs tags for more than the commit: a release is a tag v1.2.3, and `make release`.
VERSION ?= $(shell git describe --tags --match 'v*' --always --dirty 2>/dev/null || echo unknown)
VERSION := $(VERSION)
PLATFORMS := linux-amd64 linux-arm64 darwin-amd64 darwin-arm64 windows-amd64.exe windows-arm64.exe
FILES := $(PLATFORMS:%=build/release/tidemark-%)
INSIDE := wasm/cmd/tidemark/inside

.PHONY: release release-here dev serve build compiled static check test prove bench fuzz siege soak simulate deploy clean

# The whole system on wrangler's local Cloudflare, on PORT and with AUTH_SECRET.
dev: build $(DEPS)
	@mkdir -p .wrangler && umask 077 && \
	token=$$(go run ./wasm/cmd/tidemark token --secret-file .wrangler/auth_secret --sub dev) && \
	operators=$$(go run ./wasm/cmd/tidemark token --secret-file .wrangler/auth_secret --operator) && \
	printf 'DEV_MODE=1\nAUTH_SECRET=%s\n' "$${AUTH_SECRET:-$$(cat .wrangler/auth_secret)}" > .wrangler/dev.vars && \
	export PATH="$(BIN):$$PATH" && \
	CI=1 wrangler d1 migrations apply DB --local && \
	printf '\nhttp://localhost:%s\na token for it: %s\nhttp://localhost:%s/console\na token for an operator: %s\n\n' \
		"$(PORT)" "$$token" "$(PORT)" "$$operators" && \
	exec wrangler dev --port $(PORT) --env-file .wrangler/dev.vars

# The same system in one process under wazero, with its data in a folder.
serve:
	exec go run ./wasm/cmd/tidemark serve --addr 127.0.0.1:$(PORT) --data $(DATA)

# The guest, and the demo app and the console that both hosts serve.
build: build/wasm_exec.js web/dist/index.html build/worker.wasm

# make leaves the file alone if nothing changed: every wrangler runs make build when it
# starts, and a running wrangler watches the file.
build/tidemark.wasm: $(shell find shared worker -not -path '*/testdata/*') go.mod go.sum
	$(GUEST) go build $(GUEST_FLAGS) -o $@ ./worker
	touch $@

# The guest with the memory that it has before boot, which workerd runs.
build/worker.wasm: build/tidemark.wasm worker/snapshot.mjs build/wasm_exec.js
	node worker/snapshot.mjs build/tidemark.wasm $@

web/dist/index.html: $(shell git ls-files web 2>/dev/null) web/node_modules/.package-lock.json
	cd web && npm run --silent build
	touch $@

build/wasm_exec.js: $(GOROOT)/lib/wasm/wasm_exec.js
	mkdir -p build
	cp $< $@

build/testguest.wasm: FORCE build/wasm_exec.js
	$(GUEST) go build $(GUEST_FLAGS) -o $@ ./worker/testguest

build/tidemark: FORCE
	go build -o $@ ./wasm/cmd/tidemark

# One file for each system that serves everything by itself, with the sums of the files, and what they are made of.
release: $(FILES)
	cd build/release && sha256sum $(notdir $(FILES)) > SHA256SUMS
	for file in $(FILES); do go version -m $$file; done > build/release/SBOM.txt

# The file for this machine.
release-here: $(HERE)

build/release/tidemark-%: $(INSIDE)/tidemark.wasm.gz FORCE
	CGO_ENABLED=0 GOOS=$(word 1,$(subst -, ,$*)) GOARCH=$(word 2,$(subst -, ,$(basename $*))) \
		go build -tags release -buildvcs=auto -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o $@ ./wasm/cmd/tidemark

# What the build tag release puts inside the binary, under the names of wrangler.toml.
$(INSIDE)/tidemark.wasm.gz: build/tidemark.wasm web/dist/index.html wrangler.toml tables.toml $(wildcard worker/store/migrations/*.sql)
	rm -rf $(INSIDE)
	mkdir -p $(INSIDE)/worker/store $(INSIDE)/web
	cp wrangler.toml tables.toml $(INSIDE)
	cp -r worker/store/migrations $(INSIDE)/worker/store
	cp -r web/dist $(INSIDE)/web
	gzip -9nc build/tidemark.wasm > $@

# A database that wrangler migrated, for tests to copy.
build/migrated: $(wildcard worker/store/migrations/*.sql) wrangler.toml $(DEPS)
	rm -rf $@ $@.new
	$(NODE) CI=1 wrangler d1 migrations apply DB --local --persist-to $@.new
	mv $@.new $@
	touch $@

# The example app, in JavaScript. The link is for Node, which looks for packages in the folders above a file.
build/field-notes: $(wildcard examples/field-notes/*.ts) examples/field-notes/tsconfig.json web/dist/index.html
	web/node_modules/.bin/tsc -p examples/field-notes
	ln -sfn ../web/node_modules build/node_modules
	touch $@

%/node_modules/.package-lock.json: %/package-lock.json
	cd $* && npm ci --no-audit --no-fund --loglevel=error
	touch $@

# Compiles two guests of tests into wazero's cache, which outlives the tests that do it. The
# race detector would make each of these compilations take a minute.
compiled:
	go test -vet=off -count 1 -run '^TestATimerComesOnce$$|^TestValuesGoThereAndBack$$' ./wasm/edge ./wasm/gojs

# Format, vet for both targets, staticcheck and known vulnerabilities.
# For the guest staticcheck cannot see that wasmexport uses a function (U1000).
static:
	test -z "$$(gofmt -l shared worker wasm e2e | tee /dev/stderr)"
	go vet ./...
	$(GUEST) go vet ./shared/... ./worker/...
	go build -o build/staticcheck honnef.co/go/tools/cmd/staticcheck
	build/staticcheck ./...
	$(GUEST) build/staticcheck -checks inherit,-U1000 ./shared/... ./worker/...
	go build -o build/govulncheck golang.org/x/vuln/cmd/govulncheck
	sh e2e/supply/advisories.sh

# The inner loop: static, and the short tests, with those of the layout.
check: static
	go test -timeout 30m -short ./...

# Every test, with static. make builds once what several tests need.
test:
	@$(MAKE) --no-print-directory -j 2 $(MADE) compiled
	sh e2e/web/chromium.sh
	sh e2e/machines/proxies.sh
	sh e2e/slow/slowhttptest.sh
	sh e2e/machines/buildah.sh
	$(TEST_ENV) node e2e/suite/main.mjs

# The tests that are too long for `make test`: all concurrent packages under the race
# detector, all of shared on the guest's target, more seeds and rounds, the demo,
# the siege and the whole conformance suite on both hosts, and the long suites of other
# projects (docs/proofs.md).
prove: $(MADE) compiled e2e/contract/node_modules/.package-lock.json $(HERMES)/node_modules/.package-lock.json release build/toxiproxy build/tidemark-soak
	sh e2e/web/chromium.sh
	cd build/release && sha256sum --check --quiet SHA256SUMS
	go test -race -count 1 -timeout 0 ./wasm/... ./worker/api
	$(GUEST) go test -exec=$(GOROOT)/lib/wasm/go_js_wasm_exec -short -count 1 -timeout 0 ./shared/...
	SIMULATE_SEEDS=10000 go test -run 'Simulation|TestNoSeenEditIsLost' -count 1 -timeout 0 ./worker/... ./shared/...
	SIEGE_ROUNDS=100 STRANGER_SEEDS=20 COSTLY_PEERS=2 go test -run 'TestASiege|TestStrangers|TestCostly' -count 1 -timeout 0 ./worker
	$(TEST_ENV) EVERY_HOST=1 go test -run 'TestConformanceOnWrangler/space' -count 1 -timeout 0 ./e2e
	$(TEST_ENV) CLIENT_SEEDS=100 node --test e2e/clients/random.test.mjs e2e/clients/random_rules.test.mjs
	$(TEST_ENV) LARGE_SEEDS=100 node --test e2e/clients/large.test.mjs
	$(TEST_ENV) FIRST_ROWS=100000 node --expose-gc --test --test-reporter=spec e2e/clients/first.test.mjs
	$(NODE) PEOPLE_SEEDS=300 node --test web/client/test/people.test.mjs
	$(TEST_ENV) PEOPLE_SEEDS=20 EVERY_HOST=1 node --test e2e/clients/people.test.mjs
	$(TEST_ENV) DOCUMENT_SEEDS=2000 ROOM_SEEDS=1000 node --test web/client/test/{indexeddb,rooms}.test.mjs e2e/clients/documents.test.mjs
	$(TEST_ENV) HERMES=$(CURDIR)/$(HERMES)/node_modules/hermes-engine-cli/linux64-bin/hermes EVERY_PLATFORM=1 REACT_NATIVE_SEEDS=$(PHONE_SEEDS) \
		node --test --test-reporter=spec e2e/react-native/react-native.test.mjs
	$(TEST_ENV) STRANGER_SEEDS=20 node --test e2e/strangers/strangers.test.mjs
	$(TEST_ENV) HISTORIES_ROUNDS=$(HISTORIES_ROUNDS) go test -v -run TestHistories -count 1 -timeout 0 ./e2e/histories
	$(TEST_ENV) KILL_ROUNDS=$(KILL_ROUNDS) node --test --test-reporter=spec e2e/spaces/kill.test.mjs
	$(TEST_ENV) WEBHOOK_ROUNDS=$(KILL_ROUNDS) node --test --test-reporter=spec e2e/webhooks/kill.test.mjs
	sh e2e/slow/slowhttptest.sh
	$(TEST_ENV) SLOW_SECONDS=90 node --test --test-reporter=spec e2e/slow/slow.test.mjs
	$(NODE) SOAK=$(SOAK) node e2e/soak/soak.mjs
	$(TEST_ENV) BACKUP_ROUNDS=$(KILL_ROUNDS) node --test --test-reporter=spec e2e/backup/kill.test.mjs
	$(TEST_ENV) YJS_SEEDS=200 node --test e2e/yjs/testhelper/testhelper.test.mjs
	$(TEST_ENV) node --test --test-reporter=spec e2e/contract/contract.mjs
	$(TEST_ENV) EVERY_HOST=1 go test -run TestConformanceOnWrangler -count 1 -timeout 0 ./e2e
	$(TEST_ENV) EVERY_HOST=1 node --test --test-concurrency=2 "e2e/web/*.test.mjs" e2e/yjs/{hostile,limit,deletions}.test.mjs e2e/clients/rooms.test.mjs
	$(TEST_ENV) EVERY_HOST=1 YJS_ROOMS=200 YJS_ROUNDS=2 node --test --test-concurrency=1 e2e/yjs/rooms.test.mjs e2e/siege/siege.test.mjs

# All benchmarks, or the SECTIONS of them, beside peers. The results stay in e2e/perf/results, and
# docs/performance.md is made of them.
SECTIONS ?=
bench: build build/testguest.wasm build/tidemark build/migrated $(DEPS) e2e/perf/rooms/peers/node_modules/.package-lock.json
	go build -o build/load ./e2e/perf/load
	$(TEST_ENV) BENCH_RESULTS=e2e/perf/results node e2e/perf/bench.mjs $(SECTIONS)
	go run ./e2e/perf/page
ifeq ($(strip $(SECTIONS)),)
	go test -run '^$$' -bench . -benchmem ./...
	$(NODE) node e2e/perf/yjs/run.mjs
	$(NODE) node e2e/perf/teams.mjs
endif

# Every fuzz target for FUZZTIME (Go writes crashers to testdata/fuzz), strangers on both
# hosts with STRANGER_SEEDS seeds, and shared/yjs compared with yjs in Node for
# YJSDIFF_SECONDS.
fuzz: build $(DEPS)
	STRANGER_SEEDS=$(STRANGER_SEEDS) go test -run TestStrangers -count 1 -timeout 0 ./worker
	$(NODE) STRANGER_SEEDS=$(STRANGER_SEEDS) node --test e2e/strangers/strangers.test.mjs
	YJSDIFF_SECONDS=$(YJSDIFF_SECONDS) go test -count 1 -timeout 0 ./e2e/yjsdiff
	for dir in $$(git grep -l '^func Fuzz' -- '*_test.go' | xargs -n1 dirname | sort -u); do \
		for target in $$(go test -list '^Fuzz' "./$$dir" | grep '^Fuzz'); do \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s "./$$dir"; \
		done; \
	done

# The largest legal requests, many at once, for SIEGE_SECONDS on each host.
siege: build $(DEPS)
	$(NODE) SIEGE_SECONDS=$(SIEGE_SECONDS) node --test --test-reporter=spec e2e/siege/siege.test.mjs

# The self-hosted server with mixed clients and faults, for SOAK. The seed is SEED, or random.
soak: build build/toxiproxy build/tidemark-soak $(DEPS)
	$(NODE) SOAK=$(SOAK) node e2e/soak/soak.mjs

# A fault injector, which the server does not contain: its modules are of a file of their own.
build/toxiproxy: e2e/soak/toxiproxy.mod e2e/soak/toxiproxy.sum
	go build -modfile=$< -o $@ github.com/Shopify/toxiproxy/v2/cmd/server

# The server with a clock that jumps.
build/tidemark-soak: FORCE
	go build -tags soak -o $@ ./wasm/cmd/tidemark

# The seeded simulations, with SEEDS seeds.
simulate:
	SIMULATE_SEEDS=$(SEEDS) go test -run 'Simulation|TestNoSeenEditIsLost' -count 1 -timeout 0 ./worker/... ./shared/...

deploy: $(DEPS)
	$(NODE) wrangler d1 migrations apply DB --remote
	$(NODE) wrangler deploy

clean:
	rm -rf build $(INSIDE) web/dist e2e/node_modules e2e/perf/rooms/peers/node_modules e2e/contract/node_modules $(HERMES)/node_modules examples/react-native/node_modules examples/tiptap/node_modules web/node_modules

FORCE:
