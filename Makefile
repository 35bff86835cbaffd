# Everything goes through one virtual environment, made on first use: only Python 3.11+ with venv is needed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: run test check bench screenshots docs pci-ids format clean

run: $(READY)  ## open the planner on a bundled sample (without a terminal: print its check and map)
	@$(BIN)/rdm-planner

test: $(READY)  ## run all tests
	$(BIN)/python -m pytest -n auto

check: $(READY)  ## lint, format, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)  ## measure against the budgets
	$(BIN)/python -m pytest tests/benchmarks -o python_files='bench_*.py' -s -p no:xdist --benchmark-columns=min,median,rounds --benchmark-sort=name

screenshots: $(READY)  ## rebuild screenshots/*.svg from the app
	$(BIN)/python screenshots/make.py

docs: $(READY)  ## rebuild docs/rules/*.md from the rules
	$(BIN)/python docs/make.py

pci-ids:  ## take the system's pci.ids as the bundled copy; note its version in planner/data/README.md
	xz -9e -c /usr/share/misc/pci.ids > planner/data/pci.ids.xz

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV)

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch $@
