/* libFuzzer target: any bytes are a suite's configuration whose plan has a command line for each combination, or one sentence that
 * begins with the file's name; and any line is a row of CSV, or none. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/suite/suite_stage.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

static void ignore(void *state, const char *text)
{
    (void)state;
    if (strncmp(text, "file:", 5) != 0)
        abort();
}

static void check(const struct suite_plan *plan)
{
    struct suite_tool tool;
    const struct suite_target target = {.host = "127.0.0.1"};
    char text[400];
    suite_tool_describe(&tool, "/volley", NULL);
    for (size_t i = 0; i < plan->count && i < 100; i++) {
        struct suite_argv argv = {.count = 0};
        const struct suite_stage_wish wish = {
            .tool = &tool, .combination = &plan->items[i], .target = &target};
        (void)suite_combination_text(text, sizeof text, &plan->items[i]);
        for (int stage = SUITE_POPULATE; stage < SUITE_STAGES; stage++)
            if (suite_stage_runs(&wish, (enum suite_stage)stage))
                suite_stage_argv(&argv, &wish, (enum suite_stage)stage);
        if (argv.count < 3 || argv.count >= SUITE_ARGV_MAX || argv.items[argv.count] != NULL)
            abort();
    }
}

static void check_line(const uint8_t *input, size_t input_bytes)
{
    struct suite_csv_row row;
    char line[512];
    const size_t bytes = input_bytes < sizeof line - 1 ? input_bytes : sizeof line - 1;
    memcpy(line, input, bytes);
    line[bytes] = '\0';
    if (suite_csv_parse(&row, line) && (!isfinite(row.rps) || row.rps < 0 || row.max_ms < 0))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    const struct file_source source = {"file", (const char *)input, input_bytes};
    struct suite_config config;
    struct suite_plan plan = {.items = NULL};
    struct err err = {.code = OK};
    enum err_code code = suite_config_read(&config, &source, &err);
    if (code == OK)
        code = suite_plan_make(&plan, &config, ignore, NULL, &err);
    if (code == OK)
        check(&plan);
    else if (code != E_CONFIG || strncmp(err.text, "file:", 5) != 0)
        abort();
    suite_plan_free(&plan);
    suite_config_free(&config);
    check_line(input, input_bytes);
    return 0;
}
