/* libFuzzer target: what the scanner says about a stream of responses does not depend on how it is cut, it reads nothing outside it,
 * and what it takes for a response is the same one for http-parser. The first three bytes choose two cuts, and whether the request
 * was HEAD and the connection ends; the rest is the stream. Links common/http_response.c, tests/support/check/http_oracle.c and
 * http-parser. */
#include <stdlib.h>

#include "tests/support/check/http_oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    if (input_bytes < 3)
        return 0;
    const char *stream = (const char *)input + 3;
    const size_t stream_bytes = input_bytes - 3;
    const bool to_head = (input[2] & 1) != 0, closed = (input[2] & 2) != 0;
    size_t cuts[2] = {input[0] % (stream_bytes + 1), input[1] % (stream_bytes + 1)};
    if (cuts[0] > cuts[1]) {
        const size_t larger = cuts[0];
        cuts[0] = cuts[1];
        cuts[1] = larger;
    }
    struct http_outcome whole, cut, bytes;
    http_outcome_scan(&whole, stream, stream_bytes, to_head, closed, NULL, 0);
    http_outcome_scan(&cut, stream, stream_bytes, to_head, closed, cuts, 2);
    http_outcome_scan_bytes(&bytes, stream, stream_bytes, to_head, closed);
    if (!http_outcome_same(&whole, &cut) || !http_outcome_same(&whole, &bytes) ||
        !http_oracle_agrees(stream, stream_bytes, to_head))
        abort();
    return 0;
}
