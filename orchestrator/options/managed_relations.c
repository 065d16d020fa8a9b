#include "orchestrator/options/managed_relations.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "common/clock.h"
#include "common/secret.h"
#include "orchestrator/options/managed_kind.h"
#include "orchestrator/options/relation.h"

#define CHAOS_INTERVAL_NS (100 * NS_PER_MS)

/* What the managed servers are to be like; nothing without them. */
static enum err_code settle_servers(struct bench_request *request, struct err *err)
{
    static const char *const names[] = {"managed-program", "managed-args", "io-threads"};
    struct spec *spec = &request->spec;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && !spec->managed.wanted; i++)
        if (relation_given(request, names[i]))
            return err_set(err, E_USAGE,
                           "--%s says how volley starts a server itself: it needs --managed",
                           names[i]);
    if (request->managed_args_text == NULL)
        return OK;
    enum err_code code =
        managed_args_parse(&request->managed_args, request->managed_args_text, err);
    spec->managed.args = request->managed_args.words;
    spec->managed.arg_count = request->managed_args.count;
    return code;
}

/* A server removes what stands where its Unix socket is to be. */
static enum err_code check_unix_socket(const struct managed_args *args, struct err *err)
{
    static const char option[] = "--unixsocket";
    struct stat there;
    for (uint32_t i = 0; i < args->count; i++) {
        if (strncasecmp(args->words[i], option, sizeof option - 1) != 0)
            continue;
        const char *path = args->words[i] + sizeof option - 1;
        path += strspn(path, " \t=");
        if (*path == '\0' && i + 1 < args->count)
            path = args->words[i + 1];
        if (lstat(path, &there) == 0)
            return err_set(err, E_USAGE,
                           "--managed-args: --unixsocket %.200s: something stands there, and the "
                           "server would remove it; name another path",
                           path);
    }
    return OK;
}

/* Every user of this host can connect to a server on loopback: it has a password that only volley knows,
 * unless the user says which. */
static enum err_code settle_password(struct bench_request *request, struct err *err)
{
    const char *given = request->managed_args.password;
    if (given != NULL) {
        request->spec.endpoint.password = given[0] != '\0' ? given : NULL;
        return OK;
    }
    secret_free(request->secret);
    request->secret = secret_alloc(SECRET_RANDOM_BYTES);
    if (request->secret == NULL || !secret_random(request->secret))
        return err_set(err, E_SYSTEM, "cannot make a password for the managed server");
    request->spec.endpoint.password = request->secret;
    return OK;
}

enum err_code managed_relations_settle(struct bench_request *request, struct err *err)
{
    struct spec *spec = &request->spec;
    enum err_code code = settle_servers(request, err);
    if (code == OK)
        code = check_unix_socket(&request->managed_args, err);
    if (code == OK && spec->managed.wanted)
        code = settle_password(request, err);
    if (code != OK || !spec->managed.wanted)
        return code;
    if (spec->endpoint.cluster && spec->managed.primaries == 0)
        return err_set(err, E_USAGE,
                       "--cluster with --managed%s: that is no cluster; --managed cluster=3+3 "
                       "starts one",
                       spec->managed.replicas > 0 ? " replicas" : "");
    if (spec->endpoint.replica_reads != REPLICA_READS_NO && spec->managed.replicas == 0)
        return err_set(err, E_USAGE,
                       "--read-from-replica with --managed: that starts no replica; --managed "
                       "replicas=1 or cluster=3+3 does");
    if (spec->managed.primaries > 0 && spec->endpoint.database != 0)
        return err_set(err, E_USAGE,
                       "--dbnum %" PRIu64 " with --managed cluster: in a cluster there is database "
                       "0 only",
                       spec->endpoint.database);
    if (spec->managed.primaries > 0 && !spec->endpoint.cluster) {
        spec->endpoint.cluster = true;
        options_derive(&request->values, "cluster", "managed", "true");
    }
    if (spec->managed.tls && !spec->endpoint.tls.wanted) {
        spec->endpoint.tls.wanted = true;
        options_derive(&request->values, "tls", "managed", "true");
    }
    return OK;
}

enum err_code chaos_relations_settle(struct bench_request *request, struct err *err)
{
    struct spec *spec = &request->spec;
    if (spec->managed.chaos_path == NULL)
        return OK;
    if (!spec->managed.wanted)
        return err_set(err, E_USAGE,
                       "--chaos acts on a target that volley has started itself: it needs "
                       "--managed, as in --managed cluster=3+3");
    if (spec->load.loop || spec->load.test_count > 1)
        return err_set(err, E_USAGE,
                       "--chaos with %s: what it does to the target is done once; give one test",
                       spec->load.loop ? "--loop" : "several tests");
    enum err_code code = chaos_plan_read(
        &request->chaos, &(struct file_source){.name = spec->managed.chaos_path}, spec, err);
    if (code != OK)
        return code;
    spec->managed.chaos = &request->chaos;
    if (!relation_given(request, "interval")) {
        /* With --csv-interval what is a whole part of that is still to be found. */
        spec->load.interval_ns = CHAOS_INTERVAL_NS;
        if (spec->outputs.csv_interval_ns == 0)
            options_derive(&request->values, "interval", "chaos", "100ms");
    }
    return OK;
}
