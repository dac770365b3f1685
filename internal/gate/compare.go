package gate

import (
	"fmt"
	"maps"
	"slices"

	"github.com/stagegate/stagegate/internal/change"
)

// ComparePlans holds what a change would do in one environment against what was tested in
// another. Differences block; remarks do not. A resource that is there in one environment
// only is explained where its count or for_each reads a variable whose value differs.
// Parts whose plans list objects and no more are compared by which objects they have, and
// that is only remarked on: what an object does there is found out by probing.
func ComparePlans(tested, now []change.Summary) (differences, remarks []string) {
	if len(tested) != len(now) {
		return []string{fmt.Sprintf("%d parts were tested, and there are %d now", len(tested), len(now))}, nil
	}
	for i := range now {
		c := &comparison{tested: tested[i], now: now[i]}
		c.items()
		if now[i].Kind != change.Terraform {
			remarks = append(remarks, c.differences...)
			continue
		}
		c.provenance()
		differences = append(differences, c.differences...)
		remarks = append(remarks, c.remarks...)
	}
	return differences, remarks
}

// comparison is that of one part.
type comparison struct {
	tested, now          change.Summary
	differences, remarks []string
}

func (c *comparison) differ(format string, args ...any) {
	c.differences = append(c.differences, c.now.Part+": "+fmt.Sprintf(format, args...))
}

func (c *comparison) remark(format string, args ...any) {
	c.remarks = append(c.remarks, c.now.Part+": "+fmt.Sprintf(format, args...))
}

// notThere is the action of a resource that a plan does not have.
const notThere change.Action = ""

func (c *comparison) items() {
	tested, now := byAddress(c.tested), byAddress(c.now)
	all := maps.Clone(tested)
	maps.Copy(all, now)
	for _, address := range slices.Sorted(maps.Keys(all)) {
		c.item(address, tested[address], now[address])
	}
}

func byAddress(s change.Summary) map[string]change.SummaryItem {
	items := make(map[string]change.SummaryItem, len(s.Items))
	for _, i := range s.Items {
		items[i.Address] = i
	}
	return items
}

func (c *comparison) item(address string, tested, now change.SummaryItem) {
	if tested.Action == now.Action {
		return
	}
	existence := tested.Action == notThere || now.Action == notThere || tested.Action == change.Delete || now.Action == change.Delete
	if c.now.Kind != change.Terraform && !existence {
		return
	}
	if harmless(tested.Action, now.Action) {
		c.remark("%s: %s where it was tested, %s here", address, word(tested.Action), word(now.Action))
		return
	}
	if name := c.explains(slices.Concat(tested.Reads, now.Reads)); existence && name != "" {
		c.remark("%s: %s where it was tested, %s here, as variable %s has it", address, word(tested.Action), word(now.Action), name)
		return
	}
	c.differ("%s: %s where it was tested, %s here", address, word(tested.Action), word(now.Action))
}

// harmless is true where one environment has already what the other one gets, or where
// there is nothing to do here.
func harmless(tested, now change.Action) bool {
	gets := func(a change.Action) bool { return a == change.Create || a == change.Update }
	switch {
	case tested == change.Keep && gets(now), now == change.Keep && gets(tested):
		return true
	case tested == notThere && now == change.Keep, tested == change.Keep && now == notThere, tested == change.Delete && now == notThere:
		return true
	}
	return false
}

func word(a change.Action) string {
	if a == notThere {
		return "absent"
	}
	return string(a)
}

// explains is the first of the variables whose value differs; empty where none does.
func (c *comparison) explains(reads []string) string {
	slices.Sort(reads)
	for _, name := range reads {
		if c.tested.Variables[name] != c.now.Variables[name] {
			return name
		}
	}
	return ""
}

// provenance compares what the plans were made with.
func (c *comparison) provenance() {
	if c.tested.Tool != c.now.Tool {
		c.differ("planned by %s where it was tested, by %s here", c.tested.Tool, c.now.Tool)
	}
	different(c.tested.Providers, c.now.Providers, func(name, tested, now string) {
		c.differ("provider %s: %s where it was tested, %s here", name, orAbsent(tested), orAbsent(now))
	})
	different(c.tested.Modules, c.now.Modules, func(name string, tested, now change.Digest) {
		c.differ("module %s: content %s where it was tested, %s here", name, orAbsent(tested.Short()), orAbsent(now.Short()))
	})
}

func different[V comparable](a, b map[string]V, report func(name string, a, b V)) {
	all := maps.Clone(b)
	if all == nil {
		all = map[string]V{}
	}
	maps.Copy(all, a)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if a[name] != b[name] {
			report(name, a[name], b[name])
		}
	}
}

func orAbsent(s string) string {
	if s == "" {
		return "absent"
	}
	return s
}
