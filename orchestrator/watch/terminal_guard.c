#include "orchestrator/watch/terminal_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#define LEAVE_BYTES_MAX 128u
#define DRAIN_TRIES 20

/* Whatever else is caught ends the run in order, and session_free brings the terminal back. */
static const int crashes[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGQUIT, SIGSYS, SIGTRAP};
#define CRASHES (sizeof crashes / sizeof crashes[0])
enum { OTHERS = 3 };
static const int others[OTHERS] = {SIGTSTP, SIGCONT, SIGWINCH};

static struct {
    pid_t process; /* 0: there is no screen */
    int screen_fd, kept_fd;
    size_t kept_bytes_max;
    off_t kept_from;          /* where the oldest line that is kept begins; before it is nothing */
    unsigned long left_lines; /* before that */
    int streams[STDERR_FILENO + 1]; /* where it led; below 0: it was not diverted */
    struct termios settings;
    char leave[LEAVE_BYTES_MAX];
    size_t leave_bytes;
    struct sigaction crash_actions[CRASHES], other_actions[OTHERS];
    volatile sig_atomic_t armed, away, returned;
} guard = {.screen_fd = -1, .kept_fd = -1};

/* ---- in handlers: only what is safe there ---- */

static void write_all(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        const ssize_t written = write(fd, bytes, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return;
        bytes += written;
        count -= (size_t)written;
    }
}

static void print_left_out(int fd)
{
    static const char text[] = " older lines that were printed behind the screen are left out\n";
    char digits[24];
    size_t at = sizeof digits;
    for (unsigned long left = guard.left_lines; left > 0; left /= 10)
        digits[--at] = (char)('0' + left % 10);
    if (at == sizeof digits)
        return;
    write_all(fd, "volley: ", sizeof "volley: " - 1);
    write_all(fd, digits + at, sizeof digits - at);
    write_all(fd, text, sizeof text - 1);
}

static void print_kept(int fd)
{
    char bytes[4096];
    off_t at = guard.kept_from;
    print_left_out(fd);
    for (ssize_t count; (count = pread(guard.kept_fd, bytes, sizeof bytes, at)) > 0; at += count)
        write_all(fd, bytes, (size_t)count);
}

static void leave_screen(void)
{
    write_all(guard.screen_fd, guard.leave, guard.leave_bytes);
    (void)tcsetattr(guard.screen_fd, TCSANOW, &guard.settings);
}

static bool is_ours(void)
{
    return guard.armed && guard.process == getpid();
}

static void on_crash(int number)
{
    if (is_ours()) {
        guard.armed = 0;
        if (!guard.away)
            leave_screen();
        print_kept(guard.screen_fd);
    }
    for (size_t i = 0; i < CRASHES; i++)
        if (crashes[i] == number)
            (void)sigaction(number, &guard.crash_actions[i], NULL);
    (void)raise(number); /* once this handler has returned */
}

static void on_stop(int number)
{
    const int why = errno;
    struct sigaction own;
    const struct sigaction usual = {.sa_handler = SIG_DFL};
    sigset_t just, before;
    if (is_ours() && !guard.away) {
        leave_screen();
        guard.away = 1;
    }
    (void)sigaction(number, &usual, &own);
    sigemptyset(&just);
    sigaddset(&just, number);
    (void)raise(number);
    (void)sigprocmask(SIG_UNBLOCK, &just, &before); /* here it stops */
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    (void)sigaction(number, &own, NULL);
    guard.returned = 1;
    errno = why;
}

static void on_return(int number)
{
    (void)number;
    guard.returned = 1;
}

/* Its size is looked at regularly; the handler is there so that no library installs one. */
static void on_resize(int number)
{
    (void)number;
}

/* ---- around a screen ---- */

/* Once what was written is out; children that end meanwhile interrupt the wait for that. */
static void give_back_settings(void)
{
    int tries = 0;
    while (tcsetattr(guard.screen_fd, TCSADRAIN, &guard.settings) != 0 && errno == EINTR &&
           tries++ < DRAIN_TRIES)
        continue;
    (void)tcsetattr(guard.screen_fd, TCSANOW, &guard.settings);
}

static void install(void)
{
    static void (*const handlers[OTHERS])(int) = {on_stop, on_return, on_resize};
    struct sigaction action = {.sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < OTHERS; i++) {
        action.sa_handler = handlers[i];
        (void)sigaction(others[i], &action, &guard.other_actions[i]);
        if (guard.other_actions[i].sa_handler == SIG_IGN && others[i] == SIGTSTP)
            (void)sigaction(others[i], &guard.other_actions[i], NULL);
    }
    action.sa_handler = on_crash;
    for (size_t i = 0; i < CRASHES; i++)
        (void)sigaction(crashes[i], &action, &guard.crash_actions[i]);
}

static void uninstall(void)
{
    for (size_t i = 0; i < OTHERS; i++)
        (void)sigaction(others[i], &guard.other_actions[i], NULL);
    for (size_t i = 0; i < CRASHES; i++)
        (void)sigaction(crashes[i], &guard.crash_actions[i], NULL);
}

static void divert(int fd)
{
    guard.streams[fd] = -1;
    if (isatty(fd) != 1)
        return;
    fflush(fd == STDOUT_FILENO ? stdout : stderr);
    guard.streams[fd] = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (guard.streams[fd] >= 0)
        (void)dup2(guard.kept_fd, fd);
}

static void restore(int fd)
{
    if (guard.streams[fd] < 0)
        return;
    fflush(fd == STDOUT_FILENO ? stdout : stderr);
    (void)dup2(guard.streams[fd], fd);
    close(guard.streams[fd]);
    guard.streams[fd] = -1;
}

/* How many lines end in a part of what was kept. *behind_first: behind the end of the first of them, 0: there is none. */
static unsigned long count_lines(off_t from, off_t to, off_t *behind_first)
{
    char bytes[4096];
    unsigned long lines = 0;
    *behind_first = 0;
    while (from < to) {
        const size_t wanted = to - from < (off_t)sizeof bytes ? (size_t)(to - from) : sizeof bytes;
        const ssize_t count = pread(guard.kept_fd, bytes, wanted, from);
        if (count <= 0)
            break;
        for (ssize_t i = 0; i < count; i++) {
            if (bytes[i] != '\n')
                continue;
            if (lines++ == 0)
                *behind_first = from + i + 1;
        }
        from += count;
    }
    return lines;
}

void terminal_guard_trim(void)
{
    struct stat kept;
    off_t from, unused;
    if (guard.process == 0 || fstat(guard.kept_fd, &kept) != 0 ||
        kept.st_size - guard.kept_from <= (off_t)guard.kept_bytes_max)
        return;
    /* Its offset belongs to children, too, and only grows: what is before the oldest line goes, and nothing moves. */
    const off_t least = kept.st_size - (off_t)guard.kept_bytes_max;
    (void)count_lines(least - 1, kept.st_size, &from);
    if (from == 0 || from == kept.st_size) /* one line that is longer than all there may be */
        from = least;
    guard.left_lines += count_lines(guard.kept_from, from, &unused);
    guard.kept_from = from;
    (void)fallocate(guard.kept_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, from);
}

int terminal_guard_output(void)
{
    return isatty(STDOUT_FILENO) == 1   ? STDOUT_FILENO
           : isatty(STDERR_FILENO) == 1 ? STDERR_FILENO
                                        : -1;
}

enum err_code terminal_guard_begin(int *screen_fd, size_t kept_bytes_max, struct err *err)
{
    const int output_fd = terminal_guard_output();
    guard.screen_fd =
        output_fd >= 0 ? fcntl(output_fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1) : output_fd;
    guard.kept_fd = memfd_create("volley: printed behind the screen", MFD_CLOEXEC);
    if (guard.screen_fd < 0 || guard.kept_fd < 0 ||
        tcgetattr(guard.screen_fd, &guard.settings) != 0) {
        err_set_errno(err, E_SYSTEM, errno, "--tui cannot take the terminal");
        if (guard.screen_fd >= 0)
            close(guard.screen_fd);
        if (guard.kept_fd >= 0)
            close(guard.kept_fd);
        return E_SYSTEM;
    }
    guard.process = getpid();
    guard.armed = guard.away = guard.returned = 0;
    guard.kept_bytes_max = kept_bytes_max;
    guard.kept_from = 0;
    guard.left_lines = 0;
    install();
    divert(STDOUT_FILENO);
    divert(STDERR_FILENO);
    *screen_fd = guard.screen_fd;
    return OK;
}

void terminal_guard_arm(const char *leave, size_t leave_bytes)
{
    guard.leave_bytes = leave_bytes < sizeof guard.leave ? leave_bytes : sizeof guard.leave;
    memcpy(guard.leave, leave, guard.leave_bytes);
    guard.armed = 1;
}

void terminal_guard_end(void)
{
    if (guard.process == 0)
        return;
    guard.armed = 0;
    if (!guard.away)
        give_back_settings();
    restore(STDOUT_FILENO);
    restore(STDERR_FILENO);
    uninstall();
    terminal_guard_trim();
    print_kept(guard.screen_fd);
    close(guard.kept_fd);
    close(guard.screen_fd);
    guard.process = 0;
}

bool terminal_guard_foreground(void)
{
    return tcgetpgrp(guard.screen_fd) == getpgrp();
}

bool terminal_guard_takes(void)
{
    struct pollfd screen = {.fd = guard.screen_fd, .events = POLLOUT};
    return poll(&screen, 1, 0) == 1 && (screen.revents & POLLOUT) != 0;
}

bool terminal_guard_returned(void)
{
    const bool returned = guard.returned != 0 && terminal_guard_foreground();
    if (returned)
        guard.returned = guard.away = 0;
    return returned;
}

bool terminal_guard_is_away(void)
{
    return guard.away != 0;
}
