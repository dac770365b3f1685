package live

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/stagegate/stagegate/internal/probe"
	"github.com/stagegate/stagegate/internal/probe/image"
)

// makeEphemeral puts the probe into the real pod. Its control is that the pod itself is
// ready: its node's kubelet reaches it.
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
	for _, probe := range p.pods {
		if !probe.ephemeral || probe.err != nil {
			continue
		}
		pod, err := p.clients.CoreV1().Pods(probe.namespace).Get(ctx, probe.name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("reading pod %s/%s: %w", probe.namespace, probe.name, err)
		}
		states[probe.id()] = ephemeralState(pod, probe.container)
	}
	return nil
}

func ephemeralState(pod *corev1.Pod, container string) state {
	ready := slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodReady && c.Status == corev1.ConditionTrue
	})
	for _, c := range pod.Status.EphemeralContainerStatuses {
		if c.Name == container {
			alone := &corev1.Pod{ObjectMeta: pod.ObjectMeta}
			alone.Status.Phase, alone.Status.ContainerStatuses = pod.Status.Phase, []corev1.ContainerStatus{c}
			s := stateOf(alone)
			s.control = ready
			return s
		}
	}
	return state{waiting: "its node has not started it"}
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
