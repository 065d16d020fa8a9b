/* libFuzzer target: any bytes are a plan whose actions a managed target of some kind can be asked for,
 * or one sentence that begins with the file's name. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/options/chaos_plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

/* What the executor relies on: indices within its arrays, in the order of time. */
static void check(const struct chaos_plan *plan, const struct spec *spec)
{
    uint32_t nodes = chaos_plan_nodes(spec) + plan->nodes_added;
    if (plan->count == 0 || plan->count > CHAOS_ACTIONS_MAX || nodes > MANAGED_NODES_MAX)
        abort();
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct chaos_action *action = &plan->actions[i];
        const bool many = action->kind == CHAOS_BGSAVE || action->kind == CHAOS_AOF_REWRITE ||
                          action->kind == CHAOS_FLUSHALL || action->kind == CHAOS_FULL_SYNC ||
                          action->kind == CHAOS_CLIENT_KILL;
        if (action->kind >= CHAOS_KIND_COUNT || action->text[0] == '\0' ||
            (i > 0 && action->at_ns < plan->actions[i - 1].at_ns) || action->to_node >= nodes ||
            (action->node >= nodes && !(many && action->node == CHAOS_ALL_NODES)) ||
            (action->kind == CHAOS_PAUSE && action->for_ns == 0) ||
            (action->kind == CHAOS_RESHARD &&
             (action->slots == 0 || action->node == action->to_node)))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    static const struct spec specs[] = {
        {.managed.wanted = true},
        {.managed.wanted = true, .managed.replicas = 2, .load.duration_ns = 20000000000ull},
        {.managed.wanted = true, .managed.primaries = 3, .managed.replicas = 3},
    };
    const struct file_source source = {"file", (const char *)input, input_bytes};
    for (size_t i = 0; i < sizeof specs / sizeof specs[0]; i++) {
        struct chaos_plan plan;
        struct err err = {.code = OK};
        enum err_code code = chaos_plan_read(&plan, &source, &specs[i], &err);
        if (code == OK)
            check(&plan, &specs[i]);
        else if (code != E_CONFIG || strncmp(err.text, "file:", 5) != 0)
            abort();
        chaos_plan_free(&plan);
    }
    return 0;
}
