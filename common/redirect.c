#include "common/redirect.h"

#include <string.h>

#include "common/slots.h"

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

/* A decimal number without sign from here to end; -1: it is none, or above the limit. */
static long number(const char *at, const char *end, long limit)
{
    long value = 0;
    if (at == end)
        return -1;
    for (; at < end; at++) {
        if (*at < '0' || *at > '9')
            return -1;
        value = value * 10 + (*at - '0');
        if (value > limit)
            return -1;
    }
    return value;
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
    long slot = number(cursor->at, blank, (long)SLOTS_COUNT - 1);
    long port = number(colon + 1, end, UINT16_MAX);
    if (slot < 0 || port <= 0 || !copy_host(redirect, host, colon))
        return 0;
    redirect->slot = (uint16_t)slot;
    redirect->port = (uint16_t)port;
    return 1;
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
