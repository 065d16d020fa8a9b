#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/perf/honesty.h"

#define START_SECONDS_MAX 10
#define SERVER_SECONDS_MAX 200

static uint16_t read_port(const char *path)
{
    char line[16] = "";
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    bool whole = fgets(line, sizeof line, file) != NULL && strchr(line, '\n') != NULL;
    fclose(file);
    return whole ? (uint16_t)strtoul(line, NULL, 10) : 0;
}

enum err_code recorder_begin(struct recorder_process *server, const struct honesty *honesty,
                             const struct recorder_wish *wish, struct err *err)
{
    struct command command = {.argc = 0};
    snprintf(server->record_path, PATH_BYTES, "%s/record", honesty->directory);
    snprintf(server->log_path, PATH_BYTES, "%s/server.log", honesty->directory);
    command_add(&command, "%s", honesty->recorder);
    command_add(&command, "--record");
    command_add(&command, "%s", server->record_path);
    if (wish->stall != NULL) {
        command_add(&command, "--stall");
        command_add(&command, "%s", wish->stall);
    }
    if (wish->service_time != NULL) {
        command_add(&command, "--service-time");
        command_add(&command, "%s", wish->service_time);
    }
    unlink(server->log_path);
    const struct spawn spawn = {.command = &command,
                                .log_path = server->log_path,
                                .cpu = honesty->placement.server_cpu,
                                .seconds_max = SERVER_SECONDS_MAX,
                                .own_session = true};
    server->pid = process_spawn(&spawn);
    if (server->pid < 0)
        return err_set_errno(err, E_SYSTEM, errno, "starting %s", honesty->recorder);
    uint64_t deadline_ns = clock_now_ns() + START_SECONDS_MAX * NS_PER_SECOND;
    while ((server->port = read_port(server->log_path)) == 0) {
        if (waitpid(server->pid, NULL, WNOHANG) == server->pid) {
            server->pid = 0;
            return err_set(err, E_FAILED, "%s does not start", honesty->recorder);
        }
        if (clock_now_ns() > deadline_ns || compare_interrupted)
            return err_set(err, compare_interrupted ? E_INTERRUPTED : E_FAILED,
                           "%s: waiting for its port", honesty->recorder);
        clock_sleep_until(clock_now_ns() + 10 * NS_PER_MS);
    }
    return OK;
}

enum err_code recorder_end(struct recorder_process *server, struct err *err)
{
    int status = 0;
    if (server->pid <= 0)
        return OK;
    kill(server->pid, SIGTERM);
    while (waitpid(server->pid, &status, 0) < 0 && errno == EINTR)
        continue;
    server->pid = 0;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return err_set(err, E_FAILED, "the recording server failed, wait status %d", status);
    return OK;
}

/* Command lines --------------------------------------------------------------------------------- */

/* Where the workers run: each on a CPU of its own when there are enough, else all on one that the
 * server does not have (volley_cpu). */
void add_cpus(struct command *command, const struct honesty *honesty, uint32_t workers)
{
    command_add(command, "--processes");
    command_add(command, "%u", workers);
    command_add(command, "--cpus");
    int first = honesty->placement.client_cpu;
    if (first < 0 || (workers > 1 && !honesty->many_cpus))
        command_add(command, "none");
    else if (workers == 1)
        command_add(command, "%d", first);
    else
        command_add(command, "%d-%d", first, first + (int)workers - 1);
}

void add_words(struct command *command, const char *words)
{
    while (words != NULL && *words != '\0') {
        size_t length = strcspn(words, " ");
        command_add(command, "%.*s", (int)length, words);
        words += length + (words[length] == ' ');
    }
}

void add_volley(struct command *command, const struct honesty *honesty, const struct load *load,
                uint16_t port)
{
    command_add(command, "%s", honesty->volley);
    add_words(command, "bench -h 127.0.0.1 -t get -q -p");
    command_add(command, "%u", (unsigned)port);
    command_add(command, "-c");
    command_add(command, "%u", HONESTY_CONNECTIONS);
    add_cpus(command, honesty, load->workers);
    if (load->tickets) {
        add_words(command, "--sequential 1000000000");
    } else {
        command_add(command, "-r");
        command_add(command, "%u", HONESTY_KEYS);
    }
    if (load->rate > 0) {
        command_add(command, "--qps");
        command_add(command, "%llu", (unsigned long long)load->rate);
    }
    if (load->poisson)
        add_words(command, "--arrival poisson");
    if (load->pacing != NULL) {
        command_add(command, "--pacing");
        command_add(command, "%s", load->pacing);
    }
    add_words(command, load->words);
    command_add(command, "--test-duration");
    command_add(command, "%llums", (unsigned long long)load->duration_ms);
}

void add_floor(struct command *command, const struct honesty *honesty, uint16_t port,
               uint64_t requests, uint64_t rate)
{
    command_add(command, "%s", honesty->floor);
    command_add(command, "%u", (unsigned)port);
    command_add(command, "%u", HONESTY_CONNECTIONS);
    command_add(command, "%llu", (unsigned long long)requests);
    command_add(command, "1");
    command_add(command, "%u", HONESTY_KEYS);
    command_add(command, "%llu", (unsigned long long)rate);
}

/* Runs ------------------------------------------------------------------------------------------- */

static enum err_code run_client(const struct honesty *honesty, const struct command *command,
                                int cpu, struct err *err)
{
    char log_path[PATH_BYTES];
    struct cost ignored;
    snprintf(log_path, sizeof log_path, "%s/client.log", honesty->directory);
    return client_run(&ignored, command, cpu, 1, log_path, err);
}

/* Workers that --cpus does not pin are kept off the server's CPU from outside. */
static int volley_cpu(const struct honesty *honesty, uint32_t workers)
{
    return workers > 1 && !honesty->many_cpus ? honesty->placement.client_cpu : -1;
}

static enum err_code load_document(struct observed *observed, const char *path, struct err *err)
{
    json_error_t why;
    observed->document = json_load_file(path, 0, &why);
    if (observed->document == NULL)
        return err_set(err, E_FAILED, "%s: %s", path, why.text);
    observed->run = json_array_get(json_object_get(observed->document, "runs"), 0);
    if (observed->run == NULL)
        return err_set(err, E_FAILED, "%s: has no run", path);
    return OK;
}

enum err_code observe_volley(struct observed *observed, const struct honesty *honesty,
                             const struct load *load, struct err *err)
{
    struct recorder_process server = {.pid = 0};
    struct command command = {.argc = 0};
    char json_path[PATH_BYTES];
    *observed = (struct observed){.run = NULL};
    snprintf(json_path, sizeof json_path, "%s/run.json", honesty->directory);
    unlink(json_path);
    enum err_code code =
        recorder_begin(&server, honesty, &(struct recorder_wish){.stall = load->stall}, err);
    if (code == OK) {
        add_volley(&command, honesty, load, server.port);
        command_add(&command, "--json");
        command_add(&command, "%s", json_path);
        code = run_client(honesty, &command, volley_cpu(honesty, load->workers), err);
    }
    enum err_code end_code = recorder_end(&server, err);
    if (code == OK)
        code = end_code;
    if (code == OK)
        code = recorder_record_load(&observed->record, server.record_path, err);
    if (code == OK)
        code = load_document(observed, json_path, err);
    if (code == OK && observed->record.header.request_count == 0)
        code = err_set(err, E_FAILED, "%s sent no request", honesty->volley);
    return code;
}

enum err_code observe_floor(struct observed *observed, const struct honesty *honesty, uint64_t rate,
                            uint64_t duration_ms, struct err *err)
{
    struct recorder_process server = {.pid = 0};
    struct command command = {.argc = 0};
    *observed = (struct observed){.run = NULL};
    enum err_code code =
        recorder_begin(&server, honesty, &(struct recorder_wish){.stall = NULL}, err);
    if (code == OK) {
        add_floor(&command, honesty, server.port, rate * duration_ms / 1000, rate);
        code = run_client(honesty, &command, honesty->placement.client_cpu, err);
    }
    enum err_code end_code = recorder_end(&server, err);
    if (code == OK)
        code = end_code;
    if (code == OK)
        code = recorder_record_load(&observed->record, server.record_path, err);
    return code;
}

void observed_free(struct observed *observed)
{
    recorder_record_free(&observed->record);
    json_decref(observed->document);
    *observed = (struct observed){.run = NULL};
}

double observed_number(const struct observed *observed, const char *path)
{
    char key[64];
    const json_t *value = observed->run;
    while (*path != '\0') {
        size_t length = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)length, path);
        value = json_object_get(value, key);
        path += length + (path[length] == '.');
    }
    return json_is_number(value) ? json_number_value(value) : NAN;
}

bool honesty_listed(const char *list, const char *word)
{
    size_t word_bytes = strlen(word);
    if (list == NULL)
        return true;
    for (const char *at = list; *at != '\0';) {
        size_t length = strcspn(at, ",");
        if (length == word_bytes && strncmp(at, word, length) == 0)
            return true;
        at += length + (at[length] == ',');
    }
    return false;
}
