/* The smallest plug-in: a counter, and a SET with it. The counterpart of a Python class CustomCommands whose execute() does
 * client.set(f"custom:key:{counter}", "custom:value").
 *
 *   volley bench -t custom --custom-command-file configs/plugins/custom_commands.c */
#include <volley_plugin.h>

static uint64_t counter;

static bool next(void *state, uint64_t ticket, struct volley_request *request)
{
    char key[48];
    (void)state;
    (void)ticket;
    snprintf(key, sizeof key, "custom:key:%llu", (unsigned long long)counter++);
    volley_add_text(request, "SET");
    volley_add_key_text(request, key);
    volley_add_text(request, "custom:value");
    return true;
}

/* What execute() returned: whether it went well. */
static bool reply(void *state, uint64_t ticket, const struct volley_reply *reply)
{
    (void)state;
    (void)ticket;
    return !reply->is_error && reply->text_bytes == 2 && memcmp(reply->text, "OK", 2) == 0;
}

const struct volley_plugin volley_plugin = {VOLLEY_PLUGIN_VERSION, .next = next, .reply = reply};
