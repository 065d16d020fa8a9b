/* What the other files of this folder share: bounded waiting, ports, child processes. Everything here
 * ends the running test when it fails (Check's fork mode then reaps what the test had started, and
 * every child started here dies with its parent). */
#ifndef TESTS_SUPPORT_SUPPORT_H
#define TESTS_SUPPORT_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

uint64_t support_now_ms(void);
/* One step of a bounded wait; never a wait by itself. */
void support_sleep_ms(unsigned ms);

/* A loopback port that nobody listens on now. Somebody else may take it before the caller does. */
uint16_t support_free_port(void);
/* A socket listening on a loopback port; 0 lets the system choose. Returns the descriptor, -1 when
 * the port is taken. */
int support_listen(uint16_t *port);
/* A blocking socket connected to a loopback port, or -1. Every read on it fails after deadline_ms. */
int support_connect(uint16_t port, unsigned deadline_ms);
/* Reads exactly so many bytes; false at the end of the stream, on an error or after the deadline. */
bool support_read_exactly(int fd, void *bytes, size_t byte_count);

/* Forks. The child dies with this process and has default signal handling; it gets 0. */
pid_t support_fork(void);
/* For the child: closes every descriptor above 2 but keep_fd (-1: all of them). */
void support_close_all_but(int keep_fd);
/* Waits for a child of ours to end. False after ms: it runs on. */
bool support_reap(pid_t pid, unsigned ms, int *wait_status);
/* SIGKILL (a stopped process dies too), and waits. */
void support_kill(pid_t pid);
/* Whether a process exists and is no zombie; waiting for one that is not our child to go. */
bool support_process_alive(pid_t pid);
bool support_process_gone(pid_t pid, unsigned ms);
/* The processes whose parent is pid, zombies left out; returns how many there are, storing at most max. */
size_t support_children(pid_t pid, pid_t *children, size_t max);

/* The whole of a file descriptor's file, terminated; the caller frees. */
char *support_read_file(int fd, size_t *byte_count);

#endif
