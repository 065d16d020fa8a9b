#include "orchestrator/commands/scenario_servers.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum err_code scenario_servers_shape(struct bench_request *bench, const struct scenario *scenario,
                                     struct err *err)
{
    const struct scenario_servers *servers = &scenario->servers;
    struct managed_wish *wish = &bench->spec.managed;
    if (wish->wanted && wish->primaries == 0 && wish->replicas == 0) {
        wish->primaries = servers->primaries;
        wish->replicas = servers->replicas;
    }
    if (servers->primaries == 0 ||
        (wish->wanted ? wish->primaries > 0 : bench->spec.endpoint.cluster))
        return OK;
    if (wish->wanted)
        return err_set(err, E_USAGE,
                       "%s needs a cluster, which --managed replicas=%" PRIu64
                       " is not: take --managed cluster=%" PRIu64 "+%" PRIu64 ", or leave it out",
                       scenario->name, wish->replicas, servers->primaries, servers->replicas);
    return err_set(
        err, E_USAGE,
        "%s needs a cluster: add --cluster where that is one, or name no server, so that "
        "volley starts %" PRIu64 " primaries and %" PRIu64 " replicas for it",
        scenario->name, servers->primaries, servers->replicas);
}

void scenario_servers_tell(struct scenario_server_words *words, struct bench_request *bench,
                           const struct scenario *scenario)
{
    const struct scenario_servers *servers = &scenario->servers;
    struct managed_wish *wish = &bench->spec.managed;
    uint32_t count = 0;
    if (!wish->wanted)
        return;
    if (servers->maxmemory_bytes > 0) {
        snprintf(words->maxmemory, sizeof words->maxmemory, "%" PRIu64, servers->maxmemory_bytes);
        words->words[count++] = "--maxmemory";
        words->words[count++] = words->maxmemory;
    }
    if (servers->policy[0] != '\0') {
        words->words[count++] = "--maxmemory-policy";
        words->words[count++] = servers->policy;
    }
    if (count == 0)
        return;
    if (wish->arg_count > 0)
        memcpy(&words->words[count], wish->args, wish->arg_count * sizeof wish->args[0]);
    wish->args = words->words;
    wish->arg_count += count;
}

double scenario_servers_copies(const struct bench_request *bench)
{
    const struct managed_wish *wish = &bench->spec.managed;
    const double primaries = wish->primaries > 0 ? (double)wish->primaries : 1;
    return wish->wanted ? 1 + (double)wish->replicas / primaries : 1;
}

bool scenario_servers_limited(const struct bench_request *bench, const struct scenario *scenario)
{
    return bench->spec.managed.wanted && scenario->servers.maxmemory_bytes > 0;
}
