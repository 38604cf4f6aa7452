# Two commands are all a newcomer needs: make run, make test.

BIN := .venv/bin
LOCK := uv pip compile --universal --generate-hashes --no-strip-extras --no-header --python-version 3.11
COMPILE := $(LOCK) pyproject.toml --extra build
UPGRADE :=
# One process more than processors, since some tests wait for a browser or a store; each with one thread for its linear
# algebra; whoever is done first takes from the others.
WORKERS := $(shell echo $$(( $$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 1 )))
PYTEST := OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 5 --dist worksteal
SIMULATED := $(shell grep -ls SARHAD_ENDURANCE tests/scoring/*.py)
say = @printf '\n== %s\n' "$(1)"

.PHONY: help run test bench endurance lock clean

help:
	@echo 'make run        the pages on this computer, with the demo survey in an empty store'
	@echo 'make test       every check: style, types, imports, tests in Python and in a browser'
	@echo 'make bench      how fast it is, beside others, in the same run'
	@echo 'make endurance  how often the intervals hold what is true, and whether a store outlives any kill: some minutes'
	@echo 'make lock       requirements/*.txt again from pyproject.toml (UPGRADE=--upgrade takes newer releases)'
	@echo 'make clean      removes the environment and all caches, never the answers in var/'

run:
	@sh .ci/setup run
	$(call say,Demo survey: invented answers; only an empty store is filled)
	@$(BIN)/sarhad demo
	$(call say,The pages and the worker that takes files sent to it; end with Ctrl-C)
	@$(BIN)/sarhad work & worker=$$!; trap 'kill $$worker 2>/dev/null' EXIT INT TERM; $(BIN)/sarhad serve

test:
	@sh .ci/setup test
	$(call say,1/5 Style: ruff check)
	@$(BIN)/ruff check .
	$(call say,2/5 Format: ruff format --check)
	@$(BIN)/ruff format --check .
	$(call say,3/5 Types: mypy)
	@$(BIN)/mypy
	$(call say,4/5 Who may import whom: import-linter)
	@$(BIN)/lint-imports
	$(call say,5/5 Tests: pytest with branch coverage)
	@$(PYTEST) --cov

bench:
	@sh .ci/setup bench
	@set -e; for script in benchmarks/*.py; do printf '\n== %s\n' "$$script"; $(BIN)/python "$$script"; done

endurance:
	@sh .ci/setup test
	$(call say,How often do the intervals hold the truth: 2000 surveys a scenario)
	@$(BIN)/python benchmarks/coverage.py --samples 2000
	$(call say,A process that is killed at any statement leaves nothing half done)
	@SARHAD_REQUIRE_ALL=1 SARHAD_KILL_STRIDE=1 $(PYTEST) -q tests/surveys/test_store_killed.py
	$(call say,Eight writers for two minutes; a full disk; any use case killed)
	@SARHAD_REQUIRE_ALL=1 SARHAD_ENDURANCE=1 $(BIN)/python -m pytest -q tests/surveys/test_store_crowded.py \
		tests/surveys/test_store_full.py tests/app/test_killed.py tests/app/test_jobs.py
	$(call say,Every sample beside the checkout is read or refused in words)
	@SARHAD_ENDURANCE=1 $(PYTEST) -q tests/samples/test_every_sample.py
	$(call say,Ranks and bands and questions of two meanings and claims of change: 1000 surveys a line)
	@SARHAD_REQUIRE_ALL=1 SARHAD_ENDURANCE=1 $(PYTEST) -q $(SIMULATED)
	$(call say,What a commander learns from 200 random surveys)
	@$(BIN)/python -m tests.attack.endurance 200

lock:
	@command -v uv >/dev/null || { echo 'make lock needs uv, the resolver: pip install uv'; exit 1; }
	$(COMPILE) $(UPGRADE) --quiet --output-file requirements/run.txt
	$(COMPILE) $(UPGRADE) --quiet --output-file requirements/test.txt --extra test
	$(COMPILE) $(UPGRADE) --quiet --output-file requirements/bench.txt --extra test --extra bench
	$(LOCK) $(UPGRADE) --quiet --output-file requirements/postgres.txt --group server

clean:
	rm -rf .venv .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache build dist
