#include "orchestrator/suite/suite_stage.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/printable.h"
#include "orchestrator/machine/cpu_order.h"
#include "orchestrator/report/shell_word.h"

const char *suite_stage_name(enum suite_stage stage)
{
    static const char *const names[] = {"populate", "warm up", "measure"};
    return names[stage];
}

#define FIGURE_MAX 1e12

/* --- which stages there are ------------------------------------------------------------------ */

/* volley writes what its own tests read, and no more than that. */
static bool fills_itself(const struct suite_tool *tool, const struct suite_combination *combination)
{
    const struct suite_command *command = combination->command;
    return tool->is_volley && combination->of == NULL &&
           (command->mix != NULL || (command->test != NULL && !tool->fills_apart));
}

bool suite_stage_runs(const struct suite_stage_wish *wish, enum suite_stage stage)
{
    const struct suite_command *command = wish->combination->command;
    switch (stage) {
    case SUITE_POPULATE:
        return (command->populate_test != NULL || command->populate_words != NULL) &&
               !fills_itself(wish->tool, wish->combination);
    case SUITE_WARM_UP:
        return wish->combination->warmup_seconds > 0 && !wish->tool->has_warmup;
    default:
        return true;
    }
}

/* --- arguments ------------------------------------------------------------------------------- */

static void add(struct suite_argv *argv, const char *word)
{
    if (argv->count < SUITE_ARGV_MAX)
        argv->items[argv->count++] = word;
    argv->items[argv->count] = NULL;
}

static void add_text(struct suite_argv *argv, const char *format, ...) PRINTF_LIKE(2, 3);
static void add_text(struct suite_argv *argv, const char *format, ...)
{
    char *text = argv->text + argv->used;
    va_list args;
    va_start(args, format);
    const int bytes = vsnprintf(text, sizeof argv->text - argv->used, format, args);
    va_end(args);
    if (bytes >= 0 && (size_t)bytes < sizeof argv->text - argv->used) {
        argv->used += (size_t)bytes + 1;
        add(argv, text);
    }
}

static void add_number(struct suite_argv *argv, const char *name, uint64_t number)
{
    add(argv, name);
    add_text(argv, "%llu", (unsigned long long)number);
}

static void add_pair(struct suite_argv *argv, const char *name, const char *value)
{
    add(argv, name);
    add(argv, value);
}

static void add_target(struct suite_argv *argv, const struct suite_stage_wish *wish)
{
    const struct suite_target *target = wish->target;
    add_pair(argv, "-h", target->host);
    add(argv, "-p");
    if (target->port > 0)
        add_text(argv, "%u", target->port);
    else
        add(argv, "PORT");
    if (wish->combination->block->cluster)
        add(argv, "--cluster");
    if (target->user != NULL)
        add_pair(argv, "--user", target->user);
    if (!wish->combination->block->tls)
        return;
    add(argv, "--tls");
    if (target->cacert != NULL)
        add_pair(argv, "--cacert", target->cacert);
    if (target->cert != NULL)
        add_pair(argv, "--cert", target->cert);
    if (target->key != NULL)
        add_pair(argv, "--key", target->key);
    if (target->any_name && wish->tool->is_volley)
        add(argv, "--any-name");
}

/* Sizes are powers of two without a unit, too: the digits are bytes in both tools. */
static void add_load(struct suite_argv *argv, const struct suite_stage_wish *wish,
                     enum suite_stage stage)
{
    const struct suite_combination *combination = wish->combination;
    const struct suite_cpus *cpus =
        wish->cpus != NULL ? wish->cpus : &combination->block->client_cpus;
    const uint64_t fillers = stage == SUITE_POPULATE && combination->of != NULL
                                 ? combination->of->scenario->populate_clients
                                 : 0;
    add_number(argv, "-d", combination->data_bytes);
    if (combination->buffer == NULL)
        add_number(argv, "-P", combination->pipeline);
    else if (stage == SUITE_MEASURE)
        add_pair(argv, "--buffer", combination->buffer);
    add_number(argv, "-c", fillers > 0 ? fillers : combination->clients);
    if (wish->seed != SUITE_SEED_OPEN)
        add_number(argv, "--seed", wish->seed);
    else
        add_pair(argv, "--seed", "SEED");
    if (combination->block->benchmark_threads > 0 && wish->tool->has_threads)
        add_number(argv, "--threads", combination->block->benchmark_threads);
    if (cpus->count > 0 && wish->tool->is_volley) {
        char list[256];
        add(argv, "--cpus");
        add_text(argv, "%s", cpu_order_list(list, sizeof list, cpus->items, cpus->count));
    }
}

/* Text of a command without a test. valkey-benchmark has a key for each node of a cluster; volley sends each to its own. */
static void add_words(struct suite_argv *argv, const struct suite_stage_wish *wish,
                      const char *const *words)
{
    static const char tag[] = "{tag}";
    const bool cluster = wish->combination->block->cluster && !wish->tool->is_volley;
    for (size_t i = 0; words[i] != NULL; i++) {
        const char *const word = words[i];
        const char *const found = cluster ? NULL : strstr(word, tag);
        const bool colon = found != NULL && found > word && found[-1] == ':';
        if (found == NULL)
            add(argv, word);
        else
            add_text(argv, "%.*s%s", (int)(found - word) - colon, word, found + strlen(tag));
    }
}

/* Each as a shell cuts it; they were checked when they were read. */
static void add_arguments(struct suite_argv *argv, const struct suite_words *arguments)
{
    for (size_t i = 0; i < arguments->count; i++) {
        const char *at = arguments->items[i].text;
        for (at += strspn(at, " \t"); *at != '\0'; at += strspn(at, " \t")) {
            char *out = argv->text + argv->used;
            if (argv->used + strlen(at) + 2 > sizeof argv->text)
                return;
            add(argv, out);
            if (!shell_word_take(&out, &at))
                return;
            argv->used = (size_t)(out - argv->text);
        }
    }
}

static void add_command(struct suite_argv *argv, const struct suite_stage_wish *wish)
{
    const struct suite_command *command = wish->combination->command;
    if (command->mix != NULL)
        add_pair(argv, "--mix", command->mix);
    else if (command->test != NULL)
        add_pair(argv, "-t", command->test);
    else {
        if (wish->tool->is_volley)
            add(argv, "--");
        add_words(argv, wish, command->words);
    }
}

static void add_keys(struct suite_argv *argv, const struct suite_stage_wish *wish, bool sequential)
{
    const uint64_t keyspace = wish->combination->keyspace;
    if (keyspace == 0)
        return;
    if (sequential && wish->tool->is_volley)
        add_number(argv, "--sequential", keyspace);
    else
        add_number(argv, "-r", keyspace);
    if (sequential && !wish->tool->is_volley)
        add(argv, "--sequential");
}

/* Every key of the key space, or what is taken away, once. */
static void add_populate(struct suite_argv *argv, const struct suite_stage_wish *wish)
{
    const struct suite_combination *combination = wish->combination;
    const struct suite_command *command = combination->command;
    uint64_t count = combination->keyspace;
    if (command->consumes && combination->requests > count)
        count = combination->requests;
    add_number(argv, "-n", count);
    add_keys(argv, wish, true);
    if (combination->of != NULL)
        add_arguments(argv, &combination->of->scenario->populate_benchmark_args);
    if (command->populate_test != NULL) {
        add_pair(argv, "-t", command->populate_test);
        return;
    }
    if (wish->tool->is_volley)
        add(argv, "--");
    add_words(argv, wish, command->populate_words);
}

/* What only scenarios have: a table, and options of their own. */
static void add_case(struct suite_argv *argv, const struct suite_case *one)
{
    const struct suite_scenario *part = one->part;
    if (part->dataset != NULL)
        add_pair(argv, "--dataset", part->dataset);
    if (part->maxdocs > 0)
        add_number(argv, "--maxdocs", part->maxdocs);
    add_arguments(argv, part->benchmark_args.count > 0 ? &part->benchmark_args
                                                       : &one->scenario->benchmark_args);
}

static void add_length(struct suite_argv *argv, const struct suite_stage_wish *wish,
                       enum suite_stage stage)
{
    const struct suite_combination *combination = wish->combination;
    if (stage == SUITE_WARM_UP) {
        add(argv, "-l"); /* until it is told to end */
        return;
    }
    if (combination->warmup_seconds > 0 && wish->tool->has_warmup)
        add_number(argv, "--warmup", combination->warmup_seconds);
    if (combination->requests > 0)
        add_number(argv, "-n", combination->requests);
    else
        add_number(argv, wish->tool->is_volley ? "--test-duration" : "--duration",
                   combination->duration_seconds);
}

void suite_stage_argv(struct suite_argv *argv, const struct suite_stage_wish *wish,
                      enum suite_stage stage)
{
    const bool is_volley = wish->tool->is_volley;
    argv->count = argv->used = 0;
    add(argv, wish->tool->path);
    if (is_volley)
        add(argv, "bench");
    add_target(argv, wish);
    add_load(argv, wish, stage);
    if (!is_volley)
        add(argv, "--csv");
    if (stage == SUITE_POPULATE) {
        add_populate(argv, wish);
        return;
    }
    add_length(argv, wish, stage);
    const struct suite_case *one = wish->combination->of;
    add_keys(argv, wish, one != NULL && (one->part->sequential || one->scenario->sequential));
    if (one != NULL)
        add_case(argv, one);
    if (is_volley && wish->combination->command->populate_test != NULL &&
        fills_itself(wish->tool, wish->combination))
        add(argv, "--prefill");
    if (wish->json_path != NULL && is_volley)
        add_pair(argv, "--json", wish->json_path);
    if (wish->hdr_path != NULL && is_volley)
        add_pair(argv, "--hdr", wish->hdr_path);
    add_command(argv, wish);
}

void suite_argv_print(FILE *out, const struct suite_argv *argv)
{
    char word[PATH_MAX + 64];
    for (size_t i = 0; i < argv->count; i++) {
        const char *item = argv->items[i];
        const char *slash = i == 0 ? strrchr(item, '/') : NULL;
        (void)shell_word(word, sizeof word, slash != NULL ? slash + 1 : item);
        if (i > 0)
            (void)fputc(' ', out);
        (void)fputs(PRINTABLE(word), out);
    }
}

/* --- tools ----------------------------------------------------------------------------------- */

void suite_tool_describe(struct suite_tool *tool, const char *path, const char *help)
{
    *tool = (struct suite_tool){.is_volley = help == NULL};
    snprintf(tool->path, sizeof tool->path, "%s", path);
    tool->has_sequential = help == NULL || strstr(help, "--sequential") != NULL;
    tool->has_duration = help == NULL || strstr(help, "--duration") != NULL;
    tool->has_warmup = help == NULL || strstr(help, "--warmup") != NULL;
    tool->has_csv = help == NULL || strstr(help, "--csv") != NULL;
    tool->has_threads = help == NULL || strstr(help, "--threads") != NULL;
    tool->has_dataset = help == NULL || strstr(help, "--dataset") != NULL;
}

/* Of a cluster that tool knows whose keys are whose by a tag alone: requests without one go anywhere. */
static bool lacks_tag(const struct suite_combination *combination)
{
    const struct suite_command *command = combination->command;
    bool has_tag = false;
    if (combination->of == NULL || !combination->block->cluster || combination->keyspace == 0 ||
        command->words == NULL)
        return false;
    for (size_t i = 0; command->words[i] != NULL && !has_tag; i++)
        has_tag = strstr(command->words[i], "{tag}") != NULL;
    return !has_tag;
}

static enum err_code check_case(const struct suite_tool *tool,
                                const struct suite_combination *combination, struct err *err)
{
    const struct suite_case *one = combination->of;
    if (one == NULL || tool->is_volley)
        return OK;
    const bool sequential = one->part->sequential || one->scenario->sequential;
    const char *const lacking = one->part->dataset != NULL && !tool->has_dataset ? "--dataset"
                                : sequential && !tool->has_sequential            ? "--sequential"
                                                                                 : NULL;
    if (lacking != NULL)
        return err_set(err, E_CONFIG,
                       "--valkey-benchmark-path: %.200s has no %s, which scenario %.60s asks for; "
                       "volley has",
                       PRINTABLE(tool->path), lacking, one->test_id);
    if (lacks_tag(combination))
        return err_set(err, E_CONFIG,
                       "--valkey-benchmark-path: scenario %.60s: of a cluster's keys that tool "
                       "needs {tag} in the command, as in key:{tag}:__rand_int__",
                       one->test_id);
    return OK;
}

enum err_code suite_tool_check(const struct suite_tool *tool, const struct suite_plan *plan,
                               struct err *err)
{
    if (!tool->has_csv)
        return err_set(err, E_USAGE,
                       "--valkey-benchmark-path: %.200s knows no --csv, by its --help: it is no "
                       "valkey-benchmark",
                       PRINTABLE(tool->path));
    for (size_t i = 0; i < plan->count; i++) {
        const char *lacking = plan->items[i].command->mix != NULL ? "send writes and reads at once"
                              : plan->items[i].buffer != NULL     ? "buffer as a client does"
                                                                  : NULL;
        if (lacking != NULL && !tool->is_volley)
            return err_set(err, E_CONFIG,
                           "--valkey-benchmark-path: %.200s cannot %s, which the configuration "
                           "asks for; volley can",
                           PRINTABLE(tool->path), lacking);
        const enum err_code code = check_case(tool, &plan->items[i], err);
        if (code != OK)
            return code;
        if (plan->items[i].requests == 0 && !tool->has_duration)
            return err_set(err, E_CONFIG,
                           "--valkey-benchmark-path: %s has no --duration, which the "
                           "configuration asks for; give requests there",
                           PRINTABLE(tool->path));
    }
    return OK;
}

/* A field in quotes, and the comma behind it. NULL: there is none. */
static const char *take_field(char *field, size_t field_bytes, const char *at)
{
    const char *end = at[0] == '"' ? strchr(at + 1, '"') : NULL;
    if (end == NULL || (end[1] != ',' && end[1] != '\0' && end[1] != '\n' && end[1] != '\r'))
        return NULL;
    snprintf(field, field_bytes, "%.*s", (int)(end - at - 1), at + 1);
    return end[1] == ',' ? end + 2 : end + 1;
}

bool suite_csv_parse(struct suite_csv_row *row, const char *line)
{
    double *const numbers[] = {&row->rps,    &row->avg_ms, &row->min_ms, &row->p50_ms,
                               &row->p95_ms, &row->p99_ms, &row->max_ms};
    char text[40], *end;
    line = take_field(row->test, sizeof row->test, line);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        line = line != NULL ? take_field(text, sizeof text, line) : NULL;
        if (line == NULL)
            return false;
        *numbers[i] = strtod(text, &end);
        if (end == text || *end != '\0' || !(*numbers[i] >= 0 && *numbers[i] <= FIGURE_MAX))
            return false;
    }
    return true;
}
