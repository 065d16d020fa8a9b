#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/suggest.h"
#include "orchestrator/options/bench_options.h"
#include "orchestrator/options/options.h"
#include "tests/support/check/printed.h"
#include "tests/support/check/suite.h"

struct sample {
    bool flag, other, help;
    uint64_t count, size, duration, unset_count;
    double real;
    const char *text, *secret, *config;
    char custom[16];
};

static enum err_code parse_custom(void *target, const char *value, struct err *err)
{
    struct sample *sample = target;
    if (strlen(value) >= sizeof sample->custom)
        return err_set(err, E_USAGE, "--custom is too long");
    snprintf(sample->custom, sizeof sample->custom, "%s", value);
    return OK;
}

#define AT(member) offsetof(struct sample, member)
static const struct option_row rows[] = {
    {.name = "flag",
     .shorts = "f",
     .kind = OPTION_FLAG,
     .offset = AT(flag),
     .section = "One",
     .help = "A flag."},
    {.name = "other",
     .shorts = "oO",
     .kind = OPTION_FLAG,
     .offset = AT(other),
     .section = "One",
     .help = "Another."},
    {.name = "count",
     .shorts = "c",
     .aliases = "number amount",
     .kind = OPTION_COUNT,
     .argument = "N",
     .offset = AT(count),
     .min = 1,
     .max = 1000,
     .unset = "50",
     .section = "One",
     .help = ".A count; a|b."},
    {.name = "size",
     .kind = OPTION_SIZE,
     .argument = "SIZE",
     .offset = AT(size),
     .min = 1,
     .max = 1024,
     .unset = "3",
     .section = "Two",
     .help = "A size."},
    {.name = "duration",
     .kind = OPTION_DURATION,
     .argument = "TIME",
     .offset = AT(duration),
     .min = 0,
     .max = UINT64_MAX,
     .bare_unit_ns = NS_PER_SECOND,
     .unset = "1s",
     .section = "Two",
     .help = "A duration."},
    {.name = "real",
     .kind = OPTION_REAL,
     .argument = "X",
     .offset = AT(real),
     .least = 0.5,
     .most = 5,
     .section = "Two",
     .help = "Between whole numbers."},
    {.name = "unset-count",
     .kind = OPTION_COUNT,
     .argument = "N",
     .offset = AT(unset_count),
     .max = 9,
     .section = "Two",
     .help = "No default."},
    {.name = "text",
     .shorts = "t",
     .kind = OPTION_TEXT,
     .argument = "TEXT",
     .offset = AT(text),
     .section = "Two",
     .help = "A text."},
    {.name = "secret",
     .shorts = "s",
     .kind = OPTION_TEXT,
     .argument = "WORD",
     .offset = AT(secret),
     .secret = true,
     .section = "Two",
     .help = "A secret."},
    {.name = "custom",
     .kind = OPTION_CUSTOM,
     .argument = "FILE",
     .parse = parse_custom,
     .unset = "x",
     .section = "Two",
     .help = "A custom one."},
    {.name = "config",
     .kind = OPTION_TEXT,
     .argument = "FILE",
     .offset = AT(config),
     .command_line_only = true,
     .section = "Three",
     .help = "A file."},
    {.name = "help",
     .kind = OPTION_FLAG,
     .offset = AT(help),
     .command_line_only = true,
     .section = "Three",
     .help = "Help."},
    {.name = "later", .shorts = "L", .kind = OPTION_NOT_YET},
    {.name = "elsewhere", .kind = OPTION_ELSEWHERE, .help = "use --count"},
};

static const struct option_table table = {.rows = rows,
                                          .row_count = sizeof rows / sizeof rows[0],
                                          .usage = "x [options]",
                                          .synopsis = "What it does.",
                                          .epilogue = "The end."};
static const struct option_table command_table = {.rows = rows,
                                                  .row_count = sizeof rows / sizeof rows[0],
                                                  .usage = "x [options]",
                                                  .synopsis = "What it does.",
                                                  .takes_command = true};

static struct sample sample;
static struct option_values values;
static struct err err;

static void setup(void)
{
    memset(&values, 0, sizeof values);
}

static void teardown(void)
{
    options_free(&values);
}

#define PARSE(...) parse(&table, (const char *const[]){"x", __VA_ARGS__, NULL})
#define PARSE_COMMAND(...) parse(&command_table, (const char *const[]){"x", __VA_ARGS__, NULL})

static enum err_code parse(const struct option_table *of, const char *const *argv)
{
    int argc = 0;
    while (argv[argc] != NULL)
        argc++;
    options_free(&values);
    memset(&sample, 0, sizeof sample);
    memset(&err, 0, sizeof err);
    return options_parse(&values, of, &sample, argc, argv, &err);
}

static void ck_says(enum err_code code, const char *text)
{
    ck_assert_int_eq(code, E_USAGE);
    ck_assert_msg(strstr(err.text, text) != NULL, "it says: %s", err.text);
}

TEST(spellings)
{
    /* one of the ways to write an option stops working */
    ck_assert_int_eq(PARSE("-c5", "--size=4", "--duration", "2m", "-fo", "-t", "a b"), OK);
    ck_assert_uint_eq(sample.count, 5);
    ck_assert_uint_eq(sample.size, 4);
    ck_assert_uint_eq(sample.duration, 120 * NS_PER_SECOND);
    ck_assert(sample.flag && sample.other);
    ck_assert_str_eq(sample.text, "a b");
    ck_assert_int_eq(PARSE("--amount", "7", "-O", "--text=", "x"), E_USAGE);
    ck_assert_int_eq(PARSE("--amount", "7", "-O", "--text=-c", "-s", "-c"), OK);
    ck_assert_uint_eq(sample.count, 7);
    ck_assert_str_eq(sample.text, "-c");
    ck_assert_str_eq(sample.secret, "-c");
    ck_assert_int_eq(PARSE("-fc", "9", "-t-"), OK);
    ck_assert_uint_eq(sample.count, 9);
    ck_assert_str_eq(sample.text, "-");
}

TEST(text_outlives_argv)
{
    /* values point into memory that the caller has reused */
    char word[] = "first";
    ck_assert_int_eq(PARSE("-t", word), OK);
    memcpy(word, "other", 5);
    ck_assert_str_eq(sample.text, "first");
}

TEST(unknown)
{
    /* a typing mistake is taken for something else, or the user must search for the name */
    ck_says(PARSE("--coutn", "5"), "unknown option --coutn; did you mean --count?");
    ck_says(PARSE("--numbr=5"), "did you mean --number?");
    ck_says(PARSE("--dur", "5"), "unknown option --dur; did you mean --duration?");
    ck_says(PARSE("--zzzzzz"), "unknown option --zzzzzz; --help lists");
    ck_says(PARSE("-z"), "unknown option -z");
    ck_says(PARSE("-fz"), "unknown option -z in -fz");
    ck_says(PARSE("-count", "5"), "unknown option -count; did you mean --count?");
    ck_says(PARSE("--=5"), "unknown option --");
    ck_says(PARSE("5"), "unexpected argument \"5\"");
    ck_says(PARSE(""), "unexpected argument \"\"");
    ck_says(PARSE("-"), "unexpected argument \"-\"");
}

TEST(missing_value)
{
    /* the next option is swallowed as a value */
    ck_says(PARSE("-c"), "-c needs a value: -c N");
    ck_says(PARSE("--text", "--flag"), "--text needs a value, but --flag follows");
    ck_says(PARSE("--text", "-f"), "needs a value, but -f follows");
    ck_says(PARSE("--text", "--"), "needs a value");
    ck_says(PARSE("-c", "-5"), "-c -5: out of range; allowed: 1 to 1,000");
    ck_assert_int_eq(PARSE("--text", "-5"), OK);
}

TEST(refused_rows)
{
    /* an option that does nothing is accepted, or its value makes a second message */
    ck_says(PARSE("--later", "5", "--zzz"), "--later is not available yet");
    ck_says(PARSE("-L"), "-L is not available yet");
    ck_says(PARSE("--elsewhere=3"), "--elsewhere is not an option of volley: use --count");
}

TEST(rest)
{
    /* arguments behind "--" are read as options, or copied short */
    ck_assert_int_eq(PARSE("-f", "--", "-c", "--help"), OK);
    ck_assert_uint_eq(values.rest_count, 2);
    ck_assert_str_eq(values.rest[0], "-c");
    ck_assert_str_eq(values.rest[1], "--help");
    ck_assert(!sample.help);
    ck_assert_int_eq(PARSE("-f"), OK);
    ck_assert_ptr_null(values.rest);
    ck_assert_int_eq(PARSE_COMMAND("-f", "get", "--help"), OK);
    ck_assert_uint_eq(values.rest_count, 2);
    ck_assert_str_eq(values.rest[0], "get");
}

TEST(the_last_value_counts)
{
    /* an option that is given again is refused, or keeps its first value, in whatever spelling */
    ck_assert_int_eq(PARSE("-c", "5", "--custom", "a", "--count=7", "-f", "--custom", "b",
                           "--number", "9", "--flag=false", "-s", "PW", "-s", "PW2"),
                     OK);
    ck_assert_uint_eq(sample.count, 9);
    ck_assert_str_eq(sample.custom, "b");
    ck_assert_str_eq(sample.secret, "PW2");
    ck_assert(!sample.flag);
    ck_assert_str_eq(options_origin(&values, "count")->given, "--number");
    ck_says(PARSE("-c", "x", "-c", "5"), "-c x");
    ck_assert_int_eq(PARSE("--help", "--help=false"), OK);
    ck_assert(!sample.help);
}

TEST(errors_are_whole)
{
    /* the message of a bad value names neither option nor range, or shows a secret */
    ck_says(PARSE("--size", "2kb"), "--size 2kb: out of range; allowed: 1b to 1kb");
    ck_says(PARSE("--duration", "1x"),
            "--duration 1x: not a duration (in ns, us, ms, s, m, h, d); allowed: 0s or more");
    ck_says(PARSE("--real", "5.01"), "--real 5.01: out of range; allowed: 0.5 to 5");
    ck_says(PARSE("--real", "0.4"), "out of range; allowed: 0.5 to 5");
    ck_says(PARSE("--real", "-1"), "out of range; allowed: 0.5 to 5");
    ck_says(PARSE("--real", "1e0"), "--real 1e0: not a number; allowed: 0.5 to 5");
    ck_says(PARSE("--real", "nan"), "--real nan: not a number");
    ck_says(PARSE("--custom", "0123456789abcdef"), "--custom is too long");
    ck_says(PARSE("--secret="), "--secret: the value is empty");
}

TEST(origins)
{
    /* --explain names the wrong source of a value */
    ck_assert_int_eq(PARSE("-c", "9", "--secret", "PW", "--flag"), OK);
    ck_assert(options_given(&values, "count"));
    ck_assert(!options_given(&values, "size"));
    ck_assert(!options_given(&values, "nobody"));
    ck_assert_str_eq(options_origin(&values, "count")->given, "-c");
    ck_assert_str_eq(options_origin(&values, "secret")->value, "***");
    ck_assert_int_eq(options_origin(&values, "size")->kind, ORIGIN_DEFAULT);
    ck_assert_int_eq(options_origin(&values, "text")->kind, ORIGIN_UNSET);
    options_drop(&values, "count");
    ck_assert_uint_eq(sample.count, 50);
    ck_assert_int_eq(options_origin(&values, "count")->kind, ORIGIN_DEFAULT);
    ck_assert_int_eq(PARSE("--real", "0.75", "--secret", "PW", "--flag"), OK);
    ck_assert_double_eq(sample.real, 0.75);
    options_drop(&values, "real");
    ck_assert_double_eq(sample.real, 0);
    options_drop(&values, "secret");
    ck_assert_ptr_null(sample.secret);
    options_drop(&values, "flag");
    ck_assert(!sample.flag);
}

/* What a printer writes, as text that the caller frees. */
static char *printed(void (*print)(FILE *out))
{
    struct printed text;
    printed_begin(&text);
    print(text.file);
    return printed_end(&text);
}

TEST(json)
{
    /* the echo of a run is not what the run used, or gives the password away */
    ck_assert_int_eq(PARSE("-c", "0.5k", "--secret", "PW", "--duration", "1.5", "--real", "1.25",
                           "-t", "\xff\"", "--", "get", "k"),
                     OK);
    json_t *object = options_to_json(&values);
    char *text = json_dumps(object, JSON_COMPACT);
    ck_assert_str_eq(
        text, "{\"flag\":false,\"other\":false,\"count\":500,\"size\":3,"
              "\"duration\":\"1500ms\",\"real\":1.25,\"unset-count\":null,\"text\":\"?\\\"\","
              "\"secret\":\"***\",\"custom\":\"x\",\"command\":[\"get\",\"k\"]}");
    free(text);
    json_decref(object);
}

TEST(in_force)
{
    /* A report hides an option that changed the run, or names a default, a secret, or one taken back. */
    ck_assert_int_eq(PARSE("-c", "0.5k", "--secret", "PW", "--flag", "--other=false", "--custom",
                           "x", "-t", "word"),
                     OK);
    json_t *object = options_in_force(&values);
    char *text = json_dumps(object, JSON_COMPACT);
    ck_assert_str_eq(text, "{\"flag\":true,\"count\":500,\"text\":\"word\"}");
    free(text);
    json_decref(object);
}

static void print_origins(FILE *out)
{
    options_print_origins(&values, out);
}

TEST(origins_printed)
{
    /* --explain shows a secret, or rows that mean nothing */
    ck_assert_int_eq(PARSE("-c", "9", "--secret", "PW"), OK);
    char *text = printed(print_origins);
    EXPECT_IN(text, "count");
    EXPECT_IN(text, "command line: -c\n");
    EXPECT_IN(text, "***");
    ck_assert_ptr_null(strstr(text, "PW"));
    ck_assert_ptr_null(strstr(text, "unset-count"));
    ck_assert_ptr_null(strstr(text, "later"));
    free(text);
}

static void print_help(FILE *out)
{
    options_print_help(&table, out);
}

static void print_markdown(FILE *out)
{
    options_print_markdown(&table, out);
}

static void print_man(FILE *out)
{
    options_print_man(&table, out);
}

static void print_completion(FILE *out)
{
    options_print_completion(&table, "test", out);
}

TEST(documents)
{
    /* a document does not say what the parser does */
    char *text = printed(print_help);
    EXPECT_IN(text, "usage: x [options]\n\nWhat it does.\n\nOne:\n");
    EXPECT_IN(text, "  -c, --count N               .A count; a|b. Also --number, --amount. "
                    "(1 to 1,000; default 50)\n");
    EXPECT_IN(text, "\nTwo:\n  --size SIZE ");
    EXPECT_IN(text, "  -o, -O, --other ");
    EXPECT_IN(text, "Known, but not available yet: --later\n");
    EXPECT_IN(text, "The end.\n");
    ck_assert_ptr_null(strstr(text, "elsewhere"));
    free(text);
    text = printed(print_markdown);
    EXPECT_IN(text, "### One\n\n| Option | Default | Allowed | Meaning |\n");
    EXPECT_IN(text, "| `-c` `--count N` | `50` | 1 to 1,000 | .A count; a\\|b. Also");
    EXPECT_IN(text, "`--elsewhere`: use --count.\n");
    free(text);
    text = printed(print_man);
    EXPECT_IN(text, ".SS One\n.TP\n\\fB\\-f\\fR, \\fB\\-\\-flag\\fR\nA flag.\n");
    EXPECT_IN(text, "\\fB\\-\\-unset\\-count\\fR \\fIN\\fR\n");
    EXPECT_IN(text, "\n\\&.A count");
    free(text);
    text = printed(print_completion);
    EXPECT_IN(text, "_volley_test()\n{\n");
    EXPECT_IN(text, "    --custom|--config)\n");
    EXPECT_IN(text, "\"--flag --other --count --number --amount --size");
    ck_assert_ptr_null(strstr(text, "later"));
    free(text);
}

static void print_bench_help(FILE *out)
{
    options_print_help(bench_option_table(), out);
}

TEST(bench_table_is_sound)
{
    /* a row has no name of its own, a default that its own parser refuses, or no help */
    const struct option_table *bench = bench_option_table();
    char names[256] = "";
    for (size_t i = 0; i < bench->row_count; i++) {
        const struct option_row *row = &bench->rows[i];
        ck_assert_int_eq(options_row(bench, row->name), (int)i);
        for (const char *letter = row->shorts; letter != NULL && *letter != '\0'; letter++) {
            ck_assert_msg(strchr(names, *letter) == NULL, "-%c is taken twice", *letter);
            names[strlen(names)] = *letter;
        }
        if (row->kind == OPTION_NOT_YET)
            continue;
        ck_assert_msg(row->help != NULL && strlen(row->help) > 5, "--%s", row->name);
        if (row->kind == OPTION_ELSEWHERE)
            continue;
        ck_assert_msg(row->section != NULL, "--%s", row->name);
        ck_assert_msg((row->kind == OPTION_FLAG) == (row->argument == NULL), "--%s", row->name);
        ck_assert_msg(row->kind != OPTION_DURATION || row->bare_unit_ns > 0, "--%s", row->name);
    }
    char *help = printed(print_bench_help);
    size_t widest = 0;
    for (const char *line = help; *line != '\0';) {
        size_t width = strcspn(line, "\n");
        widest = width > widest ? width : widest;
        line += width + (line[width] == '\n');
    }
    ck_assert_uint_le(widest, 100);
    free(help);
}

TEST(suggestions)
{
    /* a far-fetched name is suggested, or a near one is not */
    static const struct {
        const char *wanted, *name;
        bool near;
    } cases[] = {
        {"cleints", "clients", true},  {"client", "clients", true}, {"Clients", "clients", true},
        {"treads", "threads", true},   {"dat", "datasize", true},   {"tsl", "tls", true},
        {"xyz", "tls", false},         {"c", "csv", false},         {"pipe", "socket", false},
        {"requestz", "random", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct suggestion suggestion = {.wanted = cases[i].wanted,
                                        .wanted_bytes = strlen(cases[i].wanted)};
        suggest_offer(&suggestion, cases[i].name, strlen(cases[i].name));
        ck_assert_msg((suggestion.best[0] != '\0') == cases[i].near, "%s for %s", suggestion.best,
                      cases[i].wanted);
    }
}

TEST_SUITE_WITH(options, .set_up = setup, .tear_down = teardown)
