/* What a bench session runs, one step after the other: the tests, and before them what fills the keys
 * that they read. */
#ifndef ORCHESTRATOR_COMMANDS_BENCH_STEPS_H
#define ORCHESTRATOR_COMMANDS_BENCH_STEPS_H

#include "common/err.h"
#include "common/spec.h"
#include "orchestrator/commands/custom.h"
#include "orchestrator/report/objective.h"
#include "worker/worker.h"

#define BENCH_STEPS_MAX (2 * SPEC_TESTS_MAX + 2)

struct bench_step {
    struct spec spec; /* the session's, with what this step changes */
    struct workload *workload;
    const char *stream;      /* its name beside other workloads; NULL: it runs alone */
    const char *prefill_for; /* title of the test that reads what this step writes; NULL: a test */
    bool
        fixed_key; /* a user's command with a key, and nothing in it changes; known once connected */
    bool could_prefill; /* a test that --prefill, which was not given, would write for */
    /* Of a prefill: keys that it writes, and those that it and the ones before it for the same test leave behind.
     * What cannot be told counts as one key: there are never fewer. */
    uint64_t keys_written, keys_expected;
};

/* What a file of a workload writes before: a key space in order. */
struct prefill_plan {
    struct workload_plan plan;
    struct plan_key_space *key_spaces; /* the file's, in order */
    char name[80];
};

/* Prefill `index` of a plan alone, with its keys in order; what it points to is the plan's, but for key_spaces, which the
 * caller frees. E_SYSTEM. */
MUST_USE enum err_code prefill_plan_make(struct prefill_plan *writing,
                                         const struct workload_plan *plan, size_t index,
                                         struct err *err);

struct bench_steps {
    struct bench_step *steps;
    uint32_t count; /* to be run */
    uint32_t made;  /* with those of tests behind them, where --prefill-only leaves these out */
    /* Workloads that run beside the last step, the one that is measured. Likewise beside_made. */
    struct bench_step *beside;
    uint32_t beside_count, beside_made;
    struct custom *custom; /* of -t custom with a file; NULL */
    char *stdin_argument;  /* of -x */
    size_t stdin_bytes;
    char *title;          /* of a command with it; NULL: its own words */
    const char **command; /* the user's command with it */
    size_t *command_bytes;
    struct prefill prefill; /* of that command */
    struct prefill_plan
        *plans; /* what files of workloads write before, each in a step; BENCH_STEPS_MAX */
    size_t plan_count;
};

/* Compiles every step before anything connects; E_USAGE as workload_create and prefill_derive. With -x it reads stdin
 * to its end (at most 512 MB). E_USAGE, too: --prefill-only, and nothing is to be written. bench_steps_free in any case. */
MUST_USE enum err_code bench_steps_build(struct bench_steps *steps, const struct spec *spec,
                                         struct err *err);
void bench_steps_free(struct bench_steps *steps);
/* All of them, those beside the last one behind it: index below bench_steps_all. */
uint32_t bench_steps_all(const struct bench_steps *steps);
struct bench_step *bench_steps_at(const struct bench_steps *steps, uint32_t index);
/* Workloads that run together when `step` is run, itself the first: 1 but for the measured step of several. */
uint32_t bench_steps_together(const struct bench_steps *steps, const struct bench_step *step);
/* Of these, number `index`, below bench_steps_together. */
const struct bench_step *bench_steps_beside(const struct bench_steps *steps,
                                            const struct bench_step *step, uint32_t index);
/* What classes and parts are called where several workloads run side by side: NAME:CLASS, or NAME of one that has
 * one. */
void bench_step_name_class(char name[CLASS_NAME_BYTES], const struct bench_step *step,
                           uint32_t class);
void bench_step_name_part(char name[CLASS_NAME_BYTES], const struct bench_step *step,
                          uint32_t part);
/* Whether each primary has a replica where some step asks these until they know what was written. E_CONNECT. */
MUST_USE enum err_code bench_steps_check_replicas(const struct bench_steps *steps,
                                                  const struct topology *topology, struct err *err);
/* Whether some step has requests that only read beside others that do not; known once the keys are. */
bool bench_steps_mixed(const struct bench_steps *steps);
/* Whether every test has the classes of requests that these objectives are about; prefills need not. Errors as
 * objective_classes_check. */
MUST_USE enum err_code bench_steps_check_classes(const struct bench_steps *steps,
                                                 const struct objective_list *objectives,
                                                 const char *option, struct err *err);

/* How long they will last, as far as that is known before; for certificates that are made for it. A run without
 * a rate and without a duration takes as long as the server lets it: it counts as nothing. What has no end (--loop)
 * counts as a month, and nothing counts as more than a year. */
uint64_t bench_steps_planned_ns(const struct bench_steps *steps);

/* In which order its keys come, where that is more than random or in sequence: "zipf:0.99", "in 3 key spaces"; else
 * "". Returns text. */
char *bench_step_describe_keys(char *text, size_t text_bytes, const struct bench_step *step);

/* Another constant rate for a step of an open loop; room has to live as long as the step. */
void bench_step_set_rate(struct bench_step *step, struct rate_step *room, uint64_t rate_micro);

#endif
