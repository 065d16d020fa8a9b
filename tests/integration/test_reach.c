/* Servers that lead volley to hosts of their choice: who gets the password, and who is never spoken to. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "orchestrator/server/discover.h"
#include "orchestrator/server/reach.h"
#include "orchestrator/server/resolve.h"
#include "tests/support/check/fake_server.h"
#include "tests/support/check/run.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/temp_tree.h"

#define ELSEWHERE "198.51.100.1" /* of TEST-NET-2: nobody is there */
#define CLUSTER_INFO "$43\r\ncluster_state:ok\r\ncluster_current_epoch:1\r\n\r\n"

static struct temp_tree tree;
static struct endpoint endpoint;
static bool own; /* servers of volley's own */
static struct err err;
static struct fake_server server, node;
static struct topology found;
static char log_path[200], table[8192], host[64];

static void set_up(void)
{
    temp_tree_make(&tree);
    snprintf(log_path, sizeof log_path, "%.150s/log", tree.path);
    ck_assert_int_eq(log_to_file(log_path, &err), OK);
    memset(&endpoint, 0, sizeof endpoint);
    memset(&err, 0, sizeof err);
    table[0] = '\0';
    own = false;
    endpoint.host = host;
    endpoint.port = 1;
    endpoint.connection_timeout_ns = endpoint.request_timeout_ns = 5 * NS_PER_SECOND;
}

static void tear_down(void)
{
    reach_end();
    fake_server_stop(&server);
    fake_server_stop(&node);
    temp_tree_remove(&tree);
}

static void add(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void add(const char *format, ...)
{
    va_list args;
    size_t used = strlen(table);
    va_start(args, format);
    ck_assert_int_lt(vsnprintf(table + used, sizeof table - used, format, args),
                     (int)(sizeof table - used));
    va_end(args);
}

/* A shard of CLUSTER SHARDS, of one node. */
static void add_shard(unsigned from, unsigned to, const char *name, unsigned port)
{
    add("*4\r\n$5\r\nslots\r\n*2\r\n:%u\r\n:%u\r\n$5\r\nnodes\r\n*1\r\n", from, to);
    add("*10\r\n$4\r\nport\r\n:%u\r\n$8\r\nendpoint\r\n$%zu\r\n%s\r\n", port, strlen(name), name);
    add("$4\r\nrole\r\n$6\r\nmaster\r\n$18\r\nreplication-offset\r\n:5\r\n");
    add("$6\r\nhealth\r\n$6\r\nonline\r\n");
}

/* A server that answers this command with these replies, one behind the other, several times over. */
static void start(struct fake_server *fake, const char *command, const char *first,
                  const char *second)
{
    struct fake_rule rules[FAKE_RULES_MAX];
    size_t count = 0;
    for (; count + 1 < FAKE_RULES_MAX; count += 2) {
        rules[count] = (struct fake_rule){
            .command = command, .action = FAKE_REPLY, .bytes = first, .times = 1};
        rules[count + 1] = (struct fake_rule){
            .command = command, .action = FAKE_REPLY, .bytes = second, .times = 1};
    }
    fake_server_start(fake, &(struct fake_script){.rules = rules, .rule_count = count});
    snprintf(host, sizeof host, "127.0.0.1:%u", fake->port);
}

static enum err_code discover(void)
{
    struct control *control = NULL;
    struct target_address first;
    enum server_probe probe;
    err = (struct err){.code = OK};
    enum err_code code = own ? OK : reach_begin(&endpoint, NULL, &err);
    if (code == OK)
        code = topology_discover(&found, &control, &probe, &first, &endpoint, NULL, &err);
    control_close(control);
    return code;
}

static unsigned times_logged(const char *text)
{
    int fd = open(log_path, O_RDONLY | O_CLOEXEC);
    size_t byte_count;
    unsigned times = 0;
    char *log = support_read_file(fd, &byte_count);
    for (const char *at = log; (at = strstr(at, text)) != NULL; at++)
        times++;
    free(log);
    return times;
}

TEST(test_password)
{
    /* Breaks when a cluster's table sends the password elsewhere in plain without a word, says it for every
     * node, or says it where the password is safe or the host was listed. */
    add("*3\r\n");
    add_shard(0, 5000, "127.0.0.2", 7000);
    add_shard(5001, 10000, ELSEWHERE, 7001);
    add_shard(10001, 16383, ELSEWHERE, 7002);
    start(&server, "CLUSTER", CLUSTER_INFO, table);
    endpoint.cluster = true;
    ck_assert_msg(discover() == OK, "%s", err.text);
    ck_assert_uint_eq(times_logged("outside the networks"), 0);
    endpoint.password = "pw";
    ck_assert_msg(discover() == OK, "%s", err.text);
    ck_assert_uint_eq(times_logged("outside the networks"), 1);
    ck_assert_uint_eq(times_logged("a server leads to " ELSEWHERE ":7001, outside"), 1);
    endpoint.redirect_hosts = "127.0.0.2,198.51.100.0/24";
    ck_assert_msg(discover() == OK, "%s", err.text);
    endpoint.redirect_hosts = NULL;
    reach_end();
    own = true;
    ck_assert_msg(discover() == OK, "%s", err.text);
    ck_assert_uint_eq(times_logged("outside the networks"), 1);
}

TEST(test_password_over_tls)
{
    /* Breaks when TLS counts as safe though it lets anybody in: no check at all, or any certificate that is
     * good for some name. */
    const struct host_name elsewhere = {.host = ELSEWHERE, .port = 7001};
    struct target_address address;
    uint32_t count = 0;
    const struct {
        bool insecure, any_name;
        unsigned warnings;
    } cases[] = {{false, false, 0}, {true, false, 1}, {false, true, 2}};
    ck_assert_int_eq(resolve_host(&address, &count, 1, &elsewhere, NS_PER_SECOND, NULL, &err), OK);
    snprintf(host, sizeof host, "127.0.0.1");
    endpoint.cluster = endpoint.tls.wanted = true;
    endpoint.password = "pw";
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        endpoint.tls.insecure = cases[i].insecure;
        endpoint.tls.any_name = cases[i].any_name;
        ck_assert_int_eq(reach_begin(&endpoint, NULL, &err), OK);
        ck_assert_int_eq(reach_allow(&address, &err), OK);
        ck_assert_uint_eq(times_logged("outside the networks"), cases[i].warnings);
    }
}

TEST(test_interrupted)
{
    /* Breaks when Ctrl+C waits for a resolver that has no answer. */
    const volatile int interrupted = 1;
    snprintf(host, sizeof host, "localhost");
    endpoint.cluster = true;
    ck_assert_int_eq(reach_begin(&endpoint, &interrupted, &err), E_INTERRUPTED);
}

TEST(test_many_hosts)
{
    /* Breaks when a table of thousands of hosts fills the screen with warnings. */
    char name[32];
    add("*20\r\n");
    for (unsigned i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "198.51.100.%u", i + 1);
        add_shard(i * 800, i < 19 ? i * 800 + 799 : 16383, name, 7001);
    }
    start(&server, "CLUSTER", CLUSTER_INFO, table);
    endpoint.cluster = true;
    endpoint.password = "pw";
    ck_assert_msg(discover() == OK, "%s", err.text);
    ck_assert_uint_eq(times_logged("outside the networks"), 16);
    ck_assert_uint_eq(times_logged("more hosts than are named here"), 1);
}

TEST(test_refused_tables)
{
    /* Breaks when a node that --redirect-hosts does not list is taken from a cluster's table. */
    add("*2\r\n");
    add_shard(0, 5000, "127.0.0.2", 7000);
    add_shard(5001, 16383, ELSEWHERE, 7001);
    start(&server, "CLUSTER", CLUSTER_INFO, table);
    endpoint.cluster = true;
    endpoint.redirect_hosts = "same";
    ck_assert_int_eq(discover(), E_CONNECT);
    ck_assert_msg(strstr(err.text, "leads to " ELSEWHERE ":7001, which --redirect-hosts") != NULL,
                  "%s", err.text);
    endpoint.redirect_hosts = ELSEWHERE;
    ck_assert_int_eq(discover(), E_CONNECT);
    ck_assert_msg(strstr(err.text, "leads to 127.0.0.2:7000, which") != NULL, "%s", err.text);
    endpoint.redirect_hosts = "same," ELSEWHERE;
    ck_assert_msg(discover() == OK, "%s", err.text);
}

TEST(test_refused_roles)
{
    /* Breaks when a replica leads to a primary that is not listed, or a primary to such replicas. */
    static const char follows[] = "*5\r\n$5\r\nslave\r\n$12\r\n" ELSEWHERE "\r\n:7001\r\n"
                                  "$9\r\nconnected\r\n:5\r\n";
    static const char leads[] =
        "*3\r\n$6\r\nmaster\r\n:5\r\n*1\r\n*3\r\n$12\r\n" ELSEWHERE "\r\n$4\r\n7001\r\n$1\r\n5\r\n";
    static const char *const roles[] = {follows, leads};
    for (size_t i = 0; i < 2; i++) {
        start(&server, "ROLE", roles[i], roles[i]);
        endpoint.replica_reads = REPLICA_READS_YES;
        endpoint.redirect_hosts = "same";
        ck_assert_int_eq(discover(), E_CONNECT);
        ck_assert_msg(strstr(err.text, "which --redirect-hosts does not list") != NULL, "%s",
                      err.text);
        fake_server_stop(&server);
    }
}

TEST(test_refused_sentinel)
{
    /* Breaks when a sentinel names a primary that is not listed. */
    static const char primary[] = "*2\r\n$12\r\n" ELSEWHERE "\r\n$4\r\n7001\r\n";
    start(&server, "SENTINEL", primary, primary);
    endpoint.host = "127.0.0.1";
    endpoint.sentinels = host;
    endpoint.master_name = "main";
    endpoint.redirect_hosts = "same";
    ck_assert_int_eq(discover(), E_CONNECT);
    ck_assert_msg(strstr(err.text, "which --redirect-hosts does not list") != NULL, "%s", err.text);
}

/* A socket that listens at 127.0.0.2 and takes nobody. */
static int listen_elsewhere(unsigned *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t address_bytes = sizeof address;
    ck_assert_int_eq(inet_pton(AF_INET, "127.0.0.2", &address.sin_addr), 1);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(listen(fd, 5), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &address_bytes), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

LOOP_TEST(test_a_table_that_changes, 2)
{
    /* Breaks when a worker or the scout connects to a node that is not listed, and comes up while a run is
     * under way; or nobody is told. */
    static const char *const lists[] = {"127.0.0.1", NULL};
    const char *list = lists[_i];
    unsigned port;
    int listener = listen_elsewhere(&port);
    struct program program;
    add("*1\r\n");
    add_shard(0, 16383, "127.0.0.2", port);
    start(&node, "CLUSTER", CLUSTER_INFO, table);
    table[0] = '\0';
    add("*1\r\n");
    add_shard(0, 16383, "127.0.0.1", node.port);
    start(&server, "CLUSTER", CLUSTER_INFO, table);
    program_run_volley(&program, "bench", "--cluster", "-h", host, "-t", "get", "--qps", "200",
                       "-c", "2", "--processes", "1", "--duration", "3s", "--request-timeout",
                       "500ms", list != NULL ? "--redirect-hosts" : NULL, list, NULL);
    struct sockaddr_in peer;
    socklen_t peer_bytes = sizeof peer;
    int taken = accept4(listener, (struct sockaddr *)&peer, &peer_bytes, SOCK_CLOEXEC);
    int sys_errno = errno;
    ck_assert_uint_gt(node.counters->commands, 10); /* the run had begun */
    if (list != NULL) {
        ck_assert_msg(taken < 0 && sys_errno == EAGAIN, "somebody has connected");
        ck_assert_msg(strstr(program.err, "a server leads to 127.0.0.2:") != NULL, "%s",
                      program.err);
    } else {
        ck_assert_msg(taken >= 0, "the table was not followed: %s", program.err);
        close(taken);
    }
    program_free(&program);
    close(listener);
}

TEST_SUITE_WITH(reach, .set_up = set_up, .tear_down = tear_down)
