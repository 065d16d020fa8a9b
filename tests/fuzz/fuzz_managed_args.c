/* Any text as --managed-args: it is words, none of which sets what is volley's, or it is refused in one
 * sentence. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "orchestrator/options/managed_args.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_word(const char *word)
{
    static const char *const own[] = {"--port",      "--bind",    "--dir",
                                      "--daemonize", "--include", "--requirepass"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        require(strncasecmp(word, own[i], strlen(own[i])) != 0 ||
                strchr(" \t=", word[strlen(own[i])]) == NULL);
    for (const char *at = word; *at != '\0'; at++)
        require((unsigned char)*at >= ' ' || *at == '\t');
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    struct managed_args args;
    struct err err = {.code = OK};
    char *text = malloc(input_bytes + 1);
    if (text == NULL)
        return 0;
    memcpy(text, input, input_bytes);
    text[input_bytes] = '\0';
    if (managed_args_parse(&args, text, &err) == OK) {
        require(err.code == OK && (args.count >= 1 || args.password != NULL) &&
                args.count <= MANAGED_ARGS_MAX);
        require(args.password != NULL || strncmp(args.words[0], "--", 2) == 0);
        size_t bytes = 0;
        for (uint32_t i = 0; i < args.count; i++) {
            check_word(args.words[i]);
            bytes += strlen(args.words[i]) + 1;
        }
        require(bytes <= strlen(text) + 1);
    } else {
        require(err.code == E_USAGE && strncmp(err.text, "--managed-args: ", 16) == 0);
    }
    managed_args_free(&args);
    free(text);
    return 0;
}
