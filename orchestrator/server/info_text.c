#include "orchestrator/server/info_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/units.h"
#include "orchestrator/server/reply_value.h"

#define VALUE_BYTES 64
#define REPLICAS_MAX 10000u
#define INFO_NUMBER_MAX 1e18
#define CPU_SECONDS_MAX 1e12

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

static void raise_to(struct note *note, enum note_value value, int64_t number)
{
    if (number > note_get(note, value))
        note_set(note, value, number);
}

/* ip=127.0.0.1,port=6380,state=online,offset=123,lag=1 */
static void add_replica(struct note *note, const char *line, size_t line_bytes,
                        int64_t primary_offset)
{
    int64_t offset = number_part(line, line_bytes, "offset");
    raise_to(note, NOTE_LAG_SECONDS, number_part(line, line_bytes, "lag"));
    if (offset >= 0)
        raise_to(note, NOTE_LAG_BYTES, primary_offset - offset);
}

/* slave0, slave1, ...: in one pass, since they may be many. */
static void add_replicas(struct note *note, const char *info)
{
    int64_t primary_offset = number_field(info, "master_repl_offset");
    uint32_t count = 0;
    char name[32];
    int name_bytes = snprintf(name, sizeof name, "slave0:");
    for (const char *line = info; *line != '\0' && count < REPLICAS_MAX;) {
        size_t line_bytes = strcspn(line, "\r\n");
        if (strncmp(line, name, (size_t)name_bytes) == 0) {
            add_replica(note, line + name_bytes, line_bytes - (size_t)name_bytes, primary_offset);
            name_bytes = snprintf(name, sizeof name, "slave%u:", ++count);
        }
        line += line_bytes;
        line += strspn(line, "\r\n");
    }
    note_set(note, NOTE_REPLICAS, count);
}

void info_text_replication(struct note *note, const char *info)
{
    char value[VALUE_BYTES];
    if (!info_field(info, "role", value, sizeof value))
        return;
    const bool replica = strcmp(value, "master") != 0;
    note_set(note, NOTE_REPLICA, replica);
    if (!replica) {
        note_set(note, NOTE_LAG_SECONDS, 0);
        note_set(note, NOTE_LAG_BYTES, 0);
        add_replicas(note, info);
    } else if (info_field(info, "master_link_status", value, sizeof value) &&
               strcmp(value, "up") == 0) {
        note_set(note, NOTE_LAG_SECONDS, number_field(info, "master_last_io_seconds_ago"));
    }
}

bool info_text_number(double *sum, const char *info, const char *const fields[2])
{
    double all = 0;
    for (size_t i = 0; i < 2 && fields[i] != NULL; i++) {
        char value[VALUE_BYTES], *end;
        if (!info_field(info, fields[i], value, sizeof value) || value[0] < '0' || value[0] > '9')
            return false;
        double number = strtod(value, &end);
        if (*end != '\0' || !(number >= 0 && number < INFO_NUMBER_MAX))
            return false;
        all += number;
    }
    *sum = all;
    return true;
}

bool info_text_cpu_seconds(double *seconds, const char *info)
{
    static const char *const fields[2] = {"used_cpu_user", "used_cpu_sys"};
    return info_text_number(seconds, info, fields) && *seconds < CPU_SECONDS_MAX;
}
