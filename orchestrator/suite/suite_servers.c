#include "orchestrator/suite/suite_servers.h"

#include <errno.h>
#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/printable.h"
#include "orchestrator/report/shell_word.h"
#include "orchestrator/server/discover.h"
#include "orchestrator/server/keyspace.h"
#include "orchestrator/server/managed_node.h"

#define CONNECT_LIMIT_NS (2 * NS_PER_SECOND)
#define REQUEST_LIMIT_NS (60 * NS_PER_SECOND)
#define READY_LIMIT_NS (30 * NS_PER_SECOND)

uint32_t suite_servers_cpus(uint32_t cpus[SPEC_CPUS_MAX],
                            const struct suite_combination *combination, const uint32_t *allowed,
                            uint32_t allowed_count)
{
    const struct suite_block *block = combination->block;
    const uint64_t threads = combination->io_threads > 0 ? combination->io_threads : 1;
    uint64_t wanted = threads * (block->cluster ? block->cluster_nodes : 1);
    if (block->server_cpus.count > 0) {
        memcpy(cpus, block->server_cpus.items, block->server_cpus.count * sizeof cpus[0]);
        return block->server_cpus.count;
    }
    if (block->client_cpus.count > 0 || allowed_count < 2)
        return 0;
    if (wanted > allowed_count - 1)
        wanted = allowed_count - 1;
    memcpy(cpus, allowed, wanted * sizeof cpus[0]);
    return (uint32_t)wanted;
}

/* --- somebody's server ----------------------------------------------------------------------- */

static enum err_code flush(const struct suite_run *run, const struct suite_combination *combination,
                           struct err *err)
{
    const struct endpoint endpoint = {.host = run->running->host,
                                      .port = run->running->port,
                                      .cluster = combination->block->cluster,
                                      .tls_client = run->running->tls,
                                      .tls.wanted = run->running->tls != NULL,
                                      .user = run->running->user,
                                      .password = run->running->password,
                                      .connection_timeout_ns = CONNECT_LIMIT_NS,
                                      .request_timeout_ns = REQUEST_LIMIT_NS,
                                      .wait_ready_ns = READY_LIMIT_NS};
    struct topology *topology = calloc(1, sizeof *topology);
    struct control *control = NULL;
    enum server_probe probe;
    struct target_address first;
    if (topology == NULL)
        return err_set(err, E_SYSTEM, "no memory for who serves what");
    enum err_code code =
        topology_discover(topology, &control, &probe, &first, &endpoint, run->interrupted, err);
    control_close(control);
    if (code == OK)
        code = keyspace_flush(topology, &endpoint, run->interrupted, err);
    free(topology);
    return code;
}

static enum err_code use_running(struct suite_servers *servers, const struct suite_run *run,
                                 const struct suite_combination *combination, struct err *err)
{
    const struct suite_running *running = run->running;
    servers->target = (struct suite_target){.host = running->host,
                                            .port = running->port,
                                            .cacert = running->cacert,
                                            .cert = running->cert,
                                            .key = running->key,
                                            .any_name = running->tls != NULL,
                                            .user = running->user};
    return running->may_flush ? flush(run, combination, err) : OK;
}

/* --- volley's own ---------------------------------------------------------------------------- */

struct arguments {
    struct suite_servers *servers;
    uint32_t count, name_count, module_count;
};

static void add(struct arguments *arguments, const char *word)
{
    if (arguments->count < SUITE_SERVER_ARGS_MAX)
        arguments->servers->args[arguments->count++] = word;
}

static void add_settings(struct arguments *arguments, const struct server_settings *settings)
{
    struct suite_servers *servers = arguments->servers;
    const size_t room = sizeof servers->names / sizeof servers->names[0];
    for (size_t i = 0; i < settings->count && arguments->name_count < room; i++) {
        char *name = servers->names[arguments->name_count++];
        snprintf(name, sizeof servers->names[0], "--%s", settings->items[i].place.node->key);
        add(arguments, name);
        add(arguments, settings->items[i].value);
    }
}

/* In quotes, as the server's configuration file has it. */
static size_t add_quoted(char *line, size_t used, size_t line_bytes, const char *word)
{
    used += (size_t)snprintf(line + used, line_bytes - used, " \"");
    for (; *word != '\0' && used + 4 < line_bytes; word++) {
        if (*word == '"' || *word == '\\')
            line[used++] = '\\';
        line[used++] = *word;
    }
    return used + (size_t)snprintf(line + used, line_bytes - used, "\"");
}

/* One word, since the module's own arguments may begin with -- as well. The server looks for it from a directory of its own. */
static void add_module(struct arguments *arguments, const char *path,
                       const struct suite_words *words)
{
    char *line = arguments->servers->modules[arguments->module_count++];
    const size_t line_bytes = sizeof arguments->servers->modules[0];
    char whole[PATH_MAX];
    size_t used = (size_t)snprintf(line, line_bytes, "--loadmodule");
    used = add_quoted(line, used, line_bytes - 8, realpath(path, whole) != NULL ? whole : path);
    for (size_t i = 0; i < words->count && used + 16 < line_bytes; i++)
        used = add_quoted(line, used, line_bytes - 8, words->items[i].text);
    add(arguments, line);
}

static uint32_t make_arguments(struct suite_servers *servers, const struct suite_run *run,
                               const struct suite_combination *combination)
{
    const struct suite_block *block = combination->block;
    struct arguments arguments = {.servers = servers};
    if (block->server_file != NULL) {
        add(&arguments, "--include");
        add(&arguments, block->server_file);
    }
    if (run->module_path != NULL)
        add_module(&arguments, run->module_path, &(const struct suite_words){.count = 0});
    for (size_t i = 0; i < block->modules.count; i++)
        add_module(&arguments, block->modules.items[i].path, &block->modules.items[i].args);
    add(&arguments, "--maxmemory-policy");
    add(&arguments, "allkeys-lru");
    add_settings(&arguments, &block->settings);
    if (combination->config_set != SIZE_MAX)
        add_settings(&arguments, &block->config_sets[combination->config_set]);
    return arguments.count;
}

static const uint16_t *make_ports(struct suite_servers *servers, const struct suite_block *block)
{
    servers->ports[0] = (uint16_t)block->port;
    for (size_t i = 0; i < block->ports.count; i++)
        servers->ports[i] = (uint16_t)block->ports.items[i].value;
    return block->port > 0 || block->ports.count > 0 ? servers->ports : NULL;
}

/* What the configuration says that servers are told first. Nodes may tell one another: an index that is there is fine, then. */
/* One command, cut into words as by a shell. */
static enum err_code order(struct control *control, const char *text, struct err *err)
{
    redisReply *reply = NULL;
    int count = 0;
    char *copy = malloc(strlen(text) + 1), *out = copy;
    const char **words = calloc(strlen(text) / 2 + 2, sizeof words[0]);
    enum err_code code =
        copy != NULL && words != NULL ? OK : err_set(err, E_SYSTEM, "no memory for a command");
    for (const char *at = text + strspn(text, " \t"); code == OK && *at != '\0';
         at += strspn(at, " \t")) {
        words[count++] = out;
        if (!shell_word_take(&out, &at))
            code = err_set(err, E_CONFIG, "a quote has no end");
    }
    if (code == OK && count > 0)
        code = control_command(control, &reply, count, words, err);
    if (reply != NULL && reply->type == REDIS_REPLY_ERROR)
        code = err_set(err, E_FAILED, "%.200s", PRINTABLE(reply->str));
    if (reply != NULL)
        freeReplyObject(reply);
    free(words);
    free(copy);
    return code;
}

static enum err_code set_up_node(struct suite_servers *servers, uint32_t node,
                                 const struct suite_words *commands, struct err *err)
{
    struct control *control = NULL;
    struct err reason = {.code = OK};
    if (commands->count == 0)
        return OK;
    enum err_code code = managed_cluster_connect(&control, &servers->cluster, node, err);
    for (size_t i = 0; i < commands->count && code == OK; i++)
        if (order(control, commands->items[i].text, &reason) != OK &&
            (node == 0 || strstr(reason.text, "already exists") == NULL))
            code = err_set(err, E_FAILED, "setup_commands: %.100s: %.200s",
                           PRINTABLE(commands->items[i].text), reason.text);
    control_close(control);
    return code;
}

static enum err_code flush_own(struct suite_servers *servers, uint32_t node, struct err *err)
{
    struct control *control = NULL;
    enum err_code code = managed_cluster_connect(&control, &servers->cluster, node, err);
    if (code == OK)
        code = managed_node_order(control, err, "FLUSHALL");
    control_close(control);
    return code;
}

enum err_code suite_servers_prepare(struct suite_servers *servers, const struct suite_run *run,
                                    const struct suite_combination *combination, struct err *err)
{
    const struct suite_case *one = combination->of;
    enum err_code code = OK;
    if (one == NULL || !one->begins)
        return OK;
    if (servers->cluster.count == 0)
        return one->scenario->flush_before && run->running->may_flush ? flush(run, combination, err)
                                                                      : OK;
    for (uint32_t node = 0; node < servers->cluster.count && code == OK; node++) {
        if (one->scenario->flush_before)
            code = flush_own(servers, node, err);
        if (code == OK)
            code = set_up_node(servers, node, &one->scenario->setup_commands, err);
    }
    return code;
}

static enum err_code start_own(struct suite_servers *servers, struct suite_run *run,
                               struct suite_subject *subject,
                               const struct suite_combination *combination, struct err *err)
{
    const struct suite_block *block = combination->block;
    servers->cpu_count =
        suite_servers_cpus(servers->cpus, combination, run->allowed_cpus, run->allowed_count);
    const struct managed_server_setup setup = {
        .program = subject->program,
        .cpus = servers->cpus,
        .cpu_count = servers->cpu_count,
        .ports = make_ports(servers, block),
        .certificates = block->tls ? &run->certificates : NULL,
    };
    const struct managed_wish wish = {.wanted = true,
                                      .primaries = block->cluster ? block->cluster_nodes : 0,
                                      .tls = block->tls,
                                      .args = servers->args,
                                      .arg_count = make_arguments(servers, run, combination),
                                      .io_threads = combination->io_threads};
    const struct endpoint endpoint = {.tls_client = block->tls ? run->tls : NULL,
                                      .tls.wanted = block->tls,
                                      .connection_timeout_ns = CONNECT_LIMIT_NS,
                                      .request_timeout_ns = REQUEST_LIMIT_NS,
                                      .wait_ready_ns = READY_LIMIT_NS};
    enum err_code code =
        managed_cluster_start(&servers->cluster, &wish, &endpoint, &setup, run->interrupted, err);
    for (uint32_t node = 0; node < servers->cluster.count && code == OK; node++)
        code = set_up_node(servers, node, &block->setup_commands, err);
    if (code == OK)
        servers->target = (struct suite_target){
            .host = "127.0.0.1",
            .port = servers->cluster.nodes[0].port,
            .cacert = block->tls ? run->certificates.authority : NULL,
        };
    return code;
}

enum err_code suite_servers_start(struct suite_servers *servers, struct suite_run *run,
                                  struct suite_subject *subject,
                                  const struct suite_combination *combination, struct err *err)
{
    servers->cluster.count = 0;
    servers->cpu_count = 0;
    return run->running->host != NULL ? use_running(servers, run, combination, err)
                                      : start_own(servers, run, subject, combination, err);
}

bool suite_servers_died(struct suite_servers *servers, char *text, size_t text_bytes)
{
    for (uint32_t i = 0; i < servers->cluster.count; i++)
        if (managed_server_died(&servers->cluster.nodes[i], text, text_bytes))
            return true;
    return false;
}

static void keep_logs(struct suite_servers *servers, struct suite_subject *subject,
                      const struct suite_combination *combination)
{
    const struct suite_block *block = combination->block;
    char path[SUITE_PATH_BYTES];
    struct err err = {.code = OK};
    snprintf(path, sizeof path, "%.1100s/valkey_log_cluster_%s_tls_%s.log", subject->directory,
             block->cluster ? "enabled" : "disabled", block->tls ? "enabled" : "disabled");
    const int fd =
        open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
    FILE *file = fd >= 0 ? fdopen(fd, "a") : NULL;
    if (file == NULL) {
        suite_log_line(&subject->log, LOG_WARNING, "%s cannot be written: %s", path,
                       strerror(errno));
        if (fd >= 0)
            close(fd);
        return;
    }
    for (uint32_t i = 0; i < servers->cluster.count; i++)
        if (managed_server_copy_log(&servers->cluster.nodes[i], file, &err) != OK)
            suite_log_line(&subject->log, LOG_WARNING, "%s: %s", path, err.text);
    (void)fclose(file);
}

void suite_servers_stop(struct suite_servers *servers, struct suite_subject *subject,
                        const struct suite_combination *combination)
{
    if (servers->cluster.count > 0)
        keep_logs(servers, subject, combination);
    managed_cluster_stop(&servers->cluster);
}
