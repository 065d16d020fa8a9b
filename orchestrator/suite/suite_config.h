/* Configurations of a suite, JSON or YAML: a list of objects in the keys of valkey-perf-benchmark. Each object stands for
 * itself; the lists within one are crossed (suite_plan.h). docs/reference/suite.md is for their users. */
#ifndef ORCHESTRATOR_SUITE_SUITE_CONFIG_H
#define ORCHESTRATOR_SUITE_SUITE_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/spec.h"
#include "orchestrator/options/file_reader.h"
#include "orchestrator/suite/suite_group.h"

/* CPUs in the order given; count 0: none are named. */
struct suite_cpus {
    uint32_t *items; /* owned */
    uint32_t count;
};

struct suite_flag {
    bool value;
};
struct suite_flags {
    struct suite_flag *items;
    size_t count;
};

/* A module that each server loads. */
struct suite_module {
    struct file_place place;
    const char *path;
    struct suite_words args;
};
struct suite_modules {
    struct suite_module *items;
    size_t count;
};

struct suite_profiling {
    struct file_place place;
    bool enabled;
};

struct suite_allocation {
    struct file_place place; /* node NULL: there is none */
    uint64_t cores_per_server, cores_per_client;
    struct suite_words servers, clients;
};

struct suite_block {
    struct file_place place;
    struct suite_numbers requests, keyspace, data_bytes, pipelines, clients, io_threads, ports;
    struct suite_words buffers;        /* of the client: files, or names of configs/buffers */
    struct suite_words commands;       /* one after the other ...                     */
    struct suite_words writes, reads;  /* ... or all of these at once                 */
    struct suite_words setup_commands; /* what the server is told before it is loaded */
    const char *group, *scenario, *description; /* NULL: none */
    uint64_t duration_seconds;                  /* 0: as many requests as `requests` says */
    uint64_t warmup_seconds;
    uint64_t benchmark_threads; /* 0: as the tool chooses */
    uint64_t port;              /* 0: a free one */
    uint64_t cluster_nodes;
    uint64_t seed; /* with has_seed */
    const char *bind_ip, *server_range, *client_range, *server_file;
    const char *test_name; /* NULL: none */
    bool cluster, tls, has_seed;
    struct server_settings settings;
    struct server_settings *config_sets;
    size_t config_set_count;
    struct suite_allocation allocation;
    struct suite_flags cluster_modes; /* `cluster` is one of them */
    struct suite_modules modules;
    struct suite_profiling *profiling_sets;
    size_t profiling_set_count;
    struct suite_words build_args; /* of make */
    bool profiled;                 /* one of the sets is enabled */
    bool has_groups;               /* of scenarios, in place of commands */
    struct suite_groups groups;
    /* Settled from ranges and allocation. */
    struct suite_cpus server_cpus, client_cpus;
};

struct suite_config {
    struct file file;
    struct suite_block *blocks; /* one for each cluster_mode of a configuration */
    size_t block_count;
    struct suite_block *settled; /* private: where they stand */
};

#define SUITE_BLOCKS_MAX 10000u
#define SUITE_NODES_MAX 32u
#define SUITE_MODULES_MAX 10u

/* E_CONFIG: "name:line:column: what is wrong"; E_SYSTEM. suite_config_free in any case. */
MUST_USE enum err_code suite_config_read(struct suite_config *config,
                                         const struct file_source *source, struct err *err);
void suite_config_free(struct suite_config *config);

/* Leaves out what the user has not chosen: groups, scenarios as names separated by commas (NULL: all), clusters or what is none
 * (cluster_mode -1: both); and sets of settings. E_USAGE: nothing is left. */
struct suite_choice {
    const char *groups, *scenarios;
    int cluster_mode;
    bool skip_config_sets, skip_profiling;
};
MUST_USE enum err_code suite_config_choose(struct suite_config *config,
                                           const struct suite_choice *choice, struct err *err);

/* A sentence about this key of it, as file_refuse has it, that ends nothing. */
void suite_config_say(const struct suite_config *config, const struct file_place *place,
                      const char *key, suite_tell *tell, void *state, const char *format, ...)
    PRINTF_LIKE(6, 7);
/* Tells which keys of it mean nothing here. */
void suite_config_tell_unused(const struct suite_config *config, suite_tell *tell, void *state);

/* For a server that volley does not start: forgets what would be set there. True: there was something. */
bool suite_config_leave_server(struct suite_config *config);

/* Reads the datasets of all scenarios, and counts their rows. E_CONFIG: one is not there, or no table; E_SYSTEM. */
MUST_USE enum err_code suite_config_find_datasets(struct suite_config *config, struct err *err);

/* Whether this machine has all the CPUs and files that are named: `allowed` are the CPUs that this process may use. Those that are
 * wanted by number are chosen here. E_CONFIG; E_SYSTEM. */
MUST_USE enum err_code suite_config_check_machine(struct suite_config *config,
                                                  const uint32_t *allowed, uint32_t allowed_count,
                                                  struct err *err);

extern const struct file_kind suite_config_kind;

#endif
