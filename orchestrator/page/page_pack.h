/* Text that is written as base64 of gzip, which a page unpacks, or as it is, for a page that asks for it: a stream, so that
 * nothing is held but a few kB. */
#ifndef ORCHESTRATOR_PAGE_PAGE_PACK_H
#define ORCHESTRATOR_PAGE_PAGE_PACK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

#include "common/err.h"
#include "orchestrator/report/output.h"

struct page_pack {
    struct output *out;
    bool plain; /* as it is */
    z_stream deflate;
    unsigned char raw[8192], packed[6144]; /* a multiple of 3 bytes is base64 without padding */
    size_t raw_bytes, packed_bytes;
};

/* E_SYSTEM: no memory; then nothing has to be ended. What cannot be written is told by the output's status. */
MUST_USE enum err_code page_pack_begin(struct page_pack *pack, struct output *out, struct err *err);
void page_pack_begin_plain(struct page_pack *pack, struct output *out);
void page_pack_write(struct page_pack *pack, const void *bytes, size_t byte_count);
void page_pack_text(struct page_pack *pack, const char *text);
/* With six digits; null: not a number. */
void page_pack_number(struct page_pack *pack, double number);
/* As JSON; NULL: null. */
void page_pack_json(struct page_pack *pack, const json_t *value);
void page_pack_end(struct page_pack *pack);

#endif
