/* Commands as they come to recorder_server.c. Pure. */
#ifndef TESTS_SUPPORT_RECORDER_COMMAND_H
#define TESTS_SUPPORT_RECORDER_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COMMAND_BYTES_MAX 65536u
#define COMMAND_ARGS_MAX 4 /* that are looked at; the rest is stepped over */

struct command {
    uint32_t argc;                      /* at most COMMAND_ARGS_MAX         */
    const char *args[COMMAND_ARGS_MAX]; /* in the bytes that were parsed */
    uint32_t arg_bytes[COMMAND_ARGS_MAX];
};

/* How many bytes the first command takes; -1: it is not whole; -2: it is no command. */
long command_parse(struct command *command, const char *in, size_t in_bytes);
/* Any case; false when there is no such argument. */
bool command_argument_is(const struct command *command, uint32_t index, const char *word);
/* Whether the first argument is "key:" and twelve digits, and their number. */
bool command_ticket(uint64_t *ticket, const struct command *command);

#endif
