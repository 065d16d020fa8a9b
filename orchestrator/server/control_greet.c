/* How a control connection begins: logs in, and finds out by which question the server shows that it
 * serves. */
#include <assert.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/greeting.h"
#include "common/log.h"
#include "common/units.h"
#include "orchestrator/server/control_state.h"

#define LOADING_POLL_NS (100 * NS_PER_MS)

/* A step of the handshake: like exchange, but while the server is loading its data the step is
 * repeated, up to wait_ready_ns after the first such answer. */
static enum err_code handshake_step(struct control *control, redisReply **reply, int argc,
                                    const char *const *argv, uint64_t *loading_since_ns,
                                    struct err *err)
{
    char duration[32];
    const uint64_t limit_ns = control->endpoint.wait_ready_ns;
    for (;;) {
        enum err_code code = control_exchange(control, reply, argc, argv, NULL, err);
        if (code != OK)
            return code;
        assert(*reply != NULL);
        if ((*reply)->type != REDIS_REPLY_ERROR || !greeting_error_is((*reply)->str, "LOADING"))
            return OK;
        uint64_t now_ns = clock_now_ns();
        units_format_duration(duration, sizeof duration, limit_ns);
        if (*loading_since_ns == 0) {
            *loading_since_ns = now_ns;
            if (limit_ns > 0)
                log_line(LOG_WARNING, "%s is loading its data; waiting up to %s for it",
                         control->text, duration);
        }
        if (now_ns - *loading_since_ns >= limit_ns)
            code = err_set(err, E_CONNECT,
                           "%s is still loading its data after %s (%s); see --wait-ready",
                           control->text, duration, (*reply)->str);
        freeReplyObject(*reply);
        *reply = NULL;
        if (code != OK)
            return code;
        if (!control_pause(control, now_ns + LOADING_POLL_NS))
            return control_interrupted_error(control, err);
        control_deadline_begin(control);
    }
}

/* An error reply -> err, with what was tried in front of the server's words. */
static enum err_code refused(const redisReply *reply, const struct control *control,
                             enum greeting_command command, const char *tried, struct err *err)
{
    if (greeting_error_is(reply->str, "NOAUTH"))
        return err_set(err, E_CONNECT, "%s asks for a password (%s): " GREETING_PASSWORD_REMEDY,
                       control->text, reply->str);
    if (greeting_error_is(reply->str, "WRONGPASS"))
        return err_set(err, E_CONNECT, "%s: %s: %s; check the password (-a) and --user",
                       control->text, tried, reply->str);
    if (command == GREETING_PROBE)
        return err_set(err, E_CONNECT, "%s refuses: %s", control->text, reply->str);
    const bool select = command == GREETING_SELECT;
    const char *remedy = "";
    if (select && strstr(reply->str, "cluster") != NULL)
        remedy = "a cluster has more databases than number 0 from Valkey 9 on, as many as its "
                 "cluster-databases says: leave out --dbnum";
    else if (select && strstr(reply->str, "out of range") != NULL)
        remedy = "the server has as many databases as its settings say (databases, in a cluster "
                 "cluster-databases)";
    else if (greeting_error_is(reply->str, "NOPERM"))
        remedy = greeting_remedy(command);
    return err_set(err, E_CONNECT, "%s: %s%s%s", tried, reply->str, remedy[0] != '\0' ? "; " : "",
                   remedy);
}

static enum err_code not_a_server(const struct control *control, const char *asked, struct err *err)
{
    return err_set(err, E_CONNECT, "%s: %s was not answered as a server of Valkey or Redis would",
                   control->text, asked);
}

/* Who we are, and which database we mean: what the load needs too. *said: whether there was anything
 * to say, and so an answer. */
static enum err_code log_in(struct control *control, bool *said, uint64_t *loading_since_ns,
                            struct err *err)
{
    static const enum greeting_command commands[] = {GREETING_AUTH, GREETING_SELECT};
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        redisReply *reply;
        struct greeting_words words;
        char tried[40] = "authentication failed";
        greeting_words(&words, commands[i], &control->endpoint, GREETING_RESP2);
        if (words.argc == 0)
            continue;
        if (commands[i] == GREETING_SELECT)
            snprintf(tried, sizeof tried, "SELECT %s", words.database);
        struct err attempt = {.code = OK};
        enum err_code code = handshake_step(control, &reply, (int)words.argc, words.argv,
                                            loading_since_ns, &attempt);
        if (code != OK)
            return err_set(err, code, "%s%s%s", control->closed_by_peer ? tried : "",
                           control->closed_by_peer ? ": " : "", attempt.text);
        assert(reply != NULL);
        if (reply->type == REDIS_REPLY_ERROR)
            code = refused(reply, control, commands[i], tried, err);
        else if (reply->type != REDIS_REPLY_STATUS)
            code = not_a_server(control, words.argv[0], err);
        freeReplyObject(reply);
        if (code != OK)
            return code;
        *said = true;
    }
    return OK;
}

/* ---- whether it serves ---- */

static bool is_plausible(const redisReply *reply, enum server_probe probe)
{
    return probe == PROBE_TYPE || probe == PROBE_PING || probe == PROBE_ANY
               ? reply->type == REDIS_REPLY_STATUS
               : reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_NIL;
}

/* *answer: what the server says to the question, when it says anything and that bars nobody. */
static enum err_code ask_probe(struct control *control, enum server_probe probe,
                               enum server_probe_answer *answer, uint64_t *loading_since_ns,
                               struct err *err)
{
    const char *words[PROBE_WORDS_MAX];
    redisReply *reply;
    int argc = (int)probe_words(words, probe);
    *answer = PROBE_ANSWERED;
    if (argc == 0)
        return OK;
    enum err_code code = handshake_step(control, &reply, argc, words, loading_since_ns, err);
    if (code != OK)
        return code;
    assert(reply != NULL);
    if (reply->type == REDIS_REPLY_ERROR)
        *answer = probe_judge(reply->str);
    else if (!is_plausible(reply, probe))
        code = not_a_server(control, words[0], err);
    if (*answer == PROBE_BARRED)
        code = refused(reply, control, GREETING_PROBE, "PING", err);
    freeReplyObject(reply);
    return code;
}

/* Connects to the target again: what the server has not answered lies behind. */
static enum err_code open_again(struct control *control, bool *said, uint64_t *loading_since_ns,
                                struct err *err)
{
    const struct target_address target = control->target;
    control_give_up(control);
    control->closed_by_peer = false;
    control_deadline_begin(control);
    enum err_code code = control_open(control, &target, 1, err);
    return code == OK ? log_in(control, said, loading_since_ns, err) : code;
}

/* No question has been answered as it is meant. Refusals in words are an answer, and what it has said to
 * AUTH or SELECT is one. */
static enum err_code settle_unanswered(struct control *control, bool worded, bool said,
                                       const struct err *first, struct err *err)
{
    uint64_t loading_since_ns = 0;
    struct err attempt = {.code = OK};
    control->endpoint.probe = worded ? PROBE_ANY : PROBE_NONE;
    if (!worded && !said)
        return err_set(err, first->code, "%s", first->text);
    if (control_is_open(control))
        return OK;
    enum err_code code = open_again(control, &said, &loading_since_ns, &attempt);
    return code == OK ? OK : err_set(err, code, "%s", attempt.text);
}

/* Logs in, and asks the questions one behind the other until one is answered. Where the server closes on
 * a question, the next one is asked on a new connection. The error told is that of the first. */
static enum err_code greet(struct control *control, struct err *err)
{
    struct err first = {.code = OK};
    uint64_t loading_since_ns = 0;
    bool said = false, worded = false;
    enum err_code code = log_in(control, &said, &loading_since_ns, err);
    if (code != OK)
        return code;
    enum server_probe probe = control->endpoint.probe;
    do {
        struct err attempt = {.code = OK};
        enum server_probe_answer answer = PROBE_ANSWERED;
        if (!control_is_open(control))
            code = open_again(control, &said, &loading_since_ns, &attempt);
        if (code == OK)
            code = ask_probe(control, probe, &answer, &loading_since_ns, &attempt);
        if (code == OK && (answer == PROBE_ANSWERED || probe >= PROBE_QUESTIONS)) {
            control->endpoint.probe = probe;
            return OK;
        }
        worded |= code == OK;
        (void)err_set(&first, code, "%s", attempt.text);
        if (code != OK && (code != E_CONNECT || !control->closed_by_peer))
            return err_set(err, first.code, "%s", first.text);
        code = OK;
    } while (++probe < PROBE_QUESTIONS);
    return settle_unanswered(control, worded, said, &first, err);
}

enum err_code control_reopen(struct control *control, struct err *err)
{
    uint64_t loading_since_ns = 0;
    bool said = false;
    enum server_probe_answer answer;
    enum err_code code = open_again(control, &said, &loading_since_ns, err);
    if (code == OK)
        code = ask_probe(control, control->endpoint.probe, &answer, &loading_since_ns, err);
    if (code != OK)
        control_give_up(control);
    return code;
}

enum server_probe control_probe(const struct control *control)
{
    return control->endpoint.probe;
}

/* ---- to whom ---- */

static enum err_code control_create(struct control **control, const struct endpoint *endpoint,
                                    const volatile int *interrupted, struct err *err)
{
    struct control *made = calloc(1, sizeof *made);
    *control = made;
    if (made == NULL)
        return err_set(err, E_SYSTEM, "cannot connect: out of memory");
    made->talk.wire.fd = -1;
    made->endpoint = *endpoint;
    made->interrupted = interrupted;
    made->answer_timeout_ns = endpoint->connection_timeout_ns;
    made->limit_ns = UINT64_MAX;
    snprintf(made->text, sizeof made->text, "the server");
    return OK;
}

/* To the first of the addresses that accepts. */
static enum err_code connect_and_greet(struct control **control, struct target_address *target,
                                       const struct target_address *addresses,
                                       uint32_t address_count, const struct endpoint *endpoint,
                                       const volatile int *interrupted, struct err *err)
{
    struct control *made;
    enum err_code code = control_create(&made, endpoint, interrupted, err);
    if (code == OK) {
        control_deadline_begin(made);
        code = control_open(made, addresses, address_count, err);
    }
    if (code == OK) {
        *target = made->target;
        code = greet(made, err);
    }
    if (code != OK) {
        control_close(made);
        return code;
    }
    /* Small commands of a busy server wait behind others: they get what a request gets. */
    if (endpoint->request_timeout_ns > made->answer_timeout_ns)
        made->answer_timeout_ns = endpoint->request_timeout_ns;
    *control = made;
    return OK;
}

enum err_code control_connect_to(struct control **control, const struct target_address *target,
                                 const struct endpoint *endpoint, const volatile int *interrupted,
                                 struct err *err)
{
    struct target_address answered;
    *control = NULL;
    return connect_and_greet(control, &answered, target, 1, endpoint, interrupted, err);
}

enum err_code control_connect_host(struct control **control, struct target_address *target,
                                   const struct host_name *name, const struct endpoint *endpoint,
                                   const volatile int *interrupted, struct err *err)
{
    struct target_address addresses[RESOLVE_ADDRESSES_MAX];
    uint32_t address_count = 0;
    *control = NULL;
    memset(target, 0, sizeof *target);
    /* The deadline begins behind this: the resolver's time is not the server's. */
    enum err_code code = resolve_host(addresses, &address_count, RESOLVE_ADDRESSES_MAX, name,
                                      RESOLVE_LONGEST_NS, interrupted, err);
    if (code != OK)
        return code;
    return connect_and_greet(control, target, addresses, address_count, endpoint, interrupted, err);
}

enum err_code control_connect(struct control **control, struct target_address *target,
                              const struct endpoint *endpoint, const volatile int *interrupted,
                              struct err *err)
{
    struct host_name *names;
    uint32_t name_count = 0;
    *control = NULL;
    memset(target, 0, sizeof *target);
    if (endpoint->socket_path != NULL) {
        enum err_code code = resolve_unix(target, endpoint->socket_path, err);
        return code != OK ? code : control_connect_to(control, target, endpoint, interrupted, err);
    }
    names = calloc(RESOLVE_NAMES_MAX, sizeof *names);
    if (names == NULL)
        return err_set(err, E_SYSTEM, "cannot connect: out of memory");
    struct err first = {.code = OK}, attempt = {.code = OK};
    enum err_code code = resolve_split(names, &name_count, RESOLVE_NAMES_MAX, endpoint->host,
                                       endpoint->port, "--host", &first);
    for (uint32_t i = 0; i < name_count && *control == NULL && code != E_INTERRUPTED; i++) {
        attempt = (struct err){.code = OK};
        code = control_connect_host(control, target, &names[i], endpoint, interrupted, &attempt);
        (void)err_set(&first, attempt.code, "%s", attempt.text);
    }
    free(names);
    if (code == OK)
        return OK;
    const struct err *told = code == E_INTERRUPTED ? &attempt : &first;
    return err_set(err, told->code, "%s", told->text);
}
