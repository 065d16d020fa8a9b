#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "orchestrator/report/anonymise.h"
#include "orchestrator/report/drawn_json.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/journal_format.h"
#include "tests/support/check/report_fixture.h"
#include "tests/support/check/suite.h"

static char *directory;

static void set_up(void)
{
    directory = fixture_directory();
}

static void tear_down(void)
{
    fixture_remove(directory);
}

typedef void play_function(struct timeline *timeline, const struct session_facts *session);

/* Plays a made-up session into a journal and, when given, a text report. */
static void write_session(play_function *play, FILE *text)
{
    struct timeline timeline;
    struct sink sink;
    struct err err = {.code = OK};
    struct session_facts session = fixture_session();
    session.label = "first";
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    ck_assert_msg(sink_journal(&sink, directory, &err) == OK, "%s", err.text);
    timeline_add(&timeline, sink);
    if (text != NULL) {
        ck_assert_int_eq(sink_text(&sink, text, TEXT_REPORT, true, &err), OK);
        timeline_add(&timeline, sink);
    }
    play(&timeline, &session);
    ck_assert(!timeline.failed[0]);
    timeline_destroy(&timeline);
    fixture_session_free(&session);
}

static void write_journal(FILE *text)
{
    write_session(fixture_play, text);
}

/* What a replay delivered. */
struct heard {
    int session_begins, session_ends, run_begins, run_ends, intervals;
    bool interrupted;
    uint64_t ok;
    uint32_t rate_changes;
    double target_rate;
};

static enum err_code hear_session_begin(void *state, const struct session_facts *session,
                                        struct err *err)
{
    (void)session;
    (void)err;
    ((struct heard *)state)->session_begins++;
    return OK;
}

static enum err_code hear_run_begin(void *state, const struct run_facts *run, struct err *err)
{
    (void)run;
    (void)err;
    ((struct heard *)state)->run_begins++;
    return OK;
}

static enum err_code hear_interval(void *state, const struct interval_row *row,
                                   const struct error_kinds *kinds, struct err *err)
{
    (void)kinds;
    (void)row;
    (void)err;
    ((struct heard *)state)->intervals++;
    return OK;
}

static enum err_code hear_run_end(void *state, const struct run_result *result, struct err *err)
{
    struct heard *heard = state;
    (void)err;
    heard->run_ends++;
    heard->interrupted = result->interrupted;
    heard->rate_changes = result->rate_changes;
    heard->target_rate = figure_target(result);
    heard->ok = result->total->counters[COUNTER_OK];
    return OK;
}

static enum err_code hear_session_end(void *state, struct err *err)
{
    (void)err;
    ((struct heard *)state)->session_ends++;
    return OK;
}

static enum err_code replay_bytes(char *bytes, size_t byte_count, struct heard *heard,
                                  bool *complete, struct err *err)
{
    struct timeline timeline;
    FILE *in = byte_count > 0 ? fmemopen(bytes, byte_count, "rb") : fopen("/dev/null", "rb");
    *heard = (struct heard){0};
    *err = (struct err){.code = OK};
    ck_assert_int_eq(timeline_init(&timeline, err), OK);
    timeline_add(&timeline, (struct sink){.name = "hearer",
                                          .state = heard,
                                          .session_begin = hear_session_begin,
                                          .run_begin = hear_run_begin,
                                          .interval = hear_interval,
                                          .run_end = hear_run_end,
                                          .session_end = hear_session_end});
    enum err_code code = journal_replay_stream(in, "the journal", &timeline, complete, err);
    timeline_destroy(&timeline);
    fclose(in);
    return code;
}

LOOP_TEST(a_replay_gives_the_same_report, 4)
{
    /* breaks if anything that a report shows is not in the journal, or comes back different */
    static play_function *const plays[] = {fixture_play, fixture_play_open, fixture_play_cluster,
                                           fixture_play_classes};
    char *first = NULL, *second = NULL;
    size_t first_bytes = 0, second_bytes = 0;
    FILE *out = open_memstream(&first, &first_bytes);
    write_session(plays[_i], out);
    fclose(out);

    struct timeline timeline;
    struct sink sink;
    struct err err = {.code = OK};
    bool complete = false;
    out = open_memstream(&second, &second_bytes);
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    ck_assert_int_eq(sink_text(&sink, out, TEXT_REPORT, true, &err), OK);
    timeline_add(&timeline, sink);
    ck_assert_msg(journal_replay(directory, &timeline, &complete, &err) == OK, "%s", err.text);
    ck_assert(complete);
    timeline_destroy(&timeline);
    fclose(out);
    ck_assert_str_eq(first, second);
    ck_assert_ptr_nonnull(strstr(first, "Label: first"));
    free(first);
    free(second);
}

TEST(a_journal_cut_anywhere_replays_cleanly)
{
    /* breaks if a killed orchestrator leaves a journal that cannot be read, or reads as whole */
    write_journal(NULL);
    size_t byte_count = 0;
    char *bytes = fixture_read_file(directory, "journal", &byte_count);
    const size_t magic_bytes = strlen("volley.journal/1\n");
    struct heard heard;
    struct err err;
    bool complete;
    int intervals = 0;
    for (size_t n = 0; n <= byte_count; n++) {
        enum err_code code = replay_bytes(bytes, n, &heard, &complete, &err);
        ck_assert_msg(code == (n < magic_bytes ? E_DATA : OK), "cut at %zu: %s", n, err.text);
        ck_assert_int_eq(complete, n == byte_count);
        ck_assert_int_eq(heard.session_begins, heard.session_ends);
        ck_assert_int_eq(heard.run_begins, heard.run_ends);
        ck_assert_int_ge(heard.intervals, intervals);
        intervals = heard.intervals;
        if (heard.run_begins == 1 && heard.intervals < 4)
            ck_assert(heard.interrupted);
    }
    ck_assert_int_eq(intervals, 4);
    ck_assert_uint_eq(heard.ok, 1500);
    ck_assert(!heard.interrupted);
    free(bytes);
}

#define SHARES                                                                                     \
    4 /* of the bytes: each in the time of a test of its own, which sanitizers make long */
LOOP_TEST(a_changed_byte_is_noticed, SHARES)
{
    /* breaks if a damaged journal is taken for a whole one */
    write_journal(NULL);
    size_t byte_count = 0;
    char *bytes = fixture_read_file(directory, "journal", &byte_count);
    struct heard heard;
    struct err err;
    bool complete;
    int refused = 0;
    for (size_t n = (size_t)_i; n < byte_count; n += SHARES) {
        bytes[n] ^= 0x20;
        refused += replay_bytes(bytes, byte_count, &heard, &complete, &err) == E_DATA;
        ck_assert_msg(!complete, "byte %zu", n);
        ck_assert_int_eq(heard.run_begins, heard.run_ends);
        ck_assert_int_eq(heard.session_begins, heard.session_ends);
        bytes[n] ^= 0x20;
    }
    /* Only lengths that grew beyond the end of the file look like a cut. */
    ck_assert_int_gt(refused, (int)(byte_count / SHARES * 9 / 10));
    free(bytes);
}

TEST(a_used_directory_is_refused)
{
    /* breaks if a second run destroys the record of the first */
    struct sink sink;
    struct err err = {.code = OK};
    write_journal(NULL);
    ck_assert_int_eq(sink_journal(&sink, directory, &err), E_USAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "already holds the journal"));
    ck_assert_ptr_nonnull(strstr(err.text, directory));
}

TEST(directories_are_made_and_failures_leave_nothing)
{
    /* breaks if --out needs a mkdir first, or a failed start blocks the directory */
    struct sink sink;
    struct err err = {.code = OK};
    char path[256], file[300];
    struct stat status;
    snprintf(path, sizeof path, "%s/a/b", directory);
    snprintf(file, sizeof file, "%s/journal", path);
    ck_assert_int_eq(sink_journal(&sink, path, &err), OK);
    ck_assert_int_eq(stat(file, &status), 0);
    sink.destroy(sink.state);
    ck_assert_int_ne(stat(file, &status), 0);
    ck_assert_int_eq(sink_journal(&sink, path, &err), OK);
    sink.destroy(sink.state);
    ck_assert_int_eq(rmdir(path), 0);
    snprintf(path, sizeof path, "%s/a", directory);
    ck_assert_int_eq(rmdir(path), 0);
}

TEST(what_cannot_be_written_is_refused_at_once)
{
    /* breaks if an unwritable --out is found out only after the load */
    struct sink sink;
    struct err err = {.code = OK};
    ck_assert_int_eq(sink_journal(&sink, "/dev/null/run", &err), E_USAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "/dev/null"));
}

TEST(a_full_disk_leaves_a_readable_journal)
{
    /* breaks if a full disk ends the run, or tears the journal so that it cannot be read */
    struct timeline timeline;
    struct sink sink;
    struct err err = {.code = OK};
    struct session_facts session = fixture_session();
    struct run_facts facts = fixture_facts();
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    ck_assert_int_eq(sink_journal(&sink, directory, &err), OK);
    timeline_add(&timeline, sink);
    timeline_session_begin(&timeline, &session);
    timeline_run_begin(&timeline, &facts);
    struct interval_row *row = fixture_row(0);
    fixture_answer(row, 150000, 990);

    char path[256];
    struct stat status;
    snprintf(path, sizeof path, "%s/journal", directory);
    ck_assert_int_eq(stat(path, &status), 0);
    /* Nothing else may write while the limit holds: it is the test runner's limit, too. */
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit limit = {(rlim_t)status.st_size + 20, RLIM_INFINITY};
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    enum err_code code = timeline_interval(&timeline, row, &err);
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &limit);
    ck_assert_int_eq(code, OK);
    ck_assert(timeline.failed[0]);
    timeline_destroy(&timeline);
    fixture_session_free(&session);
    free(row);

    off_t before = status.st_size;
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_size, before);
    size_t byte_count = 0;
    char *bytes = fixture_read_file(directory, "journal", &byte_count);
    struct heard heard;
    bool complete;
    ck_assert_int_eq(replay_bytes(bytes, byte_count, &heard, &complete, &err), OK);
    ck_assert(!complete);
    ck_assert_int_eq(heard.run_begins, 1);
    ck_assert(heard.interrupted);
    free(bytes);
}

static const struct {
    const char *text;
    double rate;
} steered[] = {
    {"rate 1,500/s", 1500}, {"rate 0.25/s", 0.25}, {"resume, rate 20/s", 20}, {"pause", 0}};

static int steered_index;

static void play_steered(struct timeline *timeline, const struct session_facts *session)
{
    struct run_facts facts = fixture_open_facts();
    const struct note first = {.source = NOTE_CTL, .ok = true, .text = "rate 7/s"};
    struct note last = {.source = NOTE_CTL, .ok = true};
    snprintf(last.text, sizeof last.text, "%s", steered[steered_index].text);
    timeline_session_begin(timeline, session);
    timeline_run_begin(timeline, &facts);
    timeline_note(timeline, &first);
    timeline_note(timeline, &last);
}

LOOP_TEST(a_steered_run_without_an_end, 4)
{
    /* Breaks when the report of a run whose orchestrator was killed forgets what ctl has changed. */
    struct heard heard;
    struct err err;
    bool complete;
    size_t byte_count = 0;
    steered_index = _i;
    write_session(play_steered, NULL);
    char *bytes = fixture_read_file(directory, "journal", &byte_count);
    ck_assert_int_eq(replay_bytes(bytes, byte_count, &heard, &complete, &err), OK);
    ck_assert(heard.interrupted);
    ck_assert_uint_eq(heard.rate_changes, 2);
    ck_assert_double_eq(heard.target_rate, steered[_i].rate);
    free(bytes);
}

TEST(other_files_are_refused)
{
    /* breaks if any file is taken for a journal */
    struct timeline timeline;
    struct err err = {.code = OK};
    bool complete = true;
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    ck_assert_int_eq(journal_replay(directory, &timeline, &complete, &err), E_DATA);
    ck_assert(!complete);
    ck_assert_ptr_nonnull(strstr(err.text, "/journal"));
    err.code = OK;
    FILE *in = fopen("/proc/self/exe", "rb");
    ck_assert_int_eq(journal_replay_stream(in, "that", &timeline, &complete, &err), E_DATA);
    ck_assert_str_eq(err.text, "that is not a journal of volley");
    fclose(in);
    err.code = OK;
    static char newer[] = "volley.journal/5\n\1\2\3\4";
    in = fmemopen(newer, sizeof newer - 1, "r");
    ck_assert_int_eq(journal_replay_stream(in, "this", &timeline, &complete, &err), E_DATA);
    ck_assert_str_eq(err.text, "this was written by a newer volley, as a file of another form: "
                               "report it with that version");
    fclose(in);
    timeline_destroy(&timeline);
}

/* A journal whose last record has this type and so many bytes of JSON in it; the caller frees. */
static char *journal_with(enum journal_record type, uint32_t length, size_t *byte_count)
{
    *byte_count = JOURNAL_MAGIC_BYTES + JOURNAL_HEAD_BYTES + length + JOURNAL_CRC_BYTES;
    char *bytes = malloc(*byte_count);
    ck_assert_ptr_nonnull(bytes);
    memcpy(bytes, JOURNAL_MAGIC, JOURNAL_MAGIC_BYTES);
    unsigned char *head = (unsigned char *)bytes + JOURNAL_MAGIC_BYTES;
    journal_put_u32(head, (uint32_t)type);
    journal_put_u32(head + 4, length);
    for (uint32_t i = 0; i < length; i++) /* [1,1,1,...1] */
        head[JOURNAL_HEAD_BYTES + i] = i == 0            ? '['
                                       : i == length - 1 ? ']'
                                       : i % 2 == 1      ? '1'
                                                         : ',';
    uLong crc = crc32(crc32(0, NULL, 0), head, JOURNAL_HEAD_BYTES + length);
    journal_put_u32(head + JOURNAL_HEAD_BYTES + length, (uint32_t)crc);
    return bytes;
}

LOOP_TEST(a_record_longer_than_a_run_has_it, JOURNAL_RECORD_LAST)
{
    /* breaks if a journal from somewhere else can make a report take memory without an end */
    enum journal_record type = (enum journal_record)(JOURNAL_SESSION + _i);
    uint32_t lengths[] = {journal_record_max_bytes(type) + 1, 60u << 20};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct heard heard;
        struct err err;
        bool complete = true;
        size_t byte_count = 0;
        char *bytes = journal_with(type, lengths[i] | 1, &byte_count);
        ck_assert_int_eq(replay_bytes(bytes, byte_count, &heard, &complete, &err), E_DATA);
        ck_assert(!complete);
        ck_assert_msg(strstr(err.text, "record 1 is damaged") != NULL, "%s", err.text);
        free(bytes);
    }
}

TEST(the_longest_record_is_bounded)
{
    /* breaks if what is allowed takes more memory than a report may */
    struct rusage before, after;
    struct heard heard;
    struct err err;
    bool complete = true;
    size_t byte_count = 0;
    char *bytes =
        journal_with(JOURNAL_SESSION, journal_record_max_bytes(JOURNAL_SESSION) - 1, &byte_count);
    getrusage(RUSAGE_SELF, &before);
    ck_assert_int_eq(replay_bytes(bytes, byte_count, &heard, &complete, &err), E_DATA);
    getrusage(RUSAGE_SELF, &after);
    ck_assert_msg(strstr(err.text, "record 1: ") != NULL, "%s", err.text); /* it was read */
    ck_assert_int_lt(after.ru_maxrss - before.ru_maxrss, 200 * 1024);
    free(bytes);
}

TEST(the_largest_run_fits)
{
    /* breaks if a run of as many workers and nodes as there can be has a record that is not read back */
    struct timeline timeline;
    struct sink sink;
    struct err err = {.code = OK};
    struct session_facts session = fixture_session();
    struct run_facts facts = fixture_cluster_facts();
    struct run_result *result = fixture_result();
    char *label = malloc(512 * 1024);
    memset(label, '\x01', 512 * 1024 - 1); /* six characters of JSON each */
    label[512 * 1024 - 1] = '\0';
    session.label = label;
    facts.node_count = NODE_FIGURES_MAX;
    for (uint32_t i = 0; i < NODE_FIGURES_MAX; i++)
        memset(facts.nodes[i].text, '\x01', sizeof facts.nodes[i].text - 1);
    facts.worker_count = result->worker_count = IPC_WORKERS_MAX;
    for (uint32_t i = 0; i < IPC_WORKERS_MAX; i++) {
        facts.worker_cpus[i] = 4095;
        result->workers[i] = (struct worker_summary){.index = i,
                                                     .pid = INT32_MAX,
                                                     .cpu = 4095,
                                                     .requests = INT64_MAX,
                                                     .cpu_user_seconds = 1.0 / 3,
                                                     .cpu_system_seconds = 1.0 / 3,
                                                     .run_delay_seconds = 1.0 / 3,
                                                     .spin_seconds = 1.0 / 3};
    }
    memset(result->status_text, '\x01', sizeof result->status_text - 1);
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    ck_assert_int_eq(sink_journal(&sink, directory, &err), OK);
    timeline_add(&timeline, sink);
    timeline_session_begin(&timeline, &session);
    timeline_run_begin(&timeline, &facts);
    timeline_run_end(&timeline, result);
    timeline_session_end(&timeline);
    ck_assert(!timeline.failed[0]);
    timeline_destroy(&timeline);

    struct heard heard;
    bool complete = false;
    size_t byte_count = 0;
    char *bytes = fixture_read_file(directory, "journal", &byte_count);
    ck_assert_msg(replay_bytes(bytes, byte_count, &heard, &complete, &err) == OK, "%s", err.text);
    ck_assert(complete);
    ck_assert_int_eq(heard.run_ends, 1);
    free(bytes);
    free(label);
    free(result);
    fixture_session_free(&session);
}

TEST(a_name_of_any_bytes_survives)
{
    /* breaks if a command with bytes that are not UTF-8 stops the journal */
    struct timeline timeline;
    struct sink sink;
    struct err err = {.code = OK};
    struct session_facts session = fixture_session();
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    ck_assert_int_eq(sink_journal(&sink, directory, &err), OK);
    timeline_add(&timeline, sink);
    timeline_session_begin(&timeline, &session);
    struct run_facts facts = fixture_facts();
    snprintf(facts.name, sizeof facts.name, "SET \xff\xc3\xa4 \xe0\x80");
    timeline_run_begin(&timeline, &facts);
    struct run_result *result = fixture_result();
    timeline_run_end(&timeline, result);
    timeline_session_end(&timeline);
    ck_assert(!timeline.failed[0]);
    timeline_destroy(&timeline);
    size_t byte_count = 0;
    char *bytes = fixture_read_file(directory, "journal", &byte_count);
    ck_assert_ptr_nonnull(memmem(bytes, byte_count, "SET \\\\xFF\xc3\xa4 \\\\xE0\\\\x80", 21));
    free(bytes);
    free(result);
    fixture_session_free(&session);
}

TEST(a_prefill_remembers_its_test)
{
    /* breaks if a rebuilt report no longer says what a prefill was for */
    struct err err = {.code = OK};
    struct run_facts facts = fixture_facts(), read;
    facts.prefill = true;
    snprintf(facts.prefill_for, sizeof facts.prefill_for, "LRANGE_100");
    json_t *json = journal_facts_to_json(&facts);
    ck_assert_int_eq(journal_facts_from_json(&read, json, &err), OK);
    ck_assert_str_eq(read.prefill_for, "LRANGE_100");
    json_object_del(json, "prefill_for");
    ck_assert_int_eq(journal_facts_from_json(&read, json, &err), E_DATA);
    json_decref(json);
}

TEST(every_fact_and_all_evidence_comes_back)
{
    /* breaks if a rebuilt verdict rests on less than the first one did */
    struct err err = {.code = OK};
    struct run_facts facts = fixture_open_facts(), read;
    facts.shed_after_ns = 900;
    facts.clients_start = 3;
    facts.steady_auto = true;
    facts.tracking = true;
    json_t *json = journal_facts_to_json(&facts);
    ck_assert_int_eq(journal_facts_from_json(&read, json, &err), OK);
    ck_assert(read.open_loop && read.steady_auto && read.tracking);
    ck_assert_str_eq(read.rate_text, "1,000/s, even");
    ck_assert_uint_eq(read.shed_after_ns, 900);
    ck_assert_uint_eq(read.clients_start, 3);
    json_decref(json);
    facts = fixture_cluster_facts();
    facts.nodes[3].role = RUN_ROLE_GONE;
    json = journal_facts_to_json(&facts);
    ck_assert_int_eq(journal_facts_from_json(&read, json, &err), OK);
    ck_assert_uint_eq(read.node_count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert_str_eq(read.nodes[i].text, facts.nodes[i].text);
        ck_assert_uint_eq(read.nodes[i].role, facts.nodes[i].role);
        ck_assert_uint_eq(read.nodes[i].role_at_start, facts.nodes[i].role_at_start);
        ck_assert_int_eq(read.nodes[i].primary, facts.nodes[i].primary);
    }
    json_object_set_new(json_array_get(json_object_get(json, "nodes"), 0), "primary",
                        json_integer(NODE_FIGURES_MAX));
    ck_assert_int_eq(journal_facts_from_json(&read, json, &err), E_DATA);
    err = (struct err){.code = OK};
    json_decref(json);
    facts = fixture_open_facts();

    struct run_result *result = fixture_result(), *second = fixture_result();
    uint64_t warmup_ns = 0;
    facts.warmup_ns = 7000000000;
    result->facts = &facts;
    result->seconds = 10.5;
    result->due_seconds = 10;
    result->target_rate = 1499.5;
    result->rate_changes = 3;
    result->stopped = true;
    result->workers[1].spin_seconds = 1.25;
    result->workers[1].run_delay_seconds = 0.25;
    result->evidence.server_cpu_share = 0.75;
    result->evidence.never_steady = true;
    json = journal_result_to_json(result);
    ck_assert_int_eq(journal_result_from_json(second, &warmup_ns, json, &err), OK);
    ck_assert_uint_eq(warmup_ns, 7000000000);
    ck_assert_double_eq(second->due_seconds, 10);
    ck_assert_double_eq(second->target_rate, 1499.5);
    ck_assert_uint_eq(second->rate_changes, 3);
    ck_assert(second->stopped);
    ck_assert_double_eq(second->workers[1].spin_seconds, 1.25);
    ck_assert_double_eq(second->workers[1].run_delay_seconds, 0.25);
    ck_assert_double_eq(second->evidence.server_cpu_share, 0.75);
    ck_assert(second->evidence.never_steady);
    json_object_del(json, "target_rate"); /* as of an older journal */
    ck_assert_int_eq(journal_result_from_json(second, &warmup_ns, json, &err), OK);
    ck_assert_double_eq(second->target_rate, 0);
    json_object_del(json, "warmup_ns");
    ck_assert_int_eq(journal_result_from_json(second, &warmup_ns, json, &err), E_DATA);
    json_decref(json);
    free(result);
    free(second);
}

TEST(what_was_drawn_comes_back)
{
    /* Breaks when a rebuilt report tells other figures of what was drawn, damage is taken for some, or a journal that has
     * none is refused. */
    struct err err = {.code = OK};
    uint64_t warmup_ns;
    const struct run_facts facts = fixture_facts();
    struct run_result *result = fixture_result(), *second = fixture_result();
    result->facts = &facts;
    result->drawn = (struct drawn){
        .requests = 70,
        .changes = {[DRAWN_NOW] = true, [DRAWN_THEN] = true},
        .key_count = 2,
        .value_count = 1,
        .class_count = 1,
        .keys = {{"users", "zipf:1.1", NULL, 100, 60, 40, true, 0.5, 0.25, 0.75, 0.625},
                 {"logs", "walk", NULL, 9, 8, 7, .skew_known = false}},
        .values = {{"body", "3-9", NULL, 50, 6, 6.5, 4, 9}},
        .classes = {{"read", 0.25, 0.125}},
    };
    json_t *json = journal_result_to_json(result), *drawn = drawn_to_json(&result->drawn);
    ck_assert_int_eq(journal_result_from_json(second, &warmup_ns, json, &err), OK);
    ck_assert_double_eq(second->drawn.keys[0].hottest_1_drawn, 0.625);
    json_t *again = drawn_to_json(&second->drawn);
    ck_assert(json_equal(drawn, again));
    ck_assert(second->drawn.changes[DRAWN_NOW] && !second->drawn.changes[DRAWN_RUN]);
    json_object_set_new(json_array_get(json_object_get(drawn, "keys"), 1), "draws",
                        json_integer(-1));
    json_object_set(json, "drawn", drawn);
    ck_assert_int_eq(journal_result_from_json(second, &warmup_ns, json, &err), E_DATA);
    err = (struct err){.code = OK};
    json_object_del(json, "drawn"); /* as of an older journal */
    ck_assert_int_eq(journal_result_from_json(second, &warmup_ns, json, &err), OK);
    ck_assert_uint_eq(second->drawn.requests, 0);
    json_decref(again);
    json_decref(drawn);
    json_decref(json);
    free(result);
    free(second);
}

/* A run that was cut before its end is judged by what is known of it. */
static enum err_code look_at_evidence(void *state, const struct run_result *result, struct err *err)
{
    (void)err;
    *(struct run_evidence *)state = result->evidence;
    return OK;
}

TEST(what_was_cut_off_is_unknown)
{
    /* breaks if a server that nobody measured counts as idle in a rebuilt report */
    write_session(fixture_play_open, NULL);
    size_t byte_count = 0;
    char *bytes = fixture_read_file(directory, "journal", &byte_count);
    struct timeline timeline;
    struct run_evidence evidence = {.server_cpu_share = 0};
    struct err err = {.code = OK};
    bool complete = true;
    FILE *in = fmemopen(bytes, byte_count * 3 / 4, "rb");
    ck_assert_int_eq(timeline_init(&timeline, &err), OK);
    timeline_add(&timeline,
                 (struct sink){.name = "looker", .state = &evidence, .run_end = look_at_evidence});
    ck_assert_int_eq(journal_replay_stream(in, "the journal", &timeline, &complete, &err), OK);
    ck_assert(!complete);
    ck_assert_double_lt(evidence.server_cpu_share, 0);
    ck_assert_double_lt(evidence.steal_share, 0);
    timeline_destroy(&timeline);
    fclose(in);
    free(bytes);
}

TEST(classes_have_other_names_for_others)
{
    /* Breaks when a report without names tells what somebody's requests are called, or no longer finds the class of
     * a check. */
    struct timeline named, renamed;
    struct sink sink;
    struct err err = {.code = OK};
    struct objective_list checks;
    struct session_facts session = fixture_session();
    char *text = NULL;
    size_t text_bytes = 0;
    FILE *out = open_memstream(&text, &text_bytes);
    ck_assert_int_eq(objective_parse_list(&checks, "write:p50<1ms", &objective_of_check, &err), OK);
    session.checks = &checks;
    json_object_set_new(session.spec, "check", json_string(checks.items[0].text));
    ck_assert_int_eq(timeline_init(&named, &err), OK);
    ck_assert_int_eq(timeline_init(&renamed, &err), OK);
    ck_assert_int_eq(sink_text(&sink, out, TEXT_REPORT, false, &err), OK);
    timeline_add(&renamed, sink);
    ck_assert_int_eq(sink_anonymised(&sink, &renamed, &err), OK);
    timeline_add(&named, sink);
    fixture_play_classes(&named, &session);
    timeline_destroy(&named);
    timeline_destroy(&renamed);
    fixture_session_free(&session);
    fclose(out);
    ck_assert_msg(strstr(text, "\nread ") == NULL && strstr(text, "write:") == NULL, "%s", text);
    ck_assert_msg(strstr(text, "\nclass1   20.27%  ") != NULL, "%s", text);
    ck_assert_msg(strstr(text, "kept     class1:p50<1ms       class1:p50 0.900 ms") != NULL, "%s",
                  text);
    free(text);
}

TEST_SUITE_WITH(journal, .set_up = set_up, .tear_down = tear_down)
