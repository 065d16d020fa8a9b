/* Any bytes as a recording. What comes out of it is RESP that our scanner takes for one request each, times do not go
 * back, and the numbers stay in their bounds.
 *
 * Input that begins with 'r' is a file as it stands. Other input is a list of blocks {kind, length (16 bits), bytes}
 * that get the magic and the checksums: else no mutation would come past these. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/recording_format.h"
#include "common/resp.h"

#define FILE_MAX_BYTES (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static size_t make_file(unsigned char *file, const uint8_t *input, size_t input_bytes)
{
    if (input_bytes > 0 && input[0] == 'r') {
        memcpy(file, input + 1, input_bytes - 1);
        return input_bytes - 1;
    }
    memcpy(file, RECORDING_MAGIC, RECORDING_MAGIC_BYTES);
    size_t used = RECORDING_MAGIC_BYTES;
    while (input_bytes >= 3) {
        size_t length = (size_t)input[1] | (size_t)input[2] << 8;
        length = length < input_bytes - 3 ? length : input_bytes - 3;
        if (used + length + 64 > FILE_MAX_BYTES)
            break;
        memcpy(file + used + RECORDING_HEAD_BYTES, input + 3, length);
        size_t block_bytes = recording_seal(file + used, input[0], length);
        used += block_bytes;
        if (input[0] == RECORDING_TRAILER) {
            for (int i = 0; i < 4; i++)
                file[used + (size_t)i] = (unsigned char)(block_bytes >> (8 * i));
            memcpy(file + used + 4, RECORDING_END_MARK, 4);
            used += RECORDING_END_BYTES;
        }
        input += 3 + length;
        input_bytes -= 3 + length;
    }
    return used;
}

static void check_entry(const struct recording_entry *entry)
{
    struct resp_scanner scanner;
    struct resp_reply reply;
    size_t consumed = 0;
    resp_scanner_reset(&scanner);
    require(resp_scan(&scanner, entry->request, entry->request_bytes, &consumed, &reply) ==
            RESP_REPLY);
    require(consumed == entry->request_bytes && reply.type == '*' &&
            reply.integer == entry->argument_count && reply.nulls == 0);
    require(entry->client < UINT32_MAX && entry->request_bytes <= RECORDING_REQUEST_MAX_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    static unsigned char file[FILE_MAX_BYTES];
    if (input_bytes > FILE_MAX_BYTES / 8)
        return 0;
    size_t file_bytes = make_file(file, input, input_bytes);
    int fd = memfd_create("recording", 0);
    require(fd >= 0 && write(fd, file, file_bytes) == (ssize_t)file_bytes);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct recording_reader *reader;
    struct err err = {OK, ""};
    if (recording_open(&reader, path, &err) == OK) {
        struct recording_entry entry;
        bool more = true;
        uint64_t last_us = 0, entries = 0;
        while (recording_next(reader, &entry, &more, &err) == OK && more) {
            check_entry(&entry);
            require(entry.at_us >= last_us);
            last_us = entry.at_us;
            entries++;
        }
        require(err.code == OK || (err.code == E_DATA && err.text[0] != '\0'));
        const struct recording_facts *known = recording_known_facts(reader), *facts;
        struct err own = {OK, ""};
        enum err_code code = recording_count(reader, &facts, &own);
        require(code == (known != NULL ? OK : err.code));
        require(code != OK || known != NULL || facts->entries == entries);
        recording_close(reader);
    } else {
        require(reader == NULL && err.code == E_DATA);
    }
    close(fd);
    return 0;
}
