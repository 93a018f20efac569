/* Naming frames. */
#include "master/profile/name_stacks.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_LEN = 256 };

static unsigned
module_of(const struct call_tree *tree, uint64_t pc)
{
	const struct module *module = modules_find(&tree->modules, pc);

	return module ? (unsigned)(module - tree->modules.list) : tree->modules.count;
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Name the function that `pc` lies in; where it has no name, its file and the address in
 * that. */
static void
name_of(struct name_stacks *names, uint64_t pc, unsigned at, char out[NAME_MAX_LEN])
{
	const struct module *module = &names->tree->modules.list[at];
	const char *name;

	if (at == names->tree->modules.count) {
		snprintf(out, NAME_MAX_LEN, "0x%" PRIx64, pc);
		return;
	}
	if (!names->symbols[at])
		names->symbols[at] = symbols_open(module, &names->states[at]);
	name = symbols_find(names->symbols[at], pc - module->base);
	if (name)
		snprintf(out, NAME_MAX_LEN, "%s", name);
	else if (!strchr(module->path, '/'))
		/* the kernel's own: no file has it */
		snprintf(out, NAME_MAX_LEN, "[vdso]");
	else
		snprintf(out, NAME_MAX_LEN, "%s+0x%" PRIx64, base_name(module->path),
			 pc - module->base);
}

static uint32_t
made_up(struct name_stacks *names, const char *name)
{
	return call_tree_frame(names->tree, name, 0, names->tree->modules.count);
}

/* Functions of the kernel, by the mark that others' tools know too; their addresses, which
 * are nobody's business, are not told.  returns how many frames they are. */
static unsigned
name_kernel(struct name_stacks *names, const struct raw_stack *raw, uint32_t *frames,
	    unsigned room)
{
	char name[NAME_MAX_LEN];
	unsigned depth = 0;

	if (raw->kernel_depth > 0 && !names->kernel)
		names->kernel = symbols_open_kernel(SYMBOLS_KERNEL, &names->kernel_state);
	if (names->kernel_state != SYMBOLS_READ)
		return 0;
	for (unsigned i = raw->kernel_depth; i-- > 0 && depth < room;) {
		const char *found =
			symbols_find(names->kernel, raw->kernel_pcs[i] - (i > 0));

		snprintf(name, sizeof name, "%s_[k]", found ? found : "unknown");
		frames[depth++] = made_up(names, name);
	}
	return depth;
}

void
name_stacks_add(struct name_stacks *names, const struct raw_stack *raw)
{
	uint32_t frames[CALL_DEPTH_MAX];
	char name[NAME_MAX_LEN], call[NAME_MAX_LEN + 16] = "kernel";
	unsigned depth = 0;

	if (raw->front)
		frames[depth++] = made_up(names, raw->front);
	for (unsigned i = raw->depth; i-- > 0 && depth < CALL_DEPTH_MAX - 1;) {
		/* a call may be the last of its function: the address behind it is not */
		uint64_t pc = raw->pcs[i] - (i > 0 || !raw->is_exact);
		unsigned module = module_of(names->tree, pc);

		name_of(names, pc, module, name);
		if (*name != '[')
			snprintf(call, sizeof call, "kernel: %s",
				 name + strspn(name, "_"));
		frames[depth++] = call_tree_frame(names->tree, name, pc, module);
	}
	if (raw->is_kernel || raw->kernel_depth > 0)
		frames[depth++] = made_up(names, raw->is_kernel ? call : "kernel");
	depth += name_kernel(names, raw, frames + depth, CALL_DEPTH_MAX - depth);
	call_tree_add(names->tree, frames, depth, raw->values, raw->label);
}

const char *
name_stacks_trouble(const struct name_stacks *names)
{
	/* the program is the first module */
	if (!names->symbols[0] || names->states[0] == SYMBOLS_READ)
		return NULL;
	return names->states[0] == SYMBOLS_CHANGED
		       ? "the program's file has changed since the server was started: "
			 "its functions have no names until it is restarted"
		       : "the program's file cannot be read, or has no symbols: its "
			 "functions have no names";
}

const char *
name_stacks_kernel_trouble(const struct name_stacks *names)
{
	return names->kernel && names->kernel_state != SYMBOLS_READ
		       ? "left out, " SYMBOLS_KERNEL
			 " has no addresses for this user (sysctl kernel.kptr_restrict)"
		       : NULL;
}

void
name_stacks_fini(struct name_stacks *names)
{
	for (unsigned i = 0; i < MODULES_MAX; i++)
		if (names->symbols[i])
			symbols_close(names->symbols[i]);
	if (names->kernel)
		symbols_close(names->kernel);
}
