#include "worker/recorder.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/secret.h"
#include "worker/stream.h"

static uint64_t timeval_ns(struct timeval time)
{
    return (uint64_t)time.tv_sec * NS_PER_SECOND + (uint64_t)time.tv_usec * NS_PER_US;
}

/* How long this process was ready to run and did not: the second number of /proc/self/schedstat
 * (Documentation/scheduler/sched-stats.rst of the kernel). */
static uint64_t read_run_delay_ns(const struct process_cpu *cpu)
{
    char text[128], *end;
    ssize_t got = cpu->schedstat_fd < 0 ? -1 : pread(cpu->schedstat_fd, text, sizeof text - 1, 0);
    if (got <= 0)
        return cpu->run_delay_ns;
    text[got] = '\0';
    strtoull(text, &end, 10);
    return strtoull(end, NULL, 10);
}

void recorder_start_cpu(struct stream *stream, uint64_t now_ns)
{
    struct process_cpu *cpu = &stream->worker->cpu;
    struct rusage usage = {0};
    stream->recorder.alive_ns = now_ns;
    if (cpu->counted_ns != 0)
        return;
    getrusage(RUSAGE_SELF, &usage);
    cpu->user_ns = timeval_ns(usage.ru_utime);
    cpu->system_ns = timeval_ns(usage.ru_stime);
    cpu->counted_ns = now_ns;
    cpu->schedstat_fd = open("/proc/self/schedstat", O_RDONLY | O_CLOEXEC);
    cpu->run_delay_ns = read_run_delay_ns(cpu);
}

/* Whether it stood still is told by CPU time since that was counted last, which is now: for all others first. */
static void look_for_stop_in_others(const struct stream *stream)
{
    struct worker *worker = stream->worker;
    const uint64_t now_ns = worker->stream_count > 1 ? clock_now_ns() : 0;
    for (uint32_t i = 0; i < worker->stream_count; i++) {
        struct stream *other = &worker->streams[i];
        if (other != stream && other->start_ns != 0 && !other->ended)
            recorder_look_for_stop(other, now_ns);
    }
}

/* A replacement goes on from the totals of the one before it. */
void recorder_count_cpu(struct stream *stream)
{
    look_for_stop_in_others(stream);
    struct process_cpu *cpu = &stream->worker->cpu;
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return;
    uint64_t user_ns = timeval_ns(usage.ru_utime), system_ns = timeval_ns(usage.ru_stime);
    uint64_t run_delay_ns = read_run_delay_ns(cpu);
    stream_count(stream, COUNTER_CPU_USER_NS, user_ns - cpu->user_ns);
    stream_count(stream, COUNTER_CPU_SYSTEM_NS, system_ns - cpu->system_ns);
    stream_count(stream, COUNTER_RUN_DELAY_NS, run_delay_ns - cpu->run_delay_ns);
    cpu->user_ns = user_ns;
    cpu->system_ns = system_ns;
    cpu->run_delay_ns = run_delay_ns;
    cpu->counted_ns = stream->recorder.alive_ns;
}

static void find_newest(uint64_t *newest_ns, uint64_t reading_ns, uint64_t now_ns)
{
    if (reading_ns > *newest_ns && now_ns > reading_ns + OWN_STOP_NS)
        *newest_ns = reading_ns;
}

/* Off its CPU for so long since its CPU time was counted: not busy with something long. */
static bool was_off_cpu(const struct process_cpu *cpu, uint64_t now_ns, uint64_t for_ns)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return true;
    uint64_t busy_ns =
        timeval_ns(usage.ru_utime) + timeval_ns(usage.ru_stime) - cpu->user_ns - cpu->system_ns;
    return now_ns > cpu->counted_ns + busy_ns + for_ns - for_ns / 8;
}

void recorder_count_still(struct stream *stream, uint64_t from_ns)
{
    const struct own_stop *still = &stream->recorder.still;
    uint64_t to_ns = still->to_ns < stream->edge_ns ? still->to_ns : stream->edge_ns;
    if (to_ns > from_ns)
        stream_count(stream, COUNTER_STOOD_STILL_NS, to_ns - from_ns);
}

void recorder_look_for_stop(struct stream *stream, uint64_t now_ns)
{
    struct recorder *recorder = &stream->recorder;
    struct own_stop stop = {recorder->alive_ns, now_ns};
    recorder->alive_ns = now_ns;
    if (now_ns <= stop.from_ns + OWN_STOP_NS)
        return;
    find_newest(&stop.from_ns, stream->worker->wait.turn_ns, now_ns);
    find_newest(&stop.from_ns, stream->lag.looked_ns, now_ns);
    find_newest(&stop.from_ns, stream->lag.waiting_ns, now_ns);
    find_newest(&stop.from_ns,
                atomic_load_explicit(&stream->live->last_done_ns, memory_order_relaxed), now_ns);
    if (!was_off_cpu(&stream->worker->cpu, now_ns, now_ns - stop.from_ns))
        return;
    recorder->still = stop;
    recorder->woken_turns = 2;
    recorder_count_still(stream, stop.from_ns);
    own_stops_add(&recorder->own_stops, stop);
}

void recorder_begin_stops(struct stream *stream, uint64_t begin_ns)
{
    struct recorder *recorder = &stream->recorder;
    recorder->own_stops.count = 0;
    if (recorder->still.to_ns > begin_ns)
        own_stops_add(&recorder->own_stops, recorder->still); /* it goes on into this record */
}

/* Instants are clock readings while the interval is under way, and times since the start in a record. */
static void rebase(struct outcome_times *times, uint64_t from_ns, uint64_t to_ns)
{
    uint64_t *const instants[] = {&times->first_ok_ns, &times->last_ok_ns, &times->first_failed_ns,
                                  &times->last_failed_ns};
    for (size_t i = 0; i < sizeof instants / sizeof instants[0]; i++)
        if (*instants[i] != 0)
            *instants[i] = *instants[i] - from_ns + to_ns;
}

static void rebase_all(struct interval *interval, uint64_t from_ns, uint64_t to_ns)
{
    rebase(&interval->header.times, from_ns, to_ns);
    for (uint32_t i = 0; i < interval->node_count; i++)
        rebase(&interval->nodes[i].times, from_ns, to_ns);
}

/* As far as they lie in the record that ends at end_ns. */
static struct own_stops own_stops_since(const struct stream *stream, uint64_t end_ns)
{
    const struct recorder *recorder = &stream->recorder;
    struct own_stops record = {
        1, {{stream->start_ns + recorder->interval->header.start_ns, stream->start_ns + end_ns}}};
    struct own_stops stops = own_stops_common(&recorder->own_stops, &record);
    for (uint32_t i = 0; i < stops.count; i++) {
        stops.items[i].from_ns -= stream->start_ns;
        stops.items[i].to_ns -= stream->start_ns;
    }
    return stops;
}

/* The least of the longest hundredth; 0: of too few. */
static uint64_t lag_tail_ns(const struct interval_histogram *lagged, uint32_t connections)
{
    uint64_t all_ready = (uint64_t)connections * LAG_SAMPLED_FROM_TURNS;
    if (lagged->count < LAG_SAMPLED_FROM || lagged->count < all_ready)
        return 0;
    uint64_t longest = 0;
    uint32_t index = lagged->high_index;
    while ((longest += lagged->counts[index]) < lagged->count / 100)
        index--;
    return histogram_lowest_value(index);
}

bool recorder_publish(struct stream *stream, uint64_t end_ns, uint32_t *encoded_bytes)
{
    struct recorder *recorder = &stream->recorder;
    struct interval *interval = recorder->interval;
    interval->header.end_ns = end_ns;
    interval->header.own_stops = own_stops_since(stream, end_ns);
    interval->header.in_flight_after = stream->in_flight;
    interval->header.connections_open = stream->connections_ready;
    interval->header.backlog_after = stream_backlog(stream);
    for (int i = 0; i < COUNTER_COUNT; i++)
        interval->counters[i] = stream_total(stream, (enum counter)i) - recorder->published[i];
    interval_histogram_settle(&interval->histograms[HISTOGRAM_LAGGED]);
    interval_histogram_settle(&interval->histograms[HISTOGRAM_UNLAGGED]);
    stream->lag.tail_ns =
        lag_tail_ns(&interval->histograms[HISTOGRAM_LAGGED], stream->share->connections);
    rebase_all(interval, stream->start_ns, 0);
    *encoded_bytes = (uint32_t)interval_encode(recorder->wire, interval);
    rebase_all(interval, 0, stream->start_ns);
    if (recorder->held_bytes > 0 &&
        ring_try_push(stream->ring, recorder->held, recorder->held_bytes))
        recorder->held_bytes = 0;
    return recorder->held_bytes == 0 && ring_try_push(stream->ring, recorder->wire, *encoded_bytes);
}

void recorder_hold(struct stream *stream, uint32_t encoded_bytes)
{
    struct recorder *recorder = &stream->recorder;
    unsigned char *encoded = recorder->wire;
    assert(recorder->held_bytes == 0);
    recorder->wire = recorder->held;
    recorder->held = encoded;
    recorder->held_bytes = encoded_bytes;
}

/* What draining adds to a wait depends on its limit, and is no part of the load. */
static uint64_t waited(const struct stream *stream, uint64_t since_ns, uint64_t now_ns)
{
    uint64_t until_ns = now_ns < stream->stop_at_ns ? now_ns : stream->stop_at_ns;
    return until_ns > since_ns ? until_ns - since_ns : 0;
}

void recorder_unanswered(struct stream *stream, const struct request_slot *slot, uint64_t now_ns)
{
    interval_histogram_record(&stream->recorder.interval->histograms[HISTOGRAM_SERVICE_UNANSWERED],
                              waited(stream, slot->sent_ns, now_ns));
    recorder_unsent(stream, 1, slot->intended_ns, now_ns);
}

void recorder_unsent(struct stream *stream, uint64_t tickets, uint64_t since_ns, uint64_t now_ns)
{
    if (stream->open_loop && tickets > 0)
        interval_histogram_record_alike(
            &stream->recorder.interval->histograms[HISTOGRAM_RESPONSE_UNANSWERED],
            waited(stream, since_ns, now_ns), tickets);
}

/* False: a new one, and there is room for it. */
static bool find_kind(uint32_t *kind, const struct ipc_worker *live, const char *word)
{
    uint32_t count = atomic_load_explicit(&live->error_kind_count, memory_order_relaxed);
    for (*kind = 0; *kind < count; ++*kind)
        if (strcmp(live->error_kinds[*kind].word, word) == 0)
            return true;
    *kind = ERROR_KINDS_MAX - 1;
    return count == ERROR_KINDS_MAX;
}

static uint32_t add_kind(struct ipc_worker *live, const char *word, const char *text,
                         size_t text_bytes)
{
    uint32_t count = atomic_load_explicit(&live->error_kind_count, memory_order_relaxed);
    struct ipc_error_kind *kind = &live->error_kinds[count];
    bool last = count == ERROR_KINDS_MAX - 1;
    snprintf(kind->word, sizeof kind->word, "%s", last ? "OTHER" : word);
    if (text_bytes > sizeof kind->text - 1)
        text_bytes = sizeof kind->text - 1;
    for (size_t i = 0; i < text_bytes; i++) /* a log line must stay one line */
        kind->text[i] = (unsigned char)text[i] >= ' ' && text[i] != 127 ? text[i] : '?';
    kind->text[text_bytes] = '\0';
    /* Release: partner is the collector's acquire load before it maps kinds. */
    atomic_store_explicit(&live->error_kind_count, count + 1, memory_order_release);
    return count;
}

static void first_word(char word[sizeof((struct ipc_error_kind *)0)->word], const char *before,
                       const char *text, size_t text_bytes)
{
    size_t bytes = 0;
    while (*before != '\0')
        word[bytes++] = *before++;
    for (size_t i = 0; i < text_bytes && text[i] != ' ' && text[i] != '\0' &&
                       bytes < sizeof((struct ipc_error_kind *)0)->word - 1;
         i++)
        word[bytes++] = text[i];
    word[bytes] = '\0';
}

/* Only words that are new are shown: they are looked through for the password. */
static uint32_t kind_of(struct stream *stream, const char *before, const char *text,
                        size_t text_bytes)
{
    char word[sizeof stream->live->error_kinds[0].word], shown[RESP_LINE_BYTES + 1];
    uint32_t kind;
    first_word(word, before, text, text_bytes);
    if (find_kind(&kind, stream->live, word))
        return kind;
    text_bytes = text_bytes < RESP_LINE_BYTES ? text_bytes : RESP_LINE_BYTES;
    memcpy(shown, text, text_bytes);
    shown[text_bytes] = '\0';
    if (secret_mask(shown, stream->spec->endpoint.password)) {
        text_bytes = strlen(shown);
        first_word(word, before, shown, text_bytes);
        if (find_kind(&kind, stream->live, word))
            return kind;
    }
    return add_kind(stream->live, word, shown, text_bytes);
}

uint32_t recorder_error_kind(struct stream *stream, const char *text, size_t text_bytes)
{
    return kind_of(stream, "", text, text_bytes);
}

void recorder_closing_words(struct stream *stream, const char *text, size_t text_bytes)
{
    (void)kind_of(stream, IPC_CLOSING_WORDS, text, text_bytes);
}

void recorder_refusal(struct stream *stream, const char *text, size_t text_bytes, uint64_t now_ns)
{
    struct ipc_refusal *refusal = &stream->live->refusal;
    const uint64_t count = atomic_load_explicit(&refusal->count, memory_order_relaxed);
    const uint64_t at_ns = atomic_load_explicit(&refusal->at_ns, memory_order_relaxed);
    char *kept = refusal->texts[(count + 1) % 2];
    if (now_ns < at_ns + NS_PER_MS)
        return;
    if (text_bytes > sizeof refusal->texts[0] - 1)
        text_bytes = sizeof refusal->texts[0] - 1;
    memcpy(kept, text, text_bytes);
    kept[text_bytes] = '\0';
    atomic_store_explicit(&refusal->at_ns, now_ns, memory_order_relaxed);
    /* Release: partner is the orchestrator's acquire load. */
    atomic_store_explicit(&refusal->count, count + 1, memory_order_release);
}

void recorder_error_reply(struct stream *stream, uint32_t kind)
{
    _Atomic uint64_t *replies = &stream->live->error_kind_replies[kind];
    atomic_store_explicit(replies, atomic_load_explicit(replies, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    /* Of a worker that dies between the two, the kinds tell how many error replies there were. */
    atomic_signal_fence(memory_order_seq_cst);
    stream_count(stream, COUNTER_ERROR_REPLIES, 1);
    stream->recorder.interval->errors_by_kind[kind]++;
    const char *word = stream->live->error_kinds[kind].word;
    if (strcmp(word, "MOVED") == 0)
        stream_count(stream, COUNTER_MOVED, 1);
    else if (strcmp(word, "ASK") == 0)
        stream_count(stream, COUNTER_ASKED, 1);
    else if (strcmp(word, "TRYAGAIN") == 0)
        stream_count(stream, COUNTER_TRYAGAIN, 1);
    else if (strcmp(word, "CLUSTERDOWN") == 0)
        stream_count(stream, COUNTER_CLUSTERDOWN, 1);
}

void recorder_class_ok(struct stream *stream, const struct request_slot *slot, uint64_t done_ns)
{
    struct interval *interval = stream->recorder.interval;
    const uint64_t since_ns[CLASS_TIMES] = {slot->sent_ns, slot->intended_ns};
    if (interval->class_count == 0)
        return;
    struct class_figures *class = &interval->classes[slot->class];
    class->counters[CLASS_OK]++;
    for (unsigned i = 0; i < (stream->open_loop ? CLASS_TIMES : CLASS_RESPONSE); i++) {
        coarse_record(&class->times[i], done_ns - since_ns[i], 1);
        interval_histogram_record(&interval->class_windows[slot->class * CLASS_TIMES + i],
                                  done_ns - since_ns[i]);
    }
}

void recorder_class_ok_alike(struct stream *stream, uint32_t class, uint64_t service_ns,
                             uint32_t count)
{
    struct interval *interval = stream->recorder.interval;
    if (interval->class_count == 0)
        return;
    interval->classes[class].counters[CLASS_OK] += count;
    coarse_record(&interval->classes[class].times[CLASS_SERVICE], service_ns, count);
    interval_histogram_record_alike(&interval->class_windows[class * CLASS_TIMES + CLASS_SERVICE],
                                    service_ns, count);
}

void recorder_part_ok(struct stream *stream, uint32_t part, const struct request_slot *slot,
                      uint64_t done_ns)
{
    struct class_figures *figures = &stream->recorder.interval->parts[part];
    figures->counters[CLASS_OK]++;
    coarse_record(&figures->times[CLASS_SERVICE], done_ns - slot->sent_ns, 1);
    if (stream->open_loop)
        coarse_record(&figures->times[CLASS_RESPONSE], done_ns - slot->intended_ns, 1);
}

void recorder_heed_failures(struct stream *stream, uint64_t now_ns)
{
    const uint64_t limit = stream->spec->load.max_errors;
    if (limit > 0 && stream->start_ns != 0 && now_ns < stream->stop_at_ns &&
        ipc_failures(stream->run->segment) >= limit)
        stream->stop_at_ns = now_ns;
}

void recorder_fed(struct stream *stream, const struct request_slot *slot,
                  enum class_counter counter)
{
    const struct consume *consume = &stream->consume;
    const uint32_t feeds = stream->generation.classes[slot->class].feeds;
    uint64_t expected = 0;
    if (slot->ticket >= WORKLOAD_WARMUP_TICKET || consume->plan == NULL)
        return;
    for (uint32_t i = 0; i < consume->plan->count; i++) {
        if ((feeds >> i & 1) == 0)
            continue;
        const uint64_t receivers = consume->plan->lanes[i].receivers;
        stream->recorder.interval->parts[consume->first_part + i].counters[counter] += receivers;
        expected += receivers;
    }
    if (counter == CLASS_EXPECTED)
        stream_add(&stream->live->expected, expected);
}
