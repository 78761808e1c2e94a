# One command each; `make help` lists them. Tools are called as modules of .venv, never through their scripts:
# a script's first line cannot hold a path with spaces or a very long one.
PYTHON = python3
JOBS = 2
ARGS =
CASES = 2000
RUNS = 300
MEDICAL = 100
PY = .venv/bin/python
STAMP = .venv/.installed

export PIP_DISABLE_PIP_VERSION_CHECK = 1
export PIP_ROOT_USER_ACTION = ignore
export PIP_NO_INPUT = 1
export PYTHONUTF8 = 1

.PHONY: help demo up test check bench chaos fmt lock clean setup

help: ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1	\2/p' Makefile

demo: setup ## everything on this machine, an application through four provinces, then stop; ARGS=all: three services
	@exec $(PY) -m tongban demo $(ARGS)

up: setup ## everything on this machine until Ctrl-C
	@exec $(PY) -m tongban up $(ARGS)

test: setup ## all tests; JOBS=0 runs them in one process
	@exec $(PY) -m pytest -n $(JOBS) --dist loadgroup $(ARGS)

check: setup ## style, types, who imports whom, unit tests
	@sh .ci/lint "$(PY)"
	@exec $(PY) -m pytest -q -n $(JOBS) tests/unit tests/law tests/settlement $(ARGS)

bench: setup ## measure
	@exec $(PY) -m bench $(ARGS)

# with any of CASES, RUNS, MEDICAL on the command line: only what was named
ASKED = $(strip $(foreach word,CASES RUNS MEDICAL,$(if $(filter command,$(firstword $(origin $(word)))),$(word))))

chaos: setup ## random commands over turned time, random faults over real processes, kills under a settlement (three hours); CASES=500 RUNS=50 MEDICAL=20
	@set -e; for part in $(if $(ASKED),$(ASKED),CASES RUNS MEDICAL); do case $$part in \
	  CASES) TONGBAN_MACHINE_CASES=$(CASES) $(PY) -m pytest -q -s tests/machine $(ARGS);; \
	  RUNS) TONGBAN_CHAOS_RUNS=$(RUNS) $(PY) -m pytest -q -s tests/chaos/test_chaos.py tests/chaos/test_first_try.py $(ARGS);; \
	  MEDICAL) TONGBAN_MEDICAL_RUNS=$(MEDICAL) $(PY) -m pytest -q -s tests/chaos/test_medical.py $(ARGS);; esac; done

fmt: setup ## put the code into its shape
	@$(PY) -m ruff check -q --fix-only . && exec $(PY) -m ruff format .

lock: setup ## renew the lock files from pyproject.toml
	@sh .ci/lock "$(PY)"

setup: ## the tools, into .venv (done by the others when needed)
	@PYTHON="$(PYTHON)" sh .ci/setup

clean: ## remove what was written here: .data, .venv, caches
	@if [ -e .data/lock ] && command -v flock >/dev/null && ! flock -n .data/lock true; then \
	  echo "make clean: a stack is running in .data (process $$(cat .data/lock)); stop it first" >&2; exit 2; fi
	@rm -rf .data .venv dist tongban.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
