#include "orchestrator/server/operation_profile.h"

#include <hiredis/hiredis.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/server/reply_value.h"

#define NUMBER_MOST (UINT64_C(1) << 60)
#define PEAK_SHARE 0.01
#define PEAK_BYTES 65536.0 /* a small server's own buffers are no peak */

/* ---- operations ---- */

static uint64_t part_of(const char *line, size_t line_bytes, const char *name)
{
    size_t bytes = 0;
    uint64_t number = 0;
    const char *value = info_part(&bytes, line, line_bytes, name);
    return value != NULL && units_parse_digits(&number, value, bytes, NUMBER_MOST) ? number : 0;
}

static void read_line(struct operation *operation, const char *name, size_t name_bytes,
                      const char *values, size_t value_bytes)
{
    snprintf(operation->name, sizeof operation->name, "%.*s", (int)name_bytes, name);
    printable_line(operation->name);
    operation->calls = part_of(values, value_bytes, "calls");
    operation->usec = part_of(values, value_bytes, "usec");
    operation->failed = part_of(values, value_bytes, "failed_calls") +
                        part_of(values, value_bytes, "rejected_calls");
}

enum err_code operations_read(struct operations *operations, const char *info, struct err *err)
{
    static const char beginning[] = "cmdstat_";
    operations->count = 0;
    operations->items = calloc(OPERATIONS_MAX, sizeof operations->items[0]);
    if (operations->items == NULL)
        return err_set(err, E_SYSTEM, "no memory for the commands of a server");
    for (const char *line = info; *line != '\0' && operations->count < OPERATIONS_MAX;) {
        const size_t bytes = strcspn(line, "\r\n");
        const char *colon = memchr(line, ':', bytes);
        const char *name = line + sizeof beginning - 1;
        if (strncmp(line, beginning, sizeof beginning - 1) == 0 && colon != NULL && colon > name &&
            colon - name < (ptrdiff_t)sizeof operations->items[0].name)
            read_line(&operations->items[operations->count++], name, (size_t)(colon - name),
                      colon + 1, bytes - (size_t)(colon + 1 - line));
        line += bytes;
        line += strspn(line, "\r\n");
    }
    return OK;
}

void operations_free(struct operations *operations)
{
    free(operations->items);
    *operations = (struct operations){.items = NULL};
}

static int by_time(const void *one, const void *other)
{
    const struct operation *left = one, *right = other;
    if (left->usec != right->usec)
        return (left->usec < right->usec) - (left->usec > right->usec);
    return strcmp(left->name, right->name);
}

bool operations_subtract(struct operations *after, const struct operations *before)
{
    size_t kept = 0, found = 0;
    for (size_t i = 0; i < after->count; i++) {
        struct operation now = after->items[i];
        for (size_t k = 0; k < before->count; k++) {
            const struct operation *then = &before->items[k];
            if (strcmp(then->name, now.name) != 0)
                continue;
            if (then->calls > now.calls || then->usec > now.usec || then->failed > now.failed)
                return false;
            now.calls -= then->calls;
            now.usec -= then->usec;
            now.failed -= then->failed;
            found++;
            break;
        }
        if (now.calls > 0 || now.failed > 0)
            after->items[kept++] = now;
    }
    after->count = kept;
    qsort(after->items, kept, sizeof after->items[0], by_time);
    return found == before->count;
}

enum err_code operations_add(struct operations *total, const struct operations *node,
                             struct err *err)
{
    if (total->items == NULL)
        total->items = calloc(OPERATIONS_MAX, sizeof total->items[0]);
    if (total->items == NULL)
        return err_set(err, E_SYSTEM, "no memory for the commands of a cluster");
    for (size_t i = 0; i < node->count; i++) {
        const struct operation *more = &node->items[i];
        size_t at = 0;
        while (at < total->count && strcmp(total->items[at].name, more->name) != 0)
            at++;
        if (at == OPERATIONS_MAX)
            continue;
        if (at == total->count) {
            total->items[total->count++] = *more;
            continue;
        }
        total->items[at].calls += more->calls;
        total->items[at].usec += more->usec;
        total->items[at].failed += more->failed;
    }
    qsort(total->items, total->count, sizeof total->items[0], by_time);
    return OK;
}

static enum operation_kind kind_of(const redisReply *command)
{
    const redisReply *flags = reply_item(command, 2);
    for (size_t i = 0; flags != NULL && flags->type == REDIS_REPLY_ARRAY && i < flags->elements;
         i++) {
        const char *flag = reply_text(flags->element[i]);
        if (flag != NULL && strcmp(flag, "write") == 0)
            return OPERATION_WRITE;
        if (flag != NULL && strcmp(flag, "readonly") == 0)
            return OPERATION_QUERY;
    }
    return OPERATION_OTHER;
}

void operations_mark(struct operations *operations, size_t first, const redisReply *reply)
{
    for (size_t i = first; i < operations->count; i++) {
        const redisReply *command = reply_item(reply, i - first);
        if (command == NULL)
            return;
        operations->items[i].kind = kind_of(command);
    }
}

/* ---- samples ---- */

static double number_in(const char *info, const char *field)
{
    uint64_t number;
    return info_number(&number, info, field, NUMBER_MOST) ? (double)number : (double)NAN;
}

static double real_in(const char *info, const char *field)
{
    char value[40];
    double number;
    return info_field(info, field, value, sizeof value) && units_parse_real(&number, value)
               ? number
               : (double)NAN;
}

void profile_sample_read(struct profile_sample *sample, double seconds, const char *info)
{
    *sample = (struct profile_sample){
        .seconds = seconds,
        .used_memory = number_in(info, "used_memory"),
        .maxmemory = number_in(info, "maxmemory"),
        .evicted = number_in(info, "evicted_keys"),
        .rejected_connections = number_in(info, "rejected_connections"),
        .delayed_fsyncs = number_in(info, "aof_delayed_fsync"),
        .forks = number_in(info, "total_forks"),
        .fork_usec = number_in(info, "latest_fork_usec"),
        .hits = number_in(info, "keyspace_hits"),
        .misses = number_in(info, "keyspace_misses"),
        .thread_cpu_seconds =
            real_in(info, "used_cpu_sys_main_thread") + real_in(info, "used_cpu_user_main_thread"),
        .clients = number_in(info, "connected_clients"),
    };
}

void profile_sample_add(struct profile_sample *total, const struct profile_sample *node)
{
    total->used_memory += node->used_memory;
}

/* The lowest of the chosen ones gives way. */
static void keep_highest(size_t peaks[PROFILE_PEAKS_MAX], size_t *count,
                         const struct profile_sample *samples, size_t place)
{
    size_t at = *count, lowest = 0;
    if (*count == PROFILE_PEAKS_MAX) {
        for (size_t i = 1; i < *count; i++)
            if (samples[peaks[i]].used_memory < samples[peaks[lowest]].used_memory)
                lowest = i;
        if (samples[place].used_memory <= samples[peaks[lowest]].used_memory)
            return;
        memmove(peaks + lowest, peaks + lowest + 1, (*count - lowest - 1) * sizeof peaks[0]);
        at = *count - 1;
    } else
        ++*count;
    peaks[at] = place;
}

size_t profile_peaks(size_t peaks[PROFILE_PEAKS_MAX], const struct profile_sample *samples,
                     size_t count)
{
    size_t found = 0, highest = 0;
    double valley = count > 0 ? samples[0].used_memory : (double)NAN;
    for (size_t i = 1; i <= count; i++) {
        const bool falls = i == count || samples[i].used_memory < samples[highest].used_memory;
        if (!falls) {
            highest = i;
            continue;
        }
        if (samples[highest].used_memory > valley + fmax(PEAK_BYTES, PEAK_SHARE * valley)) {
            keep_highest(peaks, &found, samples, highest);
            valley = samples[highest].used_memory;
        }
        if (i < count && samples[i].used_memory < valley)
            valley = samples[i].used_memory;
        highest = i;
    }
    return found;
}
