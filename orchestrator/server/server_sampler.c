#include "orchestrator/server/server_sampler.h"

#include <hiredis/hiredis.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/greeting.h"
#include "common/log.h"
#include "common/printable.h"
#include "common/secret.h"
#include "orchestrator/server/async_control.h"

#define ALLOCATOR_BYTES 64u
#define QUESTIONS 2u /* INFO, DBSIZE */

struct sampled_server {
    struct server_sampler *sampler;
    const struct target_address *target;
    struct async_control *control; /* NULL: not connected */
    unsigned login_pending;        /* replies to what a connection begins with */
    unsigned pending;              /* of QUESTIONS */
    double values[SAMPLER_FIELDS_MAX];
};

struct server_sampler {
    struct server_sampler_setup setup;
    struct event_base *base;
    struct event *timer;
    struct sampled_server *servers;
    uint32_t server_count;
    uint64_t asked_ns, next_ns;
    uint64_t
        hurried_ns; /* what was asked for while a question was under way; UINT64_MAX: nothing */
    bool asking, refusal_said;
    char allocator[ALLOCATOR_BYTES];
};

static void wake_after(struct server_sampler *sampler, uint64_t delay_ns)
{
    const struct timeval delay = {.tv_sec = (time_t)(delay_ns / NS_PER_SECOND),
                                  .tv_usec = (suseconds_t)(delay_ns % NS_PER_SECOND / NS_PER_US)};
    if (event_add(sampler->timer, &delay) != 0)
        log_line(LOG_WARNING, "the server is not asked for more samples: no timer");
}

/* The question is over. */
static void conclude(struct server_sampler *sampler, bool known)
{
    double values[SAMPLER_FIELDS_MAX];
    const uint64_t now_ns = clock_now_ns(), period_ns = sampler->setup.period_ns;
    sampler->asking = false;
    for (uint32_t i = 0; i < sampler->setup.field_count; i++) {
        values[i] = known ? sampler->servers[0].values[i] : (double)NAN;
        for (uint32_t s = 1; s < sampler->server_count && known; s++) {
            const double other = sampler->servers[s].values[i];
            if (!sampler->setup.fields[i].highest)
                values[i] += other;
            else if (other > values[i])
                values[i] = other;
        }
    }
    sampler->next_ns = sampler->asked_ns + period_ns;
    if (sampler->next_ns > sampler->hurried_ns)
        sampler->next_ns = sampler->hurried_ns;
    sampler->hurried_ns = UINT64_MAX;
    if (sampler->next_ns < now_ns)
        sampler->next_ns = now_ns;
    wake_after(sampler, sampler->next_ns - now_ns);
    const struct server_sample sample = {.at_ns = sampler->asked_ns,
                                         .took_ns = now_ns - sampler->asked_ns,
                                         .known = known,
                                         .values = values};
    sampler->setup.hear(sampler->setup.state, &sample);
}

static void disconnect(struct sampled_server *server)
{
    async_control_close(server->control);
    server->control = NULL;
    server->pending = 0;
}

/* Some server has not answered: what comes later is not the answer to the next question. */
static void miss(struct server_sampler *sampler)
{
    for (uint32_t i = 0; i < sampler->server_count; i++)
        if (sampler->servers[i].pending > 0)
            disconnect(&sampler->servers[i]);
    conclude(sampler, false);
}

/* ---- replies ---- */

static void take_allocator(struct server_sampler *sampler, const char *text, size_t bytes)
{
    char kept[ALLOCATOR_BYTES];
    if (sampler->allocator[0] != '\0')
        return;
    snprintf(kept, sizeof kept, "%.*s", (int)(bytes < sizeof kept ? bytes : sizeof kept - 1), text);
    snprintf(sampler->allocator, sizeof sampler->allocator, "%s", PRINTABLE(kept));
}

static void take_info(struct sampled_server *server, const char *info)
{
    const struct server_sampler_setup *setup = &server->sampler->setup;
    for (const char *at = info; *at != '\0';) {
        const size_t line_bytes = strcspn(at, "\r\n");
        const char *colon = memchr(at, ':', line_bytes);
        const size_t name_bytes = colon != NULL ? (size_t)(colon - at) : 0;
        for (uint32_t i = 0; i < setup->field_count && colon != NULL; i++)
            if (strlen(setup->fields[i].name) == name_bytes &&
                memcmp(setup->fields[i].name, at, name_bytes) == 0) {
                char *end = NULL;
                const double value = strtod(colon + 1, &end);
                if (end != colon + 1)
                    server->values[i] = value;
            }
        if (name_bytes == strlen("mem_allocator") && memcmp(at, "mem_allocator", name_bytes) == 0)
            take_allocator(server->sampler, colon + 1, line_bytes - name_bytes - 1);
        at += line_bytes;
        at += strspn(at, "\r\n");
    }
}

static void take_keys(struct sampled_server *server, double keys)
{
    const struct server_sampler_setup *setup = &server->sampler->setup;
    for (uint32_t i = 0; i < setup->field_count; i++)
        if (strcmp(setup->fields[i].name, "keys") == 0)
            server->values[i] = keys;
}

static void say_refusal(struct server_sampler *sampler, redisReply *reply)
{
    if (sampler->refusal_said)
        return;
    sampler->refusal_said = true;
    secret_mask_reply(reply->str, sampler->setup.endpoint->password);
    log_line(LOG_WARNING, "sampling the server: %s", PRINTABLE(reply->str));
}

static void on_lost(void *state)
{
    struct sampled_server *server = state;
    struct server_sampler *sampler = server->sampler;
    disconnect(server);
    if (sampler->asking)
        miss(sampler);
}

static void on_reply(void *state, redisReply *reply)
{
    struct sampled_server *server = state;
    struct server_sampler *sampler = server->sampler;
    if (reply->type == REDIS_REPLY_ERROR)
        say_refusal(sampler, reply);
    if (server->login_pending > 0) {
        server->login_pending--;
        if (reply->type == REDIS_REPLY_ERROR)
            on_lost(server);
        return;
    }
    if (server->pending == 0) { /* nobody asked */
        on_lost(server);
        return;
    }
    if (reply->type == REDIS_REPLY_INTEGER)
        take_keys(server, (double)reply->integer);
    else if (reply->type != REDIS_REPLY_ERROR && reply->str != NULL)
        take_info(server, reply->str);
    server->pending--;
    for (uint32_t i = 0; i < sampler->server_count; i++)
        if (sampler->servers[i].pending > 0)
            return;
    conclude(sampler, true);
}

static void on_ready(void *state)
{
    (void)state;
}

/* ---- asking ---- */

static bool open_connection(struct sampled_server *server)
{
    static const enum greeting_command said[] = {GREETING_AUTH, GREETING_SELECT};
    struct server_sampler *sampler = server->sampler;
    const struct async_listener listener = {
        .ready = on_ready, .reply = on_reply, .lost = on_lost, .state = server};
    server->login_pending = 0;
    server->control =
        async_control_open(sampler->base, server->target, sampler->setup.tls, listener);
    bool sent = server->control != NULL;
    for (size_t i = 0; i < sizeof said / sizeof said[0] && sent; i++) {
        struct greeting_words words;
        greeting_words(&words, said[i], sampler->setup.endpoint, GREETING_RESP2);
        if (words.argc == 0)
            continue;
        sent = async_control_send(server->control, (int)words.argc, words.argv);
        server->login_pending++;
    }
    return sent;
}

static bool ask(struct sampled_server *server)
{
    for (uint32_t i = 0; i < server->sampler->setup.field_count; i++)
        server->values[i] = NAN;
    if (server->control == NULL && !open_connection(server))
        return false;
    server->pending = QUESTIONS;
    return async_control_send(server->control, 1, (const char *[]){"INFO"}) &&
           async_control_send(server->control, 1, (const char *[]){"DBSIZE"});
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct server_sampler *sampler = argument;
    const struct endpoint *endpoint = sampler->setup.endpoint;
    bool asked = true;
    (void)fd;
    (void)what;
    if (sampler->asking) {
        miss(sampler);
        return;
    }
    sampler->asking = true;
    sampler->asked_ns = clock_now_ns();
    wake_after(sampler, endpoint->connection_timeout_ns + endpoint->request_timeout_ns);
    for (uint32_t i = 0; i < sampler->server_count && asked; i++)
        asked = ask(&sampler->servers[i]);
    if (!asked)
        miss(sampler);
}

void server_sampler_hurry(struct server_sampler *sampler, uint64_t within_ns)
{
    const uint64_t at_ns = clock_now_ns() + within_ns;
    if (sampler->asking && at_ns < sampler->hurried_ns)
        sampler->hurried_ns = at_ns;
    if (sampler->asking || at_ns >= sampler->next_ns)
        return;
    sampler->next_ns = at_ns;
    wake_after(sampler, within_ns);
}

const char *server_sampler_allocator(const struct server_sampler *sampler)
{
    return sampler->allocator;
}

/* ---- life ---- */

static void find_servers(struct server_sampler *sampler)
{
    const struct topology *topology = sampler->setup.topology;
    const uint32_t nodes = topology != NULL ? topology->node_count : 0;
    for (uint32_t i = 0; i < nodes; i++)
        if (topology->nodes[i].role == TOPOLOGY_PRIMARY)
            sampler->servers[sampler->server_count++].target = &topology->nodes[i].address;
    if (sampler->server_count == 0)
        sampler->servers[sampler->server_count++].target = sampler->setup.target;
    for (uint32_t i = 0; i < sampler->server_count; i++)
        sampler->servers[i].sampler = sampler;
}

enum err_code server_sampler_start(struct server_sampler **sampler, struct event_base *base,
                                   const struct server_sampler_setup *setup, struct err *err)
{
    struct server_sampler *made = calloc(1, sizeof *made);
    const uint32_t nodes = setup->topology != NULL ? setup->topology->node_count : 0;
    *sampler = made;
    if (made != NULL) {
        made->setup = *setup;
        made->base = base;
        made->timer = evtimer_new(base, on_timer, made);
        made->servers = calloc(nodes + 1, sizeof made->servers[0]);
    }
    if (made == NULL || made->timer == NULL || made->servers == NULL) {
        server_sampler_stop(made);
        *sampler = NULL;
        return err_set(err, E_SYSTEM, "the server is not sampled: no memory");
    }
    find_servers(made);
    made->next_ns = clock_now_ns();
    made->hurried_ns = UINT64_MAX;
    wake_after(made, 0);
    return OK;
}

void server_sampler_stop(struct server_sampler *sampler)
{
    if (sampler == NULL)
        return;
    for (uint32_t i = 0; sampler->servers != NULL && i < sampler->server_count; i++)
        async_control_close(sampler->servers[i].control);
    if (sampler->timer != NULL)
        event_free(sampler->timer);
    free(sampler->servers);
    free(sampler);
}
