# Everything a person runs. `make demo` and `make test` set themselves up.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps
TORCH := torch==2.13.0+cpu
TORCH_CPU_INDEX := https://download.pytorch.org/whl/cpu
STAMP := $(VENV)/.installed

.PHONY: setup demo test check train-demo eval-report clean

setup: $(STAMP)

$(STAMP): pyproject.toml requirements/cpu.lock requirements/media.lock
	@echo "installing into $(VENV) (about 4 GB, one to three minutes)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) "$(TORCH)" || $(PIP) "$(TORCH)" --index-url $(TORCH_CPU_INDEX)
	@$(PIP) -r requirements/cpu.lock -r requirements/media.lock
	@$(PIP) --no-build-isolation --editable .
	@touch $@

demo: setup
	$(BIN)/flashstream demo

test: setup
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --explicit-package-bases tests

train-demo: setup
	$(BIN)/python -m flashstream.models.demo.train

eval-report: setup
	$(BIN)/flashstream eval world --split test --json docs/results/world.json
	$(BIN)/flashstream eval world-report docs/results/world.json \
		--page docs/evaluation.md --plot docs/figures/world.svg

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
