/* Any bytes as a key: the slot is that of the bit-by-bit definition, on what the hash tag leaves. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/slots.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

static unsigned crc16(const uint8_t *bytes, size_t byte_count)
{
    unsigned crc = 0;
    for (size_t i = 0; i < byte_count; i++) {
        crc ^= (unsigned)bytes[i] << 8;
        for (int bit = 0; bit < 8; bit++)
            crc = ((crc & 0x8000) != 0 ? crc << 1 ^ 0x1021 : crc << 1) & 0xFFFF;
    }
    return crc;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    size_t from = 0, to = input_bytes, open = 0, shut;
    while (open < input_bytes && input[open] != '{')
        open++;
    for (shut = open + 1; shut < input_bytes && input[shut] != '}';)
        shut++;
    if (shut < input_bytes && shut > open + 1) {
        from = open + 1;
        to = shut;
    }
    if (slots_of_key((const char *)input, input_bytes) !=
        crc16(input + from, to - from) % SLOTS_COUNT)
        abort();
    return 0;
}
