# Every target sets up what it needs on first use, in .venv; PYTHON names another interpreter.
PYTHON ?= python3
BIN := .venv/bin
# Three processes for two cores, with one thread each: more threads crawl, and results would differ.
SUITE := -m pytest -n auto --dist loadgroup
PYTHON_OF_TESTS := OMP_NUM_THREADS=1 $(BIN)/python
TEST := $(PYTHON_OF_TESTS) $(SUITE) --durations=20
COVERAGE := $(BIN)/coverage erase && \
	$(PYTHON_OF_TESTS) -m coverage run $(SUITE) --durations=20 && \
	$(BIN)/coverage combine --quiet && $(BIN)/coverage report --fail-under=90
# Python 3.12 counts lines by sys.monitoring, for next to nothing; before it costs a third more.
MONITORS := $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 12))'
INSTALLED := .venv/.installed
# Hundreds of processes import the same modules: the first compiles each, where nothing forbids it.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install demo test coverage unit check format

help:  ## lists these targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

install: $(INSTALLED)  ## the package with its extras, in .venv

# Pinned torch first, by itself: other packages then find their range satisfied.
$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--editable '.[demo,onnx,peft,postgres,ray,samplers,serve,slurm,test]'
	touch $@

demo: install  ## a real sweep: BERT against DistilBERT on tweets, in at most five minutes
	$(BIN)/finesweep sweep demo

test: install  ## the whole test suite, as CI runs it
	if $(MONITORS); then export COVERAGE_CORE=sysmon; $(COVERAGE); else $(TEST); fi

coverage: install  ## the same with line coverage, at least 90 %
	$(COVERAGE)

unit: install  ## the fast tests
	$(PYTHON_OF_TESTS) $(SUITE) -m 'not slow'

check: install  ## linters, types and the layer contract
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install  ## formats the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
