# Two commands set everything up: `make demo` and `make test`. Python 3.11+, pip and make are all they need.
PYTHON ?= python3
VENV ?= .venv
DEMO ?= demo-out
WORKERS ?= 2
LOCK ?= requirements.lock
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test test-all check api example picture install lock clean

install: $(STAMP)

$(STAMP): pyproject.toml $(LOCK)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c $(LOCK) -e ".[dev,interchange]"
	touch $(STAMP)

# The newest versions that pyproject.toml allows, in a fresh environment; test before you keep them.
lock: FRESH := $(VENV)-lock/bin/python -m pip --disable-pip-version-check
lock:
	rm -rf $(VENV)-lock
	$(PYTHON) -m venv $(VENV)-lock
	$(FRESH) install --quiet -c constraints.txt -e ".[dev,interchange]"
	sed -n '/^#/p' requirements.lock > requirements.lock.new
	$(FRESH) freeze --exclude-editable | grep -v '^privgan' | sed 's/+cpu$$//' >> requirements.lock.new
	mv requirements.lock.new requirements.lock
	rm -rf $(VENV)-lock

demo: $(STAMP)
	@if [ -d $(DEMO)/release ]; then echo "$(DEMO)/release is there; 'make clean' removes it"; \
	else $(BIN)/privgan demo --out $(DEMO); fi
	$(BIN)/privgan verify $(DEMO)
	@echo "open $(DEMO)/release/report.html"

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# One thread a worker: small networks and trees on shared cores wait for each other longer than they work.
test: check
	OMP_NUM_THREADS=1 $(BIN)/pytest -m "not slow" -n $(WORKERS) --dist loadfile

# In the order of the folders: files of one long test would come last, and a process would wait for them.
test-all: $(STAMP)
	OMP_NUM_THREADS=1 $(BIN)/pytest -m "slow" -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# The reference of all names, from the docstrings.
api: $(STAMP)
	$(BIN)/python -m tests.pages.reference build/api
	@echo "open build/api/index.html"

# The example release and the README's picture of it; the picture needs chromium and chromium-driver.
example: $(STAMP)
	$(BIN)/python -m tests.example

picture: $(STAMP)
	$(BIN)/python -m tests.browser.picture

clean:
	rm -rf $(DEMO) build/api .pytest_cache .mypy_cache .ruff_cache .hypothesis
