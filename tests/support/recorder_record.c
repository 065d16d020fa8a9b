#include "tests/support/recorder_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum err_code read_record(struct recorder_record *record, FILE *file, const char *path,
                                 struct err *err)
{
    struct recorder_header *header = &record->header;
    if (fread(header, sizeof *header, 1, file) != 1 ||
        memcmp(header->magic, RECORDER_MAGIC, sizeof header->magic) != 0 ||
        header->request_bytes != sizeof *record->requests ||
        header->stall_count > RECORDER_STALLS_MAX)
        return err_set(err, E_FAILED, "%s: no record of recorder_server", path);
    if (header->unrecorded > 0)
        return err_set(err, E_FAILED, "%s: %llu requests found no room; raise --capacity", path,
                       (unsigned long long)header->unrecorded);
    size_t count = header->request_count;
    record->requests = calloc(count > 0 ? count : 1, sizeof *record->requests);
    if (record->requests == NULL)
        return err_set(err, E_SYSTEM, "%s: out of memory", path);
    if (fread(record->requests, sizeof *record->requests, count, file) != count)
        return err_set(err, E_FAILED, "%s: ends before its %zu requests do", path, count);
    return OK;
}

enum err_code recorder_record_load(struct recorder_record *record, const char *path,
                                   struct err *err)
{
    memset(record, 0, sizeof *record);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return err_set(err, E_FAILED, "%s: cannot be read", path);
    enum err_code code = read_record(record, file, path, err);
    fclose(file);
    return code;
}

void recorder_record_free(struct recorder_record *record)
{
    free(record->requests);
    record->requests = NULL;
}

uint64_t recorder_record_ticket_end(const struct recorder_record *record)
{
    uint64_t end = 0;
    for (uint64_t i = 0; i < record->header.request_count; i++)
        if (record->requests[i].ticket >= end)
            end = record->requests[i].ticket + 1;
    return end;
}

uint64_t *recorder_record_intended(const struct recorder_load *load, uint64_t count)
{
    uint64_t *intended_ns = calloc(count > 0 ? count : 1, sizeof *intended_ns);
    if (intended_ns == NULL)
        return NULL;
    for (uint32_t worker = 0; worker < load->workers; worker++) {
        struct arrivals arrivals;
        arrivals_init(&arrivals, load->schedule, load->arrival, load->seed, worker, load->workers,
                      0);
        for (uint64_t ticket = worker; ticket < count; ticket += load->workers) {
            intended_ns[ticket] = arrivals.time_ns;
            arrivals_advance(&arrivals);
        }
    }
    return intended_ns;
}

uint64_t recorder_record_start_ns(const struct recorder_record *record, const uint64_t *intended_ns)
{
    uint64_t start_ns = UINT64_MAX;
    for (uint64_t i = 0; i < record->header.request_count; i++) {
        const struct recorder_request *request = &record->requests[i];
        uint64_t latest_ns = request->arrival_ns - intended_ns[request->ticket];
        if (latest_ns < start_ns)
            start_ns = latest_ns;
    }
    return start_ns;
}
