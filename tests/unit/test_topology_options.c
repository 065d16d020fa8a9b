#include <stdio.h>
#include <string.h>

#include "tests/support/check/bench_line.h"
#include "tests/support/check/suite.h"

static const struct {
    const char *line;
    enum replica_reads wanted;
    uint32_t command_argc;
} reads[] = {
    {"-t get", REPLICA_READS_NO, 0},
    {"--rfr yes", REPLICA_READS_YES, 0},
    {"--rfr=all --cluster", REPLICA_READS_ALL, 0},
    {"--rfr NO", REPLICA_READS_NO, 0},
    {"--read-from-replica", REPLICA_READS_YES, 0},
    {"--read-from-replica -t get", REPLICA_READS_YES, 0},
    {"--read-from-replica all", REPLICA_READS_ALL, 0},
    {"--read-from-replica=false", REPLICA_READS_NO, 0},
    {"--read-from-replica -- get k", REPLICA_READS_YES, 2},
    {"--rfr -- yes", REPLICA_READS_YES, 1},
};

LOOP_TEST(where_reads_go, sizeof reads / sizeof reads[0])
{
    /* Breaks when one spelling of the option means something else than another. */
    line_parses(reads[_i].line);
    ck_assert_int_eq(line_request.spec.endpoint.replica_reads, reads[_i].wanted);
    ck_assert_uint_eq(line_request.spec.load.command_argc, reads[_i].command_argc);
}

TEST(targets)
{
    /* Breaks when an option does not reach the spec. */
    line_parses("--cluster -h a,b:7001");
    ck_assert(line_request.spec.endpoint.cluster);
    ck_assert_str_eq(line_request.spec.endpoint.host, "a,b:7001");
    line_parses("--sentinel s1,s2:26380 --master main --rfr");
    ck_assert_str_eq(line_request.spec.endpoint.sentinels, "s1,s2:26380");
    ck_assert_str_eq(line_request.spec.endpoint.master_name, "main");
    line_parses("--sentinel s --master m --dbnum 3 -a pw");
    line_parses("--cluster --dbnum 0");
}

static const struct {
    const char *line, *told;
} refused[] = {
    /* Breaks when a word that is no value is sent as a command. */
    {"--rfr maybe", "maybe is no value of --read-from-replica, which takes no, yes, all; a command "
                    "needs -- before it"},
    {"-t get --rfr maybe", "maybe is no value of --read-from-replica"},
    {"--rfr maybe -t get", "maybe is no value of --read-from-replica"},
    {"--null --rfr maybe", "maybe is no value of --read-from-replica"},
    {"--rfr maybe get k", "maybe is no value of --read-from-replica"},
    {"--read-from-replica maybe -c 5", "maybe is no value of --read-from-replica"},
    {"--cluster --rfr get k", "get is no value of --read-from-replica"},
    {"--master m", "--master m needs --sentinel"},
    {"--sentinel s", "--sentinel needs --master"},
    {"--sentinel s --master m --cluster", "--sentinel and --cluster exclude each other"},
    {"--sentinel s --master m -h a", "--sentinel and --host exclude each other"},
    {"--sentinel s --master m -p 1", "--sentinel and --port exclude each other"},
    {"--sentinel s --master m -s /s", "--sentinel and --socket exclude each other"},
    {"--sentinel s --master m -u redis://h", "--sentinel and --uri exclude each other"},
    {"--sentinel s --master m --managed", "--sentinel and --managed exclude each other"},
    {"--sentinel s --master m --null", "--sentinel and --null exclude each other"},
    {"--cluster -s /s", "--cluster and --socket exclude each other"},
    {"--cluster --null", "--cluster and --null exclude each other"},
    {"--rfr yes -s /s", "--read-from-replica and --socket exclude each other"},
    {"--rfr all --null", "--read-from-replica and --null exclude each other"},
    {"--rfr=some", "allowed: no, yes, all"},
    {"--managed --redirect-hosts same", "--redirect-hosts and --managed exclude each other"},
    {"--cluster --redirect-hosts h:7001", "--redirect-hosts: 'h:7001' is no host"},
    {"--cluster --redirect-hosts a --redirect-hosts b/9", "'b/9' is no host"},
    {"--cluster -h redis://me:pw@h", "--host takes HOST"},
};

LOOP_TEST(what_does_not_fit, sizeof refused / sizeof refused[0])
{
    /* Breaks when one of two options that contradict each other is silently ignored. */
    line_refused(refused[_i].line, refused[_i].told);
}

TEST_SUITE_WITH(topology_options, .tear_down = line_teardown)
