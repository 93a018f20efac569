/* Joining names, and adding up what is the same then. */
#include "master/profile/folded.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "master/alloc.h"

struct line {
	char *text;
	int64_t value;
};

static char *
join(const struct call_tree *tree, const struct call_stack *stack)
{
	size_t len = 1;
	char *text, *at;

	for (unsigned i = 0; i < stack->depth; i++)
		len += strlen(tree->frames[stack->frames[i]].name) + 1;
	text = at = alloc_zero(len, 1);
	for (unsigned i = 0; i < stack->depth; i++) {
		const char *name = tree->frames[stack->frames[i]].name;

		if (i > 0)
			*at++ = ';';
		/* the two that mean something here */
		for (; *name; name++)
			*at++ = *name == ';' || *name == '\n' ? '_' : *name;
	}
	return text;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(((const struct line *)a)->text, ((const struct line *)b)->text);
}

void
folded_each(const struct call_tree *tree,
	    void (*line)(void *arg, const char *stack, int64_t value), void *arg)
{
	struct line *lines = alloc_zero(tree->stack_count + 1, sizeof *lines);

	for (uint32_t i = 0; i < tree->stack_count; i++) {
		lines[i].text = join(tree, &tree->stacks[i]);
		lines[i].value = tree->stacks[i].values[tree->shown];
	}
	qsort(lines, tree->stack_count, sizeof *lines, compare);
	for (uint32_t i = 0; i < tree->stack_count; i++) {
		if (i + 1 < tree->stack_count &&
		    strcmp(lines[i].text, lines[i + 1].text) == 0)
			lines[i + 1].value += lines[i].value;
		else if (lines[i].value != 0)
			line(arg, lines[i].text, lines[i].value);
	}
	for (uint32_t i = 0; i < tree->stack_count; i++)
		free(lines[i].text);
	free(lines);
}

static void
print_line(void *arg, const char *stack, int64_t value)
{
	fprintf(arg, "%s %" PRId64 "\n", stack, value);
}

void
folded_write(const struct call_tree *tree, FILE *out)
{
	folded_each(tree, print_line, out);
}
