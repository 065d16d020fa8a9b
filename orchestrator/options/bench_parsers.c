#include "orchestrator/options/bench_parsers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/cpu_list.h"
#include "common/ipc.h"
#include "common/secret.h"
#include "common/units.h"
#include "orchestrator/options/bench_options.h"
#include "orchestrator/options/suggest.h"
#include "worker/worker.h"

enum err_code bench_parse_uri(void *target, const char *value, struct err *err)
{
    struct bench_request *request = target;
    if (request->uri == NULL)
        request->uri = secret_alloc(sizeof *request->uri);
    if (request->uri == NULL)
        return err_set(err, E_SYSTEM, "reading the options: out of memory");
    struct err reason = {.code = OK};
    if (uri_parse(request->uri, value, &reason) != OK)
        return err_set(err, E_USAGE, "--uri: %s", reason.text);
    request->uri_text = value;
    return OK;
}

/* The names that valkey-benchmark gives to several tests at once. */
static const struct {
    const char *name;
    const char *members; /* separated by commas */
} test_groups[] = {
    {"ping", "ping_inline,ping_mbulk"},
    {"lrange", "lrange_100,lrange_300,lrange_500,lrange_600"},
};

const char *bench_test_group(const char *name)
{
    size_t bytes = strlen(name);
    for (size_t i = 0; i < sizeof test_groups / sizeof test_groups[0]; i++)
        for (const char *at = test_groups[i].members; at != NULL; at = strchr(at, ',')) {
            at += *at == ',';
            if (strcspn(at, ",") == bytes && memcmp(at, name, bytes) == 0)
                return test_groups[i].name;
        }
    return NULL;
}

const char *bench_test_at(size_t index)
{
    size_t group_count = sizeof test_groups / sizeof test_groups[0];
    if (index < group_count)
        return test_groups[index].name;
    const struct workload_test *test = workload_test_at(index - group_count);
    return test != NULL ? test->name : NULL;
}

const char *bench_log_level_at(size_t index)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    return index < sizeof names / sizeof names[0] ? names[index] : NULL;
}

static enum err_code unknown_test(const char *name, size_t name_bytes, struct err *err)
{
    char known[320] = "";
    size_t used = 0;
    struct suggestion suggestion = {.wanted = name, .wanted_bytes = name_bytes};
    const struct workload_test *test;
    for (size_t i = 0; (test = workload_test_at(i)) != NULL && used < sizeof known; i++) {
        used += (size_t)snprintf(known + used, sizeof known - used, " %s", test->name);
        suggest_offer(&suggestion, test->name, strlen(test->name));
    }
    return err_set(err, E_USAGE, "--type: unknown test %.*s%s%s%s; known are%s",
                   (int)(name_bytes < 40 ? name_bytes : 40), name, SUGGESTED(suggestion.best),
                   known);
}

static enum err_code add_test(struct spec *spec, const char *name, size_t name_bytes,
                              struct err *err)
{
    char text[64];
    if (name_bytes == 0)
        return err_set(err, E_USAGE, "--type: an empty name in the list");
    if (name_bytes >= sizeof text)
        return unknown_test(name, name_bytes, err);
    memcpy(text, name, name_bytes);
    text[name_bytes] = '\0';
    if (strcasecmp(text, "custom") == 0)
        return err_set(err, E_USAGE,
                       "--type custom is not available yet; give the command after \"--\"");
    const struct workload_test *test = workload_test_find(text);
    if (test == NULL)
        return unknown_test(name, name_bytes, err);
    if (spec->load.test_count == SPEC_TESTS_MAX)
        return err_set(err, E_USAGE, "--type: more than %d tests", SPEC_TESTS_MAX);
    spec->load.tests[spec->load.test_count++] = test->name;
    return OK;
}

static const char *group_members(const char *name, size_t name_bytes)
{
    for (size_t i = 0; i < sizeof test_groups / sizeof test_groups[0]; i++)
        if (strlen(test_groups[i].name) == name_bytes &&
            strncasecmp(test_groups[i].name, name, name_bytes) == 0)
            return test_groups[i].members;
    return NULL;
}

static enum err_code add_tests(struct spec *spec, const char *list, bool expand, struct err *err)
{
    for (;;) {
        list += strspn(list, " ");
        size_t name_bytes = strcspn(list, ",");
        size_t behind = name_bytes;
        while (name_bytes > 0 && list[name_bytes - 1] == ' ')
            name_bytes--;
        const char *members = expand ? group_members(list, name_bytes) : NULL;
        enum err_code code = members != NULL ? add_tests(spec, members, false, err)
                                             : add_test(spec, list, name_bytes, err);
        if (code != OK || list[behind] == '\0')
            return code;
        list += behind + 1;
    }
}

enum err_code bench_parse_tests(void *target, const char *value, struct err *err)
{
    struct bench_request *request = target;
    request->spec.load.test_count = 0;
    return add_tests(&request->spec, value, true, err);
}

/* The two sentences below are those of the tool that volley replaces: scripts look for them. */
enum err_code bench_parse_processes(void *target, const char *value, struct err *err)
{
    struct bench_request *request = target;
    if (strcasecmp(value, "auto") == 0) {
        request->spec.workers.processes = 0;
        return OK;
    }
    uint64_t processes;
    bool negative =
        value[0] == '-' && value[1] != '\0' && value[1 + strspn(value + 1, "0123456789")] == '\0';
    if (negative)
        return err_set(err, E_USAGE, "--processes must be at least 1");
    if (!units_parse_count(&processes, value))
        return err_set(err, E_USAGE, "Invalid value for --processes: %.80s", value);
    if (processes < 1)
        return err_set(err, E_USAGE, "--processes must be at least 1");
    if (processes > IPC_WORKERS_MAX)
        return err_set(err, E_USAGE, "--processes %.80s: out of range; allowed: auto, 1 to %u",
                       value, IPC_WORKERS_MAX);
    request->spec.workers.processes = processes;
    return OK;
}

enum err_code bench_parse_cpus(void *target, const char *value, struct err *err)
{
    struct bench_request *request = target;
    struct spec *spec = &request->spec;
    if (strcasecmp(value, "auto") == 0 || strcasecmp(value, "none") == 0) {
        spec->workers.cpus_choice = strcasecmp(value, "auto") == 0 ? CPUS_AUTO : CPUS_NONE;
        spec->workers.cpu_count = 0;
        return OK;
    }
    if (request->cpus == NULL)
        request->cpus = calloc(SPEC_CPUS_MAX, sizeof *request->cpus);
    if (request->cpus == NULL)
        return err_set(err, E_SYSTEM, "no memory for --cpus");
    spec->workers.cpus = request->cpus;
    if (!cpu_list_parse(request->cpus, &spec->workers.cpu_count, SPEC_CPUS_MAX, value))
        return err_set(err, E_USAGE,
                       "--cpus %.80s: not a list of CPUs; allowed: auto, none, or numbers below %d "
                       "as in 0-3,8",
                       value, SPEC_CPUS_MAX);
    spec->workers.cpus_choice = CPUS_LIST;
    return OK;
}

enum err_code bench_parse_keepalive(void *target, const char *value, struct err *err)
{
    struct bench_request *request = target;
    request->one_pipelined = strcmp(value, "0") == 0;
    if (request->one_pipelined || strcmp(value, "1") == 0)
        return OK;
    return err_set(err, E_USAGE, "--keepalive %.80s: allowed are 0 and 1", value);
}

/* "99.9" and nothing that strtod would take beside it: no sign, exponent, blank or "nan". */
static bool parse_percentile(double *percentile, const char *text, size_t text_bytes)
{
    char copy[32];
    if (text_bytes == 0 || text_bytes >= sizeof copy)
        return false;
    memcpy(copy, text, text_bytes);
    copy[text_bytes] = '\0';
    size_t whole = strspn(copy, "0123456789");
    size_t fraction = copy[whole] == '.' ? strspn(copy + whole + 1, "0123456789") : 0;
    size_t used = whole + (copy[whole] == '.' ? 1 + fraction : 0);
    if (whole == 0 || copy[used] != '\0' || (copy[whole] == '.' && fraction == 0))
        return false;
    double value = strtod(copy, NULL);
    if (!(value > 0 && value <= 100))
        return false;
    *percentile = value;
    return true;
}

/* False: the list is full. */
static bool append_percentile(double percentiles[SPEC_PERCENTILES_MAX], uint32_t *count,
                              double percentile)
{
    for (uint32_t i = 0; i < *count; i++)
        if (!(percentiles[i] < percentile || percentiles[i] > percentile))
            return true;
    if (*count == SPEC_PERCENTILES_MAX)
        return false;
    percentiles[(*count)++] = percentile;
    return true;
}

/* The values in the order given, each once. */
enum err_code bench_parse_percentiles(void *target, const char *value, struct err *err)
{
    struct spec *spec = &((struct bench_request *)target)->spec;
    spec->outputs.percentile_count = 0;
    for (const char *at = value;;) {
        size_t bytes = strcspn(at, ",");
        double percentile;
        if (!parse_percentile(&percentile, at, bytes))
            return err_set(err, E_USAGE,
                           "--percentiles %.80s: \"%.*s\" is not above 0 and at most 100", value,
                           (int)(bytes < 40 ? bytes : 40), at);
        if (!append_percentile(spec->outputs.percentiles, &spec->outputs.percentile_count,
                               percentile))
            return err_set(err, E_USAGE, "--percentiles %.80s: more than %d", value,
                           SPEC_PERCENTILES_MAX);
        if (at[bytes] == '\0')
            return OK;
        at += bytes + 1;
    }
}

enum err_code bench_parse_log_level(void *target, const char *value, struct err *err)
{
    struct bench_request *request = target;
    if (log_level_parse(&request->spec.outputs.log_level, value))
        return OK;
    return err_set(err, E_USAGE,
                   "--log-level %.80s: allowed: error, warning, info, debug (and critical)", value);
}

static const char *const replica_reads[] = {
    [REPLICA_READS_NO] = "no", [REPLICA_READS_YES] = "yes", [REPLICA_READS_ALL] = "all"};

const char *bench_rfr_at(size_t index)
{
    return index < sizeof replica_reads / sizeof replica_reads[0] ? replica_reads[index] : NULL;
}

static int find_replica_reads(const char *word)
{
    for (int i = 0; bench_rfr_at((size_t)i) != NULL; i++)
        if (strcasecmp(word, bench_rfr_at((size_t)i)) == 0)
            return i;
    return -1;
}

bool bench_rfr_takes_next(const char *word)
{
    return find_replica_reads(word) >= 0;
}

enum err_code bench_parse_rfr(void *target, const char *value, struct err *err)
{
    struct bench_request *request = target;
    int found = find_replica_reads(strcmp(value, "true") == 0    ? "yes"
                                   : strcmp(value, "false") == 0 ? "no"
                                                                 : value);
    if (found < 0)
        return err_set(err, E_USAGE, "--read-from-replica %.80s: allowed: no, yes, all", value);
    request->spec.endpoint.replica_reads = (enum replica_reads)found;
    return OK;
}
