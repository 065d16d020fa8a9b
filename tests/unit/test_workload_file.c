/* Workload files: what they hold as a plan; what is wrong with them is in test_workload_mistakes.c. */
#include <stdlib.h>
#include <string.h>

#include "orchestrator/options/distribution.h"
#include "orchestrator/options/workload_file.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

static struct workload_file file;
static struct err err;

static void teardown(void)
{
    workload_file_free(&file);
}

static enum err_code read_source(const struct file_source *source)
{
    workload_file_free(&file);
    err = (struct err){.code = OK};
    return workload_file_read(&file, source, &err);
}

static enum err_code read_text(const char *text)
{
    return read_source(
        &(struct file_source){.name = "f", .text = text, .text_bytes = strlen(text)});
}

static const struct workload_plan *plan_of(const char *text)
{
    enum err_code code = read_text(text);
    ck_assert_msg(code == OK, "%s: %s", text, err.text);
    return &file.plan;
}

static void ck_command(const struct plan_command *command, const char *const *words)
{
    size_t count = 0;
    for (; words[count] != NULL; count++) {
        ck_assert_uint_lt(count, command->word_count);
        ck_assert_str_eq(command->words[count], words[count]);
    }
    ck_assert_uint_eq(command->word_count, count);
}
#define CK_COMMAND(command, ...) ck_command(command, (const char *const[]){__VA_ARGS__, NULL})

/* ---- what a file says ---- */

/* Every form that there is, as the documentation has it. */
static const char example[] =
    "name: session-store\n"
    "keys:                                    # named key spaces; `{key:users}` draws from one\n"
    "  users: {prefix: \"user:\", count: 1m, order: zipf, exponent: 0.99}\n"
    "  carts: {prefix: \"cart:\", count: 100k, order: uniform, digits: 8}\n"
    "values:                                  # named value makers; `{value:profile}`\n"
    "  profile: {size: {lognormal: {median: 300, p99: 4000, max: 64kb}}, content: {compressible: "
    "0.5}}\n"
    "  flag: {size: 16, content: random}\n"
    "classes:\n"
    "  - {name: read, weight: 80, command: \"GET {key:users}\", on_miss: write}\n"
    "  - {name: write, weight: 15, command: [\"SET\", \"{key:users}\", \"{value:profile}\", "
    "\"EX\", \"{int 60 300}\"]}\n"
    "  - name: cart\n"
    "    weight: 5\n"
    "    unit: transaction                    # MULTI ... EXEC; or sequence\n"
    "    commands: [\"HSET {key:carts#1} item {int 1 1000}\", \"EXPIRE {key:carts#1} 3600\"]\n"
    "prefill: {keys: users, command: \"SET {key:users} {value:profile}\"}\n";

TEST(keys_and_values_of_the_example)
{
    /* breaks if a workload is another one than the file says */
    const struct workload_plan *plan = plan_of(example);
    ck_assert_str_eq(plan->name, "session-store");
    ck_assert_ptr_null(file.about);
    ck_assert_uint_eq(plan->key_space_count, 2);
    const struct plan_key_space *users = &plan->key_spaces[0], *carts = &plan->key_spaces[1];
    ck_assert_str_eq(users->name, "users");
    ck_assert_str_eq(users->prefix, "user:");
    ck_assert_uint_eq(users->count, 1000000);
    ck_assert_uint_eq(users->first, 0);
    ck_assert_uint_eq(users->digits, PLAN_DIGITS_USUAL);
    ck_assert_int_eq(users->order.kind, ORDER_ZIPF);
    ck_assert_double_eq(users->order.exponent, 0.99);
    ck_assert(users->order.scattered && !users->tagged && !users->binary);
    ck_assert_uint_eq(carts->count, 100000);
    ck_assert_uint_eq(carts->digits, 8);
    ck_assert_int_eq(carts->order.kind, ORDER_UNIFORM);
    ck_assert_uint_eq(plan->value_count, 2);
    const struct plan_value *profile = &plan->values[0], *flag = &plan->values[1];
    ck_assert_int_eq(profile->size.kind, SIZE_LOGNORMAL);
    ck_assert_uint_eq(profile->size.median_bytes, 300);
    ck_assert_uint_eq(profile->size.p99_bytes, 4000);
    ck_assert_uint_eq(profile->size.most_bytes, 64 * 1024);
    ck_assert_int_eq(profile->content, CONTENT_COMPRESSIBLE);
    ck_assert_double_eq(profile->compressible, 0.5);
    ck_assert_int_eq(flag->size.kind, SIZE_FIXED);
    ck_assert_uint_eq(flag->size.least_bytes, 16);
    ck_assert_int_eq(flag->content, CONTENT_RANDOM);
}

TEST(classes_and_prefill_of_the_example)
{
    /* breaks if a class sends something else, or as often as another one */
    const struct workload_plan *plan = plan_of(example);
    ck_assert_uint_eq(plan->class_count, 3);
    const struct plan_class *read = &plan->classes[0], *write = read + 1, *cart = read + 2;
    ck_assert_str_eq(read->name, "read");
    ck_assert_uint_eq(read->weight, 80);
    ck_assert_uint_eq(read->on_miss, 1);
    ck_assert_int_eq(read->unit, UNIT_REQUEST);
    CK_COMMAND(&read->commands[0], "GET", "{key:users}");
    ck_assert_uint_eq(write->weight, 15);
    ck_assert_uint_eq(write->on_miss, PLAN_NO_CLASS);
    CK_COMMAND(&write->commands[0], "SET", "{key:users}", "{value:profile}", "EX", "{int 60 300}");
    ck_assert_uint_eq(cart->weight, 5);
    ck_assert_int_eq(cart->unit, UNIT_TRANSACTION);
    ck_assert_uint_eq(cart->command_count, 2);
    CK_COMMAND(&cart->commands[0], "HSET", "{key:carts#1}", "item", "{int 1 1000}");
    CK_COMMAND(&cart->commands[1], "EXPIRE", "{key:carts#1}", "3600");
    ck_assert_uint_eq(plan->prefill_count, 1);
    ck_assert_uint_eq(plan->prefills[0].key_space, 0);
    CK_COMMAND(&plan->prefills[0].write.commands[0], "SET", "{key:users}", "{value:profile}");
}

TEST(what_is_left_out_is_as_usual)
{
    /* breaks if a default is not the one that the reference names */
    const struct workload_plan *plan =
        plan_of("name: w\nabout: a mix\nkeys: {user: {count: 5}}\nvalues: {v: {size: 1-9}}\n"
                "classes: [{name: a, command: \"SET {key} {value}\"}]\n");
    ck_assert_str_eq(file.about, "a mix");
    ck_assert_str_eq(plan->key_spaces[0].prefix, "user:");
    ck_assert_int_eq(plan->key_spaces[0].order.kind, ORDER_UNIFORM);
    ck_assert_int_eq(plan->values[0].content, CONTENT_LETTERS);
    ck_assert(!plan->values[0].size_by_key);
    ck_assert_uint_eq(plan->classes[0].weight, 1);
    ck_assert_uint_eq(plan->prefill_count, 0);
    plan = plan_of("{\"name\": \"w\", \"keys\": {\"u\": {\"count\": 5, \"order\": \"latest\"}}, "
                   "\"classes\": [{\"name\": \"a\", \"command\": [\"GET\", \"{key}\"]}]}");
    ck_assert_int_eq(plan->key_spaces[0].order.kind, ORDER_LATEST);
    ck_assert_double_eq(plan->key_spaces[0].order.exponent, KEY_EXPONENT_USUAL);
}

TEST(each_form_of_a_size)
{
    /* breaks if a size of the reference is refused, or is another one */
    static const struct {
        const char *size;
        enum size_kind kind;
    } sizes[] = {
        {"16", SIZE_FIXED},
        {"4kb", SIZE_FIXED},
        {"512mb", SIZE_FIXED},
        {"16-1024", SIZE_RANGE},
        {"range:1kb-2kb", SIZE_RANGE},
        {"\"weights:64:80,4096:20\"", SIZE_WEIGHTS},
        {"bimodal:64/4kb/80", SIZE_WEIGHTS},
        {"lognormal:300:4000", SIZE_LOGNORMAL},
        {"{lognormal: {median: 300, p99: 4000}}", SIZE_LOGNORMAL},
        {"pareto:64:1.5:1mb", SIZE_PARETO},
        {"{pareto: {min: 64, shape: 1.5, max: 1mb}}", SIZE_PARETO},
        {"{bytes: 16}", SIZE_FIXED},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char text[200];
        snprintf(text, sizeof text,
                 "name: w\nvalues: {v: {size: %s}}\n"
                 "classes: [{name: a, command: \"SET k {value}\"}]\n",
                 sizes[i].size);
        ck_assert_int_eq(plan_of(text)->values[0].size.kind, sizes[i].kind);
    }
}

TEST(a_buffer)
{
    /* breaks if a workload's buffer is another one than a buffer file with the same keys would be, or than its profile is */
#define PING "name: w\nclasses: [{name: a, command: PING}]\n"
    plan_of(PING);
    ck_assert(!file.has_buffer);
    plan_of(PING
            "buffer: {round_buffer: {max_size: 7}, performance: {flush_strategy: time_based}}\n");
    ck_assert(file.has_buffer && file.buffer.wanted);
    ck_assert_str_eq(file.buffer.name, "w");
    ck_assert_ptr_null(file.buffer_profile);
    ck_assert_uint_eq(file.buffer.round_messages, 7);
    ck_assert_uint_eq(file.buffer.round_tokens, 800);
    ck_assert_uint_eq(file.buffer.hybrid_batches, 5);
    ck_assert_int_eq(file.buffer.strategy, BUFFER_TIME_BASED);
    plan_of(PING "buffer: high-throughput\n");
    ck_assert(file.has_buffer && file.buffer.wanted);
    ck_assert_str_eq(file.buffer.name, "high-throughput");
    ck_assert_str_eq(file.buffer_profile, "high-throughput");
    ck_assert_uint_eq(file.buffer.round_messages, 8);
    plan_of(PING "buffer: {profile: bypass}\n");
    ck_assert(file.has_buffer && !file.buffer.wanted);
#undef PING
}

TEST(a_buffer_beside_the_file)
{
    /* breaks if a path of a buffer counts from the working directory */
    struct temp_tree tree;
    char path[256];
    temp_tree_make(&tree);
    temp_tree_write(&tree, "/mine.yaml", "round_buffer: {max_size: 3}\n", 0600);
    temp_tree_write(&tree, "/w.yaml",
                    "name: w\nclasses: [{name: a, command: PING}]\nbuffer: mine.yaml\n", 0600);
    snprintf(path, sizeof path, "%s/w.yaml", tree.path);
    ck_assert_int_eq(read_source(&(struct file_source){.name = path}), OK);
    ck_assert_uint_eq(file.buffer.round_messages, 3);
    ck_assert_str_eq(file.buffer.name, "mine");
    temp_tree_remove(&tree);
}

TEST(a_script_of_a_file)
{
    /* breaks if a script is looked for elsewhere, is cut, or one that no server should get is read */
    struct temp_tree tree;
    char path[160], expected[256];
    static char large[PLAN_SCRIPT_BYTES_MAX + 2];
    memset(large, '-', sizeof large - 1);
    temp_tree_make(&tree);
    snprintf(path, sizeof path, "%s/w.yaml", tree.path);
    temp_tree_write(&tree, "/w.yaml",
                    "name: w\nscripts: {s: {file: s.lua}}\nclasses: [{name: a, command: PING}]\n",
                    0600);
    temp_tree_write(&tree, "/s.lua", "return 1", 0600);
    ck_assert_int_eq(read_source(&(struct file_source){.name = path}), OK);
    ck_assert_uint_eq(file.plan.script_count, 1);
    ck_assert_str_eq(file.plan.scripts[0].sha1, "e0e1f9fabfc9d4800c877a703b823ac0578ff8db");
    temp_tree_write(&tree, "/s.lua", large, 0600);
    ck_assert_int_eq(read_source(&(struct file_source){.name = path}), E_CONFIG);
    snprintf(expected, sizeof expected, "s.lua: is larger than 1 MB");
    ck_assert_msg(strstr(err.text, expected) != NULL, "%s", err.text);
    temp_tree_write(&tree, "/s.lua", "", 0600);
    ck_assert_int_eq(read_source(&(struct file_source){.name = path}), E_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "w.yaml:2:21: it is empty"));
    temp_tree_remove(&tree);
}

/* ---- the reference ---- */

static void ck_described(const char *page, const struct file_object *object)
{
    char cell[96];
    const struct file_field *field;
    for (size_t i = 0; (field = file_object_field(object, 0, i)) != NULL; i++) {
        snprintf(cell, sizeof cell, "| `%s` |", field->row.name);
        const char *row = strstr(page, cell);
        ck_assert_msg(row != NULL, "%s has no row in docs/reference/workloads.md", cell);
        if (field->row.unset != NULL && field->form == FILE_VALUE) {
            snprintf(cell, sizeof cell, "%s", field->row.unset);
            ck_assert_msg(memmem(row, strcspn(row, "\n"), cell, strlen(cell)) != NULL,
                          "the row of %s does not say that it is %s", field->row.name, cell);
        }
    }
}

TEST(the_reference_has_every_key_and_placeholder)
{
    /* breaks if docs/reference/workloads.md lacks a key, another default is in force, or a placeholder is not
     * told */
    static const char *const objects[] = {"keys",    "values",  "data",
                                          "scripts", "classes", "prefill"};
    const struct file_object *document = workload_file_kind.root.object;
    const struct file_field *field;
    char page[64 * 1024] = "", *known;
    FILE *in = fopen("docs/reference/workloads.md", "r");
    ck_assert_ptr_nonnull(in);
    ck_assert_uint_lt(fread(page, 1, sizeof page - 1, in), sizeof page - 1);
    ck_assert_int_eq(fclose(in), 0);
    ck_described(page, document);
    char consumers[32 * 1024] = "";
    in = fopen("docs/reference/consumers.md", "r");
    ck_assert_ptr_nonnull(in);
    ck_assert_uint_lt(fread(consumers, 1, sizeof consumers - 1, in), sizeof consumers - 1);
    ck_assert_int_eq(fclose(in), 0);
    for (size_t i = 0; (field = file_object_field(document, 0, i)) != NULL; i++)
        if (strcmp(field->row.name, "consume") == 0)
            ck_described(consumers, field->of->object);
    for (size_t i = 0; (field = file_object_field(document, 0, i)) != NULL; i++)
        for (size_t k = 0; k < sizeof objects / sizeof objects[0]; k++)
            if (strcmp(field->row.name, objects[k]) == 0)
                ck_described(page, field->form == FILE_OBJECT ? field->object : field->of->object);
    const char *order;
    for (size_t i = 0; (order = distribution_key_word_at(i)) != NULL; i++) {
        char start[64];
        snprintf(start, sizeof start, "| `%s", order);
        ck_assert_msg(strstr(page, start) != NULL, "order %s has no row", order);
    }
    ck_assert_int_eq(read_text("name: w\nclasses: [{name: a, command: \"{x}\"}]\n"), E_CONFIG);
    known = strstr(err.text, "known are ");
    ck_assert_ptr_nonnull(known);
    unsigned count = 0;
    for (char *at = known, *state = NULL, *word; (word = strtok_r(at, " ,", &state)) != NULL;
         at = NULL) {
        char start[64];
        if (word[0] != '{')
            continue;
        word[strlen(word) - 1] = '\0';
        snprintf(start, sizeof start, "| `%s", word);
        ck_assert_msg(strstr(page, start) != NULL, "%s} is not in docs/reference/workloads.md",
                      word);
        count++;
    }
    ck_assert_uint_ge(count, 12);
}

TEST_SUITE_WITH(workload_file, .tear_down = teardown)
