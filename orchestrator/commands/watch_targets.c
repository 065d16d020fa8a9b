#include "orchestrator/commands/watch_targets.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/printable.h"
#include "common/secret.h"
#include "common/transport_tls.h"
#include "orchestrator/options/bench_groups.h"
#include "orchestrator/options/uri.h"
#include "orchestrator/server/resolve.h"

#define NAME_LIMIT_NS (10 * NS_PER_SECOND)

static struct watch_target *add(struct watch_targets *targets, const struct endpoint *endpoint,
                                struct err *err)
{
    if (targets->count == WATCH_TARGETS_MAX) {
        err_set(err, E_USAGE, "at most %u servers can be watched by one monitor",
                WATCH_TARGETS_MAX);
        return NULL;
    }
    struct watch_target *target = &targets->items[targets->count++];
    target->endpoint = *endpoint;
    return target;
}

static enum err_code find_host(struct watch_target *target, const struct host_name *name,
                               const volatile int *interrupted, struct err *err)
{
    uint32_t count = 0;
    return resolve_host(&target->address, &count, 1, name, NAME_LIMIT_NS, interrupted, err);
}

/* "a,b:7001". */
static enum err_code add_hosts(struct watch_targets *targets, const struct endpoint *endpoint,
                               const char *text, const char *option,
                               const volatile int *interrupted, struct err *err)
{
    struct host_name names[WATCH_TARGETS_MAX];
    uint32_t count = 0;
    enum err_code code =
        resolve_split(names, &count, WATCH_TARGETS_MAX, text, endpoint->port, option, err);
    for (uint32_t i = 0; i < count && code == OK; i++) {
        struct watch_target *target = add(targets, endpoint, err);
        code = target != NULL ? find_host(target, &names[i], interrupted, err) : err->code;
    }
    return code;
}

static enum err_code add_socket(struct watch_targets *targets, const struct endpoint *endpoint,
                                const char *path, struct err *err)
{
    struct watch_target *target = add(targets, endpoint, err);
    return target != NULL ? resolve_unix(&target->address, path, err) : err->code;
}

/* What stands in front of the last '@' of an argument of main's. */
static void hide_login(const char *word)
{
    const char *from = strstr(word, "://"), *at = strrchr(word, '@');
    for (const char *c = from != NULL ? from + 3 : word; at != NULL && c < at; c++)
        *(char *)(uintptr_t)c = '*';
}

static enum err_code add_uri(struct watch_targets *targets, const struct endpoint *endpoint,
                             const char *word, const volatile int *interrupted, struct err *err)
{
    struct err reason = {.code = OK};
    struct watch_target *target = add(targets, endpoint, err);
    if (target == NULL)
        return err->code;
    if ((target->uri = secret_alloc(sizeof *target->uri)) == NULL)
        return err_set(err, E_SYSTEM, "no memory for the targets");
    struct uri *uri = target->uri;
    const enum err_code parsed = uri_parse(uri, word, &reason);
    hide_login(word);
    if (parsed != OK)
        return err_set(err, E_USAGE, "a target: %s", reason.text);
    target->endpoint.user = uri->has_user ? uri->user : endpoint->user;
    target->endpoint.password = uri->has_password ? uri->password : endpoint->password;
    target->endpoint.database = uri->has_database ? uri->database : endpoint->database;
    target->endpoint.tls.wanted = endpoint->tls.wanted || uri->tls;
    struct host_name name = {.port = (uint16_t)(uri->has_port ? uri->port : endpoint->port)};
    snprintf(name.host, sizeof name.host, "%s", uri->has_host ? uri->host : endpoint->host);
    return find_host(target, &name, interrupted, err);
}

static enum err_code add_word(struct watch_targets *targets, const struct endpoint *endpoint,
                              const char *word, const volatile int *interrupted, struct err *err)
{
    if (strstr(word, "://") != NULL)
        return add_uri(targets, endpoint, word, interrupted, err);
    if (uri_holds_login(word)) {
        hide_login(word);
        return err_set(err, E_USAGE,
                       "a target holds a login: it is given as a URI, redis://USER:PASSWORD@HOST, "
                       "or with --user and -a");
    }
    if (strchr(word, '/') != NULL)
        return add_socket(targets, endpoint, word, err);
    return add_hosts(targets, endpoint, word, "TARGET", interrupted, err);
}

static enum err_code refuse_both(const struct bench_request *request, struct err *err)
{
    static const char *const names[] = {"host", "socket", "uri"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (relation_given(request, names[i]))
            return err_set(err, E_USAGE, "servers are named as words or with --%s, not both",
                           names[i]);
    return OK;
}

static enum err_code refuse_twice(const struct watch_targets *targets, struct err *err)
{
    for (uint32_t i = 0; i < targets->count; i++)
        for (uint32_t k = 0; k < i; k++)
            if (target_address_same(&targets->items[i].address, &targets->items[k].address))
                return err_set(err, E_USAGE, "%s is named twice",
                               PRINTABLE(targets->items[i].address.text));
    return OK;
}

static enum err_code set_up_tls(struct watch_targets *targets, struct err *err)
{
    enum err_code code = OK;
    for (uint32_t i = 0; i < targets->count && code == OK; i++) {
        struct endpoint *endpoint = &targets->items[i].endpoint;
        if (!endpoint->tls.wanted)
            continue;
        if (targets->tls == NULL)
            code = tls_client_create(&targets->tls, &endpoint->tls, err);
        endpoint->tls_client = targets->tls;
    }
    return code;
}

enum err_code watch_targets_find(struct watch_targets *targets, struct bench_request *request,
                                 const struct command_words *words, const volatile int *interrupted,
                                 struct err *err)
{
    enum err_code code = endpoint_settle(request, err);
    if (code == OK)
        code = tls_settle(request, err);
    for (uint32_t i = 0; i < request->notice_count; i++)
        log_line(LOG_WARNING, "%s", request->notices[i]);
    const struct endpoint *endpoint = &request->spec.endpoint;
    if (code == OK && words->count > 0)
        code = refuse_both(request, err);
    for (size_t i = 0; i < words->count && code == OK; i++)
        code = add_word(targets, endpoint, words->items[i], interrupted, err);
    if (code == OK && words->count == 0)
        code = endpoint->socket_path != NULL
                   ? add_socket(targets, endpoint, endpoint->socket_path, err)
                   : add_hosts(targets, endpoint, endpoint->host, "--host", interrupted, err);
    if (code == OK)
        code = refuse_twice(targets, err);
    return code == OK ? set_up_tls(targets, err) : code;
}

void watch_targets_free(struct watch_targets *targets)
{
    tls_client_destroy(targets->tls);
    for (uint32_t i = 0; i < targets->count; i++)
        secret_free(targets->items[i].uri);
    *targets = (struct watch_targets){.count = 0};
}
