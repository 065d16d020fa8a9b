#include "orchestrator/scenario/scenario_field_rows.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/live_map.h"
#include "common/units.h"
#include "orchestrator/options/chaos_plan.h"
#include "orchestrator/options/distribution.h"
#include "orchestrator/options/option_group.h"
#include "orchestrator/options/rate_text.h"
#include "orchestrator/scenario/scenario_file.h"
#include "orchestrator/scenario/scenario_values.h"
#include "orchestrator/scenario/scenario_vectors.h"

/* ---- words ---- */

WORDS(on_error_at, "stop", "continue")
WORDS(datatype_at, "string", "hash", "list", "set", "zset", "vector")
WORDS(ramp_mode_at, "linear", "exponential")
WORDS(scope_at, "own", "db", "all")
WORDS(verify_at, "none", "exists", "checksum", "recall")
WORDS(metric_at, [VECTOR_COSINE] = "cosine", [VECTOR_L2] = "l2", [VECTOR_IP] = "ip")
WORDS(algorithm_at, [VECTOR_HNSW] = "hnsw", [VECTOR_FLAT] = "flat")

/* ---- values with parsers of their own ---- */

static enum err_code parse_name(void *target, const char *value, struct err *reason)
{
    struct scenario_entry *entry = target;
    if (strcmp(value, "all") == 0)
        return err_set(reason, E_USAGE, "in checks this is the whole run: take another name");
    return scenario_name(entry->phase.name, value, true, reason);
}

static enum err_code parse_tag(void *target, const char *value, struct err *reason)
{
    return scenario_name(((struct scenario_entry *)target)->phase.tag, value, true, reason);
}

static enum err_code parse_until(void *target, const char *value, struct err *reason)
{
    return scenario_until(&((struct scenario_entry *)target)->phase.until, value, reason);
}

static enum err_code parse_sizes(void *target, const char *value, struct err *reason)
{
    struct phase *phase = target;
    phase->has_value_size = true;
    return scenario_sizes(&phase->value_size, value, reason);
}

static enum err_code parse_keep(void *target, const char *value, struct err *reason)
{
    struct phase *phase = target;
    phase->has_keep = true;
    return units_parse_count(&phase->keep, value) && phase->keep <= LIVE_KEYS_MAX
               ? OK
               : err_set(reason, E_USAGE, "allowed: a number of keys, as in 500k");
}

static enum err_code parse_ttl(void *target, const char *value, struct err *reason)
{
    struct phase *phase = target;
    return scenario_ttl(&phase->least_ttl_s, &phase->most_ttl_s, value, reason);
}

static enum err_code parse_factors(void *target, const char *value, struct err *reason)
{
    struct phase *phase = target;
    return scenario_factors(&phase->least_factor, &phase->most_factor, value, reason);
}

static enum err_code parse_key_prefix(void *target, const char *value, struct err *reason)
{
    return scenario_key_prefix(((struct scenario_entry *)target)->phase.key_prefix, value, reason);
}

static enum err_code parse_strategy(void *target, const char *value, struct err *reason)
{
    static const char prefix[] = "prefix:";
    struct phase *phase = target;
    if (strncasecmp(value, prefix, strlen(prefix)) != 0)
        return scenario_strategy(&phase->strategy, &phase->stride, value, reason);
    phase->strategy = LIVE_PICK_OLDEST;
    phase->copy_level = scenario_copy_level(value);
    return phase->copy_level > 0
               ? OK
               : scenario_key_prefix(phase->pick_prefix, value + strlen(prefix), reason);
}

static enum err_code parse_key_order(void *target, const char *value, struct err *reason)
{
    struct key_order_wish *wish = &((struct scenario_entry *)target)->phase.key_order;
    enum err_code code =
        distribution_parse_keys(wish, strcmp(value, "seq") == 0 ? "sequential" : value, reason);
    if (code == OK && wish->kind == ORDER_PARALLEL)
        return err_set(reason, E_USAGE, "connections have no ranges of live keys: sequential");
    return code;
}

static enum err_code parse_qps(void *target, const char *value, struct err *reason)
{
    struct scenario_rate *rate = &((struct scenario_entry *)target)->qps;
    return scenario_rate(&rate->micro, &rate->share, value, reason);
}

static enum err_code parse_ramp_from(void *target, const char *value, struct err *reason)
{
    struct scenario_rate *rate = &((struct scenario_ramp *)target)->from;
    return scenario_rate(&rate->micro, &rate->share, value, reason);
}

static enum err_code parse_ramp_to(void *target, const char *value, struct err *reason)
{
    struct scenario_rate *rate = &((struct scenario_ramp *)target)->to;
    return scenario_rate(&rate->micro, &rate->share, value, reason);
}

static enum err_code parse_ramp_factor(void *target, const char *value, struct err *reason)
{
    if (rate_parse_factor(&((struct scenario_ramp *)target)->factor, value))
        return OK;
    return err_set(reason, E_USAGE, "allowed: a factor above 0, as in 1.5");
}

static enum err_code parse_stable_metric(void *target, const char *value, struct err *reason)
{
    double divisor;
    struct scenario_stable *wish = target;
    return scenario_metric(wish->stable.metric, &divisor, value, reason);
}

static enum err_code parse_tolerance(void *target, const char *value, struct err *reason)
{
    return scenario_part(&((struct scenario_stable *)target)->stable.tolerance, value, reason);
}

static enum err_code parse_test_metric(void *target, const char *value, struct err *reason)
{
    return scenario_parse_check_metric(&((struct scenario_entry *)target)->test, value, reason);
}

static enum err_code parse_test_phase(void *target, const char *value, struct err *reason)
{
    return scenario_parse_check_phase(&((struct scenario_entry *)target)->test, value, reason);
}

static enum err_code parse_test_relative(void *target, const char *value, struct err *reason)
{
    return scenario_parse_check_relative(&((struct scenario_entry *)target)->test, value, reason);
}

static enum err_code parse_observed(void *target, const char *value, struct err *reason)
{
    struct scenario_observed *observed = target;
    return scenario_metric(observed->metric, &observed->divisor, value, reason);
}

static enum err_code parse_scenario_name(void *target, const char *value, struct err *reason)
{
    return scenario_name(((struct scenario_fields *)target)->name, value, false, reason);
}

/* ---- the keys of a phase ---- */

#define AT(member) offsetof(struct scenario_entry, member)
/* clang-format off: a key reads best as a few short lines */
#define DURATION                                                                                   \
    {                                                                                              \
        TIME_ROW("duration", AT(phase.duration_ns),                                                \
                 "How long it lasts at most; a number without a unit is seconds.")                 \
    }
#define UNTIL                                                                                      \
    CUSTOM("until", parse_until, .hint = "as in until: \"used_memory>=80%target\"",                \
           .help = "It ends when this holds of a sample.")
#define CLIENTS                                                                                    \
    NUMBER_KEY("clients", AT(phase.clients), 1, 1000000, .unset = "50", .help = "Connections.")
#define GROWTH                                                                                     \
    {                                                                                              \
        .row = {                                                                                   \
            ROW("clients_growth", NULL, OPTION_REAL, NULL, AT(clients_growth)),                    \
            REAL(0.01, 100),                                                                       \
            .help = "In a loop: each turn has so many times the clients of the one before."        \
        }                                                                                          \
    }
#define RECONNECT                                                                                  \
    NUMBER_KEY("reconnect_every", AT(phase.reconnect_every), 1, 1000000000000,                     \
               .help = "Requests on each connection before it is opened anew.")
#define PIPELINE                                                                                   \
    NUMBER_KEY("pipeline", AT(phase.pipeline), 1, 100000, .unset = "1",                            \
               .help = "Requests in flight on each connection.")
#define QPS                                                                                        \
    CUSTOM("qps", parse_qps, .hint = "as in qps: 10k",                                             \
           .help = "Requests per second, or a part of the measured maximum as 30%max; 0: as fast " \
                   "as replies come.")
#define ACTIONS                                                                                    \
    {                                                                                              \
        .row = {.name = "actions",                                                                 \
                .offset = AT(actions.items),                                                       \
                .hint = "as in actions: [\"at 10s: bgsave\"]",                                     \
                .help = "What is done to servers of volley's own meanwhile, as by --chaos; times " \
                        "count from the beginning of the phase."},                                 \
        .form = FILE_LIST, .of = &chaos_wish_field, .element_bytes = sizeof(struct chaos_wish),    \
        .count_offset = AT(actions.count), .least = 1, .most = 16                                  \
    }
#define ON_ERROR                                                                                   \
    WORD_KEY("on_error", AT(on_error), on_error_at, "stop",                                        \
             "Whether the scenario goes on when the phase fails.")
#define VALUE_SIZE(help_) CUSTOM("value_size", parse_sizes, .help = (help_))
#define DATATYPE                                                                                   \
    WORD_KEY("datatype", AT(phase.datatype), datatype_at, NULL,                                    \
             "What a key holds; that of the load before where it is not said, else string.")
#define KEY_DIST                                                                                   \
    CUSTOM("key_dist", parse_key_order,                                                            \
           .help = "How often each live key is chosen: uniform, zipf:0.99, hotset:10/90, seq and " \
                   "the others of --key-dist but parallel.")
#define KEYSPACE                                                                                   \
    NUMBER_KEY("keyspace", AT(phase.key_space), 1, LIVE_KEYS_MAX,                                  \
               .help = "Those are of the first so many that were loaded; of all without it.")
#define KEY_PREFIX                                                                                 \
    CUSTOM("key_prefix", parse_key_prefix,                                                         \
           .help = "What names of loaded keys have before their numbers, as in user:.")
#define WORKLOAD(help_)                                                                            \
    {                                                                                              \
        .row = { ROW("workload", NULL, OPTION_TEXT, NULL, AT(workload)), .help = (help_) }         \
    }
#define BUFFER                                                                                     \
    {                                                                                              \
        .row = {.name = "buffer",                                                                  \
                .offset = AT(buffer),                                                              \
                .hint = "as in buffer: high-throughput, or buffer: {round_buffer: {max_size: 8}}", \
                .help = "The load is that of a client that buffers: a profile, or the keys of a "  \
                        "buffer file. It goes before what its workload says."},                    \
        .form = FILE_OBJECT, .object = &buffer_within_object                                       \
    }
#define TTL(help_) CUSTOM("ttl", parse_ttl, .help = (help_))
#define MIX                                                                                        \
    {                                                                                              \
        .row = {.name = "mix",                                                                     \
                .offset = AT(mix),                                                                 \
                .hint = "as in mix: {load: 50, get: 30, del: 20}",                                 \
                .help = "Percent of load, get, update and del."},                                  \
        .form = FILE_MAP, .of = &share_field, .element_bytes = sizeof(struct scenario_share),      \
        .count_offset = AT(mix_count), .least = 1, .most = 8                                       \
    }
#define IN_CLUSTER                                                                                 \
    NUMBER_KEY("wait_replicas", AT(phase.wait_replicas), 1, 63,                                    \
               .help = "WAIT behind each write: a key is live once so many replicas have it."),    \
    {                                                                                              \
        .row = {.name = "skew",                                                                    \
                .offset = AT(skew),                                                                \
                .hint = "as in skew: {share: 20%, tags: 3}",                                       \
                .help = "Some of the new keys in a few hash tags of one node."},                   \
        .form = FILE_OBJECT, .object = &scenario_skew_object                                       \
    }
#define FRACTION                                                                                   \
    {                                                                                              \
        .row = {ROW("fraction", NULL, OPTION_REAL, NULL, AT(phase.fraction)), REAL(0, 1),          \
                .hint = "as in fraction: 0.5", .help = "Of the live keys."},                       \
        .required = true                                                                           \
    }
#define STRATEGY                                                                                   \
    CUSTOM("strategy", parse_strategy, .unset = "random",                                          \
           .help = "Which keys: random, oldest, newest, stride:K, or the oldest of those with a "  \
                   "key_prefix, as in prefix:user:; of copies of vectors prefix:expand_1_.")
#define DIMENSIONS                                                                                 \
    NUMBER_KEY("dimensions", AT(phase.index.dimensions), VECTOR_DIMENSIONS_LEAST,                  \
               VECTOR_DIMENSIONS_MOST, .help = "Of vectors; those said before where it is not.")
#define NEIGHBOURS                                                                                 \
    NUMBER_KEY("k", AT(phase.query.k), 1, VECTOR_K_MAX,                                            \
               .help = "Of vectors: so many neighbours; 10 where it is not said."),                \
        NUMBER_KEY("ef", AT(phase.query.ef), 1, VECTOR_EF_MAX,                                     \
                   .help = "Of vectors: candidates of a query, else ef_runtime of the index.")
#define TIMEOUT                                                                                    \
    {                                                                                              \
        TIME_ROW("timeout", AT(timeout_ns), "Another word for duration: how long it may take.")    \
    }
#define MIXED_KEYS                                                                                 \
    WORKLOAD("A file of a workload, or one that comes with volley, in place of a mix."), BUFFER,   \
        LOAD_OF_MIX
#define LOAD_OF_MIX                                                                                \
    MIX, KEY_DIST, KEYSPACE, KEY_PREFIX, VALUE_SIZE("Of what is written."), DATATYPE, IN_CLUSTER,  \
        NEIGHBOURS, TTL("Of what is loaded: seconds, or two of them as in 60-300.")

static const struct file_field share_field = {
    .row = {.kind = OPTION_REAL, .offset = offsetof(struct scenario_share, percent), REAL(0, 100)}};

static const struct file_field load_fields[] = {
    DURATION,
    UNTIL,
    CLIENTS,
    PIPELINE,
    QPS,
    ON_ERROR,
    ACTIONS,
    NUMBER_KEY("keys", AT(phase.keys), 1, LIVE_KEYS_MAX, .help = "So many keys at most."),
    WORKLOAD("Writes what this workload's prefill says, in place of keys of its own."),
    BUFFER,
    {.row = {ROW("target_memory", NULL, OPTION_SIZE, NULL, AT(target_bytes)), NUMBER(1, 1ull << 50),
             .help = "It ends when used_memory is so large."}},
    VALUE_SIZE("N, A-B, bimodal:A/B/PART, list:SIZE:WEIGHT,... and what else --value-size takes."),
    DATATYPE,
    KEY_PREFIX,
    NUMBER_KEY("batch", AT(phase.batch), 1, 1000, .unset = "1", .help = "Keys of a request: MSET."),
    TTL("When keys expire: seconds, or two of them as in 60-300."),
    IN_CLUSTER,
    DIMENSIONS,
    NUMBER_KEY("expand", AT(phase.copy_level), 1, VECTOR_LEVELS_MAX,
               .help = "A copy of each vector, as expand_1_<key>; which copies these are."),
};
static const struct file_field ramp_own_fields[] = {
    {.row = {ROW("from", NULL, OPTION_CUSTOM, NULL, 0), .parse = parse_ramp_from,
             .help = "Requests per second at the beginning, or a part of the measured maximum."},
     .required = true},
    {.row = {ROW("to", NULL, OPTION_CUSTOM, NULL, 0), .parse = parse_ramp_to,
             .help = "Requests per second at the end, likewise."},
     .required = true},
    WORD_KEY("mode", offsetof(struct scenario_ramp, mode), ramp_mode_at, "linear",
             "linear adds the step every interval, exponential multiplies by the factor."),
    {.row = {ROW("step", NULL, OPTION_RATE, NULL, offsetof(struct scenario_ramp, step_micro)),
             .help = "By how much; without it the duration is used up."}},
    CUSTOM("factor", parse_ramp_factor, .help = "By what; without it the duration is used up."),
    {.row = {ROW("interval", NULL, OPTION_DURATION, NULL,
                 offsetof(struct scenario_ramp, interval_ns)),
             BARE(NS_PER_SECOND, NS_PER_MS, LONGEST_NS), .unset = "1s",
             .help = "How often the rate changes."}},
};
static const struct file_object ramp_object = {
    .name = "a ramp", .fields = ramp_own_fields, .field_count = COUNT_OF(ramp_own_fields)};
static const struct file_field ramp_fields[] = {
    DURATION,
    UNTIL,
    CLIENTS,
    PIPELINE,
    ON_ERROR,
    ACTIONS,
    {.row = {.name = "ramp",
             .offset = AT(ramp),
             .hint = "as in ramp: {from: 1000, to: 50k}",
             .help = "The rate over time."},
     .form = FILE_OBJECT,
     .required = true,
     .object = &ramp_object},
    MIXED_KEYS,
};
static const struct file_field hold_fields[] = {
    DURATION, UNTIL, CLIENTS, GROWTH, RECONNECT, PIPELINE, QPS, ON_ERROR, ACTIONS, MIXED_KEYS,
};
static const struct file_field burst_fields[] = {
    DURATION,
    UNTIL,
    CLIENTS,
    PIPELINE,
    ON_ERROR,
    ACTIONS,
    {.row = {ROW("factor", NULL, OPTION_REAL, NULL, AT(phase.factor)), REAL(0, 1000),
             .help = "Times the rate of the phase before; 0: as fast as replies come."}},
    {.row = {ROW("clients_factor", NULL, OPTION_REAL, NULL, AT(phase.clients_factor)),
             REAL(0.01, 100), .unset = "1", .help = "Times the clients."}},
    MIXED_KEYS,
};
static const struct file_field query_fields[] = {
    DURATION,
    UNTIL,
    CLIENTS,
    PIPELINE,
    QPS,
    ON_ERROR,
    ACTIONS,
    BUFFER,
    KEY_DIST,
    KEYSPACE,
    WORD_KEY("verify", AT(verify), verify_at, "none",
             "none and exists count misses; checksum also looks at what is read, recall at "
             "which vectors are found."),
    {.row = {ROW("fraction", NULL, OPTION_REAL, NULL, AT(phase.fraction)), REAL(0, 1),
             .hint = "as in fraction: 1",
             .help = "Of the live keys, each once; without it keys at random, for the duration."}},
    NEIGHBOURS,
};
static const struct file_field delete_fields[] = {
    DURATION,
    UNTIL,
    CLIENTS,
    PIPELINE,
    QPS,
    ON_ERROR,
    ACTIONS,
    {.row = {ROW("fraction", NULL, OPTION_REAL, NULL, AT(phase.fraction)), REAL(0, 1),
             .hint = "as in fraction: 0.5", .help = "Of the live keys."}},
    CUSTOM("keep", parse_keep, .help = "How many live keys are left, in place of fraction."),
    STRATEGY,
    FLAG_KEY("unlink", AT(phase.unlink), "true", "UNLINK, or else DEL."),
};
static const struct file_field overwrite_fields[] = {
    DURATION,
    UNTIL,
    CLIENTS,
    PIPELINE,
    QPS,
    ON_ERROR,
    ACTIONS,
    FRACTION,
    STRATEGY,
    CUSTOM("size_factor", parse_factors, .help = "Times the size that a key was loaded with."),
    VALUE_SIZE("The new size."),
};
static const struct file_field expire_fields[] = {
    DURATION,
    UNTIL,
    CLIENTS,
    PIPELINE,
    QPS,
    ON_ERROR,
    ACTIONS,
    FRACTION,
    STRATEGY,
    {.row = {ROW("ttl", NULL, OPTION_CUSTOM, NULL, 0), .parse = parse_ttl,
             .hint = "as in ttl: 60-300", .help = "Seconds, or two of them."},
     .required = true},
    FLAG_KEY("wait", AT(phase.wait), NULL, "It ends when so many keys have expired."),
};
static const struct file_field stable_own_fields[] = {
    {.row = {ROW("metric", NULL, OPTION_CUSTOM, NULL, 0), .parse = parse_stable_metric,
             .help = "What is looked at."},
     .required = true},
    {TIME_ROW("window", offsetof(struct scenario_stable, stable.window_ns),
              "How long it has to stay within the tolerance."),
     .required = true},
    CUSTOM("tolerance", parse_tolerance, .unset = "1%", .help = "How far from its mean it may be."),
    {TIME_ROW("max", offsetof(struct scenario_stable, stable.max_ns),
              "How long is waited at most; without it the duration.")},
};
static const struct file_object stable_object = {
    .name = "a wait", .fields = stable_own_fields, .field_count = COUNT_OF(stable_own_fields)};
static const struct file_field idle_fields[] = {
    DURATION,
    UNTIL,
    ON_ERROR,
    ACTIONS,
    {.row = {.name = "wait_stable",
             .offset = AT(stable),
             .hint = "as in wait_stable: {metric: used_memory_rss, window: 3s}",
             .help = "It ends when the metric has come to rest."},
     .form = FILE_OBJECT,
     .object = &stable_object},
};
static const struct file_field flush_fields[] = {
    CLIENTS,
    PIPELINE,
    ON_ERROR,
    WORD_KEY("scope", AT(scope), scope_at, "own",
             "own: keys of this run. db: the database. all: all of them."),
};
static const struct file_field checkpoint_fields[] = {
    ON_ERROR,
    CUSTOM("tag", parse_tag, .help = "What it is called; its name where it is not said."),
};
static const struct file_field purge_fields[] = {
    ON_ERROR,
    FLAG_KEY("memory_purge", AT(phase.memory_purge), "true", "MEMORY PURGE."),
    FLAG_KEY("activedefrag", AT(phase.activedefrag), NULL, "CONFIG SET activedefrag yes."),
};
static const struct file_field index_create_fields[] = {
    DURATION,
    TIMEOUT,
    CLIENTS,
    PIPELINE,
    QPS,
    ON_ERROR,
    DIMENSIONS,
    WORD_KEY("algo", AT(phase.index.algorithm), algorithm_at, "hnsw", "hnsw or flat."),
    WORD_KEY("metric", AT(phase.index.metric), metric_at, "cosine", "cosine, l2 or ip."),
    NUMBER_KEY("m", AT(phase.index.m), 4, 512, .unset = "16", .help = "Links of a vector."),
    NUMBER_KEY("ef_construction", AT(phase.index.ef_construction), 1, VECTOR_EF_MAX, .unset = "200",
               .help = "Candidates when a vector is added."),
    NUMBER_KEY("ef_runtime", AT(phase.index.ef_runtime), 1, VECTOR_EF_MAX, .unset = "100",
               .help = "Candidates of a query."),
};
static const struct file_field index_drop_fields[] = {
    ON_ERROR,
    FLAG_KEY("keep_docs", AT(phase.keep_docs), "true", "What was indexed stays."),
};
static const struct file_field wait_index_fields[] = {
    DURATION,
    TIMEOUT,
    ON_ERROR,
};
#define LOAD_BESIDE UNTIL, CLIENTS, PIPELINE, QPS, ON_ERROR, LOAD_OF_MIX
#define NODE_KEY(name_, member_, help_)                                                            \
    NUMBER_KEY(name_, AT(phase.act.member_), 0, 63, .help = (help_))
static const struct file_field failover_fields[] = {
    DURATION,
    LOAD_BESIDE,
    NODE_KEY("node", node, "Which, from 0: the primaries, then the replicas."),
    WORD_KEY("how", AT(phase.act.how), scenario_how_name, "failover",
             "failover: a replica takes over. kill, pause, restart: the node."),
    {TIME_ROW("for", AT(phase.act.for_ns),
              "How long it is paused, or killed before it is started again.")},
};
static const struct file_field rebalance_fields[] = {
    DURATION,
    LOAD_BESIDE,
    NUMBER_KEY("slots", AT(phase.act.slots), 1, 16384,
               .help = "How many; without it as many as make the two nodes alike."),
    NODE_KEY("from", from, "Their primary; without it the one with the most memory used."),
    NODE_KEY("to", to, "Their next one; without it the one with the least memory used."),
};
static const struct file_field phases_field;
static const struct file_field loop_fields[] = {
    {.row = {.name = "until",
             .offset = AT(stops),
             .help = "It ends after a turn when this holds, or one of several."},
     .form = FILE_LIST,
     .of = &scenario_stop_field,
     .element_bytes = sizeof(struct scenario_check_entry),
     .count_offset = AT(stop_count),
     .least = 1,
     .most = 8,
     .alone = true},
    {.row = {ROW("iterations", NULL, OPTION_COUNT, NULL, AT(iterations)), NUMBER(1, 1000),
             .hint = "as in iterations: 4", .help = "How often."},
     .required = true},
    {.row = {.name = "phases", .offset = AT(phases), .help = "One after the other."},
     .form = FILE_LIST,
     .required = true,
     .of = &phases_field,
     .element_bytes = sizeof(struct scenario_entry),
     .count_offset = AT(phase_count),
     .least = 1,
     .most = SCENARIO_PHASES_MAX},
};
#define PHASES(name_, at_, count_at_, help_)                                                       \
    {                                                                                              \
        .row = {.name = (name_), .offset = (at_), .help = (help_)}, .form = FILE_LIST,             \
        .of = &phases_field, .element_bytes = sizeof(struct scenario_entry),                       \
        .count_offset = (count_at_), .most = SCENARIO_PHASES_MAX                                   \
    }
static const struct file_field condition_fields[] = {
    {.row = {ROW("metric", NULL, OPTION_CUSTOM, NULL, 0), .parse = parse_test_metric,
             .help = "What is looked at, as in a check."},
     .required = true},
    WORD_KEY("agg", AT(test.check.aggregate), scenario_aggregate_at, "last", "As in a check."),
    CUSTOM("phase", parse_test_phase,
           .help = "Of this phase; without it of the newest sample, taken for this."),
    CUSTOM("relative_to", parse_test_relative, .help = "As in a check."),
    {.row = {ROW("op", NULL, OPTION_WORD, NULL, AT(test.check.operator)),
             .value_at = scenario_operator_at, .help = "How it has to compare."},
     .required = true},
    {.row = {ROW("value", NULL, OPTION_TEXT, NULL, AT(test.value)),
             .help = "A number, a size, a percent, or a part of the target as 90%target."},
     .required = true},
    PHASES("if_true", AT(branches[1]), AT(branch_counts[1]), "Phases for when it holds."),
    PHASES("if_false", AT(branches[0]), AT(branch_counts[0]), "Phases for when it does not."),
};
static const struct file_field parallel_fields[] = {
    DURATION,
    UNTIL,
    ON_ERROR,
    ACTIONS,
    {.row = {.name = "phases", .offset = AT(phases), .help = "What is sent side by side."},
     .form = FILE_LIST,
     .required = true,
     .of = &phases_field,
     .element_bytes = sizeof(struct scenario_entry),
     .count_offset = AT(phase_count),
     .least = 2,
     .most = SCENARIO_CHILDREN_MAX},
};

#define VARIANT(name_, fields_, help_)                                                             \
    {                                                                                              \
        .name = (name_), .fields = (fields_), .field_count = COUNT_OF(fields_), .help = (help_)    \
    }
static const struct file_variant variants[SCENARIO_VARIANTS] = {
    [PHASE_LOAD] = VARIANT("load", load_fields, "Inserts new keys."),
    [PHASE_RAMP] = VARIANT("ramp", ramp_fields, "A mix at a rate that moves."),
    [PHASE_HOLD] = VARIANT("hold", hold_fields, "A mix at one rate."),
    [PHASE_BURST] = VARIANT("burst", burst_fields, "A mix at a multiple of the last rate."),
    [PHASE_QUERY] = VARIANT("query", query_fields, "Reads."),
    [PHASE_DELETE] = VARIANT("delete-fraction", delete_fields, "Deletes some of the live keys."),
    [PHASE_OVERWRITE] = VARIANT("overwrite-resize", overwrite_fields,
                                "Writes some of the live keys again, in other sizes."),
    [PHASE_EXPIRE] = VARIANT("expire", expire_fields, "Makes some of the live keys expire."),
    [PHASE_IDLE] = VARIANT("idle", idle_fields, "Sends nothing."),
    [PHASE_FLUSH] = VARIANT("flush", flush_fields, "Empties the server, or deletes its own keys."),
    [PHASE_CHECKPOINT] = VARIANT("checkpoint", checkpoint_fields, "Asks for all figures, once."),
    [PHASE_PURGE] = VARIANT("purge", purge_fields, "Has the allocator return memory."),
    [PHASE_INDEX_CREATE] =
        VARIANT("index-create", index_create_fields, "Makes an index of the vectors."),
    [PHASE_INDEX_DROP] = VARIANT("index-drop", index_drop_fields, "Drops it."),
    [PHASE_WAIT_INDEX] =
        VARIANT("wait-index", wait_index_fields, "Waits until all vectors are in the index."),
    [PHASE_CONDITION] =
        VARIANT("conditional", condition_fields,
                "Phases that are carried out when a metric is so, and others when not."),
    [PHASE_PARALLEL] = VARIANT("parallel", parallel_fields, "Phases that are sent side by side."),
    [PHASE_FAILOVER] = VARIANT("failover", failover_fields, "Something happens to a node."),
    [PHASE_REBALANCE] =
        VARIANT("rebalance", rebalance_fields, "Slots move from one primary to another."),
    [SCENARIO_LOOP] = VARIANT("loop", loop_fields, "Phases, so many times over."),
    [SCENARIO_MIXED] = VARIANT("mixed", hold_fields, "The same as hold."),
};
const char *scenario_type_name(enum phase_type type)
{
    return variants[type].name;
}

static const struct file_field phase_fields[] = {
    {.row = {ROW("name", NULL, OPTION_CUSTOM, NULL, 0), .parse = parse_name,
             .hint = "as in name: grow", .help = "Unique among the phases."},
     .required = true},
};
static const struct file_object phase_object = {
    .name = "a phase",
    .fields = phase_fields,
    .field_count = COUNT_OF(phase_fields),
    .variants = variants,
    .variant_count = SCENARIO_VARIANTS,
    .tag = "type",
};
static const struct file_field phases_field = {.form = FILE_OBJECT,
                                               .object = &phase_object,
                                               .row.hint =
                                                   "as in {name: grow, type: load, duration: 20s}"};
#undef AT

static const struct file_field observed_field = CUSTOM("", parse_observed, .help = "A metric.");

#define AT(member) offsetof(struct scenario_fields, member)
static const struct file_field scenario_fields[] = {
    {.row = {ROW("name", NULL, OPTION_CUSTOM, NULL, 0), .parse = parse_scenario_name,
             .help = "Of the scenario, and of what it writes."},
     .required = true},
    {.row = {ROW("description", NULL, OPTION_TEXT, NULL, AT(description)),
             .help = "One sentence on what it is for."}},
    {TIME_ROW("duration", AT(duration_ns),
              "What all phases take; a notice tells when they do not.")},
    {.row = {ROW("memory_target", NULL, OPTION_SIZE, NULL, AT(memory_target_bytes)),
             NUMBER(1ull << 20, 1ull << 50), .help = "What %target is a part of."}},
    {.row = {ROW("scale", NULL, OPTION_REAL, NULL, AT(scale)),
             REAL(SCENARIO_SCALE_LEAST, SCENARIO_SCALE_MOST),
             .help = "Times, sizes and counts are multiplied by this; --scale goes before it."}},
    {.row = {ROW("sample_interval", NULL, OPTION_DURATION, NULL, AT(sample_interval_ns)),
             BARE(NS_PER_SECOND, 100 * NS_PER_MS, 60 * NS_PER_SECOND), .unset = "1s",
             .help = "How often the server is asked for its figures."}},
    {.row = {.name = "server",
             .offset = AT(server),
             .hint = "as in server: {primaries: 3, replicas: 3, maxmemory: 150%target}",
             .help = "What servers it needs: those that volley starts for it are so."},
     .form = FILE_OBJECT,
     .object = &scenario_server_object},
    {.row = {.name = "observe",
             .offset = AT(observed),
             .help = "Metrics that are wanted; all are sampled, unknown ones are refused."},
     .form = FILE_LIST,
     .of = &observed_field,
     .element_bytes = sizeof(struct scenario_observed),
     .count_offset = AT(observed_count),
     .most = SERIES_METRICS},
    {.row = {.name = "phases", .offset = AT(phases), .help = "One after the other."},
     .form = FILE_LIST,
     .required = true,
     .of = &phases_field,
     .element_bytes = sizeof(struct scenario_entry),
     .count_offset = AT(phase_count),
     .least = 1,
     .most = SCENARIO_PHASES_MAX},
    {.row = {.name = "checks", .offset = AT(checks), .help = "What has to be true of it."},
     .form = FILE_LIST,
     .of = &scenario_check_field,
     .element_bytes = sizeof(struct scenario_check_entry),
     .count_offset = AT(check_count),
     .most = SCENARIO_CHECKS_MAX},
};
/* clang-format on */
static const struct file_object scenario_object = {
    .name = "a scenario", .fields = scenario_fields, .field_count = COUNT_OF(scenario_fields)};
const struct file_kind scenario_file_kind = {
    .name = "scenario",
    .what = "scenario",
    .help = "Phases, checks and a memory target, for volley run scenario.",
    .root = {.form = FILE_OBJECT,
             .object = &scenario_object,
             .row.hint = "as in {name: grow, phases: [...]}"},
};
