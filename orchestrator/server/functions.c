#include "orchestrator/server/functions.h"

#include <stdlib.h>
#include <string.h>

#include "orchestrator/server/scripts.h"

enum err_code functions_load(const struct topology *topology, const struct workload_test *test,
                             const struct spec *spec, const volatile int *interrupted,
                             struct err *err)
{
    const bool called = test->more == MORE_KEYS;
    struct err why = {.code = OK};
    char *text = workload_function_library(called ? 1 : spec->load.function_count,
                                           called && spec->load.function_keys > 0, err);
    if (text == NULL)
        return err->code;
    const struct plan_script library = {
        .name = "benchlib", .text = text, .text_bytes = strlen(text)};
    const struct workload_plan plan = {.libraries = &library, .library_count = 1};
    const enum err_code code = scripts_load(topology, &plan, &spec->endpoint, interrupted, &why);
    free(text);
    if (code == OK || code == E_INTERRUPTED)
        return code;
    /* The library is volley's own: what a server has against it is no mistake of the user's. */
    return err_set(err, code == E_CONFIG ? E_CONNECT : code, "%s: %s%s", test->title, why.text,
                   code == E_USAGE ? ": leave this test out" : "");
}
