package yamldoc

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// yamlDocuments parses the documents of a YAML stream, one after another.
func yamlDocuments(content []byte, each func(*yaml.Node)) *lineError {
	d := yaml.NewDecoder(bytes.NewReader(content))
	for {
		var document yaml.Node
		err := d.Decode(&document)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return locate(content, err)
		}
		for _, root := range document.Content {
			each(root)
		}
	}
}

// locate turns an error of the parser into one with line and remedy.
func locate(content []byte, err error) *lineError {
	line, message := yamlError(err)
	return &lineError{line, message + remedy(content, line)}
}

// yamlError takes the line out of the parser's message. It counts the lines of its
// grammar errors from 0, those of its scanner from 1, and leaves the first line out.
func yamlError(err error) (int, string) {
	parts := regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`).FindStringSubmatch(err.Error())
	if parts == nil {
		return 1, err.Error()
	}
	line, _ := strconv.Atoi(parts[1]) // empty: 0
	if line == 0 || strings.HasPrefix(parts[2], "did not find expected") {
		line++
	}
	return line, "not valid YAML: " + parts[2]
}

func remedy(content []byte, line int) string {
	lines := bytes.SplitN(content, []byte("\n"), line+2)
	near := lines[max(0, min(line-1, len(lines)-1)):min(line+1, len(lines))]
	for _, l := range near {
		indent := l[:len(l)-len(bytes.TrimLeft(l, " \t"))]
		if bytes.ContainsRune(indent, '\t') {
			return ": indent with spaces, not with tabs"
		}
		if bytes.Contains(l, []byte("{{")) {
			return ": this looks like a template: name its chart instead, or render it first"
		}
	}
	return ""
}
