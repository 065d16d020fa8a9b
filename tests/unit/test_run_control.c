/* The control socket without a run: this process is both ends of it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "orchestrator/fleet/run_control.h"
#include "tests/support/check/suite.h"
#include "tests/support/check/support.h"
#include "tests/support/check/temp_tree.h"

#define ANSWER_BYTES 4096
#define PATIENCE_MS 5000

static struct temp_tree tree;
static char path[160];
static struct run_control *control;
static struct event_base *base;
static unsigned handled[CONTROL_STATUS + 1];

static enum err_code handle(void *state, json_t **members, const struct control_command *command,
                            struct err *err)
{
    (void)state;
    handled[command->action]++;
    if (command->action == CONTROL_PAUSE)
        return err_set(err, E_DATA, "not now");
    *members = json_pack("{s:o}", "rate", control_rate_to_json(command->rate_micro));
    return OK;
}

static void attach(void)
{
    run_control_attach(control, (struct run_control_handler){.handle = handle});
}

static void set_up(void)
{
    signal(SIGPIPE, SIG_IGN);
    temp_tree_make(&tree);
    snprintf(path, sizeof path, "%s/ctl", tree.path);
    ck_assert_uint_lt(strlen(path), sizeof((struct sockaddr_un *)0)->sun_path);
    memset(handled, 0, sizeof handled);
    struct err err = {.code = OK};
    base = event_base_new();
    ck_assert_ptr_nonnull(base);
    ck_assert_msg(run_control_open(&control, base, path, &err) == OK, "%s", err.text);
    attach();
}

static void tear_down(void)
{
    run_control_close(control);
    event_base_free(base);
    temp_tree_remove(&tree);
}

static int client_connect(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void client_send(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Lets the loop run until the client got a whole line, or the end of the stream ("" then). */
static const char *client_line(int fd)
{
    static char line[ANSWER_BYTES];
    size_t used = 0;
    for (uint64_t end_ms = support_now_ms() + PATIENCE_MS; support_now_ms() < end_ms;) {
        event_base_loop(base, EVLOOP_NONBLOCK);
        ssize_t got = recv(fd, line + used, 1, 0);
        ck_assert(got >= 0 || errno == EAGAIN);
        if (got < 0)
            support_sleep_ms(1);
        used += got > 0 ? (size_t)got : 0;
        ck_assert_uint_lt(used, sizeof line);
        line[used] = '\0';
        if (got == 0 || (used > 0 && line[used - 1] == '\n'))
            return line;
    }
    ck_abort_msg("no answer after \"%s\"", line);
    return NULL;
}

TEST(each_line_has_its_answer)
{
    /* breaks if commands of one write get one answer, garbage ends a client, or order is lost */
    int fd = client_connect();
    client_send(fd, "{\"rate\": 7}\n{\"pause\": true}\n\nrubbish\n{\"rate\":");
    ck_assert_str_eq(client_line(fd), "{\"ok\": true, \"rate\": 7}\n");
    ck_assert_str_eq(client_line(fd), "{\"ok\": false, \"error\": \"not now\"}\n");
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(strncmp(client_line(fd), "{\"ok\": false, \"error\": \"the line", 31), 0);
    client_send(fd, " 8}\n");
    ck_assert_str_eq(client_line(fd), "{\"ok\": true, \"rate\": 8}\n");
    ck_assert(!run_control_stop_asked(control));
    client_send(fd, "{\"stop\": true}\n");
    ck_assert_str_eq(client_line(fd), "{\"ok\": true, \"rate\": 0}\n");
    ck_assert(run_control_stop_asked(control));
    close(fd);
}

TEST(a_last_line_needs_no_end)
{
    /* breaks if `printf ... | nc -U` gets no answer, or the connection stays open behind it */
    int fd = client_connect();
    client_send(fd, "{\"rate\": 1}\n{\"status\": true}");
    ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
    ck_assert_str_eq(client_line(fd), "{\"ok\": true, \"rate\": 1}\n");
    ck_assert_str_eq(client_line(fd), "{\"ok\": true, \"rate\": 0}\n");
    ck_assert_str_eq(client_line(fd), "");
    ck_assert_uint_eq(handled[CONTROL_STATUS], 1);
    close(fd);
}

TEST(a_long_line_ends_its_client)
{
    /* breaks if a client that never ends its line fills the memory, or hurts another one */
    char line[3 * CONTROL_LINE_BYTES];
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    int good = client_connect(), bad = client_connect();
    client_send(bad, line);
    ck_assert_str_eq(client_line(bad),
                     "{\"ok\": false, \"error\": \"a line is at most 4,096 bytes long\"}\n");
    while (recv(bad, line, sizeof line, 0) < 0 && errno == EAGAIN) /* the end, or a reset */
        event_base_loop(base, EVLOOP_NONBLOCK);
    client_send(good, "{\"rate\": 3}\n");
    ck_assert_str_eq(client_line(good), "{\"ok\": true, \"rate\": 3}\n");
    close(good);
    close(bad);
}

TEST(sixteen_at_once)
{
    /* breaks if clients are not bounded, or a place is not given back */
    int fds[RUN_CONTROL_CLIENTS_MAX];
    for (size_t i = 0; i < RUN_CONTROL_CLIENTS_MAX; i++) {
        fds[i] = client_connect();
        client_send(fds[i], "{\"rate\": 5}\n");
        ck_assert_str_eq(client_line(fds[i]), "{\"ok\": true, \"rate\": 5}\n");
    }
    int extra = client_connect();
    ck_assert_str_eq(client_line(extra),
                     "{\"ok\": false, \"error\": \"16 clients are connected, the "
                     "most there can be\"}\n");
    ck_assert_str_eq(client_line(extra), "");
    close(extra);
    close(fds[3]);
    event_base_loop(base, EVLOOP_NONBLOCK);
    fds[3] = client_connect();
    for (size_t i = 0; i < RUN_CONTROL_CLIENTS_MAX; i++) {
        client_send(fds[i], "{\"rate\": 6}\n");
        ck_assert_str_eq(client_line(fds[i]), "{\"ok\": true, \"rate\": 6}\n");
        close(fds[i]);
    }
}

TEST(unread_answers_are_bounded)
{
    /* breaks if a client that never reads makes volley keep answers without end, or loses some */
    static const char command[] = "{\"rate\": 5}\n";
    int fd = client_connect();
    unsigned sent = 0;
    for (int still = 0; still < 50; still++) { /* until nothing moves any more */
        while (send(fd, command, sizeof command - 1, MSG_NOSIGNAL) == sizeof command - 1) {
            sent++;
            still = 0;
        }
        event_base_loop(base, EVLOOP_NONBLOCK);
        ck_assert_uint_lt(sent, 10000000);
    }
    ck_assert_uint_lt(handled[CONTROL_RATE], sent);
    /* partial writes cannot be: the system takes so few bytes as a whole or not at all */
    for (unsigned i = 0; i < sent; i++)
        ck_assert_str_eq(client_line(fd), "{\"ok\": true, \"rate\": 5}\n");
    ck_assert_uint_eq(handled[CONTROL_RATE], sent);
    close(fd);
}

TEST(clients_outlive_a_run)
{
    /* breaks if a client is lost or not answered between two runs, or somebody who comes then */
    struct run_facts facts = {.name = "GET", .prefill = true};
    struct err err = {.code = OK};
    ck_assert_int_eq(run_control_sink(control).run_begin(control, &facts, &err), OK);
    int fd = client_connect();
    client_send(fd, "{\"rate\": 1}\n");
    ck_assert_str_eq(client_line(fd), "{\"ok\": true, \"rate\": 1}\n");
    run_control_detach(control);
    client_send(fd, "{\"rate\": 2}\n");
    int late = client_connect();
    client_send(late, "{\"status\": true}\n");
    ck_assert_str_eq(client_line(fd), "{\"ok\": false, \"error\": \"no run is under way; try again "
                                      "when the state is \\\"running\\\"\"}\n");
    ck_assert_str_eq(client_line(late), "{\"ok\": true, \"status\": {\"state\": \"between runs\", "
                                        "\"test\": \"GET\", \"prefill\": true}}\n");
    client_send(late, "{\"rate\": 3}\n"); /* and what the next run gets */
    attach();
    ck_assert_str_eq(client_line(late), "{\"ok\": true, \"rate\": 3}\n");
    run_control_detach(control);
    ck_assert(!run_control_stop_asked(control));
    client_send(fd, "{\"stop\": true}\n");
    ck_assert_str_eq(client_line(fd), "{\"ok\": true, \"state\": \"stopping\"}\n");
    ck_assert(run_control_stop_asked(control));
    run_control_close(control);
    control = NULL;
    ck_assert_str_eq(client_line(fd), "");
    close(fd);
    close(late);
}

TEST(the_file_is_private_and_goes)
{
    /* breaks if others may steer the load, or the file stays behind */
    struct stat there;
    ck_assert_int_eq(lstat(path, &there), 0);
    ck_assert(S_ISSOCK(there.st_mode));
    ck_assert_uint_eq(there.st_mode & 0777, 0600);
    run_control_close(control);
    control = NULL;
    ck_assert_int_ne(lstat(path, &there), 0);
}

TEST(a_used_path_is_refused)
{
    /* breaks if a second run takes the socket of the first, or its end removes it */
    struct run_control *second;
    struct err err = {.code = OK};
    struct stat there;
    ck_assert_int_eq(run_control_open(&second, base, path, &err), E_USAGE);
    ck_assert_ptr_null(second);
    ck_assert_ptr_nonnull(strstr(err.text, "another process listens there"));
    ck_assert_ptr_nonnull(strstr(err.text, path));
    ck_assert_int_eq(lstat(path, &there), 0);
    int fd = client_connect();
    client_send(fd, "{\"rate\": 1}\n");
    ck_assert_str_eq(client_line(fd), "{\"ok\": true, \"rate\": 1}\n");
    close(fd);
}

static int bound_socket(char name[200], const char *file, int type, mode_t mode)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(name, 200, "%s/%s", tree.path, file);
    ck_assert_uint_lt(strlen(name), sizeof address.sun_path);
    memcpy(address.sun_path, name, strlen(name) + 1);
    int fd = socket(AF_UNIX, type, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(chmod(name, mode), 0);
    return fd;
}

static void expect_left_alone(const char *name)
{
    struct run_control *other;
    struct err err = {.code = OK};
    struct stat there;
    ck_assert_int_eq(run_control_open(&other, base, name, &err), E_USAGE);
    ck_assert_msg(strstr(err.text, "that no volley of this user has left") != NULL, "%s", err.text);
    ck_assert_int_eq(lstat(name, &there), 0);
}

TEST(sockets_of_others_are_left_alone)
{
    /* breaks if --control takes the socket of another service, or of another user, that is down */
    char name[200];
    int fd = bound_socket(name, "datagrams", SOCK_DGRAM, 0600);
    expect_left_alone(name);
    close(fd);
    close(bound_socket(name, "service", SOCK_DGRAM, 0666));
    expect_left_alone(name);
    if (geteuid() == 0) {
        close(bound_socket(name, "others", SOCK_STREAM, 0600));
        ck_assert_int_eq(chown(name, 12345, 12345), 0);
        expect_left_alone(name);
    }
}

TEST(a_stale_file_is_replaced)
{
    /* breaks if a killed run blocks its path, or the old owner's end takes the new socket away */
    char moved[200];
    struct run_control *second;
    struct err err = {.code = OK};
    struct stat there;
    /* What a killed process leaves: a file of a socket that nobody listens to. */
    int fd = bound_socket(moved, "stale", SOCK_STREAM, 0600);
    close(fd);
    ck_assert_msg(run_control_open(&second, base, moved, &err) == OK, "%s", err.text);
    /* and one that somebody else has replaced stays */
    ck_assert_int_eq(unlink(moved), 0);
    fd = open(moved, O_CREAT | O_WRONLY, 0600);
    close(fd);
    run_control_close(second);
    ck_assert_int_eq(lstat(moved, &there), 0);
}

TEST(what_is_no_socket_is_left_alone)
{
    /* breaks if --control deletes a user's file, or a path that cannot be is found out late */
    char name[300];
    struct run_control *other;
    struct err err = {.code = OK};
    struct stat there;
    temp_tree_write(&tree, "/notes", "mine", 0644);
    snprintf(name, sizeof name, "%s/notes", tree.path);
    ck_assert_int_eq(run_control_open(&other, base, name, &err), E_USAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "no socket"));
    ck_assert_int_eq(lstat(name, &there), 0);
    snprintf(name, sizeof name, "%s/none/ctl", tree.path);
    err = (struct err){.code = OK};
    ck_assert_int_eq(run_control_open(&other, base, name, &err), E_USAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "No such file"));
    memset(name, 'a', 200);
    name[200] = '\0';
    err = (struct err){.code = OK};
    ck_assert_int_eq(run_control_open(&other, base, name, &err), E_USAGE);
    ck_assert_ptr_nonnull(strstr(err.text, "107 bytes"));
}

TEST_SUITE_WITH(run_control, .set_up = set_up, .tear_down = tear_down)
