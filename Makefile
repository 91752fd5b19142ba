# make demo | make test | make proof | make proof-long | make lint | make interop | make bench | make docs | make site: each one
# prepares .venv by itself.
# Wanted on the machine: Python 3.11 or later. PYTHON=/path/to/python chooses one.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.pronto
DEV_STAMP := $(VENV)/.pronto-dev
# Two processes: each has its own databases. WORKERS=0 runs the tests one after the other.
WORKERS ?= 2
PYTEST_ARGS ?=
BENCH_ARGS ?=
INTEROP_ARGS ?=
RUFF := $(BIN)/ruff
RUFF_ARGS := --line-length 120 --target-version py311
CODE := hub adapters tests examples benchmarks docs migrations

.PHONY: demo test proof proof-long lint format interop bench docs site wheel clean

demo: $(STAMP)
	$(BIN)/pontepa demo

# Whatever the machine says: what is compiled once is not compiled again by each process that the tests start.
test: export PYTHONDONTWRITEBYTECODE =
test: $(DEV_STAMP)
	$(BIN)/python -m pytest -q -n $(WORKERS) $(PYTEST_ARGS)

proof: $(DEV_STAMP)
	$(BIN)/python -m tests.prova

proof-long: $(DEV_STAMP)
	$(BIN)/python -m tests.prova --lunga

lint: $(DEV_STAMP)
	$(RUFF) check $(RUFF_ARGS) --select E,F,W,I,B $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(DEV_STAMP)
	$(RUFF) format $(RUFF_ARGS) $(CODE)

interop: $(DEV_STAMP)
	$(BIN)/python -m tests.interop.matrix $(INTEROP_ARGS)

bench: $(DEV_STAMP)
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

# Writes again the documents that are generated from the code; the examples are played to a hub by the story of the tests.
docs: $(DEV_STAMP)
	$(BIN)/python -m docs

# The pages as a site: docs/_sito/index.html.
site: docs
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_sito

wheel: $(DEV_STAMP)
	$(BIN)/python -m build --wheel --outdir dist

clean:
	rm -rf build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache

$(STAMP): setup.cfg pyproject.toml
	@sh .ci/venv.sh $(VENV) .
	@touch $@

$(DEV_STAMP): $(STAMP)
	@sh .ci/venv.sh $(VENV) '.[dev]'
	@touch $@
