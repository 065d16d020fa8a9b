#include "orchestrator/commands/filling.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/units.h"
#include "orchestrator/machine/cgroup.h"
#include "orchestrator/machine/memory.h"
#include "orchestrator/report/figures.h"

/* What a server keeps of a key beside its text and its value: the least and the most that was seen of strings, with
 * Valkey 8.0 and 9.1 and Redis 8.0. */
#define KEY_BYTES_LEAST 30.0
#define KEY_BYTES_USUAL 90.0
#define SAMPLES 64u
#define SAMPLED_BYTES_ENOUGH (16u * 1024 * 1024)

/* --- before -------------------------------------------------------------------------------------- */

/* What requests carry. */
struct weight {
    double key_bytes, value_bytes;
    uint64_t commands, requests;
};

/* A request is arrays of strings, as it is sent: a name, a key, and values. */
static void weigh(struct weight *weight, const struct workload_sample *sample)
{
    const char *at = sample->bytes, *end = sample->bytes + sample->byte_count;
    uint64_t argument = 0;
    weight->requests++;
    while (at < end && (*at == '*' || *at == '$')) {
        char *behind;
        const unsigned long long number = strtoull(at + 1, &behind, 10);
        argument = *at == '*' ? 0 : argument + 1;
        weight->commands += argument == 2;
        if (argument == 2)
            weight->key_bytes += (double)number;
        else if (argument > 2)
            weight->value_bytes += (double)number;
        at = behind + strlen("\r\n") + (*at == '$' ? number + strlen("\r\n") : 0);
    }
}

static struct weight weigh_step(const struct bench_step *step)
{
    const uint64_t apart = step->spec.load.requests / SAMPLES + 1;
    struct weight weight = {.requests = 0};
    struct err ignored = {.code = OK};
    size_t sampled_bytes = 0;
    for (uint64_t ticket = 0; ticket < step->spec.load.requests; ticket += apart) {
        struct workload_sample sample;
        if (sampled_bytes > SAMPLED_BYTES_ENOUGH ||
            workload_sample(&sample, step->workload, ticket, &ignored) != OK)
            break;
        weigh(&weight, &sample);
        sampled_bytes += sample.byte_count;
        free(sample.bytes);
    }
    return weight;
}

/* Bytes of what the step adds, at least: keys that may be there already take nothing more. */
static double bytes_of(const struct bench_step *step, const struct keyspace *before,
                       const struct weight *weight, double bytes_a_key)
{
    const double keys = (double)step->keys_written, there = (double)before->keys;
    if (weight->requests == 0 || weight->commands == 0 || there >= keys)
        return 0;
    const double values =
        weight->value_bytes / (double)weight->requests * (double)step->spec.load.requests;
    const double key_bytes = weight->key_bytes / (double)weight->commands + bytes_a_key;
    return (values + keys * key_bytes) * (keys - there) / keys;
}

static const char *size_text(char text[32], double bytes)
{
    return units_format_size(text, 32, bytes < 1e18 ? (uint64_t)bytes : 1000000000000000000ull);
}

/* A place for what is written. */
struct room {
    uint64_t bytes;
    const char *what, *advice;
    bool evicts; /* it takes anything, and drops something else */
};

static enum err_code judge(const struct bench_step *step, const struct room *room, double least,
                           double usual, struct err *err)
{
    char left[32], needed[32];
    const double bytes = (double)room->bytes;
    if (room->bytes == UINT64_MAX || usual <= bytes)
        return OK;
    size_text(left, bytes);
    if (room->evicts)
        log_line(
            LOG_WARNING,
            "the prefill for %s takes about %s, and %s of %s left: the server will evict keys, "
            "and reads of them miss",
            step->prefill_for, size_text(needed, usual), left, room->what);
    else if (least > bytes)
        return err_set(err, E_DATA,
                       "the prefill for %s takes %s at least, and %s of %s left: write fewer or "
                       "smaller keys, or %s",
                       step->prefill_for, size_text(needed, least), left, room->what, room->advice);
    else
        log_line(LOG_WARNING,
                 "the prefill for %s takes about %s, and %s of %s left: it may not fit",
                 step->prefill_for, size_text(needed, usual), left, room->what);
    return OK;
}

/* What the servers on this host may take of it, all copies together; none is known to be here: no limit. */
static struct room room_of_host(const struct session *session)
{
    const struct server_locality *locality = &session->locality;
    const bool managed = session->managed.count > 0;
    struct room room = {
        .bytes = UINT64_MAX, .what = "this host's memory are", .advice = "use a host with more"};
    if (managed || (locality->known && locality->local))
        room.bytes = memory_available("");
    const uint64_t group_bytes = managed ? cgroup_memory_room("") : UINT64_MAX;
    if (group_bytes < room.bytes)
        room.bytes = group_bytes;
    if (managed && room.bytes != UINT64_MAX && session->managed.replicas > 0)
        room.bytes = (uint64_t)((double)room.bytes * (double)session->managed.primaries /
                                (double)(session->managed.primaries + session->managed.replicas));
    return room;
}

enum err_code filling_begin(struct session *session, const struct bench_step *step, struct err *err)
{
    struct keyspace *before = &session->before_filling;
    struct err unknown = {.code = OK};
    if (keyspace_look(before, session->topology, &step->spec.endpoint, &session->interrupts->count,
                      &unknown) != OK)
        return OK; /* the run, or the count behind it, says why */
    const struct weight weight = weigh_step(step);
    const double least = bytes_of(step, before, &weight, KEY_BYTES_LEAST);
    const double usual = bytes_of(step, before, &weight, KEY_BYTES_USUAL);
    const struct room limit = {.bytes = before->room_bytes,
                               .what = "the server's maxmemory are",
                               .advice = "raise it",
                               .evicts = before->evicts};
    const struct room host = room_of_host(session);
    /* What is evicted at a limit does not fill the host. */
    const bool bounded = limit.evicts && limit.bytes != UINT64_MAX;
    enum err_code code = judge(step, &limit, least, usual, err);
    return code == OK && !bounded ? judge(step, &host, least, usual, err) : code;
}

/* --- after --------------------------------------------------------------------------------------- */

static uint64_t growth(uint64_t before, uint64_t after)
{
    return after > before ? after - before : 0;
}

/* Why keys are not there, as far as that is known. */
static void say_why(char *text, size_t text_bytes, const struct run_result *result,
                    uint64_t expired)
{
    const struct error_kinds *errors = result->error_kinds;
    if (errors->count > 0)
        snprintf(text, text_bytes, "the server refused some: %.120s", errors->kinds[0].text);
    else if (expired > 0)
        snprintf(text, text_bytes, "%s expired meanwhile", UNITS_GROUPED(expired));
    else
        snprintf(text, text_bytes, "something deletes them, or they went to another database");
}

static enum err_code judge_count(const struct session *session, const struct bench_step *step,
                                 const struct keyspace *after, struct err *err)
{
    const struct keyspace *before = &session->before_filling;
    const uint64_t evicted = before->known ? growth(before->evicted, after->evicted) : 0;
    char why[200];
    if (evicted > 0)
        log_line(
            LOG_WARNING,
            "the prefill for %s: the server has evicted %s keys meanwhile, and holds %s; reads "
            "of what it has evicted miss",
            step->prefill_for, UNITS_GROUPED(evicted), UNITS_GROUPED(after->keys));
    if (evicted > 0 || after->keys >= step->keys_expected)
        return OK;
    say_why(why, sizeof why, session->result,
            before->known ? growth(before->expired, after->expired) : 0);
    return err_set(err, E_DATA,
                   "the prefill for %s: the server holds %s of %s keys, so that reads would miss: "
                   "%s",
                   step->prefill_for, UNITS_GROUPED(after->keys),
                   UNITS_GROUPED(step->keys_expected), why);
}

/* Only of a row of the table it is known that a request writes one key. */
static void tell_of_others(const struct session *session, const struct bench_step *step,
                           const struct keyspace *after)
{
    const struct keyspace *before = &session->before_filling;
    const uint64_t grown = growth(before->keys, after->keys);
    if (before->known && workload_test(step->workload) != NULL && grown > step->keys_written)
        log_line(LOG_WARNING,
                 "the prefill for %s writes %s keys, and the server holds %s more than before: "
                 "something else writes, too",
                 step->prefill_for, UNITS_GROUPED(step->keys_written), UNITS_GROUPED(grown));
}

/* Reads go to replicas, which would miss what is on its way. */
static void await_replicas(const struct session *session, const struct bench_step *step)
{
    const struct endpoint *endpoint = &step->spec.endpoint;
    if (endpoint->replica_reads == REPLICA_READS_NO || step->spec.load.prefill_only)
        return;
    const struct target_address *behind =
        keyspace_await_replicas(session->topology, endpoint, &session->interrupts->count);
    if (behind != NULL)
        log_line(LOG_WARNING,
                 "the replica %s has not got all of the prefill for %s within %llu s: reads of it "
                 "miss",
                 behind->text, step->prefill_for,
                 (unsigned long long)(KEYSPACE_CATCH_UP_NS / NS_PER_SECOND));
}

enum err_code filling_end(struct session *session, const struct bench_step *step, struct err *err)
{
    const struct run_result *result = session->result;
    struct keyspace after;
    struct err unknown = {.code = OK};
    if (result->interrupted || result->stopped || result->status == E_INTERRUPTED)
        return OK;
    if (result->status != OK)
        return err_set(err, result->status, "the keys could not be written: %s",
                       result->status_text);
    enum err_code code = keyspace_look(&after, session->topology, &step->spec.endpoint,
                                       &session->interrupts->count, &unknown);
    if (code == E_INTERRUPTED)
        return OK;
    if (code != OK && step->spec.load.prefill_only)
        return err_set(err, code, "the keys cannot be counted: %s", unknown.text);
    if (code != OK) {
        log_line(LOG_WARNING, "the keys of the prefill for %s cannot be counted: %s",
                 step->prefill_for, unknown.text);
        return OK;
    }
    log_line(LOG_INFO, "the server holds %s keys after the prefill for %s, which wrote %s",
             UNITS_GROUPED(after.keys), step->prefill_for, UNITS_GROUPED(step->keys_written));
    tell_of_others(session, step, &after);
    code = judge_count(session, step, &after, err);
    if (code == OK)
        await_replicas(session, step);
    return code;
}

/* By a step before this one. */
static bool is_emptied(const struct bench_steps *steps, uint32_t index, uint64_t database)
{
    for (uint32_t i = 0; i < index; i++)
        if (bench_steps_at(steps, i)->spec.endpoint.database == database)
            return true;
    return false;
}

enum err_code filling_flush(struct session *session, struct err *err)
{
    const struct bench_steps *steps = &session->steps;
    enum err_code code = OK;
    if (!session->request->spec.load.flush_before || session->interrupts->count > 0)
        return OK;
    if (checking_forget(&session->checking, err) != OK)
        return err->code;
    for (uint32_t i = 0; i < bench_steps_all(steps) && code == OK; i++) {
        const struct endpoint *endpoint = &bench_steps_at(steps, i)->spec.endpoint;
        if (is_emptied(steps, i, endpoint->database))
            continue;
        log_line(LOG_INFO, "emptying database %" PRIu64 " of %s", endpoint->database,
                 session->target_text);
        code = keyspace_flush(session->topology, endpoint, &session->interrupts->count, err);
    }
    return code;
}
