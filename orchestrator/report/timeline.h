/* What happened, as a stream of events, and who listens. The fleet's collector and `volley report`
 * (from a journal) feed the same events to the same sinks, so every output can be rebuilt.
 *
 *   session_begin  (run_begin  (interval | live | note)*  run_end)*  session_end
 *
 * Events carry plain facts, never the spec or a plan: all a sink needs is in them. */
#ifndef ORCHESTRATOR_REPORT_TIMELINE_H
#define ORCHESTRATOR_REPORT_TIMELINE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/drawn.h"
#include "common/err.h"
#include "common/interval.h"
#include "common/ipc.h"
#include "common/spec.h"
#include "orchestrator/report/checked_report.h"
#include "orchestrator/report/note.h"
#include "orchestrator/report/objective.h"
#include "orchestrator/report/outage.h"
#include "orchestrator/report/repeats.h"
#include "orchestrator/report/run_stream.h"
#include "orchestrator/report/server_account.h"
#include "orchestrator/report/verdict.h"

/* Once per command. All JSON and text is borrowed for the length of the session. */
struct session_facts {
    json_t *spec;        /* options_to_json      */
    json_t *environment; /* environment_collect  */
    json_t *tests;       /* titles of the tests to be run, in their order; NULL: not known */
    const char *label;   /* NULL: none           */
    const char *command; /* "bench"              */
    const double *percentiles;
    uint32_t percentile_count;
    bool extended_metrics; /* there are samples, and outputs show more */
    bool cut;              /* read from a record that ends before the session does */
    const struct objective_list
        *checks; /* what every run but a prefill has to keep; NULL: nothing */
};

/* The titles of the tests that a session which has begun so many did not come to: a new array, empty
 * when it came to all, or they are not known. */
json_t *session_not_run(const struct session_facts *session, size_t tests_begun);

enum run_role { RUN_ROLE_ABSENT, RUN_ROLE_PRIMARY, RUN_ROLE_REPLICA, RUN_ROLE_GONE };

/* A node of the target; its place in the list is its number in interval_row.nodes. The last place may
 * stand for several. */
struct run_node {
    char text[160];         /* "127.0.0.1:7000" */
    uint32_t role_at_start; /* enum run_role */
    uint32_t role;          /* the newest    */
    int32_t primary;        /* of a replica at the start: the number of its primary, else -1 */
};

/* A command of a request of several; its place in the list is its number in interval_row.parts. Those of a class stand
 * side by side, in their order. */
struct run_part {
    char name[CLASS_NAME_BYTES]; /* "add:2"; for objectives */
    char command[24];            /* "EXPIRE" */
    uint32_t class;              /* 0 also where there is one class */
    bool consumes;               /* what consumers got; behind those of requests, and of no class */
    bool is_stage; /* of requests that go through a buffer (common/buffer_stage.h); likewise */
};

struct run_facts;
/* Whether a schedule says when requests are due; else replies do, or users who wait for them. */
bool run_facts_have_rate(const struct run_facts *facts);
/* Whether its client buffers: requests are messages of users then, and told a minute as well. */
bool run_facts_have_messages(const struct run_facts *facts);

/* Known when the start barrier falls. */
struct run_facts {
    const struct session_facts *session; /* set by the timeline; NULL: it does not know any  */
    char name[128];           /* "GET"                                                        */
    uint32_t index;           /* of the run in the session, from 0                            */
    uint64_t repetition;      /* of --runs, from 1; 0: it is not repeated                     */
    bool prefill;             /* writes the keys that the next run reads: reported briefly    */
    char prefill_for[64];     /* that run's test: "GET"; "": no prefill                       */
    uint64_t started_wall_ns; /* wall clock at the common start                            */
    uint64_t interval_ns;
    uint64_t warmup_ns;
    uint64_t duration_ns; /* 0: requests decide                                        */
    uint64_t requests;    /* 0: time decides                                           */
    uint64_t clients, pipeline, data_bytes, request_bytes;
    uint64_t commands; /* of one request, a sequence; 0 in old journals: 1   */
    uint64_t keyspace; /* 0: no number of a key stands in the request */
    bool one_key;      /* every request has the same key                            */
    bool reads;        /* hits and misses mean something                            */
    bool awaits;       /* some of them are of WAIT: no keys; not in old journals      */
    bool no_prefill;   /* --prefill was given already, or cannot write what is read     */
    bool keyspace_random;
    char key_distribution[128]; /* "zipf:0.99"; "": random keys are uniform; not in old journals */
    bool renewed;   /* connections end by plan, and are opened anew                    */
    bool cluster;   /* redirects are followed                                          */
    bool tracking;  /* RESP3 messages are invalidations: COUNTER_PUSHES counts them       */
    bool open_loop; /* response times count from the intended time: of a schedule, or of users */
    char rate_text[96]; /* spec.rate_text; "": closed loop, or users                          */
    uint64_t shed_after_ns;
    uint64_t clients_start; /* of a client ramp; 0: all connections are open from the start    */
    bool steady_auto;       /* warmup_ns is the limit, and at run_end what it came to          */
    uint32_t worker_count;
    int worker_cpus[IPC_WORKERS_MAX]; /* -1: not pinned */
    char target[160];                 /* "127.0.0.1:6379", "null transport" */
    uint32_t class_count; /* of requests; 0: all are of one, which is called as the run */
    double mean_commands; /* a request comes to, on the average; while it runs only */
    char class_names[CLASSES_MAX][CLASS_NAME_BYTES]; /* by their numbers in interval_row.classes */
    /* Of a client that buffers: how, and how many writes its buffers hold at most, of all workers; "": it does not. */
    char buffer_text[256];
    uint64_t buffer_most;
    uint64_t buffer_workers;       /* flush workers of all workers */
    uint64_t buffer_bytes;         /* what its buffers take when they are full, as estimated */
    uint64_t buffer_request_bytes; /* of a write, which alone are held; not in old journals */
    /* So many flush workers are a beginning on so many CPUs; 0: nothing is known of so few. */
    uint64_t buffer_least_workers, buffer_most_workers;
    uint64_t
        cache_most; /* replies that the near caches of all workers may hold; 0: there are none */
    bool has_users; /* and no rate: requests are due when users have them */
    uint32_t part_count; /* mostly 0 */
    struct run_part parts[PARTS_MAX];
    /* Workloads side by side; 0: one. Clients and requests of the run are those of all; pipeline is the largest;
     * the loop is open when one of theirs is, and those of the others count as INTERVAL_BOTH_LOOPS says. */
    uint32_t stream_count;
    struct run_stream streams[RUN_STREAMS_MAX];
    uint32_t node_count; /* 0: one plain server. At run_end the list is the newest */
    struct run_node nodes[NODE_FIGURES_MAX];
};
const char *run_role_name(uint32_t role); /* "primary" */

/* Error replies by first word, numbered as they first came in any worker. */
struct error_kinds {
    uint32_t count;
    struct ipc_error_kind kinds[ERROR_KINDS_MAX];
};

struct worker_summary {
    uint32_t index;
    int64_t pid; /* of the last process that did this worker's share */
    int cpu;
    uint32_t restarts;
    uint64_t requests;                           /* ok + errors, whole run, measured part */
    double cpu_user_seconds, cpu_system_seconds; /* measured part */
    double run_delay_seconds;                    /* ready to run, and somebody else had the CPU */
    double spin_seconds; /* of them: waiting awake for the next intended time */
    uint64_t
        rss_peak_bytes; /* the most memory that its last process held; 0: not known, as in journals */
};

#define RUN_NOTES_MAX 256u /* of each source: the first ones are kept, all are counted */
/* Of a run, in the order in which they were over; samples have target_samples. */
struct run_notes {
    uint32_t count;
    uint64_t all[NOTE_SOURCES];
    struct note items[NOTE_SOURCES * RUN_NOTES_MAX];
};

/* All samples of a run. Values are -1 while there is none. */
struct target_samples {
    uint32_t count, unanswered;
    uint32_t drops; /* target_sample_dropped */
    int64_t keys_first, keys_last, keys_min, keys_max;
    int64_t lag_seconds_max, lag_bytes_max;
    struct note last; /* of those that were answered; without one it is not ok */
};

/* What each scraped series came to, in the order in which they were first told. */
#define SCRAPED_MAX 16u
struct scraped_series {
    char name[NOTE_TEXT_BYTES];
    uint64_t count;
    double first, last, min, max, sum;
};
struct scraped_totals {
    struct scraped_series items[SCRAPED_MAX];
    uint32_t count;
};

/* Whether keys became fewer by 1 % or more: they expire, are evicted, or somebody deletes them. */
bool target_sample_dropped(int64_t keys_before, int64_t keys_now);

/* What the verdict weighs besides the totals; the fleet and the target room fill it. */
struct run_evidence {
    double steal_share;            /* of all CPU time of the host during the run; < 0: unknown    */
    uint64_t throttled_ns;         /* by the cgroup's CPU quota during the run                    */
    bool server_shares_worker_cpu; /* a local server's CPUs and a pinned worker's are the same    */
    bool server_place_known;
    uint32_t workers_lost;
    uint32_t late_records;
    int64_t server_pid; /* of a server on this host; 0: not known, or there are several           */
    double
        server_cpu_share; /* of one CPU, over the run: that server's process; < 0: unknown        */
    double
        server_delay_share; /* of the run's time: its first thread waited for a CPU; < 0: unknown */
    bool never_steady;      /* --steady auto found no steady state within its limit              */
};

/* Known when the run is over. rows are summed over the measured intervals; rows of the warm-up are
 * in no total, but for their HISTOGRAM_CONNECT: its connections are those of the measured part. */
struct run_result {
    const struct run_facts *facts;
    const struct error_kinds *error_kinds;
    const struct interval_row *total; /* header: start_ns, end_ns of the measured part, gauges */
    const double *percentiles;        /* of the session: what the user wants to see, 0..100    */
    uint32_t percentile_count;
    double
        seconds; /* of the measured part: rates are counts / seconds; 0: from the total's header */
    double
        due_seconds; /* open loop: of them, those in which requests fell due, without the time that
                         * the last ones waited; 0: as far as the facts tell */
    /* Open loop, requests per second: what was asked for, of a ramp or a plan its mean; when the rate was
     * changed under way, the one in force at the end. Its readers ask figure_target. */
    double target_rate;
    uint32_t rate_changes;     /* over the control socket */
    struct topology *topology; /* room of whoever starts runs, NULL: none; as it is at the end */
    /* By a cluster instead of an answer, and nothing has succeeded since; fit to be shown; "": nothing.
     * Not in journals, whose status has it. */
    char said_last[RESP_LINE_BYTES];
    bool interrupted;
    bool stopped;   /* by somebody, before its end: planned, and no failure */
    int stopped_by; /* an enum note_by; -1: not known */
    enum err_code
        status; /* OK, E_FAILED (nothing succeeded), E_UNTRUSTED, E_CONNECT, E_INTERRUPTED */
    char status_text[ERR_TEXT_BYTES];
    struct worker_summary workers[IPC_WORKERS_MAX];
    uint32_t worker_count;
    const struct target_samples *samples; /* of the warm-up, too */
    const struct run_notes *notes;
    const struct scraped_totals *scraped;
    const struct outages *outages;
    struct run_evidence evidence;
    struct server_account server;
    struct stream_result streams[RUN_STREAMS_MAX]; /* facts->stream_count */
    struct drawn drawn;
    struct verdict_foreign foreign[VERDICT_FOREIGN_MAX]; /* of a journal */
    uint32_t foreign_count;
    struct checked_report checked;
    struct verdict verdict;
    struct objective_reading checks[OBJECTIVE_MAX]; /* of session->checks */
    uint32_t check_count;
    json_t *kpis;                  /* what they came to, while sinks hear of the end; NULL: none */
    const struct repeats *repeats; /* of the session up to this run; NULL: nothing is repeated */
};

/* Requests since the common start, at a moment that is ahead of the newest row. */
struct run_live {
    uint64_t elapsed_ns;
    uint64_t answered; /* with a reply, an error or not: how far the run is */
    uint64_t ok;       /* without an error: its rate                        */
    uint64_t failed;   /* error replies, and whatever had no reply          */
};

/* A listener. Any function may be NULL. An error of one sink is told once and that sink is left out
 * from then on; the run and the other sinks go on, and timeline_complete says so at the end. */
struct sink {
    const char *name;
    void *state;
    enum err_code (*session_begin)(void *state, const struct session_facts *session,
                                   struct err *err);
    enum err_code (*run_begin)(void *state, const struct run_facts *run, struct err *err);
    /* error_kinds has every kind that the row counts. */
    enum err_code (*interval)(void *state, const struct interval_row *row,
                              const struct error_kinds *error_kinds, struct err *err);
    /* Once a second of a run that is under way; never when one is read from a journal. */
    enum err_code (*live)(void *state, const struct run_live *live, struct err *err);
    enum err_code (*note)(void *state, const struct note *note, struct err *err);
    enum err_code (*run_end)(void *state, const struct run_result *result, struct err *err);
    /* interrupted sessions get it too: files are completed and renamed here. */
    enum err_code (*session_end)(void *state, struct err *err);
    void (*destroy)(void *state);
};

#define TIMELINE_SINKS_MAX 24 /* every output that a command has, at once, and who looks on */
struct timeline {
    struct sink sinks[TIMELINE_SINKS_MAX];
    uint32_t sink_count;
    bool failed[TIMELINE_SINKS_MAX];
    /* The caller may set them: a replay shows these in place of the session's; 0: it does not. */
    const double *percentiles;
    uint32_t percentile_count;
    bool cut; /* likewise: the record that it reads ends before the session does */
    /* Likewise: what KPIs of a run have come to, a new array; NULL: there are none. */
    json_t *(*kpis_of)(void *state, const struct run_result *result);
    void *kpis_state;
    /* A replay: of figures and records that this version does not know; they were left out. */
    uint32_t unknown_kinds;
    const struct session_facts *session;
    struct run_facts run; /* result->facts points here */
    struct error_kinds error_kinds;
    struct interval_row *total; /* of the measured intervals of the run under way */
    uint64_t rows;
    struct target_samples samples;
    struct run_notes notes;
    struct scraped_totals scraped;
    struct outages *outages; /* of the run under way */
    struct repeats repeats;  /* of the session       */
};

MUST_USE enum err_code timeline_init(struct timeline *timeline, struct err *err);
/* At most TIMELINE_SINKS_MAX. The sink's state belongs to the timeline from here on. */
void timeline_add(struct timeline *timeline, struct sink sink);
void timeline_session_begin(struct timeline *timeline, const struct session_facts *session);
/* Forgets the error kinds of the run before; whoever feeds the rows appends to
 * timeline->error_kinds before it passes on a row that counts a new kind. */
void timeline_run_begin(struct timeline *timeline, const struct run_facts *run);
/* Checks the row's identities unless it is degraded; adds it to the total unless it is warm-up. A
 * row that breaks an identity is passed on all the same: E_UNTRUSTED is the caller's to remember. */
MUST_USE enum err_code timeline_interval(struct timeline *timeline, const struct interval_row *row,
                                         struct err *err);
void timeline_live(struct timeline *timeline, const struct run_live *live);
/* Passes on what was done or found out in the run under way; result->notes keeps the first RUN_NOTES_MAX
 * of each source, and result->samples what samples come to. */
void timeline_note(struct timeline *timeline, const struct note *note);
/* Completes result (facts, total, error kinds, percentiles, seconds and due_seconds when 0, verdict)
 * and passes it on. A total that does not add up, with no degraded row in it, makes the status
 * E_UNTRUSTED; a load with a duration that ended in an outage, without any answer, makes one that is OK
 * E_FAILED. With --steady auto the caller has set run.warmup_ns to what it came to, and run.nodes is the
 * caller's to renew. */
void timeline_run_end(struct timeline *timeline, struct run_result *result);
/* The run under way as it is now: the same, but for what its end alone can tell, into a zeroed result, which is valid until the
 * next event. Changes nothing. */
void timeline_look(const struct timeline *timeline, struct run_result *result);
void timeline_session_end(struct timeline *timeline);
/* False when a sink failed: what it should have written is not whole. */
bool timeline_complete(const struct timeline *timeline);
void timeline_destroy(struct timeline *timeline);

#endif
