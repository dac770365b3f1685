package admin

import (
	"errors"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/stagegate/stagegate/internal/reach/model/decode"
	"github.com/stagegate/stagegate/internal/reach/model/policy"
)

func subject(s Subject) (policy.Expr, error) {
	switch {
	case s.Namespaces != nil && s.Pods != nil, s.Namespaces == nil && s.Pods == nil:
		return nil, errors.New("spec.subject: needs exactly one of namespaces and pods")
	case s.Namespaces != nil:
		return namespaces("spec.subject.namespaces", s.Namespaces)
	}
	return pods("spec.subject.pods", s.Pods)
}

func namespaces(field string, s *metav1.LabelSelector) (policy.Expr, error) {
	selector, err := decode.Selector(field, s)
	return policy.Pods{Namespaces: selector, Pods: labels.Everything()}, err
}

func pods(field string, s *NamespacedPod) (policy.Expr, error) {
	ns, err1 := decode.Selector(field+".namespaceSelector", &s.NamespaceSelector)
	pods, err2 := decode.Selector(field+".podSelector", &s.PodSelector)
	return policy.Pods{Namespaces: ns, Pods: pods}, errors.Join(err1, err2)
}

func peersOf(field string, peers []Peer, action policy.Action, egress bool) (policy.Expr, error) {
	if len(peers) == 0 {
		return nil, fmt.Errorf("%s: needs at least one peer", field)
	}
	out := policy.Or{}
	var problems []error
	for i, p := range peers {
		e, err := peer(fmt.Sprintf("%s[%d]", field, i), p, action, egress)
		problems = append(problems, err)
		out = append(out, e)
	}
	return out, errors.Join(problems...)
}

func peer(field string, p Peer, action policy.Action, egress bool) (policy.Expr, error) {
	set := 0
	for _, given := range []bool{p.Namespaces != nil, p.Pods != nil, p.Nodes != nil, p.Networks != nil, p.DomainNames != nil} {
		if given {
			set++
		}
	}
	switch {
	case set != 1:
		return nil, fmt.Errorf("%s: needs exactly one kind of peer, has %d", field, set)
	case p.Namespaces != nil:
		return namespaces(field+".namespaces", p.Namespaces)
	case p.Pods != nil:
		return pods(field+".pods", p.Pods)
	case !egress:
		return nil, fmt.Errorf("%s: nodes, networks and domainNames are for egress only", field)
	case p.Nodes != nil:
		selector, err := decode.Selector(field+".nodes", p.Nodes)
		return policy.Nodes{Selector: selector}, err
	case p.Networks != nil:
		return networks(field+".networks", p.Networks)
	case action != policy.Allow:
		return nil, fmt.Errorf("%s.domainNames: only for rules that allow", field)
	}
	return policy.Domains{}, nil
}

func networks(field string, list []string) (policy.Expr, error) {
	out := policy.Or{}
	var problems []error
	for i, text := range list {
		n, err := decode.Prefix(fmt.Sprintf("%s[%d]", field, i), text)
		problems = append(problems, err)
		out = append(out, policy.Net{Prefix: n})
	}
	return out, errors.Join(problems...)
}
