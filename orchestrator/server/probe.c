#include "orchestrator/server/probe.h"

#include <stdio.h>

#include "common/clock.h"
#include "common/log.h"

#define PAUSE_FIRST_NS (250 * NS_PER_MS)
#define PAUSE_LONGEST_NS (5 * NS_PER_SECOND)

static uint64_t since_start_ns(const struct probe *probe)
{
    uint64_t now_ns = clock_now_ns();
    return now_ns > probe->start_ns ? now_ns - probe->start_ns : 0;
}

void probe_wait(struct probe *probe, uint64_t limit_ns)
{
    struct timeval delay = {.tv_sec = (time_t)(limit_ns / NS_PER_SECOND),
                            .tv_usec = (suseconds_t)(limit_ns % NS_PER_SECOND / NS_PER_US)};
    if (event_add(probe->timer, &delay) != 0)
        log_line(LOG_WARNING, "%s is not asked for more samples: no timer", probe->name);
}

static void conclude(struct probe *probe)
{
    uint64_t now_ns = clock_now_ns(), period_ns = probe->period_ns;
    probe->asking = false;
    probe->note.end_ns = since_start_ns(probe);
    probe->listener.hear(probe->listener.state, &probe->note);
    if (probe->next_ns <= now_ns)
        probe->next_ns += ((now_ns - probe->next_ns) / period_ns + 1) * period_ns;
    if (probe->next_ns < now_ns + probe->pause_ns)
        probe->next_ns = now_ns + probe->pause_ns;
    probe_wait(probe, probe->next_ns - now_ns);
}

void probe_answered(struct probe *probe)
{
    probe->note.ok = true;
    probe->pause_ns = 0;
    conclude(probe);
}

void probe_missed(struct probe *probe, const char *cause)
{
    struct note *note = &probe->note;
    *note = (struct note){.source = probe->source, .at_ns = note->at_ns};
    snprintf(note->cause, sizeof note->cause, "%s", cause);
    probe->pause_ns = probe->pause_ns == 0 ? PAUSE_FIRST_NS : probe->pause_ns * 2;
    if (probe->pause_ns > PAUSE_LONGEST_NS)
        probe->pause_ns = PAUSE_LONGEST_NS;
    probe->give_up(probe->state);
    conclude(probe);
}

static void on_timer(evutil_socket_t fd, short what, void *argument)
{
    struct probe *probe = argument;
    (void)fd;
    (void)what;
    if (probe->asking) {
        probe_missed(probe, "no answer in time");
        return;
    }
    probe->asking = true;
    probe->next_ns += probe->period_ns;
    probe->note = (struct note){.source = probe->source, .at_ns = since_start_ns(probe)};
    probe_wait(probe, probe->limit_ns);
    if (!probe->ask(probe->state)) {
        probe->asking = false;
        event_del(probe->timer);
    }
}

enum err_code probe_start(struct probe *probe, struct event_base *base, struct err *err)
{
    probe->next_ns = clock_now_ns();
    probe->timer = evtimer_new(base, on_timer, probe);
    if (probe->timer == NULL)
        return err_set(err, E_SYSTEM, "%s is not sampled: no memory", probe->name);
    probe_wait(probe, 0);
    return OK;
}

void probe_stop(struct probe *probe)
{
    if (probe->timer != NULL)
        event_free(probe->timer);
    probe->timer = NULL;
}
