/* A scenario that has been carried out, made up: phases one behind the other, and samples. One at a time. */
#ifndef TESTS_SUPPORT_SCENARIO_FIXTURE_H
#define TESTS_SUPPORT_SCENARIO_FIXTURE_H

#include "orchestrator/scenario/observation.h"

#define FIXTURE_MB 1048576.0
#define FIXTURE_SECOND 1000000000ull

extern struct scenario fixture_scenario;
extern struct phase_account fixture_accounts[SCENARIO_PHASES_MAX];
extern struct series fixture_series;
extern struct scenario_check fixture_checks[SCENARIO_CHECKS_MAX];
extern const struct observation fixture_observation;

/* Set-up and tear-down: nothing ran, jemalloc, a target of 1000 MB, scale 1. */
void scenario_fixture_set_up(void);
void scenario_fixture_tear_down(void);
void scenario_fixture_jemalloc(bool jemalloc);

/* The next phase, which ran; nothing is known of it. Returns its index. */
uint32_t scenario_fixture_phase(const char *name, enum phase_type type, uint64_t seconds);
/* used_memory and used_memory_rss in MB at its edges. */
void scenario_fixture_memory(uint32_t phase, double used_before, double used_after,
                             double rss_before, double rss_after);
/* A sample of the last phase, with nothing known; valid until the next one. */
struct series_row *scenario_fixture_sample(uint64_t at_ns);
/* The next check, of severity FAIL, on the value of all. */
struct scenario_check *scenario_fixture_check(const char *metric, const char *phase,
                                              enum check_aggregate aggregate,
                                              enum check_operator operator, double value);

#endif
