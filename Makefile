# The two commands of the README, and what a developer needs.
#   make demo                       the whole system on this machine, against the fake world
#   make control                    the control plane on http://127.0.0.1:8080, SQLite, migrated, an administrator made
#   make demo CATALOGUE=DIR         the same with captured postings instead of made-up ones
#   make test                       every test, through tox
#   make bench                      the benchmarks, side by side

PYTHON ?= python3.11
PYTHON := $(shell command -v $(PYTHON) 2>/dev/null || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
DEMO_OPTIONS := $(if $(CATALOGUE),--catalogue "$(CATALOGUE)",)
# Neither pip nor tox asks the network whether a newer version of themselves exists.
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo control test bench lint clean packages

demo: $(VENV)/.installed
	$(BIN)/scrapy demo $(DEMO_OPTIONS)

control: $(VENV)/.installed
	$(BIN)/python -m control_api db upgrade
	$(BIN)/python -m control_api create-admin --if-none
	$(BIN)/python -m control_api serve

test: $(VENV)/.installed-tests packages
	$(BIN)/tox run -e lint,types,py

lint: $(VENV)/.installed-tests
	$(BIN)/tox run -e lint,types

bench: $(VENV)/.installed
	$(BIN)/python -m benchmarks.normalise
	$(BIN)/python -m benchmarks.signing
	$(BIN)/python -m benchmarks.clickhouse_write
	$(BIN)/python -m benchmarks.control ingest read
	$(BIN)/python -m benchmarks.pipeline

packages:
	tests/install-packages

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}: make PYTHON=...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	touch $@

$(VENV)/.installed-tests: requirements-tox.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --requirement requirements-tox.txt
	touch $@

clean:
	rm -rf $(VENV) .tox
