#include "orchestrator/suite/stack_fold.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/printable.h"

#define SLOTS_FIRST 1024u /* a power of two */
#define TEXT_BYTES ((STACK_FOLD_FRAMES + 2) * STACK_FOLD_NAME_BYTES)
#define BLANKS " \t"

struct stack_fold {
    struct stack_fold_counts counts;
    char event[STACK_FOLD_NAME_BYTES]; /* "": none, yet */

    /* the sample that is being read */
    bool in_sample, is_folded;
    char command[STACK_FOLD_NAME_BYTES];
    char frames[STACK_FOLD_FRAMES][STACK_FOLD_NAME_BYTES]; /* the innermost first */
    size_t frame_count;
    bool is_deeper;
    char text[TEXT_BYTES];

    /* open addressing, at most half full; after the end: the first stack_count of them, sorted */
    struct folded_stack *stacks;
    size_t slot_count, stack_count;
};

/* ---- the table ---- */

static size_t find_slot(const struct folded_stack *stacks, size_t slot_count, const char *text)
{
    uint64_t hash = 0xcbf29ce484222325ull; /* FNV-1a */
    for (const char *at = text; *at != '\0'; at++)
        hash = (hash ^ (unsigned char)*at) * 0x100000001b3ull;
    size_t slot = (size_t)(hash ^ (hash >> 32)) & (slot_count - 1);
    while (stacks[slot].text != NULL && strcmp(stacks[slot].text, text) != 0)
        slot = (slot + 1) & (slot_count - 1);
    return slot;
}

static bool grow(struct stack_fold *fold)
{
    const size_t slot_count = fold->slot_count > 0 ? fold->slot_count * 2 : SLOTS_FIRST;
    struct folded_stack *stacks = calloc(slot_count, sizeof *stacks);
    if (stacks == NULL)
        return false;
    for (size_t i = 0; i < fold->slot_count; i++)
        if (fold->stacks[i].text != NULL)
            stacks[find_slot(stacks, slot_count, fold->stacks[i].text)] = fold->stacks[i];
    free(fold->stacks);
    fold->stacks = stacks;
    fold->slot_count = slot_count;
    return true;
}

/* False: it is not kept. */
static bool count_stack(struct stack_fold *fold)
{
    if (fold->stack_count * 2 >= fold->slot_count && !grow(fold))
        return false;
    struct folded_stack *stack =
        &fold->stacks[find_slot(fold->stacks, fold->slot_count, fold->text)];
    if (stack->text == NULL) {
        if (fold->stack_count == STACK_FOLD_STACKS)
            return false;
        stack->text = strdup(fold->text);
        if (stack->text == NULL)
            return false;
        fold->stack_count++;
    }
    stack->count++;
    return true;
}

/* ---- names ---- */

/* A name that is to be told from its neighbours in a folded line. */
static void take_name(char name[STACK_FOLD_NAME_BYTES], const char *text, size_t bytes)
{
    if (bytes >= STACK_FOLD_NAME_BYTES)
        bytes = STACK_FOLD_NAME_BYTES - 1;
    memcpy(name, text, bytes);
    name[bytes] = '\0';
    printable_line(name);
    for (char *at = name; *at != '\0'; at++)
        if (*at == ';')
            *at = ':';
}

/* "[libc.so.6]" of "(/usr/lib/libc.so.6)": all that is known of a frame. */
static void take_place(char name[STACK_FOLD_NAME_BYTES], const char *place, size_t bytes)
{
    const char *begin = memrchr(place, '/', bytes);
    begin = begin != NULL ? begin + 1 : place;
    const size_t length = bytes - (size_t)(begin - place);
    char text[STACK_FOLD_NAME_BYTES];
    const bool has_brackets = length > 0 && begin[0] == '[';
    snprintf(text, sizeof text, has_brackets ? "%.*s" : "[%.*s]",
             (int)(length < STACK_FOLD_NAME_BYTES - 3 ? length : STACK_FOLD_NAME_BYTES - 3), begin);
    take_name(name, length > 0 ? text : "[unknown]", strlen(length > 0 ? text : "[unknown]"));
}

/* "symbol+0x12 (place)": symbols of C++ have blanks and brackets of their own, and a file that is gone has " (deleted)" behind
 * its path. */
static void take_frame(char name[STACK_FOLD_NAME_BYTES], const char *text, size_t bytes)
{
    static const char gone[] = " (deleted))";
    const size_t gone_bytes = sizeof gone - 1;
    size_t symbol_bytes = bytes, place_end = 0;
    const char *place = NULL;
    if (bytes > gone_bytes && memcmp(text + bytes - gone_bytes, gone, gone_bytes) == 0)
        place_end = bytes - gone_bytes;
    else if (bytes > 0 && text[bytes - 1] == ')')
        place_end = bytes - 1;
    for (size_t i = place_end; i > 1 && place == NULL; i--)
        if (text[i - 1] == '(' && text[i - 2] == ' ')
            place = text + i;
    if (place != NULL)
        symbol_bytes = (size_t)(place - text) - 2;
    for (size_t i = symbol_bytes; i > 2; i--) {
        if (text[i - 3] == '+' && text[i - 2] == '0' && text[i - 1] == 'x') {
            symbol_bytes = i - 3;
            break;
        }
        if (!isxdigit((unsigned char)text[i - 1]))
            break;
    }
    if (symbol_bytes == 0 || (symbol_bytes == 9 && strncmp(text, "[unknown]", 9) == 0))
        take_place(name, place != NULL ? place : text,
                   place != NULL ? place_end - (size_t)(place - text) : 0);
    else
        take_name(name, text, symbol_bytes);
}

/* ---- lines ---- */

static void end_sample(struct stack_fold *fold)
{
    if (!fold->in_sample)
        return;
    fold->in_sample = false;
    if (!fold->is_folded) {
        fold->counts.other_events++;
        return;
    }
    if (fold->frame_count == 0) {
        fold->counts.without_stack++;
        return;
    }
    size_t bytes = (size_t)snprintf(fold->text, sizeof fold->text, "%s%s", fold->command,
                                    fold->is_deeper ? ";" STACK_FOLD_DEEPER : "");
    for (size_t i = fold->frame_count; i > 0; i--)
        bytes += (size_t)snprintf(fold->text + bytes, sizeof fold->text - bytes, ";%s",
                                  fold->frames[i - 1]);
    if (count_stack(fold))
        fold->counts.folded++;
    else
        fold->counts.not_kept++;
}

/* "[001] " or "16388.474090:", as it follows the number of a process. */
static bool is_cpu_or_time(const char *text)
{
    const size_t digits = strspn(text, "0123456789");
    return text[0] == '[' || (digits > 0 && text[digits] == '.');
}

/* The blanks behind a command, which may have some of its own, and numbers. */
static const char *find_command_end(const char *line)
{
    for (const char *at = line; *at != '\0'; at++) {
        if (strchr(BLANKS, *at) == NULL)
            continue;
        const char *number = at + strspn(at, BLANKS);
        size_t digits = strspn(number, "0123456789");
        if (digits > 0 && number[digits] == '/')
            digits += 1 + strspn(number + digits + 1, "0123456789");
        const size_t blanks = strspn(number + digits, BLANKS);
        if (digits > 0 && blanks > 0 && is_cpu_or_time(number + digits + blanks))
            return at;
    }
    return NULL;
}

static void begin_sample(struct stack_fold *fold, const char *line, size_t bytes)
{
    char event[STACK_FOLD_NAME_BYTES];
    end_sample(fold);
    const char *end = find_command_end(line);
    size_t event_begin = bytes;
    while (event_begin > 0 && strchr(BLANKS, line[event_begin - 1]) == NULL)
        event_begin--;
    if (end == NULL || end > line + event_begin || line[bytes - 1] != ':') {
        fold->counts.not_read++;
        return;
    }
    take_name(event, line + event_begin, bytes - event_begin - 1);
    if (fold->event[0] == '\0')
        memcpy(fold->event, event, sizeof event);
    take_name(fold->command, line, (size_t)(end - line));
    fold->in_sample = true;
    fold->is_folded = strcmp(event, fold->event) == 0;
    fold->frame_count = 0;
    fold->is_deeper = false;
}

static void add_frame(struct stack_fold *fold, const char *line, size_t bytes)
{
    const size_t begin = strspn(line, BLANKS);
    const size_t digits = strspn(line + begin, "0123456789abcdef");
    const char *symbol = line + begin + digits;
    const size_t symbol_begin = begin + digits + strspn(symbol, BLANKS);
    if (!fold->in_sample || digits == 0 || *symbol != ' ' || symbol_begin >= bytes) {
        fold->counts.not_read++;
        return;
    }
    if (!fold->is_folded)
        return;
    if (fold->frame_count == STACK_FOLD_FRAMES)
        fold->is_deeper = true;
    else
        take_frame(fold->frames[fold->frame_count++], line + symbol_begin, bytes - symbol_begin);
}

void stack_fold_line(struct stack_fold *fold, const char *line)
{
    size_t bytes = strcspn(line, "\r\n");
    while (bytes > 0 && strchr(BLANKS, line[bytes - 1]) != NULL)
        bytes--;
    if (bytes == 0)
        end_sample(fold);
    else if (strchr(BLANKS, line[0]) != NULL)
        add_frame(fold, line, bytes);
    else if (line[0] != '#')
        begin_sample(fold, line, bytes);
}

/* ---- all of it ---- */

struct stack_fold *stack_fold_create(void)
{
    return calloc(1, sizeof(struct stack_fold));
}

void stack_fold_free(struct stack_fold *fold)
{
    if (fold == NULL)
        return;
    for (size_t i = 0; i < fold->slot_count; i++)
        free((char *)(uintptr_t)fold->stacks[i].text);
    free(fold->stacks);
    free(fold);
}

static int compare_stacks(const void *a, const void *b)
{
    return strcmp(((const struct folded_stack *)a)->text, ((const struct folded_stack *)b)->text);
}

void stack_fold_end(struct stack_fold *fold)
{
    size_t kept = 0;
    end_sample(fold);
    for (size_t i = 0; i < fold->slot_count; i++)
        if (fold->stacks[i].text != NULL)
            fold->stacks[kept++] = fold->stacks[i];
    fold->slot_count = kept;
    if (kept > 0)
        qsort(fold->stacks, kept, sizeof fold->stacks[0], compare_stacks);
}

struct stack_fold_counts stack_fold_counts(const struct stack_fold *fold)
{
    return fold->counts;
}

const struct folded_stack *stack_fold_stacks(const struct stack_fold *fold, size_t *count)
{
    *count = fold->stack_count;
    return fold->stacks;
}

enum err_code stack_fold_write(const struct stack_fold *fold, FILE *file, struct err *err)
{
    for (size_t i = 0; i < fold->stack_count; i++)
        fprintf(file, "%s %llu\n", fold->stacks[i].text, (unsigned long long)fold->stacks[i].count);
    if (fflush(file) != 0 || ferror(file))
        return err_set_errno(err, E_SYSTEM, errno, "folded stacks cannot be written");
    return OK;
}
