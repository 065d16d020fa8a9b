/* Keys of a workload: which arguments they are, and the slot that they are in. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/slots.h"
#include "worker/generate/live.h"
#include "worker/generate/workload_mix.h"
#include "worker/generate/workload_state.h"

/* Tickets whose keys are compared, and at most so many keys in all. */
#define TICKETS_COMPARED 256u
#define KEYS_COMPARED 200000u

uint32_t workload_command_count(const struct workload *workload)
{
    return workload->mix != NULL ? mix_command_count(workload->mix) : workload->command_count;
}

size_t workload_argument_count(const struct workload *workload, uint32_t command)
{
    return workload->mix != NULL ? mix_command_arguments(workload->mix, command)
                                 : workload->commands[command].argument_count;
}

struct workload_range workload_argument(const struct workload *workload, uint32_t command,
                                        size_t argument)
{
    return workload->commands[command].arguments[argument];
}

static size_t keys_of_request(const struct workload *workload)
{
    size_t count = 0;
    for (uint32_t i = 0; i < workload->command_count; i++)
        count += workload->commands[i].key_count * workload->commands[i].repeat;
    return count;
}

/* Buffer has room for the longest key. */
static bool in_one_slot(const struct workload *workload, uint64_t ticket, char *buffer)
{
    const uint16_t slot = workload_slot(workload, ticket);
    for (uint32_t i = 0; i < workload->command_count; i++) {
        const struct workload_command *command = &workload->commands[i];
        for (size_t key = 0; key < command->key_count; key++) {
            struct workload_range place = command->arguments[command->key_arguments[key]];
            for (uint32_t time = 0; time < command->repeat; time++) {
                template_render_part(&workload->template, ticket,
                                     place.offset_bytes + time * command->request_bytes,
                                     place.byte_count, buffer);
                if (slots_of_key(buffer, place.byte_count) != slot)
                    return false;
            }
        }
    }
    return true;
}

static enum err_code refuse_slots(const struct workload *workload, struct err *err)
{
    if (workload->command_count > 1)
        return err_set(err, E_USAGE,
                       "a sequence with keys in different slots cannot run on a cluster: put {tag} "
                       "into every key");
    const struct workload_range name = workload->commands[0].arguments[0];
    char text[32];
    const size_t text_bytes = name.byte_count < sizeof text ? name.byte_count : sizeof text;
    template_render_part(&workload->template, 0, name.offset_bytes, text_bytes, text);
    for (size_t i = 0; i < text_bytes; i++)
        if (text[i] >= 'a' && text[i] <= 'z')
            text[i] = (char)(text[i] - 'a' + 'A');
    return err_set(err, E_USAGE,
                   "%.*s with keys in different slots cannot run on a cluster: put {tag} into "
                   "every key",
                   (int)text_bytes, text);
}

static enum err_code compare_slots(const struct workload *workload, struct err *err)
{
    const size_t keys = keys_of_request(workload);
    size_t longest_bytes = 0;
    uint64_t tickets = TICKETS_COMPARED;
    if (keys * tickets > KEYS_COMPARED)
        tickets = KEYS_COMPARED / keys + 1;
    for (uint32_t i = 0; i < workload->command_count; i++) {
        const struct workload_command *command = &workload->commands[i];
        for (size_t key = 0; key < command->key_count; key++) {
            size_t bytes = command->arguments[command->key_arguments[key]].byte_count;
            longest_bytes = bytes > longest_bytes ? bytes : longest_bytes;
        }
    }
    char *buffer = malloc(longest_bytes + 1);
    if (buffer == NULL)
        return err_set(err, E_SYSTEM, "cannot allocate room for a key of %zu bytes", longest_bytes);
    enum err_code code = OK;
    for (uint64_t ticket = 0; ticket < tickets && code == OK; ticket++)
        if (!in_one_slot(workload, ticket, buffer))
            code = refuse_slots(workload, err);
    free(buffer);
    return code;
}

static enum err_code copy_keys(struct workload_command *command,
                               const struct workload_command_keys *keys, struct err *err)
{
    size_t *copy = calloc(keys->count + 1, sizeof copy[0]);
    if (copy == NULL)
        return err_set(err, E_SYSTEM, "cannot allocate %zu keys of a command", keys->count);
    if (keys->count > 0)
        memcpy(copy, keys->arguments, keys->count * sizeof copy[0]);
    free(command->key_arguments);
    command->key_arguments = copy;
    command->key_count = keys->count;
    return OK;
}

/* The first key of all decides. */
static enum err_code prepare_slot(struct workload *workload, struct err *err)
{
    key_slot_free(&workload->key_slot);
    for (uint32_t i = 0; i < workload->command_count; i++) {
        const struct workload_command *command = &workload->commands[i];
        if (command->key_count == 0)
            continue;
        const struct workload_range place = command->arguments[command->key_arguments[0]];
        return key_slot_prepare(&workload->key_slot, &workload->template, place.offset_bytes,
                                place.byte_count, err);
    }
    return OK;
}

enum err_code workload_set_keys(struct workload *workload, const struct workload_command_keys *keys,
                                struct err *err)
{
    enum err_code code = OK;
    workload->keys_known = true;
    workload->reads_only = true;
    if (workload->mix != NULL) {
        for (uint32_t i = 0; i < mix_command_count(workload->mix); i++)
            workload->reads_only &= keys[i].reads_only;
        return mix_set_keys(workload->mix, keys, workload->cluster, err);
    }
    for (uint32_t i = 0; i < workload->command_count && code == OK; i++) {
        workload->reads_only &= keys[i].reads_only;
        code = copy_keys(&workload->commands[i], &keys[i], err);
    }
    if (code == OK)
        code = prepare_slot(workload, err);
    if (code == OK && workload->cluster && keys_of_request(workload) > 1)
        code = compare_slots(workload, err);
    return code;
}

enum err_code workload_set_test_keys(struct workload *workload, struct err *err)
{
    const struct workload_test *test = workload->test;
    assert(workload->command_count == 1 && workload->mix == NULL); /* a test is one command */
    int count = (int)workload->commands[0].argument_count;
    struct workload_command_keys keys = {.arguments =
                                             calloc((size_t)count + 1, sizeof keys.arguments[0]),
                                         .reads_only = test->reads_only};
    if (keys.arguments == NULL)
        return err_set(err, E_SYSTEM, "cannot allocate the keys of %s", test->title);
    int last = test->keys.last < 0 ? count + test->keys.last : test->keys.last;
    for (int i = test->keys.first; i > 0 && i <= last; i += test->keys.step)
        keys.arguments[keys.count++] = (size_t)i;
    enum err_code code = workload_set_keys(workload, &keys, err);
    free(keys.arguments);
    return code;
}

bool workload_keys_known(const struct workload *workload)
{
    return workload->keys_known;
}

bool workload_reads_some(const struct workload *workload)
{
    if (workload->live != NULL)
        return live_reads_some(workload->live);
    return workload->mix != NULL ? mix_reads_some(workload->mix) : workload_reads_only(workload);
}

bool workload_reads_only(const struct workload *workload)
{
    return workload->keys_known && workload->reads_only;
}

bool workload_class_reads_only(const struct workload *workload, uint32_t class)
{
    if (workload->live != NULL)
        return live_class_reads(workload->live, class);
    return workload->mix != NULL ? workload->mix->classes[class].reads_only
                                 : workload_reads_only(workload);
}

uint16_t workload_slot(const struct workload *workload, uint64_t ticket)
{
    return key_slot_of(&workload->key_slot, &workload->template, ticket);
}

bool workload_has_tag(const struct workload *workload)
{
    return workload->template.tags != NULL;
}

uint64_t workload_numbers_per_tag(const struct workload *workload)
{
    const struct template *template = &workload->template;
    return template->tagged_count == 0 ? 0 : template->group_numbers;
}
