#include "orchestrator/target/info_text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/target/control.h"

#define VALUE_BYTES 512 /* a replica's line has its address in it */
#define REPLICAS_MAX 10000u

/* A whole number from 0 on, up to a comma or the end; -1: it is none. */
static int64_t whole(const char *text)
{
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return -1;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    return errno == 0 && (*end == '\0' || *end == ',') ? number : -1;
}

static int64_t whole_field(const char *info, const char *field)
{
    char value[VALUE_BYTES];
    return info_field(info, field, value, sizeof value) ? whole(value) : -1;
}

/* "...,offset=123,lag=1": the number behind a name; -1: it is not there. */
static int64_t part(const char *line, const char *name)
{
    const char *at = strstr(line, name);
    return at != NULL ? whole(at + strlen(name)) : -1;
}

/* slave0:ip=127.0.0.1,port=6380,state=online,offset=123,lag=1 */
static void add_replica(struct target_sample *sample, const char *line, int64_t primary_offset)
{
    int64_t seconds = part(line, ",lag=");
    int64_t offset = part(line, ",offset=");
    sample->replicas++;
    if (seconds > sample->lag_seconds)
        sample->lag_seconds = seconds;
    if (offset >= 0 && primary_offset - offset > sample->lag_bytes)
        sample->lag_bytes = primary_offset - offset;
}

void info_text_replication(struct target_sample *sample, const char *info)
{
    char value[VALUE_BYTES], field[32];
    sample->replica = false;
    sample->replicas = 0;
    sample->lag_seconds = sample->lag_bytes = -1;
    if (!info_field(info, "role", value, sizeof value))
        return;
    sample->replica = strcmp(value, "master") != 0;
    if (sample->replica) {
        if (info_field(info, "master_link_status", value, sizeof value) && strcmp(value, "up") == 0)
            sample->lag_seconds = whole_field(info, "master_last_io_seconds_ago");
        return;
    }
    int64_t primary_offset = whole_field(info, "master_repl_offset");
    sample->lag_seconds = sample->lag_bytes = 0;
    for (uint32_t i = 0; i < REPLICAS_MAX; i++) {
        snprintf(field, sizeof field, "slave%u", i);
        if (!info_field(info, field, value, sizeof value))
            break;
        add_replica(sample, value, primary_offset);
    }
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
