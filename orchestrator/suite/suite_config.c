#include "orchestrator/suite/suite_config.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/cpu_list.h"
#include "common/printable.h"
#include "orchestrator/machine/cpu_order.h"
#include "orchestrator/options/buffer_file.h"

#define COUNT(list) (sizeof(list) / sizeof(list)[0])
#define SETTING_NAME_MAX 60u
#define SETTING_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

/* --- rules between keys ---------------------------------------------------------------------- */

struct reading {
    struct suite_config *config;
    struct suite_block *block;
    struct err *err;
};

#define REFUSE(reading, key, ...)                                                                  \
    file_refuse(&(reading)->config->file, &(reading)->block->place, key, (reading)->err,           \
                __VA_ARGS__)

static enum err_code add_cpus(const struct reading *reading, struct suite_cpus *cpus,
                              const char *key, const uint32_t *added, uint32_t count)
{
    uint32_t *items = reallocarray(cpus->items, cpus->count + count + 1, sizeof items[0]);
    if (items == NULL)
        return err_set(reading->err, E_SYSTEM, "no memory for a list of CPUs");
    cpus->items = items;
    for (uint32_t i = 0; i < count; i++) {
        if (cpu_list_has(cpus->items, cpus->count, added[i]))
            return REFUSE(reading, key, "CPU %u stands there twice", added[i]);
        cpus->items[cpus->count++] = added[i];
    }
    return OK;
}

static enum err_code add_range(const struct reading *reading, struct suite_cpus *cpus,
                               const char *key, const char *range)
{
    uint32_t found[SPEC_CPUS_MAX], count = 0;
    if (!cpu_list_parse(found, &count, SPEC_CPUS_MAX, range))
        return REFUSE(reading, key, "%.60s: no list of CPUs, as 0-3 or 0,2,4, each below %u once",
                      PRINTABLE(range), SPEC_CPUS_MAX);
    return add_cpus(reading, cpus, key, found, count);
}

static enum err_code settle_allocation(const struct reading *reading)
{
    struct suite_block *block = reading->block;
    const struct suite_allocation *wish = &block->allocation;
    enum err_code code = OK;
    if (wish->place.node == NULL)
        return OK;
    if (block->server_range != NULL || block->client_range != NULL)
        return REFUSE(reading, "cpu_allocation",
                      "cpu_allocation stands in place of server_cpu_range and client_cpu_range");
    if ((wish->cores_per_server > 0 && wish->servers.count > 0) ||
        (wish->cores_per_client > 0 && wish->clients.count > 0))
        return REFUSE(reading, "cpu_allocation", "give CPUs either by number or by range");
    for (size_t i = 0; i < wish->servers.count && code == OK; i++)
        code =
            add_range(reading, &block->server_cpus, "cpu_allocation", wish->servers.items[i].text);
    for (size_t i = 0; i < wish->clients.count && code == OK; i++)
        code =
            add_range(reading, &block->client_cpus, "cpu_allocation", wish->clients.items[i].text);
    return code;
}

static enum err_code settle_cpus(const struct reading *reading)
{
    struct suite_block *block = reading->block;
    enum err_code code = settle_allocation(reading);
    if (code == OK && block->server_range != NULL)
        code = add_range(reading, &block->server_cpus, "server_cpu_range", block->server_range);
    if (code == OK && block->client_range != NULL)
        code = add_range(reading, &block->client_cpus, "client_cpu_range", block->client_range);
    for (uint32_t i = 0; i < block->client_cpus.count && code == OK; i++)
        if (cpu_list_has(block->server_cpus.items, block->server_cpus.count,
                         block->client_cpus.items[i]))
            code =
                REFUSE(reading, block->client_range != NULL ? "client_cpu_range" : "cpu_allocation",
                       "CPU %u is the server's, too: server and load would take it from one "
                       "another",
                       block->client_cpus.items[i]);
    return code;
}

static enum err_code check_cluster(const struct reading *reading)
{
    const struct suite_block *block = reading->block;
    const struct file_place *place = &block->place;
    if (!block->cluster && (file_given(place, "cluster_nodes") || block->ports.count > 0) &&
        (block->cluster_nodes > 1 || block->ports.count > 0))
        return REFUSE(reading, block->ports.count > 0 ? "cluster_ports" : "cluster_nodes",
                      "needs cluster_mode: yes");
    if (block->ports.count > 0 && block->ports.count != block->cluster_nodes)
        return REFUSE(reading, "cluster_ports", "cluster_nodes is %llu, and there are %zu ports",
                      (unsigned long long)block->cluster_nodes, block->ports.count);
    if (block->ports.count > 0 && block->port > 0)
        return REFUSE(reading, "port", "cluster_ports says which ports there are");
    for (size_t i = 0; i < block->ports.count; i++)
        for (size_t k = 0; k < i; k++)
            if (block->ports.items[i].value == block->ports.items[k].value)
                return REFUSE(reading, "cluster_ports", "cluster_ports: %llu stands there twice",
                              (unsigned long long)block->ports.items[i].value);
    if (block->port > 0 && block->cluster_nodes > 1)
        return REFUSE(reading, "port", "%llu nodes need cluster_ports",
                      (unsigned long long)block->cluster_nodes);
    if (block->cluster_nodes > 1)
        for (size_t i = 0; i < block->clients.count; i++)
            if (block->clients.items[i].value < block->cluster_nodes)
                return REFUSE(reading, "clients",
                              "%llu: each of %llu nodes needs a connection at least",
                              (unsigned long long)block->clients.items[i].value,
                              (unsigned long long)block->cluster_nodes);
    return OK;
}

/* Settings that would take the server out of volley's hands. */
static const char *const own_settings[] = {
    "port", "tls-port", "bind",        "daemonize",  "cluster-enabled",
    "dir",  "logfile",  "requirepass", "unixsocket", "include"};

static enum err_code check_settings(const struct reading *reading,
                                    const struct server_settings *settings, const char *key)
{
    for (size_t i = 0; i < settings->count; i++) {
        const char *name = settings->items[i].place.node->key;
        for (size_t k = 0; k < COUNT(own_settings); k++)
            if (strcasecmp(name, own_settings[k]) == 0)
                return REFUSE(reading, key, "%.40s is the suite's own to set", PRINTABLE(name));
        if (!isalnum((unsigned char)name[0]) || name[strspn(name, SETTING_LETTERS)] != '\0' ||
            strlen(name) > SETTING_NAME_MAX)
            return REFUSE(reading, key, "\"%.40s\" is no name of a setting", PRINTABLE(name));
    }
    return OK;
}

/* Each number once: the same combination would be measured twice, as if it were two. */
static void drop_repeated(struct suite_numbers *numbers)
{
    size_t kept = 0;
    for (size_t i = 0; i < numbers->count; i++) {
        bool there = false;
        for (size_t k = 0; k < kept; k++)
            there |= numbers->items[k].value == numbers->items[i].value;
        if (!there)
            numbers->items[kept++] = numbers->items[i];
    }
    numbers->count = kept;
}

/* What is crossed has to be there; of lists beside groups of scenarios each is a number for all of them. */
static enum err_code check_lists(const struct reading *reading)
{
    static const char *const commands[] = {"commands", "writes", "reads", "group", "scenario"};
    static const char *const lists[] = {"keyspacelen", "data_sizes", "pipelines", "requests",
                                        "clients"};
    const struct suite_block *block = reading->block;
    const size_t counts[] = {block->keyspace.count, block->data_bytes.count, block->pipelines.count,
                             block->requests.count, block->clients.count};
    const bool groups = block->groups.count > 0;
    for (size_t i = 0; i < COUNT(commands) && groups; i++)
        if (file_given(&block->place, commands[i]))
            return REFUSE(reading, commands[i], "%s: test_groups stand in its place", commands[i]);
    for (size_t i = 0; i < COUNT(lists); i++) {
        if (groups && counts[i] > 1)
            return REFUSE(reading, lists[i],
                          "%s: beside test_groups it is one number, for scenarios without one of "
                          "their own",
                          lists[i]);
        if (!groups && counts[i] == 0 && i < 3)
            return REFUSE(reading, NULL, "\"%s\" is missing", lists[i]);
    }
    return OK;
}

/* A batch is what is in flight, of one server. Files are looked at before anything starts. */
static enum err_code check_buffers(const struct reading *reading)
{
    const struct suite_words *buffers = &reading->block->buffers;
    for (size_t i = 0; i < buffers->count; i++) {
        const char *name = buffers->items[i].text;
        struct buffer_options buffer;
        struct err inner = {.code = OK};
        for (size_t k = 0; k < i; k++)
            if (strcmp(name, buffers->items[k].text) == 0)
                return REFUSE(reading, "buffers", "buffers: %.60s stands there twice",
                              PRINTABLE(name));
        if (buffer_file_read(&buffer, name, &inner) != OK)
            return inner.code == E_SYSTEM
                       ? err_set(reading->err, E_SYSTEM, "%s", inner.text)
                       : REFUSE(reading, "buffers", "buffers: %.120s", inner.text);
    }
    if (buffers->count == 0)
        return OK;
    if (reading->block->cluster)
        return REFUSE(reading, "buffers",
                      "buffers: a client's buffer is for one server so far, "
                      "and cluster_mode is yes");
    if (reading->block->groups.count > 0)
        return REFUSE(reading, "buffers",
                      "buffers: beside test_groups, benchmark_args of a "
                      "scenario say --buffer");
    for (size_t i = 0; i < reading->block->pipelines.count; i++)
        if (reading->block->pipelines.items[i].value != 1)
            return REFUSE(reading, "pipelines",
                          "beside buffers it is 1: a batch is what is in flight on a connection");
    return OK;
}

/* How long it lasts, and what is sent. */
static enum err_code check_load(const struct reading *reading)
{
    const struct suite_block *block = reading->block;
    const bool requests = block->requests.count > 0;
    const bool mixed = block->writes.count + block->reads.count > 0;
    const bool neither = !requests && block->duration_seconds == 0;
    if ((requests && block->duration_seconds > 0) || (neither && block->groups.count == 0))
        return REFUSE(reading, requests ? "duration" : NULL,
                      requests ? "requests and duration exclude one another"
                               : "one of these is missing: requests, duration");
    if (block->groups.count == 0 && mixed == (block->commands.count > 0))
        return REFUSE(
            reading, mixed ? "commands" : NULL,
            mixed ? "commands are measured one after the other, writes and reads all at once: "
                    "give one or the other"
                  : "\"commands\" is missing; or give writes and reads, or test_groups");
    return OK;
}

static enum err_code settle(const struct reading *reading)
{
    struct suite_block *block = reading->block;
    enum err_code code = check_lists(reading);
    block->has_groups = block->groups.count > 0;
    for (size_t i = 0; i < block->profiling_set_count; i++)
        block->profiled |= block->profiling_sets[i].enabled;
    if (code == OK)
        code = check_load(reading);
    if (code == OK)
        code = check_buffers(reading);
    if (code != OK)
        return code;
    if (block->bind_ip != NULL && strcmp(block->bind_ip, "127.0.0.1") != 0)
        return REFUSE(reading, "bind_ip",
                      "%.60s: servers that volley starts have no password, and listen on 127.0.0.1 "
                      "only; start one there by hand, and use --use-running-server",
                      PRINTABLE(block->bind_ip));
    struct suite_numbers *const lists[] = {&block->requests,  &block->keyspace, &block->data_bytes,
                                           &block->pipelines, &block->clients,  &block->io_threads};
    for (size_t i = 0; i < COUNT(lists); i++)
        drop_repeated(lists[i]);
    code = check_cluster(reading);
    if (code == OK)
        code = suite_groups_check(&reading->config->file, &block->groups, reading->err);
    if (code == OK)
        code = settle_cpus(reading);
    if (code == OK)
        code = check_settings(reading, &block->settings, "custom-server-configs");
    for (size_t i = 0; i < block->config_set_count && code == OK; i++)
        code = check_settings(reading, &block->config_sets[i], "config_sets");
    return code;
}

/* A block for each cluster_mode. A list says what its cluster has, which the other one does not. */
static enum err_code part_modes(struct suite_config *config, struct err *err)
{
    struct suite_block *settled = calloc(2 * config->block_count, sizeof settled[0]);
    size_t count = 0;
    if (settled == NULL)
        return err_set(err, E_SYSTEM, "no memory for configurations");
    for (size_t i = 0; i < config->block_count; i++) {
        const struct suite_flags *modes = &config->blocks[i].cluster_modes;
        const struct config_node *node = config->blocks[i].place.node;
        const bool is_list = config_node_get(node, "cluster_mode")->kind == CONFIG_LIST;
        for (size_t k = 0; k < modes->count; k++) {
            struct suite_block *block = &settled[count];
            if (k > 0 && modes->items[k].value == modes->items[0].value)
                continue;
            *block = config->blocks[i];
            block->cluster = modes->items[k].value;
            if (is_list && !block->cluster) {
                block->cluster_nodes = 1;
                block->ports.count = 0;
            } else if (is_list && (block->ports.count > 0 || block->cluster_nodes > 1))
                block->port = 0;
            count++;
        }
    }
    config->settled = config->blocks = settled;
    config->block_count = count;
    return OK;
}

enum err_code suite_config_read(struct suite_config *config, const struct file_source *source,
                                struct err *err)
{
    *config = (struct suite_config){.block_count = 0};
    enum err_code code = file_read(&config->file, &suite_config_kind, config, source, err);
    if (code == OK)
        code = part_modes(config, err);
    for (size_t i = 0; i < config->block_count && code == OK; i++)
        code = settle(&(struct reading){config, &config->blocks[i], err});
    return code;
}

static void forget(struct suite_block *block)
{
    free(block->server_cpus.items);
    free(block->client_cpus.items);
}

void suite_config_free(struct suite_config *config)
{
    for (size_t i = 0; i < config->block_count; i++)
        forget(&config->blocks[i]);
    free(config->settled);
    file_free(&config->file);
    *config = (struct suite_config){.block_count = 0};
}

/* Both blocks of a configuration with two cluster modes have the same groups, in the same place. */
static bool is_twin(const struct suite_config *config, size_t index)
{
    return index > 0 && config->blocks[index].place.node == config->blocks[index - 1].place.node;
}

/* --- what is told --------------------------------------------------------------------------- */

void suite_config_say(const struct suite_config *config, const struct file_place *place,
                      const char *key, suite_tell *tell, void *state, const char *format, ...)
{
    char what[ERR_TEXT_BYTES];
    struct err placed = {.code = OK};
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    (void)file_refuse(&config->file, place, key, &placed, "%s", what);
    tell(state, placed.text);
}

/* Keys of other tools, and why they mean nothing. */
static const struct {
    const char *key, *why;
} unused[] = {
    {"dataset_generation", "datasets have to be there: volley makes none"},
    {"query_generation", "datasets have to be there: volley makes none"},
    {"socket_timeout", "volley has time limits of its own"},
    {"monitoring", "--flamegraph says where the time goes"},
    {"per_second_sampling", "records have no samples"},
};

void suite_config_tell_unused(const struct suite_config *config, suite_tell *tell, void *state)
{
    for (size_t i = 0; i < config->block_count; i++) {
        const struct suite_block *block = &config->blocks[i];
        const bool told = is_twin(config, i);
        for (size_t k = 0; k < COUNT(unused) && !told; k++)
            if (file_given(&block->place, unused[k].key))
                suite_config_say(config, &block->place, unused[k].key, tell, state,
                                 "%s: left out: %s", unused[k].key, unused[k].why);
        for (size_t k = 0; k < block->profiling_set_count && !told && block->profiled; k++)
            if (block->profiling_sets[k].place.node->count > 1)
                suite_config_say(config, &block->profiling_sets[k].place, NULL, tell, state,
                                 "profiling_sets: of this set only \"enabled\" counts");
    }
}

/* --- what is chosen -------------------------------------------------------------------------- */

static bool is_chosen(const struct suite_block *block, const struct suite_choice *choice)
{
    if (choice->cluster_mode >= 0 && block->cluster != (choice->cluster_mode > 0))
        return false;
    return block->has_groups ? block->groups.count > 0
                             : suite_names_have(choice->groups, block->group) &&
                                   suite_names_have(choice->scenarios, block->scenario);
}

enum err_code suite_config_choose(struct suite_config *config, const struct suite_choice *choice,
                                  struct err *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < config->block_count; i++) {
        if (is_twin(config, i))
            config->blocks[i].groups = config->blocks[i - 1].groups;
        else
            suite_groups_choose(&config->blocks[i].groups, choice->groups, choice->scenarios);
    }
    for (size_t i = 0; i < config->block_count; i++) {
        struct suite_block *block = &config->blocks[i];
        if (choice->skip_config_sets)
            block->config_set_count = 0;
        if (choice->skip_profiling)
            block->profiled = false;
        if (is_chosen(block, choice))
            config->blocks[kept++] = *block;
        else
            forget(block);
    }
    config->block_count = kept;
    return kept > 0 ? OK
                    : err_set(err, E_USAGE,
                              "no configuration of %.200s is left by --groups, --scenarios and "
                              "--cluster-mode-filter",
                              PRINTABLE(config->file.name));
}

/* So many of the usable CPUs that the other side does not have. */
static enum err_code choose_count(const struct reading *reading, struct suite_cpus *cpus,
                                  const struct suite_cpus *other, uint64_t wanted,
                                  const uint32_t *allowed, uint32_t allowed_count)
{
    enum err_code code = OK;
    for (uint32_t i = 0; i < allowed_count && cpus->count < wanted && code == OK; i++)
        if (!cpu_list_has(other->items, other->count, allowed[i]))
            code = add_cpus(reading, cpus, "cpu_allocation", &allowed[i], 1);
    return code == OK && cpus->count < wanted
               ? REFUSE(reading, "cpu_allocation", "%llu CPUs are wanted, and %u are left",
                        (unsigned long long)wanted, cpus->count)
               : code;
}

static enum err_code choose_cpus(const struct reading *reading, const uint32_t *allowed,
                                 uint32_t allowed_count)
{
    struct suite_block *block = reading->block;
    const struct suite_allocation *wish = &block->allocation;
    enum err_code code = OK;
    if (wish->cores_per_server > 0)
        code = choose_count(reading, &block->server_cpus, &block->client_cpus,
                            wish->cores_per_server, allowed, allowed_count);
    if (code == OK && wish->cores_per_client > 0)
        code = choose_count(reading, &block->client_cpus, &block->server_cpus,
                            wish->cores_per_client, allowed, allowed_count);
    return code;
}

bool suite_config_leave_server(struct suite_config *config)
{
    bool had_any = false;
    for (size_t i = 0; i < config->block_count; i++) {
        struct suite_block *block = &config->blocks[i];
        had_any |= suite_groups_leave_server(&block->groups);
        had_any |= block->io_threads.count + block->config_set_count + block->settings.count +
                           block->setup_commands.count + block->modules.count >
                       0 ||
                   block->server_file != NULL || block->profiled;
        block->io_threads.count = block->config_set_count = 0;
        block->settings.count = block->setup_commands.count = 0;
        block->modules.count = block->build_args.count = 0;
        block->server_file = NULL;
        block->profiled = false;
    }
    return had_any;
}

enum err_code suite_config_find_datasets(struct suite_config *config, struct err *err)
{
    enum err_code code = OK;
    for (size_t i = 0; i < config->block_count && code == OK; i++)
        if (!is_twin(config, i))
            code = suite_groups_find_datasets(&config->file, &config->blocks[i].groups, err);
    return code;
}

/* --- the machine ----------------------------------------------------------------------------- */

static enum err_code check_some(const struct reading *reading, const struct suite_cpus *cpus,
                                const char *key, const uint32_t *allowed, uint32_t allowed_count)
{
    char list[120];
    for (uint32_t i = 0; i < cpus->count; i++)
        if (!cpu_list_has(allowed, allowed_count, cpus->items[i]))
            return REFUSE(
                reading, reading->block->allocation.place.node != NULL ? "cpu_allocation" : key,
                "CPU %u is not one that this process may use: those are %s", cpus->items[i],
                cpu_order_list(list, sizeof list, allowed, allowed_count));
    return OK;
}

enum err_code suite_config_check_machine(struct suite_config *config, const uint32_t *allowed,
                                         uint32_t allowed_count, struct err *err)
{
    enum err_code code = OK;
    for (size_t i = 0; i < config->block_count && code == OK; i++) {
        struct suite_block *block = &config->blocks[i];
        const struct reading reading = {config, block, err};
        if (block->server_file != NULL && access(block->server_file, R_OK) != 0)
            return REFUSE(&reading, "custom-server-config-file", "%.120s: %s",
                          PRINTABLE(block->server_file), strerror(errno));
        for (size_t k = 0; k < block->modules.count; k++)
            if (access(block->modules.items[k].path, R_OK) != 0)
                return file_refuse(&config->file, &block->modules.items[k].place, "path", err,
                                   "modules: %.120s: %s", PRINTABLE(block->modules.items[k].path),
                                   strerror(errno));
        code = choose_cpus(&reading, allowed, allowed_count);
        if (code == OK)
            code = check_some(&reading, &block->server_cpus, "server_cpu_range", allowed,
                              allowed_count);
        if (code == OK)
            code = check_some(&reading, &block->client_cpus, "client_cpu_range", allowed,
                              allowed_count);
    }
    return code;
}
