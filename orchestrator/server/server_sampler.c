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
#include "orchestrator/server/cluster_nodes.h"

#define ALLOCATOR_BYTES 64u
/* The others of a cluster do not wait longer for a node that does not answer: that is what is to be seen. */
#define NODE_LIMIT_NS (2 * NS_PER_SECOND)

/* In this order; the last one of a cluster only. */
enum question { QUESTION_INFO, QUESTION_DBSIZE, QUESTION_NODES, QUESTIONS };

struct sampled_server {
    struct server_sampler *sampler;
    const struct target_address *target;
    struct async_control *control; /* NULL: not connected */
    unsigned login_pending;        /* replies to what a connection begins with */
    unsigned pending;              /* replies to the questions */
    bool late;     /* nobody waits for these any more: it is asked again after them */
    bool answered; /* all questions of this sample */
    double values[SAMPLER_FIELDS_MAX];
    /* Of a node of a cluster: */
    double offset, replica_offset; /* in the stream of changes */
    bool linked;                   /* to its primary, of which it has all keys */
    struct cluster_node node;      /* as it sees itself */
};

struct server_sampler {
    struct server_sampler_setup setup;
    struct event_base *base;
    struct event *timer;
    struct sampled_server *servers;
    struct sampled_node
        *nodes; /* as the listener sees the servers of a cluster; NULL: no cluster */
    uint32_t server_count;
    unsigned questions; /* that each server is asked */
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

/* ---- what the servers say together ---- */

static double lag_of(const struct server_sampler *sampler, const struct sampled_server *replica)
{
    for (uint32_t i = 0; i < sampler->server_count; i++) {
        const struct sampled_server *server = &sampler->servers[i];
        const double behind = server->offset - replica->replica_offset;
        if (replica->linked && server->answered && server->node.primary &&
            strcmp(server->node.id, replica->node.primary_id) == 0)
            return behind < 0 ? 0 : behind; /* it was asked later */
    }
    return NAN;
}

/* Whether it counts in the sample. */
static bool serves(const struct server_sampler *sampler, const struct sampled_server *server)
{
    return sampler->nodes == NULL || (server->answered && server->node.slot_count > 0);
}

/* True: the nodes that have answered serve all slots. */
static bool look_at_nodes(struct server_sampler *sampler)
{
    uint32_t slots = 0;
    for (uint32_t i = 0; i < sampler->server_count; i++) {
        const struct sampled_server *server = &sampler->servers[i];
        sampler->nodes[i] = (struct sampled_node){.address = server->target,
                                                  .answered = server->answered,
                                                  .primary = server->node.primary,
                                                  .slots = server->node.slot_count,
                                                  .lag_bytes = NAN,
                                                  .values = server->values};
        if (server->answered && !server->node.primary)
            sampler->nodes[i].lag_bytes = lag_of(sampler, server);
        slots += serves(sampler, server) ? server->node.slot_count : 0;
    }
    return slots >= SLOTS_COUNT;
}

static double value_of(const struct server_sampler *sampler, uint32_t field)
{
    double value = NAN;
    bool any = false;
    for (uint32_t i = 0; i < sampler->server_count; i++) {
        const double other = sampler->servers[i].values[field];
        if (!serves(sampler, &sampler->servers[i]))
            continue;
        if (any && !sampler->setup.fields[field].highest)
            value += other;
        else if (!any || other > value)
            value = other;
        any = true;
    }
    return value;
}

/* The question is over. */
static void conclude(struct server_sampler *sampler, bool known)
{
    double values[SAMPLER_FIELDS_MAX];
    const uint64_t now_ns = clock_now_ns(), period_ns = sampler->setup.period_ns;
    sampler->asking = false;
    if (sampler->nodes != NULL)
        known = look_at_nodes(sampler);
    for (uint32_t i = 0; i < sampler->setup.field_count; i++)
        values[i] = known ? value_of(sampler, i) : (double)NAN;
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
                                         .values = values,
                                         .nodes = sampler->nodes,
                                         .node_count =
                                             sampler->nodes != NULL ? sampler->server_count : 0};
    sampler->setup.hear(sampler->setup.state, &sample);
}

static void disconnect(struct sampled_server *server)
{
    async_control_close(server->control);
    server->control = NULL;
    server->pending = 0;
    server->late = false;
}

/* Some server has not answered: what comes later is not the answer to the next question. */
static void miss(struct server_sampler *sampler)
{
    for (uint32_t i = 0; i < sampler->server_count; i++)
        if (sampler->servers[i].pending > 0)
            disconnect(&sampler->servers[i]);
    conclude(sampler, false);
}

static void conclude_when_complete(struct server_sampler *sampler)
{
    for (uint32_t i = 0; i < sampler->server_count; i++)
        if (sampler->servers[i].pending > 0 && !sampler->servers[i].late)
            return;
    if (sampler->asking)
        conclude(sampler, true);
}

/* The limit is over. */
static void stop_waiting(struct server_sampler *sampler)
{
    if (sampler->nodes == NULL) {
        miss(sampler);
        return;
    }
    for (uint32_t i = 0; i < sampler->server_count; i++)
        sampler->servers[i].late = sampler->servers[i].pending > 0;
    conclude(sampler, true);
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

static void take_offset(double *offset, const char *name, const char *line, size_t name_bytes)
{
    if (name_bytes == strlen(name) && memcmp(name, line, name_bytes) == 0)
        *offset = strtod(line + name_bytes + 1, NULL);
}

static bool is_line(const char *at, size_t line_bytes, const char *line)
{
    return line_bytes == strlen(line) && memcmp(at, line, line_bytes) == 0;
}

static void take_nodes(struct sampled_server *server, const char *text)
{
    struct cluster_nodes nodes;
    struct err ignored = {.code = OK};
    if (cluster_nodes_parse(&nodes, text, &ignored) == OK)
        for (uint32_t i = 0; i < nodes.count; i++)
            if (nodes.items[i].myself)
                server->node = nodes.items[i];
    cluster_nodes_free(&nodes);
}

/* All fields are amounts: what none can be is not known. */
static double amount_or_nan(double value)
{
    return value >= 0 && value < SAMPLED_AMOUNT_MOST ? value : (double)NAN;
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
                    server->values[i] = amount_or_nan(value);
            }
        take_offset(&server->offset, "master_repl_offset", at, name_bytes);
        take_offset(&server->replica_offset, "slave_repl_offset", at, name_bytes);
        server->linked |= is_line(at, line_bytes, "master_link_status:up");
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
            server->values[i] = amount_or_nan(keys);
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
    if (!sampler->asking)
        return;
    if (sampler->nodes == NULL)
        miss(sampler);
    else
        conclude_when_complete(sampler);
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
    const unsigned question = sampler->questions - server->pending--;
    if (reply->type == REDIS_REPLY_INTEGER)
        take_keys(server, (double)reply->integer);
    else if (reply->type != REDIS_REPLY_ERROR && reply->str != NULL && question == QUESTION_INFO)
        take_info(server, reply->str);
    else if (reply->type != REDIS_REPLY_ERROR && reply->str != NULL && question == QUESTION_NODES)
        take_nodes(server, reply->str);
    if (server->pending > 0)
        return;
    server->answered = !server->late;
    server->late = false;
    conclude_when_complete(sampler);
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
    server->answered = false;
    if (server->pending > 0) /* late */
        return true;
    for (uint32_t i = 0; i < server->sampler->setup.field_count; i++)
        server->values[i] = NAN;
    server->offset = server->replica_offset = NAN;
    server->linked = false;
    server->node = (struct cluster_node){.slot_count = 0};
    if (server->control == NULL && !open_connection(server))
        return false;
    server->pending = server->sampler->questions;
    return async_control_send(server->control, 1, (const char *[]){"INFO"}) &&
           async_control_send(server->control, 1, (const char *[]){"DBSIZE"}) &&
           (server->sampler->questions <= QUESTION_NODES ||
            async_control_send(server->control, 2, (const char *[]){"CLUSTER", "NODES"}));
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct server_sampler *sampler = argument;
    const struct endpoint *endpoint = sampler->setup.endpoint;
    bool asked = true;
    (void)fd;
    (void)what;
    if (sampler->asking) {
        stop_waiting(sampler);
        return;
    }
    sampler->asking = true;
    sampler->asked_ns = clock_now_ns();
    uint64_t limit_ns = endpoint->connection_timeout_ns + endpoint->request_timeout_ns;
    if (sampler->nodes != NULL && limit_ns > NODE_LIMIT_NS)
        limit_ns = NODE_LIMIT_NS;
    wake_after(sampler, limit_ns);
    for (uint32_t i = 0; i < sampler->server_count && asked; i++)
        asked = ask(&sampler->servers[i]);
    if (!asked)
        miss(sampler);
    else
        conclude_when_complete(sampler); /* all of them late */
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

/* Nodes that have gone keep their place. */
static void find_servers(struct server_sampler *sampler)
{
    const struct topology *topology = sampler->setup.topology;
    const uint32_t nodes = topology != NULL ? topology->node_count : 0;
    for (uint32_t i = 0; i < nodes; i++)
        if (topology->nodes[i].role == TOPOLOGY_PRIMARY || sampler->nodes != NULL)
            sampler->servers[sampler->server_count++].target = &topology->nodes[i].address;
    if (sampler->server_count == 0)
        sampler->servers[sampler->server_count++].target = sampler->setup.target;
    for (uint32_t i = 0; i < sampler->server_count; i++)
        sampler->servers[i].sampler = sampler;
    sampler->questions = sampler->nodes != NULL ? QUESTIONS : QUESTION_NODES;
}

enum err_code server_sampler_start(struct server_sampler **sampler, struct event_base *base,
                                   const struct server_sampler_setup *setup, struct err *err)
{
    struct server_sampler *made = calloc(1, sizeof *made);
    const uint32_t nodes = setup->topology != NULL ? setup->topology->node_count : 0;
    const bool cluster = nodes > 0 && setup->topology->kind == TOPOLOGY_SLOTS;
    *sampler = made;
    if (made != NULL) {
        made->setup = *setup;
        made->base = base;
        made->timer = evtimer_new(base, on_timer, made);
        made->servers = calloc(nodes + 1, sizeof made->servers[0]);
        made->nodes = cluster ? calloc(nodes, sizeof made->nodes[0]) : NULL;
    }
    if (made == NULL || made->timer == NULL || made->servers == NULL ||
        (cluster && made->nodes == NULL)) {
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
    free(sampler->nodes);
    free(sampler);
}
