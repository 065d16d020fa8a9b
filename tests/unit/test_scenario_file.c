/* Files of scenarios: what they hold, and what is wrong with them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/scenario/scenario_file.h"
#include "orchestrator/scenario/scenario_library.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

#define S NS_PER_SECOND
#define MB 1048576.0

static struct scenario scenario;
static struct scenario_document document;
static struct err err;

static void teardown(void)
{
    scenario_free(&scenario, &document);
    err = (struct err){.code = OK};
}

static enum err_code read_wish(const char *text, const struct scenario_wish *wish)
{
    const struct file_source source = {.name = "f", .text = text, .text_bytes = strlen(text)};
    scenario_free(&scenario, &document);
    err = (struct err){.code = OK};
    return scenario_read(&scenario, &document, &source, wish, &err);
}

static enum err_code read_text(const char *text)
{
    return read_wish(text, &(struct scenario_wish){.scale = 0});
}

static void ck_read(const char *text)
{
    enum err_code code = read_text(text);
    ck_assert_msg(code == OK, "%s: %s", text, err.text);
}

static enum err_code read_scaled(const char *text, double scale)
{
    return read_wish(text, &(struct scenario_wish){.scale = scale});
}

static enum err_code read_with(const char *text, const char *item)
{
    const char *const items[] = {item};
    return read_wish(text, &(struct scenario_wish){.variables = {items, 1}});
}

#define SIDE_BY_SIDE(phases_, before_) "{name: a, type: parallel, " before_ "phases: [" phases_ "]}"

static const struct phase *phase_named(const char *name)
{
    for (uint32_t i = 0; i < scenario.phase_count; i++)
        if (strcmp(scenario.phases[i].name, name) == 0)
            return &scenario.phases[i];
    ck_abort_msg("no phase %s", name);
    return NULL;
}

/* In one line: the file's line is that of the phase, or of the check. */
#define PHASES(list) "name: s\nmemory_target: 64mb\nphases: [" list "]\n"
#define GROW "{name: grow, type: load, keys: 1000}"
#define CHECKS(list) PHASES(GROW) "checks: [" list "]\n"

TEST(buffers_of_phases)
{
    /* breaks if a phase sends without a buffer what its workload's file says is buffered, if what the phase says itself does
     * not go before that, or if what is left out is not what it is in a buffer file */
    struct temp_tree tree;
    char text[700];
    temp_tree_make(&tree);
    temp_tree_write(&tree, "/w.yaml",
                    "name: w\nclasses: [{name: a, command: PING}]\nbuffer: minimal\n", 0600);
    snprintf(text, sizeof text,
             PHASES(GROW ", {name: its, type: hold, duration: 1, workload: %s/w.yaml}"
                         ", {name: own, type: hold, duration: 1, workload: %s/w.yaml, buffer: "
                         "{hybrid_buffer: {max_size: 7}}}"
                         ", {name: none, type: hold, duration: 1, workload: %s/w.yaml, buffer: "
                         "bypass, pipeline: 4}"),
             tree.path, tree.path, tree.path);
    ck_assert_msg(read_text(text) == OK, "%s", err.text);
    temp_tree_remove(&tree);
    ck_assert(!phase_named("grow")->buffer.wanted);
    ck_assert(!phase_named("none")->buffer.wanted);
    ck_assert_str_eq(phase_named("its")->buffer.name, "minimal");
    const struct buffer_options *own = &phase_named("own")->buffer;
    ck_assert_str_eq(own->name, "own");
    ck_assert_uint_eq(own->hybrid_batches, 7);
    ck_assert_uint_eq(own->round_messages, 5);
    ck_assert_uint_eq(own->round_tokens, 800);
    ck_assert_uint_eq(own->flush_workers, 3);
    ck_assert_uint_eq(own->flush_interval_ns, 5 * NS_PER_MS);
}

TEST(example_reads)
{
    /* breaks if the example of the documentation is read as something else than it says */
    const struct file_source source = {.name = "configs/scenarios/grow_shrink_mini.yaml"};
    ck_assert_msg(scenario_read(&scenario, &document, &source, &(struct scenario_wish){.scale = 0},
                                &err) == OK,
                  "%s", err.text);
    ck_assert_str_eq(scenario.name, "grow_shrink_mini");
    ck_assert_uint_eq(scenario.phase_count, 6);
    ck_assert_uint_eq(scenario.memory_target_bytes, 64u << 20);
    ck_assert_uint_eq(scenario.sample_interval_ns, S);
    const struct phase *grow = phase_named("grow");
    ck_assert_int_eq(grow->type, PHASE_LOAD);
    ck_assert_str_eq(grow->until.metric, "used_memory");
    ck_assert(grow->until.at_least && grow->until.of_target);
    ck_assert_double_eq_tol(grow->until.value, 0.8, 1e-9);
    ck_assert_uint_eq(grow->duration_ns, 20 * S);
    ck_assert_uint_eq(grow->clients, 16);
    ck_assert_uint_eq(grow->pipeline, 16);
    ck_assert_int_eq(grow->value_size.kind, SIZE_WEIGHTS);
    ck_assert_double_eq_tol(grow->value_size.weights[0].weight, grow->value_size.weights[1].weight,
                            1e-9);
    const struct phase *shrink = phase_named("shrink");
    ck_assert_int_eq(shrink->type, PHASE_DELETE);
    ck_assert_int_eq(shrink->strategy, LIVE_PICK_STRIDE);
    ck_assert_uint_eq(shrink->stride, 2);
    ck_assert_double_eq(phase_named("resize")->least_factor, 0.5);
    ck_assert_double_eq(phase_named("resize")->most_factor, 3);
    const struct phase *settle = phase_named("settle");
    ck_assert_str_eq(settle->stable.metric, "used_memory_rss");
    ck_assert_uint_eq(settle->stable.window_ns, 3 * S);
    ck_assert_uint_eq(settle->stable.max_ns, 10 * S);
    ck_assert_double_eq_tol(settle->stable.tolerance, 0.01, 1e-9);
    ck_assert_str_eq(phase_named("baseline")->tag, "empty");
    ck_assert_uint_eq(scenario.check_count, 3);
    ck_assert_str_eq(scenario.checks[0].phase, "settle");
    ck_assert_int_eq(scenario.checks[0].aggregate, AGGREGATE_MEAN);
    ck_assert_int_eq(scenario.checks[0].operator, CHECK_LE);
    ck_assert_double_eq(scenario.checks[0].value, 1.5);
    ck_assert(scenario.checks[2].full_only && scenario.checks[2].severity == SEVERITY_WARN);
    ck_assert_str_eq(document.notice,
                     "configs/scenarios/grow_shrink_mini.yaml: the phases take 55s in "
                     "all, and duration says 1m");
    teardown();
}

TEST(types_and_values)
{
    /* breaks if a type of phase, or a value of one, is taken for another */
    ck_read(PHASES(
        "{name: a, type: load, target_memory: 10mb, batch: 10, value_size: 100, clients: 3},"
        "{name: b, type: ramp, duration: 10, ramp: {from: 100, to: 1100}, mix: {GET: 50, set: 30, "
        "insert: 20}},"
        "{name: c, type: ramp, duration: 10, ramp: {from: 100, to: 400, mode: exponential, factor: "
        "2, interval: 5}, mix: {read: 1}},"
        "{name: d, type: mixed, duration: 1m, qps: 1.5k, mix: {overwrite: 1, delete: 1, load: 0}, "
        "value_size: 10-20},"
        "{name: e, type: burst, duration: 2, factor: 3, clients_factor: 2, mix: {get: 1}},"
        "{name: f, type: query, duration: 2, verify: checksum, key_dist: uniform},"
        "{name: g, type: expire, fraction: 0.1, ttl: 60-300, wait: true, strategy: oldest},"
        "{name: h, type: flush, scope: all}, {name: i, type: purge, activedefrag: true},"
        "{name: j, type: load, keys: 5, datatype: hash, on_error: continue, until: \"rss_mb > "
        "64\"}"));
    ck_assert_double_eq(phase_named("a")->until.value, 10 * MB);
    ck_assert_uint_eq(phase_named("a")->batch, 10);
    const struct phase *b = phase_named("b");
    ck_assert_uint_eq(b->mix_count, 2);
    ck_assert_int_eq(b->mix[1].operation, OPERATION_LOAD);
    ck_assert_double_eq(b->mix[1].weight, 50);
    ck_assert_double_eq_tol(b->ramp_step, 100, 1e-6);
    ck_assert_double_eq(b->ramp_factor, 0);
    ck_assert_uint_eq(b->value_size.least_bytes, 100);
    ck_assert_double_eq(phase_named("c")->ramp_factor, 2);
    const struct phase *d = phase_named("d");
    ck_assert_int_eq(d->type, PHASE_HOLD);
    ck_assert_double_eq(d->qps, 1500);
    ck_assert_uint_eq(d->mix_count, 2);
    ck_assert(d->has_value_size && d->value_size.most_bytes == 20);
    ck_assert_double_eq(phase_named("e")->factor, 3);
    ck_assert(phase_named("f")->verify && phase_named("g")->wait);
    ck_assert_uint_eq(phase_named("g")->most_ttl_s, 300);
    ck_assert(phase_named("h")->flush_all && phase_named("i")->activedefrag);
    const struct phase *j = phase_named("j");
    ck_assert(j->datatype == LIVE_HASH && j->continue_on_error && j->until.at_least);
    ck_assert_double_eq(j->until.value, 64 * MB);
    teardown();
}

TEST(check_values)
{
    /* breaks if a check compares with another number than the one that is written */
    ck_read(CHECKS("{metric: rss_mb, op: \"<\", value: 2}, {metric: rss_mb, op: \"<\", value: 2kb},"
                   "{metric: used_memory, op: \"<=\", value: 50%target},"
                   "{metric: error_rate, op: \"<=\", value: 0.1%},"
                   "{metric: used_memory, agg: delta, op: \">\", value: -1mb},"
                   "{metric: leak_verdict, op: \"!=\", value: detected},"
                   "{metric: keys, phase: grow, agg: p95, op: \"==\", value: 1k}"));
    const double values[] = {2 * MB, 2048, 32 * MB, 0.001, -MB, 2, 1000};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        ck_assert_double_eq_tol(scenario.checks[i].value, values[i], 1e-9);
    ck_assert_str_eq(scenario.checks[0].metric, "used_memory_rss");
    ck_assert_str_eq(scenario.checks[0].phase, "all");
    teardown();
}

TEST(loops_are_unrolled)
{
    /* breaks if a turn of a loop is lost, or cannot be told from another */
    ck_read(PHASES(GROW ", {name: cycle, type: loop, iterations: 3, phases: ["
                        "{name: shrink, type: delete-fraction, fraction: 0.1},"
                        "{name: \"at_${loop_index}_end\", type: checkpoint, tag: "
                        "\"t${loop_index}\"}]}") "checks: [{metric: keys, phase: cycle, op: \">\", "
                                                 "value: 0},"
                                                 "{metric: keys, phase: shrink, op: \">\", value: "
                                                 "0}, {metric: keys, phase: shrink_2, op: \">\", "
                                                 "value: 0}]\n");
    ck_assert_uint_eq(scenario.phase_count, 7);
    ck_assert_str_eq(scenario.phases[1].name, "shrink_1");
    ck_assert_str_eq(scenario.phases[6].name, "at_3_end");
    ck_assert_str_eq(scenario.phases[6].tag, "t3");
    ck_assert_uint_eq(scenario.phases[5].loop_index, 3);
    ck_assert(scenario_phase_is(&scenario.phases[3], "shrink"));
    ck_assert(scenario_phase_is(&scenario.phases[3], "shrink_2"));
    ck_assert(scenario_phase_is(&scenario.phases[3], "cycle"));
    ck_assert(!scenario_phase_is(&scenario.phases[3], "shrink_1"));
    ck_assert(!scenario_phase_is(&scenario.phases[0], "cycle"));
    teardown();
}

TEST(scaling)
{
    /* breaks if a scaled run is another scenario: a rate or a percent is scaled, or a time, size or count is not */
    static const char text[] = PHASES(
        "{name: a, type: load, keys: 1000, duration: 100, until: \"keys>=500\"},"
        "{name: b, type: load, keys: 5, until: \"used_memory>=50%target\"},"
        "{name: c, type: hold, duration: 1, qps: 1000, mix: {get: 1}, clients: 50},"
        "{name: d, type: ramp, duration: 1000, mix: {get: 1}, ramp: {from: 10, to: 110, step: 10, "
        "interval: 100}},"
        "{name: e, type: idle, duration: 60, wait_stable: {metric: keys, window: 30, max: 50}},"
        "{name: f, type: expire, fraction: 0.5, ttl: 10-1000}") "duration: 1161\n";
    ck_assert_msg(read_scaled(text, 0.01) == OK, "%s", err.text);
    ck_assert_uint_eq(scenario.memory_target_bytes, 671089);
    ck_assert_uint_eq(phase_named("a")->keys, 10);
    ck_assert_uint_eq(phase_named("a")->duration_ns, 2 * S);
    ck_assert_double_eq_tol(phase_named("a")->until.value, 5, 1e-9);
    ck_assert_uint_eq(phase_named("b")->keys, 1);
    ck_assert_double_eq_tol(phase_named("b")->until.value, 0.5, 1e-9);
    ck_assert_uint_eq(phase_named("c")->duration_ns, S);
    ck_assert_double_eq(phase_named("c")->qps, 1000);
    ck_assert_uint_eq(phase_named("c")->clients, 50);
    ck_assert_uint_eq(phase_named("d")->duration_ns, 10 * S);
    ck_assert_uint_eq(phase_named("d")->ramp_interval_ns, S);
    ck_assert_double_eq(phase_named("d")->ramp_step, 10);
    ck_assert_uint_eq(phase_named("e")->stable.window_ns, S);
    ck_assert_uint_eq(phase_named("e")->stable.max_ns, S);
    ck_assert_uint_eq(phase_named("f")->least_ttl_s, 1);
    ck_assert_uint_eq(phase_named("f")->most_ttl_s, 10);
    ck_assert_uint_eq(scenario.planned_duration_ns, (2 + 1 + 10 + 2) * S);
    ck_assert_uint_eq(scenario.stated_duration_ns, 1161 * S);
    ck_assert_str_eq(document.notice, "");
    ck_assert_int_eq(read_scaled(text, 11), E_USAGE);
    ck_read(PHASES(GROW) "scale: 0.5\n");
    ck_assert_uint_eq(scenario.phases[0].keys, 500);
    teardown();
}

TEST(variables)
{
    /* breaks if a variable is put in wrongly, or what is put in changes more than the value */
    static const char text[] = PHASES("{name: a, type: load, keys: \"${COUNT:-7}\"}");
    ck_read(text);
    ck_assert_uint_eq(scenario.phases[0].keys, 7);
    ck_assert_msg(read_with(text, "COUNT=12") == OK, "%s", err.text);
    ck_assert_uint_eq(scenario.phases[0].keys, 12);
    ck_assert_int_eq(setenv("COUNT", "13", 1), 0);
    ck_read(text);
    ck_assert_uint_eq(scenario.phases[0].keys, 13);
    ck_assert_int_eq(read_with(text, "COUNT=12"), OK);
    ck_assert_uint_eq(scenario.phases[0].keys, 12);
    ck_assert_int_eq(unsetenv("COUNT"), 0);
    ck_assert_int_eq(read_with(text, "COUNT=1, clients: 5}"), E_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "f:3:"));
    ck_assert_int_eq(read_with(PHASES("{name: \"a${X}b\", type: load, keys: 1}"), "X=1"), OK);
    ck_assert_str_eq(scenario.phases[0].name, "a1b");
    ck_assert_int_eq(read_with(text, "COUMT=12"), E_USAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "did you mean COUNT?"));
    ck_assert_int_eq(read_with(text, "12"), E_USAGE);
    teardown();
}

static const struct {
    const char *text, *said;
} refused[] = {
    {"steps: []\n", "f:1:1: \"dataset\" is missing"},
    {"[]", "f:1:1: a scenario is expected"},
    {"name: s\n", "f:1:1: \"phases\" is missing"},
    {PHASES(""), "phases: needs at least 1 element; there are 0"},
    {"name: s\nmemory_targt: 1gb\nphases: [" GROW "]",
     "f:2:1: unknown key memory_targt; did you mean memory_target?"},
    {PHASES("{name: a, type: parallel, duration: 1, phases: []}"),
     "phases: needs at least 2 elements; there are 0"},
    {PHASES(GROW ", " SIDE_BY_SIDE("{name: b, type: query}, {name: c, type: query}", "")),
     "\"duration\" is missing: parallel lasts as long as that says"},
    {PHASES(GROW
            ", " SIDE_BY_SIDE("{name: b, type: query}, {name: c, type: idle}", "duration: 1, ")),
     "type: only phases that send requests stand in a"},
    {PHASES(GROW ", " SIDE_BY_SIDE("{name: b, type: query}, {name: c, type: query, duration: 1}",
                                   "duration: 1, ")),
     "c: duration is of a as a whole"},
    {PHASES(GROW ", " SIDE_BY_SIDE("{name: b, type: query}, {name: c, type: query, until: "
                                   "\"keys>=5\"}",
                                   "duration: 1, ")),
     "c: until is of a as a whole"},
    {PHASES(GROW ", " SIDE_BY_SIDE("{name: b, type: query}, {name: c, type: query, on_error: "
                                   "continue}",
                                   "duration: 1, ")),
     "c: on_error is of a as a whole"},
    {PHASES(GROW ", " SIDE_BY_SIDE("{name: b, type: load, keys: 1}, {name: c, type: hold, mix: "
                                   "{load: 1}}",
                                   "duration: 1, ")),
     "c: only one of the phases side by side may load keys"},
    {PHASES(GROW ", " SIDE_BY_SIDE("{name: b, type: delete-fraction, fraction: 1}, {name: c, type: "
                                   "expire, fraction: 1, ttl: 1}",
                                   "duration: 1, ")),
     "c: only one of the phases side by side may delete, overwrite, expire or index"},
    {PHASES(GROW ", {name: a, type: hold, duration: 1, mix: {get: 1}, clients_growth: 2}"),
     "clients_growth: it is of phases in a loop"},
    {PHASES(GROW
            ", {name: a, type: conditional, metric: p99_ms, relative_to: grow, op: \">\", value: "
            "1, if_true: [{name: b, type: idle, duration: 1}]}"),
     "p99_ms: which phase it is of is missing"},
    {PHASES(GROW
            ", {name: a, type: conditional, metric: error_rate, phase: later, op: \">\", value: 1, "
            "if_true: [{name: later, type: idle, duration: 1}]}"),
     "phase: there is no phase later"},
    {PHASES(GROW ", {name: l, type: loop, iterations: 2, until: {metric: p99_ms, phase: grew, op: "
                 "\">\", value: 1}, phases: [{name: b, type: idle, duration: 1}]}"),
     "phase: there is no phase grew; did you mean grow?"},
    {CHECKS("{metric: p99_ms, op: \"<=\", value: 5, phase: grow, relative_to: grew}"),
     "relative_to: there is no phase grew; did you mean grow?"},
    {CHECKS("{metric: used_memory, op: \"<=\", value: 5mb, phase: grow, relative_to: grow}"),
     "value: 5mb: a number, as 1.5"},
    {CHECKS("{metric: leak_verdict, op: \"<=\", value: none, relative_to: grow}"),
     "relative_to: a verdict is no part of another one"},
    {PHASES("{name: a, type: idle, duration: 1, actions: []}"),
     "actions: needs at least 1 element"},
    {PHASES("{name: a, type: idle, duration: 1, actions: [\"at 1s: explode\"]}"),
     "do: unknown: explode"},
    {PHASES("{name: a, type: idle, duration: 2, actions: [\"at 1s: bgsave\", \"at 10s: bgsave\"]}"),
     "f:3:72: at 10s the phase is over: its duration is 2s"},
    {PHASES("{name: a, type: idle, duration: 2, actions: [\"at 1s: add-node\"]}"),
     "add-node is not carried out"},
    {PHASES("{name: a, type: load, keys: 5, duration: 2, actions: [\"at 1s: flushall\"]}"),
     "flushall beside a load"},
    {PHASES(
         "{name: a, type: idle, duration: 2, actions: [\"at 1s: kill node 7\"]}") "server: "
                                                                                  "{primaries: 3, "
                                                                                  "replicas: 3}",
     "there is no node 7: they are numbered from 0 to 5"},
    {PHASES("{name: a, type: idle, duration: 2, actions: [\"at 1s: failover node 0\"]}") "server: "
                                                                                         "{primarie"
                                                                                         "s: 3}",
     "failover needs a replica"},
    {PHASES(GROW
            ", {name: a, type: query, duration: 2, buffer: high-throughput, actions: [{at: 1s, "
            "cache: clear}]}"),
     "cache clear: the phase has no near cache"},
    {PHASES(GROW ", {name: a, type: query, duration: 2, buffer: tuned, actions: [{at: 3s, cache: "
                 "clear}]}"),
     "at 3s the phase is over"},
    {PHASES(GROW ", {name: a, type: query, duration: 2, buffer: tuned, actions: [{at: 1s, cache: "
                 "clean}]}"),
     "cache: clean: allowed: clear"},
    {PHASES("{name: a, type: checkpoint, actions: [\"at 1s: bgsave\"]}"),
     "checkpoint has no use for \"actions\""},
    {PHASES(GROW
            ", " SIDE_BY_SIDE("{name: b, type: query}, {name: c, type: query, actions: [\"at 0: "
                              "bgsave\"]}",
                              "duration: 1, ")),
     "c: actions are of a as a whole"},
    {PHASES(GROW ", {name: a, type: hold, duration: 1}"), "\"mix\" is missing, or a \"workload\""},
    {PHASES(GROW ", {name: a, type: hold, duration: 1, workload: cache, mix: {get: 1}}"),
     "mix: the workload says that; leave out one of them"},
    {PHASES(GROW ", {name: a, type: hold, duration: 1, workload: cashe}"), "did you mean cache?"},
    {PHASES("{name: a, type: load, workload: rate-limiter}"),
     "workload: rate-limiter has no prefill: nothing to load"},
    {PHASES("{name: a, type: load, workload: cache, keys: 5}"), "keys: the workload says that"},
    {PHASES("{name: a, type: hold, duration: 1, workload: production-day}"),
     "a: there are no keys yet: a load has to stand before hold"},
    {PHASES(GROW ", {name: a, type: hold, duration: 1, pipeline: 2, mix: {get: 1}, buffer: tuned}"),
     "pipeline and a buffer exclude each other: a batch is what is in flight"},
    {PHASES(GROW ", {name: a, type: hold, duration: 1, mix: {get: 1}, buffer: tuned, "
                 "reconnect_every: 5}"),
     "reconnect_every and a buffer exclude each other: flush workers keep"},
    {PHASES(GROW ", {name: a, type: hold, duration: 1, mix: {get: 1}, buffer: tunde}"),
     "did you mean tuned?"},
    {PHASES(GROW ", {name: a, type: hold, duration: 1, mix: {get: 1}, buffer: {round_bufer: {}}}"),
     "unknown key round_bufer; did you mean round_buffer?"},
    {PHASES(GROW ", {name: a, type: hold, duration: 1, mix: {get: 1}, buffer: {profile: tuned, "
                 "query: {cache_size: 3}}}"),
     "profile and query exclude each other"},
    {PHASES(GROW ", {name: a, type: delete-fraction, fraction: 1, buffer: tuned}"),
     "delete-fraction has no use for \"buffer\""},
    {PHASES(GROW ", " SIDE_BY_SIDE("{name: b, type: query, buffer: tuned}, {name: c, type: query}",
                                   "duration: 1, ")),
     "buffer: a buffer is of one client: it is not sent side by side"},
    {PHASES("{name: a, type: load, keys: 9, datatype: vector, dimensions: 4, buffer: tuned}"),
     "buffer: vectors are sent without a buffer"},
    {PHASES(GROW ", {name: a, type: hold, duration: 1, qps: 50%max, mix: {get: 1}}"),
     "qps: no phase before measures the maximum"},
    {PHASES(GROW ", {name: a, type: ramp, duration: 1, ramp: {from: 5%max, to: 10%max}, mix: {get: "
                 "1}}"),
     "from: no phase before measures the maximum"},
    {PHASES(GROW
            ", {name: a, type: ramp, duration: 1, ramp: {from: 5%max, to: 10}, mix: {get: 1}}"),
     "to: from and to are both rates, or both parts of the maximum"},
    {PHASES(GROW ", {name: a, type: hold, duration: 1, qps: 0%max, mix: {get: 1}}"),
     "qps: 0%max: allowed: above 0%max, up to 1000%max"},
    {PHASES(GROW ", {name: a, type: conditional, metric: keys, op: \">\", value: 1}"),
     "a: neither if_true nor if_false: nothing depends on it"},
    {PHASES(GROW
            ", {name: a, type: conditional, metric: keyz, op: \">\", value: 1, if_true: [{name: "
            "b, type: idle, duration: 1}]}"),
     "nobody samples a metric \"keyz\""},
    {PHASES(GROW
            ", {name: a, type: conditional, metric: keys, op: \">\", value: x, if_true: [{name: "
            "b, type: idle, duration: 1}]}"),
     "value: x: "},
    {PHASES("{name: l, type: loop, iterations: 2, phases: [{name: a, type: failover, node: 1}]}"),
     "the file has no server: {primaries: ...}"},
    {PHASES("{name: a, type: laod, keys: 1}"), "f:3:26: type: unknown: laod; did you mean load?"},
    {PHASES("{name: a, keys: 1}"), "f:3:10: \"type\" is missing"},
    {PHASES("{name: a, type: delete}"), "parallel, failover, rebalance, loop, mixed"},
    {PHASES("{name: a, type: load, kyz: 1}"), ", ..."},
    {PHASES("{type: load, keys: 1}"), "f:3:10: \"name\" is missing"},
    {PHASES("{name: a, type: load, keyz: 1}"), "f:3:32: unknown key keyz; did you mean keys?"},
    {PHASES("{name: a, type: load, keys: 1, mix: {get: 1}}"),
     "f:3:41: load has no use for \"mix\""},
    {PHASES("{name: a, type: load, keys: many}"), "f:3:38: keys: many: not a number"},
    {PHASES("{name: \"a b\", type: load, keys: 1}"), "f:3:17: name: a b: a name is"},
    {PHASES("{name: all, type: load, keys: 1}"), "in checks this is the whole run"},
    {PHASES("{name: a, type: load}"), "f:3:10: a: a load without end"},
    {PHASES(GROW ", {name: a, type: hold, mix: {get: 1}}"), "\"duration\" is missing"},
    {PHASES("{name: a, type: idle}"), "f:3:10: a: idle without end"},
    {PHASES(GROW ", {name: grow, type: idle, duration: 1}"),
     "f:3:55: name: there is a phase or loop grow in line 3 already"},
    {PHASES("{name: a, type: loop, phases: [" GROW "]}"), "f:3:10: \"iterations\" is missing"},
    {PHASES("{name: a, type: loop, iterations: 0, phases: [" GROW "]}"),
     "iterations: 0: out of range; allowed: 1 to 1,000"},
    {PHASES("{name: a, type: loop, iterations: 1001, phases: [" GROW "]}"), "out of range"},
    {PHASES("{name: a, type: loop, iterations: 600, phases: [" GROW "]}"),
     "with loops unrolled there are more than 512"},
    {PHASES("{name: a, type: loop, iterations: 2, phases: [{name: b, type: loop, iterations: 2, "
            "phases: [" GROW "]}]}"),
     "f:3:56: a loop stands in no loop"},
    {PHASES("{name: a, type: loop, iterations: 2, phases: [" GROW "]}, {name: grow, type: idle, "
            "duration: 1}"),
     "name: there is a phase or loop grow"},
    {PHASES("{name: \"a${loop_index}\", type: load, keys: 1}"), "f:3:17: ${loop_index} stands in"},
    {PHASES("{name: a, type: load, keys: \"${loop_index}\"}"), "f:3:38: ${loop_index} stands in"},
    {PHASES("{name: a, type: load, keys: \"${COUNT_OF_KEYS}\"}"),
     "f:3:38: ${COUNT_OF_KEYS} is not set: give --variables COUNT_OF_KEYS=VALUE"},
    {PHASES("{name: a, type: load, keys: \"${1}\"}"), "f:3:38: a variable is written as"},
    {PHASES("{name: a, type: load, keys: \"${A\"}"), "f:3:38: a variable is written as"},
    {PHASES("{name: a, type: load, until: \"used_memry>=1\"}"),
     "f:3:39: until: used_memry>=1: nobody samples a metric \"used_memry\"; did you mean "
     "used_memory?"},
    {PHASES("{name: a, type: load, until: \"used_memory==1\"}"),
     "unknown operator \"==\"; known are >=, >, <=, <"},
    {PHASES("{name: a, type: load, until: \"used_memory>=lots\"}"), "a size, as 64mb"},
    {PHASES("{name: a, type: load, until: \"used_memory\"}"), "unknown operator \"\""},
    {PHASES("{name: a, type: load, until: \">=1\"}"), "METRIC OPERATOR VALUE is expected"},
    {PHASES("{name: a, type: load, until: \"keys>=50%target\"}"), "keys is no size"},
    {PHASES("{name: a, type: load, until: \"keys<=5\"}"),
     "f:3:39: until: keys<=5: this can never hold while keys are loaded"},
    {PHASES("{name: a, type: load, until: \"keys>=0\"}"), "this holds from the beginning"},
    {PHASES("{name: a, type: load, until: \"keys<0\"}"), "can never hold: keys is never below 0"},
    {PHASES("{name: a, type: load, until: \"evicted_keys<=5\"}"), "evicted_keys only grows"},
    {PHASES(GROW ", {name: a, type: delete-fraction, fraction: 1, until: \"keys>=5\"}"),
     "this can never hold while keys go"},
    {"name: s\nphases: [{name: a, type: load, until: \"used_memory>=5%target\"}]",
     "f:2:39: until: used_memory>=5%target: the file has no memory_target"},
    {PHASES("{name: a, type: load, keys: 1, until: \"keys>=1\", target_memory: 1mb}"),
     "target_memory and until exclude each other"},
    {PHASES("{name: a, type: delete-fraction, fraction: 0.5}"),
     "f:3:10: a: there are no keys yet: a load has to stand before delete-fraction"},
    {PHASES("{name: a, type: overwrite-resize, fraction: 0.5, size_factor: 2}"),
     "a load has to stand before overwrite-resize"},
    {PHASES("{name: a, type: expire, fraction: 0.5, ttl: 2}"), "a load has to stand before expire"},
    {PHASES("{name: a, type: query, duration: 2}"), "a load has to stand before query"},
    {PHASES("{name: a, type: hold, duration: 2, mix: {get: 1}}"),
     "a load has to stand before hold"},
    {PHASES(GROW ", {name: f, type: flush}, {name: a, type: query, duration: 2}"),
     "a load has to stand before query"},
    {PHASES(GROW ", {name: a, type: delete-fraction}"),
     "f:3:48: a: delete-fraction takes one of fraction and keep"},
    {PHASES(GROW ", {name: a, type: delete-fraction, fraction: 1, keep: 2}"),
     "a: delete-fraction takes either fraction or keep"},
    {PHASES(GROW ", {name: a, type: delete-fraction, keep: few}"), "keep: few: allowed: a number"},
    {PHASES(GROW ", {name: a, type: delete-fraction, fraction: 1.5}"),
     "f:3:91: fraction: 1.5: out of range; allowed: 0 to 1"},
    {PHASES(GROW ", {name: a, type: delete-fraction, fraction: 1, strategy: oldst}"),
     "did you mean oldest?"},
    {PHASES(GROW ", {name: a, type: delete-fraction, fraction: 1, strategy: \"stride:0\"}"),
     "stride:K with K from 1 on"},
    {PHASES(GROW ", {name: a, type: overwrite-resize, fraction: 1}"),
     "overwrite-resize takes one of size_factor and value_size"},
    {PHASES(GROW ", {name: a, type: overwrite-resize, fraction: 1, value_size: 1, size_factor: 1}"),
     "overwrite-resize takes either size_factor or value_size"},
    {PHASES(GROW ", {name: a, type: overwrite-resize, fraction: 1, size_factor: 3-1}"),
     "allowed: a factor above 0"},
    {PHASES("{name: a, type: load, keys: 1, value_size: \"bimodal:1/2/50\"}"),
     "the part of the first, 0 to 1"},
    {PHASES("{name: a, type: load, keys: 1, value_size: \"bimoal:1/2/5\"}"),
     "did you mean bimodal?"},
    {PHASES("{name: a, type: load, keys: 1, datatype: vektor}"),
     "datatype: vektor: allowed: string, hash, list, set, zset, vector"},
    {PHASES("{name: a, type: load, keys: 1, datatype: hash, batch: 2}"),
     "only strings are set many"},
    {PHASES("{name: a, type: load, keys: 1, datatype: hash, ttl: 2}"), "only strings are loaded"},
    {PHASES("{name: a, type: load, keys: 1, batch: 2, ttl: 2}"), "MSET has none"},
    {PHASES("{name: a, type: load, keys: 1, ttl: 1.5}"), "ttl: 1.5: allowed: whole seconds"},
    {PHASES(GROW ", {name: a, type: load, keys: 1, datatype: hash}"), "hold another"},
    {PHASES(GROW ", {name: a, type: hold, duration: 1, mix: {get: 0}}"), "all shares are 0"},
    {PHASES(GROW ", {name: a, type: hold, duration: 1, mix: {gett: 1}}"),
     "f:3:89: mix: unknown operation gett; did you mean get?"},
    {PHASES(GROW ", {name: a, type: hold, duration: 1, mix: {get: 1}, key_dist: parallel}"),
     "key_dist: parallel: connections have no ranges of live keys: sequential"},
    {PHASES(GROW ", {name: a, type: hold, duration: 1, mix: {get: 1}, key_prefix: a}"),
     "key_prefix: a loads no keys; strategy: prefix:a is about those that have one"},
    {PHASES("{name: a, type: load, keys: 1, key_prefix: \"a b\"}"),
     "key_prefix: a b: allowed: letters, digits, _ - . : / and, in a loop, ${loop_index}"},
    {PHASES("{name: a, type: load, keys: 1, key_prefix: \"01234567890123456789012345678901\"}"),
     "allowed: 1 to 31 characters"},
    {PHASES("{name: a, type: load, keys: 1, key_prefix: \"\"}"), "allowed: 1 to 31 characters"},
    {PHASES("{name: a, type: load, keys: 1, key_prefix: \"a${loop_index}\"}"),
     "key_prefix: ${loop_index} stands in loops only"},
    {PHASES("{name: a, type: load, keys: 1, key_prefix: expand_1_}"),
     "key_prefix: expand_1_: copies of vectors begin so: take another one"},
    {PHASES("{name: a, type: load, keys: 1, key_prefix: user}, {name: b, type: delete-fraction, "
            "fraction: 1, strategy: \"prefix:usr\"}"),
     "strategy: no load before has key_prefix: usr; did you mean user?"},
    {PHASES("{name: a, type: load, keys: 1, key_prefix: u}, {name: b, type: delete-fraction, "
            "keep: 1, strategy: \"prefix:u\"}"),
     "keep: it counts all keys; with strategy: prefix give fraction"},
    {PHASES("{type: parallel, name: p, duration: 2, phases: [{name: a, type: load, key_prefix: "
            "u}, {name: b, type: load}]}"),
     "key_prefix: what is loaded side by side has one name"},
    {PHASES(GROW ", {name: a, type: hold, duration: 1, mix: {load: 1, del: 1}, keyspace: 5}"),
     "keyspace: it is of get and update, and mix has neither"},
    {PHASES(GROW ", {name: a, type: query, fraction: 1, keyspace: 5}"),
     "keyspace: with fraction each key is read once, of all of them"},
    {PHASES(GROW ", {name: a, type: query, duration: 1, keyspace: 0}"),
     "keyspace: 0: out of range"},
    {PHASES(GROW ", {name: a, type: query, fraction: 0.5, key_dist: seq}"),
     "key_dist: with fraction each key is read once, in an order of its own"},
    {PHASES(GROW ", {name: a, type: burst, duration: 1, factor: 2, mix: {get: 1}}"),
     "no phase before has a rate"},
    {PHASES(GROW ", {name: a, type: ramp, duration: 9, ramp: {from: 5, to: 5}, mix: {get: 1}}"),
     "to: a ramp goes from one rate to another"},
    {PHASES(GROW ", {name: a, type: ramp, duration: 9, ramp: {from: 0, to: 5, mode: exponential}, "
                 "mix: {get: 1}}"),
     "exponential never comes from 0"},
    {PHASES(GROW ", {name: a, type: ramp, duration: 9, ramp: {from: 9, to: 5, mode: exponential, "
                 "factor: 2}, mix: {get: 1}}"),
     "it has to lead from 9 to 5: below 1"},
    {PHASES("{name: a, type: purge, memory_purge: false}"), "nothing to do"},
    {PHASES("{name: a, type: idle, duration: 1, wait_stable: {metric: nix, window: 1}}"),
     "f:3:67: metric: nix: nobody samples"},
    {CHECKS("{metric: used_memry, op: \"<\", value: 1}"),
     "f:4:19: metric: used_memry: nobody samples a metric \"used_memry\"; did you mean "
     "used_memory?"},
    {CHECKS("{metric: keys, op: \"=<\", value: 1}"),
     "f:4:29: op: =<: allowed: <=, <, >=, >, ==, !="},
    {CHECKS("{metric: keys, value: 1}"), "f:4:10: \"op\" is missing"},
    {CHECKS("{metric: keys, op: \"<\", value: 1, phase: grw}"),
     "f:4:51: phase: there is no phase grw; did you mean grow?"},
    {CHECKS("{metric: keys, op: \"<\", value: few}"), "f:4:41: value: few: a number, as 1000"},
    {CHECKS("{metric: keys, op: \"<\", value: 1, agg: median}"),
     "f:4:49: agg: median: allowed: last"},
    {CHECKS("{metric: keys, op: \"<\", value: 1, severity: bad}"), "allowed: fail, warn"},
    {CHECKS("{metric: leak_verdict, op: \"<\", value: 1}"), "none, suspected or detected"},
    {PHASES(GROW) "observe: [used_memory, rss]\n", "f:4:24: observe: rss: nobody samples a metric"},
    {"name: ../s\nphases: [" GROW "]", "f:1:7: name: ../s: a name is"},
};

LOOP_TEST(refusals, sizeof refused / sizeof refused[0])
{
    /* breaks if a mistake is found after connecting, or is told without its place and what is right */
    enum err_code code = read_text(refused[_i].text);
    ck_assert_msg(code == E_CONFIG, "%s: code %d", refused[_i].text, code);
    ck_assert_msg(strstr(err.text, refused[_i].said) != NULL && strncmp(err.text, "f:", 2) == 0,
                  "%s\nsaid: %s\nnot:  %s", refused[_i].text, err.text, refused[_i].said);
    teardown();
}

static const char *const shipped[] = {
    "cluster_memory_distribution",
    "continuous_growth",
    "grow_shrink_grow",
    "grow_shrink_mini",
    "high_velocity_ingestion",
    "index_rebuild_memory_pattern",
    "memory_fragmentation_analysis",
    "memory_leak_detection",
    "production_simulation",
    "vector_expansion_memory_impact",
};

LOOP_TEST(shipped_files_read, sizeof shipped / sizeof shipped[0])
{
    /* breaks if a scenario that comes with volley is refused, or takes another time than it says */
    char path[128], *found = NULL;
    const struct scenario_wish small = {.scale = 0.01};
    snprintf(path, sizeof path, "configs/scenarios/%s.yaml", shipped[_i]);
    const struct file_source source = {.name = path};
    ck_assert_msg(scenario_read(&scenario, &document, &source, &(struct scenario_wish){.scale = 0},
                                &err) == OK,
                  "%s", err.text);
    ck_assert_str_eq(scenario.name, shipped[_i]);
    ck_assert_str_ne(scenario.description, "");
    if (strcmp(shipped[_i], "grow_shrink_mini") != 0) {
        ck_assert_str_eq(document.notice, "");
        ck_assert_uint_eq(scenario.planned_duration_ns, scenario.stated_duration_ns);
    }
    scenario_free(&scenario, &document);
    ck_assert_int_eq(scenario_read(&scenario, &document, &source, &small, &err), OK);
    ck_assert_msg(scenario_library_find(&found, shipped[_i], &err) == OK, "%s", err.text);
    ck_assert_ptr_nonnull(strstr(found, path));
    free(found);
    teardown();
}

TEST(library)
{
    /* breaks if a scenario that comes with volley is not found, or not listed */
    struct shipped_files files;
    char *path, description[128];
    ck_assert_int_eq(shipped_files_open(&files, &scenario_libraries[0], &err), OK);
    ck_assert_uint_eq(files.count, sizeof shipped / sizeof shipped[0]);
    ck_assert_str_eq(files.names[0], "cluster_memory_distribution");
    shipped_files_close(&files);
    ck_assert_int_eq(scenario_library_find(&path, "config/scenarios/grow_shrink_mini.yaml", &err),
                     OK);
    ck_assert_int_eq(scenario_library_describe(description, sizeof description, path, &err), OK);
    ck_assert_str_eq(description, "smallest useful fragmentation test");
    free(path);
    ck_assert_int_eq(scenario_library_find(&path, "configs/scenarios/grow_shrink_mini.yaml", &err),
                     OK);
    ck_assert_str_eq(path, "configs/scenarios/grow_shrink_mini.yaml");
    free(path);
    ck_assert_int_eq(scenario_library_find(&path, "grow_shrink_mni", &err), E_CONFIG);
    ck_assert_ptr_null(path);
    ck_assert_ptr_nonnull(strstr(err.text, "did you mean grow_shrink_mini?"));
}

TEST_SUITE(scenario_file)
