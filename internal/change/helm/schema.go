package helm

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	chart "helm.sh/helm/v4/pkg/chart/v2"
)

// checkSchemas refuses value schemas that refer to other files or URLs: Helm would read
// them from this machine or fetch them, whatever they are.
func checkSchemas(c *chart.Chart) error {
	if err := checkSchema(c.Schema); err != nil {
		return fmt.Errorf("chart %s: values.schema.json: %w", c.ChartFullPath(), err)
	}
	for _, sub := range c.Dependencies() {
		if err := checkSchemas(sub); err != nil {
			return err
		}
	}
	return nil
}

func checkSchema(content []byte) error {
	if len(content) == 0 {
		return nil
	}
	var schema any
	if err := json.Unmarshal(content, &schema); err != nil {
		return fmt.Errorf("not valid JSON: %w", err)
	}
	ids := map[string]bool{}
	walkSchema(schema, func(key, value string) bool {
		if key == "$id" || key == "id" {
			ids[strings.TrimSuffix(value, "#")] = true
		}
		return true
	})
	if bad := foreignReference(schema, ids); bad != "" {
		return fmt.Errorf("refers to %s outside the chart: put the definition into the schema itself, under $defs", bad)
	}
	return nil
}

// foreignReference is the first reference that does not lead into the schema itself.
func foreignReference(schema any, ids map[string]bool) string {
	var bad string
	walkSchema(schema, func(key, value string) bool {
		base, _, _ := strings.Cut(value, "#")
		switch key {
		case "$ref", "$dynamicRef", "$recursiveRef":
			if base != "" && !ids[base] {
				bad = value
			}
		case "$schema":
			if !strings.Contains(base, "://json-schema.org/") {
				bad = value
			}
		}
		return bad == ""
	})
	return bad
}

// walkSchema visits the text fields of a schema in the order of their names, until visit
// returns false.
func walkSchema(value any, visit func(key, value string) bool) bool {
	switch v := value.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			if text, ok := v[k].(string); ok && !visit(k, text) {
				return false
			}
			if !walkSchema(v[k], visit) {
				return false
			}
		}
	case []any:
		for _, item := range v {
			if !walkSchema(item, visit) {
				return false
			}
		}
	}
	return true
}

// admits tells which top-level values a schema lets in: all, or where it is closed
// (additionalProperties: false), those that it names.
func admits(schema []byte) func(name string) bool {
	var root struct {
		Properties            map[string]any `json:"properties"`
		AdditionalProperties  any            `json:"additionalProperties"`
		UnevaluatedProperties any            `json:"unevaluatedProperties"`
	}
	if len(schema) == 0 || json.Unmarshal(schema, &root) != nil {
		return func(string) bool { return true }
	}
	closed := root.AdditionalProperties == false || root.UnevaluatedProperties == false
	return func(name string) bool {
		_, named := root.Properties[name]
		return named || !closed
	}
}
