#include "orchestrator/watch/expression.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/printable.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define NUMBER_BYTES 64u
#define WORD_BYTES 60u /* of a word in messages */
#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_:."

/* ---- words ---- */

enum word_kind {
    WORD_END,
    WORD_NAME,
    WORD_NUMBER,
    WORD_UNSET,
    WORD_SIGN,
    WORD_AND,
    WORD_OR,
    WORD_OPEN,
    WORD_CLOSE
};

struct word {
    enum word_kind kind;
    const char *start;
    size_t bytes;
    unsigned column;
    double number;
    enum expression_sign sign;
};

struct parser {
    struct expression *expression;
    const char *text, *end, *at;
    struct word word; /* the one that is looked at */
    unsigned depth;
    unsigned *column;
    struct err *err;
};

static enum err_code refuse(struct parser *parser, unsigned column, const char *format, ...)
    PRINTF_LIKE(3, 4);
static enum err_code refuse(struct parser *parser, unsigned column, const char *format, ...)
{
    char what[ERR_TEXT_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (parser->column != NULL)
        *parser->column = column;
    return err_set(parser->err, E_CONFIG, "column %u: %s", column, what);
}

/* Columns are characters, as in messages of files. */
static unsigned column_of(const struct parser *parser, const char *at)
{
    unsigned column = 1;
    for (const char *letter = parser->text; letter < at; letter++)
        column += ((unsigned char)*letter & 0xc0) != 0x80;
    return column;
}

static const struct {
    const char *text;
    enum expression_sign sign;
} signs[] = {/* the longer ones first */
             {">=", SIGN_AT_LEAST}, {"<=", SIGN_AT_MOST}, {"==", SIGN_EQUAL},
             {"!=", SIGN_UNEQUAL},  {">", SIGN_ABOVE},    {"<", SIGN_BELOW}};

const char *expression_sign_text(enum expression_sign sign)
{
    for (size_t i = 0; i < COUNT(signs); i++)
        if (signs[i].sign == sign)
            return signs[i].text;
    return "";
}

static bool starts_with(const struct parser *parser, const char *text)
{
    const size_t bytes = strlen(text);
    return (size_t)(parser->end - parser->at) >= bytes && memcmp(parser->at, text, bytes) == 0;
}

static bool is_word(const struct word *word, const char *text)
{
    return word->bytes == strlen(text) && strncasecmp(word->start, text, word->bytes) == 0;
}

static const char *word_text(char text[WORD_BYTES], const struct word *word)
{
    snprintf(text, WORD_BYTES, "%.*s", (int)(word->bytes < WORD_BYTES ? word->bytes : WORD_BYTES),
             word->start);
    return printable_line(text);
}

static size_t span(const struct parser *parser, const char *letters)
{
    const char *at = parser->at;
    while (at < parser->end && *at != '\0' && strchr(letters, *at) != NULL)
        at++;
    return (size_t)(at - parser->at);
}

/* What is left of the text begins with a number in decimal: its length; 0: it does not. */
static size_t number_span(const struct parser *parser)
{
    const char *at = parser->at, *const end = parser->end;
    size_t digits = 0;
    at += at < end && (*at == '-' || *at == '+');
    for (; at < end && isdigit((unsigned char)*at); at++)
        digits++;
    at += at < end && *at == '.';
    for (; at < end && isdigit((unsigned char)*at); at++)
        digits++;
    if (digits == 0)
        return 0;
    if (at < end && (*at == 'e' || *at == 'E')) {
        const char *power = at + 1;
        power += power < end && (*power == '-' || *power == '+');
        if (power < end && isdigit((unsigned char)*power)) {
            while (power < end && isdigit((unsigned char)*power))
                power++;
            at = power;
        }
    }
    return (size_t)(at - parser->at);
}

static enum err_code take_number(struct parser *parser, size_t bytes)
{
    char digits[NUMBER_BYTES];
    struct word *word = &parser->word;
    if (bytes >= sizeof digits)
        return refuse(parser, word->column, "a number of %zu characters", bytes);
    memcpy(digits, parser->at, bytes);
    digits[bytes] = '\0';
    word->kind = WORD_NUMBER;
    word->bytes = bytes;
    word->number = strtod(digits, NULL);
    parser->at += bytes;
    if (!isfinite(word->number))
        return refuse(parser, word->column, "%s is no finite number", digits);
    if (parser->at < parser->end && strchr(NAME_LETTERS "%", *parser->at) != NULL)
        return refuse(parser, column_of(parser, parser->at),
                      "a number has no unit here: it is in that of its figure");
    return OK;
}

static enum err_code take_name(struct parser *parser, size_t bytes)
{
    struct word *word = &parser->word;
    word->kind = WORD_NAME;
    word->bytes = bytes;
    parser->at += bytes;
    if (is_word(word, "and"))
        word->kind = WORD_AND;
    else if (is_word(word, "or"))
        word->kind = WORD_OR;
    else if (is_word(word, "tbd") || is_word(word, "null"))
        word->kind = WORD_UNSET;
    else if (is_word(word, "unless") || is_word(word, "bool"))
        return refuse(parser, word->column, "\"%.*s\" is not known; there are and, or", (int)bytes,
                      word->start);
    if (word->kind != WORD_NAME || parser->at == parser->end || *parser->at != '{')
        return OK;
    const char *close = memchr(parser->at, '}', (size_t)(parser->end - parser->at));
    if (close == NULL)
        return refuse(parser, column_of(parser, parser->at), "the brace is not closed");
    word->bytes = (size_t)(close + 1 - word->start);
    parser->at = close + 1;
    return OK;
}

/* [TBD ...] */
static enum err_code take_bracket(struct parser *parser)
{
    struct word *word = &parser->word;
    const char *close = memchr(parser->at, ']', (size_t)(parser->end - parser->at));
    if (close == NULL || close - parser->at < 4 || strncasecmp(parser->at + 1, "tbd", 3) != 0)
        return refuse(parser, word->column,
                      "brackets only hold what is not set yet, as [TBD]: there are no ranges");
    word->kind = WORD_UNSET;
    word->bytes = (size_t)(close + 1 - parser->at);
    parser->at = close + 1;
    return OK;
}

static enum err_code take_sign(struct parser *parser)
{
    struct word *word = &parser->word;
    word->bytes = 1;
    for (size_t i = 0; i < COUNT(signs); i++) {
        if (!starts_with(parser, signs[i].text))
            continue;
        word->kind = WORD_SIGN;
        word->sign = signs[i].sign;
        word->bytes = strlen(signs[i].text);
        parser->at += word->bytes;
        return OK;
    }
    if (*parser->at == '(' || *parser->at == ')') {
        word->kind = *parser->at++ == '(' ? WORD_OPEN : WORD_CLOSE;
        return OK;
    }
    if (*parser->at == '=')
        return refuse(parser, word->column, "\"=\": equal is ==");
    if (strchr("+-*/%^", *parser->at) != NULL && *parser->at != '\0')
        return refuse(parser, word->column,
                      "\"%c\": there is no arithmetic, only comparisons, and, or", *parser->at);
    return refuse(parser, word->column,
                  "\"%s\" does not belong here; there are names, numbers, > >= < <= == !=, and, "
                  "or, ( )",
                  PRINTABLE(((char[2]){*parser->at, '\0'})));
}

static enum err_code next(struct parser *parser)
{
    parser->at += span(parser, " \t\r\n");
    parser->word = (struct word){.kind = WORD_END, .start = parser->at};
    parser->word.column = column_of(parser, parser->at);
    if (parser->at == parser->end)
        return OK;
    const size_t digits = number_span(parser);
    if (digits > 0)
        return take_number(parser, digits);
    const size_t letters = span(parser, NAME_LETTERS);
    if (letters > 0)
        return take_name(parser, letters);
    return *parser->at == '[' ? take_bracket(parser) : take_sign(parser);
}

/* ---- grammar ---- */

static enum err_code add_node(struct parser *parser, uint32_t *index,
                              const struct expression_node *node)
{
    struct expression *expression = parser->expression;
    if (expression->node_count == EXPRESSION_NODES_MAX)
        return refuse(parser, node->column, "it is too long: more than %u names and numbers",
                      EXPRESSION_NODES_MAX);
    *index = expression->node_count++;
    expression->nodes[*index] = *node;
    return OK;
}

/* A name without blanks, and with double quotes: name{q="0.99"}. */
static size_t straighten(char name[WATCH_NAME_BYTES], const struct word *word)
{
    size_t used = 0;
    for (size_t i = 0; i < word->bytes; i++) {
        if (isspace((unsigned char)word->start[i]))
            continue;
        if (used + 1 >= WATCH_NAME_BYTES)
            return word->bytes; /* no figure is called so */
        name[used++] = (char)(word->start[i] == '\'' ? '"' : word->start[i]);
    }
    name[used] = '\0';
    return used;
}

static enum err_code find_figure(struct parser *parser, uint32_t *index)
{
    struct expression *expression = parser->expression;
    const struct word *word = &parser->word;
    char name[WATCH_NAME_BYTES] = "";
    struct watch_figure figure;
    struct err reason = {.code = OK};
    const size_t bytes = straighten(name, word);
    for (*index = 0; *index < expression->figure_count; (*index)++)
        if (strcmp(expression->figures[*index].name, name) == 0)
            return OK;
    if (bytes >= sizeof name)
        return refuse(parser, word->column, "no figure has a name of %zu characters", word->bytes);
    if (watch_figure_find(&figure, name, bytes, &reason) != OK)
        return refuse(parser, word->column, "%s", reason.text);
    if (expression->figure_count == EXPRESSION_FIGURES_MAX)
        return refuse(parser, word->column, "there are more than %u different figures",
                      EXPRESSION_FIGURES_MAX);
    expression->figures[expression->figure_count++] = figure;
    return OK;
}

static enum err_code parse_or(struct parser *parser, uint32_t *index);

static enum err_code parse_inner(struct parser *parser, uint32_t *index)
{
    const unsigned column = parser->word.column;
    if (++parser->depth > EXPRESSION_DEPTH_MAX)
        return refuse(parser, column, "parentheses stand deeper than %u within each other",
                      EXPRESSION_DEPTH_MAX);
    enum err_code code = next(parser);
    if (code == OK)
        code = parse_or(parser, index);
    if (code == OK && parser->word.kind != WORD_CLOSE)
        code = refuse(parser, column, "this parenthesis is not closed");
    parser->depth--;
    return code == OK ? next(parser) : code;
}

static enum err_code parse_primary(struct parser *parser, uint32_t *index)
{
    const struct word *word = &parser->word;
    struct expression_node node = {.column = word->column};
    enum err_code code = OK;
    switch (word->kind) {
    case WORD_OPEN:
        return parse_inner(parser, index);
    case WORD_NAME:
        node.kind = EXPRESSION_FIGURE;
        code = find_figure(parser, &node.figure);
        break;
    case WORD_NUMBER:
        node.kind = EXPRESSION_NUMBER;
        node.number = word->number;
        break;
    case WORD_UNSET:
        node.kind = EXPRESSION_UNSET;
        node.number = NAN;
        parser->expression->uncalibrated = true;
        break;
    case WORD_END:
        return refuse(parser, word->column, "a name or a number is missing at the end");
    default:
        return refuse(parser, word->column, "a name or a number is missing before \"%s\"",
                      word_text((char[WORD_BYTES]){0}, word));
    }
    if (code == OK)
        code = add_node(parser, index, &node);
    return code == OK ? next(parser) : code;
}

static bool is_condition(const struct parser *parser, uint32_t index)
{
    return parser->expression->nodes[index].kind >= EXPRESSION_COMPARISON;
}

static bool is_figure(const struct parser *parser, uint32_t index)
{
    return parser->expression->nodes[index].kind == EXPRESSION_FIGURE;
}

static enum err_code parse_comparison(struct parser *parser, uint32_t *index)
{
    enum err_code code = parse_primary(parser, index);
    while (code == OK && parser->word.kind == WORD_SIGN) {
        const unsigned column = parser->word.column;
        struct expression_node node = {.kind = EXPRESSION_COMPARISON,
                                       .sign = parser->word.sign,
                                       .column = parser->expression->nodes[*index].column,
                                       .left = *index};
        code = next(parser);
        if (code == OK)
            code = parse_primary(parser, &node.right);
        if (code != OK)
            return code;
        if (is_condition(parser, node.left) || is_condition(parser, node.right))
            return refuse(parser, column,
                          "a comparison cannot be compared: join two of them with and, or");
        if (!is_figure(parser, node.left) && !is_figure(parser, node.right))
            return refuse(parser, column, "both sides are numbers: it is always true, or never is");
        code = add_node(parser, index, &node);
    }
    return code;
}

static enum err_code require_condition(struct parser *parser, uint32_t index)
{
    if (is_condition(parser, index))
        return OK;
    return refuse(parser, parser->expression->nodes[index].column,
                  "this is compared with nothing; a condition is as in volley_rate < 1000");
}

/* Both and and or: a chain of what binds closer. */
static enum err_code parse_chain(struct parser *parser, uint32_t *index, enum word_kind word,
                                 enum expression_kind kind,
                                 enum err_code (*part)(struct parser *parser, uint32_t *index))
{
    enum err_code code = part(parser, index);
    while (code == OK && parser->word.kind == word) {
        struct expression_node node = {
            .kind = kind, .left = *index, .column = parser->expression->nodes[*index].column};
        code = require_condition(parser, node.left);
        if (code == OK)
            code = next(parser);
        if (code == OK)
            code = part(parser, &node.right);
        if (code == OK)
            code = require_condition(parser, node.right);
        if (code == OK)
            code = add_node(parser, index, &node);
    }
    return code;
}

static enum err_code parse_and(struct parser *parser, uint32_t *index)
{
    return parse_chain(parser, index, WORD_AND, EXPRESSION_AND, parse_comparison);
}

static enum err_code parse_or(struct parser *parser, uint32_t *index)
{
    return parse_chain(parser, index, WORD_OR, EXPRESSION_OR, parse_and);
}

static uint32_t first_comparison(const struct expression *expression)
{
    uint32_t index = expression->root;
    while (expression->nodes[index].kind != EXPRESSION_COMPARISON)
        index = expression->nodes[index].left;
    return index;
}

enum err_code expression_parse(struct expression *expression, const char *text, size_t text_bytes,
                               unsigned *column, struct err *err)
{
    struct parser parser = {.expression = expression,
                            .text = text,
                            .at = text,
                            .end = text + text_bytes,
                            .column = column,
                            .err = err};
    memset(expression, 0, sizeof *expression);
    if (text_bytes > EXPRESSION_BYTES_MAX)
        return refuse(&parser, 1, "it is too long: %zu characters, at most %u", text_bytes,
                      EXPRESSION_BYTES_MAX);
    enum err_code code = next(&parser);
    if (code == OK && parser.word.kind == WORD_END)
        return refuse(&parser, 1, "it is empty; a condition is as in volley_rate < 1000");
    if (code == OK)
        code = parse_or(&parser, &expression->root);
    if (code == OK && parser.word.kind == WORD_CLOSE)
        return refuse(&parser, parser.word.column, "a parenthesis is closed that none opened");
    if (code == OK && parser.word.kind != WORD_END)
        return refuse(&parser, parser.word.column, "a comparison, and, or is missing before \"%s\"",
                      word_text((char[WORD_BYTES]){0}, &parser.word));
    if (code == OK)
        code = require_condition(&parser, expression->root);
    if (code == OK)
        expression->first = first_comparison(expression);
    return code;
}

void expression_of_limit(struct expression *expression, const struct watch_figure *figure,
                         enum expression_sign sign, double limit)
{
    memset(expression, 0, sizeof *expression);
    expression->figures[0] = *figure;
    expression->figure_count = 1;
    expression->nodes[0] = (struct expression_node){.kind = EXPRESSION_FIGURE, .column = 1};
    expression->nodes[1] = (struct expression_node){
        .kind = isnan(limit) ? EXPRESSION_UNSET : EXPRESSION_NUMBER, .number = limit, .column = 1};
    expression->nodes[2] = (struct expression_node){
        .kind = EXPRESSION_COMPARISON, .sign = sign, .right = 1, .column = 1};
    expression->node_count = 3;
    expression->root = expression->first = 2;
    expression->uncalibrated = isnan(limit);
}

/* ---- evaluation ---- */

static double side(const struct expression *expression, uint32_t index,
                   const struct watch_value *values)
{
    const struct expression_node *node = &expression->nodes[index];
    if (node->kind != EXPRESSION_FIGURE)
        return node->number;
    const struct watch_value value = values[node->figure];
    return value.at_least && !isnan(value.number) ? (double)INFINITY : value.number;
}

static bool compare(enum expression_sign sign, double left, double right)
{
    if (isnan(left) || isnan(right))
        return false;
    switch (sign) {
    case SIGN_ABOVE:
        return left > right;
    case SIGN_AT_LEAST:
        return left >= right;
    case SIGN_BELOW:
        return left < right;
    case SIGN_AT_MOST:
        return left <= right;
    case SIGN_EQUAL:
        return left == right;
    case SIGN_UNEQUAL:
        return left != right;
    }
    return false;
}

/* Children stand before their parents: no recursion. */
struct expression_result expression_evaluate(const struct expression *expression,
                                             const struct watch_value *values)
{
    bool holds[EXPRESSION_NODES_MAX] = {false};
    for (uint32_t i = 0; i < expression->node_count; i++) {
        const struct expression_node *node = &expression->nodes[i];
        if (node->kind == EXPRESSION_COMPARISON)
            holds[i] = compare(node->sign, side(expression, node->left, values),
                               side(expression, node->right, values));
        else if (node->kind == EXPRESSION_AND)
            holds[i] = holds[node->left] && holds[node->right];
        else if (node->kind == EXPRESSION_OR)
            holds[i] = holds[node->left] || holds[node->right];
    }
    const struct expression_node *first = &expression->nodes[expression->first];
    const struct expression_node *left = &expression->nodes[first->left];
    const struct expression_node *right = &expression->nodes[first->right];
    const bool turned = left->kind != EXPRESSION_FIGURE;
    const struct expression_node *figure = turned ? right : left, *limit = turned ? left : right;
    return (struct expression_result){.holds = !expression->uncalibrated && holds[expression->root],
                                      .value = values[figure->figure],
                                      .threshold = limit->kind == EXPRESSION_NUMBER ? limit->number
                                                                                    : (double)NAN};
}

struct expression_result expression_read(const struct expression *expression,
                                         const struct watch_reading *reading)
{
    struct watch_value values[EXPRESSION_FIGURES_MAX];
    for (uint32_t i = 0; i < expression->figure_count; i++)
        values[i] = watch_figure_read(&expression->figures[i], reading);
    return expression_evaluate(expression, values);
}

/* ---- writing ---- */

struct printer {
    FILE *out;
    const struct expression *expression;
    const char *(*figure_text)(const struct watch_figure *figure);
    bool strict;
};

static void print_side(const struct printer *printer, uint32_t index)
{
    const struct expression_node *node = &printer->expression->nodes[index];
    if (node->kind == EXPRESSION_UNSET) {
        fprintf(printer->out, "TBD");
    } else if (node->kind == EXPRESSION_NUMBER) {
        char text[NUMBER_BYTES];
        snprintf(text, sizeof text, "%.15g", node->number);
        if (strtod(text, NULL) < node->number || strtod(text, NULL) > node->number)
            snprintf(text, sizeof text, "%.17g", node->number);
        fprintf(printer->out, "%s", text);
    } else {
        const struct watch_figure *figure = &printer->expression->figures[node->figure];
        fprintf(printer->out, "%s",
                printer->figure_text != NULL ? printer->figure_text(figure) : figure->name);
    }
}

static void print_comparison(const struct printer *printer, const struct expression_node *node)
{
    const uint32_t sides[] = {node->left, node->right};
    const bool guarded = printer->strict && node->sign == SIGN_UNEQUAL;
    fprintf(printer->out, "%s", guarded ? "(" : "");
    print_side(printer, node->left);
    fprintf(printer->out, " %s ", expression_sign_text(node->sign));
    print_side(printer, node->right);
    for (size_t i = 0; i < COUNT(sides) && guarded; i++) {
        if (printer->expression->nodes[sides[i]].kind != EXPRESSION_FIGURE)
            continue;
        fprintf(printer->out, " and ");
        print_side(printer, sides[i]);
        fprintf(printer->out, " == ");
        print_side(printer, sides[i]);
    }
    fprintf(printer->out, "%s", guarded ? ")" : "");
}

/* A chain of the same kind needs no parentheses on its left; and binds closer than or. */
static void print_condition(const struct printer *printer, uint32_t index);

static void print_part(const struct printer *printer, uint32_t index, bool within)
{
    fprintf(printer->out, "%s", within ? "(" : "");
    print_condition(printer, index);
    fprintf(printer->out, "%s", within ? ")" : "");
}

static void print_condition(const struct printer *printer, uint32_t index)
{
    const struct expression_node *nodes = printer->expression->nodes, *node = &nodes[index];
    if (node->kind == EXPRESSION_COMPARISON) {
        print_comparison(printer, node);
        return;
    }
    print_part(printer, node->left, nodes[node->left].kind > node->kind);
    fprintf(printer->out, node->kind == EXPRESSION_AND ? " and " : " or ");
    print_part(printer, node->right, nodes[node->right].kind >= node->kind);
}

void expression_print(FILE *out, const struct expression *expression,
                      const char *(*figure_text)(const struct watch_figure *figure), bool strict)
{
    const struct printer printer = {out, expression, figure_text, strict};
    print_condition(&printer, expression->root);
}
