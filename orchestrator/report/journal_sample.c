/* The record of a sample: what the server said of itself. */
#include "orchestrator/report/journal_format.h"

json_t *journal_sample_to_json(const struct target_sample *sample)
{
    return json_pack("{s:I, s:b, s:I, s:b, s:I, s:I, s:I}", "at_ns", (json_int_t)sample->at_ns,
                     "answered", sample->answered, "keys", (json_int_t)sample->keys, "replica",
                     sample->replica, "replicas", (json_int_t)sample->replicas, "lag_seconds",
                     (json_int_t)sample->lag_seconds, "lag_bytes", (json_int_t)sample->lag_bytes);
}

enum err_code journal_sample_from_json(struct target_sample *sample, json_t *json, struct err *err)
{
    json_int_t at_ns = 0, keys = 0, replicas = 0, lag_seconds = 0, lag_bytes = 0;
    int answered = 0, replica = 0;
    bool good = json_unpack(json, "{s:I, s:b, s:I, s:b, s:I, s:I, s:I}", "at_ns", &at_ns,
                            "answered", &answered, "keys", &keys, "replica", &replica, "replicas",
                            &replicas, "lag_seconds", &lag_seconds, "lag_bytes", &lag_bytes) == 0;
    if (!good || at_ns < 0 || keys < -1 || replicas < 0 || replicas > UINT32_MAX ||
        lag_seconds < -1 || lag_bytes < -1)
        return err_set(err, E_DATA, "a sample's record has unexpected members");
    *sample = (struct target_sample){.at_ns = (uint64_t)at_ns,
                                     .answered = answered != 0,
                                     .keys = keys,
                                     .replica = replica != 0,
                                     .replicas = (uint32_t)replicas,
                                     .lag_seconds = lag_seconds,
                                     .lag_bytes = lag_bytes};
    return OK;
}
