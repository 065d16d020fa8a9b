#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "orchestrator/report/output.h"
#include "orchestrator/report/progress.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/terminal.h"

static struct progress progress;
static char *text;
static size_t text_bytes;
static FILE *out;

static void progress_begin(struct progress *line, const struct run_facts *run)
{
    struct err err = {.code = OK};
    ck_assert_int_eq(progress_sink(line).run_begin(line, run, &err), OK);
}

static void progress_add(struct progress *line, const struct interval_row *row)
{
    struct err err = {.code = OK};
    ck_assert_int_eq(progress_sink(line).interval(line, row, NULL, &err), OK);
}

static void progress_line(struct progress *line, uint64_t elapsed_ns, uint64_t answered,
                          uint64_t ok, uint64_t failed)
{
    const struct run_live live = {elapsed_ns, answered, ok, failed};
    struct err err = {.code = OK};
    ck_assert_int_eq(progress_sink(line).live(line, &live, &err), OK);
}

static void progress_end(struct progress *line)
{
    struct err err = {.code = OK};
    ck_assert_int_eq(progress_sink(line).run_end(line, NULL, &err), OK);
}

static void progress_destroy(struct progress *line)
{
    progress_sink(line).destroy(line);
}

static void set_up(void)
{
    struct err err = {.code = OK};
    out = open_memstream(&text, &text_bytes);
    ck_assert_int_eq(progress_init(&progress, out, false, &err), OK);
}

static void tear_down(void)
{
    progress_destroy(&progress);
    fclose(out);
    free(text);
}

TEST(a_counted_run_shows_its_share)
{
    /* breaks if the line differs from the form that features 1.20 promises */
    struct run_facts facts = fixture_facts();
    facts.requests = 100000;
    progress_begin(&progress, &facts);
    struct interval_row *row = fixture_row(0);
    fixture_answer(row, 110000, 90);
    fixture_answer(row, 180000, 10);
    progress_add(&progress, row);
    progress_line(&progress, 1500 * NS_PER_MS, 1234, 1234, 0);
    progress_line(&progress, 2500 * NS_PER_MS, 3234, 3234, 7);
    progress_end(&progress);
    ck_assert_str_eq(text, "[1.5s] Progress: 1,234/100,000 (1.2%), RPS: current=823 avg=822.7, "
                           "Errors: 0 | Latency (ms): avg=0.12 p50=0.11 p95=0.18 p99=0.18\n"
                           "[2.5s] Progress: 3,234/100,000 (3.2%), RPS: current=2,000 "
                           "avg=1,293.6, Errors: 7\n");
    free(row);
}

/* Lines on a terminal of so many columns: an open loop with all that a line can hold. */
static char *shown(unsigned short columns, unsigned short then)
{
    static char screen[4096];
    struct run_facts facts = fixture_facts();
    struct err err = {.code = OK};
    int master;
    FILE *terminal = test_terminal_open(&master, columns);
    struct progress line;
    struct interval_row *row = fixture_row(0);
    facts.open_loop = true;
    fixture_answer(row, 110000, 90);
    row->counters[COUNTER_SHED_LATE] = 3;
    row->header.backlog_after = 120;
    histogram_record_n(&row->histograms[HISTOGRAM_RESPONSE_OK], 110000, 90);
    ck_assert_int_eq(progress_init(&line, terminal, false, &err), OK);
    progress_begin(&line, &facts);
    progress_add(&line, row);
    progress_line(&line, 1500 * NS_PER_MS, 1234, 1234, 0);
    struct winsize size = {.ws_row = 24, .ws_col = then};
    ck_assert_int_eq(ioctl(fileno(terminal), TIOCSWINSZ, &size), 0);
    progress_add(&line, row);
    progress_line(&line, 2500 * NS_PER_MS, 3234, 3234, 7);
    progress_destroy(&line);
    free(row);
    fclose(terminal);
    size_t used = 0; /* to the end, which the closed terminal makes an error */
    for (ssize_t got; (got = read(master, screen + used, sizeof screen - 1 - used)) > 0;)
        used += (size_t)got;
    screen[used] = '\0';
    close(master);
    return screen;
}

TEST(parts_of_a_line_fit_the_terminal)
{
    /* breaks if a scenario's line wraps, ends within a part, or stands below the one before in place of over it */
    static const char *const first[] = {"[1.0s] phase 1 of 2", ", 5 s left", "; 7 keys"};
    static const char *const then[] = {"[2.0s] phase", "; none"};
    char screen[256];
    int master;
    FILE *terminal = test_terminal_open(&master, 30);
    struct live_line line = live_line_on(terminal);
    live_line_show_parts(&line, first, 3);
    live_line_show_parts(&line, then, 2);
    live_line_end(&line);
    fclose(terminal);
    const ssize_t bytes = read(master, screen, sizeof screen - 1);
    ck_assert_int_gt(bytes, 0);
    screen[bytes] = '\0';
    close(master);
    ck_assert_str_eq(screen, "\r[1.0s] phase 1 of 2, 5 s left\r[2.0s] phase; none           \r"
                             "                  \r");
}

TEST(a_line_fits_the_terminal)
{
    /* breaks if the line wraps at any width, also when the terminal has become narrower */
    for (unsigned short columns = 2; columns < 200; columns++) {
        unsigned short then = columns > 22 ? columns - 20 : columns;
        char *rest = shown(columns, then), *line;
        ck_assert_str_eq(strsep(&rest, "\r"), "");
        line = strsep(&rest, "\r");
        ck_assert_uint_lt(strlen(line), columns);
        ck_assert_uint_lt(strlen(rest), then);
    }
    ck_assert_ptr_nonnull(strstr(shown(200, 200), "p95"));
    ck_assert_ptr_null(strstr(shown(132, 132), "p95"));
    ck_assert_ptr_nonnull(strstr(shown(132, 132), "p99>="));
    ck_assert_ptr_null(strstr(shown(80, 80), "p99"));
    ck_assert_ptr_nonnull(strstr(shown(80, 80), "Backlog: 120"));
    ck_assert_ptr_nonnull(strstr(shown(66, 66), "Errors: 7"));
    ck_assert_ptr_nonnull(strstr(shown(0, 0), "Backlog: 120"));
}

TEST(results_never_share_its_line)
{
    /* Breaks when results are written behind a progress line that stands on the same terminal. */
    struct run_facts facts = fixture_facts();
    struct err err = {.code = OK};
    struct progress line;
    struct output results;
    char screen[1024] = "";
    size_t used = 0;
    int master;
    FILE *terminal = test_terminal_open(&master, 200);
    ck_assert_int_ge(dup2(fileno(terminal), STDERR_FILENO), 0); /* each test is a process */
    output_borrow(&results, terminal);
    ck_assert_int_eq(progress_init(&line, terminal, false, &err), OK);
    progress_begin(&line, &facts);
    progress_line(&line, 1500 * NS_PER_MS, 900, 900, 0);
    output_printf(&results, "GET: 900 requests per second\n");
    ck_assert_int_eq(output_status(&results, &err), OK);
    while (strstr(screen, "second\r\n") == NULL) { /* the terminal puts \r before \n */
        ssize_t got = read(master, screen + used, sizeof screen - 1 - used);
        ck_assert_int_gt(got, 0);
        used += (size_t)got;
    }
    const char *shown_line = strstr(screen, "Progress: "), *result = strstr(screen, "GET: 900");
    ck_assert_ptr_nonnull(shown_line);
    ck_assert_ptr_nonnull(result);
    ck_assert_int_eq(result[-1], '\r');
    const char *blank = result - 2; /* what stood there is overwritten */
    while (*blank == ' ')
        blank--;
    ck_assert_int_eq(*blank, '\r');
    ck_assert_int_ge(result - 2 - blank, blank - strchr(screen, '[') - 1);
    progress_destroy(&line);
    fclose(terminal);
    close(master);
}

TEST(a_timed_run_shows_its_time)
{
    /* breaks if a run with a duration shows a share of requests it does not have */
    struct run_facts facts = fixture_facts();
    facts.requests = 0;
    facts.duration_ns = 10 * NS_PER_SECOND;
    progress_begin(&progress, &facts);
    progress_line(&progress, 1500 * NS_PER_MS, 3000, 3000, 0);
    progress_line(&progress, 11000 * NS_PER_MS, 3000, 3000, 0);
    ck_assert_str_eq(text, "[1.5s] Progress: 3,000 (15.0%), RPS: current=2,000 avg=2,000.0, "
                           "Errors: 0\n"
                           "[11.0s] Progress: 3,000 (100.0%), RPS: current=0 avg=272.7, "
                           "Errors: 0\n");
}

TEST(the_warmup_is_not_progress)
{
    /* breaks if requests of the warm-up count towards the share or the average */
    struct run_facts facts = fixture_facts();
    facts.warmup_ns = NS_PER_SECOND;
    progress_begin(&progress, &facts);
    progress_line(&progress, 500 * NS_PER_MS, 100, 100, 0);
    struct interval_row *row = fixture_row(0);
    row->header.flags = INTERVAL_WARMUP;
    fixture_answer(row, 110000, 200);
    progress_add(&progress, row);
    progress_line(&progress, 2000 * NS_PER_MS, 700, 700, 0);
    ck_assert_ptr_nonnull(strstr(text, "[0.5s] Progress: 100 (warm-up), RPS: current=200 "
                                       "avg=200.0"));
    ck_assert_ptr_nonnull(strstr(text, "[2.0s] Progress: 500/1,000 (50.0%), RPS: current=400 "
                                       "avg=500.0"));
    free(row);
}

TEST(a_terminal_gets_one_line_rewritten)
{
    /* breaks if lines pile up on a terminal, a longer one shines through a shorter one, or the last one
     * stays and tells of a run that is not over */
    struct run_facts facts = fixture_facts();
    progress.named = true;
    progress.line.terminal = true;
    progress_begin(&progress, &facts);
    progress_line(&progress, 1000 * NS_PER_MS, 900, 900, 100);
    progress_line(&progress, 2000 * NS_PER_MS, 900, 900, 0);
    progress_end(&progress);
    progress_end(&progress);
    char wanted[400];
    static const char last[] =
        "GET [2.0s] Progress: 900/1,000 (90.0%), RPS: current=0 avg=450.0, Errors: 0";
    snprintf(wanted, sizeof wanted, "%s\r%s    \r%*s\r",
             "\rGET [1.0s] Progress: 900/1,000 (90.0%), RPS: current=900 avg=900.0, Errors: 100",
             last, (int)strlen(last), "");
    ck_assert_str_eq(text, wanted);
}

TEST(what_was_wiped_stays_wiped)
{
    /* breaks if the end of a run leaves an empty line among results that took the line away, or behind a
     * message that ended it */
    struct run_facts facts = fixture_facts();
    progress.line.terminal = true;
    progress_begin(&progress, &facts);
    progress_line(&progress, 1000 * NS_PER_MS, 900, 900, 100);
    log_progress_line(0); /* as the log notes it */
    size_t before = text_bytes;
    progress_end(&progress);
    fflush(out);
    ck_assert_uint_eq(text_bytes, before);
}

TEST(a_prefill_names_its_test)
{
    /* breaks if the requests of a prefill look like those of the test, or one name runs into the next */
    struct run_facts facts = fixture_facts();
    facts.prefill = true;
    snprintf(facts.name, sizeof facts.name, "SET");
    snprintf(facts.prefill_for, sizeof facts.prefill_for, "GET");
    progress.named = true;
    progress_begin(&progress, &facts);
    progress_line(&progress, NS_PER_SECOND, 500, 500, 0);
    facts = fixture_facts();
    progress_begin(&progress, &facts);
    progress_line(&progress, NS_PER_SECOND, 500, 500, 0);
    ck_assert_ptr_eq(strstr(text, "Prefill for GET [1.0s] Progress: 500/1,000 "), text);
    ck_assert_ptr_nonnull(strstr(text, "\nGET [1.0s] Progress: 500/1,000 "));
}

TEST(a_prefill_says_how_long_it_takes)
{
    /* breaks if nobody can tell whether to wait, or a time is shown that nothing speaks for */
    struct run_facts facts = fixture_facts();
    facts.prefill = true;
    facts.requests = 10000;
    snprintf(facts.prefill_for, sizeof facts.prefill_for, "GET");
    progress_begin(&progress, &facts);
    progress_line(&progress, NS_PER_SECOND, 0, 0, 0);
    progress_line(&progress, 2 * NS_PER_SECOND, 2, 2, 0);
    progress_line(&progress, 3 * NS_PER_SECOND, 90, 90, 0);
    progress_line(&progress, 4 * NS_PER_SECOND, 7500, 7500, 0);
    progress_line(&progress, 5 * NS_PER_SECOND, 10000, 10000, 0);
    ck_assert_ptr_nonnull(strstr(text, "0/10,000 (0.0%), RPS"));
    ck_assert_ptr_nonnull(strstr(text, "2/10,000 (0.0%), 2 h 46 m left, RPS"));
    ck_assert_ptr_nonnull(strstr(text, "90/10,000 (0.9%), 5 m 31 s left, RPS"));
    ck_assert_ptr_nonnull(strstr(text, "7,500/10,000 (75.0%), 2 s left, RPS"));
    ck_assert_ptr_nonnull(strstr(text, "10,000/10,000 (100.0%), RPS"));
}

TEST(an_open_loop_shows_its_target)
{
    /* breaks if a line hides that the load is not what was asked for, or shows service times */
    struct run_facts facts = fixture_open_facts();
    progress_begin(&progress, &facts);
    progress_line(&progress, NS_PER_SECOND, 990, 990, 0); /* no row so far: nothing is known */
    struct interval_row *row = fixture_row(0);
    fixture_answer_at(row, 1000000, 9000000, 900);
    row->counters[COUNTER_DUE] += 9100;
    row->counters[COUNTER_SHED_LATE] = 1;
    row->header.backlog_after = 9099;
    progress_add(&progress, row);
    progress_line(&progress, 2 * NS_PER_SECOND, 1980, 1980, 0);
    progress_line(&progress, 3 * NS_PER_SECOND, 2970, 2970, 0); /* still the latest that is known */
    interval_row_reset(row);
    row->header.start_ns = NS_PER_SECOND;
    row->header.end_ns = NS_PER_SECOND * 3 / 2;
    row->counters[COUNTER_DUE] = row->counters[COUNTER_SENT] = 1000;
    progress_add(&progress, row);
    progress_line(&progress, 4 * NS_PER_SECOND, 3970, 3970, 0);
    ck_assert_str_eq(text, "[1.0s] Progress: 990 (10.0%), RPS: current=990 avg=990.0, Errors: 0\n"
                           "[2.0s] Progress: 1,980 (20.0%), RPS: current=990 of 10,000 avg=990.0, "
                           "Errors: 0, Backlog: 9,099, Shed: 1 | Latency (ms): avg=10.00 p50=10.00 "
                           "p95=10.00 p99=10.00\n"
                           "[3.0s] Progress: 2,970 (30.0%), RPS: current=990 of 10,000 avg=990.0, "
                           "Errors: 0, Backlog: 9,099, Shed: 1\n"
                           "[4.0s] Progress: 3,970 (40.0%), RPS: current=1,000 of 2,000 avg=992.5, "
                           "Errors: 0, Shed: 1 | Latency (ms): avg=- p50=- p95=- p99=-\n");
    facts.requests = 11000; /* all of -n was due by then: there is no target any more */
    facts.duration_ns = 0;
    progress_line(&progress, 5 * NS_PER_SECOND, 4970, 4970, 0);
    ck_assert_ptr_nonnull(strstr(text, "\n[5.0s] Progress: 4,970/11,000 (45.2%), RPS: "
                                       "current=1,000 avg=994.0, Errors: 0, Shed: 1\n"));
    free(row);
    facts = fixture_facts(); /* and the next run, which has no rate, says nothing of one */
    facts.index = 1;
    progress_begin(&progress, &facts);
    progress_line(&progress, NS_PER_SECOND, 500, 500, 0);
    ck_assert_ptr_nonnull(strstr(text, "\n[1.0s] Progress: 500/1,000 (50.0%), RPS: current=500 "
                                       "avg=500.0, Errors: 0\n"));
}

TEST(users_have_no_target)
{
    /* breaks if what users of a buffer came to send passes for a rate that was asked for */
    struct run_facts facts = fixture_open_facts();
    facts.has_users = true;
    progress_begin(&progress, &facts);
    struct interval_row *row = fixture_row(0);
    fixture_answer_at(row, 1000000, 9000000, 900);
    row->counters[COUNTER_DUE] += 100;
    progress_add(&progress, row);
    progress_line(&progress, NS_PER_SECOND, 990, 990, 0);
    ck_assert_ptr_nonnull(strstr(text, "RPS: current=990 avg=990.0"));
    free(row);
}

TEST(a_rate_is_that_of_the_report)
{
    /* breaks if error replies make the rate of the line higher than that of the report, which counts requests
     * without an error, or hide how far a run of -n is */
    struct run_facts facts = fixture_facts();
    progress_begin(&progress, &facts);
    progress_line(&progress, NS_PER_SECOND, 500, 300, 200);
    ck_assert_str_eq(text, "[1.0s] Progress: 500/1,000 (50.0%), RPS: current=300 avg=300.0, "
                           "Errors: 200\n");
}

TEST(what_has_no_reply_has_waited)
{
    /* breaks if a second in which most requests timed out shows the latency of the few that did not */
    struct run_facts facts = fixture_facts();
    struct interval_row *row = fixture_row(0);
    progress_begin(&progress, &facts);
    fixture_answer(row, 1000000, 10);
    fixture_unanswered(row, COUNTER_TIMED_OUT, 0, 5 * NS_PER_SECOND, 90);
    progress_add(&progress, row);
    progress_line(&progress, NS_PER_SECOND, 10, 10, 90);
    ck_assert_ptr_nonnull(strstr(text, "avg=1.00 p50>=4999.61 p95>=4999.61 p99>=4999.61\n"));
    interval_row_reset(row); /* and nothing that succeeds at once where nothing succeeds */
    row->header.end_ns = NS_PER_SECOND;
    fixture_unanswered(row, COUNTER_TIMED_OUT, 0, 5 * NS_PER_SECOND, 90);
    progress_add(&progress, row);
    progress_line(&progress, 2 * NS_PER_SECOND, 10, 10, 180);
    ck_assert_msg(strstr(text, "avg=- p50>=4999.61 p95>=4999.61 p99>=5000.00\n") != NULL, "%s",
                  text);
    free(row);
}

TEST_SUITE_WITH(progress, .set_up = set_up, .tear_down = tear_down)
