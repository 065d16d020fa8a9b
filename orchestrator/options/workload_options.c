/* Which requests are sent, where it is more than a test of --type or one command: by a file, or by a few options, which
 * are made into the text of a file. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/printable.h"
#include "common/suggest.h"
#include "common/units.h"
#include "orchestrator/options/bench_groups.h"
#include "orchestrator/options/distribution.h"
#include "orchestrator/options/relation.h"
#include "orchestrator/options/workload_library.h"
#include "orchestrator/options/workload_text.h"

#define WEIGHT_MAX 1000000000ull
#define TTL_MAX_NS (100ull * 365 * 24 * 3600 * NS_PER_SECOND)

/* --- values ---------------------------------------------------------------------------------- */

static enum err_code parse_value_sizes(void *target, const char *value, struct err *err)
{
    struct size_wish sizes;
    struct err reason = {.code = OK};
    if (distribution_parse_sizes(&sizes, value, &reason) != OK)
        return err_set(err, E_USAGE, "--value-size %.80s: %s", value, reason.text);
    ((struct workload_request *)target)->value_sizes = value;
    return OK;
}

/* One weight, from the list's text. */
static bool parse_weight(uint64_t *weight, const char *text, size_t text_bytes)
{
    char copy[24];
    if (text_bytes == 0 || text_bytes >= sizeof copy)
        return false;
    memcpy(copy, text, text_bytes);
    copy[text_bytes] = '\0';
    return units_parse_count(weight, copy) && *weight <= WEIGHT_MAX;
}

static enum err_code check_sum(const char *option, const char *value,
                               const struct workload_request *request, struct err *err)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < request->mix_count; i++)
        sum += request->mix[i].weight;
    return sum > 0 ? OK
                   : err_set(err, E_USAGE, "--%s %.80s: all weights are 0: nothing would be sent",
                             option, value);
}

static enum err_code parse_ratio(void *target, const char *value, struct err *err)
{
    struct workload_request *request = target;
    const char *colon = strchr(value, ':');
    request->mix_count = 2;
    request->mix[0].test = workload_test_find("set");
    request->mix[1].test = workload_test_find("get");
    if (colon == NULL || !parse_weight(&request->mix[0].weight, value, (size_t)(colon - value)) ||
        !parse_weight(&request->mix[1].weight, colon + 1, strlen(colon + 1)))
        return err_set(err, E_USAGE, "--ratio %.80s: two weights are expected, SET:GET, as in 1:10",
                       value);
    return check_sum("ratio", value, request, err);
}

static enum err_code unknown_test(const char *value, const struct list_word *name, struct err *err)
{
    struct suggestion suggestion = {.wanted = name->text, .wanted_bytes = name->byte_count};
    const struct workload_test *test;
    if (name->byte_count == 0)
        return err_set(err, E_USAGE, "--mix %.80s: a test is missing, as in set:10,get:90", value);
    for (size_t i = 0; (test = workload_test_at(i)) != NULL; i++)
        suggest_offer(&suggestion, test->name, strlen(test->name));
    return err_set(err, E_USAGE,
                   "--mix %.80s: unknown test %.*s%s%s%s; it takes those of --type, as in "
                   "set:10,get:90",
                   value, (int)(name->byte_count < 40 ? name->byte_count : 40), name->text,
                   SUGGESTED(suggestion.best));
}

static enum err_code add_weighted(struct workload_request *request, const char *value,
                                  const struct list_word *word, struct err *err)
{
    const char *colon = memchr(word->text, ':', word->byte_count);
    const struct list_word name = {word->text,
                                   colon != NULL ? (size_t)(colon - word->text) : word->byte_count};
    char text[32] = "";
    struct weighted_test *weighted = &request->mix[request->mix_count];
    if (name.byte_count < sizeof text)
        memcpy(text, name.text, name.byte_count);
    if (request->mix_count == PLAN_CLASSES_MAX)
        return err_set(err, E_USAGE, "--mix %.80s: more than %u tests", value, PLAN_CLASSES_MAX);
    weighted->test = workload_test_find(text);
    weighted->weight = 1;
    if (weighted->test == NULL)
        return unknown_test(value, &name, err);
    if (weighted->test->more != MORE_NONE)
        return err_set(err, E_USAGE, "--mix %.80s: %s cannot be one of several", value,
                       weighted->test->name);
    for (size_t i = 0; i < request->mix_count; i++)
        if (request->mix[i].test == weighted->test)
            return err_set(err, E_USAGE, "--mix %.80s: %s comes twice", value,
                           weighted->test->name);
    if (colon != NULL &&
        !parse_weight(&weighted->weight, colon + 1, word->byte_count - name.byte_count - 1))
        return err_set(err, E_USAGE,
                       "--mix %.80s: a weight is a number from 0 on, as in set:10,get:90", value);
    request->mix_count++;
    return OK;
}

static enum err_code parse_mix(void *target, const char *value, struct err *err)
{
    struct workload_request *request = target;
    struct list_word word;
    enum err_code code = OK;
    request->mix_count = 0;
    for (const char *at = value; code == OK && list_next(&word, &at, ',');)
        code = add_weighted(request, value, &word, err);
    return code == OK ? check_sum("mix", value, request, err) : code;
}

/* "60", "60-300", "500ms-2s"; a bare number is seconds. */
static enum err_code parse_ttl(void *target, const char *value, struct err *err)
{
    struct workload_request *request = target;
    char first[32];
    const char *dash = strchr(value, '-');
    const size_t first_bytes = dash != NULL ? (size_t)(dash - value) : strlen(value);
    uint64_t from_ns = 0, to_ns = 0;
    bool read = first_bytes < sizeof first;
    if (read) {
        memcpy(first, value, first_bytes);
        first[first_bytes] = '\0';
        read = units_parse_duration(&from_ns, first, NS_PER_SECOND) &&
               (dash == NULL || units_parse_duration(&to_ns, dash + 1, NS_PER_SECOND));
    }
    if (dash == NULL)
        to_ns = from_ns;
    if (!read || from_ns < NS_PER_MS || from_ns > to_ns || to_ns > TTL_MAX_NS)
        return err_set(
            err, E_USAGE,
            "--ttl %.80s: a time from 1ms on, or a range of it, is expected, as in 60 or "
            "60-300",
            value);
    const bool seconds = from_ns % NS_PER_SECOND == 0 && to_ns % NS_PER_SECOND == 0;
    const uint64_t unit_ns = seconds ? NS_PER_SECOND : NS_PER_MS;
    request->ttl_option = seconds ? "EX" : "PX";
    snprintf(request->ttl, sizeof request->ttl, "{int %" PRIu64 " %" PRIu64 "}", from_ns / unit_ns,
             to_ns / unit_ns);
    return OK;
}

static enum err_code parse_workloads(void *target, const char *value, struct err *err)
{
    return stream_wishes_parse(&((struct workload_request *)target)->streams, value, err);
}

/* --- rows ------------------------------------------------------------------------------------ */

#define AT(member) offsetof(struct workload_request, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row workload_rows[] = {
    {ROW("workload", NULL, OPTION_CUSTOM, "FILE|NAME[,SETTING=VALUE...]", 0),
     .parse = parse_workloads, .repeats = true, .told = true,
     .help =
         "Send the mix of requests that this YAML or JSON file describes, or one of those that "
         "\"volley workloads\" lists; in place of --type and of a command. Given again: several "
         "side by side, each with connections of its own, and with clients, pipeline, qps, "
         "dbnum, user, password-env and name behind it as far as they are not those of all: "
         "session-store,qps=10k,clients=20."},
    {ROW("mix", NULL, OPTION_CUSTOM, "LIST", 0), .parse = parse_mix,
     .help = "Send several tests at once, each by its weight, as in set:10,get:90; each is a class "
             "with figures of its own."},
    {ROW("ratio", NULL, OPTION_CUSTOM, "SET:GET", 0), .parse = parse_ratio,
     .help = "The same as --mix set:SET,get:GET."},
    {ROW("value-size", NULL, OPTION_CUSTOM, "SIZES", 0), .parse = parse_value_sizes,
     .help = "Sizes of values: 16, 16-1024, weights:64:80,4kb:20, bimodal:64/4kb/80, "
             "lognormal:300:4000 (median and p99) or pareto:64:1.5 (smallest and shape); in place "
             "of --datasize."},
    {ROW("ttl", NULL, OPTION_CUSTOM, "TIME[-TIME]", 0), .parse = parse_ttl,
     .help = "Each SET gives its key so long to live, or a time of this range; a bare number is "
             "seconds."},
    {ROW("key-prefix", NULL, OPTION_TEXT, "TEXT", AT(key_prefix)),
     .help = "Keys of the tests begin with this in place of \"key:\"."},
    {ROW("template", NULL, OPTION_FLAG, NULL, AT(template)),
     .help = "The command behind the options has placeholders in braces, as workload files have: "
             "{key}, {value}, {int 1 100} and others; \\{ is a brace."},
    {ROW("verify", NULL, OPTION_FLAG, NULL, AT(verify)), .commands = OF_BENCH,
     .help =
         "Write values that are made of key and version, and check every one that is read: what is "
         "corrupted, stale, or lost though it was acknowledged. With --out for \"volley verify\", "
         "too."},
    {ROW("dataset", NULL, OPTION_TEXT, "FILE", AT(dataset)),
     .help =
         "A table whose fields the command takes by __field:NAME__, or with --template by {field "
         "NAME}, row by row: .csv and .tsv with the names in the first row; of any other file "
         "each line is the field \"line\"."},
    {ROW("maxdocs", NULL, OPTION_COUNT, "N", AT(data_rows)), NUMBER(1, UINT32_MAX),
     .help = "Take no more rows of --dataset than the first N."},
};
/* clang-format on */
#undef AT
const struct option_group workload_group = GROUP("Load", OF_LOADS, workload_rows);

/* --- what they mean together ----------------------------------------------------------------- */

/* valkey-benchmark knows no lines, and finds the end of a name anywhere in the path. */
static const char *data_format(const struct bench_request *request, const char *path)
{
    if (request->dialect == NULL)
        return NULL;
    return strstr(path, ".csv") == NULL && strstr(path, ".tsv") != NULL ? "tsv" : "csv";
}

static struct workload_wish wish_of(const struct bench_request *request)
{
    const struct workload_request *asked = &request->workload;
    return (struct workload_wish){
        .spec = &request->spec,
        .value_sizes = asked->value_sizes,
        .key_prefix = asked->key_prefix,
        .dataset = asked->dataset,
        .data_format = asked->dataset != NULL ? data_format(request, asked->dataset) : NULL,
        .data_rows = asked->data_rows,
        .verify = asked->verify,
        .ttl_words = {asked->ttl_option, asked->ttl_option != NULL ? asked->ttl : NULL},
    };
}

/* An option that changes none of these tests does nothing, which whoever gave it should know. */
static void notice_unchanged(struct bench_request *request, const struct weighted_test *tests,
                             size_t count)
{
    const struct workload_wish all = wish_of(request);
    const struct {
        const char *name, *why;
        bool given;
        struct workload_wish wish;
    } options[] = {
        {"value-size",
         "no test that is sent has a value",
         all.value_sizes != NULL,
         {.value_sizes = all.value_sizes}},
        {"ttl",
         "no test that is sent is SET",
         all.ttl_words[0] != NULL,
         {.ttl_words = {all.ttl_words[0], all.ttl_words[1]}}},
        {"key-prefix",
         "no test that is sent has keys of the range",
         all.key_prefix != NULL,
         {.key_prefix = all.key_prefix}},
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        bool changed = !options[i].given;
        for (size_t k = 0; k < count && !changed; k++)
            changed =
                tests[k].test != NULL && workload_wish_changes(&options[i].wish, tests[k].test);
        if (!changed)
            relation_notice(request, "--%s changes nothing: %s", options[i].name, options[i].why);
    }
}

/* What becomes JSON. */
static enum err_code refuse_no_utf8(const char *option, const char *text, struct err *err)
{
    size_t bytes = 1;
    for (const char *at = text; at != NULL && *at != '\0' && bytes > 0; at += bytes)
        bytes = printable_sequence_bytes(at);
    return bytes > 0 ? OK
                     : err_set(err, E_USAGE,
                               "--%s: %.80s is no UTF-8; other bytes come from a table (--dataset)",
                               option, text);
}

/* Room for another one; NULL: out of memory. */
static struct workload_file *add_file(struct bench_request *request)
{
    struct workload_files *files = &request->workload_files;
    if (files->files == NULL)
        files->files = calloc(SPEC_TESTS_MAX, sizeof files->files[0]);
    return files->files != NULL ? &files->files[files->count++] : NULL;
}

/* Takes the text, and frees it. Its places are nobody's: of a message only what is wrong is left. */
static enum err_code read_text(const struct workload_plan **plan, struct bench_request *request,
                               char *text, const char *option, const char *title, struct err *err)
{
    struct workload_file *file = add_file(request);
    struct err reason = {.code = OK};
    if (text == NULL || file == NULL) {
        free(text);
        return err_set(err, E_SYSTEM, "--%s: out of memory", option);
    }
    const struct file_source source = {.name = "", .text = text, .text_bytes = strlen(text)};
    enum err_code code = workload_file_read(file, &source, &reason);
    free(text);
    if (code != OK)
        return err_set(err, code == E_CONFIG ? E_USAGE : code, "--%s: %s", option,
                       reason.text + strspn(reason.text, ":0123456789 "));
    file->plan.name = title;
    *plan = &file->plan;
    return OK;
}

/* The path of the file that is meant; one of the user's own goes before a built-in one. */
static enum err_code find_file(const char **path, struct bench_request *request, struct err *err)
{
    struct shipped_files library;
    struct err reason = {.code = OK};
    const char *name = *path;
    char *found = NULL;
    if (strchr(name, '/') != NULL || access(name, F_OK) == 0)
        return OK;
    enum err_code code = shipped_files_open(&library, &workload_library, &reason);
    if (code == OK)
        code = shipped_files_find(&found, &library, name, &reason);
    shipped_files_close(&library);
    *path = found;
    if (found != NULL)
        request->workload_files.built_in[request->workload_files.built_in_count++] = found;
    return code == OK
               ? OK
               : err_set(err, code == E_USAGE ? E_CONFIG : code,
                         "--workload %.60s: there is no such file, and %s", name, reason.text);
}

static enum err_code settle_file(struct bench_request *request, const char *path, struct err *err)
{
    struct workload_file *file = add_file(request);
    struct file_source source = {.name = path};
    if (file == NULL)
        return err_set(err, E_SYSTEM, "--workload: out of memory");
    enum err_code code = find_file(&source.name, request, err);
    return code == OK ? workload_file_read(file, &source, err) : code;
}

/* The first files of the request, in their order. */
static enum err_code settle_files(struct bench_request *request, struct err *err)
{
    const struct stream_wishes *wishes = &request->workload.streams;
    enum err_code code = OK;
    for (uint32_t i = 0; i < wishes->count && code == OK; i++)
        code = settle_file(request, wishes->items[i].path, err);
    if (code == OK)
        request->spec.load.workload = &request->workload_files.files[0].plan;
    return code;
}

/* "set 10, get 90". */
static const char *title_of_mix(struct workload_request *asked)
{
    size_t used = 0;
    for (size_t i = 0; i < asked->mix_count && used < sizeof asked->title; i++)
        used += (size_t)snprintf(asked->title + used, sizeof asked->title - used, "%s%s %" PRIu64,
                                 i > 0 ? ", " : "", asked->mix[i].test->name, asked->mix[i].weight);
    return asked->title;
}

static enum err_code settle_mix(struct bench_request *request, struct err *err)
{
    struct workload_request *asked = &request->workload;
    const struct workload_wish wish = wish_of(request);
    notice_unchanged(request, asked->mix, asked->mix_count);
    return read_text(&request->spec.load.workload, request,
                     workload_text_of_tests(&wish, asked->mix, asked->mix_count),
                     relation_given(request, "ratio") ? "ratio" : "mix", title_of_mix(asked), err);
}

static bool command_holds(const struct load_options *load, const char *word)
{
    bool found = false;
    for (uint32_t i = 0; i < load->command_argc; i++)
        found |= strstr(load->command[i], word) != NULL;
    return found;
}

/* Options on the command line that the command has no place for. */
static void notice_no_place(struct bench_request *request, const char *names,
                            const char *placeholder)
{
    struct list_word word;
    for (const char *at = names; list_next(&word, &at, ' ');) {
        char name[32];
        snprintf(name, sizeof name, "%.*s", (int)word.byte_count, word.text);
        if (relation_origin(request, name)->kind == ORIGIN_COMMAND_LINE)
            relation_notice(request, "--%s changes nothing: the command holds no %s", name,
                            placeholder);
    }
}

static const char *title_of_command(struct workload_request *asked, const struct load_options *load)
{
    size_t used = 0;
    for (uint32_t i = 0; i < load->command_argc && used < sizeof asked->title; i++)
        used += (size_t)snprintf(asked->title + used, sizeof asked->title - used, "%s%s",
                                 i > 0 ? " " : "", load->command[i]);
    return asked->title;
}

static enum err_code settle_template(struct bench_request *request, struct err *err)
{
    struct load_options *load = &request->spec.load;
    const struct workload_wish wish = wish_of(request);
    if (load->command == NULL)
        return err_set(err, E_USAGE,
                       "--template needs a command behind the options, as in -- SET {key} {value}");
    if (load->last_argument_from_stdin)
        return err_set(err, E_USAGE,
                       "--template and -x exclude each other: what comes by -x is "
                       "sent as it is");
    if (!command_holds(load, "{key") && !command_holds(load, "{new"))
        notice_no_place(request, "random sequential key-dist key-prefix", "{key}");
    if (!command_holds(load, "{value"))
        notice_no_place(request, "datasize value-size", "{value}");
    for (uint32_t i = 0; i < load->command_argc; i++)
        if (refuse_no_utf8("template", load->command[i], err) != OK)
            return err->code;
    if (request->workload.dataset != NULL && !command_holds(load, "{field"))
        return err_set(err, E_USAGE, "--dataset %.80s: the command holds no {field NAME} of it",
                       request->workload.dataset);
    enum err_code code =
        read_text(&load->workload, request,
                  workload_text_of_command(&wish, load->command, load->command_argc), "template",
                  title_of_command(&request->workload, load), err);
    load->command = NULL;
    return code;
}

/* A command with __field:NAME__. */
static enum err_code settle_fields(struct bench_request *request, struct err *err)
{
    struct load_options *load = &request->spec.load;
    const struct workload_wish wish = wish_of(request);
    struct err reason = {.code = OK};
    char *text = NULL;
    if (load->last_argument_from_stdin)
        return err_set(err, E_USAGE, "--dataset and -x exclude each other");
    if (!command_holds(load, "__rand_") && !command_holds(load, "__key__"))
        notice_no_place(request, "random sequential key-dist",
                        "__rand_int__, and no placeholder like it");
    enum err_code code =
        workload_text_of_fields(&text, &wish, load->command, load->command_argc, &reason);
    if (code != OK)
        return err_set(err, code, "%s", reason.text);
    code = read_text(&load->workload, request, text, "dataset",
                     title_of_command(&request->workload, load), err);
    load->command = NULL;
    return code;
}

/* Which of the two ways to fields of a table a command takes. */
static enum err_code refuse_no_fields(const struct bench_request *request, struct err *err)
{
    const struct load_options *load = &request->spec.load;
    const struct workload_request *asked = &request->workload;
    if (asked->dataset == NULL && asked->data_rows > 0 && request->dialect == NULL)
        return err_set(err, E_USAGE, "--maxdocs needs --dataset: it says how much of it is read");
    if (asked->dataset == NULL || asked->template)
        return OK;
    if (load->command == NULL)
        return err_set(err, E_USAGE,
                       "--dataset %.80s: Dataset mode requires a command with field placeholders, "
                       "as in SET doc:__rand_int__ \"__field:content__\"",
                       asked->dataset);
    return workload_text_has_fields(load->command, load->command_argc)
               ? OK
               : err_set(err, E_USAGE,
                         "--dataset %.80s: Dataset mode requires at least one field placeholder in "
                         "the command, as in SET doc:__rand_int__ \"__field:content__\"%s",
                         asked->dataset,
                         request->dialect == NULL ? "; or --template, and {field NAME}" : "");
}

/* Tests that the options change are sent by a plan each. */
static enum err_code settle_tests(struct bench_request *request, struct err *err)
{
    struct load_options *load = &request->spec.load;
    const struct workload_wish wish = wish_of(request);
    struct weighted_test tests[SPEC_TESTS_MAX];
    enum err_code code = OK;
    for (uint32_t i = 0; i < load->test_count && code == OK; i++) {
        tests[i] = (struct weighted_test){workload_test_find(load->tests[i]), 1};
        const struct workload_test *test = tests[i].test;
        if (test != NULL && workload_wish_changes(&wish, test))
            code = read_text(&load->test_plans[i], request,
                             workload_text_of_tests(&wish, &tests[i], 1), "type", test->title, err);
    }
    if (code == OK)
        notice_unchanged(request, tests, load->test_count);
    return code;
}

/* --type set, and -d 3, are the defaults, and mean nothing beside a config file; whoever types them means them. */
static void refuse_usual_values(const struct bench_request *request, struct err *err)
{
    static const struct {
        const char *name, *beside, *why;
    } pairs[] = {{"mix", "type", "each says what is sent"},
                 {"ratio", "type", "each says what is sent"},
                 {"workload", "type", "each says what is sent"},
                 {"value-size", "datasize", "each says how large values are"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0] && err->code == OK; i++)
        if (relation_origin(request, pairs[i].name)->kind == ORIGIN_COMMAND_LINE &&
            relation_origin(request, pairs[i].beside)->kind == ORIGIN_COMMAND_LINE)
            err_set(err, E_USAGE, "--%s and --%s exclude each other: %s", pairs[i].name,
                    pairs[i].beside, pairs[i].why);
}

/* Values that are checked need requests that are understood. */
static enum err_code settle_verify(struct bench_request *request, struct err *err)
{
    struct load_options *load = &request->spec.load;
    load->verify = request->workload.verify;
    if (!load->verify || load->workload != NULL)
        return OK;
    if (load->command != NULL)
        return err_set(err, E_USAGE,
                       "--verify needs a command with placeholders in braces: --template, as in "
                       "--template -- SET {key} {value}");
    for (uint32_t i = 0; i < load->test_count; i++)
        if (load->test_plans[i] == NULL)
            return err_set(err, E_USAGE,
                           "--verify checks what the tests set, get and mset write and read, and "
                           "not %s: name them by --type, or use --mix or --ratio",
                           load->tests[i]);
    return OK;
}

/* What says which requests there are, one of all. */
static void exclude(struct bench_request *request, struct err *err)
{
    relation_exclude(request, "mix", "ratio", "each says which tests are sent", err);
    relation_exclude(request, "workload",
                     "mix ratio template value-size ttl key-prefix dataset maxdocs",
                     "the file says all of it", err);
    relation_exclude(request, "mix ratio workload", "type", "each says what is sent", err);
    relation_exclude(request, "value-size", "datasize", "each says how large values are", err);
    refuse_usual_values(request, err);
    relation_exclude(request, "template", "ttl", "write it into the command: EX {int 60 300}", err);
    relation_exclude(request, "verify", "null", "nothing keeps the values that are written", err);
    relation_exclude(request, "workload mix ratio template value-size ttl key-prefix dataset",
                     "null", "--null answers requests of one length only", err);
}

static enum err_code settle_requests(struct bench_request *request, struct err *err)
{
    const struct workload_request *asked = &request->workload;
    struct load_options *load = &request->spec.load;
    const bool whole = asked->streams.count > 0 || asked->mix_count > 0;
    const bool shaped = asked->value_sizes != NULL || asked->ttl_option != NULL ||
                        asked->key_prefix != NULL || (asked->verify && load->command == NULL);
    exclude(request, err);
    if (err->code != OK)
        return err->code;
    if (refuse_no_fields(request, err) != OK ||
        refuse_no_utf8("dataset", asked->dataset, err) != OK ||
        refuse_no_utf8("key-prefix", asked->key_prefix, err) != OK)
        return err->code;
    if (whole && load->command != NULL)
        return err_set(err, E_USAGE, "the command %.80s excludes --workload, --mix and --ratio",
                       load->command[0]);
    if (shaped && load->command != NULL && !asked->template)
        return err_set(err, E_USAGE,
                       "with a command --value-size, --ttl and --key-prefix need --template, and "
                       "{key} and {value} in it");
    if (!whole && !asked->template && asked->dataset == NULL)
        return shaped ? settle_tests(request, err) : OK;
    enum err_code code = asked->template          ? settle_template(request, err)
                         : asked->dataset != NULL ? settle_fields(request, err)
                         : asked->mix_count > 0   ? settle_mix(request, err)
                                                  : settle_files(request, err);
    load->test_count = 0;
    options_derive(&request->values, "type", "type", NULL);
    return code;
}

enum err_code workload_settle_streams(struct bench_request *request, struct err *err)
{
    const struct workload_plan *plans[SPEC_STREAMS_MAX] = {NULL};
    struct stream_wishes *wishes = &request->workload.streams;
    for (uint32_t i = 0; i < wishes->count; i++)
        plans[i] = &request->workload_files.files[i].plan;
    /* The run has them, too. */
    for (size_t i = 0; i < STREAM_SETTINGS; i++) {
        const char *option, *value = stream_wishes_first(wishes, i, &option);
        if (value != NULL)
            options_derive(&request->values, option, "workload", value);
    }
    return stream_wishes_settle(wishes, &request->spec, plans, err);
}

enum err_code workload_settle(struct bench_request *request, struct err *err)
{
    enum err_code code = settle_requests(request, err);
    return code == OK ? settle_verify(request, err) : code;
}

void workload_files_free(struct workload_files *files)
{
    for (size_t i = 0; i < files->count; i++)
        workload_file_free(&files->files[i]);
    free(files->files);
    for (uint32_t i = 0; i < files->built_in_count; i++)
        free(files->built_in[i]);
    *files = (struct workload_files){.files = NULL};
}
