/* The pipe through which children send their log lines, see shm/log.h. */
#ifndef MASTER_LOG_PIPE_H
#define MASTER_LOG_PIPE_H

/* Make the pipe, and watch it.  returns its write end, or an error code, logged. */
__attribute__((warn_unused_result)) int log_pipe_open(void);

/* Hand what the children have sent up to now to the log's target. */
void log_pipe_drain(void);

#endif
