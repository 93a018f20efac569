/* What a worker does with its time: the stages that a batch goes through, and what is
 * between batches.  Append only: the names are told. */
#ifndef SHM_STAGES_H
#define SHM_STAGES_H

/* clang-format off */
#define STAGES_TABLE(X) \
	X(WAIT,    "wait",    "waiting for something to do") \
	X(UPKEEP,  "upkeep",  "between batches: new data and options, timers") \
	X(RECEIVE, "receive", "receiving datagrams") \
	X(LOOKUP,  "lookup",  "decoding, and looking up zones and owners") \
	X(ANSWER,  "answer",  "making answers on the straight path") \
	X(STEER,   "steer",   "choosing among the records of steered RRsets, of one batch in 16") \
	X(GENERAL, "general", "making the answers that the straight path leaves") \
	X(LIMIT,   "limit",   "limits of clients, responses and zones") \
	X(LOG,     "log",     "writing records for the query log") \
	X(NOTE,    "note",    "counting zones, names and sources") \
	X(SEND,    "send",    "sending responses") \
	X(TCP,     "tcp",     "TCP but for its answers: accepting, reading, sending, closing") \
	/* no stages, but times of the same kind */ \
	X(QUEUE,   "queue",   "in the socket's queue before it is received, estimated from its length") \
	X(SERVED,  "receive_to_send", "from received to sent")
/* clang-format on */

enum answer_stage {
#define X(id, name, help) STAGE_##id,
	STAGES_TABLE(X)
#undef X
	STAGE_COUNT,
};

const char *answer_stage_name(enum answer_stage stage);
const char *answer_stage_help(enum answer_stage stage);

#endif
