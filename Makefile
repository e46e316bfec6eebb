# For comfort: every target is a script or a line that can be typed as well. `make` lists them.
.DEFAULT_GOAL := help
TOOLS ?= .venv-test/bin
.PHONY: help demo test main-job history crash-matrix lint format run requirements migrations-check

help: ## This list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 20

demo: ## Patients travel between two simulators; then the admin, until Ctrl-C
	bin/demo

test: ## The whole suite; T=tests/unit/engine runs a part of it
	bin/test $(T)

main-job: $(TOOLS) ## 6,000 records both ways, compared, and everything again to no effect; some minutes
	$(TOOLS)/python -m pytest tests/flow/main_job.py

history: $(TOOLS) ## 2,000 edits on both sides, the service in between, and 100 corruptions found; SEED=9 makes another
	$(TOOLS)/python -m pytest tests/history/long_history.py -rP

crash-matrix: $(TOOLS) ## A worker killed before and after every call and commit, and at 200 random moments; SEED=9 draws others
	$(TOOLS)/python -m pytest tests/chaos/crash_matrix.py -rP
	DATABASE_URL=sqlite:///$(CURDIR)/var/matrix.sqlite3 $(TOOLS)/python -m pytest tests/chaos/crash_matrix.py -rP

lint: ## Style, format, types, import directions, missing migrations
	bin/lint

format: $(TOOLS) ## Rewrite the source in the agreed style
	$(TOOLS)/ruff check --fix --quiet .
	$(TOOLS)/ruff format .

run: $(TOOLS) ## Web, worker and beat for development, on SQLite and a private Redis
	$(TOOLS)/python -m tests.services.develop

requirements: $(TOOLS) ## Compile pyproject.toml into requirements*.txt; ARGS=--upgrade takes the newest
	PATH="$(CURDIR)/$(TOOLS):$$PATH" bin/compile-requirements $(ARGS)

migrations-check: $(TOOLS) ## Whether a model changed without its migration
	DJANGO_DEBUG=1 $(TOOLS)/python manage.py makemigrations --check --dry-run

.venv-test/bin: requirements-dev.txt
	bin/environment "$(CURDIR)/.venv-test" requirements-dev.txt
	@touch $@
