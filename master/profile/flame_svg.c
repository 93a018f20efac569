/* Merging stacks into a tree of frames, and drawing it. */
#include "master/profile/flame_svg.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "master/alloc.h"

enum {
	WIDTH = 1200,
	MARGIN = 10,
	ROW = 18,
	HEAD = 56,
	FOOT = 28,
	GLYPH_TENTHS = 66, /* width of a letter, tenths of a pixel */
	MIN_TENTHS = 2, /* what is narrower is left out */
	MAX_DEPTH = CALL_DEPTH_MAX + 1,
};

struct node {
	const char *name;
	int64_t value;
	struct node *children, *next; /* owned; `next` on the same level, by name */
};

/* ---- the tree ---- */

static struct node *
child_of(struct node *parent, const char *name)
{
	struct node **at = &parent->children, *made;

	while (*at && strcmp((*at)->name, name) < 0)
		at = &(*at)->next;
	if (*at && strcmp((*at)->name, name) == 0)
		return *at;
	made = alloc_zero(1, sizeof *made);
	made->name = name;
	made->next = *at;
	*at = made;
	return made;
}

static void
merge(struct node *root, const struct call_tree *tree)
{
	for (uint32_t i = 0; i < tree->stack_count; i++) {
		const struct call_stack *stack = &tree->stacks[i];
		int64_t value = stack->values[tree->shown];
		struct node *at = root;

		if (value <= 0)
			continue;
		root->value += value;
		for (unsigned frame = 0; frame < stack->depth; frame++) {
			at = child_of(at, tree->frames[stack->frames[frame]].name);
			at->value += value;
		}
	}
}

static unsigned
depth_of(const struct node *node)
{
	unsigned deepest = 0;

	for (const struct node *child = node->children; child; child = child->next) {
		unsigned depth = depth_of(child);

		if (depth > deepest)
			deepest = depth;
	}
	return deepest + 1;
}

static void
free_children(struct node *node)
{
	struct node *next;

	for (struct node *child = node->children; child; child = next) {
		next = child->next;
		free_children(child);
		free(child);
	}
}

/* ---- drawing ---- */

struct drawing {
	FILE *out;
	const struct call_tree *tree;
	int64_t total;
	unsigned depth;
};

static void
put_escaped(FILE *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len && text[i]; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '<')
			fputs("&lt;", out);
		else if (c == '>')
			fputs("&gt;", out);
		else if (c == '&')
			fputs("&amp;", out);
		else if (c == '"')
			fputs("&quot;", out);
		else
			fputc(c < ' ' || c > '~' ? '?' : c, out);
	}
}

/* Stages and kernel stand out; all else has one of the shades of a flame, by its name, so
 * that the same function looks the same everywhere. */
static void
print_colour(FILE *out, const char *name)
{
	unsigned hash = 2166136261u;

	for (const char *at = name; *at; at++)
		hash = (hash ^ (unsigned char)*at) * 16777619u;
	if (strncmp(name, "stage: ", 7) == 0)
		fprintf(out, "hsl(%u,45%%,70%%)", 205 + hash % 20);
	else if (strncmp(name, "kernel", 6) == 0 || strstr(name, "_[k]"))
		fprintf(out, "hsl(%u,40%%,74%%)", 275 + hash % 20);
	else if (strncmp(name, "process: ", 9) == 0)
		fprintf(out, "hsl(%u,35%%,72%%)", 140 + hash % 25);
	else
		fprintf(out, "hsl(%u,%u%%,%u%%)", 14 + hash % 36, 78 + hash / 36 % 15,
			62 + hash / 540 % 12);
}

/* A value in its unit, as people say it. */
static void
put_value(const struct drawing *d, int64_t value)
{
	const char *unit = d->tree->values[d->tree->shown].unit;

	if (strcmp(unit, "nanoseconds") == 0)
		fprintf(d->out, "%.2f s", (double)value / 1e9);
	else if (strcmp(unit, "bytes") == 0)
		fprintf(d->out, "%.1f KiB", (double)value / 1024);
	else
		fprintf(d->out, "%" PRId64, value);
}

static void
draw_node(const struct drawing *d, const struct node *node, double x, unsigned level)
{
	double width = (double)node->value * (WIDTH - 2 * MARGIN) / (double)d->total;
	unsigned y = HEAD + (d->depth - 1 - level) * ROW;
	size_t glyphs = (size_t)(width > 6 ? (width - 6) * 10 / GLYPH_TENTHS : 0);
	size_t len = strlen(node->name);

	if (width * 10 < MIN_TENTHS)
		return;
	fprintf(d->out,
		"<g class=\"f\" data-x=\"%.3f\" data-w=\"%.3f\" data-l=\"%u\"><title>", x,
		width, level);
	put_escaped(d->out, node->name, len);
	fputs(" (", d->out);
	put_value(d, node->value);
	fprintf(d->out,
		", %.2f%%)</title><rect x=\"%.2f\" y=\"%u\" width=\"%.2f\" "
		"height=\"%d\" rx=\"2\" fill=\"",
		100.0 * (double)node->value / (double)d->total, x, y, width, ROW - 1);
	print_colour(d->out, node->name);
	fprintf(d->out, "\"/><text x=\"%.2f\" y=\"%u\">", x + 3, y + 13);
	if (len <= glyphs) {
		put_escaped(d->out, node->name, len);
	} else if (glyphs > 3) {
		put_escaped(d->out, node->name, glyphs - 2);
		fputs("..", d->out);
	}
	fputs("</text></g>\n", d->out);
	for (const struct node *child = node->children; child; child = child->next) {
		draw_node(d, child, x, level + 1);
		x += (double)child->value * (WIDTH - 2 * MARGIN) / (double)d->total;
	}
}

static const char style[] =
	"<style>text{font:11px ui-monospace,Menlo,Consolas,\"DejaVu Sans "
	"Mono\",monospace;"
	"fill:#1d1d1f;pointer-events:none}"
	".t{font:600 17px system-ui,\"DejaVu Sans\",sans-serif}"
	".b{font:12px system-ui,\"DejaVu Sans\",sans-serif;fill:#57606a}"
	".k{cursor:pointer;pointer-events:all;fill:#0969da}"
	".f{cursor:pointer}.f:hover rect{stroke:#1d1d1f;stroke-width:1}"
	".f.hit rect{fill:#c239b3}.f.hit text{fill:#fff}.f.far{opacity:.55}</style>\n";

/* What a click and a search do.  Places are kept in data-, so that all goes back. */
static const char script[] =
	"<script><![CDATA[\n"
	"'use strict';\n"
	"(function () {\n"
	"const svg = document.documentElement, all = [...svg.querySelectorAll('.f')];\n"
	"const W = 1180, M = 10, note = svg.querySelector('#note'), hits = "
	"svg.querySelector('#hits');\n"
	"const num = (g, k) => parseFloat(g.dataset[k]);\n"
	"const name = g => g.querySelector('title').textContent;\n"
	"function place(g, x, w) {\n"
	"\tconst r = g.querySelector('rect'), t = g.querySelector('text');\n"
	"\tconst full = name(g).replace(/ \\([^(]*\\)$/, ''), n = Math.floor((w - 6) / "
	"6.6);\n"
	"\tr.setAttribute('x', x); r.setAttribute('width', Math.max(w, 0)); "
	"t.setAttribute('x', x + 3);\n"
	"\tt.textContent = full.length <= n ? full : n > 3 ? full.slice(0, n - 2) + '..' "
	": '';\n"
	"}\n"
	"function zoom(at) {\n"
	"\tconst x0 = num(at, 'x'), w0 = num(at, 'w'), l0 = num(at, 'l'), e = 0.002;\n"
	"\tfor (const g of all) {\n"
	"\t\tconst x = num(g, 'x'), w = num(g, 'w'), below = num(g, 'l') < l0;\n"
	"\t\tconst inside = x >= x0 - e && x + w <= x0 + w0 + e, around = below && x <= "
	"x0 + e && x + w >= x0 + w0 - e;\n"
	"\t\tg.style.display = (inside && !below) || around ? '' : 'none';\n"
	"\t\tg.classList.toggle('far', around);\n"
	"\t\tif (around) place(g, M, W);\n"
	"\t\telse if (inside) place(g, M + (x - x0) * W / w0, w * W / w0);\n"
	"\t}\n"
	"}\n"
	"function search() {\n"
	"\tconst want = prompt('Look for (a regular expression):', '');\n"
	"\tlet re = null, sum = 0, end = -1;\n"
	"\tif (want === null) return;\n"
	"\ttry { re = want ? new RegExp(want) : null; } catch (e) { hits.textContent = "
	"'no regular expression'; return; }\n"
	"\tconst found = [];\n"
	"\tfor (const g of all) {\n"
	"\t\tconst hit = re !== null && re.test(name(g));\n"
	"\t\tg.classList.toggle('hit', hit);\n"
	"\t\tif (hit) found.push([num(g, 'x'), num(g, 'w')]);\n"
	"\t}\n"
	"\tfound.sort((a, b) => a[0] - b[0] || b[1] - a[1]);\n"
	"\tfor (const [x, w] of found) if (x + w > end + 0.001) { sum += x + w - "
	"Math.max(x, end); end = x + w; }\n"
	"\thits.textContent = re ? (sum * 100 / W).toFixed(1) + '% match ' + want : '';\n"
	"}\n"
	"for (const g of all) {\n"
	"\tg.addEventListener('click', () => zoom(g));\n"
	"\tg.addEventListener('mouseover', () => { note.textContent = name(g); });\n"
	"}\n"
	"svg.querySelector('#search').addEventListener('click', search);\n"
	"svg.querySelector('#reset').addEventListener('click', () => zoom(all[0]));\n"
	"window.addEventListener('keydown', e => {\n"
	"\tif ((e.ctrlKey && e.key === 'f') || e.key === '/') { e.preventDefault(); "
	"search(); }\n"
	"\tif (e.key === 'Escape') zoom(all[0]);\n"
	"});\n"
	"})();\n"
	"]]></script>\n";

static void
draw_frame(const struct drawing *d, unsigned height)
{
	FILE *out = d->out;

	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%u\" "
		"viewBox=\"0 0 %d %u\">\n",
		WIDTH, height, WIDTH, height);
	fputs(style, out);
	fprintf(out,
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fcfcfa\"/>\n"
		"<text class=\"t\" x=\"%d\" y=\"26\">",
		MARGIN);
	put_escaped(out, d->tree->title, strlen(d->tree->title));
	fprintf(out,
		"</text>\n<text class=\"b k\" id=\"search\" x=\"%d\" "
		"y=\"26\">search</text>\n"
		"<text class=\"b k\" id=\"reset\" x=\"%d\" y=\"26\">whole</text>\n"
		"<text class=\"b\" id=\"hits\" x=\"%d\" y=\"44\"></text>\n"
		"<text class=\"b\" id=\"note\" x=\"%d\" y=\"%u\">",
		WIDTH - 130, WIDTH - 70, WIDTH - 330, MARGIN, height - 9);
	put_value(d, d->total);
	fputs(" in all</text>\n", out);
}

void
flame_svg_write(const struct call_tree *tree, FILE *out)
{
	struct drawing d = { .out = out, .tree = tree };
	struct node root = { .name = "all" };

	merge(&root, tree);
	d.total = root.value > 0 ? root.value : 1;
	d.depth = depth_of(&root);
	draw_frame(&d, HEAD + d.depth * ROW + FOOT);
	if (root.value > 0)
		draw_node(&d, &root, MARGIN, 0);
	else
		fprintf(out,
			"<text class=\"b\" x=\"%d\" y=\"%d\">nothing was seen</text>\n",
			MARGIN, HEAD + 13);
	fputs(root.value > 0 ? script : "", out);
	fputs("</svg>\n", out);
	free_children(&root);
}
