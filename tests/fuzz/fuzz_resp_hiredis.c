/* libFuzzer target: the scanner and hiredis's reader agree about the first reply of any RESP2
 * stream, outside the classes that resp_oracle.h names.
 * Links common/resp.c, tests/support/check/resp_oracle.c and hiredis. */
#include <stdlib.h>

#include "tests/support/check/resp_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    const char *stream = (const char *)input;
    struct resp_outcome ours, theirs;
    resp_outcome_first(&ours, stream, input_bytes);
    switch (resp_hiredis_compare(stream, input_bytes)) {
    case RESP_SAME:
        resp_outcome_hiredis(&theirs, stream, input_bytes);
        if (!resp_outcome_same(&ours, &theirs))
            abort();
        break;
    case RESP_REFUSED:
        if (ours.status != RESP_INVALID)
            abort();
        break;
    case RESP_INCOMPARABLE:
        break;
    }
    return 0;
}
