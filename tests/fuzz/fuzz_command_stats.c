/* Any text as a server's INFO commandstats, any bytes as its LATENCY HISTOGRAM: read or ignored, and what lies between
 * two of them is bounded. */
#include <hiredis.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "orchestrator/server/command_stats.h"

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes);

static struct command_stats *read_stats(const char *text, const uint8_t *reply_bytes,
                                        size_t byte_count)
{
    struct command_stats *stats = command_stats_new();
    redisReader *reader = redisReaderCreate();
    void *reply = NULL;
    if (stats != NULL && reader != NULL) {
        command_stats_read_info(stats, text);
        redisReaderFeed(reader, (const char *)reply_bytes, byte_count);
        if (redisReaderGetReply(reader, &reply) == REDIS_OK && reply != NULL)
            command_stats_read_histograms(stats, reply);
        freeReplyObject(reply);
    }
    redisReaderFree(reader);
    return stats;
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t input_bytes)
{
    const size_t half = input_bytes / 2;
    char *text = malloc(half + 1);
    struct server_account account;
    if (text == NULL)
        return 0;
    memcpy(text, input, half);
    text[half] = '\0';
    struct command_stats *before = read_stats(text, input, half);
    struct command_stats *after = read_stats(text, input + half, input_bytes - half);
    command_stats_account(&account, before, after, 10);
    if (account.time_count > SERVER_TIMES_MAX || server_account_other_share(&account) > 1)
        abort();
    free(before);
    free(after);
    free(text);
    return 0;
}
