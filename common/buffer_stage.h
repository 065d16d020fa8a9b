/* Where the latency of a request goes that passes through a client's buffer (worker/buffer.h), one row a stage: identifier, name in
 * JSON and reports, what it is. The stages of a request follow one another, and `total` is their sum. Their figures are
 * parts of an interval, behind those of commands, in this order: of writes, and as many of requests that only read and went to
 * the server. Those that the near cache answered have one stage. */
#ifndef COMMON_BUFFER_STAGE_H
#define COMMON_BUFFER_STAGE_H

#define BUFFER_STAGE_TABLE(X)                                                                      \
    X(STAGE_WRITE_SCHEDULE, "write:schedule_wait", "until the buffer had room for it")             \
    X(STAGE_WRITE_BUFFER, "write:buffer_wait", "in the round buffer and the hybrid buffer")        \
    X(STAGE_WRITE_ENCODE, "write:encode", "until its batch was rendered")                          \
    X(STAGE_WRITE_WRITE, "write:write", "in the call that wrote it")                               \
    X(STAGE_WRITE_SERVER, "write:server", "network and server, until its reply was read")          \
    X(STAGE_WRITE_PARSE, "write:parse", "until the replies read with it were settled")             \
    X(STAGE_WRITE_TOTAL, "write:total", "from the intended time on")                               \
    X(STAGE_QUERY_SCHEDULE, "query:schedule_wait", "until it was its turn")                        \
    X(STAGE_QUERY_ROUTE, "query:route", "until a connection was free")                             \
    X(STAGE_QUERY_ENCODE, "query:encode", "until it was rendered")                                 \
    X(STAGE_QUERY_WRITE, "query:write", "in the call that wrote it")                               \
    X(STAGE_QUERY_SERVER, "query:server", "network and server, until its reply was read")          \
    X(STAGE_QUERY_PARSE, "query:parse", "until the replies read with it were settled")             \
    X(STAGE_QUERY_TOTAL, "query:total", "from the intended time on")                               \
    X(STAGE_QUERY_CACHED, "query:cached",                                                          \
      "from the intended time on, of reads that the near cache answered")

#define BUFFER_STAGE_ID(id, name, meaning) id,
enum buffer_stage { BUFFER_STAGE_TABLE(BUFFER_STAGE_ID) BUFFER_STAGES };
#undef BUFFER_STAGE_ID

#endif
