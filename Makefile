# The commands of this project, for developers and for CI alike.
#
# Each target installs what it needs and is missing: Debian packages (it asks first, except as root or in CI), npm and
# Python packages, cargo's own tools. Only rustup and Node.js must be on the machine before.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

export PATH := $(PATH):$(HOME)/.cargo/bin

# In CI the lock file is as committed or the run fails; here cargo may complete it.
LOCKED := $(if $(CI),--locked)

# To compile the app.
BUILD_PACKAGES := build-essential pkg-config file \
  libwebkit2gtk-4.1-dev libayatana-appindicator3-dev librsvg2-dev
# To pass sign-in links to the app.
RUN_PACKAGES := xdg-utils desktop-file-utils
CHECK_PACKAGES := shellcheck
PYTHON_PACKAGES := python3-venv
# The shells that mcm writes for.
SHELL_PACKAGES := zsh fish
# For the tests: a screen, a session bus, a keychain, a driver for the window, screenshots and keys; mcm's own tools.
TEST_PACKAGES := $(RUN_PACKAGES) xvfb xauth openbox xfce4-panel dbus dbus-x11 xdg-dbus-proxy libglib2.0-bin \
  gnome-keyring libsecret-tools webkit2gtk-driver xdotool wmctrl x11-utils imagemagick python3-dbus python3-gi \
  $(PYTHON_PACKAGES) bsdutils openssl $(if $(shell command -v kubectl),,kubernetes-client)
# To compile for Windows.
CROSS_PACKAGES := $(PYTHON_PACKAGES) gcc-mingw-w64-x86-64-win32 g++-mingw-w64-x86-64-win32 binutils-mingw-w64-x86-64 nasm
# To look into the packages.
PACKAGE_TEST_PACKAGES := dpkg-dev rpm rpm2cpio cpio
# To draw the README's pictures in the app's engine.
SCREENSHOT_PACKAGES := xvfb xauth imagemagick fonts-cantarell python3-gi gir1.2-gtk-3.0 gir1.2-webkit2-4.1

TAURI_CLI := 2.12.5
OIDC_PROVIDER := src-tauri/core/tests/oidc_provider
MOTO := src-tauri/core/tests/aws/moto
CLIENTS := src-tauri/cli/tests/mcm/clients
RUFF := target/ruff/venv/bin/ruff
FUZZ := --fuzz-dir src-tauri/core/fuzz

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: deps
deps: ## install the Debian packages of every target; asks first, except as root or in CI
	@scripts/install $(BUILD_PACKAGES) $(RUN_PACKAGES) $(CHECK_PACKAGES) $(SHELL_PACKAGES) $(TEST_PACKAGES) \
	  $(PACKAGE_TEST_PACKAGES) $(CROSS_PACKAGES) $(SCREENSHOT_PACKAGES)

.PHONY: run
run: display build ## build the app and start it; against the sandbox clouds while no client id is set
	@scripts/install $(RUN_PACKAGES)
	@scripts/run

.PHONY: build
build: ui ## build the dashboard and the debug binaries: multi-cloud-manager, mcm, mcm-full, sandbox-clouds
	@echo "==> debug binaries: target/debug"
	cargo build $(LOCKED) --workspace

.PHONY: fmt
fmt: ui ruff ## format Rust, TypeScript, Svelte and Python
	cargo fmt --all
	npm --prefix ui run format -- --log-level warn
	$(RUFF) format --quiet .
	$(RUFF) check --quiet --fix .

.PHONY: check
check: ui ruff ## formats, lints, types and documentation, of everything
	@scripts/install $(CHECK_PACKAGES)
	@echo "==> scripts: ShellCheck, then Ruff"
	shellcheck --external-sources $$(grep -lsE '^#!.*sh$$' .ci/* scripts/* e2e/*)
	$(RUFF) format --check .
	$(RUFF) check .
	@echo "==> documents: the files that they name"
	python3 scripts/check-paths.py $$(git ls-files '*.md')
	@echo "==> dashboard: prettier, ESLint, then types"
	npm --prefix ui run format:check
	npm --prefix ui run lint
	npm --prefix ui run check
	@echo "==> Rust: rustfmt, Clippy, then rustdoc"
	cargo fmt --all --check
	cargo clippy $(LOCKED) --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc $(LOCKED) --workspace --no-deps

.PHONY: cross-check
cross-check: ui ## lint everything for Windows and macOS as well
	@scripts/install $(CROSS_PACKAGES)
	@scripts/cross-check

.PHONY: test-core
test-core: oidc-provider moto ## test core alone, every tier: a minute once it is built
	@scripts/install $(TEST_PACKAGES)
	cargo test $(LOCKED) -p mcm-core

.PHONY: test
test: check oidc-provider moto clients ## check, then every test; the end-to-end suite comes last
	@echo "==> dashboard tests"
	npm --prefix ui test
	@scripts/install $(TEST_PACKAGES)
	@echo "==> Rust tests"
	cargo build $(LOCKED) --workspace
	cargo test $(LOCKED) --workspace
	@echo "==> the types generated from Rust are the committed ones"
	@stale=$$(git status --porcelain -- ui/src/bindings | sed -n '/^.[^ ]/p'); \
	[ -z "$$stale" ] || { printf '%s\n' "$$stale" "The tests wrote these anew. Add them to the commit." >&2; exit 1; }
	@$(MAKE) --no-print-directory cross-check
	@echo "==> end-to-end tests"
	e2e/run --numprocesses 2 --dist worksteal

.PHONY: audit
audit: toolchain ## licences, sources, versions and advisories of the dependencies; dependencies that nothing uses
	@command -v cargo-deny >/dev/null || cargo install --locked --version ^0.19 cargo-deny
	@command -v cargo-machete >/dev/null || cargo install --locked --version ^0.9 cargo-machete
	@echo "==> licences, sources, versions"
	cargo deny check --hide-inclusion-graph bans licenses sources
	@echo "==> advisories"
	@if cargo deny fetch db; then \
	  cargo deny check advisories; \
	else \
	  echo "NOT CHECKED: the advisory database could not be fetched. Run make audit again with a network." >&2; \
	fi
	@echo "==> dependencies that nothing uses"
	cargo machete

# Without a sanitizer, which only a nightly toolchain has: the crates forbid unsafe code, so a panic is what there is to find.
.PHONY: fuzz
fuzz: toolchain ## run each of core's fuzz targets for a minute
	@scripts/install build-essential
	@command -v cargo-fuzz >/dev/null || cargo install --locked --version ^0.13 cargo-fuzz
	@for target in $$(cargo fuzz list $(FUZZ)); do \
	  echo "==> fuzz: $$target"; \
	  cargo fuzz run $(FUZZ) --target-dir target/fuzz --sanitizer none "$$target" -- -max_total_time=60; \
	done

.PHONY: bench
bench: ui ## measure sessions, mcm and the app in release builds, as ratios within one run
	@scripts/install $(BUILD_PACKAGES) $(TEST_PACKAGES)
	@echo "==> release binaries"
	cargo build $(LOCKED) --release --bins --features tauri/custom-protocol \
	  --package multi-cloud-manager --package mcm-cli --package empty-app --package sandbox-clouds
	cargo bench $(LOCKED) -p mcm-core --bench sessions --bench growth --no-run
	@scripts/bench

.PHONY: package
package: ui ## build the .deb, the .rpm and their bill of materials: the app and mcm, without the sandbox
	@[ -x target/tauri-cli-$(TAURI_CLI)/node_modules/.bin/tauri ] || { \
	  echo "==> Tauri's bundler"; \
	  npm install --prefix target/tauri-cli-$(TAURI_CLI) --no-save --no-audit --no-fund @tauri-apps/cli@$(TAURI_CLI); }
	@echo "==> packages: target/release/bundle"
	rm -rf target/release/bundle
	target/tauri-cli-$(TAURI_CLI)/node_modules/.bin/tauri build --ci --bundles deb,rpm -- \
	  --locked --package multi-cloud-manager --package mcm-cli
	@python3 scripts/sbom.py target/release/bundle/multi-cloud-manager.cdx.json

.PHONY: screenshots
screenshots: ui ## take the README's pictures from the gallery of screens (ui/screens), light and dark
	@scripts/install $(SCREENSHOT_PACKAGES)
	@scripts/screenshots

.PHONY: test-package
test-package: package build ## install the .deb, sign in by its links, upgrade and remove it; look into the .rpm; as root
	@scripts/install $(TEST_PACKAGES) $(PACKAGE_TEST_PACKAGES)
	@echo "==> the packages"
	e2e/run package

# Cargo embeds ui/dist in the app, so it comes before any cargo command.
.PHONY: ui
ui: toolchain
	@scripts/install $(BUILD_PACKAGES)
	@scripts/ui

# What follows is made once for each content of its inputs: scripts/once.

# The OpenID provider that core's tests sign in to.
.PHONY: oidc-provider
oidc-provider: toolchain
	@scripts/once oidc-provider $(OIDC_PROVIDER)/node_modules/.package-lock.json $(OIDC_PROVIDER)/package-lock.json -- \
	  npm --prefix $(OIDC_PROVIDER) ci --no-audit --no-fund

# The AWS that core's tests assume roles at, in a Python environment of its own.
.PHONY: moto
moto: toolchain
	@scripts/install $(PYTHON_PACKAGES)
	@scripts/once moto target/moto/venv/made $(MOTO)/requirements.txt -- \
	  scripts/venv moto --requirement $(MOTO)/requirements.txt

# The clouds' own clients, which mcm's tests lend credentials to, and the shells that it writes for.
.PHONY: clients
clients: toolchain
	@scripts/install $(PYTHON_PACKAGES) $(SHELL_PACKAGES)
	@scripts/once clients-python target/clients/venv/made $(CLIENTS)/requirements.txt -- \
	  scripts/venv clients --require-hashes --requirement $(CLIENTS)/requirements.txt
	@scripts/once clients-node $(CLIENTS)/node/node_modules/.package-lock.json $(CLIENTS)/node/package-lock.json -- \
	  npm --prefix $(CLIENTS)/node ci --no-audit --no-fund

# The formatter and linter of the Python files.
.PHONY: ruff
ruff:
	@scripts/install $(PYTHON_PACKAGES)
	@scripts/once ruff $(RUFF) scripts/ruff-requirements.txt -- \
	  scripts/venv ruff --requirement scripts/ruff-requirements.txt

.PHONY: toolchain
toolchain:
	@command -v cargo >/dev/null || { \
	  echo "cargo is missing. Install rustup (https://rustup.rs); rust-toolchain.toml tells it the rest." >&2; exit 1; }
	@command -v npm >/dev/null || { echo "npm is missing. Install Node.js 20.19 or later with npm." >&2; exit 1; }
	@printf '%s\n' v20.19.0 "$$(node --version)" | sort --version-sort --check=quiet || { \
	  echo "Node.js is $$(node --version). Install 20.19 or later." >&2; exit 1; }

.PHONY: display
display:
	@[ -n "$${DISPLAY:-}$${WAYLAND_DISPLAY:-}" ] || { \
	  echo "There is no display to show the window on: neither DISPLAY nor WAYLAND_DISPLAY is set." >&2; \
	  echo "Run it in a desktop session, or on a virtual screen: apt-get install xvfb xauth && xvfb-run -a make run" >&2; \
	  exit 1; }
