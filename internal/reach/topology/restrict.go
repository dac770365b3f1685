package topology

import (
	"net/netip"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// restrict takes what narrows or widens the ways to a Service. What is not modelled of it
// is noted.
func (b *builder) restrict(s *Service, o item[corev1.Service]) {
	spec := o.value.Spec
	if s.Type == string(corev1.ServiceTypeLoadBalancer) {
		b.sourceRanges(s, o)
	}
	if value(spec.InternalTrafficPolicy) == corev1.ServiceInternalTrafficPolicyLocal {
		b.note(o.Object, "internalTrafficPolicy Local is not modelled: each pod is taken to reach the endpoints on all nodes")
	}
	if spec.ExternalTrafficPolicy == corev1.ServiceExternalTrafficPolicyLocal && s.Type == string(corev1.ServiceTypeNodePort) {
		b.note(o.Object, "externalTrafficPolicy Local is not modelled: each node is taken to lead to an endpoint")
	}
	if len(spec.ExternalIPs) > 0 {
		b.note(o.Object, "externalIPs are not modelled: what comes in through them is not among the edges")
	}
}

// sourceRanges are in the spec, or in the older annotation.
func (b *builder) sourceRanges(s *Service, o item[corev1.Service]) {
	texts := o.value.Spec.LoadBalancerSourceRanges
	if len(texts) == 0 {
		texts = strings.FieldsFunc(o.GetAnnotations()[corev1.AnnotationLoadBalancerSourceRangesKey], func(r rune) bool { return r == ',' || r == ' ' })
	}
	for _, text := range texts {
		prefix, err := netip.ParsePrefix(strings.TrimSpace(text))
		if err != nil {
			b.problem(o.Object, "loadBalancerSourceRanges: %q is not a CIDR such as 10.0.0.0/8", text)
			continue
		}
		s.SourceRanges = append(s.SourceRanges, prefix.Masked())
	}
}
