package selector

import (
	"fmt"
	"strings"
)

// token is a punctuation mark, an operator word, an identifier or a string literal.
type token struct {
	kind kind
	text string
	at   int // byte offset, for errors
}

type kind uint8

const (
	end kind = iota
	mark
	identifier
	literal
)

func (t token) String() string {
	if t.kind == end {
		return "the end"
	}
	return fmt.Sprintf("%q", t.text)
}

// lexer cuts a selector into tokens. Whitespace is blanks and tabs only; string literals
// have no escapes.
type lexer struct {
	input string
	at    int
}

func (l *lexer) next() (token, error) {
	for l.at < len(l.input) && (l.input[l.at] == ' ' || l.input[l.at] == '\t') {
		l.at++
	}
	start := l.at
	if start == len(l.input) {
		return token{kind: end, at: start}, nil
	}
	rest := l.input[start:]
	for _, m := range []string{"==", "!=", "&&", "||", "!", "(", ")", "{", "}", ","} {
		if strings.HasPrefix(rest, m) {
			l.at += len(m)
			return token{mark, m, start}, nil
		}
	}
	if quote := rest[0]; quote == '"' || quote == '\'' {
		closing := strings.IndexByte(rest[1:], quote)
		if closing < 0 {
			return token{}, fmt.Errorf("at %d: the string is not closed", start+1)
		}
		l.at += closing + 2
		return token{literal, rest[1 : closing+1], start}, nil
	}
	length := 0
	for length < len(rest) && identifierByte(rest[length]) {
		length++
	}
	if length == 0 {
		return token{}, fmt.Errorf("at %d: unexpected %q", start+1, rest[0])
	}
	l.at += length
	return token{identifier, rest[:length], start}, nil
}

func identifierByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' ||
		c == '_' || c == '.' || c == '/' || c == '-'
}
