#include "orchestrator/options/managed_kind.h"

#include <string.h>
#include <strings.h>

#include "common/units.h"
#include "orchestrator/options/bench_options.h"

static const char cluster[] = "cluster=";
static const char replicas[] = "replicas=";

static bool begins(const char *word, const char *with)
{
    return strncasecmp(word, with, strlen(with)) == 0;
}

/* "replica=1", though there is no such kind: a mistyped one is refused, not sent as a command. */
static bool looks_like_one(const char *word)
{
    size_t letters = strspn(word, "abcdefghijklmnopqrstuvwxyz");
    return letters > 0 && word[letters] == '=';
}

bool managed_kind_is(const char *word)
{
    return looks_like_one(word) || strcasecmp(word, "tls") == 0 || begins(word, "tls,") ||
           begins(word, cluster) || begins(word, replicas);
}

static enum err_code refuse(const char *value, const char *why, struct err *err)
{
    return err_set(err, E_USAGE, "--managed %.80s: %s", value, why);
}

/* "3" or "3+2". */
static bool parse_nodes(uint64_t *primaries, uint64_t *replica_count, const char *text)
{
    char first[24];
    size_t bytes = strcspn(text, "+");
    if (bytes >= sizeof first)
        return false;
    memcpy(first, text, bytes);
    first[bytes] = '\0';
    *replica_count = 0;
    return units_parse_count(primaries, first) &&
           (text[bytes] == '\0' || units_parse_count(replica_count, text + bytes + 1));
}

static enum err_code take_part(struct spec *spec, const char *part, const char *value,
                               struct err *err)
{
    uint64_t primary_count = 0, replica_count = 0;
    bool counted = spec->managed.primaries + spec->managed.replicas > 0;
    if (strcasecmp(part, "tls") == 0) {
        spec->managed.tls = true;
        return OK;
    }
    if (!begins(part, cluster) && !begins(part, replicas))
        return refuse(value, "what to start is tls, cluster=3+3 or replicas=1", err);
    if (counted)
        return refuse(value, "a number of servers is given twice", err);
    if (begins(part, cluster)) {
        if (!parse_nodes(&primary_count, &replica_count, part + strlen(cluster)) ||
            primary_count == 0)
            return refuse(value, "a cluster has P primaries, or P and R replicas: cluster=3+3",
                          err);
    } else if (!units_parse_count(&replica_count, part + strlen(replicas)) || replica_count == 0) {
        return refuse(value, "replicas=N takes a number from 1 on", err);
    }
    if (primary_count > MANAGED_NODES_MAX || replica_count > MANAGED_NODES_MAX ||
        (primary_count > 0 ? primary_count : 1) + replica_count > MANAGED_NODES_MAX)
        return refuse(value, "at most 64 servers can be started", err);
    spec->managed.primaries = primary_count;
    spec->managed.replicas = replica_count;
    return OK;
}

enum err_code managed_kind_parse(void *target, const char *value, struct err *err)
{
    struct spec *spec = &((struct bench_request *)target)->spec;
    spec->managed.wanted = false;
    spec->managed.primaries = spec->managed.replicas = 0;
    spec->managed.tls = false;
    if (strcasecmp(value, "false") == 0 || strcasecmp(value, "no") == 0 ||
        strcasecmp(value, "off") == 0 || strcmp(value, "0") == 0)
        return OK;
    spec->managed.wanted = true;
    if (strcasecmp(value, "true") == 0 || strcasecmp(value, "yes") == 0 ||
        strcasecmp(value, "on") == 0 || strcmp(value, "1") == 0)
        return OK;
    enum err_code code = OK;
    for (const char *at = value; code == OK; at++) {
        char part[64];
        size_t bytes = strcspn(at, ",");
        if (bytes >= sizeof part)
            return refuse(value, "what to start is tls, cluster=3+3 or replicas=1", err);
        memcpy(part, at, bytes);
        part[bytes] = '\0';
        code = take_part(spec, part, value, err);
        at += bytes;
        if (*at == '\0')
            break;
    }
    return code;
}

const char *managed_kind_at(size_t index)
{
    static const char *const kinds[] = {"cluster=3", "cluster=3+3", "replicas=1", "tls"};
    return index < sizeof kinds / sizeof kinds[0] ? kinds[index] : NULL;
}
