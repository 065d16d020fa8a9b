#include "common/stamp.h"

#include <string.h>

enum field { RUN, WORKER, CONNECTION, PLACE, TICKET, SENT, LATE, FIELDS };

static const uint8_t digits[FIELDS] = {8, 3, 5, 8, 12, 15, 9};

void stamp_write(char *out, const struct stamp *stamp)
{
    static const char hex[] = "0123456789abcdef";
    const uint64_t values[FIELDS] = {
        stamp->run,
        stamp->worker,
        stamp->connection,
        stamp->place,
        stamp->ticket,
        stamp->sent_ns,
        stamp->late_ns < STAMP_LATE_MAX_NS ? stamp->late_ns : STAMP_LATE_MAX_NS,
    };
    memcpy(out, STAMP_MARK, STAMP_MARK_BYTES);
    out += STAMP_MARK_BYTES;
    for (unsigned i = 0; i < FIELDS; out += digits[i++])
        for (unsigned k = 0; k < digits[i]; k++)
            out[k] = hex[values[i] >> (4 * (digits[i] - 1 - k)) & 15];
}

static int digit_of(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool stamp_read(struct stamp *stamp, const char *text)
{
    uint64_t values[FIELDS] = {0};
    if (memcmp(text, STAMP_MARK, STAMP_MARK_BYTES) != 0)
        return false;
    text += STAMP_MARK_BYTES;
    for (unsigned i = 0; i < FIELDS; i++)
        for (unsigned k = 0; k < digits[i]; k++) {
            const int digit = digit_of(*text++);
            if (digit < 0)
                return false;
            values[i] = values[i] << 4 | (uint64_t)digit;
        }
    *stamp = (struct stamp){
        .run = (uint32_t)values[RUN],
        .worker = (uint32_t)values[WORKER],
        .connection = (uint32_t)values[CONNECTION],
        .place = (uint32_t)values[PLACE],
        .ticket = values[TICKET],
        .sent_ns = values[SENT],
        .late_ns = values[LATE],
    };
    return true;
}
