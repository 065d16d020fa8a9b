/* Any bytes as a file of recorded traffic, in whatever form they look like: it is read to an end, or refused with a
 * sentence. What is read can be written in the compact form, and as lines of MONITOR that give the same again. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "orchestrator/traffic/monitor_line.h"
#include "orchestrator/traffic/traffic.h"

#define INPUT_MAX_BYTES (1u << 16)

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_entry(const struct recording_entry *entry)
{
    static char out[INPUT_MAX_BYTES * 8];
    struct recording_argument again[64];
    if (entry->argument_count > 64)
        return;
    memcpy(again, entry->arguments, entry->argument_count * sizeof again[0]);
    const struct argument_list list = {.items = again, .count = entry->argument_count};
    const struct monitor_line line = {.unix_us = 1, .client = "c:1", .client_bytes = 3};
    size_t written = monitor_line_write(out, sizeof out, &line, &list);
    if (written > sizeof out)
        return;
    static struct argument_list read;
    struct monitor_line read_line;
    const char *reason;
    require(monitor_line_read(&read_line, &read, out, written, &reason) == MONITOR_REQUEST);
    require(read.count == entry->argument_count);
    for (uint32_t i = 0; i < read.count; i++)
        require(read.items[i].byte_count == again[i].byte_count &&
                memcmp(read.items[i].bytes, again[i].bytes, again[i].byte_count) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    if (input_bytes > INPUT_MAX_BYTES)
        return 0;
    int fd = memfd_create("traffic", 0);
    require(fd >= 0 && write(fd, input, input_bytes) == (ssize_t)input_bytes);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    static struct traffic_report report;
    for (int strict = 0; strict < 2; strict++) {
        struct traffic_source *source;
        struct recording_entry entry;
        struct err err = {OK, ""};
        bool more = true;
        uint64_t entries = 0, last_us = 0;
        memset(&report, 0, sizeof report);
        if (traffic_open(&source, path, strict != 0, &report, &err) == OK) {
            while (traffic_next(source, &entry, &more, &err) == OK && more) {
                require(entry.argument_count > 0 && entry.at_us >= last_us);
                last_us = entry.at_us;
                check_entry(&entry);
                entries++;
            }
            require(report.entries == entries);
        }
        require(err.code == OK || err.text[0] != '\0');
        traffic_close(source);
    }
    close(fd);
    return 0;
}
