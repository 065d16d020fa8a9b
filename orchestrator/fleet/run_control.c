#include "orchestrator/fleet/run_control.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/log.h"
#include "orchestrator/report/figures.h"
#include "orchestrator/report/json_value.h"

#define BACKLOG 16
#define SOCKET_MODE 0600

struct client {
    struct run_control *control;
    struct bufferevent *stream; /* NULL: the place is free */
    bool closing;               /* once its last answer is written */
};

struct run_control {
    char path[sizeof((struct sockaddr_un *)0)->sun_path];
    int fd;
    dev_t device; /* of the file at path, to know it again */
    ino_t inode;
    struct event_base *base;
    struct event *listener;
    struct run_control_handler handler; /* of the run under way, or answer_idle */
    struct client clients[RUN_CONTROL_CLIENTS_MAX];
    bool stop_asked;
    enum note_by stop_by;
    char last_run[sizeof((struct run_facts *)0)->name];
    bool last_prefill;
    double achieved;
};

/* Clients -------------------------------------------------------------------------------------- */

static void drop(struct client *client)
{
    bufferevent_free(client->stream); /* and its socket */
    client->stream = NULL;
    client->closing = false;
}

static size_t unread_bytes(const struct client *client)
{
    return evbuffer_get_length(bufferevent_get_output(client->stream));
}

/* Sends a line and releases it. */
static void answer(struct client *client, char *line)
{
    if (line != NULL)
        bufferevent_write(client->stream, line, strlen(line));
    free(line);
}

static void refuse(struct client *client, const char *error)
{
    answer(client, control_line_refusal(error));
}

/* No more is read; the connection ends when its answers are written. */
static void close_behind_answers(struct client *client)
{
    client->closing = true;
    bufferevent_disable(client->stream, EV_READ);
    if (unread_bytes(client) == 0)
        drop(client);
}

enum err_code run_control_command(struct run_control *control, json_t **members,
                                  const struct control_command *command, struct err *err)
{
    *members = NULL;
    enum err_code code = control->handler.handle(control->handler.state, members, command, err);
    if (code == OK && command->action == CONTROL_STOP && !control->stop_asked) {
        control->stop_asked = true;
        control->stop_by = command->by;
    }
    return code;
}

static void carry_out(struct client *client, const char *line, size_t line_bytes)
{
    struct run_control *control = client->control;
    struct control_command command;
    struct err err = {.code = OK};
    json_t *members = NULL;
    enum err_code code = control_line_parse(&command, line, line_bytes, &err);
    if (code == OK)
        code = run_control_command(control, &members, &command, &err);
    if (code != OK) {
        json_decref(members);
        refuse(client, err.text);
        return;
    }
    answer(client, control_line_answer(members));
}

/* Commands up to the last whole line, as long as the client also reads what it is told. */
static void take_lines(struct client *client)
{
    struct evbuffer *input = bufferevent_get_input(client->stream);
    while (unread_bytes(client) < RUN_CONTROL_UNREAD_BYTES) {
        size_t line_bytes = 0;
        char *line = evbuffer_readln(input, &line_bytes, EVBUFFER_EOL_LF);
        if (line != NULL && line_bytes <= CONTROL_LINE_BYTES) {
            carry_out(client, line, line_bytes);
            free(line);
            continue;
        }
        bool too_long = line != NULL || evbuffer_get_length(input) > CONTROL_LINE_BYTES;
        free(line);
        if (too_long) { /* where the next command begins cannot be told */
            refuse(client, "a line is at most 4,096 bytes long");
            close_behind_answers(client);
        }
        return;
    }
    bufferevent_disable(client->stream, EV_READ);
}

static void on_readable(struct bufferevent *stream, void *argument)
{
    (void)stream;
    take_lines(argument);
}

/* All answers are written. */
static void on_drained(struct bufferevent *stream, void *argument)
{
    struct client *client = argument;
    if (client->closing) {
        drop(client);
        return;
    }
    bufferevent_enable(stream, EV_READ);
    take_lines(client);
}

/* The end of the stream: a last line may come without its end. */
static void take_rest(struct client *client)
{
    struct evbuffer *input = bufferevent_get_input(client->stream);
    size_t bytes = evbuffer_get_length(input);
    if (bytes > 0)
        carry_out(client, (const char *)evbuffer_pullup(input, -1), bytes);
    close_behind_answers(client);
}

static void on_event(struct bufferevent *stream, short what, void *argument)
{
    struct client *client = argument;
    (void)stream;
    if (client->closing || (what & (BEV_EVENT_ERROR | BEV_EVENT_TIMEOUT)) != 0)
        drop(client);
    else if ((what & BEV_EVENT_EOF) != 0)
        take_rest(client);
}

/* Between runs --------------------------------------------------------------------------------- */

static enum err_code answer_idle(void *state, json_t **members,
                                 const struct control_command *command, struct err *err)
{
    const struct run_control *control = state;
    if (command->action == CONTROL_STATUS)
        *members = json_pack("{s:{s:s, s:o, s:b}}", "status", "state", "between runs", "test",
                             json_value_text(control->last_run), "prefill", control->last_prefill);
    else if (command->action == CONTROL_STOP)
        *members = json_pack("{s:s}", "state", "stopping");
    else
        return err_set(err, E_DATA, "no run is under way; try again when the state is \"running\"");
    return OK;
}

void run_control_attach(struct run_control *control, struct run_control_handler handler)
{
    control->handler = handler;
    /* It may have been taken away: see on_connection. */
    if (control->listener != NULL && event_add(control->listener, NULL) != 0)
        log_line(LOG_WARNING, "the control socket takes no more clients in this run");
}

void run_control_detach(struct run_control *control)
{
    control->handler = (struct run_control_handler){.handle = answer_idle, .state = control};
}

/* Accepting ------------------------------------------------------------------------------------ */

static const char too_many[] =
    "{\"ok\": false, \"error\": \"16 clients are connected, the most there can be\"}\n";

static struct client *free_place(struct run_control *control)
{
    for (size_t i = 0; i < RUN_CONTROL_CLIENTS_MAX; i++)
        if (control->clients[i].stream == NULL)
            return &control->clients[i];
    return NULL;
}

static void welcome(struct run_control *control, int fd)
{
    struct client *client = free_place(control);
    if (client == NULL) {
        ssize_t sent = send(fd, too_many, sizeof too_many - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        (void)sent;
        close(fd);
        return;
    }
    struct bufferevent *stream = bufferevent_socket_new(control->base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (stream == NULL) {
        close(fd);
        return;
    }
    const struct timeval idle = {.tv_sec = RUN_CONTROL_IDLE_SECONDS};
    const struct timeval unread = {.tv_sec = RUN_CONTROL_WRITE_SECONDS};
    *client = (struct client){.control = control, .stream = stream};
    bufferevent_setcb(stream, on_readable, on_drained, on_event, client);
    bufferevent_setwatermark(stream, EV_READ, 0, 2 * CONTROL_LINE_BYTES);
    bufferevent_set_timeouts(stream, &idle, &unread);
    bufferevent_enable(stream, EV_READ | EV_WRITE);
}

static void on_connection(evutil_socket_t fd, short what, void *argument)
{
    struct run_control *control = argument;
    (void)what;
    struct sockaddr_un peer;
    socklen_t peer_bytes = sizeof peer;
    int accepted = accept4(fd, (struct sockaddr *)&peer, &peer_bytes, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (accepted >= 0) {
        welcome(control, accepted);
    } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
        /* Out of descriptors, most likely: the event would come back at once, for ever. */
        log_line(LOG_WARNING, "the control socket takes no more clients in this run: %s",
                 strerror(errno));
        event_del(control->listener);
    }
}

/* The file ------------------------------------------------------------------------------------- */

static struct sockaddr_un address_of(const struct run_control *control)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, control->path, sizeof address.sun_path);
    return address;
}

static enum err_code listen_at_path(struct run_control *control)
{
    struct sockaddr_un address = address_of(control);
    /* Nobody else may steer the load, from the first moment on. */
    mode_t before = umask(0777 & ~SOCKET_MODE);
    int bound = bind(control->fd, (const struct sockaddr *)&address, sizeof address);
    int why = errno;
    umask(before);
    errno = why;
    return bound == 0 && listen(control->fd, BACKLOG) == 0 ? OK : E_SYSTEM;
}

/* A socket that nobody listens to does not tell its type any more, but whose it was. */
static bool is_volleys(const struct stat *there)
{
    return there->st_uid == geteuid() && (there->st_mode & 07777) == SOCKET_MODE;
}

/* Makes room at the path, when what stands there was left behind. */
static enum err_code clear_path(const struct run_control *control, struct err *err)
{
    struct stat there;
    struct sockaddr_un address = address_of(control);
    if (lstat(control->path, &there) != 0)
        return OK;
    if (!S_ISSOCK(there.st_mode))
        return err_set(err, E_USAGE,
                       "--control %s: a file that is no socket stands there; name another path",
                       control->path);
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (probe < 0)
        return err_set_errno(err, E_SYSTEM, errno, "--control %s", control->path);
    int connected = connect(probe, (const struct sockaddr *)&address, sizeof address);
    int why = errno;
    close(probe);
    if (connected == 0 || why == EAGAIN) /* EAGAIN: its backlog is full */
        return err_set(err, E_USAGE,
                       "--control %s: another process listens there, a volley under way perhaps; "
                       "name another path",
                       control->path);
    if (why == EPROTOTYPE || (why == ECONNREFUSED && !is_volleys(&there)))
        return err_set(err, E_USAGE,
                       "--control %s: a socket stands there that no volley of this user has left; "
                       "name another path",
                       control->path);
    if (why != ECONNREFUSED)
        return err_set_errno(err, E_USAGE, why, "--control %s", control->path);
    if (unlink(control->path) != 0 && errno != ENOENT)
        return err_set_errno(err, E_USAGE, errno, "--control %s: cannot remove the old socket",
                             control->path);
    return OK;
}

static enum err_code listen_here(struct run_control *control, const char *path, struct err *err)
{
    struct stat there;
    size_t bytes = strlen(path);
    if (bytes == 0 || bytes >= sizeof control->path)
        return err_set(err, E_USAGE, "--control takes the path of a socket, 1 to %zu bytes long",
                       sizeof control->path - 1);
    memcpy(control->path, path, bytes + 1);
    if (clear_path(control, err) != OK)
        return err->code;
    control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (control->fd < 0 || listen_at_path(control) != OK || lstat(path, &there) != 0)
        return err_set_errno(err, E_USAGE, errno, "--control %s: cannot listen there", path);
    control->device = there.st_dev;
    control->inode = there.st_ino;
    control->listener =
        event_new(control->base, control->fd, EV_READ | EV_PERSIST, on_connection, control);
    if (control->listener == NULL || event_add(control->listener, NULL) != 0)
        return err_set(err, E_SYSTEM, "cannot set up the control socket's events");
    return OK;
}

enum err_code run_control_open(struct run_control **control, struct event_base *base,
                               const char *path, struct err *err)
{
    *control = calloc(1, sizeof **control);
    if (*control == NULL)
        return err_set(err, E_SYSTEM, "no memory for the control socket");
    (*control)->fd = -1;
    (*control)->achieved = -1;
    (*control)->base = base;
    run_control_detach(*control);
    enum err_code code = path != NULL ? listen_here(*control, path, err) : OK;
    if (code != OK) {
        run_control_close(*control);
        *control = NULL;
    }
    return code;
}

/* Writes what can be written at once, such as the answer to a stop, and closes everything. */
static void drop_all(struct run_control *control)
{
    for (size_t i = 0; i < RUN_CONTROL_CLIENTS_MAX; i++)
        if (control->clients[i].stream != NULL)
            close_behind_answers(&control->clients[i]);
    event_base_loop(control->base, EVLOOP_NONBLOCK);
    for (size_t i = 0; i < RUN_CONTROL_CLIENTS_MAX; i++)
        if (control->clients[i].stream != NULL)
            drop(&control->clients[i]);
}

void run_control_close(struct run_control *control)
{
    struct stat there;
    if (control == NULL)
        return;
    if (control->listener != NULL) {
        event_free(control->listener);
        drop_all(control);
    }
    if (control->inode != 0 && lstat(control->path, &there) == 0 &&
        there.st_dev == control->device && there.st_ino == control->inode)
        unlink(control->path);
    if (control->fd >= 0)
        close(control->fd);
    free(control);
}

bool run_control_stop_asked(const struct run_control *control)
{
    return control->stop_asked;
}

enum note_by run_control_stop_by(const struct run_control *control)
{
    return control->stop_by;
}

/* The newest row ------------------------------------------------------------------------------- */

static enum err_code run_begin(void *state, const struct run_facts *run, struct err *err)
{
    struct run_control *control = state;
    (void)err;
    snprintf(control->last_run, sizeof control->last_run, "%s", run->name);
    control->last_prefill = run->prefill;
    control->achieved = -1;
    return OK;
}

static enum err_code interval(void *state, const struct interval_row *row,
                              const struct error_kinds *error_kinds, struct err *err)
{
    struct run_control *control = state;
    (void)error_kinds;
    (void)err;
    control->achieved = figure_rate(row->counters[COUNTER_OK], figure_row_seconds(row));
    return OK;
}

struct sink run_control_sink(struct run_control *control)
{
    return (struct sink){
        .name = "control socket", .state = control, .run_begin = run_begin, .interval = interval};
}

double run_control_achieved(const struct run_control *control)
{
    return control->achieved;
}
