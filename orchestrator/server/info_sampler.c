#include "orchestrator/server/info_sampler.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/greeting.h"
#include "common/log.h"
#include "common/secret.h"
#include "orchestrator/report/timeline.h"
#include "orchestrator/server/async_control.h"
#include "orchestrator/server/info_text.h"
#include "orchestrator/server/probe.h"

#define WARNING_PAUSE_NS (60 * NS_PER_SECOND)
#define CLOSINGS_MAX 2u
#define ANSWERED_ONCE UINT_MAX

/* What is asked, in this order. */
enum step { STEP_AUTH, STEP_SELECT, STEP_KEYS, STEP_REPLICATION, STEP_CPU, STEP_COUNT };

struct info_sampler {
    struct probe probe;
    struct event_base *base;
    const struct target_address *target;
    struct tls_client *tls;
    const struct endpoint *endpoint;
    struct async_control *control; /* NULL: not connected */
    bool connected;
    enum step asked[STEP_COUNT]; /* whose replies are under way, from `answered` on */
    unsigned asked_count, answered;
    /* How often the server has closed on a question that it has never answered; CLOSINGS_MAX: it is not
     * asked any more. UINT_MAX: it was answered once. */
    unsigned closings[STEP_COUNT];

    int64_t keys_before;
    uint64_t warned_ns; /* of fewer keys; 0: not yet */
    uint32_t unsaid_drops;
    bool refusal_said;

    double cpu_seconds, cpu_over_seconds; /* of pairs of samples of one process */
    double cpu_newest;                    /* of this sample; below 0: unknown   */
    double cpu_before;                    /* of the one before; below 0: none   */
    uint64_t cpu_before_ns;
};

/* What the reply to a step means; NULL: whether it is an error. */
struct question {
    const char *name;
    void (*take)(struct info_sampler *sampler, const redisReply *reply);
};

/* Samples -------------------------------------------------------------------------------------- */

static void warn_of_drop(struct info_sampler *sampler, int64_t keys)
{
    uint64_t now_ns = clock_now_ns();
    if (!target_sample_dropped(sampler->keys_before, keys))
        return;
    if (sampler->warned_ns != 0 && now_ns - sampler->warned_ns < WARNING_PAUSE_NS) {
        sampler->unsaid_drops++;
        return;
    }
    log_line(LOG_WARNING,
             "the server's keys fell from %" PRId64 " to %" PRId64
             " between two samples: they expire, are evicted, or somebody deletes them%s",
             sampler->keys_before, keys,
             sampler->unsaid_drops > 0 ? "; it has happened more than once" : "");
    sampler->warned_ns = now_ns;
    sampler->unsaid_drops = 0;
}

static void count_cpu(struct info_sampler *sampler)
{
    uint64_t at_ns = sampler->probe.note.at_ns;
    /* Less than before: another process. */
    if (sampler->cpu_before >= 0 && sampler->cpu_newest >= sampler->cpu_before) {
        sampler->cpu_seconds += sampler->cpu_newest - sampler->cpu_before;
        sampler->cpu_over_seconds += clock_seconds(at_ns - sampler->cpu_before_ns);
    }
    sampler->cpu_before = sampler->cpu_newest;
    sampler->cpu_before_ns = at_ns;
}

static void complete(struct info_sampler *sampler)
{
    const int64_t keys = note_get(&sampler->probe.note, NOTE_KEYS);
    if (keys >= 0) {
        warn_of_drop(sampler, keys);
        sampler->keys_before = keys;
    }
    count_cpu(sampler);
    probe_answered(&sampler->probe);
}

/* The connection is gone, or is of no more use. */
static void disconnect(void *state)
{
    struct info_sampler *sampler = state;
    async_control_close(sampler->control);
    sampler->control = NULL;
    sampler->connected = false;
    sampler->cpu_before = -1;
}

/* Replies -------------------------------------------------------------------------------------- */

static void take_keys(struct info_sampler *sampler, const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_INTEGER)
        note_set(&sampler->probe.note, NOTE_KEYS, reply->integer);
}

static void take_replication(struct info_sampler *sampler, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ERROR && reply->str != NULL)
        info_text_replication(&sampler->probe.note, reply->str);
}

static void take_cpu(struct info_sampler *sampler, const redisReply *reply)
{
    double seconds;
    if (reply->type != REDIS_REPLY_ERROR && reply->str != NULL &&
        info_text_cpu_seconds(&seconds, reply->str))
        sampler->cpu_newest = seconds;
}

static const struct question questions[STEP_COUNT] = {
    [STEP_AUTH] = {"AUTH", NULL},
    [STEP_SELECT] = {"SELECT", NULL},
    [STEP_KEYS] = {"DBSIZE", take_keys},
    [STEP_REPLICATION] = {"INFO replication", take_replication},
    [STEP_CPU] = {"INFO cpu", take_cpu},
};

/* A proxy closes on what it does not know: then the other questions may still be answered. */
static void note_closing(struct info_sampler *sampler)
{
    if (!sampler->connected || sampler->answered == sampler->asked_count)
        return;
    enum step step = sampler->asked[sampler->answered];
    unsigned *closings = &sampler->closings[step];
    if (questions[step].take == NULL || *closings == ANSWERED_ONCE || ++*closings < CLOSINGS_MAX)
        return;
    log_line(LOG_WARNING,
             "sampling the server: it closes the connection on %s, and is not asked that",
             questions[step].name);
}

static void on_lost(void *state)
{
    struct info_sampler *sampler = state;
    if (!sampler->probe.asking) {
        disconnect(sampler);
        return;
    }
    note_closing(sampler);
    probe_missed(&sampler->probe, "the connection was lost");
}

static void on_reply(void *state, redisReply *reply)
{
    struct info_sampler *sampler = state;
    if (sampler->answered == sampler->asked_count) {
        on_lost(sampler); /* nobody asked: it would be taken for the answer to what is asked next */
        return;
    }
    sampler->closings[sampler->asked[sampler->answered]] = ANSWERED_ONCE;
    const struct question *question = &questions[sampler->asked[sampler->answered++]];
    if (reply->type == REDIS_REPLY_ERROR && !sampler->refusal_said) {
        sampler->refusal_said = true;
        secret_mask_reply(reply->str, sampler->endpoint->password);
        log_line(LOG_WARNING, "sampling the server: %s: %s", question->name, reply->str);
    }
    if (question->take != NULL) {
        question->take(sampler, reply);
    } else if (reply->type == REDIS_REPLY_ERROR) {
        probe_missed(&sampler->probe, "it was refused");
        return;
    }
    probe_wait(&sampler->probe, sampler->endpoint->request_timeout_ns);
    if (sampler->answered == sampler->asked_count)
        complete(sampler);
}

static void on_ready(void *state)
{
    struct info_sampler *sampler = state;
    sampler->connected = true;
    probe_wait(&sampler->probe, sampler->endpoint->request_timeout_ns);
}

/* Asking --------------------------------------------------------------------------------------- */

static bool is_asked(const struct info_sampler *sampler, enum step step)
{
    unsigned closings = sampler->closings[step];
    return closings < CLOSINGS_MAX || closings == ANSWERED_ONCE;
}

static bool send_question(struct info_sampler *sampler, enum step step, int argc, const char **argv)
{
    if (!is_asked(sampler, step))
        return true;
    sampler->asked[sampler->asked_count++] = step;
    return async_control_send(sampler->control, argc, argv);
}

/* Connects, and logs in as the workers do. */
static bool open_connection(struct info_sampler *sampler)
{
    static const enum greeting_command said[] = {
        [STEP_AUTH] = GREETING_AUTH, [STEP_SELECT] = GREETING_SELECT};
    const struct async_listener listener = {
        .ready = on_ready, .reply = on_reply, .lost = on_lost, .state = sampler};
    sampler->control = async_control_open(sampler->base, sampler->target, sampler->tls, listener);
    bool sent = sampler->control != NULL;
    for (enum step step = STEP_AUTH; step <= STEP_SELECT && sent; step++) {
        struct greeting_words words;
        greeting_words(&words, said[step], sampler->endpoint, GREETING_RESP2);
        sent = words.argc == 0 || send_question(sampler, step, (int)words.argc, words.argv);
    }
    return sent;
}

static bool ask(void *state)
{
    struct info_sampler *sampler = state;
    if (!is_asked(sampler, STEP_KEYS) && !is_asked(sampler, STEP_REPLICATION) &&
        !is_asked(sampler, STEP_CPU))
        return false;
    if (!sampler->connected)
        probe_wait(&sampler->probe, sampler->endpoint->connection_timeout_ns);
    sampler->asked_count = sampler->answered = 0;
    sampler->cpu_newest = -1;
    if ((sampler->control == NULL && !open_connection(sampler)) ||
        !send_question(sampler, STEP_KEYS, 1, (const char *[]){"DBSIZE"}) ||
        !send_question(sampler, STEP_REPLICATION, 2, (const char *[]){"INFO", "replication"}) ||
        !send_question(sampler, STEP_CPU, 2, (const char *[]){"INFO", "cpu"}))
        probe_missed(&sampler->probe, "it cannot be asked");
    return true;
}

/* Life ----------------------------------------------------------------------------------------- */

enum err_code info_sampler_start(struct info_sampler **sampler, struct event_base *base,
                                 const struct target_address *target, struct tls_client *tls,
                                 const struct endpoint *endpoint, uint64_t every_ns,
                                 uint64_t start_ns, struct note_listener listener, struct err *err)
{
    struct info_sampler *made = calloc(1, sizeof *made);
    *sampler = made;
    if (made == NULL)
        return err_set(err, E_SYSTEM, "the server is not sampled: no memory");
    made->probe = (struct probe){.name = "the server",
                                 .source = NOTE_SAMPLE,
                                 .period_ns = every_ns,
                                 .limit_ns = endpoint->request_timeout_ns,
                                 .start_ns = start_ns,
                                 .listener = listener,
                                 .ask = ask,
                                 .give_up = disconnect,
                                 .state = made};
    made->base = base;
    made->target = target;
    made->tls = tls;
    made->endpoint = endpoint;
    made->keys_before = -1;
    made->cpu_before = -1;
    return probe_start(&made->probe, base, err);
}

void info_sampler_stop(struct info_sampler *sampler)
{
    if (sampler == NULL)
        return;
    async_control_close(sampler->control);
    probe_stop(&sampler->probe);
    free(sampler);
}

double info_sampler_cpu_share(const struct info_sampler *sampler)
{
    return sampler->cpu_over_seconds > 0 ? sampler->cpu_seconds / sampler->cpu_over_seconds : -1;
}
