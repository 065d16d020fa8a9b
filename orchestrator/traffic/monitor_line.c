#include "orchestrator/traffic/monitor_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MICROSECOND_DIGITS 6
/* Of the whole seconds: 317 years; what has more is no time. */
#define SECOND_DIGITS_MAX 10
#define DATABASE_DIGITS_MAX 9

struct scan {
    char *at, *end;
};

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool take(struct scan *scan, char byte)
{
    if (scan->at == scan->end || *scan->at != byte)
        return false;
    scan->at++;
    return true;
}

/* Up to `most` digits, one at least. Returns how many; 0: none, or more. */
static int take_digits(struct scan *scan, int most, uint64_t *value)
{
    int count = 0;
    *value = 0;
    while (scan->at < scan->end && is_digit(*scan->at)) {
        if (++count > most)
            return 0;
        *value = *value * 10 + (uint64_t)(*scan->at++ - '0');
    }
    return count;
}

static bool take_time(struct scan *scan, uint64_t *unix_us)
{
    uint64_t seconds, microseconds;
    if (take_digits(scan, SECOND_DIGITS_MAX, &seconds) == 0 || !take(scan, '.'))
        return false;
    int digits = take_digits(scan, MICROSECOND_DIGITS, &microseconds);
    if (digits == 0)
        return false;
    for (; digits < MICROSECOND_DIGITS; digits++)
        microseconds *= 10;
    *unix_us = seconds * 1000000 + microseconds;
    return take(scan, ' ');
}

/* "[0 127.0.0.1:60866] ", "(db 3) ", or nothing. */
static bool take_origin(struct scan *scan, struct monitor_line *line)
{
    uint64_t database = 0;
    line->client = scan->at;
    line->client_bytes = 0;
    line->database = 0;
    if (take(scan, '(')) {
        bool named = take(scan, 'd') && take(scan, 'b') && take(scan, ' ') &&
                     take_digits(scan, DATABASE_DIGITS_MAX, &database) > 0 && take(scan, ')');
        line->database = (uint32_t)database;
        return named && take(scan, ' ');
    }
    if (!take(scan, '['))
        return true;
    if (take_digits(scan, DATABASE_DIGITS_MAX, &database) == 0 || !take(scan, ' '))
        return false;
    line->database = (uint32_t)database;
    line->client = scan->at;
    /* The path of a socket may hold any byte, but hardly what an origin ends with. */
    char *close = memmem(scan->at, (size_t)(scan->end - scan->at), "] \"", 3);
    if (close == NULL)
        return false;
    line->client_bytes = (size_t)(close - scan->at);
    scan->at = close + 2;
    return true;
}

static int hex_value(char byte)
{
    if (is_digit(byte))
        return byte - '0';
    byte = (char)(byte | 0x20);
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

/* What stands behind a backslash. */
static bool unescape(struct scan *scan, char *byte)
{
    static const char plain[] = "nrtab", meant[] = "\n\r\t\a\b";
    if (scan->at == scan->end)
        return false;
    char letter = *scan->at++;
    const char *known = letter != '\0' ? strchr(plain, letter) : NULL;
    *byte = known != NULL ? meant[known - plain] : letter;
    if (letter != 'x')
        return true;
    if (scan->end - scan->at < 2)
        return false;
    int high = hex_value(scan->at[0]), low = hex_value(scan->at[1]);
    scan->at += 2;
    *byte = (char)(high * 16 + low);
    return high >= 0 && low >= 0;
}

/* One argument within quotes, made plain where it stands. */
static bool take_argument(struct scan *scan, struct argument_list *arguments)
{
    if (!take(scan, '"'))
        return false;
    char *begin = scan->at, *out = scan->at;
    while (scan->at < scan->end && *scan->at != '"') {
        char byte = *scan->at++;
        if (byte == '\\' && !unescape(scan, &byte))
            return false;
        *out++ = byte;
    }
    return take(scan, '"') && argument_list_add(arguments, begin, (size_t)(out - begin));
}

static enum monitor_status bad(const char **reason, const char *text)
{
    *reason = text;
    return MONITOR_BAD;
}

static bool is_word(const char *bytes, size_t byte_count, const char *word)
{
    return byte_count == strlen(word) && memcmp(bytes, word, byte_count) == 0;
}

enum monitor_status monitor_line_read(struct monitor_line *line, struct argument_list *arguments,
                                      char *text, size_t text_bytes, const char **reason)
{
    struct scan scan = {.at = text, .end = text + text_bytes};
    arguments->count = 0;
    *reason = NULL;
    while (scan.end > scan.at && (scan.end[-1] == '\n' || scan.end[-1] == '\r'))
        scan.end--;
    take(&scan, '+');
    if (scan.at == scan.end || is_word(scan.at, (size_t)(scan.end - scan.at), "OK"))
        return MONITOR_NOTHING;
    if (!take_time(&scan, &line->unix_us))
        return bad(reason, "it does not begin with a time in seconds, as 1339518083.107412");
    if (!take_origin(&scan, line))
        return bad(reason, "behind the time stands no database and client, as [0 127.0.0.1:60866]");
    do {
        if (!take_argument(&scan, arguments))
            return bad(reason, "an argument is not within quotes, or ends before its closing one");
    } while (take(&scan, ' '));
    if (scan.at != scan.end)
        return bad(reason, "behind a closing quote stands something else than a blank");
    if (is_word(line->client, line->client_bytes, "lua") ||
        is_word(line->client, line->client_bytes, "script"))
        return MONITOR_SCRIPT;
    return MONITOR_REQUEST;
}

bool monitor_entry_make(struct monitor_entries *entries, struct recording_entry *entry,
                        const struct monitor_line *line, const struct argument_list *arguments)
{
    uint32_t client;
    if (!client_numbers_find(&entries->clients, line->client, line->client_bytes, &client))
        return false;
    if (entries->start_unix_us == 0)
        entries->start_unix_us = line->unix_us;
    uint64_t at_us =
        line->unix_us > entries->start_unix_us ? line->unix_us - entries->start_unix_us : 0;
    if (at_us < entries->last_us) {
        entries->went_back++;
        at_us = entries->last_us;
    }
    entries->last_us = at_us;
    *entry = (struct recording_entry){.at_us = at_us,
                                      .client = client,
                                      .database = line->database,
                                      .argument_count = arguments->count,
                                      .arguments = arguments->items};
    return true;
}

/* ---- writing */

struct sink_bytes {
    char *out;
    size_t room, used;
};

static void put(struct sink_bytes *sink, const char *bytes, size_t byte_count)
{
    if (sink->used + byte_count <= sink->room)
        memcpy(sink->out + sink->used, bytes, byte_count);
    sink->used += byte_count;
}

static void put_argument(struct sink_bytes *sink, const struct recording_argument *argument)
{
    static const char meant[] = "\n\r\t\a\b\"\\", plain[] = "nrtab\"\\";
    put(sink, " \"", 2);
    for (size_t i = 0; i < argument->byte_count; i++) {
        char byte = argument->bytes[i];
        const char *known = byte != '\0' ? strchr(meant, byte) : NULL;
        char escaped[8];
        if (known != NULL)
            put(sink, (char[]){'\\', plain[known - meant]}, 2);
        else if (byte >= ' ' && byte <= '~')
            put(sink, &byte, 1);
        else
            put(sink, escaped,
                (size_t)snprintf(escaped, sizeof escaped, "\\x%02x", (unsigned char)byte));
    }
    put(sink, "\"", 1);
}

size_t monitor_line_write(char *out, size_t out_bytes, const struct monitor_line *line,
                          const struct argument_list *arguments)
{
    struct sink_bytes sink = {.out = out, .room = out_bytes};
    char head[64];
    put(&sink, head,
        (size_t)snprintf(head, sizeof head, "%" PRIu64 ".%06" PRIu64 " [%" PRIu32 " ",
                         line->unix_us / 1000000, line->unix_us % 1000000, line->database));
    put(&sink, line->client, line->client_bytes);
    put(&sink, "]", 1);
    for (uint32_t i = 0; i < arguments->count; i++)
        put_argument(&sink, &arguments->items[i]);
    put(&sink, "\n", 1);
    return sink.used;
}
