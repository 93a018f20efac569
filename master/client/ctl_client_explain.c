/* Options and reply of explain. */
#include "master/client/ctl_client_explain.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "master/alloc.h"
#include "master/client/ctl_client_text.h"
#include "master/client/ctl_client_value.h"

enum { STEP_INDENT = 14 };

/* ---- options ---- */

bool
ctl_explain_keep(struct ctl_explain_options *options, const char *name, const char *value)
{
	if (options->count == CTL_EXPLAIN_OPTIONS_MAX) {
		fprintf(stderr, "martletctl: more than %d options\n",
			CTL_EXPLAIN_OPTIONS_MAX);
		return false;
	}
	options->list[options->count].name = name;
	options->list[options->count++].value = value;
	return true;
}

static bool
is_address(const char *text)
{
	uint8_t octets[16];

	return inet_pton(AF_INET, text, octets) == 1 ||
	       inet_pton(AF_INET6, text, octets) == 1;
}

/* An address, alone or with a length. */
static bool
is_prefix(const char *text)
{
	const char *slash = strchr(text, '/');
	char *address = alloc_text(text);
	unsigned long most = strchr(text, ':') ? 128 : 32;
	bool is_good;

	if (slash)
		address[slash - text] = '\0';
	is_good = is_address(address) &&
		  (!slash || (strspn(slash + 1, "0123456789") == strlen(slash + 1) &&
			      slash[1] != '\0' && strtoul(slash + 1, NULL, 10) <= most));
	free(address);
	return is_good;
}

/* "192.0.2.1=5" */
static bool
is_weight(const char *text)
{
	const char *equals = strchr(text, '=');
	char *address = alloc_text(text);
	bool is_good = false;

	if (equals) {
		address[equals - text] = '\0';
		is_good = is_address(address) && equals[1] != '\0' &&
			  strspn(equals + 1, "0123456789") == strlen(equals + 1) &&
			  strlen(equals + 1) <= 10 &&
			  strtoull(equals + 1, NULL, 10) <= 2147483648u;
	}
	free(address);
	return is_good;
}

static const struct {
	const char *command, *name;
	bool (*is_good)(const char *value);
	const char *complaint;
} known[] = {
	{ "explain", "client", is_address, "is no address" },
	{ "explain", "ecs", is_prefix, "is no prefix, as 192.0.2.0/24" },
	{ "explain", "tcp", NULL, NULL },
	{ "explain", "do", NULL, NULL },
	{ "simulate", "down", is_address, "is no address" },
	{ "simulate", "weight", is_weight, "is not ADDRESS=N, N up to 2147483648" },
	{ "simulate", "country-db", NULL, NULL },
	{ "simulate", "asn-db", NULL, NULL },
};

bool
ctl_explain_check(const struct ctl_explain_options *options, const char *command)
{
	for (unsigned i = 0; i < options->count; i++) {
		const char *name = options->list[i].name, *value = options->list[i].value;
		size_t at = 0;

		while (at < sizeof known / sizeof *known &&
		       !(strcmp(known[at].command, command) == 0 &&
			 strcmp(known[at].name, name) == 0))
			at++;
		if (at == sizeof known / sizeof *known) {
			fprintf(stderr, "martletctl: %s knows no --%s\n", command, name);
			return false;
		}
		if (value && known[at].is_good && !known[at].is_good(value)) {
			fprintf(stderr, "martletctl: %s: --%s '%s' %s\n", command, name,
				value, known[at].complaint);
			return false;
		}
	}
	return true;
}

/* ---- the reply ---- */

/* The items of a list, each with a blank before it. */
static char *
join_list(char *line, const char *name, const struct ctl_json *list)
{
	for (size_t i = 0; i < ctl_json_count(list); i++) {
		char *item = ctl_value_print("", ctl_json_item(list, i)), *longer;

		longer = alloc_printf("%s%s%s", line, i == 0 ? name : "|",
				      *item ? item : "default");
		free(item);
		free(line);
		line = longer;
	}
	return line;
}

/* "192.0.2.1 weight 3 country DE|default", a line for each record to choose from. */
static void
print_record(struct ctl_page *page, const struct ctl_json *record)
{
	static const char *const lists[] = { "subnet", "asn", "region", "country",
					     "continent" };
	char *address = ctl_value_member(record, "address"), *line;
	char *weight = ctl_value_member(record, "weight");
	char *health = ctl_value_member(record, "health");
	bool has_weight = ctl_json_number(ctl_json_member(record, "weight")) > 0;

	line = alloc_printf("%s%s%s%s%s", address, has_weight ? " weight " : "",
			    has_weight ? weight : "",
			    ctl_value_has_text(record, "health") ? " health " : "",
			    ctl_value_has_text(record, "health") ? health : "");
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		char *name = alloc_printf(" %s ", lists[i]);

		line = join_list(line, name, ctl_json_member(record, lists[i]));
		free(name);
	}
	if (ctl_json_is_true(ctl_json_member(record, "fallback"))) {
		char *longer = alloc_printf("%s fallback", line);

		free(line);
		line = longer;
	}
	fprintf(page->out, "%*s", STEP_INDENT, "");
	ctl_text_wrap(page->out, line, STEP_INDENT, page->width);
	free(line);
	free(address);
	free(weight);
	free(health);
}

static void
print_source(struct ctl_page *page, const struct ctl_json *step)
{
	char *source = ctl_value_member(step, "source");
	char *change = ctl_value_member(step, "change"), *line;
	char *number = ctl_value_member(step, "line");
	bool has_change = ctl_value_has_text(step, "change");
	bool has_line = ctl_json_number(ctl_json_member(step, "line")) > 0;

	line = alloc_printf("from %s%s%s%s%s", source, has_line ? ":" : "",
			    has_line ? number : "", has_change ? ", change " : "",
			    has_change ? change : "");
	if (ctl_value_has_text(step, "source")) {
		fprintf(page->out, "%*s", STEP_INDENT, "");
		ctl_text_wrap(page->out, line, STEP_INDENT, page->width);
	}
	free(source);
	free(change);
	free(number);
	free(line);
}

static void
print_notes(struct ctl_page *page, const struct ctl_json *notes)
{
	for (size_t i = 0; i < ctl_json_count(notes); i++) {
		char *note = ctl_value_print("", ctl_json_item(notes, i));

		fprintf(page->out, "%*s", STEP_INDENT, "");
		ctl_text_wrap(page->out, note, STEP_INDENT, page->width);
		free(note);
	}
}

static void
print_step(struct ctl_page *page, const struct ctl_json *step)
{
	char *name = ctl_value_member(step, "step");
	char *text = ctl_value_member(step, "text");
	const struct ctl_json *records = ctl_json_member(step, "records");

	fprintf(page->out, "  %-*s", STEP_INDENT - 2, name);
	ctl_text_wrap(page->out, text, STEP_INDENT, page->width);
	print_source(page, step);
	print_notes(page, ctl_json_member(step, "notes"));
	for (size_t i = 0; i < ctl_json_count(records); i++)
		if (ctl_json_kind(ctl_json_item(records, i)) == CTL_JSON_OBJECT)
			print_record(page, ctl_json_item(records, i));
	free(name);
	free(text);
}

static void
print_section(struct ctl_page *page, const struct ctl_json *object, const char *name)
{
	const struct ctl_json *list = ctl_json_member(object, name);

	if (ctl_json_count(list) == 0)
		return;
	fprintf(page->out, ";; %s\n", name);
	for (size_t i = 0; i < ctl_json_count(list); i++) {
		char *line = ctl_value_print("", ctl_json_item(list, i));

		fprintf(page->out, "%s\n", line);
		free(line);
	}
}

static void
print_verdict(struct ctl_page *page, const struct ctl_json *object)
{
	char *rcode = ctl_value_member(object, "rcode");
	char *size = ctl_value_member(object, "size");
	char *scope = ctl_value_member(object, "ecs_scope");
	char *error = ctl_value_member(object, "extended_error");
	char *error_text = ctl_value_member(object, "extended_error_text");
	char *flags = alloc_text("");
	const struct ctl_json *list = ctl_json_member(object, "flags");

	for (size_t i = 0; i < ctl_json_count(list); i++) {
		char *flag = ctl_value_print("", ctl_json_item(list, i)), *longer;

		longer = alloc_printf("%s %s", flags, flag);
		free(flag);
		free(flags);
		flags = longer;
	}
	fprintf(page->out, ";; %s%s, %s octets", rcode, flags, size);
	if (ctl_json_kind(ctl_json_member(object, "ecs_scope")) == CTL_JSON_INTEGER)
		fprintf(page->out, ", ECS scope %s", scope);
	if (ctl_value_has_text(object, "extended_error_text"))
		fprintf(page->out, ", extended error %s (%s)", error, error_text);
	fputc('\n', page->out);
	free(rcode);
	free(size);
	free(scope);
	free(error);
	free(error_text);
	free(flags);
}

void
ctl_explain_print(struct ctl_page *page, const struct ctl_json *object)
{
	static const char *const sections[] = { "answer", "authority", "additional" };
	const struct ctl_json *told = ctl_json_member(object, "explain");
	const struct ctl_json *steps = ctl_json_member(told, "steps");
	char *name = ctl_value_member(told, "name"),
	     *type = ctl_value_member(told, "type");
	char *generation = ctl_value_member(told, "generation");

	fprintf(page->out, "%s %s, from generation %s%s\n", name, type, generation,
		ctl_json_is_true(ctl_json_member(told, "live_changes"))
			? " and its live changes"
			: "");
	for (size_t i = 0; i < ctl_json_count(steps); i++)
		print_step(page, ctl_json_item(steps, i));
	print_verdict(page, told);
	for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
		print_section(page, told, sections[i]);
	free(name);
	free(type);
	free(generation);
}
