/* malloc that ends the process instead of returning NULL. */
#include "master/alloc.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shm/log.h"

static void *
checked(void *memory)
{
	if (!memory) {
		log_errorx("not enough memory");
		exit(1);
	}
	return memory;
}

void *
alloc_zero(size_t count, size_t size)
{
	return checked(calloc(count ? count : 1, size));
}

void *
alloc_again(void *old, size_t count, size_t size)
{
	return checked(reallocarray(old, count ? count : 1, size));
}

char *
alloc_text(const char *text)
{
	return checked(strdup(text));
}

char *
alloc_printf(const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	return checked(text);
}
