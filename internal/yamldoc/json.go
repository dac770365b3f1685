package yamldoc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// jsonDocuments parses JSON values one after another into nodes, so that the rest of the
// package knows one form alone.
func jsonDocuments(content []byte, each func(*yaml.Node)) *lineError {
	p := jsonParser{content: content, decoder: json.NewDecoder(bytes.NewReader(content)), line: 1}
	p.decoder.UseNumber()
	for {
		token, err := p.next()
		if err != nil {
			return err
		}
		if token == eof {
			return nil
		}
		root, err := p.value(token, 0)
		if err != nil {
			return err
		}
		each(root)
	}
}

// eof stands for the end of the file; JSON has no such delimiter.
const eof = json.Delim(0)

type jsonParser struct {
	content []byte
	decoder *json.Decoder
	line    int
	counted int64 // offset up to which lines were counted
}

// next returns the next token, eof at the end, and brings the line up to the token's end.
func (p *jsonParser) next() (json.Token, *lineError) {
	token, err := p.decoder.Token()
	end := p.decoder.InputOffset()
	p.line += bytes.Count(p.content[p.counted:end], []byte("\n"))
	p.counted = end
	if errors.Is(err, io.EOF) {
		return eof, nil
	}
	if err == nil {
		return token, nil
	}
	rest := bytes.TrimLeft(p.content[end:], " \t\r\n,:")
	line := lineAt(p.content, len(p.content)-len(rest))
	return nil, &lineError{line, "not valid JSON: " + err.Error()}
}

func (p *jsonParser) value(token json.Token, depth int) (*yaml.Node, *lineError) {
	if depth > maxDepth {
		return nil, &lineError{p.line, fmt.Sprintf("nested more than %d levels deep", maxDepth)}
	}
	n := &yaml.Node{Kind: yaml.ScalarNode, Line: p.line, Style: yaml.DoubleQuotedStyle}
	switch v := token.(type) {
	case json.Delim:
		return n, p.collection(n, v, depth)
	case string:
		n.Tag, n.Value = "!!str", v
	case json.Number:
		n.Tag, n.Value = "!!int", v.String()
		if strings.ContainsAny(n.Value, ".eE") {
			n.Tag = "!!float"
		}
	case bool:
		n.Tag, n.Value = "!!bool", strconv.FormatBool(v)
	case nil:
		n.Tag = "!!null"
	}
	return n, nil
}

func (p *jsonParser) collection(n *yaml.Node, open json.Delim, depth int) *lineError {
	n.Kind, n.Tag = yaml.SequenceNode, "!!seq"
	if open == '{' {
		n.Kind, n.Tag = yaml.MappingNode, "!!map"
	}
	for {
		token, err := p.next()
		if err != nil {
			return err
		}
		if token == eof {
			return &lineError{p.line, "not valid JSON: the file ends within a value"}
		}
		if token == json.Delim('}') || token == json.Delim(']') {
			return nil
		}
		child, err := p.value(token, depth+1)
		if err != nil {
			return err
		}
		n.Content = append(n.Content, child)
	}
}
