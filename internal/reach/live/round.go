package live

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/stagegate/stagegate/internal/probe"
	"github.com/stagegate/stagegate/internal/reach"
)

// round tries the open edges once, from all their vantages at the same time.
func (p *Prober) round(ctx context.Context, plan *plan, open []int) (map[int]finding, error) {
	attempts, orders, vantages := plan.of(open)
	if err := p.ensurePods(ctx, vantages, plan.nodes); err != nil {
		return nil, err
	}
	answers := p.carryOut(ctx, orders)
	if err := p.retryYoung(ctx, attempts, orders, answers); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	direct := p.askBackends(ctx, plan, attempts, answers)
	trust, err := p.trust(ctx, vantages)
	if err != nil {
		return nil, err
	}
	for i, r := range direct {
		direct[i] = undoubted(r, trust[plan.direct[i].from])
		p.direct[plan.edges[i].Edge] = direct[i]
	}
	out := map[int]finding{}
	for _, a := range attempts {
		f := a.read(answers[a.from], direct[a.edge], plan.vantages[a.from], trust[a.from])
		if so, known := out[a.edge]; known {
			f = so.with(f)
		}
		out[a.edge] = f
	}
	for i, f := range out {
		f.caveat = cmp.Or(f.caveat, plan.caveats[i])
		out[i] = f
	}
	return out, nil
}

// askBackends asks the backends themselves where the answer of a route may be that of its
// controller alone. An edge whose answers could be told apart before needs no such help.
func (p *Prober) askBackends(ctx context.Context, plan *plan, attempts []attempt, got map[string]answers) map[int]*probe.Result {
	orders := map[string][]probe.Target{}
	asked := map[int]bool{}
	for _, a := range attempts {
		d, can := plan.direct[a.edge]
		if can && !asked[a.edge] && !p.distinct[plan.edges[a.edge].Edge] && got[a.from].results[a.goal.target.ID].Status == http.StatusNotFound {
			asked[a.edge] = true
			orders[d.from] = append(orders[d.from], d.target)
		}
	}
	found := p.carryOut(ctx, orders)
	out := map[int]*probe.Result{}
	for i := range asked {
		d := plan.direct[i]
		r, ok := found[d.from].results[d.target.ID]
		if !ok {
			r = probe.Result{Code: probe.Failed, Detail: "the probe gave no result"}
		}
		out[i] = &r
	}
	return out
}

// undoubted is a result of a probe whose silence proves nothing where it is distrusted.
func undoubted(r *probe.Result, distrust string) *probe.Result {
	if distrust == "" || r.Code == probe.Answered {
		return r
	}
	return &probe.Result{Code: probe.Failed, Detail: distrust}
}

// retryYoung asks again from probe pods that have just been made and are not taken at their
// word, once they are old enough.
func (p *Prober) retryYoung(ctx context.Context, attempts []attempt, orders map[string][]probe.Target, got map[string]answers) error {
	again, youngest := map[string][]probe.Target{}, time.Time{}
	for _, a := range attempts {
		r, ok := got[a.from].results[a.goal.target.ID]
		born := p.pod(a.from).born
		if !ok || a.from == "" || time.Since(born) > youth || !p.hasty(a, r) {
			continue
		}
		again[a.from] = orders[a.from]
		if born.After(youngest) {
			youngest = born
		}
	}
	if len(again) == 0 {
		return nil
	}
	if err := sleep(ctx, youth-time.Since(youngest)); err != nil {
		return err
	}
	maps.Copy(got, p.carryOut(ctx, again))
	return nil
}

// hasty tells of a result that a young probe is not believed: a policy engine may let
// nothing through to or from a pod that it does not know yet, and the kubelet takes a moment
// for its control. After Fresh nothing is believed, since an engine may also let all through.
func (p *Prober) hasty(a attempt, r probe.Result) bool {
	return p.wary || a.goal.judge(r, beside{}).outcome == reach.Unreachable
}

// of is the part of the plan that tries these edges.
func (pl *plan) of(open []int) (attempts []attempt, orders map[string][]probe.Target, vantages map[string]vantage) {
	needed := map[int]bool{}
	vantages, orders = map[string]vantage{}, map[string][]probe.Target{}
	for _, a := range pl.attempts {
		if _, ok := slices.BinarySearch(open, a.edge); ok {
			attempts = append(attempts, a)
			a.needs(needed)
			vantages[a.from] = pl.vantages[a.from]
		}
	}
	for key := range vantages {
		for _, t := range pl.targets[key] {
			if needed[t.ID] {
				orders[key] = append(orders[key], t)
			}
		}
	}
	return attempts, orders, vantages
}

// needs notes the targets that an attempt is judged by.
func (a attempt) needs(targets map[int]bool) {
	targets[a.goal.target.ID] = true
	if a.control >= 0 {
		targets[a.control], targets[a.control+1] = true, true
	}
}

// with joins what came of two ways of trying an edge: one that is proven to fail counts
// most, then one that could not be tried. Only what is moot in every way is moot.
func (f finding) with(other finding) finding {
	rank := map[reach.Outcome]int{reach.Reachable: 1, reach.Error: 2, reach.Unreachable: 3}
	worst := f
	if rank[other.outcome] > rank[f.outcome] {
		worst = other
	}
	if f.moot == "" || other.moot == "" {
		worst.moot = ""
	}
	worst.caveat = cmp.Or(f.caveat, other.caveat)
	return worst
}

// answers are the results of one vantage by target, or why there are none.
type answers struct {
	results map[int]probe.Result
	err     error
}

func (p *Prober) carryOut(ctx context.Context, orders map[string][]probe.Target) map[string]answers {
	out := map[string]answers{}
	var mu sync.Mutex
	var group sync.WaitGroup
	for key, targets := range orders {
		group.Go(func() {
			got := p.ask(ctx, key, targets)
			mu.Lock()
			defer mu.Unlock()
			out[key] = got
		})
	}
	group.Wait()
	return out
}

func (p *Prober) ask(ctx context.Context, key string, targets []probe.Target) answers {
	got := answers{results: make(map[int]probe.Result, len(targets))}
	note := func(r probe.Result) { got.results[r.ID] = r }
	if key == "" {
		probe.Run(ctx, targets, note)
		return got
	}
	talk, err := p.talkWith(ctx, key)
	if err != nil {
		return answers{err: err}
	}
	got.err = talk.order(ctx, probe.Order{Targets: targets}, note)
	return got
}

// pod is a copy of what is known of a vantage's probe pod.
func (p *Prober) pod(key string) probePod {
	p.mu.Lock()
	defer p.mu.Unlock()
	if pod := p.pods[key]; pod != nil {
		return *pod
	}
	return probePod{err: errors.New("there is no probe pod")}
}

// read is what an attempt came to. distrust says why silence proves nothing, if it does.
func (a attempt) read(got answers, direct *probe.Result, v vantage, distrust string) finding {
	r, ok := got.results[a.goal.target.ID]
	if !ok {
		if got.err == nil {
			return finding{outcome: reach.Error, reason: "the probe gave no result"}
		}
		return finding{outcome: reach.Error, reason: got.err.Error()}
	}
	b := beside{direct: direct}
	for i := range b.controls {
		if c, ok := got.results[a.control+i]; ok && a.control >= 0 {
			b.controls[i] = &c
		}
	}
	f := a.goal.judge(r, b)
	if distrust != "" {
		f.moot = "" // a probe that works may know better
	}
	if f.outcome == reach.Unreachable && distrust != "" {
		f = finding{outcome: reach.Error, reason: fmt.Sprintf("the probe cannot be trusted (%s), though it says: %s", distrust, f.reason)}
	}
	if !v.outside() {
		f.reason += ", from " + v.String()
	}
	return f
}
