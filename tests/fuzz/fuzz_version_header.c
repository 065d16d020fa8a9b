/* The head of DIR/versions: whatever its bytes are, a space that is taken has its entries inside of the file, and names
 * of keys that fit where they are to. */
#include <stdlib.h>
#include <string.h>

#include "common/version_table.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t byte_count);

static void check_space(const struct version_space *space, uint64_t entry_count)
{
    static char key[VERSION_KEY_BYTES_MAX + 2 * VERSION_PREFIX_BYTES];
    const uint64_t numbers[] = {space->first, space->first + space->count - 1};
    if (space->count > entry_count || space->entry > entry_count - space->count)
        abort();
    for (size_t i = 0; i < 2; i++) {
        const size_t bytes = version_key_bytes(space, numbers[i]);
        if (bytes > sizeof key)
            abort();
        version_key_write(key, bytes, space, numbers[i]);
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t byte_count)
{
    static struct version_header header;
    struct err err = {.code = OK};
    memset(&header, 0, sizeof header);
    memcpy(&header, data, byte_count < sizeof header ? byte_count : sizeof header);
    memcpy(header.magic, "volley versions", sizeof header.magic);
    header.byte_order = 0x01020304;
    header.format = 1;
    const uint64_t file_bytes = VERSION_HEADER_BYTES + header.entry_count % (1ull << 33) * 16;
    if (version_header_check(&header, file_bytes, &err) != OK)
        return 0;
    for (uint32_t i = 0; i < header.space_count; i++)
        check_space(&header.spaces[i], header.entry_count);
    return 0;
}
