#include "tests/support/recorder_command.h"

#include <string.h>
#include <strings.h>

#define KEY_PREFIX "key:"
#define KEY_DIGITS 12

/* "*3\r\n" at *at: its number, and *at moves behind it. -1: not whole; -2: rubbish. */
static long parse_line(const char **at, const char *end, char kind)
{
    const char *digit = *at;
    if (digit == end)
        return -1;
    if (*digit++ != kind)
        return -2;
    long number = 0;
    for (; digit < end && *digit >= '0' && *digit <= '9'; digit++)
        if ((number = number * 10 + (*digit - '0')) > (long)COMMAND_BYTES_MAX)
            return -2;
    if (end - digit < 2)
        return -1;
    if (digit[0] != '\r' || digit[1] != '\n')
        return -2;
    *at = digit + 2;
    return number;
}

long command_parse(struct command *command, const char *in, size_t in_bytes)
{
    const char *at = in, *end = in + in_bytes;
    long argc = parse_line(&at, end, '*');
    if (argc < 1)
        return argc == 0 ? -2 : argc;
    command->argc = argc < COMMAND_ARGS_MAX ? (uint32_t)argc : COMMAND_ARGS_MAX;
    for (long i = 0; i < argc; i++) {
        long arg_bytes = parse_line(&at, end, '$');
        if (arg_bytes < 0)
            return arg_bytes;
        if (end - at < arg_bytes + 2)
            return -1;
        if (i < COMMAND_ARGS_MAX) {
            command->args[i] = at;
            command->arg_bytes[i] = (uint32_t)arg_bytes;
        }
        at += arg_bytes + 2;
    }
    return at - in;
}

bool command_argument_is(const struct command *command, uint32_t index, const char *word)
{
    size_t word_bytes = strlen(word);
    return index < command->argc && command->arg_bytes[index] == word_bytes &&
           strncasecmp(command->args[index], word, word_bytes) == 0;
}

bool command_ticket(uint64_t *ticket, const struct command *command)
{
    const size_t prefix_bytes = strlen(KEY_PREFIX);
    if (command->argc < 2 || command->arg_bytes[1] != prefix_bytes + KEY_DIGITS ||
        memcmp(command->args[1], KEY_PREFIX, prefix_bytes) != 0)
        return false;
    *ticket = 0;
    for (size_t i = prefix_bytes; i < prefix_bytes + KEY_DIGITS; i++) {
        char digit = command->args[1][i];
        if (digit < '0' || digit > '9')
            return false;
        *ticket = *ticket * 10 + (uint64_t)(digit - '0');
    }
    return true;
}
