#include "common/redirect.h"

#include <string.h>

#include "common/slots.h"
#include "common/units.h"

/* Where a text is being read. */
struct cursor {
    const char *at, *end;
};

/* Takes the word off the front when a blank or the end follows it. */
static int take_word(struct cursor *cursor, const char *word)
{
    size_t word_bytes = strlen(word);
    size_t left_bytes = (size_t)(cursor->end - cursor->at);
    if (left_bytes < word_bytes || memcmp(cursor->at, word, word_bytes) != 0)
        return 0;
    if (left_bytes > word_bytes && cursor->at[word_bytes] != ' ')
        return 0;
    cursor->at += left_bytes > word_bytes ? word_bytes + 1 : word_bytes;
    return 1;
}

static int copy_host(struct redirect *redirect, const char *host, const char *end)
{
    if (end - host >= 2 && host[0] == '[' && end[-1] == ']') {
        host++;
        end--;
    }
    size_t host_bytes = (size_t)(end - host);
    if (host_bytes >= sizeof redirect->host)
        return 0;
    for (const char *at = host; at < end; at++)
        if ((unsigned char)*at <= ' ' || *at == 0x7F)
            return 0;
    /* a node that does not know its own name says '?' */
    if (host_bytes == 1 && host[0] == '?')
        host_bytes = 0;
    memcpy(redirect->host, host, host_bytes);
    redirect->host[host_bytes] = '\0';
    return 1;
}

/* "slot host:port" */
static int read_where(struct redirect *redirect, const struct cursor *cursor)
{
    size_t left_bytes = (size_t)(cursor->end - cursor->at);
    const char *blank = left_bytes > 0 ? memchr(cursor->at, ' ', left_bytes) : NULL;
    if (blank == NULL)
        return 0;
    const char *host = blank + 1, *end = cursor->end;
    const char *colon = end > host ? memrchr(host, ':', (size_t)(end - host)) : NULL;
    if (colon == NULL)
        return 0;
    uint64_t slot, port;
    if (!units_parse_digits(&slot, cursor->at, (size_t)(blank - cursor->at), SLOTS_COUNT - 1) ||
        !units_parse_digits(&port, colon + 1, (size_t)(end - colon - 1), UINT16_MAX) || port == 0 ||
        !copy_host(redirect, host, colon))
        return 0;
    redirect->slot = (uint16_t)slot;
    redirect->port = (uint16_t)port;
    return 1;
}

bool redirect_wants_script(const char *text, size_t text_bytes)
{
    static const char noscript[] = "NOSCRIPT ", no_function[] = "ERR Function not found";
    return (text_bytes >= sizeof noscript - 1 &&
            memcmp(text, noscript, sizeof noscript - 1) == 0) ||
           (text_bytes >= sizeof no_function - 1 &&
            memcmp(text, no_function, sizeof no_function - 1) == 0);
}

enum redirect_kind redirect_parse(struct redirect *redirect, const char *text, size_t text_bytes)
{
    struct cursor cursor = {.at = text, .end = text + text_bytes};
    *redirect = (struct redirect){.kind = REDIRECT_NONE};
    enum redirect_kind kind = REDIRECT_NONE;
    if (text_bytes == 0)
        return REDIRECT_NONE;
    if (take_word(&cursor, "TRYAGAIN"))
        return redirect->kind = REDIRECT_TRYAGAIN;
    if (take_word(&cursor, "CLUSTERDOWN"))
        return redirect->kind = REDIRECT_CLUSTERDOWN;
    if (take_word(&cursor, "MOVED"))
        kind = REDIRECT_MOVED;
    else if (take_word(&cursor, "ASK"))
        kind = REDIRECT_ASK;
    if (kind != REDIRECT_NONE && read_where(redirect, &cursor))
        redirect->kind = kind;
    return redirect->kind;
}
