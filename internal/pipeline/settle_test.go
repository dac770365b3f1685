package pipeline

import (
	"context"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/progress"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/report"
)

// rounds is a Prober that answers with one matrix after another, the last one for ever.
type rounds struct {
	all  []reach.Matrix
	next int
	want reach.Outcome // of the only expectation
	// takes is how long a round takes.
	takes time.Duration
}

func (r *rounds) Probe(context.Context) ([]reach.Expectation, reach.Matrix, error) {
	m := r.all[min(r.next, len(r.all)-1)]
	r.next++
	time.Sleep(r.takes)
	return []reach.Expectation{{Edge: web, Want: r.want}}, m, nil
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
	_, got, err := s.settle(t.Context(), shown.Step("x"), func(round) bool { return true })
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
			_, got, err := s.settle(t.Context(), shown.Step("x"), func(round) bool { return true })
			if err != nil || len(got.Edges) != 1 || got.Edges[0].Outcome != c.want {
				t.Fatalf("settled on %v, %v; want %s", got.Edges, err, c.want)
			}
			if c.probes > 0 && prober.next != c.probes {
				t.Errorf("%d rounds, want %d", prober.next, c.probes)
			}
		})
	}
}

// A policy takes effect seconds after the change was applied.
func TestNothingLostIsNotBelievedAtOnce(t *testing.T) {
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
			s := settling(t, prober)
			s.findings.Baseline = before
			s.findings.Expectations = []reach.Expectation{{Edge: pay, Want: reach.Unreachable}} // that it is closed is meant
			if _, err := s.observe(t.Context(), s.Progress.Step("x")); err != nil {
				t.Fatal(err)
			}
			i := slices.IndexFunc(s.findings.After.Edges, func(r reach.Result) bool { return r.Edge == web })
			if got := s.findings.After.Edges[i].Outcome; got != c.want || prober.next != c.probes {
				t.Errorf("%s after %d rounds, want %s after %d", got, prober.next, c.want, c.probes)
			}
		})
	}
}

// An edge that is broken before the change is not protected, so it is given time to come up.
func TestBrokenBeforeIsNotBelievedAtOnce(t *testing.T) {
	up := matrix(map[reach.Edge]reach.Outcome{web: reach.Reachable})
	down := matrix(map[reach.Edge]reach.Outcome{web: reach.Unreachable})
	up.Grade, down.Grade = reach.Live, reach.Live
	for name, c := range map[string]struct {
		rounds []reach.Matrix // a second each
		want   reach.Outcome  // of the expectation
		found  reach.Outcome
		probes int
	}{
		"all is up":             {rounds: []reach.Matrix{up}, found: reach.Reachable, probes: 2},
		"it comes up":           {rounds: []reach.Matrix{down, down, down, up}, found: reach.Reachable, probes: 5},
		"it stays broken":       {rounds: []reach.Matrix{down}, found: reach.Unreachable, probes: 6},
		"it is meant to be cut": {rounds: []reach.Matrix{down}, want: reach.Unreachable, found: reach.Unreachable, probes: 2},
	} {
		t.Run(name, func(t *testing.T) {
			prober := &rounds{all: c.rounds, want: c.want}
			s := settling(t, prober)
			if err := s.baseline(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := s.findings.Baseline.Edges[0].Outcome; got != c.found || prober.next != c.probes {
				t.Errorf("%s after %d rounds, want %s after %d", got, prober.next, c.found, c.probes)
			}
		})
	}
}

// settling is a session by whose clock each round takes a second, of whose policies it is
// known within five that they have taken effect.
func settling(t *testing.T, prober *rounds) *session {
	shown := progress.New(io.Discard, progress.Quiet)
	t.Cleanup(shown.Close)
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	now := func() time.Time { return began.Add(time.Duration(prober.next) * time.Second) }
	return &session{
		prober: prober, applied: began, out: &report.Environment{},
		run: &run{Runner: &Runner{Now: now, SettleInterval: time.Millisecond, Progress: shown}},
		env: &config.Environment{Gate: config.Gate{SettleTime: 5 * time.Second, SettleTimeout: time.Minute}},
	}
}
