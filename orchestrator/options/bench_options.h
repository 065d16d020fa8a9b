/* The options of `volley bench`: what they are parsed into. */
#ifndef ORCHESTRATOR_OPTIONS_BENCH_OPTIONS_H
#define ORCHESTRATOR_OPTIONS_BENCH_OPTIONS_H

#include "common/spec.h"
#include "orchestrator/options/chaos_plan.h"
#include "orchestrator/options/managed_args.h"
#include "orchestrator/options/option_group.h"
#include "orchestrator/options/rate_steps.h"
#include "orchestrator/options/uri.h"
#include "orchestrator/options/workload_file.h"
#include "orchestrator/options/workload_streams.h"
#include "orchestrator/options/workload_text.h"
#include "orchestrator/report/objective.h"
#include "worker/worker.h"

/* Made at the first call. */
const struct option_table *bench_option_table(void);
/* Its groups, for a table of another command, whose target begins with a struct bench_request: the rows that
 * belong to that command. The rest has to get its defaults: bench_options_defaults. */
void bench_groups_add(struct option_table *table, struct option_row rows[OPTION_TABLE_ROWS_MAX],
                      enum option_command command);

/* The table of a command that makes several loads: its own rows of its whole target, before and behind those of the groups, and
 * what these say otherwise there. Returns the table; it is filled once. */
struct load_table {
    struct option_group first, last;
    const struct option_change *changes;
    size_t change_count;
};
const struct option_table *load_table_fill(struct option_table *table,
                                           struct option_row rows[OPTION_TABLE_ROWS_MAX],
                                           enum option_command command,
                                           const struct load_table *own);

/* Likewise of a command that speaks to a server without putting load on it: its own rows first, of its whole target, then how
 * to find the server, log in, TLS, how long to wait. False: the table has been filled before. */
bool endpoint_table_fill(struct option_table *table, struct option_row rows[OPTION_TABLE_ROWS_MAX],
                         enum option_command command, const struct option_group *own);

/* Who the user is, as it was given. */
struct login_request {
    const char *uri_text;
    struct uri *uri; /* owned, of secret_alloc */
    bool ask_password;
    uint64_t password_fd;
    char *secret; /* a password that no option held; owned, of secret_alloc */
};

/* Rates and connections over time as they were given; what they mean together is settled into the
 * spec (rate_options.c, client_options.c). Whether one was given, its row's origin tells. */
struct rate_request {
    uint64_t qps_micro, start_micro, end_micro;
    uint64_t interval_ns;
    uint64_t change_micro; /* its size ... */
    char change_sign;      /* ... and '+', '-', or ' ' when none was given */
    enum ramp_mode mode;
    double factor;
    const char *plan_path;
};

struct client_options {
    uint64_t start, end, per_step;
    uint64_t interval_ns;
    enum ramp_mode mode; /* linear or exponential */
    double factor;
    uint64_t per_worker;
};

struct check_request {
    struct objective_list kept, aborts; /* --check, --abort-on */
};

/* What only valkey-benchmark's own options say (dialect_valkey.c). */
struct valkey_options {
    bool sequential;
    bool idle;
    uint64_t precision; /* decides nothing: latencies have three digits in any case */
    char unknown_tests[128];
};

/* Which requests, where it is more than a test or a command (workload_options.c). */
struct workload_request {
    struct stream_wishes streams; /* --workload */
    const char *value_sizes, *key_prefix, *dataset;
    const char *ttl_option; /* EX or PX; NULL: none */
    char ttl[48];           /* "{int 60 300}"      */
    struct weighted_test mix[PLAN_CLASSES_MAX];
    size_t mix_count;
    bool template, verify;
    uint64_t data_rows; /* 0: all */
    char title[128];
};
struct workload_files {
    struct workload_file *files;
    size_t count;
    char *built_in[SPEC_STREAMS_MAX]; /* paths of built-in ones */
    uint32_t built_in_count;
};

/* --replay, and what the file comes to (commands/replaying.c). */
struct replay_request {
    const char *path;
    double speed;
    bool fast;               /* as replies come */
    bool strict;             /* what does not parse ends it */
    const char *form;        /* of the file: "recording", "monitor", "aof" */
    struct replay_plan plan; /* its fd is the request's */
    struct rate_step step;   /* what spec.rate.steps points to, with recorded times */
};

/* --buffer. */
struct buffer_request {
    const char *path;
    const char *option; /* set by the command: what names it; NULL: "buffer" */
};

struct dialect;

struct bench_request {
    struct spec spec;
    struct option_values values;
    bool help;
    bool version;
    /* Things a user should know once, on stderr: "-n is ignored because --duration decides". */
    char notices[8][256];
    uint32_t notice_count;

    /* private: options that become something else in the spec */
    const char *config_path;
    bool trust_config;
    struct login_request login;
    struct rate_request rate;
    struct client_options ramp;
    struct check_request checks;
    struct managed_args managed_args; /* what spec.managed.args points to; owned */
    struct chaos_plan chaos;          /* what spec.managed.chaos points to; owned */
    struct workload_request workload;
    struct replay_request replay;
    struct buffer_request buffer;
    struct workload_files
        workload_files;            /* what spec.load.workload and test_plans point to; owned */
    struct rate_steps steps;       /* what spec.rate.steps points to; owned */
    const struct dialect *dialect; /* of another tool, NULL: volley's own */
    struct valkey_options valkey;
    char plan_length[24]; /* of the plan, as --test-duration would give it */
};

/* argv -> spec, checked as far as that is possible without connecting. With help or version set,
 * nothing else was looked at. The spec's text belongs to the request; bench_options_free in any
 * case. An argument that is no option begins a command, as with valkey-benchmark. */
MUST_USE enum err_code bench_options_parse(struct bench_request *request, int argc,
                                           const char *const *argv, struct err *err);
/* Every option of bench at its default, in a zeroed request. */
MUST_USE enum err_code bench_options_defaults(struct bench_request *request, struct err *err);
/* What no single row can check: options that exclude, need or complete each other; for tables of other commands,
 * too. E_USAGE: options that contradict each other; E_CONFIG: the file of --rate-plan or --chaos. Where one comes
 * from the config file and the other from the command line, the command line wins and nothing is refused. */
MUST_USE enum err_code bench_options_settle(struct bench_request *request, struct err *err);
void bench_options_free(struct bench_request *request);

#endif
