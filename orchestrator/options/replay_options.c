#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/options/bench_groups.h"

#define SPEED_LEAST 0.001
#define SPEED_MOST 1000.0

static enum err_code parse_speed(void *target, const char *value, struct err *err)
{
    struct replay_request *replay = target;
    char *end = NULL;
    replay->fast = strcmp(value, "max") == 0;
    replay->speed = replay->fast ? 0 : strtod(value, &end);
    if (replay->fast)
        return OK;
    if (end == value || (*end != '\0' && strcmp(end, "x") != 0) ||
        !(replay->speed >= SPEED_LEAST && replay->speed <= SPEED_MOST))
        return err_set(err, E_USAGE,
                       "--speed %.80s: give a factor from 0.001x to 1000x, as in 2x, or max for as "
                       "fast as replies come",
                       value);
    return OK;
}

static const char *speed_at(size_t index)
{
    static const char *const words[] = {"1x", "2x", "max"};
    return index < sizeof words / sizeof words[0] ? words[index] : NULL;
}

#define AT(member) offsetof(struct replay_request, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row replay_rows[] = {
    {ROW("replay", NULL, OPTION_TEXT, "FILE", AT(path)), .told = true,
     .help = "Send recorded requests again, each recorded client's in their order and on one "
             "connection; in place of --type, a command and --workload. FILE is a recording of "
             "volley, text of MONITOR, or an append-only file, its manifest or directory. They are "
             "sent at their recorded times, or as --speed or --qps say. Commands that do not give "
             "one reply to each request are left out and counted."},
    {ROW("speed", NULL, OPTION_CUSTOM, "FACTOR", 0), .parse = parse_speed, .value_at = speed_at,
     .told = true,
     .help = "How much faster than recorded --replay is: 2x, 0.5x, or max, which waits for replies "
             "only; 1x without it."},
    {ROW("strict", NULL, OPTION_FLAG, NULL, AT(strict)),
     .help =
         "With --replay: end at the first line that does not parse, and at a file that was cut, "
         "in place of counting them."},
};
/* clang-format on */
#undef AT
const struct option_group replay_group = GROUP("Replay", OF_BENCH, replay_rows);

/* What is sent, how, and where is in the recording. */
static void exclude(struct bench_request *request, struct err *err)
{
    static const struct {
        const char *others, *why;
    } excluded[] = {
        {"workload mix ratio template dataset verify stdin-last-argument",
         "each says what is sent"},
        {"value-size ttl key-prefix datasize random sequential key-dist keyspace-offset "
         "sequential-random-start prefill prefill-only",
         "keys and values are those that were recorded"},
        {"warmup steady", "each recorded request is sent once"},
        {"clients-ramp-start clients-ramp-end think-time", "recorded clients say when they send"},
        {"reconnect-every keepalive", "a recorded client keeps its connection"},
        {"idle", "all of its connections are recorded clients'"},
        {"dbnum", "each request is sent in the database in which it was recorded"},
        {"shed-after control", "the recording says when requests are due"},
        {"read-from-replica", "what a client reads behind its own write is to be there"},
        {"null", "it is a recording of one server's clients"},
    };
    for (size_t i = 0; i < sizeof excluded / sizeof excluded[0]; i++)
        relation_exclude(request, "replay", excluded[i].others, excluded[i].why, err);
    relation_exclude(request, "speed",
                     "qps start-qps end-qps qps-change qps-change-interval rate-plan",
                     "each says when requests are sent", err);
}

enum err_code replay_settle(struct bench_request *request, struct err *err)
{
    const struct replay_request *replay = &request->replay;
    struct load_options *load = &request->spec.load;
    if (replay->path == NULL && relation_given(request, "strict"))
        return err_set(err, E_USAGE, "--strict needs --replay FILE: it says how that is read");
    if (replay->path == NULL)
        return relation_given(request, "speed")
                   ? err_set(err, E_USAGE, "--speed needs --replay FILE: it says how fast that is")
                   : OK;
    exclude(request, err);
    if (err->code != OK || replay->path == NULL) /* the config file's gave way */
        return err->code;
    if (request->values.rest_count > 0)
        return err_set(err, E_USAGE,
                       "--replay %.80s and the command %.80s exclude each other: each says what is "
                       "sent",
                       replay->path, request->values.rest[0]);
    if (relation_origin(request, "type")->kind == ORIGIN_COMMAND_LINE)
        return err_set(err, E_USAGE,
                       "--replay and --type exclude each other: each says what is sent");
    if (request->spec.rate.arrival == ARRIVAL_POISSON)
        return err_set(err, E_USAGE,
                       "--replay and --arrival poisson exclude each other: recorded requests keep "
                       "their order, at even gaps");
    load->test_count = 0;
    options_derive(&request->values, "type", "replay", NULL);
    return OK;
}
