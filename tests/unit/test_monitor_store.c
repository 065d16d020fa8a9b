/* What a monitor keeps: that it comes back as it was told, stays within its retention, survives a full disk, and what the
 * review makes of it. */
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "orchestrator/commands/monitor_report.h"
#include "orchestrator/watch/monitor_review.h"
#include "orchestrator/watch/monitor_store.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/temp_tree.h"

#define T0 1700000000000u /* 2023-11-14 22:13:20 UTC */
#define HOUR_MS 3600000u
#define DAYS_MS(days_) ((uint64_t)(days_)*24 * HOUR_MS)

static struct temp_tree tree;
static char path[200];
static struct review review;

static void set_up(void)
{
    temp_tree_make(&tree);
    snprintf(path, sizeof path, "%s/m.db", tree.path);
    setenv("TZ", "UTC", 1);
}

static void tear_down(void)
{
    review_free(&review);
    temp_tree_remove(&tree);
}

static struct monitor_store *open_store(uint64_t began_ms, uint64_t retention_ms)
{
    struct monitor_store *store = NULL;
    struct err err = {.code = OK};
    const struct monitor_store_setup setup = {
        .path = path, .retention_ms = retention_ms, .began_ms = began_ms, .interval_ms = 30000};
    ck_assert_msg(monitor_store_open(&store, &setup, &err) == OK, "%s", err.text);
    ck_assert_msg(monitor_store_begin(store, &err) == OK, "%s", err.text);
    return store;
}

/* Faster than time goes. */
static void feed(struct monitor_store *store, const struct monitor_sample *sample)
{
    for (int i = 0; i < 4000 && !monitor_store_has_room(store); i++)
        support_sleep_ms(5);
    monitor_store_sample(store, sample);
}

static struct monitor_sample sample_at(uint64_t at_ms, double ok, double failed)
{
    struct monitor_sample sample = {.at_ms = at_ms, .target = "127.0.0.1:6379"};
    for (unsigned i = 0; i < MONITOR_VALUES; i++)
        sample.values[i] = NAN;
    sample.values[MONITOR_SECONDS] = 30;
    sample.values[MONITOR_OK] = ok;
    sample.values[MONITOR_TIMED_OUT] = failed;
    for (unsigned i = MONITOR_ERRORS; i <= MONITOR_SHED; i++)
        if (isnan(sample.values[i]))
            sample.values[i] = 0;
    if (ok > 0)
        sample.values[MONITOR_P50] = 100;
    return sample;
}

static void up(struct monitor_sample *sample, double uptime, double memory)
{
    sample->values[MONITOR_UPTIME] = uptime;
    sample->values[MONITOR_PROCESS] = 7;
    sample->values[MONITOR_USED_MEMORY] = memory;
    sample->values[MONITOR_HOST_MEMORY] = 1e9;
    sample->values[MONITOR_MAXMEMORY] = 2e8;
    sample->values[MONITOR_HITS] = uptime * 3;
    sample->values[MONITOR_MISSES] = uptime;
    sample->values[MONITOR_EVICTED] = uptime / 10;
}

static void look_at(uint64_t from_ms, uint64_t to_ms)
{
    struct err err = {.code = OK};
    review_free(&review);
    ck_assert_msg(review_read(&review, path, from_ms, to_ms, &err) == OK, "%s", err.text);
}

TEST(test_what_is_kept_comes_back)
{
    /* Breaks when a report tells other numbers than the monitor saw, or misses a restart, an outage or a gap. */
    struct monitor_store *store = open_store(T0, DAYS_MS(7));
    for (unsigned i = 1; i <= 10; i++) {
        const bool down = i >= 4 && i <= 6;
        struct monitor_sample sample = sample_at(T0 + i * 30000, down ? 0 : 290, down ? 300 : 10);
        sample.values[MONITOR_P50] = down ? NAN : 100 + i;
        sample.values[MONITOR_MAX] = down ? NAN : 1000 * i;
        if (!down)
            up(&sample, i < 4 ? 1000 + i * 30 : (i - 6) * 30, 1e6 * i);
        feed(store, &sample);
    }
    const struct alert_event event = {.alert = "Slow",
                                      .state = ALERT_FIRING,
                                      .severity = ALERT_CRITICAL,
                                      .value = NAN,
                                      .at_ms = T0 + 100000,
                                      .server = "127.0.0.1:6379",
                                      .summary = "p99 is above 5 ms"};
    monitor_store_alert(store, &event);
    const struct monitor_store_account account = monitor_store_close(store, T0 + 300000);
    ck_assert(account.known && account.lost == 0 && account.written == 11);
    store = open_store(T0 + 600000, DAYS_MS(7)); /* five minutes later */
    const struct monitor_sample later = sample_at(T0 + 630000, 300, 0);
    monitor_store_sample(store, &later);
    (void)monitor_store_close(store, T0 + 630000);

    look_at(T0, T0 + 700000);
    const struct review_target *target = &review.targets[0];
    ck_assert_uint_eq(review.target_count, 1);
    ck_assert_str_eq(target->name, "127.0.0.1:6379");
    ck_assert_uint_eq(target->row_count, 11);
    ck_assert_double_eq(target->whole.answered, 7 * 290 + 300);
    ck_assert_double_eq(target->whole.asked, 7 * 300 + 3 * 300 + 300);
    ck_assert_double_eq(target->whole.p50_us, 105); /* of 100 101 102 103 107 108 109 110 */
    ck_assert_double_eq(target->whole.max_us, 10000);
    ck_assert_uint_eq(target->down.count, 1);
    ck_assert_uint_eq(target->down.items[0].from_ms, T0 + 90000);
    ck_assert_uint_eq(target->down.items[0].to_ms, T0 + 180000);
    ck_assert_uint_eq(target->restarts.count, 1);
    ck_assert_double_eq_tol(target->hit_ratio, 0.75, 1e-9);
    ck_assert_double_eq_tol(target->evicted, 6 + 9, 1e-9);
    ck_assert_uint_eq(review.run_count, 2);
    ck_assert_uint_eq(review.gaps.count, 1);
    ck_assert_uint_eq(review.gaps.items[0].from_ms, T0 + 300000);
    ck_assert_uint_eq(review.gaps.items[0].to_ms, T0 + 600000);
    ck_assert_uint_eq(review.alert_count, 1);
    ck_assert_str_eq(review.alerts[0].severity, "critical");
    ck_assert_str_eq(review.alerts[0].server, "127.0.0.1:6379");
}

static void run_statements(const char *statements)
{
    sqlite3 *database = NULL;
    ck_assert_int_eq(sqlite3_open_v2(path, &database, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(database, statements, NULL, NULL, NULL) == SQLITE_OK, "%s",
                  sqlite3_errmsg(database));
    ck_assert_int_eq(sqlite3_close(database), SQLITE_OK);
}

TEST(test_a_store_of_an_older_volley_is_gone_on_with)
{
    /* Breaks when an update of volley loses what was kept, a report takes the store away from an older monitor that still
     * writes there, or alerts of a store that was made newer name no server. */
    struct monitor_store *store = open_store(T0, DAYS_MS(7));
    struct monitor_sample sample = sample_at(T0 + 30000, 300, 0);
    monitor_store_sample(store, &sample);
    (void)monitor_store_close(store, T0 + 30000);
    run_statements(
        "DROP TABLE alerts;"
        "CREATE TABLE alerts(at_ms INTEGER NOT NULL, alert TEXT NOT NULL, state TEXT NOT "
        "NULL, severity TEXT NOT NULL, value REAL, text TEXT NOT NULL);"
        "CREATE INDEX alerts_at ON alerts(at_ms); PRAGMA user_version=1;"
        "INSERT INTO alerts VALUES(1700000010000,'Old','firing','warning',1.5,'x')");
    look_at(T0, T0 + DAYS_MS(1));
    ck_assert_uint_eq(review.alert_count, 1);
    ck_assert_str_eq(review.alerts[0].alert, "Old");
    ck_assert_str_eq(review.alerts[0].server, "");
    run_statements("INSERT INTO alerts VALUES(1700000020000,'Old','resolved','warning',1,'x')");
    store = open_store(T0 + 30000, DAYS_MS(7));
    const struct alert_event event = {.alert = "New",
                                      .state = ALERT_FIRING,
                                      .value = NAN,
                                      .at_ms = T0 + 50000,
                                      .server = "127.0.0.1:6380"};
    monitor_store_alert(store, &event);
    const struct monitor_store_account account = monitor_store_close(store, T0 + 60000);
    ck_assert(account.known && account.lost == 0);
    look_at(T0, T0 + DAYS_MS(1));
    ck_assert_uint_eq(review.alert_count, 3);
    ck_assert_str_eq(review_alert_text(&review.alerts[0]), "New"); /* it has no summary */
    ck_assert_str_eq(review_alert_text(&review.alerts[1]), "x");
    ck_assert_str_eq(review.alerts[0].server, "127.0.0.1:6380");
    ck_assert_str_eq(review.alerts[2].alert, "Old");
    ck_assert_uint_eq(review.targets[0].row_count, 1);
}

/* Rows of a second: of 'a', an answer; 'f', a failure; 'b', both; '.', nothing; '_', no row. */
static const struct review_stretches *downtime_of(const char *rows)
{
    unlink(path);
    struct monitor_store *store = open_store(T0, DAYS_MS(7));
    for (unsigned i = 0; rows[i] != '\0'; i++) {
        struct monitor_sample sample =
            sample_at(T0 + (i + 1) * 1000, strchr("ab", rows[i]) != NULL ? 10 : 0,
                      strchr("fb", rows[i]) != NULL ? 1 : 0);
        sample.values[MONITOR_SECONDS] = 1;
        if (rows[i] != '_')
            monitor_store_sample(store, &sample);
    }
    (void)monitor_store_close(store, T0 + 100000);
    look_at(0, T0 + DAYS_MS(1));
    return &review.targets[0].down;
}

static void expect_down(const char *rows, size_t count, uint64_t from_s, uint64_t to_s)
{
    const struct review_stretches *down = downtime_of(rows);
    ck_assert_msg(down->count == count, "%s: %zu", rows, down->count);
    if (count == 0)
        return;
    ck_assert_msg(down->items[0].from_ms == T0 + from_s * 1000, "%s", rows);
    ck_assert_msg(down->items[0].to_ms == T0 + to_s * 1000, "%s", rows);
}

TEST(test_a_server_that_stands_still_is_down)
{
    /* Breaks when the time in which a PING waits for its time-out is no downtime, or a slow probe makes some. */
    expect_down("aa....f...aa", 1, 2, 10); /* timed out once, and the next one was answered */
    expect_down("aa....b", 1, 2, 6);       /* and answered in the same interval */
    expect_down("aab...a", 1, 3, 6);
    expect_down("...f", 1, 0, 4);
    expect_down("aaff", 1, 2, 4);
    expect_down("a...a...a", 0, 0, 0);
    expect_down("a.....", 0, 0, 0);
    expect_down("bbabb", 0, 0, 0);
    expect_down("a..__.fa", 1, 5, 7); /* nobody watched before that */
    expect_down("af.a.fa", 2, 1, 3);
    ck_assert_uint_eq(review.targets[0].down.total_ms, 4000);
}

TEST(test_time_without_rows_is_told)
{
    /* Breaks when rows that a running monitor could not keep are not missed, or an end of a monitor looks like that. */
    (void)downtime_of("aa__aa");
    const struct review_target *target = &review.targets[0];
    ck_assert_uint_eq(target->missing.count, 1);
    ck_assert_uint_eq(target->missing.items[0].from_ms, T0 + 2000);
    ck_assert_uint_eq(target->missing.items[0].to_ms, T0 + 4000);
    (void)downtime_of("aaaaaa");
    ck_assert_uint_eq(review.targets[0].missing.count, 0);
    struct monitor_store *store = open_store(T0 + 200000, DAYS_MS(7));
    const struct monitor_sample sample = sample_at(T0 + 230000, 10, 0);
    monitor_store_sample(store, &sample);
    (void)monitor_store_close(store, T0 + 230000);
    look_at(0, T0 + DAYS_MS(1));
    ck_assert_uint_eq(review.gaps.count, 1);
    ck_assert_uint_eq(review.targets[0].missing.count, 0);
}

TEST(test_what_failed_is_not_rounded_away)
{
    /* Breaks when a server of which a PING failed is told as available for 100 %. */
    char text_path[220];
    struct err err = {.code = OK};
    size_t bytes;
    struct monitor_store *store = open_store(T0, DAYS_MS(7));
    const struct monitor_sample sample = sample_at(T0 + 30000, 9999999, 1);
    monitor_store_sample(store, &sample);
    (void)monitor_store_close(store, T0 + 30000);
    snprintf(text_path, sizeof text_path, "%s/text", tree.path);
    const int fd = open(text_path, O_RDWR | O_CREAT, 0600);
    ck_assert_int_ge(dup2(fd, STDOUT_FILENO), 0);
    const struct monitor_report_setup setup = {
        .path = path, .to_ms = T0 + 60000, .since_ms = DAYS_MS(1)};
    ck_assert_int_eq(monitor_report(&setup, &err), OK);
    (void)fflush(stdout);
    char *text = support_read_file(fd, &bytes);
    ck_assert_msg(strstr(text, "available 99.99 %: 9,999,999 of 10,000,000 PINGs") != NULL, "%s",
                  text);
    free(text);
}

TEST(test_retention_prunes)
{
    /* Breaks when a store grows with the time that a monitor runs. */
    struct monitor_store *store = open_store(T0, DAYS_MS(2));
    for (unsigned i = 1; i <= 24 * 10; i++) {
        const struct monitor_sample sample = sample_at(T0 + (uint64_t)i * HOUR_MS, 300, 0);
        feed(store, &sample);
    }
    (void)monitor_store_close(store, T0 + DAYS_MS(10));
    look_at(0, T0 + DAYS_MS(20));
    ck_assert_uint_ge(review.targets[0].row_count, 48);
    ck_assert_uint_le(review.targets[0].row_count, 50);
    ck_assert_uint_ge(review.targets[0].at_ms[0], T0 + DAYS_MS(8) - HOUR_MS);
}

static void keep_hours(uint64_t from_ms, unsigned count)
{
    struct monitor_store *store = open_store(from_ms, DAYS_MS(2));
    for (unsigned i = 1; i <= count; i++) {
        const struct monitor_sample sample = sample_at(from_ms + (uint64_t)i * HOUR_MS, 300, 0);
        monitor_store_sample(store, &sample);
        if (i % 60 == 0)
            support_sleep_ms(20);
    }
    (void)monitor_store_close(store, from_ms + (uint64_t)count * HOUR_MS);
}

TEST(test_a_wrong_clock_removes_no_history)
{
    /* Breaks when a start with a clock that is a year ahead, or the next one, deletes what was kept, or rows stay for ever after
     * it. */
    keep_hours(T0, 40);
    keep_hours(T0 + DAYS_MS(365), 3);
    look_at(0, T0 + DAYS_MS(500));
    ck_assert_uint_eq(review.targets[0].row_count, 43);
    keep_hours(T0 + DAYS_MS(365) + 4ull * HOUR_MS, 3); /* and once more */
    keep_hours(T0 + DAYS_MS(365) + 9ull * HOUR_MS, 1);
    look_at(0, T0 + DAYS_MS(500));
    ck_assert_uint_eq(review.targets[0].row_count, 47);
    keep_hours(T0 + 40ull * HOUR_MS, 3); /* the clock is right again */
    look_at(0, T0 + DAYS_MS(10));
    ck_assert_uint_eq(review.targets[0].row_count, 43);
    keep_hours(T0 + DAYS_MS(3), 240); /* goes on for ten days: what is older goes */
    look_at(0, T0 + DAYS_MS(20));
    ck_assert_uint_ge(review.targets[0].row_count, 48);
    ck_assert_uint_le(review.targets[0].row_count, 50);
    /* A long time in which nobody watched: they age by what is watched since, and by the ten hours of the wrong clock. */
    keep_hours(T0 + DAYS_MS(400), 30);
    look_at(0, T0 + DAYS_MS(20));
    ck_assert_uint_ge(review.targets[0].row_count, 36);
    keep_hours(T0 + DAYS_MS(402), 30);
    keep_hours(T0 + DAYS_MS(404), 1);
    look_at(0, T0 + DAYS_MS(20));
    ck_assert_uint_eq(review.target_count > 0 ? review.targets[0].row_count : 0, 0);
    keep_hours(T0 + DAYS_MS(800), 240); /* two years later: its own do not heap up */
    look_at(T0 + DAYS_MS(700), T0 + DAYS_MS(900));
    ck_assert_uint_le(review.targets[0].row_count, 50);
}

static enum err_code try_open(struct monitor_store **store)
{
    struct err err = {.code = OK};
    const struct monitor_store_setup setup = {
        .path = path, .retention_ms = DAYS_MS(2), .began_ms = T0, .interval_ms = 30000};
    return monitor_store_open(store, &setup, &err);
}

TEST(test_no_lock_is_left)
{
    /* Breaks when a file stays beside the store, two monitors write into one, or one that opened the lock of a monitor that ends
     * holds a file that nobody else looks at. */
    char lock_path[220];
    struct monitor_store *store = NULL, *other = NULL;
    snprintf(lock_path, sizeof lock_path, "%s.lock", path);
    ck_assert_int_eq(try_open(&store), OK);
    ck_assert_int_eq(access(lock_path, F_OK), 0);
    ck_assert_int_eq(try_open(&other), E_USAGE);
    ck_assert_int_eq(access(lock_path, F_OK), 0); /* who is refused removes nothing */
    const int late = open(lock_path, O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(late, 0);
    (void)monitor_store_close(store, 0);
    ck_assert_int_ne(access(lock_path, F_OK), 0);
    ck_assert_int_eq(flock(late, LOCK_EX | LOCK_NB), 0); /* it is locked, and none */
    ck_assert_int_eq(try_open(&store), OK);
    ck_assert_int_eq(unlink(lock_path), 0); /* by somebody who tidies up */
    ck_assert_int_eq(try_open(&other), OK);
    (void)monitor_store_close(store, 0);
    ck_assert_int_eq(access(lock_path, F_OK), 0); /* the other one's */
    (void)monitor_store_close(other, 0);
    close(late);
}

/* A month of hours: memory rises by so much a day, and a noise of that size. */
static void make_trend(double rise, double noise)
{
    struct monitor_store *store = open_store(T0, DAYS_MS(100));
    for (unsigned i = 1; i <= 24 * 30; i++) {
        struct monitor_sample sample = sample_at(T0 + (uint64_t)i * HOUR_MS, 300, 0);
        const double wave = (double)(i * 7919 % 101) / 100 - 0.5;
        up(&sample, i * 3600.0, 5e7 + rise * i / 24 + noise * wave);
        feed(store, &sample);
    }
    (void)monitor_store_close(store, T0 + DAYS_MS(30));
    look_at(0, T0 + DAYS_MS(31));
}

TEST(test_a_trend_is_told_from_noise)
{
    /* Breaks when headroom is promised, or denied, by noise. */
    make_trend(1e6, 4e6);
    const struct review_target *target = &review.targets[0];
    ck_assert_msg(target->trends[TREND_MEMORY].real, "%g of %zu rows",
                  target->trends[TREND_MEMORY].per_day, target->row_count);
    ck_assert_double_eq_tol(target->trends[TREND_MEMORY].per_day, 1e6, 3e4);
    ck_assert(target->limit_is_maxmemory);
    ck_assert_double_eq_tol(target->days_until_full,
                            (2e8 - target->whole.used_memory) / target->trends[2 + 1].per_day,
                            1e-6);
    ck_assert_uint_eq(target->day_count, 31);
    unlink(path);
    make_trend(0, 4e6);
    ck_assert(!review.targets[0].trends[TREND_MEMORY].real);
    ck_assert(isnan(review.targets[0].days_until_full));
}

TEST(test_amounts_that_are_none_are_not_known)
{
    /* Breaks when numbers that a server made up, or a file has from elsewhere, are told or are undefined behaviour. */
    struct monitor_store *store = open_store(T0, DAYS_MS(7));
    for (unsigned i = 1; i <= 3; i++) {
        struct monitor_sample sample = sample_at(T0 + i * 30000, 300, 0);
        up(&sample, 100.0 * i, i == 1 ? 1e30 : i == 2 ? -1e30 : 1e6);
        sample.values[MONITOR_HOST_MEMORY] = INFINITY;
        sample.values[MONITOR_MAXMEMORY] = -1;
        sample.values[MONITOR_SECONDS] = i == 1 ? 1e18 : 30;
        monitor_store_sample(store, &sample);
    }
    (void)monitor_store_close(store, T0 + 90000);
    look_at(0, T0 + DAYS_MS(1));
    const struct review_target *target = &review.targets[0];
    ck_assert_uint_eq(target->whole.from_ms, 0);
    ck_assert_uint_eq(target->whole.to_ms, T0 + 90000);
    ck_assert_double_eq(target->whole.used_memory, 1e6);
    ck_assert(isnan(target->values[MONITOR_USED_MEMORY]));
    ck_assert(isnan(target->limit_bytes));
}

static void expect_refused(const char *wanted)
{
    struct monitor_store *store = NULL;
    struct err err = {.code = OK};
    const struct monitor_store_setup setup = {
        .path = path, .retention_ms = 1000, .began_ms = T0, .interval_ms = 1000};
    ck_assert_int_eq(monitor_store_open(&store, &setup, &err), E_USAGE);
    ck_assert_msg(strstr(err.text, wanted) != NULL, "%s", err.text);
    ck_assert_ptr_null(store);
}

TEST(test_strange_files_are_refused)
{
    /* Breaks when two monitors write one store, or a file of somebody else's is written to. */
    struct monitor_store *store = open_store(T0, DAYS_MS(1));
    expect_refused("another monitor writes there");
    (void)monitor_store_close(store, T0);
    unlink(path);
    temp_tree_write(&tree, "/m.db",
                    "this is a text of somebody's, and longer than a header is....."
                    "............................................................",
                    0600);
    expect_refused("not a database");
    snprintf(path, sizeof path, "%s/none/m.db", tree.path);
    expect_refused("cannot be written");
}

static bool said(int fd, const char *wanted)
{
    for (int i = 0; i < 400; i++) {
        size_t bytes;
        char *text = support_read_file(fd, &bytes);
        const bool there = strstr(text, wanted) != NULL;
        free(text);
        if (there)
            return true;
        support_sleep_ms(25);
    }
    return false;
}

static void limit_children(rlim_t bytes)
{
    pid_t children[4];
    const struct rlimit limit = {.rlim_cur = bytes, .rlim_max = RLIM_INFINITY};
    ck_assert_uint_eq(support_children(getpid(), children, 4), 1);
    ck_assert_int_eq(prlimit(children[0], RLIMIT_FSIZE, &limit, NULL), 0);
}

TEST(test_a_full_disk_costs_rows_alone)
{
    /* Breaks when a disk that is full ends the writing for good, or rows that were lost are not counted. */
    char log_path[220];
    uint64_t sent = 0;
    snprintf(log_path, sizeof log_path, "%s/log", tree.path);
    const int log_fd = open(log_path, O_RDWR | O_CREAT | O_APPEND, 0600);
    ck_assert_int_ge(dup2(log_fd, STDERR_FILENO), 0);
    struct monitor_store *store = open_store(T0, DAYS_MS(7));
    limit_children(8192); /* the log has less, a batch more */
    for (; sent < 100; sent++) {
        const struct monitor_sample sample = sample_at(T0 + sent * 1000, 10, 0);
        feed(store, &sample);
    }
    ck_assert(said(log_fd, "cannot be written to"));
    limit_children(RLIM_INFINITY);
    for (int i = 0; i < 200; i++, sent++) {
        const struct monitor_sample sample = sample_at(T0 + sent * 1000, 10, 0);
        feed(store, &sample);
        support_sleep_ms(1);
    }
    ck_assert(said(log_fd, "is written to again"));
    const struct monitor_store_account account = monitor_store_close(store, T0 + sent * 1000);
    look_at(0, T0 + DAYS_MS(1));
    ck_assert(account.known);
    ck_assert_uint_gt(account.lost, 0);
    ck_assert_uint_eq(account.lost + account.written, sent);
    ck_assert_uint_eq(review.targets[0].row_count, account.written);
    ck_assert_uint_eq(review.rows_lost, account.lost);
}

TEST(test_a_writer_that_dies_is_started_again)
{
    /* Breaks when a monitor whose writer was killed keeps nothing from then on, or its account misses rows. */
    struct monitor_store *store = NULL;
    struct err err = {.code = OK};
    uint64_t sent = 0;
    pid_t before, after = 0;
    const struct monitor_store_setup setup = {.path = path,
                                              .retention_ms = DAYS_MS(7),
                                              .began_ms = T0,
                                              .interval_ms = 1000,
                                              .restart_ms = 200};
    ck_assert_int_eq(monitor_store_open(&store, &setup, &err), OK);
    ck_assert_int_eq(monitor_store_begin(store, &err), OK);
    ck_assert_uint_eq(support_children(getpid(), &before, 1), 1);
    for (; sent < 50; sent++) {
        const struct monitor_sample sample = sample_at(T0 + sent * 1000, 10, 0);
        feed(store, &sample);
    }
    ck_assert_int_eq(kill(before, SIGKILL), 0);
    for (int i = 0; i < 4000 && (after == 0 || after == before); i++, sent++) {
        const struct monitor_sample sample = sample_at(T0 + sent * 1000, 10, 0);
        monitor_store_sample(store, &sample);
        if (support_children(getpid(), &after, 1) != 1)
            after = 0;
        support_sleep_ms(5);
    }
    ck_assert(after != 0 && after != before);
    const struct monitor_store_account account = monitor_store_close(store, T0 + sent * 1000);
    look_at(0, T0 + DAYS_MS(1));
    ck_assert(account.known);
    ck_assert_uint_gt(account.written, 0);
    ck_assert_uint_eq(account.written + account.lost, sent);
    ck_assert_uint_eq(review.rows_lost, account.lost);
    ck_assert_uint_ge(review.targets[0].row_count, account.written);
}

TEST(test_lost_rows_are_counted_at_the_end)
{
    /* Breaks when a monitor that ends while the disk is full has lost rows of which its file does not know. */
    pid_t writer;
    struct monitor_store *store = open_store(T0, DAYS_MS(7));
    ck_assert_uint_eq(support_children(getpid(), &writer, 1), 1);
    ck_assert_int_eq(kill(writer, SIGSTOP), 0); /* so that all is one batch */
    limit_children(40000); /* the file as it is, a row of runs, but not this: */
    for (uint64_t i = 0; i < 300; i++) {
        struct monitor_sample sample = sample_at(T0 + i * 1000, 10, 0);
        for (unsigned k = MONITOR_P50; k < MONITOR_VALUES; k++)
            sample.values[k] = 0.1 + k;
        monitor_store_sample(store, &sample);
    }
    const pid_t waker = fork();
    if (waker == 0) {
        support_sleep_ms(300);
        kill(writer, SIGCONT);
        _exit(0);
    }
    const struct monitor_store_account account = monitor_store_close(store, T0 + 300000);
    (void)waitpid(waker, NULL, 0);
    ck_assert(account.known);
    ck_assert_uint_gt(account.lost, 0);
    look_at(0, T0 + DAYS_MS(1));
    ck_assert_uint_eq(review.rows_lost, account.lost);
}

TEST_SUITE_WITH(monitor_store, .set_up = set_up, .tear_down = tear_down, .timeout_seconds = 60)
