# The README's commands. Each makes what it needs: a virtual environment with pinned versions.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TRAINS := $(VENV)/.ready-train
READY := $(VENV)/.ready

.PHONY: train test quick lint types pytest docs release compiled third-party other-learners clean

train: $(TRAINS)
	$(BIN)/isa train grid/shooting --stop-when-solved

test: lint types pytest

# A look at every module while working: all but the tests marked slow.
quick: $(READY)
	JAXTYPING_DISABLE=1 OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal -q -m "not slow"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

pytest: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal

# The site, into the folder site; a link that leads nowhere fails it.
docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

# The wheel and the source archive, checked, into dist: every module in the wheel, metadata that PyPI takes.
# make release REPOSITORY=https://github.com/NAME/isa: links of the README then lead there.
# The wheel is pure Python; whoever installs the archive, or a checkout, compiles the part for CPU where there is a compiler.
RELEASE := .venv-release
release: $(READY)
	$(PYTHON) -m venv $(RELEASE)
	$(RELEASE)/bin/python -m pip install --quiet build twine
	rm -rf build dist
	ISA_COMPILED=0 ISA_REPOSITORY=$(REPOSITORY) $(RELEASE)/bin/python -m build
	$(RELEASE)/bin/twine check --strict dist/*
	$(BIN)/pytest -q tests/test_wheel.py

# What is compiled for CPU, again: after a change to its sources.
compiled: $(TRAINS)
	$(BIN)/python setup.py --quiet build_ext --inplace

# What training needs, and no more.
$(TRAINS): pyproject.toml setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[train]'
	touch $@

$(READY): $(TRAINS)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

# Environments and learners that others wrote, each in a virtual environment of its own; no part of make test.
THIRD := .venv-third-party
LEARNERS := .venv-other-learners

third-party: $(THIRD)/.ready
	$(THIRD)/bin/python -m benchmarks.third_party --again

other-learners: $(LEARNERS)/.ready
	JAXTYPING_DISABLE=1 $(LEARNERS)/bin/python -m benchmarks.other_learners

.venv-%/.ready: pyproject.toml setup.py constraints-%.txt
	$(PYTHON) -m venv .venv-$*
	.venv-$*/bin/python -m pip install --quiet --upgrade pip
	.venv-$*/bin/python -m pip install --quiet --constraint constraints-$*.txt torch
	.venv-$*/bin/python -m pip install --quiet --constraint constraints-$*.txt --editable '.[$*]'
	touch $@

clean:
	rm -rf $(VENV) $(THIRD) $(LEARNERS) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
