// SPDX-License-Identifier: GPL-2.0
/*
 * decls.c - the declarations of a C source, or of an excerpt that may begin and
 * end anywhere: functions, macros, trace events and the fields of structs. What is
 * not complete in an excerpt is passed over.
 */
#define _GNU_SOURCE
#include "csource.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define MAX_IFS 16

struct reader {
	struct decls *d;
	const struct token *token;
	char *owner;		/* the struct that we are in */
	bool assumed;		/* as the heading says, which may have ended before the excerpt */
	int braces, parens;
	char *cond[MAX_IFS];
	int ifs;
};

static const char keywords[] = "return else goto case do if while for switch sizeof typedef break continue default";
static const char no_type[] = "extern static inline noinline asmlinkage notrace register";
static const char types[] = "void bool char short int long unsigned signed u8 u16 u32 u64 s8 s16 s32 s64 gfn_t gpa_t gva_t hpa_t hva_t hfn_t kvm_pfn_t pte_t ulong";
static const char tags[] = "struct union enum";

static bool is_one_of(const struct token *t, const char *list)
{
	char *s = token_string(t);
	bool yes = word_index(list, s) >= 0;

	free(s);
	return yes;
}

static void add_word(char **text, const char *word)
{
	char *s = **text ? xasprintf("%s %s", *text, word) : xstrdup(word);

	free(*text);
	*text = s;
}

/*
 * Types as words, without the name of the parameter; "unsigned int" is "unsigned",
 * an array a pointer.
 */
static char *type_text(const struct token *t, size_t nr, bool parameter)
{
	char *text = xstrdup(""), *word;
	size_t i, nr_types = 0;
	bool plain = true;

	for (i = 0; i < nr; i++) {
		plain = plain && !token_is(&t[i], "(");
		if (token_is(&t[i], "["))
			break;
	}
	if (parameter && plain && i > 1 && token_is_name(&t[i - 1]) && !is_one_of(&t[i - 1], types) &&
	    !is_one_of(&t[i - 2], tags) && !token_is(&t[i - 2], "const"))
		i--;
	if (!plain)
		i = nr;
	nr_types = i;
	for (i = 0; i < nr_types; i++) {
		if (is_one_of(&t[i], no_type) || (starts_with(t[i].s, "__") && !starts_with(t[i].s, "__u")))
			continue;
		if (i && token_is(&t[i], "int") && token_is(&t[i - 1], "unsigned"))
			continue;
		word = token_string(&t[i]);
		add_word(&text, word);
		free(word);
	}
	if (plain && nr > nr_types && token_is(&t[nr - 1], "]"))
		add_word(&text, "*");
	return text;
}

/* The parenthesis that closes t[at], or nr. */
static size_t closing(const struct token *t, size_t nr, size_t at)
{
	int depth = 0;

	for (; at < nr; at++) {
		depth += token_is(&t[at], "(");
		depth -= token_is(&t[at], ")");
		if (!depth)
			break;
	}
	return at;
}

static void add(struct reader *r, enum decl_kind kind, const struct token *name, char *text)
{
	struct decl *d;

	r->d->decl = xrealloc(r->d->decl, r->d->nr + 1, sizeof(*d));
	d = &r->d->decl[r->d->nr++];
	memset(d, 0, sizeof(*d));
	d->kind = kind;
	d->name = token_string(name);
	d->text = text;
	d->owner = xstrdup(kind == DECL_FIELD ? r->owner : "");
	d->cond = xstrdup(r->ifs > 0 && r->ifs <= MAX_IFS ? r->cond[r->ifs - 1] : "");
	d->line = name->line;
}

static bool function(struct reader *r, const struct token *t, size_t nr)
{
	size_t open, close, i, from;
	char *text, *part, *params = xstrdup("");

	for (open = 0; open < nr && !token_is(&t[open], "("); open++)
		if ((!token_is_name(&t[open]) && !token_is(&t[open], "*")) || is_one_of(&t[open], keywords))
			break;
	close = open < nr && token_is(&t[open], "(") ? closing(t, nr, open) : nr;
	if (open < 2 || close == nr || !token_is_name(&t[open - 1])) {
		free(params);
		return false;
	}
	for (i = close + 1; i < nr; i++)
		if (!token_is_name(&t[i]) && !token_is(&t[close + 1], "__attribute__")) {
			free(params);
			return false;
		}
	for (i = from = open + 1; i <= close; i++) {
		if (i < close && token_is(&t[i], "(")) {
			i = closing(t, close, i);
			continue;
		}
		if (i < close && !token_is(&t[i], ","))
			continue;
		part = type_text(t + from, i - from, true);
		text = *params ? xasprintf("%s, %s", params, part) : xstrdup(part);
		free(params);
		free(part);
		params = text;
		from = i + 1;
	}
	part = type_text(t, open - 1, false);
	text = xasprintf("%s (%s)", part, params);
	free(part);
	free(params);
	add(r, DECL_FUNCTION, &t[open - 1], text);
	for (i = 0; i < open; i++)
		r->d->decl[r->d->nr - 1].is_static |= token_is(&t[i], "static");
	return true;
}

static void field(struct reader *r, const struct token *t, size_t nr)
{
	size_t i, end = nr, from = 0;

	if (is_one_of(&t[0], keywords))
		return;
	for (i = 0; i + 2 < nr; i++)
		if (token_is(&t[i], "(") && token_is(&t[i + 1], "*") && token_is_name(&t[i + 2])) {
			add(r, DECL_FIELD, &t[i + 2], type_text(t, nr, false));
			return;
		}
	for (i = 0; i < nr; i++) {
		if (token_is(&t[i], "(") || token_is(&t[i], "="))
			return;
		if (end == nr && (token_is(&t[i], "[") || token_is(&t[i], ":") || token_is(&t[i], ",")))
			end = i;
	}
	if (end < 2 || !token_is_name(&t[end - 1]) || is_one_of(&t[end - 1], types) ||
	    is_one_of(&t[end - 2], tags))
		return;
	add(r, DECL_FIELD, &t[end - 1], type_text(t, end - 1, false));
	for (i = end; i + 1 < nr; i++)
		if (token_is(&t[i], ",") || from) {
			for (from = i + 1; from < nr && token_is(&t[from], "*"); from++)
				;
			if (from < nr && token_is_name(&t[from]))
				add(r, DECL_FIELD, &t[from], type_text(t, end - 1, false));
			for (i = from; i + 1 < nr && !token_is(&t[i + 1], ","); i++)
				;
		}
}

static void enter(struct reader *r, char *owner)
{
	r->assumed = false;
	free(r->owner);
	r->owner = owner;
}

/* A statement that ends at end, which is ';', '{', '}' or the end of the text. */
static void statement(struct reader *r, size_t from, size_t end, char by)
{
	const struct token *t = r->token + from;
	size_t nr = end - from;

	if (!nr)
		return;
	if (r->assumed && t->unindented) {
		enter(r, xstrdup(""));
		r->braces = 0;
	}
	if ((token_is(t, "TRACE_EVENT") || token_is(t, "TRACE_EVENT_CONDITION")) && nr > 2 &&
	    token_is(t + 1, "(") && token_is_name(t + 2)) {
		if (!r->braces)
			add(r, DECL_EVENT, t + 2, xstrdup("event"));
		return;
	}
	if (*r->owner) {
		if (by == ';')
			field(r, t, nr);
		return;
	}
	if (r->braces || (by != ';' && by != '{'))
		return;
	if (by == '{' && nr > 1 && (token_is(t, "struct") || token_is(t, "union") ||
				    (token_is(t, "typedef") && token_is(t + 1, "struct"))))
		enter(r, token_string(t + nr - 1));
	else
		function(r, t, nr);
}

static void directive(struct reader *r, const struct token *t, size_t nr)
{
	size_t close, i, params = 1;
	char *s;

	if (nr < 2)
		return;
	if (token_is(t + 1, "define") && nr > 2) {
		if (nr > 3 && token_is(t + 3, "(") && t[3].s == t[2].s + t[2].len) {
			close = closing(t, nr, 3);
			for (i = 4; i < close; i++)
				params += token_is(t + i, ",");
			add(r, DECL_MACRO, t + 2, xasprintf("macro of %zu parameters", close == 4 ? 0 : params));
		} else {
			add(r, DECL_MACRO, t + 2, xstrdup("macro"));
		}
	} else if (starts_with(t[1].s, "if")) {
		s = xstrdup("?");
		if (nr == 3 && (token_is(t + 1, "ifdef") || token_is(t + 1, "ifndef"))) {
			free(s);
			s = xasprintf("%s%.*s", token_is(t + 1, "ifndef") ? "!" : "", (int)t[2].len, t[2].s);
		}
		if (r->ifs < MAX_IFS)
			r->cond[r->ifs] = s;
		else
			free(s);
		r->ifs++;
	} else if (token_is(t + 1, "else") && r->ifs > 0 && r->ifs <= MAX_IFS) {
		s = r->cond[r->ifs - 1];
		r->cond[r->ifs - 1] = *s == '!' ? xstrdup(s + 1) : xasprintf("!%s", s);
		free(s);
	} else if (token_is(t + 1, "endif") && r->ifs > 0) {
		r->ifs--;
		if (r->ifs < MAX_IFS)
			free(r->cond[r->ifs]);
	}
}

static char *heading_owner(const char *heading)
{
	if (!matches(heading, "(typedef )?(struct|union) [A-Za-z0-9_]+ \\{.*"))
		return xstrdup("");
	heading = strchr(heading, 'u') + strcspn(strchr(heading, 'u'), " ") + 1;
	return xasprintf("%.*s", (int)strcspn(heading, " "), heading);
}

void decls_read(struct decls *d, const struct tokens *t, const char *heading)
{
	struct reader r = { .d = d, .token = t->token, .owner = heading_owner(heading) };
	size_t i, end, from = 0;
	const struct token *k;

	memset(d, 0, sizeof(*d));
	r.assumed = *r.owner;
	r.braces = r.assumed;
	for (i = 0; i < t->nr; i++) {
		k = &t->token[i];
		if (k->first && token_is(k, "#")) {
			for (end = i + 1; end < t->nr && !t->token[end].first; end++)
				;
			if (from == i || !r.parens)
				from = end;
			directive(&r, k, end - i);
			i = end - 1;
			continue;
		}
		if (token_is(k, "(")) {
			r.parens++;
		} else if (token_is(k, ")")) {
			if (r.parens)
				r.parens--;
			else
				from = i + 1;	/* it began before the excerpt */
		} else if (token_is(k, "}") && k->unindented) {
			r.parens = r.braces = 0;
			enter(&r, xstrdup(""));
			from = i + 1;
		} else if (!r.parens && (token_is(k, ";") || token_is(k, "{") || token_is(k, "}"))) {
			statement(&r, from, i, *k->s);
			r.braces += token_is(k, "{");
			if (token_is(k, "}") && r.braces && !--r.braces)
				enter(&r, xstrdup(""));
			from = i + 1;
		}
	}
	if (from < t->nr)
		statement(&r, from, t->nr, '\0');
	while (r.ifs > 0)
		if (--r.ifs < MAX_IFS)
			free(r.cond[r.ifs]);
	free(r.owner);
}

void decls_free(struct decls *d)
{
	size_t i;

	for (i = 0; i < d->nr; i++) {
		free(d->decl[i].name);
		free(d->decl[i].text);
		free(d->decl[i].owner);
		free(d->decl[i].cond);
	}
	free(d->decl);
	memset(d, 0, sizeof(*d));
}

/* Without const; what a bool returns an int can. */
static char *callers_text(const char *s)
{
	char *text = xstrdup(""), *copy = xstrdup(s), *rest = copy, *word;

	while ((word = strsep(&rest, " ")))
		if (strcmp(word, "const") && strcmp(word, "(const"))
			add_word(&text, !*text && !strcmp(word, "bool") ? "int" : word);
		else if (*word == '(')
			add_word(&text, "(");
	free(copy);
	return text;
}

bool same_to_callers(const char *a, const char *b)
{
	char *x = callers_text(a), *y = callers_text(b), *p, *q;
	bool same;

	for (p = x, q = y; *p || *q; p++, q++) {
		while (*p == ' ')
			p++;
		while (*q == ' ')
			q++;
		if (*p != *q || !*p)
			break;
	}
	same = *p == *q;
	free(x);
	free(y);
	return same;
}
