/* What the dynamic linker knows. */
#include "master/profile/modules.h"

#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define GONE " (deleted)"
enum { GONE_LEN = sizeof GONE - 1 };

/* ---- build ids ---- */

static void
print_id(const uint8_t *octets, size_t len, char out[MODULE_ID_MAX])
{
	for (size_t i = 0; i < len && 2 * i + 2 < MODULE_ID_MAX; i++)
		snprintf(out + 2 * i, 3, "%02x", octets[i]);
}

static size_t
aligned(size_t len)
{
	return (len + 3) & ~(size_t)3;
}

/* In a segment of notes that is mapped. */
static void
find_id(const uint8_t *at, size_t len, char out[MODULE_ID_MAX])
{
	ElfW(Nhdr) note;

	while (len >= sizeof note) {
		size_t name_len, whole;

		memcpy(&note, at, sizeof note);
		name_len = aligned(note.n_namesz);
		whole = sizeof note + name_len + aligned(note.n_descsz);
		if (whole > len)
			return;
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
		    memcmp(at + sizeof note, "GNU", 4) == 0)
			print_id(at + sizeof note + name_len, note.n_descsz, out);
		at += whole;
		len -= whole;
	}
}

/* ---- modules ---- */

static void
set_path(struct module *module, const char *name)
{
	ssize_t len;

	if (*name) {
		snprintf(module->path, sizeof module->path, "%s", name);
		return;
	}
	len = readlink("/proc/self/exe", module->path, sizeof module->path - 1);
	module->path[len > 0 ? len : 0] = '\0';
	/* replaced: the file of that name is looked at, and found to be another build */
	if (len > GONE_LEN && strcmp(module->path + len - GONE_LEN, GONE) == 0)
		module->path[len - GONE_LEN] = '\0';
}

static int
take_module(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct modules *modules = arg;
	struct module *module = &modules->list[modules->count];

	(void)size;
	if (modules->count == MODULES_MAX)
		return 1;
	memset(module, 0, sizeof *module);
	module->base = info->dlpi_addr;
	for (unsigned i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *head = &info->dlpi_phdr[i];
		uint64_t start = info->dlpi_addr + head->p_vaddr;

		if (head->p_type == PT_LOAD && (head->p_flags & PF_X)) {
			module->start = start;
			module->end = start + head->p_memsz;
			module->offset = head->p_offset;
		}
		if (head->p_type == PT_NOTE)
			find_id((const uint8_t *)(uintptr_t)start, head->p_memsz,
				module->build_id);
	}
	if (module->end == 0)
		return 0;
	set_path(module, info->dlpi_name);
	modules->count++;
	return 0;
}

void
modules_read(struct modules *modules)
{
	modules->count = 0;
	dl_iterate_phdr(take_module, modules);
}

const struct module *
modules_find(const struct modules *modules, uint64_t pc)
{
	for (unsigned i = 0; i < modules->count; i++)
		if (pc >= modules->list[i].start && pc < modules->list[i].end)
			return &modules->list[i];
	return NULL;
}

bool
modules_is_system_call(const struct modules *modules, uint64_t pc)
{
#if defined(__x86_64__)
	static const uint8_t call[] = { 0x0f, 0x05 };
#elif defined(__aarch64__)
	static const uint8_t call[] = { 0x01, 0x00, 0x00, 0xd4 };
#else
	static const uint8_t call[] = { 0 };
#endif
	const struct module *module = modules_find(modules, pc);
	const uint8_t *at = (const uint8_t *)(uintptr_t)pc;

	if (!module || sizeof call < 2)
		return false;
	if (pc >= module->start + sizeof call &&
	    memcmp(at - sizeof call, call, sizeof call) == 0)
		return true;
	return module->end - pc >= sizeof call && memcmp(at, call, sizeof call) == 0;
}

void
modules_print(const struct modules *modules, struct json_out *json)
{
	json_out_begin_array(json, "modules");
	for (unsigned i = 0; i < modules->count; i++) {
		const struct module *module = &modules->list[i];

		json_out_begin_object(json, NULL);
		json_out_text(json, "path", module->path);
		json_out_text(json, "build_id", module->build_id);
		json_out_uint(json, "base", module->base);
		json_out_uint(json, "start", module->start);
		json_out_uint(json, "end", module->end);
		json_out_uint(json, "offset", module->offset);
		json_out_end_object(json);
	}
	json_out_end_array(json);
}
