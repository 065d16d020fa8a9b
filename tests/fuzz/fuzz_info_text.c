/* libFuzzer target: any text as INFO: a field is what stands behind its name in a line, numbers keep to their
 * limits, and a lag is unknown or 0 and more. The first two bytes choose the limit and the room for a value. */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/server/info_text.h"
#include "orchestrator/server/replication.h"
#include "orchestrator/server/reply_value.h"
#include "orchestrator/server/sightings.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_fields(const char *info, uint64_t max, size_t room)
{
    static const char *const fields[] = {"role", "master_repl_offset", "process_id", "slave0", "a"};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        uint64_t number = 0;
        /* Memory of its own size: a byte too many is seen. */
        char *value = malloc(room);
        if (value == NULL)
            return;
        bool found = info_field(info, fields[i], value, room);
        require(strlen(value) < room && strpbrk(value, "\r\n") == NULL);
        require(found || value[0] == '\0');
        bool is_number = info_number(&number, info, fields[i], max);
        require(!is_number || (found && number <= max));
        free(value);
    }
}

static void check_sample(const char *info)
{
    struct note note = {.source = NOTE_SAMPLE};
    double seconds = 0;
    info_text_replication(&note, info);
    for (unsigned i = 0; i < NOTE_VALUES; i++)
        require(note_get(&note, (enum note_value)i) >= -1);
    require(note_get(&note, NOTE_REPLICA) != 1 ||
            (note_get(&note, NOTE_REPLICAS) == -1 && note_get(&note, NOTE_LAG_BYTES) == -1));
    require(!info_text_cpu_seconds(&seconds, info) || (isfinite(seconds) && seconds >= 0));
}

static void check_seen(const char *info)
{
    static const struct server_role role = {.replica_count = 1, .replicas = {{"10.0.0.3", 6380}}};
    struct sightings seen = {.items = NULL};
    replicas_seen(&seen, &role, info);
    for (uint32_t i = 0; i < seen.count; i++)
        require(seen.items[i].name.host[0] != '\0' && seen.items[i].name.port > 0 &&
                strpbrk(seen.items[i].name.host, " \r\n,") == NULL);
    sightings_free(&seen);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    if (input_bytes < 2)
        return 0;
    char *info = strndup((const char *)input + 2, input_bytes - 2);
    if (info == NULL)
        return 0;
    check_fields(info, input[0] < 64 ? UINT64_MAX >> input[0] : input[0], 1u + input[1]);
    check_sample(info);
    check_seen(info);
    free(info);
    return 0;
}
