#include "orchestrator/options/chaos_sentence.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const key_names[CHAOS_KEY_COUNT] = {"at",    "do",   "node", "for",
                                                       "slots", "from", "to"};

/* A value without a name is of this key: "pause 3s", "kill 2". */
static const struct {
    const char *name;
    enum chaos_key bare;
} kinds[CHAOS_KIND_COUNT] = {
    [CHAOS_KILL] = {"kill", CHAOS_KEY_NODE},
    [CHAOS_PAUSE] = {"pause", CHAOS_KEY_FOR},
    [CHAOS_RESTART] = {"restart", CHAOS_KEY_NODE},
    [CHAOS_BGSAVE] = {"bgsave", CHAOS_KEY_NODE},
    [CHAOS_CLIENT_KILL] = {"client-kill", CHAOS_KEY_NODE},
    [CHAOS_FAILOVER] = {"failover", CHAOS_KEY_NODE},
    [CHAOS_RESHARD] = {"reshard", CHAOS_KEY_SLOTS},
    [CHAOS_ADD_NODE] = {"add-node", CHAOS_KEY_NODE},
    [CHAOS_REMOVE_NODE] = {"remove-node", CHAOS_KEY_NODE},
};

const char *chaos_key_name(size_t key)
{
    return key_names[key];
}

const char *chaos_kind_name(enum chaos_kind kind)
{
    return kinds[kind].name;
}

static bool same_name(const char *name, const char *text, size_t text_bytes)
{
    if (strlen(name) != text_bytes)
        return false;
    for (size_t i = 0; i < text_bytes; i++)
        if (name[i] != (text[i] == ' ' ? '-' : tolower((unsigned char)text[i])))
            return false;
    return true;
}

static int find_kind(const char *text, size_t text_bytes)
{
    for (int i = 0; i < CHAOS_KIND_COUNT; i++)
        if (same_name(kinds[i].name, text, text_bytes))
            return i;
    return -1;
}

int chaos_kind_find(const char *text)
{
    return find_kind(text, strlen(text));
}

/* --- words ----------------------------------------------------------------------------------- */

struct reader {
    struct chaos_words *words;
    const char *at;
    char *why;
    size_t why_bytes;
};

static bool refuse(struct reader *reader, const char *what, const char *text, size_t text_bytes)
{
    snprintf(reader->why, reader->why_bytes, "%s: %.*s", what,
             (int)(text_bytes < 60 ? text_bytes : 60), text);
    return false;
}

static void skip_blanks(struct reader *reader)
{
    reader->at += strspn(reader->at, " \t\r\n");
}

/* The next word's length, 0 at the end. It stands at reader->at. */
static size_t word_ahead(struct reader *reader)
{
    skip_blanks(reader);
    return strcspn(reader->at, " \t\r\n");
}

static bool is_word(const struct reader *reader, size_t bytes, const char *word)
{
    return strlen(word) == bytes && strncasecmp(reader->at, word, bytes) == 0;
}

/* Takes the next word as the value of a key. */
static bool take_value(struct reader *reader, enum chaos_key key)
{
    size_t bytes = word_ahead(reader);
    char *value = reader->words->values[key];
    if (bytes == 0)
        return refuse(reader, "a value is missing behind", key_names[key], strlen(key_names[key]));
    if (value[0] != '\0')
        return refuse(reader, "one word too many", reader->at, bytes);
    if (bytes >= CHAOS_WORD_BYTES)
        return refuse(reader, "a word is too long", reader->at, bytes);
    memcpy(value, reader->at, bytes);
    value[bytes] = '\0';
    reader->at += bytes;
    return true;
}

/* The action: one word, or two where a blank stands for the hyphen. */
static bool take_kind(struct reader *reader, enum chaos_kind *kind)
{
    size_t first = word_ahead(reader);
    const char *begin = reader->at;
    if (first == 0)
        return refuse(reader, "an action is missing behind the time", "at 10s: kill node 0", 19);
    reader->at += first;
    size_t second = word_ahead(reader);
    size_t both = (size_t)(reader->at - begin) + second;
    int found = second > 0 ? find_kind(begin, both) : -1;
    if (found >= 0) {
        reader->at += second;
    } else {
        found = find_kind(begin, first);
        reader->at = begin + first;
    }
    if (found < 0) {
        /* said by chaos_plan, which knows the nearest name */
        *kind = CHAOS_KIND_COUNT;
        reader->at = begin;
        return take_value(reader, CHAOS_KEY_DO);
    }
    *kind = (enum chaos_kind)found;
    snprintf(reader->words->values[CHAOS_KEY_DO], CHAOS_WORD_BYTES, "%s", kinds[found].name);
    return true;
}

/* "node 2", "for 3s", "from node 0", "100 slots", or a value alone. */
static bool take_part(struct reader *reader, enum chaos_kind kind)
{
    static const enum chaos_key named[] = {CHAOS_KEY_NODE, CHAOS_KEY_FOR, CHAOS_KEY_SLOTS,
                                           CHAOS_KEY_FROM, CHAOS_KEY_TO};
    size_t bytes = word_ahead(reader);
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++) {
        if (!is_word(reader, bytes, key_names[named[i]]))
            continue;
        reader->at += bytes;
        size_t next = word_ahead(reader);
        bool between = named[i] == CHAOS_KEY_FROM || named[i] == CHAOS_KEY_TO;
        if (between && is_word(reader, next, "node"))
            reader->at += next;
        return take_value(reader, named[i]);
    }
    struct reader behind = *reader;
    behind.at += bytes;
    size_t next = word_ahead(&behind);
    bool slots = is_word(&behind, next, "slots") || is_word(&behind, next, "slot");
    if (!take_value(reader, slots ? CHAOS_KEY_SLOTS : kinds[kind].bare))
        return false;
    if (slots)
        reader->at = behind.at + next;
    return true;
}

/* "at 10s" */
static bool take_time(const struct reader *whole, const char *text, size_t text_bytes)
{
    char head[CHAOS_WORD_BYTES + 8];
    struct reader of_head = *whole, *reader = &of_head;
    if (text_bytes >= sizeof head)
        return refuse(reader, "what stands before the colon is too long", text, text_bytes);
    memcpy(head, text, text_bytes);
    head[text_bytes] = '\0';
    reader->at = head;
    size_t bytes = word_ahead(reader);
    if (!is_word(reader, bytes, "at"))
        return refuse(reader, "an action begins with its time, \"at 10s: kill node 0\"", text,
                      text_bytes);
    reader->at += bytes;
    if (word_ahead(reader) == 0)
        return refuse(reader, "the time is missing", text, text_bytes);
    return take_value(reader, CHAOS_KEY_AT) &&
           (word_ahead(reader) == 0 ||
            refuse(reader, "one word too many before the colon", reader->at, strlen(reader->at)));
}

bool chaos_sentence_parse(struct chaos_words *words, const char *sentence, const char *rest,
                          char *why, size_t why_bytes)
{
    struct reader reader = {.words = words, .why = why, .why_bytes = why_bytes};
    size_t head_bytes = rest != NULL ? strlen(sentence) : strcspn(sentence, ":");
    if (rest == NULL && sentence[head_bytes] == '\0')
        return refuse(&reader, "an action reads like \"at 10s: kill node 0\", not", sentence,
                      head_bytes);
    enum chaos_kind kind;
    if (!take_time(&reader, sentence, head_bytes))
        return false;
    reader.at = rest != NULL ? rest : sentence + head_bytes + 1;
    if (!take_kind(&reader, &kind))
        return false;
    while (kind != CHAOS_KIND_COUNT && word_ahead(&reader) > 0)
        if (!take_part(&reader, kind))
            return false;
    return true;
}
