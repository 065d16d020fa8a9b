/* libFuzzer target: any argv gives a spec or one sentence, the same both times, and what was parsed
 * can be echoed. The input is the arguments, one a line, the first of them perhaps another tool's name; --config, --rate-plan and what reads a
 * password are left out. Links common/, orchestrator/options/ and
 * tests/support/check/workload_tests_stub.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/options/bench_options.h"
#include "orchestrator/options/dialect.h"

#define MAX_ARGS 64

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

struct outcome {
    enum err_code code;
    struct err err;
    char *json; /* NULL unless a spec came out */
};

/* The only options that open or read something: "--config", also with "=", and so on. */
static int names_a_file(const char *argument)
{
    static const char *const names[] = {"--config", "--rate-plan", "--password-fd", "--askpass"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strncmp(argument, names[i], strlen(names[i])) == 0)
            return 1;
    return 0;
}

static void parse(struct outcome *outcome, int argc, const char *const *argv)
{
    static struct bench_request request;
    memset(outcome, 0, sizeof *outcome);
    const struct dialect *dialect = argc > 1 ? dialect_find(argv[1]) : NULL;
    if (dialect != NULL)
        outcome->code = dialect_options_parse(&request, dialect, argc - 1, argv + 1, &outcome->err);
    else
        outcome->code = bench_options_parse(&request, argc, argv, &outcome->err);
    if (outcome->code == OK && !request.help && !request.version) {
        json_t *json = options_to_json(&request.values);
        if (json == NULL)
            abort();
        if (dialect != NULL) /* without a seed it is another one each time */
            json_object_del(json, "seed");
        outcome->json = json_dumps(json, JSON_COMPACT);
        json_decref(json);
        const struct spec *spec = &request.spec;
        if (spec->load.clients == 0 || spec->load.pipeline == 0 || spec->load.interval_ns == 0 ||
            spec->load.keyspace + spec->load.keyspace_offset > 1000000000000ull ||
            (spec->load.requests == 0) == (spec->load.duration_ns == 0) ||
            (spec->load.test_count == 0) == (spec->load.command_argc == 0))
            abort();
        if ((spec->rate.steps == NULL) != (spec->rate.step_count == 0) ||
            (!request.valkey.idle &&
             ((spec->rate.steps == NULL) != (spec->rate.warmup_micro == 0) ||
              (spec->rate.steps == NULL) != (spec->rate.text[0] == '\0'))) ||
            (spec->load.client_ramp.start_clients > 0 &&
             (spec->load.client_ramp.end_clients != spec->load.clients ||
              client_ramp_count(&spec->load.client_ramp,
                                client_ramp_length_ns(&spec->load.client_ramp)) !=
                  spec->load.clients)))
            abort();
    }
    bench_options_free(&request);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    const char *argv[MAX_ARGS] = {"volley"};
    int argc = 1;
    char *text = malloc(input_bytes + 1);
    if (text == NULL)
        return 0;
    memcpy(text, input, input_bytes);
    text[input_bytes] = '\0';
    for (char *at = text; argc < MAX_ARGS;) {
        char *end = strchr(at, '\n');
        if (end != NULL)
            *end = '\0';
        if (!names_a_file(at))
            argv[argc++] = at;
        if (end == NULL)
            break;
        at = end + 1;
    }
    struct outcome first, second;
    parse(&first, argc, argv);
    parse(&second, argc, argv);
    if (first.code != second.code || strcmp(first.err.text, second.err.text) != 0 ||
        (first.code == OK) != (first.err.text[0] == '\0') ||
        (first.json == NULL) != (second.json == NULL) ||
        (first.json != NULL && strcmp(first.json, second.json) != 0))
        abort();
    free(first.json);
    free(second.json);
    free(text);
    return 0;
}
