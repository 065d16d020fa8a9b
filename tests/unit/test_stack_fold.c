/* What `perf script` prints becomes folded stacks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "orchestrator/suite/stack_fold.h"
#include "tests/support/check/suite.h"

static struct stack_fold *fold;
static struct stack_fold_counts counts;
static char *written;

static void set_up(void)
{
    fold = stack_fold_create();
    ck_assert_ptr_nonnull(fold);
}

static void tear_down(void)
{
    stack_fold_free(fold);
    free(written);
    written = NULL;
}

/* Line by line, and ends it. */
static void fold_text(const char *text)
{
    char line[8192];
    for (const char *at = text; *at != '\0';) {
        const size_t bytes = strcspn(at, "\n") + 1;
        snprintf(line, sizeof line, "%.*s", (int)bytes, at);
        stack_fold_line(fold, line);
        at += at[bytes - 1] == '\n' ? bytes : bytes - 1;
    }
    stack_fold_end(fold);
    counts = stack_fold_counts(fold);
}

static void expect_written(const char *expected)
{
    size_t bytes = 0;
    struct err err = {.code = OK};
    FILE *file = open_memstream(&written, &bytes);
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(stack_fold_write(fold, file, &err), OK);
    fclose(file);
    ck_assert_str_eq(written, expected);
}

#define SAMPLE(command) command " 1500 16388.474090:    2004008 cpu-clock:pppH: \n"

TEST(samples_of_a_server)
{
    /* Breaks when a stack is upside down, equal ones are not counted together, or a place in the code parts them. */
    fold_text(
        "# ========\n# captured on: today\n#\n" SAMPLE("valkey-server ") /* as perf 6.1 prints it */
        "\tffffffff816e92da fdget_pos+0x1a ([kernel.kallsyms])\n"
        "\t           f82ec read+0x4c (/usr/lib/x86_64-linux-gnu/libc.so.6)\n"
        "\t3631240a0d544553 [unknown] ([unknown])\n"
        "\n" SAMPLE(
            "valkey-server ") "\tffffffff816e92ff fdget_pos+0x3f ([kernel.kallsyms])\n"
                              "\t           f82ec read+0x4c (/usr/lib/x86_64-linux-gnu/libc.so.6)\n"
                              "\t    5565913de578 [unknown] ([unknown])\n"
                              "\n"
                              "io thd 1  1500/1502  [001] 16388.5: 250000 cpu-clock:pppH: \n"
                              "\t          1103cf writeToClient+0x5f (/root/a b/valkey-server "
                              "(deleted))\n"
                              "\t          1103cf [unknown] (/opt/lib/libx.so)\n");
    expect_written("io thd 1;[libx.so];writeToClient 1\n"
                   "valkey-server;[unknown];read;fdget_pos 2\n");
    ck_assert_uint_eq(counts.folded, 3);
    ck_assert_uint_eq(counts.not_read + counts.other_events + counts.without_stack, 0);
}

static const struct {
    const char *frame, *name;
} frames[] = {
    {"aeMain+0x10 (/bin/s)", "aeMain"},
    {"aeMain (/bin/s)", "aeMain"},
    {"aeMain", "aeMain"},
    {"aeMain (inlined)", "aeMain"},
    {"std::map<int, char>::find(int const&) const+0x1f (/bin/s)",
     "std::map<int, char>::find(int const&) const"},
    {"operator+0x1 (/bin/s)", "operator"},
    {"a+0xzz (/bin/s)", "a+0xzz"},
    {"a;b+0x1 (/bin/s)", "a:b"},
    {"a\033[31m+0x1 (/bin/s)", "a [31m"},
    {"[unknown] (/lib/libc.so.6)", "[libc.so.6]"},
    {"[unknown] ([vdso])", "[vdso]"},
    {"[unknown] (//anon)", "[anon]"},
    {"[unknown] (/)", "[unknown]"},
    {"[unknown]", "[unknown]"},
    {"f+0x1 (/bin/a (deleted))", "f"},
};

LOOP_TEST(names_of_frames, sizeof frames / sizeof frames[0])
{
    /* Breaks when a frame's name is lost, holds its address, or cannot be told from the next frame's. */
    char text[512], expected[512];
    snprintf(text, sizeof text, "%s\t 55aa %s\n", SAMPLE("s"), frames[_i].frame);
    snprintf(expected, sizeof expected, "s;%s 1\n", frames[_i].name);
    fold_text(text);
    expect_written(expected);
}

TEST(what_is_not_folded)
{
    /* Breaks when samples of two events are added up, or one without a stack is taken for one. */
    fold_text("\t 55aa lost+0x1 (/bin/s)\n" SAMPLE("s") "\t 55aa a+0x1 (/bin/s)\n\n" SAMPLE(
        "s") "\n"
             "s 1500 16388.4: 1 instructions: \n\t 55aa b+0x1 (/bin/s)\n\n"
             "no sample\n\t 55aa c+0x1 (/bin/s)\nwho are you:\ns 12: \n\t not hex\n");
    expect_written("s;a 1\n");
    ck_assert_uint_eq(counts.folded, 1);
    ck_assert_uint_eq(counts.without_stack, 1);
    ck_assert_uint_eq(counts.other_events, 1);
    ck_assert_uint_eq(counts.not_read, 6);
}

TEST(deep_and_long)
{
    /* Breaks when a recursion without end takes more than its place, or a long name does. */
    char name[400], text[600];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    stack_fold_line(fold, SAMPLE("s"));
    for (unsigned i = 0; i < STACK_FOLD_FRAMES; i++) {
        snprintf(text, sizeof text, "\t 55aa %s+0x1 (/bin/s)", name);
        stack_fold_line(fold, text);
    }
    stack_fold_line(fold, "\t 55aa main+0x1 (/bin/s)\n");
    stack_fold_end(fold);
    size_t count = 0, semicolons = 0;
    const struct folded_stack *stacks = stack_fold_stacks(fold, &count);
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(strncmp(stacks[0].text, "s;" STACK_FOLD_DEEPER ";xxx", 14), 0);
    ck_assert_ptr_null(strstr(stacks[0].text, "main"));
    for (const char *at = stacks[0].text; *at != '\0'; at++)
        semicolons += *at == ';';
    ck_assert_uint_eq(semicolons, STACK_FOLD_FRAMES + 1);
    ck_assert_uint_eq(strlen(stacks[0].text),
                      strlen("s;" STACK_FOLD_DEEPER) +
                          STACK_FOLD_FRAMES * (size_t)STACK_FOLD_NAME_BYTES);
}

TEST(too_many_stacks)
{
    /* Breaks when a profile of anything takes memory without an end, or what is left out is not told. */
    char text[64];
    for (unsigned i = 0; i < STACK_FOLD_STACKS + 5; i++) {
        stack_fold_line(fold, SAMPLE("s"));
        snprintf(text, sizeof text, "\t 55aa f%u+0x1 (/bin/s)", i);
        stack_fold_line(fold, text);
        stack_fold_line(fold, "");
    }
    stack_fold_line(fold, SAMPLE("s"));
    stack_fold_line(fold, "\t 55aa f7+0x1 (/bin/s)");
    stack_fold_end(fold);
    size_t count = 0;
    (void)stack_fold_stacks(fold, &count);
    ck_assert_uint_eq(count, STACK_FOLD_STACKS);
    counts = stack_fold_counts(fold);
    ck_assert_uint_eq(counts.not_kept, 5);
    ck_assert_uint_eq(counts.folded, STACK_FOLD_STACKS + 1);
}

TEST(nothing)
{
    /* Breaks when an empty profile is an error, or memory is asked for nothing. */
    fold_text("");
    expect_written("");
    stack_fold_free(NULL);
}

/* ---- properties ---- */

#define DEPTH 4u
#define SYMBOLS 3u
#define STACKS_POSSIBLE 121u /* of 0 to 4 frames of 3 symbols: 1 + 3 + 9 + 27 + 81 */

/* A number for a stack, the outermost frame first. */
static unsigned stack_number(const unsigned *symbols, unsigned depth)
{
    unsigned number = 0;
    for (unsigned i = 0; i < depth; i++)
        number = number * SYMBOLS + symbols[i] + 1;
    return number;
}

LOOP_TEST(every_sample_is_in_its_stack, 20)
{
    /* Breaks when any sequence of samples is not counted as what they are. */
    const uint64_t seed = 0x57ac + (uint64_t)_i;
    uint64_t expected[STACKS_POSSIBLE] = {0}, at = 0, total = 0;
    char line[128];
    for (unsigned sample = 0; sample < 2000; sample++) {
        unsigned symbols[DEPTH];
        const unsigned depth = (unsigned)rng_bounded(rng_at(seed, at++), DEPTH + 1);
        stack_fold_line(fold, SAMPLE("s"));
        for (unsigned i = 0; i < depth; i++)
            symbols[i] = (unsigned)rng_bounded(rng_at(seed, at++), SYMBOLS);
        for (unsigned i = depth; i > 0; i--) {
            snprintf(line, sizeof line, "\t %llx %c+0x%llx (/bin/s)\n",
                     (unsigned long long)rng_at(seed, at), 'a' + (int)symbols[i - 1],
                     (unsigned long long)rng_at(seed, at + 1) >> 48);
            at += 2;
            stack_fold_line(fold, line);
        }
        if (rng_bounded(rng_at(seed, at++), 2) == 0)
            stack_fold_line(fold, "\n");
        expected[stack_number(symbols, depth)]++;
    }
    stack_fold_end(fold);
    counts = stack_fold_counts(fold);
    size_t count = 0;
    const struct folded_stack *stacks = stack_fold_stacks(fold, &count);
    for (size_t i = 0; i < count; i++) {
        unsigned symbols[DEPTH], depth = 0;
        for (const char *name = stacks[i].text + 1; *name != '\0'; name += 2)
            symbols[depth++] = (unsigned)(name[1] - 'a');
        ck_assert_uint_eq(stacks[i].count, expected[stack_number(symbols, depth)]);
        ck_assert(i == 0 || strcmp(stacks[i - 1].text, stacks[i].text) < 0);
        total += stacks[i].count;
    }
    ck_assert_uint_eq(total, counts.folded);
    ck_assert_uint_eq(counts.without_stack, expected[0]);
    ck_assert_uint_eq(total + expected[0], 2000);
}

/* Pieces that lines are made of, and what breaks them. */
static const char *const pieces[] = {"s",           " ",         "\t",    "12",           "/",
                                     ":",           "55aa",      "a+0x1", "(/b/s)",       "(",
                                     ")",           ";",         "\n",    "cycles:",      "+0x",
                                     "\033[",       "[unknown]", "\xff",  "12/",          "#",
                                     " (deleted))", "\r",        "12 ",   "s 12 1.5: e:", "\t 1 ",
                                     "[x]",         "1.5:"};

LOOP_TEST(any_text, 200)
{
    /* Breaks when some input makes a line that others cannot read, a sample is counted twice, or memory is overrun. */
    char line[512];
    uint64_t at = 0, total = 0;
    for (unsigned i = 0; i < 300; i++) {
        size_t bytes = 0;
        const unsigned count = (unsigned)rng_bounded(rng_at((uint64_t)_i, at++), 12);
        line[0] = '\0';
        for (unsigned k = 0; k < count; k++)
            bytes += (size_t)snprintf(
                line + bytes, sizeof line - bytes, "%s",
                pieces[rng_bounded(rng_at((uint64_t)_i, at++), sizeof pieces / sizeof pieces[0])]);
        stack_fold_line(fold, line);
    }
    stack_fold_end(fold);
    size_t count = 0;
    const struct folded_stack *stacks = stack_fold_stacks(fold, &count);
    for (size_t i = 0; i < count; i++) {
        ck_assert_ptr_nonnull(strchr(stacks[i].text, ';'));
        ck_assert_ptr_null(strstr(stacks[i].text, ";;"));
        ck_assert_int_ne(stacks[i].text[strlen(stacks[i].text) - 1], ';');
        for (const char *byte = stacks[i].text; *byte != '\0'; byte++)
            ck_assert_uint_ge((unsigned char)*byte, ' ');
        total += stacks[i].count;
    }
    ck_assert_uint_eq(total, stack_fold_counts(fold).folded);
}

TEST_SUITE_WITH(stack_fold, .set_up = set_up, .tear_down = tear_down)
