package selector

import "slices"

// operatorWord finds an operator by its words, written together: Calico takes "notin" too.
func operatorWord(joined string) (string, bool) {
	switch joined {
	case "contains", "in":
		return joined, true
	case "startswith":
		return "starts with", true
	case "endswith":
		return "ends with", true
	case "notin":
		return "not in", true
	}
	return "", false
}

func (p *parser) comparison(key string) (node, error) {
	operator, err := p.operator()
	if err != nil {
		return nil, err
	}
	c := compare{key: key, operator: operator}
	if operator == "in" || operator == "not in" {
		c.values, err = p.set()
		return c, err
	}
	value, err := p.literal()
	c.values = []string{value}
	return c, err
}

func (p *parser) operator() (string, error) {
	const want = "==, !=, in, not in, contains, starts with or ends with"
	if p.now.kind == mark && (p.now.text == "==" || p.now.text == "!=") {
		op := p.now.text
		return op, p.advance()
	}
	if p.now.kind != identifier {
		return "", p.unexpected(want)
	}
	word := p.now.text
	if word == "starts" || word == "ends" || word == "not" {
		if err := p.advance(); err != nil {
			return "", err
		}
		word += p.now.text
	}
	op, ok := operatorWord(word)
	if !ok || p.now.kind != identifier {
		return "", p.unexpected(want)
	}
	return op, p.advance()
}

// set parses {"a", "b"}; a trailing comma and the empty set are allowed.
func (p *parser) set() ([]string, error) {
	if err := p.expect("{"); err != nil {
		return nil, err
	}
	var out []string
	for p.now.kind == literal {
		value, err := p.literal()
		if err != nil {
			return nil, err
		}
		out = append(out, value)
		more, err := p.accept(",")
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
	}
	slices.Sort(out)
	return slices.Compact(out), p.expect("}")
}

func (p *parser) literal() (string, error) {
	if p.now.kind != literal {
		return "", p.unexpected("a string in quotes")
	}
	value := p.now.text
	return value, p.advance()
}
