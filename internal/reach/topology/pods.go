package topology

import (
	"cmp"
	"math"
	"net/netip"

	corev1 "k8s.io/api/core/v1"

	"github.com/stagegate/stagegate/internal/reach"
)

// pods takes the Pod objects that run or will run.
func (b *builder) pods() {
	for _, pod := range read[corev1.Pod](b, "", "Pod") {
		status := pod.value.Status
		ended := status.Phase == corev1.PodSucceeded || status.Phase == corev1.PodFailed
		_, probe := pod.GetLabels()[reach.ProbeLabel] // stands in for a workload, is none
		if ended || probe || pod.GetDeletionTimestamp() != nil {
			continue
		}
		p := newPod(pod.at(), pod.GetLabels(), pod.value.Spec)
		p.Workload = b.workloadOf(pod.Object)
		p.IPs = podIPs(status)
		p.Ready, p.NotReadyReason = readiness(status)
		if status.Phase == "" && b.snapshot.Derived { // a manifest: it has not run yet
			p.Derived = true
			p.Ready, p.NotReadyReason = b.canRun(pod.value.Spec)
		}
		b.specs[p] = &pod.value.Spec
		b.cluster.Pods = append(b.cluster.Pods, p)
	}
}

// newPod takes what a pod's specification says.
func newPod(at name, labels map[string]string, spec corev1.PodSpec) *Pod {
	return &Pod{
		Namespace:      at.namespace,
		Name:           at.name,
		Labels:         labels,
		ServiceAccount: cmp.Or(spec.ServiceAccountName, spec.DeprecatedServiceAccount, "default"),
		Node:           spec.NodeName,
		HostNetwork:    spec.HostNetwork,
		Ports:          podPorts(spec),
		Texts:          texts(spec),
	}
}

func texts(spec corev1.PodSpec) []string {
	var out []string
	for _, c := range runningContainers(spec) {
		out = append(out, c.Command...)
		out = append(out, c.Args...)
		for _, e := range c.Env {
			if e.Value != "" {
				out = append(out, e.Value)
			}
		}
	}
	return out
}

// podPorts are the ports of all containers that run along, native sidecars included.
func podPorts(spec corev1.PodSpec) []Port {
	var ports []Port
	for _, c := range runningContainers(spec) {
		for _, p := range c.Ports {
			host := portNumber(p.HostPort)
			if spec.HostNetwork {
				host = portNumber(p.ContainerPort)
			}
			ports = append(ports, Port{
				Name:     p.Name,
				Number:   portNumber(p.ContainerPort),
				Protocol: protocol(p.Protocol),
				HostPort: host,
			})
		}
	}
	return ports
}

func runningContainers(spec corev1.PodSpec) []corev1.Container {
	running := spec.Containers[:len(spec.Containers):len(spec.Containers)]
	for _, c := range spec.InitContainers {
		if c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			running = append(running, c)
		}
	}
	return running
}

// portNumber is 0, no port, for a number that no port has: the API server refuses it, and
// cut to 16 bits it would be another port.
func portNumber(n int32) uint16 {
	if n < 0 || n > math.MaxUint16 {
		return 0
	}
	return uint16(n)
}

func protocol(p corev1.Protocol) Protocol { return cmp.Or(Protocol(p), TCP) }

func podIPs(status corev1.PodStatus) []netip.Addr {
	texts := []string{status.PodIP}
	for _, ip := range status.PodIPs {
		if ip.IP != status.PodIP {
			texts = append(texts, ip.IP)
		}
	}
	return addresses(texts)
}

// addresses parses what is an IP address, and leaves out the rest ("None", host names).
func addresses(texts []string) []netip.Addr {
	var out []netip.Addr
	for _, text := range texts {
		if ip, err := netip.ParseAddr(text); err == nil {
			out = append(out, ip)
		}
	}
	return out
}

// readiness reads the Ready condition, and says why where it is not true.
func readiness(status corev1.PodStatus) (bool, string) {
	reason := "the pod has no Ready condition yet"
	for _, c := range status.Conditions {
		if c.Type != corev1.PodReady {
			continue
		}
		if c.Status == corev1.ConditionTrue {
			return true, ""
		}
		reason = cmp.Or(c.Message, c.Reason, "the Ready condition is "+string(c.Status))
	}
	for _, c := range status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return false, "not scheduled: " + cmp.Or(c.Message, c.Reason)
		}
	}
	for _, c := range status.ContainerStatuses {
		if w := c.State.Waiting; w != nil && w.Reason != "" {
			return false, "container " + c.Name + " waits: " + w.Reason
		}
	}
	return false, reason
}
