/* Small things to ask over a control connection. */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

#include "orchestrator/server/control.h"

enum err_code control_knows_hello(struct control *control, bool *known, struct err *err)
{
    const char *const argv[] = {"HELLO", "2"};
    redisReply *reply;
    *known = false;
    struct err attempt = {.code = OK};
    enum err_code code = control_command(control, &reply, 2, argv, &attempt);
    if (code == E_CONNECT && control_is_open(control))
        return OK; /* it closes on HELLO */
    if (code != OK)
        return err_set(err, code, "%s", attempt.text);
    *known = reply->type != REDIS_REPLY_ERROR;
    freeReplyObject(reply);
    return OK;
}

enum err_code control_set_name(struct control *control, const char *name, struct err *err)
{
    const char *const argv[] = {"CLIENT", "SETNAME", name};
    redisReply *reply;
    enum err_code code = control_command_aside(control, &reply, 3, argv, err);
    if (code != OK)
        return code;
    if (reply->type == REDIS_REPLY_ERROR)
        code =
            err_set(err, E_CONNECT, "CLIENT SETNAME: %s%s", reply->str,
                    strncmp(reply->str, "NOPERM", 6) == 0 ? "; grant it with +client|setname" : "");
    freeReplyObject(reply);
    return code;
}

enum err_code control_info(struct control *control, char **info, struct err *err)
{
    const char *const argv[] = {"INFO", "all"};
    redisReply *reply;
    *info = NULL;
    enum err_code code = control_command_aside(control, &reply, 2, argv, err);
    if (code != OK)
        return code;
    if (reply->type == REDIS_REPLY_ERROR)
        code = err_set(err, E_CONNECT, "INFO: %s", reply->str);
    else if (reply->str == NULL)
        code = err_set(err, E_CONNECT, "INFO: the server did not answer with text");
    else if ((*info = strndup(reply->str, (size_t)reply->len)) == NULL)
        code = err_set(err, E_SYSTEM, "INFO: out of memory");
    freeReplyObject(reply);
    return code;
}

enum err_code control_config_get(struct control *control, const char *parameter, char *value,
                                 size_t value_bytes, struct err *err)
{
    const char *const argv[] = {"CONFIG", "GET", parameter};
    redisReply *reply;
    value[0] = '\0';
    enum err_code code = control_command_aside(control, &reply, 3, argv, err);
    if (code != OK)
        return code;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 && reply->element[1]->str != NULL)
        snprintf(value, value_bytes, "%s", reply->element[1]->str);
    freeReplyObject(reply);
    return OK;
}
