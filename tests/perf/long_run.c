/* Writes the journal of a run that nobody has to wait for: DIR SECONDS [CLASSES [NODES]], a row a second, 20,000 requests each at 60
 * latencies, one second of a stall in it. For tests/perf/page.sh. */
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/err.h"
#include "orchestrator/report/sinks.h"
#include "tests/support/check/report_fixture.h"

#define LATENCIES 60u
#define REQUESTS 20000u

static uint64_t random_state = 88172645463325252u;
static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static void fill(struct interval_row *row, uint32_t classes, uint32_t nodes, bool stall)
{
    for (uint32_t i = 0; i < LATENCIES; i++) {
        const uint64_t latency_ns = stall ? 900 * NS_PER_MS : 80000 + next_random() % 1000 * i * 20;
        const uint64_t times = REQUESTS / LATENCIES;
        if (classes > 1)
            fixture_class_ok_at(row, i % classes, latency_ns, times);
        else if (nodes > 1)
            fixture_node_ok(row, i % nodes, row->header.start_ns / NS_PER_MS,
                            row->header.end_ns / NS_PER_MS - 1, latency_ns, times);
        else
            fixture_answer_at(row, latency_ns, 2000 + i * 100, times);
    }
}

int main(int argc, char **argv)
{
    static struct timeline timeline;
    struct sink sink;
    struct err err = {.code = OK};
    const uint32_t seconds = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
    const uint32_t classes = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 1;
    const uint32_t nodes = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : 1;
    struct session_facts session = fixture_session();
    struct run_facts facts = nodes > 1 ? fixture_facts() : fixture_open_facts();
    if (seconds == 0 || classes > CLASSES_MAX || nodes > NODE_FIGURES_MAX) {
        fprintf(stderr, "usage: long_run DIR SECONDS [CLASSES [NODES]]\n");
        return 2;
    }
    facts.duration_ns = seconds * NS_PER_SECOND;
    facts.class_count = classes > 1 ? classes : 0;
    for (uint32_t i = 0; i < facts.class_count; i++)
        snprintf(facts.class_names[i], sizeof facts.class_names[i], "class%u", i);
    facts.node_count = nodes > 1 ? nodes : 0;
    for (uint32_t i = 0; i < facts.node_count; i++)
        facts.nodes[i] = (struct run_node){.role = RUN_ROLE_PRIMARY, .primary = -1};
    for (uint32_t i = 0; i < facts.node_count; i++)
        snprintf(facts.nodes[i].text, sizeof facts.nodes[i].text, "127.0.0.1:%u", 7000 + i);
    if (timeline_init(&timeline, &err) != OK || sink_journal(&sink, argv[1], &err) != OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    timeline_add(&timeline, sink);
    timeline_session_begin(&timeline, &session);
    timeline_run_begin(&timeline, &facts);
    for (uint32_t i = 0; i < seconds; i++) {
        struct interval_row *row = fixture_row(i);
        fill(row, classes, nodes, i == seconds / 2);
        if (i + 1 == seconds)
            row->header.flags |= INTERVAL_LAST;
        if (timeline_interval(&timeline, row, &err) != OK)
            fprintf(stderr, "%s\n", err.text);
        free(row);
    }
    static struct run_result result; /* too large for a stack */
    result.evidence.steal_share = result.evidence.server_cpu_share = -1;
    timeline_run_end(&timeline, &result);
    timeline_session_end(&timeline);
    timeline_destroy(&timeline);
    fixture_session_free(&session);
    return err.code == OK ? 0 : 1;
}
