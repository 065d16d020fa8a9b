#include "tests/support/check/report_fixture.h"

#include <check.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "tests/support/check/by_hand.h"

struct interval_row *fixture_row(uint32_t index)
{
    struct interval_row *row = calloc(1, sizeof *row);
    if (row == NULL)
        abort(); /* programs that Check does not run have rows of it, too */
    interval_row_init(row);
    row->header.first = row->header.last = index;
    row->header.start_ns = index * NS_PER_SECOND;
    row->header.end_ns = (index + 1) * NS_PER_SECOND;
    row->header.connections_open = 4;
    return row;
}

void fixture_answer(struct interval_row *row, uint64_t latency_ns, uint64_t times)
{
    row->counters[COUNTER_SENT] += times;
    row->counters[COUNTER_DUE] += times;
    row->counters[COUNTER_OK] += times;
    row->counters[COUNTER_BYTES_OUT] += times * 40;
    row->counters[COUNTER_BYTES_IN] += times * 5;
    histogram_record_n(&row->histograms[HISTOGRAM_SERVICE_OK], latency_ns, times);
}

void fixture_send_at(struct interval_row *row, uint64_t slip_ns, uint64_t times)
{
    row->header.flags |= INTERVAL_OPEN_LOOP;
    row->counters[COUNTER_SENT] += times;
    row->counters[COUNTER_DUE] += times;
    row->counters[COUNTER_BYTES_OUT] += times * 40;
    histogram_record_n(&row->histograms[HISTOGRAM_SLIP], slip_ns, times);
    histogram_record_n(&row->histograms[HISTOGRAM_WAIT], 0, times);
}

void fixture_answer_at(struct interval_row *row, uint64_t service_ns, uint64_t slip_ns,
                       uint64_t times)
{
    fixture_send_at(row, slip_ns, times);
    row->counters[COUNTER_OK] += times;
    row->counters[COUNTER_BYTES_IN] += times * 5;
    histogram_record_n(&row->histograms[HISTOGRAM_SERVICE_OK], service_ns, times);
    histogram_record_n(&row->histograms[HISTOGRAM_RESPONSE_OK], slip_ns + service_ns, times);
}

void fixture_unanswered(struct interval_row *row, enum counter counter, uint64_t slip_ns,
                        uint64_t waited_ns, uint64_t times)
{
    bool sent = counter != COUNTER_SHED_LATE && counter != COUNTER_SHED_WORKER &&
                counter != COUNTER_SHED_NODE;
    row->counters[counter] += times;
    if (sent)
        histogram_record_n(&row->histograms[HISTOGRAM_SERVICE_UNANSWERED], waited_ns, times);
    if (row->header.flags & INTERVAL_OPEN_LOOP)
        histogram_record_n(&row->histograms[HISTOGRAM_RESPONSE_UNANSWERED], slip_ns + waited_ns,
                           times);
}

void fixture_refuse(struct interval_row *row, uint32_t kind, uint64_t latency_ns, uint64_t times)
{
    row->counters[COUNTER_SENT] += times;
    row->counters[COUNTER_DUE] += times;
    row->counters[COUNTER_ERROR_REPLIES] += times;
    row->errors_by_kind[kind] += times;
    histogram_record_n(&row->histograms[HISTOGRAM_SERVICE_ERROR], latency_ns, times);
}

struct run_facts fixture_facts(void)
{
    return (struct run_facts){.name = "GET",
                              .started_wall_ns = FIXTURE_WALL_NS,
                              .interval_ns = NS_PER_SECOND,
                              .requests = 1000,
                              .clients = 4,
                              .pipeline = 1,
                              .data_bytes = 3,
                              .request_bytes = 36,
                              .keyspace = 100000,
                              .keyspace_random = true,
                              .worker_count = 2,
                              .worker_cpus = {0, 1},
                              .target = "127.0.0.1:6379"};
}

struct run_facts fixture_open_facts(void)
{
    struct run_facts facts = fixture_facts();
    facts.requests = 0;
    facts.duration_ns = 10 * NS_PER_SECOND;
    facts.open_loop = true;
    snprintf(facts.rate_text, sizeof facts.rate_text, "1,000/s, even");
    return facts;
}

struct session_facts fixture_session(void)
{
    static const double percentiles[] = {50, 95, 99, 99.9};
    return (struct session_facts){
        .spec = json_pack("{s:i, s:s}", "clients", 4, "host", "127.0.0.1"),
        .environment = json_pack("{s:{s:s, s:s, s:s}}", "volley", "version", "0.1.0", "commit",
                                 "abc", "compiler", "cc"),
        .label = NULL,
        .command = "bench",
        .percentiles = percentiles,
        .percentile_count = 4};
}

void fixture_session_free(struct session_facts *session)
{
    json_decref(session->spec);
    json_decref(session->environment);
}

struct run_result *fixture_result(void)
{
    struct run_result *result = calloc(1, sizeof *result);
    ck_assert_ptr_nonnull(result);
    result->worker_count = 2;
    result->workers[0] = (struct worker_summary){.index = 0,
                                                 .pid = 101,
                                                 .cpu = 0,
                                                 .requests = 500,
                                                 .cpu_user_seconds = 0.25,
                                                 .cpu_system_seconds = 0.5};
    result->workers[1] = result->workers[0];
    result->workers[1].index = 1;
    result->workers[1].pid = 102;
    result->workers[1].cpu = -1;
    result->evidence.steal_share = -1;
    result->evidence.server_cpu_share = -1;
    return result;
}

void fixture_kind(struct timeline *timeline, const char *word, const char *text)
{
    struct ipc_error_kind *kind = &timeline->error_kinds.kinds[timeline->error_kinds.count++];
    snprintf(kind->word, sizeof kind->word, "%s", word);
    snprintf(kind->text, sizeof kind->text, "%s", text);
}

static void play_row(struct timeline *timeline, struct interval_row *row)
{
    struct err err = {.code = OK};
    ck_assert_msg(timeline_interval(timeline, row, &err) == OK, "%s", err.text);
    free(row);
}

void fixture_play(struct timeline *timeline, const struct session_facts *session)
{
    struct run_facts facts = fixture_facts();
    facts.warmup_ns = NS_PER_SECOND;
    facts.reads = true;
    timeline_session_begin(timeline, session);
    timeline_run_begin(timeline, &facts);

    struct interval_row *row = fixture_row(0);
    row->header.flags = INTERVAL_WARMUP;
    fixture_answer(row, 900000000, 77);
    play_row(timeline, row);

    row = fixture_row(1);
    fixture_answer(row, 150000, 990);
    fixture_answer(row, 2500000, 10);
    fixture_kind(timeline, "WRONGTYPE", "WRONGTYPE Operation against a key");
    fixture_refuse(row, 0, 50000, 2);
    row->counters[COUNTER_HITS] = 900;
    row->counters[COUNTER_MISSES] = 100;
    row->counters[COUNTER_SENT] += 1;
    row->counters[COUNTER_DUE] += 1;
    row->header.in_flight_after = 1;
    play_row(timeline, row);

    row = fixture_row(2); /* a stall: nothing comes back */
    row->header.in_flight_before = row->header.in_flight_after = 1;
    play_row(timeline, row);

    row = fixture_row(3);
    row->header.flags = INTERVAL_LAST;
    row->header.in_flight_before = 1;
    fixture_unanswered(row, COUNTER_TIMED_OUT, 0, 2 * NS_PER_SECOND, 1);
    row->counters[COUNTER_CONNECTIONS_LOST] = 1;
    row->counters[COUNTER_CONNECTIONS_OPENED] = 1;
    fixture_answer(row, 150000, 500);
    play_row(timeline, row);

    struct run_result *result = fixture_result();
    timeline_run_end(timeline, result);
    timeline_session_end(timeline);
    free(result);
}

void fixture_play_open(struct timeline *timeline, const struct session_facts *session)
{
    struct run_facts facts = fixture_open_facts();
    facts.duration_ns = 3 * NS_PER_SECOND;
    facts.shed_after_ns = 900 * NS_PER_MS;
    facts.clients_start = 2;
    facts.warmup_ns = 5 * NS_PER_SECOND;
    facts.steady_auto = true;
    timeline_session_begin(timeline, session);
    timeline_run_begin(timeline, &facts);

    struct interval_row *row = fixture_row(0);
    row->header.flags = INTERVAL_WARMUP;
    fixture_answer_at(row, 900000000, 5000, 1000);
    play_row(timeline, row);

    row = fixture_row(1);
    fixture_answer_at(row, 150000, 50000, 900);
    row->counters[COUNTER_DUE] += 100;
    row->header.backlog_after = 100;
    histogram_record_n(&row->histograms[HISTOGRAM_CONNECT], 400000, 4);
    play_row(timeline, row);

    row = fixture_row(2); /* a stall: nothing is sent, and the oldest are shed */
    row->header.flags = INTERVAL_OPEN_LOOP;
    row->header.backlog_before = 100;
    row->counters[COUNTER_DUE] = 1000;
    fixture_unanswered(row, COUNTER_SHED_LATE, 900 * NS_PER_MS, 0, 400);
    row->counters[COUNTER_BLOCKED_NS] = 1980 * NS_PER_MS;
    row->header.backlog_after = 700;
    play_row(timeline, row);

    row = fixture_row(3);
    row->header.flags = INTERVAL_LAST;
    fixture_answer_at(row, 150000, 50000, 500);
    fixture_answer_at(row, 250000, 899750000, 500);
    fixture_send_at(row, 899000000, 20);
    fixture_unanswered(row, COUNTER_TIMED_OUT, 899 * NS_PER_MS, 51 * NS_PER_MS, 20);
    row->counters[COUNTER_DUE] -= 20; /* of the backlog */
    row->header.backlog_before = 700;
    row->header.backlog_after = 680; /* of a millisecond each up to the end */
    for (uint64_t i = 0; i < row->header.backlog_after; i++)
        histogram_record_n(&row->histograms[HISTOGRAM_RESPONSE_UNANSWERED], i * NS_PER_MS, 1);
    play_row(timeline, row);

    timeline->run.warmup_ns = NS_PER_SECOND; /* what it came to */
    struct run_result *result = fixture_result();
    result->workers[0].spin_seconds = 0.3;
    result->workers[0].requests = 1000;
    result->workers[1].requests = 900;
    timeline_run_end(timeline, result);
    timeline_session_end(timeline);
    free(result);
}

static struct class_figures *class_of(struct interval_row *row, uint32_t class)
{
    for (uint32_t i = row->class_count; i <= class; i++)
        for (unsigned k = 0; k < CLASS_TIMES; k++)
            histogram_init_zeroed(&row->class_windows[i * CLASS_TIMES + k]);
    row->class_count = row->class_count > class ? row->class_count : class + 1;
    row->window_ends = true;
    return &row->classes[class];
}

static void count_class(struct interval_row *row, uint32_t class, enum class_times which,
                        uint64_t latency_ns, uint64_t times)
{
    coarse_record(&row->classes[class].times[which], latency_ns, times);
    histogram_record_n(&row->class_windows[class * CLASS_TIMES + which], latency_ns, times);
}

static void answer_class(struct interval_row *row, uint32_t class, uint64_t latency_ns,
                         uint64_t times)
{
    struct class_figures *figures = class_of(row, class);
    figures->counters[CLASS_SENT] += times;
    figures->counters[CLASS_OK] += times;
    figures->counters[CLASS_BYTES_OUT] += 40 * times;
    figures->counters[CLASS_BYTES_IN] += 5 * times;
    count_class(row, class, CLASS_SERVICE, latency_ns, times);
}

void fixture_class_ok(struct interval_row *row, uint32_t class, uint64_t latency_ns, uint64_t times)
{
    fixture_answer(row, latency_ns, times);
    answer_class(row, class, latency_ns, times);
}

void fixture_class_ok_at(struct interval_row *row, uint32_t class, uint64_t response_ns,
                         uint64_t times)
{
    fixture_answer_at(row, response_ns, 0, times);
    answer_class(row, class, response_ns, times);
    count_class(row, class, CLASS_RESPONSE, response_ns, times);
}

void fixture_class_failed(struct interval_row *row, uint32_t class, enum class_counter what,
                          uint64_t times)
{
    struct class_figures *figures = class_of(row, class);
    figures->counters[CLASS_SENT] += times;
    figures->counters[what] += times;
    if (what == CLASS_ERRORS) {
        fixture_refuse(row, 0, 50000, times);
        return;
    }
    row->counters[COUNTER_SENT] += times;
    row->counters[COUNTER_DUE] += times;
    fixture_unanswered(row, what == CLASS_TIMED_OUT ? COUNTER_TIMED_OUT : COUNTER_LOST_DISCONNECT,
                       0, NS_PER_MS, times);
}

struct run_facts fixture_class_facts(void)
{
    struct run_facts facts = fixture_facts();
    snprintf(facts.name, sizeof facts.name, "shop");
    facts.warmup_ns = NS_PER_SECOND;
    facts.reads = true;
    facts.class_count = 2;
    snprintf(facts.class_names[0], sizeof facts.class_names[0], "read");
    snprintf(facts.class_names[1], sizeof facts.class_names[1], "write");
    return facts;
}

void fixture_play_classes(struct timeline *timeline, const struct session_facts *session)
{
    const struct run_facts facts = fixture_class_facts();
    timeline_session_begin(timeline, session);
    timeline_run_begin(timeline, &facts);
    fixture_kind(timeline, "OOM", "OOM command not allowed");
    for (uint32_t second = 0; second < 4; second++) {
        struct interval_row *row = fixture_row(second);
        row->header.flags = second == 0 ? INTERVAL_WARMUP : second == 3 ? INTERVAL_LAST : 0;
        fixture_class_ok(row, 0, 150000, 790);
        fixture_class_ok(row, 0, 2500000, second == 1 ? 10 : 0);
        fixture_class_ok(row, 1, 900000, 200);
        row->counters[COUNTER_HITS] = row->classes[0].counters[CLASS_HITS] = 700;
        row->counters[COUNTER_MISSES] = row->classes[0].counters[CLASS_MISSES] = 90;
        if (second == 3) {
            fixture_class_failed(row, 1, CLASS_ERRORS, 2);
            fixture_class_failed(row, 1, CLASS_TIMED_OUT, 3);
        }
        play_row(timeline, row);
    }
    struct run_result *result = fixture_result();
    result->workers[0].requests = result->workers[1].requests = 1491;
    timeline_run_end(timeline, result);
    timeline_session_end(timeline);
    free(result);
}

struct run_facts fixture_cluster_facts(void)
{
    static const char *const addresses[] = {"127.0.0.1:7000", "127.0.0.1:7001", "127.0.0.1:7002",
                                            "127.0.0.1:7003"};
    struct run_facts facts = fixture_facts();
    facts.requests = 0;
    facts.duration_ns = 8 * NS_PER_SECOND;
    facts.node_count = 4;
    for (uint32_t i = 0; i < facts.node_count; i++) {
        struct run_node *node = &facts.nodes[i];
        snprintf(node->text, sizeof node->text, "%s", addresses[i]);
        node->role = node->role_at_start = i < 3 ? RUN_ROLE_PRIMARY : RUN_ROLE_REPLICA;
        node->primary = i < 3 ? OUTAGE_NOBODY : 1;
    }
    return facts;
}

void fixture_node_ok(struct interval_row *row, uint32_t node, uint64_t first_ms, uint64_t last_ms,
                     uint64_t latency_ns, uint64_t times)
{
    const struct outcome_times when = {.first_ok_ns = first_ms * NS_PER_MS,
                                       .last_ok_ns = last_ms * NS_PER_MS};
    fixture_answer(row, latency_ns, times);
    for (uint64_t i = 0; i < times; i++)
        node_figures_ok(&row->nodes[node], latency_ns, 1);
    row->nodes[node].counters[NODE_SENT] += times;
    outcome_times_add(&row->nodes[node].times, &when);
    outcome_times_add(&row->header.times, &when);
    row->node_count = row->node_count > node ? row->node_count : node + 1;
}

void fixture_node_failed(struct interval_row *row, uint32_t node, uint64_t first_ms,
                         uint64_t last_ms, enum node_counter what, uint64_t times)
{
    const struct outcome_times when = {.first_failed_ns = first_ms * NS_PER_MS,
                                       .last_failed_ns = last_ms * NS_PER_MS};
    if (what == NODE_ERRORS) {
        fixture_refuse(row, 0, 50000, times);
    } else {
        row->counters[COUNTER_SENT] += times;
        row->counters[COUNTER_DUE] += times;
        fixture_unanswered(row,
                           what == NODE_TIMED_OUT ? COUNTER_TIMED_OUT : COUNTER_LOST_DISCONNECT, 0,
                           (last_ms - first_ms) * NS_PER_MS, times);
    }
    row->nodes[node].counters[NODE_SENT] += times;
    row->nodes[node].counters[what] += times;
    outcome_times_add(&row->nodes[node].times, &when);
    outcome_times_add(&row->header.times, &when);
    row->node_count = row->node_count > node ? row->node_count : node + 1;
}

/* The second in which node 1 breaks, and the two after it. */
static void play_breakdown(struct timeline *timeline)
{
    struct interval_row *row = fixture_row(3);
    fixture_node_ok(row, 0, 3005, 3995, 150000, 100);
    fixture_node_ok(row, 2, 3005, 3995, 150000, 100);
    fixture_node_ok(row, 1, 3005, 3200, 150000, 20);
    fixture_kind(timeline, "LOADING", "LOADING the dataset");
    fixture_node_failed(row, 1, 3210, 3990, NODE_ERRORS, 10);
    fixture_node_failed(row, 1, 3210, 3210, NODE_LOST, 2);
    row->counters[COUNTER_CONNECTIONS_LOST] = row->nodes[1].counters[NODE_CONNECTIONS_LOST] = 2;
    row->counters[COUNTER_CONNECTIONS_RESET] = 2;
    play_row(timeline, row);

    row = fixture_row(4);
    fixture_node_ok(row, 0, 4005, 4500, 150000, 50);
    fixture_node_ok(row, 2, 4005, 4500, 150000, 50);
    fixture_node_failed(row, 0, 4510, 4990, NODE_ERRORS, 20);
    fixture_node_failed(row, 1, 4000, 4990, NODE_ERRORS, 10);
    fixture_node_failed(row, 2, 4510, 4990, NODE_ERRORS, 20);
    row->counters[COUNTER_CONNECT_FAILURES] = row->nodes[1].counters[NODE_CONNECT_FAILURES] = 3;
    row->counters[COUNTER_CONNECT_REFUSED] = 2;
    play_row(timeline, row);

    row = fixture_row(5);
    fixture_node_failed(row, 0, 5000, 5800, NODE_ERRORS, 5);
    fixture_node_failed(row, 2, 5000, 5800, NODE_ERRORS, 5);
    fixture_node_failed(row, 1, 5500, 5500, NODE_TIMED_OUT, 3);
    fixture_node_ok(row, 0, 5900, 5990, 9000000, 10);
    fixture_node_ok(row, 2, 5900, 5990, 9000000, 10);
    fixture_node_ok(row, 3, 5950, 5990, 9000000, 5);
    row->counters[COUNTER_MOVED] = row->nodes[2].counters[NODE_REDIRECTED] = 7;
    row->nodes[2].counters[NODE_SENT] += 7;
    row->counters[COUNTER_RESENT] = 7;
    play_row(timeline, row);
}

void fixture_play_cluster(struct timeline *timeline, const struct session_facts *session)
{
    struct run_facts facts = fixture_cluster_facts();
    timeline_session_begin(timeline, session);
    timeline_run_begin(timeline, &facts);
    for (uint32_t second = 0; second < 8; second++) {
        if (second == 3) {
            play_breakdown(timeline);
            second = 6;
        }
        struct interval_row *row = fixture_row(second);
        for (uint32_t node = 0; node < 3; node++)
            fixture_node_ok(row, second >= 6 && node == 1 ? 3 : node, 1000 * second + 5,
                            1000 * second + 995, 150000, 100);
        if (second == 0) {
            row->counters[COUNTER_HANDSHAKES] = 4;
            row->counters[COUNTER_HANDSHAKES_RESUMED] = 1;
            histogram_record_n(&row->histograms[HISTOGRAM_HANDSHAKE], 2000000, 4);
        }
        row->header.flags = second == 7 ? INTERVAL_LAST : 0;
        play_row(timeline, row);
    }
    timeline->run.nodes[1].role = RUN_ROLE_GONE; /* what they came to be */
    timeline->run.nodes[3].role = RUN_ROLE_PRIMARY;
    struct run_result *result = fixture_result();
    result->workers[0].requests = 1000;
    result->workers[1].requests = 915;
    timeline_run_end(timeline, result);
    timeline_session_end(timeline);
    free(result);
}

char *fixture_directory(void)
{
    char *directory = strdup("/tmp/volley-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    return directory;
}

void fixture_remove(char *directory)
{
    DIR *entries = opendir(directory);
    char path[512];
    for (struct dirent *entry = entries ? readdir(entries) : NULL; entry != NULL;
         entry = readdir(entries)) {
        snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        unlink(path); /* "." and ".." refuse */
    }
    if (entries != NULL)
        closedir(entries);
    ck_assert_int_eq(rmdir(directory), 0);
    free(directory);
}

int fixture_count_files(const char *directory)
{
    int count = 0;
    DIR *folder = opendir(directory);
    ck_assert_ptr_nonnull(folder);
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(folder);
    return count;
}

char *fixture_read_file(const char *directory, const char *name, size_t *byte_count)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    char *bytes = NULL;
    size_t size = 0;
    FILE *copy = open_memstream(&bytes, &size);
    for (int c = fgetc(file); c != EOF; c = fgetc(file))
        fputc(c, copy);
    fclose(copy);
    fclose(file);
    if (byte_count != NULL)
        *byte_count = size;
    return bytes;
}
