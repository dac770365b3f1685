package terraform

// rawState is a state as the backend keeps it, as far as it is read here.
type rawState struct {
	State
	Outputs map[string]struct {
		Value     any  `json:"value"`
		Sensitive bool `json:"sensitive"`
	} `json:"outputs"`
	Resources []struct {
		Instances []struct {
			Attributes any      `json:"attributes"`
			Sensitive  [][]step `json:"sensitive_attributes"`
		} `json:"instances"`
	} `json:"resources"`
}

// step leads from a value to one in it: an attribute's name, or an index with its type.
type step struct {
	Value any `json:"value"`
}

// addState adds what the state marks as sensitive.
func (s *secrets) addState(state rawState) {
	for _, o := range state.Outputs {
		if o.Sensitive {
			s.add(o.Value)
		}
	}
	for _, r := range state.Resources {
		for _, instance := range r.Instances {
			for _, path := range instance.Sensitive {
				s.add(walk(instance.Attributes, path))
			}
		}
	}
}

func walk(value any, path []step) any {
	value = untyped(value)
	if len(path) == 0 {
		return value
	}
	switch key := untyped(path[0].Value).(type) {
	case string:
		m, _ := value.(map[string]any)
		return walk(m[key], path[1:])
	case float64:
		if l, ok := value.([]any); ok && int(key) < len(l) {
			return walk(l[int(key)], path[1:])
		}
	}
	return nil
}

// untyped is a value without the type that a state keeps beside it, where the schema has none.
func untyped(value any) any {
	if m, ok := value.(map[string]any); ok && len(m) == 2 {
		inner, hasValue := m["value"]
		if _, hasType := m["type"]; hasValue && hasType {
			return inner
		}
	}
	return value
}
