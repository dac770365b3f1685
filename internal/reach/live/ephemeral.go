package live

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/stagegate/stagegate/internal/probe"
	"github.com/stagegate/stagegate/internal/probe/image"
)

// makeEphemeral puts the probe into the real pod. Its control is that the pod itself passes
// a readiness probe over the network: its node's kubelet reaches it.
func (p *Prober) makeEphemeral(ctx context.Context, v vantage) *probePod {
	name := p.ephemeralName
	made := &probePod{namespace: v.like.Namespace, name: v.like.Name, container: name, hostNetwork: v.like.HostNetwork, node: v.node, ephemeral: true}
	pods := p.clients.CoreV1().Pods(made.namespace)
	pod, err := pods.Get(ctx, made.name, metav1.GetOptions{})
	if err == nil && !slices.ContainsFunc(pod.Spec.EphemeralContainers, func(c corev1.EphemeralContainer) bool { return c.Name == name }) {
		c := p.container(true) // it serves nothing, like one on the host's network
		pod.Spec.EphemeralContainers = append(pod.Spec.EphemeralContainers, corev1.EphemeralContainer{
			EphemeralContainerCommon: corev1.EphemeralContainerCommon{
				Name: name, Image: c.Image, ImagePullPolicy: c.ImagePullPolicy, Command: c.Command, SecurityContext: c.SecurityContext,
			},
		})
		_, err = pods.UpdateEphemeralContainers(ctx, made.name, pod, metav1.UpdateOptions{})
	}
	if err != nil {
		made.err = fmt.Errorf("putting an ephemeral container into pod %s/%s: %w", made.namespace, made.name, err)
	}
	return made
}

// ephemeralStates adds what the API says of ephemeral probes. Callers hold the lock.
func (p *Prober) ephemeralStates(ctx context.Context, states map[string]state) error {
	return p.eachEphemeral(ctx, func(probe *probePod, pod *corev1.Pod) {
		states[probe.id()] = ephemeralState(pod, probe.container)
	})
}

// eachEphemeral reads the pods that ephemeral probes are in. Callers hold the lock.
func (p *Prober) eachEphemeral(ctx context.Context, do func(*probePod, *corev1.Pod)) error {
	for _, probe := range p.pods {
		if !probe.ephemeral || probe.err != nil {
			continue
		}
		pod, err := p.clients.CoreV1().Pods(probe.namespace).Get(ctx, probe.name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
		case err != nil:
			return fmt.Errorf("reading pod %s/%s: %w", probe.namespace, probe.name, err)
		default:
			do(probe, pod)
		}
	}
	return nil
}

func ephemeralState(pod *corev1.Pod, container string) state {
	s := stateOf(pod, container, pod.Status.EphemeralContainerStatuses)
	if s.ended != "" { // and cannot be started again
		s.problem, s.ended = "its program has ended: "+s.ended, ""
	}
	switch {
	case !readyOverNetwork(pod):
		s.doubt = fmt.Sprintf("pod %s has no readiness probe over HTTP, TCP or gRPC, so it is not known whether its network works", pod.Name)
	case readySince(pod).IsZero():
		s.doubt = fmt.Sprintf("pod %s is not ready, so its network may not work", pod.Name)
	default:
		s.doubt = ""
	}
	return s
}

// readyOverNetwork tells whether that a pod is ready shows that its node reaches it.
func readyOverNetwork(pod *corev1.Pod) bool {
	return slices.ContainsFunc(pod.Spec.Containers, func(c corev1.Container) bool {
		p := c.ReadinessProbe
		return p != nil && (p.HTTPGet != nil || p.TCPSocket != nil || p.GRPC != nil)
	})
}

// readySince is when all containers of a pod became ready, or zero where one is not.
func readySince(pod *corev1.Pod) time.Time {
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.ContainersReady && c.Status == corev1.ConditionTrue {
			return c.LastTransitionTime.Time
		}
	}
	return time.Time{}
}

// stopEphemeral ends the programs of ephemeral probes. The API cannot take the containers
// out of the pods: they stay listed there, ended.
func (p *Prober) stopEphemeral(ctx context.Context) error {
	var errs []error
	for _, pod := range p.pods {
		if pod.ephemeral && pod.err == nil {
			err := p.execute(ctx, *pod, []string{image.Program, "stop"}, nil, func(probe.Result) {})
			errs = append(errs, ignoreGone(err))
		}
	}
	return errors.Join(errs...)
}
