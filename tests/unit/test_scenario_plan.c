/* What a scenario is going to do, as --dry-run prints it. */
#include <stdlib.h>

#include "orchestrator/scenario/scenario_file.h"
#include "orchestrator/scenario/scenario_plan.h"
#include "tests/support/check/printed.h"
#include "tests/support/check/suite.h"

static const char file[] =
    "name: plan\n"
    "description: d\n"
    "memory_target: 64mb\n"
    "phases:\n"
    "  - {name: grow, type: load, keys: 500, clients: 4}\n"
    "  - {name: more, type: load, until: \"used_memory>=50%target\", duration: 9, clients: 1}\n"
    "  - {name: up, type: ramp, duration: 5, ramp: {from: 10, to: 100}, mix: {get: 1}, "
    "buffer: tuned}\n"
    "  - name: look\n"
    "    type: conditional\n"
    "    metric: keys\n"
    "    op: \">\"\n"
    "    value: 3\n"
    "    if_true:\n"
    "      - {name: half, type: delete-fraction, fraction: 0.5}\n"
    "    if_false:\n"
    "      - {name: rest, type: idle, duration: 1}\n"
    "  - name: both\n"
    "    type: parallel\n"
    "    duration: 5\n"
    "    phases:\n"
    "      - {name: slow, type: hold, mix: {get: 1}, qps: 10}\n"
    "      - {name: fast, type: hold, mix: {get: 1}, clients: 3}\n"
    "  - {name: still, type: idle, duration: 10, wait_stable: {metric: used_memory_rss, window: 3, "
    "tolerance: 1%, max: 10}}\n";

TEST(a_line_a_phase)
{
    /* breaks when people are not told what ends a phase, that one has no limit, with what it loads, or where it stands */
    struct scenario scenario;
    struct scenario_document document;
    struct err err = {.code = OK};
    const struct file_source source = {.name = "f", .text = file, .text_bytes = sizeof file - 1};
    const struct scenario_wish wish = {.scale = 0};
    ck_assert_msg(scenario_read(&scenario, &document, &source, &wish, &err) == OK, "%s", err.text);
    struct printed printed;
    printed_begin(&printed);
    scenario_plan_print(&printed.out, &scenario);
    char *text = printed_end(&printed);
    static const char *const parts[] = {
        "10 phases, 30 s, and 2 phases without a limit, memory target 64 MB; 0 checks\n",
        "\n  grow                         load              500 keys; 4 clients, as fast as ",
        "  until used_memory>=50%target, 9.0 s at most; 1 client, as fast",
        "  5.0 s; 50 clients, 10 to 100/s; buffer tuned\n",
        "  keys > 3\n",
        "\n    if so: half                delete-fraction   50 % of the keys; 50 clients",
        "\n    if not: rest               idle              1.0 s\n",
        "\n    | slow                     hold              5.0 s; 50 clients, 10/s\n",
        "until used_memory_rss is stable, 10.0 s at most\n",
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        EXPECT_IN(text, parts[i]);
    free(text);
    scenario_free(&scenario, &document);
}

TEST_SUITE(scenario_plan)
