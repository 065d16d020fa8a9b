#include "orchestrator/commands/scenario_leftovers.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/slots.h"
#include "orchestrator/commands/scenario_cleanup.h"
#include "orchestrator/server/control.h"

#define FIRST_KEYS 256u     /* of the numbering: all of these                       */
#define KEYS_OF_A_POWER 32u /* of the numbers from a power of two to the next one   */
#define BATCH_KEYS 128u     /* that are asked for before the replies are taken      */
#define KEY_BYTES (LIVE_PREFIX_BYTES + LIVE_NAME_BYTES + 16u)

struct looking {
    const struct scenario_run *run;
    const char *prefix; /* key_prefix of a phase; "": none */
    struct control *control;
    int node; /* of the topology; -1: the one server */
    uint32_t pending, asked, found;
    char example[KEY_BYTES]; /* that was found */
    char keys[BATCH_KEYS][KEY_BYTES];
};

static enum err_code take_replies(struct looking *looking, struct err *err)
{
    enum err_code code = OK;
    for (uint32_t i = 0; i < looking->pending && code == OK; i++) {
        redisReply *reply = NULL;
        code = control_take(looking->control, &reply, err);
        if (code == OK && reply->type == REDIS_REPLY_INTEGER && reply->integer > 0) {
            looking->found++;
            memcpy(looking->example, looking->keys[i], sizeof looking->example);
        }
        freeReplyObject(reply);
    }
    looking->asked += looking->pending;
    looking->pending = 0;
    return code;
}

static enum err_code ask(struct looking *looking, uint64_t number, struct err *err)
{
    char *key = looking->keys[looking->pending];
    const char *const argv[] = {"EXISTS", key};
    const int bytes =
        snprintf(key, KEY_BYTES, "%s%s%012" PRIu64, looking->run->prefix, looking->prefix, number);
    const struct topology *topology = looking->run->session->topology;
    if (looking->node >= 0 && topology->kind == TOPOLOGY_SLOTS &&
        topology->owner[slots_of_key(key, (size_t)bytes)] != looking->node)
        return OK;
    const enum err_code code = control_send(looking->control, 2, argv, NULL, err);
    if (code == OK && ++looking->pending == BATCH_KEYS)
        return take_replies(looking, err);
    return code;
}

/* Also keys that lie far behind, where the older ones were deleted; an odd distance meets each of those that a stride has
 * left. */
static enum err_code ask_numbers(struct looking *looking, struct err *err)
{
    enum err_code code = OK;
    for (uint64_t number = 0; number < FIRST_KEYS && code == OK; number++)
        code = ask(looking, number, err);
    for (uint64_t power = FIRST_KEYS; power < LIVE_KEYS_MAX && code == OK; power *= 2)
        for (uint64_t i = 0; i < KEYS_OF_A_POWER && code == OK; i++)
            code = ask(looking, power + i * (power / KEYS_OF_A_POWER - 1), err);
    return code == OK ? take_replies(looking, err) : code;
}

/* Keys without a prefix, and those with one that a phase has. */
static enum err_code ask_server(struct looking *looking, struct err *err)
{
    const struct scenario *scenario = looking->run->scenario;
    looking->prefix = "";
    enum err_code code = ask_numbers(looking, err);
    for (uint32_t i = 0; i < scenario->phase_count && code == OK && looking->found == 0; i++) {
        const char *prefix = scenario->phases[i].key_prefix;
        bool asked = prefix[0] == '\0';
        for (uint32_t k = 0; k < i; k++)
            asked |= strcmp(scenario->phases[k].key_prefix, prefix) == 0;
        looking->prefix = prefix;
        if (!asked)
            code = ask_numbers(looking, err);
    }
    return code;
}

static enum err_code look(struct looking *looking, const struct target_address *target,
                          struct err *err)
{
    const struct session *session = looking->run->session;
    enum err_code code =
        control_connect_to(&looking->control, target, &session->request->spec.endpoint,
                           &session->interrupts->count, err);
    if (code == OK)
        code = ask_server(looking, err);
    control_close(looking->control);
    looking->control = NULL;
    return code;
}

static bool is_emptied_first(const struct scenario *scenario)
{
    for (uint32_t i = 0; i < scenario->phase_count; i++) {
        if (scenario->phases[i].type == PHASE_FLUSH && scenario->phases[i].flush_all)
            return true;
        if (scenario->phases[i].clients > 0)
            return false;
    }
    return true; /* nothing is sent */
}

enum err_code scenario_leftovers_check(const struct scenario_run *run, struct err *err)
{
    const struct topology *topology = run->session->topology;
    if (run->resume != NULL || run->force || run->session->managed.count > 0 ||
        is_emptied_first(run->scenario))
        return OK;
    struct looking *looking = calloc(1, sizeof *looking);
    enum err_code code = OK;
    char remover[SCENARIO_REMOVER_BYTES];
    if (looking == NULL)
        return err_set(err, E_SYSTEM, "no memory to look for keys of earlier runs");
    *looking = (struct looking){.run = run, .node = -1};
    if (topology->node_count == 0)
        code = look(looking, &run->session->target, err);
    for (uint32_t i = 0; i < topology->node_count && code == OK; i++) {
        looking->node = (int)i;
        if (topology->nodes[i].role == TOPOLOGY_PRIMARY)
            code = look(looking, &topology->nodes[i].address, err);
    }
    scenario_key_remover(remover, run);
    if (code == OK && looking->found > 0) {
        log_line(LOG_WARNING, "to remove the keys of all runs of %s%s", run->scenario->name,
                 remover);
        code = err_set(err, E_DATA,
                       "keys of an earlier run of %s are there (%s, and in all %u of the %u that "
                       "were looked for): they would count in the figures of this one; remove "
                       "them, or --force goes on with them",
                       run->scenario->name, looking->example, looking->found, looking->asked);
    }
    free(looking);
    return code;
}
