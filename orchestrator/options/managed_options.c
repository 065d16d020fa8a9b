#include "orchestrator/options/bench_groups.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "common/clock.h"
#include "common/secret.h"
#include "common/units.h"

#define CHAOS_INTERVAL_NS (100 * NS_PER_MS)

/* --- what is started ------------------------------------------------------------------------- */

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

static bool is_kind(const char *word)
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

static enum err_code take_part(struct managed_wish *wish, const char *part, const char *value,
                               struct err *err)
{
    uint64_t primary_count = 0, replica_count = 0;
    bool counted = wish->primaries + wish->replicas > 0;
    if (strcasecmp(part, "tls") == 0) {
        wish->tls = true;
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
    wish->primaries = primary_count;
    wish->replicas = replica_count;
    return OK;
}

static enum err_code parse_kind(void *target, const char *value, struct err *err)
{
    struct managed_wish *wish = target;
    wish->wanted = false;
    wish->primaries = wish->replicas = 0;
    wish->tls = false;
    if (strcasecmp(value, "false") == 0 || strcasecmp(value, "no") == 0 ||
        strcasecmp(value, "off") == 0 || strcmp(value, "0") == 0)
        return OK;
    wish->wanted = true;
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
        code = take_part(wish, part, value, err);
        at += bytes;
        if (*at == '\0')
            break;
    }
    return code;
}

static const char *kind_at(size_t index)
{
    static const char *const kinds[] = {"cluster=3", "cluster=3+3", "replicas=1", "tls"};
    return index < sizeof kinds / sizeof kinds[0] ? kinds[index] : NULL;
}

#define AT(member) offsetof(struct managed_wish, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row managed_rows[] = {
    {ROW("managed", NULL, OPTION_CUSTOM, "[KIND]", 0), .parse = parse_kind, .takes_next = is_kind,
     .value_at = kind_at, .needs_trust = true,
     .help = "Start a private server (valkey-server or redis-server) without persistence on a free "
             "port, and stop it afterwards. KIND: replicas=N, that server with N replicas; "
             "cluster=P or cluster=P+R, a cluster of P primaries and R replicas; tls, with "
             "certificates made for the run; cluster=3+3,tls, both."},
    {ROW("managed-program", NULL, OPTION_TEXT, "PATH", AT(program)), .needs_trust = true,
     .help = "The program of the managed servers, in place of the one that is found in PATH; "
             "whatever its name, it is asked with --version whether it is a server."},
    {ROW("managed-args", NULL, OPTION_TEXT, "ARGS", AT(args_text)), .needs_trust = true,
     .help = "Further arguments of the managed servers, as '--maxmemory 1gb --appendonly yes': in "
             "one word, cut at blanks, with quotes as in a shell and nothing expanded. They win "
             "over volley's own; ports, addresses, directories and what else volley has to know "
             "are refused. The servers have a random password that only volley knows; "
             "'--requirepass x' gives another one, which is no secret, '--requirepass \"\"' none."},
    {ROW("io-threads", NULL, OPTION_COUNT, "N", AT(io_threads)), NUMBER(1, 128),
     .help = "Threads with which each managed server reads and writes, its main thread among them; "
             "as many CPUs are set aside for the servers, as far as there are."},
    {ROW("chaos", NULL, OPTION_TEXT, "FILE", AT(chaos_path)), .commands = OF_BENCH,
     .help = "What to do to a managed target while it is measured, from a file, JSON or YAML: a "
             "list of actions such as \"at 10s: kill node 2\", pause, failover, restart, bgsave, "
             "client-kill, reshard, add-node and remove-node. Makes 100ms the default of "
             "--interval."},
};
/* clang-format on */
#undef AT
const struct option_group managed_group = GROUP("Target", OF_LOADS | OF_RUN, managed_rows);

/* --- what they mean together ----------------------------------------------------------------- */

/* What the managed servers are to be like; nothing without them. */
static enum err_code settle_servers(struct bench_request *request, struct err *err)
{
    static const char *const names[] = {"managed-program", "managed-args", "io-threads"};
    struct managed_wish *wish = &request->spec.managed;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && !wish->wanted; i++)
        if (relation_given(request, names[i]))
            return err_set(err, E_USAGE,
                           "--%s says how volley starts a server itself: it needs --managed",
                           names[i]);
    if (wish->args_text == NULL)
        return OK;
    enum err_code code = managed_args_parse(&request->managed_args, wish->args_text, err);
    wish->args = request->managed_args.words;
    wish->arg_count = request->managed_args.count;
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
    secret_free(request->login.secret);
    request->login.secret = secret_alloc(SECRET_RANDOM_BYTES);
    if (request->login.secret == NULL || !secret_random(request->login.secret))
        return err_set(err, E_SYSTEM, "cannot make a password for the managed server");
    request->spec.endpoint.password = request->login.secret;
    return OK;
}

enum err_code managed_settle(struct bench_request *request, struct err *err)
{
    struct spec *spec = &request->spec;
    const struct managed_wish *wish = &request->spec.managed;
    enum err_code code = settle_servers(request, err);
    if (code == OK)
        code = check_unix_socket(&request->managed_args, err);
    if (code == OK && wish->wanted)
        code = settle_password(request, err);
    if (code != OK || !wish->wanted)
        return code;
    if (spec->endpoint.cluster && wish->primaries == 0)
        return err_set(err, E_USAGE,
                       "--cluster with --managed%s: that is no cluster; --managed cluster=3+3 "
                       "starts one",
                       wish->replicas > 0 ? " replicas" : "");
    if (spec->endpoint.replica_reads != REPLICA_READS_NO && wish->replicas == 0)
        return err_set(err, E_USAGE,
                       "--read-from-replica with --managed: that starts no replica; --managed "
                       "replicas=1 or cluster=3+3 does");
    if (wish->primaries > 0 && spec->endpoint.database != 0)
        return err_set(err, E_USAGE,
                       "--dbnum %" PRIu64 " with --managed cluster: in a cluster there is database "
                       "0 only",
                       spec->endpoint.database);
    if (wish->primaries > 0 && !spec->endpoint.cluster) {
        spec->endpoint.cluster = true;
        options_derive(&request->values, "cluster", "managed", "true");
    }
    if (wish->tls && !spec->endpoint.tls.wanted) {
        spec->endpoint.tls.wanted = true;
        options_derive(&request->values, "tls", "managed", "true");
    }
    return OK;
}

enum err_code chaos_settle(struct bench_request *request, struct err *err)
{
    struct spec *spec = &request->spec;
    struct managed_wish *wish = &request->spec.managed;
    if (wish->chaos_path == NULL)
        return OK;
    if (!wish->wanted)
        return err_set(err, E_USAGE,
                       "--chaos acts on a target that volley has started itself: it needs "
                       "--managed, as in --managed cluster=3+3");
    if (spec->load.loop || spec->load.test_count > 1)
        return err_set(err, E_USAGE,
                       "--chaos with %s: what it does to the target is done once; give one test",
                       spec->load.loop ? "--loop" : "several tests");
    enum err_code code = chaos_plan_read(
        &request->chaos, &(struct file_source){.name = wish->chaos_path}, spec, err);
    if (code != OK)
        return code;
    wish->chaos = &request->chaos;
    if (!relation_given(request, "interval")) {
        /* With --csv-interval what is a whole part of that is still to be found. */
        spec->load.interval_ns = CHAOS_INTERVAL_NS;
        if (spec->outputs.csv_interval_ns == 0)
            options_derive(&request->values, "interval", "chaos", "100ms");
    }
    return OK;
}
