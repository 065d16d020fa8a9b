#include "orchestrator/page/page_flame_tree.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/printable.h"

#define SLOTS (1u << 19) /* more than twice the nodes; a power of two */

/* What is needed while lines are read. */
struct reading {
    struct page_flame_tree *tree;
    uint32_t node_room, name_room;
    size_t names_bytes, line_bytes;
    uint32_t node_slots[SLOTS],
        name_slots[SLOTS]; /* open addressing; 0: free, or a number and one */
    char line[PAGE_FLAME_LINE_BYTES];
};

/* ---- names ---- */

static uint32_t hash_bytes(const char *bytes, size_t count)
{
    uint64_t hash = 0xcbf29ce484222325ull; /* FNV-1a */
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3ull;
    return (uint32_t)(hash ^ (hash >> 32)) & (SLOTS - 1);
}

/* One line of text of what is there, cut between characters. True: it was cut. */
static bool clean_name(char name[PAGE_FLAME_NAME_BYTES], const char *frame, size_t bytes)
{
    static const char dots[] = "...";
    const bool cut = bytes >= PAGE_FLAME_NAME_BYTES;
    if (cut) {
        bytes = PAGE_FLAME_NAME_BYTES - sizeof dots;
        while (bytes > 0 && ((unsigned char)frame[bytes] & 0xc0) == 0x80)
            bytes--;
    }
    memcpy(name, frame, bytes);
    name[bytes] = '\0';
    for (size_t i = 0; i < bytes; i++)
        if (name[i] == '\0')
            name[i] = ' ';
    if (cut)
        memcpy(name + bytes, dots, sizeof dots);
    printable_line(name);
    if (name[strspn(name, " ")] == '\0')
        memcpy(name, "[unknown]", sizeof "[unknown]");
    return cut;
}

/* The list with room for one more, which doubles. NULL: no memory; the list is as it was. */
static void *make_room(void *list, uint32_t *room, uint32_t count, size_t each_bytes)
{
    if (count < *room)
        return list;
    const uint32_t more = *room > 0 ? *room * 2 : 1024;
    void *moved = realloc(list, more * each_bytes);
    if (moved != NULL)
        *room = more;
    return moved;
}

/* NONE: there is no room for a new one. E_SYSTEM: no memory. */
static enum err_code find_name(struct reading *reading, uint32_t *index, const char *frame,
                               size_t bytes, struct err *err)
{
    struct page_flame_tree *tree = reading->tree;
    char name[PAGE_FLAME_NAME_BYTES];
    const bool cut = clean_name(name, frame, bytes);
    const size_t name_bytes = strlen(name);
    uint32_t slot = hash_bytes(name, name_bytes);
    while (reading->name_slots[slot] != 0) {
        *index = reading->name_slots[slot] - 1;
        if (strcmp(tree->names[*index], name) == 0)
            return OK;
        slot = (slot + 1) & (SLOTS - 1);
    }
    *index = PAGE_FLAME_NONE;
    if (tree->name_count > PAGE_FLAME_NODES ||
        reading->names_bytes + name_bytes > PAGE_FLAME_NAMES_BYTES)
        return OK;
    char *copy = strdup(name);
    char **names =
        make_room(tree->names, &reading->name_room, tree->name_count, sizeof *tree->names);
    if (names != NULL)
        tree->names = names;
    if (copy == NULL || names == NULL) {
        free(copy);
        return err_set(err, E_SYSTEM, "no memory for the names of a flame graph");
    }
    tree->names[tree->name_count] = copy;
    *index = tree->name_count++;
    reading->names_bytes += name_bytes;
    reading->name_slots[slot] = *index + 1;
    tree->names_cut += cut;
    return OK;
}

/* ---- kinds ---- */

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

static bool ends(const char *text, const char *with)
{
    const size_t bytes = strlen(text), with_bytes = strlen(with);
    return bytes >= with_bytes && strcmp(text + bytes - with_bytes, with) == 0;
}

/* Where programs enter it, on x86 and on ARM. */
static bool is_kernel(const char *name)
{
    static const char *const beginnings[] = {
        "[kernel", "[guest.kernel", "[k]",      "entry_SYSCALL", "do_syscall_64", "asm_sysvec",
        "asm_exc", "asm_common",    "ret_from", "el0_",          "el0t_",         "el1h_"};
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++)
        if (begins(name, beginnings[i]))
            return true;
    return ends(name, "_[k]");
}

/* By its file, or by names that the C library alone has. */
static bool is_library(const char *name)
{
    static const char *const beginnings[] = {"__GI_",     "__libc_",   "__memmove_", "__memcpy_",
                                             "__memcmp_", "__memset_", "__memchr_",  "__strlen_",
                                             "__strcmp_", "__strchr_", "__strncmp_"};
    const char *ending = strstr(name, ".so");
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++)
        if (begins(name, beginnings[i]))
            return true;
    return ending != NULL && (ending[3] == ']' || ending[3] == '.');
}

static enum page_flame_kind kind_of(const char *name, enum page_flame_kind caller)
{
    if (caller == FLAME_KERNEL || is_kernel(name))
        return FLAME_KERNEL;
    if (is_library(name))
        return FLAME_LIBRARY;
    return name[0] == '[' && ends(name, "]") ? FLAME_UNKNOWN : FLAME_SERVER;
}

/* ---- nodes ---- */

static enum err_code add_node(struct reading *reading, uint32_t parent, uint32_t name,
                              struct err *err)
{
    struct page_flame_tree *tree = reading->tree;
    struct page_flame_node *nodes =
        make_room(tree->nodes, &reading->node_room, tree->node_count, sizeof *tree->nodes);
    if (nodes == NULL)
        return err_set(err, E_SYSTEM, "no memory for the frames of a flame graph");
    tree->nodes = nodes;
    struct page_flame_node *node = &tree->nodes[tree->node_count++];
    *node = (struct page_flame_node){.name = name,
                                     .parent = parent,
                                     .first_child = PAGE_FLAME_NONE,
                                     .next_sibling = PAGE_FLAME_NONE,
                                     .kind = FLAME_UNKNOWN};
    if (parent == PAGE_FLAME_NONE)
        return OK;
    node->depth = tree->nodes[parent].depth + 1;
    node->kind = kind_of(tree->names[name], tree->nodes[parent].kind);
    if (node->depth > tree->depth)
        tree->depth = node->depth;
    return OK;
}

/* NONE: there is no room for a new one. */
static enum err_code find_child(struct reading *reading, uint32_t *child, uint32_t parent,
                                uint32_t name, struct err *err)
{
    const struct page_flame_tree *tree = reading->tree;
    const uint32_t key[2] = {parent, name};
    uint32_t slot = hash_bytes((const char *)key, sizeof key);
    while (reading->node_slots[slot] != 0) {
        *child = reading->node_slots[slot] - 1;
        if (tree->nodes[*child].parent == parent && tree->nodes[*child].name == name)
            return OK;
        slot = (slot + 1) & (SLOTS - 1);
    }
    *child = PAGE_FLAME_NONE;
    if (tree->node_count > PAGE_FLAME_NODES)
        return OK;
    if (add_node(reading, parent, name, err) != OK)
        return err->code;
    *child = tree->node_count - 1;
    reading->node_slots[slot] = *child + 1;
    return OK;
}

/* ---- lines ---- */

/* False: the stream has ended. A line that is too long leaves more bytes than there is room for. */
static bool read_line(struct reading *reading, FILE *folded)
{
    int byte = getc(folded);
    reading->line_bytes = 0;
    if (byte == EOF)
        return false;
    for (; byte != EOF && byte != '\n'; byte = getc(folded)) {
        if (reading->line_bytes < PAGE_FLAME_LINE_BYTES)
            reading->line[reading->line_bytes] = (char)byte;
        reading->line_bytes += reading->line_bytes <= PAGE_FLAME_LINE_BYTES;
    }
    return true;
}

/* The count at the end, and how many bytes the stack in front of it has. False: it is no folded stack. */
static bool split_line(const char *line, size_t bytes, size_t *stack_bytes, uint64_t *count)
{
    while (bytes > 0 && (line[bytes - 1] == '\r' || line[bytes - 1] == ' '))
        bytes--;
    size_t at = bytes;
    while (at > 0 && line[at - 1] >= '0' && line[at - 1] <= '9')
        at--;
    *count = 0;
    if (at == bytes || bytes - at > 16 || at < 2 || line[at - 1] != ' ')
        return false;
    for (size_t i = at; i < bytes; i++)
        *count = *count * 10 + (uint64_t)(line[i] - '0');
    for (*stack_bytes = at - 1; *stack_bytes > 0 && line[*stack_bytes - 1] == ' ';)
        --*stack_bytes;
    return *stack_bytes > 0 && *count > 0;
}

/* total of the root grows with each line; the others get theirs at the end. */
static enum err_code add_line(struct reading *reading, struct err *err)
{
    struct page_flame_tree *tree = reading->tree;
    size_t stack_bytes;
    uint64_t count;
    uint32_t node = 0, name, child;
    if (reading->line_bytes > PAGE_FLAME_LINE_BYTES ||
        !split_line(reading->line, reading->line_bytes, &stack_bytes, &count) ||
        count > PAGE_FLAME_SAMPLES - tree->nodes[0].total) {
        tree->lines_ignored++;
        return OK;
    }
    tree->nodes[0].total += count;
    for (size_t at = 0; at <= stack_bytes;) {
        const char *frame = reading->line + at, *end = memchr(frame, ';', stack_bytes - at);
        const size_t bytes = end != NULL ? (size_t)(end - frame) : stack_bytes - at;
        if (tree->nodes[node].depth == PAGE_FLAME_DEPTH) {
            tree->samples_cut += count;
            break;
        }
        if (find_name(reading, &name, frame, bytes, err) != OK)
            return err->code;
        child = PAGE_FLAME_NONE;
        if (name != PAGE_FLAME_NONE && find_child(reading, &child, node, name, err) != OK)
            return err->code;
        if (child == PAGE_FLAME_NONE) {
            tree->samples_joined += count;
            break;
        }
        node = child;
        at += bytes + 1;
    }
    tree->nodes[node].self += count;
    return OK;
}

/* ---- the end ---- */

struct place {
    uint64_t total;
    const char *name;
    uint32_t node;
};

/* Lighter ones first, of equal ones the later name: each is then put in front of its siblings. */
static int by_weight(const void *a, const void *b)
{
    const struct place *left = a, *right = b;
    if (left->total != right->total)
        return left->total < right->total ? -1 : 1;
    return strcmp(right->name, left->name);
}

static enum err_code finish(struct page_flame_tree *tree, struct err *err)
{
    struct place *places = malloc(tree->node_count * sizeof *places);
    if (places == NULL)
        return err_set(err, E_SYSTEM, "no memory to sort the frames of a flame graph");
    tree->nodes[0].total = 0;
    for (uint32_t i = tree->node_count; i-- > 0;) {
        struct page_flame_node *node = &tree->nodes[i];
        node->total += node->self;
        if (node->parent != PAGE_FLAME_NONE)
            tree->nodes[node->parent].total += node->total;
        places[i] = (struct place){node->total, tree->names[node->name], i};
    }
    qsort(places, tree->node_count, sizeof *places, by_weight);
    for (uint32_t i = 0; i < tree->node_count; i++) {
        struct page_flame_node *node = &tree->nodes[places[i].node];
        if (node->parent == PAGE_FLAME_NONE)
            continue;
        node->next_sibling = tree->nodes[node->parent].first_child;
        tree->nodes[node->parent].first_child = places[i].node;
    }
    free(places);
    return OK;
}

static enum err_code read_all(struct reading *reading, FILE *folded, const char *folded_name,
                              struct err *err)
{
    uint32_t all;
    if (find_name(reading, &all, "all", 3, err) != OK ||
        add_node(reading, PAGE_FLAME_NONE, all, err) != OK)
        return err->code;
    while (read_line(reading, folded))
        if (add_line(reading, err) != OK)
            return err->code;
    if (ferror(folded))
        return err_set_errno(err, E_SYSTEM, errno, "%.200s cannot be read", PRINTABLE(folded_name));
    if (reading->tree->nodes[0].total == 0)
        return err_set(err, E_DATA,
                       "%.200s has no stack: a flame graph is drawn from lines as \"main;call 12\"",
                       PRINTABLE(folded_name));
    return finish(reading->tree, err);
}

enum err_code page_flame_tree_read(struct page_flame_tree *tree, FILE *folded,
                                   const char *folded_name, struct err *err)
{
    struct reading *reading = calloc(1, sizeof *reading);
    memset(tree, 0, sizeof *tree);
    if (reading == NULL)
        return err_set(err, E_SYSTEM, "no memory for a flame graph");
    reading->tree = tree;
    const enum err_code code = read_all(reading, folded, folded_name, err);
    free(reading);
    if (code != OK)
        page_flame_tree_free(tree);
    return code;
}

void page_flame_tree_free(struct page_flame_tree *tree)
{
    for (uint32_t i = 0; i < tree->name_count; i++)
        free(tree->names[i]);
    free(tree->names);
    free(tree->nodes);
    memset(tree, 0, sizeof *tree);
}

uint32_t page_flame_tree_next(const struct page_flame_tree *tree, uint32_t node)
{
    if (tree->nodes[node].first_child != PAGE_FLAME_NONE)
        return tree->nodes[node].first_child;
    while (node != PAGE_FLAME_NONE && tree->nodes[node].next_sibling == PAGE_FLAME_NONE)
        node = tree->nodes[node].parent;
    return node != PAGE_FLAME_NONE ? tree->nodes[node].next_sibling : PAGE_FLAME_NONE;
}
