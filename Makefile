# The one menu. Every target sets itself up from nothing.
VENV := .venv
PY := $(VENV)/bin/python
PIP := PIP_CONSTRAINT=$(CURDIR)/constraints.txt $(PY) -m pip install --quiet --disable-pip-version-check
DEMO_READY := $(VENV)/.demo-ready
READY := $(VENV)/.ready
DOCS_READY := $(VENV)/.docs-ready
TORCH_READY := $(VENV)/.torch-ready
TFP_READY := $(VENV)/.tfp-ready
PYMC := .venv-pymc
PYMC_READY := $(PYMC)/.ready
WORKERS ?= 2
ONE := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1  # the workers are the threads, and small models are faster so

.PHONY: demo test test-torch test-all check bench examples docs clean

$(DEMO_READY): pyproject.toml constraints.txt
	@echo "Setting up .venv with what the demo needs (once)"
	@python3 -m venv $(VENV)
	@$(PIP) --editable ".[plots,tables]"
	@touch $@

$(READY): $(DEMO_READY)
	@echo "Adding the other extras, and the tools of developers (once)"
	@$(PIP) --editable ".[all,dev]"
	@touch $@

$(DOCS_READY): $(READY)
	@$(PIP) --editable ".[all,dev,docs]"
	@touch $@

$(TORCH_READY): $(READY)
	@$(PIP) $$(grep '^torch==' constraints.txt)
	@touch $@

$(TFP_READY): $(READY)
	@$(PIP) $$(grep '^tfp-nightly==' constraints.txt)
	@touch $@

$(PYMC_READY): pyproject.toml  # apart: PyMC holds Numba to an older version than ours
	@python3 -m venv $(PYMC)
	@$(PYMC)/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[pymc]" pytest pytest-xdist
	@touch $@

demo: $(DEMO_READY)  ## fit one normal to real data, both ways; a table and demo.png
	@$(VENV)/bin/kullback fit examples/penguins.csv --columns flipper_length_mm,bill_depth_mm \
	  --label species --family normal --direction both --plot demo.png

test: $(READY)  ## what this package promises
	@$(ONE) $(PY) -m pytest -n $(WORKERS)

test-torch: $(TORCH_READY)  ## torch's distributions and its own list of KL examples; downloads torch once
	@$(ONE) $(PY) -m pytest -n $(WORKERS) tests/torch

test-all: $(TORCH_READY) $(TFP_READY) $(PYMC_READY)  ## the long sweeps too; torch, TFP, PyMC, the files as built
	@$(ONE) $(PY) -m pytest -n $(WORKERS) -m "" tests src tests/torch tests/tfp tests/release
	@$(ONE) $(PYMC)/bin/python -m pytest -n $(WORKERS) tests/pymc_models

check: $(READY)  ## style, types, layers
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports

bench: $(READY)  ## timings, as ratios to the peers in one run
	@$(PY) -m benchmarks

examples: $(TORCH_READY)  ## KL as a training loss, each a table and a picture in examples/_out; downloads torch once
	@mkdir -p examples/_out
	@$(ONE) $(PY) examples/policy.py --out examples/_out/policy.svg
	@$(ONE) $(PY) examples/vae.py --out examples/_out/vae.svg
	@$(ONE) $(PY) examples/distill.py --out examples/_out/distill.svg

docs: $(DOCS_READY)  ## the pages, with the gallery drawn afresh, in docs/_build
	@$(PY) docs/pairs.py
	@$(PY) docs/gallery.py docs/_gallery
	@$(PY) docs/tables.py docs/_gallery
	@$(PY) docs/losses.py docs/_gallery
	@$(PY) -m sphinx -q -W -b html docs docs/_build

clean:
	@rm -rf $(VENV) $(PYMC) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis \
	  docs/_build docs/_gallery examples/_out demo.png
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
