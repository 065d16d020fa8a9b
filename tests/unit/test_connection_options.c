/* Options about how connections are made and how long they last. */
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/machine/local_ports.h"
#include "orchestrator/options/sources.h"
#include "tests/support/check/bench_line.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static const struct spec *const spec = &line_request.spec;

TEST(test_protocol)
{
    /* Breaks when connections speak another protocol, or bear another name, than was asked for. */
    line_quiet("-p 1");
    ck_assert(!spec->endpoint.resp3 && !spec->endpoint.tracking);
    ck_assert_ptr_null(spec->endpoint.client_name);
    line_quiet("-3 --client-name load-1");
    ck_assert(spec->endpoint.resp3);
    ck_assert_str_eq(spec->endpoint.client_name, "load-1");
    line_quiet("--enable-tracking");
    ck_assert(spec->endpoint.resp3 && spec->endpoint.tracking);
    line_parses_with_config("resp3: false\n", "--enable-tracking");
    ck_assert(spec->endpoint.resp3);
    static const struct line_refusal refusals[] = {
        {"--enable-tracking --resp3=false", "invalidation messages need RESP3"},
        {"--client-name \xc3\xa4", "without blanks"},
        {"--client-name=", "the value is empty"},
        {"--null --enable-tracking", "--null makes no connections"},
    };
    line_all_refused(refusals, sizeof refusals / sizeof refusals[0]);
}

TEST(test_churn)
{
    /* Breaks when connections live longer or shorter than was asked for. */
    line_quiet("-k 1");
    ck_assert_uint_eq(spec->connections.reconnect_every, 0);
    line_quiet("-k 0");
    ck_assert_uint_eq(spec->connections.reconnect_every, 1);
    line_quiet("-k 0 -P 16 --reset-on-close");
    ck_assert_uint_eq(spec->connections.reconnect_every, 16);
    ck_assert(spec->connections.reset_on_close);
    line_quiet("-k 0 -P 16 --reconnect-every 16"); /* as in the echo of a run's options */
    line_quiet("--reconnect-every 1k --max-reconnects 3 --idle 10");
    ck_assert_uint_eq(spec->connections.reconnect_every, 1000);
    ck_assert_uint_eq(spec->connections.max_reconnects, 3);
    ck_assert_uint_eq(spec->connections.idle, 10);
    line_quiet("-I 5");
    ck_assert_uint_eq(spec->connections.idle, 5);
    line_notices("--reconnect-every 4 -P 16", "no more than 4 requests are in flight");
    line_parses_with_config("reconnect-every: 5\n", "-k 0");
    ck_assert_uint_eq(spec->connections.reconnect_every, 1);
    static const struct line_refusal refusals[] = {
        {"-k 0 --reconnect-every 5", "--keepalive and --reconnect-every exclude each other"},
        {"--null -k 0", "--null and --keepalive exclude each other"},
        {"--null --reconnect-every 2", "--null makes no connections"},
        {"--null --idle 2", "--null makes no connections"},
        {"-I -c 5", "-I needs a value, but -c follows"},
        {"--idle 2m", "0 to 1,000,000"},
    };
    line_all_refused(refusals, sizeof refusals / sizeof refusals[0]);
}

TEST(test_source_options)
{
    /* Breaks when an address that is none is found out only while connecting. */
    line_quiet("--source-address 127.0.0.1,127.0.0.2,::1");
    ck_assert_str_eq(spec->connections.source_addresses, "127.0.0.1,127.0.0.2,::1");
    line_quiet("--source-address 127.0.0.1 --source-address 127.0.0.2");
    ck_assert_str_eq(spec->connections.source_addresses, "127.0.0.1,127.0.0.2");
    static const struct line_refusal refusals[] = {
        {"--source-address localhost", "\"localhost\" is no IPv4 or IPv6 address"},
        {"--source-address 127.0.0.1,", "\"\" is no IPv4"},
        {"--source-address 127.0.0.1,127.0.0.1", "127.0.0.1 is listed twice"},
        {"--source-address 1.2.3.4.5", "is no IPv4"},
        {"--source-address 127.0.0.1 -s /tmp/x", "a Unix socket has no addresses"},
        {"--source-address 127.0.0.1 --null", "--null makes no connections"},
    };
    line_all_refused(refusals, sizeof refusals / sizeof refusals[0]);
}

TEST(test_sources)
{
    /* Breaks when an address that the machine has not is used, or one of the wrong family. */
    struct sources sources;
    struct err err = {.code = OK};
    ck_assert_int_eq(sources_open(&sources, NULL, &err), OK);
    ck_assert_uint_eq(sources.count, 0);
    sources_free(&sources);
    ck_assert_int_eq(sources_open(&sources, "127.0.0.1, 127.0.0.9", &err), OK);
    ck_assert_uint_eq(sources.count, 2);
    ck_assert_str_eq(sources.addresses[1].text, "127.0.0.9");
    ck_assert_int_eq(sources.addresses[1].address.ss_family, AF_INET);
    struct target_address target = {.text = "[::1]:6379"};
    target.address.ss_family = AF_INET;
    ck_assert_int_eq(sources_fit(&sources, &target, &err), OK);
    target.address.ss_family = AF_INET6;
    ck_assert_int_eq(sources_fit(&sources, &target, &err), E_USAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "127.0.0.1 cannot reach [::1]:6379"));
    sources_free(&sources);
    err = (struct err){.code = OK};
    ck_assert_int_eq(sources_open(&sources, "127.0.0.1,192.0.2.77", &err), E_USAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "192.0.2.77: this machine has no such address"));
    sources_free(&sources);
    char many[SOURCES_MAX * 12 + 32] = "";
    for (unsigned i = 0; i <= SOURCES_MAX; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many), "%s127.0.%u.%u", i > 0 ? "," : "",
                 i / 250, i % 250);
    err = (struct err){.code = OK};
    ck_assert_int_eq(sources_check(many, &err), E_USAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "more than 256"));
}

static const char *advice(const char *line, int reuse, unsigned sources, bool loopback)
{
    static char text[320];
    const struct local_ports ports = {.count = 1000, .reuse = reuse};
    const struct connection_paths paths = {.sources = sources, .targets = 1, .loopback = loopback};
    line_parses(line);
    return local_ports_advise(text, sizeof text, &ports, spec, &paths);
}

TEST(test_ports_are_counted)
{
    /* Breaks when a load that uses all ports up is not warned of, or one that does not is. */
    static const char churn[] = "-k 0 -n 1001";
    ck_assert_str_eq(advice("-n 1m", 0, 0, false), "");
    ck_assert_str_eq(advice("-k 0 -n 1000", 0, 0, false), "");
    ck_assert_ptr_nonnull(strstr(advice(churn, 0, 0, false),
                                 "each connection keeps its local port "
                                 "for 60 s after its end, and there are "
                                 "1,000 ports; connections that need "
                                 "one: 1,001: give --reset-on-close"));
    ck_assert_str_eq(advice("-k 0 -n 1001 --reset-on-close", 0, 0, false), "");
    ck_assert_str_eq(advice("-k 0 -n 1001 -P 2", 0, 0, false), "");
    ck_assert_str_eq(advice(churn, 0, 2, false), "");
    ck_assert_str_eq(advice(churn, 1, 0, false), "");
    ck_assert_str_eq(advice(churn, 2, 0, true), "");
    ck_assert_str_ne(advice(churn, 2, 0, false), "");
    ck_assert_ptr_nonnull(strstr(advice("-k 0 --duration 10", 0, 0, false), "may be used up"));
    ck_assert_str_eq(advice("-k 0 --qps 10 --duration 100", 0, 0, false), "");
    ck_assert_str_ne(advice("-k 0 --qps 20 --duration 100", 0, 0, false), "");
    ck_assert_str_eq(advice("-k 0 --qps 20 --duration 10", 0, 0, false), "");
    ck_assert_str_eq(advice("-k 0 --qps 900 --duration 100", 2, 0, true), "");
    ck_assert_str_ne(advice("-k 0 --qps 1100 --duration 100", 2, 0, true), "");
    ck_assert_str_eq(advice("--reconnect-every 100 --qps 1100 --duration 100", 2, 0, true), "");
    ck_assert_str_eq(advice("-k 0 -n 5000 -s /tmp/x", 0, 0, false), "");
}

TEST(test_ports_are_read)
{
    /* Breaks when the kernel's own numbers are not used. */
    struct local_ports ports;
    local_ports_read(&ports, "/nowhere");
    ck_assert_uint_eq(ports.first, 32768);
    ck_assert_uint_eq(ports.count, 28232);
    ck_assert_int_eq(ports.reuse, 2);
    struct temp_tree tree;
    temp_tree_make(&tree);
    temp_tree_write(&tree, "/proc/sys/net/ipv4/ip_local_port_range", "1024\t1033\n", 0644);
    temp_tree_write(&tree, "/proc/sys/net/ipv4/tcp_tw_reuse", "0\n", 0644);
    local_ports_read(&ports, tree.path);
    ck_assert_uint_eq(ports.count, 10);
    ck_assert_int_eq(ports.reuse, 0);
    temp_tree_remove(&tree);
}

TEST(test_ports_of_servers)
{
    /* Breaks when a server is given a port that a connection may take while it is down, or none where all of them
     * may. */
    static const struct {
        uint64_t first;
        uint32_t above, count;
    } cases[] = {
        {32768, 0, 22768}, {32768, 10000, 12768}, {21000, 10000, 1000}, {20999, 10000, 0},
        {11000, 0, 1000},  {10999, 0, 0},         {1024, 10000, 0},     {50000, 10000, 30000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct local_ports ports = {.first = cases[i].first};
        ck_assert_uint_eq(local_ports_for_servers(&ports, cases[i].above), cases[i].count);
    }
}

TEST_SUITE_WITH(connection_options, .tear_down = line_teardown)
