/* What stands on the screen of --tui, and where, without a terminal. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/watch/screen.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

static struct screen *screen;
static struct grid *grid;
static struct interval_row *row;
static struct run_facts facts;
static struct watch_samples samples;
static char shown[GRID_LINES_MAX * (GRID_COLUMNS_MAX * 4 + 2)];

static void set_up(void)
{
    screen = calloc(1, sizeof *screen);
    grid = calloc(1, sizeof *grid);
    row = fixture_row(0);
    facts = fixture_facts();
    watch_samples_init(&samples);
    screen_init(screen, "bench");
}

static void tear_down(void)
{
    free(screen);
    free(grid);
    free(row);
}

/* All of it, a line each. */
static const char *show(unsigned lines, unsigned columns, bool ascii)
{
    size_t used = 0;
    grid_clear(grid, lines, columns, ascii);
    (void)screen_draw(screen, &samples, grid);
    for (unsigned i = 0; i < grid->lines; i++) {
        char *at = shown + used;
        grid_line_text(at, sizeof shown - used, grid, i);
        used += strlen(at);
        shown[used++] = '\n';
    }
    shown[used] = '\0';
    return shown;
}

static void expect(const char *wanted)
{
    ck_assert_msg(strstr(shown, wanted) != NULL, "\"%s\" does not stand in:\n%s", wanted, shown);
}

static void expect_not(const char *unwanted)
{
    ck_assert_msg(strstr(shown, unwanted) == NULL, "\"%s\" stands in:\n%s", unwanted, shown);
}

/* A second in which so many were answered. */
static void add_second(uint64_t latency_ns, uint64_t times)
{
    const uint64_t start_ns = row->header.end_ns;
    interval_row_reset(row);
    row->header.start_ns = screen->rows > 0 ? start_ns : 0;
    row->header.end_ns = row->header.start_ns + NS_PER_SECOND;
    fixture_answer(row, latency_ns, times);
    screen_add_row(screen, &facts, row);
}

TEST(figures_of_the_newest_interval)
{
    /* breaks if a figure is not the newest interval's, or does not stand on its line */
    screen_begin_run(screen, &facts);
    add_second(2 * NS_PER_MS, 100);
    add_second(4 * NS_PER_MS, 400);
    show(24, 80, true);
    expect(" volley bench  GET  ");
    expect("Rate    400/s, as fast as replies come\n");
    expect("rate/s        400        100 :# 400\n");
    expect("p50 ms      4.000      2.000 =# 4.000\n");
    expect("p99 ms      4.000      2.000 =# 4.000\n");
    expect("max ms      4.000      2.000 =# 4.000\n");
    expect("Errors 0  timeouts 0  lost 0");
    expect("Latency (ms) of the last 1 s, 400 replies\n");
    expect("running  500 of 1,000 requests (50.0 %)\n");
    expect("space pause  + - rate  n note  tab table  q stop\n");
}

TEST(alerts_of_servers)
{
    /* breaks if it is not said which server an alert is about, or rules are counted again for each server */
    static const char text[] = "alerts: [{alert: A, expr: volley_rate > 1, labels: {severity: "
                               "critical}}, {alert: B, expr: volley_rate > 9}]";
    static const struct alert_server servers[2] = {{.name = "a:1"}, {.name = "b:2"}};
    struct alert_rules rules = {.count = 0};
    struct alerts alerts;
    struct err err = {.code = OK};
    ck_assert_int_eq(
        alert_rules_read(&rules, &(struct file_source){"f", text, sizeof text - 1}, &err), OK);
    ck_assert_int_eq(alerts_init(&alerts, &rules, 1, &(struct alert_servers){servers, 2}, &err),
                     OK);
    screen_init(screen, "monitor");
    screen_begin_run(screen, &facts);
    add_second(2 * NS_PER_MS, 100);
    screen_set_alerts(screen, &alerts);
    show(24, 140, true);
    expect("Alerts  none of 2 is firing");
    const struct expression_result results[2] = {{.holds = true}, {.holds = true}};
    alerts_feed_results(&alerts, 1, results, 1000, "run");
    screen_set_alerts(screen, &alerts);
    show(24, 140, true);
    expect("Alerts  2 firing: A (critical) on b:2, B (warning) on b:2");
    alerts_free(&alerts);
    alert_rules_free(&rules);
}

TEST(servers_of_a_monitor)
{
    /* breaks if a monitor shows what a load alone has, a server has no place, or a page is beyond the last */
    static struct screen_server servers[3];
    screen_init(screen, "monitor");
    for (unsigned i = 0; i < 3; i++) {
        servers[i] = (struct screen_server){.state = i == 1 ? SCREEN_SERVER_DOWN : SCREEN_SERVER_UP,
                                            .since = "2026-11-29 07:00:00",
                                            .times = {{1.5, false}, {2.5, true}, {-1, false}},
                                            .hit_ratio = 0.5,
                                            .commands_per_second = 1234,
                                            .memory_bytes = -1,
                                            .restarts = i};
        snprintf(servers[i].name, sizeof servers[i].name, "server-%u", i);
    }
    screen_begin_run(screen, &facts);
    add_second(2 * NS_PER_MS, 100);
    screen_set_servers(screen, servers, 3);
    show(24, 140, true);
    expect(" volley monitor  GET");
    expect("watching  100 of 1,000 requests (10.0 %)  2 of 3 servers up\n");
    expect("down since 2026-11-29 07:00:00     1.500   >=2.500         -  50.0 %      1,234");
    expect("Alerts  no rules are given");
    expect("\ntab more servers  q stop\n");
    expect_not("Verdict");
    expect_not("Rate ");
    for (unsigned lines = 1; lines <= 60; lines += 3)
        for (unsigned columns = 1; columns <= 330; columns += 11)
            show(lines, columns, columns % 2 == 0);
    show(SCREEN_LINES_MIN, SCREEN_COLUMNS_MIN, true);
    expect("1 to 2 of 3");
    expect("server-1");
    expect_not("server-2");
    screen_turn(screen);
    show(SCREEN_LINES_MIN, SCREEN_COLUMNS_MIN, true);
    expect("3 to 3 of 3");
    expect("server-2");
    expect_not("server-1");
    screen_turn(screen);
    show(SCREEN_LINES_MIN, SCREEN_COLUMNS_MIN, true);
    expect("1 to 2 of 3");
}

TEST(before_anything_is_known)
{
    /* breaks if a screen without a run, or without an interval, divides by nothing or claims figures */
    show(24, 80, true);
    expect("connecting");
    expect("Verdict nothing is measured yet");
    screen_begin_run(screen, &facts);
    show(24, 80, true);
    expect("starting");
    expect("rate/s          -");
}

TEST(every_size_fits)
{
    /* breaks if any size is written beyond, a bar or a table runs over another one, or the least size lacks a figure */
    screen_begin_run(screen, &facts);
    for (unsigned i = 0; i < 500; i++)
        add_second((1 + i % 7) * NS_PER_MS, 1000 + i);
    for (unsigned lines = 1; lines <= 60; lines += 3)
        for (unsigned columns = 1; columns <= 330; columns += 11)
            show(lines, columns, columns % 2 == 0);
    show(SCREEN_LINES_MIN, SCREEN_COLUMNS_MIN, true);
    static const char *const wanted[] = {"Rate  ", "rate/s", "p50 ms",  "p99 ms",       "max ms",
                                         "Errors", "Server", "Verdict", "Latency (ms)", "q stop"};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        expect(wanted[i]);
}

TEST(target_of_an_open_loop)
{
    /* breaks if the target, or how much of it was reached, is not that of the newest interval */
    facts = fixture_open_facts();
    screen_begin_run(screen, &facts);
    row->header.flags |= INTERVAL_OPEN_LOOP;
    fixture_answer_at(row, NS_PER_MS, 0, 750);
    row->counters[COUNTER_DUE] = 1000;
    row->header.backlog_after = 250;
    screen_add_row(screen, &facts, row);
    show(24, 80, true);
    expect("Rate    750/s of 1,000/s (75.0 %) ====");
    expect("backlog 250  shed 0\n");
    expect("of 00:1");
}

TEST(hidden_percentiles_are_bounds)
{
    /* breaks if a percentile that unanswered requests hide is shown as if it were known */
    screen_begin_run(screen, &facts);
    fixture_answer(row, NS_PER_MS, 60);
    fixture_unanswered(row, COUNTER_TIMED_OUT, 0, 900 * NS_PER_MS, 40);
    row->counters[COUNTER_SENT] += 40;
    screen_add_row(screen, &facts, row);
    show(24, 80, true);
    expect("p50 ms      1.000");
    expect("p99 ms  >=");
    expect("timeouts 40");
}

TEST(a_gap_is_a_gap)
{
    /* breaks if an interval without an answer is drawn as one with the least of all latencies */
    screen_begin_run(screen, &facts);
    add_second(NS_PER_MS, 10);
    add_second(NS_PER_MS, 0);
    add_second(NS_PER_MS, 10);
    show(24, 80, true);
    expect("rate/s         10          0 # # 10\n");
    expect("p50 ms      1.000      1.000 # # 1.000\n");
}

/* "       ≤ 1.000         123 ###" -> 123 */
static uint64_t counts_of_bars(void)
{
    uint64_t sum = 0;
    for (const char *at = shown; (at = strstr(at, "<= ")) != NULL;) {
        const char *number = strchr(at + 3, ' ');
        ck_assert_ptr_nonnull(number);
        uint64_t count = 0;
        for (number += strspn(number, " "); *number == ',' || (*number >= '0' && *number <= '9');
             number++)
            count = *number == ',' ? count : count * 10 + (uint64_t)(*number - '0');
        sum += count;
        at = number;
    }
    return sum;
}

TEST(bars_add_up)
{
    /* breaks if a latency is in no bar or in two, for one value, few values or a long tail */
    screen_begin_run(screen, &facts);
    fixture_answer(row, 100000, 70000);
    for (unsigned i = 1; i < 1000; i++)
        fixture_answer(row, i * 50000ull, i);
    screen_add_row(screen, &facts, row);
    show(24, 80, true);
    ck_assert_uint_eq(counts_of_bars(), 70000 + 999 * 1000 / 2);
    add_second(NS_PER_MS, 12345);
    show(24, 80, true);
    ck_assert_uint_eq(counts_of_bars(), 12345);
}

TEST(tables_turn)
{
    /* breaks if classes, nodes or ended runs cannot be reached, an empty table is shown, or wide names break its columns */
    facts = fixture_class_facts();
    snprintf(facts.class_names[1], sizeof facts.class_names[1], "%s",
             "\u66f8\u304d\u8fbc\u307f\033[2J");
    screen_begin_run(screen, &facts);
    row->class_count = 2;
    fixture_class_ok(row, 0, NS_PER_MS, 30);
    fixture_class_ok(row, 1, 3 * NS_PER_MS, 20);
    fixture_class_failed(row, 1, CLASS_ERRORS, 2);
    screen_add_row(screen, &facts, row);
    show(30, 80, false);
    expect("Class                                             rate/s      p99 ms      failed\n");
    expect("read                                                  30       1.000           0\n");
    expect("\u66f8\u304d\u8fbc\u307f[2J                                           20       3.0");
    screen_turn(screen);
    show(30, 80, false);
    expect_not("Class");
    expect("Latency (ms)");
    screen_turn(screen);
    show(30, 80, false);
    expect("Class");
    ck_assert_str_eq(screen->message, "");
}

TEST(a_small_terminal_has_one_of_them)
{
    /* breaks if the least size cannot show both, one after the other */
    facts = fixture_class_facts();
    screen_begin_run(screen, &facts);
    row->class_count = 2;
    fixture_answer(row, NS_PER_MS, 30);
    fixture_class_ok(row, 0, NS_PER_MS, 30);
    screen_add_row(screen, &facts, row);
    show(SCREEN_LINES_MIN, SCREEN_COLUMNS_MIN, true);
    expect("\nClass ");
    expect_not("Latency (ms)");
    screen_turn(screen);
    show(SCREEN_LINES_MIN, SCREEN_COLUMNS_MIN, true);
    expect_not("\nClass ");
    expect("Latency (ms) of the last 1 s, 60 replies\n     <= 1.000          60 ####");
    expect_not("          0\n");
}

TEST(nothing_to_turn_to)
{
    /* breaks if the key does nothing, and says nothing */
    screen_begin_run(screen, &facts);
    screen_turn(screen);
    show(24, 80, true);
    expect("There is no other table");
}

TEST(nodes_have_memory_and_role)
{
    /* breaks if a cluster's nodes, or what their INFO says, do not stand in the table */
    facts = fixture_cluster_facts();
    screen_begin_run(screen, &facts);
    row->node_count = 2;
    fixture_node_ok(row, 0, 0, 900, NS_PER_MS, 40);
    fixture_node_ok(row, 1, 0, 900, NS_PER_MS, 60);
    screen_add_row(screen, &facts, row);
    samples.known = true;
    samples.newest[SERIES_USED_MEMORY] = 3 * SERIES_MB;
    samples.node_count = 1;
    samples.nodes[0] = (struct watch_node_sample){
        .text = "127.0.0.1:7000", .answered = true, .used_memory = 1.5 * SERIES_MB};
    show(30, 80, true);
    expect("Server  3 MB used");
    expect("127.0.0.1:7000                                        40      1.5 MB           0\n");
    expect("127.0.0.1:7001                                        60           -           0\n");
}

TEST(runs_that_have_ended)
{
    /* breaks if a run that has ended is not in the table, under its rate, or the newest does not stand first */
    struct run_result *result = fixture_result();
    struct error_kinds kinds = {.count = 0};
    facts = fixture_open_facts();
    screen_init(screen, "find-max");
    for (unsigned i = 1; i <= SCREEN_RUNS_MAX + 2; i++) {
        snprintf(facts.rate_text, sizeof facts.rate_text, "%u,000/s, even", i);
        screen_begin_run(screen, &facts);
        row->header.flags |= INTERVAL_OPEN_LOOP;
        result->facts = &facts;
        result->total = row;
        result->error_kinds = &kinds;
        result->seconds = 1;
        result->verdict.level = VERDICT_AMBER;
        screen_end_run(screen, result);
    }
    show(30, 80, true);
    expect("\nProbe  ");
    expect("\nGET at 66,000/s  ");
    expect(" AMBER\nGET at 65,000/s  ");
    expect("\nended");
    result->rate_changes = 1; /* of none of its rates */
    screen_begin_run(screen, &facts);
    screen_end_run(screen, result);
    show(30, 80, true);
    expect("\nGET at several rates  ");
    free(result);
}

TEST(side_by_side)
{
    /* breaks if a wide terminal does not show the histogram and the table beside each other */
    facts = fixture_cluster_facts();
    screen_begin_run(screen, &facts);
    row->node_count = 1;
    fixture_answer(row, NS_PER_MS, 40);
    fixture_node_ok(row, 0, 0, 900, NS_PER_MS, 40);
    screen_add_row(screen, &facts, row);
    show(24, 140, true);
    const char *line = strstr(shown, "Latency (ms)");
    ck_assert_ptr_nonnull(line);
    const char *node = strstr(line, "Node");
    ck_assert_ptr_nonnull(node);
    ck_assert_ptr_null(memchr(line, '\n', (size_t)(node - line)));
}

TEST(messages_and_notes)
{
    /* breaks if what happens is not told, a sample is, or a note that is typed does not show */
    struct note note = {.source = NOTE_CTL, .at_ns = 1500 * NS_PER_MS, .ok = true};
    snprintf(note.text, sizeof note.text, "rate 500/s");
    note_set(&note, NOTE_BY, NOTE_BY_SOCKET);
    screen_begin_run(screen, &facts);
    screen_hear(screen, &note);
    note.source = NOTE_SAMPLE;
    screen_hear(screen, &note);
    show(24, 80, true);
    expect("1.5 s, control socket: rate 500/s\n");
    screen->noting = true;
    snprintf(screen->note, sizeof screen->note, "cache flushed");
    show(24, 80, true);
    expect("Note: cache flushed\n");
    expect_not("rate 500/s");
    const struct screen_cursor cursor = screen_draw(screen, &samples, grid);
    ck_assert_uint_eq(cursor.line, 22);
    ck_assert_uint_eq(cursor.column, strlen("Note: cache flushed"));
}

TEST(verdict_so_far)
{
    /* breaks if the worst check is not the one that is named, or a run that has ended still says "so far" */
    struct verdict verdict = {.level = VERDICT_RED, .check_count = 2};
    verdict.checks[0] = (struct verdict_check){.name = "slip", .level = VERDICT_AMBER};
    verdict.checks[1] =
        (struct verdict_check){.name = "errors", .level = VERDICT_RED, .text = "5 % of all"};
    screen_begin_run(screen, &facts);
    screen_judge(screen, &verdict);
    show(24, 80, true);
    expect("Verdict RED so far: errors: 5 % of all\n");
    screen->ended = true;
    show(24, 80, true);
    expect("Verdict RED: errors: 5 % of all\n");
    facts.prefill = true;
    screen_begin_run(screen, &facts);
    screen_judge(screen, &verdict);
    show(24, 80, true);
    expect("Phase   prefill: the keys are written, and nothing is judged\n");
    expect_not("Verdict");
}

TEST_SUITE_WITH(screen, .set_up = set_up, .tear_down = tear_down)
