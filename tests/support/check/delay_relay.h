/* A long way to a server: a process that passes on what clients and server say to each other, each piece so much later. It
 * dies with the test. */
#ifndef TESTS_SUPPORT_CHECK_DELAY_RELAY_H
#define TESTS_SUPPORT_CHECK_DELAY_RELAY_H

#include <stdint.h>
#include <sys/types.h>

struct delay_relay {
    pid_t pid;
    uint16_t port;
    char port_text[8];
};

/* Returns when it listens on a loopback port. delay_ms: each way. */
void delay_relay_start(struct delay_relay *relay, uint16_t server_port, unsigned delay_ms);
void delay_relay_stop(struct delay_relay *relay);

#endif
