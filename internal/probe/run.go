package probe

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// atOnce bounds the attempts under way, for small machines and file limits.
const atOnce = 512

// Run tries every target once, many at a time, and hands each result to emit, one call
// at a time.
func Run(ctx context.Context, targets []Target, emit func(Result)) {
	each(targets, func(t Target, slots chan struct{}, out func(Result)) {
		slots <- struct{}{}
		defer func() { <-slots }()
		out(Try(ctx, t))
	}, emit)
}

// Watch tries every target again and again, each at the interval, until ctx ends. An
// attempt that ctx cut off is not reported.
func Watch(ctx context.Context, targets []Target, interval time.Duration, emit func(Result)) {
	each(targets, func(t Target, slots chan struct{}, out func(Result)) {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		for ctx.Err() == nil {
			slots <- struct{}{}
			result := Try(ctx, t)
			<-slots
			if ctx.Err() == nil {
				out(result)
			}
			select {
			case <-ctx.Done():
			case <-tick.C:
			}
		}
	}, emit)
}

func each(targets []Target, do func(Target, chan struct{}, func(Result)), emit func(Result)) {
	slots := make(chan struct{}, atOnce)
	results := make(chan Result)
	var group sync.WaitGroup
	for _, t := range targets {
		group.Go(func() { do(t, slots, func(r Result) { results <- r }) })
	}
	go func() { group.Wait(); close(results) }()
	for r := range results {
		emit(r)
	}
}

// Try makes one attempt.
func Try(ctx context.Context, t Target) Result {
	wait := t.Wait
	if wait <= 0 {
		wait = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	began := time.Now()
	r := try(ctx, t)
	r.ID, r.At, r.Latency = t.ID, began.UTC(), time.Since(began)
	return r
}

func try(ctx context.Context, t Target) Result {
	switch t.Protocol {
	case TCP:
		return tryTCP(ctx, t)
	case UDP:
		return tryUDP(ctx, t)
	case DNS:
		return tryDNS(ctx, t)
	case GRPC:
		return tryGRPC(ctx, t)
	case HTTP:
		if t.HTTP != nil {
			return tryHTTP(ctx, *t.HTTP)
		}
	}
	return Result{Code: Failed, Detail: fmt.Sprintf("the protocol %q cannot be tried", t.Protocol)}
}
