/* Hash slots of a cluster: CRC16 of the key, or of its hash tag. Pure functions.
 *
 * Source: the cluster specification of the Valkey and Redis projects; CRC16/XMODEM (polynomial
 * 0x1021, start 0, nothing reflected). */
#ifndef COMMON_SLOTS_H
#define COMMON_SLOTS_H

#include <stddef.h>
#include <stdint.h>

#define SLOTS_COUNT 16384u

uint16_t slots_crc16(const char *bytes, size_t byte_count);

/* The slot of a key: what stands between its first '{' and the next '}' decides, if anything does. */
uint16_t slots_of_key(const char *key, size_t key_bytes);

#endif
