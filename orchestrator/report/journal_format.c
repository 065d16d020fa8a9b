#include "orchestrator/report/journal_format.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/schedule.h"
#include "orchestrator/report/drawn_json.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/json_value.h"

#define KB 1024u

uint32_t journal_record_max_bytes(uint32_t type)
{
    static const uint32_t max_bytes[] = {
        [JOURNAL_SESSION] = 4096 * KB,  /* every option's value: a config file of 1 MB, escaped   */
        [JOURNAL_RUN_BEGIN] = 256 * KB, /* IPC_WORKERS_MAX numbers, NODE_FIGURES_MAX nodes        */
        [JOURNAL_ERROR_KIND] = sizeof(struct ipc_error_kind),
        [JOURNAL_INTERVAL] = INTERVAL_WIRE_MAX_BYTES,
        [JOURNAL_RUN_END] = 1024 * KB, /* IPC_WORKERS_MAX workers, the nodes, VERDICT_CHECKS_MAX  */
        [JOURNAL_SESSION_END] = 0,
        [JOURNAL_SAMPLE] = 4 * KB,
        [JOURNAL_EVENT] = 4 * KB,
        [JOURNAL_NOTE] = 4 * KB,
    };
    return type <= JOURNAL_RECORD_LAST ? max_bytes[type] : max_bytes[JOURNAL_SESSION];
}

/* As they were given: NULL: there are none. */
static json_t *checks_to_json(const struct objective_list *checks)
{
    char text[OBJECTIVE_MAX * OBJECTIVE_TEXT_BYTES] = "";
    size_t used = 0;
    for (uint32_t i = 0; checks != NULL && i < checks->count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i > 0 ? "," : "",
                                 checks->items[i].text);
    return text[0] != '\0' ? json_value_text(text) : NULL;
}

json_t *journal_session_to_json(const struct session_facts *session)
{
    json_t *percentiles = json_array();
    for (uint32_t i = 0; i < session->percentile_count; i++)
        json_array_append_new(percentiles, json_real(session->percentiles[i]));
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:b, s:O*, s:o*}", "command", json_value_text(session->command),
        "label", session->label != NULL ? json_value_text(session->label) : json_null(),
        "percentiles", percentiles, "spec",
        session->spec != NULL ? json_incref(session->spec) : json_object(), "environment",
        session->environment != NULL ? json_incref(session->environment) : json_object(),
        "extended_metrics", session->extended_metrics, "tests", session->tests, "checks",
        checks_to_json(session->checks));
}

static bool are_titles(const json_t *tests)
{
    for (size_t i = 0; i < json_array_size(tests); i++)
        if (!json_is_string(json_array_get(tests, i)))
            return false;
    return json_is_array(tests);
}

enum err_code journal_session_from_json(struct session_facts *session, double *percentiles,
                                        struct objective_list *checks, const json_t *json,
                                        struct err *err)
{
    const char *command = json_string_value(json_object_get(json, "command"));
    const json_t *label = json_object_get(json, "label");
    const json_t *list = json_object_get(json, "percentiles");
    json_t *spec = json_object_get(json, "spec");
    json_t *environment = json_object_get(json, "environment");
    json_t *tests = json_object_get(json, "tests"); /* older journals have none */
    if (command == NULL || !json_is_object(spec) || !json_is_object(environment) ||
        !json_is_array(list) || json_array_size(list) > SPEC_PERCENTILES_MAX ||
        !(json_is_string(label) || json_is_null(label)))
        return err_set(err, E_DATA, "the session record has unexpected members");
    if (tests != NULL && !are_titles(tests))
        return err_set(err, E_DATA, "the session record has tests without a title");
    *session = (struct session_facts){.spec = spec,
                                      .environment = environment,
                                      .tests = tests,
                                      .label = json_string_value(label),
                                      .command = command,
                                      .percentiles = percentiles,
                                      .percentile_count = (uint32_t)json_array_size(list),
                                      .extended_metrics =
                                          json_is_true(json_object_get(json, "extended_metrics"))};
    const char *kept = json_string_value(json_object_get(json, "checks"));
    struct err reason = {.code = OK};
    if (kept != NULL && objective_parse_list(checks, kept, &objective_of_check, &reason) != OK)
        return err_set(err, E_DATA, "the session record has a check that is none: %s", reason.text);
    session->checks = kept != NULL ? checks : NULL;
    for (size_t i = 0; i < json_array_size(list); i++) {
        percentiles[i] = json_number_value(json_array_get(list, i));
        if (!(percentiles[i] >= 0 && percentiles[i] <= 100))
            return err_set(err, E_DATA, "the session record has a percentile out of range");
    }
    return OK;
}

/* A whole number. */
static bool get_number(int64_t *number, const json_t *json, const char *key, int64_t min,
                       int64_t max)
{
    const json_t *value = json_object_get(json, key);
    *number = json_integer_value(value);
    return json_is_integer(value) && *number >= min && *number <= max;
}

static bool get_count(uint64_t *count, const json_t *json, const char *key, uint64_t max)
{
    int64_t number;
    bool good = get_number(&number, json, key, 0, (int64_t)max);
    if (good)
        *count = (uint64_t)number;
    return good;
}

static bool get_flag(bool *flag, const json_t *json, const char *key)
{
    const json_t *value = json_object_get(json, key);
    *flag = json_is_true(value);
    return json_is_boolean(value);
}

static bool get_text(char *text, size_t text_bytes, const json_t *json, const char *key)
{
    const char *value = json_string_value(json_object_get(json, key));
    if (value != NULL)
        snprintf(text, text_bytes, "%s", value);
    return value != NULL;
}

static json_t *nodes_to_json(const struct run_facts *run)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < run->node_count; i++) {
        const struct run_node *node = &run->nodes[i];
        json_array_append_new(list,
                              json_pack("{s:o, s:i, s:i, s:i}", "text", json_value_text(node->text),
                                        "role_at_start", (int)node->role_at_start, "role",
                                        (int)node->role, "primary", (int)node->primary));
    }
    return list;
}

bool journal_nodes_from_json(struct run_facts *run, const json_t *json)
{
    size_t count = json_array_size(json);
    if (!json_is_array(json) || count > NODE_FIGURES_MAX)
        return false;
    run->node_count = (uint32_t)count;
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(json, i);
        const char *text = json_string_value(json_object_get(item, "text"));
        int64_t role_at_start, role, primary;
        if (text == NULL || !get_number(&role_at_start, item, "role_at_start", 0, RUN_ROLE_GONE) ||
            !get_number(&role, item, "role", 0, RUN_ROLE_GONE) ||
            !get_number(&primary, item, "primary", -1, NODE_FIGURES_MAX - 1))
            return false;
        run->nodes[i] = (struct run_node){.role_at_start = (uint32_t)role_at_start,
                                          .role = (uint32_t)role,
                                          .primary = (int32_t)primary};
        snprintf(run->nodes[i].text, sizeof run->nodes[i].text, "%s", text);
    }
    return true;
}

static json_t *classes_to_json(const struct run_facts *run)
{
    json_t *names = json_array();
    for (uint32_t i = 0; i < run->class_count; i++)
        json_array_append_new(names, json_value_text(run->class_names[i]));
    return names;
}

static json_t *parts_to_json(const struct run_facts *run)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < run->part_count; i++)
        json_array_append_new(list, json_pack("{s:o, s:o, s:i, s:b, s:b}", "name",
                                              json_value_text(run->parts[i].name), "command",
                                              json_value_text(run->parts[i].command), "class",
                                              (int)run->parts[i].class, "consumes",
                                              (int)run->parts[i].consumes, "is_stage",
                                              (int)run->parts[i].is_stage));
    return list;
}

/* Not in older journals, and not where requests are single commands. */
static bool get_parts(struct run_facts *run, const json_t *list)
{
    bool good = list == NULL || (json_is_array(list) && json_array_size(list) <= PARTS_MAX);
    run->part_count = good ? (uint32_t)json_array_size(list) : 0;
    for (uint32_t i = 0; good && i < run->part_count; i++) {
        const json_t *item = json_array_get(list, i);
        struct run_part *part = &run->parts[i];
        int64_t class;
        good = get_text(part->name, sizeof part->name, item, "name") &&
               get_text(part->command, sizeof part->command, item, "command") &&
               get_number(&class, item, "class", 0, CLASSES_MAX - 1);
        part->class = good ? (uint32_t) class : 0;
        part->consumes = json_is_true(json_object_get(item, "consumes"));
        part->is_stage = json_is_true(json_object_get(item, "is_stage"));
    }
    return good;
}

/* Not in older journals, and not where there is one class. */
static bool get_classes(struct run_facts *run, const json_t *names)
{
    run->class_count = (uint32_t)json_array_size(names);
    bool good = names == NULL || (json_is_array(names) && json_array_size(names) <= CLASSES_MAX);
    for (uint32_t i = 0; good && i < run->class_count; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        good = name != NULL;
        if (good)
            snprintf(run->class_names[i], sizeof run->class_names[i], "%s", name);
    }
    return good;
}

/* Every number of run_facts, by name: one list for both directions. */
#define FACT_COUNTS(X)                                                                             \
    X(started_wall_ns)                                                                             \
    X(interval_ns)                                                                                 \
    X(warmup_ns)                                                                                   \
    X(duration_ns)                                                                                 \
    X(requests)                                                                                    \
    X(clients)                                                                                     \
    X(pipeline)                                                                                    \
    X(data_bytes)                                                                                  \
    X(request_bytes)                                                                               \
    X(keyspace)                                                                                    \
    X(shed_after_ns)                                                                               \
    X(clients_start)
#define FACT_FLAGS(X)                                                                              \
    X(prefill)                                                                                     \
    X(one_key)                                                                                     \
    X(reads)                                                                                       \
    X(keyspace_random)                                                                             \
    X(tracking)                                                                                    \
    X(open_loop)                                                                                   \
    X(steady_auto)

json_t *journal_facts_to_json(const struct run_facts *run)
{
    json_t *cpus = json_array();
    for (uint32_t i = 0; i < run->worker_count; i++)
        json_array_append_new(cpus, json_integer(run->worker_cpus[i]));
    json_t *json =
        json_pack("{s:o, s:i, s:o, s:o, s:o}", "name", json_value_text(run->name), "index",
                  (int)run->index, "worker_cpus", cpus, "target", json_value_text(run->target),
                  "rate_text", json_value_text(run->rate_text));
    if (run->prefill)
        json_object_set_new(json, "prefill_for", json_value_text(run->prefill_for));
#define PUT_COUNT(member) json_object_set_new(json, #member, json_value_count(run->member));
#define PUT_FLAG(member) json_object_set_new(json, #member, json_boolean(run->member));
    FACT_COUNTS(PUT_COUNT)
    FACT_FLAGS(PUT_FLAG)
    if (run->key_distribution[0] != '\0')
        json_object_set_new(json, "key_distribution", json_value_text(run->key_distribution));
    PUT_FLAG(no_prefill)
    PUT_FLAG(awaits)
    PUT_FLAG(renewed)
    PUT_COUNT(commands)
    if (run->repetition > 0)
        PUT_COUNT(repetition)
    if (run->class_count > 0)
        json_object_set_new(json, "classes", classes_to_json(run));
    if (run->stream_count > 0)
        json_object_set_new(json, "streams", run_streams_to_json(run));
    if (run->buffer_text[0] != '\0') {
        json_object_set_new(json, "buffer_text", json_value_text(run->buffer_text));
        PUT_COUNT(buffer_most)
        if (run->cache_most > 0)
            PUT_COUNT(cache_most)
        PUT_COUNT(buffer_workers)
        PUT_COUNT(buffer_bytes)
        PUT_COUNT(buffer_request_bytes)
        PUT_COUNT(buffer_least_workers)
        PUT_COUNT(buffer_most_workers)
        PUT_FLAG(has_users)
    }
    if (run->part_count > 0)
        json_object_set_new(json, "parts", parts_to_json(run));
    json_object_set_new(json, "cluster", json_boolean(run->cluster)); /* not in older journals */
    json_object_set_new(json, "nodes", nodes_to_json(run));
    return json;
}

enum err_code journal_facts_from_json(struct run_facts *run, const json_t *json, struct err *err)
{
    const json_t *cpus = json_object_get(json, "worker_cpus");
    uint64_t index = 0;
    memset(run, 0, sizeof *run);
    bool good = json_is_array(cpus) && json_array_size(cpus) <= IPC_WORKERS_MAX &&
                get_text(run->name, sizeof run->name, json, "name") &&
                get_text(run->target, sizeof run->target, json, "target") &&
                get_text(run->rate_text, sizeof run->rate_text, json, "rate_text") &&
                get_count(&index, json, "index", UINT32_MAX);
#define GET_COUNT(member) good = good && get_count(&run->member, json, #member, INT64_MAX);
#define GET_FLAG(member) good = good && get_flag(&run->member, json, #member);
    FACT_COUNTS(GET_COUNT)
    FACT_FLAGS(GET_FLAG)
    run->cluster = json_is_true(json_object_get(json, "cluster"));
    if (json_object_get(json, "buffer_text") != NULL) {
        good = good && get_text(run->buffer_text, sizeof run->buffer_text, json, "buffer_text");
        GET_COUNT(buffer_most)
        if (json_object_get(json, "cache_most") != NULL)
            GET_COUNT(cache_most)
        if (json_object_get(json, "buffer_workers") != NULL) { /* not in the first journals */
            GET_COUNT(buffer_workers)
            GET_COUNT(buffer_bytes)
            GET_COUNT(buffer_least_workers)
            GET_COUNT(buffer_most_workers)
        }
        if (json_object_get(json, "buffer_request_bytes") != NULL)
            GET_COUNT(buffer_request_bytes)
        GET_FLAG(has_users)
    }
    if (run->prefill)
        good = good && get_text(run->prefill_for, sizeof run->prefill_for, json, "prefill_for");
    good = good && get_classes(run, json_object_get(json, "classes")) &&
           run_streams_from_json(run, json_object_get(json, "streams")) &&
           get_parts(run, json_object_get(json, "parts")) &&
           journal_nodes_from_json(run, json_object_get(json, "nodes"));
    if (!good || run->interval_ns == 0)
        return err_set(err, E_DATA, "a run's first record has unexpected members");
    /* Not in journals of older versions. */
    run->renewed = !json_is_false(json_object_get(json, "renewed"));
    run->no_prefill = json_is_true(json_object_get(json, "no_prefill"));
    run->awaits = json_is_true(json_object_get(json, "awaits"));
    if (!get_text(run->key_distribution, sizeof run->key_distribution, json, "key_distribution"))
        run->key_distribution[0] = '\0';
    if (!get_count(&run->commands, json, "commands", UINT32_MAX))
        run->commands = 0;
    if (!get_count(&run->repetition, json, "repetition", RUN_REPEATS_MAX))
        run->repetition = 0;
    run->index = (uint32_t)index;
    run->worker_count = (uint32_t)json_array_size(cpus);
    for (uint32_t i = 0; i < run->worker_count; i++)
        run->worker_cpus[i] = (int)json_integer_value(json_array_get(cpus, i));
    return OK;
}

json_t *journal_note_to_json(const struct note *note)
{
    json_t *values = json_object();
    for (enum note_value i = 0; i < NOTE_VALUES; i++)
        if (note_get(note, i) >= 0)
            json_object_set_new(values, note_value_name(i), json_integer(note_get(note, i)));
    return json_pack("{s:s, s:I, s:I, s:b, s:o, s:o, s:o}", "source",
                     note_source_name(note->source), "at_ns", (json_int_t)note->at_ns, "end_ns",
                     (json_int_t)note->end_ns, "ok", note->ok, "text", json_value_text(note->text),
                     "cause", json_value_text(note->cause), "values", values);
}

/* The values that this version knows, counted. False: one is no number. */
static bool get_values(struct note *note, size_t *count, const json_t *json)
{
    bool good = true;
    *count = 0;
    for (enum note_value i = 0; i < NOTE_VALUES; i++) {
        const json_t *value = json_object_get(json, note_value_name(i));
        if (value == NULL)
            continue;
        good = good && (json_is_integer(value) || json_is_boolean(value));
        note_set(note, i, json_is_true(value) ? 1 : json_integer_value(value));
        ++*count;
    }
    return good;
}

enum err_code journal_sample_from_json(struct note *note, const json_t *json, struct err *err)
{
    size_t count;
    *note = (struct note){.source = NOTE_SAMPLE};
    bool good = get_count(&note->at_ns, json, "at_ns", INT64_MAX) &&
                get_flag(&note->ok, json, "answered") && get_values(note, &count, json);
    note->end_ns = note->at_ns;
    return good ? OK : err_set(err, E_DATA, "a sample's record has unexpected members");
}

static enum note_source find_source(const char *name)
{
    enum note_source source = 0;
    while (source < NOTE_SOURCES && strcmp(note_source_name(source), name) != 0)
        source++;
    return source;
}

enum err_code journal_note_from_json(struct note *note, bool *unknown, json_t *json,
                                     struct err *err)
{
    json_int_t at_ns = 0, end_ns = 0;
    int ok = 0;
    size_t known = 0;
    const char *text = "", *cause = "";
    const char *name = note_source_name(NOTE_CHAOS); /* all of the oldest journals */
    json_t *values = NULL;
    *note = (struct note){.ok = false};
    bool good = json_unpack(json, "{s:I, s:I, s:b, s:s, s:s, s?s, s?o}", "at_ns", &at_ns, "end_ns",
                            &end_ns, "ok", &ok, "text", &text, "cause", &cause, "source", &name,
                            "values", &values) == 0 &&
                get_values(note, &known, values);
    if (!good || at_ns < 0 || end_ns < at_ns)
        return err_set(err, E_DATA, "a note's record has unexpected members");
    note->source = find_source(name);
    note->at_ns = (uint64_t)at_ns;
    note->end_ns = (uint64_t)end_ns;
    note->ok = ok != 0;
    snprintf(note->text, sizeof note->text, "%s", text);
    snprintf(note->cause, sizeof note->cause, "%s", cause);
    *unknown = json_object_size(values) > known;
    return OK;
}

/* "rate 1,500/s", "resume, rate 0.25/s", "pause". */
double journal_note_rate(const struct note *note)
{
    const char *at = strstr(note->text, "rate ");
    char digits[sizeof note->text], *end;
    size_t used = 0;
    if (strcmp(note->text, "pause") == 0)
        return 0;
    if (at == NULL)
        return -1;
    for (at += strlen("rate "); *at != '\0' && *at != '/'; at++)
        if (*at != ',')
            digits[used++] = *at;
    digits[used] = '\0';
    const double rate = strtod(digits, &end);
    return used > 0 && *end == '\0' && strcmp(at, "/s") == 0 && rate > 0 && rate <= FIGURE_RATE_MAX
               ? rate
               : -1;
}

json_t *journal_result_to_json(const struct run_result *result)
{
    const struct run_evidence *evidence = &result->evidence;
    json_t *weighed = json_pack(
        "{s:f, s:o, s:b, s:b, s:o, s:o, s:f, s:f, s:b}", "steal_share", evidence->steal_share,
        "throttled_ns", json_value_count(evidence->throttled_ns), "server_shares_worker_cpu",
        evidence->server_shares_worker_cpu, "server_place_known", evidence->server_place_known,
        "workers_lost", json_value_count(evidence->workers_lost), "late_records",
        json_value_count(evidence->late_records), "server_cpu_share", evidence->server_cpu_share,
        "server_delay_share", evidence->server_delay_share, "never_steady", evidence->never_steady);
    return json_pack(
        "{s:f, s:f, s:f, s:o, s:o, s:b, s:b, s:i, s:i, s:o, s:o, s:o, s:o, s:o, s:o*, s:o*, s:o*, "
        "s:o*}",
        "seconds", result->seconds, "due_seconds", result->due_seconds, "target_rate",
        result->target_rate, "rate_changes", json_value_count(result->rate_changes), "warmup_ns",
        json_value_count(result->facts->warmup_ns), "interrupted", result->interrupted, "stopped",
        result->stopped, "stopped_by", result->stopped_by, "status", (int)result->status,
        "status_text", json_value_text(result->status_text), "evidence", weighed, "workers",
        json_value_workers(result), "verdict", json_value_verdict(&result->verdict), "nodes",
        nodes_to_json(result->facts), "server", server_account_to_json(&result->server), "drawn",
        drawn_to_json(&result->drawn), "streams", stream_results_to_json(result), "verification",
        checked_report_to_json(&result->checked));
}

/* The target, which is not in journals of older versions. */
static bool get_target(struct run_result *result, const json_t *json)
{
    const json_t *rate = json_object_get(json, "target_rate");
    uint64_t changes = 0;
    if (rate == NULL)
        return true;
    if (!json_is_number(rate) || !(json_number_value(rate) >= 0) ||
        !(json_number_value(rate) <= FIGURE_RATE_MAX) ||
        !get_count(&changes, json, "rate_changes", SCHEDULE_CHANGES_MAX))
        return false;
    result->target_rate = json_number_value(rate);
    result->rate_changes = (uint32_t)changes;
    return true;
}

static bool get_evidence(struct run_evidence *evidence, const json_t *json)
{
    uint64_t lost = 0, late = 0;
    const json_t *steal = json_object_get(json, "steal_share");
    const json_t *server = json_object_get(json, "server_cpu_share");
    const json_t *delay = json_object_get(json, "server_delay_share");
    bool good = json_is_number(steal) && json_is_number(server) &&
                get_flag(&evidence->never_steady, json, "never_steady") &&
                get_count(&evidence->throttled_ns, json, "throttled_ns", INT64_MAX) &&
                get_flag(&evidence->server_shares_worker_cpu, json, "server_shares_worker_cpu") &&
                get_flag(&evidence->server_place_known, json, "server_place_known") &&
                get_count(&lost, json, "workers_lost", UINT32_MAX) &&
                get_count(&late, json, "late_records", UINT32_MAX);
    evidence->steal_share = json_number_value(steal);
    evidence->server_cpu_share = json_number_value(server);
    /* Not in journals of older versions. */
    evidence->server_delay_share = json_is_number(delay) ? json_number_value(delay) : -1;
    evidence->workers_lost = (uint32_t)lost;
    evidence->late_records = (uint32_t)late;
    return good;
}

static bool get_worker(struct worker_summary *worker, const json_t *json)
{
    uint64_t index = 0, restarts = 0, pid = 0;
    const json_t *cpu = json_object_get(json, "cpu");
    const json_t *user = json_object_get(json, "cpu_user_seconds");
    const json_t *system = json_object_get(json, "cpu_system_seconds");
    const json_t *delay = json_object_get(json, "run_delay_seconds");
    const json_t *spin = json_object_get(json, "spin_seconds");
    bool good = get_count(&index, json, "index", UINT32_MAX) &&
                get_count(&pid, json, "pid", INT64_MAX) &&
                get_count(&restarts, json, "restarts", UINT32_MAX) &&
                get_count(&worker->requests, json, "requests", INT64_MAX) && json_is_number(user) &&
                json_is_number(system) && json_is_number(spin) &&
                (delay == NULL || json_is_number(delay)) && /* not in older journals */
                (json_is_integer(cpu) || json_is_null(cpu));
    worker->index = (uint32_t)index;
    worker->pid = (int64_t)pid;
    worker->restarts = (uint32_t)restarts;
    worker->cpu = json_is_null(cpu) ? -1 : (int)json_integer_value(cpu);
    worker->cpu_user_seconds = json_number_value(user);
    worker->cpu_system_seconds = json_number_value(system);
    worker->run_delay_seconds = json_number_value(delay);
    worker->spin_seconds = json_number_value(spin);
    return good;
}

static bool get_status(enum err_code *status, const json_t *json)
{
    static const enum err_code known[] = {OK,        E_FAILED,    E_USAGE,  E_CONFIG,     E_DATA,
                                          E_CONNECT, E_UNTRUSTED, E_SYSTEM, E_INTERRUPTED};
    uint64_t number = 0;
    bool good = get_count(&number, json, "status", UINT32_MAX);
    for (size_t i = 0; good && i < sizeof known / sizeof known[0]; i++) {
        if ((uint64_t)known[i] == number) {
            *status = known[i];
            return true;
        }
    }
    return false;
}

enum err_code journal_result_from_json(struct run_result *result, uint64_t *warmup_ns,
                                       const json_t *json, struct err *err)
{
    const json_t *seconds = json_object_get(json, "seconds");
    const json_t *due_seconds = json_object_get(json, "due_seconds");
    const json_t *workers = json_object_get(json, "workers");
    memset(result, 0, sizeof *result);
    bool good =
        json_is_number(seconds) && json_number_value(seconds) >= 0 && json_is_number(due_seconds) &&
        json_number_value(due_seconds) >= 0 && get_count(warmup_ns, json, "warmup_ns", INT64_MAX) &&
        get_flag(&result->interrupted, json, "interrupted") && get_status(&result->status, json) &&
        get_text(result->status_text, sizeof result->status_text, json, "status_text") &&
        get_target(result, json) &&
        get_evidence(&result->evidence, json_object_get(json, "evidence")) &&
        json_is_array(workers) && json_array_size(workers) <= IPC_WORKERS_MAX;
    for (size_t i = 0; good && i < json_array_size(workers); i++)
        good = get_worker(&result->workers[i], json_array_get(workers, i));
    if (!good)
        return err_set(err, E_DATA, "a run's last record has unexpected members");
    if (!server_account_from_json(&result->server, json_object_get(json, "server")))
        return err_set(err, E_DATA, "a run's last record tells damaged counters of its server");
    if (!drawn_from_json(&result->drawn, json_object_get(json, "drawn")))
        return err_set(err, E_DATA, "a run's last record tells damaged figures of what was drawn");
    if (!checked_report_from_json(&result->checked, json_object_get(json, "verification")))
        return err_set(err, E_DATA, "a run's last record tells damaged findings of --verify");
    if (!stream_results_from_json(result, json_object_get(json, "streams")))
        return err_set(err, E_DATA, "a run's last record tells damaged figures of its workloads");
    result->foreign_count = json_value_foreign(result->foreign, json_object_get(json, "verdict"));
    result->seconds = json_number_value(seconds);
    result->due_seconds = json_number_value(due_seconds);
    /* not in older journals, both of them */
    result->stopped = json_is_true(json_object_get(json, "stopped"));
    const json_t *stopped_by = json_object_get(json, "stopped_by");
    const json_int_t by = json_is_integer(stopped_by) ? json_integer_value(stopped_by) : -1;
    result->stopped_by = by >= 0 && by < NOTE_BY_COUNT ? (int)by : -1;
    result->worker_count = (uint32_t)json_array_size(workers);
    return OK;
}
