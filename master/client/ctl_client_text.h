/* Text for a terminal: figures that people can read, and other people's text made
 * harmless.  What is returned as char * is owned by the caller (free). */
#ifndef MASTER_CLIENT_CTL_CLIENT_TEXT_H
#define MASTER_CLIENT_CTL_CLIENT_TEXT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { CTL_FIGURE_MAX = 32 };
#define CTL_WIDTH_ENDLESS SIZE_MAX /* of a page: nothing is cut or wrapped */

/* Seconds as "3d 4h", "4m 5s", "7s", "12.3ms", "850ns". */
__attribute__((nonnull)) void ctl_text_duration(double seconds, char out[CTL_FIGURE_MAX]);

/* Octets as "512 B", "1.2 GiB". */
__attribute__((nonnull)) void ctl_text_bytes(double bytes, char out[CTL_FIGURE_MAX]);

/* A copy of UTF-8 text in which nothing can steer a terminal: C0, DEL and C1 controls
 * and octets that are no UTF-8 come out as \xNN. */
__attribute__((nonnull, returns_nonnull, warn_unused_result)) char *
ctl_text_escape(const char *text, size_t len);

/* Places that the UTF-8 text takes on a terminal, one a character. */
__attribute__((nonnull, pure)) size_t ctl_text_columns(const char *text);

/* A copy of at most `columns` (4..) places: what is longer loses its middle,
 * "a-long-n..mple.com.". */
__attribute__((nonnull, returns_nonnull, warn_unused_result)) char *
ctl_text_cut(const char *text, size_t columns);

/* Print `text` in lines of at most `width` places, broken at blanks where there are any,
 * each after the first led by `indent` blanks (the first stands where the caller left
 * off, `indent` places in). */
__attribute__((nonnull)) void ctl_text_wrap(FILE *out, const char *text, size_t indent,
					    size_t width);

#endif
