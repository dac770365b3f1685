package selector

import (
	"fmt"
	"strings"
)

// maxDepth bounds the nesting of parentheses: Calico limits selectors to 1,024 bytes.
const maxDepth = 512

// Parse parses an expression. The empty expression matches everything. Errors give the
// position, counted in bytes from 1.
func Parse(text string) (*Selector, error) {
	p := &parser{lexer: lexer{input: text}}
	if err := p.advance(); err != nil {
		return nil, problem(text, err)
	}
	if p.now.kind == end {
		return &Selector{everything{}}, nil
	}
	root, err := p.or()
	if err != nil {
		return nil, problem(text, err)
	}
	if p.now.kind != end {
		return nil, problem(text, p.unexpected("&& or ||"))
	}
	return &Selector{root}, nil
}

func problem(text string, err error) error { return fmt.Errorf("selector %q: %w", text, err) }

type parser struct {
	lexer lexer
	now   token
	depth int
}

func (p *parser) advance() (err error) {
	p.now, err = p.lexer.next()
	return err
}

func (p *parser) unexpected(want string) error {
	return fmt.Errorf("at %d: want %s, have %s", p.now.at+1, want, p.now)
}

// accept goes past a mark, if it is the next token.
func (p *parser) accept(m string) (bool, error) {
	if p.now.kind != mark || p.now.text != m {
		return false, nil
	}
	return true, p.advance()
}

func (p *parser) expect(m string) error {
	ok, err := p.accept(m)
	if err == nil && !ok {
		err = p.unexpected(m)
	}
	return err
}

func (p *parser) or() (node, error)  { return p.joined("||", p.and) }
func (p *parser) and() (node, error) { return p.joined("&&", p.operation) }

func (p *parser) joined(operator string, operand func() (node, error)) (node, error) {
	var list []node
	for {
		n, err := operand()
		if err != nil {
			return nil, err
		}
		list = append(list, n)
		more, err := p.accept(operator)
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
	}
	if len(list) == 1 {
		return list[0], nil
	}
	return group{operator, list}, nil
}

func (p *parser) operation() (node, error) {
	negated := false
	for {
		more, err := p.accept("!")
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
		negated = !negated
	}
	n, err := p.operand()
	if err == nil && negated {
		n = not{n}
	}
	return n, err
}

func (p *parser) operand() (node, error) {
	if p.now.kind == identifier {
		return p.labelOrFunction()
	}
	open, err := p.accept("(")
	if err != nil {
		return nil, err
	}
	if !open {
		return nil, p.unexpected("a label, has(), all() or (")
	}
	if p.depth++; p.depth > maxDepth {
		return nil, fmt.Errorf("more than %d nested parentheses", maxDepth)
	}
	n, err := p.or()
	if err != nil {
		return nil, err
	}
	p.depth--
	return n, p.expect(")")
}

// labelOrFunction parses has(KEY), all(), global() and comparisons. A function's name and
// its parenthesis stand together, as Calico wants them.
func (p *parser) labelOrFunction() (node, error) {
	name := p.now.text
	called := strings.HasPrefix(p.lexer.input[p.lexer.at:], "(")
	if err := p.advance(); err != nil {
		return nil, err
	}
	if !called {
		return p.comparison(name)
	}
	if err := p.advance(); err != nil {
		return nil, err
	}
	switch name {
	case "all":
		return everything{}, p.expect(")")
	case "global":
		return everything{world: true}, p.expect(")")
	case "has":
		key := p.now
		if key.kind != identifier {
			return nil, p.unexpected("a label")
		}
		if err := p.advance(); err != nil {
			return nil, err
		}
		return has(key.text), p.expect(")")
	}
	return nil, fmt.Errorf("there is no function %s(): use has(), all() or global()", name)
}
