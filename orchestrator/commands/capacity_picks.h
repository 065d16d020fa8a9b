/* The options of bench that find-max and sweep both take as they are, for their tables of picks. */
#ifndef ORCHESTRATOR_COMMANDS_CAPACITY_PICKS_H
#define ORCHESTRATOR_COMMANDS_CAPACITY_PICKS_H

#include "orchestrator/options/option_selection.h"

/* clang-format off: lists */
#define PICK(name_)                                                                                \
    {                                                                                              \
        .name = name_                                                                              \
    }
#define CAPACITY_TARGET_PICKS                                                                      \
    PICK("host"), PICK("port"), PICK("socket"), PICK("uri"), PICK("password"), PICK("askpass"),    \
        PICK("password-fd"), PICK("user"), PICK("dbnum"), PICK("resp3"), PICK("client-name"),      \
        PICK("enable-tracking"), PICK("managed"), PICK("managed-program"), PICK("managed-args"),   \
        PICK("io-threads"), PICK("cluster"), PICK("read-from-replica"), PICK("sentinel"),          \
        PICK("master"), PICK("redirect-hosts"), PICK("wait-ready"), PICK("tls"), PICK("cacert"),   \
        PICK("cacertdir"), PICK("cert"), PICK("key"), PICK("sni"), PICK("insecure"),               \
        PICK("tls-ciphers"), PICK("tls-ciphersuites"), PICK("tls-resume"), PICK("ktls")
#define CAPACITY_LOAD_PICKS                                                                        \
    PICK("datasize"), PICK("num-functions"), PICK("num-keys-in-fcall"),                            \
        PICK("stdin-last-argument"), PICK("null"), PICK("arrival"), PICK("pacing")
#define CAPACITY_KEY_PICKS                                                                         \
    PICK("random"), PICK("sequential"), PICK("keyspace-offset"), PICK("sequential-random-start"),  \
        PICK("seed")
#define CAPACITY_CONNECTION_PICKS                                                                  \
    PICK("keepalive"), PICK("reconnect-every"), PICK("reset-on-close"), PICK("source-address"),    \
        PICK("max-reconnects"), PICK("idle"), PICK("processes"), PICK("threads"),                  \
        PICK("single-process"), PICK("cpus"), PICK("request-timeout"), PICK("connection-timeout"), \
        PICK("drain-timeout")
/* clang-format on */

#endif
