#include "orchestrator/server/slow_log.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/greeting.h"
#include "common/printable.h"
#include "orchestrator/server/async_control.h"

#define ENTRIES_MAX "128" /* of one answer; as many as servers keep by default */
#define COMMAND_BYTES 80u /* of a command that are told                        */
#define LATENCY_EVENTS 16u
#define NUMBER_MOST 1000000000000ll

/* What is asked, in this order; who logs in is answered before. */
enum question { ASK_SLOW, ASK_LARGE_REQUEST, ASK_LARGE_REPLY, ASK_LATENCY, QUESTIONS };

struct latency_event {
    char name[32];
    long long at_s;
};

struct logged_server {
    struct slow_log *log;
    const struct target_address *target;
    struct async_control *control; /* NULL: not connected */
    unsigned login_pending;
    enum question asked[QUESTIONS]; /* whose answers are under way */
    unsigned asked_count, answered;
    bool unknown[QUESTIONS]; /* the server has no such command */
    bool has_seen[QUESTIONS];
    long long newest[QUESTIONS]; /* identifier of an entry */
    struct latency_event events[LATENCY_EVENTS];
    unsigned event_count;
};

struct slow_log {
    struct slow_log_setup setup;
    struct event_base *base;
    struct event *timer;
    struct logged_server *servers;
    uint32_t server_count;
};

/* ---- what is told ---- */

/* at_s: Unix time of the server's clock, which may be another one. The note is at the beginning of that second. */
static void tell(const struct logged_server *server, enum note_source source, long long at_s,
                 uint64_t length_ns, const char *text)
{
    const struct slow_log_setup *setup = &server->log->setup;
    const uint64_t now_ns = clock_wall_ns() - setup->start_wall_ns;
    struct note note = {.source = source, .ok = true};
    if (at_s > 0 && at_s < NUMBER_MOST / 100 &&
        (uint64_t)at_s * NS_PER_SECOND > setup->start_wall_ns)
        note.at_ns = (uint64_t)at_s * NS_PER_SECOND - setup->start_wall_ns;
    if (note.at_ns > now_ns)
        note.at_ns = now_ns;
    note.end_ns = note.at_ns + length_ns;
    if (server->log->server_count > 1)
        snprintf(note.text, sizeof note.text, "%.90s on %.24s", text, server->target->text);
    else
        snprintf(note.text, sizeof note.text, "%.110s", text);
    setup->listener.hear(setup->listener.state, &note);
}

static bool is_integer(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_INTEGER;
}

/* A value is mostly of no use to people, and of no alphabet. */
static bool is_readable(const redisReply *word)
{
    for (size_t i = 0; i < word->len; i++)
        if (word->str[i] < ' ' || word->str[i] > '~')
            return false;
    return true;
}

static void put_command(char *text, size_t text_bytes, const redisReply *words)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; words->type == REDIS_REPLY_ARRAY && i < words->elements; i++) {
        const redisReply *word = words->element[i];
        if (word->type != REDIS_REPLY_STRING || used + 2 >= text_bytes)
            break;
        char cut[COMMAND_BYTES];
        snprintf(cut, sizeof cut, "%.*s",
                 (int)(word->len < sizeof cut ? word->len : sizeof cut - 1), word->str);
        used += (size_t)snprintf(text + used, text_bytes - used, "%s%s", used > 0 ? " " : "",
                                 is_readable(word) ? cut : "(binary)");
        if (used >= text_bytes)
            used = text_bytes - 1;
    }
}

/* Microseconds, milliseconds or bytes, so few that they can be multiplied. */
static uint64_t bounded(long long number)
{
    return number < 0 ? 0 : number > NUMBER_MOST ? NUMBER_MOST : (uint64_t)number;
}

/* An entry: identifier, time, microseconds or bytes, words of the command. */
static void take_entry(struct logged_server *server, enum question question,
                       const redisReply *entry)
{
    char command[COMMAND_BYTES], text[NOTE_TEXT_BYTES];
    const uint64_t number = bounded(entry->element[2]->integer);
    put_command(command, sizeof command, entry->element[3]);
    if (question == ASK_SLOW)
        snprintf(text, sizeof text, "%.3f ms: %s", (double)number / 1e3, command);
    else
        snprintf(text, sizeof text, "%s of %llu bytes: %s",
                 question == ASK_LARGE_REQUEST ? "request" : "reply", (unsigned long long)number,
                 command);
    tell(server, question == ASK_SLOW ? NOTE_SLOWLOG : NOTE_COMMANDLOG, entry->element[1]->integer,
         question == ASK_SLOW ? number * NS_PER_US : 0, text);
}

static bool is_entry(const redisReply *entry)
{
    return entry->type == REDIS_REPLY_ARRAY && entry->elements >= 4 &&
           is_integer(entry->element[0]) && is_integer(entry->element[1]) &&
           is_integer(entry->element[2]);
}

/* The newest one comes first: told are those that are newer than all before, the oldest of them first. */
static void take_entries(struct logged_server *server, enum question question,
                         const redisReply *reply)
{
    long long newest = server->newest[question];
    for (size_t i = reply->elements; i-- > 0;) {
        const redisReply *entry = reply->element[i];
        if (!is_entry(entry))
            continue;
        if (server->has_seen[question] && entry->element[0]->integer > server->newest[question])
            take_entry(server, question, entry);
        if (entry->element[0]->integer > newest || !server->has_seen[question])
            newest = entry->element[0]->integer > newest ? entry->element[0]->integer : newest;
    }
    server->newest[question] = newest;
    server->has_seen[question] = true;
}

/* Each kind of event with the time and the milliseconds of its newest one. */
static void take_latency(struct logged_server *server, const redisReply *reply)
{
    const bool first = !server->has_seen[ASK_LATENCY];
    server->has_seen[ASK_LATENCY] = true;
    for (size_t i = 0; i < reply->elements; i++) {
        const redisReply *event = reply->element[i];
        char name[32], text[NOTE_TEXT_BYTES];
        unsigned k = 0;
        if (event->type != REDIS_REPLY_ARRAY || event->elements < 3 ||
            event->element[0]->type != REDIS_REPLY_STRING || !is_integer(event->element[1]) ||
            !is_integer(event->element[2]))
            continue;
        snprintf(name, sizeof name, "%s", PRINTABLE(event->element[0]->str));
        while (k < server->event_count && strcmp(server->events[k].name, name) != 0)
            k++;
        if (k == LATENCY_EVENTS)
            continue;
        const bool known = k < server->event_count;
        if (!known)
            snprintf(server->events[server->event_count++].name, sizeof name, "%s", name);
        const bool is_new = !known || server->events[k].at_s != event->element[1]->integer;
        server->events[k].at_s = event->element[1]->integer;
        if (first || !is_new)
            continue;
        const uint64_t ms = bounded(event->element[2]->integer);
        snprintf(text, sizeof text, "%s: %llu ms", name, (unsigned long long)ms);
        tell(server, NOTE_LATENCY, event->element[1]->integer, ms * NS_PER_MS, text);
    }
}

/* ---- connections ---- */

static void disconnect(struct logged_server *server)
{
    async_control_close(server->control);
    server->control = NULL;
    server->asked_count = server->answered = server->login_pending = 0;
}

static void on_lost(void *state)
{
    disconnect(state);
}

static void on_ready(void *state)
{
    (void)state;
}

static void on_reply(void *state, redisReply *reply)
{
    struct logged_server *server = state;
    if (server->login_pending > 0) {
        server->login_pending--;
        if (reply->type == REDIS_REPLY_ERROR)
            disconnect(server);
        return;
    }
    if (server->answered == server->asked_count) {
        disconnect(server); /* nobody asked */
        return;
    }
    const enum question question = server->asked[server->answered++];
    if (reply->type == REDIS_REPLY_ERROR)
        server->unknown[question] = true;
    else if (reply->type == REDIS_REPLY_ARRAY && question == ASK_LATENCY)
        take_latency(server, reply);
    else if (reply->type == REDIS_REPLY_ARRAY)
        take_entries(server, question, reply);
}

static bool open_connection(struct logged_server *server)
{
    static const enum greeting_command said[] = {GREETING_AUTH};
    const struct slow_log_setup *setup = &server->log->setup;
    const struct async_listener listener = {
        .ready = on_ready, .reply = on_reply, .lost = on_lost, .state = server};
    server->control = async_control_open(server->log->base, server->target, setup->tls, listener);
    bool sent = server->control != NULL;
    for (size_t i = 0; i < sizeof said / sizeof said[0] && sent; i++) {
        struct greeting_words words;
        greeting_words(&words, said[i], setup->endpoint, GREETING_RESP2);
        if (words.argc == 0)
            continue;
        sent = async_control_send(server->control, (int)words.argc, words.argv);
        server->login_pending++;
    }
    return sent;
}

/* One that has not answered since the last time is connected to anew. */
static void ask(struct logged_server *server)
{
    static const struct {
        int argc;
        const char *argv[4];
    } commands[QUESTIONS] = {
        [ASK_SLOW] = {3, {"SLOWLOG", "GET", ENTRIES_MAX}},
        [ASK_LARGE_REQUEST] = {4, {"COMMANDLOG", "GET", ENTRIES_MAX, "large-request"}},
        [ASK_LARGE_REPLY] = {4, {"COMMANDLOG", "GET", ENTRIES_MAX, "large-reply"}},
        [ASK_LATENCY] = {2, {"LATENCY", "LATEST"}},
    };
    if (server->login_pending > 0 || server->answered < server->asked_count)
        disconnect(server);
    bool sent = server->control != NULL || open_connection(server);
    server->asked_count = server->answered = 0;
    for (unsigned i = 0; i < QUESTIONS && sent; i++) {
        const char *argv[4];
        if (server->unknown[i])
            continue;
        memcpy(argv, commands[i].argv, sizeof argv);
        sent = async_control_send(server->control, commands[i].argc, argv);
        server->asked[server->asked_count++] = (enum question)i;
    }
    if (!sent)
        disconnect(server);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct slow_log *log = argument;
    const uint64_t period_ns = log->setup.period_ns;
    const struct timeval delay = {.tv_sec = (time_t)(period_ns / NS_PER_SECOND),
                                  .tv_usec = (suseconds_t)(period_ns % NS_PER_SECOND / NS_PER_US)};
    (void)fd;
    (void)what;
    for (uint32_t i = 0; i < log->server_count; i++)
        ask(&log->servers[i]);
    (void)event_add(log->timer, &delay);
}

/* ---- life ---- */

static bool find_servers(struct slow_log *log)
{
    const struct topology *topology = log->setup.topology;
    const uint32_t nodes = topology != NULL ? topology->node_count : 0;
    log->servers = calloc(nodes + 1u, sizeof log->servers[0]);
    if (log->servers == NULL)
        return false;
    for (uint32_t i = 0; i < nodes; i++)
        if (topology->nodes[i].role == TOPOLOGY_PRIMARY)
            log->servers[log->server_count++].target = &topology->nodes[i].address;
    if (log->server_count == 0)
        log->servers[log->server_count++].target = log->setup.target;
    for (uint32_t i = 0; i < log->server_count; i++) {
        log->servers[i].log = log;
        for (unsigned k = 0; k < QUESTIONS; k++)
            log->servers[i].newest[k] = -1;
    }
    return true;
}

enum err_code slow_log_start(struct slow_log **log, struct event_base *base,
                             const struct slow_log_setup *setup, struct err *err)
{
    struct slow_log *made = calloc(1, sizeof *made);
    const struct timeval at_once = {.tv_sec = 0};
    *log = made;
    if (made == NULL)
        return err_set(err, E_SYSTEM, "no memory to ask servers what was slow");
    made->setup = *setup;
    made->base = base;
    made->timer = evtimer_new(base, on_timer, made);
    if (!find_servers(made) || made->timer == NULL || event_add(made->timer, &at_once) != 0)
        return err_set(err, E_SYSTEM, "no memory to ask servers what was slow");
    return OK;
}

static bool is_waiting(const struct slow_log *log)
{
    for (uint32_t i = 0; i < log->server_count; i++) {
        const struct logged_server *server = &log->servers[i];
        if (server->control != NULL && server->answered < server->asked_count)
            return true;
    }
    return false;
}

/* What the timer has asked since is part of it. */
void slow_log_finish(struct slow_log *log, uint64_t limit_ns)
{
    const uint64_t until_ns = clock_now_ns() + limit_ns;
    const struct timeval soon = {.tv_sec = (time_t)(limit_ns / NS_PER_SECOND),
                                 .tv_usec = (suseconds_t)(limit_ns % NS_PER_SECOND / NS_PER_US)};
    for (uint32_t i = 0; i < log->server_count; i++)
        if (log->servers[i].answered == log->servers[i].asked_count)
            ask(&log->servers[i]);
    (void)event_add(log->timer, &soon);
    while (is_waiting(log) && clock_now_ns() < until_ns)
        event_base_loop(log->base, EVLOOP_ONCE);
}

void slow_log_stop(struct slow_log *log)
{
    if (log == NULL)
        return;
    for (uint32_t i = 0; i < log->server_count; i++)
        async_control_close(log->servers[i].control);
    free(log->servers);
    if (log->timer != NULL)
        event_free(log->timer);
    free(log);
}
