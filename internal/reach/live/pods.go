package live

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/stagegate/stagegate/internal/reach/topology"
)

// probePod is a probe pod in the cluster, or why there is none.
type probePod struct {
	namespace, name string
	container       string
	hostNetwork     bool
	node            string
	ephemeral       bool      // a container in the real pod
	talk            *talk     // with its program, once there was an order
	born            time.Time // when it was first seen running
	err             error
}

func (pod probePod) id() string { return pod.namespace + "/" + pod.name + "/" + pod.container }

const (
	podPoll = 100 * time.Millisecond
	// youth is how long a probe that runs is taken at its word only for what it reaches: by
	// then it has passed its positive control, and policy engines know it.
	youth = 5 * time.Second
)

// ensurePods sees to it that every vantage has a running probe pod, making the missing
// ones all at once. What cannot be made is noted in its probePod.
func (p *Prober) ensurePods(ctx context.Context, wanted map[string]vantage, nodes nodeSet) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	states, err := p.states(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	count := p.makePods(ctx, wanted, nodes, func(has *probePod) bool {
		return has == nil || has.err != nil || !states[has.id()].running
	})
	if err := p.waitForPods(ctx, wanted); err != nil {
		return err
	}
	// Under load a node's runtime fails to start a container now and then.
	ended := func(has *probePod) bool { return has != nil && errors.As(has.err, new(*endedError)) }
	if p.makePods(ctx, wanted, nodes, ended) > 0 {
		if err := p.waitForPods(ctx, wanted); err != nil {
			return err
		}
	}
	if count > 0 {
		p.options.Progress("%d probe pods made in %s", count, brief(time.Since(began)))
	}
	for key := range wanted {
		if pod := p.pods[key]; pod != nil && pod.err != nil {
			p.options.Progress("%v", pod.err)
		}
	}
	return nil
}

// makePods makes the pods of the vantages that need one, all at once, and counts them.
func (p *Prober) makePods(ctx context.Context, wanted map[string]vantage, nodes nodeSet, needed func(*probePod) bool) int {
	useless := map[string]*probePod{}
	for key, v := range wanted {
		if has := p.pods[key]; !v.outside() && needed(has) {
			useless[key] = has
		}
	}
	var group sync.WaitGroup
	var result sync.Mutex
	for key, has := range useless {
		group.Go(func() {
			p.drop(ctx, has)
			made := p.make(ctx, wanted[key], nodes)
			result.Lock()
			defer result.Unlock()
			p.pods[key] = made
		})
	}
	group.Wait()
	return len(useless)
}

// endedError is that of a probe pod whose program ended before it was asked to.
type endedError struct{ pod, why string }

func (e *endedError) Error() string {
	return fmt.Sprintf("the probe pod %s cannot run: its program has ended: %s", e.pod, e.why)
}

func (p *Prober) make(ctx context.Context, v vantage, nodes nodeSet) *probePod {
	if p.options.Ephemeral {
		return p.makeEphemeral(ctx, v)
	}
	made := &probePod{namespace: v.like.Namespace, container: container, hostNetwork: v.like.HostNetwork, node: v.node}
	original := nodes.original(v.like)
	if original == nil {
		made.err = fmt.Errorf("pod %s/%s is no more", v.like.Namespace, v.like.Name)
		return made
	}
	if made.err = p.collides(ctx, v.like); made.err != nil {
		return made
	}
	owner, err := p.lease(ctx, v.like.Namespace)
	if err != nil {
		made.err = err
		return made
	}
	pod, err := p.clients.CoreV1().Pods(v.like.Namespace).Create(ctx, p.podLike(original, v.node, owner), metav1.CreateOptions{})
	if err != nil {
		made.err = fmt.Errorf("making a probe pod like %s/%s: %w%s", v.like.Namespace, v.like.Name, err, wayOut(err))
		return made
	}
	made.name = pod.Name
	return made
}

// wayOut is what to do where policy forbids making pods.
func wayOut(err error) string {
	if apierrors.IsForbidden(err) {
		return ": allow it, or set spec.probes.ephemeral in the environment to probe from the workload's own pods"
	}
	return ""
}

// drop deletes a probe pod that is of no use any more. A failure leaves it to Close.
func (p *Prober) drop(ctx context.Context, pod *probePod) {
	if pod == nil || pod.name == "" || pod.ephemeral {
		return
	}
	pod.talk.hangUp()
	if err := p.clients.CoreV1().Pods(pod.namespace).Delete(ctx, pod.name, atOnce()); err != nil && !apierrors.IsNotFound(err) {
		p.options.Progress("removing probe pod %s/%s: %v", pod.namespace, pod.name, err)
	}
}

// collides finds a Service that would send traffic to a pod that is never ready.
func (p *Prober) collides(ctx context.Context, like *topology.Pod) error {
	services, err := p.clients.CoreV1().Services(like.Namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("reading the Services of %s: %w", like.Namespace, err)
	}
	for _, s := range services.Items {
		if s.Spec.PublishNotReadyAddresses && len(s.Spec.Selector) > 0 && labels.SelectorFromSet(s.Spec.Selector).Matches(labels.Set(like.Labels)) {
			return &noStandIn{like.Workload, s.Namespace + "/" + s.Name}
		}
	}
	return nil
}

// state is what the API says of a probe pod.
type state struct {
	running bool   // the program runs
	doubt   string // why it does not pass its positive control, if so
	problem string // why it will never run
	ended   string // how its program ended, if it has
	waiting string
}

// states is of all probe pods, by id. Callers hold the lock.
func (p *Prober) states(ctx context.Context) (map[string]state, error) {
	pods, err := p.clients.CoreV1().Pods("").List(ctx, selecting(p.options.RunID))
	if err != nil {
		return nil, fmt.Errorf("reading the probe pods: %w", err)
	}
	out := make(map[string]state, len(pods.Items))
	for _, pod := range pods.Items {
		out[probePod{namespace: pod.Namespace, name: pod.Name, container: container}.id()] = stateOf(&pod, container, pod.Status.ContainerStatuses)
	}
	return out, p.ephemeralStates(ctx, out)
}

// stateOf is that of the container with the name: webhooks may have added others.
func stateOf(pod *corev1.Pod, name string, statuses []corev1.ContainerStatus) state {
	if pod.DeletionTimestamp != nil {
		return state{problem: "it is being deleted"}
	}
	i := slices.IndexFunc(statuses, func(c corev1.ContainerStatus) bool { return c.Name == name })
	over := pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded
	if over && (pod.Status.Reason != "" || i < 0 || statuses[i].State.Terminated == nil) { // evicted, say
		return state{problem: strings.TrimSpace("it has ended: " + pod.Status.Reason + " " + pod.Status.Message)}
	}
	if i < 0 {
		return state{waiting: "its node has not started it"}
	}
	c := statuses[i]
	switch {
	case c.State.Running != nil && c.Ready:
		return state{running: true}
	case c.State.Running != nil:
		return state{running: true, doubt: "its own node cannot reach it either, so its network does not work"}
	case c.State.Waiting != nil:
		return waitingFor(c.State.Waiting)
	}
	return state{ended: endOf(c.State.Terminated)}
}

// endOf is how a container ended; nil where the API does not say.
func endOf(t *corev1.ContainerStateTerminated) string {
	if t == nil {
		return "for a reason that is not known"
	}
	return strings.TrimSpace(fmt.Sprintf("exit code %d %s %s", t.ExitCode, t.Reason, t.Message))
}

func waitingFor(w *corev1.ContainerStateWaiting) state {
	text := strings.TrimSpace(w.Reason + " " + w.Message)
	switch w.Reason {
	case "ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "CreateContainerConfigError", "CreateContainerError", "RunContainerError":
		return state{problem: text}
	}
	return state{waiting: text}
}

// waitForPods waits until every wanted probe pod runs, or cannot.
func (p *Prober) waitForPods(ctx context.Context, wanted map[string]vantage) error {
	limit := time.Now().Add(p.options.PodWait)
	for {
		states, err := p.states(ctx)
		if err != nil {
			return err
		}
		waiting := false
		for key := range wanted {
			if pod := p.pods[key]; pod != nil && pod.err == nil {
				waiting = pod.settle(states, time.Now().After(limit)) || waiting
			}
		}
		if !waiting {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(podPoll):
		}
	}
}

// settle notes why a pod will not run, and tells whether it is worth waiting for.
func (pod *probePod) settle(states map[string]state, late bool) (waiting bool) {
	s, there := states[pod.id()]
	switch {
	case !there:
		pod.err = errors.New("the probe pod was removed by somebody else")
	case s.ended != "":
		pod.err = &endedError{pod.namespace + "/" + pod.name, s.ended}
	case s.problem != "":
		pod.err = fmt.Errorf("the probe pod %s/%s cannot run: %s", pod.namespace, pod.name, s.problem)
	case !s.running && late:
		pod.err = fmt.Errorf("the probe pod %s/%s does not start in time: %s", pod.namespace, pod.name, s.waiting)
	case !s.running:
		return true
	case pod.born.IsZero():
		pod.born = time.Now()
	}
	return false
}
