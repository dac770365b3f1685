package calico

import (
	"errors"
	"fmt"
	"strings"

	"github.com/stagegate/stagegate/internal/reach/model/policy"
	"github.com/stagegate/stagegate/internal/snapshot"
)

// placed is what was read of one policy object. It has no policy where that does not apply
// to pods.
type placed struct {
	policy *policy.Policy
	tier   string
	notes  []string
}

// reader reads one policy object.
type reader struct {
	object snapshot.Object
	sets   []networkSet
	notes  []string
}

// name is the policy as reasons have it. Calico's NetworkPolicy says so, to be told from
// Kubernetes' own.
func (r *reader) name() string {
	if r.object.GetKind() == "NetworkPolicy" {
		return fmt.Sprintf("Calico NetworkPolicy %s/%s", r.object.GetNamespace(), r.object.GetName())
	}
	return r.object.GetKind() + " " + r.object.GetName()
}

func read(o snapshot.Object, spec *PolicySpec, sets []networkSet) (placed, error) {
	r := reader{object: o, sets: sets}
	tier := spec.Tier
	if tier == "" {
		tier = DefaultTier
	}
	p := &policy.Policy{
		Name: r.name(), Order: policy.Unordered(),
		Tie: fmt.Sprintf("%s/%s/%s", bareName(o), o.GetNamespace(), o.GetKind()),
	}
	if spec.Order != nil {
		p.Order = *spec.Order
	}
	var problems []error
	var err error
	p.Subject, err = r.subject(spec)
	problems = append(problems, err)
	p.Governs, err = r.governs(spec)
	problems = append(problems, err)
	for d, rules := range [][]Rule{policy.Ingress: spec.Ingress, policy.Egress: spec.Egress} {
		p.Rules[d], err = r.rules(policy.Direction(d), rules)
		problems = append(problems, err)
	}
	if err := errors.Join(problems...); err != nil {
		return placed{}, err
	}
	if spec.DoNotTrack || spec.PreDNAT {
		r.notes = append(r.notes, p.Name+" applies to host endpoints only (doNotTrack or preDNAT): it has no effect on pods")
		p = nil
	}
	return placed{p, tier, r.notes}, nil
}

// governs sets the directions. Where types is not given, Calico's API fills them in from
// the rules; an object written past that API, to the stored group, has none, and Felix
// takes that as both.
func (r *reader) governs(spec *PolicySpec) (out [2]bool, err error) {
	for _, t := range spec.Types {
		switch {
		case strings.EqualFold(t, "Ingress"):
			out[policy.Ingress] = true
		case strings.EqualFold(t, "Egress"):
			out[policy.Egress] = true
		default:
			return out, fmt.Errorf("spec.types: %q is neither Ingress nor Egress", t)
		}
	}
	if len(spec.Types) > 0 {
		return out, nil
	}
	if r.object.GroupVersionKind().Group == StoredGroup {
		return [2]bool{true, true}, nil
	}
	out[policy.Egress] = len(spec.Egress) > 0
	out[policy.Ingress] = len(spec.Ingress) > 0 || len(spec.Egress) == 0
	return out, nil
}

func (r *reader) subject(spec *PolicySpec) (policy.Expr, error) {
	e, err := newEndpoints(criteria{
		namespace: r.object.GetNamespace(),
		selector:  spec.Selector, namespaces: spec.NamespaceSelector, accounts: spec.ServiceAccountSelector,
		fields: fields{"spec.selector", "", "spec.namespaceSelector", "spec.serviceAccountSelector"},
	}, nil)
	switch {
	case err != nil:
		return nil, err
	case r.object.GetNamespace() != "" && spec.NamespaceSelector != "":
		return nil, errors.New("spec.namespaceSelector: only a GlobalNetworkPolicy has it")
	case r.object.GetNamespace() == "" && r.object.GetKind() == "NetworkPolicy":
		return nil, errors.New("metadata.namespace: a NetworkPolicy needs one")
	case e.global():
		return nil, errors.New("spec.selector: global() is for the namespaceSelector of rules only")
	}
	return e, nil
}

func (r *reader) rules(d policy.Direction, rules []Rule) ([]policy.Rule, error) {
	var out []policy.Rule
	var problems []error
	for i, in := range rules {
		field := fmt.Sprintf("spec.%s[%d]", d, i)
		rule, err := r.rule(field, in)
		problems = append(problems, err)
		rule.Number = i + 1
		if !strings.EqualFold(in.Action, "Log") { // logging goes on with the next rule
			out = append(out, rule)
		}
		if in.HTTP != nil {
			r.notes = append(r.notes, fmt.Sprintf("%s: %s.http is enforced by a proxy only; the rule counts as without it", r.name(), field))
		}
	}
	return out, errors.Join(problems...)
}

func (r *reader) rule(field string, in Rule) (policy.Rule, error) {
	action, err1 := actionOf(field, in.Action)
	ports, err2 := portSet(field, in)
	source, err3 := r.entity(field+".source", in.Source)
	destination, err4 := r.entity(field+".destination", in.Destination)
	out := policy.Rule{Action: action, Source: source, Destination: destination, Ports: ports}
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return out, err
	}
	if s := in.Source.Services; s != nil {
		out.Source = policy.And{out.Source, r.serving(*s)}
	}
	if s := in.Destination.Services; s != nil {
		serving := r.serving(*s)
		out.Ports.Service = &serving
	}
	sourcePort, err := ephemeral(field+".source", in.Source)
	if sourcePort != policy.Yes {
		out.Source = policy.And{out.Source, policy.Fixed{Tri: sourcePort}}
	}
	if in.IPVersion != nil {
		if *in.IPVersion != 4 && *in.IPVersion != 6 {
			return out, fmt.Errorf("%s.ipVersion: %d is neither 4 nor 6", field, *in.IPVersion)
		}
		out.Destination = policy.And{out.Destination, policy.IPVersion(*in.IPVersion)}
	}
	return out, err
}

func (r *reader) serving(s Service) policy.Serving {
	if s.Namespace == "" {
		s.Namespace = r.object.GetNamespace()
	}
	return policy.Serving{Namespace: s.Namespace, Name: s.Name}
}

func actionOf(field, action string) (policy.Action, error) {
	switch strings.ToLower(action) {
	case "allow":
		return policy.Allow, nil
	case "deny", "log":
		return policy.Deny, nil
	case "pass":
		return policy.Pass, nil
	}
	return policy.Deny, fmt.Errorf("%s.action: %q is none of Allow, Deny, Log and Pass", field, action)
}
