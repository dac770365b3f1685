package model

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/stagegate/stagegate/internal/reach/model/policy"
)

// kind is how one direction of a flow was decided.
type kind uint8

const (
	denied kind = iota
	allowed
	unclear // depends on something that is not known
)

// ruling is a decision in one direction, and the sentence for it. The sentence of a denial
// goes on with "to POD on PORT from POD".
type ruling struct {
	kind kind
	text string
}

type rulingID int32

// The rulings that need no policy.
const (
	unselected rulingID = iota // no policy applies
	undenied                   // policies apply, none decides
	nodeLocal                  // a pod and its own node
	itself                     // a pod and itself
)

func fixedRulings() []ruling {
	return []ruling{
		unselected: {allowed, ""},
		undenied:   {allowed, "no policy that applies denies it"},
		nodeLocal:  {allowed, "traffic between a pod and its own node is never blocked"},
		itself:     {allowed, "a pod always reaches itself"},
	}
}

func ruleRuling(p *policy.Policy, d policy.Direction, r policy.Rule) ruling {
	if r.Action == policy.Allow {
		return ruling{allowed, ruleOf(p, r) + " allows " + d.String()}
	}
	return ruling{denied, ruleOf(p, r) + " denies " + d.String()}
}

func unclearRuling(p *policy.Policy, d policy.Direction, r policy.Rule) ruling {
	if p.Unmodelled {
		return ruling{unclear, p.Name + " is not modelled, and it may decide " + d.String()}
	}
	return ruling{unclear, ruleOf(p, r) + " matches by something that is not known here (the address of a pod that does not run yet, or a domain name), and it decides " + d.String()}
}

func ruleOf(p *policy.Policy, r policy.Rule) string {
	return "rule " + strconv.Itoa(r.Number) + " of " + p.Name
}

// endRuling is the denial at the end of a tier of which some policies apply.
func endRuling(t *policy.Tier, names []string, d policy.Direction, plain bool) ruling {
	const most = 3
	list := strings.Join(names, ", ")
	if len(names) > most {
		list = fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
	}
	text := fmt.Sprintf("no rule of %s allows %s", list, d)
	if !plain {
		text = fmt.Sprintf("no rule of %s matches, and the end of tier %s denies %s", list, t.Name, d)
	}
	return ruling{denied, text}
}

// end numbers the denial at the end of a tier, equal ones once.
func (p *program) end(r ruling) rulingID {
	id, ok := p.ends[r.text]
	if !ok {
		id = p.ruling(r)
		p.ends[r.text] = id
	}
	return id
}
