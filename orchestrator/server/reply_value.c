#include "orchestrator/server/reply_value.h"

#include <hiredis/hiredis.h>
#include <string.h>

#include "common/units.h"

const redisReply *reply_item(const redisReply *list, size_t index)
{
    if (list == NULL || list->type != REDIS_REPLY_ARRAY || index >= list->elements)
        return NULL;
    return list->element[index];
}

const char *reply_text(const redisReply *reply)
{
    if (reply == NULL || (reply->type != REDIS_REPLY_STRING && reply->type != REDIS_REPLY_STATUS) ||
        strlen(reply->str) != reply->len)
        return NULL;
    return reply->str;
}

const char *reply_info(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING ? reply->str : "";
}

bool reply_integer(int64_t *number, const redisReply *reply, int64_t min, int64_t max)
{
    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER || reply->integer < min ||
        reply->integer > max)
        return false;
    *number = reply->integer;
    return true;
}

bool text_port(uint16_t *port, const char *digits, size_t digit_count)
{
    uint64_t number;
    if (!units_parse_digits(&number, digits, digit_count, UINT16_MAX) || number == 0)
        return false;
    *port = (uint16_t)number;
    return true;
}

bool reply_port(uint16_t *port, const redisReply *reply)
{
    int64_t number;
    const char *text = reply_text(reply);
    if (text != NULL)
        return text_port(port, text, strlen(text));
    if (!reply_integer(&number, reply, 1, UINT16_MAX))
        return false;
    *port = (uint16_t)number;
    return true;
}

bool text_host(char *host, size_t host_bytes, const char *text, size_t text_bytes)
{
    if (text_bytes == 0 || text_bytes >= host_bytes)
        return false;
    for (size_t i = 0; i < text_bytes; i++)
        if ((unsigned char)text[i] <= ' ' || text[i] == 0x7F)
            return false;
    memcpy(host, text, text_bytes);
    host[text_bytes] = '\0';
    return true;
}

/* ---- INFO ---- */

/* NULL: there is no such field. */
static const char *find_field(size_t *value_bytes, const char *info, const char *field)
{
    size_t field_bytes = strlen(field);
    for (const char *line = info; *line != '\0';) {
        size_t line_bytes = strcspn(line, "\r\n");
        if (line_bytes > field_bytes && line[field_bytes] == ':' &&
            memcmp(line, field, field_bytes) == 0) {
            *value_bytes = line_bytes - field_bytes - 1;
            return line + field_bytes + 1;
        }
        line += line_bytes;
        line += strspn(line, "\r\n");
    }
    return NULL;
}

bool info_field(const char *info, const char *field, char *value, size_t value_bytes)
{
    size_t bytes = 0;
    const char *found = find_field(&bytes, info, field);
    if (bytes >= value_bytes)
        bytes = value_bytes - 1;
    if (found != NULL)
        memcpy(value, found, bytes);
    value[bytes] = '\0';
    return found != NULL;
}

bool info_number(uint64_t *number, const char *info, const char *field, uint64_t max)
{
    size_t bytes;
    const char *found = find_field(&bytes, info, field);
    return found != NULL && units_parse_digits(number, found, bytes, max);
}

const char *info_part(size_t *value_bytes, const char *line, size_t line_bytes, const char *name)
{
    const size_t name_bytes = strlen(name);
    for (const char *at = line, *end = line + line_bytes; at < end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *part_end = comma != NULL ? comma : end;
        if ((size_t)(part_end - at) > name_bytes && memcmp(at, name, name_bytes) == 0 &&
            at[name_bytes] == '=') {
            *value_bytes = (size_t)(part_end - at) - name_bytes - 1;
            return at + name_bytes + 1;
        }
        at = comma != NULL ? comma + 1 : end;
    }
    return NULL;
}
