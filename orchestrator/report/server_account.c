#include "orchestrator/report/server_account.h"

#include <stdio.h>
#include <string.h>

#include "orchestrator/report/json_value.h"

const char *server_figure_key(enum server_figure figure)
{
#define KEY(id, key) [id] = key,
    static const char *const keys[] = {SERVER_FIGURE_TABLE(KEY)};
#undef KEY
    return keys[figure];
}

double server_account_other_share(const struct server_account *account)
{
    if (!account->known || !account->others_known || account->commands <= account->own_commands)
        return 0;
    return (double)(account->commands - account->own_commands) / (double)account->commands;
}

static json_t *known(double value)
{
    return value >= 0 ? json_real(value) : json_null();
}

json_t *server_account_to_json(const struct server_account *account)
{
    json_t *times = json_array();
    if (!account->known) {
        json_decref(times);
        return NULL;
    }
    for (uint32_t i = 0; i < account->time_count; i++) {
        const struct server_time *time = &account->times[i];
        json_array_append_new(times, json_pack("{s:o, s:o, s:f, s:o, s:o, s:o}", "command",
                                               json_value_text(time->command), "calls",
                                               json_value_count(time->calls), "mean_us",
                                               time->mean_us, "p50_at_most_us", known(time->p50_us),
                                               "p99_at_most_us", known(time->p99_us),
                                               "p99_9_at_most_us", known(time->p99_9_us)));
    }
    json_t *json = json_pack(
        "{s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "commands",
        json_value_count(account->commands), "own_commands",
        json_value_count(account->own_commands), "others_known", account->others_known,
        "evicted_keys", json_value_count(account->evicted_keys), "expired_keys",
        json_value_count(account->expired_keys), "cpu_seconds", known(account->cpu_seconds),
        "seconds", known(account->seconds), "round_trip_us", known(account->round_trip_us),
        "primaries", json_value_count(account->primaries), "times", times);
    for (enum server_figure i = 0; i < SERVER_FIGURES; i++)
        json_object_set_new(json, server_figure_key(i), known(account->figures[i]));
    return json;
}

static bool get_known(double *number, const json_t *json, const char *key)
{
    const json_t *value = json_object_get(json, key);
    *number = json_is_number(value) ? json_number_value(value) : -1;
    return (json_is_number(value) && *number >= 0) || json_is_null(value);
}

/* Journals of earlier versions do not tell: then it is not known. */
static bool get_later(double *number, const json_t *json, const char *key)
{
    *number = -1;
    return json_object_get(json, key) == NULL || get_known(number, json, key);
}

static bool get_later_figures(struct server_account *account, const json_t *json)
{
    double primaries;
    bool good = get_later(&account->cpu_seconds, json, "cpu_seconds") &&
                get_later(&account->seconds, json, "seconds") &&
                get_later(&account->round_trip_us, json, "round_trip_us") &&
                get_later(&primaries, json, "primaries");
    for (enum server_figure i = 0; i < SERVER_FIGURES && good; i++)
        good = get_later(&account->figures[i], json, server_figure_key(i));
    account->primaries = good && primaries > 0 && primaries < 1e6 ? (uint32_t)primaries : 0;
    return good;
}

static bool get_time(struct server_time *time, const json_t *json)
{
    const char *command = json_string_value(json_object_get(json, "command"));
    snprintf(time->command, sizeof time->command, "%s", command != NULL ? command : "");
    return command != NULL && json_value_get_count(&time->calls, json, "calls") &&
           get_known(&time->mean_us, json, "mean_us") &&
           get_known(&time->p50_us, json, "p50_at_most_us") &&
           get_known(&time->p99_us, json, "p99_at_most_us") &&
           get_known(&time->p99_9_us, json, "p99_9_at_most_us");
}

bool server_account_from_json(struct server_account *account, const json_t *json)
{
    const json_t *times = json_object_get(json, "times");
    memset(account, 0, sizeof *account);
    if (json == NULL)
        return true;
    bool good = json_value_get_count(&account->commands, json, "commands") &&
                json_value_get_count(&account->own_commands, json, "own_commands") &&
                json_is_array(times) && json_array_size(times) <= SERVER_TIMES_MAX;
    /* Journals of earlier versions do not tell. */
    if (good && json_object_get(json, "evicted_keys") != NULL)
        good = json_value_get_count(&account->evicted_keys, json, "evicted_keys") &&
               json_value_get_count(&account->expired_keys, json, "expired_keys");
    good = good && get_later_figures(account, json);
    for (size_t i = 0; good && i < json_array_size(times); i++)
        good = get_time(&account->times[account->time_count++], json_array_get(times, i));
    account->others_known = json_is_true(json_object_get(json, "others_known"));
    account->known = good;
    return good;
}
