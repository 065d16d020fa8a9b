#include "orchestrator/server/functions.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/server/control.h"

static enum err_code refused(const struct target_address *address, const struct workload_test *test,
                             const char *why, struct err *err)
{
    const bool unknown = strstr(why, "unknown command") != NULL;
    return err_set(
        err, unknown ? E_USAGE : E_CONNECT,
        "%s: cannot load its functions into %s: FUNCTION LOAD: %s%s", test->title, address->text,
        why, unknown ? "; Valkey has functions, and Redis from 7.0 on: leave this test out" : "");
}

static enum err_code load_into(const struct target_address *address,
                               const struct workload_test *test, const char *library,
                               const struct endpoint *endpoint, const volatile int *interrupted,
                               struct err *err)
{
    const char *const argv[] = {"FUNCTION", "LOAD", "REPLACE", library};
    struct control *control = NULL;
    redisReply *reply = NULL;
    enum err_code code = control_connect_to(&control, address, endpoint, interrupted, err);
    if (code == OK)
        code = control_command(control, &reply, 4, argv, err);
    if (code == OK && reply->type == REDIS_REPLY_ERROR)
        code = refused(address, test, reply->str, err);
    freeReplyObject(reply);
    control_close(control);
    return code;
}

enum err_code functions_load(const struct topology *topology, const struct workload_test *test,
                             const struct spec *spec, const volatile int *interrupted,
                             struct err *err)
{
    const bool called = test->more == MORE_KEYS;
    char *library = workload_function_library(called ? 1 : spec->load.function_count,
                                              called && spec->load.function_keys > 0, err);
    enum err_code code = library != NULL ? OK : err->code;
    for (uint32_t i = 0; i < topology->node_count && code == OK; i++)
        if (topology->nodes[i].role == TOPOLOGY_PRIMARY)
            code = load_into(&topology->nodes[i].address, test, library, &spec->endpoint,
                             interrupted, err);
    free(library);
    return code;
}
