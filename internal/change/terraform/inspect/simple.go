package inspect

import (
	"bytes"
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// The limits of what is parsed. The parser recurses, and a stack overflow cannot be
// recovered from; no configuration that people write comes near.
const (
	maxNesting  = 200
	maxBranches = 5000 // conditionals and template directives in one file
)

// Simple refuses what is nested too deeply to be parsed safely, too long, or no text. Native
// is false for JSON. Errors call it name.
func Simple(content []byte, name string, native bool) error {
	if len(content) > maxSource {
		return fmt.Errorf("%s: larger than %d KiB, too large to inspect: split the file", name, maxSource>>10)
	}
	if bytes.IndexByte(content, 0) >= 0 {
		return fmt.Errorf("%s: a binary file, not a configuration: remove it", name)
	}
	if !native {
		return flat(content, name)
	}
	tokens, _ := hclsyntax.LexConfig(content, name, hcl.InitialPos) // what is wrong, the parser says
	return nested(tokens, name)
}

// flat bounds the nesting of JSON by the number of brackets that are open at once.
func flat(content []byte, name string) error {
	depth := 0
	for _, b := range content {
		switch b {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if depth > maxNesting {
			return tooDeep(name)
		}
	}
	return nil
}

// nested bounds the nesting of native syntax.
func nested(tokens hclsyntax.Tokens, name string) error {
	depth, run, branches := 0, 0, 0
	for _, t := range tokens {
		run++
		switch t.Type {
		case hclsyntax.TokenOParen, hclsyntax.TokenOBrace, hclsyntax.TokenOBrack, hclsyntax.TokenTemplateInterp, hclsyntax.TokenOQuote:
			depth, run = depth+1, 0
		case hclsyntax.TokenCParen, hclsyntax.TokenCBrace, hclsyntax.TokenCBrack, hclsyntax.TokenTemplateSeqEnd, hclsyntax.TokenCQuote:
			depth, run = depth-1, 0
		case hclsyntax.TokenTemplateControl:
			depth, branches, run = depth+1, branches+1, 0
		case hclsyntax.TokenQuestion:
			branches, run = branches+1, 0
		case hclsyntax.TokenBang, hclsyntax.TokenMinus: // each nests what follows
		default:
			run = 0
		}
		if depth > maxNesting || run > maxNesting || branches > maxBranches {
			return tooDeep(name)
		}
	}
	return nil
}

func tooDeep(name string) error {
	return fmt.Errorf("%s: nested too deeply to inspect: write it more plainly", name)
}
