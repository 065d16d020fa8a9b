# volley: `make` builds, `make help` lists the targets. Everything that is made goes under build/.
#
# A variant is another BUILD directory with other flags, for example
#   make CC=clang BUILD=build/clang
#   make BUILD=build/O3 CFLAGS='-O3 -g'
# Objects are rebuilt when their flags, the compiler or (version.c) the commit change.

BUILD ?= build
ifeq ($(origin CC),default)
CC := gcc
endif
CFLAGS ?= -O2 -g
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
           -Wwrite-strings -Wcast-qual -Wvla -Wformat=2 $(STACK_WARNING)
# Large tables are not for stacks, which a limit may keep small; sanitizers make every frame larger.
STACK_WARNING = $(if $(findstring -fsanitize,$(EXTRA_CFLAGS)),,-Wframe-larger-than=20480)
PACKAGES = libevent_core libevent_extra hiredis jansson yaml-0.1 hwloc zlib libssl libcrypto sqlite3
DEP_CFLAGS := $(subst -I,-isystem ,$(shell pkg-config --cflags $(PACKAGES) 2>/dev/null))
DEP_LIBS := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)
CHECK_CFLAGS := $(subst -I,-isystem ,$(shell pkg-config --cflags check 2>/dev/null))
CHECK_LIBS := $(shell pkg-config --libs check 2>/dev/null) -lhttp_parser
COMMIT := $(shell git describe --always --dirty --abbrev=12 --exclude='*' 2>/dev/null || echo unknown)

ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -I. -I$(BUILD)/gen $(WARNINGS) $(DEP_CFLAGS) $(CFLAGS) $(EXTRA_CFLAGS)
ALL_LIBS = $(DEP_LIBS) -lm $(EXTRA_LIBS)
# All symbols at the start: one that is looked up at its first call saves the registers on the stack, and with them
# pieces of what was copied last, which may be a password.
LINK = $(CC) $(CFLAGS) $(EXTRA_CFLAGS) -Wl,-z,relro,-z,now $(LDFLAGS)

# What is done in one short line; V=1 shows the commands.
ifeq ($(V),1)
SAY = @:
Q =
else
SAY = @$(if $(findstring s,$(firstword -$(MAKEFLAGS))),:,printf '  %-4s%s\n')
Q = @
endif

PREFIX ?= /usr/local
INSTALL ?= install
# Links under the names of the tools that volley can be, where no installed one is in the way.
LINKS = $(PREFIX)/libexec/volley
LINKED = ../../bin/volley
# Where volley looks for modules: beside itself, or there.
MODULE_FOLDER = $(PREFIX)/lib/volley
TOOLS = valkey-benchmark redis-benchmark vst

SOURCES := $(sort $(wildcard common/*.c worker/*.c worker/*/*.c orchestrator/*.c orchestrator/*/*.c))
OBJECTS := $(SOURCES:%.c=$(BUILD)/obj/%.o) $(EXTRA_SOURCES:%.c=$(BUILD)/obj/%.o)
LIB_OBJECTS := $(filter-out $(BUILD)/obj/orchestrator/main.o,$(OBJECTS))
COMMON_OBJECTS := $(filter $(BUILD)/obj/common/%,$(OBJECTS))

# The script of pages, one for all variants; empty where it cannot be built, and tried again then.
PAGE := build/page/bundle.js
PAGE_SOURCES := $(wildcard orchestrator/page/src/* orchestrator/page/package*.json) orchestrator/page/bundle.sh
PAGE_MISSING := $(shell [ -s $(PAGE) ] || { command -v npm >/dev/null && echo FORCE; })

# Modules: shared objects that volley loads when they are used, a folder of worker/modules or orchestrator/modules each. One
# whose library is not installed is left out.
MODULES := lua postgres notify terminal
MODULE_PACKAGE_lua := luajit
MODULE_PACKAGE_postgres := libpq
MODULE_PACKAGE_notify := libcurl
MODULE_PACKAGE_terminal := ncursesw
MODULES_BUILT := $(foreach m,$(MODULES),$(if $(filter yes,$(shell pkg-config --exists $(MODULE_PACKAGE_$m) && echo yes)),$m))
MODULES_LEFT_OUT := $(filter-out $(MODULES_BUILT),$(MODULES))
MODULE_FILES := $(MODULES_BUILT:%=$(BUILD)/volley-%.so)
MODULE_CFLAGS := $(subst -I,-isystem ,$(foreach m,$(MODULES_BUILT),$(shell pkg-config --cflags $(MODULE_PACKAGE_$m))))
MODULE_OBJECTS := $(patsubst %.c,$(BUILD)/obj/%.o,$(wildcard $(foreach m,$(MODULES_BUILT),worker/modules/$m/*.c orchestrator/modules/$m/*.c)))
# What they use of common/, once more, as code of a shared object.
MODULE_COMMON := $(BUILD)/module/common/printable.o

# Each tests/unit/test_x.c and tests/integration/test_x.c has `TEST_SUITE(x)`: `Suite *test_x_suite(void)`.
TEST_SOURCES := $(sort $(wildcard tests/unit/*.c tests/integration/*.c tests/support/check/*.c))
TEST_OBJECTS := $(TEST_SOURCES:%.c=$(BUILD)/obj/%.o)
TEST_SUITES := $(basename $(notdir $(sort $(wildcard tests/unit/test_*.c tests/integration/test_*.c))))
SUPPORT_OBJECTS := $(filter $(BUILD)/obj/tests/support/%,$(TEST_OBJECTS))

# Stand-alone programs, one file each: stress tests (with common/ only) and libFuzzer targets.
STRESS := $(patsubst tests/%.c,$(BUILD)/%,$(sort $(wildcard tests/stress/*.c)))
FUZZERS := $(patsubst tests/%.c,$(BUILD)/%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
PERF_OBJECTS := $(patsubst %.c,$(BUILD)/obj/%.o,$(sort $(wildcard tests/perf/*.c)))
PERF := $(BUILD)/perf/floor $(BUILD)/perf/draws $(BUILD)/perf/lua $(BUILD)/perf/subscriber $(BUILD)/perf/viewers $(BUILD)/perf/slowdown $(BUILD)/perf/levels $(BUILD)/perf/compare $(BUILD)/perf/honesty $(BUILD)/perf/verdicts $(BUILD)/perf/long_run $(BUILD)/perf/live_rows $(BUILD)/perf/monitor_days
# The server that stamps every request, and the reader of its record.
RECORDER := $(BUILD)/support/recorder_server
# What is loaded into a server so that its disk is slow.
SLOW_DISK := $(BUILD)/support/slow_disk.so
RECORD_OBJECT := $(BUILD)/obj/tests/support/recorder_record.o
PROGRAM_OBJECTS := $(patsubst $(BUILD)/%,$(BUILD)/obj/tests/%.o,$(STRESS) $(FUZZERS) $(RECORDER)) \
    $(PERF_OBJECTS) $(RECORD_OBJECT) \
    $(BUILD)/obj/tests/support/recorder_command.o

# Test builds of volley: one counts its allocations, one has a clock that advances by the reading.
COUNTING = $(BUILD)/count/volley
VIRTUAL = $(BUILD)/virtual/volley
WRAPPED = -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc

DEPENDENCIES = configs/install-dependencies.sh
MAN_PAGE = $(BUILD)/gen/volley.1
# One job per CPU, unless this make already runs under another one's job server.
AGAIN = $(MAKE) --no-print-directory $(if $(findstring --jobserver,$(MAKEFLAGS)),,-j$(shell nproc))

.PHONY: all help deps run demo test test-servers test-servers-ci test-programs check-tests other-systems stress lint lint-ci sanitize coverage fuzz fuzz-programs perf honesty verdicts \
        instructions docs check-docs install uninstall clean flags FORCE

left_out = $(foreach m,$(MODULES_LEFT_OUT),echo 'without volley-$m.so: $(MODULE_PACKAGE_$m) is not installed (make deps ALL=1)';)

all: $(BUILD)/volley ## build volley (build/volley) and its modules; the default
	@$(left_out)

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16
	@$(left_out)

ALL ?=
deps: ## install what is missing to build and run (apt); ALL=1: every module too; see configs/install-dependencies.sh --help
	@$(DEPENDENCIES) $(if $(ALL),--all)

run: ## install, build, and benchmark a private server: the demonstration
	@$(DEPENDENCIES)
	@$(AGAIN) all
	@configs/run-demo.sh $(BUILD)/volley

demo: ## a small scenario on a private server, its page and all pictures under build/demo; needs gnuplot
	@$(DEPENDENCIES)
	@command -v gnuplot >/dev/null || $(DEPENDENCIES) --packages gnuplot-nox fonts-dejavu-core
	@$(AGAIN) all
	@configs/picture-demo.sh $(BUILD)/volley build/demo

# The server that the tests start; see tests/run.sh.
SERVER ?=
SUITES ?=
test: ## install, build and run every test, on valkey and what differs on redis too; SERVER=redis, valkey-9.1, ...: all on that one
	@$(DEPENDENCIES) --test
	@$(AGAIN) test-programs
	@$(AGAIN) stress
	@$(MAKE) --no-print-directory check-docs
	@$(MAKE) --no-print-directory check-tests

test-servers: ## the tests that need a server on valkey 9.1 and redis 8.0 (built once, into the cache folder), and Valkey's own
	@$(DEPENDENCIES) --test
	@$(AGAIN) test-programs
	@tests/test-servers.sh $(BUILD)/volley

test-servers-ci: ## of test-servers what .ci/run runs
	@$(DEPENDENCIES) --test
	@$(AGAIN) test-programs
	@tests/test-servers.sh --marked $(BUILD)/volley

other-systems: ## make test on a fresh Debian 13, and its compilers without a warning; as root (half an hour): tests/other-systems.sh --help
	@tests/other-systems.sh

lint: ## format, layers, banned functions, cppcheck, clang-tidy, shellcheck
	@$(DEPENDENCIES) --test
	@tests/lint.sh

lint-ci: # of lint what .ci/run runs
	@$(DEPENDENCIES) --test
	@tests/lint.sh format layers calls banned sizes shell cppcheck tidy-recent

sanitize: ## every test under ASan and UBSan, the ring under TSan, the fuzz targets for a few seconds
	@$(DEPENDENCIES) --test
	@tests/sanitize.sh

coverage: ## which lines of common/ and worker/ no test runs (gcov; 15 minutes)
	@$(DEPENDENCIES) --test
	@tests/coverage.sh

SECONDS ?= 60
fuzz: ## run each fuzz target for SECONDS=60
	@tests/fuzz/run.sh $(SECONDS)

perf: all $(PERF) $(RECORDER) ## CPU per request of volley and other clients against the least possible, and `make honesty` (20 minutes or more)
	@tests/perf/perf.sh $(BUILD)

HONESTY ?=
honesty: all $(PERF) $(RECORDER) ## rates, stalls and ramps against what a server saw (8 minutes); HONESTY='--only stall' and the like
	@tests/perf/perf.sh $(BUILD) honesty $(HONESTY)

VERDICTS ?=
verdicts: all $(PERF) $(RECORDER) $(BUILD)/tests $(SLOW_DISK) ## causes planted and clean runs repeated: are verdict and diagnosis to be believed (20 minutes); VERDICTS='--rounds 10 --only client', VERDICTS=diagnoses
	@tests/perf/perf.sh $(BUILD) verdicts $(VERDICTS)

instructions: $(VIRTUAL) ## instructions per request under callgrind; fails above the recorded figure + 0.5 %
	@CC='$(CC)' tests/perf/instructions.sh $(VIRTUAL) $(INSTRUCTIONS)

docs: $(BUILD)/volley $(MAN_PAGE) ## regenerate the reference and the man page from the option tables
	$(BUILD)/volley docs markdown > $(BUILD)/gen/options.md && mv $(BUILD)/gen/options.md docs/reference/options.md
	$(BUILD)/volley docs metrics > $(BUILD)/gen/metrics.md && mv $(BUILD)/gen/metrics.md docs/reference/metrics.md
	for page in coming-from-valkey-benchmark diagnosis optimize buffers; do \
	    tests/docs.sh --fill $(BUILD)/volley docs/reference/$$page.md > $(BUILD)/gen/$$page.md && \
	    mv $(BUILD)/gen/$$page.md docs/reference/$$page.md || exit 1; done

check-docs: $(BUILD)/volley $(MAN_PAGE) # fails when a page and the program disagree
	@tests/docs.sh $(BUILD)/volley $(MAN_PAGE)

# The template with the options and the version in their places.
$(MAN_PAGE): docs/man/volley.1 $(BUILD)/volley
	@mkdir -p $(@D)
	@$(BUILD)/volley docs man > $(BUILD)/gen/options.man
	$(Q)sed -e "s/@VERSION@/$$($(BUILD)/volley version | cut -d' ' -f2)/" -e '/@OPTIONS@/{r $(BUILD)/gen/options.man' -e 'd}' $< > $@

WORKLOADS = $(notdir $(wildcard configs/workloads/*.yaml))
SUITE_CONFIGS = $(notdir $(wildcard configs/benchmark-*.json configs/suite-*.json))
SCENARIO_FOLDERS = scenarios/load scenarios/interference scenarios
SCENARIOS = $(patsubst configs/scenarios/%,%,$(wildcard configs/scenarios/*.yaml configs/scenarios/*/*.yaml))
PLUGINS = $(notdir $(wildcard configs/plugins/*))
# Folders that are installed as they are.
AS_THEY_ARE = $(patsubst configs/%,%,$(wildcard configs/alerts/* configs/kpis/* configs/buffers/* configs/ci-examples/* configs/grafana/*.md configs/grafana/dashboards/*.json configs/grafana/dashboards/live/* configs/grafana/provisioning/*/* configs/notify/*))
AS_THEY_ARE_FOLDERS = $(addprefix grafana/,dashboards/live dashboards provisioning/alerting provisioning/dashboards provisioning/datasources provisioning) grafana ci-examples notify alerts kpis buffers
install: $(BUILD)/volley $(MAN_PAGE) ## install the program, its workloads and scenarios, man page and bash completion under DESTDIR, PREFIX
	$(BUILD)/volley docs completion > $(BUILD)/gen/volley.bash
	$(INSTALL) -D -m 755 $(BUILD)/volley $(DESTDIR)$(PREFIX)/bin/volley
	$(INSTALL) -d $(DESTDIR)$(MODULE_FOLDER)
	for module in $(MODULE_FILES); do $(INSTALL) -m 644 $$module $(DESTDIR)$(MODULE_FOLDER); done
	$(INSTALL) -D -m 644 $(MAN_PAGE) $(DESTDIR)$(PREFIX)/share/man/man1/volley.1
	$(INSTALL) -d $(DESTDIR)$(PREFIX)/share/volley/workloads
	$(INSTALL) -m 644 $(WORKLOADS:%=configs/workloads/%) $(DESTDIR)$(PREFIX)/share/volley/workloads
	$(INSTALL) -m 644 $(SUITE_CONFIGS:%=configs/%) $(DESTDIR)$(PREFIX)/share/volley
	$(INSTALL) -d $(SCENARIO_FOLDERS:%=$(DESTDIR)$(PREFIX)/share/volley/%)
	for file in $(SCENARIOS); do $(INSTALL) -m 644 configs/scenarios/$$file $(DESTDIR)$(PREFIX)/share/volley/scenarios/$$file || exit 1; done
	for file in $(AS_THEY_ARE); do $(INSTALL) -D -m 644 configs/$$file $(DESTDIR)$(PREFIX)/share/volley/$$file || exit 1; done
	$(INSTALL) -D -m 644 common/volley_plugin.h $(DESTDIR)$(PREFIX)/include/volley_plugin.h
	$(INSTALL) -d $(DESTDIR)$(PREFIX)/share/volley/plugins
	$(INSTALL) -m 644 $(PLUGINS:%=configs/plugins/%) $(DESTDIR)$(PREFIX)/share/volley/plugins
	$(INSTALL) -d $(DESTDIR)$(LINKS)
	for link in $(TOOLS:%=$(DESTDIR)$(LINKS)/%); do \
	    [ -e $$link ] || [ -L $$link ] || ln -s $(LINKED) $$link; done
	$(INSTALL) -D -m 644 $(BUILD)/gen/volley.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/volley

uninstall: ## remove what install put in place
	rm -f $(DESTDIR)$(PREFIX)/bin/volley $(DESTDIR)$(PREFIX)/share/man/man1/volley.1 \
	    $(DESTDIR)$(PREFIX)/share/bash-completion/completions/volley
	for link in $(TOOLS:%=$(DESTDIR)$(LINKS)/%); do \
	    [ "$$(readlink $$link)" != $(LINKED) ] || rm -f $$link; done
	rm -f $(SUITE_CONFIGS:%=$(DESTDIR)$(PREFIX)/share/volley/%) $(WORKLOADS:%=$(DESTDIR)$(PREFIX)/share/volley/workloads/%) $(SCENARIOS:%=$(DESTDIR)$(PREFIX)/share/volley/scenarios/%) $(DESTDIR)$(PREFIX)/include/volley_plugin.h \
	    $(AS_THEY_ARE:%=$(DESTDIR)$(PREFIX)/share/volley/%) $(PLUGINS:%=$(DESTDIR)$(PREFIX)/share/volley/plugins/%) $(MODULES:%=$(DESTDIR)$(MODULE_FOLDER)/volley-%.so)
	rmdir $(DESTDIR)$(MODULE_FOLDER) $(DESTDIR)$(LINKS) $(DESTDIR)$(PREFIX)/share/volley/plugins $(DESTDIR)$(PREFIX)/share/volley/workloads $(AS_THEY_ARE_FOLDERS:%=$(DESTDIR)$(PREFIX)/share/volley/%) $(SCENARIO_FOLDERS:%=$(DESTDIR)$(PREFIX)/share/volley/%) $(DESTDIR)$(PREFIX)/share/volley 2>/dev/null || true

clean: ## remove build/
	rm -rf build

# ---- programs

$(BUILD)/volley: $(OBJECTS)
	$(SAY) ld $@
	$(Q)$(LINK) -o $@ $^ $(ALL_LIBS)

$(BUILD)/volley $(BUILD)/tests: | $(MODULE_FILES)

# Nothing of the program is called by a module, and what it is made of stays its own.
define module
$(BUILD)/volley-$1.so: $(filter $(BUILD)/obj/worker/modules/$1/% $(BUILD)/obj/orchestrator/modules/$1/%,$(MODULE_OBJECTS)) $(MODULE_COMMON)
	$$(SAY) ld $$@
	$$(Q)$$(LINK) -shared -o $$@ $$^ $$(shell pkg-config --libs $(MODULE_PACKAGE_$1))
endef
$(foreach m,$(MODULES_BUILT),$(eval $(call module,$m)))

$(BUILD)/tests: $(LIB_OBJECTS) $(TEST_OBJECTS) $(RECORD_OBJECT)
	$(SAY) ld $@
	$(Q)$(LINK) -o $@ $^ $(ALL_LIBS) $(CHECK_LIBS)

$(STRESS) $(RECORDER): $(BUILD)/%: $(BUILD)/obj/tests/%.o $(COMMON_OBJECTS)
	@mkdir -p $(@D)
	$(SAY) ld $@
	$(Q)$(LINK) -o $@ $^ $(ALL_LIBS) -pthread

$(RECORDER): $(BUILD)/obj/tests/support/recorder_command.o

# Without EXTRA_CFLAGS: the server that it is loaded into has no sanitizer.
$(SLOW_DISK): tests/support/slow_disk.c
	@mkdir -p $(@D)
	$(SAY) ld $@
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE -O2 -g -Wall -Wextra -shared -fPIC -o $@ $< -ldl

$(BUILD)/perf/floor: $(BUILD)/obj/tests/perf/floor.o
$(BUILD)/perf/draws: $(BUILD)/obj/tests/perf/draws.o
$(BUILD)/perf/lua: $(BUILD)/obj/tests/perf/lua.o
$(BUILD)/perf/subscriber: $(BUILD)/obj/tests/perf/subscriber.o
$(BUILD)/perf/viewers: $(BUILD)/obj/tests/perf/viewers.o
$(BUILD)/perf/slowdown: $(BUILD)/obj/tests/perf/slowdown.o
$(BUILD)/perf/levels: $(BUILD)/obj/tests/perf/levels.o
$(BUILD)/perf/monitor_days: $(BUILD)/obj/tests/perf/monitor_days.o
$(BUILD)/perf/compare: $(filter-out %/floor.o %/draws.o %/lua.o %/subscriber.o %/viewers.o %/verdicts.o %/slowdown.o %/levels.o %/long_run.o %/live_rows.o %/monitor_days.o $(BUILD)/obj/tests/perf/honesty%,$(PERF_OBJECTS))
$(BUILD)/perf/honesty: $(filter-out %/floor.o %/draws.o %/lua.o %/subscriber.o %/viewers.o %/compare.o %/verdicts.o %/slowdown.o %/levels.o %/long_run.o %/live_rows.o %/monitor_days.o,$(PERF_OBJECTS)) $(RECORD_OBJECT)
$(BUILD)/perf/verdicts: $(addprefix $(BUILD)/obj/tests/perf/,verdicts.o honesty_runs.o processes.o server.o) $(RECORD_OBJECT)
$(BUILD)/perf/long_run $(BUILD)/perf/live_rows: $(BUILD)/perf/%: $(addprefix $(BUILD)/obj/tests/,perf/%.o support/check/report_fixture.o)
$(BUILD)/perf/long_run $(BUILD)/perf/live_rows: private ALL_LIBS += $(CHECK_LIBS)
# An archive, so that each takes only what it uses.
$(BUILD)/volley.a: $(LIB_OBJECTS)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^
$(PERF): $(BUILD)/volley.a
	@mkdir -p $(@D)
	$(SAY) ld $@
	$(Q)$(LINK) -o $@ $(filter %.o,$^) $< $(ALL_LIBS)

# An archive, so that a fuzz target takes only what it uses. The compiler is set in tests/fuzz/run.sh.
$(BUILD)/all.a: $(LIB_OBJECTS) $(SUPPORT_OBJECTS)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^
$(FUZZERS): $(BUILD)/%: $(BUILD)/obj/tests/%.o $(BUILD)/all.a
	@mkdir -p $(@D)
	$(SAY) ld $@
	$(Q)$(LINK) -fsanitize=fuzzer -o $@ $^ $(ALL_LIBS) $(CHECK_LIBS)
fuzz-programs: $(FUZZERS)

$(BUILD)/count/volley: FORCE
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/count EXTRA_CFLAGS='$(EXTRA_CFLAGS) -DVOLLEY_COUNT_ALLOCATIONS' \
	    EXTRA_SOURCES=tests/support/malloc_count.c EXTRA_LIBS='$(EXTRA_LIBS) $(WRAPPED)' all
# DWARF 4: valgrind 3.19 cannot read what clang writes otherwise.
$(BUILD)/virtual/volley: FORCE
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/virtual EXTRA_CFLAGS='$(EXTRA_CFLAGS) -gdwarf-4 -DVOLLEY_VIRTUAL_CLOCK' all

# ---- objects

$(BUILD)/obj/%.o: %.c $(BUILD)/gen/flags
	@mkdir -p $(@D)
	$(SAY) cc $<
	$(Q)$(CC) $(ALL_CFLAGS) $(FILE_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/module/%.o: %.c $(BUILD)/gen/flags
	@mkdir -p $(@D)
	$(SAY) cc $<
	$(Q)$(CC) $(ALL_CFLAGS) -fPIC -fvisibility=hidden -MMD -MP -c -o $@ $<

$(BUILD)/obj/worker/modules/%.o $(BUILD)/obj/orchestrator/modules/%.o: private FILE_CFLAGS = $(MODULE_CFLAGS) -fPIC -fvisibility=hidden
$(BUILD)/obj/tests/%.o: private FILE_CFLAGS = $(CHECK_CFLAGS)
$(BUILD)/obj/tests/%.o: private STACK_WARNING =
$(BUILD)/obj/common/version.o: private FILE_CFLAGS = -DVOLLEY_COMMIT='"$(COMMIT)"'
$(BUILD)/obj/common/version.o: $(BUILD)/gen/commit
$(BUILD)/obj/orchestrator/page/page_bundle.o: private FILE_CFLAGS = -DVOLLEY_PAGE_BUNDLE='"$(abspath $(PAGE))"'
$(BUILD)/obj/orchestrator/page/page_bundle.o: $(PAGE)
$(PAGE): $(PAGE_SOURCES) $(PAGE_MISSING)
	$(SAY) js $@
	$(Q)orchestrator/page/bundle.sh $@ && touch $@
$(BUILD)/obj/tests/unit/main.o: $(BUILD)/gen/suites.h

# Written anew only when the content changes: the flags, the commit, the list of suites.
REWRITE = if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi
$(BUILD)/gen/flags: FORCE
	@pkg-config --exists --print-errors $(PACKAGES) || { echo 'volley: `make deps` installs them' >&2; exit 1; }
	@mkdir -p $(@D)
	@printf '%s\n' '$(CC) $(ALL_CFLAGS)' "$$($(CC) --version | head -n 1)" > $@.new; $(REWRITE)
$(BUILD)/gen/commit: FORCE
	@mkdir -p $(@D)
	@echo '$(COMMIT)' > $@.new; $(REWRITE)
$(BUILD)/gen/suites.h: FORCE
	@mkdir -p $(@D)
	@for s in $(TEST_SUITES); do echo "SUITE($${s}_suite)"; done > $@.new; $(REWRITE)

flags: # the compiler's arguments, for clang-tidy
	@echo '$(ALL_CFLAGS) $(CHECK_CFLAGS) $(MODULE_CFLAGS)'

# ---- tests

test-programs: $(BUILD)/volley $(BUILD)/tests $(STRESS) $(RECORDER) $(SLOW_DISK) $(PERF) $(COUNTING) $(VIRTUAL) build/js/node_modules

stress: $(STRESS:%=%.run) # the short forms; tests/sanitize.sh runs the long ones
%.run: %
	@$< > $<.log 2>&1 || { cat $<.log; echo "$< failed"; exit 1; }

PRODUCED = $(BUILD)/produced
check-tests:
	@rm -rf $(PRODUCED) && mkdir -p $(PRODUCED)
	@VOLLEY=$(abspath $(BUILD)/volley) VOLLEY_RECORDER=$(abspath $(RECORDER)) VOLLEY_SLOW_DISK=$(abspath $(SLOW_DISK)) VOLLEY_COUNTING=$(abspath $(COUNTING)) VOLLEY_VIRTUAL=$(abspath $(VIRTUAL)) \
	    VOLLEY_JS=$(abspath build/js) VOLLEY_PRODUCED=$(abspath $(PRODUCED)) \
	    SERVER='$(SERVER)' SUITES='$(SUITES)' tests/run.sh $(BUILD)/tests $(BUILD)/test-logs

# Other people's readers of volley's files, for tests that compare with them.
build/js/node_modules: $(wildcard tests/support/js/package.json)
	@mkdir -p build/js && cp $< build/js/
	@npm install --prefix build/js --no-audit --no-fund --loglevel=error </dev/null && touch $@ || \
	    { rm -rf $@; echo 'npm could not install the readers of volley'"'s"' files: the tests that use them will fail' >&2; }

-include $(OBJECTS:.o=.d) $(TEST_OBJECTS:.o=.d) $(PROGRAM_OBJECTS:.o=.d) $(MODULE_OBJECTS:.o=.d) $(MODULE_COMMON:.o=.d)
