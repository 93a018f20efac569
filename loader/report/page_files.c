/* Takes the files in when it is assembled, from the folder where make runs. */
#include "loader/report/page_files.h"

#include <string.h>

#define TAKE_IN(name, path)                                                  \
	__asm__(".section .rodata\n" #name ":\n.incbin \"" path "\"\n" #name \
		"_end:\n.byte 0\n.previous\n");                              \
	extern const char name[], name##_end[]

TAKE_IN(page_html, "loader/report/page/index.html");
TAKE_IN(page_css, "loader/report/page/page.css");
TAKE_IN(page_js, "loader/report/page/page.js");
TAKE_IN(page_chart, "loader/report/page/chart.js");
TAKE_IN(page_flame, "loader/report/page/flame.js");
TAKE_IN(page_icon, "loader/report/page/icon.svg");

#define SCRIPT "text/javascript; charset=utf-8"

static const struct page_file files[] = {
	{ "/", "text/html; charset=utf-8", page_html, page_html_end },
	{ "/page.css", "text/css; charset=utf-8", page_css, page_css_end },
	{ "/page.js", SCRIPT, page_js, page_js_end },
	{ "/chart.js", SCRIPT, page_chart, page_chart_end },
	{ "/flame.js", SCRIPT, page_flame, page_flame_end },
	{ "/icon.svg", "image/svg+xml", page_icon, page_icon_end },
};

const struct page_file *
page_files_find(const char *path)
{
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (strcmp(files[i].path, path) == 0)
			return &files[i];
	return NULL;
}
