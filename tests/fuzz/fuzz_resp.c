/* libFuzzer target: what the scanner says about a stream does not depend on how it is cut, and it
 * reads nothing outside it. The first two bytes choose two cuts, the rest is the stream.
 * Links common/resp.c, tests/support/check/resp_oracle.c and hiredis. */
#include <stdlib.h>

#include "tests/support/check/resp_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    if (input_bytes < 2)
        return 0;
    const char *stream = (const char *)input + 2;
    const size_t stream_bytes = input_bytes - 2;
    size_t cuts[2] = {input[0] % (stream_bytes + 1), input[1] % (stream_bytes + 1)};
    if (cuts[0] > cuts[1]) {
        const size_t larger = cuts[0];
        cuts[0] = cuts[1];
        cuts[1] = larger;
    }
    struct resp_outcome whole, cut, bytes;
    resp_outcome_scan(&whole, stream, stream_bytes, NULL, 0);
    resp_outcome_scan(&cut, stream, stream_bytes, cuts, 2);
    resp_outcome_scan_bytes(&bytes, stream, stream_bytes);
    if (!resp_outcome_same(&whole, &cut) || !resp_outcome_same(&whole, &bytes))
        abort();
    return 0;
}
