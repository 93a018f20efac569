/* The page that is served at "/": files of loader/report/page/, inside the program. */
#ifndef LOADER_REPORT_PAGE_FILES_H
#define LOADER_REPORT_PAGE_FILES_H

#include <stddef.h>

struct page_file {
	const char *path, *type;
	const char *text, *end;
};

/* The file of this path, or NULL. */
__attribute__((nonnull)) const struct page_file *page_files_find(const char *path);

#endif
