/* What a cluster's error reply asks the client to do. Pure functions on the first bytes of the reply. */
#ifndef COMMON_REDIRECT_H
#define COMMON_REDIRECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum redirect_kind {
    REDIRECT_NONE,        /* an ordinary error, or a redirect that makes no sense             */
    REDIRECT_MOVED,       /* the slot belongs to another node from now on                     */
    REDIRECT_ASK,         /* this request only: there, behind ASKING                          */
    REDIRECT_TRYAGAIN,    /* some keys are here and some are there: later                     */
    REDIRECT_CLUSTERDOWN, /* nobody serves the slot now: later                               */
    REDIRECT_LOAD /* of any server: the same again, behind the script that it does not know */
};

struct redirect {
    enum redirect_kind kind;
    uint16_t slot;  /* of MOVED and ASK */
    uint16_t port;  /* of MOVED and ASK */
    char host[128]; /* "": the same host as the node that said so; IPv6 without brackets     */
};

/* text: an error reply without its '-', cut at RESP_LINE_BYTES. Any input is safe. The format is
 * "MOVED slot host:port" and "ASK slot host:port", where an IPv6 host may hold colons. */
enum redirect_kind redirect_parse(struct redirect *redirect, const char *text, size_t text_bytes);

/* Whether an error reply says that the server has not got the script, or the function, that was called: REDIRECT_LOAD,
 * which redirect_parse never says. */
bool redirect_wants_script(const char *text, size_t text_bytes);

#endif
