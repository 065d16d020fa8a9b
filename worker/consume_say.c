/* What consumers say to the server: commands, of which there are few; written by consume.c. */
#include "worker/consume_say.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/stream.h"

uint64_t *consume_figures(const struct consumer *consumer)
{
    return consumer->connection->stream->recorder.interval->parts[consumer->part].counters;
}

static void say(struct consumer *consumer, size_t argc, const char *const *argv,
                const size_t *argv_bytes)
{
    const size_t room = consumer->out_room - consumer->out_bytes;
    const size_t bytes =
        resp_encode_command(consumer->out + consumer->out_bytes, room, argc, argv, argv_bytes);
    if (bytes > room) /* there is room for all that is said between two replies */
        return;
    consume_figures(consumer)[CLASS_SENT]++;
    consumer->out_bytes += bytes;
}

static void say_subscribe(struct consumer *consumer, const char *command)
{
    const char *argv[] = {command, consumer->target->bytes};
    const size_t bytes[] = {strlen(command), consumer->target->byte_count};
    say(consumer, 2, argv, bytes);
}

static void say_tracking(struct consumer *consumer)
{
    const char *argv[] = {"CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", consumer->target->bytes};
    const size_t bytes[] = {6, 8, 2, 5, 6, consumer->target->byte_count};
    say(consumer, 6, argv, bytes);
}

static uint64_t say_pop(struct consumer *consumer)
{
    const struct plan_command *command = &consumer->lane->plan->command;
    const char *argv[] = {command->words[0], consumer->target->bytes, command->words[2]};
    const size_t bytes[] = {strlen(argv[0]), consumer->target->byte_count, strlen(argv[2])};
    say(consumer, 3, argv, bytes);
    return (uint64_t)(strtod(argv[2], NULL) * (double)NS_PER_SECOND);
}

static void say_acknowledge(struct consumer *consumer)
{
    const uint32_t count = consumer->entries;
    const char *argv[3 + PLAN_ENTRIES_MAX] = {"XACK", consumer->target->bytes,
                                              consumer->lane->plan->group};
    size_t bytes[3 + PLAN_ENTRIES_MAX] = {4, consumer->target->byte_count,
                                          strlen(consumer->lane->plan->group)};
    for (uint32_t i = 0; i < count; i++) {
        argv[3 + i] = consumer->ids + (size_t)i * CONSUMER_ID_BYTES;
        bytes[3 + i] = strlen(argv[3 + i]);
    }
    say(consumer, 3 + count, argv, bytes);
    consumer->acknowledges = true;
}

/* Its stream has gone, and the group with it: the server has started anew. What has been added since is read. */
static void say_regroup(struct consumer *consumer)
{
    const char *argv[] = {"XGROUP", "CREATE",  consumer->target->bytes, consumer->lane->plan->group,
                          "0",      "MKSTREAM"};
    const size_t bytes[] = {6, 6, consumer->target->byte_count, strlen(argv[3]), 1, 8};
    say(consumer, 6, argv, bytes);
}

/* Returns how long the server may wait. */
static uint64_t say_group(struct consumer *consumer, uint64_t now_ns)
{
    const struct plan_consumer *plan = consumer->lane->plan;
    char name[32], count[24], wait[24];
    snprintf(name, sizeof name, "volley-%u", consumer->number);
    snprintf(count, sizeof count, "%llu", (unsigned long long)plan->count);
    if (consumer->regroups)
        say_regroup(consumer);
    else if (plan->acknowledge && consumer->entries > 0)
        say_acknowledge(consumer);
    consumer->claims = plan->claim_after_ms > 0 && now_ns >= consumer->next_claim_ns;
    if (consumer->claims) {
        snprintf(wait, sizeof wait, "%llu", (unsigned long long)plan->claim_after_ms);
        const char *argv[] = {
            "XAUTOCLAIM", consumer->target->bytes, plan->group, name, wait, "0-0", "COUNT", count};
        const size_t bytes[] = {10,
                                consumer->target->byte_count,
                                strlen(plan->group),
                                strlen(name),
                                strlen(wait),
                                3,
                                5,
                                strlen(count)};
        say(consumer, 8, argv, bytes);
        consumer->next_claim_ns = now_ns + plan->claim_after_ms * NS_PER_MS;
        return 0;
    }
    snprintf(wait, sizeof wait, "%llu", (unsigned long long)plan->block_ms);
    const char *argv[] = {"XREADGROUP", "GROUP", plan->group, name,      "COUNT",
                          count,        "BLOCK", wait,        "STREAMS", consumer->target->bytes,
                          ">"};
    const size_t bytes[] = {10,
                            5,
                            strlen(plan->group),
                            strlen(name),
                            5,
                            strlen(count),
                            5,
                            strlen(wait),
                            7,
                            consumer->target->byte_count,
                            1};
    say(consumer, 11, argv, bytes);
    return plan->block_ms * NS_PER_MS;
}

uint64_t consume_say(struct consumer *consumer, uint64_t now_ns)
{
    uint64_t wait_ns = 0;
    switch (consumer->lane->plan->kind) {
    case CONSUME_CHANNEL:
        say_subscribe(consumer, "SUBSCRIBE");
        break;
    case CONSUME_PATTERN:
        say_subscribe(consumer, "PSUBSCRIBE");
        break;
    case CONSUME_SHARD_CHANNEL:
        say_subscribe(consumer, "SSUBSCRIBE");
        break;
    case CONSUME_TRACKING:
        say_tracking(consumer);
        break;
    case CONSUME_POP:
        wait_ns = say_pop(consumer);
        break;
    case CONSUME_GROUP:
        wait_ns = say_group(consumer, now_ns);
        break;
    }
    return wait_ns;
}
