/* What becomes of samples: named stacks, folded lines, a picture, smaps read. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "master/profile/cpu_tree.h"
#include "master/profile/flame_svg.h"
#include "master/profile/folded.h"
#include "master/profile/pprof_file.h"
#include "master/profile/sample_count.h"
#include "master/profile/smaps.h"
#include "t/tap.h"

static struct call_tree tree;
static struct name_stacks names = { .tree = &tree };

/* ---- names ---- */

__attribute__((noinline)) static void
some_function(void)
{
	ok(true, "a function of ours");
}

static void
add(const char *stage, bool is_kernel, uint64_t pc, uint64_t count)
{
	/* a caller in main: the address behind a call */
	uint64_t pcs[] = { pc, (uint64_t)(uintptr_t)some_function + 1 };

	cpu_tree_add(&names, &(struct cpu_sample){ .pcs = pcs,
						   .depth = 2,
						   .stage = stage,
						   .is_kernel = is_kernel,
						   .count = count });
}

static char *
written(void (*write)(const struct call_tree *tree, FILE *out))
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	write(&tree, out);
	fclose(out);
	return text;
}

static void
test_names(void)
{
	uint64_t here = (uint64_t)(uintptr_t)some_function;
	const struct module *own;
	char *text;

	cpu_tree_init(&tree);
	modules_read(&tree.modules);
	own = modules_find(&tree.modules, here);
	ok(own != NULL, "the program is among its modules");
	is_int(own ? strlen(own->build_id) : 0, 40, "with its build id");
	add("answer", false, here, 3);
	add("answer", false, here + 1, 2);
	add("send", true, here, 1);
	add("a;b\n<c>", false, 16, 1);
	text = written(folded_write);
	ok(strstr(text, "stage: answer;some_function;some_function 50000000\n") != NULL,
	   "stacks of the same names are one line");
	ok(strstr(text, "stage: send;some_function;some_function;kernel: some_function "
			"10000000\n") != NULL,
	   "the call into the kernel is a frame");
	ok(strstr(text, "stage: a_b_<c>;some_function;0x10 10000000\n") != NULL,
	   "who has no name is an address, and no octet breaks a line") ||
		(diag("%s", text), 0);
	ok(name_stacks_trouble(&names) == NULL, "no trouble to be told of");
	free(text);
	text = written(flame_svg_write);
	ok(strstr(text, "<title>stage: answer (0.05 s, 71.43%)</title>") != NULL,
	   "the picture has shares");
	ok(strstr(text, "&lt;c&gt;") != NULL && !strstr(text, "<c>"),
	   "and harmless names");
	free(text);
}

static void
test_pprof(void)
{
	char path[] = "/tmp/martlet-pprof-XXXXXX";
	int fd = mkstemp(path);
	unsigned char head[2] = { 0 };
	FILE *file;

	is_int(pprof_file_write(&tree, fd), 0, "a file for pprof");
	file = fopen(path, "r");
	ok(file && fread(head, 1, 2, file) == 2 && head[0] == 0x1f && head[1] == 0x8b,
	   "is compressed");
	if (file)
		fclose(file);
	unlink(path);
	fd = open("/dev/full", O_WRONLY);
	ok(fd < 0 || pprof_file_write(&tree, fd) != 0, "a full disk is told of");
}

static void
test_changed_file(void)
{
	static struct module other;
	enum symbols_state state;
	struct symbols *symbols;

	other = tree.modules.list[0];
	memset(other.build_id, '0', 40);
	symbols = symbols_open(&other, &state);
	is_int(state, SYMBOLS_CHANGED, "a file of another build is not believed");
	ok(symbols_find(symbols, 0x1000) == NULL, "and has no names");
	symbols_close(symbols);
	snprintf(other.path, sizeof other.path, "/dev/null");
	symbols = symbols_open(&other, &state);
	is_int(state, SYMBOLS_NONE, "nor is what is no file");
	symbols_close(symbols);
}

/* The kernel's own table, as a file. */
static void
test_kernel_names(void)
{
	static const char text[] = "ffffffff81000000 T udp_sendmsg\n"
				   "ffffffff81000100 t ip_make_skb.constprop.0\t[ip]\n"
				   "ffffffff81000180 D some_data\nnonsense\n\n";
	static const char hidden[] = "0000000000000000 T udp_sendmsg\n";
	char path[] = "/tmp/martlet-kallsyms-XXXXXX";
	int fd = mkstemp(path);
	enum symbols_state state;
	struct symbols *symbols;

	if (write(fd, text, sizeof text - 1) != sizeof text - 1)
		bail_out("%s", path);
	symbols = symbols_open_kernel(path, &state);
	is_int(state, SYMBOLS_READ, "names of the kernel");
	is(symbols_find(symbols, 0xffffffff810000ff), "udp_sendmsg", "up to the next");
	is(symbols_find(symbols, 0xffffffff81000190), "ip_make_skb", "data is none");
	ok(symbols_find(symbols, 0xffffffff80000000) == NULL, "before the first: none");
	symbols_close(symbols);
	if (pwrite(fd, hidden, sizeof hidden - 1, 0) != sizeof hidden - 1 ||
	    ftruncate(fd, sizeof hidden - 1) != 0)
		bail_out("%s", path);
	symbols = symbols_open_kernel(path, &state);
	is_int(state, SYMBOLS_NONE, "addresses that are hidden are no names");
	symbols_close(symbols);
	close(fd);
	unlink(path);
}

/* A stack in the kernel stands behind the call; where it has no names it is left out. */
static void
test_kernel_stack(void)
{
	const uint64_t user_pc = 16,
		       kernel_pcs[] = { UINT64_MAX - 4096, UINT64_MAX - 8192 };
	struct cpu_sample sample = { .pcs = &user_pc,
				     .depth = 1,
				     .stage = "wait",
				     .kernel_pcs = kernel_pcs,
				     .kernel_depth = 2,
				     .count = 1 };
	char *text;

	cpu_tree_add(&names, &sample);
	text = written(folded_write);
	if (name_stacks_kernel_trouble(&names))
		ok(strstr(text, "stage: wait;0x10;kernel 10000000\n") != NULL,
		   "no names: %s", name_stacks_kernel_trouble(&names));
	else
		ok(strstr(text, "stage: wait;0x10;kernel;") != NULL &&
			   strstr(text, "_[k] 10000000\n") != NULL,
		   "functions of the kernel are marked");
	ok(!strstr(text, "0xffff"), "no address of the kernel is told") ||
		(diag("%s", text), 0);
	free(text);
}

static void
test_damaged_file(void)
{
	static struct module module;
	static unsigned char octets[200000];
	char path[] = "/tmp/martlet-elf-XXXXXX";
	int fd = mkstemp(path);
	FILE *file = fopen(tree.modules.list[0].path, "r");
	size_t len = file ? fread(octets, 1, sizeof octets, file) : 0;
	unsigned state_sum = 0;

	snprintf(module.path, sizeof module.path, "%s", path);
	srand(1);
	for (unsigned round = 0; round < 200; round++) {
		enum symbols_state state;
		struct symbols *symbols;

		/* heads and tables, wherever they point then */
		for (unsigned i = 0; i < 4; i++)
			octets[(size_t)rand() % (round % 2 ? 64 : len)] =
				(unsigned char)rand();
		memcpy(octets, "\177ELF\2", 5);
		if (pwrite(fd, octets, len, 0) != (ssize_t)len)
			break;
		symbols = symbols_open(&module, &state);
		symbols_find(symbols, 0x5000);
		symbols_close(symbols);
		state_sum += state != SYMBOLS_CHANGED;
	}
	is_int(state_sum, 200, "damaged files do no harm");
	if (file)
		fclose(file);
	close(fd);
	unlink(path);
}

/* ---- samples ---- */

static void
test_counts(void)
{
	static struct sample_count count;
	struct profile_sample sample = {
		.pcs = { 1, 2, 3 }, .depth = 3, .stage = 4, .weight = 1
	};

	sample_count_add(&count, 0, &sample);
	sample_count_add(&count, 0, &sample);
	sample_count_add(&count, 1, &sample);
	is_int(count.used, 2, "alike is what has the same worker and stack");
	is_int(count.total, 3, "all are counted");
	sample.weight = 5;
	sample_count_add(&count, 1, &sample);
	is_int(count.total, 8, "as often as the timer ran out");
	sample.weight = 1;
	sample.depth = PROFILE_DEPTH + 1;
	sample_count_add(&count, 0, &sample);
	is_int(count.total, 8, "what makes no sense is not");
	sample.depth = 1;
	for (uint64_t i = 0; i < SAMPLE_COUNT_MAX; i++) {
		sample.pcs[0] = i + 10;
		sample_count_add(&count, 0, &sample);
	}
	is_int(count.used, SAMPLE_COUNT_MAX / 2, "the table does not grow");
	is_int(count.used - 2 + count.lost, SAMPLE_COUNT_MAX,
	       "what finds no room is counted");
	memset(&count, 0, sizeof count);
	sample.kernel_depth = 1;
	for (uint64_t i = 0; i < 2 * SAMPLE_COUNT_KERNEL; i++) {
		sample.kernel_pcs[0] = i;
		sample.pcs[0] = i % 100;
		sample_count_add(&count, 0, &sample);
	}
	is_int(count.used, SAMPLE_COUNT_KERNEL + 100,
	       "stacks in the kernel leave room for those who called it");
	is_int(count.total, 2 * SAMPLE_COUNT_KERNEL, "and none is lost");
}

/* ---- smaps ---- */

static unsigned region_count;
static struct smaps_sizes region_sum;
static char region_path[64];

static void
take_region(void *arg, const struct smaps_region *region)
{
	(void)arg;
	region_count++;
	smaps_add(&region_sum, &region->sizes);
	snprintf(region_path, sizeof region_path, "%s", region->path);
}

static void
test_smaps(void)
{
	static const char text[] =
		"55d0-55e0 r-xp 00000000 fd:01 123      /usr/sbin/a b\n"
		"Size:  100 kB\nRss:  60 kB\nPss:  20 kB\nShared_Clean: 40 "
		"kB\nPrivate_Dirty: 20 kB\n"
		"VmFlags: rd ex\n"
		"7f00-7f10 rw-p 00000000 00:00 0 \n"
		"Size:  4 kB\nRss:  4 kB\nAnonymous: 4 kB\nPrivate_Dirty: 4 kB\nSwap: 8 "
		"kB\n"
		"7f20-7f30 rw-s 00000000 00:01 9        /dev/zero (deleted)\nSize:  8 kB";

	smaps_each(text, sizeof text - 1, take_region, NULL);
	is_int(region_count, 3, "three regions");
	is(region_path, "/dev/zero (deleted)", "with paths");
	is_int(region_sum.mapped, 112 * 1024, "what is mapped");
	is_int(region_sum.resident, 64 * 1024, "resident");
	is_int(region_sum.shared, 40 * 1024, "shared");
	is_int(region_sum.private, 24 * 1024, "and private");
	is_int(region_sum.swap, 8 * 1024, "swap");
	region_count = 0;
	smaps_each("no\nsense: at all\n\n:::\n", 21, take_region, NULL);
	is_int(region_count, 0, "nonsense has none");
}

int
main(void)
{
	some_function();
	test_names();
	test_pprof();
	test_changed_file();
	test_kernel_names();
	test_kernel_stack();
	test_damaged_file();
	test_counts();
	test_smaps();
	name_stacks_fini(&names);
	call_tree_fini(&tree);
	return done_testing();
}
