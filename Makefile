# Thin targets over tests/bin/*.sh; `make` alone lists them.
# PG=N picks the PostgreSQL major, SCALE=x the scale factor of demo and bench, WORKLOAD=a,b what bench compares on.

PG ?= 15
export PG
export SCALE
export WORKLOAD

.DEFAULT_GOAL := help
.PHONY: help setup build demo test quick bench lint clean

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

clean: ## Remove what was built, except the tools
	@tests/bin/clean.sh
