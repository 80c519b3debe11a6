# Needs Python 3.11 or newer, its pip (22.3 or newer) and make. Everything else lands in .venv.
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed

.PHONY: run test test-long check bench

run: $(STAMP)
	$(VENV)/bin/hedgequake run short_gamma_crash --force

test: check
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile

# What takes minutes and rarely breaks: the tests marked `long`, which `test` leaves out.
test-long: $(STAMP)
	$(VENV)/bin/python -m pytest -n 2 -m long

check: $(STAMP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy sim agents scenarios analysis
	$(VENV)/bin/lint-imports

bench: $(STAMP)
	$(VENV)/bin/hedgequake bench

# Made without ensurepip, which some systems leave out; the outer pip fills it.
$(STAMP): pyproject.toml constraints.txt
	test -x $(VENV)/bin/python || $(PYTHON) -m venv --without-pip $(VENV)
	$(PYTHON) -m pip --python $(VENV)/bin/python install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $(STAMP)
