# A newcomer needs git, make and Python 3.11 or newer; everything else is made here.
#
#   make run          clear the sample messages, print the table, serve http://127.0.0.1:8080 until Ctrl-C
#   make run ONCE=1   print the table and end
#   make test         format, lint, types, import contracts, all tests: what CI runs
#   make bench        how fast the corridor and the reading of messages are on this machine
#   make world        how much of what is planted in three made-up worlds the detectors of risk find, and how soon
#   make model        a model trained in each of three made-up worlds: what it finds, and whether its reasons are faithful
#   make declarations what a model finds in public declarations, and the leak in them
#   make oracle       ask the runtime of the Common Expression Language what ten thousand conditions of risk mean
#   make screen       labelled pairs of names, the list of the United Nations against 100,000 others, and the speed
#   make load         how many lodgements a second are durable here, and what happens at five times as many
#   make matching     match a hundred thousand sales with planted mistakes, and find every one
#   make audit        receipts and changes of the audit log by the thousand, and how fast a log is checked
#   make catch-up     how fast a receiver of webhooks that was away gets all it missed
#   make bulk         stream files of 5 GB through the reader, and print the most memory held (BYTES=… for less)
#   make access       100,000 random decisions by policies and rows alike, 10,000 identifiers swapped
#   make faults       kill the house at every boundary of every operation, find every mistake seeded into the code, and
#                     kill server and database under load, cut the current, fill the disk, let it fail: a few times each
#   make faults-long  the boundaries ten times over, and 300 kills of the server, 60 of the database, 60 of both, 30 of
#                     the others
#   make mutants      change every threshold, rate and day of the law, and see which worked case notices
#   make fuzz         a million spoiled messages over all readers; takes hours, and goes on where it was stopped
#   make races        10,000 races of sixteen callers each to release, refund, amend and create (RACES=… for fewer)
#   make replay       a day's traffic twice more, a tenth of it altered by one byte (MESSAGES=… for another size)
#   make schema       the running server against its OpenAPI description, all checks (EXAMPLES=… an operation)
#   make hostile      the corpus of hostile inputs at every intake route under every content type
#   make lock         work out requirements.lock anew (needs uv)

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
SHARED := $(wildcard ../shared/data/messages/wco-dms-uk-cds/samples)

.PHONY: run test bench load bulk catch-up oracle matching audit access faults faults-long races replay schema hostile mutants fuzz check format environment browser lock clean world screen declarations model

run: environment
	@$(BIN)/tidewaiter demonstrate $(if $(ONCE),--once) $(SHARED)

# Each of the three keeps one processor busy: together they take half the time.
test:
	@$(MAKE) --no-print-directory --jobs 2 --output-sync environment browser check
	@$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

check: $(VENV)/made
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

load: environment
	@$(BIN)/python tests/load.py $(if $(QUICK),--quick)

bench: environment
	@$(BIN)/tidewaiter bench
	@$(BIN)/tidewaiter bench read

world: environment
	@$(BIN)/tidewaiter bench world

screen: environment
	@$(BIN)/pytest -s tests/screening_full.py

model: environment
	@$(BIN)/tidewaiter bench model

declarations: environment
	@$(BIN)/pytest -s tests/declarations_full.py

oracle: environment
	@$(BIN)/pytest -s tests/cel_full.py

matching: environment
	@$(BIN)/pytest -s tests/matching_full.py

audit: environment
	@$(BIN)/pytest -s tests/audit_full.py

catch-up: environment
	@$(BIN)/python tests/catch_up.py

BYTES ?= 5000000000

bulk: environment
	@$(BIN)/python tests/bulk.py measure --shape lines --packed --bytes $(BYTES)
	@$(BIN)/python tests/bulk.py measure --shape list --bytes $(BYTES)
	@$(BIN)/python tests/bulk.py measure --shape csv --packed --bytes $(BYTES)

access: environment
	@ACCESS_DECISIONS=100000 ACCESS_SWAPS=10000 $(BIN)/pytest -s tests/test_access_rows.py tests/test_access_routes.py

# Half of the scenarios on each of two processors.
FAULTS = cd tests && half() { ../$(BIN)/python -m faults --share "$$@"; }; both() { half 1/2 "$$@" & half 2/2 "$$@"; \
    second=$$?; wait $$! && test $$second = 0; }; both

faults: environment
	@$(FAULTS)

faults-long: environment
	@$(FAULTS) --long

races: environment
	@$(BIN)/python tests/races.py --races $(or $(RACES),10000)
	@$(BIN)/python tests/races.py --races 20 --mutants

replay: environment
	@$(BIN)/python tests/replay.py --messages $(or $(MESSAGES),5000)

schema: environment
	@$(BIN)/python tests/schema.py --examples $(or $(EXAMPLES),100)

hostile: environment
	@HOSTILE=all $(BIN)/pytest -s tests/test_hostile.py

mutants: environment
	@$(BIN)/pytest -s tests/law_mutants.py

fuzz: environment
	@mkdir -p data
	@nice -n 19 $(BIN)/python tests/fuzz.py --inputs $(or $(INPUTS),1000000) --processes 2 --state data/fuzz.jsonl

format: environment
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

environment: $(VENV)/made $(VENV)/compiled

# uv where it is there, pip where it is not: the same hashed lock either way.
$(VENV)/made: requirements.lock pyproject.toml
	@echo "making the environment in $(VENV) (about a minute, once)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@if command -v uv >/dev/null; then \
	    uv pip sync --quiet --compile-bytecode --require-hashes --python $(BIN)/python requirements.lock && \
	    uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .; \
	else \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock 2>$(VENV)/pip.log && \
	    $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable . 2>>$(VENV)/pip.log \
	    || { cat $(VENV)/pip.log; exit 1; }; \
	fi
	@$(BIN)/python -m compileall -q src  # even where Python may not write what it compiled: each start would do it anew
	@touch $@

# The kernels, once for each state of what is compiled.
$(VENV)/compiled: $(VENV)/made $(shell grep -rl "import kernel" src --include=*.py)
	@$(BIN)/python -c 'from tidewaiter import assessment, formats; formats.ready(), assessment.ready()'
	@touch $@

# The tests of the pages want a real browser; where it cannot be installed they skip, and say so.
browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || { \
	    echo "installing chromium for the tests of the pages"; \
	    if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium >/dev/null || \
	        echo "chromium could not be installed: its tests will be skipped"; \
	    else echo "no right to install it here: its tests will be skipped"; fi; }

lock:
	@uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes --no-header \
	    --no-emit-index-url --no-annotate pyproject.toml -o requirements.lock

clean:
	@rm -rf $(VENV) data .mypy_cache .ruff_cache .import_linter_cache
