/* What is asked of steps that are there: which run together, what their classes are called, what they need. */
#include <stdio.h>
#include <string.h>

#include "orchestrator/commands/bench_steps.h"
#include "orchestrator/options/distribution.h"
#include "orchestrator/options/objective_classes.h"

/* That objectives know: classes, parts, workloads. */
#define NAMES_MAX (CLASSES_MAX + PARTS_MAX + SPEC_STREAMS_MAX)

enum err_code bench_steps_check_classes(const struct bench_steps *steps,
                                        const struct objective_list *objectives, const char *option,
                                        struct err *err)
{
    enum err_code code = OK;
    for (uint32_t i = 0; i < steps->count && code == OK; i++) {
        const struct bench_step *step = &steps->steps[i];
        const char *names[NAMES_MAX];
        char own[NAMES_MAX][CLASS_NAME_BYTES];
        const uint32_t streams = bench_steps_together(steps, step);
        uint32_t count = 0, named = 0;
        for (uint32_t k = 0; k < streams; k++) {
            const struct bench_step *beside = bench_steps_beside(steps, step, k);
            const uint32_t classes = workload_class_count(beside->workload);
            for (uint32_t class = 0; class < classes; class ++) {
                bench_step_name_class(own[named], beside, class);
                names[count++] = own[named++];
            }
            for (uint32_t part = 0;
                 part < workload_part_count(beside->workload) && named < CLASSES_MAX + PARTS_MAX;
                 part++) {
                bench_step_name_part(own[named], beside, part);
                names[count++] = own[named++];
            }
            if (streams > 1 && classes > 1)
                names[count++] = beside->stream;
        }
        if (step->prefill_for == NULL)
            code = objective_classes_check(objectives, option, workload_title(step->workload),
                                           names, count, err);
    }
    return code;
}

uint32_t bench_steps_all(const struct bench_steps *steps)
{
    return steps->count + steps->beside_count;
}

struct bench_step *bench_steps_at(const struct bench_steps *steps, uint32_t index)
{
    return index < steps->count ? &steps->steps[index] : &steps->beside[index - steps->count];
}

uint32_t bench_steps_together(const struct bench_steps *steps, const struct bench_step *step)
{
    return step->prefill_for == NULL ? 1 + steps->beside_count : 1;
}

const struct bench_step *bench_steps_beside(const struct bench_steps *steps,
                                            const struct bench_step *step, uint32_t index)
{
    return index == 0 ? step : &steps->beside[index - 1];
}

void bench_step_name_class(char name[CLASS_NAME_BYTES], const struct bench_step *step,
                           uint32_t class)
{
    const char *own = workload_class_name(step->workload, class);
    if (step->stream == NULL)
        snprintf(name, CLASS_NAME_BYTES, "%s", own);
    else if (workload_class_count(step->workload) == 1)
        snprintf(name, CLASS_NAME_BYTES, "%s", step->stream);
    else
        snprintf(name, CLASS_NAME_BYTES, "%s:%s", step->stream, own);
}

char *bench_step_describe_keys(char *text, size_t text_bytes, const struct bench_step *step)
{
    const struct load_options *load = &step->spec.load;
    const struct workload_plan *plan = workload_plan(step->workload);
    const struct key_order_wish *order = plan == NULL ? &load->key_distribution : NULL;
    text[0] = '\0';
    if (plan != NULL && plan->key_space_count == 1)
        order = &plan->key_spaces[0].order;
    if (workload_live(step->workload) != NULL)
        snprintf(text, text_bytes, "live keys of the scenario");
    else if (plan != NULL && plan->key_space_count > 1)
        snprintf(text, text_bytes, "in %zu key spaces", plan->key_space_count);
    else if (order != NULL &&
             (plan != NULL || (load->key_order == KEYS_RANDOM && order->kind != ORDER_UNIFORM)))
        distribution_format_keys(text, text_bytes, order);
    return text;
}

void bench_step_name_part(char name[CLASS_NAME_BYTES], const struct bench_step *step, uint32_t part)
{
    const char *own = workload_part(step->workload, part).name;
    if (step->stream == NULL)
        snprintf(name, CLASS_NAME_BYTES, "%s", own);
    else
        snprintf(name, CLASS_NAME_BYTES, "%s:%s", step->stream, own);
}

enum err_code bench_steps_check_replicas(const struct bench_steps *steps,
                                         const struct topology *topology, struct err *err)
{
    const char *asking = NULL;
    for (uint32_t i = 0; i < bench_steps_all(steps) && asking == NULL; i++)
        asking = workload_asks_replicas(bench_steps_at(steps, i)->workload);
    for (uint32_t i = 0; i < topology->node_count && asking != NULL; i++) {
        bool has_replica = topology->nodes[i].role != TOPOLOGY_PRIMARY;
        for (uint32_t k = 0; k < topology->node_count && !has_replica; k++)
            has_replica =
                topology->nodes[k].role == TOPOLOGY_REPLICA && topology->nodes[k].primary == i;
        if (!has_replica)
            return err_set(err, E_CONNECT,
                           "class %s is asked of replicas (until: hit), and %s has none: give it "
                           "one, or another target",
                           asking, topology->nodes[i].address.text);
    }
    return OK;
}

bool bench_steps_mixed(const struct bench_steps *steps)
{
    bool mixed = false;
    for (uint32_t i = 0; i < bench_steps_all(steps); i++) {
        const struct workload *workload = bench_steps_at(steps, i)->workload;
        mixed |= workload_reads_some(workload) && !workload_reads_only(workload);
    }
    return mixed;
}
