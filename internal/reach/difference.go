package reach

import "slices"

// Change is one edge whose outcome differs between two matrices. Before is Unknown where
// the edge is new, and After where it is gone.
type Change struct {
	Edge
	Before Outcome `json:"before"`
	After  Outcome `json:"after"`
	Reason string  `json:"reason"` // of the outcome after, or before where the edge is gone
	Cause  string  `json:"cause,omitempty"`
}

// Difference is what changed between a baseline and a later matrix, each list sorted.
type Difference struct {
	Lost     []Change `json:"lost"`     // reachable before, not now
	Opened   []Change `json:"opened"`   // unreachable before, reachable now
	Appeared []Change `json:"appeared"` // not in the baseline
	Gone     []Change `json:"gone"`     // in the baseline, but its objects are no more
	Unclear  []Change `json:"unclear"`  // an error or unknown on either side
}

// Compare finds what differs between two matrices.
func Compare(before, after Matrix) Difference {
	old := make(map[Edge]Result, len(before.Edges))
	for _, r := range before.Edges {
		old[r.Edge] = r
	}
	var d Difference
	seen := make(map[Edge]bool, len(after.Edges))
	for _, now := range after.Edges {
		seen[now.Edge] = true
		was, known := old[now.Edge]
		d.add(was, now, known)
	}
	for _, was := range before.Edges {
		if !seen[was.Edge] {
			d.Gone = append(d.Gone, Change{Edge: was.Edge, Before: was.Outcome, Reason: was.Reason, Cause: was.Cause})
		}
	}
	for _, list := range [][]Change{d.Lost, d.Opened, d.Appeared, d.Gone, d.Unclear} {
		slices.SortFunc(list, func(a, b Change) int { return a.Edge.Compare(b.Edge) })
	}
	return d
}

func (d *Difference) add(was, now Result, known bool) {
	c := Change{Edge: now.Edge, Before: was.Outcome, After: now.Outcome, Reason: now.Reason, Cause: now.Cause}
	switch {
	case !known:
		d.Appeared = append(d.Appeared, c)
	case unclear(was.Outcome) || unclear(now.Outcome):
		d.Unclear = append(d.Unclear, c)
	case was.Outcome == Reachable && now.Outcome == Unreachable:
		d.Lost = append(d.Lost, c)
	case was.Outcome == Unreachable && now.Outcome == Reachable:
		d.Opened = append(d.Opened, c)
	}
}

func unclear(o Outcome) bool { return o != Reachable && o != Unreachable }
