package live

import (
	"context"
	"errors"
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
	// moot says why no probe can ever find this out, where that is so: an edge that nobody
	// declared is then left out.
	moot string
	// caveat is what readers should know of a finding that is less than it seems.
	caveat string
}

// goal is one thing to send, and how to read what comes back. The answers to control, where
// there is one, tell an answer of the ingress controller from one of what is behind it.
type goal struct {
	target  probe.Target
	control *probe.Target
	judge   judgement
	// fleeting tells that the target's address goes with a pod.
	fleeting bool
}

// beside is what else was asked, to tell who an answer is from.
type beside struct {
	// controls are the controller's answers to what it does not know; it is asked twice,
	// since answers that differ each time tell nothing.
	controls [2]*probe.Result
	// direct is the answer of a backend to the same request, sent past the controller.
	direct *probe.Result
}

// attempt is a goal tried from a vantage for an edge.
type attempt struct {
	edge    int // of the plan's expectations
	from    string
	goal    goal
	control int // the ID of the first of two targets of the control, or -1
}

// direct is a request for a backend of an edge, sent past the controller.
type direct struct {
	from   string
	target probe.Target
}

// plan is all that is to be tried for a set of edges.
type plan struct {
	edges    []reach.Expectation
	vantages map[string]vantage
	attempts []attempt
	settled  map[int]finding // edges for which there is nothing to try
	targets  map[string][]probe.Target
	direct   map[int]direct
	caveats  map[int]string // what is not tried of an edge, and why
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
			targets: map[string][]probe.Target{}, direct: map[int]direct{}, caveats: map[int]string{}, nodes: nodes,
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
		p.out.settled[i] = unsent(err)
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

// controlID adds a control to a vantage's targets once, to be asked twice.
func (p *planner) controlID(key string, control probe.Target) int {
	name := key + "\n" + control.HTTP.Method + " " + control.HTTP.URL
	if id, ok := p.controls[name]; ok {
		return id
	}
	first, second := p.number(control), p.number(control)
	p.controls[name] = first.ID
	p.out.targets[key] = append(p.out.targets[key], first, second)
	return first.ID
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
		return nil, &finding{outcome: reach.Error, reason: err.Error()}
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
	if nothing == nil {
		goals = append(goals, p.eachNode(to, v, judgeTCP)...)
	}
	if nothing == nil && check.DNS != nil {
		g, problem := p.dnsGoal(check, v)
		goals, nothing = append(goals, g), problem
	}
	return goals, nothing
}

func cannot(format string, args ...any) *finding {
	return &finding{outcome: reach.Error, reason: fmt.Sprintf(format, args...)}
}

// never is a finding that no probe could better.
func never(why, format string, args ...any) *finding {
	return &finding{outcome: reach.Error, reason: fmt.Sprintf(format, args...), moot: why}
}

// unsent is the finding where an error keeps a probe from being sent.
func unsent(err error) finding {
	f := finding{outcome: reach.Error, reason: err.Error()}
	var standIn *noStandIn
	if errors.As(err, &standIn) {
		f.moot = err.Error()
	}
	return f
}

func nothingThere(format string, args ...any) *finding {
	return &finding{outcome: reach.Unreachable, reason: fmt.Sprintf(format, args...)}
}
