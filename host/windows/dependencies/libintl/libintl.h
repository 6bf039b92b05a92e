/* SPDX-License-Identifier: MIT */
/* The part of GNU gettext's interface that GLib calls. Nothing is translated: a message is returned
   as it is. [GNU gettext manual "The Programmer's View"] */
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

/* Lets the compiler check a translated format against its arguments. */
#define INTL_FORMAT(n) __attribute__((format_arg(n)))

char* gettext(const char* message) INTL_FORMAT(1);
char* dgettext(const char* domain, const char* message) INTL_FORMAT(2);
char* dcgettext(const char* domain, const char* message, int category) INTL_FORMAT(2);
char* ngettext(const char* one, const char* many, unsigned long number) INTL_FORMAT(1)
    INTL_FORMAT(2);
char* dngettext(const char* domain, const char* one, const char* many, unsigned long number)
    INTL_FORMAT(2) INTL_FORMAT(3);

#undef INTL_FORMAT

char* textdomain(const char* domain);
char* bindtextdomain(const char* domain, const char* directory);
char* bind_textdomain_codeset(const char* domain, const char* codeset);

#ifdef __cplusplus
}
#endif
