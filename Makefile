# The commands of this project, for developers and for CI alike.
#
# Each target installs what it needs and is missing: Debian packages (it asks first, except as root or in CI), npm and
# Python packages, cargo's own tools. Only rustup and Node.js must be on the machine before.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

export PATH := $(PATH):$(HOME)/.cargo/bin

SYSTEM := $(shell uname -s)
# Where a Python environment keeps its programs.
VENV_BIN := $(if $(filter MINGW% MSYS%,$(SYSTEM)),Scripts,bin)
# The owner and the name at the forge, for the manifests of package managers.
REPOSITORY ?= multicloudmanager/multi-cloud-manager

# In CI the lock file is as committed or the run fails; here cargo may complete it.
LOCKED := $(if $(CI),--locked)

# To compile the app.
BUILD_PACKAGES := build-essential pkg-config file \
  libwebkit2gtk-4.1-dev libayatana-appindicator3-dev librsvg2-dev
# To pass sign-in links to the app.
RUN_PACKAGES := xdg-utils desktop-file-utils
CHECK_PACKAGES := shellcheck
PYTHON_PACKAGES := python3-venv
# The shells that mcm writes for, and the other hooks and terminals that its hook is tested beside.
SHELL_PACKAGES := zsh fish direnv tmux strace
# The keychains beside GNOME's that the vault is tried against: KeePassXC and KWallet.
KEYCHAIN_PACKAGES := keepassxc libkf5wallet-bin libqca-qt5-2-plugins
# For the tests: a screen, a session bus, a keychain, a driver for the window, screenshots and keys; mcm's own tools.
TEST_PACKAGES := $(RUN_PACKAGES) xvfb xauth openbox xfce4-panel at-spi2-core dbus dbus-x11 xdg-dbus-proxy libglib2.0-bin \
  gnome-keyring libsecret-tools webkit2gtk-driver xdotool wmctrl x11-utils imagemagick python3-dbus python3-gi \
  $(PYTHON_PACKAGES) bsdutils openssl $(if $(shell command -v kubectl),,kubernetes-client) $(KEYCHAIN_PACKAGES)
# To compile for Windows.
CROSS_PACKAGES := $(PYTHON_PACKAGES) gcc-mingw-w64-x86-64-win32 g++-mingw-w64-x86-64-win32 binutils-mingw-w64-x86-64 nasm
# To run what was compiled for Windows, and to make an installer of it.
WINDOWS_PACKAGES := wine64 nsis
# To sign a release.
RELEASE_PACKAGES := minisign
# To look into the packages.
PACKAGE_TEST_PACKAGES := dpkg-dev rpm rpm2cpio cpio
# To draw the gallery of screens in the app's engine.
SCREEN_PACKAGES := xvfb xauth imagemagick fonts-cantarell python3-gi python3-gi-cairo gir1.2-gtk-3.0 gir1.2-webkit2-4.1
# The engine that draws the app on Windows.
CHROMIUM_PACKAGES := chromium chromium-driver

TAURI_CLI := 2.12.5
OIDC_PROVIDER := src-tauri/core/tests/oidc_provider
MOTO := src-tauri/core/tests/aws/moto
CLIENTS := src-tauri/cli/tests/mcm/clients
RUFF := target/ruff/venv/$(VENV_BIN)/ruff
WORKFLOWS := target/workflows/venv/$(VENV_BIN)
FUZZ := --fuzz-dir src-tauri/core/fuzz

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-17s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: deps
deps: ## install the Debian packages of every target; asks first, except as root or in CI
	@scripts/install $(BUILD_PACKAGES) $(RUN_PACKAGES) $(CHECK_PACKAGES) $(SHELL_PACKAGES) $(TEST_PACKAGES) \
	  $(PACKAGE_TEST_PACKAGES) $(CROSS_PACKAGES) $(WINDOWS_PACKAGES) $(RELEASE_PACKAGES) $(SCREEN_PACKAGES)

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
check: ui ruff workflows ## formats, lints, types and documentation, of everything
	@scripts/install $(CHECK_PACKAGES)
	@echo "==> scripts: ShellCheck, then Ruff"
	shellcheck --external-sources $$(grep -lsE '^#!.*sh$$' .ci/* scripts/* e2e/*)
	$(RUFF) format --check .
	$(RUFF) check .
	@echo "==> workflows: their schema, then what makes them unsafe"
	$(WORKFLOWS)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(WORKFLOWS)/zizmor --offline --no-progress --quiet .github/workflows
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

.PHONY: cross-test
cross-test: build ## run what is built for Windows under wine: the tests, mcm against the sandbox clouds, the installer
	@scripts/install $(CROSS_PACKAGES) $(WINDOWS_PACKAGES) $(TEST_PACKAGES)
	@scripts/cross-test

.PHONY: test-core
test-core: oidc-provider moto ## test core alone, every tier: a minute once it is built
	@scripts/install $(TEST_PACKAGES)
	cargo test $(LOCKED) -p mcm-core

.PHONY: test
ifneq ($(SYSTEM),Linux)
test: check
	@echo "==> dashboard tests"
	npm --prefix ui test
	@echo "==> Rust tests: those of every system"
	cargo test $(LOCKED) --workspace --lib
	cargo test $(LOCKED) -p mcm-core --test scenario --test loopback --test crash
	cargo test $(LOCKED) -p sandbox-clouds --test clouds
	@echo "NOT CHECKED: mcm as a process and the real window, whose tests need Linux." >&2
else
test: check oidc-provider moto clients ## check, then every test; the end-to-end suite comes last
	@echo "==> dashboard tests"
	npm --prefix ui test
	@$(MAKE) --no-print-directory test-screens
	@scripts/install $(TEST_PACKAGES)
	@echo "==> Rust tests"
	cargo build $(LOCKED) --workspace
	cargo test $(LOCKED) --workspace
	@echo "==> the types generated from Rust are the committed ones"
	@stale=$$(git status --porcelain -- ui/src/bindings | sed -n '/^.[^ ]/p'); \
	[ -z "$$stale" ] || { printf '%s\n' "$$stale" "The tests wrote these anew. Add them to the commit." >&2; exit 1; }
	@$(MAKE) --no-print-directory cross-check
	@$(MAKE) --no-print-directory test-release
	@echo "==> end-to-end tests"
	e2e/run --numprocesses 2 --dist worksteal
endif

.PHONY: components
components: ## write the list of third-party licences that the About screen shows
	python3 scripts/sbom.py target/components.cdx.json x86_64-unknown-linux-gnu
	python3 scripts/components.py target/components.cdx.json

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
	@scripts/link-mcm
	cargo bench $(LOCKED) -p mcm-core --bench sessions --bench growth --no-run
	@scripts/bench

.PHONY: package
package: ui ## build this system's packages: the app and mcm, without the sandbox; on Linux .deb and .rpm
	@[ -x target/tauri-cli-$(TAURI_CLI)/node_modules/.bin/tauri ] || { \
	  echo "==> Tauri's bundler"; \
	  npm install --prefix target/tauri-cli-$(TAURI_CLI) --no-save --no-audit --no-fund @tauri-apps/cli@$(TAURI_CLI); }
	@echo "==> packages: target/release/bundle"
	@scripts/package target/tauri-cli-$(TAURI_CLI)/node_modules/.bin/tauri

.PHONY: windows-installer
windows-installer: ## make the installer for Windows here, from programs in PROGRAMS that were built for it
	@scripts/install nsis
	@scripts/windows-installer "$(or $(PROGRAMS),target/cross/target/x86_64-pc-windows-gnu/debug)" \
	  target/release-files/multi-cloud-manager_$$(scripts/version)_x64-setup.exe

.PHONY: cut-release
cut-release: ## set VERSION everywhere, and give it what the changelog has under Unreleased
	@python3 scripts/changelog.py cut "$(VERSION)"

.PHONY: release-check
release-check: ## fail unless VERSION is the one in Cargo.toml and has its text in the changelog
	@python3 scripts/changelog.py check "$(VERSION)"

.PHONY: release-notes
release-notes: ## print what the changelog says of VERSION
	@python3 scripts/changelog.py notes "$(VERSION)"

.PHONY: release-files
release-files: ## gather this system's packages in target/release-files, with archives of mcm and the bill of materials
	@scripts/release-files

.PHONY: checksums
checksums: ## write SHA256SUMS of target/release-files
	@cd target/release-files && rm -f SHA256SUMS && sha256sum -- * >../SHA256SUMS && mv ../SHA256SUMS . && cat SHA256SUMS

.PHONY: sign
sign: ## sign SHA256SUMS with minisign, with the key in MINISIGN_SECRET_KEY
	@scripts/install $(RELEASE_PACKAGES)
	@scripts/sign-release target/release-files

.PHONY: release-manifests
release-manifests: ## fill the manifests of Homebrew, winget and Scoop for VERSION, from SHA256SUMS
	@python3 scripts/release-manifests.py "$(VERSION)" "$(REPOSITORY)" target/release-files target/manifests

.PHONY: test-release
test-release: ## test what releases are made with: versions, changelog, checksums, signatures, manifests, configurations
	@scripts/install $(RELEASE_PACKAGES)
	@echo "==> the release's tools"
	e2e/run release

.PHONY: test-screens
test-screens: ui ## check every screen in WebKit, light and dark: axe-core's rules, and that nothing is cut off at any size
	@scripts/install $(SCREEN_PACKAGES)
	@echo "==> screens"
	scripts/check-screens

.PHONY: test-screens-chromium
test-screens-chromium: ui ## check every screen in Chromium, light and dark: axe-core's rules; two minutes
	@scripts/install $(CHROMIUM_PACKAGES)
	@echo "==> screens in Chromium"
	npm --prefix ui run --silent build:screens
	python3 scripts/check-chromium.py

.PHONY: screenshots
screenshots: ui ## take the README's pictures from the gallery of screens (ui/screens), light and dark
	@scripts/install $(SCREEN_PACKAGES)
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

# The clouds' own clients, which mcm's tests issue credentials to, and the shells that it writes for.
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

# The linters of the workflows.
.PHONY: workflows
workflows:
	@scripts/install $(PYTHON_PACKAGES)
	@scripts/once workflows $(WORKFLOWS)/zizmor scripts/workflow-requirements.txt -- \
	  scripts/venv workflows --requirement scripts/workflow-requirements.txt

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
