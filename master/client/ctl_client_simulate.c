/* Files and reply of simulate. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "master/alloc.h"
#include "master/client/ctl_client_explain.h"
#include "master/client/ctl_client_value.h"

/* ---- files ---- */

static bool
add_file(struct ctl_simulate_files *files, const char *name)
{
	int fd = strcmp(name, "-") == 0 ? dup(STDIN_FILENO)
					: open(name, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		fprintf(stderr, "martletctl: simulate: cannot read %s: %s\n", name,
			strerror(errno));
		return false;
	}
	files->list[files->count].fd = fd;
	files->list[files->count++].name = name;
	return true;
}

static void
close_files(struct ctl_simulate_files *files)
{
	while (files->count > 0)
		close(files->list[--files->count].fd);
}

/* In the order of the protocol. */
bool
ctl_simulate_open(const struct ctl_explain_options *options, const char *clients,
		  struct ctl_simulate_files *out)
{
	static const char *const dbs[] = { "country-db", "asn-db" };

	out->count = 0;
	for (size_t i = 0; i < sizeof dbs / sizeof *dbs; i++) {
		const char *name = NULL;

		for (unsigned at = 0; at < options->count; at++)
			if (strcmp(options->list[at].name, dbs[i]) == 0) {
				if (name) {
					fprintf(stderr,
						"martletctl: simulate: --%s is given "
						"twice\n",
						dbs[i]);
					close_files(out);
					return false;
				}
				name = options->list[at].value;
			}
		if (name && !add_file(out, name)) {
			close_files(out);
			return false;
		}
	}
	if (add_file(out, clients))
		return true;
	close_files(out);
	return false;
}

int
ctl_simulate_send(struct ctl_simulate_files *files, struct ctl_link *link)
{
	int code = 0;

	for (unsigned i = 0; i < files->count && code == 0; i++)
		code = ctl_link_send_file(link, files->list[i].fd, files->list[i].name);
	close_files(files);
	return code ? code : ctl_link_send_end(link);
}

/* ---- the reply ---- */

/* A share as "12.34 %", a change with its sign, null as "-". */
static char *
percent(const struct ctl_json *value, bool is_change)
{
	double share = 100 * ctl_json_number(value);

	if (ctl_json_kind(value) == CTL_JSON_NULL)
		return alloc_text("-");
	return alloc_printf(is_change ? "%+.2f %%" : "%.2f %%", share);
}

void
ctl_simulate_row(struct ctl_page *page, const struct ctl_json *item)
{
	const struct ctl_layout *layout = page->layout;
	char *cells[CTL_TABLE_COLUMNS_MAX];

	ctl_page_open_table(page);
	cells[0] = ctl_value_member(item, "address");
	for (size_t i = 1; i < layout->column_count; i++) {
		const char *member = layout->columns[i].member;

		cells[i] = percent(ctl_json_member(item, member),
				   strcmp(member, "change") == 0);
	}
	ctl_table_add(&page->table, cells);
}

/* A line about clients, as far as there are any. */
static void
print_clients(struct ctl_page *page, const struct ctl_json *object, const char *member,
	      const char *text, double all)
{
	double clients = ctl_json_number(ctl_json_member(object, member));

	if (clients > 0 && all > 0)
		fprintf(page->out, "%s: %.10g of %.10g clients, %.2f %%\n", text, clients,
			all, 100 * clients / all);
}

void
ctl_simulate_end(struct ctl_page *page, const struct ctl_json *object)
{
	double all = ctl_json_number(ctl_json_member(object, "clients"));
	double skipped = ctl_json_number(ctl_json_member(object, "skipped"));
	const struct ctl_json *moved = ctl_json_member(object, "moved");

	if (ctl_json_kind(moved) != CTL_JSON_NULL && ctl_json_number(moved) <= 0)
		fputs("nobody moves to another record\n", page->out);
	print_clients(page, object, "moved", "move to another record", all);
	print_clients(page, object, "unanswered", "get no record", all);
	print_clients(page, object, "unanswered_after", "would get no record", all);
	if (ctl_json_kind(moved) == CTL_JSON_NULL && all > 0)
		fprintf(page->out, "clients: %.10g\n", all);
	if (skipped > 0)
		fprintf(page->out, "lines that are no clients: %.0f\n", skipped);
}
