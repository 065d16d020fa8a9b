#include "orchestrator/commands/bench_steps.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "orchestrator/options/rate_steps.h"
#include "orchestrator/options/rate_text.h"

#define STDIN_MAX_BYTES (512u * 1024 * 1024)
#define PREFILL_PIPELINE 16u
/* Elements that a read which consumes them gets when time decides how many it reads. */
#define PREFILL_CONSUMED_DEFAULT 100000u
/* Key numbers of one hash tag while a request has few of them. */
#define PREFILL_NUMBERS_PER_TAG 10u
#define MONTH_NS (30ull * 24 * 3600 * NS_PER_SECOND)
#define YEAR_NS (365ull * 24 * 3600 * NS_PER_SECOND)
#define PREFILL_CONSUMED_MAX 100000000000ull
#define NUMBER "__rand_" /* begins what differs from one key to the next */

static enum err_code read_stdin(struct bench_steps *steps, struct err *err)
{
    size_t room = 64 * 1024, used = 0;
    char *bytes = malloc(room);
    while (bytes != NULL) {
        ssize_t got = read(STDIN_FILENO, bytes + used, room - used - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            free(bytes);
            return err_set_errno(err, E_USAGE, errno, "-x: cannot read standard input");
        }
        if (got == 0)
            break;
        used += (size_t)got;
        if (used > STDIN_MAX_BYTES) {
            free(bytes);
            return err_set(err, E_USAGE, "-x: standard input holds more than 512 MB");
        }
        if (used + 1 == room) {
            char *grown = realloc(bytes, room *= 2);
            if (grown == NULL)
                free(bytes);
            bytes = grown;
        }
    }
    if (bytes == NULL)
        return err_set(err, E_SYSTEM, "-x: no memory for standard input");
    bytes[used] = '\0';
    steps->stdin_argument = bytes;
    steps->stdin_bytes = used;
    return OK;
}

/* "set key <stdin>": what was read may be long, and is no name. Another tool's name has no place for it. */
static enum err_code make_title(struct bench_steps *steps, const struct spec *spec, struct err *err)
{
    size_t room = sizeof "<stdin>";
    for (size_t i = 0; i < spec->load.command_argc; i++)
        room += strlen(spec->load.command[i]) + 1;
    steps->title = malloc(room);
    if (steps->title == NULL)
        return err_set(err, E_SYSTEM, "no memory for a command's name");
    size_t used = 0;
    for (size_t i = 0; i < spec->load.command_argc; i++)
        used += (size_t)snprintf(steps->title + used, room - used, "%s ", spec->load.command[i]);
    if (!spec->load.requests_are_commands)
        snprintf(steps->title + used, room - used, "<stdin>");
    else if (used > 0)
        steps->title[used - 1] = '\0';
    return OK;
}

/* The arguments behind "--", and with -x standard input as the last one. */
static enum err_code collect_command(struct bench_steps *steps, const struct spec *spec,
                                     struct err *err)
{
    size_t argc = spec->load.command_argc;
    steps->command = calloc(argc + 1, sizeof steps->command[0]);
    steps->command_bytes = calloc(argc + 1, sizeof steps->command_bytes[0]);
    if (steps->command == NULL || steps->command_bytes == NULL)
        return err_set(err, E_SYSTEM, "no memory for a command of %zu arguments", argc);
    for (size_t i = 0; i < argc; i++) {
        steps->command[i] = spec->load.command[i];
        steps->command_bytes[i] = strlen(spec->load.command[i]);
    }
    if (!spec->load.last_argument_from_stdin)
        return OK;
    enum err_code code = make_title(steps, spec, err);
    if (code == OK)
        code = read_stdin(steps, err);
    if (code == OK) {
        steps->command[argc] = steps->stdin_argument;
        steps->command_bytes[argc] = steps->stdin_bytes;
    }
    return code;
}

static enum err_code add_step(struct bench_steps *steps, const struct workload_source *source,
                              const struct spec *spec, const char *prefill_for, struct err *err)
{
    struct bench_step *step = &steps->steps[steps->count];
    step->spec = *spec;
    step->prefill_for = prefill_for;
    enum err_code code = workload_create(&step->workload, source, &step->spec, err);
    if (code != OK)
        return code;
    const char *asking = workload_asks_replicas(step->workload);
    if (asking != NULL && spec->endpoint.replica_reads != REPLICA_READS_YES) {
        code = err_set(err, E_USAGE,
                       "%s: class %s is asked of replicas (until: hit), and %s: give "
                       "--read-from-replica yes",
                       workload_title(step->workload), asking,
                       spec->endpoint.replica_reads == REPLICA_READS_NO
                           ? "requests do not go there"
                           : "some would ask the primary, which knows at once");
        workload_destroy(step->workload);
        return code;
    }
    uint64_t commands = workload_replies(step->workload);
    if (spec->load.requests_are_commands)
        step->spec.load.requests = (spec->load.requests + commands - 1) / commands;
    steps->count++;
    return OK;
}

/* Filling is not measuring: closed loop, with all connections from the start on. */
static void at_full_speed(struct spec *spec)
{
    spec->load.duration_ns = 0;
    spec->load.warmup_ns = 0;
    spec->load.steady_auto = false;
    spec->rate.steps = NULL;
    spec->buffer.wanted = false;
    spec->rate.step_count = 0;
    spec->rate.warmup_micro = 0;
    spec->rate.text[0] = '\0';
    spec->rate.shed_after_ns = 0;
    spec->rate.control_path = NULL;
    spec->load.client_ramp = (struct client_ramp){.start_clients = 0};
    spec->load.think_ns = 0;
}

/* The spec of a step that writes every key of the range once. */
static struct spec writing_spec(const struct spec *spec)
{
    struct spec writing = *spec;
    at_full_speed(&writing);
    writing.load.sequential_random_start = false;
    writing.connections.reconnect_every =
        0; /* what wears connections out is measured, not in what fills keys */
    writing.endpoint.tracking = false;
    if (writing.load.pipeline < PREFILL_PIPELINE)
        writing.load.pipeline = PREFILL_PIPELINE;
    writing.load.requests = spec->load.keyspace;
    if (spec->load.key_order == KEYS_RANDOM)
        writing.load.key_order = KEYS_SEQUENTIAL;
    return writing;
}

/* One element a request of a test that takes them away. */
static enum err_code write_for_each_request(struct spec *writing, const struct spec *spec,
                                            const char *name, struct err *err)
{
    writing->load.requests =
        spec->load.duration_ns > 0 ? PREFILL_CONSUMED_DEFAULT : spec->load.requests;
    if (writing->load.requests > PREFILL_CONSUMED_MAX)
        return err_set(err, E_USAGE,
                       "--prefill: %s takes one element a request; at most %llu can be written",
                       name, PREFILL_CONSUMED_MAX);
    writing->load.key_order = KEYS_SEQUENTIAL;
    writing->load.keyspace = writing->load.requests;
    writing->load.keyspace_offset = 0;
    return OK;
}

/* What the prefill that was added last leaves behind. Where it may write the same keys as those before it, the larger
 * number counts. */
static void expect_keys(struct bench_steps *steps, uint64_t keys, bool different)
{
    const uint32_t last = steps->count - 1;
    uint64_t there = 0;
    /* What went to another database is not there. */
    for (uint32_t i = last; i > 0 && steps->steps[i - 1].prefill_for != NULL && there == 0; i--)
        if (steps->steps[i - 1].spec.endpoint.database == steps->steps[last].spec.endpoint.database)
            there = steps->steps[i - 1].keys_expected;
    steps->steps[last].keys_written = keys;
    steps->steps[last].keys_expected = different ? there + keys : keys > there ? keys : there;
}

/* Writes once what the test reads: every key of its range, the elements of its list, or one element
 * a request when reading consumes them. */
static enum err_code add_prefill(struct bench_steps *steps, const struct workload_test *test,
                                 const struct spec *spec, struct err *err)
{
    struct spec writing = writing_spec(spec);
    enum err_code code = OK;
    if (test->prefill_elements > 0)
        writing.load.requests = test->prefill_elements;
    else if (test->prefill_per_request)
        code = write_for_each_request(&writing, spec, test->name, err);
    struct workload_source source = {
        .test = workload_test_find(test->prefill_name),
        .tagged = spec->endpoint.cluster && test->tagged_on_cluster,
    };
    if (code == OK)
        code = add_step(steps, &source, &writing, test->title, err);
    if (code == OK)
        expect_keys(steps, strstr(source.test->argv[1], NUMBER) != NULL ? writing.load.requests : 1,
                    false);
    return code;
}

/* The key behind the name of the command that begins at *from, which moves to the next one. */
static const char *next_key(const struct prefill_write *write, size_t *from)
{
    const size_t repeated = write->argv[*from][strspn(write->argv[*from], "0123456789")] == '\0';
    const char *key = write->argv[*from + repeated + 1];
    while (*from < write->argc && strcmp(write->argv[*from], ";") != 0)
        ++*from;
    ++*from;
    return key;
}

/* Numbers are filled up with zeros: other lengths are other keys, and so are other beginnings. */
static bool may_be_same(const char *key, const char *other)
{
    const size_t begins = (size_t)(strstr(key, NUMBER) - key);
    const size_t other_begins = (size_t)(strstr(other, NUMBER) - other);
    return strlen(key) == strlen(other) &&
           strncmp(key, other, begins < other_begins ? begins : other_begins) == 0;
}

/* Keys that a request writes, and no other request does. */
static uint64_t keys_of_write(const struct prefill_write *write)
{
    uint64_t keys = 0;
    for (size_t at = 0; at < write->argc;) {
        const size_t here = at;
        const char *key = next_key(write, &at);
        bool again = strstr(key, NUMBER) == NULL;
        for (size_t earlier = 0; earlier < here && !again;) {
            const char *other = next_key(write, &earlier);
            again = strstr(other, NUMBER) != NULL && may_be_same(key, other);
        }
        keys += !again;
    }
    return keys;
}

static enum err_code add_write(struct bench_steps *steps, const struct prefill_write *write,
                               const struct spec *writing, struct err *err)
{
    const struct workload_source source = {
        .argv = write->argv, .argc = write->argc, .title = write->title};
    if (write->argc == 0)
        return OK;
    enum err_code code = add_step(steps, &source, writing, write->title, err);
    const uint64_t keys = code == OK ? keys_of_write(write) : 0;
    if (code == OK)
        expect_keys(steps, keys > 0 ? keys * writing->load.requests : 1, false);
    return code;
}

/* The same for a command of the user's. */
static enum err_code add_own_prefill(struct bench_steps *steps, const struct spec *spec,
                                     struct err *err)
{
    if (spec->load.last_argument_from_stdin)
        return err_set(err, E_USAGE,
                       "--prefill cannot write what a command reads whose last argument comes from "
                       "standard input (-x)");
    struct prefill *prefill = &steps->prefill;
    struct spec writing = writing_spec(spec), consumed = writing;
    enum err_code code =
        prefill_derive(prefill, spec->load.command, spec->load.command_argc, spec, err);
    if (!prefill->stored.numbered)
        writing.load.requests = 1;
    if (code == OK)
        code = add_write(steps, &prefill->stored, &writing, err);
    if (code == OK && prefill->consumed.argc > 0)
        code = write_for_each_request(&consumed, spec, spec->load.command[0], err);
    return code == OK ? add_write(steps, &prefill->consumed, &consumed, err) : code;
}

/* What was written has the tags of single numbers. */
static enum err_code check_tags(const struct bench_step *reading, struct err *err)
{
    const uint64_t numbers = workload_numbers_per_tag(reading->workload);
    if (numbers <= PREFILL_NUMBERS_PER_TAG)
        return OK;
    return err_set(
        err, E_USAGE,
        "--prefill cannot write what a request with more than %u keys of one {tag} reads",
        PREFILL_NUMBERS_PER_TAG);
}

static enum err_code add_command(struct bench_steps *steps, const struct spec *spec,
                                 struct err *err)
{
    enum err_code code = collect_command(steps, spec, err);
    if (code == OK && spec->load.prefill)
        code = add_own_prefill(steps, spec, err);
    const struct workload_source source = {
        .argv = steps->command,
        .argv_bytes = steps->command_bytes,
        .title = steps->title,
        .argc = spec->load.command_argc + (spec->load.last_argument_from_stdin ? 1u : 0u),
        .last_verbatim =
            spec->load.last_argument_from_stdin && spec->load.placeholders == PLACEHOLDERS_OWN,
    };
    if (code == OK)
        code = add_step(steps, &source, spec, NULL, err);
    if (code != OK)
        return code;
    struct bench_step *reading = &steps->steps[steps->count - 1];
    for (uint32_t i = 0; i + 1 < steps->count; i++)
        steps->steps[i].prefill_for = workload_title(reading->workload);
    if (spec->load.prefill)
        return check_tags(reading, err);
    struct err ignored = {.code = OK};
    reading->could_prefill = !spec->load.last_argument_from_stdin &&
                             prefill_derive(&steps->prefill, spec->load.command,
                                            spec->load.command_argc, spec, &ignored) == OK &&
                             check_tags(reading, &ignored) == OK;
    return OK;
}

enum err_code prefill_plan_make(struct prefill_plan *writing, const struct workload_plan *plan,
                                size_t index, struct err *err)
{
    const struct plan_prefill *prefill = &plan->prefills[index];
    writing->plan = *plan;
    writing->key_spaces = calloc(plan->key_space_count, sizeof writing->key_spaces[0]);
    if (writing->key_spaces == NULL)
        return err_set(err, E_SYSTEM, "no memory for what fills keys");
    for (size_t i = 0; i < plan->key_space_count; i++)
        writing->key_spaces[i] = plan->key_spaces[i];
    writing->key_spaces[prefill->key_space].order =
        (struct key_order_wish){.kind = ORDER_SEQUENTIAL};
    snprintf(writing->name, sizeof writing->name, "prefill of %s",
             plan->key_spaces[prefill->key_space].name);
    writing->plan.name = writing->name;
    writing->plan.key_spaces = writing->key_spaces;
    writing->plan.classes = &prefill->write;
    writing->plan.class_count = 1;
    writing->plan.prefill_count = 0;
    writing->plan.consumer_count = 0;
    return OK;
}

/* Whether the key of a prefill's command is one of its key space: "SET {key:NAME} ...". */
static bool writes_its_keys(const struct workload_plan *plan, const struct plan_prefill *prefill)
{
    const struct plan_command *command = &prefill->write.commands[0];
    char named[PLAN_CLASS_NAME_BYTES + 80];
    snprintf(named, sizeof named, "{key:%s", plan->key_spaces[prefill->key_space].name);
    if (command->word_count < 2)
        return false;
    const char *at = strstr(command->words[1], named);
    if (at != NULL && strchr("}#", at[strlen(named)]) != NULL)
        return true;
    return plan->key_space_count == 1 && strstr(command->words[1], "{key}") != NULL;
}

/* Whether an earlier prefill may write the same keys: also one of a workload beside it. */
static bool shares_keys(const struct bench_steps *steps, const struct workload_plan *plan,
                        size_t index)
{
    const char *prefix = plan->key_spaces[plan->prefills[index].key_space].prefix;
    for (size_t i = 0; i < index; i++)
        if (strcmp(plan->key_spaces[plan->prefills[i].key_space].prefix, prefix) == 0)
            return true;
    return steps->plan_count > index + 1;
}

static enum err_code add_prefills(struct bench_steps *steps, const struct workload_plan *plan,
                                  const struct spec *spec, struct err *err)
{
    enum err_code code = OK;
    if (spec->load.prefill && steps->plan_count + plan->prefill_count > BENCH_STEPS_MAX - 1)
        return err_set(err, E_USAGE, "--prefill: the workloads have more than %u prefills",
                       BENCH_STEPS_MAX - 1);
    for (size_t i = 0; spec->load.prefill && i < plan->prefill_count && code == OK; i++) {
        struct prefill_plan *filling = &steps->plans[steps->plan_count++];
        struct spec writing = writing_spec(spec);
        writing.load.requests = plan->key_spaces[plan->prefills[i].key_space].count;
        code = prefill_plan_make(filling, plan, i, err);
        if (code == OK)
            code = add_step(steps, &(struct workload_source){.plan = &filling->plan}, &writing,
                            plan->name, err);
        const bool own = writes_its_keys(plan, &plan->prefills[i]);
        if (code == OK)
            expect_keys(steps, own ? writing.load.requests : 1,
                        own && !shares_keys(steps, plan, i));
    }
    return code;
}

static enum err_code add_workload(struct bench_steps *steps, const struct workload_plan *plan,
                                  const struct spec *spec, struct err *err)
{
    enum err_code code = add_prefills(steps, plan, spec, err);
    if (code == OK)
        code = add_step(steps, &(struct workload_source){.plan = plan}, spec, NULL, err);
    if (code == OK)
        steps->steps[steps->count - 1].could_prefill =
            !spec->load.prefill && plan->prefill_count > 0;
    return code;
}

static enum err_code add_tests(struct bench_steps *steps, const struct spec *spec, struct err *err)
{
    /* valkey-benchmark fills the list of LRANGE with a run of LPUSH that is reported like a test. */
    const struct workload_source list_setup = {.test = workload_test_find("lpush"),
                                               .title = "LPUSH (needed to benchmark LRANGE)"};
    enum err_code code = OK;
    bool list_ready = false;
    for (uint32_t i = 0; i < spec->load.test_count && code == OK; i++) {
        const struct workload_test *test = workload_test_find(spec->load.tests[i]);
        if (test == NULL)
            return err_set(err, E_USAGE, "unknown test %s", spec->load.tests[i]);
        if (spec->load.test_plans[i] != NULL && test->prefill_elements == 0) {
            code = add_workload(steps, spec->load.test_plans[i], spec, err);
            continue;
        }
        if (spec->load.prefill && test->prefill_name != NULL) {
            code = add_prefill(steps, test, spec, err);
        } else if (test->prefill_elements > 0 && !list_ready) {
            code = add_step(steps, &list_setup, spec, NULL, err);
            list_ready = true;
        }
        if (code == OK)
            code = add_step(steps, &(struct workload_source){.test = test}, spec, NULL, err);
        if (code == OK)
            steps->steps[steps->count - 1].could_prefill =
                !spec->load.prefill && test->prefill_name != NULL;
    }
    return code;
}

/* What the run has, with what this workload has of its own. */
static struct spec spec_of_stream(const struct spec *spec, const struct spec_stream *stream)
{
    struct spec own = *spec;
    own.load.workload = stream->plan;
    own.load.clients = stream->clients;
    own.load.pipeline = stream->pipeline;
    own.rate = stream->rate;
    own.endpoint.database = stream->database;
    own.endpoint.user = stream->user;
    own.endpoint.password = stream->password;
    if (own.rate.steps != NULL)
        own.load.think_ns = 0;
    return own;
}

static enum err_code add_beside(struct bench_steps *steps, const struct spec_stream *stream,
                                const struct spec *spec, struct err *err)
{
    struct bench_step *step = &steps->beside[steps->beside_count];
    *step = (struct bench_step){.spec = *spec, .stream = stream->name};
    step->could_prefill = !spec->load.prefill && stream->plan->prefill_count > 0;
    const struct workload_source source = {.plan = stream->plan};
    enum err_code code = workload_create(&step->workload, &source, &step->spec, err);
    steps->beside_count += code == OK;
    return code;
}

static enum err_code check_class_names(const struct bench_steps *steps, struct err *err)
{
    const struct bench_step *first = &steps->steps[steps->count - 1];
    uint32_t classes = 0;
    for (uint32_t i = 0; i < bench_steps_together(steps, first); i++)
        classes += workload_class_count(bench_steps_beside(steps, first, i)->workload);
    if (classes > CLASSES_MAX)
        return err_set(err, E_USAGE,
                       "--workload: the workloads side by side have %u classes of requests in all, "
                       "with those that follow a miss; at most %u are possible",
                       classes, CLASSES_MAX);
    return OK;
}

/* All that fills keys comes first. */
static enum err_code add_streams(struct bench_steps *steps, const struct spec *spec,
                                 struct err *err)
{
    const struct spec_stream *streams = spec->load.streams;
    const uint32_t count = spec->load.stream_count;
    enum err_code code = OK;
    steps->beside = calloc(count, sizeof steps->beside[0]);
    if (steps->beside == NULL)
        return err_set(err, E_SYSTEM, "no memory for the steps of a session");
    for (uint32_t i = 0; i < count && code == OK; i++) {
        const struct spec own = spec_of_stream(spec, &streams[i]);
        code = add_prefills(steps, streams[i].plan, &own, err);
    }
    for (uint32_t i = 0; i < count && code == OK; i++) {
        const struct spec own = spec_of_stream(spec, &streams[i]);
        code = i == 0 ? add_step(steps, &(struct workload_source){.plan = streams[i].plan}, &own,
                                 NULL, err)
                      : add_beside(steps, &streams[i], &own, err);
    }
    if (code != OK)
        return code;
    struct bench_step *first = &steps->steps[steps->count - 1];
    first->stream = count > 1 ? streams[0].name : NULL;
    first->could_prefill = !spec->load.prefill && streams[0].plan->prefill_count > 0;
    return check_class_names(steps, err);
}

/* What the polyglot benchmark sends without a file. */
static enum err_code add_usual_custom(struct bench_steps *steps, const struct spec *spec,
                                      struct err *err)
{
    static const char *const command[] = {"SET", "default:key", "default:value"};
    const struct workload_source source = {.argv = command, .argc = 3, .title = "CUSTOM"};
    return add_step(steps, &source, spec, NULL, err);
}

static enum err_code add_custom(struct bench_steps *steps, const struct spec *spec, struct err *err)
{
    if (spec->load.custom.file == NULL)
        return add_usual_custom(steps, spec, err);
    steps->custom = malloc(sizeof *steps->custom);
    if (steps->custom == NULL)
        return err_set(err, E_SYSTEM, "no memory for a plug-in");
    enum err_code code = custom_prepare(steps->custom, spec, err);
    const struct plugin_source *plugin = &steps->custom->source;
    if (code == OK && plugin->found.delays && spec->rate.step_count > 0)
        return err_set(err, E_USAGE,
                       "%s has a delay of its own, which goes with a closed loop: leave the rate "
                       "out, or the delay",
                       spec->load.custom.file);
    const struct workload_source source = {.plugin = plugin, .title = steps->custom->title};
    return code == OK ? add_step(steps, &source, spec, NULL, err) : code;
}

/* What is sent is in the file; the step has a workload for what is asked of any. */
static enum err_code add_replay(struct bench_steps *steps, const struct spec *spec, struct err *err)
{
    static const char *const stand_in[] = {"PING"};
    const char *slash = strrchr(spec->load.replay->path, '/');
    char title[80];
    snprintf(title, sizeof title, "replay of %.60s",
             slash != NULL ? slash + 1 : spec->load.replay->path);
    return add_step(steps,
                    &(struct workload_source){
                        .argv = stand_in, .argc = 1, .replay = spec->load.replay, .title = title},
                    spec, NULL, err);
}

static enum err_code add_all(struct bench_steps *steps, const struct spec *spec, struct err *err)
{
    if (spec->load.custom.is_wanted)
        return add_custom(steps, spec, err);
    if (spec->load.replay != NULL)
        return add_replay(steps, spec, err);
    if (spec->load.stream_count > 0)
        return add_streams(steps, spec, err);
    if (spec->load.workload != NULL)
        return add_workload(steps, spec->load.workload, spec, err);
    if (spec->load.command == NULL)
        return add_tests(steps, spec, err);
    return add_command(steps, spec, err);
}

/* They stay behind the others, which name them. */
static enum err_code leave_out_tests(struct bench_steps *steps, struct err *err)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < steps->count; i++) {
        if (steps->steps[i].prefill_for == NULL)
            continue;
        const struct bench_step test = steps->steps[kept];
        steps->steps[kept++] = steps->steps[i];
        steps->steps[i] = test;
    }
    steps->count = kept;
    steps->beside_count = 0;
    return kept > 0 ? OK
                    : err_set(err, E_USAGE,
                              "--prefill-only: there is nothing to write; name a test or a command "
                              "that reads, or a workload with a prefill");
}

enum err_code bench_steps_build(struct bench_steps *steps, const struct spec *spec, struct err *err)
{
    *steps = (struct bench_steps){.steps = calloc(BENCH_STEPS_MAX, sizeof steps->steps[0]),
                                  .plans = calloc(BENCH_STEPS_MAX, sizeof steps->plans[0])};
    if (steps->steps == NULL || steps->plans == NULL)
        return err_set(err, E_SYSTEM, "no memory for the steps of a session");
    enum err_code code = add_all(steps, spec, err);
    steps->made = steps->count;
    steps->beside_made = steps->beside_count;
    return code == OK && spec->load.prefill_only ? leave_out_tests(steps, err) : code;
}

void bench_steps_free(struct bench_steps *steps)
{
    if (steps->steps != NULL)
        for (uint32_t i = 0; i < steps->made; i++)
            workload_destroy(steps->steps[i].workload);
    free(steps->steps);
    for (uint32_t i = 0; i < steps->beside_made; i++)
        workload_destroy(steps->beside[i].workload);
    free(steps->beside);
    for (size_t i = 0; i < steps->plan_count; i++)
        free(steps->plans[i].key_spaces);
    free(steps->plans);
    prefill_free(&steps->prefill);
    free(steps->custom);
    free(steps->stdin_argument);
    free(steps->title);
    free(steps->command);
    free(steps->command_bytes);
    *steps = (struct bench_steps){0};
}

void bench_step_set_rate(struct bench_step *step, struct rate_step *room, uint64_t rate_micro)
{
    struct spec *spec = &step->spec;
    char rate[RATE_TEXT_BYTES];
    *room = rate_step_constant(rate_micro);
    spec->rate.steps = room;
    spec->rate.step_count = 1;
    spec->rate.warmup_micro = rate_micro;
    snprintf(spec->rate.text, sizeof spec->rate.text, "%s/s, %s",
             rate_format(rate, sizeof rate, rate_micro),
             spec->rate.arrival == ARRIVAL_POISSON ? "poisson" : "even");
}

/* When the last request of -n falls due; without memory for that: as if nothing was known. */
static uint64_t last_request_ns(const struct spec *spec)
{
    schedule_hint hint = 0;
    struct schedule *schedule = rate_steps_schedule(spec->rate.steps, spec->rate.step_count);
    uint64_t last_ns =
        schedule != NULL ? schedule_time_ns(schedule, spec->load.requests, &hint) : 0;
    free(schedule);
    return last_ns < YEAR_NS ? last_ns : YEAR_NS;
}

static uint64_t step_ns(const struct spec *spec)
{
    uint64_t warmup_ns = spec->load.steady_auto ? spec->load.steady_limit_ns : spec->load.warmup_ns;
    uint64_t measured_ns = spec->load.duration_ns;
    if (measured_ns == 0 && spec->rate.steps != NULL)
        measured_ns = last_request_ns(spec);
    return warmup_ns + measured_ns;
}

uint64_t bench_steps_planned_ns(const struct bench_steps *steps)
{
    uint64_t sum_ns = 0;
    for (uint32_t i = 0; i < steps->count; i++) {
        if (steps->steps[i].spec.load.loop && sum_ns < MONTH_NS)
            sum_ns = MONTH_NS;
        sum_ns += step_ns(&steps->steps[i].spec);
        if (sum_ns > YEAR_NS)
            sum_ns = YEAR_NS;
    }
    return sum_ns;
}
