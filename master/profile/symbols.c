/* Reading ELF files, none of whose octets is believed. */
#include "master/profile/symbols.h"

#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "master/alloc.h"

struct symbol {
	uint64_t start, len;
	char *name;
};

struct symbols {
	struct symbol *list; /* ascending */
	size_t count, capacity;
};

/* The file, mapped. */
struct image {
	const uint8_t *octets;
	size_t len;
};

/* ---- the file ---- */

static struct image
image_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct image image = { NULL, 0 };
	struct stat status;
	void *at;

	if (fd < 0)
		return image;
	if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
		at = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (at != MAP_FAILED)
			image = (struct image){ at, (size_t)status.st_size };
	}
	close(fd);
	return image;
}

/* `len` octets at `off`, or NULL. */
static const void *
image_at(const struct image *image, uint64_t off, uint64_t len)
{
	return off <= image->len && len <= image->len - off ? image->octets + off : NULL;
}

static bool
section_at(const struct image *image, const ElfW(Ehdr) * head, unsigned index,
	   ElfW(Shdr) * out)
{
	const void *at = image_at(image, head->e_shoff + (uint64_t)index * sizeof *out,
				  sizeof *out);

	if (!at || index >= head->e_shnum)
		return false;
	memcpy(out, at, sizeof *out);
	return true;
}

static bool
read_head(const struct image *image, ElfW(Ehdr) * out)
{
	const void *at = image_at(image, 0, sizeof *out);

	if (!at)
		return false;
	memcpy(out, at, sizeof *out);
	return memcmp(out->e_ident, ELFMAG, SELFMAG) == 0 &&
	       out->e_ident[EI_CLASS] ==
		       (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32) &&
	       out->e_shentsize == sizeof(ElfW(Shdr)) && out->e_shoff < image->len;
}

/* ---- is it the one that runs? ---- */

/* Does a section of notes hold that id? */
static bool
holds_id(const struct image *image, const ElfW(Shdr) * section, const char *id)
{
	const uint8_t *octets = image_at(image, section->sh_offset, section->sh_size);
	char text[MODULE_ID_MAX] = "";
	const size_t front = sizeof(ElfW(Nhdr)) + 4;

	if (!octets || section->sh_size <= front)
		return false;
	for (size_t i = 0; i < section->sh_size - front && 2 * i + 2 < sizeof text; i++)
		snprintf(text + 2 * i, 3, "%02x", octets[front + i]);
	return strcmp(text, id) == 0;
}

static bool
is_same_build(const struct image *image, const ElfW(Ehdr) * head, const char *id)
{
	ElfW(Shdr) section;
	bool has_notes = false;

	for (unsigned i = 0; section_at(image, head, i, &section); i++) {
		if (section.sh_type != SHT_NOTE)
			continue;
		has_notes = true;
		if (holds_id(image, &section, id))
			return true;
	}
	return !has_notes || !*id;
}

/* ---- the table ---- */

static void
add_symbol(struct symbols *symbols, uint64_t start, uint64_t len, const char *name)
{
	const char *dot = strchr(name + 1, '.');
	struct symbol *to;

	if (symbols->count == symbols->capacity) {
		symbols->capacity = symbols->capacity ? 2 * symbols->capacity : 1024;
		symbols->list = alloc_again(symbols->list, symbols->capacity,
					    sizeof *symbols->list);
	}
	to = &symbols->list[symbols->count++];
	to->start = start;
	to->len = len;
	to->name = dot ? alloc_printf("%.*s", (int)(dot - name), name) : alloc_text(name);
}

static void
read_table(struct symbols *symbols, const struct image *image, const ElfW(Ehdr) * head,
	   const ElfW(Shdr) * table)
{
	ElfW(Shdr) names;
	ElfW(Sym) symbol;
	const uint8_t *at = image_at(image, table->sh_offset, table->sh_size);
	const char *text;

	if (!at || !section_at(image, head, table->sh_link, &names))
		return;
	text = image_at(image, names.sh_offset, names.sh_size);
	if (!text || names.sh_size == 0 || text[names.sh_size - 1] != '\0')
		return;
	for (uint64_t i = 0; i + 1 <= table->sh_size / sizeof symbol; i++) {
		memcpy(&symbol, at + i * sizeof symbol, sizeof symbol);
		if ((symbol.st_info & 15) == STT_FUNC && symbol.st_value != 0 &&
		    symbol.st_name < names.sh_size && text[symbol.st_name])
			add_symbol(symbols, symbol.st_value, symbol.st_size,
				   text + symbol.st_name);
	}
}

static unsigned
underscores(const char *name)
{
	return (unsigned)strspn(name, "_");
}

/* By address; of several names for one the plainest first. */
static int
compare(const void *a, const void *b)
{
	const struct symbol *left = a, *right = b;

	if (left->start != right->start)
		return left->start < right->start ? -1 : 1;
	if (underscores(left->name) != underscores(right->name))
		return underscores(left->name) < underscores(right->name) ? -1 : 1;
	return strcmp(left->name, right->name);
}

static enum symbols_state
sort(struct symbols *symbols)
{
	if (symbols->count == 0)
		return SYMBOLS_NONE;
	qsort(symbols->list, symbols->count, sizeof *symbols->list, compare);
	return SYMBOLS_READ;
}

static enum symbols_state
read_file(struct symbols *symbols, const struct image *image, const char *build_id)
{
	ElfW(Ehdr) head;
	ElfW(Shdr) section;

	if (!read_head(image, &head))
		return SYMBOLS_NONE;
	if (!is_same_build(image, &head, build_id))
		return SYMBOLS_CHANGED;
	for (unsigned i = 0; section_at(image, &head, i, &section); i++)
		if (section.sh_type == SHT_SYMTAB || section.sh_type == SHT_DYNSYM)
			read_table(symbols, image, &head, &section);
	return sort(symbols);
}

struct symbols *
symbols_open(const struct module *module, enum symbols_state *state)
{
	struct symbols *symbols = alloc_zero(1, sizeof *symbols);
	struct image image = image_open(module->path);

	*state = SYMBOLS_NONE;
	if (!image.octets)
		return symbols;
	*state = read_file(symbols, &image, module->build_id);
	munmap((void *)(uintptr_t)image.octets, image.len);
	return symbols;
}

struct symbols *
symbols_open_kernel(const char *path, enum symbols_state *state)
{
	struct symbols *symbols = alloc_zero(1, sizeof *symbols);
	FILE *file = fopen(path, "re");
	char line[512], name[256], type;
	uint64_t start;

	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "%" SCNx64 " %c %255s", &start, &type, name) == 3 &&
		    strchr("tTwW", type) && start != 0)
			add_symbol(symbols, start, 0, name);
	if (file)
		fclose(file);
	*state = sort(symbols);
	return symbols;
}

const char *
symbols_find(const struct symbols *symbols, uint64_t address)
{
	size_t low = 0, high = symbols->count;
	const struct symbol *found;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symbols->list[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	found = &symbols->list[low - 1];
	while (found > symbols->list && found[-1].start == found->start)
		found--;
	/* hand-written code tells no length */
	if (found->len != 0 && address - found->start >= found->len)
		return NULL;
	return found->name;
}

void
symbols_close(struct symbols *symbols)
{
	for (size_t i = 0; i < symbols->count; i++)
		free(symbols->list[i].name);
	free(symbols->list);
	free(symbols);
}
