# Needs Python 3.11 or newer, its pip (22.3 or newer) and make. Everything else lands in .venv.
PYTHON ?= python3
VENV := .venv
RUNNING := $(VENV)/.running
DEVELOPING := $(VENV)/.installed
INSTALL := $(PYTHON) -m pip --python $(VENV)/bin/python install --quiet --constraint constraints.txt --editable

.PHONY: run test test-long check bench

# Run twice, it runs twice: a finished result gives way to a finished one only.
run: $(RUNNING)
	$(VENV)/bin/hedgequake run short_gamma_crash --force

test: check
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile

# What takes minutes and rarely breaks: the tests marked `long`, which `test` leaves out.
test-long: $(DEVELOPING)
	$(VENV)/bin/python -m pytest -n 2 -m long

check: $(DEVELOPING)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy sim agents scenarios analysis
	$(VENV)/bin/lint-imports

bench: $(DEVELOPING)
	$(VENV)/bin/hedgequake bench

# Made without ensurepip, which some systems leave out; the outer pip fills it.
$(VENV)/bin/python:
	$(PYTHON) -m venv --without-pip $(VENV)

# What running needs, and what developing needs beside it.
$(RUNNING): pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) .
	touch $(RUNNING)

$(DEVELOPING): pyproject.toml constraints.txt | $(VENV)/bin/python
	$(INSTALL) '.[dev]'
	touch $(RUNNING) $(DEVELOPING)
