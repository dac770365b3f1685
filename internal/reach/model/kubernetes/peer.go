package kubernetes

import (
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/stagegate/stagegate/internal/reach/model/decode"
	"github.com/stagegate/stagegate/internal/reach/model/policy"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

func peer(namespace, field string, p networkingv1.NetworkPolicyPeer) (policy.Expr, error) {
	byLabels := p.PodSelector != nil || p.NamespaceSelector != nil
	switch {
	case p.IPBlock != nil && byLabels:
		return nil, fmt.Errorf("%s: ipBlock may not stand with podSelector or namespaceSelector: write two peers", field)
	case p.IPBlock != nil:
		return ipBlock(field+".ipBlock", *p.IPBlock)
	case byLabels:
		return podPeer(namespace, field, p)
	}
	return nil, fmt.Errorf("%s: needs podSelector, namespaceSelector or ipBlock", field)
}

func podPeer(namespace, field string, p networkingv1.NetworkPolicyPeer) (policy.Expr, error) {
	selector := p.PodSelector
	if selector == nil {
		selector = &metav1.LabelSelector{}
	}
	pods, err := decode.Selector(field+".podSelector", selector)
	if err != nil {
		return nil, err
	}
	if p.NamespaceSelector == nil {
		return policy.Pods{InNamespace: namespace, Pods: pods}, nil
	}
	namespaces, err := decode.Selector(field+".namespaceSelector", p.NamespaceSelector)
	return policy.Pods{Namespaces: namespaces, Pods: pods}, err
}

func ipBlock(field string, b networkingv1.IPBlock) (policy.Expr, error) {
	cidr, err := decode.Prefix(field+".cidr", b.CIDR)
	if err != nil {
		return nil, err
	}
	out := policy.And{policy.Net{Prefix: cidr}}
	var problems []error
	for i, text := range b.Except {
		except, err := decode.Prefix(fmt.Sprintf("%s.except[%d]", field, i), text)
		if err == nil && (!cidr.Contains(except.Addr()) || except.Bits() <= cidr.Bits()) {
			err = fmt.Errorf("%s.except[%d]: %s is not strictly within %s", field, i, except, cidr)
		}
		problems = append(problems, err)
		out = append(out, policy.Not{Expr: policy.Net{Prefix: except}})
	}
	return out, errors.Join(problems...)
}

func portSet(field string, ports []networkingv1.NetworkPolicyPort) (*policy.PortSet, error) {
	out := &policy.PortSet{}
	var problems []error
	for i, p := range ports {
		c, err := port(fmt.Sprintf("%s[%d]", field, i), p)
		problems = append(problems, err)
		out.Ports = append(out.Ports, c)
	}
	return out, errors.Join(problems...)
}

func port(field string, p networkingv1.NetworkPolicyPort) (policy.Port, error) {
	out := policy.Port{Protocol: topology.TCP}
	if p.Protocol != nil {
		out.Protocol = topology.Protocol(*p.Protocol)
	}
	switch corev1.Protocol(out.Protocol) {
	case corev1.ProtocolTCP, corev1.ProtocolUDP, corev1.ProtocolSCTP:
	default:
		return out, fmt.Errorf("%s.protocol: %q is none of TCP, UDP and SCTP", field, out.Protocol)
	}
	if p.Port == nil {
		if p.EndPort != nil {
			return out, fmt.Errorf("%s.endPort: needs port", field)
		}
		return out, nil
	}
	if p.Port.Type == intstr.String {
		if p.EndPort != nil {
			return out, fmt.Errorf("%s.endPort: may not stand with the port name %q", field, p.Port.StrVal)
		}
		out.Name = p.Port.StrVal
		return out, nil
	}
	last := p.Port.IntVal
	if p.EndPort != nil {
		last = *p.EndPort
	}
	var err error
	out.From, out.To, err = policy.Range(field, p.Port.IntVal, last)
	return out, err
}
