#include "orchestrator/options/bench_groups.h"

#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "common/clock.h"
#include "common/secret.h"
#include "orchestrator/options/credentials.h"
#include "orchestrator/options/redirect_hosts.h"

#define HOUR_NS (3600 * NS_PER_SECOND)

/* --- values ---------------------------------------------------------------------------------- */

enum err_code login_parse_uri(void *target, const char *value, struct err *err)
{
    struct login_request *login = target;
    if (login->uri == NULL)
        login->uri = secret_alloc(sizeof *login->uri);
    if (login->uri == NULL)
        return err_set(err, E_SYSTEM, "reading the options: out of memory");
    struct err reason = {.code = OK};
    if (uri_parse(login->uri, value, &reason) != OK)
        return err_set(err, E_USAGE, "--uri: %s", reason.text);
    login->uri_text = value;
    return OK;
}

static const char *const replica_reads[] = {
    [REPLICA_READS_NO] = "no", [REPLICA_READS_YES] = "yes", [REPLICA_READS_ALL] = "all"};

static const char *replica_reads_at(size_t index)
{
    return index < sizeof replica_reads / sizeof replica_reads[0] ? replica_reads[index] : NULL;
}

static int find_replica_reads(const char *word)
{
    for (int i = 0; replica_reads_at((size_t)i) != NULL; i++)
        if (strcasecmp(word, replica_reads_at((size_t)i)) == 0)
            return i;
    return -1;
}

static bool is_replica_reads(const char *word)
{
    return find_replica_reads(word) >= 0;
}

static enum err_code parse_replica_reads(void *target, const char *value, struct err *err)
{
    struct endpoint *endpoint = target;
    int found = find_replica_reads(strcmp(value, "true") == 0    ? "yes"
                                   : strcmp(value, "false") == 0 ? "no"
                                                                 : value);
    if (found < 0)
        return err_set(err, E_USAGE, "--read-from-replica %.80s: allowed: no, yes, all", value);
    endpoint->replica_reads = (enum replica_reads)found;
    return OK;
}

/* --- rows ------------------------------------------------------------------------------------ */

#define AT(member) offsetof(struct endpoint, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row endpoint_rows[] = {
    {ROW("host", "Hh", OPTION_TEXT, "HOST", AT(host)), .unset = "127.0.0.1", .told = true,
     .help = "Name or address of the server; several, separated by commas and each with :PORT "
             "where it is another one, share the connections or are seeds of one cluster."},
    {ROW("port", "p", OPTION_COUNT, "PORT", AT(port)), NUMBER(1, 65535), .unset = "6379",
     .told = true, .help = "TCP port of the server."},
    {ROW("socket", "s", OPTION_TEXT, "PATH", AT(socket_path)), .told = true,
     .help = "Unix socket of the server, in place of host and port."},
    {ROW("password", "a", OPTION_TEXT, "PASSWORD", AT(password)), .aliases = "pass", .secret = true,
     .told = true,
     .help = "Password for AUTH. Other users of the machine may see it for a moment in the process "
             "list: the environment variable VOLLEY_AUTH, --askpass and --password-fd keep it out "
             "of there."},
    {ROW("user", NULL, OPTION_TEXT, "NAME", AT(user)), .help = "User for AUTH; needs a password."},
    {ROW("dbnum", NULL, OPTION_COUNT, "N", AT(database)), NUMBER(0, INT32_MAX), .unset = "0",
     .aliases = "db", .help = "Number of the database to SELECT."},
    {ROW("resp3", "3", OPTION_FLAG, NULL, AT(resp3)), .commands = OF_LOADS,
     .help = "Speak RESP3: connections begin with HELLO 3. A server that does not know HELLO is "
             "spoken to in RESP2, with a warning."},
    {ROW("client-name", NULL, OPTION_TEXT, "NAME", AT(client_name)), .commands = OF_LOADS,
     .help = "Name of all connections, as CLIENT SETNAME sets it and CLIENT LIST shows it."},
    {ROW("enable-tracking", NULL, OPTION_FLAG, NULL, AT(tracking)), .commands = OF_LOADS,
     .help = "Send CLIENT TRACKING ON on each connection, and count the invalidation messages; "
             "speaks RESP3."},
    {ROW("cluster", NULL, OPTION_FLAG, NULL, AT(cluster)), .commands = OF_FINDS,
     .help = "The server is a node of a cluster: find all nodes and send each key to its own."},
    {ROW("read-from-replica", NULL, OPTION_CUSTOM, "[WHERE]", 0), .parse = parse_replica_reads,
     .commands = OF_LOADS, .takes_next = is_replica_reads, .value_at = replica_reads_at,
     .closed = true, .unset = "no", .aliases = "rfr",
     .help = "Where requests that only read go: no, to primaries; yes or nothing, to replicas; "
             "all, to both; a command right behind it needs -- before it. Without --cluster and "
             "--sentinel the replicas are found by ROLE."},
    {ROW("sentinel", NULL, OPTION_TEXT, "LIST", AT(sentinels)), .commands = OF_FINDS,
     .help = "Sentinels, HOST:PORT separated by commas, that say where the primary is and where it "
             "has gone after a failover, in place of host and port; needs --master."},
    {ROW("master", NULL, OPTION_TEXT, "NAME", AT(master_name)), .commands = OF_FINDS,
     .help = "The name under which the sentinels watch the primary."},
    {ROW("redirect-hosts", NULL, OPTION_TEXT, "LIST", AT(redirect_hosts)), .repeats = true,
     .commands = OF_FINDS,
     .help = "Where a cluster's table, ROLE and sentinels may lead: addresses, networks as "
             "10.0.0.0/16, names, and same for the networks of the hosts given, separated by "
             "commas. Other nodes are refused. Without it all are followed, and a warning names "
             "hosts elsewhere that a password goes to without TLS."},
    {ROW("wait-ready", NULL, OPTION_DURATION, "TIME", AT(wait_ready_ns)),
     BARE(NS_PER_SECOND, 0, 24 * HOUR_NS), .unset = "60s", .commands = OF_FINDS | OF_RECORD,
     .help = "How long to wait for a server that is loading its data, for replicas that are being "
             "filled and, with -n, for a server that has gone away (a third of that for a part of "
             "a cluster); a bare number is seconds, 0 does not wait."},
};

/* Of the same struct; help has them elsewhere. */
static const struct option_row time_limit_rows[] = {
    {ROW("request-timeout", NULL, OPTION_DURATION, "TIME", AT(request_timeout_ns)),
     BARE(NS_PER_MS, NS_PER_MS, HOUR_NS), .unset = "5s",
     .help = "A request without a reply for so long has timed out; a bare number is milliseconds."},
    {ROW("connection-timeout", NULL, OPTION_DURATION, "TIME", AT(connection_timeout_ns)),
     BARE(NS_PER_MS, NS_PER_MS, HOUR_NS), .unset = "2s",
     .help = "How long connecting may take; a bare number is milliseconds."},
};
/* clang-format on */
#undef AT
const struct option_group endpoint_group = GROUP("Target", OF_SPEAKS, endpoint_rows);
const struct option_group time_limit_group =
    GROUP("Time limits and failures", OF_SPEAKS, time_limit_rows);

#define AT(member) offsetof(struct login_request, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row login_rows[] = {
    {ROW("uri", "u", OPTION_CUSTOM, "URI", AT(uri_text)), .parse = login_parse_uri, .secret = true,
     .told = true,
     .help = "Address in one word: redis://[[user:]password@]host[:port][/database], valkey:// the "
             "same; rediss:// and valkeys:// with TLS."},
    {ROW("askpass", NULL, OPTION_FLAG, NULL, AT(ask_password)), .told = true,
     .help = "Ask for the password on the terminal, without echo."},
    {ROW("password-fd", NULL, OPTION_COUNT, "N", AT(password_fd)), NUMBER(0, INT32_MAX),
     .zero_counts = true, .needs_trust = true, .told = true,
     .help = "Read the password from this file descriptor, up to the first newline."},
};
/* clang-format on */
#undef AT
const struct option_group login_group = GROUP("Target", OF_SPEAKS, login_rows);

/* --- what they mean together ----------------------------------------------------------------- */

static bool same_text(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* The URI's parts have the weight of the URI: they replace a weaker option, give way to a stronger
 * one, and must agree with an equal one. True: the part is to be stored. */
static bool uri_part_counts(const struct bench_request *request, const char *name, bool agrees,
                            struct err *err)
{
    enum option_origin_kind uri_kind = relation_origin(request, "uri")->kind;
    enum option_origin_kind kind = relation_origin(request, name)->kind;
    if (kind == uri_kind && !agrees)
        err_set(err, E_USAGE, "--uri and --%s contradict each other: give one of them", name);
    return kind < uri_kind;
}

static void uri_text(struct bench_request *request, const char *name, bool has, const char *part,
                     const char **stored, struct err *err)
{
    if (!has || !uri_part_counts(request, name, same_text(*stored, part), err))
        return;
    *stored = part;
    options_derive(&request->values, name, "uri", part);
}

static void uri_number(struct bench_request *request, const char *name, bool has, uint64_t part,
                       uint64_t *stored, struct err *err)
{
    if (!has || !uri_part_counts(request, name, *stored == part, err))
        return;
    *stored = part;
    options_derive(&request->values, name, "uri", "in the URI");
}

static enum err_code settle_uri(struct bench_request *request, struct err *err)
{
    struct endpoint *endpoint = &request->spec.endpoint;
    relation_exclude(request, "uri", "socket", "each names a server", err);
    if (err->code != OK || !relation_given(request, "uri"))
        return err->code;
    const struct uri *uri = request->login.uri;
    uri_text(request, "host", uri->has_host, uri->host, &endpoint->host, err);
    uri_number(request, "port", uri->has_port, uri->port, &endpoint->port, err);
    uri_text(request, "user", uri->has_user, uri->user, &endpoint->user, err);
    uri_text(request, "password", uri->has_password, uri->password, &endpoint->password, err);
    uri_number(request, "dbnum", uri->has_database, uri->database, &endpoint->database, err);
    return err->code;
}

static enum err_code settle_sentinel(struct bench_request *request, struct err *err)
{
    const struct endpoint *endpoint = &request->spec.endpoint;
    if (endpoint->sentinels == NULL && endpoint->master_name == NULL)
        return OK;
    if (endpoint->sentinels == NULL)
        return err_set(err, E_USAGE, "--master %.80s needs --sentinel: who watches it",
                       endpoint->master_name);
    if (endpoint->master_name == NULL)
        return err_set(err, E_USAGE,
                       "--sentinel needs --master: the name of the primary they watch");
    relation_exclude(request, "sentinel", "host port socket uri",
                     "the sentinels say where the server is", err);
    relation_exclude(request, "sentinel", "cluster", "a cluster does without sentinels", err);
    return err->code;
}

/* Never echoed: the password may be in it. */
static enum err_code refuse_login(const char *option, const char *hosts, struct err *err)
{
    if (hosts == NULL || !uri_holds_login(hosts))
        return OK;
    return err_set(
        err, E_USAGE,
        "--%s takes HOST, HOST:PORT and [IPV6]:PORT, separated by commas, and what was "
        "given is a URI or holds a login: a URI is given with --uri, a user with --user, "
        "a password with -a",
        option);
}

static enum err_code settle_redirects(struct bench_request *request, struct err *err)
{
    const struct endpoint *endpoint = &request->spec.endpoint;
    if (endpoint->redirect_hosts == NULL)
        return OK;
    if (!endpoint->cluster && endpoint->sentinels == NULL &&
        endpoint->replica_reads == REPLICA_READS_NO)
        relation_notice(request, "--redirect-hosts changes nothing: without --cluster, --sentinel "
                                 "and --read-from-replica no server leads elsewhere");
    return redirect_hosts_check(endpoint->redirect_hosts, err);
}

static enum err_code settle_topology(struct bench_request *request, struct err *err)
{
    static const char rows[] = "cluster read-from-replica sentinel";
    const struct endpoint *endpoint = &request->spec.endpoint;
    relation_exclude(request, rows, "null", "--null uses no server", err);
    relation_exclude(request, rows, "socket", "other servers are found at hosts and ports", err);
    relation_exclude(request, "sentinel", "managed", "volley starts its own server", err);
    relation_exclude(request, "redirect-hosts", "managed",
                     "servers of volley's own lead nowhere else", err);
    enum err_code code = err->code;
    if (code == OK)
        code = settle_sentinel(request, err);
    if (code == OK)
        code = settle_redirects(request, err);
    if (code == OK)
        code = refuse_login("host", endpoint->host, err);
    if (code == OK)
        code = refuse_login("sentinel", endpoint->sentinels, err);
    return code;
}

enum err_code endpoint_settle(struct bench_request *request, struct err *err)
{
    const struct endpoint *endpoint = &request->spec.endpoint;
    /* before the URI's parts count as options of their own */
    relation_exclude(request, "managed", "host port socket uri", "volley starts its own server",
                     err);
    relation_exclude(request, "managed", "password password-fd user askpass",
                     "the private server has no password", err);
    enum err_code code = err->code == OK ? settle_topology(request, err) : err->code;
    if (code == OK)
        code = settle_uri(request, err);
    if (code != OK)
        return code;
    relation_exclude(request, "socket", "host port", "each names a server", err);
    relation_exclude(request, "null", "managed", "--null uses no server", err);
    if (err->code != OK)
        return err->code;
    struct sockaddr_un address;
    if (endpoint->socket_path != NULL && strlen(endpoint->socket_path) >= sizeof address.sun_path)
        return err_set(err, E_USAGE,
                       "--socket: the path is %zu bytes long; at most %zu are allowed",
                       strlen(endpoint->socket_path), sizeof address.sun_path - 1);
    return credentials_settle(request, err);
}
