# Everything runs in .venv, which .ci/setup makes and keeps up to date.
PYTHON := .venv/bin/python
ARGS ?=
UV_VERSION := 0.13.9

.PHONY: help demo run test check simulate fuzz soak audit bench image image-test boot-times idle power-cut base-twice \
	release release-part lock clean venv system venv-tools

help: ## This list
	@echo 'make WHAT [ARGS=...]'
	@sed -n 's/^\([a-z-]*\):.*## /  \1\t/p' Makefile

demo: venv ## A simulated gateway and the appliance, on this terminal (ARGS=--auto: unattended)
	@$(PYTHON) -m appliance demo $(ARGS)

run: venv ## The appliance itself (ARGS="--panel terminal --config FILE")
	@$(PYTHON) -m appliance run $(ARGS)

# Half of a test's time is waiting, so there are more workers than cores; a file to a worker: what a file sets up is set
# up once.
test: system ## Every test (as root also those with a network namespace and avahi)
	@$(PYTHON) -m pytest -n $$(($$(nproc) * 3 / 2)) --dist loadfile -q $(ARGS)

check: venv ## Format, lint and types
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m mypy

# Each life has a seed of its own, which is printed where a promise is broken; SEED lives that one again.
simulate: venv ## Simulated days with faults, from fresh seeds (DAYS=1000), or one life again (SEED=N)
	@$(PYTHON) -m tests.simulation $(if $(DAYS),--days $(DAYS)) $(if $(SEED),--seed $(SEED)) $(ARGS)

fuzz: venv-tools ## A million messages, and each parser under atheris (ARGS="--messages N --seconds S")
	@$(PYTHON) -m tests.hostile $(ARGS)

soak: venv-tools ## A day of a busy place at 100 times its pace, and whether anything grows (15 minutes)
	@$(PYTHON) -m tests.soak $(ARGS)

audit: venv-tools ## The locked libraries against the databases of known vulnerabilities, where they can be reached
	@$(PYTHON) -m tests.audit $(ARGS)

bench: venv ## How quick and how small it is, beside a plain client
	@$(PYTHON) -m tests.bench $(ARGS)

image: venv ## The SD card's image, in dist/ (as root; minutes; URL=... of the folder that it is released in)
	@IMAGE_URL="$(URL)" image/build

image-test: venv ## Boot the image in a virtual machine, and do with it what a person does (TESTS=files: these alone; as root)
	@image/tools --boot
	@$(PYTHON) -m pytest -m "image$(if $(TESTS),, and not release)" -n auto --dist loadfile --no-loadscope-reorder -q \
		$(or $(TESTS),tests/image) --durations 12 $(ARGS)

boot-times: venv ## How quickly the image starts, and in how much memory, beside a plain Debian (N=3 starts each; as root)
	@image/tools --boot
	@$(PYTHON) -m tests.image.boot_times $(or $(N),3)

idle: venv ## What is written to the card of a box that idles for SECONDS (3600; as root)
	@image/tools --boot
	@$(PYTHON) -m tests.image.idle $(or $(SECONDS),3600)

power-cut: venv ## Pull the plug at N random moments, with what was not flushed lost (N=50; as root)
	@image/tools --boot
	@$(PYTHON) -m tests.image.power_cut $(or $(N),50)

base-twice: venv ## Make the image's base layer a second time, and compare (some minutes; as root)
	@image/twice

# All that .ci/run does with the image, on a base layer of the day; and all parts of .ci/release-parts, of which .ci/run
# does one.
release: ## Build the image of what is committed, with Debian's updates, prove all that .ci/run has no time for, and list what is in it (as root)
	@[ -z "$$(git status --porcelain)" ] || { echo 'release: commit what is changed, or take it away' >&2; exit 1; }
	@.ci/setup --tools
	@image/tools && IMAGE_FRESH=1 image/base >/dev/null
	@$(MAKE) --no-print-directory image image-test
	@$(MAKE) --no-print-directory power-cut N=$(or $(N),10)
	@.ci/release-part --all
	@image/release

release-part: venv-tools ## One part of what `make release` proves beyond .ci/run (PART=name; without: their names)
	@.ci/release-part $(PART)

lock: venv ## Pin what pyproject.toml asks for, newest versions, in requirements.lock
	@$(PYTHON) -m pip install --quiet uv==$(UV_VERSION)
	@$(PYTHON) -m uv pip compile --quiet --upgrade --universal --generate-hashes --python-version 3.11 --no-header \
		--extra simulator --extra report --extra window --extra dev pyproject.toml --output-file requirements.lock
	@$(PYTHON) -m uv pip compile --quiet --upgrade --universal --generate-hashes --python-version 3.11 --no-header \
		--constraint requirements.lock --extra tools pyproject.toml --output-file requirements-tools.lock

clean: ## Take away what the other targets made
	rm -rf .venv build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find appliance tests -name __pycache__ -prune -exec rm -rf {} +

venv:
	@.ci/setup

venv-tools: venv
	@.ci/setup --tools

system:
	@.ci/setup --system
