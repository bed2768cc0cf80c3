# `make` alone lists what there is. Everything runs in .venv, which is made from the pins in requirements/.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
# a container brings the environment along: DATAOPS_VENV
VENV := $(or $(DATAOPS_VENV),.venv)
BIN := $(abspath $(VENV))/bin
export PATH := $(BIN):$(PATH)
# uv has its own list of certificate authorities; the system's may hold a private one
export UV_SYSTEM_CERTS ?= 1
export DVC_NO_ANALYTICS := 1
# where it is set, every program that is started compiles all it imports, each time
unexport PYTHONDONTWRITEBYTECODE
# the SageMaker SDK calls home unless a file says otherwise
export SAGEMAKER_USER_CONFIG_OVERRIDE := $(CURDIR)/.sagemaker/config.yaml
export SAGEMAKER_ADMIN_CONFIG_OVERRIDE := $(SAGEMAKER_USER_CONFIG_OVERRIDE)
UV := $(BIN)/python -m uv

# Whole files side by side, one more than there are cores, because tests wait: for servers, disks, other processes. Each
# may start servers of its own, so no more than four. In the folders' order, which has the longest files in front: ci, e2e.
SIDE_BY_SIDE := -n $(shell n=$$(getconf _NPROCESSORS_ONLN); echo $$((n < 3 ? n + 1 : 4))) --dist loadfile --no-loadscope-reorder

.PHONY: help install repro train-sagemaker up shell down test test-data test-image test-container lint format bench clean pins
help:  ## what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

install: $(VENV)/.main  ## the environment, the dataops command and the git hooks

repro: $(VENV)/.main  ## set up, start the embedded S3, run the pipeline, push the data
	@python scripts/repro.py

train-sagemaker: $(VENV)/.sagemaker  ## install the SageMaker SDK and train there: `dvc repro` with that backend
	@DATAOPS_TRAIN__BACKEND=sagemaker dvc repro

up:  ## the container with all of it and the embedded S3, built and started: needs Docker and nothing else
	@bash scripts/compose_env.sh
	@docker compose build
	@docker compose up --detach --wait || { docker compose logs --tail 20 s3 dvc | grep -v '| I[0-9]'; exit 1; }
	@docker compose exec -T dvc dataops store connect --compose
	@echo "next: make shell"

shell:  ## a shell in the container
	@docker compose exec dvc bash

down:  ## stop both containers; the cache and the S3 data stay
	@docker compose down

test: $(VENV)/.dev  ## set up and run the tests
	@python -m pytest $(SIDE_BY_SIDE)

test-data: $(VENV)/.dev  ## the tests on the real data in ../shared/data, where there is any (minutes)
	@python -m pytest -m realdata -n 2

test-image: $(VENV)/.dev  ## build Dockerfile.train and train in it, where there is a Docker engine
	@bash scripts/ci_image.sh

test-container: $(VENV)/.dev  ## build Dockerfile.dev and use it through compose, where there is a Docker engine
	@bash scripts/ci_container.sh

lint: $(VENV)/.dev  ## format, lint, types, workflows and containers, checked
	@ruff format --check src scripts tests benchmarks
	@ruff check src scripts tests benchmarks
	@mypy
	@actionlint
	@zizmor --offline --persona=pedantic --quiet .github/workflows
	@hadolint Dockerfile.dev Dockerfile.train
	@bash scripts/lint_compose.sh

format: $(VENV)/.dev  ## format in place
	@ruff check --fix-only -q src scripts tests benchmarks
	@ruff format src scripts tests benchmarks

bench: $(VENV)/.dev  ## against the peers, side by side; writes benchmarks/RESULTS.md (minutes)
	@python scripts/bench.py

clean:  ## the environment and caches; never data, the DVC cache or the embedded S3
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .dataops/tmp src/*.egg-info
	find src scripts tests -name __pycache__ -type d -prune -exec rm -rf {} +

pins: $(VENV)/.uv  ## resolve requirements/ again from pyproject.toml
	@bash scripts/pins.sh

ifdef DATAOPS_VENV
# the image's, of the pins that it was built from
$(VENV)/.%:
	@cmp -s requirements/$*.txt $(VENV)/requirements.txt || { \
	  echo "error: this image has other packages than requirements/$*.txt"; \
	  echo " hint: on the host: DATAOPS_PINS=$* in .env, then \`make up\`"; exit 2; }
else
$(VENV)/.uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "error: Python 3.11 or newer is needed"; echo " hint: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv==0.13.9
	@touch $@

$(VENV)/.main: requirements/main.txt pyproject.toml scripts/install.sh | $(VENV)/.uv
	@bash scripts/install.sh main
	@touch $@

$(VENV)/.sagemaker: requirements/sagemaker.txt $(VENV)/.main
	@bash scripts/install.sh sagemaker
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.main
	@bash scripts/install.sh dev
	@touch $@
endif
