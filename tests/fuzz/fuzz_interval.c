/* Any bytes into the interval decoder. What it accepts must come back unchanged from another
 * encoding and from being added to an empty row, with its lanes, and mapping error kinds must not change
 * how many there are. What is not known is not written again. Behind a digit stands a record of a journal of
 * that number, of which sections are made first. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/report/journal_legacy.h"
#include "tests/support/check/by_hand.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static uint64_t sum_kinds(const struct interval_row *row)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < ERROR_KINDS_MAX; i++)
        sum += row->errors_by_kind[i];
    return sum;
}

static void check_round_trip(const struct interval_row *row)
{
    static struct interval_row again;
    static unsigned char bytes[INTERVAL_WIRE_MAX_BYTES];
    static unsigned char bytes_again[INTERVAL_WIRE_MAX_BYTES];
    static bool ready;
    if (!ready)
        interval_row_init(&again);
    ready = true;
    struct err err = {OK, ""};
    size_t written = interval_row_encode(bytes, row);
    require(written <= sizeof bytes);
    interval_row_reset(&again);
    require(interval_decode_header(&again.header, bytes, written, &err) == OK);
    require(interval_decode_add(&again, bytes, written, NULL, &err) == OK);
    require(interval_row_encode(bytes_again, &again) == written);
    require(memcmp(bytes_again, bytes, written) == 0);
    for (unsigned i = 0; i < INTERVAL_UNKNOWNS; i++)
        require(again.unknown[i] == 0);
    interval_row_reset(&again);
    again.header = row->header;
    again.header.times = (struct outcome_times){0};
    outcome_times_add(&again.header.times, &row->header.times);
    interval_row_add(&again, row);
    require(interval_row_encode(bytes_again, &again) == written);
    require(memcmp(bytes_again, bytes, written) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    static struct interval_row row, mapped;
    static unsigned char sections[JOURNAL_LEGACY_MAX_BYTES];
    static bool ready;
    if (input_bytes > 0 && input[0] >= '1' && input[0] <= '3') {
        input_bytes =
            journal_legacy_interval(sections, input[0] - (unsigned)'0', input + 1, input_bytes - 1);
        require(input_bytes <= sizeof sections);
        input = sections;
    }
    if (!ready) {
        interval_row_init(&row);
        interval_row_init(&mapped);
        ready = true;
    }
    interval_row_reset(&row);
    struct err err = {OK, ""};
    enum err_code header_code = interval_decode_header(&row.header, input, input_bytes, &err);
    struct err add_err = {OK, ""};
    enum err_code code = interval_decode_add(&row, input, input_bytes, NULL, &add_err);
    require(code == OK || (code == E_DATA && add_err.text[0] != '\0'));
    require(header_code == OK || code != OK); /* a whole record has a good header */
    if (code != OK || input_bytes == 0)
        return 0;
    require(row.header.first <= row.header.last && row.header.start_ns <= row.header.end_ns);
    require(row.node_count <= NODE_FIGURES_MAX && row.class_count <= CLASSES_MAX);
    check_round_trip(&row);
    err.code = OK;
    enum err_code checked = interval_row_check(&row, &err);
    require(checked == OK || checked == E_UNTRUSTED);

    uint8_t map[ERROR_KINDS_MAX];
    for (unsigned i = 0; i < ERROR_KINDS_MAX; i++)
        map[i] = (uint8_t)(input[i % input_bytes] % ERROR_KINDS_MAX);
    interval_row_reset(&mapped);
    add_err.code = OK;
    if (interval_decode_add(&mapped, input, input_bytes, map, &add_err) == OK)
        require(sum_kinds(&mapped) == sum_kinds(&row));
    return 0;
}
