# make demo    the whole thing on built-in people, writes demo.mp4
# make test    ruff, mypy and the tests
# Both make .venv and install what they need into it.

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test lint format test-release test-devices clean

demo: .venv/.installed
	$(BIN)/reenact demo

test: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv/.installed-dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# long runs, and tests that need a device
test-release: .venv/.installed-dev
	$(BIN)/python -m pytest -m release

# webcam, live loop and virtual camera with real devices, in an emulated machine; see tests/release/vm/machine.sh
test-devices: .venv/.installed-dev
	$(BIN)/python -m pytest -m release tests/release/test_devices.py -s

.venv/bin/python:
	@$(PYTHON) -c 'import sys; (3, 11) <= sys.version_info[:2] < (3, 13) or sys.exit("Python 3.11 or 3.12 is needed, this is " + sys.version.split()[0] + ": make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv .venv

.venv/.installed: pyproject.toml | .venv/bin/python
	@echo 'installing reenact into .venv: a minute, 1.6 GB'
	$(PIP) -e .
	@sh .ci/libraries $(BIN)/python
	@touch $@

.venv/.installed-dev: pyproject.toml | .venv/bin/python
	@echo 'installing reenact and its test tools into .venv: a minute or two'
	$(PIP) -e '.[dev]'
	@sh .ci/libraries $(BIN)/python
	@touch $@ .venv/.installed

clean:
	rm -rf .venv build dist demo.mp4 .pytest_cache .mypy_cache .ruff_cache
