#include "orchestrator/suite/suite_config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/cpu_list.h"
#include "common/printable.h"
#include "orchestrator/machine/cpu_order.h"
#include "orchestrator/options/load_limits.h"
#include "orchestrator/options/option_group.h"

#define COUNT(list) (sizeof(list) / sizeof(list)[0])
#define SETTING_NAME_MAX 60u
#define SETTING_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

/* --- fields ---------------------------------------------------------------------------------- */

#define NUMBER_ELEMENT(name_, most_, help_)                                                        \
    {                                                                                              \
        .row = {                                                                                   \
            ROW(name_, NULL, OPTION_COUNT, NULL, offsetof(struct suite_number, value)),            \
            NUMBER(1, most_),                                                                      \
            .help = help_                                                                          \
        }                                                                                          \
    }
static const struct file_field requests_element =
    NUMBER_ELEMENT("number", LOAD_REQUESTS_MAX, "Requests.");
static const struct file_field keys_element = NUMBER_ELEMENT("number", LOAD_KEYS_MAX, "Keys.");
static const struct file_field bytes_element =
    NUMBER_ELEMENT("number", LOAD_VALUE_BYTES_MAX, "Bytes.");
static const struct file_field pipeline_element =
    NUMBER_ELEMENT("number", LOAD_PIPELINE_MAX, "Requests in flight.");
static const struct file_field clients_element =
    NUMBER_ELEMENT("number", LOAD_CLIENTS_MAX, "Connections.");
static const struct file_field port_element = NUMBER_ELEMENT("port", 65535, "A TCP port.");
static const struct file_field word_element = {
    .row = {ROW("word", NULL, OPTION_TEXT, NULL, offsetof(struct suite_word, text)),
            .help = "A word."}};
static const struct file_field setting_element = {
    .row = {ROW("setting", NULL, OPTION_TEXT, NULL, offsetof(struct server_setting, value)),
            .help = "The value, as in the server's configuration file."}};

#define AT(member) offsetof(struct suite_block, member)
/* clang-format off: a key reads best as a few short lines */
#define LIST(name_, member_, of_, element_, required_, help_)                                      \
    {                                                                                              \
        .row = {.name = name_, .offset = AT(member_.items), .help = help_}, .form = FILE_LIST,     \
        .of = &(of_), .element_bytes = sizeof(struct element_), .count_offset = AT(member_.count), \
        .least = 1, .most = 1000, .alone = true, .required = required_                             \
    }
#define NUMBERS(name_, member_, of_, required_, help_)                                             \
    LIST(name_, member_, of_, suite_number, required_, help_)

static const struct file_field config_set_element = {
    .row = {.name = "set",
            .offset = offsetof(struct server_settings, items),
            .help = "Settings of the server, by name."},
    .form = FILE_MAP,
    .of = &setting_element,
    .element_bytes = sizeof(struct server_setting),
    .count_offset = offsetof(struct server_settings, count),
    .most = 100};

#define ALLOCATION_AT(member) offsetof(struct suite_allocation, member)
static const struct file_field allocation_fields[] = {
    {.row = {ROW("cores_per_server", NULL, OPTION_COUNT, NULL, ALLOCATION_AT(cores_per_server)),
             NUMBER(1, SPEC_CPUS_MAX),
             .help = "CPUs for the server, from the first usable one on."}},
    {.row = {ROW("cores_per_client", NULL, OPTION_COUNT, NULL, ALLOCATION_AT(cores_per_client)),
             NUMBER(1, SPEC_CPUS_MAX), .help = "CPUs for the load, behind those of the server."}},
    {.row = {.name = "servers",
             .offset = ALLOCATION_AT(servers.items),
             .help = "CPU ranges of the servers, one behind the other."},
     .form = FILE_LIST,
     .of = &word_element,
     .element_bytes = sizeof(struct suite_word),
     .count_offset = ALLOCATION_AT(servers.count),
     .least = 1,
     .most = SUITE_NODES_MAX,
     .alone = true},
    {.row = {.name = "clients",
             .offset = ALLOCATION_AT(clients.items),
             .help = "CPU ranges of the load."},
     .form = FILE_LIST,
     .of = &word_element,
     .element_bytes = sizeof(struct suite_word),
     .count_offset = ALLOCATION_AT(clients.count),
     .least = 1,
     .most = SUITE_NODES_MAX,
     .alone = true},
};
static const struct file_object allocation_object = {.name = "an allocation of CPUs",
                                                     .fields = allocation_fields,
                                                     .field_count = COUNT(allocation_fields)};

static const struct file_field block_fields[] = {
    NUMBERS("requests", requests, requests_element, false,
            "How many requests; in place of duration."),
    {.row = {ROW("duration", NULL, OPTION_COUNT, NULL, AT(duration_seconds)),
             NUMBER(1, LOAD_SECONDS_MAX),
             .help = "How many seconds each run measures; in place of requests."}},
    NUMBERS("keyspacelen", keyspace, keys_element, true, "How many different keys."),
    NUMBERS("data_sizes", data_bytes, bytes_element, true, "Bytes of a value."),
    NUMBERS("pipelines", pipelines, pipeline_element, true, "Requests in flight on a connection."),
    NUMBERS("clients", clients, clients_element, false,
            "Connections; 50 where the key is missing, which is said."),
    LIST("commands", commands, word_element, suite_word, false,
         "What is measured: SET, GET, ...; those that are not known are left out, with a warning."),
    LIST("writes", writes, word_element, suite_word, false,
         "Together with reads, in place of commands: all of them at once, in equal parts."),
    LIST("reads", reads, word_element, suite_word, false, "Likewise."),
    LIST("setup_commands", setup_commands, word_element, suite_word, false,
         "What each server is told before it is loaded: words separated by blanks."),
    {.row = {ROW("group", NULL, OPTION_TEXT, NULL, AT(group)),
             .help = "A name or number, for --groups."}},
    {.row = {ROW("scenario", NULL, OPTION_TEXT, NULL, AT(scenario)),
             .help = "A name, for --scenarios."}},
    {.row = {ROW("description", NULL, OPTION_TEXT, NULL, AT(description)), .help = "For people."}},
    {.row = {ROW("cluster_mode", NULL, OPTION_FLAG, NULL, AT(cluster)),
             .help = "Whether the server is a cluster."},
     .required = true},
    {.row = {ROW("tls_mode", NULL, OPTION_FLAG, NULL, AT(tls)), .help = "Whether TLS is spoken."},
     .required = true},
    {.row = {ROW("warmup", NULL, OPTION_COUNT, NULL, AT(warmup_seconds)),
             NUMBER(0, LOAD_SECONDS_MAX),
             .help =
                 "Seconds of load before the measuring begins; none where the key is missing."}},
    {.row = {.name = "io-threads",
             .offset = AT(io_threads.items),
             .help =
                 "Threads with which the server reads and writes; it is started anew for each."},
     .form = FILE_LIST,
     .of = &(const struct file_field){.row = {ROW("number", NULL, OPTION_COUNT, NULL,
                                                  offsetof(struct suite_number, value)),
                                              NUMBER(1, 128), .help = "Threads."}},
     .element_bytes = sizeof(struct suite_number),
     .count_offset = AT(io_threads.count),
     .least = 1,
     .most = 128,
     .alone = true},
    {.row =
         {ROW("benchmark-threads", NULL, OPTION_COUNT, NULL, AT(benchmark_threads)),
          NUMBER(1, LOAD_THREADS_MAX),
          .help =
              "Threads of the load; as many as there are CPUs for it where the key is missing."}},
    {.row = {ROW("server_cpu_range", NULL, OPTION_TEXT, NULL, AT(server_range)),
             .help = "CPUs of the server: 0-3, or 0,2,4."}},
    {.row = {ROW("client_cpu_range", NULL, OPTION_TEXT, NULL, AT(client_range)),
             .help = "CPUs of the load."}},
    {.row = {.name = "cpu_allocation",
             .offset = AT(allocation),
             .help = "CPUs by number, or by server, in place of ranges."},
     .form = FILE_OBJECT,
     .object = &allocation_object},
    {.row = {.name = "custom-server-configs",
             .offset = AT(settings.items),
             .help = "Settings of the server, by name."},
     .form = FILE_MAP,
     .of = &setting_element,
     .element_bytes = sizeof(struct server_setting),
     .count_offset = AT(settings.count),
     .most = 100},
    {.row = {ROW("custom-server-config-file", NULL, OPTION_TEXT, NULL, AT(server_file)),
             .help = "A configuration file that the server reads first."}},
    {.row = {.name = "config_sets",
             .offset = AT(config_sets),
             .help = "Sets of settings of the server; all is measured with each."},
     .form = FILE_LIST,
     .of = &config_set_element,
     .element_bytes = sizeof(struct server_settings),
     .count_offset = AT(config_set_count),
     .least = 1,
     .most = 100,
     .alone = true},
    {.row = {ROW("port", NULL, OPTION_COUNT, NULL, AT(port)), NUMBER(1, 65535),
             .help = "The server's port; a free one where the key is missing."}},
    {.row = {ROW("bind_ip", NULL, OPTION_TEXT, NULL, AT(bind_ip)),
             .help = "127.0.0.1: servers that volley starts listen on no other address."}},
    {.row = {ROW("cluster_nodes", NULL, OPTION_COUNT, NULL, AT(cluster_nodes)),
             NUMBER(1, SUITE_NODES_MAX), .unset = "1", .help = "Primaries of the cluster."}},
    NUMBERS("cluster_ports", ports, port_element, false, "A port for each of them."),
    {.row = {ROW("seed", NULL, OPTION_COUNT, NULL, AT(seed)), NUMBER(0, UINT32_MAX),
             .help =
                 "Where the load's randomness begins; drawn, and recorded, where it is missing."}},
};
/* clang-format on */
static const struct file_object block_object = {
    .name = "a configuration", .fields = block_fields, .field_count = COUNT(block_fields)};
static const struct file_field block_field = {.form = FILE_OBJECT,
                                              .object = &block_object,
                                              .row.hint = "as in {\"commands\": [\"SET\"], ...}"};

const struct file_kind suite_config_kind = {
    .name = "suite",
    .what = "suite's configuration",
    .help = "What volley suite measures: configurations, each with lists that are crossed.",
    .root = {.row = {.name = "configurations",
                     .offset = offsetof(struct suite_config, blocks),
                     .help = "One after the other."},
             .form = FILE_LIST,
             .of = &block_field,
             .element_bytes = sizeof(struct suite_block),
             .count_offset = offsetof(struct suite_config, block_count),
             .least = 1,
             .most = SUITE_BLOCKS_MAX,
             .alone = true},
};

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

static enum err_code settle(const struct reading *reading)
{
    struct suite_block *block = reading->block;
    const bool requests = block->requests.count > 0;
    enum err_code code = OK;
    if (requests == (block->duration_seconds > 0))
        return REFUSE(reading, requests ? "duration" : NULL,
                      requests ? "requests and duration exclude one another"
                               : "one of these is missing: requests, duration");
    const bool mixed = block->writes.count + block->reads.count > 0;
    if (mixed == (block->commands.count > 0))
        return REFUSE(
            reading, mixed ? "commands" : NULL,
            mixed ? "commands are measured one after the other, writes and reads all at once: "
                    "give one or the other"
                  : "\"commands\" is missing; or give writes and reads");
    if (block->bind_ip != NULL && strcmp(block->bind_ip, "127.0.0.1") != 0)
        return REFUSE(reading, "bind_ip",
                      "%.60s: servers that volley starts have no password, and listen on 127.0.0.1 "
                      "only; start one there by hand, and use --use-running-server",
                      PRINTABLE(block->bind_ip));
    struct suite_numbers *const lists[] = {&block->requests,  &block->keyspace, &block->data_bytes,
                                           &block->pipelines, &block->clients,  &block->io_threads};
    for (size_t i = 0; i < COUNT(lists); i++)
        drop_repeated(lists[i]);
    block->has_seed = file_given(&block->place, "seed");
    code = check_cluster(reading);
    if (code == OK)
        code = settle_cpus(reading);
    if (code == OK)
        code = check_settings(reading, &block->settings, "custom-server-configs");
    for (size_t i = 0; i < block->config_set_count && code == OK; i++)
        code = check_settings(reading, &block->config_sets[i], "config_sets");
    return code;
}

enum err_code suite_config_read(struct suite_config *config, const struct file_source *source,
                                struct err *err)
{
    *config = (struct suite_config){.block_count = 0};
    enum err_code code = file_read(&config->file, &suite_config_kind, config, source, err);
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
    file_free(&config->file);
    *config = (struct suite_config){.block_count = 0};
}

/* --- what is chosen -------------------------------------------------------------------------- */

/* names NULL: everything is. */
static bool is_named(const char *names, const char *name)
{
    if (names == NULL)
        return true;
    for (const char *at = names; name != NULL && *at != '\0';) {
        const size_t bytes = strcspn(at, ",");
        if (bytes == strlen(name) && strncmp(at, name, bytes) == 0)
            return true;
        at += bytes + (at[bytes] == ',');
    }
    return false;
}

enum err_code suite_config_choose(struct suite_config *config, const struct suite_choice *choice,
                                  struct err *err)
{
    size_t kept = 0;
    for (size_t i = 0; i < config->block_count; i++) {
        struct suite_block *block = &config->blocks[i];
        if (choice->skip_config_sets)
            block->config_set_count = 0;
        if (is_named(choice->groups, block->group) &&
            is_named(choice->scenarios, block->scenario) &&
            (choice->cluster_mode < 0 || block->cluster == (choice->cluster_mode > 0)))
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
static enum err_code choose_some(const struct reading *reading, struct suite_cpus *cpus,
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
        code = choose_some(reading, &block->server_cpus, &block->client_cpus,
                           wish->cores_per_server, allowed, allowed_count);
    if (code == OK && wish->cores_per_client > 0)
        code = choose_some(reading, &block->client_cpus, &block->server_cpus,
                           wish->cores_per_client, allowed, allowed_count);
    return code;
}

bool suite_config_leave_server(struct suite_config *config)
{
    bool had_any = false;
    for (size_t i = 0; i < config->block_count; i++) {
        struct suite_block *block = &config->blocks[i];
        had_any |= block->io_threads.count + block->config_set_count + block->settings.count +
                           block->setup_commands.count >
                       0 ||
                   block->server_file != NULL;
        block->io_threads.count = block->config_set_count = 0;
        block->settings.count = block->setup_commands.count = 0;
        block->server_file = NULL;
    }
    return had_any;
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
