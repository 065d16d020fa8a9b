#include "orchestrator/suite/suite_group.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "common/printable.h"
#include "orchestrator/options/bench_options.h"
#include "orchestrator/options/dataset.h"
#include "orchestrator/options/load_limits.h"
#include "orchestrator/options/option_group.h"
#include "orchestrator/report/shell_word.h"

#define COUNT(list) (sizeof(list) / sizeof(list)[0])
#define ID_MAX 60u
#define ARGUMENT_MAX 200u
#define ARGUMENTS_MAX 10u
#define ARGUMENT_WORDS_MAX 40u

/* --- fields ---------------------------------------------------------------------------------- */

static const char *type_at(size_t index)
{
    static const char *const words[] = {"write", "read", "mixed"};
    return index < COUNT(words) ? words[index] : NULL;
}

static const char *execution_at(size_t index)
{
    static const char *const words[] = {"single", "parallel"};
    return index < COUNT(words) ? words[index] : NULL;
}

#define AT(member) offsetof(struct suite_scenario, member)
/* clang-format off: a key reads best as a few short lines */
#define TEXT(name_, member_, help_)                                                                \
    {                                                                                              \
        .row = { ROW(name_, NULL, OPTION_TEXT, NULL, AT(member_)), .help = help_ }                 \
    }
#define FLAG(name_, member_, help_)                                                                \
    {                                                                                              \
        .row = { ROW(name_, NULL, OPTION_FLAG, NULL, AT(member_)), .help = help_ }                 \
    }
#define COUNTED(name_, member_, least_, most_, help_)                                              \
    {                                                                                              \
        .row = {                                                                                   \
            ROW(name_, NULL, OPTION_COUNT, NULL, AT(member_)),                                     \
            NUMBER(least_, most_),                                                                 \
            .help = help_                                                                          \
        }                                                                                          \
    }
#define WORDS(name_, member_, help_)                                                               \
    {                                                                                              \
        .row = {.name = name_, .offset = AT(member_.items), .help = help_}, .form = FILE_LIST,     \
        .of = &word_element, .element_bytes = sizeof(struct suite_word),                           \
        .count_offset = AT(member_.count), .most = 1000, .alone = true                             \
    }
#define UNUSED(name_)                                                                              \
    {                                                                                              \
        .row = {.name = name_, .help = "Left out, with a warning."}, .form = FILE_ANY              \
    }

static const struct file_field word_element = {
    .row = {ROW("word", NULL, OPTION_TEXT, NULL, offsetof(struct suite_word, text)),
            .help = "A word."}};
/* Which may be empty, as a text may not. */
static enum err_code parse_label(void *target, const char *value, struct err *err)
{
    (void)err;
    ((struct suite_variant *)target)->label = value;
    return OK;
}

static const struct file_field variant_element = {
    .row = {ROW("label", NULL, OPTION_CUSTOM, NULL, 0), .parse = parse_label,
            .help = "What test_id has behind the scenario's."}};

/* Of a scenario, and of a part of one. */
#define LOAD_FIELDS                                                                                \
    {.row = {ROW("id", NULL, OPTION_TEXT, NULL, AT(id)),                                           \
             .help = "Its name, another one for each."},                                           \
     .required = true},                                                                            \
        TEXT("description", description, "For people."),                                           \
        TEXT("test", test, "What is sent: SET, GET, ..., as in commands."),                        \
        TEXT("command", command,                                                                   \
             "In place of test: a command line, with __rand_int__, __data__, __field:NAME__."),    \
        TEXT("dataset", dataset,                                                                   \
             "The table that the command's fields are of: .csv, .tsv, or lines of any other "      \
             "file."),                                                                             \
        COUNTED("maxdocs", maxdocs, 1, UINT32_MAX, "No more rows of it than the first so many."),  \
        COUNTED("clients", clients, 1, LOAD_CLIENTS_MAX, "Connections."),                          \
        COUNTED("pipeline", pipeline, 1, LOAD_PIPELINE_MAX,                                        \
                "Requests in flight on a connection; 1."),                                         \
        COUNTED("data_size", data_bytes, 1, LOAD_VALUE_BYTES_MAX, "Bytes of a value; 3."),         \
        COUNTED("keyspacelen", keyspace, 1, LOAD_KEYS_MAX, "How many different keys."),            \
        FLAG("sequential", sequential, "Keys one after the other, in place of at random."),        \
        WORDS("benchmark_args", benchmark_args, "Options of volley bench.")

static const struct file_field part_fields[] = {LOAD_FIELDS};
static const struct file_object part_object = {
    .name = "a write or read", .fields = part_fields, .field_count = COUNT(part_fields)};
static const struct file_field part_element = {.form = FILE_OBJECT,
                                               .object = &part_object,
                                               .row.hint =
                                                   "as in {\"id\": \"set\", \"test\": \"SET\"}"};
#define PARTS(name_, member_, count_, help_)                                                       \
    {                                                                                              \
        .row = {.name = name_, .offset = AT(member_), .help = help_}, .form = FILE_LIST,           \
        .of = &part_element, .element_bytes = sizeof(struct suite_scenario),                       \
        .count_offset = AT(count_), .least = 1, .most = SUITE_PARTS_MAX / 2, .alone = true         \
    }

static const struct file_field scenario_fields[] = {
    LOAD_FIELDS,
    {.row = {ROW("type", NULL, OPTION_WORD, NULL, AT(type)), .value_at = type_at,
             .help = "Whether it writes, reads, or does both at once."},
     .required = true},
    COUNTED("requests", requests, 1, LOAD_REQUESTS_MAX, "How many requests; in place of duration."),
    COUNTED("duration", duration_seconds, 1, LOAD_SECONDS_MAX,
            "How many seconds it measures; a write with maxdocs and neither sends each row once."),
    COUNTED("warmup", warmup_seconds, 0, LOAD_SECONDS_MAX, "Seconds of load before the measuring."),
    COUNTED("warmup_inline", warmup_inline_seconds, 0, LOAD_SECONDS_MAX, "The same; they add up."),
    WORDS("setup_commands", setup_commands, "What the server is told before it."),
    FLAG("flush_before", flush_before, "Empty the server before it."),
    FLAG("restart_before", restart_before, "Begin with a new server."),
    TEXT("populate_with", populate_with,
         "A test or a command that writes each key of the key space once before it."),
    COUNTED("populate_clients", populate_clients, 1, LOAD_CLIENTS_MAX, "Connections that do."),
    WORDS("populate_benchmark_args", populate_benchmark_args, "Options of volley bench for that."),
    {.row = {.name = "options",
             .offset = AT(variants),
             .help = "What the command has behind it, and test_id: it is measured with each."},
     .form = FILE_MAP,
     .of = &variant_element,
     .element_bytes = sizeof(struct suite_variant),
     .count_offset = AT(variant_count),
     .nameless = true,
     .least = 1,
     .most = 100},
    {.row = {ROW("cluster_execution", NULL, OPTION_WORD, NULL, AT(execution)),
             .value_at = execution_at, .unset = "single",
             .help = "parallel: of a cluster each node has so many connections as clients says."}},
    PARTS("writes", writes, write_count, "What a mixed one writes, and at the same time ..."),
    PARTS("reads", reads, read_count, "... reads."),
    UNUSED("xml_root_element"),
    UNUSED("parallel_clients"),
    UNUSED("profiling"),
    UNUSED("populate_retries"),
};
static const struct file_object scenario_object = {
    .name = "a scenario", .fields = scenario_fields, .field_count = COUNT(scenario_fields)};
static const struct file_field scenario_element = {
    .form = FILE_OBJECT,
    .object = &scenario_object,
    .row.hint = "as in {\"id\": \"a\", \"type\": \"write\", \"test\": \"SET\"}"};

#define GROUP_AT(member) offsetof(struct suite_group, member)
static const struct file_field group_fields[] = {
    {.row = {ROW("group", NULL, OPTION_TEXT, NULL, GROUP_AT(name)),
             .help = "A name or number, for --groups."},
     .required = true},
    {.row = {ROW("description", NULL, OPTION_TEXT, NULL, GROUP_AT(description)),
             .help = "For people."}},
    {.row = {.name = "scenarios",
             .offset = GROUP_AT(scenarios),
             .help = "One after the other, on one server."},
     .form = FILE_LIST,
     .of = &scenario_element,
     .element_bytes = sizeof(struct suite_scenario),
     .count_offset = GROUP_AT(scenario_count),
     .least = 1,
     .most = SUITE_SCENARIOS_MAX,
     .required = true},
};
/* clang-format on */
static const struct file_object group_object = {
    .name = "a group", .fields = group_fields, .field_count = COUNT(group_fields)};
const struct file_field suite_group_element = {.form = FILE_OBJECT,
                                               .object = &group_object,
                                               .row.hint =
                                                   "as in {\"group\": 1, \"scenarios\": [...]}"};

/* --- rules between keys ---------------------------------------------------------------------- */

struct checking {
    const struct file *file;
    struct err *err;
};

#define REFUSE(checking, place, key, ...)                                                          \
    file_refuse((checking)->file, place, key, (checking)->err, __VA_ARGS__)

/* They stand in test_id, names of files, and lists of the command line. */
static enum err_code check_name(const struct checking *checking, const struct file_place *place,
                                const char *key, const char *name)
{
    static const char letters[] = "_.+-";
    bool fits = name[0] != '\0' && strlen(name) <= ID_MAX;
    for (const char *at = name; *at != '\0'; at++)
        fits = fits && (isalnum((unsigned char)*at) || strchr(letters, *at) != NULL);
    return fits ? OK
                : REFUSE(checking, place, key, "%s: %.70s: letters, digits and %s, %u at most", key,
                         PRINTABLE(name), letters, ID_MAX);
}

/* Those that are the scenario's own to say, or that would lead the load elsewhere. */
static bool is_own(const struct option_row *row)
{
    static const char *const own[] = {"host",
                                      "port",
                                      "cluster",
                                      "clients",
                                      "pipeline",
                                      "datasize",
                                      "random",
                                      "requests",
                                      "test-duration",
                                      "seed",
                                      "warmup",
                                      "sequential",
                                      "threads",
                                      "processes",
                                      "type",
                                      "dataset",
                                      "maxdocs",
                                      "socket",
                                      "uri",
                                      "cpus",
                                      "prefill",
                                      "json",
                                      "hdr",
                                      "csv",
                                      "quiet",
                                      "mix",
                                      "workload",
                                      "loop",
                                      "tls",
                                      "cacert",
                                      "cert",
                                      "key",
                                      "single-process",
                                      "prefill-only",
                                      "ratio",
                                      "custom-command-file",
                                      "runs",
                                      "replay",
                                      "explain",
                                      "csv-interval",
                                      "stdin-last-argument",
                                      "progress",
                                      "managed",
                                      "password",
                                      "user",
                                      "steady",
                                      "sentinel",
                                      "client-ramp",
                                      "flush-before",
                                      "cacertdir"};
    for (size_t i = 0; i < COUNT(own); i++)
        if (strcmp(row->name, own[i]) == 0)
            return true;
    return row->needs_trust || row->command_line_only || row->kind >= OPTION_NOT_YET;
}

static bool is_in(const char *names, const char *name)
{
    const size_t bytes = strlen(name);
    for (const char *at = names; at != NULL && *at != '\0';) {
        const size_t length = strcspn(at, " ");
        if (length == bytes && strncmp(at, name, bytes) == 0)
            return true;
        at += length + (at[length] == ' ');
    }
    return false;
}

/* NULL: none of this spelling. */
static const struct option_row *find_option(const char *word)
{
    const struct option_table *table = bench_option_table();
    const bool is_long = strncmp(word, "--", 2) == 0;
    for (size_t i = 0; i < table->row_count; i++) {
        const struct option_row *row = &table->rows[i];
        if (is_long ? strcmp(row->name, word + 2) == 0 || is_in(row->aliases, word + 2)
                    : row->shorts != NULL && word[1] != '\0' && word[2] == '\0' &&
                          strchr(row->shorts, word[1]) != NULL)
            return row;
    }
    return NULL;
}

static enum err_code check_arguments(const struct checking *checking,
                                     const struct file_place *place, const char *key,
                                     const struct suite_words *arguments)
{
    size_t count = 0;
    if (arguments->count > ARGUMENTS_MAX)
        return REFUSE(checking, place, key, "%s: %u arguments are the most", key, ARGUMENTS_MAX);
    for (size_t i = 0; i < arguments->count; i++) {
        char words[ARGUMENT_MAX + 1], *out = words;
        const char *at = arguments->items[i].text;
        if (strlen(at) >= ARGUMENT_MAX)
            return REFUSE(checking, place, key, "%s: an argument has %u bytes at most", key,
                          ARGUMENT_MAX - 1);
        for (at += strspn(at, " \t"); *at != '\0'; at += strspn(at, " \t")) {
            const char *const word = out;
            if (!shell_word_take(&out, &at))
                return REFUSE(checking, place, key, "%s: a quote has no end", key);
            if (++count > ARGUMENT_WORDS_MAX)
                return REFUSE(checking, place, key, "%s: %u words are the most", key,
                              ARGUMENT_WORDS_MAX);
            const struct option_row *row = word[0] == '-' ? find_option(word) : NULL;
            if (word[0] == '-' && row == NULL)
                return REFUSE(checking, place, key,
                              "%s: %.60s is no option of volley bench; see volley bench --help",
                              key, PRINTABLE(word));
            if (row != NULL && is_own(row))
                return REFUSE(checking, place, key,
                              "%s: %.60s is the suite's own to say, by a key of the scenario", key,
                              PRINTABLE(word));
        }
    }
    return OK;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t bytes = strlen(text), end_bytes = strlen(end);
    return bytes >= end_bytes && strcasecmp(text + bytes - end_bytes, end) == 0;
}

static enum err_code check_dataset(const struct checking *checking,
                                   const struct suite_scenario *load)
{
    static const char *const others[] = {".xml", ".npy"};
    const char *const field = load->command != NULL ? strstr(load->command, "__field:") : NULL;
    if (load->dataset == NULL && field != NULL)
        return REFUSE(checking, &load->place, "command",
                      "command: %.40s...: which table this field is of, dataset has to say", field);
    if (load->dataset == NULL)
        return load->maxdocs == 0
                   ? OK
                   : REFUSE(checking, &load->place, "maxdocs", "maxdocs: there is no dataset");
    for (size_t i = 0; i < COUNT(others); i++)
        if (ends_with(load->dataset, others[i]))
            return REFUSE(checking, &load->place, "dataset",
                          "dataset: %.120s: volley reads .csv, .tsv and lines of text, no %s",
                          PRINTABLE(load->dataset), others[i]);
    if (field == NULL)
        return REFUSE(checking, &load->place, "dataset",
                      "dataset: the command takes no field of it, as __field:NAME__");
    return OK;
}

/* Of a scenario that is not mixed, and of a part of one that is. */
static enum err_code check_load(const struct checking *checking, const struct suite_scenario *load)
{
    enum err_code code = check_name(checking, &load->place, "id", load->id);
    if (code != OK)
        return code;
    if ((load->test != NULL) == (load->command != NULL))
        return REFUSE(checking, &load->place, load->test != NULL ? "command" : NULL,
                      load->test != NULL ? "test and command exclude one another"
                                         : "one of these is missing: test, command");
    code = check_dataset(checking, load);
    return code == OK
               ? check_arguments(checking, &load->place, "benchmark_args", &load->benchmark_args)
               : code;
}

static enum err_code check_parts(const struct checking *checking,
                                 const struct suite_scenario *scenario)
{
    enum err_code code = check_name(checking, &scenario->place, "id", scenario->id);
    const char *const own[] = {"test", "command", "dataset", "maxdocs", "requests"};
    for (size_t i = 0; i < COUNT(own) && code == OK; i++)
        if (file_given(&scenario->place, own[i]))
            code = REFUSE(
                checking, &scenario->place, own[i],
                "%s: of a mixed scenario this is for its writes and reads to say%s", own[i],
                strcmp(own[i], "requests") == 0 ? ", or rather duration: they end together" : "");
    if (code == OK && scenario->write_count == 0 && scenario->read_count == 0)
        code = REFUSE(checking, &scenario->place, NULL,
                      "a mixed scenario needs writes, reads, or both");
    for (size_t i = 0; i < scenario->write_count + scenario->read_count && code == OK; i++) {
        const bool is_write = i < scenario->write_count;
        const struct suite_scenario *part =
            is_write ? &scenario->writes[i] : &scenario->reads[i - scenario->write_count];
        code = check_load(checking, part);
        for (size_t k = 0; k < i && code == OK; k++)
            if (strcmp((k < scenario->write_count ? &scenario->writes[k]
                                                  : &scenario->reads[k - scenario->write_count])
                           ->id,
                       part->id) == 0)
                code = REFUSE(checking, &part->place, "id", "id: %s stands there twice", part->id);
    }
    return code;
}

static enum err_code check_scenario(const struct checking *checking,
                                    const struct suite_scenario *scenario)
{
    const bool mixed = scenario->type == SUITE_MIXED;
    enum err_code code = mixed ? check_parts(checking, scenario) : check_load(checking, scenario);
    if (code == OK && !mixed && scenario->write_count + scenario->read_count > 0)
        code = REFUSE(checking, &scenario->place, scenario->write_count > 0 ? "writes" : "reads",
                      "writes and reads need type: mixed");
    if (code == OK && scenario->requests > 0 && scenario->duration_seconds > 0)
        code = REFUSE(checking, &scenario->place, "duration",
                      "requests and duration exclude one another");
    if (code == OK)
        code = check_arguments(checking, &scenario->place, "populate_benchmark_args",
                               &scenario->populate_benchmark_args);
    if (code == OK && scenario->populate_with == NULL &&
        (scenario->populate_clients > 0 || scenario->populate_benchmark_args.count > 0))
        code =
            REFUSE(checking, &scenario->place,
                   scenario->populate_clients > 0 ? "populate_clients" : "populate_benchmark_args",
                   "needs populate_with");
    for (size_t i = 0; i < scenario->variant_count && code == OK; i++) {
        const struct suite_variant *variant = &scenario->variants[i];
        if (variant->label[0] != '\0')
            code = check_name(checking, &scenario->place, "options", variant->label);
        if (code == OK && variant->place.node->key[0] != '\0' && scenario->test != NULL)
            code = REFUSE(checking, &scenario->place, "options",
                          "options: a test takes none; give it as command");
        for (size_t k = 0; k < i && code == OK; k++)
            if (strcmp(scenario->variants[k].label, variant->label) == 0)
                code = REFUSE(checking, &scenario->place, "options",
                              "options: two are called \"%s\"", variant->label);
    }
    return code;
}

enum err_code suite_groups_check(const struct file *file, const struct suite_groups *groups,
                                 struct err *err)
{
    const struct checking checking = {file, err};
    enum err_code code = OK;
    for (size_t i = 0; i < groups->count && code == OK; i++) {
        const struct suite_group *group = &groups->items[i];
        code = check_name(&checking, &group->place, "group", group->name);
        for (size_t k = 0; k < i && code == OK; k++)
            if (strcmp(groups->items[k].name, group->name) == 0)
                code = REFUSE(&checking, &group->place, "group", "group: %s stands there twice",
                              group->name);
        for (size_t s = 0; s < group->scenario_count && code == OK; s++) {
            const struct suite_scenario *scenario = &group->scenarios[s];
            code = check_scenario(&checking, scenario);
            for (size_t k = 0; k < s && code == OK; k++)
                if (strcmp(group->scenarios[k].id, scenario->id) == 0)
                    code = REFUSE(&checking, &scenario->place, "id", "id: %s stands there twice",
                                  scenario->id);
        }
    }
    return code;
}

/* --- datasets -------------------------------------------------------------------------------- */

/* Fields that the command takes, and the table does not have. */
static enum err_code check_fields(const struct file *file, const struct suite_scenario *load,
                                  const struct dataset *dataset, struct err *err)
{
    static const char begin[] = "__field:";
    for (const char *at = strstr(load->command, begin); at != NULL; at = strstr(at + 1, begin)) {
        const char *const name = at + strlen(begin), *const end = strstr(name, "__");
        bool found = end == NULL;
        for (size_t i = 0; i < dataset->data.field_count && !found; i++)
            found = strlen(dataset->names[i]) == (size_t)(end - name) &&
                    strncmp(dataset->names[i], name, (size_t)(end - name)) == 0;
        if (!found)
            return file_refuse(file, &load->place, "dataset", err,
                               "dataset: %.120s has no field %.*s", PRINTABLE(load->dataset),
                               end - name < 60 ? (int)(end - name) : 60, PRINTABLE(name));
    }
    return OK;
}

static enum err_code find_dataset(const struct file *file, struct suite_scenario *load,
                                  struct err *err)
{
    struct dataset dataset = {.bytes = NULL};
    struct err reason = {.code = OK};
    if (load->dataset == NULL)
        return OK;
    enum err_code code = dataset_read(&dataset, load->dataset, dataset_format_of(load->dataset),
                                      load->maxdocs, &reason);
    if (code == OK) {
        load->dataset_rows = dataset.data.row_count;
        code = check_fields(file, load, &dataset, err);
    } else
        code = file_refuse(file, &load->place, "dataset", err,
                           "dataset: %.120s: %s (datasets have to be there: volley makes none)",
                           PRINTABLE(load->dataset), reason.text);
    dataset_free(&dataset);
    return code;
}

enum err_code suite_groups_find_datasets(const struct file *file, struct suite_groups *groups,
                                         struct err *err)
{
    enum err_code code = OK;
    for (size_t i = 0; i < groups->count && code == OK; i++)
        for (size_t s = 0; s < groups->items[i].scenario_count && code == OK; s++) {
            struct suite_scenario *scenario = &groups->items[i].scenarios[s];
            code = find_dataset(file, scenario, err);
            for (size_t k = 0; k < scenario->write_count && code == OK; k++)
                code = find_dataset(file, &scenario->writes[k], err);
            for (size_t k = 0; k < scenario->read_count && code == OK; k++)
                code = find_dataset(file, &scenario->reads[k], err);
        }
    return code;
}

/* --- what is chosen -------------------------------------------------------------------------- */

bool suite_names_have(const char *names, const char *name)
{
    if (names == NULL)
        return true;
    for (const char *at = names; name != NULL && *at != '\0';) {
        const size_t bytes = strcspn(at, ",");
        if (bytes == strlen(name) && strncmp(at, name, bytes) == 0)
            return true;
        at += bytes + (at[bytes] == ',');
    }
    return false;
}

void suite_groups_choose(struct suite_groups *groups, const char *group_names,
                         const char *scenario_names)
{
    size_t kept_groups = 0;
    for (size_t i = 0; i < groups->count; i++) {
        struct suite_group *group = &groups->items[i];
        size_t kept = 0;
        for (size_t s = 0; s < group->scenario_count; s++)
            if (suite_names_have(scenario_names, group->scenarios[s].id))
                group->scenarios[kept++] = group->scenarios[s];
        group->scenario_count = kept;
        if (kept > 0 && suite_names_have(group_names, group->name))
            groups->items[kept_groups++] = *group;
    }
    groups->count = kept_groups;
}

bool suite_groups_leave_server(struct suite_groups *groups)
{
    bool had_any = false;
    for (size_t i = 0; i < groups->count; i++)
        for (size_t s = 0; s < groups->items[i].scenario_count; s++) {
            struct suite_words *commands = &groups->items[i].scenarios[s].setup_commands;
            had_any |= commands->count > 0;
            commands->count = 0;
        }
    return had_any;
}
