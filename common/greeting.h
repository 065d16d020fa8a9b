/* What a fresh connection says before it carries requests: who it is, and which database, protocol and
 * mode it wants; at the end the question of endpoint->probe, since a TCP connect succeeds against a stopped
 * or full server. For the load the bytes are made once and sent by every connection in one go; the orchestrator's
 * own connections say one command of it after the other. Pure but for its memory. */
#ifndef COMMON_GREETING_H
#define COMMON_GREETING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/endpoint.h"
#include "common/err.h"
#include "common/resp.h"
#include "common/server_probe.h"

#define GREETING_COMMANDS_MAX 8u
#define GREETING_TEXT_BYTES 320u

enum greeting_flags {
    GREETING_REPLICA =
        1u << 0,             /* to a replica of a cluster: READONLY, or it sends every read away */
    GREETING_RESP2 = 1u << 1 /* whatever the endpoint says */
};

/* In the order in which they are said. */
enum greeting_command {
    GREETING_AUTH, /* first of all, or inside HELLO */
    GREETING_HELLO,
    GREETING_SELECT,
    GREETING_SETNAME,
    GREETING_TRACKING,
    GREETING_READONLY,
    GREETING_PROBE
};

#define GREETING_WORDS_MAX 8u

struct greeting_words {
    const char *argv[GREETING_WORDS_MAX]; /* borrowed from the endpoint, or `database` */
    size_t argc;                          /* 0: with this endpoint it is not said */
    char database[24];
};
void greeting_words(struct greeting_words *words, enum greeting_command command,
                    const struct endpoint *endpoint, unsigned flags);

/* Whether an error reply begins with this word: "LOADING". */
bool greeting_error_is(const char *text, const char *word);
/* What helps where a user may not do it (NOPERM), "": nothing. */
const char *greeting_remedy(enum greeting_command command);
#define GREETING_PASSWORD_REMEDY "give one with -a, --askpass or VOLLEY_AUTH" /* NOAUTH */

struct greeting {
    char *bytes; /* owned; holds the password */
    size_t byte_count;
    uint32_t replies; /* to wait for; 0: nothing is said  */
    enum server_probe probe;
    uint8_t commands[GREETING_COMMANDS_MAX]; /* reply -> enum greeting_command   */
    const char *password;                    /* borrowed from the endpoint, NULL: none */
};

/* E_SYSTEM: no memory. greeting_destroy in any case; safe on a zeroed one. */
MUST_USE enum err_code greeting_create(struct greeting *greeting, const struct endpoint *endpoint,
                                       unsigned flags, struct err *err);
void greeting_destroy(struct greeting *greeting);

enum greeting_step {
    GREETING_GOES_ON,
    GREETING_COMPLETE, /* that was the last reply: the connection is ready      */
    GREETING_NOT_YET,  /* the server is loading its data: try again later       */
    GREETING_REFUSED
};

/* Judges reply `index`, counted from 0, pushes left out. why gets one sentence for GREETING_NOT_YET and
 * GREETING_REFUSED, which names the command and what to do, and never holds the password. An answer to
 * the probe that forbids or does not know it is as good as any other: a user need not have the right to
 * PING. */
enum greeting_step greeting_take(const struct greeting *greeting, uint32_t index,
                                 const struct resp_reply *reply, char *why, size_t why_bytes);

#endif
