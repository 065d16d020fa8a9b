/* libFuzzer target: any bytes are a journal that is replayed into a report, a JSON report and an
 * interval CSV, with every begin matched by an end, or one that is refused.
 *
 * Input that begins with 'r' is a file as it stands. Other input is a list of records {type, length
 * (16 bits, little endian), bytes} which get the head and checksum that the file needs: else no
 * mutation would come past the checksum. A digit before them makes it a journal of that number. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "orchestrator/report/journal_format.h"
#include "orchestrator/report/sinks.h"

#define FILE_MAX_BYTES (1u << 20)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

struct balance {
    int sessions, runs;
    bool closed;
};

static enum err_code session_begin(void *state, const struct session_facts *session,
                                   struct err *err)
{
    (void)session;
    (void)err;
    ((struct balance *)state)->sessions++;
    return OK;
}

static enum err_code run_begin(void *state, const struct run_facts *run, struct err *err)
{
    (void)run;
    (void)err;
    ((struct balance *)state)->runs++;
    return OK;
}

static enum err_code run_end(void *state, const struct run_result *result, struct err *err)
{
    (void)result;
    (void)err;
    ((struct balance *)state)->runs--;
    return OK;
}

static enum err_code session_end(void *state, struct err *err)
{
    struct balance *balance = state;
    (void)err;
    balance->sessions--;
    balance->closed = true;
    return OK;
}

/* The JSON report goes to stdout, which nobody reads. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    return freopen("/dev/null", "w", stdout) == NULL;
}

static size_t add_record(unsigned char *file, uint32_t type, const uint8_t *bytes, uint32_t length)
{
    journal_put_u32(file, type);
    journal_put_u32(file + 4, length);
    memcpy(file + JOURNAL_HEAD_BYTES, bytes, length);
    uLong crc = crc32(crc32(0, NULL, 0), file, JOURNAL_HEAD_BYTES + length);
    journal_put_u32(file + JOURNAL_HEAD_BYTES + length, (uint32_t)crc);
    return JOURNAL_HEAD_BYTES + length + JOURNAL_CRC_BYTES;
}

static size_t make_file(unsigned char *file, const uint8_t *input, size_t input_bytes)
{
    if (input_bytes > 0 && input[0] == 'r') {
        memcpy(file, input + 1, input_bytes - 1);
        return input_bytes - 1;
    }
    memcpy(file, JOURNAL_MAGIC, JOURNAL_MAGIC_BYTES);
    if (input_bytes > 0 && input[0] >= '1' && input[0] <= '3') {
        file[JOURNAL_MAGIC_BYTES - 2] = input[0];
        input++;
        input_bytes--;
    }
    size_t used = JOURNAL_MAGIC_BYTES;
    while (input_bytes >= 3) {
        uint32_t length = (uint32_t)input[1] | (uint32_t)input[2] << 8;
        if (length > input_bytes - 3)
            length = (uint32_t)(input_bytes - 3);
        if (used + length + JOURNAL_HEAD_BYTES + JOURNAL_CRC_BYTES > FILE_MAX_BYTES)
            break;
        used += add_record(file + used, input[0], input + 3, length);
        input += 3 + length;
        input_bytes -= 3 + length;
    }
    return used;
}

static void require(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    static unsigned char file[FILE_MAX_BYTES];
    if (input_bytes > FILE_MAX_BYTES / 8)
        return 0;
    size_t file_bytes = make_file(file, input, input_bytes);
    if (file_bytes == 0)
        return 0;

    struct timeline timeline;
    struct sink sink;
    struct err err = {.code = OK};
    struct balance balance = {0};
    bool complete = false;
    FILE *out = fopen("/dev/null", "w");
    FILE *in = fmemopen(file, file_bytes, "rb");
    require(out != NULL && in != NULL && timeline_init(&timeline, &err) == OK);
    timeline_add(&timeline, (struct sink){.name = "balance",
                                          .state = &balance,
                                          .session_begin = session_begin,
                                          .run_begin = run_begin,
                                          .run_end = run_end,
                                          .session_end = session_end});
    require(sink_text(&sink, out, TEXT_REPORT, true, &err) == OK);
    timeline_add(&timeline, sink);
    require(sink_json(&sink, "-", OUTPUT_NAMED, &err) == OK);
    timeline_add(&timeline, sink);
    require(sink_interval_csv(&sink, out, 0, &err) == OK);
    timeline_add(&timeline, sink);

    enum err_code code = journal_replay_stream(in, "journal", &timeline, &complete, &err);
    require(code == OK || (code == err.code && err.text[0] != '\0'));
    require(balance.sessions == 0 && balance.runs == 0);
    require(!complete || balance.closed);
    timeline_destroy(&timeline);
    fclose(in);
    fclose(out);
    return 0;
}
