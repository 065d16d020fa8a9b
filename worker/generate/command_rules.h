/* What is known of commands by their names. Pure; private to worker/. */
#ifndef WORKER_GENERATE_COMMAND_RULES_H
#define WORKER_GENERATE_COMMAND_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "common/recording.h"
#include "worker/generate/workload.h"

/* What the command's reply says about hits. Case does not matter. */
enum read_kind command_read_kind(const char *name);

/* Which argument of SCAN, HSCAN, SSCAN and ZSCAN is a cursor, whose next value their reply begins with; 0: it is none of
 * these. */
uint32_t command_cursor_place(const char *name);

/* Of WAIT and WAITAOF: how many are asked to acknowledge, which the reply's numbers are held against; *asks false: it is
 * neither. E_CONFIG: that is no plain number. */
#define COMMAND_LEAST_NUMBERS 2u
MUST_USE enum err_code command_least(uint64_t least[COMMAND_LEAST_NUMBERS], bool *asks,
                                     const char *const *argv, size_t argc, struct err *err);

/* A command with its arguments: ended texts, or recorded ones. */
struct command_words {
    const char *const *argv; /* NULL: the others */
    const struct recording_argument *arguments;
    size_t count;
};
/* What keeps it from being one request with one reply that comes. */
enum command_fault {
    COMMAND_SUITS,
    COMMAND_NO_REPLY,        /* none, or several           */
    COMMAND_CHANGES_REPLIES, /* whether they come at all   */
    COMMAND_ENDLESS          /* it may wait without limit  */
};
enum command_fault command_fault_of(const struct command_words *words);

/* E_USAGE: it does not give one reply per request, or may wait for ever. argc 0 is accepted. */
MUST_USE enum err_code command_refuse_unsuitable(const char *const *argv, size_t argc,
                                                 struct err *err);

#endif
