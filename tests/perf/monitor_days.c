/* A monitor of three servers for days that nobody has to wait for. Rows and samples take the monitor's own way: timeline, live page
 * and endpoints, store. Prints the memory of this process and the size of the store after the first intervals,
 * and after each day.
 *
 *   monitor_days STORE DAYS RETENTION_DAYS [INTERVAL_SECONDS [alone]]
 *
 * 30 s where none is given; alone: without page and endpoints. */
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "orchestrator/commands/monitor_run.h"
#include "orchestrator/watch/live.h"

#define DAY_MS 86400000u
#define PINGS_A_SECOND 10u
#define TARGETS 3u
#define FIRST_ROWS 20u
#define MEGABYTE 1048576.0

static uint64_t interval_ns = 30 * NS_PER_SECOND;
static struct watch_targets targets;
static struct timeline timeline;
static struct watch_samples samples;
static struct monitor monitor;
static struct interval_row *rows[TARGETS];

static void fill(struct interval_row *row, uint64_t index, uint32_t target)
{
    const uint64_t pings = interval_ns / NS_PER_SECOND * PINGS_A_SECOND;
    interval_row_reset(row);
    row->header.flags = INTERVAL_OPEN_LOOP;
    row->header.start_ns = index * interval_ns;
    row->header.end_ns = (index + 1) * interval_ns;
    row->header.connections_open = 1;
    row->counters[COUNTER_DUE] = row->counters[COUNTER_SENT] = pings;
    row->counters[COUNTER_OK] = pings;
    row->header.times = (struct outcome_times){.first_ok_ns = row->header.start_ns + 1,
                                               .last_ok_ns = row->header.end_ns};
    for (uint64_t i = 0; i < pings; i++) {
        const uint64_t latency_ns = 80000 + (index * 7919 + i * (target + 13)) % 1000 * 300;
        histogram_record_n(&row->histograms[HISTOGRAM_SERVICE_OK], latency_ns, 1);
        histogram_record_n(&row->histograms[HISTOGRAM_RESPONSE_OK], latency_ns, 1);
    }
    histogram_record_n(&row->histograms[HISTOGRAM_SLIP], 1000, pings);
    histogram_record_n(&row->histograms[HISTOGRAM_WAIT], 0, pings);
}

static void hear(uint64_t index, uint32_t target)
{
    double values[SAMPLER_FIELDS_MAX];
    for (uint32_t i = 0; i < monitor.field_count; i++)
        values[i] = 1e6 * (i + 1) + (double)(index * (target + 1));
    const struct server_sample sample = {.at_ns = clock_now_ns(), .known = true, .values = values};
    monitor_hear(&monitor.items[target], &sample);
}

static double resident_mb(void)
{
    long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%ld %ld", &pages, &resident) != 2)
        resident = 0;
    if (file != NULL)
        fclose(file);
    return (double)resident * (double)sysconf(_SC_PAGESIZE) / MEGABYTE;
}

static double size_mb(const char *path, const char *ending)
{
    char name[4096];
    struct stat about;
    snprintf(name, sizeof name, "%s%s", path, ending);
    return stat(name, &about) == 0 ? (double)about.st_size / MEGABYTE : 0;
}

static void wait_for_room(void)
{
    while (!monitor_store_has_room(monitor.store))
        usleep(1000);
}

static void play(const char *path, uint64_t days, uint64_t first_ms)
{
    const struct interval_row *taken[TARGETS];
    const uint64_t rows_in_day = DAY_MS / (interval_ns / NS_PER_MS);
    for (uint64_t index = 0; index < days * rows_in_day; index++) {
        for (uint32_t i = 0; i < TARGETS; i++) {
            fill(rows[i], index, i);
            hear(index, i);
            taken[i] = rows[i];
        }
        wait_for_room();
        monitor_take(&monitor, taken, first_ms + (index + 1) * interval_ns / NS_PER_MS, false);
        (void)event_base_loop(monitor.base, EVLOOP_NONBLOCK);
        if (index + 1 == FIRST_ROWS)
            printf("begun: %.2f MB resident\n", resident_mb());
        if ((index + 1) % rows_in_day == 0)
            printf("day %2u: %.2f MB resident, store %.2f MB, its log %.2f MB\n",
                   (unsigned)((index + 1) / rows_in_day), resident_mb(), size_mb(path, ""),
                   size_mb(path, "-wal"));
    }
}

static bool begin(struct live **live, const char *path, uint64_t retention_days, uint64_t first_ms,
                  struct err *err)
{
    static const struct watch_options options = {.listen = "0"};
    const struct monitor_store_setup store = {.path = path,
                                              .retention_ms = retention_days * DAY_MS,
                                              .began_ms = first_ms,
                                              .interval_ms = interval_ns / NS_PER_MS};
    const struct live_setup setup = {
        .options = &options, .timeline = &timeline, .samples = &samples, .kind = "runs"};
    watch_samples_init(&samples);
    for (targets.count = 0; targets.count < TARGETS; targets.count++)
        snprintf(targets.items[targets.count].address.text,
                 sizeof targets.items[targets.count].address.text, "10.0.0.%u:6379",
                 targets.count + 1);
    monitor = (struct monitor){.targets = &targets,
                               .base = event_base_new(),
                               .timeline = &timeline,
                               .samples = &samples,
                               .interval_ns = interval_ns,
                               .window_ns = 10 * interval_ns,
                               .probe_period_ns = NS_PER_SECOND / 10};
    return monitor_store_open(&monitor.store, &store, err) == OK &&
           monitor_store_begin(monitor.store, err) == OK && timeline_init(&timeline, err) == OK &&
           (live == NULL || live_open(live, monitor.base, &setup, err) == OK);
}

int main(int argc, char **argv)
{
    struct live *live = NULL;
    struct err err = {.code = OK};
    const uint64_t days = argc > 3 ? strtoull(argv[2], NULL, 10) : 0;
    const uint64_t retention_days = argc > 3 ? strtoull(argv[3], NULL, 10) : 0;
    const uint64_t seconds = argc > 4 ? strtoull(argv[4], NULL, 10) : 30;
    const bool alone = argc > 5 && strcmp(argv[5], "alone") == 0;
    if (days == 0 || retention_days == 0 || seconds == 0) {
        fprintf(stderr, "usage: monitor_days STORE DAYS RETENTION_DAYS [SECONDS [alone]]\n");
        return 2;
    }
    interval_ns = seconds * NS_PER_SECOND;
    const uint64_t first_ms = clock_wall_ns() / NS_PER_MS - days * DAY_MS;
    const double percentiles[] = {50, 95, 99};
    const struct session_facts session = {.spec = json_object(),
                                          .environment = json_object(),
                                          .command = "monitor",
                                          .percentiles = percentiles,
                                          .percentile_count = 3};
    for (uint32_t i = 0; i < TARGETS; i++)
        rows[i] = interval_row_create();
    if (!begin(alone ? NULL : &live, argv[1], retention_days, first_ms, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    if (live != NULL)
        timeline_add(&timeline, live_sink(live));
    timeline_session_begin(&timeline, &session);
    if (monitor_begin(&monitor, clock_now_ns(), &err) == OK) {
        play(argv[1], days, first_ms);
        monitor_end(&monitor);
    }
    timeline_session_end(&timeline);
    const struct monitor_store_account account =
        monitor_store_close(monitor.store, clock_wall_ns() / NS_PER_MS);
    printf("%llu rows written, %llu lost; store %.2f MB\n", (unsigned long long)account.written,
           (unsigned long long)account.lost, size_mb(argv[1], ""));
    if (monitor.code != OK)
        fprintf(stderr, "%s\n", monitor.err.text);
    live_close(live);
    monitor_free(&monitor);
    timeline_destroy(&timeline);
    event_base_free(monitor.base);
    json_decref(session.spec);
    json_decref(session.environment);
    for (uint32_t i = 0; i < TARGETS; i++)
        free(rows[i]);
    return monitor.code == OK && account.lost == 0 && err.code == OK ? 0 : 1;
}
