package pipeline

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/gate"
	"github.com/stagegate/stagegate/internal/progress"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/report"
)

var (
	web = reach.Edge{From: "external", To: "ingress/shop/web"}
	pay = reach.Edge{From: "deployment/shop/web", To: "service/pay/api:80/TCP"}
)

func matrix(outcomes map[reach.Edge]reach.Outcome) reach.Matrix {
	m := reach.Matrix{Grade: reach.Modelled}
	for e, o := range outcomes {
		m.Edges = append(m.Edges, reach.Result{Edge: e, Outcome: o})
	}
	m.Sort()
	return m
}

func TestWatchMeasuresInterruptions(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	w := newWatch(matrix(map[reach.Edge]reach.Outcome{web: reach.Reachable, pay: reach.Reachable}))
	for i, o := range []map[reach.Edge]reach.Outcome{
		{web: reach.Reachable, pay: reach.Reachable},
		{web: reach.Unreachable, pay: reach.Reachable},
		{web: reach.Error, pay: reach.Reachable}, // an error neither ends nor begins an interruption
		{web: reach.Reachable, pay: reach.Unreachable},
		{web: reach.Reachable, pay: reach.Unreachable},
	} {
		w.round(at(i), matrix(o))
	}
	want := []gate.Interruption{
		{Edge: pay, Duration: 7 * time.Second},
		{Edge: web, Duration: 2 * time.Second, Healed: true},
	}
	if diff := cmp.Diff(want, w.interruptions(at(10))); diff != "" {
		t.Error(diff)
	}
}

func TestLostEdgesAreNotInterrupted(t *testing.T) {
	all := []gate.Interruption{{Edge: pay, Duration: time.Second}, {Edge: web, Duration: time.Second, Healed: true}}
	got := withoutLost(all, matrix(map[reach.Edge]reach.Outcome{web: reach.Reachable, pay: reach.Unreachable}))
	if len(got) != 1 || got[0].Edge != web {
		t.Errorf("interruptions: %v", got)
	}
}

func TestLongestInterruptionOfEachEdge(t *testing.T) {
	got := longest([]gate.Interruption{{Edge: web, Duration: 2}, {Edge: pay, Duration: 1}, {Edge: web, Duration: 3, Healed: true}})
	want := []gate.Interruption{{Edge: pay, Duration: 1}, {Edge: web, Duration: 3, Healed: true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// An edge that flickers takes no note with it.
func TestFlakyKeepsNotes(t *testing.T) {
	before, now := matrix(map[reach.Edge]reach.Outcome{web: reach.Reachable}), matrix(map[reach.Edge]reach.Outcome{web: reach.Unreachable})
	now.Notes = []string{"note"}
	if got := flaky(before, now); len(got.Notes) != 1 || got.Edges[0].Outcome != reach.Error {
		t.Errorf("got %+v", got)
	}
}

func TestWhatWasNotSampledIsNamed(t *testing.T) {
	s := &session{env: &config.Environment{}, run: &run{Runner: &Runner{Now: time.Now}}}
	s.watch = newWatch(matrix(map[reach.Edge]reach.Outcome{web: reach.Reachable, pay: reach.Unreachable}))
	s.watch.unwatched = []reach.Edge{web, web, pay}
	s.watch.failed = errors.New("no pods")
	s.noteInterruptions()
	want := []string{
		"sampling the edges during the change: no pods",
		"not sampled during the change, since their addresses go with single pods: external -> ingress/shop/web",
	}
	if diff := cmp.Diff(want, s.findings.Remarks); diff != "" || len(s.findings.Unclear) > 0 {
		t.Errorf("%s%v", diff, s.findings.Unclear)
	}
	s.findings.Remarks, s.env.Gate.MaxInterruption = nil, time.Second
	if s.noteInterruptions(); len(s.findings.Unclear) != 1 {
		t.Errorf("a limit that nothing was held against passes: %v", s.findings.Unclear)
	}
}

func TestWatchLeavesAloneWhatWasBroken(t *testing.T) {
	w := newWatch(matrix(map[reach.Edge]reach.Outcome{web: reach.Unreachable}))
	w.round(time.Now(), matrix(map[reach.Edge]reach.Outcome{web: reach.Unreachable, pay: reach.Unreachable}))
	if got := w.interruptions(time.Now()); len(got) != 0 {
		t.Errorf("interruptions of edges that the baseline could not reach: %v", got)
	}
}

// followed is a Prober that follows edges, too, and notes what it was asked for.
type followed struct {
	rounds
	calls []string
}

func (f *followed) Probe(ctx context.Context) ([]reach.Expectation, reach.Matrix, error) {
	f.calls = append(f.calls, "probe")
	return f.rounds.Probe(ctx)
}

func (f *followed) Watch(context.Context, time.Duration) (func() ([]gate.Interruption, error), []reach.Edge, error) {
	f.calls = append(f.calls, "watch")
	return func() ([]gate.Interruption, error) {
		f.calls = append(f.calls, "stop")
		return []gate.Interruption{{Edge: web, Duration: time.Second, Healed: true}}, nil
	}, nil, nil
}

// An edge that is down when the soak ends may come back while it is verified.
func TestSoakIsFollowedUntilItIsVerified(t *testing.T) {
	prober := &followed{rounds: rounds{all: []reach.Matrix{matrix(map[reach.Edge]reach.Outcome{web: reach.Reachable})}}}
	shown := progress.New(io.Discard, progress.Quiet)
	defer shown.Close()
	s := &session{prober: prober, out: &report.Environment{}, run: &run{Runner: &Runner{
		Now: time.Now, SettleInterval: time.Millisecond, Progress: shown,
	}}, env: &config.Environment{Gate: config.Gate{Soak: time.Millisecond}}}
	s.watch = newWatch(s.findings.Baseline)
	if err := s.verify(t.Context(), func() { prober.calls = append(prober.calls, "settled") }); err != nil {
		t.Fatal(err)
	}
	want := []string{"probe", "probe", "settled", "watch", "probe", "probe", "stop"}
	if diff := cmp.Diff(want, prober.calls); diff != "" {
		t.Error(diff)
	}
	if len(s.findings.Interruptions) != 1 {
		t.Errorf("interruptions: %v", s.findings.Interruptions)
	}
}
