/* Any text as an error reply: a redirect that can be followed, or none. One that was read, written
 * again, is the same. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/redirect.h"
#include "common/slots.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

static void require(int holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    struct redirect redirect, again;
    char *text = malloc(input_bytes); /* exact, so that reading behind it is seen */
    if (text == NULL)
        return 0;
    memcpy(text, input, input_bytes);
    enum redirect_kind kind = redirect_parse(&redirect, text, input_bytes);
    free(text);
    require(kind == redirect.kind);
    if (kind != REDIRECT_MOVED && kind != REDIRECT_ASK)
        return 0;
    require(redirect.slot < SLOTS_COUNT && redirect.port > 0);
    require(memchr(redirect.host, '\0', sizeof redirect.host) != NULL);
    char written[200];
    int written_bytes =
        snprintf(written, sizeof written, "%s %u %s:%u", kind == REDIRECT_ASK ? "ASK" : "MOVED",
                 redirect.slot, redirect.host, redirect.port);
    redirect_parse(&again, written, (size_t)written_bytes);
    /* brackets are taken off once */
    if (redirect.host[0] != '[' && strcmp(redirect.host, "?") != 0)
        require(again.kind == kind && again.slot == redirect.slot && again.port == redirect.port &&
                strcmp(again.host, redirect.host) == 0);
    return 0;
}
