/* `volley find-max` against a server whose limit is known: it serves one request after the other, each for
 * exactly so long. */
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/perf/honesty.h"

#define TRIES 5
#define SERVICE_TIME "100us"
#define LIMIT_PER_SECOND 10000.0
#define WITHIN 0.03
#define TEXT_BYTES 96

static enum err_code read_rate(double *rate, const char *path, struct err *err)
{
    json_error_t why;
    json_t *document = json_load_file(path, 0, &why);
    if (document == NULL)
        return err_set(err, E_FAILED, "%s: %s", path, why.text);
    const json_t *found =
        json_object_get(json_object_get(document, "result"), "sustainable_per_second");
    *rate = json_is_number(found) ? json_number_value(found) : NAN;
    json_decref(document);
    return OK;
}

static enum err_code search(double *rate, const struct honesty *honesty, struct err *err)
{
    const struct recorder_wish wish = {.service_time = SERVICE_TIME};
    struct recorder_process server = {.pid = 0};
    struct command command = {.argc = 0};
    char json_path[PATH_BYTES], log_path[PATH_BYTES];
    struct cost ignored;
    snprintf(json_path, sizeof json_path, "%s/run.json", honesty->directory);
    snprintf(log_path, sizeof log_path, "%s/client.log", honesty->directory);
    unlink(json_path);
    enum err_code code = recorder_begin(&server, honesty, &wish, err);
    if (code == OK) {
        command_add(&command, "%s", honesty->volley);
        add_words(&command, "find-max --slo p99<20ms -h 127.0.0.1 -t get --window 500ms --warmup "
                            "500ms -r 100000 -c");
        command_add(&command, "%u", HONESTY_CONNECTIONS);
        add_cpus(&command, honesty, 1);
        command_add(&command, "-p");
        command_add(&command, "%u", (unsigned)server.port);
        command_add(&command, "--json");
        command_add(&command, "%s", json_path);
        code = client_run(&ignored, &command, -1, 1, log_path, err);
    }
    enum err_code end_code = recorder_end(&server, err);
    if (code == OK)
        code = end_code;
    return code == OK ? read_rate(rate, json_path, err) : code;
}

enum err_code figure_capacity(struct honesty *honesty, struct err *err)
{
    enum err_code code = OK;
    for (unsigned i = 0; i < TRIES && code == OK; i++) {
        double rate = NAN;
        char got[TEXT_BYTES];
        code = search(&rate, honesty, err);
        if (code != OK)
            break;
        double error = relative_error(rate, LIMIT_PER_SECOND);
        snprintf(got, sizeof got, "%.0f/s, %.1f %% off", rate, error * 100);
        judge(honesty, error <= WITHIN, "10000/s, within 3 %", got,
              "find-max, one request each 100 us: try %u", i + 1);
    }
    return code;
}
