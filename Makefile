# Thin targets over tests/bin/*.sh; `make` alone lists them.
# PG=N picks the PostgreSQL major, SCALE=x the scale factor of demo and bench, WORKLOAD=a,b what bench compares on.

PG ?= $(or $(if $(PG_CONFIG),$(shell $(PG_CONFIG) --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')),15)
export PG
export SCALE
export WORKLOAD

.DEFAULT_GOAL := help
.PHONY: help setup build demo test quick bench lint deb tarball dist mcpb all install clean

help: ## List the targets
	@sed -n 's/^\([a-z]*\): .*## /  make \1\t/p' Makefile | expand -t 16

setup: ## Install what is missing: Debian packages, Rust, cargo-pgrx (into target/tools)
	@tests/bin/setup.sh

build: setup ## Build extension (target/stage) and mcp-bridge (target/release), nothing outside the repository
	@tests/bin/stage.sh release
	@tests/bin/bridge.sh

demo: build ## Advise on TPC-H in a scratch cluster, build the indexes, time the queries; the same over MCP
	@tests/bin/run.sh demo

test: setup ## Run every check: format, lints, core, in-server and end-to-end tests
	@tests/bin/test.sh

quick: ## Format, lints and tests of extension/core only; needs no PostgreSQL
	@tests/bin/quick.sh

bench: build ## Print the benchmark tables; WORKLOAD=tpch,tpcds,job,app for the comparison on these only
	@tests/bin/run.sh bench

lint: setup ## Format, clippy and documentation of the whole workspace
	@tests/bin/lint.sh

deb: build ## Debian packages of extension and mcp-bridge (target/deb)
	@tests/bin/setup.sh packaging
	@tests/bin/deb.sh

tarball: build ## Tarballs of extension and mcp-bridge (target/dist)
	@tests/bin/tarball.sh

dist: ## The source archive for PGXN, of the last commit (target/dist)
	@tests/bin/dist.sh

mcpb: setup ## The bundle of mcp-bridge for desktop clients (target/dist)
	@tests/bin/bridge.sh
	@tests/bin/mcpb.sh

# As `pgxn install` calls them. An unpacked archive may have lost the x of its scripts.
all: ## Build the extension for the server of PG_CONFIG; installs cargo-pgrx into target/tools, no packages
	@bash tests/bin/setup.sh pgrx
	@bash tests/bin/stage.sh release

install: ## Copy what `make all` built into the server of PG_CONFIG
	@bash tests/bin/install.sh

clean: ## Remove what was built, except the tools
	@tests/bin/clean.sh
