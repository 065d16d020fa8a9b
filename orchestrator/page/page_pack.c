#include "orchestrator/page/page_pack.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define LEVEL 6        /* a page of 4 h in half a second; 9 takes four times as long for 2 % */
#define GZIP (15 + 16) /* zlib's largest window, with a gzip header */
#define MEMORY_LEVEL 8 /* zlib's usual one */

enum err_code page_pack_begin(struct page_pack *pack, struct output *out, struct err *err)
{
    memset(pack, 0, sizeof *pack);
    pack->out = out;
    if (deflateInit2(&pack->deflate, LEVEL, Z_DEFLATED, GZIP, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        return err_set(err, E_SYSTEM, "no memory to pack the data of a page");
    return OK;
}

void page_pack_begin_plain(struct page_pack *pack, struct output *out)
{
    memset(pack, 0, sizeof *pack);
    pack->out = out;
    pack->plain = true;
}

static void write_base64(struct page_pack *pack, size_t byte_count)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char line[sizeof pack->packed / 3 * 4 + 4];
    size_t used = 0;
    for (size_t i = 0; i < byte_count; i += 3) {
        const unsigned char *at = &pack->packed[i];
        const size_t left = byte_count - i;
        const unsigned second = left > 1 ? at[1] : 0, third = left > 2 ? at[2] : 0;
        line[used++] = digits[at[0] >> 2];
        line[used++] = digits[(at[0] & 3u) << 4 | second >> 4];
        line[used++] = left > 1 ? digits[(second & 15u) << 2 | third >> 6] : '=';
        line[used++] = left > 2 ? digits[third & 63u] : '=';
    }
    output_write(pack->out, line, used);
}

static void deflate_raw(struct page_pack *pack, int flush)
{
    int status;
    if (pack->plain) {
        output_write(pack->out, pack->raw, pack->raw_bytes);
        pack->raw_bytes = 0;
        return;
    }
    pack->deflate.next_in = pack->raw;
    pack->deflate.avail_in = (uInt)pack->raw_bytes;
    do {
        pack->deflate.next_out = &pack->packed[pack->packed_bytes];
        pack->deflate.avail_out = (uInt)(sizeof pack->packed - pack->packed_bytes);
        status = deflate(&pack->deflate, flush);
        pack->packed_bytes = sizeof pack->packed - pack->deflate.avail_out;
        if (pack->packed_bytes == sizeof pack->packed || status == Z_STREAM_END) {
            write_base64(pack, pack->packed_bytes);
            pack->packed_bytes = 0;
        }
    } while (pack->deflate.avail_in > 0 || (flush == Z_FINISH && status == Z_OK));
    pack->raw_bytes = 0;
}

void page_pack_write(struct page_pack *pack, const void *bytes, size_t byte_count)
{
    const unsigned char *at = bytes;
    while (byte_count > 0) {
        size_t room = sizeof pack->raw - pack->raw_bytes;
        size_t part = byte_count < room ? byte_count : room;
        memcpy(&pack->raw[pack->raw_bytes], at, part);
        pack->raw_bytes += part;
        at += part;
        byte_count -= part;
        if (pack->raw_bytes == sizeof pack->raw)
            deflate_raw(pack, Z_NO_FLUSH);
    }
}

void page_pack_text(struct page_pack *pack, const char *text)
{
    page_pack_write(pack, text, strlen(text));
}

void page_pack_number(struct page_pack *pack, double number)
{
    char text[32];
    if (!isfinite(number)) {
        page_pack_text(pack, "null");
        return;
    }
    snprintf(text, sizeof text, "%.6g", number);
    page_pack_text(pack, text);
}

static int dump(const char *bytes, size_t byte_count, void *pack)
{
    page_pack_write(pack, bytes, byte_count);
    return 0;
}

void page_pack_json(struct page_pack *pack, const json_t *value)
{
    if (value == NULL ||
        json_dump_callback(value, dump, pack,
                           JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(9)) != 0)
        page_pack_text(pack, "null");
}

void page_pack_end(struct page_pack *pack)
{
    deflate_raw(pack, Z_FINISH);
    if (!pack->plain)
        deflateEnd(&pack->deflate);
}
