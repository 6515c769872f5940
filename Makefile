# What one does here; `make` alone lists it. Needs CPython 3.11 or newer, fetches the rest from PyPI.
RUN := .venv/bin

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile
setup:  ## .venv with everything, and .envs/era with the official SDKs of 2026-04
	@scripts/bootstrap
demo:  ## a batch on a real model, start to end; EXIT=1 stops the gateway afterwards
	@scripts/bootstrap demo && $(RUN)/python -m asbru.demo $(if $(EXIT),--exit)
test: setup check cover  ## all checks and the whole test suite
	$(RUN)/pytest -n 2 --dist loadfile --ignore=tests/wire
cover: setup  ## the tests of wire/, which run each of its lines
	$(RUN)/pytest tests/wire -n 2 --dist worksteal --cov
agents: setup  ## Claude Code and Codex against a gateway; installs 770 MB from npm first
	@scripts/bootstrap agents
	$(RUN)/pytest -o addopts="-q --strict-markers" tests/agents
check:  ## lint, format, types, floors; changes nothing
	$(RUN)/ruff check && $(RUN)/ruff format --check && $(RUN)/mypy && $(RUN)/lint-imports
fix:  ## mend what lint and format can mend
	$(RUN)/ruff check --fix && $(RUN)/ruff format
bench: setup  ## measure against nginx on this machine (needs gcc and nginx); ONLY=speed,stream,start,batch,scale
	$(RUN)/python -m bench.run $(if $(ONLY),--only $(ONLY))
faults: setup  ## 20 seeded fault runs of 20,000 items on SQLite and PostgreSQL (an hour); RUNS=2 ITEMS=2000 SEED=1 STORE=postgres
	PYTHONPATH=tests $(RUN)/python -m faults $(if $(RUNS),--runs $(RUNS)) $(if $(ITEMS),--items $(ITEMS)) $(if $(SEED),--seed $(SEED)) $(if $(STORE),--store $(STORE))
docs:  ## check that the documentation says what the code does
	$(RUN)/pytest tests/test_docs.py tests/test_house.py
clean:  ## remove what the other commands made
	rm -rf .venv .envs .uv .mypy_cache .ruff_cache .pytest_cache \
		.hypothesis .import_linter_cache .coverage dist build

.PHONY: help setup demo test cover agents check fix bench faults docs clean
