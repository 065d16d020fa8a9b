/* Vectors in files of scenarios and what is made of their figures: phases that cannot be carried out one after the other, a
 * wait without end, memory that is divided by the wrong thing. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/scenario/derived.h"
#include "orchestrator/scenario/judge.h"
#include "orchestrator/scenario/scenario_file.h"
#include "orchestrator/scenario/vector_report.h"
#include "tests/support/check/printed.h"
#include "tests/support/check/scenario_fixture.h"
#include "tests/support/check/suite.h"

static struct scenario scenario;
static struct scenario_document document;
static struct err err;

static void tear_down(void)
{
    scenario_free(&scenario, &document);
    scenario_fixture_tear_down();
}

static enum err_code read_text(const char *text, double scale)
{
    const struct file_source source = {.name = "f", .text = text, .text_bytes = strlen(text)};
    scenario_free(&scenario, &document);
    err = (struct err){.code = OK};
    return scenario_read(&scenario, &document, &source, &(struct scenario_wish){.scale = scale},
                         &err);
}

#define PHASES(list) "name: s\nmemory_target: 64mb\nphases: [" list "]\n"
#define MAKE "{name: make, type: index-create, dimensions: 8, timeout: 60}"
#define LOAD "{name: base, type: load, datatype: vector, keys: 1000}"
#define COPY "{name: copy, type: load, datatype: vector, expand: 1}"

static const char whole[] =
    PHASES("{name: make, type: index-create, dimensions: 8, algo: flat, metric: l2, m: 32, "
           "ef_construction: 300, ef_runtime: 70, timeout: 60}," LOAD "," COPY ","
           "{name: look, type: query, duration: 5, k: 7, ef: 90, verify: recall},"
           "{name: busy, type: mixed, duration: 5, mix: {load: 1, del: 1, get: 2}},"
           "{name: thin, type: delete-fraction, fraction: 0.5, strategy: \"prefix:expand_1_\"},"
           "{name: wait, type: wait-index, duration: 100}, {name: drop, type: index-drop},"
           "{name: again, type: index-create, metric: l2, duration: 100},"
           "{name: gone, type: index-drop, keep_docs: false}");

static const struct phase *phase_named(const char *name)
{
    for (uint32_t i = 0; i < scenario.phase_count; i++)
        if (strcmp(scenario.phases[i].name, name) == 0)
            return &scenario.phases[i];
    ck_abort_msg("no phase %s", name);
}

TEST(phases_about_vectors)
{
    /* Otherwise another index is made than was asked for, or a load does not know how long its vectors are. */
    ck_assert_msg(read_text(whole, 0) == OK, "%s", err.text);
    const struct phase *make = phase_named("make"), *base = phase_named("base"),
                       *look = phase_named("look"), *thin = phase_named("thin"),
                       *again = phase_named("again");
    ck_assert(make->index.algorithm == VECTOR_FLAT && make->index.metric == VECTOR_L2 &&
              make->index.m == 32 && make->index.ef_construction == 300 &&
              make->index.ef_runtime == 70 && make->index.dimensions == 8);
    ck_assert_uint_eq(make->duration_ns, 60 * NS_PER_SECOND);
    ck_assert(base->datatype == LIVE_VECTOR && base->index.dimensions == 8 && base->keys == 1000);
    ck_assert(phase_named("copy")->copy_level == 1 && base->copy_level == 0);
    ck_assert(look->recall && !look->verify && look->query.k == 7 && look->query.ef == 90 &&
              look->index.m == 32 && look->datatype == LIVE_VECTOR);
    ck_assert(phase_named("busy")->query.k == 10 && phase_named("busy")->query.ef == 0);
    ck_assert(thin->copy_level == 1 && thin->strategy == LIVE_PICK_OLDEST);
    ck_assert(again->index.m == 16 && again->index.ef_construction == 200 &&
              again->index.ef_runtime == 100 && again->index.algorithm == VECTOR_HNSW);
    ck_assert(phase_named("drop")->keep_docs && !phase_named("gone")->keep_docs);
}

TEST(waits_for_a_server_are_not_scaled_away)
{
    /* Otherwise a scaled scenario does not wait for an index as long as a server takes at the least. */
    ck_assert_msg(read_text(whole, 0.001) == OK, "%s", err.text);
    ck_assert_uint_eq(phase_named("wait")->duration_ns, 10 * NS_PER_SECOND);
    ck_assert_uint_eq(phase_named("make")->duration_ns, 10 * NS_PER_SECOND);
    ck_assert_uint_eq(phase_named("look")->duration_ns, 2 * NS_PER_SECOND);
    ck_assert_uint_eq(phase_named("base")->keys, 1);
    ck_assert_uint_eq(phase_named("make")->index.dimensions, 8);
}

static const struct {
    const char *text, *said;
} refused[] = {
    {PHASES(LOAD), "base: vectors need their number of dimensions"},
    {PHASES("{name: a, type: load, datatype: vector, keys: 1, dimensions: 1}"), "dimensions: "},
    {PHASES("{name: a, type: load, datatype: vector, keys: 1, dimensions: 8, value_size: 9}"),
     "value_size: of a vector its dimensions"},
    {PHASES("{name: a, type: load, datatype: vector, dimensions: 8, qps: 5, until: "
            "\"keys>=9\"}"),
     "until: keys>=9: of vectors this takes a load without qps"},
    {PHASES("{name: a, type: load, datatype: vector, dimensions: 8, keys: 1, batch: 3}"),
     "batch: only strings"},
    {PHASES("{name: a, type: load, datatype: vector, dimensions: 8, keys: 1, ttl: 3}"),
     "ttl: only strings"},
    {PHASES(MAKE ", {name: a, type: load, datatype: vector, dimensions: 9, keys: 1}"),
     "dimensions: 9; all vectors of a scenario have as many: 8"},
    {PHASES(MAKE "," COPY), "expand: there are no vectors yet"},
    {PHASES(MAKE "," LOAD "," COPY ", {name: b, type: load, datatype: vector, expand: 1}"),
     "expand: copies 1 are there already"},
    {PHASES(MAKE "," LOAD ", {name: b, type: load, datatype: vector, expand: 2, keys: 4}"),
     "keys: an expansion copies each vector once"},
    {PHASES(MAKE "," LOAD ", {name: b, type: load, datatype: vector, expand: 9}"), "expand: "},
    {PHASES("{name: a, type: load, keys: 1, expand: 1}"), "expand: it is of vectors"},
    {PHASES("{name: a, type: load, keys: 1, dimensions: 4}"), "dimensions: it is of vectors"},
    {PHASES("{name: a, type: load, keys: 1}, {name: q, type: query, duration: 1, verify: recall}"),
     "verify: recall is of vectors only"},
    {PHASES("{name: a, type: load, keys: 1}, {name: q, type: query, duration: 1, k: 3}"),
     "k: it is of vectors"},
    {PHASES("{name: a, type: load, keys: 1}, {name: d, type: delete-fraction, fraction: 1, "
            "strategy: \"prefix:expand_1_\"}"),
     "strategy: prefix is of copies of vectors only"},
    {PHASES(MAKE "," LOAD ", {name: d, type: delete-fraction, fraction: 1, "
                 "strategy: \"prefix:expand_1_\"}"),
     "strategy: no load before has expand: 1"},
    {PHASES(MAKE "," LOAD ", {name: d, type: delete-fraction, fraction: 1, "
                 "strategy: \"prefix:else\"}"),
     "strategy: no load before has key_prefix: else"},
    {PHASES("{name: a, type: load, datatype: vector, dimensions: 8, keys: 9}, "
            "{name: q, type: query, duration: 1}"),
     "q: vectors are queried by an index: put index-create first"},
    {PHASES(MAKE "," LOAD ", {name: q, type: query, duration: 1, key_dist: seq}"),
     "key_dist: queries ask for places beside vectors"},
    {PHASES(MAKE "," LOAD ", {name: o, type: overwrite-resize, fraction: 1, value_size: 9}"),
     "o: vectors are loaded, queried and deleted"},
    {PHASES(MAKE "," LOAD ", {name: e, type: expire, fraction: 1, ttl: 9}"),
     "e: vectors are loaded, queried and deleted"},
    {PHASES(MAKE "," LOAD ", {name: m, type: mixed, duration: 1, mix: {update: 1, get: 1}}"),
     "mix: update: a vector stays as it is"},
    {PHASES(MAKE "," LOAD ", {name: q, type: query, duration: 1, verify: checksum}"),
     "verify: checksum is of strings only"},
    {PHASES("{name: m, type: index-create, dimensions: 8}"), "m: a wait without limit"},
    {PHASES("{name: m, type: index-create, timeout: 60}"), "m: vectors need their number"},
    {PHASES("{name: m, type: index-create, dimensions: 8, timeout: 6, duration: 6}"),
     "timeout: it says the same as duration"},
    {PHASES(MAKE ", {name: b, type: index-create, timeout: 6}"), "b: there is an index already"},
    {PHASES(MAKE ", {name: d, type: index-drop}, {name: b, type: index-create, metric: ip, "
                 "timeout: 6}"),
     "metric: a scenario has one"},
    {PHASES(MAKE "," LOAD ", {name: p, type: parallel, duration: 5, phases: ["
                 "{name: q, type: query}, {name: c, type: load, datatype: vector, expand: 1}]}"),
     "expand: copies are loaded on their own"},
    {PHASES(MAKE "," LOAD ", {name: p, type: parallel, duration: 5, phases: ["
                 "{name: q, type: query, verify: recall}, {name: r, type: query}]}"),
     "verify: recall is asked when nothing else is sent"},
    {PHASES(MAKE "," LOAD ", {name: d, type: index-drop}, {name: p, type: parallel, duration: 5, "
                 "phases: [{name: c, type: index-create, timeout: 5}, {name: r, type: query}]}"),
     "c: duration is of p as a whole"},
    {PHASES(MAKE "," LOAD ", {name: e, type: index-drop}, {name: p, type: parallel, duration: 5, "
                 "phases: [{name: c, type: index-create}, {name: r, type: delete-fraction, "
                 "fraction: 0.5}]}"),
     "r: only one of the phases side by side may delete, overwrite, expire or index some"},
    {PHASES("{name: d, type: index-drop}"), "d: there is no index: index-create has to stand"},
    {PHASES("{name: w, type: wait-index, timeout: 3}"), "w: there is no index"},
    {PHASES(MAKE ", {name: w, type: wait-index}"), "w: a wait without limit: give timeout"},
    {PHASES(MAKE ", {name: a, type: load, keys: 1}"), "datatype: there is an index"},
    {PHASES(MAKE "," LOAD ", {name: f, type: flush}, {name: q, type: query, duration: 1}"),
     "q: there are no keys yet"},
    {PHASES(MAKE "," LOAD ", {name: d, type: index-drop, keep_docs: false}, "
                 "{name: t, type: delete-fraction, fraction: 1}"),
     "t: there are no keys yet"},
    {PHASES("{name: m, type: index-create, dimensions: 8, timeout: 60, metric: manhattan}"),
     "metric: manhattan: allowed: cosine, l2, ip"},
    {PHASES("{name: m, type: index-create, dimensions: 8, timeout: 60, m: 3}"), "m: "},
    {PHASES(MAKE "," LOAD) "checks: [{metric: p99_ms, phase: base, relative_to: bas, op: \"<\", "
                           "value: 1}]",
     "relative_to: there is no phase bas; did you mean base?"},
    {PHASES(MAKE "," LOAD) "checks: [{metric: used_memory, phase: base, relative_to: make, "
                           "op: \"<\", value: 90%target}]",
     "it has no part of the memory target"},
};

LOOP_TEST(refusals, sizeof refused / sizeof refused[0])
{
    /* Otherwise what cannot be carried out begins, and fails after hours. */
    const enum err_code code = read_text(refused[_i].text, 0);
    ck_assert_msg(code == E_CONFIG && strstr(err.text, refused[_i].said) != NULL,
                  "%ssaid: %s\nnot:  %s", refused[_i].text, err.text, refused[_i].said);
}

/* ---- figures ---- */

static struct vector_account *add(const char *name, enum phase_type type, double used_before,
                                  double used_after, uint64_t keys_before, uint64_t keys_after)
{
    const uint32_t index = scenario_fixture_phase(name, type, 10);
    struct phase_account *account = &fixture_accounts[index];
    scenario_fixture_memory(index, used_before, used_after, NAN, NAN);
    account->keys_before = keys_before;
    account->keys_after = keys_after;
    account->vectors = (struct vector_account){.dimensions = 64,
                                               .recall = NAN,
                                               .documents = NAN,
                                               .index_bytes = NAN,
                                               .build_seconds = NAN,
                                               .built = NAN};
    return &account->vectors;
}

static double figure(const char *metric, const char *phase)
{
    struct phase_set set;
    uint32_t named;
    (void)phase_set_named(&set, &fixture_observation, phase, &named);
    return derived_metric_find(metric)->of(&fixture_observation, &set);
}

/* A load, a query, a drop and a build; 1 MB of 1,024 vectors is 1,024 bytes each. */
static void play(void)
{
    struct vector_account *of = add("base", PHASE_LOAD, 10, 20, 0, 10240);
    of->documents = 10240;
    of->index_bytes = 5 * FIXTURE_MB;
    of = add("look", PHASE_QUERY, 20, 20, 10240, 10240);
    of->recall = 0.9;
    of->recall_queries = 10;
    of = add("look", PHASE_QUERY, 20, 20, 10240, 10240);
    of->recall = 0.6;
    of->recall_queries = 20;
    (void)add("little", PHASE_LOAD, 20, 20.5, 10240, 10250);
    (void)add("drop", PHASE_INDEX_DROP, 20, 8, 10240, 10240);
    of = add("build", PHASE_INDEX_CREATE, 8, 22, 10240, 10240);
    of->build_seconds = 5;
    of->built = 10240;
    of->documents = 5120;
    scenario_fixture_sample(60 * FIXTURE_SECOND)->values[SERIES_USED_MEMORY] = 30 * FIXTURE_MB;
}

TEST(figures_of_vectors)
{
    /* Otherwise checks judge a growth that is none, or divide by vectors that were not added. */
    play();
    ck_assert_double_eq(figure("bytes_per_vector", "base"), 1024);
    ck_assert_double_eq(figure("overhead_ratio", "base"), 4);
    ck_assert_double_eq(figure("bytes_per_vector", "all"), 1024);
    ck_assert_double_eq_tol(figure("recall", "look"), 0.7, 1e-9);
    ck_assert_double_eq(figure("num_docs", "base"), 10240);
    ck_assert_double_eq(figure("docs_indexed", "base"), 1);
    ck_assert_double_eq(figure("docs_indexed", "build"), 0.5);
    ck_assert_double_eq(figure("index_bytes", "all"), 5 * FIXTURE_MB);
    ck_assert_double_eq(figure("rebuild_seconds", "build"), 5);
    ck_assert_double_eq(figure("docs_per_second", "build"), 2048);
    ck_assert_double_eq(figure("spike_ratio", "build"), 1.5);
    ck_assert_double_eq_tol(figure("residual_ratio", "build"), 1.1, 1e-9);
    static const char *const unknown[][2] = {
        {"bytes_per_vector", "little"}, {"overhead_ratio", "look"},  {"recall", "base"},
        {"num_docs", "look"},           {"index_bytes", "drop"},     {"docs_indexed", "drop"},
        {"rebuild_seconds", "base"},    {"docs_per_second", "look"}, {"spike_ratio", "base"},
        {"residual_ratio", "look"},
    };
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++)
        ck_assert_msg(isnan(figure(unknown[i][0], unknown[i][1])), "%s of %s is known",
                      unknown[i][0], unknown[i][1]);
}

TEST(figures_where_requests_had_no_answer)
{
    /* Otherwise what is in the server without being known counts as memory of the others. */
    play();
    fixture_accounts[0].requests_failed = 1;
    ck_assert(isnan(figure("bytes_per_vector", "base")) && isnan(figure("overhead_ratio", "base")));
}

TEST(figures_of_scenarios_without_vectors)
{
    /* Otherwise any load has bytes by vector. */
    play();
    for (uint32_t i = 0; i < fixture_scenario.phase_count; i++)
        fixture_accounts[i].vectors.dimensions = 0;
    ck_assert(isnan(figure("bytes_per_vector", "all")) && isnan(figure("recall", "all")) &&
              isnan(figure("num_docs", "all")) && isnan(figure("rebuild_seconds", "all")));
}

TEST(a_check_relative_to_another_phase)
{
    /* Otherwise an expansion is compared with a number that somebody has guessed. */
    static const struct {
        const char *metric, *phase, *other;
        double limit;
        enum check_result result;
    } cases[] = {
        {"used_memory", "build", "base", 1.1, CHECK_PASS},
        {"used_memory", "build", "base", 1.05, CHECK_FAIL},
        {"num_docs", "build", "base", 0.5, CHECK_PASS},
        {"num_docs", "build", "look", 9, CHECK_SKIP},
        {"num_docs", "build", "never", 9, CHECK_SKIP},
    };
    play();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct check_outcome outcome;
        fixture_scenario.check_count = 0;
        struct scenario_check *check = scenario_fixture_check(
            cases[i].metric, cases[i].phase, AGGREGATE_LAST, CHECK_LE, cases[i].limit);
        snprintf(check->relative_to, sizeof check->relative_to, "%s", cases[i].other);
        ck_assert_int_eq(judge_checks(&outcome, &fixture_observation, &err), OK);
        ck_assert_msg(outcome.result == cases[i].result, "%s relative to %s: %s", cases[i].metric,
                      cases[i].other, outcome.reason);
    }
}

TEST(the_driver_is_named_everywhere)
{
    /* Otherwise an emulation is read as what an index of vectors does. */
    const struct vector_driver *emulated = vector_driver_at(2);
    struct printed printed;
    play();
    printed_begin(&printed);
    vector_report_print(&printed.out, emulated, &fixture_observation);
    char *text = printed_end(&printed);
    ck_assert_ptr_nonnull(strstr(text, "Vectors by emulated"));
    ck_assert_ptr_nonnull(strstr(text, "10,240"));
    ck_assert_ptr_nonnull(strstr(text, "n/a"));
    json_t *driver = vector_report_driver(emulated),
           *phase = vector_report_phase(emulated, &fixture_observation, 1);
    ck_assert(json_is_true(json_object_get(driver, "emulated")));
    ck_assert_str_eq(json_string_value(json_object_get(phase, "driver")), "emulated");
    ck_assert_double_eq(json_number_value(json_object_get(phase, "recall")), 0.9);
    ck_assert(json_is_null(json_object_get(phase, "spike_ratio")));
    free(text);
    json_decref(driver);
    json_decref(phase);
}

TEST_SUITE_WITH(scenario_vectors, .set_up = scenario_fixture_set_up, .tear_down = tear_down)
