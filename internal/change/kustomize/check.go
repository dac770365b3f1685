package kustomize

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// remote is what kustomize takes for a URL or a git repository: see IsRemoteFile and
// NewRepoSpecFromURL in sigs.k8s.io/kustomize/api/internal.
var remote = regexp.MustCompile(`(?i)^(git::)?((ssh|https?|file)://|[a-z][a-z0-9-]*@|github\.com[/:])`)

// Fields of a kustomization that hold text to put into objects, and nothing to load.
var textFields = []string{"literals", "options", "labels", "annotations", "patch", "commonLabels", "commonAnnotations", "images", "metadata"}

// check refuses a kustomization, or the configuration of a built-in generator or
// transformer, that loads anything remote or runs Helm.
func check(name, path string, content []byte) error {
	if err := checkAliases(content); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	c := checker{name: name, seen: map[*yaml.Node]bool{}}
	if slices.Contains([]string{"kustomization.yaml", "kustomization.yml", "Kustomization"}, filepath.Base(path)) {
		if err := yaml.Unmarshal(content, &yaml.Node{}); err != nil {
			return fmt.Errorf("%s: not valid YAML: %s", name, strings.TrimPrefix(err.Error(), "yaml: "))
		}
		return c.documents(content, 0)
	}
	if bytes.Contains(content, []byte("builtin")) {
		return c.documents(content, 0)
	}
	return nil
}

// checkAliases refuses aliases that expand to far more than what is written, which
// kustomize would do. The YAML library finds them when it decodes.
func checkAliases(content []byte) error {
	if !bytes.Contains(content, []byte("*")) || !bytes.Contains(content, []byte("&")) {
		return nil
	}
	for d := yaml.NewDecoder(bytes.NewReader(content)); ; {
		var document any
		err := d.Decode(&document)
		if err == nil {
			continue
		}
		if strings.Contains(err.Error(), "excessive aliasing") {
			return errors.New("its YAML aliases expand to far more than the file: write the values out")
		}
		return nil // the end, or no YAML: kustomize may want it as plain text
	}
}

type checker struct {
	name string
	seen map[*yaml.Node]bool // aliases that were followed
}

// documents checks text that may hold YAML; offset is the line that it begins after.
func (c *checker) documents(content []byte, offset int) error {
	for d := yaml.NewDecoder(bytes.NewReader(content)); ; {
		var document yaml.Node
		if d.Decode(&document) != nil {
			return nil
		}
		if err := c.walk(&document, "", offset); err != nil {
			return err
		}
	}
}

func (c *checker) walk(n *yaml.Node, key string, offset int) error {
	switch n.Kind {
	case yaml.AliasNode:
		if c.seen[n.Alias] && n.Alias.Kind != yaml.ScalarNode {
			return nil
		}
		c.seen[n.Alias] = true
		return c.walk(n.Alias, key, offset)
	case yaml.ScalarNode:
		return c.scalar(n, key, offset)
	case yaml.MappingNode:
		return c.mapping(n, offset)
	}
	for _, item := range n.Content {
		if err := c.walk(item, key, offset); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) mapping(n *yaml.Node, offset int) error {
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i].Value
		switch {
		case slices.Contains(textFields, key):
			continue
		case key == "helmCharts", key == "helmChartInflationGenerator":
			return c.errorAt(n.Content[i], offset, "%s runs helm: make the chart a part of a bundle (change.yaml) instead", key)
		}
		if err := c.walk(n.Content[i+1], key, offset); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) scalar(n *yaml.Node, key string, offset int) error {
	value := n.Value
	if key == "files" {
		if _, file, ok := strings.Cut(value, "="); ok {
			value = file
		}
	}
	switch {
	case remote.MatchString(value):
		return c.errorAt(n, offset, "%s is remote: a change is rendered without the network: copy it here and name the copy", value)
	case strings.Contains(value, "\n"):
		return c.documents([]byte(value), offset+n.Line)
	}
	return nil
}

func (c *checker) errorAt(n *yaml.Node, offset int, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %s", c.name, offset+n.Line, fmt.Sprintf(format, args...))
}
