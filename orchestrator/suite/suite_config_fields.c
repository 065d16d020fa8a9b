/* The keys of a suite's configuration. */
#include <string.h>
#include <strings.h>

#include "orchestrator/options/load_limits.h"
#include "orchestrator/options/option_group.h"
#include "orchestrator/options/option_value.h"
#include "orchestrator/suite/suite_config.h"

#define COUNT(list) (sizeof(list) / sizeof(list)[0])

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
static const struct file_field flag_element = {
    .row = {ROW("flag", NULL, OPTION_FLAG, NULL, offsetof(struct suite_flag, value)),
            .help = "yes or no."}};
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

/* Keys that are taken from a file, and mean nothing here: suite_config_tell_unused. */
#define UNUSED(name_)                                                                              \
    {                                                                                              \
        .row = {.name = name_, .help = "Left out, with a warning."}, .form = FILE_ANY              \
    }

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

#define MODULE_AT(member) offsetof(struct suite_module, member)
static const struct file_field module_fields[] = {
    {.row = {ROW("path", NULL, OPTION_TEXT, NULL, MODULE_AT(path)), .help = "The shared object."},
     .required = true},
    {.row = {.name = "startup_args",
             .offset = MODULE_AT(args.items),
             .help = "Its arguments, as --use-coordinator."},
     .form = FILE_LIST,
     .of = &word_element,
     .element_bytes = sizeof(struct suite_word),
     .count_offset = MODULE_AT(args.count),
     .most = 100,
     .alone = true},
};
static const struct file_object module_object = {
    .name = "a module", .fields = module_fields, .field_count = COUNT(module_fields)};
static const struct file_field module_element = {
    .form = FILE_OBJECT, .object = &module_object, .row.hint = "as in {\"path\": \"module.so\"}"};

static const struct file_field profiling_fields[] = {
    {.row = {ROW("enabled", NULL, OPTION_FLAG, NULL, offsetof(struct suite_profiling, enabled)),
             .help = "A flame graph of each combination, as by --flamegraph."}},
    UNUSED("mode"),
    UNUSED("sampling_freq"),
    UNUSED("events"),
    UNUSED("delays"),
};
static const struct file_object profiling_object = {
    .name = "a profiling set", .fields = profiling_fields, .field_count = COUNT(profiling_fields)};
static const struct file_field profiling_element = {
    .form = FILE_OBJECT, .object = &profiling_object, .row.hint = "as in {\"enabled\": true}"};

static enum err_code parse_seed(void *target, const char *value, struct err *reason)
{
    static const struct option_row number = {ROW("seed", NULL, OPTION_COUNT, NULL, AT(seed)),
                                             NUMBER(0, UINT32_MAX)};
    struct suite_block *block = target;
    if (strcasecmp(value, "false") == 0 || strcasecmp(value, "true") == 0)
        return OK; /* it is drawn in any case */
    block->has_seed = true;
    return option_value_store(target, &number, value, reason);
}

static const struct file_field block_fields[] = {
    NUMBERS("requests", requests, requests_element, false,
            "How many requests; in place of duration."),
    {.row = {ROW("duration", NULL, OPTION_COUNT, NULL, AT(duration_seconds)),
             NUMBER(1, LOAD_SECONDS_MAX),
             .help = "How many seconds each run measures; in place of requests."}},
    NUMBERS("keyspacelen", keyspace, keys_element, false, "How many different keys."),
    NUMBERS("data_sizes", data_bytes, bytes_element, false, "Bytes of a value."),
    NUMBERS("pipelines", pipelines, pipeline_element, false, "Requests in flight on a connection."),
    LIST("clients", clients, clients_element, suite_number, false,
         "Connections; 50 where the key is missing, which is said."),
    LIST(
        "buffers", buffers, word_element, suite_word, false,
        "Buffers of the client, as --buffer of volley bench takes them: a name of configs/buffers, "
        "or a file. It is measured with each."),
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
    {.row = {.name = "cluster_mode",
             .offset = AT(cluster_modes.items),
             .help = "Whether the server is a cluster; of a list each is measured."},
     .form = FILE_LIST,
     .of = &flag_element,
     .element_bytes = sizeof(struct suite_flag),
     .count_offset = AT(cluster_modes.count),
     .least = 1,
     .most = 2,
     .alone = true,
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
    LIST("cluster_ports", ports, port_element, suite_number, false, "A port for each of them."),
    {.row = {ROW("seed", NULL, OPTION_CUSTOM, NULL, 0), .parse = parse_seed,
             .help = "Where the load's randomness begins; drawn, and recorded, where it is missing "
                     "or false."}},
    {.row = {ROW("test_name", NULL, OPTION_TEXT, NULL, AT(test_name)), .help = "For people."}},
    {.row = {.name = "modules",
             .offset = AT(modules.items),
             .help = "Modules that each server loads, beside that of --module-path."},
     .form = FILE_LIST,
     .of = &module_element,
     .element_bytes = sizeof(struct suite_module),
     .count_offset = AT(modules.count),
     .most = SUITE_MODULES_MAX,
     .alone = true},
    {.row = {.name = "profiling_sets",
             .offset = AT(profiling_sets),
             .help = "One that is enabled asks for flame graphs when all is measured."},
     .form = FILE_LIST,
     .of = &profiling_element,
     .element_bytes = sizeof(struct suite_profiling),
     .count_offset = AT(profiling_set_count),
     .most = 100,
     .alone = true},
    {.row = {.name = "test_groups",
             .offset = AT(groups.items),
             .help = "Scenarios one after the other on one server, in place of commands."},
     .form = FILE_LIST,
     .of = &suite_group_element,
     .element_bytes = sizeof(struct suite_group),
     .count_offset = AT(groups.count),
     .least = 1,
     .most = SUITE_GROUPS_MAX,
     .alone = true},
    LIST("build_args", build_args, word_element, suite_word, false,
         "Arguments of make, beside those of --make-args; the same in all configurations."),
    UNUSED("socket_timeout"),
    UNUSED("monitoring"),
    UNUSED("per_second_sampling"),
    UNUSED("dataset_generation"),
    UNUSED("query_generation"),
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
