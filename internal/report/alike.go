package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/stagegate/stagegate/internal/change"
)

// manyAlike is how many objects of one kind are shown as one line, with the names of the
// first namesAlike, so that the others are not lost among them.
const (
	manyAlike  = 4
	namesAlike = 3
)

// alike groups the items that one line can stand for: many creations, or many updates, of
// one kind with the same risks. What is deleted always has a line of its own.
func alike(items []change.Item) [][]change.Item {
	var groups [][]change.Item
	for _, item := range items {
		same := func(g []change.Item) bool { return sameButName(g[0], item) }
		if i := slices.IndexFunc(groups, same); i >= 0 {
			groups[i] = append(groups[i], item)
			continue
		}
		groups = append(groups, []change.Item{item})
	}
	var out [][]change.Item
	for _, g := range groups {
		if len(g) >= manyAlike {
			out = append(out, g)
			continue
		}
		for _, item := range g {
			out = append(out, []change.Item{item})
		}
	}
	return out
}

func sameButName(a, b change.Item) bool {
	return a.Action == b.Action && (a.Action == change.Create || a.Action == change.Update) &&
		a.Address == "" && b.Address == "" && a.Object.Group == b.Object.Group && a.Object.Kind == b.Object.Kind &&
		slices.Equal(a.Risks, b.Risks)
}

// groupName is the name of a single item, or the kind and the first names of many.
func groupName(group []change.Item) string {
	if len(group) == 1 {
		return itemName(group[0])
	}
	kind, _, _ := strings.Cut(group[0].Object.String(), " ")
	var names []string
	for _, item := range group[:namesAlike] {
		_, name, _ := strings.Cut(item.Object.String(), " ")
		names = append(names, name)
	}
	return fmt.Sprintf("%d × %s: %s, … (-v shows all)", len(group), kind, strings.Join(names, ", "))
}

func objectsIn(groups [][]change.Item) int {
	n := 0
	for _, g := range groups {
		n += len(g)
	}
	return n
}
