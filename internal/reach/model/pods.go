package model

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"net/netip"
	"slices"

	"github.com/stagegate/stagegate/internal/reach"
	"github.com/stagegate/stagegate/internal/reach/topology"
)

// PodMatrix is the outcome of every ordered pair of different pods on every port that the
// target declares. (A pod always reaches itself, so such pairs are left out.) It keeps one
// decision for each pair of classes, not of pods.
type PodMatrix struct {
	sources []podSource // ordered as edges are
	doors   []podDoor   // ordered as edges are
	rulings []ruling
	notes   []string
}

// podSource is a pod that sends, as seen at its address of each IP version.
type podSource struct {
	pod      *topology.Pod
	name     string
	versions []int // 0 for IPv4, 1 for IPv6, in the pod's order; none where not known
	classes  [2]*class
	egress   [2][]rulingID // by target.id
	beside   [2][]rulingID // the same, to its own node
	broken   string        // an object of its namespace that could not be read; empty where all were
}

// podDoor is a port of a pod that receives.
type podDoor struct {
	pod      *topology.Pod
	name     string
	versions []int
	targets  [2]*target
	ingress  [2][]rulingID // by class.id
	down     string        // why the pod is not ready; empty where it is
	broken   string        // as that of podSource
}

// Pods evaluates every pair of pods. The error is the context's.
func (m *Model) Pods(ctx context.Context) (*PodMatrix, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	x := &PodMatrix{notes: m.notes}
	for _, p := range m.cluster.Pods {
		s := m.podSource(p)
		x.sources = append(x.sources, s)
		x.doors = append(x.doors, m.podDoors(p, s)...)
	}
	slices.SortFunc(x.sources, func(a, b podSource) int { return cmp.Compare(a.name, b.name) })
	slices.SortFunc(x.doors, func(a, b podDoor) int { return cmp.Compare(a.name, b.name) })
	if err := m.fill(ctx, x); err != nil {
		return nil, fmt.Errorf("evaluating pairs of pods: %w", err)
	}
	x.rulings = slices.Clone(m.program.rulings)
	return x, nil
}

func (m *Model) podSource(p *topology.Pod) podSource {
	s := podSource{pod: p, name: "pod/" + p.Namespace + "/" + p.Name, broken: m.index.unread(p.Namespace)}
	addrs, ips := [2]netip.Addr{}, m.addresses(podEnd(p))
	for _, a := range ips {
		if v := version(a); !addrs[v].IsValid() {
			addrs[v] = a
			s.versions = append(s.versions, v)
		}
	}
	for v, a := range addrs {
		if a.IsValid() || len(ips) == 0 {
			s.classes[v] = m.classes.of(p, a)
		}
	}
	return s
}

func version(a netip.Addr) int {
	if a.Is4() {
		return 0
	}
	return 1
}

func (m *Model) podDoors(p *topology.Pod, s podSource) []podDoor {
	down := ""
	if !p.Ready {
		down = "the target is not ready" + because(p)
	}
	var out []podDoor
	for _, port := range p.Ports {
		d := podDoor{
			pod: p, versions: s.versions, down: down, broken: s.broken,
			name: fmt.Sprintf("%s:%d/%s", s.name, port.Number, port.Protocol),
		}
		for v, c := range s.classes {
			if c != nil {
				d.targets[v] = m.target(c, port.Number, port.Protocol)
			}
		}
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b podDoor) int { return cmp.Compare(a.name, b.name) })
	return slices.CompactFunc(out, func(a, b podDoor) bool { return a.name == b.name }) // two names of one port
}

// fill decides each direction once for every chain, when all classes and targets are known.
func (m *Model) fill(ctx context.Context, x *PodMatrix) error {
	targets := make([]*target, len(m.targets))
	for _, t := range m.targets {
		targets[t.id] = t
	}
	rows, columns := map[*chain][]rulingID{}, map[*chain][]rulingID{}
	for i := range x.sources {
		s := &x.sources[i]
		for v, c := range s.classes {
			if c != nil {
				s.egress[v] = m.row(rows, m.egress(c, false), targets)
				s.beside[v] = m.row(rows, m.egress(c, true), targets)
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	for i := range x.doors {
		d := &x.doors[i]
		for v, t := range d.targets {
			if t != nil {
				d.ingress[v] = m.column(columns, t)
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

func (m *Model) row(known map[*chain][]rulingID, c *chain, targets []*target) []rulingID {
	row, ok := known[c]
	if !ok {
		row = make([]rulingID, len(targets))
		for i, t := range targets {
			row[i] = m.decide(c, t.class, t)
		}
		known[c] = row
	}
	return row
}

func (m *Model) column(known map[*chain][]rulingID, t *target) []rulingID {
	column, ok := known[t.ingress]
	if !ok {
		column = make([]rulingID, len(m.classes.list))
		for i, c := range m.classes.list {
			column[i] = m.decide(t.ingress, c, t)
		}
		known[t.ingress] = column
	}
	return column
}

// Len is the number of results.
func (x *PodMatrix) Len() int { return max(len(x.sources)-1, 0) * len(x.doors) }

// All yields the results in the order of edges.
func (x *PodMatrix) All() iter.Seq[reach.Result] {
	return func(yield func(reach.Result) bool) {
		b := book{matrix: x, known: map[verdict]*finding{}}
		for i := range x.sources {
			s := &x.sources[i]
			for j := range x.doors {
				d := &x.doors[j]
				if s.pod == d.pod {
					continue
				}
				f := b.find(s, d)
				if !yield(reach.Result{Edge: reach.Edge{From: s.name, To: d.name}, Outcome: f.outcome, Reason: f.reason}) {
					return
				}
			}
		}
	}
}

// Matrix collects all results.
func (x *PodMatrix) Matrix() reach.Matrix {
	out := reach.Matrix{Grade: reach.Modelled, Notes: x.notes, Edges: make([]reach.Result, 0, x.Len())}
	for r := range x.All() {
		out.Edges = append(out.Edges, r)
	}
	return out
}
