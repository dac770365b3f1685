package live

import (
	"context"
	"fmt"

	"github.com/stagegate/stagegate/internal/config"
	"github.com/stagegate/stagegate/internal/probe"
	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

// finding is what one attempt, or all attempts of an edge, came to.
type finding struct {
	outcome reach.Outcome
	reason  string
}

// goal is one thing to send, and how to read what comes back. The answer to control, where
// there is one, tells an answer of the ingress controller from one of what is behind it.
type goal struct {
	target  probe.Target
	control *probe.Target
	judge   func(result probe.Result, control *probe.Result) finding
}

// attempt is a goal tried from a vantage for an edge.
type attempt struct {
	edge    int // of the plan's expectations
	from    string
	goal    goal
	control int // the ID of the control's target, or -1
}

// plan is all that is to be tried for a set of edges.
type plan struct {
	edges    []reach.Expectation
	vantages map[string]vantage
	attempts []attempt
	settled  map[int]finding // edges for which there is nothing to try
	targets  map[string][]probe.Target
	nodes    nodeSet
}

// planner makes a plan from a topology.
type planner struct {
	*Prober
	ctx      context.Context
	topo     *topology.Cluster
	nodes    nodeSet
	checks   map[string]config.Check
	routable map[string]bool
	controls map[string]int // IDs of control targets, by vantage and what they ask
	nextID   int
	out      *plan
}

func (p *Prober) plan(ctx context.Context, topo *topology.Cluster, edges []reach.Expectation) (*plan, error) {
	nodes, err := p.readNodesAndPods(ctx)
	if err != nil {
		return nil, err
	}
	pl := &planner{
		Prober: p, ctx: ctx, topo: topo, nodes: nodes,
		checks: map[string]config.Check{}, routable: map[string]bool{}, controls: map[string]int{},
		out: &plan{
			edges: edges, vantages: map[string]vantage{}, settled: map[int]finding{},
			targets: map[string][]probe.Target{}, nodes: nodes,
		},
	}
	for _, c := range p.options.Checks {
		pl.checks[checkKey(c.Name, c.Edge)] = c
	}
	for i, e := range edges {
		pl.add(i, e)
	}
	return pl.out, nil
}

func checkKey(name string, e reach.Edge) string { return name + "\n" + e.String() }

// add plans one edge. What stands in the way of trying it is its finding.
func (p *planner) add(i int, e reach.Expectation) {
	vantages, err := p.vantages(e.From)
	if err != nil {
		p.out.settled[i] = finding{reach.Error, err.Error()}
		return
	}
	for _, v := range vantages {
		goals, nothing := p.goals(e, v)
		if nothing != nil {
			p.out.settled[i] = *nothing
			return
		}
		for _, g := range goals {
			p.attempt(i, v, g)
		}
	}
	p.addBackends(i, e)
}

func (p *planner) attempt(edge int, v vantage, g goal) {
	key := v.key()
	p.out.vantages[key] = v
	a := attempt{edge: edge, from: key, goal: g, control: -1}
	if g.control != nil {
		a.control = p.controlID(key, *g.control)
	}
	a.goal.target = p.number(a.goal.target)
	p.out.attempts = append(p.out.attempts, a)
	p.out.targets[key] = append(p.out.targets[key], a.goal.target)
}

// controlID adds a control to a vantage's targets once.
func (p *planner) controlID(key string, control probe.Target) int {
	name := key + "\n" + control.HTTP.URL
	if id, ok := p.controls[name]; ok {
		return id
	}
	control = p.number(control)
	p.controls[name] = control.ID
	p.out.targets[key] = append(p.out.targets[key], control)
	return control.ID
}

func (p *planner) number(t probe.Target) probe.Target {
	t.ID, t.Wait = p.nextID, p.options.Attempt
	if t.Protocol == probe.HTTP || t.Protocol == probe.GRPC {
		t.Wait = max(t.Wait, probe.AnswerTimeout)
	}
	p.nextID++
	return t
}

// goals are what to try for an edge from a vantage, or the finding where there is nothing.
func (p *planner) goals(e reach.Expectation, v vantage) ([]goal, *finding) {
	to, err := reach.ParseEndpoint(e.To)
	if err != nil {
		return nil, &finding{reach.Error, err.Error()}
	}
	check, declared := p.checks[checkKey(e.Name, e.Edge)]
	if !declared {
		check.Edge = e.Edge
	}
	var goals []goal
	var nothing *finding
	if to.Kind == "ingress" || to.Kind == "httproute" {
		goals, nothing = p.routeGoals(check, v)
	} else {
		goals, nothing = p.addressGoals(check, to, v)
	}
	if nothing == nil && check.DNS != nil {
		goals = append(goals, p.dnsGoal(*check.DNS))
	}
	return goals, nothing
}

func cannot(format string, args ...any) *finding {
	return &finding{reach.Error, fmt.Sprintf(format, args...)}
}

func nothingThere(format string, args ...any) *finding {
	return &finding{reach.Unreachable, fmt.Sprintf(format, args...)}
}
