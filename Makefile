# `make run` and `make test` work on a fresh machine: Python >= 3.11, make and a package registry.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test server lint format models clean

run: .venv/installed
	@$(BIN)/tagger predict --format table tagger/samples/bulletin.txt

test: .venv/developing
	$(BIN)/python -m pytest

# What the tests against a real Label Studio need; without it they are skipped. Prints the server's program:
#   LABEL_STUDIO_PROGRAM=$$(make -s server) make test
# It is installed once and kept between checkouts, until labels/label-studio.lock changes.
SERVER ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/tagger/label-studio-for-tests
server: .venv/developing
	@$(BIN)/tagger labels install --home $(SERVER)

lint: .venv/developing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: .venv/developing
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The models that ship with the package, from the corpus in labels/.
models: .venv/developing
	$(BIN)/tagger train model=lexicon output=runs/lexicon
	$(BIN)/tagger train model=tfidf output=runs/tfidf
	$(BIN)/tagger train model=bert output=runs/bert
	for kind in lexicon tfidf; do \
	  rm -rf tagger/models/shipped/$$kind && cp -r runs/$$kind/model tagger/models/shipped/$$kind || exit; done
	$(BIN)/tagger models export runs/bert --onnx --int8 --output tagger/models/shipped/bert

# The base install, as a user gets it.
.venv/installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

# And what the tests and the training need.
.venv/developing: .venv/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[all,mlflow]' --group dev
	touch $@

clean:
	rm -rf .venv build dist .pytest_cache .ruff_cache .hypothesis
