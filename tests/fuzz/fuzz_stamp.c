/* Any bytes where a stamp is looked for: none is found, or one that is written again the same. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/stamp.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    for (size_t at = 0; at + STAMP_BYTES <= input_bytes; at++) {
        struct stamp stamp;
        char again[STAMP_BYTES];
        char *text = malloc(STAMP_BYTES); /* so that a byte beyond it is found */
        if (text == NULL)
            return 0;
        memcpy(text, input + at, STAMP_BYTES);
        if (stamp_read(&stamp, text)) {
            stamp_write(again, &stamp);
            if (memcmp(again, text, STAMP_BYTES) != 0)
                abort();
        }
        free(text);
    }
    return 0;
}
