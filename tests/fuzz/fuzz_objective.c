/* Any text as a list of objectives: it is one, with limits that can be met, or it is refused in one
 * sentence. What was read, written again, is the same list. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/report/objective.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_item(const struct objective *objective)
{
    require(strlen(objective->text) > 0 && strpbrk(objective->text, "\t,") == NULL);
    switch (objective->kind) {
    case OBJECTIVE_PERCENTILE:
        require(objective->percent > 0 && objective->percent < 100);
        break;
    case OBJECTIVE_ERRORS:
        require(objective->limit_share >= 0 && objective->limit_share <= 1);
        require(objective->limit_share > 0 || objective->or_equal || objective->above);
        return;
    case OBJECTIVE_RATE:
        return;
    case OBJECTIVE_MEAN:
    case OBJECTIVE_LONGEST:
        break;
    }
    require(objective->limit_ns >= 1 && objective->limit_ns <= 3600 * NS_PER_SECOND);
}

/* A text that is longer than what an objective holds is cut, and may be another one then. */
static void check_again(const struct objective *objective)
{
    struct objective_list again;
    struct err err = {.code = OK};
    if (strlen(objective->text) == sizeof objective->text - 1)
        return;
    require(objective_parse_list(&again, objective->text, &objective_of_abort, &err) == OK &&
            again.count == 1);
    const struct objective *read = &again.items[0];
    require(read->kind == objective->kind && read->or_equal == objective->or_equal &&
            read->above == objective->above && read->for_ns == objective->for_ns);
    require(read->limit_ns == objective->limit_ns && strcmp(read->text, objective->text) == 0 &&
            strcmp(read->class, objective->class) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    struct objective_list list;
    struct err err = {.code = OK};
    char *text = malloc(input_bytes + 1);
    if (text == NULL)
        return 0;
    memcpy(text, input, input_bytes);
    text[input_bytes] = '\0';
    if (objective_parse_list(&list, text, &objective_of_abort, &err) == OK) {
        require(err.code == OK && list.count >= 1 && list.count <= OBJECTIVE_MAX);
        for (uint32_t i = 0; i < list.count; i++) {
            check_item(&list.items[i]);
            check_again(&list.items[i]);
        }
    } else {
        require(err.code == E_USAGE && strncmp(err.text, "--abort-on", 10) == 0);
    }
    free(text);
    return 0;
}
