package model

import (
	"fmt"

	"github.com/stagegate/stagegate/internal/reach"
)

// spread decides whether every end gets through every door. Requests are balanced over
// all doors, and any pod of the source may send them: if one combination is cut, requests
// fail, so the edge is unreachable.
func (m *Model) spread(sources []end, doors []door, what string) finding {
	var cut, good, doubt finding
	cutDoors, cutPairs, doubts := 0, 0, 0
	for _, d := range doors {
		before := cutPairs
		for _, s := range sources {
			switch f := m.flow(s, d); f.outcome {
			case reach.Reachable:
				good = f
			case reach.Unreachable:
				if cutPairs++; cutPairs == 1 {
					cut = f
				}
			default:
				if doubts++; doubts == 1 {
					doubt = f
				}
			}
		}
		if cutPairs > before {
			cutDoors++
		}
	}
	switch {
	case cutPairs > 0:
		cut.reason = share(cutDoors, len(doors), cutPairs, len(sources), what) + cut.reason
		return cut
	case doubts > 0:
		return doubt
	}
	return good
}

// share says how much is cut, where it is not all.
func share(cutDoors, doors, cutPairs, sources int, what string) string {
	switch {
	case cutDoors < doors:
		return fmt.Sprintf("%d of %d %s cannot be reached: ", cutDoors, doors, what)
	case cutPairs < doors*sources:
		return fmt.Sprintf("not every one of the %d source pods gets through: ", sources)
	}
	return ""
}

// inOrder is the first finding that is not reachable, or all reasons together.
func inOrder(steps ...func() finding) finding {
	var reasons []string
	for _, step := range steps {
		f := step()
		if !f.ok() {
			return f
		}
		if len(reasons) == 0 || reasons[len(reasons)-1] != f.reason {
			reasons = append(reasons, f.reason)
		}
	}
	return finding{outcome: reach.Reachable, reason: joinReasons(reasons)}
}

func joinReasons(reasons []string) string {
	out := ""
	for _, r := range reasons {
		if r == "" || r == "no policy applies" && len(reasons) > 1 {
			continue
		}
		if out != "" {
			out += "; "
		}
		out += r
	}
	if out == "" && len(reasons) > 0 {
		return reasons[0]
	}
	return out
}
