/* The clients one by one, and the table at the end. */
#include "master/explain/simulate.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "master/explain/simulate_change.h"
#include "master/explain/simulate_input.h"
#include "master/explain/simulate_shares.h"
#include "shm/errcode.h"
#include "shm/geo_path.h"
#include "shm/rrtype.h"
#include "worker/response.h"

enum {
	LINES_PER_TURN = 4096,
	NOTES_MAX = 10, /* lines that are no clients */
	NOTE_LEN = 320,
	FD_PATH_MAX = 64,
	DIGITS = 6, /* of shares */
};

/* One of the two states that are compared. */
struct side {
	struct simulate_rrset rrset;
	struct steerer steerer;
	struct geo *geo;
	double first[STEERED_MAX], answered[STEERED_MAX]; /* clients */
	double unanswered;
};

struct simulation {
	struct explainer *explainer;
	struct reply *reply;
	struct simulate_question question;
	struct simulate_input input;
	struct side before, after;
	bool has_after;
	double clients, moved;
	uint64_t lines, skipped;
	char notes[NOTES_MAX][NOTE_LEN];
	unsigned note_count;
};

static struct simulation simulation;
static struct geo other_geo;

__attribute__((format(printf, 2, 3))) static unsigned
refuse(struct simulation *sim, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	simulate_input_drain(&sim->input);
	json_out_begin_object(&sim->reply->json, NULL);
	json_out_text(&sim->reply->json, "error", text);
	json_out_end_object(&sim->reply->json);
	return 1;
}

/* ---- what is simulated ---- */

/* Find the steered RRset in which the name ends for everybody. */
static const struct block *
find_block(struct simulation *sim)
{
	static struct explain_answer answer;
	const struct trace *trace = &sim->explainer->trace;

	explainer_answer(sim->explainer, &sim->question.question, &answer);
	for (unsigned i = 0; i < trace->count; i++)
		if (trace->events[i].kind == TRACE_STEERED &&
		    trace->events[i].value == SECTION_ANSWER)
			return &trace->events[i].block;
	return NULL;
}

/* The database that came, or the one that is in use.  returns 0 or an error code. */
static int
choose_db(struct simulation *sim, enum geo_db_kind kind, int *fd, char path[PATH_MAX])
{
	const struct heritage *heritage = sim->explainer->heritage;
	uint64_t number = atomic_load(&heritage->region->geo.numbers[kind]);

	*fd = -1;
	path[0] = '\0';
	if (sim->question.has_db[kind]) {
		*fd = simulate_input_save(&sim->input);
		snprintf(path, PATH_MAX, "/proc/self/fd/%d", *fd);
		return *fd < 0 ? *fd : ERR_OK;
	}
	if (number != 0 && !geo_path(heritage->settings->state_dir, kind, number, path))
		return ERR_RANGE;
	return ERR_OK;
}

static int
check_db(const char *path, enum geo_db_kind kind, char reason[GEO_DB_REASON_MAX])
{
	struct geo_db *db;
	int result = geo_db_open(path, kind, &db, reason);

	if (result == ERR_OK) {
		result = geo_db_check(db, reason);
		geo_db_close(db);
	}
	return result;
}

/* returns 0, or an error code with a reason. */
static int
open_other_geo(struct simulation *sim, char reason[GEO_DB_REASON_MAX])
{
	static char paths[GEO_KINDS][PATH_MAX];
	const char *names[GEO_KINDS];
	int fds[GEO_KINDS] = { -1, -1 }, result = ERR_OK;

	for (unsigned kind = 0; kind < GEO_KINDS && result == ERR_OK; kind++) {
		result = choose_db(sim, (enum geo_db_kind)kind, &fds[kind], paths[kind]);
		names[kind] = paths[kind][0] ? paths[kind] : NULL;
		snprintf(reason, GEO_DB_REASON_MAX, "%s",
			 result == ERR_RANGE ? "is larger than 512 MB"
					     : errcode_text(result));
		if (result == ERR_OK && sim->question.has_db[kind])
			result = check_db(paths[kind], (enum geo_db_kind)kind, reason);
	}
	if (result == ERR_OK)
		result = geo_open_files(&other_geo, names, reason);
	for (unsigned kind = 0; kind < GEO_KINDS; kind++)
		if (fds[kind] >= 0)
			close(fds[kind]);
	return result;
}

static void
set_side(struct side *side, const struct explainer *explainer, struct geo *geo)
{
	side->steerer = explainer->steerer;
	side->steerer.geo = geo;
	side->geo = geo;
}

/* Make what is simulated out of the block.  returns the exit code. */
static unsigned
make_sides(struct simulation *sim, const struct block *block)
{
	const struct simulate_question *question = &sim->question;
	bool has_db = question->has_db[GEO_COUNTRY] || question->has_db[GEO_ASN];
	const struct geo_address *missing = NULL;
	char reason[GEO_DB_REASON_MAX], address[INET6_ADDRSTRLEN];
	int result;

	sim->has_after = has_db || question->change_count > 0;
	set_side(&sim->before, sim->explainer, &sim->explainer->geo);
	set_side(&sim->after, sim->explainer, has_db ? &other_geo : &sim->explainer->geo);
	if (simulate_rrset_copy(block, &sim->before.rrset) != ERR_OK ||
	    simulate_rrset_copy(block, &sim->after.rrset) != ERR_OK)
		return refuse(sim, "the RRset is damaged, or there is no memory for it");
	result = simulate_rrset_change(&sim->after.rrset, question,
				       sim->explainer->steerer.board,
				       &sim->after.steerer.board, &missing);
	if (result == ERR_NOTFOUND) {
		bool is_v6 = question->question.type == RRTYPE_AAAA;

		inet_ntop(is_v6 ? AF_INET6 : AF_INET, missing->octets + (is_v6 ? 0 : 12),
			  address, sizeof address);
		return refuse(sim, "%s is no record of this name", address);
	}
	if (result != ERR_OK)
		return refuse(sim, "%s", errcode_text(result));
	if (has_db && open_other_geo(sim, reason) != ERR_OK)
		return refuse(sim, "the database that is to be tried %s", reason);
	return 0;
}

/* ---- the clients ---- */

static bool
count_side(struct simulation *sim, struct side *side, const struct explain_client *client,
	   double count, struct simulate_shares *shares)
{
	unsigned records = side->rrset.steered.rrset.head.rr_count;

	if (!simulate_shares_find(&side->steerer, &side->rrset.steered, client,
				  sim->explainer->options.ecs, &sim->explainer->trace,
				  shares))
		return false;
	for (unsigned i = 0; i < records && i < STEERED_MAX; i++) {
		side->first[i] += count * shares->first[i];
		side->answered[i] += count * shares->answered[i];
	}
	if (!shares->is_answered)
		side->unanswered += count;
	return true;
}

/* Whoever has a record less is with another one: half of all differences. */
static double
moved_share(const struct simulate_shares *before, const struct simulate_shares *after)
{
	double sum = before->is_answered == after->is_answered ? 0 : 1;

	for (unsigned i = 0; i < STEERED_MAX; i++)
		sum += fabs(after->first[i] - before->first[i]);
	return sum / 2;
}

static bool
count_client(struct simulation *sim, const struct explain_client *client, double count)
{
	static struct simulate_shares before, after;

	sim->clients += count;
	if (!count_side(sim, &sim->before, client, count, &before))
		return false;
	if (!sim->has_after)
		return true;
	if (!count_side(sim, &sim->after, client, count, &after))
		return false;
	sim->moved += count * moved_share(&before, &after);
	return true;
}

static void
note_skipped(struct simulation *sim, const char *line)
{
	sim->skipped++;
	if (sim->note_count < NOTES_MAX)
		snprintf(sim->notes[sim->note_count++], NOTE_LEN,
			 "line %llu: '%.100s' is no client: ADDRESS or PREFIX, then how "
			 "many",
			 (unsigned long long)sim->lines, line);
}

/* returns false on damage. */
static bool
count_clients(struct simulation *sim)
{
	char line[SIMULATE_LINE_MAX], copy[SIMULATE_LINE_MAX];
	struct explain_client client;
	double count;

	while (simulate_input_line(&sim->input, line)) {
		int kind;

		if (sim->lines++ % LINES_PER_TURN == 0)
			alarm(SIMULATE_IDLE_S);
		memcpy(copy, line, sizeof copy);
		kind = simulate_args_client(copy, &client, &count);
		if (kind < 0)
			note_skipped(sim, line);
		else if (kind > 0 && !count_client(sim, &client, count))
			return false;
	}
	return true;
}

/* ---- the reply ---- */

static void
print_share(const struct simulation *sim, const char *member, bool is_known,
	    double clients)
{
	if (is_known && sim->clients > 0)
		json_out_double(&sim->reply->json, member, clients / sim->clients,
				DIGITS);
	else
		json_out_null(&sim->reply->json, member);
}

static void
print_record(const struct simulation *sim, unsigned record)
{
	const struct side *before = &sim->before, *after = &sim->after;
	const struct steered *steered = &before->rrset.steered;
	struct json_out *json = &sim->reply->json;
	char address[INET6_ADDRSTRLEN];

	inet_ntop(steered->rrset.type == RRTYPE_A ? AF_INET : AF_INET6,
		  steered_address(steered, record), address, sizeof address);
	json_out_begin_object(json, NULL);
	json_out_text(json, "address", address);
	print_share(sim, "share", true, before->first[record]);
	print_share(sim, "share_after", sim->has_after, after->first[record]);
	print_share(sim, "change", sim->has_after,
		    after->first[record] - before->first[record]);
	print_share(sim, "answered", true, before->answered[record]);
	print_share(sim, "answered_after", sim->has_after, after->answered[record]);
	json_out_end_object(json);
}

static void
print_number(struct json_out *json, const char *member, bool is_known, double number)
{
	if (is_known)
		json_out_double(json, member, number, 3);
	else
		json_out_null(json, member);
}

static unsigned
print_reply(const struct simulation *sim)
{
	struct json_out *json = &sim->reply->json;
	unsigned records = sim->before.rrset.steered.rrset.head.rr_count;
	char name[DNAME_TEXT_MAX], type[RRTYPE_TEXT_MAX];

	dname_to_text(sim->question.question.name, name);
	rrtype_to_text(sim->question.question.type, type);
	json_out_begin_object(json, NULL);
	json_out_text(json, "name", name);
	json_out_text(json, "type", type);
	json_out_uint(json, "generation", sim->explainer->generation);
	json_out_begin_array(json, "simulate");
	for (unsigned i = 0; i < records && i < STEERED_MAX; i++)
		print_record(sim, i);
	json_out_end_array(json);
	print_number(json, "clients", true, sim->clients);
	print_number(json, "moved", sim->has_after, sim->moved);
	print_number(json, "unanswered", true, sim->before.unanswered);
	print_number(json, "unanswered_after", sim->has_after, sim->after.unanswered);
	json_out_uint(json, "lines", sim->lines);
	json_out_uint(json, "skipped", sim->skipped);
	json_out_begin_array(json, "notices");
	for (unsigned i = 0; i < sim->note_count; i++)
		json_out_text(json, NULL, sim->notes[i]);
	json_out_end_array(json);
	if (sim->clients <= 0)
		json_out_text(json, "error", "there is no client in the file");
	json_out_end_object(json);
	return sim->clients > 0 ? 0 : 1;
}

static unsigned
simulate(struct simulation *sim)
{
	const struct block *block = find_block(sim);
	unsigned status;

	if (!block)
		return refuse(sim,
			      "no record is chosen for this name and type: every client "
			      "gets the same answer, see 'martletctl explain'");
	status = make_sides(sim, block);
	if (status)
		return status;
	/* clients may be long in coming: nothing of the store is held meanwhile */
	zone_store_rest(sim->explainer->store);
	resolved_view_rest(&sim->explainer->resolved);
	if (!count_clients(sim))
		return refuse(sim, "the RRset is damaged");
	simulate_input_drain(&sim->input);
	if (sim->input.is_failed)
		return refuse(sim, "the file of clients broke off");
	return print_reply(sim);
}

unsigned
simulate_run(struct explainer *explainer, struct reply *reply, int fd, int arg_count,
	     char **args)
{
	struct simulation *sim = &simulation;
	char complaint[EXPLAIN_COMPLAINT_MAX];
	unsigned status;

	sim->explainer = explainer;
	sim->reply = reply;
	simulate_input_open(&sim->input, fd);
	if (!simulate_args_parse(arg_count, args, &sim->question, complaint))
		return refuse(sim, "%s", complaint);
	status = simulate(sim);
	simulate_rrset_free(&sim->before.rrset);
	simulate_rrset_free(&sim->after.rrset);
	geo_fini(&other_geo);
	return status;
}
