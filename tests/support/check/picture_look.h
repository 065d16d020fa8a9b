/* Pictures that gnuplot has drawn for volley, looked at by their bytes. What is wrong fails the running test. */
#ifndef TESTS_SUPPORT_CHECK_PICTURE_LOOK_H
#define TESTS_SUPPORT_CHECK_PICTURE_LOOK_H

#include <stddef.h>

/* The file that was read last; begins zeroed. */
struct picture_look {
    char *bytes; /* terminated */
    size_t byte_count;
};

void picture_look_read(struct picture_look *look, const char *directory, const char *name);
/* Two files, as pages, are the same; look is that of the second. */
void picture_look_same(struct picture_look *look, const char *directory, const char *name,
                       const char *other_directory, const char *other);
/* The same, and that it is a whole picture of the size that all have. */
void picture_look_png(struct picture_look *look, const char *directory, const char *name);
void picture_look_svg(struct picture_look *look, const char *directory, const char *name);
void picture_look_free(struct picture_look *look);

#endif
