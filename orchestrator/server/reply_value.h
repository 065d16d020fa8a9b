/* Values out of what a server says. Every number is bounded where it is read; pure functions, any reply is
 * safe. Called by the orchestrator and its scout. */
#ifndef ORCHESTRATOR_SERVER_REPLY_VALUE_H
#define ORCHESTRATOR_SERVER_REPLY_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

struct redisReply;

/* An element of a list; NULL: it is no list, or shorter. */
const struct redisReply *reply_item(const struct redisReply *list, size_t index);
/* A string or a status as text; NULL: it is none, or has a zero byte inside. */
const char *reply_text(const struct redisReply *reply);
/* The text of a string, whatever it holds; "" of anything else. */
const char *reply_info(const struct redisReply *reply);
/* An integer from min to max. */
MUST_USE bool reply_integer(int64_t *number, const struct redisReply *reply, int64_t min,
                            int64_t max);
/* A port, as an integer or as digits. */
MUST_USE bool reply_port(uint16_t *port, const struct redisReply *reply);
MUST_USE bool text_port(uint16_t *port, const char *digits, size_t digit_count);
/* A name that can be asked for: not empty, without blanks and control characters, and it fits. */
MUST_USE bool text_host(char *host, size_t host_bytes, const char *text, size_t text_bytes);

/* Copies the value of a field out of INFO text, "field:value" lines; false and "" when it is not there. */
bool info_field(const char *info, const char *field, char *value, size_t value_bytes);
/* A field that is a number up to max. */
MUST_USE bool info_number(uint64_t *number, const char *info, const char *field, uint64_t max);
/* Of a line "a=1,b=2": the value behind ",name=" or at the beginning, without an end; NULL: not there. */
const char *info_part(size_t *value_bytes, const char *line, size_t line_bytes, const char *name);

#endif
