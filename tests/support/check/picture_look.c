#include "tests/support/check/picture_look.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES_MAX (4u << 20)

void picture_look_read(struct picture_look *look, const char *directory, const char *name)
{
    char path[700];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "no %s: %s", path, strerror(errno));
    picture_look_free(look);
    look->bytes = calloc(1, FILE_BYTES_MAX);
    ck_assert_ptr_nonnull(look->bytes);
    look->byte_count = fread(look->bytes, 1, FILE_BYTES_MAX - 1, file);
    (void)fclose(file);
}

void picture_look_same(struct picture_look *look, const char *directory, const char *name,
                       const char *other_directory, const char *other)
{
    struct picture_look first = {.bytes = NULL};
    picture_look_read(&first, directory, name);
    picture_look_read(look, other_directory, other);
    ck_assert_msg(first.byte_count == look->byte_count &&
                      memcmp(first.bytes, look->bytes, first.byte_count) == 0,
                  "%s and %s differ", name, other);
    picture_look_free(&first);
}

static unsigned big_endian(const char *at)
{
    const unsigned char *from = (const unsigned char *)at;
    return (unsigned)from[0] << 24 | (unsigned)from[1] << 16 | (unsigned)from[2] << 8 | from[3];
}

void picture_look_png(struct picture_look *look, const char *directory, const char *name)
{
    picture_look_read(look, directory, name);
    ck_assert_uint_gt(look->byte_count, 5000);
    ck_assert_int_eq(memcmp(look->bytes, "\x89PNG\r\n\x1a\n", 8), 0);
    ck_assert_uint_eq(big_endian(look->bytes + 16), 2400);
    ck_assert_uint_eq(big_endian(look->bytes + 20), 1350);
    ck_assert_int_eq(memcmp(look->bytes + look->byte_count - 8, "IEND", 4), 0);
}

void picture_look_svg(struct picture_look *look, const char *directory, const char *name)
{
    picture_look_read(look, directory, name);
    ck_assert_ptr_nonnull(strstr(look->bytes, "<svg"));
    ck_assert_ptr_nonnull(strstr(look->bytes, "width=\"1600\" height=\"900\""));
    ck_assert_ptr_nonnull(strstr(look->bytes, "</svg>"));
}

void picture_look_free(struct picture_look *look)
{
    free(look->bytes);
    *look = (struct picture_look){.bytes = NULL};
}
