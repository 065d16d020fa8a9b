/* libFuzzer target: any bytes, in each format, are a table whose cells lie within what was read, or no table. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/options/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

static void check(const struct dataset *dataset, size_t byte_count)
{
    const struct plan_data *data = &dataset->data;
    if (data->row_count == 0 || data->field_count == 0)
        abort();
    for (uint64_t i = 0; i < data->row_count * data->field_count; i++)
        if (data->cells[i].text < dataset->bytes ||
            data->cells[i].text + data->cells[i].byte_count > dataset->bytes + byte_count)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    if (input_bytes == 0)
        return 0;
    struct dataset dataset;
    struct err err = {.code = OK};
    char *bytes = malloc(input_bytes); /* its end is seen by the sanitizer */
    if (bytes == NULL)
        return 0;
    memcpy(bytes, input + 1, input_bytes - 1);
    const enum err_code code =
        dataset_parse(&dataset, bytes, input_bytes - 1, (enum dataset_format)(input[0] % 3),
                      input[0] / 3 % 4, &err);
    if (code == OK)
        check(&dataset, input_bytes - 1);
    else if (code != E_CONFIG)
        abort();
    dataset_free(&dataset);
    return 0;
}
