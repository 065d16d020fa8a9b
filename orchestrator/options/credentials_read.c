/* Passwords from a descriptor and from the terminal. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "common/secret.h"
#include "orchestrator/options/credentials.h"

#define WAIT_SECONDS 300

/* Adds one byte. False: it is not part of the password: the line ends, or it must not stand there. */
static bool take_byte(char *password, size_t *used, char byte, const char *source, struct err *err)
{
    if (byte == '\n')
        return false;
    if (byte == '\0')
        err_set(err, E_USAGE, "%s: the password holds a NUL byte", source);
    else if (*used + 1 == CREDENTIALS_PASSWORD_BYTES)
        err_set(err, E_USAGE, "%s: the password is longer than %u bytes", source,
                CREDENTIALS_PASSWORD_BYTES - 1);
    else
        password[(*used)++] = byte;
    return err->code == OK;
}

/* One at a time: what is behind the line belongs to somebody else (-x reads standard input, too). */
static void read_line(char *password, int fd, const char *source, const sigset_t *while_waiting,
                      struct err *err)
{
    const struct timespec limit = {.tv_sec = WAIT_SECONDS};
    size_t used = 0;
    for (;;) {
        char byte;
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        int ready = ppoll(&poll_fd, 1, &limit, while_waiting);
        if (ready < 0 && errno == EINTR && while_waiting == NULL)
            continue;
        if (ready == 0)
            err_set(err, E_USAGE, "%s: no password came within 5 minutes", source);
        ssize_t got = ready > 0 ? read(fd, &byte, 1) : -1;
        if (got < 0 && ready > 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got < 0)
            err_set_errno(err, E_USAGE, errno, "%s: cannot read the password", source);
        if (got <= 0 || !take_byte(password, &used, byte, source, err))
            break;
    }
    password[used] = '\0';
    if (err->code == OK && used == 0)
        err_set(err, E_USAGE, "%s: the password is empty", source);
    if (err->code != OK)
        secret_wipe(password);
}

enum err_code credentials_read_fd(char *password, int fd, struct err *err)
{
    char source[40];
    struct err local = {.code = OK};
    snprintf(source, sizeof source, "--password-fd %d", fd);
    read_line(password, fd, source, NULL, &local);
    if (fd > STDERR_FILENO)
        close(fd); /* so that no worker and no managed server inherits it */
    return local.code == OK ? OK : err_set(err, local.code, "%s", local.text);
}

/* The terminal ------------------------------------------------------------------------------- */

static const int ending_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
#define ENDING_SIGNALS (sizeof ending_signals / sizeof ending_signals[0])

static volatile sig_atomic_t caught_signal;

static void on_signal(int number)
{
    caught_signal = number;
}

struct asking {
    int terminal;
    struct termios before;
    struct sigaction actions[ENDING_SIGNALS];
    sigset_t mask;
};

/* The signals are blocked but for the wait itself, so that none is missed between looking and waiting. */
static bool turn_echo_off(struct asking *asking, sigset_t *while_waiting)
{
    struct sigaction action = {.sa_handler = on_signal};
    struct termios quiet = asking->before;
    sigset_t ending;
    sigemptyset(&action.sa_mask);
    sigemptyset(&ending);
    for (size_t i = 0; i < ENDING_SIGNALS; i++)
        sigaddset(&ending, ending_signals[i]);
    sigprocmask(SIG_BLOCK, &ending, &asking->mask);
    *while_waiting = asking->mask;
    caught_signal = 0;
    for (size_t i = 0; i < ENDING_SIGNALS; i++) {
        sigaction(ending_signals[i], NULL, &asking->actions[i]);
        if (asking->actions[i].sa_handler != SIG_IGN)
            sigaction(ending_signals[i], &action, NULL);
    }
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    quiet.c_lflag |= ICANON;
    return tcsetattr(asking->terminal, TCSAFLUSH, &quiet) == 0;
}

/* Flushes what was typed and not read: the end of a password that is too long is nobody's command. */
static void turn_echo_on(const struct asking *asking)
{
    tcsetattr(asking->terminal, TCSAFLUSH, &asking->before);
    for (size_t i = 0; i < ENDING_SIGNALS; i++)
        sigaction(ending_signals[i], &asking->actions[i], NULL);
    sigprocmask(SIG_SETMASK, &asking->mask, NULL);
}

static void ask_once(char *password, int terminal, const char *user, struct err *err)
{
    struct asking asking = {.terminal = terminal};
    sigset_t while_waiting;
    if (tcgetattr(terminal, &asking.before) != 0) {
        err_set_errno(err, E_USAGE, errno, "--askpass: cannot ask on this terminal");
        return;
    }
    if (!turn_echo_off(&asking, &while_waiting)) {
        err_set_errno(err, E_USAGE, errno, "--askpass: the terminal keeps its echo on");
    } else {
        dprintf(terminal, "Password%s%s: ", user != NULL ? " for " : "", user != NULL ? user : "");
        read_line(password, terminal, "--askpass", &while_waiting, err);
        dprintf(terminal, "\n");
    }
    turn_echo_on(&asking);
}

enum err_code credentials_ask(char *password, const char *user, struct err *err)
{
    struct err local;
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal < 0)
        return err_set(err, E_USAGE,
                       "--askpass: there is no terminal to ask on; use --password-fd N or the "
                       "environment variable %s",
                       CREDENTIALS_VARIABLE);
    do {
        local = (struct err){.code = OK};
        ask_once(password, terminal, user, &local);
        if (caught_signal != 0)
            raise(caught_signal); /* mostly the end; after Ctrl+Z and fg it asks again */
    } while (caught_signal != 0 && local.code != OK);
    close(terminal);
    return local.code == OK ? OK : err_set(err, local.code, "%s", local.text);
}
