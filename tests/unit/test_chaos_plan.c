/* Files of actions: what they hold, and what is wrong with them; and what --managed starts. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "orchestrator/options/chaos_plan.h"
#include "tests/support/check/bench_line.h"
#include "tests/support/check/suite.h"

#define MS NS_PER_MS
#define S NS_PER_SECOND

static struct chaos_plan plan;
static struct err err;
static const struct spec one = {.managed.wanted = true};
static const struct spec replicated = {.managed.wanted = true, .managed.replicas = 2};
static const struct spec cluster = {.managed.wanted = true,
                                    .managed.primaries = 3,
                                    .managed.replicas = 3,
                                    .load.duration_ns = 60 * S,
                                    .buffer = {.wanted = true, .cache_replies = 1}};
static char plan_path[64];

static void teardown(void)
{
    chaos_plan_free(&plan);
    line_teardown();
    if (plan_path[0] != '\0')
        unlink(plan_path);
    plan_path[0] = '\0';
}

static enum err_code parse(const char *text, const struct spec *spec)
{
    const struct file_source source = {"f", text, strlen(text)};
    chaos_plan_free(&plan);
    memset(&err, 0, sizeof err);
    return chaos_plan_read(&plan, &source, spec, &err);
}

/* What one action of a text is, each form of it. */
static const struct {
    const char *sentence, *map;
    struct chaos_action action;
} actions[] = {
    {"at 10s: kill node 2",
     "{at: 10s, do: kill, node: 2}",
     {.kind = CHAOS_KILL, .at_ns = 10 * S, .node = 2, .text = "kill node 2"}},
    {"at 0: KILL 0",
     "{at: 0, do: kill, node: 0}",
     {.kind = CHAOS_KILL, .node = 0, .text = "kill node 0"}},
    {"at 1.5s: pause node 1 for 3s",
     "{at: 1500ms, do: pause, node: 1, for: 3}",
     {.kind = CHAOS_PAUSE,
      .at_ns = 1500 * MS,
      .for_ns = 3 * S,
      .node = 1,
      .text = "pause node 1 for 3s"}},
    {"at 1: pause 250ms node 5",
     "{at: 1, for: 250ms, node: 5, do: pause}",
     {.kind = CHAOS_PAUSE,
      .at_ns = S,
      .for_ns = 250 * MS,
      .node = 5,
      .text = "pause node 5 for 250ms"}},
    {"at 4s: restart node 3",
     "{at: 4s, do: restart, node: 3}",
     {.kind = CHAOS_RESTART, .at_ns = 4 * S, .node = 3, .text = "restart node 3"}},
    {"at 4s: BGSAVE",
     "{at: 4s, do: bgsave}",
     {.kind = CHAOS_BGSAVE,
      .at_ns = 4 * S,
      .node = CHAOS_ALL_NODES,
      .text = "bgsave on all nodes"}},
    {"at 4s: CLIENT KILL node 4",
     "{at: 4s, do: client-kill, node: 4}",
     {.kind = CHAOS_CLIENT_KILL, .at_ns = 4 * S, .node = 4, .text = "client-kill node 4"}},
    {"at 4s: failover",
     "{at: 4s, do: failover}",
     {.kind = CHAOS_FAILOVER, .at_ns = 4 * S, .node = 0, .text = "failover node 0"}},
    {"at 4s: reshard 100 slots",
     "{at: 4s, do: reshard, slots: 100}",
     {.kind = CHAOS_RESHARD,
      .at_ns = 4 * S,
      .node = 0,
      .to_node = 1,
      .slots = 100,
      .text = "reshard 100 slots from node 0 to node 1"}},
    {"at 4s: reshard slots 1 to node 0 from 2",
     "{at: 4s, do: reshard, slots: 1, from: 2, to: 0}",
     {.kind = CHAOS_RESHARD,
      .at_ns = 4 * S,
      .node = 2,
      .to_node = 0,
      .slots = 1,
      .text = "reshard 1 slots from node 2 to node 0"}},
    {"at 4s: add node",
     "{at: 4s, do: add-node}",
     {.kind = CHAOS_ADD_NODE, .at_ns = 4 * S, .node = 6, .text = "add node 6"}},
    {"at 4s: remove node 2",
     "{at: 4s, do: remove-node, node: 2}",
     {.kind = CHAOS_REMOVE_NODE, .at_ns = 4 * S, .node = 2, .text = "remove node 2"}},
    {"at 4s: cache clear",
     "{at: 4s, cache: clear}",
     {.kind = CHAOS_CACHE_CLEAR, .at_ns = 4 * S, .text = "cache clear"}},
    {"at 4s: Cache Clear",
     "{cache: Clear, at: 4s}",
     {.kind = CHAOS_CACHE_CLEAR, .at_ns = 4 * S, .text = "cache clear"}},
};

static void ck_action(const char *before, const char *text, const char *after,
                      const struct chaos_action *expected)
{
    char file[200];
    snprintf(file, sizeof file, "%s%s%s", before, text, after);
    ck_assert_msg(parse(file, &cluster) == OK, "%s: %s", file, err.text);
    ck_assert_uint_eq(plan.count, 1);
    const struct chaos_action *found = &plan.actions[0];
    ck_assert_int_eq(found->kind, expected->kind);
    ck_assert_uint_eq(found->at_ns, expected->at_ns);
    ck_assert_uint_eq(found->for_ns, expected->for_ns);
    ck_assert_uint_eq(found->node, expected->node);
    ck_assert_uint_eq(found->to_node, expected->to_node);
    ck_assert_uint_eq(found->slots, expected->slots);
    ck_assert_str_eq(found->text, expected->text);
}

LOOP_TEST(each_action_in_each_form, sizeof actions / sizeof actions[0])
{
    /* Breaks when a sentence does something else than the map with the same meaning, or than it says. */
    ck_action("- ", actions[_i].sentence, "\n", &actions[_i].action);
    ck_action("[\"", actions[_i].sentence, "\"]", &actions[_i].action);
    ck_action("- ", actions[_i].map, "\n", &actions[_i].action);
}

TEST(in_the_order_of_time)
{
    /* Breaks when actions are carried out in the order of the file, or those of one instant are not. */
    ck_assert_int_eq(parse("- at 5s: kill node 1\n"
                           "- {at: 2s, do: bgsave}\n"
                           "- at 5s: restart node 1\n"
                           "- at 1s: client kill\n",
                           &cluster),
                     OK);
    static const enum chaos_kind order[] = {CHAOS_CLIENT_KILL, CHAOS_BGSAVE, CHAOS_KILL,
                                            CHAOS_RESTART};
    ck_assert_uint_eq(plan.count, 4);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_int_eq(plan.actions[i].kind, order[i]);
}

TEST(nodes_come_and_go)
{
    /* Breaks when an action on a node that was added is refused, or numbers follow the file's order. */
    ck_assert_msg(parse("- at 9s: remove node 6\n- at 8s: reshard 10 slots from 6 to 0\n"
                        "- at 7s: reshard 10 slots from 0 to 6\n- at 5s: add node\n"
                        "- at 6s: add node\n- at 10s: kill node 7\n",
                        &cluster) == OK,
                  "%s", err.text);
    ck_assert_uint_eq(plan.nodes_added, 2);
    ck_assert_uint_eq(plan.actions[0].node, 6);
    ck_assert_uint_eq(plan.actions[1].node, 7);
}

TEST(one_server_needs_no_number)
{
    /* Breaks when a plan for one server has to name it, or acts on "all" of it. */
    ck_assert_msg(
        parse("- at 1s: kill\n- at 2s: restart\n- at 3s: pause 2s\n- at 4s: bgsave\n", &one) == OK,
        "%s", err.text);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_uint_eq(plan.actions[i].node, 0);
    ck_assert_int_eq(parse("- at 1s: failover node 2\n", &replicated), OK);
}

static const struct {
    const char *text;
    const struct spec *spec;
    const char *sentence; /* the whole of it */
} mistakes[] = {
    {"", &one, "f:1:1: a list is expected; as in - at 10s: kill node 0"},
    {"[]", &one, "f:1:1: needs at least 1 element; there are 0; as in - at 10s: kill node 0"},
    {"at 1s: kill", &one, "f:1:1: a list is expected; as in - at 10s: kill node 0"},
    {"- at 1s: kill\n- {do: kill}", &one, "f:2:3: \"at\" is missing; as in at: 10s"},
    {"- {at: 1s}", &one,
     "f:1:3: \"do\" is missing; known are kill, pause, restart, bgsave, aof-rewrite, flushall, "
     "full-sync, client-kill, failover, "
     "reshard, add-node, remove-node, cache-clear"},
    {"- {at: 1s, do: kil}", &one,
     "f:1:16: do: unknown: kil; did you mean kill?; known are kill, pause, restart, bgsave, "
     "aof-rewrite, flushall, full-sync, client-kill, failover, reshard, add-node, remove-node, "
     "cache-clear"},
    {"- at 1s: explode node 1", &one,
     "f:1:3: do: unknown: explode; known are kill, pause, restart, bgsave, aof-rewrite, flushall, "
     "full-sync, client-kill, failover, "
     "reshard, add-node, remove-node, cache-clear"},
    {"- {at: 1s, do: kill, nod: 1}", &cluster,
     "f:1:22: unknown key nod; did you mean node?; known are do, at, node, for, slots, from, to"},
    {"- {at: 1s, do: kill, node: [1]}", &cluster, "f:1:28: node: a value is expected"},
    {"- {at: soon, do: kill, node: 1}", &cluster,
     "f:1:8: at: soon: not a duration (in ns, us, ms, s, m, h, d); allowed: 0s to 1000h; as in at: "
     "10s"},
    {"- {at: -1s, do: kill, node: 1}", &cluster,
     "f:1:8: at: -1s: not a duration (in ns, us, ms, s, m, h, d); allowed: 0s to 1000h; as in at: "
     "10s"},
    {"- at 60s: kill node 1", &cluster, "f:1:3: at 1m the run is over: --test-duration is 1m"},
    {"- at 1s: kill node 6", &cluster,
     "f:1:3: there is no node 6: they are numbered from 0 to 5 at that time"},
    {"- at 1s: kill node 1", &one, "f:1:3: there is no node 1: the only one is 0 at that time"},
    {"- at 2s: kill node 6\n- at 3s: add node", &cluster,
     "f:1:3: there is no node 6: they are numbered from 0 to 5 at that time"},
    {"- at 2s: remove node 2\n- at 3s: pause node 2 for 1s", &cluster,
     "f:2:3: node 2 was removed before"},
    {"- at 1s: kill node two", &cluster, "f:1:3: node: two: not a number; allowed: 0 to 63"},
    {"- at 1s: kill", &cluster, "f:1:3: kill needs \"node\": which one, as in node: 0"},
    {"- at 1s: pause node 1", &cluster, "f:1:3: \"for\" is missing; as in for: 3s"},
    {"- at 1s: pause node 1 for 0s", &cluster,
     "f:1:3: for: 0s: out of range; allowed: 1ms to 1h; as in for: 3s"},
    {"- {at: 1s, do: kill, node: 1, for: 3s}", &cluster,
     "f:1:31: kill has no use for \"for\"; known are do, at, node"},
    {"- at 1s: failover", &one,
     "f:1:3: failover needs a replica that takes over: --managed cluster=3+3 or replicas=1"},
    {"- at 1s: full-sync\n", &one,
     "f:1:3: full-sync needs a replica outside a cluster: --managed replicas=1"},
    {"- at 1s: full-sync\n", &cluster,
     "f:1:3: full-sync needs a replica outside a cluster: --managed replicas=1"},
    {"- at 1s: reshard 10 slots", &replicated,
     "f:1:3: reshard needs a cluster: --managed cluster=3+3"},
    {"- at 1s: add node", &one, "f:1:3: add-node needs a cluster: --managed cluster=3+3"},
    {"- {at: 1s, cache: clear}", &one,
     "f:1:3: cache-clear needs a near cache of the client: query.cache_size of a buffer"},
    {"- {at: 1s, cache: clean}", &one, "f:1:3: cache: clean: allowed: clear"},
    {"- at 1s: reshard", &cluster, "f:1:3: \"slots\" is missing; as in slots: 100"},
    {"- at 1s: reshard 0 slots", &cluster,
     "f:1:3: slots: 0: out of range; allowed: 1 to 16,384; as in slots: 100"},
    {"- at 1s: reshard 5 slots from 1 to 1", &cluster, "f:1:3: reshard from node 1 to itself"},
    {"- at 1s: kill node 1 2", &cluster, "f:1:3: one word too many: 2"},
    {"- at 1s: kill node", &cluster, "f:1:3: a value is missing behind: node"},
    {"- kill node 1", &cluster,
     "f:1:3: an action reads like \"at 10s: kill node 0\", not: kill node 1"},
    {"- \"in 1s: kill node 1\"", &cluster,
     "f:1:3: an action begins with its time, \"at 10s: kill node 0\": in 1s"},
    {"- at 1s sharp: kill node 1", &cluster, "f:1:3: one word too many before the colon: sharp"},
    {"- \"at: kill node 1\"", &cluster, "f:1:3: the time is missing: at"},
    {"- \"at 1s:\"", &cluster, "f:1:3: an action is missing behind the time: at 10s: kill node 0"},
    {"- [1]", &cluster,
     "f:1:3: an action is expected; as in {at: 10s, do: kill, node: 0} or \"at 10s: kill node 0\""},
};

LOOP_TEST(mistakes_are_named, sizeof mistakes / sizeof mistakes[0])
{
    /* Breaks when a mistake is carried out as something else, or its place is not told. */
    ck_assert_int_eq(parse(mistakes[_i].text, mistakes[_i].spec), E_CONFIG);
    ck_assert_str_eq(err.text, mistakes[_i].sentence);
}

/* --- the options ----------------------------------------------------------------------------- */

static const char *write_plan(const char *text)
{
    snprintf(plan_path, sizeof plan_path, "/tmp/volley-test-XXXXXX");
    int fd = mkstemp(plan_path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    return plan_path;
}

LOOP_TEST(kinds_of_targets, 13)
{
    /* Breaks when --managed takes a word that is not its own, or starts something else. */
    static const struct {
        const char *line;
        bool managed, tls;
        uint64_t primaries, replicas;
        size_t command;
    } lines[] = {
        {"--managed", true, false, 0, 0, 0},
        {"--managed -n 5", true, false, 0, 0, 0},
        {"-n 5 --managed get x", true, false, 0, 0, 2},
        {"--managed cluster info", true, false, 0, 0, 2},
        {"--managed=true", true, false, 0, 0, 0},
        {"--managed=false", false, false, 0, 0, 0},
        {"--managed replicas=1", true, false, 0, 1, 0},
        {"--managed cluster=3", true, false, 3, 0, 0},
        {"--managed cluster=3+3 get x", true, false, 3, 3, 2},
        {"--managed=cluster=2+1 -q", true, false, 2, 1, 0},
        {"--managed tls get x", true, true, 0, 0, 2},
        {"--managed tls,cluster=3+3", true, true, 3, 3, 0},
        {"--managed replicas=2,tls", true, true, 0, 2, 0},
    };
    line_parses(lines[_i].line);
    const struct spec *spec = &line_request.spec;
    ck_assert_int_eq(spec->managed.wanted, lines[_i].managed);
    ck_assert_int_eq(spec->managed.tls, lines[_i].tls);
    ck_assert_uint_eq(spec->managed.primaries, lines[_i].primaries);
    ck_assert_uint_eq(spec->managed.replicas, lines[_i].replicas);
    ck_assert_uint_eq(line_request.values.rest_count, lines[_i].command);
    ck_assert_int_eq(spec->endpoint.cluster, lines[_i].primaries > 0);
}

TEST(kinds_in_a_config_file)
{
    /* Breaks when a config file cannot say what a command line can. */
    line_parses_with_config("managed: true\n", "--trust-config -n 5");
    ck_assert(line_request.spec.managed.wanted);
    line_parses_with_config("managed: [cluster=3+3]\n", "--trust-config -n 5");
    ck_assert_uint_eq(line_request.spec.managed.primaries, 3);
    line_parses_with_config("managed: cluster=3+3\n", "--trust-config --managed=false");
    ck_assert(!line_request.spec.managed.wanted && line_request.spec.managed.primaries == 0);
}

TEST(refused_lines)
{
    /* Breaks when a target or a plan that cannot be is found out only after something has started. */
    static const struct line_refusal refusals[] = {
        {"--managed cluster=", "--managed cluster=: a cluster has P primaries"},
        {"--managed cluster=0+3", "a cluster has P primaries"},
        {"--managed cluster=3x3", "a cluster has P primaries"},
        {"--managed cluster=60+60", "at most 64 servers"},
        {"--managed replicas=0", "replicas=N takes a number from 1 on"},
        {"--managed=sentinel", "what to start is tls, cluster=3+3 or replicas=1"},
        {"--managed cluster=3,replicas=1", "a number of servers is given twice"},
        {"--managed cluster=3+3 -p 7000", "--managed and --port"},
        {"--managed cluster=3 --dbnum 2", "in a cluster there is database 0 only"},
        {"--managed --cluster", "--cluster with --managed: that is no cluster"},
        {"--managed replicas=1 --cluster", "--cluster with --managed replicas: that is no cluster"},
        {"--chaos /tmp/x.yaml", "it needs --managed"},
        {"--managed --chaos /tmp/x.yaml -l", "--chaos with --loop"},
        {"--managed --chaos /tmp/x.yaml -t set,get", "--chaos with several tests"},
        {"--managed --chaos", "--chaos needs a value"},
    };
    line_all_refused(refusals, sizeof refusals / sizeof refusals[0]);
}

TEST(a_plan_makes_intervals_short)
{
    /* Breaks when an outage of less than a second hides in intervals of a second. */
    char line[200];
    write_plan("- at 1s: kill\n");
    snprintf(line, sizeof line, "--managed --chaos %s", plan_path);
    line_parses(line);
    ck_assert_uint_eq(line_request.spec.load.interval_ns, 100 * MS);
    ck_assert_ptr_nonnull(line_request.spec.managed.chaos);
    ck_assert_uint_eq(line_request.spec.managed.chaos->count, 1);
    snprintf(line, sizeof line, "--managed --chaos %s --interval 1s", plan_path);
    line_parses(line);
    ck_assert_uint_eq(line_request.spec.load.interval_ns, S);
    snprintf(line, sizeof line, "--managed --chaos %s --csv-interval 150ms", plan_path);
    line_parses(line);
    ck_assert_uint_eq(line_request.spec.load.interval_ns, 75 * MS);
    snprintf(line, sizeof line, "--managed --chaos %s --csv-interval 250ms", plan_path);
    line_parses(line);
    ck_assert_uint_eq(line_request.spec.load.interval_ns, 50 * MS);
    snprintf(line, sizeof line, "--managed --chaos %s --duration 1", plan_path);
    ck_assert_int_eq(line_parse(line), E_CONFIG);
    ck_assert_ptr_nonnull(strstr(line_err.text, ":1:3: at 1s the run is over"));
}

LOOP_TEST(the_ready_made_plans_hold, 5)
{
    /* Breaks when a plan that comes with volley cannot be used as its first line says. */
    static const char *const lines[] = {
        "--managed --duration 30 --chaos configs/chaos/crash.yaml",
        "--managed --duration 30 --chaos configs/chaos/stalls.yaml",
        "--managed cluster=3+3 --duration 60 --chaos configs/chaos/failover.yaml",
        "--managed cluster=3+3 --duration 60 --chaos configs/chaos/resharding.yaml",
        "--managed replicas=1 --duration 30 --chaos configs/chaos/replica-takeover.json",
    };
    line_parses(lines[_i]);
    ck_assert_uint_gt(line_request.spec.managed.chaos->count, 0);
}

TEST_SUITE_WITH(chaos_plan, .tear_down = teardown)
