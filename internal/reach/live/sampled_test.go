package live

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stagegate/stagegate/internal/probe"
	"github.com/stagegate/stagegate/internal/reach"
)

var (
	began  = time.Now()
	second = func(n int) time.Time { return began.Add(time.Duration(n) * time.Second) }
	cart   = reach.Edge{From: "deployment/shop/web", To: "service/shop/cart:80/TCP"}
)

// moment is a sample that took no time.
type moment struct {
	second int
	code   probe.Code
}

// sampling is the samples of cart, whose attempts may take 2 s.
func sampling(up bool, moments ...moment) *sampled {
	s := &sampled{edge: cart, up: up, attempt: attempt{goal: goal{judge: judgeTCP(there), target: probe.Target{Wait: 2 * time.Second}}, control: -1}}
	for _, m := range moments {
		s.note(probe.Result{At: second(m.second), Code: m.code, Phase: probe.Connecting}, beside{}, second(m.second))
	}
	return s
}

// probed is a probing that reached cart, or did not.
func probed(from, to int, outcome reach.Outcome) probing {
	return probing{began: second(from), ended: second(to), reached: map[reach.Edge]bool{cart: outcome == reach.Reachable}}
}

func TestInterruptions(t *testing.T) {
	for name, test := range map[string]struct {
		sampled *sampled
		latest  probing
		want    time.Duration // 0 for no interruption
		healed  bool
	}{
		"it came back": {
			sampled: sampling(false, moment{0, probe.Answered}, moment{1, probe.TimedOut}, moment{2, probe.Failed}, moment{3, probe.Refused}, moment{4, probe.Answered}),
			want:    3 * time.Second, healed: true,
		},
		"it is still down": {
			sampled: sampling(true, moment{1, probe.TimedOut}, moment{4, probe.TimedOut}),
			want:    3 * time.Second,
		},
		"it was down before": {
			sampled: sampling(false, moment{1, probe.TimedOut}, moment{4, probe.TimedOut}, moment{5, probe.Answered}),
		},
		"samples that failed": {
			sampled: sampling(true, moment{1, probe.Failed}, moment{4, probe.Reset}),
		},
		"a later probing reached it": {
			sampled: sampling(true, moment{1, probe.Answered}, moment{2, probe.Refused}, moment{3, probe.Refused}),
			latest:  probed(4, 5, reach.Reachable),
			want:    3 * time.Second, healed: true,
		},
		"a later probing did not reach it": {
			sampled: sampling(true, moment{1, probe.Answered}, moment{2, probe.Refused}),
			latest:  probed(4, 5, reach.Unreachable),
			want:    time.Nanosecond,
		},
		"a probing reached it that had begun before": {
			sampled: sampling(true, moment{1, probe.Answered}, moment{2, probe.Refused}, moment{4, probe.Refused}),
			latest:  probed(3, 5, reach.Reachable),
			want:    2 * time.Second,
		},
	} {
		t.Run(name, func(t *testing.T) {
			test.sampled.end(second(6), test.latest)
			past := test.sampled.past
			if test.want == 0 {
				if len(past) != 0 {
					t.Errorf("interruptions: %+v, want none", past)
				}
				return
			}
			if len(past) != 1 || past[0].Healed != test.healed || past[0].Duration.Truncate(time.Second) != test.want.Truncate(time.Second) {
				t.Errorf("interruptions: %+v, want one of %s, healed %v", past, test.want, test.healed)
			}
		})
	}
}

// Between samples an edge may have been down unseen.
func TestGaps(t *testing.T) {
	for name, test := range map[string]struct {
		sampled *sampled
		latest  probing
		want    string // empty for no gap
	}{
		"steady samples":              {sampled: sampling(true, moment{1, probe.Answered}, moment{3, probe.Answered}, moment{6, probe.Answered})},
		"none at all":                 {sampled: sampling(true), want: "deployment/shop/web -> service/shop/cart:80/TCP was never sampled"},
		"a gap":                       {sampled: sampling(true, moment{1, probe.Answered}, moment{6, probe.Answered}), want: "was not sampled for 5s"},
		"an end too soon":             {sampled: sampling(true, moment{1, probe.Answered}), want: "was not sampled for 5s"},
		"an attempt that takes time":  {sampled: sampling(true, moment{4, probe.Answered})},
		"an edge that was down":       {sampled: sampling(false)},
		"an edge that did not return": {sampled: sampling(true), latest: probed(4, 5, reach.Unreachable)},
	} {
		t.Run(name, func(t *testing.T) {
			if test.latest.reached == nil {
				test.latest = probed(4, 5, reach.Reachable)
			}
			w := &watch{interval: time.Second, samples: map[int]*sampled{1: test.sampled}}
			w.end(second(6), test.latest)
			_, err := w.believed(func(attempt, time.Time) error { return nil })
			switch {
			case test.want == "" && err != nil:
				t.Errorf("%v, want no gap", err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
	two := &watch{interval: time.Second, samples: map[int]*sampled{1: sampling(true), 2: sampling(true)}}
	two.end(second(6), probed(4, 5, reach.Reachable))
	if got := two.gaps(); len(got) != 1 || !strings.Contains(got[0].Error(), "like 1 more") {
		t.Errorf("gaps of two edges from one vantage: %v", got)
	}
}

func TestBelieved(t *testing.T) {
	w := &watch{interval: 10 * time.Second, samples: map[int]*sampled{
		1: sampling(true, moment{1, probe.TimedOut}, moment{3, probe.Answered}, moment{6, probe.TimedOut}, moment{9, probe.TimedOut}),
	}}
	w.end(second(9), probing{})
	believed, err := w.believed(func(_ attempt, down time.Time) error {
		if down.Before(second(5)) {
			return errTest
		}
		return nil
	})
	if len(believed) != 1 || believed[0].Healed || !errors.Is(err, errTest) {
		t.Errorf("believed: %+v, %v; want the second interruption alone, and a doubt about the first", believed, err)
	}
}

// A watch that has begun has heard from every vantage.
func TestBegin(t *testing.T) {
	s := sampling(true)
	w := &watch{samples: map[int]*sampled{1: s}}
	if !w.silent() {
		t.Error("a watch without samples is not silent")
	}
	time.AfterFunc(50*time.Millisecond, func() { w.note(probe.Result{ID: 1, At: second(0), Code: probe.Answered}) })
	w.begin(t.Context())
	if w.silent() {
		t.Error("it began before the first sample")
	}
	if (&watch{samples: map[int]*sampled{1: sampling(false)}}).silent() {
		t.Error("a vantage that never reached anything is waited for")
	}
}
