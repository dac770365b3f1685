package terraform

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"

	tfjson "github.com/hashicorp/terraform-json"

	"github.com/stagegate/stagegate/internal/printable"
)

// Masked stands for a sensitive value.
const Masked = "(sensitive)"

// shortest is the length below which a secret is not looked for in text: a shorter one
// would be found everywhere.
const shortest = 4

// secrets are the sensitive values that have been seen. Terraform masks them itself, but
// providers' error messages may quote them.
type secrets struct {
	mu       sync.Mutex
	values   []string
	replacer *strings.Replacer // for these values; nil after one is added
}

func (s *secrets) add(value any) {
	switch v := value.(type) {
	case nil, bool:
	case map[string]any:
		for _, e := range v {
			s.add(e)
		}
	case []any:
		for _, e := range v {
			s.add(e)
		}
	default:
		text := printable.Value(v)
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, t := range append(strings.Split(text, "\n"), text, printable.Line(text)) { // as it is, and as it is shown
			if t = strings.TrimSpace(t); len(t) >= shortest && !slices.Contains(s.values, t) {
				s.values, s.replacer = append(s.values, t), nil
			}
		}
	}
}

// addVariables adds the values of variables that are declared sensitive.
func (s *secrets) addVariables(m Module, values map[string]any) {
	for name, v := range m.Variables {
		if v.Sensitive {
			s.add(values[name])
		}
	}
}

// addPlan adds every sensitive value of a plan.
func (s *secrets) addPlan(plan *tfjson.Plan) {
	if plan.Config != nil && plan.Config.RootModule != nil {
		for name, v := range plan.Config.RootModule.Variables {
			if value := plan.Variables[name]; v.Sensitive && value != nil {
				s.add(value.Value)
			}
		}
	}
	changes := make([]*tfjson.Change, 0, len(plan.ResourceChanges)+len(plan.OutputChanges))
	for _, r := range plan.ResourceChanges {
		changes = append(changes, r.Change)
	}
	for _, c := range plan.OutputChanges {
		changes = append(changes, c)
	}
	for _, c := range changes {
		if c != nil {
			s.addMarked(c.Before, c.BeforeSensitive)
			s.addMarked(c.After, c.AfterSensitive)
		}
	}
}

// addMarked adds what a tree of marks, of the same shape as the value, says is sensitive.
func (s *secrets) addMarked(value, marks any) {
	switch m := marks.(type) {
	case bool:
		if m {
			s.add(value)
		}
	case map[string]any:
		v, _ := value.(map[string]any)
		for key, mark := range m {
			s.addMarked(v[key], mark)
		}
	case []any:
		v, _ := value.([]any)
		for i, mark := range m {
			if i < len(v) {
				s.addMarked(v[i], mark)
			}
		}
	}
}

// redact takes the values out of a text, the longest first, also as JSON escapes them.
func (s *secrets) redact(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.replacer == nil {
		s.replacer = replacerOf(s.values)
	}
	return s.replacer.Replace(text)
}

func replacerOf(values []string) *strings.Replacer {
	slices.SortFunc(values, func(a, b string) int { return len(b) - len(a) })
	var pairs []string
	for _, value := range values {
		pairs = append(pairs, value, Masked)
		if quoted, err := json.Marshal(value); err == nil {
			pairs = append(pairs, string(quoted[1:len(quoted)-1]), Masked)
		}
	}
	return strings.NewReplacer(pairs...)
}
