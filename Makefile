# volley: `make` builds, `make help` lists the targets. Everything that is made goes under build/.

BUILD ?= build
CC ?= gcc
CFLAGS ?= -O2 -g
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
           -Wwrite-strings -Wcast-qual -Wvla -Wformat=2
PACKAGES = libevent_core hiredis jansson yaml-0.1 hwloc zlib
DEP_CFLAGS := $(subst -I,-isystem ,$(shell pkg-config --cflags $(PACKAGES) 2>/dev/null))
DEP_LIBS := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)
CHECK_CFLAGS := $(subst -I,-isystem ,$(shell pkg-config --cflags check 2>/dev/null))
CHECK_LIBS := $(shell pkg-config --libs check 2>/dev/null)
COMMIT := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)

ALL_CFLAGS = -std=c11 -D_GNU_SOURCE -I. -I$(BUILD)/gen $(WARNINGS) $(DEP_CFLAGS) $(CFLAGS) $(EXTRA_CFLAGS)
ALL_LIBS = $(DEP_LIBS) -lm $(EXTRA_LIBS)

SOURCES := $(sort $(wildcard common/*.c worker/*.c orchestrator/*.c orchestrator/*/*.c))
OBJECTS := $(SOURCES:%.c=$(BUILD)/obj/%.o)
LIB_OBJECTS := $(filter-out $(BUILD)/obj/orchestrator/main.o,$(OBJECTS))

# Each tests/unit/test_x.c and tests/integration/test_x.c defines `Suite *test_x_suite(void)`.
TEST_SOURCES := $(sort $(wildcard tests/unit/*.c tests/integration/*.c tests/support/check/*.c))
TEST_OBJECTS := $(TEST_SOURCES:%.c=$(BUILD)/obj/%.o)
TEST_SUITES := $(basename $(notdir $(sort $(wildcard tests/unit/test_*.c tests/integration/test_*.c))))

.PHONY: all help run test lint sanitize fuzz perf docs install clean deps FORCE
all: $(BUILD)/volley

$(BUILD)/volley: $(OBJECTS)
	$(CC) $(CFLAGS) -o $@ $^ $(ALL_LIBS)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/obj/tests/%.o: EXTRA_CFLAGS += $(CHECK_CFLAGS)
$(BUILD)/obj/orchestrator/target/environment.o: EXTRA_CFLAGS += -DVOLLEY_COMMIT='"$(COMMIT)"'
$(BUILD)/obj/tests/unit/main.o: $(BUILD)/gen/suites.h

# The list of suites, rewritten only when it changes.
$(BUILD)/gen/suites.h: FORCE
	@mkdir -p $(@D)
	@for s in $(TEST_SUITES); do echo "SUITE($${s}_suite)"; done > $@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(BUILD)/tests: $(LIB_OBJECTS) $(TEST_OBJECTS)
	$(CC) $(CFLAGS) -o $@ $^ $(ALL_LIBS) $(CHECK_LIBS)

test: $(BUILD)/volley $(BUILD)/tests
	VOLLEY=$(abspath $(BUILD)/volley) $(BUILD)/tests

clean:
	rm -rf build

-include $(OBJECTS:.o=.d) $(TEST_OBJECTS:.o=.d)
