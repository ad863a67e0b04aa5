# The recipes of this repository; `make` lists them. What CI and the README call is here.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
CORDON := target/cordon/cordon

help: ## Show the recipes
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /  make \1|/' | column -t -s '|'

demo: build ## Build what is needed and run the main job on real input
	examples/orders/run.sh

test: setup lockfile-check build format-check lint ## Build everything and run every test
	scripts/test.sh

setup: ## Install what building and testing need (Debian, Ubuntu)
	scripts/setup.sh

build: setup ## Build supervisor, workers and command modules into target/cordon
	scripts/build.sh

build-wasm: build ## The same; the worker for webAssembly: "allow" is part of it

bench: build ## Measure against secure-exec, in the same run
	benches/run.sh

docs: ## Render the documentation into target/book (needs mdbook)
	@command -v mdbook >/dev/null || { echo "make docs: there is no mdbook; next: cargo install mdbook" >&2; exit 1; }
	mdbook build docs

security: build ## Attack what was built, and print a table of what was tried and lost
	scripts/security.sh $(or $(SECONDS),2)

fuzz: ## Fuzz what parses hostile bytes: make fuzz TARGET=messages SECONDS=600
	scripts/fuzz.sh $(or $(TARGET),all) $(or $(SECONDS),60)

format: ## Format Rust and TypeScript sources
	cargo fmt --all
	cargo fmt --manifest-path guest-shim/Cargo.toml --all
	cargo fmt --manifest-path fuzz/Cargo.toml
	cargo fmt --manifest-path examples/component/Cargo.toml
	cargo fmt --manifest-path examples/component-c/Cargo.toml

format-check:
	cargo fmt --all --check
	cargo fmt --manifest-path guest-shim/Cargo.toml --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo fmt --manifest-path examples/component/Cargo.toml --check
	cargo fmt --manifest-path examples/component-c/Cargo.toml --check

# Before anything is built, because cargo mends a lockfile as it builds.
lockfile-check:
	for manifest in . guest-shim fuzz examples/component examples/component-c; do \
		cargo metadata --locked --format-version 1 --manifest-path "$$manifest/Cargo.toml" >/dev/null; \
	done

lint: ## Clippy and shellcheck without warnings
	scripts/lint.sh

doctor: ## Show what is installed and what encloses a VM
	$(CORDON) doctor

clean: ## Remove what was built here; caches outside stay
	rm -rf target fuzz/target guest-shim/target clients/typescript/dist

.PHONY: help demo test setup build build-wasm bench docs security fuzz format format-check lockfile-check lint doctor clean
