#include "worker/generate/workload_mix.h"

#include <stdlib.h>

#include "common/slots.h"
#include "worker/generate/brace.h"
#include "worker/generate/workload_state.h"

#define RANKS_COMPARED 256u

size_t mix_most_bytes(const struct mix *mix)
{
    size_t most_bytes = 0;
    for (uint32_t i = 0; i < mix->class_count; i++)
        if (mix->classes[i].most_bytes > most_bytes)
            most_bytes = mix->classes[i].most_bytes;
    return most_bytes;
}

double mix_mean_commands(const struct mix *mix)
{
    double sum = 0;
    for (uint32_t i = 0; i < mix->weighted_count; i++)
        sum += (double)mix->classes[i].replies * mix->order.weights[i];
    return sum / MIX_BLOCK;
}

bool mix_reads(const struct mix *mix)
{
    for (uint32_t i = 0; i < mix->weighted_count; i++)
        for (uint32_t reply = 0; reply < mix->classes[i].replies; reply++)
            if (mix->classes[i].read_kinds[reply] != READ_NONE)
                return true;
    return false;
}

bool mix_walks(const struct mix *mix)
{
    bool walks = false;
    for (uint32_t i = 0; i < mix->class_count; i++)
        walks |= mix->classes[i].cursor_count > 0;
    return walks;
}

bool mix_awaits(const struct mix *mix)
{
    for (uint32_t i = 0; i < mix->class_count; i++)
        for (uint32_t reply = 0; reply < mix->classes[i].replies; reply++)
            if (mix->classes[i].read_kinds[reply] == READ_AT_LEAST)
                return true;
    return false;
}

uint32_t mix_keys_per_request(const struct mix *mix)
{
    uint32_t most = 0;
    for (uint32_t i = 0; i < mix->weighted_count; i++) {
        uint32_t keys = 0;
        for (uint32_t space = 0; space < mix->material.key_count; space++)
            keys += mix->classes[i].key_draws[space] + mix->classes[i].new_keys[space];
        most = keys > most ? keys : most;
    }
    return most;
}

bool mix_reads_some(const struct mix *mix)
{
    bool some = false;
    for (uint32_t i = 0; i < mix->class_count; i++)
        some |= mix->classes[i].reads_only;
    return some;
}

static bool argument_varies(const struct mix *mix, const struct mix_argument *argument)
{
    for (uint32_t i = 0; i < argument->step_count; i++) {
        const struct mix_step *step = &argument->steps[i];
        const bool one_key =
            step->kind == STEP_KEY && mix->material.keys[step->source].plan->count == 1;
        if (step->kind != STEP_TEXT && step->kind != STEP_LENGTH && !one_key)
            return true;
    }
    return false;
}

static bool has_key_step(const struct mix_argument *argument)
{
    for (uint32_t i = 0; i < argument->step_count; i++)
        if (argument->steps[i].kind == STEP_KEY || argument->steps[i].kind == STEP_NEW_KEY)
            return true;
    return false;
}

bool mix_uses_one_key(const struct mix *mix)
{
    for (uint32_t class = 0; class < mix->weighted_count; class ++)
        for (uint32_t i = 0; i < mix->classes[class].argument_count; i++) {
            const struct mix_argument *argument = &mix->classes[class].arguments[i];
            if (has_key_step(argument) && argument_varies(mix, argument))
                return false;
        }
    return mix_keys_per_request(mix) > 0 && mix_key_count(mix) == 1;
}

uint64_t mix_key_count(const struct mix *mix)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < mix->material.key_count; i++)
        count += mix->material.keys[i].plan->count;
    return count;
}

/* ---- commands ---- */

/* The class that a command is of; *command counts within it then. */
static const struct mix_program *program_of(const struct mix *mix, uint32_t *command)
{
    uint32_t class = 0;
    for (; *command >= mix->classes[class].command_count; class ++)
        *command -= mix->classes[class].command_count;
    return &mix->classes[class];
}

uint32_t mix_command_count(const struct mix *mix)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < mix->class_count; i++)
        count += mix->classes[i].command_count;
    return count;
}

size_t mix_command_arguments(const struct mix *mix, uint32_t command)
{
    const struct mix_program *program = program_of(mix, &command);
    return program->commands[command].argument_count;
}

size_t mix_command_argument(const struct mix *mix, uint32_t command, size_t argument, char *out)
{
    const struct mix_program *program = program_of(mix, &command);
    const struct mix_request first = {.ticket = 0};
    const uint32_t number = program->commands[command].argument + (uint32_t)argument;
    if (out != NULL)
        mix_argument_write(out, program, &mix->material, number, &first);
    return mix_argument_bytes(program, &mix->material, number, &first);
}

bool mix_command_argument_varies(const struct mix *mix, uint32_t command, size_t argument)
{
    const struct mix_program *program = program_of(mix, &command);
    return argument_varies(
        mix, &program->arguments[program->commands[command].argument + (uint32_t)argument]);
}

/* ---- keys ---- */

/* The arguments of a class that are keys, by their numbers in the program. */
struct key_list {
    uint32_t *arguments;
    size_t count;
};

/* Keys of one request in different slots: looked for in some hundred of them. */
static enum err_code compare_slots(const struct mix *mix, const struct mix_program *program,
                                   const struct key_list *keys, struct err *err)
{
    char *key = malloc(program->most_bytes);
    if (key == NULL)
        return err_set(err, E_SYSTEM, "no memory for a key of %zu bytes", program->most_bytes);
    enum err_code code = OK;
    for (uint64_t rank = 0; rank < RANKS_COMPARED && code == OK; rank++) {
        const struct mix_request request = {.ticket = rank, .rank = rank};
        uint16_t slots[2] = {0};
        for (size_t i = 0; i < keys->count && code == OK; i++) {
            const size_t bytes =
                mix_argument_bytes(program, &mix->material, keys->arguments[i], &request);
            mix_argument_write(key, program, &mix->material, keys->arguments[i], &request);
            slots[i > 0] = slots_of_key(key, bytes);
            if (i > 0 && slots[0] != slots[1])
                code = err_set(err, E_USAGE,
                               "class %s has keys in different slots, which cannot run on a "
                               "cluster: give them one hash tag (tag: yes, and one number by "
                               "{key:NAME#1}), or one key",
                               program->name);
        }
    }
    free(key);
    return code;
}

static void collect(struct key_list *list, const struct mix_program *program,
                    const struct workload_command_keys *keys)
{
    for (uint32_t i = 0; i < program->command_count; i++)
        for (size_t key = 0; key < keys[i].count; key++)
            list->arguments[list->count++] =
                program->commands[i].argument + (uint32_t)keys[i].arguments[key];
}

/* A stamp is not known before the request is written: the slot of a key must not go with it. */
static enum err_code check_stamped_key(const struct mix *mix, const struct mix_program *program,
                                       struct err *err)
{
    const struct stamp other = {.place = 1, .sent_ns = 1};
    const struct mix_request plain = {.ticket = 0}, stamped = {.ticket = 0, .stamp = &other};
    const uint32_t class = (uint32_t)(program - mix->classes);
    if (!program->stamps || program->key_argument == UINT32_MAX)
        return OK;
    char *key = malloc(program->key_bytes);
    if (key == NULL)
        return err_set(err, E_SYSTEM, "no memory for a key");
    const bool alike =
        mix_key_slot(mix, class, &plain, key) == mix_key_slot(mix, class, &stamped, key);
    free(key);
    return alike
               ? OK
               : err_set(err, E_USAGE,
                         "class %s has a {stamp} in its key, and a cluster needs to know the key's "
                         "slot before: give the key a hash tag, as in cached:\\{tag}:{stamp}",
                         program->name);
}

static enum err_code set_class_keys(const struct mix *mix, struct mix_program *program,
                                    const struct workload_command_keys *keys, bool cluster,
                                    struct err *err)
{
    program->reads_only = true;
    for (uint32_t i = 0; i < program->command_count; i++)
        program->reads_only &= keys[i].reads_only;
    /* Each server has cursors of its own: a walk stays with the primary. */
    program->reads_only &= program->cursor_count == 0;
    struct key_list list = {.arguments =
                                calloc(program->argument_count + 1u, sizeof list.arguments[0])};
    if (list.arguments == NULL)
        return err_set(err, E_SYSTEM, "no memory for the keys of a class");
    collect(&list, program, keys);
    if (program->until_hit && !program->reads_only) {
        free(list.arguments);
        return err_set(
            err, E_USAGE,
            "class %s is asked of replicas (until: hit), and the server does not call its "
            "command a read: give GET or another one that a replica answers",
            program->name);
    }
    program->key_argument = list.count > 0 ? list.arguments[0] : UINT32_MAX;
    program->key_bytes = program->most_bytes;
    enum err_code code = cluster && list.count > 1 ? compare_slots(mix, program, &list, err) : OK;
    free(list.arguments);
    return code == OK && cluster ? check_stamped_key(mix, program, err) : code;
}

enum err_code mix_set_keys(struct mix *mix, const struct workload_command_keys *keys, bool cluster,
                           struct err *err)
{
    enum err_code code = OK;
    for (uint32_t i = 0; i < mix->class_count && code == OK; i++) {
        code = set_class_keys(mix, &mix->classes[i], keys, cluster, err);
        keys += mix->classes[i].command_count;
    }
    return code == OK && cluster ? consume_plan_check_cluster(&mix->consume, err) : code;
}

/* ---- a look at one ---- */

enum err_code mix_sample(uint32_t *class, size_t *byte_count, char *out, const struct mix *mix,
                         uint64_t ticket, struct err *err)
{
    const struct mix_turn turn = mix_turn_of(mix, ticket);
    const struct mix_program *program = &mix->classes[turn.class];
    const struct mix_request request = {.ticket = ticket, .rank = turn.rank};
    uint64_t *numbers = calloc(program->whole.step_count + 1u, sizeof numbers[0]);
    if (numbers == NULL)
        return err_set(err, E_SYSTEM, "no memory for a request");
    *class = turn.class;
    *byte_count = mix_request_numbers(numbers, program, &mix->material, &request);
    if (out != NULL)
        mix_request_write(out, program, &mix->material, &request, numbers);
    free(numbers);
    return OK;
}

/* ---- follow-ups, parts and consumers ---- */

const char *workload_asks_replicas(const struct workload *workload)
{
    for (uint32_t i = 0; workload->mix != NULL && i < workload->mix->class_count; i++)
        if (workload->mix->classes[i].until_hit)
            return workload->mix->classes[i].name;
    return NULL;
}

uint32_t workload_part_count(const struct workload *workload)
{
    return workload->mix != NULL ? workload->mix->part_count + workload->mix->consume.count : 0;
}

const struct consume_plan *workload_consume_plan(const struct workload *workload)
{
    return workload->mix != NULL && workload->mix->consume.count > 0 ? &workload->mix->consume
                                                                     : NULL;
}

bool workload_group_at(struct workload_group *group, const struct workload *workload, size_t index)
{
    const struct consume_plan *plan = workload_consume_plan(workload);
    for (uint32_t i = 0; plan != NULL && i < plan->count; i++) {
        const struct consume_lane *lane = &plan->lanes[i];
        if (lane->plan->kind != CONSUME_GROUP)
            continue;
        if (index < lane->target_count) {
            *group = (struct workload_group){.consumer = lane->plan->name,
                                             .name = lane->plan->group,
                                             .key = lane->targets[index].bytes,
                                             .key_bytes = lane->targets[index].byte_count};
            return true;
        }
        index -= lane->target_count;
    }
    return false;
}

uint64_t workload_consumer_connections(const struct workload *workload)
{
    const struct consume_plan *plan = workload_consume_plan(workload);
    uint64_t count = 0;
    for (uint32_t i = 0; plan != NULL && i < plan->count; i++)
        count += plan->lanes[i].plan->connections;
    return count;
}

struct request_part workload_part(const struct workload *workload, uint32_t part)
{
    const struct mix *mix = workload->mix;
    if (part >= mix->part_count) {
        const struct consume_lane *lane = &mix->consume.lanes[part - mix->part_count];
        bool fed = false;
        for (uint32_t i = 0; i < mix->class_count; i++)
            fed |= (mix->consume.feeds[i] >> (part - mix->part_count) & 1) != 0;
        return (struct request_part){
            .name = lane->plan->name, .command = lane->command, .consumes = true, .fed = fed};
    }
    const struct mix_part *at = &mix->parts[part];
    return (struct request_part){.name = at->name, .command = at->command, .class = at->class};
}

/* ---- before it is used ---- */

/* The classes of a prefill's plan are its write alone, over the same keys in order. */
static enum err_code check_prefill(const struct workload_plan *plan, size_t index,
                                   struct err *reason)
{
    struct workload_plan writing = *plan;
    struct mix *mix;
    const struct mix_setup setup = {.connections = 1, .without_pools = true};
    writing.classes = &plan->prefills[index].write;
    writing.class_count = 1;
    writing.consumer_count = 0;
    enum err_code code = mix_create(&mix, &writing, &setup, reason);
    if (code == OK && mix->classes[0].cursor_count > 0)
        code = err_set(reason, E_CONFIG, "{cursor} reads, and a prefill writes");
    if (code == OK && mix->classes[0].key_draws[plan->prefills[index].key_space] != 1)
        code = err_set(reason, E_CONFIG, "it writes no key of %s, or more than one",
                       plan->key_spaces[plan->prefills[index].key_space].name);
    mix_destroy(mix);
    return code;
}

enum err_code workload_check(struct workload_fault *fault, const struct workload_plan *plan,
                             struct err *reason)
{
    struct mix *mix;
    *fault = (struct workload_fault){.prefill = plan->prefill_count};
    const struct mix_setup setup = {.connections = 1,
                                    .without_pools = true,
                                    .at_class = &fault->class,
                                    .at_consumer = &fault->consumer};
    enum err_code code = mix_create(&mix, plan, &setup, reason);
    mix_destroy(mix);
    for (size_t i = 0; i < plan->prefill_count && code == OK; i++) {
        code = check_prefill(plan, i, reason);
        if (code != OK)
            *fault = (struct workload_fault){
                .class = plan->class_count, .prefill = i, .consumer = plan->consumer_count};
    }
    return code;
}

enum err_code workload_next_word(char *word, bool *found, const char **at, struct err *reason)
{
    return brace_word(word, found, at, reason);
}
