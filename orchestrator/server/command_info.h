/* What a server says of a command, COMMAND INFO and COMMAND GETKEYS, against the words of a request. Pure
 * functions; any reply is safe. Called by command_keys.c. */
#ifndef ORCHESTRATOR_SERVER_COMMAND_INFO_H
#define ORCHESTRATOR_SERVER_COMMAND_INFO_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"
#include "worker/worker.h"

struct redisReply;

/* One command with its arguments as ticket 0 has them. */
struct command_words {
    size_t argc;
    char **argv;
    size_t *argv_bytes;
    char name[48]; /* for messages; with the subcommand "object|encoding" */
};

/* No command has more words before its first key, or between two, than this. */
#define COMMAND_PLACE_MAX 65535

struct command_info {
    int64_t arity;             /* words; below 0: at least so many                             */
    int64_t first, last, step; /* places of keys, each within COMMAND_PLACE_MAX of 0           */
    bool reads_only, movable_keys, has_subcommands;
};

/* E_USAGE: the server does not know the command. E_CONNECT: what it says cannot be. */
MUST_USE enum err_code command_info_read(struct command_info *info, const struct redisReply *reply,
                                         const struct command_words *words, struct err *err);
/* E_USAGE: the request has another number of words. */
MUST_USE enum err_code command_info_check_count(const struct command_info *info,
                                                const struct command_words *words, struct err *err);
/* The places of keys; keys->arguments has room for words->argc. */
void command_info_keys(struct workload_command_keys *keys, const struct command_info *info,
                       const struct command_words *words);
/* The same from the reply of COMMAND GETKEYS. E_USAGE, E_CONNECT: it refuses, or names others. */
MUST_USE enum err_code command_info_match(struct workload_command_keys *keys,
                                          const struct command_words *words,
                                          const struct redisReply *reply, struct err *err);

#endif
