/* Walks by cursors: one that is sent a cursor that another reply said, that stops half way, or that is forgotten. By a
 * whole worker against a scripted server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/options/workload_file.h"
#include "tests/support/check/simulated_run.h"
#include "tests/support/check/simulation.h"
#include "tests/support/check/suite.h"
#include "worker/generate/generator.h"
#include "worker/generate/workload.h"

#define HEAD "name: t\nkeys: {k: {count: 100}}\nclasses:\n"
#define SCAN "- {name: all, command: 'SCAN {cursor} COUNT 10'}\n"
#define HSCAN "- {name: some, command: 'HSCAN {key} {cursor}'}\n"
#define PLAIN "- {name: get, command: 'GET {key}'}\n"
#define PAGES 7 /* of a walk */
#define CURSORS_MAX 8192u

static struct simulated_run simulated;
static struct workload_file file;
static struct workload *workload;

/* What was said last of each walk: its cursor is the number here + 1, times 7^16, so that cursors are long. */
#define CURSOR_STEP 33232930569601ull
static struct given {
    char key[32];
    uint32_t page;
    bool given; /* and has not come back */
} givens[CURSORS_MAX];
static uint32_t given_count, begun, ended, failed, fail_each, end_each, asked, lost;

static void prepare(const char *text)
{
    struct err err = {.code = OK};
    const struct file_source source = {.name = "t", .text = text, .text_bytes = strlen(text)};
    const struct spec spec = {.load = {.seed = 3, .clients = 2}};
    ck_assert_msg(workload_file_read(&file, &source, &err) == OK, "%s", err.text);
    ck_assert_int_eq(
        workload_create(&workload, &(struct workload_source){.plan = &file.plan}, &spec, &err), OK);
    memset(givens, 0, sizeof givens);
    given_count = begun = ended = failed = fail_each = end_each = asked = lost = 0;
    simulated_run_init(&simulated);
    simulated.run.generator = generator_of(workload);
    simulated.run.generator_source = workload;
    simulated.run.requests = 2000;
    simulated.share.connections = 2;
}

static void forget(void)
{
    simulated_run_free(&simulated);
    workload_destroy(workload);
    workload_file_free(&file);
}

/* Argument `index` of a command, from 0 on. */
static void argument(char text[32], const char *bytes, unsigned index)
{
    const char *at = strchr(bytes, '\n') + 1;
    for (;; index--) {
        const size_t length = strtoul(at + 1, NULL, 10);
        at = strchr(at, '\n') + 1;
        if (index == 0) {
            snprintf(text, 32, "%.*s", (int)length, at);
            return;
        }
        at += length + 2;
    }
}

/* Each cursor that was said is asked for once, with its key. */
static void answer_page(struct scripted_peer *peer, const char *key, const char *cursor_text)
{
    const uint64_t cursor = strtoull(cursor_text, NULL, 10);
    char reply[128], next[32] = "0";
    uint32_t page = 0;
    begun += cursor == 0;
    if (cursor > 0) {
        struct given *given = &givens[cursor / CURSOR_STEP - 1];
        ck_assert_uint_eq(cursor % CURSOR_STEP, 0);
        ck_assert(given->given);
        ck_assert_str_eq(given->key, key);
        given->given = false;
        page = given->page;
    }
    if (fail_each > 0 && asked % fail_each == 0) {
        failed++;
        scripted_say_text(peer, "-ERR no\r\n", SCRIPTED_SERVICE_NS);
        return;
    }
    if (page + 1 < PAGES) {
        ck_assert_uint_lt(given_count, CURSORS_MAX);
        struct given *given = &givens[given_count++];
        *given = (struct given){.page = page + 1, .given = true};
        snprintf(given->key, sizeof given->key, "%s", key);
        snprintf(next, sizeof next, "%llu", (unsigned long long)(given_count * CURSOR_STEP));
    } else {
        ended++;
    }
    snprintf(reply, sizeof reply, "*2\r\n$%zu\r\n%s\r\n*2\r\n$2\r\n77\r\n$-1\r\n", strlen(next),
             next);
    scripted_say_text(peer, reply, SCRIPTED_SERVICE_NS);
}

static void answer(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    char copy[256], name[32], first[32], second[32];
    snprintf(copy, sizeof copy, "%.*s", (int)byte_count, bytes);
    argument(name, copy, 0);
    if (strcmp(name, "SCAN") != 0 && strcmp(name, "HSCAN") != 0) {
        scripted_say_text(peer, strcmp(name, "GET") == 0 ? "$2\r\n99\r\n" : "+OK\r\n",
                          SCRIPTED_SERVICE_NS);
        return;
    }
    argument(first, copy, 1);
    argument(second, copy, 2);
    if (end_each > 0 && ++asked % end_each == 0) {
        scripted_end(peer, SCRIPTED_SERVICE_NS);
        lost++;
        return;
    }
    asked += end_each == 0;
    if (name[0] == 'S')
        answer_page(peer, "", first);
    else
        answer_page(peer, first, second);
}

static const struct scripted_server server = {.command = answer};

TEST(each_cursor_is_followed_once)
{
    /* Breaks when a page is asked for twice or never, of another key, or the end of a walk is not told; with one class or
     * several, deep pipelines, and a rate. */
    static const char *const texts[] = {HEAD SCAN, HEAD HSCAN, HEAD SCAN HSCAN PLAIN};
    static const uint64_t rates[] = {0, 1000};
    for (uint64_t pipeline = 1; pipeline <= 8; pipeline += 7)
        for (size_t i = 0; i < 6; i++) {
            prepare(texts[i % 3]);
            simulated.run.pipeline = pipeline;
            simulated.rate = rates[i / 3];
            simulated_run_go(&simulated, &server);
            ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_OK), 2000);
            ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_WALKS), ended);
            ck_assert_uint_gt(ended, 80);
            /* No more are open than requests can be under way. */
            ck_assert_uint_le(begun - ended, 2 * pipeline * (i % 3 == 2 ? 2 : 1));
            forget();
        }
}

TEST(a_walk_that_fails_begins_anew)
{
    /* Breaks when a walk is asked again for a page whose reply was an error, or goes on from nowhere. */
    prepare(HEAD SCAN PLAIN);
    fail_each = 5;
    simulated.run.pipeline = 3;
    simulated_run_go(&simulated, &server);
    ck_assert_uint_gt(failed, 100);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_ERROR_REPLIES), failed);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_WALKS), ended);
    ck_assert_uint_ge(begun, failed + ended);
    ck_assert_uint_le(begun, failed + ended + 6);
    forget();
}

TEST(a_walk_whose_connection_ends_begins_anew)
{
    /* Breaks when a walk that was in flight is forgotten, until there are none any more, or is taken up twice. */
    prepare(HEAD HSCAN);
    end_each = 40;
    simulated.run.pipeline = 4;
    simulated_run_go(&simulated, &server);
    ck_assert_uint_gt(lost, 20);
    const uint64_t *counters = simulated.measured->counters;
    ck_assert_uint_eq(counters[COUNTER_OK] + counters_lost(counters), 2000);
    ck_assert_uint_eq(counters[COUNTER_WALKS], ended);
    ck_assert_uint_gt(ended, 50);
    forget();
}

static void say_nothing_of_cursors(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    static const char *const replies[] = {"*0\r\n",
                                          "+OK\r\n",
                                          "*1\r\n$-1\r\n",
                                          "*1\r\n$1\r\nx\r\n",
                                          "*1\r\n$21\r\n100000000000000000000\r\n",
                                          "*1\r\n$20\r\n99999999999999999999\r\n"};
    const bool page = memmem(bytes, byte_count, "SCAN", 4) != NULL;
    if (page)
        ck_assert_ptr_nonnull(memmem(bytes, byte_count, "$1\r\n0\r\n", 7));
    scripted_say_text(peer, page ? replies[peer->memo++ % 6] : "+OK\r\n", SCRIPTED_SERVICE_NS);
}

TEST(what_is_no_cursor_is_not_followed)
{
    /* Breaks when whatever a server says is sent back to it, or counts as the end of a walk. */
    const struct scripted_server strange = {.command = say_nothing_of_cursors};
    prepare(HEAD SCAN);
    simulated_run_go(&simulated, &strange);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_OK), 2000);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_WALKS), 0);
    forget();
}

TEST_SUITE_WITH(walks, .timeout_seconds = 60)
