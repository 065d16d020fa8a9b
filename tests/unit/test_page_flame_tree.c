#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/printable.h"
#include "common/rng.h"
#include "orchestrator/page/page_flame_tree.h"
#include "tests/support/check/suite.h"

static struct page_flame_tree tree;
static struct err err;

static void set_up(void)
{
    err = (struct err){.code = OK};
}

static void tear_down(void)
{
    page_flame_tree_free(&tree);
}

static enum err_code read_bytes(const char *bytes, size_t count)
{
    FILE *file = fmemopen((char *)(uintptr_t)bytes, count, "r");
    ck_assert_ptr_nonnull(file);
    page_flame_tree_free(&tree);
    const enum err_code code = page_flame_tree_read(&tree, file, "stacks.folded", &err);
    ck_assert_int_eq(fclose(file), 0);
    return code;
}

static void read_text(const char *text)
{
    ck_assert_msg(read_bytes(text, strlen(text)) == OK, "%s", err.text);
}

/* The node that a path leads to, as in a folded line. */
static const struct page_flame_node *node_at(const char *path)
{
    uint32_t node = 0;
    char copy[512], *rest = copy;
    snprintf(copy, sizeof copy, "%s", path);
    for (const char *name; (name = strsep(&rest, ";")) != NULL;) {
        uint32_t child = tree.nodes[node].first_child;
        while (child != PAGE_FLAME_NONE && strcmp(tree.names[tree.nodes[child].name], name) != 0)
            child = tree.nodes[child].next_sibling;
        ck_assert_msg(child != PAGE_FLAME_NONE, "no %s in %s", name, path);
        node = child;
    }
    return &tree.nodes[node];
}

static void check_samples(const char *path, uint64_t self, uint64_t total)
{
    const struct page_flame_node *node = node_at(path);
    ck_assert_uint_eq(node->self, self);
    ck_assert_uint_eq(node->total, total);
}

/* What has to be so of every tree. */
static void check_sums(void)
{
    uint64_t all_self = 0;
    uint32_t seen = 0;
    for (uint32_t at = 0; at != PAGE_FLAME_NONE; at = page_flame_tree_next(&tree, at), seen++) {
        const struct page_flame_node *node = &tree.nodes[at];
        uint64_t sum = node->self, before = UINT64_MAX;
        for (uint32_t i = node->first_child; i != PAGE_FLAME_NONE; i = tree.nodes[i].next_sibling) {
            ck_assert_uint_eq(tree.nodes[i].parent, at);
            ck_assert_uint_eq(tree.nodes[i].depth, node->depth + 1);
            ck_assert_uint_le(tree.nodes[i].total, before);
            before = tree.nodes[i].total;
            sum += before;
        }
        ck_assert_uint_eq(sum, node->total);
        all_self += node->self;
    }
    ck_assert_uint_eq(seen, tree.node_count);
    ck_assert_uint_eq(all_self, tree.nodes[0].total);
}

TEST(names_are_merged)
{
    /* breaks when stacks that begin alike do not share frames, samples are lost, or the heaviest does not stand first */
    read_text("main;loop;read 3\nmain;loop;write 40\nmain 2\nmain;loop;read 4\nother;main 1\n");
    check_sums();
    ck_assert_uint_eq(tree.nodes[0].total, 50);
    check_samples("main", 2, 49);
    check_samples("main;loop", 0, 47);
    check_samples("main;loop;read", 7, 7);
    check_samples("other;main", 1, 1);
    ck_assert_uint_eq(tree.node_count, 7);
    ck_assert_uint_eq(tree.depth, 3);
    ck_assert_str_eq(tree.names[tree.nodes[node_at("main;loop")->first_child].name], "write");
    ck_assert_uint_eq(tree.lines_ignored, 0);
}

TEST(any_stacks_add_up)
{
    /* breaks when samples of some tree get lost, count twice, or stand in another order */
    for (uint64_t round = 0; round < 50; round++) {
        char *text = NULL;
        size_t bytes = 0;
        uint64_t sum = 0, place = 0;
        FILE *file = open_memstream(&text, &bytes);
        for (size_t line = 0; line < 200; line++) {
            const uint64_t depth = 1 + rng_bounded(rng_at(round, place++), 12);
            const uint64_t count = 1 + rng_bounded(rng_at(round, place++), 1000);
            for (uint64_t i = 0; i < depth; i++)
                fprintf(file, "%sf%llu", i > 0 ? ";" : "",
                        (unsigned long long)rng_bounded(rng_at(round, place++), 4));
            fprintf(file, " %llu\n", (unsigned long long)count);
            sum += count;
        }
        ck_assert_int_eq(fclose(file), 0);
        ck_assert_int_eq(read_bytes(text, bytes), OK);
        check_sums();
        ck_assert_uint_eq(tree.nodes[0].total, sum);
        free(text);
    }
}

TEST(hostile_lines)
{
    /* breaks when a line that is no stack counts, or stops those that are */
    static const char text[] = "\n 5\na\na b\na -3\na 0\na 1.5\na 99999999999999999999\na 12x\n12\n"
                               "a;b 5\r\na 9007199254740992\na;b 1";
    read_text(text);
    check_sums();
    ck_assert_uint_eq(tree.lines_ignored, 11);
    check_samples("a;b", 6, 6);
    static const char bytes[] = "\0\x01;\xff\xfe;\xe2\x80\xae;<b>&;;new Thing(int, char) 7\n";
    ck_assert_int_eq(read_bytes(bytes, sizeof bytes - 1), OK);
    check_sums();
    ck_assert_uint_eq(tree.nodes[0].total, 7);
    ck_assert_uint_eq(tree.depth, 6);
    for (uint32_t i = 0; i < tree.name_count; i++) {
        ck_assert_str_ne(tree.names[i], "");
        for (const char *at = tree.names[i]; *at != '\0'; at += printable_sequence_bytes(at)) {
            ck_assert_uint_gt(printable_sequence_bytes(at), 0);
            ck_assert_int_ge((unsigned char)*at, ' ');
        }
    }
}

TEST(nothing_to_draw)
{
    /* breaks when a file without stacks becomes an empty page */
    ck_assert_int_eq(read_bytes("# perf\n\n", 8), E_DATA);
    ck_assert_ptr_nonnull(strstr(err.text, "stacks.folded"));
}

TEST(what_is_too_much)
{
    /* breaks when depth, length, names or frames have no bounds, samples beyond them are lost, or it is not counted */
    char *text = NULL;
    size_t bytes = 0;
    FILE *file = open_memstream(&text, &bytes);
    for (size_t i = 0; i < 600; i++)
        fprintf(file, "%sdeep", i > 0 ? ";" : "");
    fprintf(file, " 3\n%*s 5\n%*s;x 2\n", (int)PAGE_FLAME_LINE_BYTES, "long", 2000, "name");
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(read_bytes(text, bytes), OK);
    check_sums();
    ck_assert_uint_eq(tree.depth, PAGE_FLAME_DEPTH);
    ck_assert_uint_eq(tree.samples_cut, 3);
    ck_assert_uint_eq(tree.lines_ignored, 1);
    ck_assert_uint_eq(tree.names_cut, 1);
    ck_assert_uint_eq(tree.nodes[0].total, 5);
    free(text);

    file = open_memstream(&text, &bytes);
    for (size_t i = 0; i < PAGE_FLAME_NODES + 100; i++)
        fprintf(file, "main;f%zu 1\n", i);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(read_bytes(text, bytes), OK);
    check_sums();
    ck_assert_uint_eq(tree.nodes[0].total, PAGE_FLAME_NODES + 100);
    ck_assert_uint_eq(tree.samples_joined, 101);
    check_samples("main", 101, PAGE_FLAME_NODES + 100);
    free(text);
}

TEST(whose_frames)
{
    /* breaks when frames of the kernel or of a library are taken for the server's */
    read_text("srv;main;[libc.so.6];entry_SYSCALL_64_after_hwframe;tcp_sendmsg 1\nsrv;write_[k] 1\n"
              "srv;[kernel.kallsyms] 1\nsrv;[unknown] 1\nsrv;[libssl.so] 1\nsrv;is.sorted "
              "1\nsrv;__memmove_avx512_unaligned_erms 1\n");
    ck_assert_int_eq(node_at("srv;__memmove_avx512_unaligned_erms")->kind, FLAME_LIBRARY);
    ck_assert_int_eq(node_at("srv;main")->kind, FLAME_SERVER);
    ck_assert_int_eq(node_at("srv;main;[libc.so.6]")->kind, FLAME_LIBRARY);
    ck_assert_int_eq(
        node_at("srv;main;[libc.so.6];entry_SYSCALL_64_after_hwframe;tcp_sendmsg")->kind,
        FLAME_KERNEL);
    ck_assert_int_eq(node_at("srv;write_[k]")->kind, FLAME_KERNEL);
    ck_assert_int_eq(node_at("srv;[kernel.kallsyms]")->kind, FLAME_KERNEL);
    ck_assert_int_eq(node_at("srv;[unknown]")->kind, FLAME_UNKNOWN);
    ck_assert_int_eq(node_at("srv;[libssl.so]")->kind, FLAME_LIBRARY);
    ck_assert_int_eq(node_at("srv;is.sorted")->kind, FLAME_SERVER);
}

TEST_SUITE_WITH(page_flame_tree, .set_up = set_up, .tear_down = tear_down)
