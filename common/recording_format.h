/* What a recording is made of, shared by its writer (recording.c) and its reader (recording_read.c). */
#ifndef COMMON_RECORDING_FORMAT_H
#define COMMON_RECORDING_FORMAT_H

#include "common/histogram_wire.h"
#include "common/recording.h"

#define RECORDING_MAGIC_BYTES (sizeof RECORDING_MAGIC - 1)
/* The magic, then blocks {u32 kind, u32 length, u32 crc of these two, bytes, u32 crc of the bytes}; little endian, the
 * crc is zlib's. The head has its own, so that a length that was damaged is not taken for a file that was cut. */
enum recording_block { RECORDING_HEADER = 1, RECORDING_ENTRIES, RECORDING_TRAILER };
#define RECORDING_HEAD_BYTES 12u
#define RECORDING_CRC_BYTES 4u
/* Behind the trailer: {u32 bytes of the trailer's block, "end\n"}, by which the trailer is found from the end. */
#define RECORDING_END_MARK "end\n"
#define RECORDING_END_BYTES 8u

/* A block ends with the entry that fills it, so it is at most this and one request long. */
#define RECORDING_BLOCK_BYTES (64u << 10)
/* An entry's numbers; and each argument's length. */
#define RECORDING_ENTRY_HEAD_BYTES (5u * VARINT_MAX_BYTES)
#define RECORDING_BLOCK_MAX_BYTES                                                                  \
    (RECORDING_BLOCK_BYTES + RECORDING_REQUEST_MAX_BYTES + RECORDING_ENTRY_HEAD_BYTES)
#define RECORDING_TRAILER_MAX_BYTES                                                                \
    (RECORDING_COMMANDS_MAX * (RECORDING_COMMAND_BYTES + 2u * VARINT_MAX_BYTES) + 256u)

uint32_t recording_get_u32(const unsigned char *in);
/* Fills the head, and the crc behind the bytes; returns the bytes of the whole block. */
size_t recording_seal(unsigned char *block, enum recording_block kind, size_t byte_count);

/* Counts an entry, whose numbers are in order, into the facts. */
void recording_facts_add(struct recording_facts *facts, const struct recording_entry *entry);
size_t recording_trailer_encode(unsigned char *out, const struct recording_facts *facts);
/* False: not in order. */
MUST_USE bool recording_trailer_decode(struct recording_facts *facts, const unsigned char *in,
                                       size_t in_bytes);

/* What a bulk string or an array of this length or count takes as RESP, with its line ends. */
size_t recording_bulk_bytes(size_t byte_count);

#endif
