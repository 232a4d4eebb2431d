# The commands of the README. Each target first creates the virtual environment it needs, with pinned versions.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TRAINS := $(VENV)/.ready-train
READY := $(VENV)/.ready

.PHONY: train test quick lint types pytest docs release compiled third-party other-learners clean

train: $(TRAINS)
	$(BIN)/isa train grid/shooting --stop-when-solved

test: lint types pytest

# The fast tests of every module, for use while you work: skips the tests marked slow.
quick: $(READY)
	JAXTYPING_DISABLE=1 OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal -q -m "not slow"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

pytest: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist worksteal

# Builds the documentation into the folder site; a broken link fails the build.
docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet

# Builds the wheel and the source archive into dist; checks their metadata, and that the wheel holds every module.
# With make release REPOSITORY=https://github.com/NAME/isa, the README's links on PyPI point to that repository.
# The wheel is pure Python; installs from the archive or a checkout also build the compiled part if there is a compiler.
RELEASE := .venv-release
release: $(READY)
	$(PYTHON) -m venv $(RELEASE)
	$(RELEASE)/bin/python -m pip install --quiet build twine
	rm -rf build dist
	ISA_COMPILED=0 ISA_REPOSITORY=$(REPOSITORY) $(RELEASE)/bin/python -m build
	$(RELEASE)/bin/twine check --strict dist/*
	$(BIN)/pytest -q tests/test_wheel.py

# Rebuilds the compiled part for the CPU in place; run it after a change to its sources.
compiled: $(TRAINS)
	$(BIN)/python setup.py --quiet build_ext --inplace

# Only what training needs.
$(TRAINS): pyproject.toml setup.py constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[train]'
	touch $@

$(READY): $(TRAINS)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

# Third-party environments and learners, each in its own virtual environment; not part of make test.
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
