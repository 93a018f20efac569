/* The steps that led to an answer: events of the trace as JSON, each with a sentence. */
#ifndef EXPLAIN_EXPLAIN_STEPS_H
#define EXPLAIN_EXPLAIN_STEPS_H

#include "master/explain/explainer.h"
#include "loader/redis/redis_keys.h"
#include "shm/json_out.h"
#include "shm/rrtype.h"

enum { EXPLAIN_TEXT_MAX = 2048 };

/* Where the telling stands. */
struct explain_steps {
	struct explainer *explainer;	/* its databases are asked for more than mattered */
	const struct explain_question *question;
	struct json_out *json;
	struct redis_keys keys;
	bool has_zone, has_node;
	struct node apex;		/* of the zone that is looked in */
	struct node node;		/* the last one that was found */
	bool has_steered;
	struct steered steered;		/* whose records are being chosen */
};

/* Write the list "steps" as a member of the object that is open.
 * answer  whose limits are told, behind the others; NULL: none are */
__attribute__((nonnull(1, 2, 4)))
void explain_steps_print(struct explainer *explainer, const struct explain_question *question,
			 const struct explain_answer *answer, struct json_out *json);

/* Begin the object of a step: its name and its sentence.  More members may follow, then
 * json_out_end_object. */
__attribute__((nonnull, format(printf, 3, 4)))
void explain_steps_begin(struct explain_steps *steps, const char *name, const char *format, ...);

/* A step that is but a sentence. */
__attribute__((nonnull))
void explain_steps_plain(struct explain_steps *steps, const char *name, const char *text);

/* A type as people write it: an ANAME, too, which has no number of its own. */
__attribute__((nonnull))
void explain_steps_type(uint16_t type, char out[RRTYPE_TEXT_MAX]);

/* A text that is null when it is empty. */
__attribute__((nonnull(1, 2)))
void explain_steps_text(struct json_out *json, const char *member, const char *text,
			size_t len);

/* "2024-11-21T04:20:00Z"; null for 0. */
__attribute__((nonnull))
void explain_steps_time(struct json_out *json, const char *member, int64_t unix_s);

/* How the name was found: the first part of enum trace_kind (explain/explain_found.c). */
__attribute__((nonnull))
void explain_found_event(struct explain_steps *steps, const struct trace_event *event);

/* What is answered, but for what is steered (explain/explain_answered.c). */
__attribute__((nonnull))
void explain_answered_event(struct explain_steps *steps, const struct trace_event *event);

/* A name outside of our zones, and what is known of it (explain/explain_aname.c). */
__attribute__((nonnull))
void explain_aname_event(struct explain_steps *steps, const struct trace_event *event);

/* Of the chain of choices (explain/explain_steer.c). */
__attribute__((nonnull))
void explain_steer_event(struct explain_steps *steps, const struct trace_event *event);

#endif
