package live

import (
	"context"
	"encoding/json"
	"errors"
	"io"

	"github.com/stagegate/stagegate/internal/probe"
	"github.com/stagegate/stagegate/internal/probe/image"
)

// talk is one program in a probe pod that carries out orders as they come. To start a
// program in a pod costs its node more than most orders do.
type talk struct {
	in      *io.PipeWriter
	results chan probe.Result
	ended   chan struct{}
	err     error // once ended
	stop    context.CancelFunc
}

// startTalk starts the program; what keeps it from running comes with the first order.
func (p *Prober) startTalk(ctx context.Context, pod probePod) *talk {
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	orders, in := io.Pipe()
	t := &talk{in: in, results: make(chan probe.Result), ended: make(chan struct{}), stop: stop}
	go func() {
		defer close(t.ended)
		t.err = p.execute(life, pod, []string{image.Program, "try"}, orders, func(r probe.Result) {
			select {
			case t.results <- r:
			case <-life.Done():
			}
		})
		if t.err == nil {
			t.err = errors.New("the probe has ended")
		}
		_ = orders.Close()
	}()
	return t
}

func (t *talk) over() bool {
	select {
	case <-t.ended:
		return true
	default:
		return false
	}
}

// order has the program carry out one order. After an error the talk is of no use any more.
func (t *talk) order(ctx context.Context, order probe.Order, emit func(probe.Result)) error {
	go func() { _ = json.NewEncoder(t.in).Encode(order) }() // it fails where the talk ends, which is seen below
	for {
		select {
		case r := <-t.results:
			if r.Done {
				return nil
			}
			emit(r)
		case <-t.ended:
			return t.err
		case <-ctx.Done():
			t.stop()
			return ctx.Err()
		}
	}
}

// hangUp ends the program.
func (t *talk) hangUp() {
	if t != nil {
		t.stop()
	}
}

// talkWith is the talk with the probe pod of a vantage, or why there is none.
func (p *Prober) talkWith(ctx context.Context, key string) (*talk, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pod := p.pods[key]
	switch {
	case pod == nil:
		return nil, errors.New("there is no probe pod")
	case pod.err != nil:
		return nil, pod.err
	case pod.talk == nil || pod.talk.over():
		pod.talk = p.startTalk(ctx, *pod)
	}
	return pod.talk, nil
}
