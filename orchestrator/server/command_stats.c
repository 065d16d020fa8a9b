#include "orchestrator/server/command_stats.h"

#include <hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/units.h"
#include "orchestrator/server/control.h"
#include "orchestrator/server/info_text.h"
#include "orchestrator/server/reply_value.h"

#define CMDSTAT "cmdstat_" /* begins the lines of INFO that tell of commands */
#define COMMANDS_MAX 400u
#define LINES_MAX 4000u        /* of INFO that are looked at                  */
#define CALLS_MAX (1ull << 53) /* of a command: more is none that there are */
#define NODES_ASKED_MAX 32u
/* Columns of a server's histogram: up to 1.024 us times a power of two. */
#define COLUMNS 40u
#define COLUMN_US 1.024

struct command_counter {
    char name[SERVER_COMMAND_BYTES]; /* lower case; of "client|setname" the whole */
    uint64_t calls, usec;
    bool has_columns;
    uint64_t columns[COLUMNS]; /* calls up to the end of each */
};

struct command_stats {
    uint64_t evicted_keys, expired_keys;
    double cpu_seconds;
    bool cpu_unknown; /* one of them does not tell */
    uint64_t at_ns;   /* when they were asked      */
    uint32_t primaries;
    uint64_t round_trip_ns; /* 0: not known */
    double figures[SERVER_FIGURES];
    bool figure_unknown[SERVER_FIGURES]; /* one of them does not tell */
    uint32_t count;
    struct command_counter commands[COMMANDS_MAX];
};

/* How INFO tells the figures. */
enum figure_kind { COUNTED, FOUND_LAST, HIGHEST_LAST };
static const struct figure_row {
    const char *fields[2];
    double unit;
    enum figure_kind kind;
} figure_rows[SERVER_FIGURES] = {
    [SERVER_MAIN_THREAD] = {{"used_cpu_user_main_thread", "used_cpu_sys_main_thread"}, 1, COUNTED},
    [SERVER_EVENT_LOOP] = {{"eventloop_duration_sum", NULL}, 1e-6, COUNTED},
    [SERVER_FORKS] = {{"total_forks", NULL}, 1, COUNTED},
    [SERVER_FORK] = {{"latest_fork_usec", NULL}, 1e-6, HIGHEST_LAST},
    [SERVER_DELAYED_FSYNCS] = {{"aof_delayed_fsync", NULL}, 1, COUNTED},
    [SERVER_APPENDS] = {{"aof_enabled", NULL}, 1, HIGHEST_LAST},
    [SERVER_USED_MEMORY] = {{"used_memory", NULL}, 1, FOUND_LAST},
    [SERVER_MAXMEMORY] = {{"maxmemory", NULL}, 1, FOUND_LAST},
};

/* What connecting, looking on, and replicating take: not the load. */
static bool is_aside(const char *name)
{
    static const char *const aside[] = {
        "ping",    "auth",     "hello",     "select",   "client",   "info",      "config",
        "cluster", "role",     "command",   "latency",  "replconf", "psync",     "sync",
        "asking",  "readonly", "readwrite", "sentinel", "slowlog",  "memory",    "acl",
        "echo",    "quit",     "reset",     "function", "monitor",  "debug",     "lastsave",
        "dbsize",  "failover", "replicaof", "slaveof",  "wait",     "subscribe", "publish"};
    const size_t bytes = strcspn(name, "|");
    for (size_t i = 0; i < sizeof aside / sizeof aside[0]; i++)
        if (strlen(aside[i]) == bytes && strncasecmp(aside[i], name, bytes) == 0)
            return true;
    return false;
}

/* Counts what it calls, too. */
static bool is_script(const char *name)
{
    return strncmp(name, "eval", 4) == 0 || strncmp(name, "fcall", 5) == 0;
}

static struct command_counter *counter_of(struct command_stats *stats, const char *name,
                                          size_t name_bytes)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789|._-";
    if (name_bytes == 0 || name_bytes >= SERVER_COMMAND_BYTES || strspn(name, allowed) < name_bytes)
        return NULL;
    for (uint32_t i = 0; i < stats->count; i++)
        if (strlen(stats->commands[i].name) == name_bytes &&
            strncasecmp(stats->commands[i].name, name, name_bytes) == 0)
            return &stats->commands[i];
    if (stats->count == COMMANDS_MAX)
        return NULL;
    struct command_counter *counter = &stats->commands[stats->count++];
    snprintf(counter->name, sizeof counter->name, "%.*s", (int)name_bytes, name);
    return counter;
}

static uint64_t number_of(const char *line, size_t line_bytes, const char *name)
{
    size_t bytes;
    uint64_t number = 0;
    const char *value = info_part(&bytes, line, line_bytes, name);
    return value != NULL && units_parse_digits(&number, value, bytes, CALLS_MAX) ? number : 0;
}

struct command_stats *command_stats_new(void)
{
    return calloc(1, sizeof(struct command_stats));
}

static void read_figures(struct command_stats *stats, const char *info)
{
    for (enum server_figure i = 0; i < SERVER_FIGURES; i++) {
        double number = 0;
        if (!info_text_number(&number, info, figure_rows[i].fields))
            stats->figure_unknown[i] = true;
        else if (figure_rows[i].kind != HIGHEST_LAST)
            stats->figures[i] += number * figure_rows[i].unit;
        else if (number * figure_rows[i].unit > stats->figures[i])
            stats->figures[i] = number * figure_rows[i].unit;
    }
    stats->primaries++;
}

void command_stats_read_info(struct command_stats *stats, const char *info)
{
    const char *at = strstr(info, CMDSTAT); /* they stand together */
    uint64_t keys;
    double seconds = 0;
    stats->cpu_unknown |= !info_text_cpu_seconds(&seconds, info);
    stats->cpu_seconds += seconds;
    read_figures(stats, info);
    if (info_number(&keys, info, "evicted_keys", CALLS_MAX))
        stats->evicted_keys += keys;
    if (info_number(&keys, info, "expired_keys", CALLS_MAX))
        stats->expired_keys += keys;
    for (uint32_t line = 0; at != NULL && line < LINES_MAX; line++) {
        if (strncmp(at, CMDSTAT, sizeof CMDSTAT - 1) != 0)
            break;
        at += sizeof CMDSTAT - 1;
        const size_t line_bytes = strcspn(at, "\r\n");
        const char *colon = memchr(at, ':', line_bytes);
        struct command_counter *counter =
            colon != NULL ? counter_of(stats, at, (size_t)(colon - at)) : NULL;
        if (counter != NULL) {
            const size_t bytes = line_bytes - (size_t)(colon + 1 - at);
            counter->calls += number_of(colon + 1, bytes, "calls");
            counter->usec += number_of(colon + 1, bytes, "usec");
        }
        at += line_bytes;
        at += strspn(at, "\r\n");
    }
}

/* [bound, calls up to it, bound, calls ...], rising. */
static void read_columns(struct command_counter *counter, const redisReply *pairs)
{
    uint64_t before = 0;
    uint32_t column = 0;
    for (size_t i = 0; pairs->type == REDIS_REPLY_ARRAY && i + 1 < pairs->elements; i += 2) {
        int64_t bound_us, calls;
        if (!reply_integer(&bound_us, pairs->element[i], 1, INT64_MAX) ||
            !reply_integer(&calls, pairs->element[i + 1], 0, CALLS_MAX))
            return;
        uint32_t end = 63u - (uint32_t)__builtin_clzll((unsigned long long)bound_us);
        for (; column < end && column < COLUMNS; column++)
            counter->columns[column] += before;
        before = (uint64_t)calls;
    }
    for (; column < COLUMNS; column++)
        counter->columns[column] += before;
    counter->has_columns = true;
}

void command_stats_read_histograms(struct command_stats *stats, const redisReply *reply)
{
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i + 1 < reply->elements; i += 2) {
        const char *name = reply_text(reply->element[i]);
        const redisReply *columns = reply_item(reply->element[i + 1], 3);
        struct command_counter *counter =
            name != NULL && columns != NULL ? counter_of(stats, name, strlen(name)) : NULL;
        if (counter != NULL)
            read_columns(counter, columns);
    }
}

/* False: it tells nothing. */
static bool ask(struct command_stats *stats, struct control *control)
{
    static const char *const histogram[] = {"LATENCY", "HISTOGRAM"};
    redisReply *reply = NULL;
    char *info = NULL;
    struct err err = {.code = OK};
    const bool told = control_info(control, &info, &err) == OK && strstr(info, CMDSTAT) != NULL;
    const uint64_t round_trip_ns = control_round_trip_ns(control);
    if (told)
        command_stats_read_info(stats, info);
    if (round_trip_ns > stats->round_trip_ns)
        stats->round_trip_ns = round_trip_ns;
    /* Not every server has it, and an error is no list. */
    if (told && control_command_aside(control, &reply, 2, histogram, &err) == OK)
        command_stats_read_histograms(stats, reply);
    freeReplyObject(reply);
    free(info);
    return told;
}

static bool connect_and_ask(struct command_stats *stats, const struct target_address *address,
                            const struct endpoint *endpoint, const volatile int *interrupted)
{
    struct control *control = NULL;
    struct err err = {.code = OK};
    const bool told = control_connect_to(&control, address, endpoint, interrupted, &err) == OK &&
                      ask(stats, control);
    control_close(control);
    return told;
}

struct command_stats *command_stats_take(const struct topology *topology,
                                         const struct endpoint *endpoint, struct control *control,
                                         const struct target_address *connected,
                                         const volatile int *interrupted)
{
    struct command_stats *stats = command_stats_new();
    struct endpoint hurried = *endpoint;
    uint32_t asked = 0;
    if (stats != NULL)
        stats->at_ns = clock_now_ns();
    bool told = stats != NULL && endpoint->replica_reads == REPLICA_READS_NO;
    hurried.wait_ready_ns = 0;
    if (hurried.connection_timeout_ns > NS_PER_SECOND)
        hurried.connection_timeout_ns = NS_PER_SECOND;
    hurried.request_timeout_ns = hurried.connection_timeout_ns;
    if (control == NULL)
        control_aside_begin();
    else /* one that tells nothing is found out without another connection */
        told = told && ask(stats, control);
    for (uint32_t i = 0; i < topology->node_count && told; i++) {
        const struct topology_node *node = &topology->nodes[i];
        if (node->role != TOPOLOGY_PRIMARY)
            continue;
        told = ++asked <= NODES_ASKED_MAX &&
               ((control != NULL && target_address_same(&node->address, connected)) ||
                connect_and_ask(stats, &node->address, &hurried, interrupted));
    }
    if (told && asked > 0)
        return stats;
    free(stats);
    return NULL;
}

/* What lies between the two. False: it has gone back. */
static bool subtract(struct command_counter *between, const struct command_counter *before,
                     const struct command_counter *after)
{
    *between = *after;
    if (before == NULL)
        return true;
    if (after->calls < before->calls || after->usec < before->usec)
        return false;
    between->calls -= before->calls;
    between->usec -= before->usec;
    for (uint32_t i = 0; i < COLUMNS; i++) {
        between->has_columns &= after->columns[i] >= before->columns[i];
        between->columns[i] -= before->columns[i];
    }
    return true;
}

static double at_most_us(const struct command_counter *counter, double part)
{
    const uint64_t all = counter->columns[COLUMNS - 1];
    double bound_us = COLUMN_US;
    if (!counter->has_columns || all == 0)
        return -1;
    for (uint32_t i = 0; i < COLUMNS - 1 && (double)counter->columns[i] < part * (double)all; i++)
        bound_us *= 2;
    return bound_us;
}

/* At its place by calls, while there is room. */
static void add_time(struct server_account *account, const struct command_counter *counter)
{
    uint32_t at = account->time_count;
    const struct server_time time = {
        .calls = counter->calls,
        .mean_us = (double)counter->usec / (double)counter->calls,
        .p50_us = at_most_us(counter, 0.5),
        .p99_us = at_most_us(counter, 0.99),
        .p99_9_us = at_most_us(counter, 0.999),
    };
    while (at > 0 && account->times[at - 1].calls < counter->calls)
        at--;
    if (at == SERVER_TIMES_MAX)
        return;
    if (account->time_count < SERVER_TIMES_MAX)
        account->time_count++;
    memmove(&account->times[at + 1], &account->times[at],
            (account->time_count - 1 - at) * sizeof account->times[0]);
    account->times[at] = time;
    snprintf(account->times[at].command, sizeof account->times[at].command, "%s", counter->name);
}

static const struct command_counter *counter_named(const struct command_stats *stats,
                                                   const char *name)
{
    for (uint32_t i = 0; stats != NULL && i < stats->count; i++)
        if (strcmp(stats->commands[i].name, name) == 0)
            return &stats->commands[i];
    return NULL;
}

bool command_stats_between(const struct command_stats *before, const struct command_stats *after,
                           command_stats_each *each, void *context)
{
    struct command_counter between;
    for (uint32_t i = 0; i < after->count; i++)
        if (!subtract(&between, counter_named(before, after->commands[i].name),
                      &after->commands[i]))
            return false;
    for (uint32_t i = 0; i < after->count; i++)
        if (subtract(&between, counter_named(before, after->commands[i].name),
                     &after->commands[i]) &&
            between.calls > 0)
            each(context, between.name, between.calls);
    return true;
}

static void account_figures(struct server_account *account, const struct command_stats *before,
                            const struct command_stats *after)
{
    account->seconds =
        after->at_ns > before->at_ns ? clock_seconds(after->at_ns - before->at_ns) : -1;
    account->round_trip_us =
        before->round_trip_ns > 0 ? (double)before->round_trip_ns / (double)NS_PER_US : -1;
    account->primaries = after->primaries;
    for (enum server_figure i = 0; i < SERVER_FIGURES; i++) {
        const bool counted = figure_rows[i].kind == COUNTED;
        const double from = counted ? before->figures[i] : 0;
        const bool known = !after->figure_unknown[i] && after->figures[i] >= from &&
                           !(counted && before->figure_unknown[i]);
        account->figures[i] = known ? after->figures[i] - from : -1;
    }
}

void command_stats_account(struct server_account *account, const struct command_stats *before,
                           const struct command_stats *after, uint64_t own_commands)
{
    memset(account, 0, sizeof *account);
    account->cpu_seconds = -1;
    if (before == NULL || after == NULL)
        return;
    account_figures(account, before, after);
    if (!before->cpu_unknown && !after->cpu_unknown && after->cpu_seconds >= before->cpu_seconds)
        account->cpu_seconds = after->cpu_seconds - before->cpu_seconds;
    account->own_commands = own_commands;
    if (after->evicted_keys >= before->evicted_keys)
        account->evicted_keys = after->evicted_keys - before->evicted_keys;
    if (after->expired_keys >= before->expired_keys)
        account->expired_keys = after->expired_keys - before->expired_keys;
    account->known = account->others_known = true;
    for (uint32_t i = 0; i < after->count && account->known; i++) {
        struct command_counter between;
        account->known =
            subtract(&between, counter_named(before, after->commands[i].name), &after->commands[i]);
        if (!account->known || between.calls == 0 || is_aside(between.name))
            continue;
        account->others_known &= !is_script(between.name);
        account->commands += between.calls;
        add_time(account, &between);
    }
}
