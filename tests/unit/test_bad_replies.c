/* Servers that answer rubbish, half a reply, a reply too many or one in pieces, in closed loops and open
 * ones: by a whole worker against a scripted server. tests/integration/test_bad_server.c has one run of
 * volley for each kind of end. */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/support/check/simulated_run.h"
#include "tests/support/check/simulation.h"
#include "tests/support/check/suite.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define GOOD "$3\r\nabc\r\n"

static struct simulated_run simulated;

/* What comes in place of some good replies. */
static struct script {
    const char *bytes;
    size_t byte_count; /* 0: terminated                             */
    unsigned skip, times;
    bool ends;              /* the connection, behind them               */
    uint64_t byte_apart_ns; /* each by itself; 0: in one piece           */
    const char *greeting;   /* of two connections after the first        */
    bool greeting_ends;
    unsigned asked; /* good or bad                               */
} script;

static size_t script_bytes(void)
{
    return script.byte_count > 0 ? script.byte_count : strlen(script.bytes);
}

static void answer_greeting(struct scripted_peer *peer)
{
    const bool bad = script.greeting != NULL && (peer->number == 1 || peer->number == 2);
    scripted_say_text(peer, bad ? script.greeting : "+OK\r\n", SCRIPTED_SERVICE_NS);
    if (bad && script.greeting_ends)
        scripted_end(peer, SCRIPTED_SERVICE_NS);
}

/* Other commands than GET are answered well. */
static void answer(struct scripted_peer *peer, const char *bytes, size_t byte_count)
{
    if (scripted_requests_of(peer) == 0) {
        answer_greeting(peer);
        return;
    }
    const bool get = memmem(bytes, byte_count, "GET", 3) != NULL;
    const unsigned number = script.asked;
    script.asked += get;
    if (!get || number < script.skip || number >= script.skip + script.times) {
        scripted_say_text(peer, GOOD, SCRIPTED_SERVICE_NS);
        return;
    }
    if (script.byte_apart_ns > 0)
        for (size_t i = 0; i < script_bytes(); i++)
            scripted_say(peer, &script.bytes[i], 1, (i + 1) * script.byte_apart_ns);
    else
        scripted_say(peer, script.bytes, script_bytes(), SCRIPTED_SERVICE_NS);
    if (script.ends)
        scripted_end(peer, SCRIPTED_SERVICE_NS);
}

static uint64_t counted(enum counter counter)
{
    return simulated_counter(&simulated, counter);
}

static void begin(uint64_t rate, const struct script *said)
{
    static const char *const get[] = {"GET", "key:__rand_int__"};
    script = *said;
    simulated_run_init(&simulated);
    simulated.rate = rate;
    simulated.command = get;
    simulated.argument_count = COUNT(get);
    simulated.spec.endpoint.request_timeout_ns = 500 * NS_PER_MS;
    simulated.run.requests = 100;
    simulated.share.connections = 2;
}

/* Every request is a success or lost, and each bad reply took its connection. */
static void go(uint64_t connections_lost)
{
    const struct scripted_server server = {.command = answer};
    simulated_run_go(&simulated, &server);
    ck_assert_uint_eq(counted(COUNTER_SENT), simulated.run.requests);
    ck_assert_uint_eq(counted(COUNTER_OK) + counted(COUNTER_TIMED_OUT) +
                          counters_lost(simulated.measured->counters),
                      simulated.run.requests);
    ck_assert_msg(counted(COUNTER_CONNECTIONS_LOST) == connections_lost, "%u for %s",
                  (unsigned)counted(COUNTER_CONNECTIONS_LOST), script.bytes);
}

/* Rubbish -------------------------------------------------------------------------------------- */

static const char seventeen_deep[] = "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n"
                                     "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n+x\r\n";

static const struct {
    const char *bytes;
    size_t byte_count; /* 0: terminated */
} rubbish[] = {
    {"HTTP/1.1 400 Bad Request\r\n\r\n", 0},
    {"SSH-2.0-OpenSSH_9.2p1\r\n", 0},
    {"220 mail.example ESMTP\r\n", 0},
    {"\x15\x03\x01\x00\x02\x02\x46", 7}, /* an alert of TLS */
    {"\0\0\0\0", 4},
    {"\r\n", 0},
    {"\n", 0},
    {"+OK\n+OK\r\n", 0},
    {"+O\rK\r\n", 0},
    {"$3\r\nabcdef\r\n", 0},
    {"$3\r\nabc\n\n", 0},
    {"$03\r\nabc\r\n", 0},
    {"$-2\r\n", 0},
    {"$\r\n", 0},
    {"$3 \r\nabc\r\n", 0},
    {"$99999999999999999999\r\n", 0},
    {"$4294967297\r\n", 0},
    {"$?\r\n;3\r\nabc\r\n", 0},
    {"*-7\r\n", 0},
    {"*?\r\n", 0},
    {"*1\r\n>1\r\n+x\r\n", 0},
    {"*2\r\n+a\r\nb\r\n", 0},
    {seventeen_deep, 0},
    {":12x\r\n", 0},
    {":\r\n", 0},
    {"#x\r\n", 0},
    {"_x\r\n", 0},
    {"%-1\r\n", 0},
    {"~-3\r\n", 0},
    {"!x\r\n", 0},
    {".\r\n", 0},
};

static const uint64_t rates[] = {0, 1000}; /* requests a second; 0: a closed loop */

LOOP_TEST(test_rubbish, COUNT(rates))
{
    /* Breaks when bytes that are no reply crash a worker, end the run, pass for a reply, or are billed to
     * another cause. */
    for (size_t i = 0; i < COUNT(rubbish); i++) {
        begin(rates[_i], &(struct script){.bytes = rubbish[i].bytes,
                                          .byte_count = rubbish[i].byte_count,
                                          .skip = 10,
                                          .times = 2});
        go(2);
        ck_assert_uint_eq(counted(COUNTER_LOST_PROTOCOL), 2);
        ck_assert_uint_eq(counted(COUNTER_CONNECTIONS_PROTOCOL), 2);
        ck_assert_uint_eq(counted(COUNTER_HITS), 98);
        simulated_run_free(&simulated);
    }
}

LOOP_TEST(test_rubbish_in_a_pipeline, COUNT(rates))
{
    /* Breaks when what stands behind the rubbish is taken for replies, or the requests that waited there are
     * forgotten. */
    begin(rates[_i] * 20, &(struct script){.bytes = "rubbish\r\n", .skip = 40, .times = 1});
    simulated.run.requests = 400;
    simulated.run.pipeline = 16;
    simulated.share.connections = 1;
    go(1);
    ck_assert_uint_ge(counted(COUNTER_LOST_PROTOCOL), 1);
    ck_assert_uint_le(counted(COUNTER_LOST_PROTOCOL), 16);
    ck_assert_uint_eq(counted(COUNTER_HITS), 400 - counted(COUNTER_LOST_PROTOCOL));
    simulated_run_free(&simulated);
}

LOOP_TEST(test_rubbish_in_a_sequence, COUNT(rates))
{
    /* Breaks when a sequence whose second reply is rubbish counts as a success, or as two losses. */
    static const char *const sequence[] = {"SET", "a", "b", ";", "GET", "a", ";", "INCR", "c"};
    begin(rates[_i], &(struct script){.bytes = "?\r\n", .skip = 5, .times = 2});
    simulated.command = sequence;
    simulated.argument_count = COUNT(sequence);
    simulated.share.connections = 1;
    go(2);
    ck_assert_uint_eq(counted(COUNTER_LOST_PROTOCOL), 2);
    ck_assert_uint_eq(counted(COUNTER_OK), 98);
    simulated_run_free(&simulated);
}

LOOP_TEST(test_big_rubbish, COUNT(rates))
{
    /* Breaks when rubbish that fills many reads is scanned for ever, or read after the connection is lost. */
    char *bytes = malloc(1 << 20);
    ck_assert_ptr_nonnull(bytes);
    memset(bytes, 'x', 1 << 20);
    begin(rates[_i],
          &(struct script){.bytes = bytes, .byte_count = 1 << 20, .skip = 10, .times = 2});
    go(2);
    ck_assert_uint_eq(counted(COUNTER_LOST_PROTOCOL), 2);
    simulated_run_free(&simulated);
    free(bytes);
}

/* Half a reply --------------------------------------------------------------------------------- */

static const char *const halves[] = {
    "$",      "$100\r\nhalf a rep",       "$3\r\nabc\r",        "+OK", "+OK\r",
    "*2\r\n", "*2\r\n$3\r\nabc\r\n",      "%1\r\n+a\r\n",       ":1",  "-ERR",
    "*0",     "*3\r\n*1\r\n:1\r\n:2\r\n", "|1\r\n+a\r\n+b\r\n", "=",   "*4294967295\r\n+a\r\n"};

LOOP_TEST(test_half_then_silence, COUNT(rates))
{
    /* Breaks when half a reply counts as a whole one, or its request has no time-out. */
    for (size_t i = 0; i < COUNT(halves); i++) {
        begin(rates[_i], &(struct script){.bytes = halves[i], .skip = 10, .times = 2});
        go(2);
        ck_assert_uint_eq(counted(COUNTER_TIMED_OUT), 2);
        ck_assert_uint_eq(counted(COUNTER_CONNECTIONS_TIMED_OUT), 2);
        ck_assert_uint_eq(counters_lost(simulated.measured->counters), 0);
        simulated_run_free(&simulated);
    }
}

LOOP_TEST(test_half_then_gone, COUNT(rates))
{
    /* Breaks when the end of a connection in a reply is no loss, or is billed to another cause. */
    for (size_t i = 0; i < COUNT(halves); i++) {
        begin(rates[_i],
              &(struct script){.bytes = halves[i], .skip = 10, .times = 2, .ends = true});
        go(2);
        ck_assert_uint_eq(counted(COUNTER_LOST_DISCONNECT), 2);
        ck_assert_uint_eq(counted(COUNTER_CONNECTIONS_CLOSED), 2);
        simulated_run_free(&simulated);
    }
}

LOOP_TEST(test_half_in_a_pipeline, COUNT(rates))
{
    /* Breaks when replies that a half one swallows as its value are in no book, or the request behind it is
     * answered by what is left of them. */
    begin(rates[_i] * 5, &(struct script){.bytes = "$100\r\n", .skip = 40, .times = 1});
    simulated.run.pipeline = 4;
    simulated.share.connections = 1;
    go(1);
    ck_assert_uint_ge(counted(COUNTER_TIMED_OUT) + counted(COUNTER_LOST_PROTOCOL), 1);
    ck_assert_uint_ge(counted(COUNTER_OK), 92);
    ck_assert_uint_eq(counted(COUNTER_HITS), counted(COUNTER_OK));
    simulated_run_free(&simulated);
}

LOOP_TEST(test_endless_line, COUNT(rates))
{
    /* Breaks when a line without end is kept in memory, or never timed out. */
    static const char types[] = "+-:";
    char *bytes = malloc(4 << 20);
    ck_assert_ptr_nonnull(bytes);
    memset(bytes, '7', 4 << 20);
    for (size_t i = 0; i < COUNT(types) - 1; i++) {
        bytes[0] = types[i];
        begin(rates[_i],
              &(struct script){.bytes = bytes, .byte_count = 4 << 20, .skip = 10, .times = 2});
        go(2);
        ck_assert_uint_eq(counted(COUNTER_TIMED_OUT) + counted(COUNTER_LOST_PROTOCOL), 2);
        simulated_run_free(&simulated);
    }
    free(bytes);
}

/* Unasked, and in pieces ------------------------------------------------------------------------ */

LOOP_TEST(test_bytewise, COUNT(rates))
{
    /* Breaks when a reply that comes byte by byte is taken for several, or for none. */
    begin(rates[_i] / 5, &(struct script){.bytes = "$10\r\n0123456789\r\n",
                                          .times = 100,
                                          .byte_apart_ns = NS_PER_MS});
    simulated.share.connections = 3;
    go(0);
    ck_assert_uint_eq(counted(COUNTER_HITS), 100);
    simulated_run_free(&simulated);
}

LOOP_TEST(test_reply_too_many, COUNT(rates))
{
    /* Breaks when a reply too many answers the next request, and all latencies are one reply short. */
    begin(rates[_i], &(struct script){.bytes = GOOD "$-1\r\n", .skip = 20, .times = 2});
    simulated.share.connections = 1;
    go(2);
    ck_assert_uint_eq(counted(COUNTER_OK), 100);
    ck_assert_uint_eq(counted(COUNTER_MISSES), 0);
    ck_assert_uint_eq(counted(COUNTER_CONNECTIONS_OPENED), 2);
    simulated_run_free(&simulated);
}

TEST(test_reply_while_idle)
{
    /* Breaks when what comes while nothing is asked waits in the connection for the next request. */
    begin(10, &(struct script){
                  .bytes = GOOD "$-1\r\n", .skip = 3, .times = 2, .byte_apart_ns = NS_PER_MS});
    simulated.share.connections = 1;
    go(2);
    ck_assert_uint_eq(counted(COUNTER_OK), 100);
    ck_assert_uint_eq(counted(COUNTER_MISSES), 0);
    simulated_run_free(&simulated);
}

TEST(test_half_while_idle)
{
    /* Breaks when half a reply that nobody asked for swallows the next reply, and its request is never
     * over. */
    begin(10, &(struct script){
                  .bytes = GOOD "$100\r\n", .skip = 3, .times = 1, .byte_apart_ns = NS_PER_MS});
    simulated.share.connections = 1;
    go(1);
    ck_assert_uint_ge(counted(COUNTER_OK), 99);
    simulated_run_free(&simulated);
}

LOOP_TEST(test_push_is_no_reply, COUNT(rates))
{
    /* Breaks when an out-of-band message is taken for the reply, or for rubbish. */
    static const char push[] = ">2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n" GOOD ">1\r\n+x\r\n";
    begin(rates[_i], &(struct script){.bytes = push, .times = 100});
    go(0);
    ck_assert_uint_eq(counted(COUNTER_HITS), 100);
    ck_assert_uint_eq(counted(COUNTER_PUSHES), 200);
    simulated_run_free(&simulated);
}

/* The first words ------------------------------------------------------------------------------ */

LOOP_TEST(test_bad_greeting_again, COUNT(rates))
{
    /* Breaks when a connection that is opened anew and greeted badly is never tried again, or carries
     * requests. */
    static const struct {
        const char *bytes;
        bool ends;
    } greetings[] = {{"rubbish\r\n", false}, {"+P", true}, {"+P", false}};
    for (size_t i = 0; i < COUNT(greetings); i++) {
        begin(rates[_i], &(struct script){.bytes = "",
                                          .skip = 10,
                                          .times = 1,
                                          .ends = true,
                                          .greeting = greetings[i].bytes,
                                          .greeting_ends = greetings[i].ends});
        simulated.share.connections = 1;
        go(1);
        ck_assert_uint_eq(counted(COUNTER_LOST_DISCONNECT), 1);
        ck_assert_uint_eq(counted(COUNTER_OK), 99);
        ck_assert_uint_eq(counted(COUNTER_CONNECT_FAILURES), 2);
        ck_assert_uint_eq(counted(COUNTER_CONNECTIONS_OPENED), 1);
        simulated_run_free(&simulated);
    }
}

TEST_SUITE(bad_replies)
