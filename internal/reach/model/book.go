package model

import (
	"cmp"

	"github.com/stagegate/stagegate/internal/reach"
)

// book keeps the finding of each pair of rulings, so that results share their reasons.
type book struct {
	matrix *PodMatrix
	known  map[verdict]*finding
	last   verdict // the commonest look-up is the one just made
	latest *finding
}

func (b *book) find(s *podSource, d *podDoor) *finding {
	if problem := cmp.Or(s.broken, d.broken); problem != "" {
		f := takesPart(problem)
		return &f
	}
	if d.down != "" {
		return &finding{outcome: reach.Unreachable, reason: d.down}
	}
	at, ok := sharedVersion(s, d)
	if !ok {
		return &finding{outcome: reach.Unreachable, reason: "the two pods share no IP version"}
	}
	egress, ingress := s.egress[at], d.ingress[at][s.classes[at].id]
	if s.pod.HostNetwork || d.pod.HostNetwork {
		switch relation(s.pod, d.pod) {
		case fromNode:
			ingress = nodeLocal
		case toNode:
			egress = s.beside[at]
		}
	}
	return b.look(verdict{egress[d.targets[at].id], ingress})
}

// sharedVersion is the first IP version of the target that the source has too.
func sharedVersion(s *podSource, d *podDoor) (int, bool) {
	if len(s.versions) == 1 && len(d.versions) == 1 {
		return d.versions[0], s.versions[0] == d.versions[0]
	}
	if len(s.versions) == 0 && len(d.versions) > 0 {
		return d.versions[0], true
	}
	if len(d.versions) == 0 {
		if len(s.versions) == 0 {
			return 0, true
		}
		return s.versions[0], true
	}
	for _, v := range d.versions {
		if s.classes[v] != nil {
			return v, true
		}
	}
	return 0, false
}

func (b *book) look(v verdict) *finding {
	if b.last == v && b.latest != nil {
		return b.latest
	}
	f, ok := b.known[v]
	if !ok {
		explained := b.explain(v)
		f = &explained
		b.known[v] = f
	}
	b.last, b.latest = v, f
	return f
}

// explain is the reason without the names, which the edge has.
func (b *book) explain(v verdict) finding {
	egress, ingress := b.matrix.rulings[v.egress], b.matrix.rulings[v.ingress]
	for _, r := range []ruling{egress, ingress} {
		if r.kind == denied {
			return finding{outcome: reach.Unreachable, reason: r.text}
		}
	}
	for _, r := range []ruling{egress, ingress} {
		if r.kind == unclear {
			return finding{outcome: reach.Error, reason: r.text}
		}
	}
	return finding{outcome: reach.Reachable, reason: both(egress.text, ingress.text)}
}
