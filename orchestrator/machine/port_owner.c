#include "orchestrator/machine/port_owner.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATE_LISTENING 0x0A

struct listeners {
    unsigned ours, others;
    uint32_t other; /* one of them */
};

/* Whether who listens at this address hears what is sent to 127.0.0.1. The kernel writes words of 32 bits, each
 * as a number of this machine. */
static bool hears_loopback(const char *address)
{
    char loopback[9], mapped[25], any_mapped[33], loopback_mapped[33];
    snprintf(loopback, sizeof loopback, "%08X", (unsigned)htonl(INADDR_LOOPBACK));
    snprintf(mapped, sizeof mapped, "%016X%08X", 0u, (unsigned)htonl(0xFFFF));
    snprintf(any_mapped, sizeof any_mapped, "%s%08X", mapped, 0u);
    snprintf(loopback_mapped, sizeof loopback_mapped, "%s%s", mapped, loopback);
    return strspn(address, "0") == strlen(address) || strcmp(address, loopback) == 0 ||
           strcmp(address, any_mapped) == 0 || strcmp(address, loopback_mapped) == 0;
}

/* "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000 ...". False: it is of no
 * listener. These stand first, and all others, which may be many, behind them. */
static bool take_line(struct listeners *found, uint16_t port, const char *line)
{
    char address[33];
    unsigned at, state, user;
    if (sscanf(line, " %*u: %32[0-9A-F]:%4x %*32[0-9A-F]:%*4x %2x %*8x:%*8x %*2x:%*8x %*8x %u",
               address, &at, &state, &user) != 4 ||
        state != STATE_LISTENING)
        return false;
    if (at != port || !hears_loopback(address))
        return true;
    if (user == geteuid() || user == 0) {
        found->ours++;
    } else {
        found->others++;
        found->other = user;
    }
    return true;
}

/* False: there is no such file. */
static bool read_table(struct listeners *found, uint16_t port, const char *root, const char *name)
{
    char path[256];
    char *line = NULL;
    size_t room_bytes = 0;
    snprintf(path, sizeof path, "%s/proc/net/%s", root, name);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    ssize_t got = getline(&line, &room_bytes, file); /* the names of the columns */
    while (got > 0 && (got = getline(&line, &room_bytes, file)) > 0)
        if (!take_line(found, port, line))
            break;
    free(line);
    fclose(file);
    return true;
}

bool port_is_ours(uint16_t port, const char *root, int64_t *stranger)
{
    struct listeners found = {0};
    bool known = read_table(&found, port, root, "tcp");
    known |= read_table(&found, port, root, "tcp6");
    *stranger = found.others > 0 ? (int64_t)found.other : -1;
    return !known || (found.ours > 0 && found.others == 0);
}
