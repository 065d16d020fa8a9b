#include "orchestrator/server/info_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/units.h"
#include "orchestrator/server/reply_value.h"

#define VALUE_BYTES 64
#define REPLICAS_MAX 10000u

/* From 0 on; -1: it is not there, or no number. */
static int64_t number_field(const char *info, const char *field)
{
    uint64_t number;
    return info_number(&number, info, field, INT64_MAX) ? (int64_t)number : -1;
}

static int64_t number_part(const char *line, size_t line_bytes, const char *name)
{
    uint64_t number;
    size_t bytes = 0;
    const char *part = info_part(&bytes, line, line_bytes, name);
    return part != NULL && units_parse_digits(&number, part, bytes, INT64_MAX) ? (int64_t)number
                                                                               : -1;
}

/* ip=127.0.0.1,port=6380,state=online,offset=123,lag=1 */
static void add_replica(struct target_sample *sample, const char *line, size_t line_bytes,
                        int64_t primary_offset)
{
    int64_t seconds = number_part(line, line_bytes, "lag");
    int64_t offset = number_part(line, line_bytes, "offset");
    sample->replicas++;
    if (seconds > sample->lag_seconds)
        sample->lag_seconds = seconds;
    if (offset >= 0 && primary_offset - offset > sample->lag_bytes)
        sample->lag_bytes = primary_offset - offset;
}

/* slave0, slave1, ...: in one pass, since they may be many. */
static void add_replicas(struct target_sample *sample, const char *info)
{
    int64_t primary_offset = number_field(info, "master_repl_offset");
    char name[32];
    int name_bytes = snprintf(name, sizeof name, "slave0:");
    for (const char *line = info; *line != '\0' && sample->replicas < REPLICAS_MAX;) {
        size_t line_bytes = strcspn(line, "\r\n");
        if (strncmp(line, name, (size_t)name_bytes) == 0) {
            add_replica(sample, line + name_bytes, line_bytes - (size_t)name_bytes, primary_offset);
            name_bytes = snprintf(name, sizeof name, "slave%u:", sample->replicas);
        }
        line += line_bytes;
        line += strspn(line, "\r\n");
    }
}

void info_text_replication(struct target_sample *sample, const char *info)
{
    char value[VALUE_BYTES];
    sample->replica = false;
    sample->replicas = 0;
    sample->lag_seconds = sample->lag_bytes = -1;
    if (!info_field(info, "role", value, sizeof value))
        return;
    sample->replica = strcmp(value, "master") != 0;
    if (sample->replica) {
        if (info_field(info, "master_link_status", value, sizeof value) && strcmp(value, "up") == 0)
            sample->lag_seconds = number_field(info, "master_last_io_seconds_ago");
        return;
    }
    sample->lag_seconds = sample->lag_bytes = 0;
    add_replicas(sample, info);
}

bool info_text_cpu_seconds(double *seconds, const char *info)
{
    static const char *const fields[] = {"used_cpu_user", "used_cpu_sys"};
    double sum = 0;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        char value[VALUE_BYTES], *end;
        if (!info_field(info, fields[i], value, sizeof value) || value[0] < '0' || value[0] > '9')
            return false;
        double number = strtod(value, &end);
        if (*end != '\0' || !(number >= 0 && number < 1e12))
            return false;
        sum += number;
    }
    *seconds = sum;
    return true;
}
