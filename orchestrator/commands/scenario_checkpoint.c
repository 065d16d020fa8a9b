#include "orchestrator/commands/scenario_checkpoint.h"

#include <hiredis/hiredis.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/printable.h"
#include "orchestrator/commands/scenario_watch.h"
#include "orchestrator/report/json_value.h"
#include "orchestrator/server/control.h"

#define FIELDS_MAX 1000u
#define NAME_BYTES 64u
#define VALUE_BYTES 200u
#define DEPTH_MAX 3u

/* A number where it is one whole. */
static json_t *value_of(const char *text)
{
    char *end = NULL;
    const double number = strtod(text, &end);
    if (text[0] == '\0' || end == text || *end != '\0' || !(number > -1e300 && number < 1e300))
        return json_value_text(text);
    return strpbrk(text, ".eE") == NULL && number > -1e15 && number < 1e15
               ? json_integer((json_int_t)number)
               : json_real(number);
}

/* Lines of "name:value". */
static json_t *fields_of_info(const redisReply *reply)
{
    json_t *fields = json_object();
    const char *at = reply->str != NULL ? reply->str : "";
    for (unsigned count = 0; *at != '\0' && count < FIELDS_MAX; count++) {
        const size_t bytes = strcspn(at, "\r\n");
        const char *colon = memchr(at, ':', bytes);
        char name[NAME_BYTES], value[VALUE_BYTES];
        if (colon != NULL && at[0] != '#') {
            snprintf(name, sizeof name, "%.*s", (int)(colon - at), at);
            snprintf(value, sizeof value, "%.*s", (int)(bytes - (size_t)(colon - at) - 1),
                     colon + 1);
            json_object_set_new(fields, PRINTABLE(name), value_of(value));
        }
        at += bytes + strspn(at + bytes, "\r\n");
    }
    return fields;
}

/* A list of names and values, some of them such lists. */
static json_t *fields_of_list(const redisReply *reply, unsigned depth)
{
    json_t *fields = json_object();
    for (size_t i = 0; i + 1 < reply->elements && i < (size_t)2 * FIELDS_MAX; i += 2) {
        const redisReply *name = reply->element[i], *value = reply->element[i + 1];
        char text[VALUE_BYTES];
        json_t *made = NULL;
        if (name->str == NULL)
            continue;
        if (value->type == REDIS_REPLY_INTEGER)
            made = json_integer(value->integer);
        else if (value->type == REDIS_REPLY_ARRAY && depth < DEPTH_MAX)
            made = fields_of_list(value, depth + 1);
        else if (value->str != NULL) {
            snprintf(text, sizeof text, "%s", value->str);
            made = value_of(text);
        }
        snprintf(text, sizeof text, "%.60s", name->str);
        if (made != NULL)
            json_object_set_new(fields, PRINTABLE(text), made);
    }
    return fields;
}

static void ask(json_t *node, const char *key, struct control *control, int argc,
                const char *const *argv)
{
    redisReply *reply = NULL;
    struct err err = {.code = OK};
    if (control_command(control, &reply, argc, argv, &err) != OK)
        log_line(LOG_WARNING, "checkpoint: %s: %s", argv[0], PRINTABLE(err.text));
    else if (reply->type == REDIS_REPLY_ERROR)
        log_line(LOG_WARNING, "checkpoint: %s: %s", argv[0], PRINTABLE(reply->str));
    else
        json_object_set_new(node, key,
                            reply->type == REDIS_REPLY_ARRAY ? fields_of_list(reply, 0)
                                                             : fields_of_info(reply));
    freeReplyObject(reply);
}

static json_t *look_at(const struct session *session, const struct target_address *target)
{
    static const char *const info[] = {"INFO", "ALL"}, *const memory[] = {"MEMORY", "STATS"};
    struct control *control = NULL;
    struct err err = {.code = OK};
    json_t *node = json_object();
    json_object_set_new(node, "address", json_value_text(target->text));
    if (control_connect_to(&control, target, &session->request->spec.endpoint,
                           &session->interrupts->count, &err) == OK) {
        ask(node, "info", control, 2, info);
        ask(node, "memory_stats", control, 2, memory);
    } else {
        log_line(LOG_WARNING, "checkpoint: %s", PRINTABLE(err.text));
    }
    control_close(control);
    return node;
}

void scenario_checkpoint(struct scenario_run *run)
{
    const struct session *session = run->session;
    const struct topology *topology = session->topology;
    json_t *nodes = json_array();
    for (uint32_t i = 0; i < topology->node_count; i++)
        if (topology->nodes[i].role == TOPOLOGY_PRIMARY)
            json_array_append_new(nodes, look_at(session, &topology->nodes[i].address));
    if (json_array_size(nodes) == 0)
        json_array_append_new(nodes, look_at(session, &session->target));
    json_decref(scenario_account_now(run)->checkpoint);
    scenario_account_now(run)->checkpoint = nodes;
}
