package pipeline

import (
	"context"
	"errors"
	"io"
	"slices"
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

// rounds is a Prober that answers with one matrix after another, the last one for ever.
type rounds struct {
	all  []reach.Matrix
	next int
	// takes is how long a round takes.
	takes time.Duration
}

func (r *rounds) Probe(context.Context) ([]reach.Expectation, reach.Matrix, error) {
	m := r.all[min(r.next, len(r.all)-1)]
	r.next++
	time.Sleep(r.takes)
	return []reach.Expectation{{Edge: web}}, m, nil
}

func (*rounds) Close(context.Context) error { return nil }

// A round that takes longer than all rounds may, since probe pods were slow to start, is
// followed by one that can agree with it.
func TestSettleAfterASlowRound(t *testing.T) {
	up := matrix(map[reach.Edge]reach.Outcome{web: reach.Reachable})
	prober := &rounds{all: []reach.Matrix{up}, takes: 5 * time.Millisecond}
	shown := progress.New(io.Discard, progress.Quiet)
	defer shown.Close()
	s := &session{prober: prober, run: &run{Runner: &Runner{
		Now: time.Now, SettleInterval: time.Millisecond, Progress: shown,
	}}, env: &config.Environment{Gate: config.Gate{SettleTimeout: time.Millisecond}}}
	_, got, err := s.settle(t.Context(), shown.Step("x"))
	if err != nil || got.Edges[0].Outcome != reach.Reachable || prober.next != 2 {
		t.Errorf("settled on %v after %d rounds, %v", got.Edges, prober.next, err)
	}
}

func TestSettle(t *testing.T) {
	up := matrix(map[reach.Edge]reach.Outcome{web: reach.Reachable})
	down := matrix(map[reach.Edge]reach.Outcome{web: reach.Unreachable})
	flapping := make([]reach.Matrix, 1000)
	for i := range flapping {
		flapping[i] = []reach.Matrix{up, down}[i%2]
	}
	for name, c := range map[string]struct {
		rounds []reach.Matrix
		want   reach.Outcome
		probes int // 0: not looked at
	}{
		"two rounds are needed":        {[]reach.Matrix{up}, reach.Reachable, 2},
		"a policy that takes its time": {[]reach.Matrix{up, down}, reach.Unreachable, 3},
		"never two alike":              {flapping, reach.Error, 0},
	} {
		t.Run(name, func(t *testing.T) {
			prober := &rounds{all: c.rounds}
			shown := progress.New(io.Discard, progress.Quiet)
			defer shown.Close()
			s := &session{prober: prober, run: &run{Runner: &Runner{
				Now: time.Now, SettleInterval: time.Millisecond, Progress: shown,
			}}, env: &config.Environment{Gate: config.Gate{SettleTimeout: 50 * time.Millisecond}}}
			_, got, err := s.settle(t.Context(), shown.Step("x"))
			if err != nil || len(got.Edges) != 1 || got.Edges[0].Outcome != c.want {
				t.Fatalf("settled on %v, %v; want %s", got.Edges, err, c.want)
			}
			if c.probes > 0 && prober.next != c.probes {
				t.Errorf("%d rounds, want %d", prober.next, c.probes)
			}
		})
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

// A policy takes effect seconds after the change was applied.
func TestNothingLostIsNotBelievedAtOnce(t *testing.T) {
	const settleTime = 5 * time.Second
	before := matrix(map[reach.Edge]reach.Outcome{web: reach.Reachable, pay: reach.Reachable})
	up := matrix(map[reach.Edge]reach.Outcome{web: reach.Reachable, pay: reach.Unreachable})
	down := matrix(map[reach.Edge]reach.Outcome{web: reach.Unreachable, pay: reach.Unreachable})
	up.Grade, down.Grade = reach.Live, reach.Live
	modelled := up
	modelled.Grade = reach.Modelled
	for name, c := range map[string]struct {
		rounds []reach.Matrix // a second each
		want   reach.Outcome
		probes int
	}{
		"nothing is lost":                {[]reach.Matrix{up}, reach.Reachable, 6},
		"lost at once":                   {[]reach.Matrix{down}, reach.Unreachable, 2},
		"lost when the policy is known":  {[]reach.Matrix{up, up, up, down}, reach.Unreachable, 5},
		"what is modelled is not waited": {[]reach.Matrix{modelled}, reach.Reachable, 2},
	} {
		t.Run(name, func(t *testing.T) {
			prober := &rounds{all: c.rounds}
			shown := progress.New(io.Discard, progress.Quiet)
			defer shown.Close()
			began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
			now := func() time.Time { return began.Add(time.Duration(prober.next) * time.Second) }
			s := &session{prober: prober, applied: began, run: &run{Runner: &Runner{
				Now: now, SettleInterval: time.Millisecond, Progress: shown,
			}}, env: &config.Environment{Gate: config.Gate{SettleTime: settleTime, SettleTimeout: time.Minute}}}
			s.findings.Baseline = before
			s.findings.Expectations = []reach.Expectation{{Edge: pay, Want: reach.Unreachable}} // that it is closed is meant
			if _, err := s.observe(t.Context(), shown.Step("x")); err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(s.findings.After.Edges, func(r reach.Result) bool { return r.Edge == web })
			if got := s.findings.After.Edges[i].Outcome; got != c.want || prober.next != c.probes {
				t.Errorf("%s after %d rounds, want %s after %d", got, prober.next, c.want, c.probes)
			}
		})
	}
}
