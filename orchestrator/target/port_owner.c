#include "orchestrator/target/port_owner.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define STATE_LISTENING 0x0A

struct listeners {
    unsigned ours, others;
};

/* "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000 ...". False: it is of no
 * listener. These stand first, and all others, which may be many, behind them. */
static bool take_line(struct listeners *found, uint16_t port, const char *line)
{
    unsigned at, state, user;
    if (sscanf(line, " %*u: %*32[0-9A-F]:%4x %*32[0-9A-F]:%*4x %2x %*8x:%*8x %*2x:%*8x %*8x %u",
               &at, &state, &user) != 3 ||
        state != STATE_LISTENING)
        return false;
    if (at == port && (user == geteuid() || user == 0))
        found->ours++;
    else if (at == port)
        found->others++;
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

bool port_is_ours(uint16_t port, const char *root)
{
    struct listeners found = {0};
    bool known = read_table(&found, port, root, "tcp");
    known |= read_table(&found, port, root, "tcp6");
    return !known || (found.ours > 0 && found.others == 0);
}
