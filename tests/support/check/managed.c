#include "tests/support/check/managed.h"

#include <check.h>
#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/check/support.h"

#define AWAIT_MS 30000

void managed_start(struct managed_cluster *cluster, uint64_t primaries, uint64_t replicas)
{
    struct err err = {.code = OK};
    const struct managed_wish wish = {.wanted = true, .primaries = primaries, .replicas = replicas};
    const struct endpoint endpoint = {.password = "of the test"};
    const struct managed_server_setup given = {.cpu_count = 0};
    ck_assert_msg(managed_cluster_start(cluster, &wish, &endpoint, &given, NULL, &err) == OK, "%s",
                  err.text);
}

static redisReply *ask(const struct managed_cluster *cluster, uint32_t node, const char *command)
{
    const struct timeval limit = {.tv_sec = 10};
    char words[MANAGED_TEXT_BYTES];
    const char *argv[64];
    int argc = 0;
    char *state = NULL;
    snprintf(words, sizeof words, "%s", command);
    for (char *word = strtok_r(words, " ", &state); word != NULL && argc < 64;
         word = strtok_r(NULL, " ", &state))
        argv[argc++] = word;
    redisContext *context = redisConnectWithTimeout("127.0.0.1", cluster->nodes[node].port, limit);
    ck_assert_msg(context != NULL && context->err == 0, "node %u: %s", node,
                  context != NULL ? context->errstr : "no memory");
    ck_assert_int_eq(redisSetTimeout(context, limit), REDIS_OK);
    redisReply *reply = redisCommand(context, "AUTH %s", cluster->setup.password);
    ck_assert_msg(reply != NULL && reply->type == REDIS_REPLY_STATUS, "node %u: AUTH", node);
    freeReplyObject(reply);
    reply = redisCommandArgv(context, argc, argv, NULL);
    ck_assert_msg(reply != NULL, "node %u: %s: %s", node, command, context->errstr);
    redisFree(context);
    return reply;
}

char *managed_say(char text[MANAGED_TEXT_BYTES], const struct managed_cluster *cluster,
                  uint32_t node, const char *format, ...)
{
    char command[MANAGED_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    redisReply *reply = ask(cluster, node, command);
    if (reply->type == REDIS_REPLY_INTEGER)
        snprintf(text, MANAGED_TEXT_BYTES, "%lld", reply->integer);
    else
        snprintf(text, MANAGED_TEXT_BYTES, "%s", reply->str != NULL ? reply->str : "");
    freeReplyObject(reply);
    return text;
}

void managed_expect(const struct managed_cluster *cluster, uint32_t node, const char *command,
                    const char *part)
{
    char text[MANAGED_TEXT_BYTES];
    managed_say(text, cluster, node, "%s", command);
    ck_assert_msg(strstr(text, part) != NULL, "node %u: %s: \"%s\" is not in %s", node, command,
                  part, text);
}

void managed_await(const struct managed_cluster *cluster, uint32_t node, const char *command,
                   const char *part)
{
    char text[MANAGED_TEXT_BYTES];
    uint64_t end_ms = support_now_ms() + AWAIT_MS;
    while (strstr(managed_say(text, cluster, node, "%s", command), part) == NULL) {
        ck_assert_msg(support_now_ms() < end_ms, "node %u: %s: \"%s\" is not in %s", node, command,
                      part, text);
        support_sleep_ms(20);
    }
}

long long managed_integer(const struct managed_cluster *cluster, uint32_t node, const char *command)
{
    redisReply *reply = ask(cluster, node, command);
    ck_assert_msg(reply->type == REDIS_REPLY_INTEGER, "node %u: %s: %s", node, command,
                  reply->str != NULL ? reply->str : "no number");
    long long number = reply->integer;
    freeReplyObject(reply);
    return number;
}

bool managed_seen(struct cluster_node *seen, const struct managed_cluster *cluster, uint32_t by,
                  uint32_t node)
{
    struct cluster_nodes nodes;
    struct err err = {.code = OK};
    redisReply *reply = ask(cluster, by, "CLUSTER NODES");
    ck_assert_msg(cluster_nodes_parse(&nodes, reply->str, &err) == OK, "%s", err.text);
    const struct cluster_node *found = cluster_nodes_by_port(&nodes, cluster->nodes[node].port);
    bool known = found != NULL;
    if (known)
        *seen = *found;
    cluster_nodes_free(&nodes);
    freeReplyObject(reply);
    return known;
}

uint32_t managed_set(const struct managed_cluster *cluster, const char *key, const char *value)
{
    char text[MANAGED_TEXT_BYTES];
    for (uint32_t i = 0; i < cluster->count; i++) {
        struct cluster_node seen;
        if (cluster->nodes[i].process.pid == 0 || !managed_seen(&seen, cluster, 0, i) ||
            !seen.primary || !cluster_node_serves(&seen, slots_of_key(key, strlen(key))))
            continue;
        managed_say(text, cluster, i, "SET %s %s", key, value);
        ck_assert_msg(strcmp(text, "OK") == 0, "node %u: SET %s: %s", i, key, text);
        return i;
    }
    ck_abort_msg("no node serves the slot of %s", key);
    return 0;
}
