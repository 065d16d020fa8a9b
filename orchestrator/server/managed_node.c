#include "orchestrator/server/managed_node.h"

#include <hiredis/hiredis.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "orchestrator/server/reply_value.h"

#define COMMAND_BYTES 1024u
/* An order may take its time: valkey lets CLUSTER SETSLOT wait 2 s for replicas. */
#define ORDER_TIMEOUT_NS (5 * NS_PER_SECOND)
#define WORDS_MAX 128
#define STEP_NS (20 * NS_PER_MS)

enum err_code managed_node_open(struct control **control, const struct managed_server *server,
                                const volatile int *interrupted, struct err *err)
{
    struct endpoint endpoint;
    struct target_address address;
    managed_server_address(&endpoint, server);
    endpoint.connection_timeout_ns = ORDER_TIMEOUT_NS;
    return control_connect(control, &address, &endpoint, interrupted, err);
}

/* Cuts at blanks. */
static int cut(const char *words[WORDS_MAX], char *command)
{
    int count = 0;
    char *state = NULL;
    for (char *word = strtok_r(command, " ", &state); word != NULL && count < WORDS_MAX;
         word = strtok_r(NULL, " ", &state))
        words[count++] = word;
    return count;
}

enum err_code managed_node_ask(struct control *control, char **text, struct err *err,
                               const char *format, ...)
{
    char command[COMMAND_BYTES], shown[48];
    const char *words[WORDS_MAX];
    redisReply *reply;
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    snprintf(shown, sizeof shown, "%.47s", command);
    if (text != NULL)
        *text = NULL;
    int count = cut(words, command);
    enum err_code code = control_command(control, &reply, count, words, err);
    if (code != OK)
        return code;
    if (reply->type == REDIS_REPLY_ERROR)
        code = err_set(err, E_FAILED, "%s: %s", shown, reply->str);
    else if (text != NULL && reply->str == NULL)
        code = err_set(err, E_FAILED, "%s: the server did not answer with text", shown);
    else if (text != NULL && (*text = strndup(reply->str, (size_t)reply->len)) == NULL)
        code = err_set(err, E_SYSTEM, "%s: out of memory", shown);
    freeReplyObject(reply);
    return code;
}

enum err_code managed_node_cluster(struct cluster_nodes *nodes, struct control *control,
                                   struct err *err)
{
    char *text = NULL;
    *nodes = (struct cluster_nodes){.items = NULL};
    enum err_code code = managed_node_ask(control, &text, err, "CLUSTER NODES");
    if (code == OK)
        code = cluster_nodes_parse(nodes, text, err);
    free(text);
    return code;
}

enum err_code managed_node_field_is(bool *is, struct control *control, const char *command,
                                    const char *field, const char *value, struct err *err)
{
    char *text = NULL;
    char found[64];
    *is = false;
    enum err_code code = managed_node_ask(control, &text, err, "%s", command);
    if (code == OK)
        *is = info_field(text, field, found, sizeof found) && strcmp(found, value) == 0;
    free(text);
    return code;
}

enum err_code managed_node_wait(uint64_t deadline_ns, const volatile int *interrupted,
                                const char *what, struct err *err)
{
    const struct timespec step = {.tv_nsec = (long)STEP_NS};
    if (interrupted != NULL && *interrupted != 0)
        return err_set(err, E_INTERRUPTED, "interrupted while the managed servers got ready");
    if (clock_now_ns() >= deadline_ns)
        return err_set(err, E_CONNECT, "%s within the time for it", what);
    (void)nanosleep(&step, NULL);
    return OK;
}
