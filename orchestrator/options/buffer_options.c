/* --buffer: a client that buffers, in place of connections that send each request as it comes. */
#include "common/printable.h"
#include "orchestrator/options/bench_groups.h"
#include "orchestrator/options/buffer_file.h"

#define AT(member) offsetof(struct buffer_request, member)
/* clang-format off: a row reads best as a few short lines */
static const struct option_row rows[] = {
    {ROW("buffer", NULL, OPTION_TEXT, "FILE|NAME", AT(path)), .told = true,
     .commands = OF_BENCH | OF_FIND_MAX | OF_SWEEP | OF_LOAD_TEST | OF_OPTIMIZE,
     .help =
         "The load is that of a client that buffers: writes gather until they are a batch, which a "
         "flush worker sends with one write; -c is how many users have a request under way. A YAML "
         "or JSON file, or one of configs/buffers."},
};
/* clang-format on */
#undef AT
const struct option_group buffer_group = GROUP("Load", OF_LOADS, rows);

static const char *option_of(const struct bench_request *request)
{
    return request->buffer.option != NULL ? request->buffer.option : "buffer";
}

static void exclude(struct bench_request *request, struct err *err)
{
    static const struct {
        const char *others, *why;
    } excluded[] = {
        {"pipeline", "a batch is what is in flight on a connection"},
        {"think-time clients-ramp-start clients-ramp-end",
         "its users have the next request as soon as one is settled"},
        {"keepalive reconnect-every", "flush workers keep their connections"},
        {"replay", "recorded clients say when they send"},
        {"sentinel", "its flush workers do not look for a new primary so far"},
        {"read-from-replica", "its flush workers go to primaries alone"},
        {"shed-after", "what its users want to send is not dropped"},
        {"null", "its stages are those of a server's replies"},
    };
    for (size_t i = 0; i < sizeof excluded / sizeof excluded[0]; i++)
        relation_exclude(request, option_of(request), excluded[i].others, excluded[i].why, err);
}

static bool is_forbidden(const struct bench_request *request, const char *name, bool value)
{
    return !value && relation_origin(request, name)->kind > ORIGIN_DEFAULT;
}

/* What is kept is worth as much as what is heard of changes. */
static enum err_code track(struct bench_request *request, struct err *err)
{
    struct endpoint *endpoint = &request->spec.endpoint;
    if (request->spec.buffer.cache_replies == 0)
        return OK;
    if (is_forbidden(request, "resp3", endpoint->resp3) ||
        is_forbidden(request, "enable-tracking", endpoint->tracking))
        return err_set(err, E_USAGE,
                       "--%s %.60s: its near cache (query.cache_size) hears of changes by "
                       "CLIENT TRACKING over RESP3; leave out %s",
                       option_of(request), request->buffer.path,
                       endpoint->resp3 ? "--enable-tracking=false" : "--resp3=false");
    if (!endpoint->tracking)
        options_derive(&request->values, "enable-tracking", option_of(request), "true");
    if (!endpoint->resp3)
        options_derive(&request->values, "resp3", option_of(request), "true");
    endpoint->tracking = endpoint->resp3 = true;
    return OK;
}

/* What a workload's file says of a buffer stands in place of the option, of which it has the origin. */
static void take_workloads(struct bench_request *request)
{
    const struct workload_file *found = NULL;
    for (uint32_t i = 0; i < request->workload.streams.count; i++) {
        const struct workload_file *file = &request->workload_files.files[i];
        if (file->has_buffer && (found == NULL || !found->buffer.wanted))
            found = file;
    }
    if (found == NULL)
        return;
    request->spec.buffer = found->buffer;
    request->buffer.path =
        found->buffer_profile != NULL ? found->buffer_profile : "the workload's own";
    options_derive(&request->values, "buffer", "workload", request->buffer.path);
}

enum err_code buffer_settle(struct bench_request *request, struct err *err)
{
    const char *path = request->buffer.path;
    struct buffer_options *buffer = &request->spec.buffer;
    const struct load_options *load = &request->spec.load;
    struct err reason = {.code = OK};
    *buffer = (struct buffer_options){.wanted = false};
    if (path == NULL)
        take_workloads(request);
    else if (buffer_file_read(buffer, path, &reason) != OK)
        return err_set(err, reason.code, "--%s %s", option_of(request), reason.text);
    if (!buffer->wanted)
        return OK;
    exclude(request, err);
    if (request->buffer.path == NULL) /* it gave way */
        buffer->wanted = false;
    if (err->code != OK || !buffer->wanted)
        return err->code;
    if (buffer_file_notice(buffer) != NULL)
        relation_notice(request, "%s", buffer_file_notice(buffer));
    if (load->stream_count > 1)
        return err_set(err, E_USAGE,
                       "--%s and several workloads side by side exclude each other: it is of "
                       "one client",
                       option_of(request));
    if (load->workload != NULL && load->workload->consumer_count > 0)
        return err_set(err, E_USAGE,
                       "--%s: the workload %.60s has consumers, which it does not go with",
                       option_of(request), PRINTABLE(load->workload->name));
    return track(request, err);
}
