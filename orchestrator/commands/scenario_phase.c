#include "orchestrator/commands/scenario_phase.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/buffer_stage.h"
#include "common/clock.h"
#include "orchestrator/commands/scenario_buffers.h"
#include "orchestrator/commands/scenario_index.h"
#include "orchestrator/commands/scenario_names.h"
#include "orchestrator/options/rate_steps.h"
#include "orchestrator/scenario/scenario_file.h"
#include "orchestrator/server/command_keys.h"

#define FACTOR_STEPS 8u
/* Outages, and the end of one of several that are sent side by side, are seen by edges of intervals. */
#define FINE_INTERVAL_NS (100 * NS_PER_MS)
#define BRANCH_INTERVALS 100u /* of all that are side by side, or more */

/* ---- sizes ---- */

static void add_weight(struct size_wish *wish, double bytes, double weight)
{
    if (wish->weight_count == SIZE_WEIGHTS_MAX)
        return;
    const double most = (double)SIZE_BYTES_MAX;
    bytes = bytes < 1 ? 1 : bytes > most ? most : bytes;
    wish->weights[wish->weight_count++] =
        (struct size_weight){.bytes = (uint64_t)llround(bytes), .weight = weight};
}

static void add_scaled(struct size_wish *wish, double bytes, double weight, double least,
                       double most, uint32_t steps)
{
    for (uint32_t i = 0; i < steps; i++)
        add_weight(wish, bytes * (least + (most - least) * ((double)i + 0.5) / (double)steps),
                   weight / (double)steps);
}

/* 0 stays: it stands for no limit. */
static uint64_t times(uint64_t bytes, double factor)
{
    const double most = (double)SIZE_BYTES_MAX, product = (double)bytes * factor;
    return bytes == 0 ? 0 : product < 1 ? 1 : (uint64_t)llround(fmin(product, most));
}

struct size_wish scenario_scaled_sizes(const struct size_wish *sizes, double least_factor,
                                       double most_factor)
{
    struct size_wish scaled = {.kind = SIZE_WEIGHTS};
    const double least = (double)sizes->least_bytes, most = (double)sizes->most_bytes;
    switch (sizes->kind) {
    case SIZE_FIXED:
        scaled = (struct size_wish){.kind = SIZE_RANGE,
                                    .least_bytes = times(sizes->least_bytes, least_factor),
                                    .most_bytes = times(sizes->least_bytes, most_factor)};
        break;
    case SIZE_RANGE:
        for (uint32_t i = 0; i < 4; i++)
            add_scaled(&scaled, least + (most - least) * (i + 0.5) / 4, 1, least_factor,
                       most_factor, FACTOR_STEPS);
        break;
    case SIZE_WEIGHTS: {
        const uint32_t steps = sizes->weight_count > 0 ? SIZE_WEIGHTS_MAX / sizes->weight_count : 1;
        for (uint32_t i = 0; i < sizes->weight_count; i++)
            add_scaled(&scaled, (double)sizes->weights[i].bytes, sizes->weights[i].weight,
                       least_factor, most_factor, steps < FACTOR_STEPS ? steps : FACTOR_STEPS);
        break;
    }
    case SIZE_LOGNORMAL:
    case SIZE_PARETO: /* by the mean of the factors: their shape stays */
        scaled = *sizes;
        scaled.least_bytes = times(sizes->least_bytes, (least_factor + most_factor) / 2);
        scaled.most_bytes = times(sizes->most_bytes, (least_factor + most_factor) / 2);
        scaled.median_bytes = times(sizes->median_bytes, (least_factor + most_factor) / 2);
        scaled.p99_bytes = times(sizes->p99_bytes, (least_factor + most_factor) / 2);
        break;
    }
    return scaled;
}

double scenario_mean_bytes(const struct phase *phase)
{
    return phase->datatype == LIVE_VECTOR ? (double)phase->index.dimensions * sizeof(float)
                                          : live_mean_bytes(&phase->value_size);
}

/* ---- which keys ---- */

static struct live_class *add_class(struct live_plan *plan, const char *name,
                                    enum live_action action)
{
    struct live_class *class = &plan->classes[plan->class_count++];
    snprintf(class->name, sizeof class->name, "%s", name);
    class->action = action;
    class->weight = 1;
    return class;
}

static void add_insert(struct live_plan *plan, const struct phase *phase)
{
    struct live_class *class = add_class(plan, "load", LIVE_INSERT);
    class->type = phase->datatype;
    class->size = phase->value_size;
    class->batch = (uint32_t)phase->batch;
    class->least_ttl_s = phase->least_ttl_s;
    class->most_ttl_s = phase->most_ttl_s;
    class->wait_replicas = (uint32_t)phase->wait_replicas;
}

static void pick(struct scenario_run *run, struct live_plan *plan, const struct phase *phase,
                 uint64_t seed)
{
    const uint64_t live = phase->has_keep ? live_map_count(run->map) : 0;
    const double fraction = !phase->has_keep     ? phase->fraction
                            : live > phase->keep ? (double)(live - phase->keep) / (double)live
                                                 : 0;
    struct live_range ranges[SCENARIO_PREFIXES_MAX];
    struct live_pick wish = {
        .order = phase->strategy, .fraction = fraction, .stride = phase->stride, .seed = seed};
    if (phase->pick_prefix[0] != '\0') {
        wish.ranges = ranges;
        wish.range_count = scenario_names_ranges(ranges, run, phase->pick_prefix);
    }
    if (phase->copy_level > 0) {
        wish.ranges = ranges;
        wish.range_count = 1;
        scenario_index_copies(&ranges[0].from, &ranges[0].end, run, (uint32_t)phase->copy_level);
    }
    plan->picked_count = live_map_pick(run->map, &wish);
}

static void plan_mix(struct scenario_run *run, struct live_plan *plan, const struct phase *phase)
{
    static const struct phase_share usual[] = {{OPERATION_GET, 1}};
    const uint32_t count = phase->mix_count > 0 ? phase->mix_count : 1;
    for (uint32_t i = 0; i < count; i++) {
        const struct phase_share *share = phase->mix_count > 0 ? &phase->mix[i] : usual;
        struct live_class *class = NULL;
        switch (share->operation) {
        case OPERATION_LOAD:
            add_insert(plan, phase);
            class = &plan->classes[plan->class_count - 1];
            break;
        case OPERATION_GET:
            class = add_class(plan, "get", LIVE_READ);
            class->type = phase->datatype;
            break;
        case OPERATION_UPDATE:
            class = add_class(plan, "update", LIVE_UPDATE);
            class->size = phase->value_size;
            class->wait_replicas = (uint32_t)phase->wait_replicas;
            break;
        case OPERATION_DEL:
            class = add_class(plan, "del", LIVE_DELETE);
            class->type = phase->datatype;
            class->unlink = phase->unlink;
            plan->picked_count = live_map_pick(
                run->map, &(struct live_pick){.order = LIVE_PICK_OLDEST, .fraction = 1});
            break;
        }
        class->weight = share->weight;
    }
}

/* Requests that the phase comes to; 0: time decides. */
static uint64_t plan_phase(struct scenario_run *run, struct live_plan *plan,
                           const struct phase *phase, uint64_t seed)
{
    struct live_class *class;
    const uint64_t room = live_map_capacity(run->map) - plan->first_new;
    const uint64_t batch = phase->batch > 1 ? phase->batch : 1;
    switch (phase->type) {
    case PHASE_LOAD:
        add_insert(plan, phase);
        return ((phase->keys > 0 && phase->keys < room ? phase->keys : room) + batch - 1) / batch;
    case PHASE_DELETE:
        pick(run, plan, phase, seed);
        class = add_class(plan, "delete", LIVE_DELETE);
        class->type = phase->datatype;
        class->unlink = phase->unlink;
        return plan->picked_count;
    case PHASE_OVERWRITE:
        pick(run, plan, phase, seed);
        class = add_class(plan, "overwrite", LIVE_OVERWRITE);
        class->size = phase->has_value_size
                          ? phase->value_size
                          : scenario_scaled_sizes(&phase->value_size, phase->least_factor,
                                                  phase->most_factor);
        return plan->picked_count;
    case PHASE_EXPIRE:
        pick(run, plan, phase, seed);
        class = add_class(plan, "expire", LIVE_EXPIRE);
        class->least_ttl_s = phase->least_ttl_s;
        class->most_ttl_s = phase->most_ttl_s;
        return plan->picked_count;
    case PHASE_FLUSH:
        plan->picked_count =
            live_map_pick(run->map, &(struct live_pick){.fraction = 1, .order = LIVE_PICK_OLDEST});
        class = add_class(plan, "flush", LIVE_DELETE);
        class->type = phase->datatype;
        class->unlink = true;
        return plan->picked_count;
    case PHASE_INDEX_CREATE:
        plan->picked_count =
            live_map_pick(run->map, &(struct live_pick){.fraction = 1, .order = LIVE_PICK_OLDEST});
        class = add_class(plan, "index", LIVE_INDEX);
        class->type = LIVE_VECTOR;
        return plan->picked_count;
    case PHASE_QUERY:
        class = add_class(plan, "get", LIVE_READ);
        class->type = phase->datatype;
        class->check = phase->verify;
        if (!(phase->fraction > 0))
            return 0;
        pick(run, plan, phase, seed);
        class->picked = true;
        return plan->picked_count;
    case PHASE_RAMP:
    case PHASE_HOLD:
    case PHASE_BURST:
    case PHASE_FAILOVER:
    case PHASE_REBALANCE:
        plan_mix(run, plan, phase);
        return 0;
    case PHASE_IDLE:
    case PHASE_CHECKPOINT:
    case PHASE_PURGE:
    case PHASE_INDEX_DROP:
    case PHASE_WAIT_INDEX:
    case PHASE_CONDITION:
    case PHASE_PARALLEL:
    case PHASE_TYPES:
        break;
    }
    return 0;
}

/* ---- how fast ---- */

static uint64_t micro_of(double rate)
{
    const double micro = rate * (double)SCHEDULE_MICRO;
    return micro < 1                                 ? 1
           : micro > (double)SCHEDULE_RATE_MAX_MICRO ? SCHEDULE_RATE_MAX_MICRO
                                                     : (uint64_t)llround(micro);
}

static enum err_code no_memory(struct err *err)
{
    return err_set(err, E_SYSTEM, "no memory for the rates of a phase");
}

/* In steps where the phase names them, else a straight line; the last rate goes on. */
static enum err_code make_ramp(struct scenario_step *made, const struct scenario_run *run,
                               const struct phase *phase, struct err *err)
{
    struct rate_options *rate = &made->step.spec.rate;
    const double whole = phase->ramp_shares ? run->max_rate : 1;
    const double from = phase->ramp_from * whole, to = phase->ramp_to * whole;
    const double by = phase->ramp_step * whole;
    const bool stepped =
        phase->ramp_interval_ns > 0 && (phase->ramp_step > 0 || phase->ramp_factor > 0);
    uint32_t room = 2, count = 0;
    if (stepped)
        room = (uint32_t)(phase->duration_ns / phase->ramp_interval_ns) + 2;
    made->rates = calloc(room, sizeof made->rates[0]);
    if (made->rates == NULL)
        return no_memory(err);
    double now = from;
    if (!stepped)
        made->rates[count++] = (struct rate_step){.length_ns = phase->duration_ns,
                                                  .from_micro = micro_of(from),
                                                  .to_micro = micro_of(to),
                                                  .shape = SCHEDULE_LINEAR};
    for (; stepped && count + 1 < room && (to > from ? now < to : now > to);
         now = phase->ramp_factor > 0 ? now * phase->ramp_factor : now + (to > from ? by : -by))
        made->rates[count++] = (struct rate_step){.length_ns = phase->ramp_interval_ns,
                                                  .from_micro = micro_of(now),
                                                  .to_micro = micro_of(now)};
    made->rates[count++] = (struct rate_step){
        .length_ns = SCHEDULE_NEVER, .from_micro = micro_of(to), .to_micro = micro_of(to)};
    rate->steps = made->rates;
    rate->step_count = count;
    rate->warmup_micro = made->rates[0].from_micro;
    snprintf(rate->text, sizeof rate->text, "%.6g to %.6g/s", from, to);
    return OK;
}

static enum err_code set_rate(struct scenario_step *made, const struct scenario_run *run,
                              const struct phase *phase, struct err *err)
{
    double rate = phase->qps_share > 0 ? phase->qps_share * run->max_rate : phase->qps;
    if ((phase->qps_share > 0 || phase->ramp_shares) && !(run->max_rate > 0))
        return err_set(err, E_DATA,
                       "%s: no phase before has measured the maximum that its rate is "
                       "a part of",
                       phase->name);
    if (phase->type == PHASE_RAMP)
        return make_ramp(made, run, phase, err);
    if (phase->type == PHASE_BURST && phase->factor > 0)
        rate = run->last_rate * phase->factor;
    made->step.spec.rate.steps = NULL;
    made->step.spec.rate.step_count = 0;
    made->step.spec.rate.text[0] = '\0';
    if (!(rate > 0))
        return OK;
    made->rates = calloc(1, sizeof made->rates[0]);
    if (made->rates == NULL)
        return no_memory(err);
    bench_step_set_rate(&made->step, made->rates, micro_of(rate));
    return OK;
}

uint32_t scenario_step_parts(const struct phase *phase)
{
    return phase->type == PHASE_LOAD && phase->workload != NULL
               ? scenario_workload_fills(phase->workload, NULL, 0)
               : 1;
}

/* The workload's keys begin as all of the run do, and are as many as the scale says; those of `live` are the live ones. */
static enum err_code take_keys(struct scenario_step *made, const struct scenario_run *run,
                               const struct workload_plan *plan, struct err *err)
{
    const size_t count = plan->key_space_count;
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += strlen(run->prefix) + strlen(plan->key_spaces[i].prefix) + 1;
    made->workload_plan = *plan;
    made->key_spaces = calloc(count + 1, sizeof made->key_spaces[0]);
    made->prefixes = calloc(bytes + 1, 1);
    if (made->key_spaces == NULL || made->prefixes == NULL)
        return err_set(err, E_SYSTEM, "no memory for the keys of a phase");
    char *at = made->prefixes;
    for (size_t i = 0; i < count; i++) {
        struct plan_key_space *space = &made->key_spaces[i];
        const bool live = strcmp(plan->key_spaces[i].name, SCENARIO_LIVE_KEYS) == 0;
        const uint64_t end = live_map_end(run->map);
        *space = plan->key_spaces[i];
        space->prefix = at;
        const size_t room = bytes - (size_t)(at - made->prefixes);
        at += snprintf(at, room, "%s%s", run->prefix, live ? "" : plan->key_spaces[i].prefix) + 1;
        if (live)
            *space = (struct plan_key_space){.name = space->name,
                                             .prefix = space->prefix,
                                             .count = end > 0 ? end : 1,
                                             .digits = PLAN_DIGITS_USUAL,
                                             .order = space->order};
        else
            space->count = (uint64_t)fmax(1, round((double)space->count * run->scenario->scale));
    }
    made->workload_plan.key_spaces = made->key_spaces;
    return OK;
}

/* What a workload of the phase is made of. *requests: as plan_phase. */
static enum err_code take_workload(struct workload_source *source, uint64_t *requests,
                                   struct scenario_step *made, const struct scenario_run *run,
                                   const struct phase *phase, uint32_t part, struct err *err)
{
    enum err_code code = take_keys(made, run, phase->workload, err);
    source->plan = &made->workload_plan;
    if (code != OK || phase->type != PHASE_LOAD)
        return code;
    size_t prefill = 0;
    (void)scenario_workload_fills(phase->workload, &prefill, part);
    code = prefill_plan_make(&made->filling, &made->workload_plan, prefill, err);
    source->plan = &made->filling.plan;
    *requests = made->key_spaces[made->workload_plan.prefills[prefill].key_space].count;
    return code;
}

static uint64_t branch_interval_ns(uint64_t usual_ns, uint64_t duration_ns)
{
    const uint64_t fine_ns = duration_ns / BRANCH_INTERVALS / FINE_INTERVAL_NS * FINE_INTERVAL_NS;
    const uint64_t least_ns = fine_ns > FINE_INTERVAL_NS ? fine_ns : FINE_INTERVAL_NS;
    return least_ns < usual_ns ? least_ns : usual_ns;
}

/* Where keys stand in commands of a workload, and which of these only read, the server knows: in a cluster a request goes by its
 * keys, and past a buffer when it reads. */
static enum err_code find_keys(struct workload *workload, const struct session *session,
                               const struct phase *phase, const struct spec *spec, struct err *err)
{
    struct control *control = NULL;
    const uint32_t parts = workload_part_count(workload);
    if (phase->workload == NULL || (!spec->buffer.wanted && !spec->endpoint.cluster))
        return OK;
    if (spec->buffer.wanted && parts + BUFFER_STAGES > PARTS_MAX)
        return err_set(err, E_CONFIG,
                       "%.60s: the requests of the workload have %u commands with figures of "
                       "their own; %u are the most beside the stages of a buffer",
                       phase->name, parts, PARTS_MAX - BUFFER_STAGES);
    enum err_code code = control_connect_to(&control, &session->target, &spec->endpoint,
                                            &session->interrupts->count, err);
    if (code == OK)
        code = command_keys_find(workload, control, true, err);
    control_close(control);
    return code;
}

enum err_code scenario_step_make(struct scenario_step *made, struct scenario_run *run,
                                 const struct phase *phase, uint32_t part, struct err *err)
{
    struct spec *spec = &made->step.spec;
    *made = (struct scenario_step){.plan = {.map = run->map,
                                            .first_new = live_map_end(run->map),
                                            .phase_seed = run->phase,
                                            .key_order = phase->key_order,
                                            .key_space = phase->key_space}};
    *spec = run->session->request->spec;
    snprintf(made->plan.prefix, sizeof made->plan.prefix, "%s", run->prefix);
    struct workload_source source = {.title = phase->name};
    uint64_t requests = 0;
    enum err_code code = OK;
    if (phase->workload != NULL) {
        code = take_workload(&source, &requests, made, run, phase, part, err);
    } else if (phase->datatype == LIVE_VECTOR && run->index != NULL &&
               scenario_index_vectors(&made->plan.vectors, run, phase, err) != OK) {
        return err->code;
    } else {
        code = scenario_names_plan(&made->plan, run, phase, err);
        requests = plan_phase(run, &made->plan, phase, spec->load.seed + run->phase);
        source.live = &made->plan;
    }
    if (code != OK)
        return code;
    const bool about_picked = phase->type == PHASE_DELETE || phase->type == PHASE_OVERWRITE ||
                              phase->type == PHASE_EXPIRE || phase->type == PHASE_FLUSH ||
                              (phase->type == PHASE_QUERY && phase->fraction > 0) ||
                              phase->type == PHASE_INDEX_CREATE;
    const bool by_server = phase->type == PHASE_INDEX_CREATE && scenario_index_builds_itself(run);
    if (by_server || (about_picked && requests == 0))
        return OK;
    double clients = (double)phase->clients;
    if (phase->type == PHASE_BURST && phase->clients_factor > 0)
        clients *= phase->clients_factor;
    spec->load.clients = clients < 1 ? 1 : (uint64_t)llround(clients);
    spec->load.pipeline = phase->pipeline;
    scenario_buffers_set(spec, phase);
    if (phase->reconnect_every > 0)
        spec->connections.reconnect_every = phase->reconnect_every;
    spec->load.requests = requests;
    spec->load.duration_ns = requests > 0 ? 0 : phase->duration_ns;
    made->time_limit_ns = requests > 0 ? phase->duration_ns : 0;
    spec->load.warmup_ns = 0;
    if (phase->type == PHASE_FAILOVER || phase->type == PHASE_REBALANCE)
        spec->load.interval_ns = FINE_INTERVAL_NS;
    if (phase->parallel_place > 0)
        spec->load.interval_ns = branch_interval_ns(
            spec->load.interval_ns, run->scenario->phases[phase->parallel_place - 1].duration_ns);
    code = set_rate(made, run, phase, err);
    if (code != OK)
        return code;
    code = workload_create(&made->step.workload, &source, spec, err);
    return code == OK ? find_keys(made->step.workload, run->session, phase, spec, err) : code;
}

void scenario_step_free(struct scenario_step *made)
{
    workload_destroy(made->step.workload);
    free(made->rates);
    free(made->filling.key_spaces);
    free(made->key_spaces);
    free(made->prefixes);
    *made = (struct scenario_step){.rates = NULL};
}
