#include "orchestrator/server/scripts.h"

#include <hiredis/hiredis.h>
#include <string.h>

#include "common/printable.h"
#include "orchestrator/server/control.h"

#define WORDS_MAX 4

struct loading {
    const struct target_address *address;
    struct control *control;
    struct err *err;
};

/* Only of its own words it says ERR; others are about rights, memory or roles. */
static enum err_code refused(const struct loading *loading, const struct plan_script *script,
                             bool library, const char *why)
{
    const bool unknown = strstr(why, "unknown command") != NULL;
    const enum err_code code = unknown                        ? E_USAGE
                               : strncmp(why, "ERR ", 4) == 0 ? E_CONFIG
                                                              : E_CONNECT;
    return err_set(
        loading->err, code, "the %s %.40s, %s at %s: %s%s", library ? "functions" : "script",
        script->name, library ? "FUNCTION LOAD" : "SCRIPT LOAD", loading->address->text,
        PRINTABLE(why), unknown && library ? "; Valkey has functions, and Redis from 7.0 on" : "");
}

static enum err_code load(const struct loading *loading, const struct plan_script *script,
                          bool library)
{
    const char *const script_words[WORDS_MAX] = {"SCRIPT", "LOAD", script->text};
    const char *const library_words[WORDS_MAX] = {"FUNCTION", "LOAD", "REPLACE", script->text};
    const size_t script_bytes[WORDS_MAX] = {6, 4, script->text_bytes};
    const size_t library_bytes[WORDS_MAX] = {8, 4, 7, script->text_bytes};
    redisReply *reply = NULL;
    enum err_code code = control_command_bytes(
        loading->control, &reply, library ? 4 : 3, library ? library_words : script_words,
        library ? library_bytes : script_bytes, loading->err);
    if (code == OK && reply->type == REDIS_REPLY_ERROR)
        code = refused(loading, script, library, reply->str);
    freeReplyObject(reply);
    return code;
}

static enum err_code load_all(const struct topology_node *node, const struct workload_plan *plan,
                              const struct endpoint *endpoint, const volatile int *interrupted,
                              struct err *err)
{
    struct loading loading = {.address = &node->address, .err = err};
    enum err_code code =
        control_connect_to(&loading.control, loading.address, endpoint, interrupted, err);
    for (size_t i = 0; i < plan->script_count && code == OK; i++)
        code = load(&loading, &plan->scripts[i], false);
    for (size_t i = 0; i < plan->library_count && node->role == TOPOLOGY_PRIMARY && code == OK; i++)
        code = load(&loading, &plan->libraries[i], true);
    control_close(loading.control);
    return code;
}

enum err_code scripts_load(const struct topology *topology, const struct workload_plan *plan,
                           const struct endpoint *endpoint, const volatile int *interrupted,
                           struct err *err)
{
    const bool replicas = endpoint->replica_reads != REPLICA_READS_NO && plan->script_count > 0;
    enum err_code code = OK;
    if (plan->script_count + plan->library_count == 0)
        return OK;
    for (uint32_t i = 0; i < topology->node_count && code == OK; i++) {
        const struct topology_node *node = &topology->nodes[i];
        if (node->role == TOPOLOGY_PRIMARY || (replicas && node->role == TOPOLOGY_REPLICA))
            code = load_all(node, plan, endpoint, interrupted, err);
    }
    return code;
}
