/* Versions of keys, against a model: a register behind a network that delays, loses and answers as it likes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/rng.h"
#include "common/version_table.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/temp_tree.h"

#define OPERATIONS 8u
#define STEPS 50000u
#define MODELS 60u

enum stage { IDLE, SENT, DONE, LIMBO };
struct operation {
    enum stage stage;
    bool reads;
    uint32_t version; /* of a write; of a read what it has found */
    uint32_t acked;
};

static struct version_space space = {.count = 1};

struct model {
    struct version_entry entry;
    uint32_t value; /* 0: none */
    struct operation operations[OPERATIONS];
    uint64_t reads, unknown;
};

static const char *verdict_name(enum version_verdict verdict)
{
    static const char *const names[] = {"right", "unknown", "corrupted", "old"};
    return names[verdict];
}

static enum version_verdict read_value(const struct model *model, uint32_t acked, uint32_t value)
{
    return version_judge(&model->entry, &space, acked, value > 0 ? VALUE_WHOLE : VALUE_MISSING,
                         value);
}

static const char *finish_read(struct model *model, const struct operation *operation)
{
    const enum version_verdict verdict = read_value(model, operation->acked, operation->version);
    model->reads++;
    model->unknown += verdict == VERSION_UNKNOWN;
    return verdict == VERSION_RIGHT || verdict == VERSION_UNKNOWN ? NULL : verdict_name(verdict);
}

/* One step of one operation; what a check says that is wrong, or NULL. */
static const char *go_on(struct model *model, struct operation *operation, uint64_t random)
{
    const unsigned chance = (unsigned)(random >> 32) % 100;
    switch (operation->stage) {
    case IDLE:
        *operation = (struct operation){.stage = SENT, .reads = chance < 50};
        if (operation->reads)
            operation->acked = version_look(&model->entry).acked;
        else
            operation->version = version_claim(&model->entry);
        return NULL;
    case SENT: /* at the server, or not any more */
        if (operation->reads)
            operation->version = model->value;
        else if (chance <
                 5) { /* the connection breaks first, and the server goes on with it later */
            version_unsure(&model->entry);
            operation->stage = LIMBO;
            return NULL;
        } else if (chance < 8) {
            version_refused(&model->entry);
            operation->stage = IDLE;
            return NULL;
        } else
            model->value = operation->version;
        operation->stage = DONE;
        return NULL;
    case DONE: /* the reply is on its way */
        operation->stage = IDLE;
        if (operation->reads)
            return finish_read(model, operation);
        if (chance < 4)
            version_unsure(&model->entry);
        else
            version_taken(&model->entry);
        return NULL;
    case LIMBO:
        if (chance < 20) {
            model->value = operation->version;
            operation->stage = IDLE;
        }
        return NULL;
    }
    return NULL;
}

TEST(test_no_false_alarm_in_any_order)
{
    /* Breaks when some order of writes, answers, losses and late executions makes a right value look wrong. */
    for (uint64_t seed = 0; seed < MODELS; seed++) {
        struct model model = {.value = 0};
        for (uint64_t step = 0; step < STEPS; step++) {
            const uint64_t random = rng_at(seed, step);
            const char *wrong =
                go_on(&model, &model.operations[random % OPERATIONS], rng_mix(random));
            if (wrong != NULL) /* an assertion a step would take longer than all of them */
                ck_abort_msg("seed %llu, step %llu: a right value is %s", (unsigned long long)seed,
                             (unsigned long long)step, wrong);
        }
        ck_assert_uint_gt(model.reads, STEPS / 10);
        ck_assert_uint_lt(model.unknown, model.reads / 2);
        ck_assert_uint_gt(version_look(&model.entry).current, 20);
    }
}

static void write_times(struct version_entry *entry, uint32_t times)
{
    for (uint32_t i = 0; i < times; i++) {
        version_claim(entry);
        version_taken(entry);
    }
}

TEST(test_what_is_wrong_is_found)
{
    /* Breaks when a value from the future, an older one or none passes, or a key of which nothing is known does not. */
    struct model model = {.value = 0};
    ck_assert_int_eq(read_value(&model, 0, 0), VERSION_UNKNOWN);
    ck_assert_int_eq(read_value(&model, 0, 7), VERSION_UNKNOWN);
    write_times(&model.entry, 9);
    const uint32_t acked = version_look(&model.entry).acked;
    ck_assert_uint_eq(acked, 9);
    ck_assert_int_eq(read_value(&model, acked, 9), VERSION_RIGHT);
    ck_assert_int_eq(read_value(&model, acked, 8), VERSION_OLD);
    ck_assert_int_eq(read_value(&model, acked, 1), VERSION_OLD);
    ck_assert_int_eq(read_value(&model, acked, 0), VERSION_OLD);
    ck_assert_int_eq(read_value(&model, acked, 10), VERSION_CORRUPTED);
    ck_assert_int_eq(version_judge(&model.entry, &space, acked, VALUE_MALFORMED, 9),
                     VERSION_CORRUPTED);
    ck_assert_int_eq(version_judge(&model.entry, &space, acked, VALUE_WHOLE, 0), VERSION_CORRUPTED);
    ck_assert_int_eq(version_judge(NULL, &space, acked, VALUE_MALFORMED, 0), VERSION_UNKNOWN);
    struct version_space goes = {.count = 1, .flags = VERSION_MAY_GO};
    ck_assert_int_eq(version_judge(&model.entry, &goes, acked, VALUE_MISSING, 0), VERSION_UNKNOWN);
    ck_assert_int_eq(version_judge(&model.entry, &goes, acked, VALUE_WHOLE, 8), VERSION_OLD);
}

TEST(test_concurrent_writes_are_alike)
{
    /* Breaks when two writes that are under way at once have different values, whose order nobody knows. */
    struct version_entry entry = {0};
    ck_assert_uint_eq(version_claim(&entry), 1);
    ck_assert_uint_eq(version_claim(&entry), 1);
    version_taken(&entry);
    ck_assert_uint_eq(version_look(&entry).acked, 1);
    ck_assert_uint_eq(version_claim(&entry), 1);
    version_refused(&entry);
    version_unsure(&entry);
    ck_assert_uint_eq(version_look(&entry).acked, 1);
    ck_assert_uint_eq(version_look(&entry).in_flight, 0);
    ck_assert_uint_eq(version_look(&entry).maybe_least, 1);
    ck_assert_uint_eq(version_claim(&entry), 2);
}

TEST(test_counts_that_are_full)
{
    /* Breaks when more writes are under way, or without an answer, than an entry has room for, and it forgets some. */
    struct version_entry entry = {0};
    for (uint32_t i = 0; i < 70000; i++)
        version_claim(&entry);
    version_taken(&entry);
    for (uint32_t i = 0; i < 69999; i++)
        version_refused(&entry);
    ck_assert_uint_gt(version_look(&entry).in_flight, 0);
    ck_assert_uint_eq(version_claim(&entry), 1);
    struct version_entry unlucky = {0};
    write_times(&unlucky, 1);
    for (uint32_t i = 0; i < 70000; i++) {
        version_claim(&unlucky);
        version_refused(&unlucky);
    }
    ck_assert_uint_eq(version_look(&unlucky).acked, 0); /* not known, and so nothing is wrong */
    write_times(&unlucky, 1);
    ck_assert_uint_eq(version_look(&unlucky).acked, 70002);
}

/* ---- the table ---- */

static const struct version_space two[] = {
    {.first = 5, .count = 10, .digits = 12, .prefix_bytes = 4, .prefix = "key:"},
    {.first = 0, .count = 3, .flags = VERSION_TAGGED, .prefix_bytes = 1, .prefix = "u"},
};

TEST(test_table_in_memory)
{
    /* Breaks when keys of two spaces share an entry, one has none, or the server's being emptied is not heeded. */
    struct version_table table;
    struct err err = {.code = OK};
    ck_assert_int_eq(version_table_create(&table, two, 2, 9, NULL, &err), OK);
    const struct version_space *spaces = table.header->spaces;
    ck_assert_ptr_null(version_entry_of(&table, &spaces[0], 4));
    ck_assert_ptr_null(version_entry_of(&table, &spaces[0], 15));
    ck_assert_ptr_eq(version_entry_of(&table, &spaces[0], 5), table.entries);
    ck_assert_ptr_eq(version_entry_of(&table, &spaces[1], 2), table.entries + 12);
    write_times(version_entry_of(&table, &spaces[1], 2), 3);
    ck_assert_int_eq(version_table_forget(&table, &err), OK);
    ck_assert_uint_eq(version_look(version_entry_of(&table, &spaces[1], 2)).current, 0);
    ck_assert_uint_eq(table.header->entry_count, 13);
    version_table_destroy(&table);
    const struct version_space many = {.count = VERSION_ENTRIES_MAX + 1};
    ck_assert_int_eq(version_table_create(&table, &many, 1, 9, NULL, &err), E_USAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "4294967296 keys"));
    version_table_destroy(&table);
}

static struct temp_tree tree;
static struct version_header saved;

static enum err_code check_changed(const struct version_header *header, uint64_t file_bytes)
{
    struct err err = {.code = OK};
    const enum err_code code = version_header_check(header, file_bytes, &err);
    if (code != OK)
        ck_assert(err.text[0] != '\0');
    return code;
}

TEST(test_file_of_versions)
{
    /* Breaks when a file that --verify has kept is not taken, or one that was changed is. */
    struct version_table table;
    struct err err = {.code = OK};
    char path[200];
    temp_tree_make(&tree);
    snprintf(path, sizeof path, "%s/versions", tree.path);
    ck_assert_int_eq(version_table_create(&table, two, 2, 9, path, &err), OK);
    const uint64_t bytes = table.byte_count;
    version_table_destroy(&table);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fread(&saved, sizeof saved, 1, file), 1);
    fclose(file);
    ck_assert_int_eq(check_changed(&saved, bytes), OK);
    ck_assert_int_eq(check_changed(&saved, bytes - 1), E_DATA);
    ck_assert_int_eq(check_changed(&saved, 100), E_DATA);
    struct version_header changed = saved;
    changed.spaces[1].count = UINT64_MAX - 1;
    ck_assert_int_eq(check_changed(&changed, bytes), E_DATA);
    changed = saved;
    changed.spaces[1].prefix_bytes = VERSION_PREFIX_BYTES + 1;
    ck_assert_int_eq(check_changed(&changed, bytes), E_DATA);
    changed = saved;
    changed.spaces[0].first = UINT64_MAX - 3;
    ck_assert_int_eq(check_changed(&changed, bytes), E_DATA);
    changed = saved;
    changed.format++;
    ck_assert_int_eq(check_changed(&changed, bytes), E_DATA);
    temp_tree_remove(&tree);
}

TEST(test_names_of_keys)
{
    /* Breaks when a key's name is not that of the load: padded, tagged, binary, or cut where there is no room. */
    char key[64];
    memset(key, '#', sizeof key);
    ck_assert_uint_eq(version_key_bytes(&two[0], 7), 16);
    version_key_write(key, sizeof key, &two[0], 7);
    ck_assert_mem_eq(key, "key:000000000007#", 17);
    version_key_write(key, 6, &two[0], 1234567);
    ck_assert_mem_eq(key, "key:000000000007#", 17);
    ck_assert_uint_eq(version_key_bytes(&two[1], 120), 6);
    version_key_write(key, sizeof key, &two[1], 120);
    ck_assert_mem_eq(key, "u{120}", 6);
    const struct version_space binary = {
        .flags = VERSION_BINARY, .key_bytes = 11, .prefix_bytes = 1, .prefix = "b"};
    ck_assert_uint_eq(version_key_bytes(&binary, 1), 11);
    version_key_write(key, sizeof key, &binary, 0x0102030405060708);
    ck_assert_mem_eq(key, "b\1\2\3\4\5\6\7\10xx", 11);
}

TEST(test_first_findings)
{
    /* Breaks when more than ten findings are kept, or fewer are counted than there were, or a key that is read again
     * and again is all that is shown. */
    static struct checked_findings findings;
    for (uint32_t i = 0; i < 50; i++)
        checked_findings_add(&findings, &(struct checked_finding){.kind = i / 2 % 3,
                                                                  .key = {(char)(i / 2)},
                                                                  .key_bytes = 1,
                                                                  .expected_least = i / 2});
    ck_assert_uint_eq(findings.counts[CHECKED_CORRUPTED], 18);
    ck_assert_uint_eq(findings.counts[CHECKED_LOST], 16);
    for (uint32_t i = 0; i < CHECKED_FINDINGS_MAX; i++) {
        ck_assert(findings.ready[i]);
        ck_assert_uint_eq(findings.items[i].expected_least, i);
    }
    checked_findings_clear(&findings);
    ck_assert_uint_eq(findings.counts[CHECKED_STALE], 0);
    ck_assert(!findings.ready[0]);
}

TEST_SUITE(version_table)
