/* Which tickets a worker draws, and that none is lost with a worker that dies while it claims some. */
#include <stdlib.h>

#include "common/rng.h"
#include "tests/support/check/fake_workers.h"
#include "tests/support/check/suite.h"
#include "worker/stream.h"
#include "worker/tickets.h"

#define REQUESTS 20000u
#define WORKERS MEMBERS_MAX

static struct spec spec;
static struct worker_run run;
static struct worker_share shares[WORKERS];
static struct stream workers[WORKERS];
static unsigned char *drawn; /* how often each ticket was */
static uint64_t rng_state;

static uint64_t below(uint64_t bound)
{
    return rng_bounded(rng_at(1, rng_state++), bound);
}

static void set_up(void)
{
    fakes_begin(WORKERS, 0);
    run = (struct worker_run){.spec = &spec, .worker_count = WORKERS, .requests = REQUESTS};
    for (uint32_t i = 0; i < WORKERS; i++) {
        shares[i] = (struct worker_share){.index = i};
        workers[i] = (struct stream){.run = &run,
                                     .share = &shares[i],
                                     .live = ipc_worker(fakes.segment, i),
                                     .tickets = ipc_tickets(fakes.segment)};
    }
    drawn = calloc(REQUESTS, 1);
    ck_assert_ptr_nonnull(drawn);
}

static void tear_down(void)
{
    free(drawn);
    fakes_end();
}

/* False: the run has no more. */
static bool draw(struct stream *stream)
{
    uint64_t ticket;
    if (!tickets_draw(stream, &ticket))
        return false;
    ck_assert_uint_lt(ticket, REQUESTS);
    drawn[ticket]++;
    stream_publish_drawn(stream);
    return true;
}

static void draw_all(void)
{
    for (uint32_t i = 0; i < WORKERS; i++)
        while (draw(&workers[i]))
            continue;
    for (uint32_t ticket = 0; ticket < REQUESTS; ticket++)
        ck_assert_msg(drawn[ticket] == 1, "ticket %u was drawn %u times", ticket, drawn[ticket]);
}

/* The worker claims, and its death comes before it notes what it has claimed: its words are as they were. */
static void die_behind_claim(struct stream *stream)
{
    struct ipc_worker *live = stream->live;
    uint64_t next = atomic_load(&live->ticket_next), end = atomic_load(&live->ticket_end);
    uint64_t ticket;
    if (next != end || !tickets_draw(stream, &ticket))
        return;
    atomic_store(&live->ticket_next, next);
    atomic_store(&live->ticket_end, below(2) > 0 ? end : atomic_load(&live->claim_first));
}

static void harvest(const struct stream *stream)
{
    struct err err = {.code = OK};
    ck_assert_int_eq(collector_harvest(&fakes.collector, stream->share->index, &err), OK);
    /* Its replacement begins where its words say. */
    workers[stream->share->index].next_ticket = atomic_load(&stream->live->ticket_next);
    workers[stream->share->index].end_ticket = atomic_load(&stream->live->ticket_end);
}

TEST(test_every_ticket_once)
{
    /* Breaks when workers that draw in any order leave a ticket out, or draw one twice. */
    for (uint32_t i = 0; i < REQUESTS; i++)
        draw(&workers[below(WORKERS)]);
    draw_all();
}

TEST(test_death_behind_a_claim)
{
    /* Breaks when tickets are lost with a worker that is killed between claiming and noting them, whoever
     * claims meanwhile: the run had no end. */
    for (uint32_t deaths = 0; deaths < 200; deaths++) {
        struct stream *dead = &workers[below(WORKERS)];
        for (uint64_t draws = below(50); draws > 0; draws--)
            draw(&workers[below(WORKERS)]);
        while (atomic_load(&dead->live->ticket_next) != atomic_load(&dead->live->ticket_end))
            draw(dead);
        die_behind_claim(dead);
        for (uint64_t draws = below(3000); draws > 0; draws--) {
            struct stream *other = &workers[below(WORKERS)];
            if (other != dead)
                draw(other);
        }
        harvest(dead);
    }
    draw_all();
}

TEST(test_death_before_it_is_told)
{
    /* Breaks when tickets are lost with a worker that is killed when it has drawn them, and nobody knows yet: a run of
     * 300,000 had 299,987. */
    for (uint32_t deaths = 0; deaths < 200; deaths++) {
        struct stream *dead = &workers[below(WORKERS)];
        uint64_t ticket;
        for (uint64_t draws = below(50); draws > 0; draws--)
            draw(&workers[below(WORKERS)]);
        for (uint64_t left = dead->end_ticket - dead->next_ticket,
                      draws = left > 0 ? below(left) : 0;
             draws > 0; draws--)
            ck_assert(tickets_draw(dead, &ticket));
        harvest(dead);
    }
    draw_all();
}

TEST_SUITE_WITH(tickets, .set_up = set_up, .tear_down = tear_down)
