/* Folded stacks as a tree: "outer;inner 12", one line a stack, as flame graphs are drawn from. Frames of one name below one parent
 * are one node. Of any input, and bounded; what goes beyond is counted. Pure but for memory and the stream. */
#ifndef ORCHESTRATOR_PAGE_PAGE_FLAME_TREE_H
#define ORCHESTRATOR_PAGE_PAGE_FLAME_TREE_H

#include <stdint.h>
#include <stdio.h>

#include "common/err.h"

#define PAGE_FLAME_LINE_BYTES 65536u /* a longer one is ignored */
#define PAGE_FLAME_DEPTH 512u        /* of frames; what is further in counts for the last of them */
#define PAGE_FLAME_NODES 200000u     /* what is beyond counts for its parent */
#define PAGE_FLAME_NAME_BYTES 512u   /* with its end; a longer one is cut */
#define PAGE_FLAME_NAMES_BYTES                                                                     \
    (16u << 20) /* of all of them; what is beyond counts for its parent */
#define PAGE_FLAME_SAMPLES                                                                         \
    (UINT64_C(1) << 53) /* what a script counts exactly; a line beyond is ignored */
#define PAGE_FLAME_NONE UINT32_MAX

/* What a frame is of, by its name ("write_[k]", "[kernel.kallsyms]", "[libc.so.6]", "do_syscall_64"). What the kernel calls is
 * the kernel's. */
enum page_flame_kind { FLAME_SERVER, FLAME_LIBRARY, FLAME_KERNEL, FLAME_UNKNOWN };
#define PAGE_FLAME_KINDS 4u

struct page_flame_node {
    uint32_t name, parent, depth; /* the root: depth 0, no parent, and name 0, which is "all" */
    uint32_t first_child,
        next_sibling; /* the heaviest first, of equal ones by name; PAGE_FLAME_NONE */
    enum page_flame_kind kind;
    uint64_t self, total; /* samples: that end in it, and with those of its children */
};

struct page_flame_tree {
    struct page_flame_node *nodes; /* [0] is the root; parents stand before children */
    uint32_t node_count, depth;    /* depth of the deepest */
    char **names;                  /* one line of valid UTF-8 each, not empty */
    uint32_t name_count;
    /* What is not as it was. */
    uint64_t lines_ignored;  /* without a stack or a count, too long, or too much altogether */
    uint64_t samples_cut;    /* of stacks that are deeper */
    uint64_t samples_joined; /* that count for a caller, since there are too many frames */
    uint64_t names_cut;
};

/* To the stream's end. E_DATA: it has no stack; E_SYSTEM: it cannot be read, or no memory. Freed on failure. */
MUST_USE enum err_code page_flame_tree_read(struct page_flame_tree *tree, FILE *folded,
                                            const char *folded_name, struct err *err);
void page_flame_tree_free(struct page_flame_tree *tree);

/* The node behind this one, callers before what they call; PAGE_FLAME_NONE behind the last. */
uint32_t page_flame_tree_next(const struct page_flame_tree *tree, uint32_t node);

#endif
