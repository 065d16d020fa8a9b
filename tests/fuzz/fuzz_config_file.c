/* libFuzzer target: any bytes are a config file with whole entries, or one sentence that begins with
 * the file's name. Links common/err.c and orchestrator/options/config_*.c. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/options/config_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    struct config_file file;
    struct err err = {.code = OK};
    enum err_code code = config_file_parse(&file, "file", (const char *)input, input_bytes, &err);
    if (code != OK && (code != E_CONFIG || strncmp(err.text, "file:", 5) != 0))
        abort();
    for (size_t i = 0; i < file.count && code == OK; i++)
        if (file.entries[i].key == NULL || file.entries[i].value == NULL ||
            file.entries[i].line == 0)
            abort();
    config_file_free(&file);
    return 0;
}
