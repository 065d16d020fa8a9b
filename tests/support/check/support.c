#include "tests/support/check/support.h"

#include <arpa/inet.h>
#include <check.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/rng.h"

#define STEP_MS 2

uint64_t support_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void support_sleep_ms(unsigned ms)
{
    struct timespec left = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        continue;
}

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
}

int support_listen(uint16_t *port)
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = loopback(*port);
    socklen_t address_bytes = sizeof address;
    if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 1024) != 0) {
        close(fd);
        return -1;
    }
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&address, &address_bytes), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

/* Below those that the system gives to connections: one of them could take the port of a server that is down until
 * it is started again. With the 10000 above, the bus of a cluster's node, too. */
#define PORT_FIRST 10000u
#define PORT_COUNT 10000u
#define PORT_ATTEMPTS 1000u

uint16_t support_free_port(void)
{
    static uint64_t drawn;
    for (unsigned attempt = 0; attempt < PORT_ATTEMPTS; attempt++) {
        uint64_t random = rng_at((uint64_t)getpid() << 32 | support_now_ms(), drawn++);
        uint16_t port = (uint16_t)(PORT_FIRST + rng_bounded(random, PORT_COUNT));
        const int fd = support_listen(&port);
        if (fd < 0)
            continue;
        close(fd);
        return port;
    }
    ck_abort_msg("no port is free");
}

int support_connect(uint16_t port, unsigned deadline_ms)
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    const struct timeval deadline = {.tv_sec = deadline_ms / 1000,
                                     .tv_usec = (suseconds_t)(deadline_ms % 1000) * 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof deadline);
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const struct sockaddr_in address = loopback(port);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        close(fd);
        return -1;
    }
    return fd;
}

bool support_read_exactly(int fd, void *bytes, size_t byte_count)
{
    size_t at = 0;
    while (at < byte_count) {
        const ssize_t read_bytes = read(fd, (char *)bytes + at, byte_count - at);
        if (read_bytes <= 0)
            return false;
        at += (size_t)read_bytes;
    }
    return true;
}

pid_t support_fork(void)
{
    const pid_t parent = getpid();
    fflush(NULL);
    const pid_t pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1); /* the parent was gone before the line above */
    for (int number = 1; number < NSIG; number++)
        signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    return 0;
}

void support_close_all_but(int keep_fd)
{
    if (keep_fd > 3)
        close_range(3, (unsigned)keep_fd - 1, 0);
    close_range(keep_fd >= 3 ? (unsigned)keep_fd + 1 : 3, UINT_MAX, 0);
}

bool support_reap(pid_t pid, unsigned ms, int *wait_status)
{
    const uint64_t end_ms = support_now_ms() + ms;
    for (;;) {
        const pid_t reaped = waitpid(pid, wait_status, WNOHANG);
        ck_assert_msg(reaped >= 0, "process %d is no child of this test", (int)pid);
        if (reaped == pid)
            return true;
        if (support_now_ms() >= end_ms)
            return false;
        support_sleep_ms(STEP_MS);
    }
}

void support_kill(pid_t pid)
{
    int wait_status;
    kill(pid, SIGKILL);
    ck_assert(support_reap(pid, 10000, &wait_status));
}

/* Parent and state of a process, from /proc; false when it does not exist. The command name stands
 * in parentheses and may hold anything, so the last one counts. */
static bool process_stat(pid_t pid, char *state, pid_t *parent)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    char line[1024];
    const bool have_line = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    const char *behind = have_line ? strrchr(line, ')') : NULL;
    int number = 0;
    if (behind == NULL || sscanf(behind, ") %c %d", state, &number) != 2)
        return false;
    *parent = number;
    return true;
}

bool support_process_alive(pid_t pid)
{
    char state = 0;
    pid_t parent = 0;
    return process_stat(pid, &state, &parent) && state != 'Z' && state != 'X';
}

bool support_process_gone(pid_t pid, unsigned ms)
{
    const uint64_t end_ms = support_now_ms() + ms;
    while (support_process_alive(pid)) {
        if (support_now_ms() >= end_ms)
            return false;
        support_sleep_ms(STEP_MS);
    }
    return true;
}

size_t support_children(pid_t pid, pid_t *children, size_t max)
{
    DIR *proc = opendir("/proc");
    ck_assert_ptr_nonnull(proc);
    size_t count = 0;
    for (const struct dirent *entry = readdir(proc); entry != NULL; entry = readdir(proc)) {
        if (!isdigit((unsigned char)entry->d_name[0]))
            continue;
        const pid_t candidate = (pid_t)strtol(entry->d_name, NULL, 10);
        char state = 0;
        pid_t parent = 0;
        if (!process_stat(candidate, &state, &parent) || parent != pid || state == 'Z')
            continue;
        if (count < max)
            children[count] = candidate;
        count++;
    }
    closedir(proc);
    return count;
}

char *support_read_file(int fd, size_t *byte_count)
{
    struct stat status;
    ck_assert_int_eq(fstat(fd, &status), 0);
    const size_t capacity_bytes = (size_t)status.st_size;
    char *text = calloc(1, capacity_bytes + 1);
    ck_assert_ptr_nonnull(text);
    size_t at = 0;
    while (at < capacity_bytes) {
        const ssize_t read_bytes = pread(fd, text + at, capacity_bytes - at, (off_t)at);
        if (read_bytes <= 0)
            break;
        at += (size_t)read_bytes;
    }
    *byte_count = at;
    return text;
}
