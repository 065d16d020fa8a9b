/* Requests that call scripts which a server has forgotten: sent again behind the script, once, and no error. By a whole
 * worker against a scripted server. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/options/workload_file.h"
#include "tests/support/check/simulated_run.h"
#include "tests/support/check/simulation.h"
#include "tests/support/check/suite.h"
#include "worker/generate/generator.h"

#define HEAD                                                                                       \
    "name: t\nkeys: {k: {count: 100}}\nscripts: {one: {text: return 1}, two: {text: return 2}}\n"
#define SHA_ONE "e0e1f9fabfc9d4800c877a703b823ac0578ff8db" /* of "return 1" */
#define CLASS_ONE "classes:\n- {name: one, command: 'EVALSHA {script one} 1 {key}'}\n"
#define BESIDE "- {name: plain, command: 'PING'}\n"
#define FORGETS_EACH 5

static struct simulated_run simulated;
static struct workload_file file;
static struct workload *workload;
static uint32_t forgotten, calls;
static size_t cut_at_byte;
static bool never_knows;

static void prepare(const char *text)
{
    struct err err = {.code = OK};
    const struct file_source source = {.name = "t", .text = text, .text_bytes = strlen(text)};
    const struct spec spec = {.load = {.seed = 3, .clients = 1}};
    ck_assert_msg(workload_file_read(&file, &source, &err) == OK, "%s", err.text);
    ck_assert_int_eq(
        workload_create(&workload, &(struct workload_source){.plan = &file.plan}, &spec, &err), OK);
    forgotten = calls = 0;
    never_knows = false;
    simulated_run_init(&simulated);
    simulated.run.generator = generator_of(workload);
    simulated.run.generator_source = workload;
    simulated.run.requests = 200;
    simulated.share.connections = 1;
}

static void forget(void)
{
    simulated_run_free(&simulated);
    workload_destroy(workload);
    workload_file_free(&file);
}

static bool holds(const char *bytes, size_t byte_count, const char *text)
{
    return memmem(bytes, byte_count, text, strlen(text)) != NULL;
}

/* memo: the command before this one was SCRIPT LOAD. */
static void answer(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    if (holds(bytes, byte_count, "\r\nLOAD\r\n")) {
        peer->memo = 1;
        scripted_say_text(peer, "$3\r\nsha\r\n", SCRIPTED_SERVICE_NS);
        return;
    }
    const bool loaded = peer->memo == 1;
    peer->memo = 0;
    if (!holds(bytes, byte_count, "EVALSHA")) {
        ck_assert(!loaded);
        scripted_say_text(peer, "+OK\r\n", SCRIPTED_SERVICE_NS);
        return;
    }
    const bool forgets = never_knows || (!loaded && calls++ % FORGETS_EACH == 0);
    forgotten += forgets && !loaded;
    scripted_say_text(peer,
                      forgets ? "-NOSCRIPT No matching script. Please use EVAL.\r\n" : ":1\r\n",
                      SCRIPTED_SERVICE_NS);
}

static void check_all_ok(uint64_t requests)
{
    ck_assert_uint_gt(forgotten, 0);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_OK), requests);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_ERROR_REPLIES), 0);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_SENT), requests);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_RELOADED), forgotten);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_RESENT), forgotten);
    ck_assert_uint_eq(scripted_requests(), requests + 2 * forgotten);
}

TEST(what_a_server_has_forgotten_it_is_given)
{
    /* Breaks when NOSCRIPT is an error, the script goes to the server without its request, or something else is sent
     * again; with one class or several, and with a rate. */
    static const char *const texts[] = {HEAD CLASS_ONE, HEAD CLASS_ONE BESIDE};
    static const uint64_t rates[] = {0, 1000};
    const struct scripted_server server = {.command = answer};
    for (uint64_t pipeline = 1; pipeline <= 4; pipeline += 3)
        for (size_t i = 0; i < 4; i++) {
            prepare(texts[i % 2]);
            simulated.run.pipeline = pipeline;
            simulated.rate = rates[i / 2];
            simulated.share.connections = 2;
            simulated.run.requests = 1000;
            simulated_run_go(&simulated, &server);
            check_all_ok(1000);
            forget();
        }
}

/* The socket is full once, at this byte. */
static size_t take_up_to_cut(struct scripted_peer *peer, size_t byte_count)
{
    const size_t cut = peer->greeting_bytes + cut_at_byte;
    if (peer->greeting_bytes == 0 || peer->received_bytes > cut)
        return byte_count;
    if (peer->received_bytes == cut && peer->fd >= 0 && cut_at_byte != SIZE_MAX) {
        cut_at_byte = SIZE_MAX;
        scripted_wake(peer, 20 * NS_PER_US);
        return 0;
    }
    return cut - peer->received_bytes < byte_count && cut_at_byte != SIZE_MAX
               ? cut - peer->received_bytes
               : byte_count;
}

TEST(a_script_is_cut_at_every_byte)
{
    /* Breaks when the script and the request behind it are torn apart wherever the socket is full. */
    const struct scripted_server server = {.command = answer, .takes = take_up_to_cut};
    for (size_t cut = 0; cut < 250; cut++) {
        prepare(HEAD CLASS_ONE);
        cut_at_byte = cut;
        simulated.run.requests = 12;
        simulated.run.pipeline = 1 + cut % 3;
        simulated_run_go(&simulated, &server);
        check_all_ok(12);
        forget();
    }
}

TEST(a_long_script_goes_out_in_windows)
{
    /* Breaks when a script that is longer than what is written at once is cut off. */
    static char text[PLAN_SCRIPT_BYTES_MAX + 1000];
    const struct scripted_server server = {.command = answer};
    int used =
        snprintf(text, sizeof text, "name: t\nkeys: {k: {count: 9}}\nscripts: {one: {text: \"");
    memset(text + used, '-', PLAN_SCRIPT_BYTES_MAX - 10);
    used += (int)PLAN_SCRIPT_BYTES_MAX - 10;
    snprintf(text + used, sizeof text - (size_t)used, "\"}}\n" CLASS_ONE);
    prepare(text);
    simulated.run.pipeline = 3;
    simulated.run.requests = 20;
    simulated_run_go(&simulated, &server);
    check_all_ok(20);
    forget();
}

TEST(what_is_not_known_behind_its_script_is_an_error)
{
    /* Breaks when a request goes to and fro for ever with a server that never knows its script. */
    const struct scripted_server server = {.command = answer};
    prepare(HEAD CLASS_ONE);
    never_knows = true;
    simulated_run_go(&simulated, &server);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_ERROR_REPLIES), 200);
    ck_assert_uint_eq(simulated_counter(&simulated, COUNTER_RELOADED), 200);
    ck_assert_uint_eq(scripted_requests(), 3 * 200);
    forget();
}

TEST(only_what_a_class_calls_goes_ahead_of_it)
{
    /* Breaks when a server gets scripts of others, or a request that cannot be sent again gets any; or when what stands for
     * a script is not its SHA1. */
    prepare(HEAD "functions: {lib: {text: \"#!lua name=a\"}}\n" CLASS_ONE
                 "- {name: both, command: 'EVALSHA {script two} 0 {script one}'}\n" BESIDE
                 "- {name: call, command: 'FCALL f 0'}\n"
                 "- {name: unit, unit: sequence, commands: ['SET {key#1} x', 'EVALSHA {script one} "
                 "1 {key#1}']}\n");
    static const uint32_t counts[] = {1, 2, 0, 1, 0};
    static const char *const texts[] = {
        "*3\r\n$6\r\nSCRIPT\r\n$4\r\nLOAD\r\n$8\r\nreturn 1\r\n",
        ("*3\r\n$6\r\nSCRIPT\r\n$4\r\nLOAD\r\n$8\r\nreturn 1\r\n"
         "*3\r\n$6\r\nSCRIPT\r\n$4\r\nLOAD\r\n$8\r\nreturn 2\r\n"),
        "", "*4\r\n$8\r\nFUNCTION\r\n$4\r\nLOAD\r\n$7\r\nREPLACE\r\n$12\r\n#!lua name=a\r\n", ""};
    for (uint32_t i = 0; i < 5; i++) {
        const struct request_class class = mix_request_class(workload_mix(workload), i);
        ck_assert_uint_eq(class.load_count, counts[i]);
        ck_assert_uint_eq(class.load_bytes, strlen(texts[i]));
        if (counts[i] > 0)
            ck_assert_mem_eq(class.load, texts[i], class.load_bytes);
    }
    struct workload_sample sample = {.bytes = NULL};
    struct err err = {.code = OK};
    for (uint64_t ticket = 0; sample.bytes == NULL; ticket++) {
        ck_assert_int_eq(workload_sample(&sample, workload, ticket, &err), OK);
        if (strcmp(sample.class, "one") != 0) {
            free(sample.bytes);
            sample.bytes = NULL;
        }
    }
    ck_assert_ptr_nonnull(strstr(sample.bytes, "\r\n$40\r\n" SHA_ONE "\r\n"));
    free(sample.bytes);
    forget();
}

TEST_SUITE_WITH(scripts, .timeout_seconds = 60)
