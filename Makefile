# Everything runs in .venv, which .ci/setup creates and updates.
PYTHON := .venv/bin/python
ARGS ?=
# Workers of the tests for each core: many tests mostly wait.
WORKERS := 4
# The tests start hundreds of programs, each of which would compile the code again.
export PYTHONDONTWRITEBYTECODE :=
UV_VERSION := 0.13.9

.PHONY: help demo run test quick slowest check simulate fuzz mutate soak audit bench image image-test boot-times idle power-cut \
	base-twice bundle release release-part wheel lock manual clean venv system venv-demo venv-tools

help: ## List the targets
	@echo 'make TARGET [ARGS=...]'
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' Makefile

# Only the dev lock has the library of the window.
demo: $(if $(findstring --window,$(ARGS)),venv,venv-demo) ## Run a simulated gateway and the appliance in this terminal (ARGS=--auto: unattended)
	@$(PYTHON) -m appliance demo $(ARGS)

run: venv-demo ## Run the appliance (ARGS="--panel terminal --config FILE")
	@$(PYTHON) -m appliance run $(ARGS)

# tests/slowest.py lets as many tests compute as there are cores.
test: system | build/collected ## Run all tests (as root also those in network namespaces)
	@$(PYTHON) -m pytest -n $$(($$(nproc) * $(WORKERS))) -q $(ARGS)

# Collects the tests once in a new clone, so that not every worker compiles them. The test run itself shows errors.
build/collected: | venv
	@$(PYTHON) -m pytest --collect-only -qq >/dev/null || true
	@mkdir -p build && touch $@

# This leaves out the slow tests of tests/slowest.txt, and tries fewer examples of each property. It runs a new slow test,
# which no list names yet, and the durations at the end show it: make the test faster, or run `make slowest`.
quick: check ## Run the check and the fast tests, in less than a minute: before each commit
	@$(PYTHON) -m pytest -n $$(($$(nproc) * 3 / 2)) -m 'not (slow or netns or image or release)' --hypothesis-profile quick -q --durations 10 $(ARGS)

slowest: ## Time all tests, and list the slow ones in tests/slowest.txt and docs/development.md
	@$(MAKE) --no-print-directory test ARGS="--record-slowest $(ARGS)"

check: venv ## Check format, lint and types
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m mypy

# Each run has a seed, which is printed if an invariant breaks; SEED repeats that run.
simulate: venv ## Simulate days with faults, from new seeds (DAYS=1000) or from one seed (SEED=N)
	@$(PYTHON) -m tests.simulation $(if $(DAYS),--days $(DAYS)) $(if $(SEED),--seed $(SEED)) $(ARGS)

fuzz: venv-tools ## Fuzz with a million messages, then each parser under atheris (ARGS="--messages N --seconds S")
	@$(PYTHON) -m tests.hostile $(ARGS)

mutate: venv-tools ## Count the changes of the core that its tests miss, in ten minutes (SEED=N; ARGS="--only orders")
	@$(PYTHON) -m tests.mutation $(if $(SEED),--seed $(SEED)) $(ARGS)

soak: venv-tools ## Run a busy day at 100 times its pace, and fail if memory, files or threads grow (15 minutes)
	@$(PYTHON) -m tests.soak $(ARGS)

# Exit codes: see tests/audit/__main__.py.
audit: venv-tools ## Look for known vulnerabilities in everything on the image (ARGS=LIST of another image), and in all locks
	@$(PYTHON) -m tests.audit $(ARGS)

bench: venv ## Measure speed and memory beside a plain client (ARGS=--docs: write the tables to docs/)
	@$(PYTHON) -m tests.bench $(ARGS)

image: venv ## Build the SD card's image in dist/ (as root; minutes; URL=... of the folder to publish it in)
	@IMAGE_URL="$(URL)" image/build

bundle: venv ## Build the image, and the signed update with the same system, in dist/ (see docs/release.md)
	@IMAGE_BUNDLE=1 IMAGE_URL="$(URL)" image/build

image-test: venv ## Boot the image in a virtual machine and test it (TESTS=files: only these; as root)
	@image/tools --boot
	@$(PYTHON) -m pytest -m "image$(if $(TESTS),, and not release)" -n auto --dist loadfile --no-loadscope-reorder -q \
		$(or $(TESTS),tests/image) --durations 12 $(ARGS)

boot-times: venv ## Measure the image's start and memory beside a plain Debian (N=3 starts each; as root)
	@image/tools --boot
	@$(PYTHON) -m tests.image.boot_times $(or $(N),3)

idle: venv ## Measure writes to the card while a box idles for SECONDS (3600; as root)
	@image/tools --boot
	@$(PYTHON) -m tests.image.idle $(or $(SECONDS),3600)

power-cut: venv ## Cut the power at N random moments, losing unflushed writes (N=50; as root)
	@image/tools --boot
	@$(PYTHON) -m tests.image.power_cut $(or $(N),50)

base-twice: venv ## Build the image's base layer a second time, and compare (minutes; as root)
	@image/twice

# The image on a new base layer, and every part of .ci/release-parts, of which each .ci/run does one.
release: ## Build the current commit's image with Debian's updates, and its source archive; run all tests of it (as root)
	@[ -z "$$(git status --porcelain)" ] || { echo 'release: commit or discard your changes first' >&2; exit 1; }
	@.ci/setup --tools
	@image/tools && IMAGE_FRESH=1 image/base >/dev/null
	@$(MAKE) --no-print-directory bundle
	@$(PYTHON) -m tests.audit || [ $$? = 69 ]
	@$(PYTHON) -m image.sources dist/*.cdx.json
	@$(MAKE) --no-print-directory image-test
	@$(MAKE) --no-print-directory power-cut N=$(or $(N),10)
	@.ci/release-part --all
	@$(MAKE) --no-print-directory wheel
	@image/release

release-part: venv-tools ## Run one part of .ci/release-parts (PART=name; without it: list their names)
	@.ci/release-part $(PART)

wheel: venv ## Build the Python package for a laptop, in dist/
	@rm -f dist/table_tracker_appliance-*.whl
	@$(PYTHON) -m hatchling build --target wheel --directory dist >&2

lock: venv ## Pin the newest versions that pyproject.toml allows, in requirements*.lock
	@$(PYTHON) -m pip install --quiet uv==$(UV_VERSION)
	@$(PYTHON) -m uv pip compile --quiet --upgrade --universal --generate-hashes --python-version 3.11 --no-header \
		--extra simulator --extra build pyproject.toml --output-file requirements.lock
	@$(PYTHON) -m uv pip compile --quiet --upgrade --universal --generate-hashes --python-version 3.11 --no-header \
		--constraint requirements.lock --extra simulator --extra build --extra report --extra window --extra dev \
		pyproject.toml --output-file requirements-dev.lock
	@$(PYTHON) -m uv pip compile --quiet --upgrade --universal --generate-hashes --python-version 3.11 --no-header \
		--constraint requirements-dev.lock --extra tools pyproject.toml --output-file requirements-tools.lock

manual: venv ## Write the manual page and the shells' completion from the command line's options, in share/
	@$(PYTHON) -m tests.manual

clean: ## Remove build outputs
	rm -rf .venv build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find appliance tests -name __pycache__ -prune -exec rm -rf {} +

venv:
	@.ci/setup

venv-demo:
	@.ci/setup --demo

venv-tools: venv
	@.ci/setup --tools

system:
	@.ci/setup --system
