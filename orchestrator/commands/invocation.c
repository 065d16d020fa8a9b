#include "orchestrator/commands/invocation.h"

#include <stdlib.h>
#include <string.h>

#include "common/secret.h"
#include "orchestrator/report/json_value.h"

/* A bare list of options has the program's own name in front; a link to it may have the command's. */
static bool names_command(const char *word, const char *command)
{
    const char *slash = strrchr(word, '/');
    return strcmp(slash != NULL ? slash + 1 : word, command) == 0;
}

static json_t *masked_word(const char *word, const char *password)
{
    char *copy = strdup(word);
    if (copy == NULL)
        return NULL;
    (void)secret_mask(copy, password);
    json_t *masked = json_value_text(copy);
    free(copy);
    return masked;
}

static json_t *command_line(const char *command, int argc, const char *const *argv,
                            const char *password)
{
    json_t *words = json_array();
    json_array_append_new(words, json_string("volley"));
    if (argc > 0 && names_command(argv[0], command))
        json_array_append_new(words, json_string(command));
    for (int i = 1; i < argc; i++)
        json_array_append_new(words, masked_word(argv[i], password));
    return words;
}

json_t *invocation_describe(const char *command, int argc, const char *const *argv,
                            const struct option_values *values, const char *password)
{
    return json_pack("{s:o, s:o}", "command_line", command_line(command, argc, argv, password),
                     "options_in_force", options_in_force(values));
}
