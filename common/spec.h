/* What the user asked for: parsed, validated, and constant from the fork on. Filled by
 * orchestrator/options from the option table; workers inherit it. Times are nanoseconds, sizes
 * bytes. Pointers are owned by the option parser and live as long as the spec. */
#ifndef COMMON_SPEC_H
#define COMMON_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/client_ramp.h"
#include "common/distribution.h"
#include "common/endpoint.h"
#include "common/log.h"
#include "common/schedule.h"

enum key_order { KEYS_ONE, KEYS_RANDOM, KEYS_SEQUENTIAL };

/* Which words of a command are replaced. */
enum placeholder_rules {
    /* All that --help names. Another __word__ is refused; a backslash before one sends it as it stands;
     * what comes by -x is sent as it is. */
    PLACEHOLDERS_OWN,
    /* valkey-benchmark's: no __key__, and {tag} in a cluster only. All else is text, backslashes too; what
     * comes by -x is an argument like the others. */
    PLACEHOLDERS_BENCHMARK,
    /* The same without -r: __rand_int__ and its like are text, too. */
    PLACEHOLDERS_BENCHMARK_FIXED
};

/* How a worker waits for the next intended time. */
enum pacing {
    PACING_AUTO,  /* sleeps, and spins the last stretch where the worker has a CPU of its own */
    PACING_SLEEP, /* timer only                                                              */
    PACING_SPIN   /* never sleeps while a request is due within a few milliseconds           */
};

enum cpus_choice { CPUS_AUTO, CPUS_NONE, CPUS_LIST };

struct chaos_plan;
struct workload_plan;

#define SPEC_CPUS_MAX 4096
/* Shown when nobody asks for others. */
#define SPEC_PERCENTILES_USUAL "50,95,99,99.9,99.99"
#define SPEC_PERCENTILES_SEARCH "50,99,99.9" /* of find-max */
#define SPEC_PERCENTILES_MAX 16
#define SPEC_TESTS_MAX 64

#define MANAGED_NODES_MAX 64u /* servers, with those that are added while it runs */

/* Servers that volley starts and stops itself. */
struct managed_wish {
    bool wanted;
    uint64_t primaries;      /* of a cluster; 0: one server ...                        */
    uint64_t replicas;       /* ... and so many replicas, of the one or of all together */
    bool tls;                /* with certificates made for the run                     */
    const char *program;     /* started from here; NULL: from PATH                     */
    const char *args_text;   /* further arguments of every server, as they were given   */
    const char *const *args; /* these, cut                                             */
    uint32_t arg_count;
    uint64_t io_threads;            /* of every server; 0: as it has them by default          */
    const char *chaos_path;         /* file of actions on them; NULL: none                    */
    const struct chaos_plan *chaos; /* what it says (orchestrator/options); NULL: nothing     */
};

struct connection_options {
    bool one_pipelined; /* --keepalive 0: the same as reconnect_every of the pipeline        */
    uint64_t reconnect_every; /* requests on each connection before it is opened anew; 0: never */
    bool reset_on_close;
    const char *source_addresses; /* separated by commas; NULL: the kernel chooses */
    uint64_t idle;                /* beside the load                               */
    /* Each worker needs so many connections, one to each node; set once the target is known. */
    uint64_t worker_min;
    uint64_t max_reconnects; /* failed attempts in a row; 0: for ever */
};

/* Without steps the loop is closed. */
struct rate_options {
    const struct rate_step *steps; /* the whole schedule, from the start of measuring on */
    uint32_t step_count;
    uint64_t warmup_micro; /* the rate of the warm-up: the schedule's first one above 0 */
    char text[96];         /* as people read it: "10,000/s, even"                       */
    enum arrival arrival;
    enum pacing pacing;
    bool measured; /* the rate is what is measured: nobody changes it under way                */
    uint64_t shed_after_ns;   /* tickets later than this are dropped and counted; 0: never     */
    const char *control_path; /* NULL: no control socket                                     */
};

/* One of several workloads side by side, and what it has of its own. */
#define SPEC_STREAMS_MAX 16u
#define SPEC_STREAM_NAME_BYTES 32u /* with its end */
struct spec_stream {
    const struct workload_plan *plan;
    const char *name; /* of this one alone */
    uint64_t clients, pipeline, database;
    struct rate_options rate;
    const char *user, *password; /* as of struct endpoint */
};

struct replay_plan; /* worker/generate/replay_plan.h */

/* -t custom: requests of a plug-in, of a file with one of these endings. */
enum custom_kind {
    CUSTOM_DEFAULT, /* no file: one command */
    CUSTOM_LIBRARY,
    CUSTOM_C,
    CUSTOM_LUA
};
struct custom_options {
    bool is_wanted;
    enum custom_kind kind;
    const char *file, *arguments; /* NULL: none */
};

/* What is sent, and for how long. */
struct load_options {
    const char *tests[SPEC_TESTS_MAX]; /* lower case names of the test table; count below  */
    uint32_t test_count;               /* 0 when a command or a workload is given           */
    /* Of tests that options change: how each is sent; NULL: as its row says. */
    const struct workload_plan *test_plans[SPEC_TESTS_MAX];
    const struct workload_plan *workload; /* what the file of --workload says, or NULL */
    const struct spec_stream *streams;    /* the first is that one, with what else stands here */
    uint32_t stream_count;                /* 0: one workload, with nothing of its own          */
    const struct replay_plan *replay;     /* recorded requests, in place of all of these; NULL  */
    const char *const *command;           /* arguments after "--", or NULL                     */
    uint32_t command_argc;
    struct custom_options custom;
    bool last_argument_from_stdin;
    enum placeholder_rules placeholders; /* of commands and of the tests' keys */
    uint64_t clients;           /* connections over all workers; with a ramp those at its end     */
    const char *clients_option; /* that says how many, for sentences; NULL: clients           */
    struct client_ramp client_ramp;
    uint64_t requests;          /* of each test; 0: time decides                                  */
    bool requests_are_commands; /* each command of a sequence counts as one of them        */
    uint64_t duration_ns;       /* 0: requests decide                                             */
    uint64_t warmup_ns;
    bool steady_auto; /* the warm-up ends when rate and latency have settled ...             */
    uint64_t steady_limit_ns; /* ... or, not steady, after so long                           */
    uint64_t pipeline;
    uint64_t think_ns; /* of a connection, between a reply and its next request; closed loop */
    uint64_t data_bytes;
    uint64_t function_count;               /* of the library that function_load loads */
    uint64_t function_keys;                /* of a call of fcall                      */
    bool tag_all_tests;                    /* with cluster all keys of the tests have {tag} */
    uint64_t random_keys, sequential_keys; /* as they were given: key_order and keyspace */
    enum key_order key_order;
    struct key_order_wish key_distribution; /* of KEYS_RANDOM */
    uint64_t keyspace; /* keys offset .. offset + keyspace - 1; 1 with KEYS_ONE              */
    uint64_t keyspace_offset;
    bool sequential_random_start;
    uint64_t seed;
    bool verify; /* values say whose they are, and are checked when they are read */
    bool prefill;
    bool prefill_only;              /* nothing is measured */
    bool flush_before, allow_flush; /* the database is emptied first; also of a server not ours */
    bool loop;                      /* repeat until interrupted */
    uint64_t runs;                  /* of all tests             */
    bool null_transport;            /* --null */
    uint64_t interval_ns;           /* the grid of all that is measured over time */
    uint64_t drain_timeout_ns;
    uint64_t max_errors; /* 0: no limit */
};

/* What a client does before it sends (worker/buffer.h): files of configs/buffers. */
#define BUFFER_TOKEN_BYTES 4u /* of a request, as it is sent */
#define BUFFER_NAME_BYTES 32u
#define BUFFER_NOTICE_BYTES 360u
enum buffer_strategy { BUFFER_SIZE_BASED, BUFFER_TIME_BASED };
struct buffer_options {
    bool wanted; /* false: nothing is buffered, and the rest is without meaning */
    char name[BUFFER_NAME_BYTES];
    uint64_t round_messages,
        round_tokens;        /* that make a batch, whichever comes first; tokens 0: any */
    uint64_t hybrid_batches; /* that wait for a flush worker                      */
    uint64_t flush_workers;  /* connections of each worker                       */
    enum buffer_strategy strategy;
    uint64_t flush_interval_ns; /* of a round, at the latest */
    char without_effect
        [BUFFER_NOTICE_BYTES]; /* of what was given, with its place; "": all has one */
    bool async; /* a flush worker sends the next batch ahead of the replies to the one before */
    uint64_t cache_replies; /* that each worker keeps; 0: there is no near cache */
    uint64_t cache_ttl_ns;  /* 0: none gets too old */
};
/* Batches in flight on a connection of an async buffer. */
#define BUFFER_BATCHES_AHEAD 4u
/* Else room for one, and for as many requests that only read beside it. */
#define BUFFER_BATCHES_AT_ONCE 2u

struct worker_options {
    uint64_t processes;  /* 0: auto */
    uint64_t threads;    /* workers = processes * threads */
    bool single_process; /* processes is 1 */
    enum cpus_choice cpus_choice;
    const uint32_t *cpus; /* with CPUS_LIST */
    uint32_t cpu_count;
};

/* What is shown and written. */
struct output_options {
    bool quiet;               /* valkey-benchmark's -q line                   */
    bool csv;                 /* valkey-benchmark's --csv line                */
    uint64_t csv_interval_ns; /* 0: no interval CSV; else a multiple of load.interval_ns */
    double percentiles[SPEC_PERCENTILES_MAX]; /* 0..100 */
    uint32_t percentile_count;
    const char *label;
    const char *json_path; /* "-": stdout; NULL: none */
    const char *out_dir;
    const char *hdr_path;
    const char *html_path;
    const char *png_dir, *svg_dir;
    bool progress; /* also when stderr is no terminal */
    bool debug;
    enum log_level log_level;
    bool explain;
    uint64_t tickets_shown;          /* by explain, of each step */
    bool extended_metrics;           /* 28 columns and volley's own; samples INFO              */
    uint64_t monitoring_interval_ns; /* between two samples                                   */
    bool require_green;              /* any other verdict is exit status 1                     */
};

/* Who looks on while something runs, and what is told to whom (orchestrator/watch). */
struct watch_options {
    const char *listen;       /* "PORT" or "ADDRESS:PORT"; NULL: no page and no endpoints */
    const char *listen_token; /* a file; NULL: none */
    uint64_t listen_linger_ns;
    bool allow_control;
    bool tui;
    const char *kpis_path, *alerts_path, *notify_path; /* NULL: none */
    bool notify_dry_run;
    uint32_t fail_on_alert; /* 0: an alert changes no exit status; else 1 + enum alert_severity */
    double for_scale;       /* the times of "for" are multiplied by it */
    const char *scrapes;    /* URL#SERIES, with commas between them; NULL: none */
};

struct spec {
    struct endpoint endpoint;
    struct managed_wish managed;
    struct connection_options connections;
    struct load_options load;
    struct rate_options rate;
    struct buffer_options buffer;
    struct worker_options workers;
    struct output_options outputs;
    struct watch_options watch;
};

#endif
