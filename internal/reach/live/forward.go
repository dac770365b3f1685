package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"

	"github.com/stagegate/stagegate/internal/reach/topology"
)

const forwardWait = 10 * time.Second

// forwarding is a port-forward to a pod, for clusters whose nodes this process has no route to.
type forwarding struct {
	local uint16
	close func()
	ended <-chan struct{}
}

// forwardDoor is the last resort. It goes through the kubelet into the pod, so what lies
// on the way into the controller is not tried; the place says so.
func (p *planner) forwardDoor(c *topology.Controller, scheme string) (place, error) {
	for _, pod := range c.Pods {
		port, ok := podPort(pod, scheme)
		if !ok || !pod.Ready {
			continue
		}
		f, err := p.forward(p.ctx, pod, port.Number)
		if err != nil {
			return place{}, err
		}
		what := fmt.Sprintf("a port-forward to pod %s/%s (the way into the controller is not tried)", pod.Namespace, pod.Name)
		return place{address: join("127.0.0.1", f.local), what: what, fleeting: true}, nil
	}
	return place{}, nil
}

func (p *Prober) forward(ctx context.Context, pod *topology.Pod, port uint16) (*forwarding, error) {
	key := fmt.Sprintf("%s/%s:%d", pod.Namespace, pod.Name, port)
	if f := p.forwards[key]; f != nil && f.alive() {
		return f, nil
	}
	f, err := p.startForward(ctx, pod, port)
	if err != nil {
		return nil, fmt.Errorf("forwarding a port to pod %s/%s: %w", pod.Namespace, pod.Name, err)
	}
	p.forwards[key] = f
	return f, nil
}

func (f *forwarding) alive() bool {
	select {
	case <-f.ended:
		return false
	default:
		return true
	}
}

func (p *Prober) startForward(ctx context.Context, pod *topology.Pod, port uint16) (*forwarding, error) {
	transport, upgrader, err := spdy.RoundTripperFor(p.config)
	if err != nil {
		return nil, err
	}
	url := p.clients.CoreV1().RESTClient().Post().Resource("pods").Namespace(pod.Namespace).Name(pod.Name).SubResource("portforward").URL()
	dialer := spdy.NewDialer(upgrader, &http.Client{Transport: transport}, http.MethodPost, url)
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	ready, ended := make(chan struct{}), make(chan struct{})
	forwarder, err := portforward.NewOnAddressesWithContext(life, dialer, []string{"127.0.0.1"}, []string{fmt.Sprintf("0:%d", port)}, ready, io.Discard, io.Discard)
	if err != nil {
		stop()
		return nil, err
	}
	failed := make(chan error, 1)
	go func() {
		defer close(ended)
		failed <- forwarder.ForwardPorts()
	}()
	f := &forwarding{close: stop, ended: ended}
	if err := f.await(ctx, forwarder, ready, failed); err != nil {
		stop()
		return nil, err
	}
	return f, nil
}

func (f *forwarding) await(ctx context.Context, forwarder *portforward.PortForwarder, ready <-chan struct{}, failed <-chan error) error {
	select {
	case <-ready:
	case err := <-failed:
		return errors.Join(errors.New("it ended at once"), err)
	case <-time.After(forwardWait):
		return errors.New("it does not start in time")
	case <-ctx.Done():
		return ctx.Err()
	}
	ports, err := forwarder.GetPorts()
	if err != nil {
		return err
	}
	f.local = ports[0].Local
	return nil
}
