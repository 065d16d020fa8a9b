/* The key `server` of a scenario file: what servers are started for it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/units.h"
#include "orchestrator/options/option_group.h"
#include "orchestrator/scenario/scenario_fields.h"
#include "orchestrator/scenario/scenario_file.h"
#include "orchestrator/scenario/scenario_values.h"
#include "orchestrator/scenario/series.h"

#define SERVERS_MAX 64u
/* What a server takes for itself, with a backlog and buffers for replicas, is not the scenario's. */
#define LEAST_BYTES (64ull << 20)
#define PART_MOST 100.0

static const char *policy_at(size_t index)
{
    static const char *const policies[] = {"default",         "noeviction",     "allkeys-lru",
                                           "allkeys-lfu",     "allkeys-random", "volatile-lru",
                                           "volatile-random", "volatile-ttl",   "volatile-lfu"};
    return index < sizeof policies / sizeof policies[0] ? policies[index] : NULL;
}

static enum err_code parse_maxmemory(void *target, const char *value, struct err *reason)
{
    static const char suffix[] = "%target";
    struct scenario_server_entry *entry = target;
    char number[32];
    double percent;
    const char *found = strstr(value, suffix);
    if (found == NULL && units_parse_size(&entry->maxmemory_bytes, value) &&
        entry->maxmemory_bytes > 0 && entry->maxmemory_bytes <= 1ull << 50)
        return OK;
    if (found != NULL && found[strlen(suffix)] == '\0' && (size_t)(found - value) < sizeof number) {
        snprintf(number, sizeof number, "%.*s", (int)(found - value), value);
        if (units_parse_real(&percent, number) && percent > 0 && percent <= 100 * PART_MOST) {
            entry->maxmemory_part = percent / 100;
            return OK;
        }
    }
    return err_set(reason, E_USAGE,
                   "allowed: a size, as 2gb, or a part of the target, as 150%%target");
}

static enum err_code parse_share(void *target, const char *value, struct err *reason)
{
    return scenario_part(&((struct scenario_skew_entry *)target)->share, value, reason);
}

/* clang-format off: a key reads best as a few short lines */
#define AT(member) offsetof(struct scenario_skew_entry, member)
static const struct file_field skew_fields[] = {
    {.row = {ROW("share", NULL, OPTION_CUSTOM, NULL, 0), .parse = parse_share,
             .hint = "as in share: 20%", .help = "Of the new keys."},
     .required = true},
    {.row = {ROW("tags", NULL, OPTION_COUNT, NULL, AT(tags)), NUMBER(1, LIVE_TAGS_MAX),
             .unset = "1",
             .help = "In so many hash tags, each in a slot of its own, of the first primary."}},
};
#undef AT
const struct file_object scenario_skew_object = {.name = "a skew",
                                                 .fields = skew_fields,
                                                 .field_count =
                                                     sizeof skew_fields / sizeof skew_fields[0]};
#define AT(member) offsetof(struct scenario_server_entry, member)
static const struct file_field fields[] = {
    {.row = {ROW("primaries", NULL, OPTION_COUNT, NULL, AT(primaries)), NUMBER(1, SERVERS_MAX),
             .help = "Of a cluster; without it there is one server, and no cluster."}},
    {.row = {ROW("replicas", NULL, OPTION_COUNT, NULL, AT(replicas)), NUMBER(0, SERVERS_MAX - 1),
             .help = "Of that server, or of all primaries together."}},
    {.row = {ROW("maxmemory", NULL, OPTION_CUSTOM, NULL, 0), .parse = parse_maxmemory,
             .hint = "as in maxmemory: 2gb, or 150%target",
             .help =
                 "What each server may take; a part of the target is shared among the primaries."}},
    {.row = {ROW("policy", NULL, OPTION_WORD, NULL, AT(policy)), .value_at = policy_at,
             .unset = "default", .help = "The server's maxmemory-policy."}},
};
#undef AT
/* clang-format on */
const struct file_object scenario_server_object = {
    .name = "servers", .fields = fields, .field_count = sizeof fields / sizeof fields[0]};

enum err_code scenario_servers_take(struct scenario *scenario, const struct file *file,
                                    const struct scenario_server_entry *entry, struct err *err)
{
    struct scenario_servers *servers = &scenario->servers;
    const uint64_t primaries = entry->primaries > 0 ? entry->primaries : 1;
    double bytes = (double)entry->maxmemory_bytes * scenario->scale;
    if (entry->place.node == NULL)
        return OK;
    if (primaries + entry->replicas > SERVERS_MAX)
        return file_refuse(file, &entry->place, "replicas", err,
                           "replicas: with the primaries these are more than %u servers",
                           SERVERS_MAX);
    if (entry->maxmemory_part > 0 && scenario->memory_target_bytes == 0)
        return file_refuse(file, &entry->place, "maxmemory", err,
                           "maxmemory: the file has no memory_target");
    if (entry->maxmemory_part > 0)
        bytes = entry->maxmemory_part * (double)scenario->memory_target_bytes / (double)primaries;
    const uint64_t least_bytes = entry->maxmemory_part > 0 || entry->maxmemory_bytes > LEAST_BYTES
                                     ? LEAST_BYTES
                                     : entry->maxmemory_bytes;
    servers->primaries = entry->primaries;
    servers->replicas = entry->replicas;
    if (bytes > 0)
        servers->maxmemory_bytes = bytes < (double)least_bytes ? least_bytes : (uint64_t)bytes;
    if (entry->policy > 0)
        snprintf(servers->policy, sizeof servers->policy, "%s", policy_at(entry->policy));
    return OK;
}

enum err_code scenario_servers_check(const struct scenario *scenario, const struct file *file,
                                     const struct file_place *place, const char *key,
                                     const char *metric, struct err *err)
{
    enum series_metric found;
    double divisor;
    if (scenario->servers.primaries > 0 || !series_metric_find(&found, &divisor, metric) ||
        series_metric_source(found) != SERIES_OF_NODES)
        return OK;
    return file_refuse(file, place, key, err,
                       "%s: %s is of the nodes of a cluster: the file has no server: {primaries: "
                       "...}",
                       key, metric);
}

/* ---- phases about nodes ---- */

const char *scenario_how_name(size_t how)
{
    static const char *const words[] = {[HOW_FAILOVER] = "failover",
                                        [HOW_KILL] = "kill",
                                        [HOW_PAUSE] = "pause",
                                        [HOW_RESTART] = "restart"};
    return how < sizeof words / sizeof words[0] ? words[how] : NULL;
}

static enum err_code check_failover(const struct scenario_servers *servers, const struct file *file,
                                    const struct phase *phase, struct err *err)
{
    const struct phase_act *act = &phase->act;
    const bool pauses = act->how == HOW_PAUSE;
    if (act->node >= servers->primaries + servers->replicas)
        return file_refuse(file, &phase->place, "node", err,
                           "node: the last of the servers is %" PRIu64 "; they count from 0",
                           servers->primaries + servers->replicas - 1);
    if (pauses && act->for_ns == 0)
        return file_refuse(file, &phase->place, NULL, err, "%s: how long? as in for: 5s",
                           phase->base);
    if (!pauses && act->how != HOW_KILL && act->for_ns > 0)
        return file_refuse(file, &phase->place, "for", err, "for: it is of how: pause and kill");
    if (servers->replicas == 0 &&
        (act->how == HOW_FAILOVER || (act->how == HOW_KILL && act->for_ns == 0)))
        return file_refuse(file, &phase->place, "how", err,
                           "how: nobody can take over: give replicas in server%s",
                           act->how == HOW_KILL ? ", or for, after which it is started again" : "");
    return OK;
}

static enum err_code check_rebalance(const struct scenario_servers *servers,
                                     const struct file *file, struct phase *phase, struct err *err)
{
    struct phase_act *act = &phase->act;
    const bool has_from = file_given(&phase->place, "from"),
               has_to = file_given(&phase->place, "to");
    act->named = has_from && has_to;
    if (servers->primaries < 2)
        return file_refuse(file, &phase->place, NULL, err,
                           "%s: slots need two primaries to move between", phase->base);
    if (has_from != has_to)
        return file_refuse(file, &phase->place, has_from ? "from" : "to", err,
                           "%s needs %s beside it; without both, slots move from the fullest "
                           "primary to the emptiest",
                           has_from ? "from" : "to", has_from ? "to" : "from");
    for (int i = 0; i < 2 && act->named; i++)
        if ((i == 0 ? act->from : act->to) >= servers->primaries + servers->replicas)
            return file_refuse(file, &phase->place, i == 0 ? "from" : "to", err,
                               "%s: there are %" PRIu64 " servers; they count from 0",
                               i == 0 ? "from" : "to", servers->primaries + servers->replicas);
    if (act->named && act->from == act->to)
        return file_refuse(file, &phase->place, "to", err, "to: it is the same node as from");
    return OK;
}

static enum err_code check_wishes(const struct scenario *scenario, const struct file *file,
                                  const struct phase *phase, struct err *err)
{
    const struct scenario_servers *servers = &scenario->servers;
    const uint64_t primaries = servers->primaries > 0 ? servers->primaries : 1;
    const uint64_t each = servers->replicas / primaries;
    uint32_t skewed = phase->skew_share > 0;
    if (phase->clients > 0 && phase->clients < servers->primaries)
        return file_refuse(file, &phase->place, "clients", err,
                           "clients: %" PRIu64 " primaries need as many, one connection to each",
                           servers->primaries);
    if (phase->wait_replicas > each)
        return file_refuse(file, &phase->place, "wait_replicas", err,
                           "wait_replicas: a primary has %" PRIu64 " replicas by what server says",
                           each);
    if (phase->skew_share > 0 && servers->primaries == 0)
        return file_refuse(file, &phase->place, "skew", err,
                           "skew: it is about a node of a cluster: the file has no server: "
                           "{primaries: ...}");
    for (uint32_t i = 0; i < scenario->phase_count && skewed > 0; i++)
        skewed += scenario->phases[i].skew_share > 0;
    return skewed <= SCENARIO_SKEWS_MAX
               ? OK
               : file_refuse(file, &phase->place, "skew", err,
                             "skew: with loops unrolled more than %u phases have one",
                             SCENARIO_SKEWS_MAX);
}

enum err_code scenario_act_check(const struct scenario *scenario, const struct file *file,
                                 struct phase *phase, struct err *err)
{
    static const char *const of_load[] = {"until",    "clients",       "pipeline", "qps",
                                          "key_dist", "value_size",    "datatype", "ttl",
                                          "skew",     "wait_replicas", "keyspace", "key_prefix"};
    const enum err_code code = check_wishes(scenario, file, phase, err);
    if (code != OK || (phase->type != PHASE_FAILOVER && phase->type != PHASE_REBALANCE))
        return code;
    if (scenario->servers.primaries == 0)
        return file_refuse(file, &phase->place, "type", err,
                           "type: it is about nodes of a cluster: the file has no server: "
                           "{primaries: ...}");
    for (size_t i = 0; i < sizeof of_load / sizeof of_load[0] && phase->mix_count == 0; i++)
        if (file_given(&phase->place, of_load[i]))
            return file_refuse(file, &phase->place, of_load[i], err,
                               "%s: it is of a load beside: give mix, too", of_load[i]);
    if (phase->mix_count > 0 && phase->duration_ns == 0)
        return file_refuse(file, &phase->place, "mix", err, "mix: a load beside needs a duration");
    return phase->type == PHASE_FAILOVER ? check_failover(&scenario->servers, file, phase, err)
                                         : check_rebalance(&scenario->servers, file, phase, err);
}
