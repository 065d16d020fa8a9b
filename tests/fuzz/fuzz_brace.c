/* Any text as a command of a workload file: it is cut into words that are no longer than it is, and each word into
 * pieces without a rest, or it is refused in one sentence. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/generate/brace.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_pieces(const char *word)
{
    const size_t bytes = strlen(word);
    for (size_t i = 0; i < bytes;) {
        struct brace_piece piece;
        struct err err = {.code = OK};
        if (brace_next(&piece, word + i, bytes - i, &err) != OK) {
            require(err.code == E_CONFIG && err.text[0] != '\0');
            return;
        }
        require(piece.used_bytes > 0 && piece.used_bytes <= bytes - i);
        require(piece.kind != BRACE_TEXT ||
                (piece.text_bytes > 0 && piece.text_bytes <= piece.used_bytes));
        require(piece.label <= BRACE_LABEL_MAX && strlen(piece.name) < BRACE_NAME_BYTES);
        require(piece.kind != BRACE_INT || piece.from <= piece.to);
        require(piece.kind != BRACE_FLOAT || piece.low < piece.high);
        require((piece.kind != BRACE_ZIPF && piece.kind != BRACE_VECTOR) || piece.from > 0);
        i += piece.used_bytes;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    char *text = malloc(input_bytes + 1), *word = malloc(input_bytes + 1);
    require(text != NULL && word != NULL);
    memcpy(text, input, input_bytes);
    text[input_bytes] = '\0';
    const char *at = text;
    bool found = true;
    while (found) {
        struct err err = {.code = OK};
        if (brace_word(word, &found, &at, &err) != OK) {
            require(err.code == E_CONFIG && err.text[0] != '\0');
            break;
        }
        require(at <= text + strlen(text));
        if (found)
            check_pieces(word);
    }
    free(text);
    free(word);
    return 0;
}
