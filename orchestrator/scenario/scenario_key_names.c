/* What phases call the keys that they load, and which of them later ones are about. */
#include <stdio.h>
#include <string.h>

#include "common/suggest.h"
#include "orchestrator/scenario/scenario_file.h"
#include "orchestrator/scenario/scenario_reading.h"
#include "orchestrator/scenario/scenario_variables.h"
#include "orchestrator/scenario/scenario_vectors.h"

static enum err_code settle_text(const struct reading *reading, const struct phase *phase,
                                 const struct scenario_turn *turn, const char *key, char *text)
{
    char written[LIVE_NAME_BYTES];
    if (strstr(text, SCENARIO_LOOP_INDEX) == NULL)
        return OK;
    if (turn->loop == NULL)
        return REFUSE(reading, phase, key, "%s: " SCENARIO_LOOP_INDEX " stands in loops only", key);
    memcpy(written, text, sizeof written);
    (void)scenario_put_index(text, LIVE_NAME_BYTES, written, turn->index);
    return OK;
}

static enum err_code check_prefix(const struct reading *reading, const struct phase *phase)
{
    char copies[LIVE_NAME_BYTES + 8];
    uint32_t count = 1;
    snprintf(copies, sizeof copies, "prefix:%s", phase->key_prefix);
    if (scenario_copy_level(copies) > 0)
        return REFUSE(reading, phase, "key_prefix",
                      "key_prefix: %s: copies of vectors begin so: take another one",
                      phase->key_prefix);
    if (!scenario_loads_keys(phase))
        return REFUSE(reading, phase, "key_prefix",
                      "key_prefix: %s loads no keys; strategy: prefix:%s is about those that have "
                      "one",
                      phase->base, phase->key_prefix);
    if (phase->datatype == LIVE_VECTOR)
        return REFUSE(reading, phase, "key_prefix",
                      "key_prefix: names of vectors are the index's; leave it out");
    if (phase->parallel_place > 0)
        return REFUSE(reading, phase, "key_prefix",
                      "key_prefix: what is loaded side by side has one name");
    for (uint32_t i = 0; i < reading->scenario->phase_count; i++)
        count += reading->scenario->phases[i].key_prefix[0] != '\0';
    return count <= SCENARIO_PREFIXES_MAX
               ? OK
               : REFUSE(reading, phase, "key_prefix",
                        "key_prefix: with loops unrolled more than %u phases have one",
                        SCENARIO_PREFIXES_MAX);
}

static enum err_code check_pick(const struct reading *reading, const struct phase *phase)
{
    struct suggestion suggestion = {.wanted = phase->pick_prefix,
                                    .wanted_bytes = strlen(phase->pick_prefix)};
    if (phase->has_keep)
        return REFUSE(reading, phase, "keep",
                      "keep: it counts all keys; with strategy: prefix give fraction");
    for (uint32_t i = reading->scenario->phase_count; i-- > 0;) {
        const char *prefix = reading->scenario->phases[i].key_prefix;
        if (reading->scenario->phases[i].type == PHASE_FLUSH)
            break;
        if (strcmp(prefix, phase->pick_prefix) == 0)
            return OK;
        if (prefix[0] != '\0')
            suggest_offer(&suggestion, prefix, strlen(prefix));
    }
    return REFUSE(reading, phase, "strategy", "strategy: no load before has key_prefix: %s%s%s%s",
                  phase->pick_prefix, SUGGESTED(suggestion.best));
}

static enum err_code check_space(const struct reading *reading, const struct phase *phase)
{
    if (phase->datatype == LIVE_VECTOR)
        return REFUSE(reading, phase, "keyspace",
                      "keyspace: queries ask for places beside vectors, and not for keys");
    if (phase->type == PHASE_QUERY && phase->fraction > 0)
        return REFUSE(reading, phase, "keyspace",
                      "keyspace: with fraction each key is read once, of all of them");
    if (phase->type != PHASE_QUERY && !scenario_has_share(phase, OPERATION_GET) &&
        !scenario_has_share(phase, OPERATION_UPDATE))
        return REFUSE(reading, phase, "keyspace",
                      "keyspace: it is of get and update, and mix has neither");
    return OK;
}

enum err_code scenario_settle_key_names(struct reading *reading, struct phase *phase,
                                        const struct scenario_turn *turn)
{
    enum err_code code = settle_text(reading, phase, turn, "key_prefix", phase->key_prefix);
    if (code == OK)
        code = settle_text(reading, phase, turn, "strategy", phase->pick_prefix);
    if (code == OK && phase->key_prefix[0] != '\0')
        code = check_prefix(reading, phase);
    if (code == OK && phase->pick_prefix[0] != '\0')
        code = check_pick(reading, phase);
    if (code == OK && phase->key_space > 0)
        code = check_space(reading, phase);
    if (code == OK && reading->has_names && phase->workload != NULL &&
        scenario_workload_uses_live_keys(phase->workload))
        return REFUSE(reading, phase, "workload",
                      "workload: it knows live keys by their numbers, and those loaded before have "
                      "a key_prefix or a skew, too");
    if (phase->type == PHASE_FLUSH)
        reading->has_names = false;
    reading->has_names |= phase->key_prefix[0] != '\0' || phase->skew_share > 0;
    return code;
}
