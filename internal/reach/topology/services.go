package topology

import (
	"cmp"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// services takes the Services with what stands behind them: their EndpointSlices where
// they say what runs, else the pods that they select.
func (b *builder) services() {
	b.byService = map[name]*Service{}
	slices := b.slicesByService()
	for _, o := range read[corev1.Service](b, "", "Service") {
		s := newService(o)
		b.restrict(s, o)
		b.byService[o.at()] = s
		b.cluster.Services = append(b.cluster.Services, s)
		if len(s.Selector) > 0 && b.snapshot.Derived {
			b.selectEndpoints(s)
			continue
		}
		for _, slice := range slices[o.at()] {
			b.addSlice(s, slice)
		}
	}
}

func newService(o item[corev1.Service]) *Service {
	spec := o.value.Spec
	s := &Service{
		Namespace:    o.GetNamespace(),
		Name:         o.GetName(),
		Type:         string(cmp.Or(spec.Type, corev1.ServiceTypeClusterIP)),
		ExternalName: spec.ExternalName,
		Headless:     spec.ClusterIP == corev1.ClusterIPNone,
		ClusterIPs:   addresses(append([]string{spec.ClusterIP}, spec.ClusterIPs...)),
		Selector:     spec.Selector,
		ExternalIPs:  spec.ExternalIPs,
		Endpoints:    map[ServicePort][]Endpoint{},
	}
	s.PublishNotReady = spec.PublishNotReadyAddresses
	if len(spec.ClusterIPs) > 0 {
		s.ClusterIPs = addresses(spec.ClusterIPs)
	}
	for _, in := range o.value.Status.LoadBalancer.Ingress {
		s.LoadBalancer = append(s.LoadBalancer, cmp.Or(in.IP, in.Hostname))
	}
	for _, p := range spec.Ports {
		s.Ports = append(s.Ports, servicePort(p))
	}
	return s
}

func servicePort(p corev1.ServicePort) ServicePort {
	out := ServicePort{Name: p.Name, Number: portNumber(p.Port), Protocol: protocol(p.Protocol), NodePort: portNumber(p.NodePort)}
	switch {
	case p.TargetPort.Type == intstr.String:
		out.TargetName = p.TargetPort.StrVal
	case p.TargetPort.IntVal != 0:
		out.Target = portNumber(p.TargetPort.IntVal)
	default:
		out.Target = out.Number
	}
	return out
}

// selectEndpoints does what the EndpointSlice controller does: each selected pod that has
// the target port, by number or by name.
func (b *builder) selectEndpoints(s *Service) {
	for _, pod := range b.selectPods(s.Namespace, s.Selector) {
		for _, port := range s.Ports {
			target, ok := targetPort(port, pod)
			if !ok {
				continue
			}
			e := Endpoint{Pod: pod, Port: target, Ready: pod.Ready || s.PublishNotReady}
			if len(pod.IPs) > 0 {
				e.Address = pod.IPs[0]
			}
			s.Endpoints[port] = append(s.Endpoints[port], e)
		}
	}
}

func targetPort(port ServicePort, pod *Pod) (uint16, bool) {
	if port.TargetName == "" {
		return port.Target, true
	}
	for _, p := range pod.Ports {
		if p.Name == port.TargetName && p.Protocol == port.Protocol {
			return p.Number, true
		}
	}
	return 0, false
}

func (b *builder) slicesByService() map[name][]discoveryv1.EndpointSlice {
	out := map[name][]discoveryv1.EndpointSlice{}
	for _, o := range read[discoveryv1.EndpointSlice](b, "discovery.k8s.io", "EndpointSlice") {
		if service := o.GetLabels()[discoveryv1.LabelServiceName]; service != "" {
			at := name{o.GetNamespace(), service}
			out[at] = append(out[at], o.value)
		}
	}
	return out
}

// addSlice adds the endpoints of a slice to the Service ports of the same names. A slice
// port without a number stands for all ports, so the target's number is meant.
func (b *builder) addSlice(s *Service, slice discoveryv1.EndpointSlice) {
	for _, slicePort := range slice.Ports {
		for _, port := range s.Ports {
			if port.Name != value(slicePort.Name) || port.Protocol != protocol(value(slicePort.Protocol)) {
				continue
			}
			number := port.Target
			if slicePort.Port != nil {
				number = portNumber(*slicePort.Port)
			}
			for _, e := range slice.Endpoints {
				s.Endpoints[port] = append(s.Endpoints[port], b.endpoints(s.Namespace, e, number)...)
			}
		}
	}
}

func (b *builder) endpoints(namespace string, e discoveryv1.Endpoint, port uint16) []Endpoint {
	var pod *Pod
	if ref := e.TargetRef; ref != nil && ref.Kind == "Pod" {
		pod = b.podsByName[name{cmp.Or(ref.Namespace, namespace), ref.Name}]
	}
	ready := e.Conditions.Ready == nil || *e.Conditions.Ready // nil means ready, says the API
	var out []Endpoint
	for _, ip := range addresses(e.Addresses) {
		found := pod
		if e.TargetRef == nil { // written by hand
			found = b.podsByIP[ip]
		}
		out = append(out, Endpoint{Pod: found, Address: ip, Port: port, Ready: ready})
	}
	return out
}

func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
