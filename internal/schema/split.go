package schema

import (
	"regexp"
	"strings"
	"sync"
)

// split cuts SQL at the semicolons that end statements: not those in strings, quoted names, dollar quotes or comments.
// Statements keep their comments and lose surrounding space and the semicolon; empty ones are dropped. Bodies in the
// style of BEGIN ATOMIC are not known: PostgreSQL refuses the pieces.
func split(sql string) []string {
	var statements []string
	keep := func(statement string) {
		statement = strings.TrimSpace(strings.TrimRight(statement, ";"))
		if statement != "" {
			statements = append(statements, statement)
		}
	}
	begin := 0
	for at := 0; at < len(sql); {
		if sql[at] == ';' {
			at++
			keep(sql[begin:at])
			begin = at
			continue
		}
		at += token(sql, at)
	}
	keep(sql[begin:])
	return statements
}

// token is the length of what begins at a position: a whole quote or comment, a word, or a single byte. One that isn't
// closed reaches to the end.
func token(sql string, at int) int {
	rest := sql[at:]
	switch c := rest[0]; {
	case c == '\'':
		return quoted(rest, '\'', false)
	case c == '"':
		return quoted(rest, '"', false)
	case (c == 'e' || c == 'E') && len(rest) > 1 && rest[1] == '\'':
		return 1 + quoted(rest[1:], '\'', true)
	case strings.HasPrefix(rest, "--"):
		return through(rest, 2, "\n")
	case strings.HasPrefix(rest, "/*"):
		return blockComment(rest)
	case c == '$':
		if tag := dollarTag().FindString(rest); tag != "" {
			return through(rest, len(tag), tag)
		}
	case isWordByte(c):
		// A word is taken whole, so that the dollar in a$b$ and the e in the'…' open nothing.
		n := 1
		for n < len(rest) && (isWordByte(rest[n]) || rest[n] == '$') {
			n++
		}
		return n
	}
	return 1
}

var dollarTag = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^\$([A-Za-z_\x80-\x{10FFFF}][A-Za-z0-9_\x80-\x{10FFFF}]*)?\$`)
})

// isWordByte reports whether c can be part of a name or a number; bytes of other alphabets can.
func isWordByte(c byte) bool {
	return c == '_' || c >= 0x80 || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// quoted is the length of a string or name in quotes, in which a doubled quote, or one after a backslash where escapes
// hold, is part of it.
func quoted(s string, quote byte, escapes bool) int {
	for i := 1; i < len(s); i++ {
		switch {
		case escapes && s[i] == '\\':
			i++
		case s[i] == quote && i+1 < len(s) && s[i+1] == quote:
			i++
		case s[i] == quote:
			return i + 1
		}
	}
	return len(s)
}

// blockComment is the length of a comment in /* */, which may hold others.
func blockComment(s string) int {
	depth := 0
	for i := 0; i+1 < len(s); i++ {
		switch s[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
			if depth == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

// through is the length of s up to and with the first end after the opening.
func through(s string, opening int, end string) int {
	if i := strings.Index(s[opening:], end); i >= 0 {
		return opening + i + len(end)
	}
	return len(s)
}

// withoutLeadingComments is a statement from its first word on.
func withoutLeadingComments(statement string) string {
	for {
		statement = strings.TrimSpace(statement)
		if !strings.HasPrefix(statement, "--") && !strings.HasPrefix(statement, "/*") {
			return statement
		}
		statement = statement[token(statement, 0):]
	}
}
