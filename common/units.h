/* Numbers as people write them. Parsers take the whole text or fail: rubbish behind a number is an
 * error, as are a sign, an empty text, overflow, and a unit that does not belong. They set nothing
 * on failure. And the words of lists that are one text. Callable from anywhere. */
#ifndef COMMON_UNITS_H
#define COMMON_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

/* "100000", "10k", "2.5m", "1g": powers of ten. A fraction must give a whole number. */
MUST_USE bool units_parse_count(uint64_t *count, const char *text);

/* "64", "4kb", "1.5mb", "2gb", "1tb", "1pb" (also k, m, g, t, p and b alone): powers of two, bytes. */
MUST_USE bool units_parse_size(uint64_t *size_bytes, const char *text);

/* "250us", "1.5ms", "10s", "2m", "1h", "7d", "90ns"; a bare number is in units of bare_unit_ns. */
MUST_USE bool units_parse_duration(uint64_t *duration_ns, const char *text, uint64_t bare_unit_ns);

/* Digits and nothing else, as programs write them, up to max: for what others send. */
MUST_USE bool units_parse_digits(uint64_t *number, const char *digits, size_t digit_count,
                                 uint64_t max);

/* "5", "0.99": up to 15 digits, and up to 30 behind the point; no sign and no exponent. */
MUST_USE bool units_parse_real(double *value, const char *text);
/* "5%", or "5", which means the same: 0.05. False: no number, not above 0, or above `most` percent. */
MUST_USE bool units_parse_percent(double *part, const char *text, double most);
/* The shortest text that reads back as the same value, which was read from one. Returns text. */
#define UNITS_PLAIN_BYTES 48
char *units_format_plain(char *text, size_t text_bytes, double value);

/* The whole number next to an amount: 0 for what is negative or not known, UINT64_MAX for what is larger. */
uint64_t units_whole(double amount);

/* "1234567" -> "1,234,567". Returns text. 27 bytes hold any value. */
#define UNITS_GROUPED_BYTES 28
char *units_format_grouped(char *text, size_t text_bytes, uint64_t value);
/* 1234567.891 with two decimals -> "1,234,567.89". Returns text. */
#define UNITS_REAL_BYTES 48
char *units_format_real(char *text, size_t text_bytes, double value, int decimals);

/* So many significant digits, at most 9, without an exponent up to 1e15: 15097.855 with four -> "15,100", 0.0125 -> "0.0125". Returns
 * text. */
char *units_format_figure(char *text, size_t text_bytes, double value, int digits);

/* The same as arguments of a printf; their text lives to the end of the block. */
#define UNITS_GROUPED(value)                                                                       \
    units_format_grouped((char[UNITS_GROUPED_BYTES]){0}, UNITS_GROUPED_BYTES, value)
#define UNITS_REAL(value, decimals)                                                                \
    units_format_real((char[UNITS_REAL_BYTES]){0}, UNITS_REAL_BYTES, value, decimals)

/* A duration in its largest exact unit: "1s", "250ms", "1.5s" is "1500ms". Returns text. */
char *units_format_duration(char *text, size_t text_bytes, uint64_t duration_ns);

/* A size: "64 B", "1.5 MB" (powers of two, as INFO prints them). Returns text. */
char *units_format_size(char *text, size_t text_bytes, uint64_t size_bytes);

/* A word of a list that is one text. */
struct list_word {
    const char *text;
    size_t byte_count;
};
/* The next word of a list between whose words the separator stands, without the blanks around it. *at moves
 * behind it, and is NULL behind the last. False: *at is NULL, or blanks separate and there are no more. */
MUST_USE bool list_next(struct list_word *word, const char **at, char separator);
/* Whether so many bytes are one of the words; NULL: an empty list. */
bool list_has(const char *list, char separator, const char *word, size_t byte_count);

#endif
