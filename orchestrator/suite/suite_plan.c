#include "orchestrator/suite/suite_plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/printable.h"
#include "common/rng.h"
#include "orchestrator/suite/suite_making.h"

/* --- commands -------------------------------------------------------------------------------- */

static void say(const struct making *making, const char *key, const char *what, const char *why)
{
    suite_config_say(making->config, &making->block->place, key, making->tell, making->state,
                     "%.60s: %s", PRINTABLE(what), why);
}

/* Each once, in the order of the file. Returns how many. */
static size_t find_commands(const struct suite_command **found, const struct making *making)
{
    const struct suite_block *block = making->block;
    size_t count = 0;
    for (size_t i = 0; i < block->commands.count; i++) {
        const char *name = block->commands.items[i].text;
        const struct suite_command *command = suite_command_find(name);
        bool again = false;
        for (size_t k = 0; k < count; k++)
            again |= found[k] == command;
        if (command == NULL)
            say(making, "commands", name, "unknown, and left out");
        else if (block->cluster && command->takes_several_keys)
            say(making, "commands", name,
                "left out: its keys would be of several nodes of the cluster");
        else if (again)
            say(making, "commands", name, "stands there twice, and is measured once");
        else {
            if (command->consumes && block->warmup_seconds > 0)
                say(making, "commands", name,
                    "measured without a warm-up, which would take away what it is to read");
            found[count++] = command;
        }
    }
    return count;
}

/* Adds "set:1," and "SET+". False: it is not one of those that can be mixed. */
static bool add_to_mix(char mix[400], char name[200], const struct suite_command *command)
{
    const size_t mix_bytes = strlen(mix), name_bytes = strlen(name);
    if (command == NULL || command->test == NULL || strcmp(command->test, "lrange") == 0 ||
        mix_bytes + strlen(command->test) + 4 > 400 || name_bytes + strlen(command->name) + 2 > 200)
        return false;
    snprintf(mix + mix_bytes, 400 - mix_bytes, "%s%s:1", mix_bytes > 0 ? "," : "", command->test);
    snprintf(name + name_bytes, 200 - name_bytes, "%s%s", name_bytes > 0 ? "+" : "", command->name);
    return true;
}

/* All writes and reads of the configuration as one command; NULL with an error. */
static const struct suite_command *mix_commands(struct making *making)
{
    const struct suite_block *block = making->block;
    struct suite_command *mixed = &making->plan->mixed[making->plan->mixed_count];
    char mix[400] = "", name[200] = "";
    const struct suite_words *lists[] = {&block->writes, &block->reads};
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; i < lists[k]->count; i++) {
            const char *word = lists[k]->items[i].text;
            const struct suite_command *command = suite_command_find(word);
            if (!add_to_mix(mix, name, command)) {
                (void)file_refuse(&making->config->file, &block->place, k == 0 ? "writes" : "reads",
                                  making->err, "%.60s: %s", PRINTABLE(word),
                                  command == NULL ? "unknown" : "it cannot stand beside others");
                return NULL;
            }
            mixed->takes_several_keys |= command->takes_several_keys;
            mixed->consumes |= command->consumes;
            if (command->populate_test != NULL)
                mixed->populate_test = command->populate_test;
        }
    mixed->name = strdup(name);
    mixed->mix = strdup(mix);
    making->plan->mixed_count++;
    if (mixed->name == NULL || mixed->mix == NULL) {
        (void)err_set(making->err, E_SYSTEM, "no memory for a mix");
        return NULL;
    }
    return mixed;
}

/* --- crossing -------------------------------------------------------------------------------- */

enum err_code suite_making_add(struct making *making, const struct suite_combination *combination)
{
    struct suite_plan *plan = making->plan;
    if (plan->count == SUITE_COMBINATIONS_MAX)
        return file_refuse(&making->config->file, &making->block->place, NULL, making->err,
                           "with this one there are more than %u combinations",
                           SUITE_COMBINATIONS_MAX);
    if (plan->count == making->capacity) {
        const size_t capacity = making->capacity > 0 ? 2 * making->capacity : 64;
        struct suite_combination *items = reallocarray(plan->items, capacity, sizeof items[0]);
        if (items == NULL)
            return err_set(making->err, E_SYSTEM, "no memory for %zu combinations", capacity);
        plan->items = items;
        making->capacity = capacity;
    }
    plan->items[plan->count++] = *combination;
    plan->load_seconds += combination->warmup_seconds + combination->duration_seconds;
    plan->requests += combination->requests;
    return OK;
}

/* Element `index` of lists that are crossed, the last one running fastest. */
static uint64_t pick(const struct suite_numbers *numbers, size_t *index, uint64_t missing)
{
    if (numbers->count == 0)
        return missing;
    const uint64_t value = numbers->items[*index % numbers->count].value;
    *index /= numbers->count;
    return value;
}

static size_t count_of(const struct suite_numbers *numbers)
{
    return numbers->count > 0 ? numbers->count : 1;
}

static enum err_code add_block(struct making *making, const struct suite_command **commands,
                               size_t command_count)
{
    const struct suite_block *block = making->block;
    const size_t sets = block->config_set_count > 0 ? block->config_set_count : 1;
    const struct suite_numbers *lists[] = {&block->io_threads, NULL, /* the sets */
                                           &block->requests,   &block->keyspace,
                                           &block->data_bytes, &block->pipelines,
                                           &block->clients};
    const size_t buffers = block->buffers.count > 0 ? block->buffers.count : 1;
    size_t total = command_count * buffers; /* each a thousand at most */
    enum err_code code = OK;
    /* Each is a thousand at most: what is too much is found before it is too large for a size_t. */
    for (size_t i = 0; i < sizeof lists / sizeof lists[0] && total <= SUITE_COMBINATIONS_MAX; i++)
        total *= lists[i] != NULL ? count_of(lists[i]) : sets;
    for (size_t i = 0; i < total && code == OK; i++) {
        const struct suite_command *command = commands[i % command_count];
        struct suite_combination combination = {
            .block = block, .command = command, .duration_seconds = block->duration_seconds};
        size_t index = i / command_count;
        if (block->buffers.count > 0)
            combination.buffer = block->buffers.items[index % buffers].text;
        index /= buffers;
        combination.warmup_seconds =
            command != NULL && command->consumes ? 0 : block->warmup_seconds;
        combination.clients = pick(&block->clients, &index, SUITE_CLIENTS_DEFAULT);
        combination.pipeline = pick(&block->pipelines, &index, 1);
        combination.data_bytes = pick(&block->data_bytes, &index, 1);
        combination.keyspace = pick(&block->keyspace, &index, 1);
        combination.requests = pick(&block->requests, &index, 0);
        combination.config_set = block->config_set_count > 0 ? index % sets : SIZE_MAX;
        index /= sets;
        combination.io_threads = pick(&block->io_threads, &index, 0);
        code = suite_making_add(making, &combination);
    }
    return code;
}

enum err_code suite_plan_make(struct suite_plan *plan, const struct suite_config *config,
                              suite_tell *tell, void *state, struct err *err)
{
    struct making making = {
        .plan = plan, .config = config, .tell = tell, .state = state, .err = err};
    const struct suite_command *commands[1000];
    enum err_code code = OK;
    *plan = (struct suite_plan){.mixed = calloc(config->block_count + 1, sizeof plan->mixed[0])};
    if (plan->mixed == NULL)
        return err_set(err, E_SYSTEM, "no memory for a plan");
    suite_config_tell_unused(config, tell, state);
    for (size_t i = 0; i < config->block_count && code == OK; i++) {
        making.block = &config->blocks[i];
        if (making.block->groups.count > 0) {
            code = suite_making_add_groups(&making);
            continue;
        }
        const bool is_mixed = making.block->commands.count == 0;
        size_t count = is_mixed ? 1 : find_commands(commands, &making);
        if (is_mixed && (commands[0] = mix_commands(&making)) == NULL)
            code = err->code;
        if (making.block->clients.count == 0)
            say(&making, NULL, "clients", "missing: 50 connections are taken");
        if (count > 0 && code == OK)
            code = add_block(&making, commands, count);
    }
    if (code == OK && plan->count == 0)
        code =
            err_set(err, E_CONFIG, "%s: nothing is left to measure", PRINTABLE(config->file.name));
    return code;
}

void suite_plan_free(struct suite_plan *plan)
{
    for (size_t i = 0; i < plan->mixed_count; i++) {
        free((void *)(uintptr_t)plan->mixed[i].name);
        free((void *)(uintptr_t)plan->mixed[i].mix);
    }
    for (struct suite_case *one = plan->cases, *next; one != NULL; one = next) {
        next = one->next;
        free((void *)(uintptr_t)one->words);
        free((void *)(uintptr_t)one->populate_words);
        free(one);
    }
    free(plan->mixed);
    free(plan->items);
    *plan = (struct suite_plan){.count = 0};
}

bool suite_plan_has_tls(const struct suite_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->items[i].block->tls)
            return true;
    return false;
}

size_t suite_plan_unit_end(const struct suite_plan *plan, size_t first)
{
    do
        first++;
    while (first < plan->count && plan->items[first].goes_on);
    return first;
}

size_t suite_plan_step_end(const struct suite_plan *plan, size_t first)
{
    do
        first++;
    while (first < plan->count && plan->items[first].beside);
    return first;
}

bool suite_plan_is_profiled(const struct suite_plan *plan)
{
    for (size_t i = 0; i < plan->count; i++)
        if (plan->items[i].block->profiled)
            return true;
    return false;
}

/* --- for people ------------------------------------------------------------------------------ */

char *suite_combination_text(char *text, size_t text_bytes,
                             const struct suite_combination *combination)
{
    char load[64], keys[60] = "", threads[40] = "", set[40] = "", scenario[80] = "",
                   buffer[80] = "";
    const struct suite_block *block = combination->block;
    if (combination->requests > 0)
        snprintf(load, sizeof load, "requests=%llu", (unsigned long long)combination->requests);
    else
        snprintf(load, sizeof load, "duration=%llus",
                 (unsigned long long)combination->duration_seconds);
    if (combination->keyspace > 0)
        snprintf(keys, sizeof keys, " | keyspacelen=%llu",
                 (unsigned long long)combination->keyspace);
    if (combination->io_threads > 0)
        snprintf(threads, sizeof threads, " | io-threads=%llu",
                 (unsigned long long)combination->io_threads);
    if (combination->config_set != SIZE_MAX)
        snprintf(set, sizeof set, " | config_set=%zu", combination->config_set + 1);
    if (combination->buffer != NULL)
        snprintf(buffer, sizeof buffer, " | buffer=%.60s", PRINTABLE(combination->buffer));
    if (block->scenario != NULL)
        snprintf(scenario, sizeof scenario, " | scenario=%.60s", PRINTABLE(block->scenario));
    if (combination->of != NULL && combination->of->part->dataset != NULL)
        snprintf(scenario, sizeof scenario, " | dataset=%.60s",
                 PRINTABLE(combination->of->part->dataset));
    snprintf(text, text_bytes,
             "%s%s%s | size=%llu | pipeline=%llu | clients=%llu%s | %s%s | warmup=%llu%s%s%s%s%s",
             combination->of != NULL ? combination->of->test_id : "",
             combination->of != NULL ? " " : "", combination->command->name,
             (unsigned long long)combination->data_bytes, (unsigned long long)combination->pipeline,
             (unsigned long long)combination->clients, buffer, load, keys,
             (unsigned long long)combination->warmup_seconds, threads,
             block->cluster ? " | cluster" : "", block->tls ? " | tls" : "", set, scenario);
    return text;
}

void suite_plan_shuffle(size_t *order, size_t count, uint64_t seed)
{
    for (size_t i = count; i > 1; i--) {
        const size_t other = rng_mix(seed + i) % i, moved = order[i - 1];
        order[i - 1] = order[other];
        order[other] = moved;
    }
}

double suite_combination_seconds(const struct suite_combination *combination)
{
    return (double)(combination->warmup_seconds + combination->duration_seconds) +
           (double)combination->requests / SUITE_ESTIMATED_RATE + SUITE_ESTIMATED_START_MS / 1e3;
}

double suite_plan_seconds(const struct suite_plan *plan)
{
    return (double)plan->load_seconds + (double)plan->requests / SUITE_ESTIMATED_RATE +
           (double)plan->count * SUITE_ESTIMATED_START_MS / 1e3;
}
