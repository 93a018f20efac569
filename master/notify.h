/* Tells the service manager how we are (sd_notify(3), without its library). */
#ifndef MASTER_NOTIFY_H
#define MASTER_NOTIFY_H

/* Take $NOTIFY_SOCKET, a path or an abstract name ("@..."), out of the environment;
 * without it everything here does nothing. */
void notify_open(void);

/* Send e.g. "READY=1\nSTATUS=..."; what cannot be sent at once is dropped. */
__attribute__((format(printf, 1, 2))) void notify_send(const char *format, ...);

/* "RELOADING=1" with the time that systemd wants with it. */
void notify_send_reloading(void);

#endif
