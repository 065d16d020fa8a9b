#include "orchestrator/scenario/scenario_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/schedule.h"
#include "common/suggest.h"
#include "common/units.h"
#include "orchestrator/scenario/scenario_reading.h"
#include "orchestrator/scenario/scenario_steps.h"
#include "orchestrator/scenario/scenario_values.h"
#include "orchestrator/scenario/scenario_vectors.h"
#include "orchestrator/scenario/scenario_wishes.h"

#define FLOOR_NS (2 * NS_PER_SECOND)        /* of a scaled phase */
#define PACED_FLOOR_NS (10 * NS_PER_SECOND) /* of one whose time the servers need */
#define ACT_FLOOR_NS                                                                               \
    (5 * NS_PER_SECOND) /* of a node that is away: the others take a second to notice */
#define USUAL_SIZE_BYTES 512u
#define CLIENTS_MAX 1e6

bool scenario_measures_maximum(const struct phase *phase)
{
    const bool paced = phase->qps > 0 || phase->qps_share > 0 || phase->factor > 0;
    return !paced && phase->parallel_place == 0 &&
           (phase->type == PHASE_HOLD || phase->type == PHASE_BURST || phase->type == PHASE_QUERY);
}

bool scenario_phase_is(const struct phase *phase, const char *name)
{
    return strcmp(phase->name, name) == 0 || strcmp(phase->base, name) == 0 ||
           (phase->loop[0] != '\0' && strcmp(phase->loop, name) == 0);
}

/* ---- scaling ---- */

/* Not below the floor, unless it was before. */
static uint64_t scaled(const struct reading *reading, uint64_t number, uint64_t floor)
{
    const double product = (double)number * reading->scenario->scale;
    if (reading->scenario->scale == 1)
        return number;
    if (product < (double)floor)
        return number < floor ? number : floor;
    return product < 1.8e19 ? (uint64_t)(product + 0.5) : UINT64_MAX;
}

static void scale_phase(const struct reading *reading, struct phase *phase)
{
    struct phase_until *until = &phase->until;
    const bool paced = reading->paced || phase->type == PHASE_FAILOVER ||
                       phase->type == PHASE_REBALANCE || phase->type == PHASE_INDEX_CREATE ||
                       phase->type == PHASE_WAIT_INDEX;
    phase->duration_ns = scaled(reading, phase->duration_ns, paced ? PACED_FLOOR_NS : FLOOR_NS);
    phase->act.for_ns = scaled(reading, phase->act.for_ns, ACT_FLOOR_NS);
    phase->ramp_interval_ns = scaled(reading, phase->ramp_interval_ns, 1);
    phase->stable.window_ns = scaled(reading, phase->stable.window_ns, NS_PER_SECOND);
    phase->stable.max_ns = scaled(reading, phase->stable.max_ns, NS_PER_SECOND);
    phase->keys = scaled(reading, phase->keys, 1);
    phase->key_space = scaled(reading, phase->key_space, 1);
    phase->keep = scaled(reading, phase->keep, 0);
    phase->least_ttl_s = scaled(reading, phase->least_ttl_s, 1);
    phase->most_ttl_s = scaled(reading, phase->most_ttl_s, 1);
    if (!until->of_target && strcmp(until->metric, "host_available") != 0 &&
        (strcmp(until->metric, "keys") == 0 || scenario_metric_is_bytes(until->metric)))
        until->value *= reading->scenario->scale;
}

/* ---- what the keys of a phase say ---- */

static double rate_of(uint64_t micro)
{
    return (double)micro / SCHEDULE_MICRO;
}

/* Requests per second, or a part of 1. */
static double number_of(const struct scenario_rate *rate)
{
    return rate->share > 0 ? rate->share : rate_of(rate->micro);
}

#define NO_MAXIMUM                                                                                 \
    "%s: no phase before measures the maximum: a hold, burst or query as fast as replies come"

static enum err_code settle_mix(const struct reading *reading, struct phase *phase,
                                const struct scenario_entry *entry)
{
    double sum = 0;
    for (size_t i = 0; i < entry->mix_count; i++) {
        const struct scenario_share *share = &entry->mix[i];
        const char *key = share->place.node->key;
        struct err reason = {.code = OK};
        enum phase_operation operation;
        if (scenario_operation(&operation, key, &reason) != OK)
            return config_refuse(reading->err, reading->file->name, share->place.node->key_mark,
                                 "mix: %s", reason.text);
        sum += share->percent;
        uint32_t k = 0;
        while (k < phase->mix_count && phase->mix[k].operation != operation)
            k++;
        if (share->percent == 0)
            continue;
        phase->mix[k].operation = operation;
        phase->mix[k].weight += share->percent;
        phase->mix_count += k == phase->mix_count ? 1 : 0;
    }
    return entry->mix_count == 0 || sum > 0
               ? OK
               : REFUSE(reading, phase, "mix", "mix: all shares are 0: nothing would be sent");
}

bool scenario_has_share(const struct phase *phase, enum phase_operation operation)
{
    for (uint32_t i = 0; i < phase->mix_count; i++)
        if (phase->mix[i].operation == operation)
            return true;
    return false;
}

bool scenario_loads_keys(const struct phase *phase)
{
    return (phase->type == PHASE_LOAD && phase->workload == NULL) ||
           scenario_has_share(phase, OPERATION_LOAD);
}

static enum err_code settle_ramp(const struct reading *reading, struct phase *phase,
                                 const struct scenario_ramp *ramp)
{
    const bool linear = ramp->mode == 0;
    const double from = number_of(&ramp->from), to = number_of(&ramp->to);
    const bool shares = ramp->from.share > 0, up = to > from;
    if (shares != (ramp->to.share > 0))
        return file_refuse(reading->file, &ramp->place, "to", reading->err,
                           "to: from and to are both rates, or both parts of the maximum");
    if (shares && !reading->has_maximum)
        return file_refuse(reading->file, &ramp->place, "from", reading->err, NO_MAXIMUM, "from");
    if (shares && ramp->step_micro > 0)
        return file_refuse(reading->file, &ramp->place, "step", reading->err,
                           "step: between parts of the maximum leave it out");
    if (from == to)
        return file_refuse(reading->file, &ramp->place, "to", reading->err,
                           "to: a ramp goes from one rate to another; for one rate take hold");
    if (linear && ramp->factor > 0)
        return file_refuse(reading->file, &ramp->place, "factor", reading->err,
                           "factor: it is of mode: exponential; linear takes step");
    if (!linear && ramp->step_micro > 0)
        return file_refuse(reading->file, &ramp->place, "step", reading->err,
                           "step: it is of mode: linear; exponential takes factor");
    if (!linear && (from == 0 || to == 0))
        return file_refuse(reading->file, &ramp->place, NULL, reading->err,
                           "mode: exponential never comes from 0 or gets to 0: no factor does");
    if (!linear && ramp->factor > 0 && (up ? ramp->factor <= 1 : ramp->factor >= 1))
        return file_refuse(reading->file, &ramp->place, "factor", reading->err,
                           "factor: it has to lead from %s to %s: %s 1", UNITS_REAL(from, 0),
                           UNITS_REAL(to, 0), up ? "above" : "below");
    if (ramp->interval_ns > phase->duration_ns)
        return file_refuse(reading->file, &ramp->place, "interval", reading->err,
                           "interval: it is longer than the phase");
    const double intervals = (double)phase->duration_ns / (double)ramp->interval_ns;
    phase->ramp_from = from;
    phase->ramp_to = to;
    phase->ramp_shares = shares;
    phase->ramp_interval_ns = ramp->interval_ns;
    if (linear)
        phase->ramp_step = ramp->step_micro > 0
                               ? rate_of(ramp->step_micro)
                               : fabs(phase->ramp_to - phase->ramp_from) / intervals;
    else
        phase->ramp_factor =
            ramp->factor > 0 ? ramp->factor : pow(phase->ramp_to / phase->ramp_from, 1 / intervals);
    return OK;
}

/* Of LOAD: what batches and times to live allow. */
static enum err_code check_values(const struct reading *reading, const struct phase *phase)
{
    if (phase->batch > 1 && phase->datatype != LIVE_STRING)
        return REFUSE(reading, phase, "batch", "batch: only strings are set many at once, by MSET");
    if (phase->type != PHASE_EXPIRE && phase->most_ttl_s > 0 && phase->datatype != LIVE_STRING)
        return REFUSE(reading, phase, "ttl", "ttl: only strings are loaded with one; take expire");
    if (phase->type == PHASE_LOAD && phase->most_ttl_s > 0 && phase->batch > 1)
        return REFUSE(reading, phase, "ttl", "ttl: MSET has none; leave out batch, or take expire");
    return OK;
}

static enum err_code check_until(const struct reading *reading, const struct phase *phase)
{
    static const char *const grow[] = {"keys", "used_memory", "used_memory_dataset",
                                       "used_memory_rss", "allocator_allocated"};
    const struct phase_until *until = &phase->until;
    if (until->of_target && reading->scenario->memory_target_bytes == 0)
        return REFUSE(reading, phase, "until", "until: %s: the file has no memory_target",
                      until->text);
    if (until->metric[0] != '\0' && until->at_least && until->value == 0)
        return REFUSE(reading, phase, "until", "until: %s: this holds from the beginning",
                      until->text);
    if (scenario_servers_check(reading->scenario, reading->file, &phase->place, "until",
                               until->metric, reading->err) != OK)
        return reading->err->code;
    bool grows = false;
    for (size_t i = 0; i < sizeof grow / sizeof grow[0]; i++)
        grows |= strcmp(until->metric, grow[i]) == 0;
    if (grows && !until->at_least && phase->type == PHASE_LOAD)
        return REFUSE(
            reading, phase, "until",
            "until: %s: this can never hold while keys are loaded; compare with >=", until->text);
    if (strcmp(until->metric, "keys") == 0 && until->at_least &&
        (phase->type == PHASE_DELETE || phase->type == PHASE_EXPIRE))
        return REFUSE(reading, phase, "until",
                      "until: %s: this can never hold while keys go; compare with <=", until->text);
    return OK;
}

/* What the keys of its own type say together. */
static enum err_code check_ends(const struct reading *reading, struct phase *phase)
{
    if (phase->type == PHASE_LOAD && phase->duration_ns == 0 && phase->keys == 0 &&
        phase->copy_level == 0 && phase->until.metric[0] == '\0' && phase->parallel_place == 0 &&
        phase->workload == NULL)
        return REFUSE(reading, phase, NULL,
                      "%s: a load without end: give keys, until, target_memory or duration",
                      phase->base);
    const bool by_time = phase->type == PHASE_RAMP || phase->type == PHASE_HOLD ||
                         phase->type == PHASE_BURST || phase->type == PHASE_QUERY ||
                         phase->type == PHASE_PARALLEL;
    const bool by_keys = phase->type == PHASE_QUERY && phase->fraction > 0;
    if (by_time && !by_keys && phase->duration_ns == 0)
        return REFUSE(reading, phase, NULL,
                      "\"duration\" is missing: %s lasts as long as that says",
                      scenario_type_name(phase->type));
    if (by_keys && file_given(&phase->place, "key_dist"))
        return REFUSE(reading, phase, "key_dist",
                      "key_dist: with fraction each key is read once, in an order of its own");
    if (phase->type == PHASE_IDLE && phase->duration_ns == 0 && phase->stable.max_ns == 0)
        return REFUSE(reading, phase, NULL,
                      "%s: idle without end: give duration, or wait_stable with max", phase->base);
    if (phase->type == PHASE_OVERWRITE && phase->has_value_size == (phase->most_factor > 0))
        return REFUSE(reading, phase, NULL,
                      "%s: overwrite-resize takes %s size_factor %s value_size", phase->base,
                      phase->has_value_size ? "either" : "one of",
                      phase->has_value_size ? "or" : "and");
    if (phase->type == PHASE_DELETE && phase->has_keep == file_given(&phase->place, "fraction"))
        return REFUSE(reading, phase, NULL, "%s: delete-fraction takes %s fraction %s keep",
                      phase->base, phase->has_keep ? "either" : "one of",
                      phase->has_keep ? "or" : "and");
    if (phase->type == PHASE_PURGE && !phase->memory_purge && !phase->activedefrag)
        return REFUSE(reading, phase, NULL,
                      "%s: nothing to do: neither memory_purge nor activedefrag", phase->base);
    if (phase->qps_share > 0 && !reading->has_maximum)
        return REFUSE(reading, phase, "qps", NO_MAXIMUM, "qps");
    if (phase->type == PHASE_BURST && phase->factor > 0 && !reading->has_rate)
        return REFUSE(reading, phase, "factor",
                      "factor: no phase before has a rate (qps or ramp) that it could multiply");
    return OK;
}

/* Whether there are keys to work on, and of one type. */
static enum err_code check_keys(const struct reading *reading, struct phase *phase)
{
    const bool loads = scenario_loads_keys(phase);
    const bool needs =
        (phase->workload != NULL && scenario_workload_uses_live_keys(phase->workload)) ||
        phase->type == PHASE_DELETE || phase->type == PHASE_OVERWRITE ||
        phase->type == PHASE_EXPIRE || phase->type == PHASE_QUERY ||
        (phase->mix_count > 0 && !loads);
    if (needs && !reading->has_keys)
        return REFUSE(reading, phase, NULL,
                      "%s: there are no keys yet: a load has to stand before %s", phase->base,
                      scenario_type_name(phase->type));
    if (phase->type == PHASE_INDEX_CREATE)
        phase->datatype = LIVE_VECTOR;
    else if (!file_given(&phase->place, "datatype"))
        phase->datatype = reading->has_keys ? reading->datatype : LIVE_STRING;
    else if (reading->has_keys && phase->datatype != reading->datatype)
        return REFUSE(
            reading, phase, "datatype",
            "datatype: the keys loaded before hold another: one at a time, or flush first");
    if (phase->type == PHASE_QUERY && phase->verify && phase->datatype != LIVE_STRING)
        return REFUSE(reading, phase, "verify", "verify: checksum is of strings only");
    return check_values(reading, phase);
}

/* What later phases build on. */
static void remember(struct reading *reading, struct phase *phase)
{
    const bool loads = scenario_loads_keys(phase);
    if (!phase->has_value_size)
        phase->value_size = reading->sizes;
    if (phase->type == PHASE_LOAD && phase->workload == NULL)
        reading->sizes = phase->value_size;
    if (loads)
        reading->datatype = phase->datatype;
    reading->has_keys = (reading->has_keys || loads) && phase->type != PHASE_FLUSH &&
                        (phase->type != PHASE_INDEX_DROP || phase->keep_docs);
    reading->has_rate |= phase->qps > 0 || phase->qps_share > 0 || phase->type == PHASE_RAMP;
    reading->has_maximum |= scenario_measures_maximum(phase);
}

/* ---- phases one after the other ---- */

bool scenario_put_index(char *text, size_t text_bytes, const char *from, uint32_t index)
{
    const char *marker = strstr(from, SCENARIO_LOOP_INDEX);
    size_t used = 0;
    bool found = false;
    for (; marker != NULL; marker = strstr(from, SCENARIO_LOOP_INDEX)) {
        used += (size_t)snprintf(text + used, text_bytes - used, "%.*s%u", (int)(marker - from),
                                 from, index);
        from = marker + strlen(SCENARIO_LOOP_INDEX);
        found = true;
    }
    snprintf(text + used, text_bytes - used, "%s", from);
    return found;
}

static enum err_code settle_name(const struct reading *reading, struct phase *phase,
                                 const struct scenario_turn *turn)
{
    if (turn->loop == NULL &&
        (strstr(phase->name, "${") != NULL || strstr(phase->tag, "${") != NULL))
        return REFUSE(reading, phase, strstr(phase->name, "${") != NULL ? "name" : "tag",
                      SCENARIO_LOOP_INDEX " stands in loops only");
    if (phase->type == PHASE_CHECKPOINT && phase->tag[0] == '\0')
        snprintf(phase->tag, sizeof phase->tag, "%s", phase->name);
    memcpy(phase->base, phase->name, sizeof phase->base);
    if (turn->loop != NULL) {
        char tag[SCENARIO_NAME_BYTES];
        phase->loop_index = turn->index;
        snprintf(phase->loop, sizeof phase->loop, "%s", turn->loop);
        memcpy(tag, phase->tag, sizeof tag);
        if (!scenario_put_index(phase->name, sizeof phase->name, phase->base, turn->index))
            snprintf(phase->name, sizeof phase->name, "%.48s_%u", phase->base, turn->index);
        if (!scenario_put_index(phase->tag, sizeof phase->tag, tag, turn->index) &&
            strcmp(tag, phase->base) == 0)
            memcpy(phase->tag, phase->name, sizeof phase->tag);
    }
    for (uint32_t i = 0; i < reading->scenario->phase_count; i++) {
        const struct phase *other = &reading->scenario->phases[i];
        const bool same_loop = strcmp(other->loop, phase->loop) == 0;
        if (strcmp(other->name, phase->name) == 0 ||
            (!same_loop && scenario_phase_is(other, phase->base)))
            return REFUSE(reading, phase, "name",
                          "name: there is a phase or loop %s in line %u already", phase->base,
                          other->place.node->mark.line);
    }
    return OK;
}

/* By turn, 1 to the most that a phase may have. */
static uint64_t grown_clients(uint64_t clients, double growth, uint32_t turn)
{
    const double grown = round((double)clients * pow(growth, (double)turn - 1));
    return grown < 1 ? 1 : grown > CLIENTS_MAX ? (uint64_t)CLIENTS_MAX : (uint64_t)grown;
}

/* target_memory is an `until`, and timeout a duration. */
static enum err_code settle_other_words(const struct reading *reading, struct phase *phase,
                                        const struct scenario_entry *entry)
{
    if (entry->target_bytes > 0 && phase->until.metric[0] != '\0')
        return REFUSE(reading, phase, "target_memory",
                      "target_memory and until exclude each other");
    if (entry->target_bytes > 0) {
        phase->until = (struct phase_until){
            .metric = "used_memory", .at_least = true, .value = (double)entry->target_bytes};
        snprintf(phase->until.text, sizeof phase->until.text, "used_memory>=%llu",
                 (unsigned long long)entry->target_bytes);
    }
    if (entry->timeout_ns > 0 && phase->duration_ns > 0)
        return REFUSE(reading, phase, "timeout", "timeout: it says the same as duration: give one");
    if (entry->timeout_ns > 0)
        phase->duration_ns = entry->timeout_ns;
    return OK;
}

enum err_code scenario_add_phase(struct reading *reading, const struct scenario_entry *entry,
                                 const struct scenario_turn *turn)
{
    struct scenario *scenario = reading->scenario;
    struct phase *phase = &scenario->phases[scenario->phase_count];
    const size_t variant = entry->phase.place.variant;
    *phase = entry->phase;
    phase->type = variant == SCENARIO_MIXED ? PHASE_HOLD : (enum phase_type)variant;
    phase->qps = rate_of(entry->qps.micro);
    phase->qps_share = entry->qps.share;
    phase->continue_on_error = entry->on_error == 1;
    phase->flush_all = entry->scope > 0; /* scope_at */
    phase->every_database = entry->scope > 1;
    phase->verify = entry->verify == 2; /* verify_at */
    phase->recall = entry->verify == 3;
    if (entry->clients_growth > 0 && turn->loop == NULL)
        return REFUSE(reading, phase, "clients_growth",
                      "clients_growth: it is of phases in a loop");
    if (entry->clients_growth > 0)
        phase->clients = grown_clients(phase->clients, entry->clients_growth, turn->index);
    phase->condition_place = turn->condition_place;
    phase->if_true = turn->if_true;
    phase->parallel_place = turn->parallel_place;
    if (phase->parallel_place > 0)
        phase->duration_ns = turn->parallel_ns;
    phase->stable = entry->stable.stable;
    phase->skew_share = entry->skew.share;
    phase->skew_tags = entry->skew.tags;
    if (phase->stable.metric[0] != '\0' && phase->stable.max_ns == 0)
        phase->stable.max_ns = phase->duration_ns;
    enum err_code code = settle_other_words(reading, phase, entry);
    if (code == OK)
        code = settle_name(reading, phase, turn);
    if (code == OK)
        code = settle_mix(reading, phase, entry);
    if (code == OK)
        code = scenario_settle_workload(reading, phase, entry);
    if (code == OK)
        code = scenario_settle_buffer(reading, phase, entry);
    if (code == OK && phase->type == PHASE_RAMP)
        code = settle_ramp(reading, phase, &entry->ramp);
    if (code == OK)
        code = check_until(reading, phase);
    if (code == OK)
        code = check_ends(reading, phase);
    if (code == OK)
        code = scenario_act_check(scenario, reading->file, phase, reading->err);
    phase->actions = entry->actions.count > 0 ? &entry->actions : NULL;
    if (code == OK)
        code = scenario_wishes_check(scenario, reading->file, phase, reading->err);
    if (code == OK)
        code = check_keys(reading, phase);
    if (code == OK)
        code = scenario_vectors_settle(&reading->vectors, reading->file, phase, reading->err);
    if (code == OK)
        code = scenario_settle_key_names(reading, phase, turn);
    if (code != OK)
        return code;
    remember(reading, phase);
    const bool by_max = phase->type == PHASE_IDLE && phase->duration_ns == 0;
    reading->unscaled_ns += by_max ? phase->stable.max_ns : phase->duration_ns;
    scale_phase(reading, phase);
    scenario->planned_duration_ns += by_max ? phase->stable.max_ns : phase->duration_ns;
    scenario->phase_count++;
    return OK;
}

/* ---- checks ---- */

static enum err_code find_phase(const struct reading *reading, const struct file_place *place,
                                const char *key, const char *name)
{
    struct suggestion suggestion = {.wanted = name, .wanted_bytes = strlen(name)};
    if (name[0] == '\0' || strcmp(name, "all") == 0)
        return OK;
    for (uint32_t i = 0; i < reading->scenario->phase_count; i++) {
        const struct phase *phase = &reading->scenario->phases[i];
        if (scenario_phase_is(phase, name))
            return OK;
        suggest_offer(&suggestion, phase->base, strlen(phase->base));
        suggest_offer(&suggestion, phase->loop, strlen(phase->loop));
    }
    return file_refuse(reading->file, place, key, reading->err, "%s: there is no phase %.60s%s%s%s",
                       key, name, SUGGESTED(suggestion.best));
}

enum err_code scenario_settle_check(struct reading *reading, struct scenario_check *check,
                                    const struct scenario_check_entry *entry,
                                    const struct file_place *place)
{
    const struct scenario *scenario = reading->scenario;
    const bool relative = entry->check.relative_to[0] != '\0';
    struct err reason = {.code = OK};
    *check = entry->check;
    if (find_phase(reading, place, "phase", check->phase) != OK ||
        find_phase(reading, place, "relative_to", check->relative_to) != OK ||
        scenario_servers_check(scenario, reading->file, place, "metric", check->metric,
                               reading->err) != OK)
        return reading->err->code;
    if (relative && strcmp(check->metric, "leak_verdict") == 0)
        return file_refuse(reading->file, place, "relative_to", reading->err,
                           "relative_to: a verdict is no part of another one");
    if (scenario_check_value(&check->value, relative ? "" : check->metric,
                             relative ? 1 : entry->divisor, scenario->memory_target_bytes,
                             entry->value, &reason) != OK)
        return file_refuse(reading->file, place, "value", reading->err, "value: %.40s: %s",
                           entry->value, reason.text);
    return OK;
}

static enum err_code add_checks(struct reading *reading)
{
    struct scenario *scenario = reading->scenario;
    const struct scenario_fields *fields = reading->fields;
    enum err_code code = OK;
    scenario->checks = calloc(fields->check_count + 1, sizeof *scenario->checks);
    if (scenario->checks == NULL)
        return err_set(reading->err, E_SYSTEM, "reading %.150s: out of memory",
                       reading->file->name);
    for (size_t i = 0; i < fields->check_count && code == OK; i++) {
        const struct scenario_check_entry *entry = &fields->checks[i];
        code = scenario_settle_check(reading, &scenario->checks[i], entry, &entry->check.place);
        scenario->check_count += code == OK;
    }
    return code;
}

/* ---- the whole ---- */

static enum err_code settle(struct scenario *scenario, const struct file *file,
                            const struct scenario_fields *fields, const struct scenario_wish *wish,
                            struct reading *reading)
{
    if (fields->description != NULL && strlen(fields->description) >= sizeof scenario->description)
        return file_refuse(file, &fields->place, "description", reading->err,
                           "description: longer than %zu bytes", sizeof scenario->description - 1);
    snprintf(scenario->name, sizeof scenario->name, "%s", fields->name);
    snprintf(scenario->description, sizeof scenario->description, "%s",
             fields->description != NULL ? fields->description : "");
    scenario->scale = wish->scale > 0 ? wish->scale : fields->scale > 0 ? fields->scale : 1;
    scenario->stated_duration_ns = fields->duration_ns;
    scenario->memory_target_bytes = scaled(reading, fields->memory_target_bytes, 1);
    scenario->sample_interval_ns = fields->sample_interval_ns;
    enum err_code code = scenario_servers_take(scenario, file, &fields->server, reading->err);
    if (code == OK)
        code = scenario_add_phases(reading);
    return code == OK ? add_checks(reading) : code;
}

static void note_duration(struct scenario_document *document, uint64_t stated_ns, uint64_t sum_ns)
{
    char stated[32], sum[32];
    if (stated_ns != 0 && stated_ns != sum_ns)
        snprintf(document->notice, sizeof document->notice,
                 "%.120s: the phases take %s in all, and duration says %s", document->file.name,
                 units_format_duration(sum, sizeof sum, sum_ns),
                 units_format_duration(stated, sizeof stated, stated_ns));
}

enum err_code scenario_read(struct scenario *scenario, struct scenario_document *document,
                            const struct file_source *source, const struct scenario_wish *wish,
                            struct err *err)
{
    struct scenario_fields fields = {.phase_count = 0};
    struct reading reading = {.scenario = scenario,
                              .file = &document->file,
                              .fields = &fields,
                              .document = document,
                              .sizes = {.kind = SIZE_FIXED, .least_bytes = USUAL_SIZE_BYTES},
                              .err = err};
    *scenario = (struct scenario){.scale = 1};
    *document = (struct scenario_document){.notice = ""};
    if (wish->scale != 0 &&
        !(wish->scale >= SCENARIO_SCALE_LEAST && wish->scale <= SCENARIO_SCALE_MOST))
        return err_set(err, E_USAGE, "--scale: out of range; allowed: %g to %g",
                       SCENARIO_SCALE_LEAST, SCENARIO_SCALE_MOST);
    enum err_code code = file_parse(&document->file, &scenario_file_kind, source, err);
    if (code == OK)
        code = scenario_variables_put(&document->file, &wish->variables, err);
    if (code == OK)
        code = scenario_steps_translate(&document->file, document->ignored,
                                        sizeof document->ignored, err);
    if (code == OK)
        code = file_read_tree(&document->file, &scenario_file_kind, &fields, err);
    if (code == OK)
        code = settle(scenario, &document->file, &fields, wish, &reading);
    if (code == OK)
        note_duration(document, fields.duration_ns, reading.unscaled_ns);
    return code;
}

void scenario_free(struct scenario *scenario, struct scenario_document *document)
{
    free(scenario->phases);
    free(scenario->checks);
    scenario_workloads_free(document);
    file_free(&document->file);
    *scenario = (struct scenario){.phase_count = 0};
}
