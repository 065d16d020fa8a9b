/* libFuzzer target: any bytes are a workload whose classes can be compiled, or one sentence that begins with the
 * file's name. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/options/workload_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

static void check_class(const struct workload_plan *plan, const struct plan_class *class)
{
    if (class->command_count == 0 || class->name[0] == '\0' ||
        (class->on_miss != PLAN_NO_CLASS && class->on_miss >= plan->class_count) ||
        (class->then != PLAN_NO_CLASS && class->then >= plan->class_count))
        abort();
    for (size_t i = 0; i < class->command_count; i++)
        if (class->commands[i].word_count == 0 || class->commands[i].words[0][0] == '\0')
            abort();
}

static void check(const struct workload_plan *plan)
{
    uint64_t weights = 0;
    if (plan->class_count == 0 || plan->class_count > PLAN_CLASSES_MAX)
        abort();
    for (size_t i = 0; i < plan->class_count; i++) {
        check_class(plan, &plan->classes[i]);
        weights += plan->classes[i].weight;
    }
    for (size_t i = 0; i < plan->key_space_count; i++)
        if (plan->key_spaces[i].count == 0 || plan->key_spaces[i].count > PLAN_KEYS_MAX)
            abort();
    for (size_t i = 0; i < plan->prefill_count; i++) {
        check_class(plan, &plan->prefills[i].write);
        if (plan->prefills[i].key_space >= plan->key_space_count)
            abort();
    }
    if (weights == 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    if (memmem(input, input_bytes, "data", strlen("data")) != NULL)
        return 0; /* names a file of this machine; fuzz_dataset reads what may stand in one */
    const struct file_source source = {"file", (const char *)input, input_bytes};
    struct workload_file file;
    struct err err = {.code = OK};
    enum err_code code = workload_file_read(&file, &source, &err);
    if (code == OK)
        check(&file.plan);
    else if (code != E_CONFIG || strncmp(err.text, "file:", 5) != 0)
        abort();
    workload_file_free(&file);
    return 0;
}
