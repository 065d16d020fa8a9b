/* The library of functions that the tests function_load and fcall are about. Its name and those of its functions
 * are valkey-benchmark's, so that either tool replaces what the other one has loaded. */
#include <stdio.h>
#include <stdlib.h>

#include "worker/generate/workload.h"

/* Room for the longest text of one function, and for the first line. */
#define FUNCTION_BYTES 96u

char *workload_function_library(uint64_t functions, bool with_keys, struct err *err)
{
    const size_t room = (functions + 1) * FUNCTION_BYTES;
    char *text = malloc(room);
    if (text == NULL) {
        enum err_code code =
            err_set(err, E_SYSTEM, "cannot allocate %zu bytes for a library of functions", room);
        (void)code;
        return NULL;
    }
    size_t used = (size_t)snprintf(text, room, "#!lua name=benchlib\n");
    for (uint64_t number = functions; number > 0; number--)
        used += (size_t)snprintf(text + used, room - used,
                                 "redis.register_function('foo%llu', function(keys, args) "
                                 "return %s end)\n",
                                 (unsigned long long)number, with_keys ? "keys[1]" : "0");
    return text;
}
