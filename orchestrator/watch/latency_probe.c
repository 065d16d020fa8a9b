#include "orchestrator/watch/latency_probe.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/greeting.h"
#include "common/log.h"
#include "common/printable.h"
#include "common/secret.h"
#include "orchestrator/server/async_control.h"

#define PAUSE_LEAST_NS (250 * NS_PER_MS)
#define PAUSE_MOST_NS (5 * NS_PER_SECOND)
#define SHED_AFTER_NS NS_PER_SECOND
#define PING_BYTES 14u /* as it is written */
#define PONG_BYTES 7u

enum probe_state {
    PROBE_PAUSED,     /* no connection; -> CONNECTING at retry_ns                  */
    PROBE_CONNECTING, /* and logging in; -> READY, -> PAUSED                       */
    PROBE_READY,      /* no PING is under way; -> ASKING, -> PAUSED                */
    PROBE_ASKING      /* since sent_ns; -> READY by its reply, -> PAUSED           */
};

struct latency_probe {
    struct latency_probe_setup setup;
    struct event_base *base;
    struct event *timer;
    struct async_control *control; /* NULL: PAUSED */
    enum probe_state state;
    unsigned login_pending; /* replies to what a connection begins with */
    uint64_t began_ns;      /* CONNECTING since */
    uint64_t sent_ns;       /* ASKING since     */
    uint64_t retry_ns, pause_ns;
    uint64_t due;     /* tickets that have fallen due so far                  */
    uint64_t taken;   /* of those: sent or shed                               */
    uint64_t from_ns; /* ... and counts from: of the ticket that is under way      */
    uint64_t idle_ns; /* since when a PING could be sent at once; UINT64_MAX: it cannot */
    bool opened_once, silence_said, refusal_said;
    enum latency_probe_state newest;
    struct interval_row *row;    /* since the last cut */
    struct interval_row *told;   /* of the last cut    */
    uint64_t backlog, in_flight; /* at the last cut    */
    uint64_t cut_ns;
};

static uint64_t intended_ns(const struct latency_probe *probe, uint64_t ticket)
{
    return probe->setup.start_ns + ticket * probe->setup.period_ns;
}

static void record(struct latency_probe *probe, enum interval_histogram_kind kind, uint64_t ns)
{
    histogram_record_n(&probe->row->histograms[kind], ns, 1);
}

static uint64_t since(uint64_t now_ns, uint64_t then_ns)
{
    return now_ns > then_ns ? now_ns - then_ns : 0;
}

static uint64_t run_ns(const struct latency_probe *probe, uint64_t now_ns)
{
    return since(now_ns, probe->setup.start_ns);
}

/* ---- what is said ---- */

static void say_answer(struct latency_probe *probe)
{
    if (probe->silence_said)
        log_line(LOG_WARNING, "%s answers again", PRINTABLE(probe->setup.target->text));
    probe->silence_said = false;
    probe->newest = LATENCY_ANSWERED;
}

static void say_silence(struct latency_probe *probe, const char *why)
{
    if (!probe->silence_said)
        log_line(LOG_WARNING, "%s %s; it is tried again until it answers",
                 PRINTABLE(probe->setup.target->text), why);
    probe->silence_said = true;
    probe->newest = LATENCY_SILENT;
}

/* ---- what comes of a ticket ---- */

static void unanswered(struct latency_probe *probe, enum counter counter, uint64_t now_ns)
{
    probe->row->counters[counter]++;
    record(probe, HISTOGRAM_SERVICE_UNANSWERED, since(now_ns, probe->sent_ns));
    record(probe, HISTOGRAM_RESPONSE_UNANSWERED, since(now_ns, probe->from_ns));
    outcome_failed(&probe->row->header.times, run_ns(probe, now_ns));
}

/* Those that nobody could have taken for so long. */
static void shed(struct latency_probe *probe, uint64_t now_ns)
{
    while (probe->taken < probe->due &&
           since(now_ns, intended_ns(probe, probe->taken)) > SHED_AFTER_NS) {
        record(probe, HISTOGRAM_RESPONSE_UNANSWERED,
               since(now_ns, intended_ns(probe, probe->taken++)));
        probe->row->counters[COUNTER_SHED_NODE]++;
        outcome_failed(&probe->row->header.times, run_ns(probe, now_ns));
    }
}

static void count_due(struct latency_probe *probe, uint64_t now_ns)
{
    if (now_ns < probe->setup.start_ns)
        return;
    const uint64_t due = (now_ns - probe->setup.start_ns) / probe->setup.period_ns + 1;
    probe->row->counters[COUNTER_DUE] += due - probe->due;
    probe->due = due;
}

static bool is_up(const struct latency_probe *probe)
{
    return probe->state == PROBE_READY || probe->state == PROBE_ASKING;
}

/* ---- connections ---- */

static void disconnect(struct latency_probe *probe, uint64_t now_ns)
{
    async_control_close(probe->control);
    probe->control = NULL;
    probe->state = PROBE_PAUSED;
    probe->idle_ns = UINT64_MAX;
    probe->pause_ns = probe->pause_ns == 0                  ? PAUSE_LEAST_NS
                      : 2 * probe->pause_ns < PAUSE_MOST_NS ? 2 * probe->pause_ns
                                                            : PAUSE_MOST_NS;
    probe->retry_ns = now_ns + probe->pause_ns;
}

static void fail_to_connect(struct latency_probe *probe, enum counter cause, uint64_t now_ns,
                            const char *why)
{
    probe->row->counters[COUNTER_CONNECT_FAILURES]++;
    if (cause != COUNTER_CONNECT_FAILURES)
        probe->row->counters[cause]++;
    say_silence(probe, why);
    disconnect(probe, now_ns);
}

/* One that was ready. */
static void lose(struct latency_probe *probe, enum counter outcome, enum counter cause,
                 uint64_t now_ns, const char *why)
{
    if (probe->state == PROBE_ASKING)
        unanswered(probe, outcome, now_ns);
    probe->row->counters[COUNTER_CONNECTIONS_LOST]++;
    probe->row->counters[cause]++;
    say_silence(probe, why);
    disconnect(probe, now_ns);
}

static void advance(struct latency_probe *probe, uint64_t now_ns);

static void become_ready(struct latency_probe *probe, uint64_t now_ns)
{
    probe->state = PROBE_READY;
    probe->idle_ns = now_ns;
    record(probe, HISTOGRAM_CONNECT, since(now_ns, probe->began_ns));
    probe->row->counters[COUNTER_CONNECTIONS_OPENED] += probe->opened_once;
    probe->opened_once = true;
}

static void on_ready(void *state)
{
    struct latency_probe *probe = state;
    const uint64_t now_ns = clock_now_ns();
    if (probe->login_pending > 0)
        return;
    become_ready(probe, now_ns);
    advance(probe, now_ns);
}

static void on_lost(void *state)
{
    struct latency_probe *probe = state;
    const uint64_t now_ns = clock_now_ns();
    count_due(probe, now_ns);
    if (is_up(probe))
        lose(probe, COUNTER_LOST_DISCONNECT, COUNTER_CONNECTIONS_CLOSED, now_ns,
             "has ended the connection");
    else
        fail_to_connect(probe, COUNTER_CONNECT_FAILURES, now_ns, "cannot be connected to");
    advance(probe, now_ns);
}

static void take_login(struct latency_probe *probe, redisReply *reply, uint64_t now_ns)
{
    probe->login_pending--;
    if (reply->type == REDIS_REPLY_ERROR && !greeting_error_is(reply->str, "LOADING")) {
        if (!probe->refusal_said) {
            secret_mask_reply(reply->str, probe->setup.endpoint->password);
            log_line(LOG_WARNING, "%s refuses the login: %s", PRINTABLE(probe->setup.target->text),
                     PRINTABLE(reply->str));
        }
        probe->refusal_said = true;
        fail_to_connect(probe, COUNTER_CONNECT_FAILURES, now_ns, "refuses the login");
        return;
    }
    if (probe->login_pending == 0)
        become_ready(probe, now_ns);
}

/* An answer that forbids PING, or does not know it, is as good as any other. */
static bool is_fine(const redisReply *reply)
{
    return reply->type != REDIS_REPLY_ERROR || greeting_error_is(reply->str, "NOPERM") ||
           strncasecmp(reply->str, "ERR unknown command", 19) == 0;
}

static void take_answer(struct latency_probe *probe, const redisReply *reply, uint64_t now_ns)
{
    struct interval_row *row = probe->row;
    row->counters[COUNTER_BYTES_IN] += reply->type == REDIS_REPLY_STATUS ? PONG_BYTES : 0;
    probe->state = PROBE_READY;
    probe->idle_ns = now_ns;
    if (is_fine(reply)) {
        row->counters[COUNTER_OK]++;
        record(probe, HISTOGRAM_SERVICE_OK, since(now_ns, probe->sent_ns));
        record(probe, HISTOGRAM_RESPONSE_OK, since(now_ns, probe->from_ns));
        outcome_ok(&row->header.times, run_ns(probe, now_ns));
        probe->pause_ns = 0;
        say_answer(probe);
        return;
    }
    const uint8_t kind = probe->setup.number_of_error != NULL
                             ? probe->setup.number_of_error(probe->setup.state, reply->str)
                             : 0;
    row->counters[COUNTER_ERROR_REPLIES]++;
    row->errors_by_kind[kind < ERROR_KINDS_MAX ? kind : ERROR_KINDS_MAX - 1]++;
    record(probe, HISTOGRAM_SERVICE_ERROR, since(now_ns, probe->sent_ns));
    outcome_failed(&row->header.times, run_ns(probe, now_ns));
    if (!probe->refusal_said)
        log_line(LOG_WARNING, "%s answers PING with: %s", PRINTABLE(probe->setup.target->text),
                 PRINTABLE(reply->str));
    probe->refusal_said = true;
}

static void on_reply(void *state, redisReply *reply)
{
    struct latency_probe *probe = state;
    const uint64_t now_ns = clock_now_ns();
    count_due(probe, now_ns);
    if (probe->login_pending > 0)
        take_login(probe, reply, now_ns);
    else if (probe->state == PROBE_ASKING)
        take_answer(probe, reply, now_ns);
    else
        lose(probe, COUNTER_LOST_PROTOCOL, COUNTER_CONNECTIONS_PROTOCOL, now_ns,
             "says what nobody asked for");
    advance(probe, now_ns);
}

static void connect_anew(struct latency_probe *probe, uint64_t now_ns)
{
    static const enum greeting_command said[] = {GREETING_AUTH, GREETING_SELECT};
    const struct async_listener listener = {
        .ready = on_ready, .reply = on_reply, .lost = on_lost, .state = probe};
    probe->began_ns = now_ns;
    probe->login_pending = 0;
    probe->control =
        async_control_open(probe->base, probe->setup.target, probe->setup.tls, listener);
    bool sent = probe->control != NULL;
    for (size_t i = 0; i < sizeof said / sizeof said[0] && sent; i++) {
        struct greeting_words words;
        greeting_words(&words, said[i], probe->setup.endpoint, GREETING_RESP2);
        if (words.argc == 0)
            continue;
        sent = async_control_send(probe->control, (int)words.argc, words.argv);
        probe->login_pending++;
    }
    probe->state = PROBE_CONNECTING;
    if (!sent)
        fail_to_connect(probe, COUNTER_CONNECT_FAILURES, now_ns, "cannot be connected to");
}

/* ---- asking ---- */

static void ask(struct latency_probe *probe, uint64_t now_ns)
{
    struct interval_row *row = probe->row;
    const uint64_t due_ns = intended_ns(probe, probe->taken);
    const bool waited = probe->idle_ns > due_ns;
    probe->taken++;
    probe->sent_ns = now_ns;
    probe->from_ns = waited ? due_ns : now_ns;
    probe->state = PROBE_ASKING;
    row->counters[COUNTER_SENT]++;
    row->counters[COUNTER_BYTES_OUT] += PING_BYTES;
    record(probe, HISTOGRAM_SLIP, since(now_ns, waited ? probe->idle_ns : due_ns));
    record(probe, HISTOGRAM_WAIT, waited ? since(probe->idle_ns, due_ns) : 0);
    if (!async_control_send(probe->control, 1, (const char *[]){"PING"}))
        lose(probe, COUNTER_LOST_DISCONNECT, COUNTER_CONNECTIONS_CLOSED, now_ns,
             "cannot be asked: no memory");
}

static void check_limits(struct latency_probe *probe, uint64_t now_ns)
{
    const struct endpoint *endpoint = probe->setup.endpoint;
    if (probe->state == PROBE_ASKING &&
        since(now_ns, probe->sent_ns) >= endpoint->request_timeout_ns)
        lose(probe, COUNTER_TIMED_OUT, COUNTER_CONNECTIONS_TIMED_OUT, now_ns, "does not answer");
    else if (probe->state == PROBE_CONNECTING &&
             since(now_ns, probe->began_ns) >= endpoint->connection_timeout_ns)
        fail_to_connect(probe, COUNTER_CONNECT_TIMED_OUT, now_ns, "does not answer");
    else if (probe->state == PROBE_PAUSED && now_ns >= probe->retry_ns)
        connect_anew(probe, now_ns);
}

/* When there is something to do again, whatever the server says. */
static uint64_t next_ns(const struct latency_probe *probe)
{
    const struct endpoint *endpoint = probe->setup.endpoint;
    uint64_t at_ns = intended_ns(probe, probe->due);
    uint64_t limit_ns = at_ns;
    if (probe->state == PROBE_ASKING)
        limit_ns = probe->sent_ns + endpoint->request_timeout_ns;
    else if (probe->state == PROBE_CONNECTING)
        limit_ns = probe->began_ns + endpoint->connection_timeout_ns;
    else if (probe->state == PROBE_PAUSED)
        limit_ns = probe->retry_ns;
    return limit_ns < at_ns ? limit_ns : at_ns;
}

static void advance(struct latency_probe *probe, uint64_t now_ns)
{
    count_due(probe, now_ns);
    check_limits(probe, now_ns);
    if (probe->state == PROBE_READY && probe->taken < probe->due)
        ask(probe, now_ns);
    if (!is_up(probe))
        shed(probe, now_ns);
    /* The event loop's timers end on the same side of a microsecond as the clock does. */
    const uint64_t delay_ns = since(next_ns(probe), now_ns) + NS_PER_US;
    const struct timeval delay = {.tv_sec = (time_t)(delay_ns / NS_PER_SECOND),
                                  .tv_usec = (suseconds_t)(delay_ns % NS_PER_SECOND / NS_PER_US)};
    if (event_add(probe->timer, &delay) != 0)
        log_line(LOG_WARNING, "%s is not asked any more: no timer",
                 PRINTABLE(probe->setup.target->text));
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    advance(argument, clock_now_ns());
}

/* ---- rows ---- */

const struct interval_row *latency_probe_cut(struct latency_probe *probe, uint64_t at_ns, bool last)
{
    struct interval_row *row = probe->row;
    count_due(probe, at_ns);
    if (last && probe->state == PROBE_ASKING) {
        unanswered(probe, COUNTER_LOST_DRAIN, at_ns);
        probe->state = PROBE_READY;
    }
    row->header.flags = INTERVAL_OPEN_LOOP | (last ? INTERVAL_LAST : 0);
    row->header.start_ns = run_ns(probe, probe->cut_ns);
    row->header.end_ns = run_ns(probe, at_ns);
    row->header.backlog_before = probe->backlog;
    row->header.in_flight_before = probe->in_flight;
    row->header.backlog_after = probe->backlog = probe->due - probe->taken;
    row->header.in_flight_after = probe->in_flight = probe->state == PROBE_ASKING;
    row->header.connections_open = is_up(probe);
    probe->cut_ns = at_ns;
    probe->row = probe->told;
    probe->told = row;
    interval_row_reset(probe->row);
    return row;
}

enum latency_probe_state latency_probe_state(const struct latency_probe *probe)
{
    return probe->newest;
}

static void merge_node(struct node_figures *node, const struct interval_row *row)
{
    const struct histogram *times = &row->histograms[HISTOGRAM_RESPONSE_OK];
    const uint64_t *counters = row->counters;
    for (uint32_t i = 0; i < HISTOGRAM_COUNTS && times->count > 0; i++)
        if (times->counts[i] > 0)
            node_figures_ok(node,
                            histogram_highest_value(i) < times->max_ns ? histogram_highest_value(i)
                                                                       : times->max_ns,
                            times->counts[i]);
    node->counters[NODE_SENT] += counters[COUNTER_SENT];
    node->counters[NODE_ERRORS] += counters[COUNTER_ERROR_REPLIES];
    node->counters[NODE_TIMED_OUT] += counters[COUNTER_TIMED_OUT];
    node->counters[NODE_LOST] += counters_lost(counters);
    node->counters[NODE_CONNECTIONS_OPENED] += counters[COUNTER_CONNECTIONS_OPENED];
    node->counters[NODE_CONNECTIONS_LOST] += counters[COUNTER_CONNECTIONS_LOST];
    node->counters[NODE_CONNECT_FAILURES] += counters[COUNTER_CONNECT_FAILURES];
    node->counters[NODE_UNSENT] += counters_shed(counters);
    outcome_times_add(&node->times, &row->header.times);
}

void latency_probe_merge(struct interval_row *into, const struct interval_row *row, uint32_t node,
                         uint32_t node_count)
{
    struct interval_header *header = &into->header;
    interval_row_add(into, row);
    header->flags |= row->header.flags;
    header->start_ns = row->header.start_ns;
    header->end_ns = row->header.end_ns;
    header->backlog_before += row->header.backlog_before;
    header->backlog_after += row->header.backlog_after;
    header->in_flight_before += row->header.in_flight_before;
    header->in_flight_after += row->header.in_flight_after;
    header->connections_open += row->header.connections_open;
    outcome_times_add(&header->times, &row->header.times);
    if (node_count < 2)
        return;
    into->node_count = node_count;
    merge_node(&into->nodes[node], row);
}

uint64_t latency_row_quantile(const struct interval_row *row, double q)
{
    return histogram_quantile(&row->histograms[HISTOGRAM_RESPONSE_OK], q);
}

uint64_t latency_row_unanswered(const struct interval_row *row)
{
    const uint64_t *counters = row->counters;
    return counters[COUNTER_ERROR_REPLIES] + counters[COUNTER_TIMED_OUT] + counters_lost(counters) -
           counters[COUNTER_LOST_DRAIN] + counters_shed(counters);
}

/* ---- life ---- */

enum err_code latency_probe_start(struct latency_probe **started, struct event_base *base,
                                  const struct latency_probe_setup *setup, struct err *err)
{
    struct latency_probe *probe = calloc(1, sizeof *probe);
    *started = probe;
    if (probe != NULL) {
        probe->setup = *setup;
        probe->base = base;
        probe->idle_ns = UINT64_MAX;
        probe->cut_ns = setup->start_ns;
        probe->timer = evtimer_new(base, on_timer, probe);
        probe->row = interval_row_create();
        probe->told = interval_row_create();
    }
    if (probe == NULL || probe->timer == NULL || probe->row == NULL || probe->told == NULL) {
        latency_probe_stop(probe);
        *started = NULL;
        return err_set(err, E_SYSTEM, "the server is not watched: no memory");
    }
    advance(probe, clock_now_ns());
    return OK;
}

void latency_probe_stop(struct latency_probe *probe)
{
    if (probe == NULL)
        return;
    async_control_close(probe->control);
    if (probe->timer != NULL)
        event_free(probe->timer);
    free(probe->row);
    free(probe->told);
    free(probe);
}
