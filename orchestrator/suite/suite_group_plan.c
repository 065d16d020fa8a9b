/* Groups of scenarios as combinations: each variant of a scenario is one, and each write and read of one that is mixed. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/printable.h"
#include "orchestrator/report/shell_word.h"
#include "orchestrator/suite/suite_making.h"

#define WORDS_MAX 120u
#define LINE_MAX_BYTES 2000u
#define DATA_BYTES_DEFAULT 3u

/* One variant of a scenario while its cases are made. */
struct variant {
    struct making *making;
    const struct suite_group *group;
    const struct suite_scenario *scenario;
    const char *suffix, *label;
    uint64_t keyspace; /* of the scenarios before it, which have written those keys; 0: not known */
    bool is_first;     /* of the scenario's */
};

#define REFUSE(variant, place, key, ...)                                                           \
    file_refuse(&(variant)->making->config->file, place, key, (variant)->making->err, __VA_ARGS__)

/* --- commands -------------------------------------------------------------------------------- */

/* Words as a shell cuts them: a list with NULL behind the last, and the bytes in the same memory. NULL, with an error. */
static const char *const *cut(const struct variant *variant, const struct file_place *place,
                              const char *key, const char *line, const char *suffix)
{
    const size_t line_bytes = strlen(line) + strlen(suffix) + 2;
    char joined[LINE_MAX_BYTES];
    size_t count = 0;
    if (line_bytes > sizeof joined) {
        (void)REFUSE(variant, place, key, "%s: a command has %u bytes at most", key,
                     LINE_MAX_BYTES - 2);
        return NULL;
    }
    (void)stpcpy(stpcpy(stpcpy(joined, line), " "), suffix);
    const char **words = calloc(1, (WORDS_MAX + 1) * sizeof words[0] + line_bytes + 1);
    if (words == NULL) {
        (void)err_set(variant->making->err, E_SYSTEM, "no memory for a command");
        return NULL;
    }
    char *out = (char *)&words[WORDS_MAX + 1];
    const char *at = joined, *wrong = NULL;
    for (at += strspn(at, " \t"); *at != '\0' && wrong == NULL; at += strspn(at, " \t")) {
        if (count < WORDS_MAX)
            words[count++] = out;
        else
            wrong = "it has too many words";
        if (!shell_word_take(&out, &at))
            wrong = "a quote has no end";
    }
    if (wrong == NULL && (count == 0 || words[0][0] == '\0'))
        wrong = "it is empty";
    if (wrong == NULL)
        return words;
    (void)REFUSE(variant, place, key, "%s: %s", key, wrong);
    free(words);
    return NULL;
}

/* "ft.search" as FT.SEARCH, which may stand in the name of a file. */
static void name_command(char name[40], const char *word)
{
    size_t i = 0;
    for (; i < 39 && word[i] != '\0'; i++)
        name[i] = isalnum((unsigned char)word[i]) || strchr("._-", word[i]) != NULL
                      ? (char)toupper((unsigned char)word[i])
                      : '_';
    name[i] = '\0';
}

static enum err_code set_command(struct suite_case *one, const struct variant *variant)
{
    const struct suite_scenario *part = one->part;
    if (part->test != NULL) {
        const struct suite_command *found = suite_command_find(part->test);
        if (found == NULL)
            return REFUSE(variant, &part->place, "test",
                          "test: %.60s: unknown; tests are those of commands, as SET and GET; or "
                          "give a command",
                          PRINTABLE(part->test));
        if (variant->making->block->cluster && found->takes_several_keys)
            return REFUSE(variant, &part->place, "test",
                          "test: %s: its keys would be of several nodes of the cluster",
                          found->name);
        one->command =
            (struct suite_command){.name = found->name, .test = found->test, .words = found->words};
        return OK;
    }
    if (part->dataset != NULL && strstr(part->command, "__data__") != NULL)
        return REFUSE(variant, &part->place, "command",
                      "command: __data__ beside a dataset, which has the values");
    one->words = cut(variant, &part->place, "command", part->command, variant->suffix);
    if (one->words == NULL)
        return variant->making->err->code;
    name_command(one->name, one->words[0]);
    one->command = (struct suite_command){.name = one->name, .words = one->words};
    return OK;
}

/* A word that is a test is that test; all else is a command. */
static enum err_code set_populate(struct suite_case *one, const struct variant *variant)
{
    const struct suite_scenario *scenario = one->scenario;
    const char *const wanted = scenario->populate_with;
    if (wanted == NULL || !one->begins)
        return OK;
    const struct suite_command *found = suite_command_find(wanted);
    if (found != NULL && found->test != NULL && found->populate_test == NULL) {
        one->command.populate_test = found->test;
        return OK;
    }
    if (found != NULL)
        return REFUSE(variant, &scenario->place, "populate_with",
                      "populate_with: %.40s writes nothing", PRINTABLE(wanted));
    if (strchr(wanted, ' ') == NULL)
        return REFUSE(variant, &scenario->place, "populate_with",
                      "populate_with: %.60s: no test, as SET, and no command, as SET "
                      "key:__rand_int__ __data__",
                      PRINTABLE(wanted));
    one->populate_words = cut(variant, &scenario->place, "populate_with", wanted, "");
    one->command.populate_words = one->populate_words;
    return one->populate_words != NULL ? OK : variant->making->err->code;
}

/* --- what it asks for ------------------------------------------------------------------------ */

static uint64_t first_of(const struct suite_numbers *numbers)
{
    return numbers->count > 0 ? numbers->items[0].value : 0;
}

/* The first that is given. */
static uint64_t choose(uint64_t one, uint64_t other, uint64_t last)
{
    return one > 0 ? one : other > 0 ? other : last;
}

static bool takes_keys(const struct suite_case *one)
{
    if (one->command.populate_test != NULL || one->populate_words != NULL ||
        one->part->test != NULL)
        return true;
    return strstr(one->part->command, "__rand_") != NULL ||
           strstr(one->part->command, "__key__") != NULL;
}

static uint64_t rows_of(const struct suite_scenario *part)
{
    return part->dataset_rows > 0 ? part->dataset_rows : part->maxdocs;
}

static enum err_code set_length(struct suite_combination *combination,
                                const struct variant *variant)
{
    const struct suite_scenario *scenario = variant->scenario;
    const struct suite_block *block = variant->making->block;
    combination->requests = scenario->requests;
    combination->duration_seconds = scenario->duration_seconds;
    if (combination->requests == 0 && combination->duration_seconds == 0 &&
        scenario->type == SUITE_WRITES && scenario->maxdocs > 0)
        combination->requests = rows_of(scenario);
    if (combination->requests == 0 && combination->duration_seconds == 0) {
        combination->duration_seconds = block->duration_seconds;
        combination->requests = first_of(&block->requests);
    }
    if (combination->requests == 0 && combination->duration_seconds == 0)
        return REFUSE(variant, &scenario->place, NULL, "one of these is missing: %s",
                      scenario->type == SUITE_WRITES  ? "requests, duration, maxdocs"
                      : scenario->type == SUITE_READS ? "requests, duration"
                                                      : "duration");
    if (scenario->type == SUITE_MIXED && combination->duration_seconds == 0)
        return REFUSE(variant, &scenario->place, NULL,
                      "\"duration\" is missing: writes and reads end together");
    return OK;
}

static enum err_code set_clients(struct suite_combination *combination,
                                 const struct variant *variant, const struct suite_scenario *part)
{
    const struct suite_scenario *scenario = variant->scenario;
    const struct suite_block *block = variant->making->block;
    const uint64_t given = choose(part->clients, scenario->clients, first_of(&block->clients));
    combination->clients = given > 0 ? given : SUITE_CLIENTS_DEFAULT;
    if (given == 0)
        suite_config_say(variant->making->config, &part->place, NULL, variant->making->tell,
                         variant->making->state, "clients of %s: missing: %u connections are taken",
                         part->id, SUITE_CLIENTS_DEFAULT);
    if (block->cluster && scenario->execution == SUITE_LOAD_PER_NODE)
        combination->clients *= block->cluster_nodes;
    return !block->cluster || combination->clients >= block->cluster_nodes
               ? OK
               : REFUSE(variant, &part->place, "clients",
                        "clients: %llu: each of %llu nodes needs a connection at least",
                        (unsigned long long)combination->clients,
                        (unsigned long long)block->cluster_nodes);
}

static enum err_code set_load(struct suite_combination *combination, const struct suite_case *one,
                              const struct variant *variant)
{
    const struct suite_scenario *scenario = variant->scenario, *part = one->part;
    const struct suite_block *block = variant->making->block;
    enum err_code code = set_length(combination, variant);
    if (code == OK)
        code = set_clients(combination, variant, part);
    const bool warms =
        file_given(&scenario->place, "warmup") || file_given(&scenario->place, "warmup_inline");
    combination->warmup_seconds = warms ? scenario->warmup_seconds + scenario->warmup_inline_seconds
                                  : scenario->type != SUITE_WRITES ? block->warmup_seconds
                                                                   : 0;
    combination->pipeline =
        choose(choose(part->pipeline, scenario->pipeline, first_of(&block->pipelines)), 1, 1);
    combination->data_bytes =
        choose(choose(part->data_bytes, scenario->data_bytes, first_of(&block->data_bytes)),
               DATA_BYTES_DEFAULT, DATA_BYTES_DEFAULT);
    if (code == OK && takes_keys(one)) {
        const uint64_t given =
            choose(part->keyspace, scenario->keyspace, first_of(&block->keyspace));
        combination->keyspace = choose(given, rows_of(part), variant->keyspace);
        if (combination->keyspace == 0)
            code = REFUSE(variant, &part->place, NULL,
                          "\"keyspacelen\" is missing: how many different keys there are");
    }
    return code;
}

/* --- cases ----------------------------------------------------------------------------------- */

static enum err_code add_case(struct variant *variant, const struct suite_scenario *part,
                              const char *phase, bool begins)
{
    struct making *making = variant->making;
    struct suite_case *one = calloc(1, sizeof *one);
    struct suite_combination combination = {.block = making->block, .config_set = SIZE_MAX};
    if (one == NULL)
        return err_set(making->err, E_SYSTEM, "no memory for a scenario");
    one->next = making->plan->cases;
    making->plan->cases = one;
    one->group = variant->group;
    one->scenario = variant->scenario;
    one->part = part;
    one->phase = phase;
    one->begins = begins && variant->is_first;
    snprintf(one->test_id, sizeof one->test_id, "%s%s%s%s%s", variant->group->name,
             variant->scenario->id, part != variant->scenario ? "_" : "",
             part != variant->scenario ? part->id : "", variant->label);
    enum err_code code = set_command(one, variant);
    if (code == OK)
        code = set_populate(one, variant);
    if (code == OK)
        code = set_load(&combination, one, variant);
    combination.of = one;
    combination.command = &one->command;
    combination.beside = !begins;
    combination.goes_on =
        combination.beside || !variant->is_first ||
        (variant->scenario != variant->group->scenarios && !variant->scenario->restart_before);
    if (combination.keyspace > 0)
        variant->keyspace = combination.keyspace;
    return code == OK ? suite_making_add(making, &combination) : code;
}

static enum err_code add_variant(struct variant *variant)
{
    const struct suite_scenario *scenario = variant->scenario;
    enum err_code code = OK;
    if (scenario->type != SUITE_MIXED)
        return add_case(variant, scenario, scenario->type == SUITE_WRITES ? "write" : "read", true);
    for (size_t i = 0; i < scenario->write_count && code == OK; i++)
        code = add_case(variant, &scenario->writes[i], "mixed_write", i == 0);
    for (size_t i = 0; i < scenario->read_count && code == OK; i++)
        code = add_case(variant, &scenario->reads[i], "mixed_read", scenario->write_count + i == 0);
    return code;
}

static void tell_unused(const struct making *making, const struct suite_scenario *scenario)
{
    static const char *const keys[] = {"xml_root_element", "parallel_clients", "profiling",
                                       "populate_retries"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (file_given(&scenario->place, keys[i]))
            suite_config_say(making->config, &scenario->place, keys[i], making->tell, making->state,
                             "%s: left out: volley has nothing of that kind", keys[i]);
}

static enum err_code add_group(struct making *making, const struct suite_group *group)
{
    struct variant variant = {.making = making, .group = group};
    enum err_code code = OK;
    for (size_t i = 0; i < group->scenario_count && code == OK; i++) {
        const struct suite_scenario *scenario = &group->scenarios[i];
        const size_t count = scenario->variant_count > 0 ? scenario->variant_count : 1;
        variant.scenario = scenario;
        tell_unused(making, scenario);
        for (size_t k = 0; k < count && code == OK; k++) {
            const bool plain = scenario->variant_count == 0;
            variant.is_first = k == 0;
            variant.suffix = plain ? "" : scenario->variants[k].place.node->key;
            variant.label = plain ? "" : scenario->variants[k].label;
            code = add_variant(&variant);
        }
    }
    return code;
}

enum err_code suite_making_add_groups(struct making *making)
{
    const struct suite_block *block = making->block;
    const size_t begin = making->plan->count;
    const size_t sets = block->config_set_count > 0 ? block->config_set_count : 1;
    const size_t threads = block->io_threads.count > 0 ? block->io_threads.count : 1;
    enum err_code code = OK;
    for (size_t i = 0; i < block->groups.count && code == OK; i++)
        code = add_group(making, &block->groups.items[i]);
    /* What was added are those of the first threads and settings; the others are the same. */
    const size_t count = making->plan->count - begin;
    for (size_t i = 0; i < threads * sets && code == OK; i++)
        for (size_t k = 0; k < count && code == OK; k++) {
            struct suite_combination combination = making->plan->items[begin + k];
            combination.config_set = block->config_set_count > 0 ? i % sets : SIZE_MAX;
            combination.io_threads =
                block->io_threads.count > 0 ? block->io_threads.items[i / sets].value : 0;
            if (i == 0)
                making->plan->items[begin + k] = combination;
            else
                code = suite_making_add(making, &combination);
        }
    return code;
}
