/* One request, then the end. */
#include "master/explain/explain.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "loader/reply.h"
#include "master/explain/explain_args.h"
#include "master/explain/explain_message.h"
#include "master/explain/explain_steps.h"
#include "master/explain/explainer.h"
#include "master/explain/simulate.h"
#include "shm/errcode.h"
#include "shm/rrtype.h"

enum {
	IDLE_S = 60, /* without progress */
	STALL_MS = 50000, /* for the peer to take more, so below the former */
	WAIT_MS = 600000, /* of all waiting for the peer */
	NICE = 10,
};

static struct explainer explainer;
static struct reply reply;

static unsigned
refuse(const char *text)
{
	json_out_begin_object(&reply.json, NULL);
	json_out_text(&reply.json, "error", text);
	json_out_end_object(&reply.json);
	return 1;
}

static void
print_question(const struct explain_question *question, char **args, int arg_count)
{
	struct json_out *json = &reply.json;
	const char *client = NULL, *subnet = NULL;
	char name[DNAME_TEXT_MAX], type[RRTYPE_TEXT_MAX];

	for (int i = 1; i + 1 < arg_count; i++)
		if (strcmp(args[i], "--client") == 0)
			client = args[++i];
		else if (strcmp(args[i], "--ecs") == 0)
			subnet = args[++i];
	dname_to_text(question->name, name);
	rrtype_to_text(question->type, type);
	json_out_text(json, "name", name);
	json_out_text(json, "type", type);
	json_out_text(json, "client", client);
	json_out_text(json, "ecs", subnet);
	json_out_text(json, "transport", question->is_tcp ? "tcp" : "udp");
	json_out_bool(json, "do", question->dnssec);
	json_out_uint(json, "generation", explainer.generation);
	json_out_bool(json, "live_changes", explainer.store->overlay.active);
}

static unsigned
run_explain(int arg_count, char **args)
{
	static struct explain_answer answer;
	char complaint[EXPLAIN_COMPLAINT_MAX];
	struct explain_question question;
	struct json_out *json = &reply.json;
	int result;

	if (!explain_args_parse(arg_count, args, &question, complaint))
		return refuse(complaint);
	explainer_answer(&explainer, &question, &answer);
	json_out_begin_object(json, NULL);
	json_out_begin_object(json, "explain");
	print_question(&question, args, arg_count);
	json_out_bool(json, "same_on_straight_path", answer.is_same);
	explain_steps_print(&explainer, &question, &answer, json);
	result = explain_message_print(&answer, json);
	json_out_end_object(json);
	if (result)
		json_out_text(json, "error", "the answer cannot be printed");
	json_out_end_object(json);
	return result ? 1 : 0;
}

static unsigned
run_command(const struct heritage *heritage, int fd, int arg_count, char **args)
{
	char reason[EXPLAINER_REASON_MAX];
	unsigned status;

	if (explainer_open(&explainer, heritage, reason) != 0)
		return refuse(reason);
	if (strcmp(args[0], "simulate") == 0)
		status = simulate_run(&explainer, &reply, fd, arg_count, args);
	else
		status = run_explain(arg_count, args);
	explainer_close(&explainer);
	return status;
}

/* Told to end while nobody waits any more: no failure. */
static void
end_quietly(int number)
{
	(void)number;
	_exit(0);
}

_Noreturn void
explain_run(const struct heritage *heritage, int fd, int arg_count, char **args)
{
	struct sched_param param = { 0 };
	unsigned status;

	heritage_enter(heritage, "explain");
	signal(SIGTERM, end_quietly);
	alarm(IDLE_S);
	/* workers come first; where that is not granted, we go on as we are */
	sched_setscheduler(0, SCHED_BATCH, &param);
	setpriority(PRIO_PROCESS, 0, NICE);
	reply_open(&reply, fd, STALL_MS, WAIT_MS);
	status = run_command(heritage, fd, arg_count, args);
	reply_close(&reply, status);
	_exit(0);
}
