/* Any text as a list of objectives: it is one, with limits that can be met, or it is refused in one
 * sentence. What was read, written again, is the same list. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "orchestrator/capacity/slo.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_item(const struct slo *slo)
{
    require(strlen(slo->text) > 0 && strpbrk(slo->text, " \t,") == NULL);
    switch (slo->kind) {
    case SLO_PERCENTILE:
        require(slo->percent > 0 && slo->percent < 100);
        break;
    case SLO_ERRORS:
        require(slo->limit_share >= 0 && slo->limit_share <= 1);
        require(slo->limit_share > 0 || slo->or_equal);
        return;
    case SLO_MEAN:
    case SLO_LONGEST:
        break;
    }
    require(slo->limit_ns >= 1 && slo->limit_ns <= 3600 * NS_PER_SECOND);
}

/* The text of an objective holds 47 bytes: a longer one is cut, and may be another one then. */
static void check_again(const struct slo *slo)
{
    struct slo_list again;
    struct err err = {.code = OK};
    if (strlen(slo->text) == sizeof slo->text - 1)
        return;
    require(slo_parse_list(&again, slo->text, &err) == OK && again.count == 1);
    const struct slo *read = &again.items[0];
    require(read->kind == slo->kind && read->or_equal == slo->or_equal);
    require(read->limit_ns == slo->limit_ns && strcmp(read->text, slo->text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    struct slo_list list;
    struct err err = {.code = OK};
    char *text = malloc(input_bytes + 1);
    if (text == NULL)
        return 0;
    memcpy(text, input, input_bytes);
    text[input_bytes] = '\0';
    if (slo_parse_list(&list, text, &err) == OK) {
        require(err.code == OK && list.count >= 1 && list.count <= SLO_MAX);
        for (uint32_t i = 0; i < list.count; i++) {
            check_item(&list.items[i]);
            check_again(&list.items[i]);
        }
    } else {
        require(err.code == E_USAGE && strncmp(err.text, "--slo", 5) == 0);
    }
    free(text);
    return 0;
}
