#include "orchestrator/watch/monitor_review.h"

#include <errno.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/printable.h"
#include "common/units.h"
#include "orchestrator/report/statistics.h"

#define DAY_MS 86400000.0
#define TREND_PARTS 200u
#define TREND_PARTS_LEAST 8u
#define TREND_P 0.01
#define TREND_SPAN_LEAST_MS (6 * 3600000ull) /* what some minutes did says nothing of days */
#define UPTIME_SLACK_SECONDS 2.0

static const enum monitor_value trend_values[REVIEW_TRENDS] = {[TREND_P50] = MONITOR_P50,
                                                               [TREND_P99] = MONITOR_P99,
                                                               [TREND_OPS] = MONITOR_OPS,
                                                               [TREND_MEMORY] =
                                                                   MONITOR_USED_MEMORY};

const char *review_trend_name(enum review_trend_of trend)
{
    return monitor_value_name(trend_values[trend]);
}

const char *review_alert_text(const struct review_alert *alert)
{
    return alert->text[0] != '\0' ? alert->text : alert->alert;
}

double review_availability(const struct review_figures *figures)
{
    return figures->asked > 0 ? figures->answered / figures->asked : (double)NAN;
}

static const double *row_at(const struct review_target *target, size_t row)
{
    return &target->values[row * MONITOR_VALUES];
}

static void add_stretch(struct review_stretches *list, uint64_t from_ms, uint64_t to_ms)
{
    if (list->count < REVIEW_LIST_MAX)
        list->items[list->count] = (struct review_stretch){from_ms, to_ms};
    list->count++;
    list->total_ms += to_ms > from_ms ? to_ms - from_ms : 0;
}

/* ---- figures of rows ---- */

static double known_or_0(double value)
{
    return isnan(value) ? 0 : value;
}

static uint64_t start_of(const struct review_target *target, size_t row)
{
    const double ms = 1000 * known_or_0(row_at(target, row)[MONITOR_SECONDS]);
    const uint64_t at_ms = target->at_ms[row];
    return ms < (double)at_ms ? at_ms - units_whole(ms) : 0;
}

/* The column of rows first..last-1 into room; returns room. */
static double *column(double *room, const struct review_target *target, size_t first, size_t last,
                      enum monitor_value value)
{
    for (size_t i = first; i < last; i++)
        room[i - first] = row_at(target, i)[value];
    return room;
}

static void sum_up(struct review_figures *figures, const struct review_target *target, size_t first,
                   size_t last, double *room)
{
    const size_t count = last - first;
    *figures = (struct review_figures){
        .from_ms = start_of(target, first), .to_ms = target->at_ms[last - 1], .used_memory = NAN};
    for (size_t i = first; i < last; i++) {
        const double *row = row_at(target, i);
        figures->answered += known_or_0(row[MONITOR_OK]);
        for (unsigned k = MONITOR_OK; k <= MONITOR_SHED; k++)
            figures->asked += known_or_0(row[k]);
        if (!isnan(row[MONITOR_USED_MEMORY]))
            figures->used_memory = row[MONITOR_USED_MEMORY];
    }
    figures->p50_us = statistics_median(column(room, target, first, last, MONITOR_P50), count);
    figures->p95_us = statistics_median(column(room, target, first, last, MONITOR_P95), count);
    figures->p99_us = statistics_median(column(room, target, first, last, MONITOR_P99), count);
    figures->max_us = statistics_max(column(room, target, first, last, MONITOR_MAX), count);
    (void)column(room, target, first, last, MONITOR_OPS);
    figures->ops_mean = statistics_mean(room, count);
    figures->ops_peak = statistics_max(room, count);
}

static int day_of(uint64_t at_ms)
{
    const time_t seconds = (time_t)(at_ms / 1000);
    struct tm split;
    return localtime_r(&seconds, &split) != NULL ? split.tm_year * 366 + split.tm_yday : 0;
}

static void split_days(struct review_target *target, double *room)
{
    size_t first = 0;
    for (size_t i = 1; i <= target->row_count; i++) {
        if (i < target->row_count && day_of(target->at_ms[i]) == day_of(target->at_ms[first]))
            continue;
        if (target->day_count < REVIEW_DAYS_MAX)
            sum_up(&target->days[target->day_count++], target, first, i, room);
        first = i;
    }
}

/* ---- trends ---- */

static struct review_trend find_trend(const struct review_target *target, enum monitor_value value,
                                      double *room)
{
    double x[TREND_PARTS], y[TREND_PARTS], copy[TREND_PARTS], work[TREND_PARTS];
    const uint64_t from_ms = target->at_ms[0], to_ms = target->at_ms[target->row_count - 1];
    const double part_ms = (double)(to_ms - from_ms + 1) / TREND_PARTS;
    size_t parts = 0, row = 0;
    for (unsigned part = 0; part < TREND_PARTS; part++) {
        const double end_ms = (part + 1) * part_ms;
        size_t count = 0;
        double at_sum = 0;
        for (; row < target->row_count && (double)(target->at_ms[row] - from_ms) < end_ms; row++) {
            if (isnan(row_at(target, row)[value]))
                continue;
            at_sum += (double)(target->at_ms[row] - from_ms);
            room[count++] = row_at(target, row)[value];
        }
        if (count == 0)
            continue;
        x[parts] = at_sum / (double)count / DAY_MS;
        y[parts++] = statistics_median(room, count);
    }
    struct review_trend trend = {.per_day = statistics_line(x, y, parts).slope};
    memcpy(copy, y, sizeof copy);
    trend.real = parts >= TREND_PARTS_LEAST && to_ms - from_ms >= TREND_SPAN_LEAST_MS &&
                 statistics_trend(copy, parts, work).p < TREND_P;
    return trend;
}

/* ---- what happened ---- */

static bool has_answer(const struct review_target *target, size_t row)
{
    return row_at(target, row)[MONITOR_OK] > 0;
}

static bool has_failure(const struct review_target *target, size_t row)
{
    double failed = 0;
    for (unsigned k = MONITOR_ERRORS; k <= MONITOR_SHED; k++)
        failed += known_or_0(row_at(target, row)[k]);
    return failed > 0;
}

/* Nobody watched between two rows: the next one does not begin where the other ends. */
static bool follows(const struct review_target *target, size_t row)
{
    const double seconds = known_or_0(row_at(target, row)[MONITOR_SECONDS]);
    return (double)start_of(target, row) - (double)target->at_ms[row - 1] < 1000 * seconds;
}

/* Behind the last of the rows from this one on that have no answer, and that somebody watched without a gap. */
static size_t silent_until(const struct review_target *target, size_t first)
{
    size_t end = first;
    while (end < target->row_count && !has_answer(target, end) &&
           (end == first || follows(target, end)))
        end++;
    return end;
}

/* While one PING waits for its time-out rows are empty: it is the failure beside them, or among them, that tells them from those
 * of a probe that asks less often than there are rows. */
static void find_downtime(struct review_target *target)
{
    for (size_t first = 0, end; first<target->row_count; first = end> first ? end : first + 1) {
        end = silent_until(target, first);
        if (end == first)
            continue;
        bool down = first > 0 && follows(target, first) && has_failure(target, first - 1);
        for (size_t i = first; i < end; i++)
            down |= has_failure(target, i);
        down |= end < target->row_count && follows(target, end) && has_failure(target, end);
        if (down)
            add_stretch(&target->down, start_of(target, first), target->at_ms[end - 1]);
    }
}

static bool is_within_run(const struct review *review, uint64_t from_ms, uint64_t to_ms)
{
    const struct review_stretches *runs = &review->runs;
    for (size_t i = 0; i < runs->count && i < REVIEW_LIST_MAX; i++)
        if (runs->items[i].from_ms <= from_ms && runs->items[i].to_ms >= to_ms)
            return true;
    return false;
}

static void find_missing(const struct review *review, struct review_target *target)
{
    for (size_t i = 1; i < target->row_count; i++)
        if (!follows(target, i) && is_within_run(review, target->at_ms[i - 1], target->at_ms[i]))
            add_stretch(&target->missing, target->at_ms[i - 1], start_of(target, i));
}

/* By the number of the process, which in a container is always the same, and by the time that it is up. */
bool monitor_review_restarted(const double *before, const double *now, double elapsed_seconds)
{
    const double uptime = now[MONITOR_UPTIME], expected = before[MONITOR_UPTIME] + elapsed_seconds;
    return (!isnan(now[MONITOR_PROCESS]) && now[MONITOR_PROCESS] != before[MONITOR_PROCESS]) ||
           uptime + UPTIME_SLACK_SECONDS < expected - 0.01 * elapsed_seconds;
}

static double grown(const double *before, const double *now, enum monitor_value value)
{
    const double difference = now[value] - before[value];
    return difference >= 0 ? difference : 0;
}

/* Counters from sample to sample; those of a server that was started anew begin at 0. */
static void count(struct review_target *target)
{
    const double *before = NULL;
    uint64_t before_ms = 0;
    double hits = 0, misses = 0;
    for (size_t i = 0; i < target->row_count; i++) {
        const double *row = row_at(target, i);
        if (isnan(row[MONITOR_UPTIME]))
            continue;
        const double elapsed_seconds = (double)(target->at_ms[i] - before_ms) / 1000;
        if (before != NULL && monitor_review_restarted(before, row, elapsed_seconds)) {
            add_stretch(&target->restarts, before_ms, target->at_ms[i]);
        } else if (before != NULL) {
            hits += grown(before, row, MONITOR_HITS);
            misses += grown(before, row, MONITOR_MISSES);
            target->evicted += grown(before, row, MONITOR_EVICTED);
            target->expired += grown(before, row, MONITOR_EXPIRED);
        }
        before = row;
        before_ms = target->at_ms[i];
        target->fragmentation = row[MONITOR_FRAGMENTATION];
        target->rss = row[MONITOR_RSS];
        target->limit_is_maxmemory = row[MONITOR_MAXMEMORY] > 0;
        target->limit_bytes =
            target->limit_is_maxmemory ? row[MONITOR_MAXMEMORY] : row[MONITOR_HOST_MEMORY];
    }
    target->hit_ratio = hits + misses > 0 ? hits / (hits + misses) : (double)NAN;
}

static enum err_code analyse(const struct review *review, struct review_target *target,
                             struct err *err)
{
    double *room = calloc(target->row_count + 1, sizeof *room);
    if (room == NULL)
        return err_set(err, E_SYSTEM, "no memory for the report");
    target->fragmentation = target->rss = target->limit_bytes = target->days_until_full = NAN;
    target->connected_most = statistics_max(
        column(room, target, 0, target->row_count, MONITOR_CONNECTED), target->row_count);
    sum_up(&target->whole, target, 0, target->row_count, room);
    split_days(target, room);
    for (unsigned i = 0; i < REVIEW_TRENDS; i++)
        target->trends[i] = find_trend(target, trend_values[i], room);
    free(room);
    find_downtime(target);
    find_missing(review, target);
    count(target);
    const struct review_trend *memory = &target->trends[TREND_MEMORY];
    if (memory->real && memory->per_day > 0 && target->limit_bytes > target->whole.used_memory)
        target->days_until_full =
            (target->limit_bytes - target->whole.used_memory) / memory->per_day;
    return OK;
}

/* ---- reading ---- */

/* All are amounts: what is none, in a file of an older volley, or of somebody else's making, is not known. */
static double real_of(sqlite3_stmt *statement, int place)
{
    const double value = sqlite3_column_double(statement, place);
    return sqlite3_column_type(statement, place) != SQLITE_NULL && value >= 0 && value < 0x1p63
               ? value
               : (double)NAN;
}

static void text_of(char *text, size_t text_bytes, sqlite3_stmt *statement, int place)
{
    const unsigned char *found = sqlite3_column_text(statement, place);
    snprintf(text, text_bytes, "%s", found != NULL ? PRINTABLE((const char *)found) : "");
}

static bool make_room(struct review_target *target, size_t *room)
{
    if (target->row_count < *room)
        return true;
    const size_t more = *room == 0 ? 1024 : *room * 2;
    uint64_t *at_ms = realloc(target->at_ms, more * sizeof *at_ms);
    if (at_ms != NULL)
        target->at_ms = at_ms;
    double *values = realloc(target->values, more * MONITOR_VALUES * sizeof *values);
    if (values != NULL)
        target->values = values;
    *room = more;
    return at_ms != NULL && values != NULL;
}

static char *rows_statement(void)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *out = open_memstream(&text, &bytes);
    if (out == NULL)
        return NULL;
    fprintf(out, "SELECT at_ms");
    for (unsigned i = 0; i < MONITOR_VALUES; i++)
        fprintf(out, ", %s", monitor_value_name(i));
    fprintf(out, " FROM samples WHERE target=?1 AND at_ms>?2 AND at_ms<=?3 ORDER BY at_ms");
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

static enum err_code fail(sqlite3 *database, const char *path, struct err *err)
{
    return err_set(err, E_DATA, "%.200s cannot be read: %s", PRINTABLE(path),
                   sqlite3_errmsg(database));
}

static void bind_time(sqlite3_stmt *statement, const struct review *review)
{
    (void)sqlite3_bind_int64(statement, 2, (sqlite3_int64)review->from_ms);
    (void)sqlite3_bind_int64(statement, 3, (sqlite3_int64)review->to_ms);
}

static enum err_code read_rows(struct review_target *target, sqlite3_stmt *statement,
                               sqlite3 *database, const char *path, struct err *err)
{
    size_t room = 0;
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        if (target->row_count == REVIEW_ROWS_MAX)
            return err_set(err, E_DATA,
                           "%.150s has more than %u samples of %.100s in that time: ask for less "
                           "with --since",
                           PRINTABLE(path), REVIEW_ROWS_MAX, target->name);
        if (!make_room(target, &room))
            return err_set(err, E_SYSTEM, "no memory for the samples");
        target->at_ms[target->row_count] = (uint64_t)sqlite3_column_int64(statement, 0);
        for (int i = 0; i < MONITOR_VALUES; i++)
            target->values[target->row_count * MONITOR_VALUES + (size_t)i] =
                real_of(statement, i + 1);
        target->row_count++;
    }
    return code == SQLITE_DONE ? OK : fail(database, path, err);
}

static enum err_code read_targets(struct review *review, sqlite3 *database, const char *path,
                                  struct err *err)
{
    sqlite3_stmt *names = NULL, *rows = NULL;
    char *text = rows_statement();
    enum err_code code = OK;
    if (text == NULL ||
        sqlite3_prepare_v2(database, "SELECT id, name FROM targets ORDER BY name", -1, &names,
                           NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(database, text, -1, &rows, NULL) != SQLITE_OK)
        code = fail(database, path, err);
    while (code == OK && review->target_count < REVIEW_TARGETS_MAX &&
           sqlite3_step(names) == SQLITE_ROW) {
        struct review_target *target = &review->targets[review->target_count++];
        text_of(target->name, sizeof target->name, names, 1);
        (void)sqlite3_reset(rows);
        (void)sqlite3_bind_int64(rows, 1, sqlite3_column_int64(names, 0));
        bind_time(rows, review);
        code = read_rows(target, rows, database, path, err);
        if (code == OK && target->row_count > 0)
            code = analyse(review, target, err);
        else if (code == OK)
            review->target_count--; /* watched at another time */
    }
    sqlite3_finalize(names);
    sqlite3_finalize(rows);
    free(text);
    return code;
}

static enum err_code read_runs(struct review *review, sqlite3 *database, const char *path,
                               struct err *err)
{
    sqlite3_stmt *statement = NULL;
    uint64_t before_ms = 0;
    if (sqlite3_prepare_v2(database,
                           "SELECT began_ms, newest_ms, interval_ms, lost FROM runs "
                           "WHERE newest_ms>?2 AND began_ms<=?3 ORDER BY began_ms",
                           -1, &statement, NULL) != SQLITE_OK)
        return fail(database, path, err);
    bind_time(statement, review);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        const uint64_t began_ms = (uint64_t)sqlite3_column_int64(statement, 0);
        if (review->run_count++ > 0 && began_ms > before_ms)
            add_stretch(&review->gaps, before_ms, began_ms);
        before_ms = (uint64_t)sqlite3_column_int64(statement, 1);
        add_stretch(&review->runs, began_ms, before_ms);
        review->rows_lost += (uint64_t)sqlite3_column_int64(statement, 3);
    }
    sqlite3_finalize(statement);
    return OK;
}

#define ALERTS_WITH(server)                                                                        \
    "SELECT at_ms, alert, state, severity, text, " server                                          \
    " FROM alerts WHERE at_ms>?2 AND at_ms<=?3 ORDER BY at_ms DESC"

static enum err_code read_alerts(struct review *review, sqlite3 *database, const char *path,
                                 struct err *err)
{
    sqlite3_stmt *statement = NULL;
    const char *text =
        monitor_file_names_servers(database) ? ALERTS_WITH("server") : ALERTS_WITH("''");
    if (sqlite3_prepare_v2(database, text, -1, &statement, NULL) != SQLITE_OK)
        return fail(database, path, err);
    bind_time(statement, review);
    while (review->alert_count < REVIEW_ALERTS_MAX && sqlite3_step(statement) == SQLITE_ROW) {
        struct review_alert *alert = &review->alerts[review->alert_count++];
        alert->at_ms = (uint64_t)sqlite3_column_int64(statement, 0);
        text_of(alert->alert, sizeof alert->alert, statement, 1);
        text_of(alert->state, sizeof alert->state, statement, 2);
        text_of(alert->severity, sizeof alert->severity, statement, 3);
        text_of(alert->text, sizeof alert->text, statement, 4);
        text_of(alert->server, sizeof alert->server, statement, 5);
    }
    sqlite3_finalize(statement);
    return OK;
}

enum err_code review_read(struct review *review, const char *path, uint64_t from_ms, uint64_t to_ms,
                          struct err *err)
{
    sqlite3 *database = NULL;
    *review = (struct review){.from_ms = from_ms, .to_ms = to_ms};
    if (access(path, R_OK) != 0)
        return err_set_errno(err, E_USAGE, errno,
                             "there is no store of a monitor at %.200s (name it with --store)",
                             PRINTABLE(path));
    review->targets = calloc(REVIEW_TARGETS_MAX, sizeof *review->targets);
    review->alerts = calloc(REVIEW_ALERTS_MAX, sizeof *review->alerts);
    if (review->targets == NULL || review->alerts == NULL)
        return err_set(err, E_SYSTEM, "no memory for the report");
    enum err_code code = monitor_file_open(&database, path, MONITOR_FILE_READ, err);
    if (code == OK)
        code = read_runs(review, database, path, err);
    if (code == OK)
        code = read_alerts(review, database, path, err);
    if (code == OK)
        code = read_targets(review, database, path, err);
    sqlite3_close(database);
    return code;
}

void review_free(struct review *review)
{
    for (size_t i = 0; review->targets != NULL && i < REVIEW_TARGETS_MAX; i++) {
        free(review->targets[i].at_ms);
        free(review->targets[i].values);
    }
    free(review->targets);
    free(review->alerts);
}
