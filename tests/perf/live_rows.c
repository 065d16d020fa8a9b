/* A session that nobody has to wait for, with its live page: SECONDS SHOWN. The first line that it prints is where the page is. Rows and samples of SECONDS - SHOWN seconds are fed as fast
 * as they can be sent, the other ones one every 100 ms, so that each is drawn by itself. The last line that it prints says that
 * all are told; it ends with its input. For tests/perf/live_page.sh. */
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/err.h"
#include "orchestrator/watch/live.h"
#include "tests/support/check/report_fixture.h"

#define LATENCIES 60u
#define REQUESTS 20000u
#define FED_US 300       /* between rows that come fast: what a page can follow */
#define SHOWN_US 100000  /* between those that are looked at */
#define FIRST_ROW_S 20   /* a browser has that long to come */
#define MEMORY_BYTES 2e9 /* of the server */

static struct interval_row *row_of(uint32_t index)
{
    struct interval_row *row = fixture_row(index);
    for (uint32_t i = 0; i < LATENCIES; i++)
        fixture_answer_at(row, 80000 + (uint64_t)index % 997 * i * 20, 2000 + i * 100,
                          REQUESTS / LATENCIES + (index + i) % 7);
    return row;
}

/* As if the server had been asked at the end of the row. */
static void sample(struct watch_samples *samples, uint64_t began_ns, uint32_t index)
{
    const double seconds = index + 1;
    for (uint32_t i = 0; i < SERIES_METRICS; i++)
        samples->newest[i] = MEMORY_BYTES + 1000 * (i + 1) * seconds + index % 91 * 100.0;
    samples->known = true;
    samples->at_ns = began_ns + (index + 1) * NS_PER_SECOND;
    samples->hear(samples->state);
}

static void on_timer(evutil_socket_t fd, short what, void *base)
{
    (void)fd;
    (void)what;
    event_base_loopbreak(base);
}

static void serve(struct event_base *base, struct event *timer, uint64_t us)
{
    const struct timeval wait = {.tv_sec = (time_t)(us / 1000000), .tv_usec = (long)(us % 1000000)};
    evtimer_add(timer, &wait);
    event_base_dispatch(base);
}

static void on_input(evutil_socket_t fd, short what, void *over)
{
    char bytes[16];
    (void)what;
    if (read(fd, bytes, sizeof bytes) >= 0)
        *(bool *)over = true;
}

static bool play(struct timeline *timeline, struct event_base *base, struct watch_samples *samples,
                 uint32_t seconds, uint32_t shown)
{
    struct err err = {.code = OK};
    bool over = false;
    struct event *timer = evtimer_new(base, on_timer, base);
    struct event *input = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, on_input, &over);
    struct run_facts facts = fixture_open_facts();
    facts.started_wall_ns = clock_wall_ns();
    facts.duration_ns = seconds * NS_PER_SECOND;
    const uint64_t began_ns = clock_now_ns();
    timeline_run_begin(timeline, &facts);
    event_add(input, NULL);
    for (uint32_t i = 0; i < seconds && err.code == OK; i++) {
        struct interval_row *row = row_of(i);
        if (timeline_interval(timeline, row, &err) != OK)
            fprintf(stderr, "%s\n", err.text);
        free(row);
        sample(samples, began_ns, i);
        serve(base, timer,
              i == 1                ? FIRST_ROW_S * 1000000ull
              : i + shown < seconds ? FED_US
                                    : SHOWN_US);
    }
    puts("told");
    fflush(stdout);
    while (!over)
        serve(base, timer, SHOWN_US);
    event_free(input);
    event_free(timer);
    return err.code == OK;
}

int main(int argc, char **argv)
{
    static struct timeline timeline;
    static struct watch_samples samples;
    struct err err = {.code = OK};
    const uint32_t seconds = argc > 2 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
    const uint32_t shown = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 0;
    if (seconds == 0) {
        fprintf(stderr, "usage: live_rows SECONDS SHOWN\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN); /* a page that takes another snapshot closes what it had */
    struct session_facts session = fixture_session();
    const struct watch_options options = {.listen = "0"};
    struct event_base *base = event_base_new();
    struct live *live;
    watch_samples_init(&samples);
    const struct live_setup setup = {
        .options = &options, .timeline = &timeline, .samples = &samples, .kind = "runs"};
    if (timeline_init(&timeline, &err) != OK || live_open(&live, base, &setup, &err) != OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    puts(live_url(live));
    fflush(stdout);
    timeline_add(&timeline, live_sink(live));
    timeline_session_begin(&timeline, &session);
    const bool good = play(&timeline, base, &samples, seconds, shown);
    static struct run_result result; /* too large for a stack */
    result.evidence.steal_share = result.evidence.server_cpu_share = -1;
    timeline_run_end(&timeline, &result);
    timeline_session_end(&timeline);
    live_close(live);
    timeline_destroy(&timeline);
    event_base_free(base);
    fixture_session_free(&session);
    return good ? 0 : 1;
}
