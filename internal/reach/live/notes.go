package live

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/reach"
)

// leftOut tells of an edge that nobody declared and no probe can decide: as an error it
// would keep every change from passing, for ever. What was decided before stays, since
// something has become of it.
func (p *Prober) leftOut(e reach.Expectation, f finding) bool {
	_, decided := p.seen[e.Edge]
	return f.outcome == reach.Error && f.moot != "" && e.Want == reach.Unknown && !decided
}

// notesOf names the edges that are left out, those to one target for one reason in a line.
func (p *Prober) notesOf(edges []reach.Expectation, found []finding) []string {
	type group struct{ to, why string }
	sources := map[group][]string{}
	var order []group
	for i, e := range edges {
		if !p.leftOut(e, found[i]) {
			continue
		}
		g := group{e.To, found[i].moot}
		if e.Host+e.Path != "" {
			g.to += " (" + e.Host + e.Path + ")"
		}
		if sources[g] == nil {
			order = append(order, g)
		}
		sources[g] = append(sources[g], e.From)
	}
	var notes []string
	for _, g := range order {
		notes = append(notes, fmt.Sprintf("not probed: %s -> %s: %s (declare the edge to have it probed all the same)", few(sources[g]), g.to, g.why))
	}
	return notes
}

// caveatsOf are what readers should know of edges that count as reachable.
func caveatsOf(edges []reach.Expectation, found []finding) []string {
	var notes []string
	for i, e := range edges {
		if found[i].caveat != "" && found[i].outcome == reach.Reachable {
			notes = append(notes, fmt.Sprintf("%s: %s", e.Edge, found[i].caveat))
		}
	}
	return notes
}

const namedSources = 5

// few names the first of many.
func few(names []string) string {
	names = slices.Sorted(slices.Values(names))
	if more := len(names) - namedSources; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:namedSources], ", "), more)
	}
	return strings.Join(names, ", ")
}
