#include "orchestrator/page/page_flame.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/units.h"
#include "orchestrator/page/page_bundle.h"
#include "orchestrator/page/page_flame_tree.h"
#include "orchestrator/page/page_pack.h"
#include "orchestrator/page/page_state.h"
#include "orchestrator/report/json_value.h"

#define HEAVIEST 20u /* functions in the table */

static const struct {
    const char *name, *caption;
    char letter; /* in the data */
} kinds[PAGE_FLAME_KINDS] = {[FLAME_SERVER] = {"server", "in the server", 's'},
                             [FLAME_LIBRARY] = {"library", "in libraries", 'l'},
                             [FLAME_KERNEL] = {"kernel", "in the kernel", 'k'},
                             [FLAME_UNKNOWN] = {"unknown", "not known", 'u'}};

static double percent_of(const struct page_flame_tree *tree, uint64_t samples)
{
    return 100 * (double)samples / (double)tree->nodes[0].total;
}

/* ---- the top ---- */

static void put_facts(struct output *out, const struct page_flame_facts *facts)
{
    output_printf(out, "<table class=\"rows\">\n");
    for (size_t i = 0; facts->facts != NULL && facts->facts[i] != NULL; i += 2) {
        output_printf(out, "<tr><td>");
        page_html_text(out, facts->facts[i]);
        output_printf(out, "<td class=\"text\">");
        if (facts->facts[i + 1] == NULL)
            break;
        page_html_text(out, facts->facts[i + 1]);
        output_printf(out, "</tr>\n");
    }
    output_printf(out, "<tr><td>folded stacks<td class=\"text\">");
    page_html_text(out, facts->folded_name);
    output_printf(out, "</tr>\n</table>\n");
}

static void put_numbers(struct output *out, const struct page_flame_tree *tree)
{
    uint64_t self[PAGE_FLAME_KINDS] = {0};
    for (uint32_t i = 0; i < tree->node_count; i++)
        self[tree->nodes[i].kind] += tree->nodes[i].self;
    output_printf(out, "<div class=\"numbers\">\n");
    page_html_number(out, "samples", UNITS_GROUPED(tree->nodes[0].total), "");
    for (size_t i = 0; i < PAGE_FLAME_KINDS; i++) {
        char value[40];
        snprintf(value, sizeof value, "%.1f %%", percent_of(tree, self[i]));
        if (self[i] > 0)
            page_html_number(out, kinds[i].caption, value, "");
    }
    output_printf(out, "</div>\n");
}

static void put_notices(struct output *out, const struct page_flame_tree *tree)
{
    const struct {
        uint64_t count;
        const char *what;
    } notices[] = {
        {tree->lines_ignored, "Lines that are no folded stacks, and are ignored"},
        {tree->samples_cut, "Samples with deeper stacks than a page shows, which count for the "
                            "last frame that is shown"},
        {tree->samples_joined, "Samples that count for a caller, since there are more different "
                               "frames than a page shows"},
        {tree->names_cut, "Names that are too long, and are cut"}};
    for (size_t i = 0; i < sizeof notices / sizeof notices[0]; i++)
        if (notices[i].count > 0)
            output_printf(out, "<p class=\"cut\">%s: %s.</p>\n", notices[i].what,
                          UNITS_GROUPED(notices[i].count));
}

/* ---- the table ---- */

/* Of a function, over all of its frames. */
struct function {
    uint64_t self, total; /* total: of stacks that it is in, however often */
    uint64_t kind_self;   /* of the frame that kind is of */
    enum page_flame_kind kind;
    uint32_t name, entered; /* how often it is in the stack at hand */
};

/* Leaves the frames from one to the caller of the next. */
static void leave(struct function *functions, const struct page_flame_tree *tree, uint32_t node,
                  uint32_t next)
{
    const uint32_t stay = next != PAGE_FLAME_NONE ? tree->nodes[next].parent : PAGE_FLAME_NONE;
    for (; node != stay; node = tree->nodes[node].parent)
        functions[tree->nodes[node].name].entered--;
}

static void add_up(struct function *functions, const struct page_flame_tree *tree)
{
    for (uint32_t i = 0; i < tree->name_count; i++)
        functions[i].name = i;
    for (uint32_t at = 0, next; at != PAGE_FLAME_NONE; at = next) {
        const struct page_flame_node *node = &tree->nodes[at];
        struct function *function = &functions[node->name];
        if (function->entered++ == 0)
            function->total += node->total;
        if (function->self == 0 || node->self > function->kind_self) {
            function->kind = node->kind;
            function->kind_self = node->self;
        }
        function->self += node->self;
        next = page_flame_tree_next(tree, at);
        leave(functions, tree, at, next);
    }
}

static int by_self(const void *a, const void *b)
{
    const struct function *left = a, *right = b;
    if (left->self != right->self)
        return left->self > right->self ? -1 : 1;
    if (left->total != right->total)
        return left->total > right->total ? -1 : 1;
    return left->name < right->name ? -1 : 1;
}

static void put_samples(struct output *out, const struct page_flame_tree *tree, uint64_t samples)
{
    output_printf(out, "<td class=\"number\">%s<td class=\"number\">%.2f %%",
                  UNITS_GROUPED(samples), percent_of(tree, samples));
}

static enum err_code put_heaviest(struct output *out, const struct page_flame_tree *tree,
                                  struct err *err)
{
    struct function *functions = calloc(tree->name_count, sizeof *functions);
    if (functions == NULL)
        return err_set(err, E_SYSTEM, "no memory for the functions of a flame graph");
    add_up(functions, tree);
    qsort(functions, tree->name_count, sizeof *functions, by_self);
    output_printf(out, "<h2>Most self time</h2>\n<p>Self: samples that end in the function itself. "
                       "Total: with all that it calls.</p>\n"
                       "<table id=\"functions\" class=\"rows\">\n<thead><tr><th>function<th>of"
                       "<th class=\"number\" colspan=\"2\">self<th class=\"number\" "
                       "colspan=\"2\">total</tr></thead>\n<tbody>\n");
    for (uint32_t i = 0; i < tree->name_count && i < HEAVIEST && functions[i].self > 0; i++) {
        output_printf(
            out, "<tr><td class=\"name text\" style=\"overflow-wrap:anywhere;min-width:7em\">");
        page_html_text(out, tree->names[functions[i].name]);
        output_printf(out, "<td>%s", kinds[functions[i].kind].name);
        put_samples(out, tree, functions[i].self);
        put_samples(out, tree, functions[i].total);
        output_printf(out, "</tr>\n");
    }
    output_printf(out, "</tbody></table>\n");
    free(functions);
    return OK;
}

/* ---- the data ---- */

static void put_text(struct page_pack *pack, const char *text)
{
    json_t *json = json_value_text(text);
    page_pack_json(pack, json);
    json_decref(json);
}

static void put_names(struct page_pack *pack, const struct page_flame_tree *tree)
{
    page_pack_text(pack, "\"names\":[");
    for (uint32_t i = 0; i < tree->name_count; i++) {
        page_pack_text(pack, i > 0 ? "," : "");
        put_text(pack, tree->names[i]);
    }
    page_pack_text(pack, "]");
}

static uint64_t name_of(const struct page_flame_node *node)
{
    return node->name;
}

static uint64_t depth_of(const struct page_flame_node *node)
{
    return node->depth;
}

static uint64_t self_of(const struct page_flame_node *node)
{
    return node->self;
}

/* Of each node, callers before what they call. */
static void put_numbers_of(struct page_pack *pack, const struct page_flame_tree *tree,
                           const char *member, uint64_t (*get)(const struct page_flame_node *))
{
    char text[32];
    page_pack_text(pack, member);
    for (uint32_t at = 0; at != PAGE_FLAME_NONE; at = page_flame_tree_next(tree, at)) {
        snprintf(text, sizeof text, at > 0 ? ",%llu" : "%llu",
                 (unsigned long long)get(&tree->nodes[at]));
        page_pack_text(pack, text);
    }
    page_pack_text(pack, "]");
}

static enum err_code put_data(struct output *out, const struct page_flame_tree *tree,
                              const char *title, struct err *err)
{
    struct page_pack pack;
    if (page_pack_begin(&pack, out, err) != OK)
        return err->code;
    page_pack_text(&pack, "{\"schema\":\"volley.page/1\",\"kind\":\"" PAGE_FLAME "\",\"title\":");
    put_text(&pack, title);
    page_pack_text(&pack, ",\"results\":[],\"flame\":{");
    put_names(&pack, tree);
    put_numbers_of(&pack, tree, ",\"name\":[", name_of);
    put_numbers_of(&pack, tree, ",\"depth\":[", depth_of);
    put_numbers_of(&pack, tree, ",\"self\":[", self_of);
    page_pack_text(&pack, ",\"kinds\":\"");
    for (uint32_t at = 0; at != PAGE_FLAME_NONE; at = page_flame_tree_next(tree, at))
        page_pack_write(&pack, &kinds[tree->nodes[at].kind].letter, 1);
    page_pack_text(&pack, "\"}}");
    page_pack_end(&pack);
    return OK;
}

/* ---- the file ---- */

static enum err_code put_page(struct output *out, const struct page_flame_facts *facts,
                              const struct page_flame_tree *tree, struct err *err)
{
    size_t bundle_bytes;
    const char *bundle = page_bundle(&bundle_bytes);
    page_html_head(out, facts->title);
    put_facts(out, facts);
    put_numbers(out, tree);
    put_notices(out, tree);
    output_printf(out, "</header>\n<main id=\"panels\"></main>\n<section id=\"tables\">\n");
    if (put_heaviest(out, tree, err) != OK)
        return err->code;
    output_printf(out, "</section>\n<script id=\"data\" type=\"text/plain\">");
    if (put_data(out, tree, facts->title, err) != OK)
        return err->code;
    output_printf(out, "</script>\n<script>");
    output_write(out, bundle, bundle_bytes);
    output_printf(out, "</script>\n</body>\n</html>\n");
    return OK;
}

enum err_code page_flame_write(const char *path, const struct page_flame_facts *facts, FILE *folded,
                               struct err *err)
{
    struct page_flame_tree tree;
    struct output out = {0};
    if (page_bundle_check("flame graph", path, err) != OK ||
        page_flame_tree_read(&tree, folded, facts->folded_name, err) != OK)
        return err->code;
    enum err_code code = output_create(&out, path, OUTPUT_NAMED, err);
    if (code == OK)
        code = put_page(&out, facts, &tree, err);
    if (code == OK)
        code = output_commit(&out, err);
    output_discard(&out);
    page_flame_tree_free(&tree);
    return code;
}
