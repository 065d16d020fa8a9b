/* Any text as a condition: it is one, and written again it is the same one, or it is refused in one sentence with a
 * column that lies within it. */
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/watch/expression.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static char *print(const struct expression *expression, size_t *bytes)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, bytes);
    require(out != NULL);
    expression_print(out, expression, NULL, false);
    require(fclose(out) == 0);
    return text;
}

static void check_evaluation(const struct expression *expression)
{
    struct watch_value values[EXPRESSION_FIGURES_MAX];
    for (uint32_t i = 0; i < EXPRESSION_FIGURES_MAX; i++)
        values[i] = (struct watch_value){.number = NAN};
    require(!expression_evaluate(expression, values).holds);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    struct expression expression, again;
    struct err err = {.code = OK};
    unsigned column = 0;
    char *text = malloc(input_bytes + 1);
    if (text == NULL)
        return 0;
    memcpy(text, input, input_bytes);
    if (expression_parse(&expression, text, input_bytes, &column, &err) == OK) {
        size_t bytes = 0, bytes_again = 0;
        char *first = print(&expression, &bytes), *second = NULL;
        check_evaluation(&expression);
        if (bytes <= EXPRESSION_BYTES_MAX &&
            expression_parse(&again, first, bytes, NULL, &err) == OK) {
            second = print(&again, &bytes_again);
            require(strcmp(first, second) == 0);
        } else { /* more parentheses than there may be, or longer numbers */
            require(bytes > EXPRESSION_BYTES_MAX || strstr(err.text, "deeper") != NULL);
        }
        free(first);
        free(second);
    } else {
        require(err.code == E_CONFIG && strncmp(err.text, "column ", 7) == 0);
        require(column >= 1 && column <= input_bytes + 1);
    }
    free(text);
    return 0;
}
